"""A study's results folder: one writer, committed stacks, tables made from them."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from filelock import FileLock, Timeout

from regbench.config.identity import fingerprint
from regbench.config.plan import Plan
from regbench.errors import BadData, BadStudy, FolderInUse, Unwritable
from regbench.results.csv_text import write_csv
from regbench.results.files import append_line, make_folder, remove, set_aside, write_atomic
from regbench.results.pieces import DamagedPiece, read_piece, stacks_folder
from regbench.results.records import RunRecord, Status
from regbench.results.tables import Table, epochs_table, plan_table, runs_table

__all__ = ["Store"]

# What a study may change while its results stay: which cells and seeds it has, what it claims, and
# where it trains.
_MAY_CHANGE = ("schema_version", "sweep", "seeds", "expect", "training.device", "training.threads")
_OWN_FILES = ("study.yaml", "plan.csv", "runs.csv", "epochs.csv", "gap.csv", "gap.md")
_OWN_PATTERNS = (
    "provenance.jsonl",
    "weights/r????????????.safetensors",
    "predictions/r????????????.npz",
    ".regbench/stacks/*",
    ".regbench/*.json",
)


class Store:
    """The one writer of a results folder; use it as a context manager.

    Attributes:
        warnings: what was found damaged and set aside.
    """

    def __init__(self, folder: Path, lock: FileLock) -> None:
        self.folder = folder
        self.warnings: list[str] = []
        self._lock = lock
        self._records: dict[str, RunRecord] = {}
        self._pieces_read: set[str] = set()

    @classmethod
    def open(cls, folder: Path, plan: Plan, *, overwrite: bool = False) -> Store:
        """Make or take up the folder for this plan, and lock it.

        Raises:
            FolderInUse: another regbench is writing it.
            BadStudy: it holds the results of another study.
            Unwritable: it cannot be written.
        """
        make_folder(folder / ".regbench")
        lock = FileLock(folder / ".regbench" / "lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise FolderInUse(f"{folder}: {_owner(folder)} is writing this folder") from None
        except OSError as error:
            raise Unwritable(f"{folder}: cannot be written: {error.strerror}") from error
        store = cls(folder, lock)
        try:
            store._take_up(plan, overwrite)
        except BaseException:
            lock.release()
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
        self._lock.release()

    def _take_up(self, plan: Plan, overwrite: bool) -> None:
        owner = {"host": socket.gethostname(), "pid": os.getpid()}
        write_atomic(self.folder / ".regbench" / "owner.json", json.dumps(owner).encode())
        if overwrite:
            self._clear()
        content = plan.study.resolved() | {"data": _data(plan)}
        known = self.folder / ".regbench" / "study.json"
        if known.exists():
            self._refuse_other(json.loads(known.read_text(encoding="utf-8")), content)
        elif any((self.folder / name).exists() for name in _OWN_FILES):
            raise BadStudy(
                f"{self.folder}: holds results of something else: choose another folder with -o, "
                "or replace them with --overwrite"
            )
        write_atomic(known, json.dumps(content).encode())
        text = yaml.safe_dump(plan.study.resolved(), sort_keys=False, allow_unicode=True)
        write_atomic(self.folder / "study.yaml", text.encode())

    def _refuse_other(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        before, now = _leaves(old), _leaves(new)
        changed = sorted(
            key
            for key in before.keys() | now.keys()
            if before.get(key) != now.get(key) and not key.startswith(_MAY_CHANGE)
        )
        if changed:
            listed = "; ".join(f"{key}: {before.get(key)} -> {now.get(key)}" for key in changed)
            raise BadStudy(
                f"{self.folder}: holds the results of another study ({listed}): choose another "
                "folder with -o, or replace them with --overwrite"
            )

    def _clear(self) -> None:
        """Remove what regbench writes, and nothing else."""
        for pattern in (*_OWN_FILES, *_OWN_PATTERNS):
            for path in self.folder.glob(pattern):
                if path.name != "owner.json":
                    remove(path)

    def records(self) -> Mapping[str, RunRecord]:
        """Every committed run by id; a damaged piece is set aside, and its runs are not done."""
        for path in sorted(stacks_folder(self.folder).glob("*.safetensors")):
            if path.name in self._pieces_read:
                continue
            try:
                self._records |= {record.run_id: record for record in read_piece(path)}
                self._pieces_read.add(path.name)
            except DamagedPiece as damage:
                aside = set_aside(path)
                self.warnings.append(f"{damage}; set aside as {aside.name}, its runs train again")
        return self._records

    def known_stacks(self) -> dict[str, tuple[str, ...]]:
        """The stacks planned so far, by id, with their runs."""
        path = self.folder / ".regbench" / "stacks.json"
        if not path.exists():
            return {}
        try:
            stacks = json.loads(path.read_text(encoding="utf-8"))
            return {str(name): tuple(map(str, runs)) for name, runs in stacks.items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise BadData(f"{path}: cannot be understood: {error}") from error

    def record_stacks(self, stacks: Mapping[str, Sequence[str]]) -> None:
        """Remember which runs a new stack is for, before it trains."""
        if stacks:
            known = {name: list(runs) for name, runs in {**self.known_stacks(), **stacks}.items()}
            write_atomic(self.folder / ".regbench" / "stacks.json", json.dumps(known).encode())

    def add_provenance(self, facts: Mapping[str, object]) -> None:
        """Note what may differ between identical results: times, versions, machine."""
        stamp = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        append_line(self.folder / "provenance.jsonl", json.dumps(stamp | dict(facts)))

    def write_tables(self, plan: Plan) -> None:
        """Write plan.csv, runs.csv and epochs.csv anew from the committed stacks."""
        records = self.records()
        stack_of = {run: name for name, runs in self.known_stacks().items() for run in runs}
        self.write_table("plan.csv", plan_table(plan, stack_of))
        self.write_table("runs.csv", runs_table(plan, records))
        self.write_table("epochs.csv", epochs_table(plan, records))

    def write_table(self, name: str, table: Table) -> None:
        """Write one CSV file, whole."""
        write_atomic(self.folder / name, write_csv(*table))

    def write_text(self, name: str, text: str) -> None:
        """Write one text file, whole."""
        write_atomic(self.folder / name, text.encode())

    def statuses(self, plan: Plan) -> list[Status]:
        """How the plan's runs ended, as far as they are done."""
        records = self.records()
        return [records[run.run_id].status for run in plan.runs if run.run_id in records]


def _owner(folder: Path) -> str:
    try:
        owner = json.loads((folder / ".regbench" / "owner.json").read_text(encoding="utf-8"))
        return f"process {owner['pid']} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another regbench"


def _data(plan: Plan) -> str:
    return fingerprint(plan.study.base.dataset, plan.study.folder)


def _leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            leaves |= _leaves(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves
