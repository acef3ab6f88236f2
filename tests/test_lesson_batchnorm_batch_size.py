"""Batchnorm and batch size: the noise of a batch's statistics, and findings that can fail."""

import numpy as np
import pytest
import torch

from regbench.textbook.batchnorm_batch_size import BATCHES, Gaps, exponent, findings

SIZES = np.array(list(BATCHES), dtype=float)


def gaps(early, late, seeds=8):
    """Batchnorm narrows a gap of 1 by early(B) at the first score and by late(B) at the last."""
    draw = np.random.default_rng(0)
    narrowed = np.stack([early(SIZES), late(SIZES)], axis=-1)[:, None, :]
    noise = draw.normal(scale=1e-3, size=(len(SIZES), seeds, 2))
    none = np.ones_like(noise)
    return Gaps(np.array([320, 2560]), none, none - narrowed + noise)


def decisions(early, late):
    return [each.decision for each in findings(gaps(early, late))]


def falls(size):
    return 0.05 + 1.3 / size


def rises(size):
    return 0.05 * np.log2(size)


def test_each_finding_can_fail():
    assert decisions(falls, falls) == ["PASS"] * 11
    assert decisions(rises, rises) == ["FAIL"] * 11
    assert decisions(falls, rises) == [*["PASS"] * 6, *["FAIL"] * 5]
    assert decisions(lambda size: 0.05 + 0.5 * size**-0.5, falls)[5] == "FAIL"
    assert "PASS" not in decisions(lambda size: 0 * size, lambda size: 0 * size)[:5]


@pytest.mark.parametrize("k", [0.5, 1.0, 2.0])
def test_the_exponent_is_the_one_that_made_the_numbers(k):
    assert exponent(0.1 + 0.7 * SIZES**-k) == pytest.approx(k, abs=0.006)


def test_the_noise_of_torchs_batchnorm_falls_as_one_over_the_batch():
    # What the lesson's law rests on: the variance of an output over batches, for a fixed example.
    draw = torch.Generator().manual_seed(0)
    layer = torch.nn.BatchNorm1d(1, affine=False, eps=1e-9, dtype=torch.float64)
    variance = []
    for size in (8, 16, 32, 64):
        batches = torch.randn(4000, size, 1, generator=draw, dtype=torch.float64)
        batches[:, 0] = 1.0
        variance.append(torch.stack([layer(batch)[0, 0] for batch in batches]).var().item())
    k = -np.polyfit(np.log([8, 16, 32, 64]), np.log(variance), 1)[0]
    assert k == pytest.approx(1, abs=0.25)
