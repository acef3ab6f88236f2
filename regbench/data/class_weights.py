"""What each class's training examples count for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from regbench.config.messages import did_you_mean
from regbench.data.table import Floats, Split
from regbench.errors import BadStudy, Problem


def class_weights(asked: Literal["balanced"] | Mapping[str, float], split: Split) -> Floats:
    """(C,) factors of the examples' losses.

    balanced: n / (C n_c), n_c being the training labels of class c as given; 0 where it has none.
    A class that a mapping does not name has 1, as in Keras.

    Source: King & Zeng 2001; scikit-learn's `compute_class_weight`; Keras's `class_weight`.
    Raises:
        BadStudy: the data have no class of a name that the mapping has, or it leaves no training
            example any weight.

    >>> from pathlib import Path
    >>> from regbench.config.blocks.bundled import Iris
    >>> from regbench.data.sources import load
    >>> split = load(Iris(name="iris"), 0, Path())
    >>> class_weights("balanced", split).tolist(), class_weights({"setosa": 2.0}, split).tolist()
    ([1.0, 1.0, 1.0], [2.0, 1.0, 1.0])
    """
    if asked == "balanced":
        counts = np.bincount(split.train.y.astype(np.int64), minlength=split.classes)
        with np.errstate(divide="ignore"):
            weights = len(split.train) / (split.classes * counts)
        return np.where(counts > 0, weights, 0.0)
    assert isinstance(asked, Mapping)
    for name in asked:
        if name not in split.class_names:
            listed = ", ".join(split.class_names[:12])
            hint = did_you_mean(name, split.class_names) or f"; there are {listed}"
            raise BadStudy(
                Problem(f"no class is called {name!r}{hint}", key="training.class_weight")
            )
    found = np.array([asked.get(name, 1.0) for name in split.class_names])
    if not found[split.train.y.astype(np.int64)].any():
        text = "gives every class of the training part weight 0: nothing would be learned"
        raise BadStudy(Problem(text, key="training.class_weight"))
    return found
