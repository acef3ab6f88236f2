"""The command line inside the test's own process: fast, and the same code as a real one."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from regbench.cli import main

SMALL = """\
name: small
dataset: {name: iris, train_size: 40}
model: {name: mlp, hidden: [8]}
training: {epochs: 4, batch_size: 8}
seeds: 3
sweep:
  regularizer:
    none: none
    l2: {l2: 1e-2}
    stop: {early_stopping: {patience: 1}}
    norm: {batchnorm: true}
"""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def regbench(*arguments: object, cwd: Path | None = None) -> Done:
    """Run `regbench` with these arguments, its output piped."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["regbench", *map(str, arguments)]),
        mock.patch.dict("os.environ", {"COLUMNS": "80"}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.chdir(cwd or Path()),
    ):
        code = main.outcome()
    return Done(code, out.getvalue(), err.getvalue())


def study(folder: Path, text: str = SMALL, name: str = "small.yaml") -> Path:
    """A study file in a folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """What must be the same in identical results."""
    names = ("runs.csv", "epochs.csv", "gap.csv", "gap.md", "plan.csv")
    return {name: (folder / name).read_bytes() for name in names}
