"""What a results folder was last run with: its study and its plan, which may come from anyone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regbench.config.bounds import MAX_RUNS
from regbench.config.load import study_from_mapping
from regbench.config.plan import Plan, Study, make_plan
from regbench.config.speaks import Over, why_no_rows
from regbench.errors import BadStudy
from regbench.results.stacks import read_stacks
from regbench.results.store import read_facts

__all__ = ["interval_of", "recorded_plan", "recorded_study"]

# Points of a sweep for each setting that they come down to: far more than any study has.
_SAME = 100


def recorded_study(folder: Path) -> Study:
    """The study of a results folder.

    Raises:
        BadData: the folder holds none, or it cannot be understood.
    """
    return _study(folder, read_facts(folder))


def interval_of(path: Path, asked: Over | None = None) -> Over:
    """What the intervals of a results folder speak of: what is asked for, else what its study says.

    Of a table alone only what is asked for is known.

    Raises:
        BadStudy: rows are asked for, and the study's runs share their split.
    """
    if not (path / ".regbench" / "study.json").exists():
        return asked or "seeds"
    facts = read_facts(path)
    if asked == "seeds" or (asked is None and "interval" not in facts["given"]):
        return "seeds"
    study = _study(path, facts)
    if asked == "rows":
        reasons = (why_no_rows(cell.setting.dataset) for cell in study.cells)
        if why := next(filter(None, reasons), ""):
            raise BadStudy(f"--interval rows: {why}, so these runs say nothing of other rows")
    return asked or study.interval


def recorded_plan(folder: Path) -> Plan:
    """The plan of a results folder; its data need not be here.

    Raises:
        BadData: the folder holds none, or it cannot be understood.
    """
    facts = read_facts(folder)
    return make_plan(_study(folder, facts), data=facts["data"])


def _study(folder: Path, facts: Mapping[str, Any]) -> Study:
    # A study may be larger than the default allows where more was planned.
    planned = sum(len(runs) for runs in read_stacks(folder).values())
    return study_from_mapping(facts["given"], max_runs=max(MAX_RUNS, _SAME * planned))
