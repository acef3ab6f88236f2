"""Tensors laid out so that a run's bits do not depend on the runs beside it.

A batched product gives one run the same bits in every stack only if its matrices always start at
the same alignment, so every run's matrix starts on a boundary of `ALIGNMENT` elements. The result
of a product should be contiguous: then all runs are one call of BLAS. `tests/test_same_bits.py`
holds the shapes for which this was measured; `products.py` has what no alignment helps against.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from torch import Tensor

# In elements. 32 floats are two AVX-512 registers, the widest stride of ATen's vectorised loops.
ALIGNMENT = 32


def padded(shape: Sequence[int]) -> int:
    """The elements that a run's block of this shape takes up.

    >>> padded((4, 8)), padded((3, 11)), padded((32, 1))
    (32, 64, 32)
    """
    return -(-prod(shape) // ALIGNMENT) * ALIGNMENT


def aligned(shape: Sequence[int], like: Tensor) -> Tensor:
    """A zeroed (R, rows, columns) tensor of aligned matrices, contiguous where it can be.

    >>> import torch
    >>> aligned((2, 3, 5), torch.zeros(1)).stride()
    (32, 5, 1)
    """
    runs, rows, columns = shape
    stride = padded((rows, columns))
    storage = like.new_zeros(runs * stride)
    return storage.as_strided((runs, rows, columns), (stride, columns, 1))


class Scratch:
    """Aligned buffers that are made once and used again at every step.

    >>> import torch
    >>> scratch = Scratch()
    >>> x = torch.zeros(1)
    >>> a = scratch("x", (2, 3, 4), x)
    >>> a is scratch("x", (2, 3, 4), x), a is scratch("y", (2, 3, 4), x)
    (True, False)
    """

    def __init__(self) -> None:
        self._buffers: dict[tuple[object, ...], Tensor] = {}

    def __call__(self, use: object, shape: Sequence[int], like: Tensor) -> Tensor:
        """The (R, rows, columns) buffer for this use; its old content is still in it."""
        key = (use, *shape, like.dtype, like.device)
        buffer = self._buffers.get(key)
        if buffer is None:
            buffer = self._buffers[key] = aligned(shape, like)
        return buffer

    def clear(self) -> None:
        """Forget all buffers: the stack has another size from now on."""
        self._buffers.clear()
