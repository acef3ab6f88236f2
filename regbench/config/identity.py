"""When two settings are the same, and what a run is called.

Two settings are the same if no number they can produce differs: a strength of zero equals its
absence, a list of equal strengths equals the number, and where a run is trained does not matter.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from regbench.config.blocks.regularizer import SWITCHES, Options, Regularizer
from regbench.config.blocks.training import Training
from regbench.config.schema import Setting
from regbench.vocabulary.regularizers import KINDS

# Bumped by hand whenever the numbers that a setting gives change.
NUMERICS_VERSION = 3

BLOCKS = ("dataset", "model", "regularizer", "optimizer", "training")

# Keys that came later: at these values a run is what it was before there were such keys.
_LATER = {
    **{"folds": None, "groups": None, "time": None, "layout": None, "shuffled": False},
    **{"max_categories": None, "row_names": None, "quote": '"'},
}

# Keys of `training`: where and how a run is carried out, and what else it writes; not what it is.
EXECUTION = ("device", "threads", "save_weights", "save_predictions")
EXECUTION_KEYS = tuple(f"training.{key}" for key in EXECUTION)


def canonical(block: Any) -> dict[str, Any]:
    """One block of a setting as plain values, the same for the same content.

    >>> canonical(Regularizer(l1=0.0, l2=(0.1, 0.1), dropout=0.5))
    {'l2': 0.1, 'dropout': 0.5}
    >>> canonical(Regularizer(early_stopping=True))
    {'early_stopping': {'patience': 10}}
    """
    if isinstance(block, Regularizer):
        return _canonical_regularizer(block)
    values: dict[str, Any] = block.plain_values()
    if isinstance(block, Training):
        values["class_weight"] = _canonical_weights(block.class_weight)
        plain = {key: value for key, value in values.items() if key not in EXECUTION}
        return {key: value for key, value in plain.items() if value is not None}
    for key in block.places:
        del values[key]
    for key, absent in _LATER.items():
        if values.get(key, ...) == absent:
            del values[key]
    schedule = values.get("schedule")
    if schedule == {"name": "constant", "warmup_epochs": 0}:
        del values["schedule"]
    return values


def _canonical_regularizer(regularizer: Regularizer) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key in type(regularizer).model_fields:
        value = getattr(regularizer, key)
        if isinstance(value, tuple) and len(set(value)) == 1:
            value = value[0]
        if isinstance(value, tuple):
            value = list(value)
        elif isinstance(value, Options):
            value = None if value.off else value.canonical()
        if value not in (None, 0.0) or isinstance(value, Mapping):
            result[key] = value
    if "l1" not in result or result["l1_method"] == "proximal":
        del result["l1_method"]
    return result


def _canonical_weights(weights: Any) -> Any:
    """Weights of 1 are none."""
    if not isinstance(weights, Mapping):
        return weights
    return {name: weight for name, weight in sorted(weights.items()) if weight != 1} or None


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def cell_digest(setting: Setting, data: str, version: int, module: str = "") -> bytes:
    """A hash of all that decides the runs of a setting: on data of this fingerprint, computed by
    this version of the numerics, with the user's own module of this identity.
    """
    content = {name: canonical(getattr(setting, name)) for name in BLOCKS}
    if module:
        content["model"]["module"] = module
    return hashlib.sha256(_json([version, data, content]).encode()).digest()


def run_id(digest: bytes, seed: int) -> str:
    """`r` and twelve hex digits.

    >>> run_id(b"cell", 0)
    'rb00505e840ae'
    """
    return "r" + hashlib.sha256(digest + seed.to_bytes(8, "little")).hexdigest()[:12]


def trajectory_key(setting: Setting, data: str) -> str:
    """What two settings share if they differ in their readings only, on the same data."""
    content = {name: canonical(getattr(setting, name)) for name in BLOCKS}
    for kind in KINDS.values():
        if kind.acts_on == "reading":
            content["regularizer"].pop(kind.key, None)
    # What a run saves, its readers save too.
    training = setting.training
    return _json([data, content, training.save_weights, training.save_predictions])


def short(value: Any) -> str:
    """A value as a label: scalars in shortest form, `48x48`, `l1=0.001+dropout=0.5`, `none`.

    >>> short(1e-3), short([48, 48]), short({"l1": 0.001, "dropout": 0.5}), short({}), short(True)
    ('0.001', '48x48', 'l1=0.001+dropout=0.5', 'none', 'true')
    >>> short({"name": "mlp", "hidden": [8]}), short({"early_stopping": {"patience": 3}})
    ('mlp+hidden=8', 'early_stopping.patience=3')
    """
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "x".join(short(item) for item in value)
    if isinstance(value, Mapping):
        parts = [
            key if item is True else short(item) if key == "name" else f"{key}={short(item)}"
            for key, item in flat(value).items()
        ]
        return "+".join(parts) or "none"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as dotted keys; an empty one below the top is true (switched on).

    >>> flat({"l2": 0.1, "batchnorm": {}, "early_stopping": {"gl": 2}})
    {'l2': 0.1, 'batchnorm': True, 'early_stopping.gl': 2}
    """
    result: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            result |= flat(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = True if isinstance(value, Mapping) else value
    return result


def regularizer_label(regularizer: Regularizer) -> str:
    """What a regularizer holds, in short.

    >>> regularizer_label(Regularizer(l1=1e-3, batchnorm=True))
    'l1=0.001+batchnorm'
    """
    return short(canonical(regularizer))


def inert(key: str) -> float | bool | None:
    """What an absent key amounts to: no strength, not switched on, or nothing."""
    own = key.removeprefix("regularizer.")
    if own in SWITCHES:
        return False
    field = Regularizer.model_fields.get(own)
    return 0.0 if field is not None and field.default == 0.0 else None
