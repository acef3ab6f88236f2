"""Shards of one study into one folder, as if it had been run there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regbench.config.plan import Plan
from regbench.errors import BadData, BadStudy
from regbench.results.files import copy_durably, make_within, names
from regbench.results.links import refuse_links
from regbench.results.pieces import read_piece, stacks_folder
from regbench.results.planned import recorded_plan
from regbench.results.sealed import MOST_ARRAYS, Damaged
from regbench.results.stacks import read_stacks
from regbench.results.store import Store
from regbench.results.study_note import differing_keys, read_facts


@dataclass(frozen=True)
class Merged:
    """Shards brought together in an open store.

    Attributes:
        missing: planned runs that no shard holds.
    """

    store: Store
    plan: Plan
    missing: tuple[str, ...]


@contextmanager
def merged(folders: Sequence[Path], out: Path, *, overwrite: bool = False) -> Iterator[Merged]:
    """Copy the committed stacks, weights and predictions of all folders to `out`, and keep it open.

    Raises:
        BadData: a folder holds no results, those of another study, or runs that another one has.
        BadStudy: `out` is one of the folders, or holds another study's results.
    """
    if not folders:
        raise BadStudy("merge needs at least one results folder")
    if os.path.realpath(out) in map(os.path.realpath, folders):
        raise BadStudy(f"{out}: is one of the folders to merge: choose another with -o")
    for folder in folders:
        refuse_links(folder)
    facts = [read_facts(folder) for folder in folders]
    _require_one_study(folders, facts)
    stacks = _planned_stacks(folders)
    pieces = _pieces(folders)
    plan = recorded_plan(folders[0])
    with Store.open(out, plan, overwrite=overwrite) as store:
        store.record_stacks(stacks)
        place = make_within(out, ".regbench", "stacks")
        for piece in pieces:
            copy_durably(piece, place / piece.name, MOST_ARRAYS)
        for folder in folders:
            _take_over(folder, out)
        store.merge_provenance(folders)
        done = store.records()
        yield Merged(store, plan, tuple(r.run_id for r in plan.runs if r.run_id not in done))


def _take_over(folder: Path, out: Path) -> None:
    """What a shard has besides its stacks and its log: weights, predictions."""
    for kind in ("weights", "predictions"):
        if saved := names(folder / kind):
            place = make_within(out, kind)
            for name in saved:
                copy_durably(folder / kind / name, place / name, MOST_ARRAYS)


def _require_one_study(folders: Sequence[Path], facts: Sequence[Mapping[str, Any]]) -> None:
    for folder, other in zip(folders[1:], facts[1:], strict=True):
        changed = differing_keys(facts[0], other, all_keys=True)
        if changed:
            raise BadData(
                f"{folder}: is no shard of the study in {folders[0]}: {'; '.join(changed)}"
            )


def _planned_stacks(folders: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    stacks = read_stacks(folders[0])
    for folder in folders[1:]:
        if read_stacks(folder) != stacks:
            raise BadData(
                f"{folder}: stacked the study otherwise than {folders[0]} (for another kind of "
                "device, or with other runs done before): its shards do not fit together"
            )
    return stacks


def _pieces(folders: Sequence[Path]) -> list[Path]:
    """The committed stacks of all folders, after looking into each."""
    owner: dict[str, Path] = {}
    pieces = []
    for folder in folders:
        for name in names(stacks_folder(folder), ".safetensors"):
            path = stacks_folder(folder) / name
            try:
                records = read_piece(path)
            except Damaged as damage:
                raise BadData(f"{damage}: run that shard again, which replaces it") from damage
            for record in records:
                first = owner.setdefault(record.run_id, folder)
                if first != folder:
                    raise BadData(
                        f"{folder}: holds run {record.run_id}, which {first} holds too: "
                        "shards must not overlap"
                    )
            pieces.append(path)
    return pieces
