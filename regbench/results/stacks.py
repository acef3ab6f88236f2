"""Which runs a stack is for: noted before it trains, and told by what is committed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from regbench.results.files import MOST_LIST, read_note, there


def stacks_path(folder: Path) -> Path:
    """Where a results folder notes its stacks."""
    return folder / ".regbench" / "stacks.json"


def read_stacks(folder: Path) -> dict[str, tuple[str, ...]]:
    """The stacks that a results folder has planned so far, by id, with their runs.

    Raises:
        BadData: they cannot be understood.
    """
    path = stacks_path(folder)
    if not there(path):
        return {}
    return read_note(
        path,
        lambda stacks: {str(name): tuple(map(str, runs)) for name, runs in stacks.items()},
        MOST_LIST,
    )


def known_stacks(
    noted: Mapping[str, Sequence[str]], committed: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """The stacks that were noted, and those of committed runs whose note is lost.

    Args:
        committed: run ids to the stack that trained them.

    >>> known_stacks({"s0002": ["r3"]}, {"r1": "s0001", "r3": "s0002", "r2": "s0001"})
    {'s0002': ('r3',), 's0001': ('r1', 'r2')}
    """
    known = {name: list(runs) for name, runs in noted.items()}
    in_a_note = {run for runs in noted.values() for run in runs}
    for run, name in committed.items():
        if run not in in_a_note:
            known.setdefault(name, []).append(run)
    return {name: tuple(runs) for name, runs in known.items()}
