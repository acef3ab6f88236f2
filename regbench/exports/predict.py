"""What a model that was taken away says of new rows."""

from __future__ import annotations

import numpy as np
import torch

from regbench.data.table import Floats
from regbench.engine.network import build
from regbench.engine.scoring import piece_of
from regbench.errors import BadData
from regbench.exports.model import Exported
from regbench.models.own import OwnModule


def predicted(model: Exported, values: Floats, own: OwnModule | None = None) -> Floats:
    """Predictions by the network that trained, in its dtype, on the CPU.

    Args:
        values: (n, K) of the columns that the model knows, as in `Table`.
        own: the user's module, where the model is one.
    Returns:
        (n, C) class probabilities; of a regression (n, 1) in the target's own units.
    """
    shape = model.architecture
    like = torch.zeros(1, dtype=getattr(torch, shape.dtype))
    network = build([shape.setting], [0], shape.example, shape.outputs, like, own)
    try:
        network.load(0, model.weights)
    except (KeyError, RuntimeError) as error:  # a module of other tensors
        raise BadData(f"the weights are not those of this module: {error}") from error
    x = torch.from_numpy(model.transform(values)).to(like)
    # The network's buffers are overwritten by the next piece.
    pieces = torch.split(x, piece_of(network))
    outputs = torch.cat([network.forward(p[None])[0].T.clone().double() for p in pieces])
    if model.preprocessing.task == "classification":
        return np.asarray(torch.softmax(outputs, 1).numpy())
    mean, scale = model.transform.target
    return np.asarray(outputs.numpy() * scale + mean)
