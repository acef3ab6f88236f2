"""Run the shipped studies and keep what they gave in results/reference/<study>/.

    python docs/reference.py [NAME ...]

Small files only: runs.csv, gap.csv, gap.md and a figure. They are what a pipeline compares with,
and what a reader looks at before running anything.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import regbench
from regbench.report.figures import gap_figure

ROOT = Path(__file__).parent.parent
STUDIES = {path.stem: path for path in sorted((ROOT / "configs").glob("*.yaml"))}
KEPT = ("runs.csv", "gap.csv", "gap.md")


def main(names: list[str]) -> None:
    for name in names or STUDIES:
        target = ROOT / "results" / "reference" / name
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            results = regbench.run(STUDIES[name], out=Path(folder) / name, workers=None)
            for outcome in results.claims:
                print(f"{name}: {outcome.decision} {outcome.claim.text}")
            for kept in KEPT:
                shutil.copyfile(results.folder / kept, target / kept)
            (target / "gap.svg").write_bytes(gap_figure(name, results.table))
            print(f"{name}: {len(results.runs)} runs in {results.summary.wall_seconds:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
