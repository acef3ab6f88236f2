"""The work that every peer does, and how a peer is timed.

A peer is a program of its own. It does the work once, small, to warm up, says that it is ready,
waits for the start, does the work, and says what came out: `benchmarks/peers.py` holds the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from regbench.config.blocks.bundled import Digits
from regbench.data import load

BATCH = 64
LR = 1e-3
L2 = (1e-4, 1e-3)
DROPOUT = (0.1, 0.3)
DATASET = {
    "name": "digits",
    "train_size": 1200,
    "val_size": 597,
    "test_size": 0,
    "split_seed": 0,
}

Accuracies = tuple[float, float]  # of training and of validation, after the last epoch


@dataclass(frozen=True)
class Run:
    """What runs differ in; l2 * sum(w^2) over the kernels is added to the loss."""

    seed: int
    l2: float
    dropout: float


@dataclass(frozen=True)
class Data:
    """1,200 digits to train on and 597 to validate on: standardised float32, classes as int64."""

    x: npt.NDArray[np.float32]
    y: npt.NDArray[np.int64]
    x_val: npt.NDArray[np.float32]
    y_val: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """This process's runs, of so many planned, of an mlp 64-width-width-10.

    `threads` is 0 where the peer may choose.
    """

    data: Data
    width: int
    epochs: int
    planned: int
    runs: Sequence[Run]
    threads: int


def all_runs(number: int) -> list[Run]:
    """So many runs, a multiple of 4: every seed with every pair of strengths."""
    seeds = range(number // (len(L2) * len(DROPOUT)))
    return [Run(seed, l2, rate) for l2 in L2 for rate in DROPOUT for seed in seeds]


def study(width: int, epochs: int, runs: int) -> dict[str, Any]:
    """The same as a study file; `runs` is a multiple of 4."""
    return {
        "name": "peers",
        "dataset": DATASET,
        "model": {"name": "mlp", "hidden": [width, width], "init": "he_normal"},
        "optimizer": {"name": "adam", "lr": LR},
        "training": {"epochs": epochs, "batch_size": BATCH, "device": "cpu"},
        "seeds": runs // (len(L2) * len(DROPOUT)),
        "sweep": {"regularizer.l2": list(L2), "regularizer.dropout": list(DROPOUT)},
    }


def digits() -> Data:
    """The one split that all runs see."""
    split = load(Digits(**DATASET), 0, Path())
    train, val = split.train, split.val
    x, x_val = (part.x.astype(np.float32) for part in (train, val))
    return Data(x, train.y.astype(np.int64), x_val, val.y.astype(np.int64))


def arguments() -> argparse.Namespace:
    """What `benchmarks/peers.py` asks of a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--share", default="0/1", help="of all runs: which, of how many")
    parser.add_argument("--threads", type=int, default=0, help="0: the peer's default")
    return parser.parse_args()


def asked_task() -> Task:
    """This process's share of the runs."""
    asked = arguments()
    index, shares = (int(part) for part in asked.share.split("/"))
    runs = all_runs(asked.runs)[index::shares]
    return Task(digits(), asked.width, asked.epochs, asked.runs, runs, asked.threads)


def pin() -> None:
    """Keep this process, and all threads that it will start, on the core of its share."""
    index, shares = (int(part) for part in arguments().share.split("/"))
    if shares > 1:
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[index % len(cores)]})


def timed(train: Callable[[Task], Sequence[Accuracies]], *, warm_up_runs: int | None = 1) -> None:
    """Warm up, wait for the start, train, report.

    Args:
        warm_up_runs: how many runs the one epoch of warming up trains; None: all, so that what
            is compiled is compiled for the shapes of the task.
    """
    task = asked_task()
    begin = time.perf_counter()
    train(replace(task, epochs=1, runs=task.runs[:warm_up_runs]))
    _say(warm_up_seconds=time.perf_counter() - begin)
    sys.stdin.readline()
    scores = [[float(accuracy) for accuracy in pair] for pair in train(task)]
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    _say(scores=scores, peak_mib=peak_mib)


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)
