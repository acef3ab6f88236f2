"""Accuracy on clean and on noisy rows, against one loop over the rows with stock torch.nn."""

from __future__ import annotations

from math import isnan, nan

import numpy as np
import pytest
from command import regbench
from engine import FRIEDMAN, WINE, member, setting, train
from oracle_torch import Solo

import regbench as package
from regbench.engine import loop, scoring
from regbench.results.runs import read_runs
from regbench.vocabulary.metrics import NOISE_ACCURACIES

ROWS = NOISE_ACCURACIES[1:]


class RowByRow(Solo):
    """A run that looks at each training row after each epoch."""

    def scores(self) -> dict[str, float]:
        self.net.eval()
        x, _ = self._part("train")
        groups: dict[str, list[bool]] = {name: [] for name in NOISE_ACCURACIES}
        part = self.split.train
        for i in range(len(x)):
            choice = int(self.net(x[i : i + 1]).argmax())
            groups["train_acc_clean"].append(choice == part.y_clean[i])
            if part.y[i] == part.y_clean[i]:
                groups["clean_rows_acc"].append(choice == part.y[i])
            else:
                groups["noisy_rows_acc"].append(choice == part.y[i])
                groups["noisy_rows_true_acc"].append(choice == part.y_clean[i])
        means = {name: sum(hits) / len(hits) if hits else nan for name, hits in groups.items()}
        return super().scores() | means


def assert_row_by_row(members, trajectories):
    for one, trajectory in zip(members, trajectories, strict=True):
        solo = RowByRow(one.setting, one.seed).train()
        noise = one.setting.dataset.label_noise > 0
        for name in NOISE_ACCURACIES:
            expected = [epoch[name] if noise else nan for epoch in solo.history]
            found = trajectory.curves[name].tolist()
            assert found == pytest.approx(expected, abs=1e-12, nan_ok=True), name


def noisy(q: float, seed: int, **more):
    return member(setting(dataset=WINE | {"label_noise": q}, **more), seed)


@pytest.mark.parametrize("pieces", [False, True])
def test_a_stack_of_runs_with_and_without_noise(pieces, monkeypatch):
    if pieces:  # 70 rows in pieces of 64
        monkeypatch.setattr(scoring, "_CHUNK_ELEMENTS", 1)
    members = [
        *(noisy(0.4, 0), noisy(0.0, 0), noisy(0.4, 1), noisy(0.1, 1), noisy(1.0, 2)),
        # A second run of one split.
        noisy(0.4, 1, optimizer={"name": "adam", "lr": 0.2}),
    ]
    assert_row_by_row(members, train(*members))


def test_a_stack_without_noise_has_no_such_curves():
    (wine,), (numbers,) = train(noisy(0.0, 0)), train(member(setting(dataset=FRIEDMAN)))
    for trajectory in (wine, numbers):
        assert not set(NOISE_ACCURACIES) & set(trajectory.curves)


def test_where_noise_has_changed_no_label_there_are_no_noisy_rows():
    one = noisy(0.002, 0)
    solo = Solo(one.setting, 0)
    assert solo.split.flip_rate == 0
    alone, beside = train(one), train(noisy(0.4, 1), one)
    assert_row_by_row([one], alone)
    for trajectory in (alone[0], beside[1]):
        assert np.isnan(trajectory.curves["noisy_rows_acc"]).all()
        assert np.isnan(trajectory.curves["noisy_rows_true_acc"]).all()
        np.testing.assert_array_equal(
            trajectory.curves["clean_rows_acc"], trajectory.curves["train_acc"]
        )


def test_a_run_that_stays_when_others_leave_is_scored_on_its_own_rows():
    stop = {"early_stopping": {"patience": 0, "min_delta": 1e9, "start_from_epoch": 1}}
    members = [noisy(0.3, seed, regularizer=stop if seed == 0 else {}) for seed in (0, 1, 2)]
    trajectories = train(*members)
    assert trajectories[0].readings[0].epochs_run < trajectories[1].readings[0].epochs_run
    assert_row_by_row(members[1:], trajectories[1:])


def test_the_parts_make_up_the_whole():
    """train_acc is the mean of the clean and the noisy rows' accuracies, by their shares."""
    (trajectory,) = train(noisy(0.4, 3))
    f, curves = trajectory.flip_rate, trajectory.curves
    clean = (1 - f) * curves["clean_rows_acc"]
    np.testing.assert_allclose(clean + f * curves["noisy_rows_acc"], curves["train_acc"])
    np.testing.assert_allclose(clean + f * curves["noisy_rows_true_acc"], curves["train_acc_clean"])


# --- in the tables ------------------------------------------------------------------------------

STUDY = {
    "dataset": "iris",
    "model": {"hidden": [4]},
    "training": {"epochs": 3, "eval_every": 2},
    "sweep": {"dataset.label_noise": {"none": 0, "much": 0.5}},
    "expect": ["noisy_rows_acc[much] < 9"],
}


def test_tables_have_them_where_the_study_has_noise(tmp_path):
    results = package.run(STUDY | {"seeds": 2}, out=tmp_path)
    assert [outcome.decision for outcome in results.claims] == ["PASS"]
    for name in ROWS:
        much = results.runs[results.runs.cell == "much"].set_index("seed")[name]
        assert results.runs[results.runs.cell == "none"][name].isna().all()
        last = results.epochs[(results.epochs.cell == "much") & (results.epochs.epoch == 3)]
        assert last.set_index("seed")[name].tolist() == much.tolist()
        assert results.epochs[results.epochs.epoch == 1][name].isna().all()
        gap = results.gap.set_index("cell")[name]
        assert gap["much"] == pytest.approx(much.mean())
        assert isnan(gap["none"])
    plain = package.run({"dataset": "iris", "training": {"epochs": 1}}, out=tmp_path / "plain")
    assert not set(NOISE_ACCURACIES) & {*plain.runs, *plain.epochs, *plain.gap}


def before_these_columns(monkeypatch):
    """As results were made before there were accuracies of rows."""

    def fewer(*arguments):
        scores = scoring.score(*arguments)
        return {name: values for name, values in scores.items() if name not in ROWS}

    monkeypatch.setattr(loop, "score", fewer)
    monkeypatch.setattr("regbench.results.tables.NOISE_ACCURACIES", ("train_acc_clean",))


def test_older_results_are_read_and_gone_on_with(tmp_path, monkeypatch):
    with monkeypatch.context() as older:
        before_these_columns(older)
        package.run(STUDY | {"seeds": 2, "expect": []}, out=tmp_path / "old")
    assert "noisy_rows_acc" not in read_runs(tmp_path / "old").metrics
    assert regbench("show", tmp_path / "old").code == 0
    whole = package.run(STUDY | {"seeds": 3}, out=tmp_path / "new")
    more = package.run(STUDY | {"seeds": 3}, out=tmp_path / "old")
    assert more.summary.trained == 2
    for name in ROWS:
        found = more.runs[more.runs.cell == "much"].set_index("seed")[name]
        assert found[[0, 1]].isna().all()
        expected = whole.runs[whole.runs.cell == "much"].set_index("seed")[name]
        assert found[2] == expected[2]
    same = [name for name in whole.runs if name not in ROWS]
    assert more.runs[same].equals(whole.runs[same])
    done = regbench("check", tmp_path / "old")
    assert (done.code, "UNDECIDED" in done.out + done.err) == (0, True)
