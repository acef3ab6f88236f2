"""Random and noisy labels: scikit-learn's network does the same, and the judging can fail."""

import warnings

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from regbench.config.load import load_study
from regbench.data.sources import load
from regbench.textbook import noisy_labels, random_labels
from regbench.textbook.curves import Curve, reached
from regbench.textbook.reproduce import study_file


def trained_elsewhere(study, cell, epochs):
    """Accuracies of scikit-learn's network on a cell's data, a dictionary an epoch.

    It shares the rows and their labels with regbench, and the settings of the study file, no code.
    """
    found = load_study(study_file(study))
    setting = next(each.setting for each in found.cells if each.name == cell)
    split = load(setting.dataset, 0, found.folder)
    x, y, true = split.train.x, split.train.y, split.train.y_clean
    network = MLPClassifier(
        tuple(setting.model.hidden), alpha=0, batch_size=setting.training.batch_size,
        learning_rate_init=setting.optimizer.lr, random_state=0,
    )  # fmt: skip
    wrong = y != true
    for _ in range(epochs):
        network.partial_fit(x, y, classes=np.arange(10))
        guess = network.predict(x)
        yield {
            "train": (guess == y).mean(),
            "wrong": (guess == y)[wrong].mean() if wrong.any() else np.nan,
            "right": (guess == y)[~wrong].mean(),
            "true": (guess == true)[wrong].mean() if wrong.any() else np.nan,
            "test": (network.predict(split.test.x) == split.test.y).mean(),
        }


@pytest.fixture(autouse=True)
def quietly_on_one_thread():
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        yield


def test_scikit_learn_memorises_random_labels_too():
    random, true = (
        list(
            trained_elsewhere("random-labels", f"dataset.label_noise={kind}, regularizer=none", 40)
        )
        for kind in ("random", "true")
    )
    assert random[-1]["train"] == true[-1]["train"] == 1
    assert random[-1]["test"] == pytest.approx(0.1, abs=0.05)
    assert true[-1]["test"] > 0.9
    epochs = [np.argmax([each["train"] >= 0.9 for each in of]) for of in (true, random)]
    assert epochs[0] + 5 < epochs[1]


def test_scikit_learn_learns_what_is_true_first_too():
    epochs = list(trained_elsewhere("noisy-labels", "none", 80))
    right, wrong, true, test = (
        np.array([each[name] for each in epochs]) for name in ("right", "wrong", "true", "test")
    )
    assert np.argmax(right >= 0.9) + 20 < np.argmax(wrong >= 0.9)
    for rises_and_falls, by in ((true, 0.5), (test, 0.05)):
        assert rises_and_falls.max() > rises_and_falls[0] + 0.2
        assert rises_and_falls.max() > rises_and_falls[-1] + by


def curve_of(*starts, rate=0.02, epochs=60):
    time = np.arange(1, epochs + 1)
    values = np.stack([np.minimum(start + rate * time, 1) for start in starts])
    return Curve(time, tuple(range(len(starts))), values)


def test_the_epoch_of_a_level_is_the_first_that_has_it():
    of = Curve(np.array([2, 4, 6]), (0, 1), np.array([[0.1, 0.9, 0.5], [0.1, 0.2, 0.89]]))
    assert reached(of, 0.9).tolist() == [4, np.inf]


def test_what_is_not_slowed_fails():
    words = list(random_labels.CELLS.values())
    quick, slow = curve_of(0.4, 0.41, 0.42), curve_of(0.1, 0.12, 0.13, rate=0.0151)

    def judged(*of):
        return [each.decision for each in random_labels.findings(dict(zip(words, of, strict=True)))]

    slower = curve_of(0.0, 0.01, 0.02, rate=0.0151)
    assert judged(quick, slow, slower, slower) == ["PASS", "PASS", "PASS"]
    assert judged(slow, quick, quick, quick) == ["FAIL", "UNDECIDED", "UNDECIDED"]
    assert judged(quick, slow, slower, quick)[2] == "FAIL"
    never = curve_of(0.0, 0.0, 0.0, rate=0.001)
    assert judged(quick, slow, slower, never)[2] == "UNDECIDED"


def test_a_curve_that_does_not_rise_and_fall_fails():
    late, early = curve_of(0.1, 0.11, 0.09), curve_of(0.5, 0.51, 0.52)
    hill = Curve(early.epochs, early.seeds, early.values - np.linspace(0, 1.2, 60) ** 2)
    right = {
        "clean_rows_acc": early, "noisy_rows_acc": late,
        "noisy_rows_true_acc": hill, "test_acc": hill,
    }  # fmt: skip

    def judged(**changed):
        return [each.decision for each in noisy_labels.findings(right | changed)]

    assert judged() == ["PASS"] * 5
    assert judged(noisy_rows_acc=early, clean_rows_acc=late)[0] == "FAIL"
    falling = Curve(late.epochs, late.seeds, 1 - late.values)
    assert judged(noisy_rows_true_acc=late)[1:3] == ["PASS", "FAIL"]
    assert judged(noisy_rows_true_acc=falling)[1:3] == ["FAIL", "PASS"]
    assert judged(test_acc=late)[3:] == ["PASS", "FAIL"]
    flat = Curve(late.epochs, late.seeds, np.random.default_rng(0).normal(size=late.values.shape))
    assert judged(test_acc=flat)[3:] == ["UNDECIDED", "UNDECIDED"]
    never = curve_of(0.0, 0.0, 0.0, rate=0.001)
    assert judged(noisy_rows_acc=never) == ["FAIL"]
