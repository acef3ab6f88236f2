"""How results were made, by what their folder notes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from regbench.vocabulary.words import counted

_MOST_COMMANDS = 10
_FACTS = ("regbench", "torch", "numpy", "scikit-learn", "python", "platform", "device", "host")


def made(notes: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """The facts of the last training, and the time of all."""
    if not notes:
        return []
    last = notes[-1]
    facts = [(name, str(last[name])) for name in _FACTS if last.get(name)]
    times = (note.get("wall_seconds") for note in notes)
    seconds = [each for each in times if isinstance(each, int | float)]
    if seconds:
        facts.append(("training", f"{sum(seconds):.1f} s in {counted(len(seconds), 'command')}"))
    return facts


def commands(notes: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """The last commands that provenance.jsonl notes, each with its time."""
    return [(str(note.get("time", "")), _command(note)) for note in notes[-_MOST_COMMANDS:]]


def _command(note: dict[str, Any]) -> str:
    command = note.get("command")
    words = [str(word) for word in command] if isinstance(command, list) else []
    # How regbench was started there is of no use here.
    return shlex.join(["regbench", *words[1:]]) if words else str(note.get("event", ""))
