"""The numbers that torch draws for a GPU are NumPy's, and so is all that is made of them."""

import numpy as np
import pytest
import torch
from fuzz import examples
from hypothesis import given
from hypothesis import strategies as st

from regbench.engine import philox
from regbench.engine.draws import INTEGERS, NORMALS, Draws, device_orders, shuffled
from regbench.streams import Purpose, normal, raw, uint16

CPU = torch.device("cpu")
WORD = st.integers(0, 2**64 - 1)


def drawn(seeds, purpose, first, blocks, epoch, layer):
    """(S, blocks, 4) words."""
    places = torch.arange(first, first + blocks)
    return philox.words(
        philox.as_words(seeds, CPU).unsqueeze(1), purpose, places, epoch=epoch, layer=layer
    )


@examples(200)
@given(
    seeds=st.lists(WORD | st.integers(0, 9), min_size=1, max_size=4),
    purpose=st.sampled_from(Purpose),
    first=st.integers(0, 2**40),
    blocks=st.integers(1, 5),
    epoch=st.integers(0, 2**31),
    layer=st.integers(0, 2**20),
)
def test_words_and_integers_are_numpys(seeds, purpose, first, blocks, epoch, layer):
    words = drawn(seeds, purpose, first, blocks, epoch, layer)
    where = {"epoch": epoch, "layer": layer, "block": first}
    for seed, found in zip(seeds, words, strict=True):
        expected = raw(seed, purpose, 4 * blocks, **where)
        assert found.numpy().view(np.uint64).ravel().tolist() == expected.tolist()
        expected = uint16(seed, purpose, 16 * blocks, **where)
        assert philox.integers(found).numpy().view(np.uint16).ravel().tolist() == expected.tolist()


def test_a_long_stream_of_many_seeds():
    seeds = [0, 1, 2**63 - 1, 2**63, 2**64 - 1, *range(1000, 1020)]
    words = drawn(seeds, Purpose.DROPOUT, 3, 4000, 17, 2).numpy().view(np.uint64)
    for seed, found in zip(seeds, words, strict=True):
        expected = raw(seed, Purpose.DROPOUT, 16000, epoch=17, layer=2, block=3)
        assert (found.ravel() == expected).all()


def test_normals_agree_with_scipys_to_1e_13():
    words = drawn([5], Purpose.INPUT_NOISE, 0, 50_000, 1, 0)
    found = philox.normals(words).numpy().ravel()
    expected = normal(5, Purpose.INPUT_NOISE, 200_000, epoch=1)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)
    ends = philox.normals(philox.as_words([0, 2**64 - 1], CPU))
    assert torch.isfinite(ends).all()
    assert ends[0] == pytest.approx(-ends[1])


@pytest.mark.parametrize("chunk", [16, 1 << 10, 1 << 21])
@pytest.mark.parametrize("seeds", [[4, 9, 4, 2**64 - 1], [4, 9, 8]])
def test_draws_on_either_path_are_the_same(chunk, seeds, monkeypatch):
    monkeypatch.setattr("regbench.engine.draws._CHUNK", chunk)
    host = Draws(seeds, batch=6, device=CPU)
    monkeypatch.setattr("regbench.engine.layers.device.is_gpu", lambda device: True)
    device = Draws(seeds, batch=6, device=CPU)
    for paths in range(2):
        like = torch.zeros(1, dtype=torch.float64)
        for draws in (host, device):
            draws.start_epoch(3, steps=5)
        for step, rows in enumerate([6, 6, 6, 6, 2]):
            for draws in (host, device):
                draws.start_step(step, rows)
            for layer, width in ((0, 3), (1, 7), (2, 32)):
                a, b = (
                    draws(INTEGERS, Purpose.DROPOUT, width, slice(0, 2), layer=layer)
                    for draws in (host, device)
                )
                assert a.dtype == b.dtype == torch.int16
                assert a.shape == (2, rows, width)
                assert torch.equal(a, b), (paths, step, layer)
            a, b = (
                draws(NORMALS, Purpose.INPUT_NOISE, 13, slice(0, 2), like=like)
                for draws in (host, device)
            )
            torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-15)
        for draws in (host, device):  # runs leave; the last of them share no seed any more
            draws.keep(np.array([0, 1, 2][: len(seeds) - 1]))


def test_orders_are_the_hosts():
    seeds = [0, 2**64 - 1, 12345]
    generator = np.random.default_rng(0)
    ids = np.stack([generator.permutation(50)[:23] for _ in seeds])
    words = philox.as_words(seeds, CPU)
    for epoch in (1, 40):
        found = device_orders(words, epoch, torch.from_numpy(ids), 50)
        expected = [shuffled(seed, epoch, own) for seed, own in zip(seeds, ids, strict=True)]
        assert found.tolist() == np.stack(expected).tolist()
