"""Large plans and tables: 100,000 runs planned, 10,000 rows shown, checked and compared; a file of
539,400 rows and ten columns planned, beside one of 200, and one of 65,535 columns.

    python benchmarks/tables.py [--repeats 5]

The rows are a real study's: 1,000 cells of ten seeds whose initial weights are scored.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from measure import child, machine, spread

RUN = [sys.executable, "-m", "regbench"]
STUDY = """\
name: large
dataset: iris
model: {{name: mlp, hidden: [8]}}
training: {{epochs: {epochs}}}
seeds: {seeds}
sweep:
  optimizer.lr: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
  regularizer.l1: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
  regularizer.l2: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
expect:
  - epochs_run[optimizer.lr=0.1] >= 0
"""


ROWS, COLUMNS = 539_400, 10
FILE = """\
dataset: {{name: csv, path: {path}, target: y, task: regression}}
model: {{hidden: [64, 64]}}
"""


def write_table(folder: Path, name: str, rows: int, columns: int) -> Path:
    """A table of normal numbers of three decimals, and a study of it."""
    draw, path = np.random.default_rng(0), folder / f"{name}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join([*(f"x{j}" for j in range(columns)), "y"]) + "\n")
        for start in range(0, rows, 10_000):
            values = draw.normal(size=(min(10_000, rows - start), columns + 1))
            np.savetxt(file, values, "%.3f", ",")
    study = folder / f"{name}.yaml"
    study.write_text(FILE.format(path=path.name))
    return study


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as root:
        large, small = Path(root, "large.yaml"), Path(root, "small.yaml")
        large.write_text(STUDY.format(epochs=10, seeds=100))
        small.write_text(STUDY.format(epochs=0, seeds=10))
        results = f"{root}/results"
        subprocess.run([*RUN, "run", str(small), "-o", results, "--quiet"], check=True)
        commands = {
            "plan 100,000 runs": ["plan", str(large)],
            "show 10,000 rows": ["show", results],
            "check 10,000 rows": ["check", results],
            "compare 10,000 rows": ["compare", results, results],
        }
        for name, rows, columns in (
            ("539,400 x 10", ROWS, COLUMNS),
            ("200 x 10", 200, COLUMNS),
            ("60 x 65,535", 60, 65_535),
        ):
            file = write_table(Path(root), f"table-{rows}-{columns}", rows, columns)
            commands[f"plan {name}"] = ["plan", str(file)]
            if columns > COLUMNS:
                commands[f"data {name}"] = ["data", str(file)]
        print(f"median (least to most) of {asked.repeats}; {machine()}")
        peaks: dict[str, float] = {}
        for name, command in commands.items():
            found = [child([*RUN, *command]) for _ in range(asked.repeats + 1)][1:]
            seconds, memory = zip(*found, strict=True)
            peaks[name] = statistics.median(memory)
            print(f"  {name:<22} {spread(list(seconds))} s, {peaks[name]:.0f} MiB")
        more = peaks["plan 539,400 x 10"] - peaks["plan 200 x 10"]
        table = ROWS * COLUMNS * 4 / 2**20
        print(
            f"  539,400 rows take {more:.0f} MiB more than 200: {more / table:.1f} times the table"
        )
        print(f"  as float32 ({table:.0f} MiB; target: at most 3 times, and plan under 3 s)")


if __name__ == "__main__":
    main()
