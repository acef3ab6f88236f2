"""Stopping rules: libraries' defaults against the libraries, and findings that can fail."""

import inspect
import os
import warnings
from dataclasses import replace
from types import SimpleNamespace

os.environ["KERAS_BACKEND"] = "torch"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier

from regbench.config.blocks.regularizer import EarlyStopping
from regbench.config.load import load_study
from regbench.engine.regularizers.early_stopping import Observation, replay
from regbench.textbook.reproduce import study_file
from regbench.textbook.stopping_rules import CRITERIA, LIBRARIES, Replayed, findings, skorch_stop

SETTINGS = {
    cell.name: cell.setting.regularizer.early_stopping
    for cell in load_study(study_file("stopping-rules")).cells
}


def noisy(seed, epochs=120):
    draw = np.random.default_rng(seed)
    fall = 2 * np.exp(-np.arange(epochs) / 15) + 0.3
    return fall + draw.normal(scale=0.004, size=epochs).cumsum()


def stop(rule, losses, scores=None):
    scores = np.zeros(len(losses)) if scores is None else scores
    pairs = enumerate(zip(losses, scores, strict=True), 1)
    seen = [Observation(e, 0.0, loss, {"val_acc": score}) for e, (loss, score) in pairs]
    return replay(rule, seen).epoch


def test_the_fourteen_criteria_are_prechelts():
    rules = {name: SETTINGS[name] for name in CRITERIA}
    written = {f"{rule.rule.upper()} {rule.threshold:g}" for rule in rules.values()}
    assert written == set(rules)
    assert all(rule.strip == 5 and rule.restore_best_weights for rule in rules.values())


def test_scikit_learn_stops_and_reads_where_its_rule_here_does():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(400, 8))
    y = (x[:, 0] + draw.normal(size=400) > 0).astype(int)
    for seed in range(3):
        model = MLPClassifier((16,), early_stopping=True, max_iter=400, random_state=seed)
        assert (model.n_iter_no_change, model.tol) == (10, 1e-4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, y)
        scores = np.array(model.validation_scores_ + [0.0] * 20)  # what would have come after
        seen = [Observation(e, 0.0, 0.0, {"val_acc": score}) for e, score in enumerate(scores, 1)]
        found = replay(SETTINGS["scikit-learn"], seen)
        assert found.epoch == model.n_iter_ < 400
        assert found.best_epoch == int(np.argmax(scores)) + 1


def test_keras_default_stops_where_its_rule_here_does():
    for seed in range(5):
        losses, model = noisy(seed), SimpleNamespace(stop_training=False)
        callback, epoch = keras.callbacks.EarlyStopping(mode="min"), 0
        callback.set_model(model)
        callback.on_train_begin()
        while not model.stop_training:
            callback.on_epoch_end(epoch, {"val_loss": losses[epoch]})
            epoch += 1
        assert stop(SETTINGS["Keras"], losses) == epoch < len(losses)
    defaults = inspect.signature(keras.callbacks.EarlyStopping).parameters
    assert defaults["restore_best_weights"].default is False


def lightning_stop(losses, patience=3, min_delta=0.0):
    """lightning/pytorch/callbacks/early_stopping.py, _evaluate_stopping_criteria, by hand."""
    best, wait = np.inf, 0
    for epoch, loss in enumerate(losses, 1):
        best, wait = (loss, 0) if loss + min_delta < best else (best, wait + 1)
        if wait >= patience:
            return epoch
    return len(losses)


@pytest.mark.parametrize("seed", range(8))
def test_lightning_and_skorch_stop_where_their_rules_here_do(seed):
    losses = noisy(seed)
    assert stop(SETTINGS["Lightning"], losses) == lightning_stop(losses) < len(losses)
    relative = EarlyStopping(patience=5, min_delta=1e-4 * losses.min())
    assert stop(relative, losses) == skorch_stop(losses)


def replayed():
    test = np.stack([noisy(seed) for seed in range(10)])
    rules = [*CRITERIA, *LIBRARIES]
    stops = np.array([[stop(SETTINGS[name], losses) for name in rules] for losses in test])
    reads = np.array(
        [
            [losses[:end].argmin() + 1 for end in ends]
            for losses, ends in zip(test, stops, strict=True)
        ]
    )
    least = np.array([[t[:end].min() for end in ends] for t, ends in zip(test, stops, strict=True)])
    regret = np.take_along_axis(test, reads - 1, axis=1) - least
    return Replayed(rules, stops, reads, regret, test, test)


def test_each_finding_can_fail():
    good = replayed()
    assert {f.decision for f in findings(good)[2:]} == {"PASS"}
    # Regret that looks beyond the stop; a skorch that stops an epoch later.
    beyond = good.at_reading() - good.test.min(axis=1, keepdims=True)
    assert findings(replace(good, regret=beyond))[2].decision == "FAIL"
    assert findings(replace(good, stop=good.stop + 1))[4].decision == "FAIL"
    # Criteria that all stop together cost nothing more and gain nothing.
    together = np.repeat(good.stop[:, [0]], good.stop.shape[1], axis=1)
    same = findings(replace(good, stop=together, reading=together))
    assert same[1].decision == "FAIL"
    assert same[0].decision != "PASS"
    # Waiting that makes things worse.
    quickest = int(good.stop[:, : len(CRITERIA)].mean(axis=0).argmin())
    worse = np.ones_like(good.reading)
    worse[:, quickest] = good.reading[:, quickest]
    assert findings(replace(good, reading=worse))[0].decision == "FAIL"
