"""What a model that learns nothing but the targets' frequencies or mean scores."""

from __future__ import annotations

import numpy as np

from regbench.data.table import Split
from regbench.vocabulary.metrics import LOSS, score_of

__all__ = ["constant_scores"]


def constant_scores(split: Split) -> dict[str, float]:
    """The validation scores of one prediction for all examples, by column, in float64.

    A classifier gives every example the shares p_c of the classes among the training labels as
    given, and chooses the largest (the first of several): loss = mean of -log p_y. A regression
    gives the mean of the training targets. Nothing where there is no validation part; no R^2 where
    its targets are all alike.

    >>> from pathlib import Path
    >>> from regbench.config.schema import Iris
    >>> from regbench.data.sources import load
    >>> constant_scores(load(Iris(name="iris"), 0, Path()))
    {'constant_loss': 1.0986122886681098, 'constant_acc': 0.3333333333333333}
    """
    train, val = split.train.y, split.val.y
    if not len(val):
        return {}
    score = score_of(split.task).constant_column
    if split.task == "classification":
        shares = np.bincount(train.astype(np.int64), minlength=split.classes) / len(train)
        with np.errstate(divide="ignore"):  # label noise may leave a class without a label
            loss = float(-np.log(shares[val.astype(np.int64)]).mean())
        return {LOSS.constant_column: loss, score: float((val == shares.argmax()).mean())}
    squares = float(((val - train.mean()) ** 2).mean())
    spread = float(((val - val.mean()) ** 2).mean())
    found = {LOSS.constant_column: squares}
    return found | ({score: 1 - squares / spread} if spread > 0 else {})
