"""Where output goes: results to stdout, everything about them to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from rich.console import Console

__all__ = ["readers_may_leave", "stderr", "stdout", "write_file", "write_utf8"]


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """Leave it to `readers_may_leave`, where Rich would end the program."""
        raise BrokenPipeError


def stdout() -> Console:
    """For tables: plain when piped; NO_COLOR and COLUMNS are honoured by Rich."""
    return _Console(highlight=False, soft_wrap=False)


def stderr() -> Console:
    """For progress, the folder, the sentence and the claims; no bar in CI."""
    in_ci = bool(os.environ.get("CI"))
    return Console(stderr=True, highlight=False, force_terminal=False if in_ci else None)


def write_utf8(text: str) -> None:
    """Write a file's text to stdout as UTF-8, whatever the terminal's encoding is."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
    else:
        binary.write(text.encode())


def write_file(target: Path, content: bytes) -> None:
    """Write a file whole or not at all, and say so."""
    from regbench.report.say import say
    from regbench.results.files import write_atomic

    write_atomic(target, content)
    say(stderr(), f"{target}: {len(content) / 1000:.0f} kB")


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Go on when whoever reads stdout (`| head`) has seen enough: what is left to decide counts."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
