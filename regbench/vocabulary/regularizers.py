"""The regularizers: one entry each, from which messages, families, `explain` and the docs follow.

What computes one is its file in `engine/regularizers/`, its keys are a field of
`config/blocks/regularizer.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Direction = Literal[-1, 1]


@dataclass(frozen=True)
class Kind:
    """One kind of regularizer: what counts as one where families are told apart.

    Attributes:
        key: what `regularizer` calls it.
        acts_on: where it acts.
        meaning: what its number is, in a line.
        takes: what may be given.
        formula: what it computes; `w` a weight, `x` an input, `y` the target's shares.
        source: where it comes from.
        elsewhere: what other libraries call it, where that is the same number.
        column: what tables of `explain` call it, where the key is too long.
        where: what else there is to say below these.
        stronger: by key, +1 where a larger number regularizes more, -1 where a smaller one does.
            Keys that are not here (a monitor, a momentum) have no such direction.
        options: other keys of `regularizer` that belong to it and switch nothing on by themselves.
        splits: whether it changes the arithmetic of a step, so that runs with and without it do
            not stack.
        of_classes: what it does to classes, where a regression cannot have it.
    """

    key: str
    acts_on: Literal["inputs", "targets", "hidden layers", "kernels", "reading"]
    meaning: str
    takes: str
    formula: str
    source: str
    elsewhere: str = ""
    column: str = ""
    where: str = ""
    stronger: Mapping[str, Direction] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    splits: bool = False
    of_classes: str = ""

    @property
    def title(self) -> str:
        """Its column."""
        return self.column or self.key


_STRENGTH = "a number >= 0, or a list with one a layer"
_RATE = "a rate in [0, 1)"
_SWITCH = "true, false or a mapping of options"

# In the order of a table's columns.
KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind(
            *("l1", "kernels", "l1 * sum|w| on every kernel; or one a layer", _STRENGTH),
            formula="objective + l1 * sum|w|",
            source="Tibshirani 1996; the proximal step: Yun et al. 2021",
            stronger={"l1": 1},
            options=("l1_method",),
        ),
        Kind(
            *("l2", "kernels", "l2 * sum(w^2) on every kernel; or one a layer", _STRENGTH),
            formula="objective + l2 * sum(w^2)",
            source="Hoerl & Kennard 1970; Krogh & Hertz 1992",
            stronger={"l2": 1},
        ),
        Kind(
            *("weight_decay", "kernels"),
            meaning="w *= 1 - lr * weight_decay before each step, in every optimizer",
            takes=_STRENGTH,
            formula="w *= 1 - lr * weight_decay",
            source="Loshchilov & Hutter 2019",
            stronger={"weight_decay": 1},
        ),
        Kind(
            *("max_norm", "kernels", "largest norm of an output unit's incoming weights"),
            takes="a number > 0, or a list with one a layer",
            formula="w *= min(1, max_norm / norm(w)), a unit's incoming weights at a time",
            source="Srebro & Shraibman 2005; Srivastava et al. 2014, sec. 5.1",
            elsewhere="keras.constraints.MaxNorm(max_value), the same number",
            where="of each unit's incoming weights, after each step",
            stronger={"max_norm": -1},
        ),
        Kind(
            *("dropout", "hidden layers", "rate after each hidden activation; or one a layer"),
            takes="a rate in [0, 1), or a list with one a hidden layer",
            formula="h = 0 with probability dropout, else h / (1 - dropout)",
            source="Srivastava et al. 2014",
            elsewhere="keras.layers.Dropout(rate) and torch.nn.Dropout(p), the same number",
            where="after each hidden activation, never on outputs",
            stronger={"dropout": 1},
        ),
        Kind(
            *("input_dropout", "inputs", "rate on the inputs", _RATE),
            formula="x = 0 with probability input_dropout, else x / (1 - input_dropout)",
            source="Srivastava et al. 2014",
            elsewhere="a keras.layers.Dropout(rate) or torch.nn.Dropout(p) on the data",
            column="on inputs",
            stronger={"input_dropout": 1},
        ),
        Kind(
            *("input_noise", "inputs"),
            meaning="standard deviation of Gaussian noise on the inputs while training",
            takes="a number >= 0",
            formula="x + input_noise * z, z standard normal",
            source="Bishop 1995",
            elsewhere="keras.layers.GaussianNoise(stddev), the same number",
            stronger={"input_noise": 1},
        ),
        Kind(
            *("augment", "inputs", "options; images or signals that are moved while training"),
            takes="a mapping of options: shift, flip, crop, rotate",
            formula="x at shift + flip(turn(window)), drawn anew for each example and epoch",
            source="Simard et al. 2003; Krizhevsky et al. 2012",
            elsewhere="shift: torchvision's RandomCrop(padding=shift); flip: "
            "RandomHorizontalFlip(p); rotate: RandomRotation(degrees)",
            stronger={f"augment.{key}": 1 for key in ("shift", "flip", "crop", "rotate")},
        ),
        Kind(
            *("cutout", "inputs", "side of a square of each image that is set to 0, the mean"),
            takes="a count of pixels or points from 0",
            formula="x = 0 within a square of that side about a random pixel",
            source="DeVries & Taylor 2017",
            elsewhere="the length of the authors' Cutout, where it is even",
            where="pixels; the square is cut off at the borders",
            stronger={"cutout": 1},
        ),
        Kind(
            *("mixup", "inputs"),
            meaning="alpha of Beta(alpha, alpha): how much of another example is mixed in",
            takes="a number >= 0",
            formula="x = (1 - s) x + s x', loss = (1 - s) loss(y) + s loss(y'), "
            "s ~ Beta(mixup, mixup)",
            source="Zhang et al. 2018",
            elsewhere="alpha of torchvision's v2.MixUp and mixup_alpha of timm, the same number",
            where="alpha; at 1 every share of another example is as likely",
            stronger={"mixup": 1},
        ),
        Kind(
            *("batchnorm", "hidden layers", "true, or options; between affine map and activation"),
            takes=_SWITCH,
            formula="(h - mean) / sqrt(var + eps) * gamma + beta, over the examples of a batch",
            source="Ioffe & Szegedy 2015",
            elsewhere="torch.nn.BatchNorm1d; keras.layers.BatchNormalization, momentum there "
            "1 - momentum",
            where="between each hidden kernel and its activation",
            splits=True,
        ),
        Kind(
            *("label_smoothing", "targets", "share of the target spread over all classes", _RATE),
            formula="y = (1 - label_smoothing) y + label_smoothing / C",
            source="Szegedy et al. 2016, sec. 7",
            elsewhere="label_smoothing of Keras's and PyTorch's cross-entropy, the same number",
            column="smoothing",
            stronger={"label_smoothing": 1},
            of_classes="spreads classes",
        ),
        Kind(
            *("early_stopping", "reading"),
            meaning="true, or options; chooses the epoch that a row reports",
            takes=_SWITCH,
            formula="the best epoch that its rule has seen",
            source="Prechelt 1998; patience: Keras",
            elsewhere="keras.callbacks.EarlyStopping has the same options for patience",
            column="stopping",
            # All four rules stop earlier the smaller their number is.
            stronger={f"early_stopping.{rule}": -1 for rule in ("patience", "gl", "pq", "up")},
        ),
        Kind(
            *("ema", "reading"),
            meaning="true, or options; a row reports an exponential average of the weights",
            takes=_SWITCH,
            formula="a = decay a + (1 - decay) w after each step",
            source="Polyak & Juditsky 1992; Tarvainen & Valpola 2017",
            elsewhere="decay of torch.optim.swa_utils.get_ema_multi_avg_fn, ema_momentum of "
            "Keras's optimizers, the same number",
            stronger={"ema.decay": 1},
        ),
        Kind(
            *("swa", "reading"),
            meaning="true, or options; a row reports the mean of the weights of the last epochs",
            takes=_SWITCH,
            formula="a = a + (w - a) / k after the k-th epoch averaged",
            source="Izmailov et al. 2018",
            elsewhere="torch.optim.swa_utils.AveragedModel, updated once an epoch",
            stronger={"swa.start": -1},
        ),
    )
}
_OF_OPTION = {option: kind.key for kind in KINDS.values() for option in kind.options}
_STRONGER = {key: way for kind in KINDS.values() for key, way in kind.stronger.items()}


def kind_of(key: str) -> str:
    """The kind that a key of `regularizer` belongs to.

    >>> kind_of("early_stopping.patience"), kind_of("l1_method"), kind_of("l2")
    ('early_stopping', 'l1', 'l2')
    """
    first = key.partition(".")[0]
    return _OF_OPTION.get(first, first)


def stronger(key: str) -> Direction | None:
    """The direction in which a key regularizes more; None where it has none.

    >>> stronger("dropout"), stronger("max_norm"), stronger("early_stopping.monitor")
    (1, -1, None)
    """
    return _STRONGER.get(key)
