"""Plain sentences on a console, and how decisions look in them."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from regbench.errors import one_line

# The styles of claims, gates and findings.
DECISIONS = {"PASS": "green", "FAIL": "bold red", "UNDECIDED": "yellow"}


def say(console: Console, text: Text | str) -> None:
    """Print a sentence as it is (no markup): wrapped at words on a terminal, one line where piped.

    Where a file has a say in it, what is no text is shown as escapes (see `one_line`).
    """
    if isinstance(text, str):
        text = one_line(text)
    elif not text.plain.isprintable():
        parts = [(one_line(part.text), part.style or "") for part in text.render(console)]
        text = Text.assemble(*parts)
    console.print(text, soft_wrap=not console.is_terminal, markup=False)
