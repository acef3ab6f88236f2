"""Results that a command is to read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from regbench.errors import BadData

if TYPE_CHECKING:
    from regbench.config.speaks import Over
    from regbench.results.runs import Runs


def read_results(path: Path, interval: Over | None = None) -> tuple[Runs, Over]:
    """The runs of a results folder or a runs.csv, and what intervals of them speak of.

    Raises:
        BadData: there are none, or they are malformed.
        BadStudy: rows are asked for, and the runs share their split.
    """
    from regbench.results.planned import read_judged

    require_results(path)
    return read_judged(path, interval)


def require_results(path: Path) -> None:
    """Refuse a folder without a runs.csv, and what is not there.

    Raises:
        BadData: naming it.
    """
    from regbench.results.files import there

    if not os.path.exists(path):  # no error for a name too long
        raise BadData(f"{path}: there is no such file or folder: regbench run makes one")
    if os.path.isdir(path) and not there(path / "runs.csv"):
        raise BadData(f"{path}: holds no runs.csv: is it a results folder?")
