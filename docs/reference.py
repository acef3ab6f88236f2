"""Run the shipped studies and keep what they gave in results/reference/<study>/.

    python docs/reference.py [NAME ...]

Small files only: runs.csv and gap.csv (where they are small), gap.md and a figure, and findings.csv
for those of configs/studies. They are what a pipeline compares with, and what a reader looks at
before running anything. Without a name: all. What lies in results/ already is not trained again.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import regbench
from regbench.report.figures import gap_figure
from regbench.results.csv_text import write_csv
from regbench.textbook.lessons import LESSONS
from regbench.textbook.reproduce import columns, reproduce

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "results"
STUDIES = {path.stem: path for path in sorted((ROOT / "configs").glob("*.yaml"))}
KEPT = ("runs.csv", "gap.csv", "gap.md")
MOST_BYTES = {"runs.csv": 100_000, "gap.csv": 300_000, "gap.md": 100_000}


def keep(name: str, results: regbench.Results | None, **more: bytes) -> None:
    """Copy the small tables of a study, and write what else there is."""
    target = RESULTS / "reference" / name
    target.mkdir(parents=True, exist_ok=True)
    for kept in KEPT if results else ():
        if (results.folder / kept).stat().st_size <= MOST_BYTES[kept]:
            shutil.copyfile(results.folder / kept, target / kept)
    for stem, content in more.items():
        (target / stem.replace("_", ".")).write_bytes(content)


def main(names: list[str]) -> None:
    for name in names or [*STUDIES, *LESSONS]:
        if name in STUDIES:
            results = regbench.run(STUDIES[name], out=RESULTS / name, workers=None)
            keep(name, results, gap_svg=gap_figure(name, results.table))
            found = [f"{each.decision} {each.claim.text}" for each in results.claims]
        else:
            [each] = reproduce([name], RESULTS, workers=None)
            findings = write_csv(*columns([each]))
            figure = each.evidence.figure()
            keep(name, each.results, findings_csv=findings, figure_svg=figure)
            found = [f"{finding.decision} {finding.what}" for finding in each.findings]
        print("\n".join(f"{name}: {line}" for line in found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
