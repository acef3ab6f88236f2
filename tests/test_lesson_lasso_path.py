"""The published path of the lasso against scikit-learn's and NumPy's, and that it can fail."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

import regbench
from regbench.textbook.lasso_path import ENTERED, FIRST_KNOT, LESSON
from regbench.textbook.lasso_solvers import LassoPath, between, descended, entries_and_exits, knots
from regbench.textbook.reproduce import study_file


def test_the_first_knot_is_the_largest_correlation():
    bunch = load_diabetes()
    target = bunch.target - bunch.target.mean()
    correlations = np.abs(bunch.data.T @ target) / np.linalg.norm(bunch.data, axis=0)
    assert correlations.max() == pytest.approx(FIRST_KNOT, abs=1e-9)
    assert bunch.feature_names[correlations.argmax()] == ENTERED[0]
    assert knots().n_alphas[0] == pytest.approx(FIRST_KNOT, abs=1e-9)


def test_two_algorithms_have_the_published_order():
    path = knots()
    inside = (path.n_alphas[1:] + path.n_alphas[:-1]) / 2
    expected = [*ENTERED, "-s3", "s3"]
    assert entries_and_exits(between(path, inside)) == expected
    assert entries_and_exits(descended(inside)) == expected


def test_two_that_move_at_once_are_one_move():
    weights = np.array([[0.0, 0, 1], [1, -1, 1], [1, 0, 0]])
    path = LassoPath(np.array([3.0, 2, 1]), weights, ("a", "b", "c"))
    assert entries_and_exits(path) == ["c", "a = b", "-b = -c"]


def test_a_path_is_straight_between_its_knots():
    path = LassoPath(np.array([4.0, 2, 0]), np.array([[0.0, 0], [1, 0], [3, -2]]), ("a", "b"))
    halfway = between(path, np.array([3.0, 1])).coefficients
    np.testing.assert_allclose(halfway, [[0.5, 0], [2, -1]])


@pytest.mark.parametrize(
    ("override", "failed"),
    [
        # Not come to rest; and a penalty that never makes a weight zero.
        ("training.epochs=40", "largest difference"),
        ("regularizer.l1_method=subgradient", "strengths, of 123"),
        # Another split is another path.
        ("dataset.test_size=100", "all that enters"),
    ],
)
def test_another_training_fails(tmp_path, override, failed):
    def train(name):
        few = ["training.epochs=60", "training.eval_every=60", override]
        return regbench.run(study_file(name), overrides=few, out=tmp_path)

    findings = LESSON.look(train).findings
    assert next(each.decision for each in findings if each.what.startswith(failed)) == "FAIL"
