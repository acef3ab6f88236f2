"""How large a study a results folder can be about: it may come from anyone."""

from __future__ import annotations

from pathlib import Path

from regbench.config.bounds import MAX_RUNS
from regbench.results.stacks import read_stacks

__all__ = ["most_runs"]

# Points of a sweep for each setting that they come down to: far more than any study has.
_SAME = 100


def most_runs(folder: Path) -> int:
    """The `max_runs` for a folder's own study: larger than the default where more was planned.

    Raises:
        BadData: the folder's stacks cannot be understood.
    """
    planned = sum(len(runs) for runs in read_stacks(folder).values())
    return max(MAX_RUNS, _SAME * planned)
