"""What is wrong with a study: collected, each problem with its place in the file or its option."""

from __future__ import annotations

import re

from regbench.config.yaml_text import Document, KeyPath
from regbench.errors import BadStudy, Problem, one_line

_OPTIONS = ("-s", "-g", "--seeds")
# What an option's key is called in a document, before what it is on the command line.
_BEFORE = {"-g": "sweep.", "--seeds": "seeds"}
# Nobody reads on, and a hostile file has no end of them.
_MAX_PROBLEMS = 100


class Problems:
    """The problems of one document.

    Attributes:
        options: keys that the command line has set, and by which option.
    """

    def __init__(self, document: Document, source: str) -> None:
        self.options: dict[str, str] = {}
        self._document, self._source = document, source
        self._found: dict[Problem, None] = {}

    def add(self, path: KeyPath, message: str, *, key: bool = False, column: int = 0) -> None:
        """Note a problem at a path of the document, or of the option that set it.

        Args:
            key: the key is wrong, and not its value.
            column: where in the value, from 0.
        Raises:
            BadStudy: there are enough.
        """
        if len(self._found) >= _MAX_PROBLEMS:
            more = Problem("there are more problems: correct these first", self._source)
            raise BadStudy(*self._ordered(), more)
        dotted = _dotted(path)
        in_sweep = re.sub(r"^sweep\[\d+\]", "sweep", dotted)  # in a union of grids
        for given, option in self.options.items():
            if in_sweep == given or in_sweep.startswith((f"{given}.", f"{given}[")):
                self.add_to_option(option, message, in_sweep.removeprefix(_BEFORE.get(option, "")))
                return
        place = self._document.place(path, key=key)
        line, start = place if place else (None, None)
        if start is not None:
            start += column
        self._found[Problem(message, self._source, line, start, _cut(dotted))] = None

    def add_to_option(self, option: str, message: str, key: str = "") -> None:
        """Note a problem of an option of the command line."""
        self._found[Problem(message, option, key=_cut(key))] = None

    def raise_any(self) -> None:
        """End here if there are problems.

        Raises:
            BadStudy: with all of them, in the order of the file.
        """
        if self._found:
            raise BadStudy(*self._ordered())

    def _ordered(self) -> list[Problem]:
        last = float("inf")
        return sorted(
            self._found, key=lambda p: (p.source in _OPTIONS, p.line or last, p.column or last)
        )


def _cut(dotted: str) -> str:
    """A key as a message shows it: on one line, cut short."""
    text = one_line(dotted)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _dotted(path: KeyPath) -> str:
    """
    >>> _dotted(("sweep", "regularizer", "l1", "l1", 0))
    'sweep.regularizer.l1.l1[0]'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
