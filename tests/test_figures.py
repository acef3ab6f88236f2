"""The gap chart: what it shows, and that the same table gives the same bytes."""

import re

from tables import LONG, RUNS, runs_of

from regbench.analysis.gap import gap_table
from regbench.report.figures import gap_figure


def test_the_chart_names_every_cell_that_has_numbers():
    svg = gap_figure("study", gap_table(RUNS)).decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert texts[texts.index("none") :][:4] == ["none", LONG, "worse", "below"]
    assert "lost" not in texts  # it diverged
    assert {"training", "validation", "study: the gap lies between the dots"} <= set(texts)
    assert "loss in evaluation mode, without penalty (mean and 95% interval)" in texts


def test_labels_are_no_mathematics_and_no_markup():
    svg = gap_figure("s", gap_table(runs_of({"$x^2$": 0.1, "<script>": 0.2}))).decode()
    assert ">$x^2$<" in svg
    assert "&lt;script&gt;" in svg
    assert "<script" not in svg


def test_the_same_table_gives_the_same_bytes():
    assert gap_figure("s", gap_table(RUNS)) == gap_figure("s", gap_table(RUNS))
    assert gap_figure("s", gap_table(RUNS), "png")[:4] == b"\x89PNG"


def test_one_seed_and_no_numbers_are_drawn_too():
    assert b"none" in gap_figure("s", gap_table(runs_of({"none": 0.1}, seeds=1)))
    assert gap_figure("s", gap_table(runs_of({"none": None})))
