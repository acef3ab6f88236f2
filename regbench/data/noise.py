"""Label noise: wrong labels on purpose, on training rows only."""

from __future__ import annotations

import numpy as np

from regbench.data.table import Ints
from regbench.streams import Purpose, uniform

# Streams within Purpose.LABEL_NOISE.
_WHETHER, _WHICH = 0, 1


def noisy_labels(labels: Ints, classes: int, q: float, seed: int) -> Ints:
    """(N,) labels of which each is redrawn with probability q, uniformly over all C classes.

    A redrawn label may come out as it was, so q (C-1)/C of them change on average. Both draws are
    keyed by row: a higher q changes all that a lower one changes, and to the same classes.

    >>> noisy_labels(np.zeros(8, dtype=np.int64), classes=3, q=0.5, seed=1).tolist()
    [1, 0, 1, 0, 0, 0, 0, 0]
    """
    rows = len(labels)
    redraw = uniform(seed, Purpose.LABEL_NOISE, rows, layer=_WHETHER) < q
    # floor(u C) < C, also after rounding, because u <= 1 - 2**-53.
    drawn = (uniform(seed, Purpose.LABEL_NOISE, rows, layer=_WHICH) * classes).astype(np.int64)
    return np.where(redraw, drawn, labels)
