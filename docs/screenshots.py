"""Photograph the quickstart's report for the README, light and dark.

    python docs/screenshots.py        # what `make screenshots` does

Trains configs/quickstart.yaml where results/ does not hold it yet, writes its report and opens it
in Chromium, which must be installed.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

import regbench
from regbench.report.content import Content
from regbench.report.page.page import page

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results" / "quickstart"
# What is seen without scrolling: the answer, the gap, and each regularizer against none.
WIDTH, HEIGHT = 1000, 1540


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("chromium is not installed: no screenshots", file=sys.stderr)
        return 1
    results = regbench.run(ROOT / "configs" / "quickstart.yaml", out=RESULTS, workers=None)
    file = RESULTS / "report.html"
    file.write_bytes(page(Content(RESULTS, results.rows, results.claims)))
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            viewport = {"width": WIDTH, "height": HEIGHT}
            opened = browser.new_page(viewport=viewport, color_scheme=scheme)
            opened.goto(file.as_uri())
            target = ROOT / "docs" / f"report-{scheme}.png"
            opened.screenshot(path=target)
            print(f"wrote {target.relative_to(ROOT)}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
