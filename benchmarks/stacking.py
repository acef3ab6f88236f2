"""What stacking is worth: runs of the quickstart as one stack, against the same one by one.

    python benchmarks/stacking.py [--runs 16] [--epochs 20] [--repeats 5]

Both ways use the one engine on one thread; a single run is a stack of one.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import torch
from measure import interleaved, machine, ratios, spread

from regbench.config.load import load_study
from regbench.engine.loop import train_stack
from regbench.engine.member import Member

QUICKSTART = Path(__file__).parent.parent / "configs" / "quickstart.yaml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    study = load_study(QUICKSTART, [f"training.epochs={asked.epochs}"])
    # Every regularizer that stacks with the others and changes the trajectory, seed after seed.
    cells = [
        cell
        for cell in study.cells
        if cell.setting.regularizer.batchnorm is None
        and cell.setting.regularizer.early_stopping is None
    ]
    seeds = -(-asked.runs // len(cells))
    members = [
        Member(cell.setting, seed, {"r": cell.setting.regularizer})
        for cell in cells
        for seed in range(seeds)
    ]
    del members[asked.runs :]
    seconds = interleaved(
        {
            "one by one": lambda: [train_stack([member], Path()) for member in members],
            "one stack": lambda: train_stack(members, Path()),
        },
        asked.repeats,
    )
    print(f"{asked.runs} runs of the quickstart, {asked.epochs} epochs; {machine()}, one thread")
    for name, values in seconds.items():
        each = [value / asked.runs for value in values]
        print(f"  {name:<12} {spread(values)} s, {statistics.median(each) * 1000:.1f} ms a run")
    share = ratios(seconds["one stack"], seconds["one by one"])
    print(f"  the stack costs {spread(share)} of the runs one by one (target: under 0.333)")


if __name__ == "__main__":
    main()
