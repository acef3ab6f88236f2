"""What often goes wrong with a setting's regularizers, and what their strengths depend on.

What can be told while a study is read stands in `config/crosschecks.py`; here is what needs the
sizes of its parts as well, or is no slip but worth knowing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from regbench.config.crosschecks import doubts
from regbench.config.schema import Setting
from regbench.models.architecture import Architecture
from regbench.vocabulary.optimizers import OPTIMIZERS
from regbench.vocabulary.regularizers import KINDS
from regbench.vocabulary.words import counted

# So few validation examples make the choice of an epoch a matter of luck.
FEW_TO_CHOOSE_ON = 100
# A decay that leaves more of a weight does next to nothing; one that leaves less takes all but what
# each step brings anew.
_LEFT = (0.05, 0.95)


@dataclass(frozen=True)
class Sizes:
    """What a setting's data amount to.

    Attributes:
        network: its layers.
        train, val: examples.
        batch: examples a step.
    """

    network: Architecture
    train: int
    val: int
    batch: int

    @property
    def kernels(self) -> int:
        """How many kernels there are."""
        return len(self.network.kernels)

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return ceil(self.train / self.batch)


def traps(setting: Setting, sizes: Sizes) -> Iterator[str]:
    """What to know about a setting, one sentence or two each."""
    yield from doubts(setting)
    yield from _coupled(setting)
    yield from _decay(setting, sizes)
    yield from _batchnorm(setting, sizes)
    yield from _early_stopping(setting, sizes)
    yield from _ema(setting, sizes)
    yield from _data(setting)


def _ema(setting: Setting, sizes: Sizes) -> Iterator[str]:
    ema, epochs = setting.regularizer.ema, setting.training.epochs
    if ema is None:
        return
    steps = sizes.steps * max(epochs - ema.first_epoch(epochs) + 1, 0)
    left = ema.decay ** max(steps - 1, 0)
    if left > _LEFT[0]:
        yield (
            f"ema with decay {ema.decay:g} remembers about {1 / (1 - ema.decay):.3g} steps: of "
            f"{counted(steps, 'step')} averaged, the first still has a share of {left:.2g}"
        )


def _acts(setting: Setting, sizes: Sizes, *keys: str) -> list[str]:
    """Those of the keys that have a strength on some kernel before a batchnorm."""
    before = sizes.kernels - 1
    reg = setting.regularizer
    return [k for k in keys if any(reg.by_layer(k, sizes.kernels)[:before])]


def _coupled(setting: Setting) -> Iterator[str]:
    entry, reg = OPTIMIZERS[setting.optimizer.name], setting.regularizer
    if not entry.l2_surprises and entry.l2 and any(reg.by_layer("l2", 1)):
        yield entry.l2
    if any(reg.by_layer("l1", 1)) and reg.l1_method == "subgradient":
        yield "l1 by its subgradient never makes a weight exactly 0: for that use proximal"


def _decay(setting: Setting, sizes: Sizes) -> Iterator[str]:
    optimizer, epochs = setting.optimizer, setting.training.epochs
    decay = max(setting.regularizer.by_layer("weight_decay", 1))
    if not decay:
        return
    if optimizer.lr * decay >= 1:
        yield f"lr * weight_decay is {optimizer.lr * decay:.3g}: from 1 on no weight lasts a step"
        return
    steps = epochs * sizes.steps
    if optimizer.schedule.name == "constant" and not optimizer.schedule.warmup_epochs:
        left = (1 - optimizer.lr * decay) ** steps
        if not _LEFT[0] <= left <= _LEFT[1]:
            yield (
                f"weight_decay acts a step, not an epoch: over {counted(steps, 'step')} it leaves "
                f"{left:.3g} of a weight without gradient; other batches or epochs leave another "
                "share"
            )
    else:
        yield (
            f"weight_decay is multiplied by the scheduled lr: under {optimizer.schedule.name} it "
            "weakens with it, and another horizon is another regularizer"
        )
    momentum = getattr(optimizer, "momentum", 0.0)
    if OPTIMIZERS[optimizer.name].linear and momentum:
        l2 = decay * (1 - momentum) / 2
        yield (
            f"with momentum {momentum:g} a weight_decay of {decay:g} rests where "
            f"l2 = {l2:.3g} does, not where l2 = {decay / 2:g} does"
        )


def _batchnorm(setting: Setting, sizes: Sizes) -> Iterator[str]:
    reg = setting.regularizer
    if reg.batchnorm is None or sizes.kernels < 2:
        return
    last = sizes.kernels - 1
    named = "kernel 0" if last == 1 else f"kernels 0 to {last - 1}"
    if keys := _acts(setting, sizes, "l1", "l2", "weight_decay"):
        yield (
            f"batchnorm undoes the scale of {named}: {' and '.join(keys)} there changes no "
            "prediction by it, only the effective learning rate (van Laarhoven 2017; Hoffer et al. "
            f"2018); on kernel {last} it regularizes as usual"
        )
    if _acts(setting, sizes, "max_norm"):
        yield f"batchnorm undoes the scale of {named}: max_norm there bounds no prediction"
    rates = reg.by_layer("dropout", last)
    if reg.input_dropout or any(rates[: last - 1]):
        yield (
            "dropout stands before a batchnorm: its input varies more in training than in "
            "evaluation, which shifts the normalisation (variance shift, Li et al. 2019)"
        )
    rest = sizes.train % sizes.batch
    single = "; the last batch has one example and takes the running ones" if rest == 1 else ""
    yield (
        f"batchnorm's noise comes from the statistics of {sizes.batch} examples: it regularizes "
        f"more in smaller batches{single}"
    )


def _early_stopping(setting: Setting, sizes: Sizes) -> Iterator[str]:
    stopping = setting.regularizer.early_stopping
    if stopping is None:
        return
    if stopping.monitor == "train_loss":
        yield "early stopping watches the training loss, which overfitting lowers: it stops late"
    elif 0 < sizes.val < FEW_TO_CHOOSE_ON:
        yield (
            f"early stopping chooses its epoch on {counted(sizes.val, 'validation example')}: the "
            "choice is noisy, and val_loss at it too good; judge it on the test part"
        )


def _data(setting: Setting) -> Iterator[str]:
    reg, dataset = setting.regularizer, setting.dataset
    noise = getattr(dataset, "label_noise", 0.0)
    if noise and reg.label_smoothing:
        both = 1 - (1 - noise) * (1 - reg.label_smoothing)
        yield (
            f"label noise {noise:g} smooths labels on average, too: with label_smoothing "
            f"{reg.label_smoothing:g} together {both:.3g}"
        )
    if dataset.standardize:
        return
    if any(any(reg.by_layer(kind.key, 1)) for kind in KINDS.values() if kind.acts_on == "kernels"):
        yield (
            "the data are not standardized: penalties weigh most on features of small spread, "
            "whose weights must be large"
        )
    if reg.input_noise:
        yield "the data are not standardized: input_noise is in the units of the features"
