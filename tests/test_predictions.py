"""Saved predictions are the evaluation of the chosen weights, example by example."""

import numpy as np
import pytest
from engine import FRIEDMAN, WINE, member, setting, train
from oracle_torch import Solo

TRAINING = {"save_weights": False, "save_predictions": True}


def assert_predictions(reading, solo):
    solo.net.eval()
    for name in ("train", "val", "test"):
        x, y = solo._part(name)
        out = solo.net(x).detach()
        if solo.split.classes:
            found, expected = reading.predictions[f"{name}_probability"], out.softmax(1)
        else:
            found, expected = reading.predictions[f"{name}_prediction"], out[:, 0]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        assert (reading.predictions[f"{name}_y"] == y.numpy()).all()
        ids = getattr(solo.split, name).ids
        assert reading.predictions[f"{name}_ids"].tolist() == ids.tolist()
    assert len(reading.predictions) == 9
    assert reading.state == {}  # weights were not asked for


@pytest.mark.parametrize("dataset", [WINE | {"label_noise": 0.3}, FRIEDMAN], ids=["wine", "f1"])
@pytest.mark.parametrize("regularizer", [{}, {"batchnorm": True, "dropout": 0.3}], ids=str)
def test_of_the_last_epoch(dataset, regularizer):
    chosen = setting(dataset=dataset, regularizer=regularizer, training=TRAINING)
    # A neighbour, so that the run is not the first of its stack.
    _, trajectory = train(member(chosen, seed=5), member(chosen, seed=2))
    assert_predictions(trajectory.readings[0], Solo(chosen, 2).train())


@pytest.mark.parametrize("restore", [True, False])
def test_of_the_epoch_that_a_rule_chose(restore):
    # Nothing improves by 1e9: the first epoch is the best, the third one the last.
    stopping = {"patience": 2, "min_delta": 1e9, "restore_best_weights": restore}
    chosen = setting(regularizer={"batchnorm": True, "early_stopping": stopping}, training=TRAINING)
    (trajectory,) = train(member(chosen))
    reading = trajectory.readings[0]
    assert (reading.reading_epoch, reading.epochs_run) == (1 if restore else 3, 3)
    assert_predictions(reading, Solo(chosen, 0).train(1 if restore else 3))
