"""What is wrong with a value, in the words of its user rather than of pydantic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import chain
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from regbench.config.blocks.regularizer import BARE_REGULARIZERS
from regbench.config.schema import StudyFile
from regbench.config.yaml_text import KeyPath
from regbench.vocabulary.regularizers import KINDS

# Where a mistake stands below its block, whether its key is meant, and what is wrong.
Mistake = tuple[KeyPath, bool, str]

# What keys with more than one kind of value take.
_PART = "a share of all rows in [0, 1), or a count"
_EXPECTED = {kind.key: kind.takes for kind in KINDS.values()} | {
    "train_size": _PART,
    "val_size": _PART,
    "test_size": _PART,
    "batch_size": "a count from 1, or full",
    "device": "auto, cpu, cuda or cuda:i",
    "class_weight": "balanced, or class names and their weights",
    "seeds": "a count from 1, or a list of seeds (whole numbers from 0)",
    "hidden": "a list of widths (whole numbers from 1)",
    "betas": "two numbers in [0, 1)",
    "drop": "a list of column names",
    "expect": "a list of claims, each a text",
    "sweep": "a mapping of axes, or a list of such mappings",
    "regularizer": f"a mapping, or one of {', '.join(BARE_REGULARIZERS)}",
    "schema_version": "1",
}

_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a text",
    "string_unicode": "a text without halves of surrogate pairs",
    "string_too_short": "a text that is not empty",
    "too_short": "at least one value",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("ge", ">="),
    "greater_than": ("gt", ">"),
    "less_than_equal": ("le", "<="),
    "less_than": ("lt", "<"),
}


def shown(value: Any) -> str:
    """A value as an error message shows it: as the file would have it, cut short.

    >>> shown("abc"), shown(None), shown(True), shown({"a": 1}), shown([1, 2])
    ("'abc'", 'nothing', 'true', 'a mapping', 'a list of 2')
    """
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}" if value else "an empty list"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where no known word is near.

    >>> did_you_mean("drpout", ["dropout", "l1"]), did_you_mean("xyz", ["l1"])
    (" (did you mean 'dropout'?)", '')
    """
    near = get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def mistakes(block: str, raw: Any, errors: Sequence[ErrorDetails]) -> Iterator[Mistake]:
    """One mistake for each place that pydantic's errors name.

    Args:
        block: the top-level key that was validated.
        raw: its plain value.
        errors: as `ValidationError.errors()` gives them, with locations below the block.
    """
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    for error in errors:
        by_path.setdefault(_path(raw, error), []).append(error)
    # A union complains of a list as a whole and of its items: the items say more.
    wholes = {path[:length] for path in by_path for length in range(len(path))}
    for path, found in by_path.items():
        if path not in wholes or any(error["type"] == "extra_forbidden" for error in found):
            yield _mistake(block, raw, path, found)


def _path(raw: Any, error: ErrorDetails) -> KeyPath:
    """The part of pydantic's location that are keys of the file, and not names of union members."""
    path: list[str | int] = []
    value: Any = raw
    for part in error["loc"]:
        inside = (
            part in value
            if isinstance(value, Mapping)
            else isinstance(value, list) and isinstance(part, int) and part < len(value)
        )
        if inside:
            value = value[part]
            path.append(part)
    if error["type"] == "missing":
        path.append(error["loc"][-1])
    return tuple(path)


def _mistake(block: str, raw: Any, path: KeyPath, errors: Sequence[ErrorDetails]) -> Mistake:
    error = errors[0]
    kind = error["type"]
    if kind == "extra_forbidden":
        models = _models_at(block, raw, path[:-1])
        known = dict.fromkeys(key for model in models for key in model.model_fields)
        hint = did_you_mean(str(path[-1]), known) or f"; the keys here are {', '.join(known)}"
        return path, True, f"unknown key{hint}"
    if kind == "missing" and isinstance(path[-1], str):
        words = _words(_models_at(block, raw, path[:-1]), path[-1])
        what = f"; it is one of {', '.join(words)}" if words else ""
        return path[:-1], False, f"the key '{path[-1]}' is missing{what}"
    if kind == "union_tag_not_found":
        names = _tags(error["ctx"]["discriminator"], block)
        return path, False, f"the key 'name' is missing; it is one of {', '.join(names)}"
    if kind == "union_tag_invalid":
        tags = [tag.strip("' ") for tag in error["ctx"]["expected_tags"].split(",")]
        tag = error["ctx"]["tag"]
        hint = did_you_mean(tag, tags)
        where = path if not isinstance(_at(raw, path), Mapping) else (*path, "name")
        return where, False, f"expected one of {', '.join(tags)}, not {shown(tag)}{hint}"
    if kind == "value_error":
        return path, False, str(error["ctx"]["error"])
    if kind == "missing":  # an item of a list
        path = path[:-1]
    expected = _expectation(block, path, errors)
    return path, False, f"expected {expected}, not {shown(error['input'])}{_literal_hint(error)}"


def _expectation(block: str, path: KeyPath, errors: Sequence[ErrorDetails]) -> str:
    named = [part for part in path if isinstance(part, str)]
    key = named[-1] if named else block
    is_item = bool(path) and isinstance(path[-1], int)
    too_large = [error for error in errors if error["type"] == "less_than_equal"]
    too_long = [error["ctx"]["max_length"] for error in errors if error["type"] == "too_long"]
    if too_long:
        return f"at most {too_long[0]} values"
    if too_large:  # of a kind that is right: the bound is all there is to say
        return _one(too_large[0])
    if key in _EXPECTED and not is_item:
        return _EXPECTED[key]
    if key in _EXPECTED and is_item:
        errors = [error for error in errors if path[-1] in error["loc"]] or errors
    return _one(errors[0])


def _one(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _BOUNDS:
        key, sign = _BOUNDS[kind]
        bound = context[key]
        return f"a value {sign} {bound if isinstance(bound, int) else format(bound, 'g')}"
    if kind == "multiple_of":
        return f"a multiple of {context['multiple_of']}"
    if kind == "literal_error":
        return f"one of {', '.join(_choices(error))}"
    if kind == "float_type" and type(error["input"]) is int:
        return "a finite number"  # more digits than a float holds
    return _TYPES.get(kind, error["msg"])


def _literal_hint(error: ErrorDetails) -> str:
    if error["type"] != "literal_error" or not isinstance(error["input"], str):
        return ""
    return did_you_mean(error["input"], _choices(error))


def _choices(error: ErrorDetails) -> list[str]:
    """The words of a literal, as pydantic lists them."""
    words = error["ctx"]["expected"].replace(" or ", ",").split(",")
    return [word.strip("' ") for word in words]


def _at(value: Any, path: KeyPath) -> Any:
    for part in path:
        value = value[part]
    return value


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The schema classes that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _tags(discriminator: str, block: str) -> list[str]:
    annotation = StudyFile.model_fields[block].annotation
    return [
        get_args(model.model_fields["name"].annotation)[0]
        for model in _models(annotation)
        if "name" in model.model_fields
    ]


def _models_at(block: str, raw: Any, path: KeyPath) -> list[type[BaseModel]]:
    """The schema classes that the mapping at a path may be of."""
    models = list(_models(StudyFile.model_fields[block].annotation))
    for part in (None, *path):
        if part is not None:
            raw = raw[part]
            fields = [m.model_fields[part] for m in models if part in m.model_fields]
            models = [model for field in fields for model in _models(field.annotation)]
        name = raw.get("name") if isinstance(raw, Mapping) else None
        named = [
            model
            for model in models
            if "name" in model.model_fields
            and name in get_args(model.model_fields["name"].annotation)
        ]
        models = named or models
    return models


def _words(models: Sequence[type[BaseModel]], key: str) -> list[str]:
    """What a key may say, where that is one of a few words."""
    fields = [model.model_fields[key] for model in models if key in model.model_fields]
    options = [get_args(field.annotation) for field in fields]
    return [word for word in dict.fromkeys(chain.from_iterable(options)) if isinstance(word, str)]
