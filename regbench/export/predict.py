"""What a model that was taken away says of new rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from regbench.config.blocks.model import Linear, Mlp, ModelConfig
from regbench.config.blocks.regularizer import Regularizer
from regbench.config.schema import Setting
from regbench.data.table import Floats
from regbench.engine.network import build
from regbench.engine.scoring import piece_of
from regbench.export.model import Exported

__all__ = ["predicted"]


def predicted(model: Exported, values: Floats) -> Floats:
    """Predictions by the network that trained, in its dtype, on the CPU.

    Args:
        values: (n, K) of the columns that the model knows, as in `Table`.
    Returns:
        (n, C) class probabilities; of a regression (n, 1) in the target's own units.
    """
    shape = model.architecture
    like = torch.zeros(1, dtype=getattr(torch, shape.dtype))
    network = build([_setting(model)], [0], shape.inputs, shape.outputs, like)
    # Kept as torch.nn.Linear holds them: outputs first.
    network.load(0, {name: np.array(array.T) for name, array in model.weights.items()})
    x = torch.from_numpy(model.transform(values)).to(like)
    # The network's buffers are overwritten by the next piece.
    pieces = torch.split(x, piece_of(network))
    outputs = torch.cat([network.forward(p[None])[0].T.clone().double() for p in pieces])
    if model.preprocessing.task == "classification":
        return np.asarray(torch.softmax(outputs, 1).numpy())
    mean, scale = model.transform.target
    return np.asarray(outputs.numpy() * scale + mean)


def _setting(model: Exported) -> Setting:
    """A setting of this architecture; the rest of it trains, and is not looked at."""
    shape = model.architecture
    network: ModelConfig = Linear(name="linear", init="zeros")
    if shape.activation is not None:
        kind = shape.activation.lower()
        network = Mlp(name="mlp", hidden=shape.hidden, activation=kind, init="zeros")  # type: ignore[arg-type]
    blocks: dict[str, Any] = {"model": network}
    blocks["regularizer"] = Regularizer(batchnorm=shape.batchnorm)
    return Setting.model_construct(**blocks)
