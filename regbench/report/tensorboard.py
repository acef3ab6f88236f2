"""epochs.csv as event files that TensorBoard opens, one folder a run.

The package `tensorboard` (the extra of that name) makes the records; regbench writes the files as
it writes all others. The same results give the same bytes: an event's wall time is its epoch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

from regbench.errors import BadStudy

if TYPE_CHECKING:
    import pandas as pd


_NAME = "events.out.tfevents.regbench"
_PARTS = ("train", "val", "test")
_FACTS = ("run_id", "cell", "seed", "epoch")


def require_tensorboard() -> None:
    """Say how to get the package, where it is missing.

    Raises:
        BadStudy: it is not installed.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        version("tensorboard")
    except PackageNotFoundError:
        raise BadStudy(
            "--log-dir needs the package tensorboard: pip install 'regbench[tensorboard]'"
        ) from None


def event_files(epochs: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """Path below the log folder and content of each run's event file.

    Args:
        epochs: epochs.csv.
    """
    columns = [name for name in epochs.columns if name not in _FACTS]
    for (run_id, cell, seed), rows in epochs.groupby(["run_id", "cell", "seed"], sort=False):
        # A cell's name may hold what no file's name can; the id keeps apart what then looks alike.
        readable = re.sub(r"[^\w.+=-]+", "_", str(cell), flags=re.ASCII)[:80]
        yield f"{readable}/seed{seed}-{run_id}/{_NAME}", _events(rows, columns)


def _events(rows: pd.DataFrame, columns: list[str]) -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    content = BytesIO()
    writer = RecordWriter(content)
    writer.write(Event(wall_time=0.0, file_version="brain.Event:2").SerializeToString())
    for row in rows.to_dict("records"):
        epoch = int(row["epoch"])
        values = [
            Summary.Value(tag=_tag(name), simple_value=row[name])
            for name in columns
            if row[name] == row[name]  # not NaN: an epoch without scores
        ]
        event = Event(wall_time=float(epoch), step=epoch, summary=Summary(value=values))
        writer.write(event.SerializeToString())
    return content.getvalue()


def _tag(column: str) -> str:
    """TensorBoard groups by what stands before the stroke.

    >>> _tag("val_loss"), _tag("lr")
    ('loss/val', 'lr')
    """
    part, _, score = column.partition("_")
    return f"{score}/{part}" if part in _PARTS else column
