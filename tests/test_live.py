"""What a terminal shows of a study in training."""

import io
from math import nan
from pathlib import Path

import pytest
from engine import WINE, reads, setting
from rich.console import Console

import regbench as package
from regbench.engine.loop import train_stack
from regbench.engine.member import Member
from regbench.executors.progress import Silent
from regbench.report.live import LiveCurves, sparkline
from regbench.report.progress import BarProgress

CELLS = {
    f"{cell}{seed}": cell for cell in ("none", "l2", "a very long name of a cell") for seed in "01"
}


def shown(curves, width=100, *, ascii_only=False):
    return [line.plain for line in curves.lines(width, ascii_only=ascii_only)]


def curves_of(*epochs):
    curves = LiveCurves()
    curves.start(CELLS)
    for losses in epochs:
        curves.add("s1", losses)
    return curves


def test_a_line_shows_the_mean_over_seeds_and_the_largest_gap_comes_first():
    lines = shown(
        curves_of(
            {"none0": (1.0, 1.0), "none1": (1.0, 1.0), "l20": (1.0, 1.0)},
            {"none0": (0.1, 0.8), "none1": (0.3, 1.0), "l20": (0.5, 0.75)},
        )
    )
    assert lines == [
        "none  train █▂               0.200  val █▇               0.900  gap 0.700",
        "l2    train █▅               0.500  val █▆               0.750  gap 0.250",
        "least validation loss so far: 0.75 in l2",
    ]


def test_the_best_so_far_stays_when_it_gets_worse():
    lines = shown(curves_of({"l20": (0.2, 0.3)}, {"l20": (0.1, 0.4)}))
    assert lines[-1] == "least validation loss so far: 0.3 in l2"


def test_another_stack_begins_a_cells_line_anew():
    curves = curves_of({"l20": (0.2, 0.3)})
    curves.add("s2", {"l21": (1.0, 2.0)})
    assert shown(curves)[0].startswith("l2  train ▅  ")


def test_what_has_no_numbers_is_not_drawn():
    assert (
        shown(curves_of({"l20": (0.2, nan), "none0": (float("inf"), 1.0), "other": (1.0, 1.0)}))
        == []
    )


@pytest.mark.parametrize("width", [60, 80, 100, 120])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_no_line_is_wider_than_the_terminal(width, ascii_only):
    losses = dict.fromkeys(CELLS, (0.5, 1.0))
    lines = shown(curves_of(*[losses] * 40), width, ascii_only=ascii_only)
    assert lines
    assert all(len(line) < width for line in lines)
    assert all(line.isascii() for line in lines) or not ascii_only


def test_a_sparkline_keeps_the_last_value():
    assert sparkline([1.0] * 99 + [0.0], 1.0, ascii_only=False)[-1] == "▁"


def test_the_engine_tells_the_losses_that_it_records():
    seen = {}
    of = setting(dataset=WINE, training={"epochs": 5, "eval_every": 2})
    members = [Member(of, seed, {f"r{seed}": reads()}) for seed in (0, 1)]
    found = train_stack(
        members, Path(), on_losses=lambda epoch, losses: seen.update({epoch: losses()})
    )
    assert list(seen) == [2, 4, 5]
    for one, trajectory in zip(members, found, strict=True):
        for epoch, losses in seen.items():
            pair = tuple(trajectory.curves[f"{part}_loss"][epoch - 1] for part in ("train", "val"))
            assert losses[next(iter(one.readings))] == pair


class Watcher(Silent):
    def __init__(self):
        self.cells, self.losses = {}, {}

    def start(self, cells, kept, stacks, run_epochs):
        self.cells = cells

    def seen(self, stack_id, epoch, losses):
        self.losses |= losses


@pytest.mark.parametrize("workers", [1, 2])
def test_a_display_sees_every_run_whoever_trains(workers, tmp_path):
    study = {
        "dataset": "iris",
        "model": {"hidden": [4]},
        "training": {"epochs": 3},
        "seeds": 2,
        "sweep": {"model.activation": ["relu", "tanh"]},
    }
    watcher = Watcher()
    results = package.run(study, out=tmp_path, workers=workers, progress=watcher)
    assert set(watcher.losses) == set(watcher.cells) == set(results.runs.run_id)
    assert dict(zip(results.runs.run_id, results.runs.cell, strict=True)) == watcher.cells


def test_curves_stand_under_the_bar_where_there_is_room():
    def text(height):
        out = io.StringIO()
        console = Console(file=out, force_terminal=True, width=100, height=height)
        progress = BarProgress(console, "study")
        progress.start(CELLS, 0, 1, 800)
        progress.seen("s1", 1, {"l20": (0.5, 0.75)})
        progress.advanced("s1", 1, 8)
        progress.finish()
        return out.getvalue()

    assert "0.250" in text(30)
    assert "0.250" not in text(8)
