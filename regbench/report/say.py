"""Plain sentences on a console."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

__all__ = ["say"]


def say(console: Console, text: Text | str) -> None:
    """Print text as it is (no markup): wrapped at words on a terminal, one line where piped."""
    console.print(text, soft_wrap=not console.is_terminal, markup=False)
