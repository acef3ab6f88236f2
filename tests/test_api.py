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

    def start(self, cells, kept, stacks, run_epochs):
        self.told.append(("start", len(cells), kept, stacks, run_epochs))

    def advanced(self, stack_id, epoch, run_epochs):
        self.told.append(("epoch", stack_id, epoch, run_epochs))

    def seen(self, stack_id, epoch, losses):
        assert all(len(pair) == 2 for pair in losses.values())

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


def test_overrides_of_every_kind_of_study(tmp_path):
    given = yaml.safe_load(SMALL.replace("1e-2", "0.01"))
    results = package.run(
        given, overrides=["training.epochs=1"], seeds="7,9", out=tmp_path / "mapping"
    )
    assert sorted(set(results.runs.seed)) == [7, 9]
    assert set(results.runs.epochs_run) == {1}
    for options in ({"overrides": ["training.epochs=1"]}, {"seeds": "2"}):
        with pytest.raises(BadStudy, match="this study is read already"):
            package.run(load_study(study(tmp_path)), out=tmp_path / "study", **options)


def test_data_frames(tmp_path):
    results = package.run(study(tmp_path), out=tmp_path / "r", seeds="2")
    assert results.runs.shape == (8, 29)
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
    assert watcher.told[1:5] == [("epoch", "s0001", epoch, 6) for epoch in (1, 2, 3, 4)]
    assert watcher.told[5] == ("done", "s0001", 9, 0, 0)
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


def alone_and_together(tmp_path, sweep, key, **blocks):
    """runs.csv and epochs.csv rows of the cell `key`, from its own study and from the sweep."""
    base = {"model": "linear", "training": {"epochs": 3, "batch_size": 8}, "seeds": 2} | blocks
    folders = [tmp_path / "alone", tmp_path / "together"]
    package.run(base | {"sweep": {k: {key: v[key]} for k, v in sweep.items()}}, out=folders[0])
    package.run(base | {"sweep": sweep}, out=folders[1])
    found = []
    for folder in folders:
        results = package.read(folder)
        columns = ["run_id", "seed", "status", "error", "train_loss", "train_acc", "val_acc"]
        runs = results.runs[results.runs.cell == key]
        extra = [c for c in ("train_acc_clean",) if c in runs]
        epochs = results.epochs[results.epochs.cell == key].drop(columns="cell")
        found.append((runs[columns], runs[extra], epochs))
    return found


def test_clean_accuracy_does_not_depend_on_neighbours(tmp_path):
    sweep = {"dataset.label_noise": {"none": 0, "tiny": 0.002, "much": 0.3}}
    for key in ("none", "tiny", "much"):
        alone, together = alone_and_together(tmp_path / key, sweep, key, dataset="iris")
        assert alone[0].reset_index(drop=True).equals(together[0].reset_index(drop=True))
        clean = together[1].train_acc_clean
        assert clean.isna().all() == (key == "none")
        if key != "none":
            assert clean.tolist() == alone[1].train_acc_clean.tolist()


@pytest.mark.parametrize("lr", [1e20, 1e30])  # weights that are large, and whose norm is infinite
def test_how_a_run_diverged_does_not_depend_on_neighbours(tmp_path, lr):
    # The second run has no penalty on its first layer, and stands between two that have.
    strengths = {"first": [1e-30, 0], "second": [0, 1e-30], "both": 1e-30}
    sweep = {"regularizer": {name: {"l2": l2} for name, l2 in strengths.items()}}
    alone, together = alone_and_together(
        *(tmp_path, sweep, "second"),
        dataset={"name": "iris", "train_size": 60},
        model={"hidden": [4]},
        optimizer={"name": "sgd", "lr": lr},
        training={"batch_size": "full", "epochs": 3},
    )
    assert set(alone[0].status) == {"diverged"}
    for a, b in zip(alone, together, strict=True):
        assert a.reset_index(drop=True).equals(b.reset_index(drop=True))


@pytest.mark.parametrize(
    ("rule", "part", "message"),
    [
        ({"patience": 3}, "test", "early_stopping watches val_loss, but the data have no"),
        ({"gl": 3}, "test", "early_stopping watches val_loss, but the data have no"),
        ({"monitor": "val_r2"}, "val", "all validation targets are alike"),
    ],
)
def test_a_stopping_rule_that_would_watch_nothing_is_refused(tmp_path, rule, part, message):
    rows = [f"{i % 7},{i % 5 if i < 40 else 1},{'train' if i < 40 else part}" for i in range(50)]
    (tmp_path / "d.csv").write_text("\n".join(["x,y,part", *rows]) + "\n")
    text = (
        "dataset: {name: csv, path: d.csv, target: y, task: regression, split_column: part}\n"
        f"regularizer: {{early_stopping: {rule}}}\ntraining: {{epochs: 5}}\nseeds: 2\n"
    )
    done = regbench("run", study(tmp_path, text.replace("'", "")), "-o", tmp_path / "r")
    assert done.code == 3
    assert message in done.err


def test_cells_keep_their_names_in_data_frames(tmp_path):
    for i, labels in enumerate((["007", "08"], ["true", "false"], ["0.01", "0.10"])):
        values = {name: i / 10 for i, name in enumerate(labels)}
        results = package.run(
            {"dataset": "iris", "model": "linear", "training": {"epochs": 1}, "seeds": 1}
            | {"sweep": {"regularizer.l2": values}},
            out=tmp_path / str(i),
        )
        assert results.runs.cell.tolist() == labels == results.gap.cell.tolist()


def test_columns_of_a_tiny_scale_are_scaled_like_others(tmp_path):
    for scale in (1.0, 1e-200):
        rows = [f"{(i * 7 % 11) * scale},{(i * 5 % 13) * scale}" for i in range(60)]
        (tmp_path / f"{scale}.csv").write_text("\n".join(["x,y", *rows]) + "\n")
    dataset = {"name": "csv", "target": "y", "task": "regression"}
    losses = [
        package.run(
            {"dataset": dataset | {"path": str(tmp_path / f"{scale}.csv")}}
            | {"training": {"epochs": 3}, "seeds": 2},
            out=tmp_path / f"r{scale}",
        ).runs.val_loss
        for scale in (1.0, 1e-200)
    ]
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_weights_and_data_give_back_what_the_run_saw(tmp_path):
    """Outputs of saved weights on the run's own data have the losses of its row."""
    mapping = {
        "dataset": {"name": "diabetes", "train_size": 100},
        "model": "linear",
        "training": {"epochs": 3, "dtype": "float64", "save_weights": True},
        "seeds": 2,
        "sweep": {"dataset.standardize": [True, False]},
    }
    results = package.run(mapping, out=tmp_path / "r")
    for row in package.read(tmp_path / "r").runs.itertuples():
        weights, split = results.weights(row.run_id), results.data(row.cell, row.seed)
        for part in ("train", "val", "test"):
            rows = getattr(split, part)
            outputs = rows.x @ weights["layers.0.weight"][0] + weights["layers.0.bias"]
            loss = ((outputs - rows.y) ** 2).mean()
            assert loss == pytest.approx(getattr(row, f"{part}_loss"), rel=1e-12)
    assert [cell.name for cell in results.study.cells] == ["true", "false"]
    with pytest.raises(BadData, match="has no cell 'nothing'"):
        results.data("nothing", 0)


def test_weights_that_were_not_saved(tmp_path):
    results = package.run(yaml.safe_load(SMALL.replace("1e-2", "0.01")), out=tmp_path / "r")
    with pytest.raises(BadData, match=r"has no weights: training\.save_weights keeps them"):
        results.weights(results.runs.run_id[0])
