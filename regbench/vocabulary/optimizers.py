"""The optimizers: one entry each, from which stacks, `explain`, `convert` and the docs follow.

What computes one is its file in `engine/optimizers/`, its keys are a class of
`config/blocks/optimizer.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

# What stands for a strength elsewhere: there is none; or the entry does not say.
NONE, UNKNOWN = "none", "?"


@dataclass(frozen=True)
class Optimizer:
    """One optimizer.

    Attributes:
        name: what `optimizer.name` calls it.
        formula: what a step does to a weight w with gradient g.
        source: where it comes from.
        kind: whose arithmetic a step has, so that runs stack; empty: its own.
        splits: keys of `optimizer` that change the arithmetic.
        linear: whether steps are proportional to gradients (but for momentum): only then has a
            decay the fixed point of some L2.
        l2: what an L2 penalty is under it, where that is not a decay.
        l2_surprises: whether that is a doubt about a study, told when it is read.
        decay: the place of `convert` where decays beside it have a meaning; empty: none.
        keras: the class there with the same decoupled `weight_decay`.
        torch_l2, torch_decay: the places of `convert` for PyTorch's optimizer with an L2 penalty,
            and with a decoupled decay.
    """

    name: str
    formula: str
    source: str
    kind: str = ""
    splits: tuple[str, ...] = ()
    linear: bool = False
    l2: str = ""
    l2_surprises: bool = False
    decay: str = ""
    keras: str = UNKNOWN
    torch_l2: str = UNKNOWN
    torch_decay: str = UNKNOWN


_ADAM = "m, v = means of g and g^2; w -= lr * m_hat / (sqrt(v_hat) + eps)"

OPTIMIZERS: dict[str, Optimizer] = {
    optimizer.name: optimizer
    for optimizer in (
        Optimizer(
            "sgd",
            formula="v = momentum * v + g; w -= lr * v",
            source="Robbins & Monro 1951; momentum: Polyak 1964, nesterov: Sutskever et al. 2013",
            splits=("nesterov",),
            linear=True,
            decay="regbench.sgd",
            keras="SGD",
            torch_l2="torch.SGD",
            torch_decay="torch.SGD",
        ),
        Optimizer(
            "adam",
            formula=_ADAM,
            source="Kingma & Ba 2015",
            l2="l2 with adam is coupled into its moments and is not weight decay; for that set "
            "regularizer.weight_decay",
            l2_surprises=True,
            decay="regbench.adamw",
            keras="AdamW",
            torch_l2="torch.Adam",
            torch_decay="torch.AdamW",
        ),
        Optimizer(
            "adamw",
            formula=_ADAM,
            source="Loshchilov & Hutter 2019",
            kind="adam",
            l2="adamw decouples weight_decay only: its l2 is coupled into the moments as under "
            "adam (Loshchilov & Hutter 2019)",
            decay="regbench.adamw",
            keras="AdamW",
            torch_l2="torch.Adam",
            torch_decay="torch.AdamW",
        ),
        Optimizer(
            "rmsprop",
            formula="v = mean of g^2; w -= lr * g / (sqrt(v) + eps)",
            source="Tieleman & Hinton 2012",
            l2="rmsprop divides the gradient of l2 by sqrt(v), weight by weight: it is no weight "
            "decay",
            keras="RMSprop",
            torch_l2="torch.RMSprop",
            torch_decay=NONE,  # PyTorch's couples it
        ),
    )
}
