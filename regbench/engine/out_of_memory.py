"""Whether it was memory that ran out."""

from __future__ import annotations

import torch

# What a plain RuntimeError says then: on the CPU, and in CUDA's libraries.
_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "CUDA error: out of memory",
    "_STATUS_ALLOC_FAILED",
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says so.

    >>> out_of_memory(MemoryError()), out_of_memory(TypeError("no argument 'memory'"))
    (True, False)
    """
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)
    )
