"""Double descent: the published numbers pass their own judging, and others do not."""

from dataclasses import replace

import numpy as np
import pytest

from regbench.textbook.double_descent import PUBLISHED, Errors, findings, tolerance

WIDTHS = tuple(PUBLISHED)
# Training errors like the notebook's: 0 from 61 units on.
TRAIN = np.array([47.45, 41, 30, 17, 2.4, 0, 0, 0])
# Seeds differ, and their mean is what is said.
DRAWS = np.array([-0.3, 0.1, 0.2]) * np.linspace(0.5, 1.5, 8)[:, None, None]


def errors(test=None, tuned=None, train=TRAIN):
    """Of no L2, of a strength that the validation part prefers, and of one that it does not."""
    test = np.array(list(PUBLISHED.values()) if test is None else test)
    tuned = np.linspace(46, 39, 8) if tuned is None else tuned
    of_test = np.stack([test, tuned, np.full(8, 1.0)], axis=1)[..., None] + DRAWS
    of_val = np.stack([test, tuned, np.full(8, 90.0)], axis=1)[..., None] + DRAWS
    of_train = np.repeat(train[:, None, None], 3, axis=1) + np.zeros((8, 3, 3))
    return Errors(WIDTHS, (0.0, 1e-3, 1e-2), of_train, of_val, of_test)


def decisions(of):
    return {each.what: each.decision for each in findings(of)}


def test_the_published_numbers_pass():
    assert set(decisions(errors()).values()) == {"PASS"}


def test_the_strength_is_chosen_on_validation_rows_only():
    # The last strength has 1% of test error, and is never taken: it has 90% of validation error.
    of = errors()
    assert of.chosen().tolist() == [1] * 8
    np.testing.assert_array_equal(of.tuned(), of.test[:, 1])
    worse = replace(of, val=of.val[:, ::-1])
    assert worse.chosen().tolist() == [1] * 8
    assert replace(of, val=-of.val).chosen().tolist() == [2] * 8


@pytest.mark.parametrize("width", WIDTHS)
def test_an_error_beyond_its_tolerance_fails(width):
    place, spread = WIDTHS.index(width), tolerance(width)
    what = f"test error at {width} units, percent"
    for off, decision in ((0.9, "PASS"), (-0.9, "PASS"), (1.2, "FAIL"), (-1.2, "FAIL")):
        test = np.array(list(PUBLISHED.values()))
        test[place] += off * spread
        assert decisions(errors(test))[what] == decision


def test_a_single_descent_has_no_peak():
    found = decisions(errors(np.linspace(60, 45, 8)))
    assert found["units at the peak of the mean test error"] == "FAIL"


def test_a_peak_far_from_interpolation_fails():
    early = np.array([49, 47, 55, 50, 49, 48, 47, 45.5])
    found = decisions(errors(early))
    assert found["units at the peak of the mean test error"] == "FAIL"
    never = decisions(errors(train=TRAIN + 5))
    assert never["units at the peak of the mean test error"] == "FAIL"
    assert never["training error at 61 units, percent"] == "FAIL"


def test_a_peak_that_stays_with_l2_fails():
    bump = np.array(list(PUBLISHED.values())) - 1
    found = decisions(errors(tuned=bump))
    assert found["test error, tuned l2, percent: 47 units less 16"] == "FAIL"
    worse = decisions(errors(tuned=np.linspace(30, 44, 8)))
    assert worse["test error, tuned l2, percent: 300 units less 47"] == "FAIL"
