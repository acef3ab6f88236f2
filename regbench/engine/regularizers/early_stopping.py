"""Early stopping as a reading: rules that watch a trajectory and choose an epoch on it.

A rule sees the scored epochs in order, epoch e being after e passes over the data; epoch 0, the
initial weights, is seen by no rule. It never changes the trajectory, so many rules can watch one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import inf, nan
from typing import Protocol

from regbench.config.blocks.regularizer import EarlyStopping
from regbench.vocabulary.metrics import worse_sign


@dataclass(frozen=True)
class Observation:
    """What a rule may see of one scored epoch: plain scores in evaluation mode, no penalty.

    Attributes:
        scores: others by column, for a rule that watches one of them.
    """

    epoch: int
    train_loss: float
    val_loss: float
    scores: Mapping[str, float] = field(default_factory=dict)


class Rule(Protocol):
    """A stopping rule in progress."""

    best_epoch: int | None

    def observe(self, seen: Observation) -> bool:
        """Take in the next scored epoch; true when training would stop after it.

        `best_epoch` is that of this observation exactly if it is the best so far.
        """


class Patience:
    """Keras's EarlyStopping: stop after `patience` scored epochs without improvement.

    The first watched epoch is an improvement, and from then on a change of more than min_delta in
    the right direction; it renews the patience only if it also beats the baseline, where one is
    given. A monitor that is not a number improves nothing, and nothing improves on it.

    Source: keras/src/callbacks/early_stopping.py (Keras 3), restated.
    """

    def __init__(self, config: EarlyStopping) -> None:
        self._config = config
        self._sign = worse_sign(config.monitor)
        self._best: float | None = None
        self._wait = 0
        self.best_epoch: int | None = None

    def _monitored(self, seen: Observation) -> float:
        name = self._config.monitor
        return self._sign * seen.scores.get(name, getattr(seen, name, nan))

    def _improves(self, value: float, reference: float | None) -> bool:
        return reference is None or value + self._config.min_delta < reference

    def observe(self, seen: Observation) -> bool:
        """Take in the next scored epoch; true when training would stop after it."""
        # Keras counts epochs from 0, so its start_from_epoch s is the first to be watched.
        if seen.epoch - 1 < self._config.start_from_epoch:
            return False
        value = self._monitored(seen)
        self._wait += 1
        if self._improves(value, self._best):
            self._best, self.best_epoch = value, seen.epoch
            baseline = self._config.baseline
            if baseline is None or self._improves(value, self._sign * baseline):
                self._wait = 0
            return False
        return self._wait >= self._config.threshold


class Prechelt:
    """GL, PQ and UP of Prechelt 1998, "Early stopping - but when?", on the validation loss.

    GL(t) = 100 * (E_va(t) / min_{t' <= t} E_va(t') - 1)
    P_k(t) = 1000 * (mean(E_tr over the strip) / min(E_tr over the strip) - 1)

    gl: stop at the first t with GL(t) > gl.
    pq: at the end of a strip of k scored epochs, stop if GL(t) / P_k(t) > pq, or if P_k(t) < .1
        (training has stopped to progress).
    up: stop when the validation loss has risen from strip end to strip end `up` times in a row.
    """

    def __init__(self, config: EarlyStopping) -> None:
        self._config = config
        self._lowest = inf
        self._strip: list[float] = []
        self._rises = 0
        self._last_end = inf
        self.best_epoch: int | None = None

    def observe(self, seen: Observation) -> bool:
        """Take in the next scored epoch; true when training would stop after it."""
        if seen.val_loss < self._lowest:
            self._lowest, self.best_epoch = seen.val_loss, seen.epoch
        self._strip.append(seen.train_loss)
        end_of_strip = len(self._strip) == self._config.strip
        stop = False
        if self._config.rule == "gl":
            stop = self._generalization_loss(seen) > self._config.threshold
        elif self._config.rule == "pq" and end_of_strip:
            progress = self._progress()
            quotient = self._generalization_loss(seen) / progress if progress > 0 else inf
            stop = progress < 0.1 or quotient > self._config.threshold
        elif self._config.rule == "up" and end_of_strip:
            self._rises = self._rises + 1 if seen.val_loss > self._last_end else 0
            self._last_end = seen.val_loss
            stop = self._rises >= self._config.threshold
        if end_of_strip:
            self._strip = []
        return stop

    def _generalization_loss(self, seen: Observation) -> float:
        if self._lowest == 0:
            return inf if seen.val_loss > 0 else 0.0
        return 100 * (seen.val_loss / self._lowest - 1)

    def _progress(self) -> float:
        lowest = min(self._strip)
        if lowest == 0:
            return 0.0
        return 1000 * (sum(self._strip) / len(self._strip) / lowest - 1)


def make_rule(config: EarlyStopping) -> Rule:
    """The rule that these options describe, before its first epoch."""
    return Patience(config) if config.rule == "patience" else Prechelt(config)


@dataclass(frozen=True)
class Stop:
    """Where a rule ends a trajectory, and what it chooses on it."""

    epoch: int
    best_epoch: int | None
    fired: bool


def replay(config: EarlyStopping, trajectory: Iterable[Observation]) -> Stop:
    """What a rule does on a recorded trajectory of at least one scored epoch.

    >>> losses = [1.0, 0.8, 0.9, 0.95, 0.7]
    >>> seen = [Observation(e, 0.0, loss) for e, loss in enumerate(losses, 1)]
    >>> replay(EarlyStopping(patience=2), seen)
    Stop(epoch=4, best_epoch=2, fired=True)
    """
    rule, epoch = make_rule(config), 0
    for seen in trajectory:
        epoch = seen.epoch
        if rule.observe(seen):
            return Stop(epoch, rule.best_epoch, fired=True)
    return Stop(epoch, rule.best_epoch, fired=False)
