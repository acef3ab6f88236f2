"""Where output goes: results to stdout, everything about them to stderr."""

from __future__ import annotations

import os

from rich.console import Console

__all__ = ["stderr", "stdout"]


def stdout() -> Console:
    """For tables: plain when piped; NO_COLOR and COLUMNS are honoured by Rich."""
    return Console(highlight=False, soft_wrap=False)


def stderr() -> Console:
    """For progress, the folder, the sentence and the claims; no bar in CI."""
    in_ci = bool(os.environ.get("CI"))
    return Console(stderr=True, highlight=False, force_terminal=False if in_ci else None)
