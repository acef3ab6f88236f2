"""MNIST-1D's table: its numbers against scikit-learn and PyTorch, and judging that can fail."""

from functools import cache

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch.nn.functional import cross_entropy

from regbench.textbook.curves import Curve
from regbench.textbook.mnist1d_table import PUBLISHED, findings

SEEDS = (0, 1, 2)


@cache
def published_rows():
    """Training and test rows as the package splits them, without regbench."""
    data = pytest.importorskip("mnist1d.data")
    made = data.make_dataset(data.get_dataset_args())
    return made["x"], made["y"], made["x_test"], made["y_test"]


def test_logistic_regression_has_the_published_accuracy_in_scikit_learn():
    x, y, x_test, y_test = published_rows()
    assert (len(y), len(y_test)) == (4000, 1000)
    with threadpool_limits(1):
        fitted = LogisticRegression(C=np.inf, max_iter=2000).fit(x, y)
    assert fitted.score(x_test, y_test) == pytest.approx(0.32, abs=0.04)


@pytest.mark.torture
def test_the_published_net_shows_the_same_in_pytorch(one_thread):
    """Their recipe: a residual second layer, Adam at 1e-2, batches of 100 in file order.

    One draw: draws differ by some points, so whether its accuracy rose is left to the study.
    """
    as_tensors = (torch.tensor(np.asarray(part)) for part in published_rows())
    x, y, x_test, y_test = (t.float() if t.is_floating_point() else t for t in as_tensors)
    torch.manual_seed(0)
    first, second, last = (torch.nn.Linear(*sizes) for sizes in ((40, 100), (100, 100), (100, 10)))

    def net(rows):
        hidden = first(rows).relu()
        return last(hidden + second(hidden).relu())

    adam = torch.optim.Adam(torch.nn.ModuleList([first, second, last]).parameters(), lr=1e-2)
    seen = {}
    for step in range(1, 6001):
        start = (step - 1) * 100 % len(x)
        adam.zero_grad()
        cross_entropy(net(x[start : start + 100]), y[start : start + 100]).backward()
        adam.step()
        if step in (1000, 6000):
            with torch.no_grad():
                scores = net(x_test)
            accuracy = (scores.argmax(1) == y_test).double().mean().item()
            seen[step] = cross_entropy(scores, y_test).item(), accuracy
    loss_before, loss_after = seen[1000][0], seen[6000][0]
    assert loss_after > 1.3 * loss_before
    assert seen[6000][1] == pytest.approx(PUBLISHED["mlp", "test_acc"][-1], abs=0.05)


def as_published(**changes):
    """Curves as their notebook printed them, a little apart from seed to seed."""
    steps = np.arange(1, 7) * 1000
    jitter = np.array([[-1e-3], [0], [1e-3]])
    table = {key: np.array(values) for key, values in PUBLISHED.items()}
    for name, change in changes.items():
        key = ("mlp", name)
        table[key] = change(table[key])
    return {
        key: Curve(epochs=steps // 40, seeds=SEEDS, values=values * (1 + jitter))
        for key, values in table.items()
    }


@pytest.mark.parametrize(
    ("changes", "decisions"),
    [
        ({}, ["PASS", "PASS", "PASS", "PASS"]),
        ({"test_loss": lambda values: values[::-1]}, ["PASS", "PASS", "FAIL", "PASS"]),
        ({"test_acc": lambda values: values[::-1]}, ["PASS", "FAIL", "PASS", "FAIL"]),
        ({"test_acc": lambda values: values + 0.05}, ["PASS", "FAIL", "PASS", "PASS"]),
        ({"test_loss": lambda values: 0 * values + 2}, ["PASS", "PASS", "UNDECIDED", "PASS"]),
    ],
)
def test_each_finding_can_fail(changes, decisions):
    assert [each.decision for each in findings(as_published(**changes))] == decisions
