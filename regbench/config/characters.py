"""Which characters a label, a name and a path may hold; nothing slow is imported here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from regbench.errors import BadStudy

_FORBIDDEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


def forbidden_character(text: str, allowed: str = "") -> str | None:
    """The first character that no label and no path can hold: they are written as one line of text.

    Line ends and other control characters, on which a terminal acts; what turns the direction of
    the text after it, so that it reads as something else; and half of a surrogate pair, which is no
    text at all.

    >>> [forbidden_character(text) for text in ("drop out", "a\\tb", "\\ud800", "\\u202elr")]
    [None, '\\t', '\\ud800', '\\u202e']
    """
    found = (match.group() for match in _FORBIDDEN.finditer(text))
    return next((character for character in found if character not in allowed), None)


def as_path(value: object) -> Path:
    """A path that the system can take.

    Raises:
        BadStudy: it is no text, or holds what no path can.

    >>> as_path("results/quickstart").name
    'quickstart'
    """
    path = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(path, str):
        raise BadStudy(f"expected a path, not {value!r}")
    if not path or _NO_PATH.search(path):
        raise BadStudy(f"{path!r} cannot name a file or a folder")
    return Path(path)


_NO_PATH = re.compile(r"[\0\ud800-\udfff]")


def as_texts(values: object, what: str) -> tuple[str, ...]:
    """Texts; one alone is one of them, not its letters.

    Raises:
        BadStudy: they are something else.

    >>> as_texts("optimizer.lr=1", "overrides"), as_texts(["a", "b"], "expect")
    (('optimizer.lr=1',), ('a', 'b'))
    """
    texts: tuple[object, ...] = (values,)
    if isinstance(values, Iterable) and not isinstance(values, str):
        texts = tuple(values)
    found = tuple(text for text in texts if isinstance(text, str))
    if len(found) < len(texts):
        raise BadStudy(f"{what}: expected a list of texts, not {values!r}")
    return found
