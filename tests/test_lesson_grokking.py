"""Grokking: torch's own AdamW does the same, and the judging can fail."""

import numpy as np
import pytest
import torch

from regbench.config.load import load_study
from regbench.data.sources import load
from regbench.textbook.curves import Curve
from regbench.textbook.grokking import findings, slope
from regbench.textbook.reproduce import study_file


def pairs():
    found = load_study(study_file("grokking"))
    split = load(found.cells[0].setting.dataset, 0, found.folder)
    return [
        tensor
        for part in (split.train, split.test)
        for tensor in (torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.y))
    ]


def test_the_pairs_are_all_the_sums_mod_31():
    x, y, x_test, y_test = pairs()
    assert (len(x), len(x_test)) == (700, 261)
    seen = torch.cat([x, x_test])
    a, b = (part.argmax(dim=1) for part in seen.split(31, dim=1))
    assert len(set(zip(a.tolist(), b.tolist(), strict=True))) == 31 * 31
    assert torch.equal((a + b) % 31, torch.cat([y, y_test]))


@pytest.mark.parametrize(("decay", "groks"), [(0.0, False), (1.0, True)])
def test_torch_groks_with_decay_only(decay, groks):
    x, y, x_test, y_test = pairs()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = torch.nn.Sequential(
            torch.nn.Linear(62, 256), torch.nn.ReLU(), torch.nn.Linear(256, 31)
        )
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.03, weight_decay=decay)

    def accuracy(x, y):
        with torch.no_grad():
            return (network(x).argmax(dim=1) == y).float().mean().item()

    for step in range(1, 501):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x), y).backward()
        optimizer.step()
        if step == 40:
            assert accuracy(x, y) >= 0.99
            assert accuracy(x_test, y_test) <= 1 / 31
    assert (accuracy(x_test, y_test) > 0.9) == groks


def late_by(*steps, last=1000):
    """Curves that leap from 0 to 1 at these steps, one a seed; None never does."""
    epochs = np.arange(10, last + 1, 10)
    values = [epochs >= step if step else np.zeros(len(epochs)) for step in steps]
    return Curve(epochs, tuple(range(len(steps))), np.array(values, dtype=np.float64))


TRAIN = dict.fromkeys((0.0, 0.1, 1.0), late_by(20, 20, 20))
TEST = {0.0: late_by(None, None, None), 0.1: late_by(500, 520, 540), 1.0: late_by(100, 90, 120)}


def judged(train=None, test=None):
    return [each.decision for each in findings(TRAIN | (train or {}), TEST | (test or {}))]


def test_what_groks_sooner_with_decay_passes():
    assert judged() == ["PASS"] * 4


@pytest.mark.parametrize(
    ("test", "decisions"),
    [
        # Learnt together with the training pairs: nothing is late.
        ({1.0: late_by(20, 20, 20)}, ["FAIL", "PASS", "PASS", "PASS"]),
        # Without decay too.
        ({0.0: late_by(None, 900, None)}, ["PASS", "FAIL", "PASS", "PASS"]),
        # More decay, longer delay.
        ({1.0: late_by(700, 710, 720)}, ["PASS", "PASS", "FAIL", "FAIL"]),
        ({1.0: late_by(500, 530, 530)}, ["PASS", "PASS", "UNDECIDED", "UNDECIDED"]),
        # A run that never gets there has no delay, and is not left out.
        ({1.0: late_by(100, None, 100)}, ["PASS", "PASS", "FAIL"]),
    ],
)
def test_what_is_otherwise_does_not(test, decisions):
    assert judged(test=test) == decisions


def test_the_slope_is_numpys():
    decays, delays = [0.1, 0.3, 1.0], np.array([[900.0, 500], [400, 450], [90, 300]])
    expected = [np.polyfit(np.log(decays), np.log(seed), 1)[0] for seed in delays.T]
    found = slope(dict(zip(decays, delays, strict=True)))
    np.testing.assert_allclose(found, expected, rtol=1e-10)
