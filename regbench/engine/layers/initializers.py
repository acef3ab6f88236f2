"""First weights, as pure functions of (seed, layer, element)."""

from __future__ import annotations

from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from regbench.streams import Purpose, uniform

# How each initialiser scales: (distribution, variance times fan).
INITIALIZERS: dict[str, tuple[str, str, float]] = {
    "he_normal": ("truncated normal", "fan_in", 2.0),
    "he_uniform": ("uniform", "fan_in", 2.0),
    "glorot_normal": ("truncated normal", "fan_avg", 1.0),
    "glorot_uniform": ("uniform", "fan_avg", 1.0),
    "lecun_normal": ("truncated normal", "fan_in", 1.0),
    "torch": ("uniform", "fan_in", 1 / 3),
    "zeros": ("zeros", "fan_in", 0.0),
}

_LOW = float(ndtr(-2.0))
# Standard deviation of a standard normal cut at 2 (Keras divides by it, so that the variance
# stated is that after the cut).
_CUT_SD = sqrt(1 - 4 * float(np.exp(-2.0)) / sqrt(2 * np.pi) / (1 - 2 * _LOW))


def initial_affine(
    name: str, seed: int, layer: int, inputs: int, outputs: int, fan_out: int | None = None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Weight (I, O) and bias (O,) of affine layer `layer`, counted from 0.

    Of a convolution I counts a unit's numbers over its whole window, and fan_out is O times that
    window, as in Keras.

    Biases are zero, but for `torch`, which is what nn.Linear draws: both uniform within
    1/sqrt(fan_in).

    >>> weight, bias = initial_affine("he_normal", 0, 0, 500, 200)
    >>> bool(abs(weight.std() / (2 / 500) ** 0.5 - 1) < 0.01), float(abs(bias).max())
    (True, 0.0)

    Source: He et al. 2015; Glorot & Bengio 2010; LeCun et al. 1998; Keras's VarianceScaling.
    """
    distribution, fan, scale = INITIALIZERS[name]
    variance = scale / (inputs if fan == "fan_in" else (inputs + (fan_out or outputs)) / 2)
    if distribution == "zeros":
        return np.zeros((inputs, outputs)), np.zeros(outputs)
    # Even streams are weights and odd ones biases, so neither moves the other.
    u = uniform(seed, Purpose.INIT, inputs * outputs, layer=2 * layer).reshape(inputs, outputs)
    if distribution == "uniform":
        limit = sqrt(3 * variance)
        weight = (2 * u - 1) * limit
    else:
        weight = ndtri(_LOW + u * (1 - 2 * _LOW)) * (sqrt(variance) / _CUT_SD)
    bias = np.zeros(outputs)
    if name == "torch":
        bias = (2 * uniform(seed, Purpose.INIT, outputs, layer=2 * layer + 1) - 1) * limit
    return weight, bias
