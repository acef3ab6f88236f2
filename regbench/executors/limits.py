"""Which part of a plan a command trains, and when it stops before the end."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

from regbench.errors import AnswerIsNo, BadStudy, TimeIsUp


@dataclass(frozen=True)
class Limits:
    """How far a command goes.

    Attributes:
        shard: (i, n), i from 1: the i-th of n parts of the plan; a part is whole stacks.
        max_failures: stop once so many of this command's runs failed or diverged.
        seconds: stop after so long.
        retry_failed: train failed runs again.
    """

    shard: tuple[int, int] | None = None
    max_failures: int | None = None
    seconds: float | None = None
    retry_failed: bool = False

    def __post_init__(self) -> None:
        try:
            i, n = self.shard or (1, 1)
            sound = 1 <= i <= n and (self.max_failures or 1) >= 1 and (self.seconds or 0) >= 0
        except (TypeError, ValueError):
            sound = False
        if not sound:
            raise BadStudy(f"no limits: {self}")


NO_LIMITS = Limits()


class Clock:
    """Watches the limits while a command trains; time is the monotonic clock's."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._begin = time.monotonic()
        self._lost = 0

    @property
    def seconds(self) -> float:
        """Since the command began."""
        return time.monotonic() - self._begin

    def check(self) -> None:
        """Go on, or not.

        Raises:
            TimeIsUp: the time limit is reached.
        """
        limit = self._limits.seconds
        if limit is not None and self.seconds >= limit:
            raise TimeIsUp(f"the time limit of {limit:g} s is reached: finished work is kept")

    def count(self, diverged: int, failed: int) -> None:
        """Take note of a stack's end.

        Raises:
            AnswerIsNo: too many runs failed or diverged.
        """
        self._lost += diverged + failed
        most = self._limits.max_failures
        if most is not None and self._lost >= most:
            raise AnswerIsNo(
                f"stopped after {self._lost} runs that failed or diverged (--max-failures {most}): "
                "finished work is kept"
            )


_PARTS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def parse_duration(text: str) -> float:
    """Seconds of `90`, `90s`, `15m`, `2h`, `1h30m`.

    >>> [parse_duration(t) for t in ("90", "1.5s", "15m", "1h30m")]
    [90.0, 1.5, 900.0, 5400.0]
    """
    match = _PARTS.fullmatch(text.strip())
    if match is None or not text.strip():
        raise BadStudy(f"--time-limit: expected a time such as 90s, 15m or 1h30m, not {text!r}")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def parse_shard(text: str) -> tuple[int, int]:
    """(i, n) of `i/n`.

    >>> parse_shard("2/4")
    (2, 4)
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise BadStudy(f"--shard: expected i/n with i from 1 to n, such as 1/4, not {text!r}")
    return int(match[1]), int(match[2])
