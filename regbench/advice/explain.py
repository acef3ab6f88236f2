"""What each cell's regularizers act on, how strongly, and what that means.

    L2 as a prior   loss mean over n examples, so n * l2 * w^2 beside a negative log-likelihood:
                    w ~ N(0, sd^2) with sd = 1 / sqrt(2 n l2) for cross-entropy. A squared error
                    is 2 s^2 times one, for noise of deviation s: sd = s / sqrt(n l2).
    L1 as a prior   Laplace of scale 1 / (n l1); for a squared error 2 s^2 / (n l1).
    half-life       epochs after which a decay has halved a weight without gradient.

Source: MacKay 1992, "A practical Bayesian framework for backpropagation networks".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import log, log1p, sqrt

from regbench.advice.strengths.hub import Exact, Facts, Strength, as_penalty
from regbench.advice.strengths.translate import PLACES, translate
from regbench.advice.traps import Sizes, traps
from regbench.config.blocks.regularizer import SWITCHES, Options, Regularizer
from regbench.config.cell import Cell
from regbench.config.schema import Setting
from regbench.vocabulary.optimizers import NONE, OPTIMIZERS, UNKNOWN
from regbench.vocabulary.regularizers import KINDS, Kind


@dataclass(frozen=True)
class Kernel:
    """One kernel, (inputs, outputs), and what acts on it and after it.

    Attributes:
        strengths: of the regularizers that act kernel by kernel, by key: a number, 0 for none, or
            whether it is there.
        decay_a_step: lr * weight_decay, at the optimizer's lr.
        half_life_epochs: of a weight without gradient; None without decay.
        prior_sd: of each weight a priori, from L2, or a decay that has L2's fixed point.
        prior_scale: of a Laplace prior, from L1.
        keras, torch: the same penalties and decays there; empty without any.
    """

    name: str
    inputs: int
    outputs: int
    window: tuple[int, ...]
    strengths: Mapping[str, float | bool]
    decay_a_step: float
    half_life_epochs: float | None
    prior_sd: float | None
    prior_scale: float | None
    keras: str
    torch: str


@dataclass(frozen=True)
class Explanation:
    """Cells that one explanation holds for.

    Attributes:
        cells: the cells, which share the rest.
        prior_unit: of the priors' widths: empty, or the deviation of the noise, `s`.
        free: how many biases, and how many of batchnorm's scales and shifts, nothing acts on.
        spared: a module's other parameters that nothing acts on, such as those of an LSTM.
        traps: what to know.
    """

    cells: tuple[Cell, ...]
    setting: Setting
    sizes: Sizes
    kernels: tuple[Kernel, ...]
    prior_unit: str
    free: tuple[int, int]
    spared: tuple[str, ...]
    traps: tuple[str, ...]


def explanations(cells: Iterable[Cell], sizes_of: Callable[[Setting], Sizes]) -> list[Explanation]:
    """One explanation for cells that share it, in the order of their first."""
    found: dict[str, Explanation] = {}
    for cell in cells:
        one = explain(cell, sizes_of(cell.setting))
        setting = one.setting
        # Cells that differ in nothing that is told: in the noise of their data, say.
        whole = [told(setting.regularizer, kind) for kind in KINDS.values()]
        facts = (one.sizes, one.kernels, one.prior_unit, one.traps, setting.optimizer, whole)
        key = repr((*facts, setting.model, setting.training.epochs))
        first = found.setdefault(key, one)
        if first is not one:
            found[key] = replace(first, cells=(*first.cells, cell))
    return list(found.values())


def explain(cell: Cell, sizes: Sizes) -> Explanation:
    """What acts on a cell's kernels."""
    setting = cell.setting
    classes = setting.dataset.task == "classification"
    return Explanation(
        (cell,),
        setting,
        sizes,
        tuple(_kernel(setting, sizes, layer) for layer in range(sizes.kernels)),
        "" if classes else "s",
        (sizes.network.count("bias"), sizes.network.count("norm")),
        tuple(each.name for each in sizes.network.parameters if each.kind == "other"),
        tuple(dict.fromkeys(traps(setting, sizes))),
    )


def _kernel(setting: Setting, sizes: Sizes, layer: int) -> Kernel:
    reg, optimizer = setting.regularizer, setting.optimizer
    strengths = {
        kind.key: _on_kernel(reg, kind, sizes.kernels, layer)
        for kind in KINDS.values()
        if by_kernel(kind, setting)
    }
    l1, l2, decay = strengths["l1"], strengths["l2"], strengths["weight_decay"]
    step = optimizer.lr * decay
    classes = setting.dataset.task == "classification"
    as_l2 = _as_l2(setting, l2, decay)
    per_likelihood = sizes.train * (2 if classes else 1)
    kernel = sizes.network.kernels[layer]
    return Kernel(
        name=kernel.name.removesuffix(".weight"),
        inputs=kernel.inputs,
        outputs=kernel.outputs,
        window=kernel.window,
        strengths=strengths,
        decay_a_step=step,
        half_life_epochs=-log(2) / log1p(-step) / sizes.steps if 0 < step < 1 else None,
        prior_sd=1 / sqrt(per_likelihood * as_l2) if as_l2 else None,
        prior_scale=(1 if classes else 2) / (sizes.train * l1) if l1 else None,
        keras=_in_keras(setting, l1, l2, decay),
        torch=_in_torch(setting, l1, l2, decay),
    )


def _on_kernel(reg: Regularizer, kind: Kind, kernels: int, layer: int) -> float | bool:
    layers = kernels - (kind.acts_on == "hidden layers")
    if kind.key in SWITCHES:
        return getattr(reg, kind.key) is not None and layer < layers
    return reg.by_layer(kind.key, layers)[layer] if layer < layers else 0.0


def by_kernel(kind: Kind, setting: Setting) -> bool:
    """Whether a regularizer acts kernel by kernel; where a module has its dropouts is not known."""
    hidden = kind.acts_on == "hidden layers" and setting.model.name != "module"
    return hidden or kind.acts_on == "kernels"


def told(reg: Regularizer, kind: Kind) -> str | float:
    """What there is to say of a regularizer as a whole; empty where it is off."""
    value = getattr(reg, kind.key)
    if isinstance(value, Options):
        return "" if value.off else value.words
    if isinstance(value, tuple):
        return " / ".join(f"{each:g}" for each in value) if any(value) else ""
    return value if isinstance(value, float | int) and value else ""


def _momentum(setting: Setting) -> float:
    return getattr(setting.optimizer, "momentum", 0.0)


def _as_l2(setting: Setting, l2: float, decay: float) -> float:
    """The L2 with the same fixed point; 0 where there is none, or none that is known."""
    if not OPTIMIZERS[setting.optimizer.name].linear:
        return 0.0 if decay else l2
    return as_penalty(Strength(0.0, l2, decay, "sgd"), _momentum(setting)).strength.l2


def _in_keras(setting: Setting, l1: float, l2: float, decay: float) -> str:
    parts = []
    if l1 and l2:
        parts.append(f"L1L2({l1:g}, {l2:g})")
    elif l1 or l2:
        parts.append(f"L1({l1:g})" if l1 else f"L2({l2:g})")
    if decay:
        name = OPTIMIZERS[setting.optimizer.name].keras
        parts.append(name if name in (NONE, UNKNOWN) else f"{name}(weight_decay={decay:g})")
    return " + ".join(parts)


def _in_torch(setting: Setting, l1: float, l2: float, decay: float) -> str:
    """PyTorch's optimizer with its weight_decay; `~` where only the fixed point is the same."""
    parts = []
    if l2 or decay:
        parts.append(_torch_decay(setting, l2, decay))
    if l1:
        parts.append("l1 in the loss")
    return " + ".join(parts)


def _torch_decay(setting: Setting, l2: float, decay: float) -> str:
    entry = OPTIMIZERS[setting.optimizer.name]
    target = entry.torch_decay if decay else entry.torch_l2
    if target not in PLACES:
        return target
    source = PLACES[entry.decay if decay else "regbench"]
    values = {key: value for key, value in (("l2", l2), ("weight_decay", decay)) if value}
    found = translate(source, values, PLACES[target], Facts(momentum=_momentum(setting)))
    about = "~" if found.exact is Exact.FIXED_POINT else ""
    words = ", ".join(f"{key}={value:.4g}" for key, value in found.values.items())
    return f"{about}{target.partition('.')[2]}({words})" if found.values else NONE
