"""Where output goes: results to stdout, everything about them to stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

from rich.console import Console


def stdout() -> Console:
    """For tables: plain when piped; NO_COLOR and COLUMNS are honoured by Rich."""
    return Console(highlight=False, soft_wrap=False)


def stderr() -> Console:
    """For progress, the folder, the sentence and the claims; no bar in CI."""
    in_ci = bool(os.environ.get("CI"))
    return Console(stderr=True, highlight=False, force_terminal=False if in_ci else None)


def tell(word: str, sentences: Iterable[str]) -> None:
    """Say on stderr what is to be known, a line each: `note: ...`, `warning: ...`."""
    from regbench.report.say import say

    for sentence in sentences:
        say(stderr(), f"{word}: {sentence}")


def write_utf8(text: str) -> None:
    """Write a file's text to stdout as UTF-8, whatever the terminal's encoding is."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:
        sys.stdout.write(text)
    else:
        binary.write(text.encode())
