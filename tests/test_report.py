"""What people see of a gap table and of training, at every width."""

import io
from itertools import pairwise

import pytest
from rich.console import Console
from tables import LONG, RUNS, runs_of

from regbench.analysis.gap import gap_table
from regbench.analysis.sentence import sentence
from regbench.report.markdown import gap_markdown
from regbench.report.progress import LineProgress, progress_for
from regbench.report.terminal import print_gap_table


def printed(width, runs=RUNS, *, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    print_gap_table(console, runs, gap_table(runs))
    file.seek(0)
    return file.read().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_the_table_fits_and_keeps_whole_names(width):
    lines = printed(width)
    assert max(map(len, lines)) <= width
    assert lines[2].startswith(LONG)
    assert len([line for line in lines if line[:3] in ("non", "a c", "wor", "bel", "los")]) == 5
    for title in ("cell", "gap loss", "failed"):
        assert title in lines[0]


def test_narrow_terminals_drop_the_least_first():
    titles = [printed(width)[0] for width in (90, 110, 130, 200)]
    for narrow, wide in pairwise(titles):
        assert set(narrow.split()) <= set(wide.split())
    assert "clean acc" in titles[-1]
    assert "clean acc" not in titles[0]


def test_bars_show_overfitting_without_colour():
    lines = printed(200)
    bars = [line[line.index("±") + 6 :].split("  ")[1].strip() for line in lines[1:5]]
    assert [len(bar) for bar in bars] == [7, 4, 14, 4]
    assert [bar[0] for bar in bars] == ["█", "█", "█", "░"]
    assert "█" not in "".join(printed(120, encoding="ascii"))
    assert "##############" in "".join(printed(200, encoding="ascii"))


def test_the_sentence_says_what_narrows_what_widens_and_what_cannot_be_told():
    assert sentence(gap_table(RUNS)) == (
        "In none the gap in loss (validation less training) is 0.41 (95% interval 0.385 to 0.435 "
        f"over 3 seeds); below narrows it most, by 0.67 or 163% (0.595 to 0.745); so do {LONG}; "
        "worse widens it, by 0.42 or 102% (0.37 to 0.47)."
    )
    unsure = runs_of({"none": 0.4, "like it": 0.41})
    assert "no regularizer here changes it beyond" in sentence(gap_table(unsure))
    mixed = runs_of({"none": 0.4, "like it": 0.39, "better": 0.2})  # the stronger one
    assert sentence(gap_table(mixed)).endswith("; of like it these seeds cannot tell.")
    alone = runs_of({"none": 0.4}, seeds=1)
    assert sentence(gap_table(alone)) == (
        "In none the gap in loss (validation less training) is 0.4 with one seed."
    )


def test_the_sentence_speaks_of_a_gap_below_zero_as_it_is():
    below = sentence(gap_table(runs_of({"none": -0.4, "lower": -0.7, "higher": -0.1})))
    assert "lower lowers it most, by 0.29" in below
    assert "higher raises it, by" in below


def test_markdown_is_a_table_that_labels_cannot_break():
    runs = runs_of({"none": 0.4, "a|b <i>*": 0.2})
    lines = gap_markdown("study", runs, gap_table(runs)).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 4
    assert rows[3].startswith("| a\\|b \\<i\\>\\* | 0.100 | ")


def test_lines_where_there_is_no_terminal(monkeypatch):
    out = io.StringIO()
    progress = progress_for(Console(file=out), "study")
    assert isinstance(progress, LineProgress)
    now = [0.0]
    monkeypatch.setattr("regbench.report.progress.time.monotonic", lambda: now[0])
    progress = LineProgress(Console(file=out), "study")
    progress.start(dict.fromkeys(map(str, range(10)), "none"), kept=2, stacks=2, run_epochs=800)
    now[0] = 50.0  # workers start
    progress.advanced("s0001", 1, 8)
    for epoch in range(2, 52):
        now[0] += 0.2
        progress.advanced("s0001", epoch, 8)
    progress.stack_done("s0001", 5, 1, 0)
    progress.finish()
    assert out.getvalue().splitlines() == [
        "study: training 8 runs in 2 stacks, 2 found done",
        "study: 6% of epochs, about 19 s left",
        "study: 31% of epochs, about 14 s left",
        "study: stack s0001: 1 diverged, 0 failed",
    ]


def test_a_burst_of_first_messages_tells_no_pace(monkeypatch):
    out, now = io.StringIO(), [0.0]
    monkeypatch.setattr("regbench.report.progress.time.monotonic", lambda: now[0])
    progress = LineProgress(Console(file=out), "study")
    progress.start(dict.fromkeys(map(str, range(10)), "none"), kept=0, stacks=2, run_epochs=800)
    for moment in (50.0, 50.001, 50.9, 51.0):
        now[0] = moment
        progress.advanced("s0001", 1, 8)
    assert out.getvalue().splitlines()[1:] == ["study: 4% of epochs, about 32 s left"]


def test_a_bar_on_a_terminal():
    out = io.StringIO()
    progress = progress_for(Console(file=out, force_terminal=True, width=100), "study")
    progress.start(dict.fromkeys(map(str, range(10)), "none"), kept=2, stacks=2, run_epochs=800)
    progress.advanced("s0001", 1, 400)
    progress.stack_done("s0001", 5, 1, 2)
    progress.finish()
    text = out.getvalue()
    assert "study" in text
    assert "7/10" in text
    assert "epochs/s" in text
    assert "1 diverged, 2 failed" in text
