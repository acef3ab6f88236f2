"""A study's results folder: one writer, committed stacks, tables made from them."""

from __future__ import annotations

import fnmatch
import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from types import TracebackType

from filelock import FileLock

from regbench.config.plan import Plan
from regbench.config.yaml_text import dump_yaml
from regbench.errors import BadData, BadStudy, RegbenchError, Unwritable
from regbench.results import checkpoints
from regbench.results.arrays import save_predictions, save_weights
from regbench.results.files import (
    MOST_LIST,
    MOST_LOG,
    MOST_NOTE,
    append_lines,
    is_damage,
    keep_folder,
    make_folder,
    names,
    opened,
    read,
    remove,
    remove_leftovers,
    require_space,
    set_aside,
    there,
    write_atomic,
    write_note,
)
from regbench.results.links import refuse_links
from regbench.results.lock import take_lock
from regbench.results.pieces import Pieces, commit, stacks_folder
from regbench.results.place import Place
from regbench.results.proof import note_table
from regbench.results.records import RunRecord, Status
from regbench.results.sealed import Arrays
from regbench.results.stacks import known_stacks, read_stacks, stacks_path
from regbench.results.study_note import facts_of, note_path, require_same_study
from regbench.results.tables import csv_files

# Written whole, and made anew at any time.
TABLES = ("study.yaml", "plan.csv", "runs.csv", "epochs.csv", "gap.csv", "gap.md")
_LOG = "provenance.jsonl"
_OWN_PATTERNS = (
    _LOG,
    "weights/r????????????.safetensors",
    "predictions/r????????????.npz",
    ".regbench/stacks/*",
    ".regbench/checkpoints/*",
    ".regbench/*.json*",
)
# Where files are written whole, beside their place.
_FOLDERS = ("", ".regbench", ".regbench/stacks", ".regbench/checkpoints", "weights", "predictions")


class Store:
    """The one writer of a results folder; use it as a context manager.

    Attributes:
        place: the folder as it was opened, by which it is known.
        warnings: what was found damaged and set aside.
    """

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder = folder
        self.place = Place.of(folder)
        self.warnings: list[str] = []
        self._lock = lock
        self._pieces = Pieces(folder)

    @classmethod
    def open(cls, folder: Path, plan: Plan, *, overwrite: bool = False) -> Store:
        """Make or take up the folder for this plan, and lock it.

        Raises:
            FolderInUse: another regbench is writing it.
            BadStudy: it holds the results of another study.
            BadData: a link in it leads elsewhere.
            Unwritable: it cannot be written.
        """
        refuse_links(folder)
        make_folder(folder / ".regbench")
        lock = take_lock(folder)
        store = cls(folder, lock)
        try:
            store._take_up(plan, overwrite)
        except BaseException as error:
            store.__exit__(type(error), error, error.__traceback__)
            raise
        return store

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Unlock it. Whatever a folder that is gone has brought about, it is that which is said.

        Raises:
            Unwritable: the folder is no longer the one that was opened.
        """
        try:
            if error is None:
                self.require_committed(())
        except RegbenchError as late:
            error = late
            raise
        finally:
            trouble = self.place.trouble()
            self._lock.release()
            if trouble is not None and (error is None or isinstance(error, RegbenchError)):
                raise Unwritable(trouble) from error

    def _take_up(self, plan: Plan, overwrite: bool) -> None:
        self._protect(plan)
        if overwrite:
            self._clear()
        remove_leftovers(self.folder / name for name in _FOLDERS)
        # A command that was killed between making a name and flushing it has left what could still
        # be lost; from here on it is relied on.
        for each in (self.folder, stacks_folder(self.folder)):
            keep_folder(each)
        known = note_path(self.folder)
        if there(known):
            try:
                require_same_study(self.folder, plan)
            except BadStudy:
                if self._holds_work():
                    raise
                self._clear()  # a first run that came to nothing, often because of its data
        if there(log := self.folder / _LOG):
            with opened(log, MOST_LOG):  # else what has been trained could not be noted
                pass
        write_note(known, facts_of(plan))
        self._check_note_of_stacks()
        write_atomic(self.folder / "study.yaml", _study_yaml(plan))

    def _holds_work(self) -> bool:
        """Whether some run was trained here, wholly or in part."""
        folders = stacks_folder(self.folder), self.folder / ".regbench" / "checkpoints"
        return any(names(folder) for folder in folders)

    def _check_note_of_stacks(self) -> None:
        """Put the note aside if it is damaged: committed stacks tell what it said of them."""
        try:
            read_stacks(self.folder)
        except BadData as error:
            if not is_damage(error):
                raise
            aside = set_aside(stacks_path(self.folder))
            self.warnings.append(f"{error}; set aside as {aside.name}, and made anew")

    def _protect(self, plan: Plan) -> None:
        """Refuse to replace what regbench has not written."""
        mine = self.folder / "study.yaml"
        source = Path(plan.study.source)
        if all(map(os.path.exists, (mine, source))) and os.path.samefile(mine, source):
            raise BadStudy(
                f"{self.folder}: its study.yaml is the study itself, which the results would "
                "replace: choose another folder with -o"
            )
        known = there(note_path(self.folder))
        if not known and there(mine):  # without its inside, it is known by what it is about
            known = read(mine, MOST_NOTE) == _study_yaml(plan)
        others = [name for name in TABLES if there(self.folder / name)]
        if others and not known:
            raise BadStudy(
                f"{self.folder}: holds a {others[0]} that is not regbench's: choose another folder "
                "with -o"
            )

    def _clear(self) -> None:
        """Remove what regbench writes, and nothing else."""
        for pattern in map(PurePath, (*TABLES, *_OWN_PATTERNS)):
            place = self.folder / pattern.parent
            found = fnmatch.filter(names(place), pattern.name)
            remove(place / name for name in found if name != "owner.json")

    def records(self) -> Mapping[str, RunRecord]:
        """Every committed run by id; a damaged piece is set aside, and its runs are not done."""
        for path, damage in self._pieces.read_new():
            aside = set_aside(path)
            self.warnings.append(f"{damage}; set aside as {aside.name}, its runs train again")
        return self._pieces.records

    def known_stacks(self) -> dict[str, tuple[str, ...]]:
        """The stacks planned so far, by id, with their runs; of `records`, if the note is lost."""
        return known_stacks(read_stacks(self.folder), self._pieces.stack_of)

    @property
    def has_note_of_stacks(self) -> bool:
        """Whether the planned stacks were noted; else only committed ones are known."""
        return there(stacks_path(self.folder))

    def record_stacks(self, stacks: Mapping[str, Sequence[str]]) -> None:
        """Remember which runs a new stack is for, before it trains."""
        if stacks:
            known = {name: list(runs) for name, runs in {**self.known_stacks(), **stacks}.items()}
            write_note(stacks_path(self.folder), known, MOST_LIST)

    def commit(
        self,
        stack_id: str,
        records: Sequence[RunRecord],
        weights: Mapping[str, Arrays],
        predictions: Mapping[str, Arrays],
    ) -> None:
        """Keep a trained stack: when this returns, all of it is on the disk and whole.

        Args:
            weights, predictions: of runs by id, which may have none.
        Raises:
            Unwritable: the folder is full, read-only, or no longer the one that was opened.
        """
        self.place.require()
        for run_id, arrays in weights.items():
            if arrays:
                save_weights(self.folder, run_id, arrays)
        for run_id, arrays in predictions.items():
            if arrays:
                save_predictions(self.folder, run_id, arrays)
        self.place.require()
        commit(self.folder, stack_id, records)
        self.place.require()
        checkpoints.discard(self.folder, stack_id)

    def add_provenance(self, facts: Mapping[str, object]) -> None:
        """Note what may differ between identical results: times, versions, machine."""
        append_lines(self.folder / _LOG, [_note(facts)], MOST_LOG)

    def merge_provenance(self, folders: Sequence[Path]) -> None:
        """Add what other folders have noted and this one does not hold yet."""
        own = set(_log(self.folder))
        new = []
        for folder in folders:
            new.append(_note({"event": "merged", "from": str(folder)}))
            new += [line for line in _log(folder) if line not in own]
        append_lines(self.folder / _LOG, new, MOST_LOG)

    def write_tables(self, plan: Plan) -> None:
        """Write plan.csv, runs.csv and epochs.csv anew from the committed stacks."""
        self.place.require()  # before its committed stacks are looked for
        records = self.records()
        for name, content in csv_files(plan, records, self.known_stacks()):
            self.write_file(name, content)

    def write_file(self, name: str, content: bytes) -> None:
        """Write one file, whole."""
        note_table(self.folder, name, content)
        # Another folder that has come in the place of this one is left as it is.
        write_atomic(self.folder / name, content, self.place.require)

    def require_space(self, needed: int) -> None:
        """Go on if the folder has room for so many bytes more.

        Raises:
            Unwritable: it has not; with what is needed and what is free.
        """
        # Tables are written anew beside those that are there.
        tables = [path for name in TABLES if there(path := self.folder / name)]
        require_space(self.folder, needed + sum(path.lstat().st_size for path in tables))

    def require_committed(self, run_ids: Iterable[str]) -> None:
        """Go on if the committed stacks that hold these runs are still there.

        Raises:
            Unwritable: some were removed since.
        """
        self.place.require()
        lost = self._pieces.names - set(names(stacks_folder(self.folder)))
        if lost or not set(run_ids) <= self.records().keys():
            raise Unwritable(
                f"{stacks_folder(self.folder)}: committed stacks were removed meanwhile; the same "
                "command trains them again"
            )

    def statuses(self, plan: Plan) -> list[Status]:
        """How the plan's runs ended, as far as they are done."""
        records = self.records()
        return [records[run.run_id].status for run in plan.runs if run.run_id in records]


def _study_yaml(plan: Plan) -> bytes:
    return dump_yaml(plan.study.resolved()).encode()


def _note(facts: Mapping[str, object]) -> str:
    stamp = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    return json.dumps(stamp | dict(facts))


def _log(folder: Path) -> list[str]:
    """The lines of a folder's provenance.jsonl."""
    log = folder / _LOG
    return read(log, MOST_LOG).decode("utf-8", "replace").splitlines() if there(log) else []
