"""Figures: what they show, labels as text, and the same bytes for the same input."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from command import regbench, study
from safetensors.numpy import load_file
from tables import LONG, RUNS, runs_of

from regbench.analysis.axes import grids, swept_keys
from regbench.analysis.axis_path import axis_paths
from regbench.analysis.curves import cell_curves
from regbench.analysis.gap import gap_table
from regbench.analysis.saved import calibration, weight_shape
from regbench.exports.surfaces import surfaces
from regbench.report.figures import (
    NARROW,
    Difference,
    Dot,
    Line,
    Mark,
    Panel,
    Span,
    axis_path_figure,
    curves_figure,
    differences_figure,
    forest_figure,
    gap_figure,
    heatmap_figure,
    panels_figure,
)
from regbench.report.figures.panel import ends_of_parts
from regbench.results.frames import read_epochs
from regbench.results.runs import Runs, read_runs

NASTY = [
    "$x^2$",
    "<script>alert(1)</script>",
    "a\"b'c&d",
    "日本語 🎉",
    "=1+1",
    "x" * 300,
    "\\frac$",
]


def texts(svg):
    root = ET.fromstring(svg)
    return ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]


def size(svg):
    root = ET.fromstring(svg)
    return [float(root.get(name).removesuffix("pt")) / 72 for name in ("width", "height")]


def test_the_chart_names_every_cell_that_has_numbers():
    found = texts(gap_figure("study", gap_table(RUNS)))
    name = ["a cell with a name that is", "rather long"]
    assert " ".join(name) == LONG
    assert found[found.index("none") :][:5] == ["none", *name, "worse", "below"]
    assert "lost" not in found  # it diverged
    assert {"training", "validation", "study: the gap lies between the dots"} <= set(found)
    assert "loss in evaluation mode, without penalty (mean and 95% interval)" in found


def a_line(label="a"):
    return Line(label, [0, 1, 10], [1.0, 2.0, None], [0.5, 1.5, None], [1.5, 2.5, None])


def all_figures(label, **options):
    """One figure of each kind with this label wherever a label may stand."""
    table = gap_table(runs_of({"none": 0.4, label: 0.1}))
    grid = ([1.0, 10.0], [label, "other"], [[1.0, 2.0], [np.nan, 0.5]])
    line = a_line(label)
    return {
        "gap": gap_figure(label, table, **options),
        "forest": forest_figure(label, table, **options),
        "differences": differences_figure(label, label, [Difference(label, 0.1)], **options),
        "line": panels_figure(
            label,
            [
                Panel(
                    *("", label, label, [line, a_line()]),
                    log_x=True,
                    marks=[Mark(5, label), Mark(1, label, horizontal=True)],
                    spans=[Span(2, 4, label)],
                    dots=[Dot(1, 2, label)],
                )
            ],
            **options,
        ),
        "panels": panels_figure(label, [Panel(label, label, label, [line])] * 4, **options),
        "heatmap": heatmap_figure(label, label, label, *grid, value_label=label, **options),
        "curves": curves_figure(label, curves_of({label: [[3.0, 2.0, 1.5]]}), **options),
    }


def curves_of(cells, column="val_loss", epochs_run=None):
    """Cell curves of made-up trajectories: one list a seed."""
    runs = runs_of(dict.fromkeys(cells, 0.1), seeds=max(map(len, cells.values())))
    curves, rows = {}, []
    for row in runs.rows:
        values = cells[row.cell][row.seed]
        epochs = np.arange(1.0, len(values) + 1)
        curves[row.run_id] = {"epoch": epochs, column: np.array(values)}
        own = {**row.metrics, "epochs_run": float(len(values)), "best_epoch": 2.0}
        rows.append(replace(row, metrics=own))
    return cell_curves(Runs(runs.study, runs.metrics, runs.varying, tuple(rows)), curves, [column])


@pytest.mark.parametrize("label", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("width", [NARROW, pytest.param(7.5, marks=pytest.mark.torture)])
def test_labels_are_text_and_stay_within_the_figure(label, width):
    for name, svg in all_figures(label, width=width).items():
        found = texts(svg)
        assert b"<script" not in svg, name
        if len(label) < 20:
            assert any(label in text for text in found), (name, found)
        assert size(svg)[0] == pytest.approx(width, abs=0.02) or name == "heatmap", name
        assert size(svg)[1] < 12, name


def test_the_same_input_gives_the_same_bytes_whatever_the_settings_of_matplotlib():
    first = all_figures("a")
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red", "text.usetex": True}):
        assert all_figures("a") == first
        assert mpl.rcParams["font.size"] == 20
    assert all(png[:4] == b"\x89PNG" for png in all_figures("a", form="png").values())


def test_a_page_gives_text_and_axes_their_colour():
    for name, svg in all_figures("a").items():
        assert b"currentColor" in svg, name
        assert b"prefers-color-scheme" in svg, name
        assert b"#333334" not in svg, name
        assert not re.search(rb"<metadata|dc:date", svg), name


def test_one_seed_and_no_numbers_are_drawn_too():
    one = gap_table(runs_of({"none": 0.1, "l2": 0.05}, seeds=1))
    assert "none" in texts(gap_figure("s", one))
    assert "l2" in texts(forest_figure("s", one))
    nothing = gap_table(runs_of({"none": None}))
    assert any("nothing can be drawn" in text for text in texts(gap_figure("s", nothing)))
    assert any("no cell without" in text for text in texts(forest_figure("s", nothing)))
    assert any("no learning curves" in text for text in texts(curves_figure("s", [])))
    assert panels_figure("s", [])
    assert panels_figure("s", [Panel("", "x", "y", [])])
    assert heatmap_figure("s", "x", "y", [1], ["a"], [[np.nan]], value_label="v")


def points(svg, colour):
    """The corners of the first line of this colour, in the SVG's units."""
    path = re.search(rf'<path d="([^"]*)"[^>]*stroke: {colour}'.encode(), svg, re.I)
    return np.array(re.findall(rb"([-\d.]+) ([-\d.]+)", path[1]), dtype=float)


def test_a_zero_stands_left_of_a_logarithmic_axis():
    line = Line("a", [0, 0.01, 1], [1, 2, 3], colour="#0072B2")
    svg = panels_figure("", [Panel("", "l1", "y", [line], log_x=True)])
    x = points(svg, "#0072B2")[:, 0]
    # 0.01 to 1 are two decades; the 0 stands half a decade left of them.
    assert (x[1] - x[0]) / (x[2] - x[1]) == pytest.approx(0.5 / 2, abs=0.01)
    assert {"0", "0.01", "1"} <= set(texts(svg))


def test_the_best_place_of_a_heat_map_is_framed_and_its_line_lies_on_the_grid():
    x, y = [1e-4, 1e-2, 1.0], [0.1, 1.0]
    values = [[3.0, 2.0, 5.0], [4.0, 1.5, 6.0]]
    line = Line("ridge", [1e-4, 1.0], [0.1, 1.0], colour="#009E73")
    svg = heatmap_figure("t", "x", "y", x, y, values, value_label="v", overlay=[line])
    assert "least: 1.5" in texts(svg)
    assert "most: 6" in texts(
        heatmap_figure("", "x", "y", x, y, values, value_label="v", best="most")
    )
    (left, low), (right, high) = points(svg, "#009E73")
    frames = re.findall(rb'<path d="M ([\d.]+) ([\d.]+)[^"]*"[^>]*stroke: #ffffff', svg)
    frame = [float(each) for each in frames[0]]
    # The middle column of three and the upper row of two: right of the line's start, at its end.
    assert left < frame[0] < (left + right) / 2
    assert high < frame[1] < low


def test_a_mean_curve_ends_where_fewer_than_half_of_its_seeds_train():
    seeds = [[4.0, 3.0, 2.0, 1.0], [2.0, 1.0], [3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]
    (cell,) = curves_of({"early": seeds})
    mean = cell.means["val_loss"]
    assert mean.epochs.tolist() == [1, 2, 3]  # of four seeds, one is there at epoch 4
    assert mean.mean.tolist() == pytest.approx([3.0, 2.0, 4 / 3])
    # Student's t by hand at epoch 2: sd of 3, 1, 2, 2 is sqrt(2/3), t(3) is 3.1824.
    assert mean.high[1] - mean.mean[1] == pytest.approx(3.182446 * (2 / 3) ** 0.5 / 2, rel=1e-5)
    assert cell.stop_epoch == 3.0
    assert cell.best_epoch == 2.0


def test_epochs_of_a_folder_are_read_run_by_run(trained):
    lines = (trained / "epochs.csv").read_text().splitlines()
    header = lines[0].split(",")
    curves = read_epochs(trained, header[4:])
    assert sum(len(run["epoch"]) for run in curves.values()) == len(lines) - 1
    last = lines[-1].split(",")
    run = curves[last[0]]
    for name in header[3:]:
        text = last[header.index(name)]
        assert run[name][-1] == pytest.approx(float(text or "nan"), nan_ok=True, rel=0)


def test_the_path_marks_the_least_loss():
    runs = runs_of({"none": 0.4, "weak": 0.2, "strong": 0.1})
    rows = [
        replace(row, settings={"regularizer.l2": value})
        for row in runs.rows
        for value in [{"none": "0.0", "weak": "0.01", "strong": "1.0"}[row.cell]]
    ]
    runs = Runs(runs.study, runs.metrics, ("regularizer.l2",), tuple(rows))
    found = texts(axis_path_figure("s", axis_paths(runs, gap_table(runs), "regularizer.l2")))
    assert "regularizer.l2" in found
    assert {"training", "validation", "gap in loss"} <= set(found)
    assert any("one standard error" in text for text in found)


def test_grids_need_two_axes_that_are_swept_together():
    rows = gap_table(runs_of({f"c{i}": 0.1 * (i + 1) for i in range(6)}))

    def with_settings(*pairs):
        return [
            replace(row, settings={"optimizer.lr": lr, "regularizer.l2": l2})
            for row, (lr, l2) in zip(rows, pairs, strict=False)
        ]

    full = with_settings(*((lr, l2) for lr in ("0.1", "1") for l2 in ("0", "1", "2")))
    (grid,) = grids(full, "val_loss")
    assert (grid.x_key, list(grid.x), grid.y_key) == ("regularizer.l2", [0, 1, 2], "optimizer.lr")
    means = [row.metrics["val_loss"].mean for row in rows]
    assert grid.values.ravel().tolist() == means
    assert swept_keys(full) == ["regularizer.l2"]
    # Two penalties of which one is always off cross at one place only.
    cross = with_settings(("0", "0"), ("0", "1"), ("0", "2"), ("1", "0"), ("2", "0"), ("3", "0"))
    assert swept_keys(cross) == ["optimizer.lr", "regularizer.l2"]
    assert grids(cross, "val_loss") == []


def test_calibration_is_scikit_learns():
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(0)
    p = rng.uniform(0.5, 1, 400)
    y = (rng.uniform(size=400) > p).astype(int)  # class 0 is the likelier one
    found = calibration("a", np.stack([p, 1 - p], axis=1), y)
    accuracy, confidence = calibration_curve(y == 0, p, n_bins=10)
    assert found.accuracy == pytest.approx(accuracy)
    assert found.confidence == pytest.approx(confidence)


def test_weights_are_counted_by_layer():
    run = {
        "layers.0.weight": np.array([[0.0, 3.0], [0.0, 4.0]]),
        "layers.1.weight": np.array([[1.0, -1.0]]),
        "layers.0.bias": np.array([9.0]),
    }
    shape = weight_shape("a", [run, run], largest=5.0)
    assert shape.zeros == pytest.approx(2 / 6)
    assert shape.shares.sum() == pytest.approx(4 / 6)
    assert shape.norms == pytest.approx([2.5, 1.0])


def test_a_fit_is_what_the_saved_weights_give(tmp_path):
    text = (
        "name: line\ndataset: {name: moons, noise: 0.2, train_size: 30}\n"
        "model: {name: mlp, hidden: [5], activation: tanh}\n"
        "training: {epochs: 2, batch_size: 10, save_weights: true}\nseeds: 1\n"
    )
    assert regbench("run", study(tmp_path, text), "-o", tmp_path / "r", "-q").code == 0
    runs = read_runs(tmp_path / "r")
    (fit,) = surfaces(tmp_path / "r", runs, {runs.rows[0].cell})
    w = load_file(tmp_path / "r" / "weights" / f"{runs.rows[0].run_id}.safetensors")
    x = np.array([fit.axes[0][7], fit.axes[1][61]])
    hidden = np.tanh(w["layers.0.weight"] @ x + w["layers.0.bias"])
    scores = np.exp(w["layers.1.weight"] @ hidden + w["layers.1.bias"])
    assert fit.outputs[7, 61] == pytest.approx(scores / scores.sum(), rel=1e-5)


@pytest.mark.parametrize("at", [0, 1, 77_777, 99_999])
def test_a_long_line_keeps_its_ends_and_every_spike(at):
    y = np.zeros(100_000)
    y[at], y[50_000] = 9.0, np.nan
    for line in (y, -y):
        points = ends_of_parts(line)
        assert points[0] == 0
        assert points[-1] == 99_999
        assert at in points
        assert len(points) < 5_000
        assert (np.diff(points) > 0).all()
