"""Double descent: the recipe against PyTorch's, and findings on numbers that are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from regbench.config.load import load_study
from regbench.textbook.double_descent import PUBLISHED, Errors, findings
from regbench.textbook.reproduce import study_file

WIDTHS = tuple(PUBLISHED)
STRENGTHS = (0.0, 0.001, 0.003)
JITTER = np.array([-0.1, 0, 0.1])
# What the notebook printed for the training error, as the issue gives it at the ends.
TRAINING = (47.45, 39, 29, 17, 5, 0, 0, 0)


def known(tuned=43.0):
    """Errors as published; the middle strength is level, the last one useless."""
    plain = np.array([value for value, _ in PUBLISHED.values()])
    level, bad = np.full(len(WIDTHS), tuned), np.full(len(WIDTHS), 80.0)
    test = np.stack([plain, level, bad], axis=1)[:, :, None] + JITTER
    train = np.stack([np.array(TRAINING), level, bad], axis=1)[:, :, None] + 0 * JITTER
    return Errors(WIDTHS, STRENGTHS, train=train, val=test + 1, test=test)


def decisions(errors):
    return {each.what: each.decision for each in findings(errors)}


def only(errors, decision="FAIL"):
    return [what for what, found in decisions(errors).items() if found == decision]


def test_published_numbers_pass_where_the_penalty_levels_the_peak():
    found = decisions(known())
    assert set(found.values()) == {"PASS"}
    assert len(found) == len(WIDTHS) + 2 + 1 + 6


@pytest.mark.parametrize(("width", "off"), [(9, 8.1), (16, -3.6), (61, 2.6), (300, -2.6)])
def test_a_test_error_beyond_its_tolerance_fails(width, off):
    errors = known()
    errors.test[WIDTHS.index(width), 0] += off
    assert f"test error without a penalty, two layers of {width}, mean of 3 seeds (%)" in only(
        errors
    )


def test_a_net_that_does_not_fit_its_labels_fails():
    errors = known()
    errors.train[WIDTHS.index(61), 0] = 0.6
    assert only(errors) == [
        "training error without a penalty, two layers of 61, mean of 3 seeds (%)"
    ]


def test_the_peak_must_stand_beside_the_threshold():
    errors = known()
    errors.train[:, 0] = 47.45  # no width fits
    assert any(what.endswith("below 1%: none") for what in only(errors))
    errors = known()
    errors.test[WIDTHS.index(300), 0] = 60
    assert any(what.endswith("below 1%: 61") for what in only(errors))


def test_the_strength_is_chosen_on_validation_alone():
    errors = known()
    assert errors.chosen().tolist() == [1] * len(WIDTHS)
    assert replace(errors, test=errors.test[:, ::-1]).chosen().tolist() == [1] * len(WIDTHS)
    worse = replace(errors, val=errors.val[:, [1, 2, 0]])
    assert worse.chosen().tolist() == [0] * len(WIDTHS)
    np.testing.assert_array_equal(worse.tuned(), errors.test[:, 0])


def test_a_penalty_that_levels_nothing_fails():
    useless = known(tuned=90.0)  # then none is chosen, and the tuned curve is the plain one
    assert useless.chosen().tolist() == [0] * len(WIDTHS)
    assert only(useless) == [
        "test error of 47 less that of 16 (the rise from 16), with tuned L2 (points)",
        "test error of 47 less that of 300 (the fall to 300), with tuned L2 (points)",
    ]
    assert len(only(useless, "UNDECIDED")) == 4  # differences of 0


def test_the_study_is_the_published_recipe():
    study = load_study(study_file("double-descent"))
    base = study.base
    assert (base.dataset.n_samples, base.dataset.train_size) == (16_000, 4_000)
    assert (base.dataset.val_size, base.dataset.test_size) == (2_000, 10_000)
    assert (base.dataset.label_noise, base.dataset.standardize) == (0.15, False)
    assert (base.optimizer.lr, base.optimizer.momentum) == (0.01, 0.9)
    assert (base.training.epochs, base.training.batch_size) == (500, 100)
    assert base.model.init == "torch"
    hidden = {tuple(cell.setting.model.hidden) for cell in study.cells}
    assert hidden == {(width, width) for width in WIDTHS}


@pytest.mark.torture
@pytest.mark.parametrize(("width", "fits"), [(16, False), (47, False), (61, True)])
def test_pytorch_gives_the_published_errors(width, fits, one_thread):
    """The recipe in PyTorch alone, one draw, on the rows and the split of the package."""
    data = pytest.importorskip("mnist1d.data")
    options = data.get_dataset_args()
    options.num_samples, options.train_split = 16_000, 0.25
    made, rng = data.make_dataset(options), np.random.default_rng(0)
    redrawn = rng.random(4000) < 0.15
    y = torch.tensor(np.where(redrawn, rng.integers(0, 10, 4000), made["y"]))
    x, x_test = (torch.tensor(made[name], dtype=torch.float32) for name in ("x", "x_test"))
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(40, width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, width),
        torch.nn.ReLU(),
        torch.nn.Linear(width, 10),
    )
    sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    for _ in range(500):
        for rows in torch.randperm(4000).split(100):
            sgd.zero_grad()
            cross_entropy(net(x[rows]), y[rows]).backward()
            sgd.step()
    with torch.no_grad():
        parts = ((x, y), (x_test, torch.tensor(made["y_test"])))
        train, test = (100 * (net(a).argmax(1) != b).float().mean().item() for a, b in parts)
    value, tolerance = PUBLISHED[width]
    assert test == pytest.approx(value, abs=tolerance)
    assert train < 0.5 or not fits
