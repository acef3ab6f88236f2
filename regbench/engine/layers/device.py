"""What kind of device computes; the engine's parts ask here, and nowhere else."""

from __future__ import annotations

import torch


def is_gpu(device: torch.device) -> bool:
    """Whether the ways that suit a GPU are taken: few large calls, and nothing by the host.

    They compute the same numbers, within rounding, and run on the CPU too: tests force them there.
    Call it as `device.is_gpu`, so that they can.

    >>> is_gpu(torch.device("cpu")), is_gpu(torch.device("cuda", 1))
    (False, True)
    """
    return device.type == "cuda"
