"""The words of `regbench.streams` on any device: Philox4x64-10 in torch's integer operations.

A GPU draws its own numbers, so that none are copied to it. They are NumPy's, bit for bit; NumPy is
several times as fast on the CPU, and so draws there.

torch has no unsigned 64-bit products: words are int64 of the same bits. Sums and products wrap, and
the upper half of a 128-bit product is put together from products of 32-bit halves.

Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"; Random123's constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from regbench.streams import Purpose, purpose_key

_ROUNDS = 10
_MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
_WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
_LOW = 0xFFFFFFFF

# As `words` below in one call instead of some 300: a small stack waits for calls, a large one for
# memory. CUDA's compiler, which comes with torch, makes it once and leaves it in torch's cache.
_CUDA = f"""
template <typename T>
void philox(T block, T layer, T epoch, T seed, T purpose, T& w0, T& w1, T& w2, T& w3) {{
    unsigned long long c0 = block + 1, c1 = layer, c2 = epoch, c3 = 0, key0 = seed, key1 = purpose;
    for (int round = 0; round < {_ROUNDS}; ++round) {{
        unsigned long long m0 = {_MULTIPLIERS[0]}ull, m1 = {_MULTIPLIERS[1]}ull;
        unsigned long long upper0 = __umul64hi(m0, c0), lower0 = m0 * c0;
        unsigned long long upper1 = __umul64hi(m1, c2), lower1 = m1 * c2;
        c0 = upper1 ^ c1 ^ key0;
        c1 = lower1;
        c2 = upper0 ^ c3 ^ key1;
        c3 = lower0;
        key0 += {_WEYL[0]}ull;
        key1 += {_WEYL[1]}ull;
    }}
    w0 = c0;
    w1 = c1;
    w2 = c2;
    w3 = c3;
}}
"""


def _signed(word: int) -> int:
    """The int64 of the same 64 bits.

    >>> _signed(2**64 - 1), _signed(5)
    (-1, 5)
    """
    word %= 1 << 64
    return word - (1 << 64) if word >> 63 else word


def as_words(numbers: Sequence[int], device: torch.device) -> Tensor:
    """(n,) int64 with the bits of these numbers, 0 <= number < 2**64."""
    return torch.tensor([_signed(int(n)) for n in numbers], dtype=torch.int64, device=device)


def _upper(word: Tensor) -> Tensor:
    """The upper 32 bits, as a number >= 0: torch shifts the sign in."""
    return (word >> 32).bitwise_and_(_LOW)


def _product(multiplier: int, word: Tensor) -> tuple[Tensor, Tensor]:
    """Upper and lower 64 bits of multiplier * word, all unsigned."""
    high, low = multiplier >> 32, multiplier & _LOW
    word_high, word_low = _upper(word), word & _LOW
    # None of these sums overflows: (2^32 - 1)^2 + 2 (2^32 - 1) is 2^64 - 1.
    middle = torch.add(_upper(word_low * low), word_high, alpha=low)
    carry = _upper(torch.add(middle & _LOW, word_low, alpha=high))
    upper = _upper(middle).add_(carry).add_(word_high, alpha=high)
    return upper, word * _signed(multiplier)


@cache
def _on_cuda() -> Any:
    return torch.cuda.jiterator._create_multi_output_jit_fn(_CUDA, num_outputs=4)


def words(
    seeds: Tensor, purpose: Purpose, blocks: Tensor, *, epoch: int | Tensor = 0, layer: int = 0
) -> Tensor:
    """Four words for every seed and block, as `streams.raw(seed, purpose, 4, block=block)`.

    Args:
        seeds: int64 with the seeds' bits, of any shape.
        purpose, epoch, layer: which stream; an epoch as (1,) int64 is read by the device.
        blocks: int64, >= 0, of a shape that broadcasts with that of the seeds.
    Returns:
        (*broadcast shape, 4) int64 with the words' bits.

    >>> from regbench.streams import raw
    >>> drawn = words(torch.tensor([7]), Purpose.SPLIT, torch.tensor([2]))
    >>> (drawn.numpy().view("uint64") == raw(7, Purpose.SPLIT, 4, block=2)).all().item()
    True
    """
    c1 = seeds.new_full((1,), layer)
    c2 = epoch if isinstance(epoch, Tensor) else seeds.new_full((1,), epoch)
    if seeds.is_cuda:
        key = seeds.new_full((1,), _signed(purpose_key(purpose)))
        return torch.stack(_on_cuda()(blocks, c1, c2, seeds, key), -1)
    # NumPy steps the counter before it draws. What does not differ between elements has one
    # element only, so the first rounds are next to nothing.
    c0, c3 = blocks + 1, seeds.new_zeros(1)
    for number in range(_ROUNDS):
        key0 = seeds + _signed(number * _WEYL[0])
        key1 = _signed(purpose_key(purpose) + number * _WEYL[1])
        upper0, lower0 = _product(_MULTIPLIERS[0], c0)
        upper1, lower1 = _product(_MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = upper1 ^ c1 ^ key0, lower1, upper0 ^ c3 ^ key1, lower0
    # After the second round all four have an element for every seed and block.
    return torch.stack((c0, c1, c2, c3), -1)


def integers(drawn: Tensor) -> Tensor:
    """(..., 4) words to (..., 16) signed 16-bit integers with the bits of `streams.uint16`."""
    return drawn.view(torch.int16)


def normals(drawn: Tensor) -> Tensor:
    """Words to the standard normals of `streams.normal`, in float64, of the same shape.

    The uniforms are the same bit for bit; their normals agree with SciPy's to 1e-13, relatively.
    """
    uniforms = ((drawn >> 12) & ((1 << 52) - 1)).double().add_(0.5).mul_(2.0**-52)
    result: Tensor = torch.special.ndtri(uniforms)
    return result


def sort_keys(drawn: Tensor) -> Tensor:
    """Words to int64 that sort as the words do without a sign.

    >>> sort_keys(as_words([2**63, 1], torch.device("cpu"))).argsort().tolist()
    [1, 0]
    """
    return drawn ^ _signed(1 << 63)
