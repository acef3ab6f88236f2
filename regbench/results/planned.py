"""What a results folder was last run with: its study and its plan, which may come from anyone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from regbench.config.bounds import MAX_RUNS
from regbench.config.load import study_from_mapping
from regbench.config.plan import Plan, Study, make_plan
from regbench.config.speaks import Over, why_no_rows
from regbench.errors import BadData, BadStudy
from regbench.results.files import there
from regbench.results.pieces import Pieces
from regbench.results.runs import Runs, read_runs
from regbench.results.stacks import read_stacks
from regbench.results.study_note import note_path, read_facts

# Points of a sweep for each setting that they come down to: far more than any study has.
_SAME = 100


def recorded_study(folder: Path) -> Study:
    """The study of a results folder.

    Raises:
        BadData: the folder holds none, or it cannot be understood.
    """
    return _study(folder, read_facts(folder))


def read_judged(path: Path, asked: Over | None = None) -> tuple[Runs, Over]:
    """The runs of a folder or a table, and what intervals of them speak of.

    That is what is asked for, else what the folder's study says.

    Raises:
        BadData: there are none, or they are malformed; see `read_runs`.
        BadStudy: rows are asked for, and the study's runs share their split.
    """
    runs = read_runs(path)
    study = _asked_of(path, asked)
    if study is None and asked != "rows":
        return runs, "seeds"
    one_test = study.folded if study else frozenset()
    return replace(with_sizes(runs, path), one_test=one_test), "rows"


def with_sizes(runs: Runs, folder: Path) -> Runs:
    """The runs with the sizes of their parts, from a folder's stacks; a table has none."""
    if not folder.is_dir():
        return runs
    pieces = Pieces(folder)
    for _ in pieces.read_new():  # damage is for `doctor`: such runs have no sizes
        pass
    sizes = {run_id: record.sizes for run_id, record in pieces.records.items()}
    return replace(runs, sizes=sizes)


def _asked_of(path: Path, asked: Over | None) -> Study | None:
    """The study whose intervals are to speak of rows; None where they are not, or it is unknown."""
    if asked == "seeds" or not there(note_path(path)):
        return None
    facts = read_facts(path)
    if asked is None and facts["given"].get("interval") != "rows":
        return None
    study = _study(path, facts)
    reasons = (why_no_rows(cell.setting.dataset) for cell in study.cells)
    if why := next(filter(None, reasons), ""):
        raise BadStudy(f"--interval rows: {why}, so these runs say nothing of other rows")
    return study


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
