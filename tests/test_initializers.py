"""First weights: spread, and which random numbers they are made from."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import kstest

from regbench.engine.layers.initializers import INITIALIZERS, initial_affine

DRAWN = sorted(set(INITIALIZERS) - {"zeros"})


def test_torch_is_what_nn_linear_draws():
    """Weights and biases uniform within 1 / sqrt(fan_in): torch.nn.Linear.reset_parameters."""
    weight, bias = initial_affine("torch", 3, 1, 400, 900)
    for numbers in (weight.ravel(), bias):
        assert kstest(numbers * np.sqrt(400), "uniform", args=(-1, 2)).pvalue > 0.01
    # Weights and biases are drawn apart: neither is a part of the other.
    assert not set(bias) & set(weight.ravel())


@pytest.mark.parametrize(
    ("name", "variance"),
    [
        ("he_normal", 2 / 300),
        ("he_uniform", 2 / 300),
        ("glorot_normal", 2 / 800),
        ("glorot_uniform", 2 / 800),
        ("lecun_normal", 1 / 300),
    ],
)
def test_variances(name, variance):
    weight, bias = initial_affine(name, 7, 2, 300, 500)
    # The fourth moments of these distributions give errors of the variance below .4%.
    assert (weight**2).mean() == pytest.approx(variance, rel=0.015)
    largest = abs(weight).max() / np.sqrt(variance)
    expected = np.sqrt(3) if "uniform" in name else 2 / 0.87962566  # cut at 2 of 1 before the cut
    assert expected * 0.999 < largest <= expected * (1 + 1e-9)
    assert not bias.any()


@pytest.mark.parametrize("name", DRAWN)
def test_seeds_and_layers_have_weights_of_their_own(name):
    drawn = [initial_affine(name, s, i, 5, 4) for s, i in product((0, 1, 2**40), (0, 1, 2))]
    assert len({weight.tobytes() for weight, _ in drawn}) == 9
    assert len({bias.tobytes() for _, bias in drawn}) == (9 if name == "torch" else 1)
    again, _ = initial_affine(name, 1, 2, 5, 4)
    assert again.tobytes() == drawn[5][0].tobytes()


def test_zeros():
    weight, bias = initial_affine("zeros", 0, 0, 3, 2)
    assert (weight.tolist(), bias.tolist()) == ([[0, 0]] * 3, [0, 0])
