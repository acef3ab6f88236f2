"""The Python API: the same as the command line, as DataFrames."""

import numpy as np
import pytest
import yaml
from command import SMALL, contents, regbench, study

import regbench as package
from regbench.config.load import load_study
from regbench.errors import BadData, BadStudy


class Watcher:
    """A progress display that notes what it is told."""

    def __init__(self):
        self.told = []

    def start(self, runs, kept, stacks, run_epochs):
        self.told.append(("start", runs, kept, stacks, run_epochs))

    def stack_started(self, stack_id, runs):
        self.told.append(("stack", stack_id, runs))

    def advanced(self, stack_id, epoch, run_epochs):
        self.told.append(("epoch", stack_id, epoch, run_epochs))

    def stack_done(self, stack_id, runs, diverged, failed):
        self.told.append(("done", stack_id, runs, diverged, failed))

    def finish(self):
        self.told.append(("finish",))


def test_run_from_a_path_a_mapping_and_a_study_are_one(tmp_path):
    path = study(tmp_path)
    regbench("run", path, "-o", tmp_path / "command")
    results = [
        package.run(path, out=tmp_path / "path"),
        package.run(yaml.safe_load(SMALL.replace("1e-2", "0.01")), out=tmp_path / "mapping"),
        package.run(load_study(path), out=tmp_path / "study"),
    ]
    for each in results:
        assert contents(each.folder) == contents(tmp_path / "command")
        assert each.summary.trained == 12


def test_data_frames(tmp_path):
    results = package.run(study(tmp_path), out=tmp_path / "r", seeds="2")
    assert results.runs.shape == (8, 26)
    assert results.runs.cell.unique().tolist() == ["none", "l2", "stop", "norm"]
    assert results.runs.regularizer.iloc[0] == "none"
    assert results.epochs.dtypes["val_loss"] == np.float64
    assert results.epochs.groupby("run_id").size().tolist() == [4] * 8
    means = results.runs.groupby("cell", sort=False).gap_loss.mean()
    np.testing.assert_allclose(results.gap.gap_loss, means, rtol=1e-15)
    again = package.read(tmp_path / "r")
    assert again.gap.equals(results.gap)
    assert again.summary is None


def test_progress_is_told_what_happens(tmp_path):
    watcher = Watcher()
    package.run(study(tmp_path), out=tmp_path / "r", progress=watcher)
    # Two stacks of 6 and 3 trajectories, four epochs each; "stop" reads what "none" trains.
    assert watcher.told[0] == ("start", 12, 0, 2, 36)
    assert watcher.told[1:6] == [
        ("stack", "s0001", 9),
        *(("epoch", "s0001", epoch, 6) for epoch in (1, 2, 3, 4)),
    ]
    assert watcher.told[6] == ("done", "s0001", 9, 0, 0)
    assert watcher.told[-2:] == [("done", "s0002", 3, 0, 0), ("finish",)]


def test_errors_are_exceptions(tmp_path):
    with pytest.raises(BadStudy, match=r"dataset: expected one of .* \(did you mean 'iris'\?\)"):
        package.run({"dataset": "irs"}, out=tmp_path / "r")
    with pytest.raises(BadData, match=r"runs\.csv: cannot be read"):
        package.read(tmp_path)
    assert not (tmp_path / "r").exists()


def test_labels_come_back_as_they_were_written(tmp_path):
    labels = ["=1+1", "NA", "none", "[red]x[/red]", "a, b", "-3", "'x", "日本", "a|b"]
    text = {
        "name": "labels",
        "dataset": "iris",
        "model": {"name": "linear"},
        "training": {"epochs": 1},
        "seeds": 1,
        "sweep": {"regularizer.l2": {name: i / 100 for i, name in enumerate(labels)}},
    }
    results = package.run(text, out=tmp_path / "r")
    assert results.runs.cell.tolist() == labels
    assert results.gap.cell.tolist() == labels
    assert [row.cell for row in results.table] == labels
    raw = (tmp_path / "r" / "runs.csv").read_text(encoding="utf-8")
    assert ",'=1+1," in raw
    assert ",'-3," in raw
    shown = regbench("show", tmp_path / "r")
    for name in labels:
        assert name in shown.out
    assert "| a\\|b |" in regbench("show", tmp_path / "r", "--format", "md").out


def test_one_cell_and_one_seed_have_no_intervals_and_no_differences(tmp_path):
    results = package.run(
        {"dataset": "wine", "training": {"epochs": 2}, "seeds": 1}, out=tmp_path / "r"
    )
    row = results.gap.iloc[0]
    assert (row.cell, row.n) == ("none", 1)
    assert np.isnan([row.gap_loss_low, row.gap_loss_high, row.delta_gap_loss, row.p_adjusted]).all()
    assert "±" not in regbench("show", tmp_path / "r").out.splitlines()[1]


@pytest.mark.parametrize("parts", [{"val_size": 0}, {"test_size": 0}, {"val_size": 1}])
def test_parts_that_are_missing_are_empty_columns(tmp_path, parts):
    results = package.run(
        {"dataset": {"name": "diabetes"} | parts, "training": {"epochs": 2}, "seeds": 2},
        out=tmp_path / "r",
    )
    runs = results.runs
    assert runs.train_loss.notna().all()
    assert runs.val_loss.isna().all() == (parts.get("val_size") == 0)
    assert runs.gap_loss.isna().all() == (parts.get("val_size") == 0)
    assert runs.test_loss.isna().all() == (parts.get("test_size") == 0)
    # The R^2 of a single example is not a number.
    assert runs.val_r2.isna().all() == (parts.get("val_size") in (0, 1))


def test_epochs_zero_scores_the_initial_weights(tmp_path):
    results = package.run(
        {"dataset": "iris", "training": {"epochs": 0}, "seeds": 2, "regularizer": "early_stopping"},
        out=tmp_path / "r",
    )
    assert results.epochs.epoch.tolist() == [0, 0]
    assert results.epochs.objective.isna().all()
    assert results.runs.epochs_run.tolist() == [0, 0]
    assert results.runs.reading_epoch.tolist() == [0, 0]
    assert results.runs.val_loss.notna().all()


def test_a_sweep_over_data_and_models(tmp_path):
    results = package.run(
        {
            "dataset": "iris",
            "training": {"epochs": 2},
            "seeds": 2,
            "sweep": {
                "dataset": ["wine", "diabetes"],
                "model": ["linear", {"hidden": [4]}],
            },
        },
        out=tmp_path / "r",
    )
    runs = results.runs
    assert runs.cell.unique().tolist() == [
        "dataset=wine, model=linear",
        "dataset=wine, model=hidden=4",
        "dataset=diabetes, model=linear",
        "dataset=diabetes, model=hidden=4",
    ]
    wine = runs["dataset.name"] == "wine"
    assert runs.val_acc.notna().equals(wine)
    assert runs.val_r2.notna().equals(~wine)
