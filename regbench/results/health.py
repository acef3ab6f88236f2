"""What a results folder holds, looked at without changing it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from regbench.config.load import study_from_mapping
from regbench.config.plan import Plan, make_plan
from regbench.results.csv_text import write_csv
from regbench.results.files import read
from regbench.results.pieces import Pieces
from regbench.results.planned import most_runs
from regbench.results.stacks import known_stacks, read_stacks
from regbench.results.store import read_facts
from regbench.results.tables import epochs_table, plan_table, runs_table

__all__ = ["Health", "examine", "recorded_plan"]


@dataclass(frozen=True)
class Health:
    """A results folder's state.

    Attributes:
        planned, done: runs of its plan, and how many of them are committed.
        pieces: committed stacks that are whole.
        damaged: a sentence for each committed stack that is not.
        stale: tables that are missing or are not what the committed stacks say.
    """

    planned: int
    done: int
    pieces: int
    damaged: tuple[str, ...]
    stale: tuple[str, ...]


def recorded_plan(folder: Path) -> Plan:
    """The plan that a results folder was last run with; its data need not be here.

    Raises:
        BadData: the folder holds none.
    """
    facts = read_facts(folder)
    study = study_from_mapping(facts["given"], max_runs=most_runs(folder))
    return make_plan(study, data=facts["data"])


def examine(folder: Path) -> Health:
    """Read every committed stack, and compare the tables made of them; gap.csv is not looked at.

    Raises:
        BadData: the folder holds no results, or the disk does not give them.
    """
    plan = recorded_plan(folder)
    pieces = Pieces(folder)
    damaged = [str(damage) for _, damage in pieces.read_new()]
    stack_of = {
        run: name
        for name, runs in known_stacks(read_stacks(folder), pieces.stack_of).items()
        for run in runs
    }
    tables = {
        "plan.csv": plan_table(plan, stack_of),
        "runs.csv": runs_table(plan, pieces.records),
        "epochs.csv": epochs_table(plan, pieces.records),
    }
    stale = [name for name, table in tables.items() if not _holds(folder / name, write_csv(*table))]
    done = sum(run.run_id in pieces.records for run in plan.runs)
    return Health(len(plan.runs), done, len(pieces.names), tuple(damaged), tuple(stale))


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and read(path) == content
