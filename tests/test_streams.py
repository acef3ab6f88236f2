"""Random numbers are pure functions of (seed, purpose, epoch, layer, element)."""

import numpy as np
import pytest

from regbench.streams import Purpose, normal, permutation, raw, uint16, uniform
from regbench.training.draws import Draws, shuffled

RAW = [2683023010648031724, 8953848923190161291]
UINT16 = [4707, 6515, 7771, 47688]
UNIFORM = 0.7652654894732128


def test_the_generator_is_philox_4x64_10():
    # Known answer of Random123's kat_vectors for philox4x64 with 10 rounds, counter and key 0:
    # NumPy steps the counter before it draws, so counter -1 gives the block of counter 0.
    state = np.random.Philox(counter=2**256 - 1, key=0).random_raw(4)
    expected = ["16554d9eca36314c", "db20fe9d672d0fdc", "d7e772cee186176b", "7e68b68aec7ba23b"]
    assert [f"{word:016x}" for word in state] == expected


def test_streams_never_change():
    # A change here changes every result that was ever made: bump NUMERICS_VERSION with it.
    assert raw(0, Purpose.SPLIT, 2).tolist() == RAW
    assert uint16(1, Purpose.DROPOUT, 4, epoch=2, layer=3, block=4).tolist() == UINT16
    assert uniform(0, Purpose.INIT, 1)[0] == UNIFORM


def test_any_part_of_a_stream_can_be_drawn_alone():
    whole = raw(5, Purpose.DROPOUT, 400, epoch=3, layer=1)
    assert (raw(5, Purpose.DROPOUT, 40, epoch=3, layer=1, block=25) == whole[100:140]).all()
    bits = uint16(5, Purpose.DROPOUT, 1600, epoch=3, layer=1)
    assert (uint16(5, Purpose.DROPOUT, 10, epoch=3, layer=1, block=2) == bits[32:42]).all()


def test_seeds_purposes_epochs_and_layers_have_streams_of_their_own():
    keys = [(s, p, e, k) for s in (0, 1) for p in Purpose for e in (0, 1) for k in (0, 1)]
    drawn = {tuple(raw(s, p, 4, epoch=e, layer=k).tolist()) for s, p, e, k in keys}
    assert len(drawn) == len(keys)


def test_every_bit_of_a_seed_counts():
    seeds = [0, *(1 << bit for bit in range(63)), 2**63 - 1, 2**64 - 1]
    assert len({tuple(raw(seed, Purpose.SPLIT, 2).tolist()) for seed in seeds}) == len(seeds)


def test_uniforms_are_uniform_and_normals_normal():
    from scipy.stats import kstest

    assert kstest(uniform(1, Purpose.INIT, 50_000), "uniform").pvalue > 0.01
    assert kstest(normal(1, Purpose.INPUT_NOISE, 50_000), "norm").pvalue > 0.01
    counts = np.bincount(uint16(1, Purpose.DROPOUT, 160_000) >> 12, minlength=16)
    assert abs(counts - 10_000).max() < 5 * np.sqrt(10_000)


def test_orders_nest():
    small, large = np.array([3, 7, 9]), np.arange(12)
    for epoch in range(1, 5):
        order = large[shuffled(0, epoch, large)]
        kept = [row for row in order if row in small]
        assert small[shuffled(0, epoch, small)].tolist() == kept
    assert sorted(permutation(2, Purpose.SHUFFLE, 9).tolist()) == list(range(9))


@pytest.mark.parametrize("chunk", [16, 1 << 10, 1 << 21])
def test_drawing_ahead_changes_nothing(chunk, monkeypatch):
    import torch

    monkeypatch.setattr("regbench.training.draws._CHUNK", chunk)
    draws = Draws([4, 9, 4], batch=6, device=torch.device("cpu"))
    draws.start_epoch(3, steps=5)
    for step, rows in enumerate([6, 6, 6, 6, 2]):
        draws.start_step(step, rows)
        got = draws.dropout(2, 7, slice(0, 3)).numpy()
        assert got.shape == (3, rows, 7)
        for run, seed in enumerate([4, 9, 4]):
            blocks = -(-6 * 7 // 16)
            expected = uint16(
                seed, Purpose.DROPOUT, rows * 7, epoch=3, layer=2, block=step * blocks
            )
            assert (got[run].ravel() == expected.view(np.int16)).all()
