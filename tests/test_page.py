"""The report: what it holds, and how it behaves in a real browser."""

import base64
import csv
import io
import re
import shutil
import time
from html.parser import HTMLParser

import pytest
from command import regbench, study
from tables import runs_of

from regbench.report.content import Content
from regbench.report.page.page import page

STUDY = """\
name: moons and axes
dataset: {name: moons, noise: 0.3, train_size: 40, val_size: 60, test_size: 60, label_noise: 0.2}
model: {name: mlp, hidden: [16]}
training: {epochs: 6, batch_size: 10, save_weights: true, save_predictions: true}
seeds: 2
sweep:
  optimizer.lr: [0.001, 0.01]
  regularizer.l2: [0, 0.001, 0.1]
expect:
  - weight_norm[regularizer.l2=0.1] < weight_norm[regularizer.l2=0]
"""
LABELS = """\
name: labels
dataset: {name: iris, train_size: 40}
model: {name: mlp, hidden: [8]}
training: {epochs: 3, batch_size: 8}
seeds: 2
sweep:
  regularizer:
    none: none
    "<img src=x onerror=alert(1)>": {l2: 1e-2}
    "a \\"quoted\\" 'label' & $x^2$ =1+1": {l2: 1e-3}
    "日本語 with a name so long that no column of any table could hold it": {l1: 1e-3}
"""


def made(root, text):
    assert regbench("run", study(root, text), "-o", root / "r", "-q").code in (0, 1)
    return root / "r"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made(tmp_path_factory.mktemp("page"), STUDY)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    return made(tmp_path_factory.mktemp("nasty"), LABELS)


@pytest.fixture(scope="module")
def html(folder):
    assert regbench("report", folder).code == 0
    return (folder / "report.html").read_text(encoding="utf-8")


class Seen(HTMLParser):
    """Tags with their attributes, and ids."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_every_section_that_the_study_has_numbers_for_is_there(html):
    titles = re.findall(r"<h2>([^<]*)</h2>", html)
    assert titles == [
        *("The gap", "Against no regularizer", "Learning curves", "Along an axis", "Two axes"),
        *("Fitted functions", "Weights", "Memorisation", "Calibration", "Table"),
        "How it was made",
    ]
    assert "weight_norm[regularizer.l2=0.1] &lt; weight_norm[regularizer.l2=0]" in html
    assert "regbench run study.yaml -o again" in html


def test_the_page_needs_nothing_else_and_runs_nothing_of_the_study(html, nasty):
    assert regbench("report", nasty).code == 0
    for text in (html, (nasty / "report.html").read_text(encoding="utf-8")):
        seen = Seen(text)
        tags = [tag for tag, _ in seen.tags]
        assert tags.count("script") == 1
        assert "img" not in tags
        ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        for _, attrs in seen.tags:
            assert not any(name.startswith("on") for name in attrs)
            for name in ("src", "href", "xlink:href"):
                assert attrs.get(name, "#").startswith(("#", "data:"))
    assert "&lt;img src=x onerror=alert(1)&gt;" in text


def test_the_csv_on_the_page_is_the_gap_table(folder, html):
    data = re.search(r'href="data:text/csv;base64,([^"]*)"', html)[1]
    there = list(csv.reader(io.StringIO(base64.b64decode(data).decode())))
    assert there == list(csv.reader(io.StringIO((folder / "gap.csv").read_text())))


def test_the_same_results_give_the_same_page(folder, html):
    assert regbench("report", folder).code == 0
    assert (folder / "report.html").read_text(encoding="utf-8") == html


@pytest.mark.parametrize(
    ("cells", "seeds", "expected"),
    [
        ({}, 1, "There are no runs yet"),
        ({"none": 0.4}, 1, "One seed"),
        ({"none": None, "l2": None}, 3, "6 of 6 runs diverged"),
        ({"none": 0.4, "l2": None}, 2, "2 of 4 runs diverged"),
    ],
)
def test_odd_studies_have_a_page_too(tmp_path, cells, seeds, expected):
    text = page(Content(tmp_path, runs_of(cells, seeds))).decode()
    assert expected in text
    assert "<h2>Table</h2>" in text


def test_many_cells_are_a_small_page_made_fast(tmp_path):
    cells = {f"cell {i}": 0.1 + i / 1000 for i in range(500)}
    begin = time.process_time()
    content = page(Content(tmp_path, runs_of(cells, seeds=2)))
    assert time.process_time() - begin < 20
    assert len(content) < 3_000_000
    assert "460 more stand in the table" in content.decode()
    assert content.decode().count('<th scope="row">') == 500


def test_figures_alone_and_other_formats(folder, tmp_path):
    for kind in ("gap", "forest", "curves", "path", "heatmap", "fit", "weights", "calibration"):
        done = regbench("plot", folder, "--kind", kind, "-o", tmp_path / f"{kind}.svg")
        assert done.code == 0, done.err
        assert (tmp_path / f"{kind}.svg").read_bytes().startswith(b"<?xml")
    assert regbench("report", folder, "-o", tmp_path / "r.png").code == 0
    assert (tmp_path / "r.png").read_bytes()[:4] == b"\x89PNG"
    assert regbench("report", folder, "-o", tmp_path / "r.md").code == 0
    assert (tmp_path / "r.md").read_text() == (folder / "gap.md").read_text()


def test_what_cannot_be_drawn_or_written_is_said(nasty, tmp_path):
    done = regbench("plot", nasty, "--kind", "heatmap")
    assert (done.code, done.err) == (
        2,
        "error: --kind heatmap: this study lacks a grid of two numeric keys\n",
    )
    assert regbench("plot", nasty, "-o", tmp_path / "x.pdf").code == 2
    done = regbench("report", nasty, "-o", tmp_path / "no" / "folder.html")
    assert done.code == 4
    assert "cannot be written" in done.err
    assert regbench("report", tmp_path).code == 3


# --- in a browser -----------------------------------------------------------------------------

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def opened(browser):
    """Opens a page and sees to it that it asks for nothing and complains of nothing."""
    heard, pages = [], []

    def open_(path, width=1000, scheme="light"):
        tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        pages.append(tab)
        tab.on("console", lambda message: heard.append(message.text))
        tab.on("pageerror", lambda error: heard.append(str(error)))
        tab.on("dialog", lambda dialog: (heard.append("a dialog"), dialog.dismiss()))
        tab.on("request", lambda request: heard.append(request.url))
        tab.goto(path.as_uri())
        assert heard == [path.as_uri()]
        heard.clear()
        return tab

    yield open_
    for tab in pages:
        tab.close()
    assert heard == []


def column(tab, title):
    titles = tab.locator("thead th").all_inner_texts()
    at = [each.rstrip(" ↑↓") for each in titles].index(title) + 1
    return tab.locator(f"tbody tr:visible > :nth-child({at})").all_inner_texts()


def test_the_table_sorts_and_filters(folder, html, opened):
    tab = opened(folder / "report.html")
    whole = column(tab, "val loss")
    tab.get_by_role("button", name="val loss").click()
    assert column(tab, "val loss") == sorted(whole, key=float)
    tab.get_by_role("button", name="val loss").click()
    assert column(tab, "val loss") == sorted(whole, key=float, reverse=True)
    assert tab.locator("th[aria-sort=descending]").inner_text().startswith("val loss")
    tab.get_by_label("Filter").fill("LR=0.01 l2=0.1")
    assert column(tab, "cell") == ["optimizer.lr=0.01, regularizer.l2=0.1"]
    assert tab.locator("#count").inner_text() == "1 of 6 cells"
    tab.get_by_label("Filter").fill("")
    assert len(column(tab, "cell")) == 6


@pytest.mark.parametrize("width", [400, 1000, 1600])
@pytest.mark.parametrize("name", ["folder", "nasty"])
def test_nothing_is_wider_than_the_screen(request, opened, html, width, name):
    root = request.getfixturevalue(name)
    if not (root / "report.html").exists():
        assert regbench("report", root).code == 0
    tab = opened(root / "report.html", width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    shown = tab.locator("figure svg:visible")
    assert shown.count() == tab.locator("figure").count() > 0
    boxes = [shown.nth(i).bounding_box() for i in range(shown.count())]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert all(box["height"] > 50 for box in boxes)


def test_dark_pages_are_dark_and_so_are_their_figures(folder, html, opened):
    def lightness(tab, selector, what):
        code = f"getComputedStyle(document.querySelector('{selector}')).{what}"
        return sum(map(int, re.findall(r"\d+", tab.evaluate(code))[:3])) / 3

    for scheme, dark in (("light", False), ("dark", True)):
        tab = opened(folder / "report.html", scheme=scheme)
        assert (lightness(tab, "body", "backgroundColor") < 60) == dark
        assert (lightness(tab, "figure svg.wide text", "fill") > 180) == dark


def test_labels_are_shown_as_they_are(nasty, opened):
    if not (nasty / "report.html").exists():
        assert regbench("report", nasty).code == 0
    tab = opened(nasty / "report.html")
    names = column(tab, "cell")
    assert "<img src=x onerror=alert(1)>" in names
    assert "a \"quoted\" 'label' & $x^2$ =1+1" in names
