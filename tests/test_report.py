"""What people see of a gap table and of training, at every width."""

import io
import re
from itertools import pairwise

import pytest
from command import regbench
from rich.console import Console
from tables import LONG, RUNS, runs_of

from regbench.analysis.gap import gap_table
from regbench.report.columns import columns_for
from regbench.report.gap_markdown import gap_markdown
from regbench.report.progress import LineProgress, progress_for
from regbench.report.terminal import print_gap_table
from regbench.results.runs import read_runs


def printed(width, runs=RUNS, *, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=file, width=width, force_terminal=True, color_system=None)
    print_gap_table(console, runs, gap_table(runs), "results/x")
    file.seek(0)
    return file.read().splitlines()


@pytest.mark.parametrize("width", [80, 100, 120, 160, 200])
def test_the_table_fits_and_keeps_the_answer(width):
    lines = printed(width)
    # But for the command, which is to be copied.
    assert max(len(line) for line in lines if not line.startswith("regbench show")) <= width
    end = next(i for i, line in enumerate(lines) if line.startswith("worse"))
    name = [re.split(r"  |$", line)[0].strip() for line in lines[2:end]]
    assert " ".join(name) == LONG
    for title in ("cell", "val loss", "gap loss", "vs none", "verdict", "failed"):
        assert title in lines[0]


def test_names_are_whole_where_there_is_room_for_the_answer():
    for width in (120, 160, 200):
        assert printed(width)[2].startswith(LONG)


def test_bars_go_first_and_what_is_hidden_is_said():
    hidden = {}
    for width in (80, 120, 140, 160, 200):
        text = "\n".join(printed(width))
        said = text.partition("hidden: ")[2].partition(";")[0]
        hidden[width] = set(said.split(", ")) - {""}
        assert ("█" in text) <= (not hidden[width])
        assert ("hidden" in text) == bool(hidden[width])
    for narrow, wide in pairwise(hidden.values()):
        assert wide <= narrow
    assert hidden[80] >= {"train loss", "p", "val acc", "gap acc", "clean acc", "best epoch"}
    assert hidden[200] == set()
    assert "█" in "\n".join(printed(200))
    said = " ".join(" ".join(printed(80)).partition("hidden: ")[2].split())
    assert "; a wider terminal shows them, or regbench show results/x --columns cell," in said
    (command,) = [line for line in printed(80) if line.startswith("regbench show results/x ")]
    assert said.endswith(command.rstrip())
    assert len(command) > 80


def test_what_is_hidden_can_be_shown_by_the_command_that_is_named(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text("dataset: iris\ntraining: {epochs: 2}\nseeds: 2\n", encoding="utf-8")
    folder = tmp_path / "my results"
    assert regbench("run", study, "-o", folder, "-q").code == 0
    runs = read_runs(folder)
    columns = columns_for(runs, gap_table(runs))
    done = regbench("show", folder, "--columns", ",".join(c.name for c in columns))
    assert done.code == 0
    assert all(column.name in done.out for column in columns)


def test_names_are_folded_after_a_sign():
    """Piece by piece they are the whole name, and no piece is wider than its column."""
    cells = {"dataset.noise=0.25, regularizer.input_noise=0.8": 0.4, "x" * 50: 0.2}
    lines = printed(80, runs_of(cells))
    assert lines[1].split("  ")[0] == "dataset.noise=0.25,"
    assert lines[2:4] == ["regularizer.input_", "noise=0.8"]
    assert max(len(line) for line in lines if not line.startswith("regbench show")) <= 80


def test_bars_show_overfitting_without_colour():
    lines = printed(200)
    bars = [line[line.index("±") + 6 :].split("  ")[1].strip() for line in lines[1:5]]
    assert [len(bar) for bar in bars] == [7, 4, 14, 4]
    assert [bar[0] for bar in bars] == ["█", "█", "█", "░"]
    assert "█" not in "".join(printed(120, encoding="ascii"))
    assert "##############" in "".join(printed(200, encoding="ascii"))


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
