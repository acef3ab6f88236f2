"""The torch modules that autograd trains: convolutions, or what the user's function makes."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from regbench.config.schema import Setting
from regbench.engine.autograd import ModuleNetwork, generator_at
from regbench.engine.cnn import Cnn
from regbench.engine.own_code import running
from regbench.engine.own_dropout import dropouts_of
from regbench.engine.regularizers.regularizer import ON_KERNELS
from regbench.errors import BadStudy, Problem
from regbench.models.architecture import Architecture, architecture
from regbench.models.layers import Shape
from regbench.models.own import OwnModule, unnamed
from regbench.vocabulary.words import unequal


def build_modules(
    settings: Sequence[Setting],
    seeds: Sequence[int],
    example: Shape,
    outputs: int,
    like: Tensor,
    own: OwnModule | None,
) -> ModuleNetwork:
    """As `network.build`, of these models."""
    if own is None and settings[0].model.name == "module":
        raise unnamed()
    made: list[nn.Module] = []
    for setting, seed in zip(settings, seeds, strict=True):
        if own is not None:
            made.append(_own(own, setting, seed, example, outputs))
        else:
            chain = architecture(setting.model, setting.regularizer, example, outputs)
            init = getattr(setting.model, "init", "")
            made.append(Cnn(chain, init, seed, setting.regularizer.batchnorm))
    rates = [_rates(setting, len(dropouts_of(made[0]))) for setting in settings]
    network = ModuleNetwork(made, example, outputs, seeds, rates, like, own)
    _check_lists(settings, [kernel.name for kernel in network.architecture.kernels])
    return network


def layers_of(own: OwnModule, setting: Setting, example: Shape, outputs: int) -> Architecture:
    """What is in a user's module; it is made for that."""
    network = build_modules([setting], [0], example, outputs, torch.zeros(1), own)
    return network.architecture


def _own(own: OwnModule, setting: Setting, seed: int, example: Shape, outputs: int) -> nn.Module:
    """What the user's function makes, as a function of the seed."""
    maker, model = own.made_by(), setting.model
    keywords: dict[str, Any] = getattr(model, "keywords", {})
    try:
        inspect.signature(maker).bind(example, outputs, **keywords)
    except TypeError as error:
        raise own.refused(
            "cannot be called with the shape of an example, the number of "
            f"outputs{''.join(f', {key}=' for key in keywords)}: {error} (its keywords stand "
            "in the study, beside model: {name: module})"
        ) from error
    except ValueError:  # a function that does not say what it takes
        pass
    with generator_at(seed, 0, 0, torch.device("cpu")), running(own):
        made = maker(example, outputs, **keywords)
        if isinstance(made, nn.Module):
            _materialize(made, example)
    if not isinstance(made, nn.Module):
        raise own.refused(f"gives a {type(made).__name__}, expected a torch.nn.Module")
    return made


def _materialize(module: nn.Module, example: Shape) -> None:
    """Give lazy layers their shapes."""
    lazy = [p for p in (*module.parameters(), *module.buffers()) if torch.nn.parameter.is_lazy(p)]
    if lazy:
        with torch.no_grad():
            module.eval()(torch.zeros(1, *example))


def _rates(setting: Setting, layers: int) -> tuple[float, ...]:
    """The rate of each dropout layer."""
    given = setting.regularizer.dropout
    if not layers and given not in (0, (0.0,)):
        raise _bad("dropout", "sets the rate of nn.Dropout layers, and the module has none")
    if isinstance(given, tuple) and len(given) != layers:
        raise _bad("dropout", unequal(given, "the module", layers, "nn.Dropout layer"))
    return setting.regularizer.by_layer("dropout", layers)


def _check_lists(settings: Sequence[Setting], kernels: Sequence[str]) -> None:
    """Refuse lists by kernel of another length than there are kernels."""
    for setting in settings:
        for key in ON_KERNELS:
            value = getattr(setting.regularizer, key)
            if isinstance(value, tuple) and len(value) != len(kernels):
                named = ", ".join(kernels) or "none"
                raise _bad(
                    key,
                    f"{unequal(value, 'the module', len(kernels), 'kernel')}: {named}",
                )


def _bad(key: str, message: str) -> BadStudy:
    return BadStudy(Problem(message, key=f"regularizer.{key}"))
