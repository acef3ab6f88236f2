"""YAML text to plain values, with the place of every key and value, and plain values to YAML text.

YAML 1.2's core scalars: `1e-3` is a number, `no` and `on` are text. No tags, so nothing in a file
can ask for anything to be made or run. Bounded: 1 MiB, 32 levels, and a number of values that stops
alias bombs.
"""

from __future__ import annotations

import gc
import re
from dataclasses import dataclass, field
from math import inf, nan
from typing import Any

import yaml

from regbench.config.yaml_nodes import MAX_DEPTH, MAX_VALUES, Place, compose, place_of
from regbench.errors import BadStudy, Problem

# Keys and numbers of items, from a document's root.
KeyPath = tuple[str | int, ...]

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,1000}")
_OCTAL = re.compile(r"0o[0-7]{1,1000}")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,1000}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITY = re.compile(r"[-+]?\.(inf|Inf|INF)")
_NAN = re.compile(r"\.(nan|NaN|NAN)")

# A key, None for an item of a list, and its value.
_Child = tuple[yaml.Node | None, yaml.Node]


@dataclass
class Document:
    """A parsed file: its plain value, and where its keys and values stand (line, column from 1)."""

    value: Any = None
    node: yaml.Node | None = None
    _children: dict[int, dict[str | int, _Child]] = field(default_factory=dict)

    def place(self, path: KeyPath, *, key: bool = False) -> Place | None:
        """Where a path stands, or the nearest thing around it that stands anywhere."""
        if self.node is None:
            return None
        at = node = self.node
        for part in path:
            child = self._children_of(node).get(part)
            if child is None:
                break
            name, node = child
            at = name if key and name is not None else node
        return place_of(at)

    def _children_of(self, node: yaml.Node) -> dict[str | int, _Child]:
        """What a node holds, by key or number; what it merges in comes after its own."""
        if id(node) not in self._children:
            found: dict[str | int, _Child] = {}
            if isinstance(node, yaml.SequenceNode):
                found = {i: (None, item) for i, item in enumerate(node.value)}
            elif isinstance(node, yaml.MappingNode):
                own: dict[str | int, _Child] = {}
                for name, value in node.value:
                    if _merges(name):
                        for source in reversed(_sources(value)):
                            found |= self._children_of(source)
                    else:
                        own[name.value] = (name, value)
                found |= own
            self._children[id(node)] = found
        return self._children[id(node)]


def _merges(key: yaml.Node) -> bool:
    """Whether this, as a key, is `<<`."""
    return isinstance(key, yaml.ScalarNode) and key.value == "<<" and not key.style


def _sources(node: yaml.Node) -> list[yaml.Node]:
    """What `<<` merges in; of several, earlier ones win."""
    return node.value if isinstance(node, yaml.SequenceNode) else [node]


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
    collecting = gc.isenabled()
    gc.disable()  # all that is made here stays: to look through it for garbage takes twice as long
    try:
        node = compose(text, source)
        value = None if node is None else _Builder(source).build(node, ())
    finally:
        if collecting:
            gc.enable()
    return Document(value, node)


class _Builder:
    """Builds plain values from nodes; aliases are expanded, within a cap."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._built = 0
        self._open: set[int] = set()

    def _problem(self, message: str, node: yaml.Node, key: str = "") -> BadStudy:
        return BadStudy(Problem(message, self._source, *place_of(node), key))

    def _count(self, node: yaml.Node, values: int = 1) -> None:
        self._built += values
        if self._built > MAX_VALUES:
            raise self._problem("aliases make this file too large", node)

    def _enter(self, node: yaml.Node) -> None:
        """Begin a collection, which must not come again within it."""
        if id(node) in self._open:
            raise self._problem("an alias contains itself", node)
        if len(self._open) >= MAX_DEPTH:  # by aliases: `compose` has seen to the text
            raise self._problem("aliases make this file too large", node)
        self._open.add(id(node))

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        self._count(node)
        if node.tag:
            raise self._problem("tags are not allowed", node)
        if isinstance(node, yaml.ScalarNode):
            return node.value if node.style else parse_scalar(node.value)
        self._enter(node)
        built: Any
        if isinstance(node, yaml.SequenceNode):
            built = [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
        else:
            built = self._mapping(node, path)
        self._open.discard(id(node))
        return built

    def _mapping(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if key.tag:
                raise self._problem("tags are not allowed", key)
            if _merges(key):
                merged |= self._merge(value, path)
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise self._problem("a key must be a plain word", key)
            name = key.value
            if name in result:
                dotted = ".".join(str(part) for part in (*path, name))
                raise self._problem("this key is given twice", key, dotted)
            result[name] = self.build(value, (*path, name))
        return {**merged, **result}

    def _merge(self, node: yaml.Node, path: KeyPath) -> dict[str, Any]:
        """What `<<` brings in: a mapping, or a list of them of which earlier ones win."""
        result: dict[str, Any] = {}
        for source in reversed(_sources(node)):
            if not isinstance(source, yaml.MappingNode):
                raise self._problem("<< takes a mapping or a list of mappings", source)
            self._enter(source)
            found = self._mapping(source, path)
            self._open.discard(id(source))
            # Merging nothing, or the same again, is work, too.
            self._count(source, 1 + len(found))
            result |= found
        return result


class _Dumper(yaml.SafeDumper):
    """Writes each value out where it stands: no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    """Quoted where `parse_scalar` would read something else than this text."""
    style = None if isinstance(parse_scalar(text), str) else "'"
    if not text.isprintable():  # PyYAML alone writes some line ends as they are
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _represent_text)


def dump_yaml(value: Any) -> str:
    """The text of plain values, which `parse_yaml` reads back as they are.

    PyYAML alone writes by YAML 1.1: it leaves `1e3` unquoted, which is a number in YAML 1.2.

    >>> print(dump_yaml({"name": "1e3", "lr": 1e-5, "sweep": {"no": [None, True, "x"]}}), end="")
    name: '1e3'
    lr: 1.0e-05
    sweep:
      'no':
      - null
      - true
      - x
    """
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 20)
    return text
