"""Which device a study trains on."""

from __future__ import annotations

import os
import re
from ctypes.util import find_library

from regbench.errors import BadStudy

_DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,4})?")


def device_kind(device: str) -> str:
    """`cpu` or `cuda`, for planning; torch is imported only where a CUDA driver is installed.

    >>> device_kind("cpu"), device_kind("cuda:1")
    ('cpu', 'cuda')
    """
    return "cuda" if device.startswith("cuda") or resolve_device(device) != "cpu" else "cpu"


def resolve_device(device: str) -> str:
    """The device that `auto`, `cpu`, `cuda` or `cuda:i` stands for here, as torch names it.

    Raises:
        BadStudy: CUDA is asked for where there is none.
    """
    if not isinstance(device, str) or not _DEVICE.fullmatch(device):
        raise BadStudy(f"device: expected auto, cpu, cuda or cuda:i, not {device!r}")
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    if device == "cpu" or (device == "auto" and (hidden or find_library("cuda") is None)):
        return "cpu"
    import torch

    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda:0" if available else "cpu"
    index = int(device.partition(":")[2] or 0)
    if index >= available:
        build = "a build of torch without CUDA" if torch.version.cuda is None else "no such GPU"
        raise BadStudy(
            f"training.device is {device}, but here is {build} ({available} CUDA devices): "
            "use cpu or auto, or install a CUDA build (see README)"
        )
    return f"cuda:{index}"
