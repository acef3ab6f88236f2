"""Photograph the quickstart's report for the README, light and dark.

    python docs/screenshots.py        # what `make screenshots` does

Trains configs/quickstart.yaml where results/ does not hold it yet, writes its report and opens it in
Chromium, which must be installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "quickstart"
# What is seen without scrolling: the answer, the gap, and each regularizer against none.
WIDTH, HEIGHT = 1000, 1540


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("chromium is not installed: no screenshots", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "regbench"]
    subprocess.run(
        [*command, "run", "configs/quickstart.yaml", "-o", RESULTS, "-q"], check=True, cwd=ROOT
    )
    page = RESULTS / "report.html"
    subprocess.run([*command, "report", RESULTS, "-o", page], check=True, cwd=ROOT)
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            opened = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme
            )
            opened.goto(page.as_uri())
            target = ROOT / "docs" / f"report-{scheme}.png"
            opened.screenshot(path=target)
            print(f"wrote {target.relative_to(ROOT)}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
