"""When a stack in training is kept, and what of it is taken up again."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version

from regbench.engine.member import Member, State
from regbench.executors.executor import Kept, Tell

# A broken-off command loses no more of a stack than this and one epoch ...
_SECONDS_BETWEEN = 5.0
# ... unless keeping it takes long: no more than a twentieth of the time goes into that.
_LEAST_RATIO = 20
# Bumped by hand whenever a stack's state takes another form.
_FORM = 4


def halves(name: str, members: Sequence[Member]) -> tuple[tuple[str, Sequence[Member]], ...]:
    """The two parts of a stack for which memory did not suffice, with their names.

    >>> halves("s0001", "abc")
    (('s0001a', 'a'), ('s0001b', 'bc'))
    """
    half = len(members) // 2
    return (f"{name}a", members[:half]), (f"{name}b", members[half:])


def work_key(members: Sequence[Member], device: str) -> str:
    """What a checkpoint is of: that of other runs, or by another torch, counts for nothing."""
    runs = [list(member.readings) for member in members]
    facts = json.dumps([_FORM, runs, device, _torch_version()])
    return hashlib.sha256(facts.encode()).hexdigest()


@cache
def _torch_version() -> str:
    return version("torch")


def parts(name: str, members: Sequence[Member]) -> Iterator[tuple[str, Sequence[Member]]]:
    """A stack and all parts that memory may force out of it, with their names."""
    yield name, members
    if len(members) > 1:
        for part in halves(name, members):
            yield from parts(*part)


class StackCheckpoints:
    """The checkpoints of one stack, or of a part that memory forced out of one.

    Args:
        stack_id: what they are of.
        name: the same, with a letter for each halving.
        members: what trains.
        device: as torch names it.
        found: the epoch and state to go on from, if there is one.
        tell: is told what to keep; whoever drives writes it.
    """

    def __init__(
        self,
        stack_id: str,
        name: str,
        members: Sequence[Member],
        device: str,
        found: tuple[int, State] | None,
        tell: Tell,
    ) -> None:
        self._stack_id, self._name = stack_id, name
        self._key = work_key(members, device)
        self._found, self._tell = found, tell
        self._next = time.monotonic() + _SECONDS_BETWEEN

    def latest(self) -> tuple[int, State] | None:
        """The epoch and state to go on from, if there is one."""
        return self._found

    def due(self) -> bool:
        """Whether it is time for another."""
        return time.monotonic() >= self._next

    def save(self, epoch: int, state: State) -> None:
        """Have the state after an epoch kept."""
        begin = time.monotonic()
        self._tell(Kept(self._stack_id, self._name, self._key, epoch, state))
        end = time.monotonic()
        self._next = end + max(_SECONDS_BETWEEN, _LEAST_RATIO * (end - begin))
