"""What a results folder holds, looked at without changing it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from regbench.errors import BadData, RegbenchError, Unwritable
from regbench.results.files import read, there
from regbench.results.links import refuse_links
from regbench.results.lock import require_unlocked
from regbench.results.pieces import Pieces, stacks_folder
from regbench.results.place import may
from regbench.results.planned import recorded_plan
from regbench.results.stacks import known_stacks, read_stacks
from regbench.results.store import TABLES
from regbench.results.study_note import require_same_study
from regbench.results.tables import csv_files


@dataclass(frozen=True)
class Health:
    """A results folder's state.

    Attributes:
        planned, done: runs of its plan, and how many of them are committed.
        pieces: committed stacks that are whole.
        damaged: a sentence for each committed stack that is not.
        stale: tables that are missing or are not what the committed stacks say.
        changed: a sentence for each data set that is no longer what the runs were trained on.
        absent: one for each file that cannot be read now.
    """

    planned: int
    done: int
    pieces: int
    damaged: tuple[str, ...]
    stale: tuple[str, ...]
    changed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def examine(folder: Path) -> Health:
    """Read every committed stack, and compare the tables made of them; gap.csv and the data are not
    looked at.

    Raises:
        BadData: the folder holds no results, or the disk does not give them.
    """
    plan = recorded_plan(folder)
    pieces = Pieces(folder)
    damaged = [str(damage) for _, damage in pieces.read_new()]
    stacks = known_stacks(read_stacks(folder), pieces.stack_of)
    tables = csv_files(plan, pieces.records, stacks)
    stale = [name for name, content in tables if not holds(folder / name, content)]
    done = sum(run.run_id in pieces.records for run in plan.runs)
    return Health(len(plan.runs), done, len(pieces.names), tuple(damaged), tuple(stale))


def how_to_mend(folder: Path) -> str:
    """What makes a folder's tables anew; or why that cannot be done as things are."""
    command = f"regbench doctor {folder} --rebuild"
    try:
        _require_mendable(folder)
    except RegbenchError as error:
        return f"{command} cannot make it anew as things are: {str(error).splitlines()[0]}"
    return f"{command} makes it anew from what was trained"


def _require_mendable(folder: Path) -> None:
    """Go on if tables can be made anew here.

    Raises:
        BadStudy, BadData, FolderInUse, Unwritable: what stands against it.
    """
    refuse_links(folder)
    require_same_study(folder, recorded_plan(folder))
    pieces = Pieces(folder)
    if not [*pieces.read_new(), *pieces.names]:
        raise BadData(f"{stacks_folder(folder)}: nothing that was trained is left there")
    for each in (folder, folder / ".regbench", stacks_folder(folder)):
        if not may(each, os.W_OK | os.X_OK):
            raise Unwritable(f"{each}: cannot be written")
    for name in TABLES:
        if os.path.isdir(folder / name):
            raise Unwritable(f"{folder / name}: is a folder")
    require_unlocked(folder)


def holds(path: Path, content: bytes) -> bool:
    """Whether a file is there with just this content."""
    return there(path) and read(path) == content
