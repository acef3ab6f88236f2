"""What of the environment would make a library fail, or the terminal of no size, is left out."""

from __future__ import annotations

import os

# Read by Rich and by Typer, without a look at what they say.
_SIZES = {"COLUMNS": (20, 1000), "LINES": (5, 1000), "TERMINAL_WIDTH": (20, 1000)}
# Figures are drawn without a window, whatever backend a notebook has set; and Typer counts on Rich.
_COMPLETE = "_REGBENCH_COMPLETE"
_SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")
_OTHERS = ("MPLBACKEND", "TYPER_USE_RICH")


def settle_environment() -> None:
    """Take odd values out of os.environ, for this process and those that it starts."""
    for name, (least, most) in _SIZES.items():
        value = os.environ.get(name, "")
        if not (value.isascii() and value.isdigit() and least <= int(value[:9]) <= most):
            os.environ.pop(name, None)
    for name in _OTHERS:
        os.environ.pop(name, None)
    # A shell that completes a command says so, and what has been typed.
    asked, _, shell = os.environ.get(_COMPLETE, "").partition("_")
    typed = "COMP_WORDS" in os.environ and os.environ.get("COMP_CWORD", "").isdecimal()
    if (
        asked not in ("source", "complete")
        or shell not in _SHELLS
        or ((asked, shell) == ("complete", "bash") and not typed)
    ):
        os.environ.pop(_COMPLETE, None)
