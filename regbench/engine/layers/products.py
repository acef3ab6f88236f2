"""Batched products whose bits for a run do not depend on the runs beside it, on any processor.

MKL takes another routine for a batch of exactly one product, and on Intel that routine rounds
otherwise where a side is one. So no product with a side of one is ever asked of it: what sums over
a single element is elementwise, and a lone row or column is multiplied in the company of zeros.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from regbench.engine.layers.buffers import Scratch, aligned


def product(
    a: Tensor, b: Tensor, out: Tensor, scratch: Scratch, bias: Tensor | None = None
) -> Tensor:
    """out[r] = a[r] @ b[r] + bias[r], for the tensors of `buffers.aligned` and views of them.

    Args:
        a, b: (R, M, K) and (R, K, N).
        out: (R, M, N), returned.
        scratch: lends a lone row or column its company.
        bias: broadcastable to out; None adds nothing.
    """
    (_, rows, summed), columns = a.shape, b.shape[2]
    if summed == 1:
        torch.mul(a, b, out=out)
        return out if bias is None else out.add_(bias)
    if rows == 1:
        a = _beside_zeros(a, 1, scratch)
    if columns == 1:
        b = _beside_zeros(b, 2, scratch)
    alone = rows == 1 or columns == 1
    whole = scratch("product", (len(a), a.shape[1], b.shape[2]), out) if alone else out
    if bias is None:
        torch.bmm(a, b, out=whole)
    else:
        torch.baddbmm(bias, a, b, out=whole)
    return out.copy_(whole[:, :rows, :columns]) if alone else out


def _beside_zeros(x: Tensor, axis: int, scratch: Scratch) -> Tensor:
    """A copy whose axis has two places where x has one: the second is zero, as it was made."""
    shape = list(x.shape)
    shape[axis] = 2
    wide = scratch(("beside zeros", axis), shape, x)
    wide.narrow(axis, 0, 1).copy_(x)
    return wide


def shapes_that_differ(
    shapes: Iterable[tuple[int, int, int]], dtype: torch.dtype, runs: int = 40
) -> list[tuple[int, int, int]]:
    """Of these shapes (M, K, N), those whose product here has other bits alone than among `runs`.

    >>> shapes_that_differ([(7, 1, 128), (1, 64, 10)], torch.float32)
    []
    """
    generator = torch.Generator().manual_seed(0)
    like, scratch = torch.zeros(1, dtype=dtype), Scratch()
    found = []
    for m, k, n in shapes:
        a = aligned((runs, m, k), like).normal_(generator=generator)
        b = aligned((runs, k, n), like).normal_(generator=generator)
        together = product(a, b, aligned((runs, m, n), like), scratch)
        for run in range(0, runs, 13):
            row = slice(run, run + 1)
            alone = product(a[row], b[row], aligned((1, m, n), like), scratch)
            if not torch.equal(alone, together[row]):
                found.append((m, k, n))
                break
    return found
