"""The JSON Schema of study files, for editors and other tools."""

from __future__ import annotations

from typing import Any

from regbench.config.blocks.regularizer import BARE_REGULARIZERS, SWITCHES
from regbench.config.schema import StudyFile


def study_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of a study file.

    pydantic gives the blocks; the bare words that stand for blocks (`regularizer: l2`,
    `model: linear`, `batchnorm: true`) are added here.

    >>> study_schema()["anyOf"]
    [{'required': ['dataset']}, {'required': ['sweep']}]
    """
    schema = StudyFile.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "regbench study"
    # A data set may be named by the sweep alone.
    del schema["required"]
    schema["anyOf"] = [{"required": ["dataset"]}, {"required": ["sweep"]}]
    properties = schema["properties"]
    properties["regularizer"] = _or(properties["regularizer"], {"enum": list(BARE_REGULARIZERS)})
    optimizers = properties["optimizer"]["discriminator"]["mapping"].values()
    for block in ("dataset", "model", "optimizer"):
        kinds = properties[block]["discriminator"]["mapping"]
        names = [name for name, kind in kinds.items() if not _needs_more(schema, kind)]
        properties[block] = _or(properties[block], {"enum": names})
    # A mapping without a name is of the default kind.
    for name in ("Mlp", "Adam"):
        schema["$defs"][name]["required"] = []
    regularizer = schema["$defs"]["Regularizer"]["properties"]
    for switch in SWITCHES:
        regularizer[switch]["anyOf"].append({"type": "boolean"})
    for optimizer in optimizers:
        keys = _definition(schema, optimizer)["properties"]
        names = list(keys["schedule"]["discriminator"]["mapping"])
        keys["schedule"] = _or(keys["schedule"], {"enum": names})
    return schema


def _needs_more(schema: dict[str, Any], reference: str) -> bool:
    """Whether a kind has required keys besides its name, so that the bare word says too little."""
    return set(_definition(schema, reference).get("required", ())) > {"name"}


def _definition(schema: dict[str, Any], reference: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["$defs"][reference.rpartition("/")[2]]
    return found


def _or(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Either of two schemas; description and default stay outside."""
    outside: dict[str, Any] = {
        key: first[key] for key in ("description", "default") if key in first
    }
    inside = {key: value for key, value in first.items() if key not in outside}
    # A discriminator is for oneOf alone; with a word beside it, the kinds tell themselves apart.
    inside.pop("discriminator", None)
    return {**outside, "anyOf": [inside, second]}
