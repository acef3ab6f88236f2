"""Early stopping chooses an epoch on a trajectory, and changes nothing else."""

from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest
import torch
from engine import WINE, member, reads, setting, train

from regbench.config.blocks.regularizer import EarlyStopping
from regbench.engine.member import Member
from regbench.engine.readers import Readers
from regbench.engine.regularizers.early_stopping import Observation, Stop, replay


def observations(val, train=None):
    train = train or [0.0] * len(val)
    return [Observation(e, t, v) for e, (t, v) in enumerate(zip(train, val, strict=True), 1)]


# Prechelt 1998, worked by hand.
GL = [
    ([1.0, 0.5, 0.52, 0.54, 0.6], 5, Stop(4, 2, True)),  # GL = 0, 0, 4, 8
    ([1.0, 0.5, 0.52, 0.54, 0.6], 10, Stop(5, 2, True)),  # ... 20
    ([1.0, 0.5, 0.625], 25, Stop(3, 2, False)),  # 25 exactly: greater than, not equal
    ([1.0, 0.9, 0.8], 1, Stop(3, 3, False)),
]
# Strips of 3 by training loss: P = 1000 * (mean / min - 1).
TRAIN = [1.2, 1.0, 0.8, 0.80, 0.80, 0.80, 0.5, 0.4, 0.3]  # P = 250, 0, 333.3
VAL = [1.0, 1.1, 1.2, 1.1, 1.1, 1.1, 1.0, 1.0, 1.05]  # GL at strip ends: 20, 10, 5
PQ = [
    (0.05, Stop(3, 1, True)),  # 20 / 250 = .08
    (0.1, Stop(6, 1, True)),  # not .08; then P < .1: training has stopped to progress
]
# GL is 0 throughout, so that only P < .1 can stop.
PROGRESS = [
    ([1.0002, 1.0, 1.00007], Stop(3, 3, True)),  # P = .09
    ([1.0002, 1.0, 1.0002], Stop(3, 3, False)),  # P = .133
]
UP = [
    ([1.0, 0.9, 0.8, 0.7, 0.8, 0.9, 0.6, 1.0], 1, Stop(6, 4, True)),  # ends .9, .7, .9, 1.0
    ([1.0, 0.9, 0.8, 0.7, 0.8, 0.9, 0.6, 1.0], 2, Stop(8, 7, True)),
    ([1.0, 0.9, 0.8, 0.7, 0.8, 0.9, 0.6, 1.0], 3, Stop(8, 7, False)),
    ([1.0, 0.5, 1.0, 0.6, 1.0, 0.5, 1.0, 0.6], 2, Stop(8, 2, False)),  # .5 .6 .5 .6: not in a row
    ([1.0, 0.5, 1.0, 0.5, 1.0, 0.5], 1, Stop(6, 2, False)),  # .5 .5 .5: as high is no rise
]


@pytest.mark.parametrize(("losses", "limit", "stop"), GL)
def test_gl(losses, limit, stop):
    assert replay(EarlyStopping(gl=limit), observations(losses)) == stop


@pytest.mark.parametrize(("limit", "stop"), PQ)
def test_pq(limit, stop):
    assert replay(EarlyStopping(pq=limit, strip=3), observations(VAL, TRAIN)) == stop


@pytest.mark.parametrize(("train", "stop"), PROGRESS)
def test_pq_stops_where_training_makes_no_progress(train, stop):
    seen = observations([1.0, 0.9, 0.8], train)
    assert replay(EarlyStopping(pq=1, strip=3), seen) == stop


@pytest.mark.parametrize(("losses", "rises", "stop"), UP)
def test_up(losses, rises, stop):
    assert replay(EarlyStopping(up=rises, strip=2), observations(losses)) == stop


def test_a_perfect_fit_is_no_division_by_zero():
    assert replay(EarlyStopping(gl=5), observations([0.0, 0.0, 0.1])) == Stop(3, 1, True)
    assert replay(EarlyStopping(pq=1, strip=2), observations([1.0] * 4, [0.0] * 4)).epoch == 2
    assert replay(EarlyStopping(patience=1), observations([inf, nan, 0.5])).fired


OVERFITTING = {
    "dataset": WINE | {"label_noise": 0.5},
    "optimizer": {"name": "adam", "lr": 0.02, "schedule": "cosine"},
}


def overfit(stopping, epochs=25, **training):
    regularizer = {} if stopping is None else {"early_stopping": stopping}
    return setting(
        regularizer=regularizer | {"dropout": 0.2},
        training={"epochs": epochs} | training,
        **OVERFITTING,
    )


@pytest.mark.parametrize(
    "stopping", [{"patience": 3}, {"gl": 5}, {"pq": 0.5}, {"up": 1, "strip": 2}]
)
def test_retraining_to_the_best_epoch_gives_equal_bits(stopping):
    (stopped,) = train(member(overfit(stopping), seed=1))
    reading = stopped.readings[0]
    assert 0 < reading.reading_epoch == reading.best_epoch < reading.epochs_run < 25
    # Without the rule and with the same horizon for the schedule, read at that epoch.
    from pathlib import Path

    from regbench.engine.loop import StackTrainer

    trainer = StackTrainer([member(overfit(None), seed=1)], Path(), "cpu")
    for epoch in range(1, reading.best_epoch + 1):
        trainer.train_epoch(epoch)
        trainer.finish_epoch(epoch)
    state = trainer.network.state(0)
    for name in state:
        assert state[name].tobytes() == reading.state[name].tobytes(), name
    for name, curve in trainer._curves.items():
        kept = slice(0, reading.best_epoch)
        np.testing.assert_array_equal(curve[0][kept], stopped.curves[name][kept])


def test_a_sibling_with_longer_patience_changes_nothing():
    chosen = overfit({"patience": 3})
    (alone,) = train(member(chosen, 1, "a"))
    rules = {"a": EarlyStopping(patience=3), "b": EarlyStopping(patience=9), "c": None}
    rules = {name: reads(rule) for name, rule in rules.items()}
    (shared,) = train(Member(chosen, 1, rules))
    a, b, c = shared.readings
    assert replace(a, state={}) == replace(alone.readings[0], state={})
    for name in a.state:
        assert a.state[name].tobytes() == alone.readings[0].state[name].tobytes()
    for name, curve in alone.curves.items():
        np.testing.assert_array_equal(curve, shared.curves[name][: a.epochs_run])
    assert a.epochs_run < b.epochs_run < c.epochs_run == 25
    assert (c.reading_epoch, c.best_epoch) == (25, int(np.argmin(shared.curves["val_loss"])) + 1)


def test_a_trajectory_halts_when_no_reading_can_change():
    (stopped,) = train(Member(overfit(None), 1, {"a": reads(EarlyStopping(patience=2))}))
    assert len(stopped.curves["epoch"]) == stopped.readings[0].epochs_run < 25


def test_without_restore_the_last_epoch_is_read():
    rules = {
        "restored": reads(EarlyStopping(patience=3)),
        "last": reads(EarlyStopping(patience=3, restore_best_weights=False)),
    }
    (trajectory,) = train(Member(overfit(None), 1, rules))
    restored, last = trajectory.readings
    assert restored.epochs_run == last.epochs_run == last.reading_epoch
    assert restored.reading_epoch == restored.best_epoch == last.best_epoch < last.reading_epoch
    assert any(restored.state[k].tobytes() != last.state[k].tobytes() for k in last.state)


def test_patience_counts_scored_epochs():
    (trajectory,) = train(member(overfit({"patience": 2}, eval_every=3), seed=1))
    curves, reading = trajectory.curves, trajectory.readings[0]
    scored = np.flatnonzero(np.isfinite(curves["val_loss"])) + 1
    assert scored.tolist() == list(range(3, reading.epochs_run + 1, 3))
    losses = curves["val_loss"][scored - 1]
    stop = replay(
        EarlyStopping(patience=2),
        [Observation(e, 0.0, v) for e, v in zip(scored.tolist(), losses, strict=True)],
    )
    assert (stop.epoch, stop.best_epoch) == (reading.epochs_run, reading.best_epoch)


# What a run of six epochs scored, and where patience 2 stops on each column.
SCORES = {
    "train_loss": [0.9, 0.5, 0.6, 0.7, 0.8, 0.9],
    "val_loss": [0.9, 0.8, 0.7, 0.8, 0.9, 1.0],
    "train_acc": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    "val_acc": [0.5, 0.4, 0.3, 0.2, 0.1, 0.0],
    "test_loss": [0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
    "test_acc": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
}
MONITORS = [("train_loss", 2), ("val_loss", 3), ("val_acc", 1), ("val_r2", 1)]


@pytest.mark.parametrize(("monitor", "best"), MONITORS)
def test_a_rule_watches_its_own_monitor(monitor, best):
    kind = "r2" if monitor == "val_r2" else "acc"
    columns = {name.replace("acc", kind): np.array(values) for name, values in SCORES.items()}
    rule = EarlyStopping(monitor=monitor, patience=2)
    readers = Readers(Member(setting(training={"epochs": 6}), 0, {"a": reads(rule)}))
    for epoch in range(1, 7):
        if not readers.done:
            scores = {name: float(values[epoch - 1]) for name, values in columns.items()}
            readers.observe(epoch, scores, lambda average, epoch=epoch: {"w": np.array(epoch)})
    (reading,) = readers.readings(columns)
    assert (reading.best_epoch, reading.reading_epoch, reading.epochs_run) == (best, best, best + 2)
    assert reading.state["w"] == best


@pytest.mark.parametrize("rule", [{"patience": 1}, {"gl": 1}, {"pq": 1}, {"up": 1}], ids=str)
def test_no_rule_sees_the_initial_weights(rule):
    (trajectory,) = train(member(overfit(rule, epochs=0)))
    reading = trajectory.readings[0]
    assert (reading.epochs_run, reading.best_epoch, reading.reading_epoch) == (0, None, 0)


def test_test_scores_decide_nothing(monkeypatch):
    from regbench.engine import loop

    plain = train(member(overfit({"patience": 3}), seed=1))[0].readings[0]

    def score(*arguments):
        return scored(*arguments) | {"test_loss": torch.full((1,), nan), "test_acc": torch.ones(1)}

    scored = loop.score
    monkeypatch.setattr(loop, "score", score)
    blind = train(member(overfit({"patience": 3}), seed=1))[0].readings[0]
    assert (blind.status, blind.best_epoch, blind.epochs_run) == (
        "ok",
        plain.best_epoch,
        plain.epochs_run,
    )


def test_a_rule_that_stops_before_a_divergence_is_ok():
    wild = setting(
        optimizer={"name": "sgd", "lr": 3.0, "momentum": 0.99},
        dataset={"name": "friedman1", "n_samples": 120, "train_size": 70},
        training={"epochs": 60, "dtype": "float32"},
    )
    rules = {"early": reads(EarlyStopping(patience=0)), "late": reads()}
    (trajectory,) = train(Member(wild, 0, rules))
    early, late = trajectory.readings
    assert (late.status, late.reading_epoch) == ("diverged", None)
    assert early.status == "ok"
    assert early.epochs_run < late.epochs_run == len(trajectory.curves["epoch"])
