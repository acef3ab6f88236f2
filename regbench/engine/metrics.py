"""The metrics that a study may ask for: each one function of what a part's examples were given.

All of a part's outputs are looked at together, in float64, every run by itself: no sum goes over
runs or in an order that depends on how many there are, and whatever is counted is counted in
integers. So a run's numbers are the same whatever stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

import torch
from torch import Tensor

ECE_BINS = 15
# Elements of outputs that are looked at together: a bound on memory, which moves no bit.
ELEMENTS_AT_ONCE = 1 << 22


class Outputs:
    """What R runs make of the n examples of a part.

    Attributes:
        outputs: (R, C, n) float64 logits; of a regression (R, 1, n) predictions as trained on.
        y: (R, n) class numbers; of a regression float64 targets as trained on.
        unit: (R,) of a regression: by what to multiply for the target's own units.
    """

    def __init__(self, outputs: Tensor, y: Tensor, unit: Tensor) -> None:
        self.outputs, self.y, self.unit = outputs, y, unit
        self.runs, self.classes, self.size = outputs.shape

    @cached_property
    def probabilities(self) -> Tensor:
        """(R, C, n) by softmax."""
        return torch.softmax(self.outputs, 1)

    @cached_property
    def choice(self) -> Tensor:
        """(R, n) the class of the largest output, the first of several."""
        return self.outputs.argmax(1)

    @cached_property
    def right(self) -> Tensor:
        """(R, n) 1.0 where that is y, else 0.0."""
        return (self.choice == self.y).double()

    def count(self, classes: Tensor, weights: Tensor | None = None) -> Tensor:
        """(R, C) how many of (R, n) class numbers are each class, those with weight 0 left out."""
        ones = torch.ones_like(classes) if weights is None else weights.long()
        zeros = classes.new_zeros(self.runs, self.classes)
        return zeros.scatter_add_(1, classes, ones).double()

    @cached_property
    def rows(self) -> Tensor:
        """(R, C) examples of each class."""
        return self.count(self.y)

    @cached_property
    def hits(self) -> Tensor:
        """(R, C) examples of each class that were found."""
        return self.count(self.y, self.right)

    @cached_property
    def error(self) -> Tensor:
        """(R, n) prediction less target in the target's own units."""
        return (self.outputs[:, 0] - self.y) * self.unit.unsqueeze(1)


def balanced_acc(of: Outputs) -> Tensor:
    """The mean over the classes that the part has of the share found; Brodersen et al. 2010."""
    recall = torch.where(of.rows > 0, of.hits / of.rows, 0.0)
    return recall.sum(1) / (of.rows > 0).sum(1)


def f1(of: Outputs) -> Tensor:
    """2 hits / (rows + choices), 0 / 0 being 0, the mean over all C classes."""
    both = of.rows + of.count(of.choice)
    return torch.where(both > 0, 2 * of.hits / both, 0.0).sum(1) / of.classes


def auc(of: Outputs) -> Tensor:
    """The chance that an example of a class is ranked above one of another, ties counting half.

    (sum of the ranks of the n_1 examples - n_1 (n_1 + 1) / 2) / (n_1 n_0): two classes are ranked
    by the difference of their logits (probabilities near 1 tie), more by each class's probability
    against the rest, and the mean over classes is taken. Not a number where a class is missing.

    Source: Mann & Whitney 1947; Hanley & McNeil 1982.
    """
    if of.classes == 2:
        score = (of.outputs[:, 1] - of.outputs[:, 0]).unsqueeze(1)
        classes = [1]
    else:
        score, classes = of.probabilities, list(range(of.classes))
    areas = []
    for place, c in enumerate(classes):
        ranked, order = score[:, place].sort(1)
        ranked = ranked.contiguous()
        # Twice the rank, from 1, of each example, which is the mean over those that tie with it.
        ends = [torch.searchsorted(ranked, ranked, right=right) for right in (False, True)]
        twice = ends[0] + ends[1] + 1
        ones = of.rows[:, c]
        rank_sum = (twice * (of.y == c).gather(1, order)).sum(1).double() / 2
        above = rank_sum - ones * (ones + 1) / 2
        areas.append(above / (ones * (of.size - ones)))
    total = areas[0]
    for area in areas[1:]:
        total = total + area
    return total / len(areas)


def brier(of: Outputs) -> Tensor:
    """The mean over examples of sum_c (p_c - [c = y])^2; half of it for two classes; Brier 1950."""
    squares = of.probabilities.square()
    of_y = of.probabilities.gather(1, of.y.unsqueeze(1)).squeeze(1)
    # (p_y - 1)^2 stands in the place of p_y^2.
    squares.scatter_(1, of.y.unsqueeze(1), (of_y - 1).square().unsqueeze(1))
    total = squares[:, 0].sum(1)
    for c in range(1, of.classes):
        total = total + squares[:, c].sum(1)
    return total / of.size / (2 if of.classes == 2 else 1)


def ece(of: Outputs) -> Tensor:
    """sum over bins of (share of the examples in it) |accuracy - mean confidence|.

    Confidence is the largest probability; bin b of B = 15 holds what lies in ((b - 1) / B, b / B].

    Source: Naeini et al. 2015; Guo et al. 2017, eq. 3.
    """
    confidence = of.probabilities.amax(1)
    edges = torch.arange(1, ECE_BINS, device=confidence.device).double() / ECE_BINS
    bins = torch.bucketize(confidence, edges)
    error = confidence.new_zeros(of.runs)
    for b in range(ECE_BINS):
        inside = (bins == b).double()
        error = error + ((of.right * inside).sum(1) - (confidence * inside).sum(1)).abs()
    return error / of.size


def mae(of: Outputs) -> Tensor:
    """The mean of |prediction - target|, in the target's own units."""
    return of.error.abs().sum(1) / of.size


def rmse(of: Outputs) -> Tensor:
    """The root of the mean of (prediction - target)^2, in the target's own units."""
    return (of.error.square().sum(1) / of.size).sqrt()


def medae(of: Outputs) -> Tensor:
    """The median of |prediction - target|, of an even number the mean of the middle two."""
    ranked = of.error.abs().sort(1).values
    return (ranked[:, (of.size - 1) // 2] + ranked[:, of.size // 2]) / 2


# One entry for each metric in `vocabulary/metrics.py` that not every study has.
SCORES: Mapping[str, Callable[[Outputs], Tensor]] = {
    "balanced_acc": balanced_acc,
    "f1": f1,
    "auc": auc,
    "brier": brier,
    "ece": ece,
    "mae": mae,
    "rmse": rmse,
    "medae": medae,
}


def slices(runs: int, elements: int) -> Iterator[slice]:
    """The runs, so many at a time that their outputs (elements of each) stay within bounds.

    >>> [part.stop for part in slices(5, 1 << 21)]
    [2, 4, 6]
    """
    most = max(1, ELEMENTS_AT_ONCE // elements)
    return (slice(start, start + most) for start in range(0, runs, most))


def scores_of(names: Sequence[str], of: Outputs) -> dict[str, Tensor]:
    """(R,) of each; not a number for a run whose outputs are not finite."""
    sound = of.outputs.isfinite().flatten(1).all(1)
    return {name: torch.where(sound, SCORES[name](of), torch.nan) for name in names}
