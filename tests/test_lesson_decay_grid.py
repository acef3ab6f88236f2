"""The valley of the best strengths: found where it is, and judged as it lies."""

import numpy as np
import pytest

from regbench.textbook.decay_grid import Grid, findings, slopes, valley

LR, STRENGTH = np.geomspace(1e-3, 0.128, 8), np.geomspace(1e-4, 0.32, 8)


def grid(slope, seeds=6, depth=0.6, centre=5e-3):
    """Losses that are lowest where log strength = log centre + slope * (log lr - its mean)."""
    draw = np.random.default_rng(0)
    x = np.log(LR) - np.log(LR).mean()
    best = np.log(centre) + slope * x + draw.normal(scale=0.05, size=(seeds, 1, 8))
    loss = depth + 0.02 * (np.log(STRENGTH)[:, None] - best) ** 2
    return Grid(LR, STRENGTH, loss, loss)


@pytest.mark.parametrize("slope", [-0.5, 0.0, 0.4])
def test_the_slope_is_that_of_the_valley(slope):
    # A parabola through three points of a parabola is that parabola: exact, but for the noise.
    np.testing.assert_allclose(slopes(grid(slope)), slope, atol=0.05)


def test_the_best_on_an_edge_is_no_best():
    steep = grid(1.5)
    found, best = valley(steep, steep.test[0]), np.argmin(steep.test[0], axis=0)
    assert np.isnan(found).tolist() == ((best == 0) | (best == 7)).tolist()
    assert np.isnan(found).any()
    assert np.isfinite(found).any()


def test_a_diverged_run_is_not_the_best():
    broken = grid(0.0)
    broken.test[0, 0, 0] = np.nan
    assert np.isfinite(valley(broken, broken.test[0])[0])


def decisions(adam, adamw, sgd):
    return [each.decision for each in findings({"adam": adam, "adamw": adamw, "sgd": sgd})]


def test_what_the_paper_saw_would_pass():
    # L2 slanted; AdamW's decay falling as 1 / lr, so that lr times it stays.
    found = decisions(grid(-0.6), grid(-1.0, depth=0.5, centre=4e-3), grid(-0.6))
    assert (found[0], found[2], found[6]) == ("PASS", "PASS", "PASS")
    assert found[1] == "FAIL"  # on an axis that multiplies by lr it is the other way round
    assert found[3:6] == ["FAIL"] * 3


def test_valleys_along_lr_fail_it():
    found = decisions(grid(0.0), grid(0.0, depth=0.7), grid(0.3))
    assert (found[0], found[2], found[6]) == ("FAIL", "FAIL", "FAIL")
    assert found[3:6] == ["PASS"] * 3
