"""The regularizers by where they act: the engine composes what it finds in these tables.

A regularizer takes a number a run from the settings of a stack, touches only the runs that ask for
it, and is made anew when runs leave. What it draws, `Draws` gives it by purpose and shape.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from torch import Tensor

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.averages import Averaging
from regbench.engine.batch import OnInputs, Seen
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.layer import Layer
from regbench.engine.layers.loss import OnTargets
from regbench.engine.regularizers.augment import Augment
from regbench.engine.regularizers.batchnorm import batchnorm
from regbench.engine.regularizers.cutout import Cutout
from regbench.engine.regularizers.dropout import InputDropout, dropout
from regbench.engine.regularizers.early_stopping import make_rule
from regbench.engine.regularizers.ema import ema
from regbench.engine.regularizers.input_noise import InputNoise
from regbench.engine.regularizers.l1 import l1
from regbench.engine.regularizers.l2 import l2
from regbench.engine.regularizers.label_smoothing import LabelSmoothing
from regbench.engine.regularizers.max_norm import max_norm
from regbench.engine.regularizers.mixup import Mixup
from regbench.engine.regularizers.step import Kernel, Step
from regbench.engine.regularizers.swa import swa
from regbench.engine.regularizers.weight_decay import weight_decay

# Objective, gradient and step: adds to a step what it does with one kernel.
ON_KERNELS: dict[str, Callable[[Sequence[Regularizer], Kernel, Step], None]] = {
    "l1": l1,
    "l2": l2,
    "weight_decay": weight_decay,
    "max_norm": max_norm,
}
# Makes the layer that an architecture holds for it (`layers.Regularizing`).
IN_LAYERS: dict[str, Callable[[Sequence[Regularizer], Any, Tensor, Scratch], Layer]] = {
    "batchnorm": batchnorm,
    "dropout": dropout,
}
# Data and targets; false where no run asks for it. In this order.
ON_INPUTS: dict[str, Callable[[Sequence[Regularizer], Seen], OnInputs]] = {
    "augment": Augment,
    "cutout": Cutout,
    "mixup": Mixup,
    "input_noise": InputNoise,
    "input_dropout": InputDropout,
}
ON_TARGETS: dict[str, Callable[[Sequence[Regularizer], Seen], OnTargets]] = {
    "label_smoothing": LabelSmoothing,
}
# Which weights of a trajectory a run reports: an epoch's, or an average of an epoch's and more.
AVERAGES: dict[str, Callable[[Any, int], Averaging]] = {"ema": ema, "swa": swa}
READINGS = {"early_stopping": make_rule, **AVERAGES}
# By `acts_on` of the vocabulary.
TABLES: dict[str, Mapping[str, object]] = {
    "kernels": ON_KERNELS,
    "hidden layers": IN_LAYERS,
    "inputs": ON_INPUTS,
    "targets": ON_TARGETS,
    "reading": READINGS,
}


def averaging(regularizer: Regularizer, epochs: int) -> tuple[str, Averaging] | None:
    """How a run averages weights, and what tells that from other ways; None if it does not."""
    for key, make in AVERAGES.items():
        options = getattr(regularizer, key)
        if options is not None:
            return repr(options), make(options, epochs)
    return None


Acting = TypeVar("Acting")


def acting(
    kinds: dict[str, Callable[[Sequence[Regularizer], Seen], Acting]],
    regularizers: Sequence[Regularizer],
    seen: Seen,
) -> list[Acting]:
    """Those of the kinds that a run asks for."""
    made = [make(regularizers, seen) for make in kinds.values()]
    return [each for each in made if each]
