"""Metrics: scikit-learn's numbers on the same predictions, the same bits beside any other run."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from command import regbench, study
from engine import FRIEDMAN, WINE, member, setting
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor

import regbench as package
from regbench.config.load import parse_study
from regbench.data import constant_scores, load
from regbench.data.table import Split
from regbench.engine import metrics
from regbench.engine.loop import train_stack
from regbench.engine.metrics import SCORES, Outputs, scores_of
from regbench.errors import BadStudy
from regbench.vocabulary.metrics import ASKED_FOR, COLUMNS, METRICS, PARTS, worse_sign

CLASSES = [metric.name for metric in ASKED_FOR if metric.task == "classification"]
NUMBERS = [metric.name for metric in ASKED_FOR if metric.task == "regression"]


def test_the_table_and_the_engine_name_the_same():
    assert {metric.name for metric in ASKED_FOR} == set(SCORES)
    for name, metric in METRICS.items():
        assert metric.columns == tuple(f"{part}_{name}" for part in (*PARTS, "gap"))
        assert [worse_sign(column) for column in metric.columns] == [
            *[1 if metric.better == "down" else -1] * 3,
            1,
        ]
        # Overfitting is a positive gap, whatever the direction.
        worse, better = (1.0, 0.0) if metric.better == "down" else (0.0, 1.0)
        assert metric.gap(train=better, val=worse) == 1.0


# --- the numbers ----------------------------------------------------------------------------------


def calibration_error(p, y, bins=15):
    """Guo et al. 2017, eq. 3, bin by bin."""
    sure, right, error = p.max(axis=1), p.argmax(axis=1) == y, 0.0
    for b in range(bins):
        inside = (sure > b / bins) & (sure <= (b + 1) / bins)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - sure[inside].mean())
    return error


def by_scikit_learn(p, y, margin=None):
    """Args: p (n, C) probabilities; margin (n,), for two classes, what ranks them."""
    classes, choice = list(range(p.shape[1])), p.argmax(axis=1)
    two = len(classes) == 2
    area = sk.roc_auc_score(y, p[:, 1] if margin is None else margin) if two else None
    return {
        "balanced_acc": sk.balanced_accuracy_score(y, choice),
        "f1": sk.f1_score(y, choice, labels=classes, average="macro", zero_division=0),
        "auc": area if two else sk.roc_auc_score(y, p, multi_class="ovr", labels=classes),
        "brier": sk.brier_score_loss(y, p, labels=classes),
        "ece": calibration_error(p, y),
    }


def errors_by_scikit_learn(found, wanted):
    return {
        "mae": sk.mean_absolute_error(wanted, found),
        "rmse": sk.root_mean_squared_error(wanted, found),
        "medae": sk.median_absolute_error(wanted, found),
    }


def outputs_of(generator, runs, classes, size):
    """Logits on a grid, so that many tie, and labels, of which one class may be rare."""
    logits = torch.randint(-8, 8, (runs, classes, size), generator=generator) / 2
    y = torch.randint(0, classes, (runs, size), generator=generator)
    y[:, :classes] = torch.arange(classes)
    return logits.double(), y


@pytest.mark.parametrize("classes", [2, 3, 7])
@pytest.mark.parametrize("size", [9, 40, 257])
def test_of_classes_as_scikit_learn(classes, size):
    logits, y = outputs_of(torch.Generator().manual_seed(size), 5, classes, size)
    logits[0, 0] = -9  # a class that is never chosen
    found = scores_of(CLASSES, Outputs(logits, y, torch.ones(5)))
    for run in range(5):
        own = logits[run].numpy().T
        p = np.exp(own - own.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        margin = own[:, 1] - own[:, 0] if classes == 2 else None
        for name, expected in by_scikit_learn(p, y[run].numpy(), margin).items():
            assert float(found[name][run]) == pytest.approx(expected, rel=0, abs=1e-12), name


def test_of_two_classes_the_difference_of_logits_ranks_where_probabilities_tie():
    margin = torch.tensor([[40.0, 50.0, 60.0, 70.0]], dtype=torch.float64)
    logits = torch.stack([torch.zeros_like(margin), margin], 1)
    y = torch.tensor([[0, 1, 0, 1]])
    assert (torch.softmax(logits, 1)[0, 1] == 1).all()
    assert float(SCORES["auc"](Outputs(logits, y, torch.ones(1)))) == 0.75
    assert sk.roc_auc_score(y[0], margin[0]) == 0.75


@pytest.mark.parametrize("size", [1, 2, 9, 40])
def test_of_numbers_as_scikit_learn_in_the_targets_own_units(size):
    draw = np.random.default_rng(size)
    mean, scale = 50.0, np.array([3.0, 0.25])
    wanted, found = draw.normal(size=(2, size)), draw.normal(size=(2, size))
    of = Outputs(*map(torch.from_numpy, (found[:, None], wanted, scale)))
    scores = scores_of(NUMBERS, of)
    for run in range(2):
        own = [mean + scale[run] * values[run] for values in (found, wanted)]
        for name, expected in errors_by_scikit_learn(*own).items():
            assert float(scores[name][run]) == pytest.approx(expected, rel=0, abs=1e-12), name


def test_what_is_no_number_is_none():
    logits, y = outputs_of(torch.Generator().manual_seed(0), 4, 3, 20)
    sound = scores_of(CLASSES, Outputs(logits.clone(), y, torch.ones(4)))
    logits[1, 2, 5], logits[2, 0, 0] = torch.nan, torch.inf
    y[3] = y[3].clamp(max=1)  # a class is missing: no area, as scikit-learn has it
    found = scores_of(CLASSES, Outputs(logits, y, torch.ones(4)))
    for name in CLASSES:
        assert found[name].isnan().tolist() == [False, True, True, name == "auc"]
        assert found[name][0] == sound[name][0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        p = torch.softmax(logits[3], 0).T.numpy()
        own = sk.roc_auc_score(y[3], p, multi_class="ovr", labels=[0, 1, 2])
        assert np.isnan(own)
        # Balanced accuracy is over the classes that are there.
        balanced = sk.balanced_accuracy_score(y[3], p.argmax(axis=1))
    assert float(found["balanced_acc"][3]) == pytest.approx(balanced, abs=1e-12)


@pytest.mark.parametrize("size", [1, 7, 64, 257, 1003])
def test_a_runs_scores_have_the_same_bits_beside_others(size):
    generator = torch.Generator().manual_seed(size)
    runs, ones = 40, torch.ones(40, dtype=torch.float64)
    for classes, names in ((2, CLASSES), (10, CLASSES), (1, NUMBERS)):
        outputs = torch.randn(runs, classes, size, generator=generator).double() * 4
        y = torch.randint(0, classes, (runs, size), generator=generator)
        y = y if classes > 1 else torch.randn(runs, size, generator=generator).double()
        whole = scores_of(names, Outputs(outputs, y, ones))
        for first, last in ((0, 1), (39, 40), (3, 5), (7, 20)):
            part = slice(first, last)
            some = scores_of(names, Outputs(outputs[part].clone(), y[part].clone(), ones[part]))
            for name in names:
                assert torch.equal(whole[name][part].nan_to_num(7), some[name].nan_to_num(7)), name


@pytest.mark.parametrize(("dataset", "names"), [(WINE, CLASSES), (FRIEDMAN, NUMBERS)])
def test_a_trajectory_has_them_at_every_scored_epoch_whatever_is_beside_it(
    dataset, names, monkeypatch
):
    def trained(members):
        return train_stack(members, Path(), metrics=tuple(SCORES))

    noisy = {"label_noise": 0.2} if dataset is WINE else {}
    training = {"eval_every": 2, "dtype": "float32"}
    members = [
        member(setting(dataset=dataset | own, regularizer={"l2": l2}, training=training), seed)
        for own in ({}, noisy)
        for l2 in (0.0, 0.1)
        for seed in (0, 1, 2)
    ]
    plain = train_stack(members, Path())
    together = trained(members)
    monkeypatch.setattr(metrics, "ELEMENTS_AT_ONCE", 1)  # one run after the other
    for i, trajectory in enumerate(together):
        (alone,) = trained([members[i]])
        for part in PARTS:
            for name in names:
                curve = trajectory.curves[f"{part}_{name}"]
                assert np.isfinite(curve).tolist() == [False, True, False, True, True]
                assert curve.tobytes() == alone.curves[f"{part}_{name}"].tobytes()
            assert not {f"{part}_{name}" for name in SCORES if name not in names} & set(
                trajectory.curves
            )
        for name, curve in plain[i].curves.items():  # and they move nothing else
            assert curve.tobytes() == trajectory.curves[name].tobytes()


# --- in a study -----------------------------------------------------------------------------------

TRAINING = {"epochs": 4, "save_predictions": True}


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        ({"name": "digits", "train_size": 300}, CLASSES),
        ({"name": "breast_cancer", "label_noise": 0.3}, CLASSES),
        ({"name": "diabetes"}, NUMBERS),
    ],
    ids=lambda value: value.get("name") if isinstance(value, dict) else "",
)
def test_a_rows_scores_are_those_of_its_saved_predictions(tmp_path, dataset, names):
    asked = {
        "name": "a",
        "dataset": dataset,
        "model": {"hidden": [256]},
        "training": TRAINING,
        "seeds": 2,
        "metrics": names,
        "sweep": {"regularizer": {"none": "none", "stop": {"early_stopping": {"patience": 1}}}},
    }
    found = package.run(asked, out=tmp_path / "a")
    for row in found.runs.itertuples():
        split = found.data(row.cell, row.seed)
        saved = np.load(tmp_path / "a" / "predictions" / f"{row.run_id}.npz")
        for part in PARTS:
            y = saved[f"{part}_y"]
            if names is CLASSES:
                p = saved[f"{part}_probability"]
                expected = by_scikit_learn(p, y, p[:, 1] - p[:, 0])
            else:
                units = (split.target_mean, split.target_scale)
                own = [units[0] + units[1] * v for v in (saved[f"{part}_prediction"], y)]
                expected = errors_by_scikit_learn(*own)
            for name, value in expected.items():
                column = getattr(row, f"{part}_{name}")
                assert column == pytest.approx(value, rel=1e-12, abs=1e-12), (part, name)
        for name in names:
            gap = METRICS[name].gap(getattr(row, f"train_{name}"), getattr(row, f"val_{name}"))
            assert getattr(row, f"gap_{name}") == gap
        # At the reading, as epochs.csv has it there.
        epoch = found.epochs.query("run_id == @row.run_id and epoch == @row.reading_epoch")
        assert all(epoch[f"val_{n}"].item() == getattr(row, f"val_{n}") for n in names)


def test_where_the_columns_stand(tmp_path):
    asked = {"name": "a", "dataset": "moons", "seeds": 1, "training": {"epochs": 1}}
    asked |= {"metrics": ["brier", "auc"]}
    found = package.run(asked, out=tmp_path / "a")
    own = [*METRICS["brier"].columns, *METRICS["auc"].columns]
    columns = list(found.runs)
    start = columns.index("gap_acc") + 1
    constants = ["constant_loss", "constant_acc", "stopping_regret", "collapsed", "penalty"]
    assert columns[start : start + 13] == [*own, *constants]
    assert [name for name in found.epochs if "brier" in name or "auc" in name] == [
        f"{part}_{name}" for name in ("brier", "auc") for part in PARTS
    ]
    for name in own:
        assert {name, f"{name}_low", f"{name}_high"} <= set(found.gap)


LOPSIDED = """\
name: lopsided
dataset: {name: csv, path: rows.csv, target: y, task: classification, split_column: part}
training: {epochs: 1}
seeds: 2
metrics: [auc, f1]
"""


def lopsided(folder):
    """A validation part of one class."""
    rows = [(i % 7, "ab"[i % 2], "train") for i in range(20)]
    rows += [(i, "a", "val") for i in range(5)] + [(i, "ab"[i % 2], "test") for i in range(6)]
    pd.DataFrame(rows, columns=["x", "y", "part"]).to_csv(folder / "rows.csv", index=False)
    return study(folder, LOPSIDED)


def test_a_part_of_one_class_has_no_area_and_that_is_said(tmp_path):
    path = lopsided(tmp_path)
    done = regbench("run", path, "-o", tmp_path / "out")
    said = (
        "warning: val_auc is empty in 2 of 2 runs (none seed 0, none seed 1): "
        "the part lacks a class"
    )
    assert (done.code, said in done.err) == (0, True), done.err
    runs = package.read(tmp_path / "out").runs
    assert runs.val_auc.isna().all()
    assert runs.gap_auc.isna().all()
    assert runs[["train_auc", "test_auc", "val_f1"]].notna().all(axis=None)
    assert said in regbench("show", tmp_path / "out").err
    assert regbench("report", tmp_path / "out", "-o", tmp_path / "a.html").code == 0
    assert said.removeprefix("warning: ") in (tmp_path / "a.html").read_text(encoding="utf-8")
    watching = "regularizer={early_stopping: {monitor: val_auc}}"
    done = regbench("run", path, "-o", tmp_path / "b", "-s", watching)
    assert done.code == 3
    assert "watches val_auc, but the validation part lacks a class" in done.err


def test_metrics_of_a_finished_study_cannot_change(tmp_path):
    text = "name: a\ndataset: iris\ntraining: {epochs: 1}\nseeds: 1\n"
    path = study(tmp_path, text)
    assert regbench("run", path, "-o", tmp_path / "a").code == 0
    ids = package.read(tmp_path / "a").runs.run_id.tolist()
    done = regbench("run", path, "-o", tmp_path / "a", "-s", "metrics=[f1, auc]")
    assert done.code == 2
    assert done.err.endswith(
        "its runs were scored with metrics: [], and this study asks for [f1, auc]: ask for the "
        "same, choose another folder with -o, or train again with --overwrite\n"
    )
    again = ("run", path, "-o", tmp_path / "a", "-s", "metrics=[f1, auc]", "--overwrite")
    assert regbench(*again).code == 0
    assert package.read(tmp_path / "a").runs.run_id.tolist() == ids  # no part of their identity
    # Their order is none of it; nothing is trained for it.
    done = regbench("run", path, "-o", tmp_path / "a", "-s", "metrics=[auc, f1, acc]")
    assert "nothing trained" in done.err
    columns = list(package.read(tmp_path / "a").runs)
    assert columns.index("val_auc") < columns.index("val_f1")


def test_monitors_claims_sorting_and_gates_may_name_them(tmp_path):
    text = """\
name: named
dataset: {name: wine, train_size: 40}
model: {hidden: [8]}
training: {epochs: 5}
seeds: 3
metrics: [auc, brier]
sweep:
  regularizer:
    none: none
    stop: {early_stopping: {monitor: val_auc, patience: 2}}
    low: {early_stopping: {monitor: val_brier, patience: 2}}
expect:
- val_auc[stop] > -9
- gap_brier[none] < 3
"""
    path, out = study(tmp_path, text), tmp_path / "out"
    done = regbench("run", path, "-o", out)
    assert (done.code, done.err.count("PASS")) == (0, 2), done.err
    found = package.read(out)
    for cell, name, best in (("stop", "val_auc", "idxmax"), ("low", "val_brier", "idxmin")):
        for row in found.runs[found.runs.cell == cell].itertuples():
            curve = found.epochs[found.epochs.run_id == row.run_id].set_index("epoch")[name]
            assert row.best_epoch == getattr(curve, best)()
    assert regbench("check", out, "--max", "val_brier:0").code == 1
    gate = regbench("compare", out, out, "--fail-on", "val_auc:1%", "--metrics", "gap_auc")
    assert (gate.code, "gap_auc" in gate.out) == (0, True)
    shown = regbench("show", out, "--sort", "-val_auc", "--where", "val_brier<2", "--format", "csv")
    rows = pd.read_csv(pd.io.common.StringIO(shown.out))
    assert rows.val_auc.is_monotonic_decreasing
    assert "val auc" in regbench("show", out).out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "dataset: iris\nmetrics: [f1, mae]\n",
            "study.yaml:2:15 metrics[1]: a classification has no mae: there are acc, "
            "balanced_acc, f1, auc, brier, ece",
        ),
        (
            "dataset: diabetes\nmetrics: [auc]\n",
            "study.yaml:2:11 metrics[0]: a regression has no auc: there are r2, mae, rmse, medae",
        ),
        (
            "dataset: iris\nmetrics: [acu]\n",
            "study.yaml:2:11 metrics[0]: expected one of loss, acc, r2, balanced_acc, f1, auc, "
            "brier, ece, mae, rmse, medae, not 'acu'",
        ),
        (
            "dataset: iris\nsweep: {metrics: [[auc]]}\n",
            "study.yaml:2:9 sweep.metrics: metrics cannot be swept",
        ),
        (
            "dataset: iris\nmetrics: [f1]\nexpect: ['val_auc[none] > 0.5']\n",
            "study.yaml:3:10 expect[0]: val_auc is there only where it is asked for: "
            "metrics: [f1, auc]",
        ),
        (
            "dataset: iris\nregularizer: {early_stopping: {monitor: val_auc}}\n",
            "study.yaml:2:41 regularizer.early_stopping.monitor: val_auc is there only where it "
            "is asked for: metrics: [auc]",
        ),
        (
            "dataset: diabetes\nmetrics: [mae]\nregularizer: {early_stopping: {monitor: val_f1}}\n",
            "study.yaml:3:41 regularizer.early_stopping.monitor: a regression has no F1",
        ),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(BadStudy) as caught:
        parse_study(text)
    assert str(caught.value).startswith(message)


def test_a_study_of_both_tasks_has_the_metrics_of_both(tmp_path):
    asked = {
        "name": "both",
        "metrics": ["auc", "mae"],
        "training": {"epochs": 1},
        "seeds": 1,
        "sweep": {"dataset": ["iris", "diabetes"]},
    }
    found = package.run(asked, out=tmp_path / "a")
    there = found.runs.set_index("cell")[["val_auc", "val_mae", "constant_acc", "constant_r2"]]
    assert there.notna().loc["iris"].tolist() == [True, False, True, False]
    assert there.notna().loc["diabetes"].tolist() == [False, True, False, True]
    assert "is empty" not in regbench("show", tmp_path / "a").err
    # To a gate and to a claim the other task's cells have no such number; neither fails for it.
    assert regbench("compare", tmp_path / "a", tmp_path / "a").code == 0


# --- the constant prediction ----------------------------------------------------------------------


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_the_constant_prediction_of_classes(noise):
    chosen = setting(dataset={"name": "wine", "label_noise": noise})
    split = load(chosen.dataset, 3, Path())
    x, y = np.zeros((len(split.train), 1)), split.train.y
    dummy = DummyClassifier(strategy="prior").fit(x, y)
    p = dummy.predict_proba(np.zeros((len(split.val), 1)))
    found = constant_scores(split)
    assert found["constant_loss"] == pytest.approx(sk.log_loss(split.val.y, p), abs=1e-12)
    assert found["constant_acc"] == sk.accuracy_score(split.val.y, p.argmax(axis=1))
    (trajectory,) = train_stack([member(chosen, 3)], Path())
    assert trajectory.constant == found


def test_the_constant_prediction_of_numbers(tmp_path):
    asked = {"name": "a", "dataset": "diabetes", "training": {"epochs": 1}, "seeds": 2}
    found = package.run(asked, out=tmp_path / "a")
    for row in found.runs.itertuples():
        split = found.data("none", row.seed)
        dummy = DummyRegressor().fit(np.zeros((len(split.train), 1)), split.train.y)
        mean = dummy.predict(np.zeros((len(split.val), 1)))
        assert row.constant_loss == pytest.approx(sk.mean_squared_error(split.val.y, mean))
        assert row.constant_r2 == pytest.approx(sk.r2_score(split.val.y, mean), abs=1e-12)


def test_no_validation_no_constant_prediction(tmp_path):
    split = load(setting(dataset={"name": "iris", "val_size": 0}).dataset, 0, Path())
    assert isinstance(split, Split)
    assert constant_scores(split) == {}


def test_every_column_has_a_title_and_what_it_needs():
    for name, column in COLUMNS.items():
        assert column.name == name
        assert column.title
        assert set(column.keys) <= {"val_size", "test_size", "label_noise"}
