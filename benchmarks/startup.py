"""How fast commands answer, and how soon training begins, against the imports that it takes.

    python benchmarks/startup.py [--repeats 7]

`first step` is `regbench run` on a study of one run with one full batch. Its process ends itself
where the progress display hears that the epoch is over: a step and its scores are in the figure.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import interleaved, machine, ratios, spread

ROOT = Path(__file__).parent.parent
RUN = [sys.executable, "-m", "regbench"]
FIRST_STEP = """
import os, sys
from regbench.cli.main import main
from regbench.report.progress import LineProgress
LineProgress.advanced = lambda *_: os._exit(0)
sys.argv = ["regbench", *sys.argv[1:]]
main()
sys.exit("no epoch was reported")
"""
ONE_STEP = """
dataset: {name: digits, train_size: 300}
model: {name: mlp, hidden: [128, 128]}
training: {epochs: 1, batch_size: full, device: cpu}
seeds: 1
"""
HELP, TYPER = "regbench --help", "python -c 'import typer, rich'"
FIRST, TORCH = "regbench run, first step", "python -c 'import torch'"
QUICKSTART = str(ROOT / "configs" / "quickstart.yaml")


def process(*command: str) -> Callable[[], object]:
    def start() -> object:
        return subprocess.run(command, capture_output=True, check=True)

    return start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results, unfinished = f"{folder}/results", f"{folder}/unfinished"
        study = Path(folder, "one-step.yaml")
        study.write_text(ONE_STEP)
        small = ["-s", "training.epochs=1", "--seeds", "2", "--quiet", "-o", results]
        subprocess.run([*RUN, "run", QUICKSTART, *small], capture_output=True, check=False)
        ways = {
            TYPER: process(sys.executable, "-c", "import typer, rich"),
            HELP: process(*RUN, "--help"),
            TORCH: process(sys.executable, "-c", "import torch"),
            FIRST: process(sys.executable, "-c", FIRST_STEP, "run", str(study), "-o", unfinished),
            "regbench validate": process(*RUN, "validate", QUICKSTART),
            "regbench plan": process(*RUN, "plan", QUICKSTART),
            "regbench show": process(*RUN, "show", results),
        }
        seconds = interleaved(ways, asked.repeats)
    print(f"seconds from start to end of the process; {machine()}")
    for name, values in seconds.items():
        print(f"  {name:<42} {spread(values)}")
    times = ratios(seconds[HELP], seconds[TYPER])
    print(f"  --help takes {spread(times, 1)} times its imports (target: under 3)")
    later = [a - b for a, b in zip(seconds[FIRST], seconds[TORCH], strict=True)]
    print(f"  the first step comes {spread(later)} s after its imports (target: under 1)")


if __name__ == "__main__":
    main()
