"""What a model that learns nothing but the targets' frequencies or mean scores."""

from __future__ import annotations

import numpy as np

from regbench.data.table import Split
from regbench.vocabulary.metrics import LOSS, METRICS, score_of


def constant_scores(split: Split) -> dict[str, float]:
    """The validation scores of one prediction for all examples, by column, in float64.

    A classifier gives every example the shares p_c of the classes among the training labels as
    given, and chooses the largest (the first of several): loss = mean of -log p_y. A regression
    gives the mean of the training targets. Nothing where there is no validation part; no R^2 where
    its targets are all alike. Balanced accuracy is that over the classes that the part has.

    >>> from pathlib import Path
    >>> from regbench.config.blocks.bundled import Iris
    >>> from regbench.data.sources import load
    >>> found = constant_scores(load(Iris(name="iris"), 0, Path()))
    >>> {name: round(score, 3) for name, score in found.items()}
    {'constant_loss': 1.099, 'constant_acc': 0.333, 'constant_balanced_acc': 0.333}
    """
    train, val = split.train.y, split.val.y
    if not len(val):
        return {}
    score = score_of(split.task).constant_column
    if split.task == "classification":
        shares = np.bincount(train.astype(np.int64), minlength=split.classes) / len(train)
        with np.errstate(divide="ignore"):  # label noise may leave a class without a label
            loss = float(-np.log(shares[val.astype(np.int64)]).mean())
        found = val == shares.argmax()
        balanced = float(found.any() / len(np.unique(val)))
        return {
            LOSS.constant_column: loss,
            score: float(found.mean()),
            METRICS["balanced_acc"].constant_column: balanced,
        }
    squares = float(((val - train.mean()) ** 2).mean())
    spread = float(((val - val.mean()) ** 2).mean())
    r2 = {score: 1 - squares / spread} if spread > 0 else {}
    return {LOSS.constant_column: squares} | r2
