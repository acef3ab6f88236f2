"""Which characters a label and a name may hold; nothing slow is imported here."""

from __future__ import annotations

import re

__all__ = ["forbidden_character"]

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
