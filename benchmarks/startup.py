"""How fast commands answer that train nothing, against the imports that they cannot avoid.

python benchmarks/startup.py [--repeats 7]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from measure import interleaved, machine, spread

ROOT = Path(__file__).parent.parent
RUN = [sys.executable, "-m", "regbench"]
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
        results = f"{folder}/results"
        small = ["-s", "training.epochs=1", "--seeds", "2", "--quiet", "-o", results]
        subprocess.run([*RUN, "run", QUICKSTART, *small], capture_output=True, check=False)
        ways = {
            "python -c 'import typer, rich'": process(sys.executable, "-c", "import typer, rich"),
            "python -c 'import torch'": process(sys.executable, "-c", "import torch"),
            "regbench --help": process(*RUN, "--help"),
            "regbench validate": process(*RUN, "validate", QUICKSTART),
            "regbench plan": process(*RUN, "plan", QUICKSTART),
            "regbench show": process(*RUN, "show", results),
        }
        seconds = interleaved(ways, asked.repeats)
    print(f"seconds from start to end of the process; {machine()}")
    for name, values in seconds.items():
        print(f"  {name:<32} {spread(values)}")


if __name__ == "__main__":
    main()
