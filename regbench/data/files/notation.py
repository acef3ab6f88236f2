"""How numbers are written: by the study's keys, and how else people write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?", re.ASCII)
_DATE = re.compile(
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})( .*)?"
)
_TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?")
_CURRENCY = "(?:[$€£¥₹₽]|USD|EUR|GBP|CHF|JPY)"
_SIGNED = re.compile(rf"([+-]?)\s*{_CURRENCY}?\s*([+-]?)(\S.*?)\s*(?:{_CURRENCY}|%)?")
# A comma that may be of either kind.
_FRACTION = re.compile(r"^\D*\d{1,3},\d{3}\D*$")
_SPACES = " \u00a0\u202f"
_TRUTH = {"true": 1.0, "false": 0.0}

# (thousands, decimal) -> the whole of a number written so.
_OTHERS = {
    (",", "."): re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"),
    (None, ","): re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?"),
    (".", ","): re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
    (" ", "."): re.compile(rf"[+-]?\d{{1,3}}([{_SPACES}]\d{{3}})+(\.\d*)?"),
    (" ", ","): re.compile(rf"[+-]?\d{{1,3}}([{_SPACES}]\d{{3}})+,\d*"),
    ("'", "."): re.compile(r"[+-]?\d{1,3}('\d{3})+(\.\d*)?"),
    ("_", "."): re.compile(r"[+-]?\d{1,3}(_\d{3})+(\.\d*)?"),
}


@dataclass(frozen=True)
class Notation:
    """What a text means as a number; `declared` where the study lists the column under numeric."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def plain(self) -> bool:
        """Whether numbers are written as Python writes them."""
        return self.decimal == "." and self.thousands is None

    def number(self, text: str, *, declared: bool = False) -> float | None:
        """The number, or None where it is none; infinite where it is written so.

        >>> Notation(decimal=",", thousands=".").number("1.234,5")
        1234.5
        >>> Notation().number("12,5"), Notation().number("1_0"), Notation().number("-Inf")
        (None, None, -inf)
        >>> [Notation().number(t, declared=True) for t in ("$ -3", "4.5 %", "TRUE", "1970-01-11")]
        [-3.0, 4.5, 1.0, 10.0]
        """
        value = self._number(text)
        if value is not None or not declared:
            return value
        if (truth := _TRUTH.get(text.lower())) is not None:
            return truth
        if _ISO_DATE.fullmatch(text):
            return _days(text)
        core = _without_signs(text)
        return None if core is None else self._number(core)

    def _number(self, text: str) -> float | None:
        if self.thousands is not None:
            marks = _SPACES if self.thousands == " " else self.thousands
            grouped = (
                rf"[+-]?\d{{1,3}}([{re.escape(marks)}]\d{{3}})+({re.escape(self.decimal)}\d*)?"
            )
            if re.fullmatch(grouped, text, re.ASCII):
                text = re.sub(f"[{re.escape(marks)}]", "", text)
        if self.decimal in text and self.decimal != ".":
            if "." in text:
                return None
            text = text.replace(self.decimal, ".")
        if _PLAIN.fullmatch(text) or _INFINITE.fullmatch(text):
            return float(text)
        return None


def _without_signs(text: str) -> str | None:
    """A text without a currency or percent sign; None where it has none."""
    found = _SIGNED.fullmatch(text)
    if found is None:
        return None
    before, inside, core = found.groups()
    made = f"{before or inside}{core}"
    return made if made != text and not (before and inside) else None


def _days(text: str) -> float | None:
    """Days since 1970-01-01 (UTC where it says nothing else)."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return at.timestamp() / 86_400


def has_decimal_comma(texts: Iterable[str]) -> bool:
    """Whether one of these can only be a number with a decimal comma."""
    kinds = map(kind_of, texts)
    return any(kind is not None and not isinstance(kind, str) and kind[1] == "," for kind in kinds)


def advice(
    texts: Iterable[str], *, target: bool = False, declared: bool = False, comma: bool = False
) -> str | None:
    """What to do about a column of which these texts are no numbers; None where they are words.

    Args:
        texts: most of them must be numbers or dates in one of the other notations.
        target: it cannot be dropped.
        declared: it is listed under numeric.
        comma: elsewhere in the file there are numbers with a decimal comma.

    >>> advice(["1,5", "12,75"], target=True)
    'is a number with a decimal comma: set decimal: ","'
    >>> advice(["red", "1,5"]) is None
    True
    """
    known = list(texts)
    found = {text: kind for text in known if (kind := kind_of(text)) is not None}
    if len(found) < 0.9 * len(known):
        return None
    kinds = set(found.values())
    other = "" if target else "; or list it under categorical or drop"
    if all(kind == "date" for kind in kinds):
        if all(_ISO_DATE.fullmatch(text) for text in found):
            return f"is a date: list the column under numeric (days since 1970-01-01){other}"
        return f"is a date: write it as 2024-12-31, and list the column under numeric{other}"
    if all(kind == "time" for kind in kinds):
        return f"is a time of day{other}"
    marks = {kind for kind in kinds if not isinstance(kind, str)}
    unsure = comma and any(group == "," for group, _, _ in marks)
    comma = unsure or any(decimal == "," for _, decimal, _ in marks)
    # 1,234 beside 1,5: a decimal comma is the one reading of both.
    groups = {group for group, _, _ in marks} - {None, "," if comma else None}
    if len(groups) > 1 or len(marks) < len(kinds):
        return f"is a number or date in a notation of its own: write them all one way{other}"
    signed = any(sign for _, _, sign in marks)
    listed = signed and not declared
    steps = ["list the column under numeric (the sign is left out)"] if listed else []
    steps += ['set decimal: ","'] if comma else []
    steps += [f'set thousands: "{group}"' for group in groups]
    unsure = groups == {","} and all(map(is_fraction, found))
    also = ' (or decimal: ",", if it is a fraction)' if unsure else ""
    title = "with a sign" if signed else "with a decimal comma" if comma else "in groups of digits"
    return f"is a number {title}: {' and '.join(steps)}{also}{other}"


def is_fraction(text: str) -> bool:
    """Whether the one comma of a number may be a decimal comma, too: 1,234."""
    return _FRACTION.search(text) is not None


@lru_cache(maxsize=4096)  # the same cells are asked about for several reasons, and columns
def kind_of(text: str) -> str | tuple[str | None, str | None, bool] | None:
    """date, time, or (thousands, decimal, signed) of a number; None for a word."""
    if _DATE.fullmatch(text):
        return "date"
    if _TIME.fullmatch(text):
        return "time"
    core = _without_signs(text)
    signed = core is not None
    bare = text if core is None else core
    if signed and _PLAIN.fullmatch(bare):
        return None, None, True
    for (thousands, decimal), pattern in _OTHERS.items():
        if pattern.fullmatch(bare):
            return thousands, decimal, signed
    return None
