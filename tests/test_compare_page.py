"""The page of a comparison: what it says, and that labels, gates and exit codes stay theirs."""

import base64
import csv
import io
import re
from html import unescape

import pytest
from command import regbench, study
from comparison import (
    BASE,
    FACTS,
    GATE,
    IGNORE,
    LOSS,
    METRICS,
    MIN4,
    NEW,
    SAME,
    SURE,
    changed,
    csv_of,
)
from comparison import rows_of as rows_by_hand
from test_page import Seen, browser, column, opened

__all__ = ["browser", "opened"]  # fixtures

NASTY = "<img src=x onerror=alert(1)>"
STUDY = """\
name: "page"
dataset: {name: iris, train_size: 40}
model: {name: mlp, hidden: [8]}
training: {epochs: 2, batch_size: 8}
seeds: 2
sweep:
  regularizer: {none: none, l2: {l2: 1e-2}}
"""


def page_of(base, new, *options):
    done = regbench("compare", base, new, "--format", "html", *options)
    return done, done.out


def chips(text):
    """The verdict, and the word, gate and figures of each check."""
    verdict = re.search(r'<p class="answer">(?:<span class="chip [^"]*">([^<]*)</span> )?', text)[1]
    found = re.findall(
        r'<li><span class="chip \w+">(\w+)</span> (?:<code>([^<]*)</code> )?'
        r'<span class="detail">([^<]*)</span></li>',
        text,
    )
    return verdict, [(word, gate, unescape(detail)) for word, gate, detail in found]


def table(text):
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", text)
    return [unescape(re.sub(r"<[^>]*>", "|", row)).replace("||", "|").split("|") for row in rows]


def test_what_the_page_holds(put):
    both = put("base.csv", BASE), put("new.csv", SURE)
    done, text = page_of(*both, "--fail-on", "val_loss:1%", "--fail-on", "val_loss:15%")
    assert done.code == 1
    assert re.findall(r"<h2>([^<]*)</h2>", text) == [
        *("What changed", "The gap in both", "Table", "How it was made")
    ]
    assert "6 pairs of runs in 2 cells" in text
    verdict, checks = chips(text)
    assert verdict == "FAIL"
    assert [check[:2] for check in checks] == [("FAIL", "val_loss:1%"), ("PASS", "val_loss:15%")]
    assert checks[0][2].startswith("mean over 2 cells NEW - BASE less 1% of BASE +0.014 (95% ")
    assert checks[0][2].endswith(
        "; in l2: +0.03 (95% interval +0.02752 to +0.03248, 3 pairs), from 0.6 to 0.63 (+5%)"
    )
    # Two figures for each of four metrics and each of two gaps.
    assert len(re.findall(r'<svg class="wide"', text)) == 6
    assert "change in validation loss of each cell from BASE to NEW, with 95% intervals" in text
    assert "gap in accuracy of each cell in BASE and in NEW" in text
    for path in both:
        assert f"<dd>{path}</dd>" in text
    assert "regbench compare" in text
    assert "--fail-on val_loss:1%" in text


def test_the_numbers_are_those_of_the_table(both):
    _, text = page_of(*both, "--metrics", "val_loss,val_acc")
    assert [" ".join(part for part in row if part) for row in table(text)] == [
        "none no change shown val_loss 0.6000 0.6100 +0.0100 ±0.0497 .478 3",
        "l2 no change shown val_loss 0.6000 0.6300 +0.0300 ±0.0248 .070 3",
        "none equal val_acc 0.9000 0.9000 0 3",
        "l2 worse val_acc 0.9100 0.8800 -0.0300 ±0.0248 .035 3",
    ]
    data = re.search(r'href="data:text/csv;base64,([^"]*)"', text)[1]
    as_csv = regbench("compare", *both, "--metrics", "val_loss,val_acc", "--format", "csv").out
    there = list(csv.reader(io.StringIO(base64.b64decode(data).decode())))
    assert there == list(csv.reader(io.StringIO(as_csv)))
    # The figures beside the dots are the interval's.
    assert "+0.03 (+0.00516 to +0.0548)" in text


GREEN, ORANGE = "#009e73", "#d55e00"


@pytest.mark.parametrize(
    ("metric", "by", "colour", "words"),
    [
        ("val_loss", +0.1, ORANGE, ("← better", "worse →")),
        ("val_loss", -0.1, GREEN, ("← better", "worse →")),
        ("val_acc", +0.1, GREEN, ("← worse", "better →")),
        ("val_acc", -0.1, ORANGE, ("← worse", "better →")),
    ],
)
def test_green_is_better_whichever_way_that_is(put, metric, by, colour, words):
    moved = [0.5 + by, 0.6 + by * 1.01, 0.7 + by * 0.99]
    base, new = ({"c": {metric: v}} for v in (LOSS, moved))
    _, text = page_of(put("a", base), put("b", new), "--metrics", metric)
    assert colour in text
    assert ({GREEN, ORANGE} - {colour}).pop() not in text
    assert all(word in text for word in words)


@pytest.mark.parametrize(
    ("base", "new", "options", "code", "verdict"),
    [
        (BASE, NEW, [], 0, None),
        (BASE, SURE, ["--fail-on", "val_loss:15%"], 0, "PASS"),
        (BASE, NEW, GATE, 0, "UNDECIDED"),
        (BASE, SURE, ["--fail-on", "val_loss:1%"], 1, "FAIL"),
        (BASE, BASE, SAME, 0, "PASS"),
        (BASE, NEW, SAME, 1, "FAIL"),
        (BASE, NEW, MIN4, 3, "NOT COMPARABLE"),
        (BASE, NEW | {"more": {}}, GATE, 3, "NOT COMPARABLE"),
        (BASE, BASE | {"more": {}}, [*GATE, *IGNORE], 0, "PASS"),
        (BASE, changed(l2={"status": "diverged"}), GATE, 1, "FAIL"),
        (BASE, changed(l2={"status": "diverged"}), [*GATE, "--allow-diverged"], 0, "PASS"),
    ],
)
def test_exit_codes_and_messages_are_those_of_the_other_forms(
    put, base, new, options, code, verdict
):
    files = put("a.csv", base), put("b.csv", new)
    done, text = page_of(*files, *options)
    as_table = regbench("compare", *files, *options)
    assert (done.code, done.err) == (as_table.code, as_table.err)
    assert done.code == code
    found, checks = chips(text)
    assert found == verdict
    assert (verdict == "NOT COMPARABLE") == any(word == "PROBLEM" for word, _, _ in checks)
    assert not (verdict == "NOT COMPARABLE" and any(word == "PASS" for word, _, _ in checks))
    # Each error is there to be read, as a gate's line or one of its own.
    errors = [line.removeprefix("error: ") for line in done.err.splitlines() if "error" in line]
    for error in errors:
        assert any((gate and gate in error) or detail in error for _, gate, detail in checks)
    assert bool(errors) == any(word in ("FAIL", "PROBLEM") for word, _, _ in checks)


@pytest.fixture
def nasty(put, tmp_path):
    """Labels, a metric and a folder's name that would be markup."""
    cells = {
        NASTY: {},
        "a \"quoted\" 'label' & $x^2$": {"l2": 4},
        "日本語 " + "長い " * 40: {"l2": 9},
    }
    header = (*FACTS, *METRICS[:-1], r"<b>\1 gap_loss", "zero_fraction", "regularizer.l2")
    folder = tmp_path / "<script>alert(1)<"
    folder.mkdir()
    paths = []
    for name, by in (("a", 0), ("b", 0.1)):
        rows = rows_by_hand(
            {c: n | {"val_loss": [x * (1 + by) for x in LOSS]} for c, n in cells.items()}
        )
        for row in rows:
            row |= {r"<b>\1 gap_loss": row["val_loss"], "study": "</title><script>alert(1)"}
        paths.append(folder / name)
        paths[-1].write_bytes(csv_of(rows, header))
    return paths


def test_labels_are_text(nasty):
    for options in ([], ["--metrics", r"<b>\1 gap_loss"]):
        done, text = page_of(*nasty, *options)
        assert done.code == 0, done.err
        seen = Seen(text)
        tags = [tag for tag, _ in seen.tags]
        assert tags.count("script") == 1
        assert not {"img", "b"} & set(tags)
        ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch(r"[\w-]+", each) for each in ids)
        assert not any(name.startswith("on") for _, attrs in seen.tags for name in attrs)
        assert table(text)[0][0] == NASTY


def test_a_file_is_written_whole_and_its_ending_says_what_it_is(both, tmp_path):
    for ending in ("html", "md", "csv", "json"):
        file = tmp_path / f"c.{ending}"
        done = regbench("compare", *both, *GATE, "-o", file)
        assert (done.code, done.out) == (0, "")
        assert f"{file}: " in done.err
        printed = regbench("compare", *both, *GATE, "--format", ending).out
        written = file.read_text(encoding="utf-8")
        if ending == "html":  # the page names the command
            written, printed = (
                re.sub(r"<pre>regbench compare.*", "", t) for t in (written, printed)
            )
        assert written == printed
    assert regbench("compare", *both, "-o", tmp_path / "c.out", "--format", "html").code == 0
    assert (tmp_path / "c.out").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    # A gate that fails has its page, too.
    assert regbench("compare", *both, *SAME, "-o", tmp_path / "f.html").code == 1
    assert chips((tmp_path / "f.html").read_text(encoding="utf-8"))[0] == "FAIL"


def test_what_cannot_be_written(both, tmp_path):
    for options in (["-o", tmp_path / "c.pdf"], ["-o", tmp_path / "c.md", "--format", "table"]):
        done = regbench("compare", *both, *options)
        assert done.code == 2
        assert "expected html, md, csv or json" in done.err
    done = regbench("compare", *both, "-o", tmp_path / "no" / "c.html")
    assert done.code == 4
    assert "cannot be written" in done.err


def test_odd_comparisons_have_a_page_too(put):
    lost = {"none": {"status": "diverged"}}
    _, text = page_of(put("a", lost), put("b", lost))
    assert re.findall(r"<h2>([^<]*)</h2>", text) == ["Table", "How it was made"]
    huge = changed(l2={"val_loss": [1e308, 1.5e308, -1e308]})
    done, text = page_of(put("a", BASE), put("b", huge))
    assert done.code == 0
    assert "Nothing to draw in 1 of 2 cells" in text
    same = page_of(put("a", BASE), put("b", BASE))[1]
    assert re.findall('<span class="figure">([^<]*)', same) == ["identical"] * 4


def test_many_cells_show_those_that_matter(put):
    base = {f"c{i}": {"l2": i, "val_loss": LOSS} for i in range(60)}
    new = {
        c: n | {"val_loss": [x + i / 1000 for x in LOSS]} for i, (c, n) in enumerate(base.items())
    }
    _, text = page_of(put("a", base), put("b", new), "--metrics", "val_loss")
    assert "The 40 cells whose change is worst; 20 more stand in the table." in text
    assert text.count('<th scope="row">') == 60
    svg = re.search(r'<svg class="wide".*?</svg>', text, re.S)[0]
    drawn = set(re.findall(r">(c\d+)<", svg))
    assert drawn == {f"c{i}" for i in range(20, 60)}


def test_folders_bring_their_commands_and_versions(tmp_path):
    for name in ("a", "b"):
        assert regbench("run", study(tmp_path, STUDY), "-o", tmp_path / name, "-q").code == 0
    done, text = page_of(tmp_path / "a", tmp_path / "b")
    assert done.code == 0
    assert text.count("<dt>torch</dt>") == 2
    assert "regbench run" in text
    assert f"-o {tmp_path / 'b'}" in text


# --- in a browser -----------------------------------------------------------------------------


@pytest.mark.parametrize("width", [400, 1000])
def test_the_page_in_a_browser(nasty, tmp_path, opened, width):
    options = ("--fail-on", "val_loss:5%", "-o", tmp_path / "c.html")
    assert regbench("compare", *nasty, *options).code == 1
    tab = opened(tmp_path / "c.html", width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    shown = tab.locator("figure svg:visible")
    assert shown.count() == tab.locator("figure").count() == 6
    assert NASTY in column(tab, "cell")
    tab.get_by_label("Filter").fill("val_loss worse quoted")
    assert column(tab, "outcome") == ["worse"]
    assert tab.locator("#count").inner_text() == "1 of 12 rows"
    tab.get_by_label("Filter").fill("")
    tab.get_by_role("button", name="change").click()
    numbers = [float(text.split()[0]) for text in column(tab, "change")]
    assert numbers == sorted(numbers)
    assert max(numbers) > 0
