"""When a stack in training is kept, and under which name."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from regbench.engine.member import Member, State
from regbench.results import checkpoints

__all__ = ["StackCheckpoints"]

# A broken-off command loses no more of a stack than this and one epoch ...
_SECONDS_BETWEEN = 5.0
# ... unless keeping it takes long: no more than a twentieth of the time goes into that.
_LEAST_RATIO = 20
# Bumped by hand whenever a stack's state takes another form.
_FORM = 4


class StackCheckpoints:
    """The checkpoints of one stack, or of a part that memory forced out of one.

    Args:
        folder: the results folder.
        name: the stack's id, with a letter for each halving.
        members: what trains; a checkpoint of others counts for nothing.
        device: as torch names it.
    """

    def __init__(self, folder: Path, name: str, members: Sequence[Member], device: str) -> None:
        self._folder, self._name = folder, name
        runs = [list(member.readings) for member in members]
        facts = json.dumps([_FORM, runs, device, torch.__version__])
        self._key = hashlib.sha256(facts.encode()).hexdigest()
        self._next = time.monotonic() + _SECONDS_BETWEEN
        self.warnings: list[str] = []

    def latest(self) -> tuple[int, State] | None:
        """The epoch and state to go on from, if there is one."""
        found = checkpoints.latest(self._folder, self._name, self._key, warn=self.warnings.append)
        return None if found is None else (found[0], found[1])

    def due(self) -> bool:
        """Whether it is time for another."""
        return time.monotonic() >= self._next

    def save(self, epoch: int, state: State) -> None:
        """Keep the state after an epoch."""
        begin = time.monotonic()
        checkpoints.save(self._folder, self._name, self._key, epoch, state, {})
        end = time.monotonic()
        self._next = end + max(_SECONDS_BETWEEN, _LEAST_RATIO * (end - begin))

    def discard(self) -> None:
        """The stack is committed: remove what was kept."""
        checkpoints.discard(self._folder, self._name)
