"""What a command says to do next: only where the results say so, and what would help."""

from dataclasses import replace

import numpy as np
import pytest
from command import regbench as regbench_command
from scipy import stats
from tables import METRICS, runs_of

import regbench
from regbench.analysis.gap import gap_table
from regbench.analysis.hints import hints
from regbench.analysis.statistics import seeds_to_decide
from regbench.results.runs import Runs

BASE = {
    "dataset": {"name": "iris", "label_noise": 0.2},
    "model": {"hidden": [16]},
    "training": {"epochs": 30},
    "optimizer": {"name": "adam", "lr": 3e-2},
    "seeds": 2,
}


def said(tmp_path, **changes):
    results = regbench.run(BASE | changes, out=tmp_path)
    return hints(results.rows, results.table)


def test_nothing_is_said_where_nothing_is_amiss(tmp_path):
    assert said(tmp_path) == []


def test_one_seed_has_no_interval(tmp_path):
    assert said(tmp_path, seeds=1) == [
        "one seed has no interval: --seeds 5 shows how sure the numbers are"
    ]


def test_training_that_still_helps_is_too_short(tmp_path):
    changes = {"training": {"epochs": 3}, "optimizer": {"name": "adam", "lr": 1e-3}}
    assert said(tmp_path, **changes) == [
        "in 2 of 2 runs the validation loss was least after the last epoch: "
        "train longer (training.epochs is 3)"
    ]


def path_of(key, losses):
    """A study along one axis, with these validation losses."""
    three = runs_of(dict.fromkeys("abc", 0.1), 1).rows
    rows = [
        replace(row, settings={key: str(value)}, metrics=row.metrics | {"val_loss": loss})
        for (value, loss), row in zip(losses.items(), three, strict=True)
    ]
    return Runs("study", METRICS, (key,), tuple(rows))


@pytest.mark.parametrize(
    ("key", "losses", "add"),
    [
        ("regularizer.l2", {1e-3: 3, 1e-2: 2, 1e-1: 1}, "1"),
        ("regularizer.l2", {3: 1, 30: 2, 300: 3}, "0.3"),
        ("regularizer.dropout", {0.3: 3, 0.4: 2, 0.5: 1}, "0.6"),
        # There is no rate of 1, nothing below a strength of 0, and no more data.
        ("regularizer.dropout", {0.1: 3, 0.3: 2, 0.9: 1}, None),
        ("regularizer.l2", {0: 1, 1: 2, 2: 3}, None),
        ("dataset.train_size", {10: 3, 100: 2, 1000: 1}, None),
    ],
)
def test_the_grids_edge(key, losses, add):
    runs = path_of(key, losses)
    found = [hint for hint in hints(runs, gap_table(runs)) if "edge" in hint]
    assert found == ([f"the best {key} lies on the grid's edge: add {add}"] if add else [])


def test_the_command_says_them_on_stderr(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("dataset: iris\ntraining: {epochs: 2}\nseeds: 1\n", encoding="utf-8")
    done = regbench_command("run", path, "-o", tmp_path / "out")
    assert "hint: one seed has no interval" in done.err
    assert "hint" not in done.out


@pytest.mark.parametrize("mean", [0.3, 1.0])
def test_so_many_seeds_decide_four_times_in_five(mean):
    """By simulation: the number in the advice aims at 80% power, with one seed less at no more."""
    found = seeds_to_decide([mean - 1, mean, mean + 1])
    draws = np.random.default_rng(1).normal(mean, 1, (10_000, found))
    power = [
        np.mean(stats.ttest_1samp(draws[:, :n], 0, axis=1).pvalue < 0.05)
        for n in (found - 1, found)
    ]
    assert power[0] < 0.80 + 0.015
    assert 0.78 < power[1] < 0.90


def test_an_open_claim_says_how_many_seeds_it_wants(tmp_path):
    study = BASE | {
        "dataset": "iris",
        "sweep": {"regularizer": {"none": "none", "l2": {"l2": 1e-4}}},
        "expect": ["val_loss[l2] < val_loss[none]", "val_loss[none] < val_loss[l2]"],
        "seeds": 3,
    }
    outcomes = regbench.run(study, out=tmp_path).claims
    assert [outcome.decision for outcome in outcomes] == ["UNDECIDED"] * 2
    assert all("seeds would decide it (an estimate, at 80% power)" in o.evidence for o in outcomes)
