"""Large plans and tables: 100,000 runs planned, 10,000 rows shown, checked and compared.

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
        print(f"median (least to most) of {asked.repeats}; {machine()}")
        for name, command in commands.items():
            found = [child([*RUN, *command]) for _ in range(asked.repeats + 1)][1:]
            seconds, memory = zip(*found, strict=True)
            print(f"  {name:<22} {spread(list(seconds))} s, {statistics.median(memory):.0f} MiB")


if __name__ == "__main__":
    main()
