"""What regbench compare prints: on a terminal, for programs, for GitHub."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from command import regbench
from comparison import BASE, LOSS, NEW, SURE, changed
from rich.console import Console

from regbench.analysis.compare import changes, default_metrics
from regbench.analysis.pairs import Pairs
from regbench.report.compare import print_changes
from regbench.results.runs import read_runs

TABLE = """val_loss    base     new           change     p  n  lower is better
none      0.6000  0.6100  +0.0100 ±0.0497  .478  3  no change shown
l2        0.6000  0.6300  +0.0300 ±0.0248  .070  3  no change shown

val_acc     base     new           change     p  n  higher is better
none      0.9000  0.9000                0        3  equal
l2        0.9100  0.8800  -0.0300 ±0.0248  .035  3  worse
"""


def test_the_table(both):
    done = regbench("compare", *both, "--metrics", "val_loss,val_acc")
    table, _, legend = done.out.rpartition("\n\n")
    assert table + "\n" == TABLE
    assert legend.startswith(
        "base and new: means over the pairs, runs of one cell and seed that are"
    )
    assert done.err == (
        "6 pairs of runs in 2 cells; val_loss: 2 no change shown; val_acc: 1 worse, 1 equal\n"
    )


def test_the_forms(put):
    both = put("base.csv", BASE), put("new.csv", SURE)
    as_csv = regbench("compare", *both, "--metrics", "val_loss", "--format", "csv").out
    header, none, l2 = csv.reader(io.StringIO(as_csv))
    assert header == [
        *("cell", "metric", "n", "base", "new", "change", "change_low", "change_high"),
        *("p_adjusted", "outcome"),
    ]
    assert (l2[:3], l2[-1]) == (["l2", "val_loss", "3"], "worse")
    gate = ["--fail-on", "val_loss:1%"]
    done = regbench("compare", *both, "--metrics", "val_loss", "--format", "json", *gate)
    facts = json.loads(done.out)
    assert (facts["answer"], facts["passed"]) == ("FAIL", False)
    (found,) = facts["gates"]
    assert found.pop("mean").startswith("mean over 2 cells NEW - BASE less 1% of BASE +0.014 (95%")
    assert found == {
        **{"gate": "val_loss:1%", "decision": "FAIL"},
        **{"failed": ["l2"], "undecided": ["none"]},
    }
    assert [f"error: {text}" for text in facts["failures"]] == [
        line for line in done.err.splitlines() if line.startswith("error")
    ]
    assert [list(c) for c in facts["changes"]] == [header, header]
    assert [c["change"] for c in facts["changes"]] == [float(row[5]) for row in (none, l2)]
    assert json.loads(regbench("compare", *both, "--format", "json").out)["passed"] is None
    text = regbench("compare", *both, "--metrics", "val_loss", "--format", "md", *gate).out
    assert "**Failed.** 6 pairs of runs in 2 cells" in text
    assert "| l2 | 0.6000 | 0.6300 | +0.0300 ±0.0025 | \\<.001 | 3 | **worse** |" in text
    open_ = regbench("compare", *both, "--format", "json", "--fail-on", "val_loss:+0.04").out
    assert (json.loads(open_)["answer"], json.loads(open_)["passed"]) == ("UNDECIDED", None)


def test_pairs_are_counted_as_the_caption_has_them(put):
    lost = changed(l2={"status": ["ok", "ok", "diverged"]})
    done = regbench("compare", put("a", BASE), put("b", lost), "--metrics", "val_loss")
    assert "5 of 6 pairs of runs are ok in both, in 2 cells; val_loss: " in done.err


def test_json_has_no_nan(put):
    huge = changed(l2={"val_loss": [1e308, 1.5e308, -1e308]})
    done = regbench("compare", put("a", BASE), put("b", huge), "--format", "json")
    assert done.code == 0

    def refuse(name):
        raise AssertionError(name)

    json.loads(done.out, parse_constant=refuse)


NAMES = {
    "optimizer.lr=0.001, regularizer=l2=0.1+dropout=0.5": NEW["l2"],
    "plain": NEW["none"],
    "Überlänge 設定": NEW["none"] | {"l2": 5},
    "a\u00ad[31mb\u200bc": NEW["none"] | {"l2": 6},
}


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_table_fits_a_terminal(put, width, encoding):
    base = {name: numbers | BASE["l2"] for name, numbers in NAMES.items()}
    pairs = Pairs(read_runs(put("a", base)), read_runs(put("b", NAMES)))
    found = {name: changes(pairs, name) for name in default_metrics(pairs)}
    found["val_acc"] = [replace(change, word="worse") for change in found["val_acc"]]
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    console = Console(file=file, width=width, force_terminal=True, color_system="standard")
    print_changes(console, found)
    file.seek(0)
    text = file.read()
    assert "\x1b[1;31mworse\x1b[0m" in text
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert "\x1b" not in plain
    lines = plain.splitlines()
    assert max(map(len, lines)) <= width or encoding == "ascii"
    assert ("±" in plain) == (encoding == "utf-8")
    if width == 80:
        at = next(i for i, line in enumerate(lines) if line.startswith("optimizer.lr=0.001,"))
        assert lines[at + 1].startswith("regularizer=l2=0.1")
    assert (" n  lower" in lines[0]) == (width >= 100)


def test_colours_follow_the_terminal(put, monkeypatch):
    both = put("base.csv", BASE), put("new.csv", SURE)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("CI", raising=False)  # where stderr stays plain
    assert "\x1b[1;31mworse" in regbench("compare", *both).out
    done = regbench("compare", *both, "--fail-on", "val_loss:1%")
    assert "\x1b[1;31mFAIL  \x1b[0mval_loss:1%\x1b[2m   mean over 2 cells " in done.err
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in regbench("compare", *both).out


# --- GitHub -------------------------------------------------------------------------------------


def annotations(text):
    return [line for line in text.splitlines() if line.startswith("::")]


def test_a_step_summary_is_appended_and_failures_are_annotated(put, tmp_path, monkeypatch):
    both = put("base.csv", BASE), put("new.csv", SURE)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    options = ["--format", "github", "--fail-on", "val_loss:1%", "--fail-on", "val_loss:15%"]
    done = regbench("compare", *both, *options)
    assert done.code == 1
    assert done.out == (
        "::error title=regbench compare::val_loss:1%25 failed in l2: +0.03 (95%25 interval "
        "+0.02752 to +0.03248, 3 pairs), from 0.6 to 0.63 (+5%25)\n"
    )
    text = summary.read_text()
    assert text.startswith("before\n## hand: comparison\n\n**Failed.** 6 pairs")
    assert "- passed: val\\_loss:15%, mean over 2 cells NEW - BASE less 15% of BASE -0.07" in text
    assert "### val\\_loss (lower is better)" in text
    # Without a file for it, the summary is on stdout.
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    again = regbench("compare", *both, *options)
    assert again.out == text.removeprefix("before\n") + done.out
    passing = regbench("compare", *both, "--format", "github", "--fail-on", "val_loss:15%")
    assert (passing.code, annotations(passing.out)) == (0, [])
    assert "**Passed.**" in passing.out


def test_what_cannot_be_read_is_annotated(both, put):
    done = regbench(
        "compare", both[0], put("bad.csv", both[0].read_bytes() + b"1\n"), "--format", "github"
    )
    assert done.code == 3
    (line,) = annotations(done.out)
    assert re.search(r"bad.csv:\d+: 1 fields where the header has \d+$", line)
    done = regbench("compare", *both, "--format", "github", "--fail-on", "5%")
    assert (done.code, len(annotations(done.out))) == (2, 1)


def test_github_takes_ten_annotations(put):
    cells = {f"c{i}": {"l2": i, "val_loss": LOSS} for i in range(30)}
    rise = [0.9999, 1, 1.0001]
    worse = {
        c: n | {"val_loss": [x + y for x, y in zip(LOSS, rise, strict=True)]}
        for c, n in cells.items()
    }
    files = put("a", cells), put("b", worse)
    gates = [a for i in range(3) for a in ("--fail-on", f"val_loss:+0.{i}")]
    found = annotations(regbench("compare", *files, "--format", "github", *gates).out)
    assert len(found) == 10
    # Of each gate the mean, 10 cells and one line more.
    assert found[-1].endswith("::and 27 more: see the log")


def test_a_summary_too_large_is_cut_with_the_worst_first(put, tmp_path, monkeypatch):
    pad = "x" * 250
    cells = {f"c{i} {pad}": {"l2": i, "val_loss": LOSS} for i in range(1_200)}
    step = {c: (i % 7) / 100 for i, c in enumerate(cells)}
    new = {
        c: n | {"val_loss": [x + step[c] + d for x, d in zip(LOSS, (0, 1e-4, -1e-4), strict=True)]}
        for c, n in cells.items()
    }
    files = put("a", cells), put("b", new)
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    limit = 1024 * 1024
    for before in (0, limit // 2, limit - 200, limit, limit + 10):
        summary.write_bytes(b"-" * before)
        done = regbench("compare", *files, "--format", "github")
        assert done.code == 0, done.err
        text = summary.read_text()[before:]
        assert len(text.encode()) + before <= max(limit, before)
        if before > limit // 2:
            continue
        assert len(text.encode()) + before > limit - 1_000
        left_out, total = map(int, re.search(r"(\d+) of (\d+) rows are left out", text).groups())
        rows = [line for line in text.splitlines() if re.match(r"\| c\d", line)]
        assert (total, left_out) == (4_800, 4_800 - len(rows))
        moved = [float(re.search(r"\| ([+-]?[0-9.]+) ±", row)[1]) for row in rows if "±" in row]
        assert moved[0] == 0.06
        assert moved == sorted(moved, reverse=True)


def test_a_summary_that_cannot_be_written(both, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    done = regbench("compare", *both, "--format", "github")
    assert done.code == 4
    assert "cannot be written: Is a directory" in done.err
