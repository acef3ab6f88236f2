"""Calls that a GPU is given all at once: a CUDA graph of an epoch's steps."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch
from torch import Tensor

# Per epoch, of each run that takes its own; each takes about .1 MiB.
MOST_STEPS = 5000
# Of all runs that take a step together, in weights or in what a layer gives: above, kernels take
# longer than the host takes to launch them, and a graph would only hold memory.
MOST_NUMBERS = 1 << 24


class Recorded:
    """A function of tensors on a GPU, recorded at its second call and from then on replayed.

    The host takes some 10 us to launch a kernel, several times as long as a small stack's kernel
    runs; a graph of them is launched at once. The first call is as it stands: libraries load, and
    buffers are made.
    """

    def __init__(self) -> None:
        self._warm = False
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, call: Callable[..., Tensor], *given: Tensor) -> Tensor:
        """The function's result, which the next call overwrites.

        Args:
            call: does the same at every call, with tensors that stay where they are; besides its
                arguments nothing may come from the host. Not held: graphs must not be in cycles.
        """
        if not self._warm:
            self._warm = True
            return call(*given)
        with torch.cuda.device(given[0].device):
            if self._graph is None:
                self._given = [each.clone() for each in given]
                self._graph, self._result = _recorded(lambda: call(*self._given))
            for own, each in zip(self._given, given, strict=True):
                own.copy_(each)
            self._graph.replay()
        return self._result


def _recorded(call: Callable[[], Tensor]) -> tuple[torch.cuda.CUDAGraph, Tensor]:
    graph, stream = torch.cuda.CUDAGraph(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    # A graph that is collected meanwhile, of a stack before, would end the recording.
    collecting = gc.isenabled()
    gc.disable()
    try:
        # The stream twice: a recording that fails leaves its own as the current one.
        with torch.cuda.stream(stream), torch.cuda.graph(graph, stream=stream):
            result = call()
    except RuntimeError as error:
        raise error.__context__ or error from None  # what came first: memory ran out, say
    finally:
        if collecting:
            gc.enable()
    return graph, result
