"""Sees what would make the host wait for a GPU, or copy between the two, without having one."""

from __future__ import annotations

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# Operations that read a value or a size off the device, or bring host data to it.
OPERATIONS = {
    *("_local_scalar_dense", "item", "is_nonzero", "equal", "lift_fresh", "lift_fresh_copy"),
    *("nonzero", "argwhere", "masked_select", "_unique2", "unique_dim", "unique_consecutive"),
    *("_pin_memory", "repeat_interleave", "bincount"),
}
# The same as Python says it; reading a CPU tensor's memory is no operation.
CALLS = {
    *("tolist", "item", "cpu", "cuda", "numpy", "__array__", "__bool__", "__int__", "__float__"),
    *("__index__", "__contains__", "tensor", "as_tensor", "allclose", "bincount"),
}


class Operations(TorchDispatchMode):
    """Notes forbidden operations, indexing by booleans, and copies between devices."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        if name in OPERATIONS:
            self._found.append(name)
        if name in ("index", "index_put", "index_put_"):
            wanted = [i for i in args[1] if i is not None]
            if any(i.dtype in (torch.bool, torch.uint8) for i in wanted):
                self._found.append(f"{name} by booleans")
        result = func(*args, **(kwargs or {}))
        leaves = tree_leaves((args, kwargs or {}, result))
        if len({leaf.device for leaf in leaves if isinstance(leaf, torch.Tensor)}) > 1:
            self._found.append(f"{name} between devices")
        return result


class Calls(TorchFunctionMode):
    """Notes forbidden calls, and tensors taken as numbers."""

    def __init__(self, found: list[str]) -> None:
        super().__init__()
        self._found = found

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in CALLS:
            self._found.append(name)
        return func(*args, **(kwargs or {}))


def waits(action) -> list[str]:
    """The names of all that the action does and a GPU would have to be waited for."""
    found: list[str] = []
    with Operations(found), Calls(found):
        action()
    return found
