"""YAML text to plain values, with the place of every key and value.

YAML 1.2's core scalars on PyYAML's parser: `1e-3` is a number, `no` and `on` are text. No tags, so
nothing in a file can ask for anything to be made or run. Bounded: 1 MiB, 32 levels, and a number of
values that stops alias bombs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any

import yaml

from regbench.errors import BadStudy, Problem

__all__ = ["Document", "Place", "parse_scalar", "parse_yaml"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_VALUES = 300_000

Path = tuple[str | int, ...]
Place = tuple[int, int]

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,1000}")
_OCTAL = re.compile(r"0o[0-7]{1,1000}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,1000}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")


@dataclass
class Document:
    """A parsed file: its plain value, and where its keys and values stand (line, column from 1)."""

    value: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path, *, key: bool = False) -> Place | None:
        """Where a path stands, or the nearest thing around it that stands anywhere."""
        places = self.keys if key else self.values
        for end in range(len(path), -1, -1):
            found = places.get(path[:end]) or self.values.get(path[:end])
            if found is not None:
                return found
        return None


def parse_scalar(text: str) -> Any:
    """A plain (unquoted) scalar by YAML 1.2's core schema.

    >>> [parse_scalar(t) for t in ("1e-3", "no", "true", "0o17", "0x1F", "~", "12", "1_000", ".5")]
    [0.001, 'no', True, 15, 31, None, 12, '1_000', 0.5]
    """
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITY.fullmatch(text):
        return -inf if text.startswith("-") else inf
    return nan if _NAN.fullmatch(text) else text


def parse_yaml(text: str, source: str) -> Document:
    """The document that a text holds.

    Args:
        source: what problems name as the place, e.g. the file's path.
    Raises:
        BadStudy: with line and column where there are any.
    """
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise BadStudy(Problem(f"is larger than {MAX_BYTES >> 20} MiB", source))
    try:
        _check_tokens(text, source)
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise BadStudy(Problem(f"is not YAML: {what}", source, *place)) from error
    except yaml.reader.ReaderError as error:
        raise BadStudy(
            Problem(f"has a character that YAML forbids: {error.reason}", source)
        ) from None
    except (
        RecursionError,
        ValueError,
        IndexError,
        KeyError,
        AttributeError,
        OverflowError,
    ) as error:
        # PyYAML raises these, too, on hostile text.
        raise BadStudy(Problem(f"is not YAML: {type(error).__name__}", source)) from error
    document = Document()
    if node is not None:
        document.value = _Builder(document, source).build(node, ())
    return document


def _check_tokens(text: str, source: str) -> None:
    """Refuse tags and deep nesting before anything is built."""
    depth = 0
    for token in yaml.scan(text, Loader=yaml.BaseLoader):
        place = (token.start_mark.line + 1, token.start_mark.column + 1)
        if isinstance(token, yaml.TagToken):
            raise BadStudy(Problem("tags are not allowed", source, *place))
        if isinstance(
            token,
            yaml.BlockMappingStartToken
            | yaml.BlockSequenceStartToken
            | yaml.FlowMappingStartToken
            | yaml.FlowSequenceStartToken,
        ):
            depth += 1
        elif isinstance(
            token, yaml.BlockEndToken | yaml.FlowMappingEndToken | yaml.FlowSequenceEndToken
        ):
            depth -= 1
        if depth > MAX_DEPTH:
            raise BadStudy(Problem(f"is nested deeper than {MAX_DEPTH} levels", source, *place))


class _Builder:
    """Builds plain values from PyYAML's nodes; aliases are expanded, within a cap."""

    def __init__(self, document: Document, source: str) -> None:
        self._document = document
        self._source = source
        self._built = 0
        self._open: set[int] = set()

    def _problem(self, message: str, node: yaml.Node, key: str = "") -> BadStudy:
        mark = node.start_mark
        return BadStudy(Problem(message, self._source, mark.line + 1, mark.column + 1, key))

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._built += 1
        if self._built > MAX_VALUES or len(path) > MAX_DEPTH:
            raise self._problem("aliases make this file too large", node)
        if id(node) in self._open:
            raise self._problem("an alias contains itself", node)
        self._document.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.ScalarNode):
            return parse_scalar(node.value) if node.style is None else node.value
        self._open.add(id(node))
        value: Any
        if isinstance(node, yaml.SequenceNode):
            value = [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        else:
            value = self._mapping(node, path)
        self._open.discard(id(node))
        return value

    def _mapping(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._problem("a key must be a plain word", key)
            if key.value == "<<" and key.style is None:
                merged |= self._merge(value, path)
                continue
            name = key.value
            if name in result:
                dotted = ".".join(str(part) for part in (*path, name))
                raise self._problem("this key is given twice", key, dotted)
            self._document.keys[(*path, name)] = (
                key.start_mark.line + 1,
                key.start_mark.column + 1,
            )
            result[name] = self.build(value, (*path, name))
        return {**merged, **result}

    def _merge(self, node: yaml.Node, path: Path) -> dict[str, Any]:
        """What `<<` brings in: a mapping, or a list of them of which earlier ones win."""
        result: dict[str, Any] = {}
        for source in reversed(list(self._sources(node))):
            result |= self._mapping(source, path)
        return result

    def _sources(self, node: yaml.Node) -> Iterator[yaml.MappingNode]:
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for each in nodes:
            if not isinstance(each, yaml.MappingNode):
                raise self._problem("<< takes a mapping or a list of mappings", each)
            if id(each) in self._open:
                raise self._problem("an alias contains itself", each)
            yield each
