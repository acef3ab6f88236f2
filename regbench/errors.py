"""One class for each exit code (docs/exit-codes.md): what went wrong, in the words of its user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

# What a message shows of a file that someone else may have written.
_LONGEST_LINE = 2_000


def one_line(text: str) -> str:
    """A text with what cannot be seen, or begins another line, written as escapes.

    >>> print(one_line("a\\nb\\v\\u2028\\x1b[2J\\ufeff"))
    a\\nb\\x0b\\u2028\\x1b[2J\\ufeff
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class RegbenchError(Exception):
    """An outcome that ends a command with `exit_code` and its message, never with a traceback.

    Attributes:
        lines: the message. Whatever a file or a caller gave for a part of it, each stays one line
            on which no terminal acts.
    """

    exit_code: ClassVar[int] = 70

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        cut = (line[:_LONGEST_LINE] + "..." * (len(line) > _LONGEST_LINE) for line in lines)
        self.lines = tuple(map(one_line, cut))

    def __str__(self) -> str:
        return "\n".join(self.lines)


class AnswerIsNo(RegbenchError):
    """Done, and the answer is no: a gate or a claim failed, or some run failed or diverged."""

    exit_code = 1


@dataclass(frozen=True)
class Problem:
    """One mistake in a study: where it stands, what is wrong, what to do.

    >>> str(Problem("unknown key 'drpout'", "s.yaml", 3, 5, "regularizer"))
    "s.yaml:3:5 regularizer: unknown key 'drpout'"
    >>> str(Problem("is swept in the study", "-s", key="regularizer.l2"))
    '-s regularizer.l2: is swept in the study'
    """

    message: str
    source: str = ""
    line: int | None = None
    column: int | None = None
    key: str = ""

    def __str__(self) -> str:
        parts = (self.source, self.line, self.column)
        place = ":".join(str(part) for part in parts if part not in ("", None))
        head = " ".join(p for p in (place, self.key) if p)
        return f"{head}: {self.message}" if head else self.message


class BadStudy(RegbenchError):
    """The usage or the study file is wrong; holds every problem found, not only the first."""

    exit_code = 2

    def __init__(self, *problems: Problem | str) -> None:
        self.problems = tuple(Problem(p) if isinstance(p, str) else p for p in problems)
        super().__init__(*map(str, self.problems))


class BadData(RegbenchError):
    """A data or results file is unreadable, malformed or not comparable."""

    exit_code = 3


class Unwritable(RegbenchError):
    """The results folder cannot be written (full, read-only)."""

    exit_code = 4


class FolderInUse(RegbenchError):
    """Another regbench is writing this results folder."""

    exit_code = 5


class TimeIsUp(RegbenchError):
    """A time limit was reached; the same command goes on."""

    exit_code = 6


class ClusterLost(RegbenchError):
    """The cluster that trained is gone; the same command goes on."""

    exit_code = 6
