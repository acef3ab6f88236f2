"""What is wrong with a file: all of it at once, a line each."""

from __future__ import annotations

from typing import NoReturn

from regbench.errors import BadData, one_line

MOST_TOLD = 20
_LONGEST = 60


class Problems:
    """Problems of one file, up to a bound."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._told: list[str] = []
        self._more = 0

    @property
    def full(self) -> bool:
        """Whether there are more than are told."""
        return self._more > 0

    def refuse(self, message: str, *, fatal: bool = False) -> None:
        """Note a problem.

        Raises:
            BadData: it is fatal: nothing can be read after it.
        """
        if len(self._told) < MOST_TOLD:
            self._told.append(message)
        else:
            self._more += 1
        if fatal:
            self._raise()

    def require_none(self) -> None:
        """
        Raises:
            BadData: there are some; it has a line for each.
        """
        if self._told:
            self._raise()

    def _raise(self) -> NoReturn:
        more = [f"and more: these are the first {MOST_TOLD}"] if self._more else []
        raise BadData(*(f"{self._name}: {told}" for told in [*self._told, *more]))


def shown(text: str) -> str:
    """A cell's or a column's text as messages show it: one line, in quotes, not without end.

    >>> shown("a\\vb"), shown("x" * 100)[-10:]
    ("'a\\\\x0bb'", "xxxxxxxx…'")
    """
    short = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"'{one_line(short)}'"
