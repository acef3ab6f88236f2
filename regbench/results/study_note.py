"""`.regbench/study.json`: which study a results folder holds, and whether this is the same one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regbench.config.plan import Plan
from regbench.errors import BadStudy
from regbench.results.files import read_note

# What folders from before they noted it were computed by.
_FIRST_NOTED = 2


def note_path(folder: Path) -> Path:
    """Where the note lies."""
    return folder / ".regbench" / "study.json"


def require_same_study(folder: Path, plan: Plan) -> None:
    """Go on if a folder holds the results of this study, by the same numerics.

    Raises:
        BadStudy: it holds another's; with the keys that differ.
        BadData: what it holds cannot be understood.
    """
    old, new = read_facts(folder), facts_of(plan)
    versions = old["numerics_version"], new["numerics_version"]
    if versions[0] != versions[1]:
        raise BadStudy(
            f"{folder}: was computed by numerics version {versions[0]}, and this regbench "
            f"computes version {versions[1]}: choose another folder with -o, or replace the "
            "results with --overwrite (show, compare, report and check still read them)"
        )
    before, now = (facts["study"].get("metrics", []) for facts in (old, new))
    if set(before) != set(now):
        raise BadStudy(
            f"{folder}: its runs were scored with metrics: [{', '.join(before)}], and this study "
            f"asks for [{', '.join(now)}]: ask for the same, choose another folder with -o, or "
            "train again with --overwrite"
        )
    changed = differing_keys(old, new)
    if changed:
        raise BadStudy(
            f"{folder}: holds the results of another study ({'; '.join(changed)}): choose "
            "another folder with -o, or replace them with --overwrite"
        )


def read_facts(folder: Path) -> dict[str, Any]:
    """What a results folder knows: its `study` in full, as it was `given` and the `folder` that
    this came from, the fingerprints of its `data`, and the `numerics_version` of its runs.

    Raises:
        BadData: there is nothing of the kind.
    """

    def facts(found: Any) -> dict[str, Any]:
        found = {"folder": "", "numerics_version": _FIRST_NOTED} | found
        kinds = {"study": dict, "given": dict, "data": dict, "folder": str, "numerics_version": int}
        fingerprints = found["data"].values()
        if not (
            all(type(found[key]) is kind for key, kind in kinds.items())
            and all(isinstance(each, str) for each in fingerprints)
        ):
            raise TypeError("not what regbench writes")
        return dict(found)

    return read_note(note_path(folder), facts)


def differing_keys(
    old: Mapping[str, Any], new: Mapping[str, Any], *, all_keys: bool = False
) -> list[str]:
    """`key: old -> new` for what must not change but did; with `all_keys`, for all of the study."""
    before, now = _leaves(old["study"]), _leaves(new["study"])
    contents = [
        f"content of {origin}: {content:.12} -> {new['data'][origin]:.12}"
        for origin, content in old["data"].items()
        if new["data"].get(origin, content) != content  # others come and go with the sweep
    ]
    if all_keys:
        before["numerics version"] = old["numerics_version"]
        now["numerics version"] = new["numerics_version"]
    may_change = ["schema_version", "training.device"]
    may_change += [] if all_keys else ["sweep", "seeds", "expect", "metrics"]
    keys = [
        f"{key}: {before.get(key)} -> {now.get(key)}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key) and not key.startswith(tuple(may_change))
    ]
    return keys + contents


def facts_of(plan: Plan) -> dict[str, Any]:
    """What `read_facts` gives of a folder of this plan."""
    study = plan.study
    rest = {"seeds": list(study.seeds), "sweep": study.sweep, "expect": list(study.expect)}
    if study.metrics:
        rest["metrics"] = list(study.metrics)
    return {
        "study": {**study.fixed(), **rest},
        "given": study.given,
        "folder": os.path.abspath(study.folder),
        "data": plan.data,
        "numerics_version": plan.version,
    }


def _leaves(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            leaves |= _leaves(value, f"{prefix}{key}.")
        else:
            leaves[f"{prefix}{key}"] = value
    return leaves
