"""Random numbers as pure functions of (seed, purpose, epoch, layer, element).

Nothing here keeps state, so a draw never depends on what was drawn before it, on a run's place in
a stack, on other runs, on workers or on an interruption. Two settings trained with one seed see the
same split, the same initial weights, the same batches and the same dropout uniforms.

The generator is NumPy's counter-based Philox4x64-10 (Salmon et al. 2011, "Parallel random numbers:
as easy as 1, 2, 3"); its raw output is stable across NumPy releases, which its distributions are
not, so uniforms, normals and permutations are made here.
"""

from __future__ import annotations

import hashlib
import threading
from enum import Enum
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

_own = threading.local()


class Purpose(Enum):
    """What a number is for; each purpose has streams of its own."""

    SYNTHETIC = "synthetic data"
    SPLIT = "split"
    LABEL_NOISE = "label noise"
    INIT = "init"
    SHUFFLE = "shuffle"
    DROPOUT = "dropout"
    INPUT_NOISE = "input noise"
    AUGMENTATION = "augmentation"
    CUTOUT = "cutout"
    MIXUP = "mixup"
    MODULE = "a module's own randomness"


@cache
def purpose_key(purpose: Purpose) -> int:
    """The second half of the generator's key, 64 bits."""
    digest = hashlib.sha256(f"regbench {purpose.value}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def raw(
    seed: int, purpose: Purpose, count: int, *, epoch: int = 0, layer: int = 0, block: int = 0
) -> npt.NDArray[np.uint64]:
    """64-bit words `4 * block` to `4 * block + count` of one stream.

    Args:
        seed: 0 <= seed < 2**64.
        purpose: what the numbers are for.
        count: how many words.
        epoch, layer: which stream of that purpose, >= 0.
        block: where to start, in blocks of four words, so that a long stream can be drawn in parts.
    Returns:
        (count,), uniform over all 64-bit words.

    >>> whole = raw(0, Purpose.SPLIT, 12)
    >>> bool((whole[8:] == raw(0, Purpose.SPLIT, 4, block=2)).all())
    True
    """
    # Philox steps its counter before it draws: the word order is (block, layer, epoch, 0).
    counter = np.array([block, layer, epoch, 0], dtype=np.uint64)
    key = np.array([seed, purpose_key(purpose)], dtype=np.uint64)
    # Making a generator takes longer than drawing a thousand numbers: each thread has one.
    if not hasattr(_own, "generator"):
        _own.generator, _own.fresh = np.random.Philox(0), np.random.Philox(0).state
    _own.generator.state = {**_own.fresh, "state": {"counter": counter, "key": key}}
    words: npt.NDArray[np.uint64] = _own.generator.random_raw(count)
    return words


def uniform(
    seed: int, purpose: Purpose, count: int, *, epoch: int = 0, layer: int = 0, block: int = 0
) -> npt.NDArray[np.float64]:
    """(count,) uniforms in the open interval (0, 1), 52 bits each; see `raw`.

    >>> u = uniform(3, Purpose.INIT, 10_000)
    >>> bool(0 < u.min() and u.max() < 1 and abs(u.mean() - 0.5) < 0.01)
    True
    """
    words = raw(seed, purpose, count, epoch=epoch, layer=layer, block=block)
    # 52 bits, not 53: a half added to a 53-bit integer is lost to rounding, and 1.0 could come out.
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def normal(
    seed: int, purpose: Purpose, count: int, *, epoch: int = 0, layer: int = 0, block: int = 0
) -> npt.NDArray[np.float64]:
    """(count,) standard normals by inversion, one uniform each; see `raw`.

    >>> z = normal(3, Purpose.INPUT_NOISE, 10_000)
    >>> bool(abs(z.mean()) < 0.03 and abs(z.std() - 1) < 0.03)
    True
    """
    result: npt.NDArray[np.float64] = ndtri(
        uniform(seed, purpose, count, epoch=epoch, layer=layer, block=block)
    )
    return result


def permutation(seed: int, purpose: Purpose, count: int, *, epoch: int = 0) -> npt.NDArray[np.intp]:
    """(count,) a uniform permutation of 0..count-1, by sorting one key an element.

    Keyed by element: the order of a subset is the same whatever else is permuted with it.

    >>> permutation(0, Purpose.SHUFFLE, 5, epoch=1).tolist() == list(range(5))
    False
    """
    return np.argsort(raw(seed, purpose, count, epoch=epoch), kind="stable")


def uint16(
    seed: int, purpose: Purpose, count: int, *, epoch: int = 0, layer: int = 0, block: int = 0
) -> npt.NDArray[np.uint16]:
    """(count,) 16-bit uniforms, four a word (little-endian order); `block` as in `raw`.

    Dropout at rate p drops where the draw is below `round(p * 65536)`: a quarter of the cost of
    floats, and p is met to 1/131072.

    >>> uint16(0, Purpose.DROPOUT, 16).dtype
    dtype('uint16')
    """
    words = raw(seed, purpose, -(-count // 4), epoch=epoch, layer=layer, block=block)
    return words.astype("<u8", copy=False).view("<u2")[:count]
