"""YAML text to nodes: what stands where, before anything is made of it.

The events of libyaml's parser (PyYAML's own, slower one where libyaml is missing) are composed here
and not by PyYAML, so that a tag, a level too many or a value too many is refused when it comes,
with its place, and nothing recurses as deep as a hostile text would like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import yaml

from regbench.errors import BadStudy, Problem

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_VALUES",
    "Mapping",
    "Node",
    "Place",
    "Scalar",
    "Sequence",
    "compose",
]

MAX_DEPTH = 32
MAX_VALUES = 300_000
# What each parser reads in less than two seconds, whatever the text.
MAX_BYTES, _MAX_BYTES_SLOW = 1 << 20, 1 << 16
# libyaml compares each directive with all before it.
_MAX_DIRECTIVES = 100

# Line and column, from 1.
Place = tuple[int, int]


@dataclass(slots=True, eq=False)
class Scalar:
    """Text as it stands in the file; `plain` if it has no quotes and is no block."""

    place: Place
    text: str
    plain: bool

    @property
    def merges(self) -> bool:
        """Whether this, as a key, is `<<`."""
        return self.plain and self.text == "<<"


@dataclass(slots=True, eq=False)
class Sequence:
    """A list."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping:
    """Keys and values as they stand: a key may come twice, and `<<` is a key."""

    place: Place
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


Node = Scalar | Sequence | Mapping


class _Parser(Protocol):
    def get_event(self) -> Any: ...

    def dispose(self) -> None: ...


_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_DIRECTIVE = re.compile("^%", re.MULTILINE)


def compose(text: str, source: str) -> Node | None:
    """The root of a text's nodes; an alias is the node that it stands for. None without any.

    Raises:
        BadStudy: it is no YAML, or more than a study may be.
    """
    fast = yaml.__with_libyaml__
    bytes_allowed = MAX_BYTES if fast else _MAX_BYTES_SLOW
    if _size(text) > bytes_allowed:
        why = "" if fast else " (as PyYAML has no libyaml here)"
        raise BadStudy(Problem(f"is larger than {_in_words(bytes_allowed)}{why}", source))
    # Python's, libyaml's and PyYAML's ideas of a byte order mark differ: it is none of the text.
    text = text.removeprefix("\ufeff")
    _check_characters(text, source)
    try:
        if fast:
            try:
                return _Composer(_fast(text), source).root()
            except yaml.MarkedYAMLError:
                # PyYAML's own parser tells what stands there instead of what it expected.
                if _size(text) > _MAX_BYTES_SLOW:
                    raise
        return _Composer(_slow(text), source).root()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise BadStudy(Problem(f"is not YAML: {what}", source, *place)) from error


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _in_words(size: int) -> str:
    return f"{size >> 20} MiB" if size >> 20 else f"{size >> 10} KiB"


def _check_characters(text: str, source: str) -> None:
    """Refuse what no YAML holds, so that either parser sees only what both can take."""
    found = _FORBIDDEN.search(text)
    if found:
        before = _BREAK.split(text[: found.start()])
        what = f"has a character that YAML forbids: {found.group()!r}"
        raise BadStudy(Problem(what, source, len(before), len(before[-1]) + 1))
    if sum(1 for _ in _DIRECTIVE.finditer(text)) > _MAX_DIRECTIVES:
        raise BadStudy(Problem(f"has more than {_MAX_DIRECTIVES} lines that begin with %", source))


def _fast(text: str) -> Iterator[Any]:
    return _events(yaml.CBaseLoader(text))


def _slow(text: str) -> Iterator[Any]:
    try:
        yield from _events(yaml.BaseLoader(text))
    except (OverflowError, ValueError) as error:
        # "\Uffffffff", "\U00110000", and a version of YAML with thousands of digits.
        raise yaml.MarkedYAMLError(problem=f"holds a number that is too large ({error})") from error


def _events(parser: _Parser) -> Iterator[Any]:
    """The events of a stream, without its start and its end."""
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            if not isinstance(event, yaml.StreamStartEvent):
                yield event
    finally:
        parser.dispose()


def _place(event: Any) -> Place:
    return event.start_mark.line + 1, event.start_mark.column + 1


class _Composer:
    """Makes nodes of events, within bounds."""

    def __init__(self, events: Iterator[Any], source: str) -> None:
        self._events, self._source = events, source
        self._anchors: dict[str, Node] = {}
        self._values = 0

    def root(self) -> Node | None:
        """The one document's root."""
        root: Node | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if root is not None:
                    what = "expected a single document in the stream but found another document"
                    raise self._problem(f"is not YAML: {what}", _place(event))
                root = self._node(next(self._events), 1)
        return root

    def _node(self, event: Any, level: int) -> Node:
        place = _place(event)
        self._values += 1
        if self._values > MAX_VALUES:
            raise self._problem(f"holds more than {MAX_VALUES} values", place)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise self._problem(f"is not YAML: found undefined alias {event.anchor!r}", place)
            return self._anchors[event.anchor]
        if event.tag is not None:
            raise self._problem("tags are not allowed", place)
        if isinstance(event, yaml.ScalarEvent):
            scalar = Scalar(place, event.value, not event.style)
            return self._anchored(event, scalar)
        if level > MAX_DEPTH:
            raise self._problem(f"is nested deeper than {MAX_DEPTH} levels", place)
        if isinstance(event, yaml.SequenceStartEvent):
            sequence = Sequence(place)
            self._anchored(event, sequence)
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                sequence.items.append(self._node(event, level + 1))
            return sequence
        mapping = Mapping(place)
        self._anchored(event, mapping)
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, level + 1)
            mapping.pairs.append((key, self._node(next(self._events), level + 1)))
        return mapping

    def _anchored(self, event: Any, node: Node) -> Node:
        """The node, known by its anchor if it has one; a collection may hold its own alias."""
        if event.anchor is not None:
            if event.anchor in self._anchors:
                what = f"is not YAML: found duplicate anchor {event.anchor!r}"
                raise self._problem(what, node.place)
            self._anchors[event.anchor] = node
        return node

    def _problem(self, message: str, place: Place) -> BadStudy:
        return BadStudy(Problem(message, self._source, *place))
