"""Convolutional networks: regbench's own and a module, against loops that people write.

    python benchmarks/convnets.py [--runs 4] [--epochs 2] [--repeats 4]

1,000 digits of MNIST (28 x 28) to train and 500 to validate, two convolutions of 16 and 32 channels
with max-pooling, batches of 50, AdamW; both parts scored each epoch. Runs differ in seed and weight
decay. One process a core, all of which begin at once, after a round to warm up; the time is that
of the last to end. The loops have their images as tensors up front, regbench as bytes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import torch
from measure import cores, interleaved, machine, ratios, spread
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from regbench.config.load import study_from_mapping
from regbench.data import load
from regbench.engine.loop import train_stack
from regbench.engine.member import Member
from regbench.models.own import in_memory

BATCH, SCORED, LR, DECAYS = 50, 100, 1e-3, (0.01, 0.1)
STACK = 4  # the most runs of a module that are one stack
MODELS = {"cnn": {"name": "cnn", "channels": [16, 32]}, "module": {"name": "module"}}
# What is timed, the loop beside it, and how many times faster it should be at least.
PAIRS = (
    ("regbench, cnn", "loop, channels last", 1.0),
    ("regbench, cnn", "loop, plain layout", 1.5),
    ("regbench, module", "loop, channels last", 0.95),
)

_starts: list[Barrier] = []  # of a worker: the one start that all wait for


def make(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """The network of all ways; regbench's cnn is the same one."""
    channels, height, width = shape
    return nn.Sequential(
        *(nn.Conv2d(channels, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * (height // 4) * (width // 4), outputs)),
    )


def study(model: dict[str, Any], epochs: int) -> dict[str, Any]:
    return {
        "dataset": {"name": "mnist_5k", "train_size": 1000, "val_size": 500, "test_size": 0},
        "model": model,
        "optimizer": {"name": "adamw", "lr": LR},
        "training": {"epochs": epochs, "batch_size": BATCH, "device": "cpu"},
        "sweep": {"regularizer.weight_decay": list(DECAYS)},
    }


def by_regbench(model: str, runs: int, epochs: int, share: int) -> None:
    asked = study_from_mapping(study(MODELS[model], epochs))
    module = in_memory(make, "benchmark") if model == "module" else None
    members = [
        Member(cell.setting, seed, {"r": cell.setting.regularizer}, module=module)
        for seed in range(runs // len(DECAYS))
        for cell in asked.cells
    ][share :: cores()]
    for first in range(0, len(members), STACK):
        train_stack(members[first : first + STACK], Path())


@cache
def parts(seed: int, layout: torch.memory_format) -> list[tuple[Tensor, Tensor]]:
    """Training and validation part as a person would have them: float32, classes."""
    config = study_from_mapping(study(MODELS["cnn"], 1)).cells[0].setting.dataset
    split = load(config, seed, Path())
    return [
        (
            torch.tensor(part.x, dtype=torch.float32)
            .reshape(-1, *split.example)
            .contiguous(memory_format=layout),
            torch.tensor(part.y),
        )
        for part in (split.train, split.val)
    ]


def by_loop(layout: torch.memory_format, runs: int, epochs: int, share: int) -> None:
    all_runs = [(seed, decay) for seed in range(runs // len(DECAYS)) for decay in DECAYS]
    for seed, decay in all_runs[share :: cores()]:
        (x, y), val = parts(seed, layout)
        torch.manual_seed(seed)
        network = make(tuple(x.shape[1:]), 10).to(memory_format=layout)
        optimizer = torch.optim.AdamW(network.parameters(), LR, weight_decay=decay, fused=True)
        for _ in range(epochs):
            network.train()
            for rows in torch.randperm(len(x)).split(BATCH):
                optimizer.zero_grad()
                cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
            network.eval()
            for scored in ((x, y), val):
                score(network, *scored)


@torch.inference_mode()
def score(network: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """In pieces that stay in the cache: faster than all at once."""
    logits = torch.cat([network(some) for some in x.split(SCORED)])
    return cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


WAYS: dict[str, Callable[[int, int, int], None]] = {
    "regbench, cnn": partial(by_regbench, "cnn"),
    "regbench, module": partial(by_regbench, "module"),
    "loop, channels last": partial(by_loop, torch.channels_last),
    "loop, plain layout": partial(by_loop, torch.contiguous_format),
}


def prepare(start: Barrier) -> None:
    torch.set_num_threads(1)
    _starts.append(start)


def work(name: str, runs: int, epochs: int, share: int) -> None:
    _starts[0].wait()
    WAYS[name](runs, epochs, share)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=4, help="a multiple of 2")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=4)
    asked = parser.parse_args()
    context = get_context("spawn")
    begin = os.getloadavg()[0]
    with ProcessPoolExecutor(cores(), context, prepare, (context.Barrier(cores()),)) as pool:

        def whole(name: str) -> None:
            list(pool.map(partial(work, name, asked.runs, asked.epochs), range(cores())))

        seconds = interleaved({name: partial(whole, name) for name in WAYS}, asked.repeats)
    print(f"{asked.runs} runs of {asked.epochs} epochs, one process a core; {machine()}")
    print(f"{asked.repeats} rounds, median (least to most); load before: {begin:.1f}")
    for name, values in seconds.items():
        print(f"  {name:<20} {spread(values)} s")
    for ours, theirs, target in PAIRS:
        times = spread(ratios(seconds[theirs], seconds[ours]), 2)
        print(f"  {ours} against {theirs}: {times} times faster (target: {target:g})")


if __name__ == "__main__":
    main()
