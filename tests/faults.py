"""Faults at chosen operations of the disk, and the tiny study that is tried with all of them."""

import errno
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from command import regbench

from regbench.results.disk import disk

# Four runs in two stacks; one of them reads another's trajectory.
TINY = """\
name: tiny
dataset: {name: iris, train_size: 20}
model: {name: mlp, hidden: [3]}
training: {epochs: 2, batch_size: 16}
seeds: 1
sweep:
  regularizer:
    none: none
    l2: {l2: 1e-2}
    stop: {early_stopping: {patience: 1}}
    norm: {batchnorm: true}
"""
TABLES = ("runs.csv", "epochs.csv", "gap.csv")
NEED_SPACE = {"make_folder", "create", "write"}


class Crash(BaseException):
    """The process is gone: nothing after it reaches the disk."""


@dataclass
class Fault:
    """A hook that goes wrong at the n-th operation.

    crash   nothing is done from there on
    cut     as crash, but of a write half is done
    full    no space from there on
    torn    as full, but of a write half is done
    once    no space there, and then again
    eio     an I/O error there
    short   every write from there on takes half of what is left
    """

    kind: str
    at: int
    seen: list = field(default_factory=list)

    @property
    def names(self):
        """The operations so far, the one that went wrong included."""
        return [operation.name for operation in self.seen]

    def __call__(self, operation):
        self.seen.append(operation)
        n = len(self.seen)
        if n < self.at:
            return None
        half = max(1, len(operation.content) // 2) if operation.name == "write" else None
        if self.kind == "short":
            return half
        if self.kind in ("cut", "torn") and n == self.at and half:
            return half
        if self.kind in ("crash", "cut"):
            raise Crash
        if self.kind in ("full", "torn") and operation.name in NEED_SPACE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.kind == "once" and n == self.at and operation.name in NEED_SPACE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if self.kind == "eio" and n == self.at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return None

    @property
    def happened(self):
        """Whether it came so far."""
        return len(self.seen) >= self.at


@contextmanager
def hooked(hook):
    """The disk with this hook."""
    before, disk.hook = disk.hook, hook
    try:
        yield hook
    finally:
        disk.hook = before


def tables(folder):
    """What must be the same however often a command was broken off."""
    return {name: (Path(folder) / name).read_bytes() for name in TABLES}


def run_tiny(path, folder, *options):
    """Train it in this process."""
    return regbench("run", path, "-o", folder, "-q", "-j", 1, *options)
