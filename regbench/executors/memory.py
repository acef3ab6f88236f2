"""Whether a stack fits into a GPU's free memory, estimated before it is trained."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path

import torch

from regbench.data import shape, split_key
from regbench.engine.draws import CHUNK_BYTES
from regbench.engine.layers.buffers import padded
from regbench.engine.member import Member
from regbench.engine.metrics import ELEMENTS_AT_ONCE
from regbench.engine.scoring import rows_at_once
from regbench.engine.stacks import batch_size, item_bytes
from regbench.models.architecture import architecture

# Of what is free, for all that an estimate leaves out: cuBLAS's workspace, and gaps.
_SHARE = 0.9


def fits(members: Sequence[Member], folder: Path, device: str, *, scored: bool = False) -> bool:
    """Whether to try to train the members together. On the CPU, always.

    An estimate that is too low costs a broken-off attempt, one that is too high a smaller stack.

    Args:
        scored: with metrics that look at all outputs of a part together.
    """
    free = free_bytes(device)
    if free is None:
        return True
    outputs = outputs_bytes(members, folder) if scored else 0
    return needed_bytes(members, folder) + outputs <= _SHARE * free


def outputs_bytes(members: Sequence[Member], folder: Path) -> int:
    """What the outputs of the largest part take: all runs', and some of them looked at."""
    data = shape(members[0].setting.dataset, folder)
    each = data.rows * data.outputs
    # In float64, a dozen tensors of that size.
    looked_at = 12 * 8 * max(each, min(ELEMENTS_AT_ONCE, len(members) * each))
    return item_bytes(members[0].setting.training) * len(members) * each + looked_at


def free_bytes(device: str) -> int | None:
    """What the GPU can still give this process; None for the CPU."""
    where = torch.device(device)
    if where.type != "cuda":
        return None
    free, _ = torch.cuda.mem_get_info(where)
    # torch keeps what it has had, and gives it out again.
    return free + torch.cuda.memory_reserved(where) - torch.cuda.memory_allocated(where)


def release() -> None:
    """Let go of what a broken-off attempt has left."""
    gc.collect()
    torch.cuda.empty_cache()  # nothing where CUDA is not in use


def needed_bytes(members: Sequence[Member], folder: Path) -> int:
    """The most that training these members takes on a GPU: a rough estimate, rather too high.

    Args:
        members: runs that stack.
        folder: what CSV paths are relative to.
    """
    setting, runs = members[0].setting, len(members)
    data = shape(setting.dataset, folder)
    item, batch = item_bytes(setting.training), batch_size(setting.training, data.rows)
    chain = architecture(setting.model, setting.regularizer, data.example, data.outputs)
    widths = chain.widths
    kernels = [padded(kernel.shape) for kernel in chain.kernels] or [0]
    parameters = sum(padded(each.shape) for each in chain.parameters)

    # Values, gradients, two moments; while the proximal step works, four more of one kernel. And
    # each average that a reading asks for.
    averages = sum(
        len({r.ema or r.swa for r in member.readings.values()} - {None}) for member in members
    )
    weights = runs * (4 * parameters + 4 * max(kernels)) + averages * parameters
    # Of each layer in training: inputs, outputs, their gradients, dropout, what activations and
    # batchnorm need besides; once more for the last batch, which is smaller.
    layers = 2 * 10 * runs * batch * sum(widths)
    rows = min(data.rows, rows_at_once(max(widths), runs, on_gpu=True))
    scores = 3 * 3 * runs * rows * sum(widths)  # up to three shapes: whole pieces and rests
    # Numbers are drawn a chunk ahead for each layer, or for one step where that is more.
    seeds = len({member.seed for member in members})
    drawn = len(widths) * max(CHUNK_BYTES, 8 * seeds * batch * max(widths))
    splits = len({split_key(m.setting.dataset, m.seed, m.data) for m in members})
    inputs = item * splits * data.rows * (data.inputs + 4)
    if data.as_bytes:
        inputs = data.rows * (data.inputs + splits * (8 + 4 * item))
    orders = 8 * data.rows * (4 * runs + 5 * seeds)
    return item * (weights + layers + scores) + drawn + inputs + orders
