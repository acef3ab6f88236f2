"""Plain sentences on a console."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

__all__ = ["counted", "say"]


def say(console: Console, text: Text | str) -> None:
    """Print text as it is (no markup): wrapped at words on a terminal, one line where piped."""
    console.print(text, soft_wrap=not console.is_terminal, markup=False)


def counted(number: int, noun: str) -> str:
    """
    >>> counted(1, "stack"), counted(0, "stack")
    ('1 stack', '0 stacks')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
