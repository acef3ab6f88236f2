"""What a results folder was last run with: its study and its plan, which may come from anyone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regbench.config.bounds import MAX_RUNS
from regbench.config.load import study_from_mapping
from regbench.config.plan import Plan, Study, make_plan
from regbench.errors import BadData
from regbench.results.stacks import read_stacks
from regbench.results.store import read_facts

__all__ = ["recorded_plan", "recorded_study"]

# Points of a sweep for each setting that they come down to: far more than any study has.
_SAME = 100


def recorded_study(folder: Path) -> Study:
    """The study of a results folder.

    Raises:
        BadData: the folder holds none, or it cannot be understood.
    """
    return _study(folder, read_facts(folder))


def recorded_plan(folder: Path) -> Plan:
    """The plan of a results folder, its run ids by the numerics that computed it; its data need not
    be here.

    Raises:
        BadData: the folder holds none, or it cannot be understood.
    """
    facts = read_facts(folder)
    try:
        return make_plan(_study(folder, facts), facts["data"], facts["numerics_version"])
    except KeyError as error:
        raise BadData(f"{folder}: has no note of what {error} held: is it damaged?") from error


def _study(folder: Path, facts: Mapping[str, Any]) -> Study:
    # A study may be larger than the default allows where more was planned.
    planned = sum(len(runs) for runs in read_stacks(folder).values())
    where, most = Path(facts["folder"]), max(MAX_RUNS, _SAME * planned)
    # On another machine, or moved; fingerprints tell whether data are these.
    if not os.path.isdir(where):
        where = Path()
    return study_from_mapping(facts["given"], folder=where, max_runs=most)
