"""YAML text to PyYAML's nodes, each with its place; bounded while they are made.

A level or a value too many is refused when it comes, so that nothing recurses as deep as a hostile
text would like. libyaml's parser is taken, and PyYAML's own, slower one where libyaml is missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from regbench.errors import BadStudy, Problem

MAX_DEPTH = 32
MAX_VALUES = 300_000
# What each parser reads in less than two seconds, whatever the text.
MAX_BYTES, _MAX_BYTES_SLOW = 1 << 20, 1 << 16
# libyaml compares each directive with all before it.
_MAX_DIRECTIVES = 100

# Line and column, from 1.
Place = tuple[int, int]

_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_DIRECTIVE = re.compile("^%", re.MULTILINE)


def place_of(node: yaml.Node) -> Place:
    """Where a node begins."""
    return node.start_mark.line + 1, node.start_mark.column + 1


def compose(text: str, source: str) -> yaml.Node | None:
    """The root of a text's nodes; an alias is the node that it stands for. None without any.

    A node's tag is empty, unless the text gives it one.

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
                return _root(_Fast(text), source)
            except yaml.MarkedYAMLError:
                # PyYAML's own parser tells what stands there instead of what it expected.
                if _size(text) > _MAX_BYTES_SLOW:
                    raise
        return _root(_Slow(text), source)
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


class _TooMuch(Exception):
    """A bound is passed at a node, or below it."""

    def __init__(self, message: str, node: yaml.Node) -> None:
        super().__init__(message)
        self.node = node


if TYPE_CHECKING:
    _Loader = yaml.BaseLoader
else:
    _Loader = object


class _Bounded(_Loader):
    """What PyYAML's composer calls for every node, scalar or collection, before it is made."""

    _depth = _values = 0

    def descend_resolver(self, parent: Any, index: Any) -> None:
        self._depth += 1
        self._values += 1
        if self._depth > MAX_DEPTH + 1:  # a collection at the last level holds scalars
            raise _TooMuch(f"is nested deeper than {MAX_DEPTH} levels", parent)
        if self._values > MAX_VALUES:
            raise _TooMuch(f"holds more than {MAX_VALUES} values", parent)

    def ascend_resolver(self) -> None:
        self._depth -= 1

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return ""


class _Slow(_Bounded, yaml.BaseLoader):
    pass


class _Fast(_Bounded, getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
    pass


def _root(loader: yaml.BaseLoader, source: str) -> yaml.Node | None:
    try:
        return loader.get_single_node()
    except _TooMuch as error:
        raise BadStudy(Problem(str(error), source, *place_of(error.node))) from None
    except (OverflowError, ValueError) as error:
        # "\Uffffffff", "\U00110000", and a version of YAML with thousands of digits.
        raise yaml.MarkedYAMLError(problem=f"holds a number that is too large ({error})") from error
    finally:
        loader.dispose()
