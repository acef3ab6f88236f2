"""The runs that read one trajectory: who has stopped, what each has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import nan

import numpy as np

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.member import Array, Member, Reading, State
from regbench.engine.regularizers.early_stopping import Observation, make_rule
from regbench.engine.regularizers.regularizer import averaging

# The weights of an epoch, or of an average by its key as they are after it.
StateSource = Callable[[str], State]


class _Reader:
    """One run: its rule and its average, and what it has seen so far of the trajectory."""

    def __init__(self, run_id: str, regularizer: Regularizer, epochs: int) -> None:
        self.run_id = run_id
        self.config = regularizer.early_stopping
        found = averaging(regularizer, epochs)
        self.average = found[0] if found else ""
        self.rule = None if self.config is None else make_rule(self.config)
        self.stopped_at: int | None = None
        self.kept_state: State = {}

    def restores(self) -> bool:
        return self.config is not None and self.config.restore_best_weights


class Readers:
    """All readings of one trajectory, fed one epoch at a time.

    The trajectory may end as soon as `done`: no reading can change any more. What a run reports
    never depends on epochs after its own stop, so readings cannot change each other.
    """

    def __init__(self, member: Member) -> None:
        self._epochs = member.setting.training.epochs
        self._readers = [_Reader(*each, self._epochs) for each in member.readings.items()]
        self._saves = member.setting.training.save_weights or (
            member.setting.training.save_predictions
        )
        self._diverged_at: int | None = None
        rules = any(reader.rule is not None for reader in self._readers)
        # Before this epoch nothing that is finite is decided, and need not be seen.
        self.first_decision = min(1, self._epochs) if rules else self._epochs

    @property
    def done(self) -> bool:
        """Whether every reading is decided."""
        return self._diverged_at is not None or all(r.stopped_at for r in self._readers)

    def diverge(self, epoch: int) -> None:
        """The trajectory is not finite from this epoch on."""
        self._diverged_at = epoch

    def observe(self, epoch: int, scores: Mapping[str, float], state: StateSource) -> None:
        """Take in a scored epoch.

        Args:
            epoch: from 1, or the single epoch 0.
            scores: by column name.
            state: gives weights, copied; asked only where a run must keep them.
        """
        seen = Observation(epoch, scores["train_loss"], scores.get("val_loss", nan), scores)
        copies: dict[str, State] = {}

        def keep(reader: _Reader) -> None:
            if self._saves or reader.average:
                if reader.average not in copies:
                    copies[reader.average] = state(reader.average)
                reader.kept_state = copies[reader.average]

        for reader in self._readers:
            if reader.stopped_at:
                continue
            best = None
            if reader.rule is not None and epoch > 0:
                if reader.rule.observe(seen):
                    reader.stopped_at = epoch
                best = reader.rule.best_epoch if reader.restores() else None
                if best == epoch:
                    keep(reader)
            if epoch == self._epochs and reader.stopped_at is None:
                reader.stopped_at = epoch
            if reader.stopped_at is not None and best is None:
                keep(reader)

    def kept(self) -> dict[str, State]:
        """The weights that must not be lost, by run id."""
        return {each.run_id: each.kept_state for each in self._readers if each.kept_state}

    def give_back(self, kept: Mapping[str, State]) -> None:
        """Take what `kept` gave."""
        for reader in self._readers:
            reader.kept_state = kept.get(reader.run_id, {})

    def readings(self, curves: Mapping[str, Array]) -> list[Reading]:
        """What each run reports, once done; curves have one value an epoch so far."""
        return [self._reading(reader, curves) for reader in self._readers]

    def _reading(self, reader: _Reader, curves: Mapping[str, Array]) -> Reading:
        diverged = reader.stopped_at is None
        epochs_run = self._diverged_at if reader.stopped_at is None else reader.stopped_at
        assert epochs_run is not None
        best = reader.rule.best_epoch if reader.rule else _least(curves, epochs_run)
        if diverged:
            return Reading(reader.run_id, "diverged", epochs_run, best, None)
        epoch = best if reader.restores() and best is not None else epochs_run
        state = reader.kept_state
        return Reading(reader.run_id, "ok", epochs_run, best, epoch, state=state)


def _least(curves: Mapping[str, Array], epochs_run: int) -> int | None:
    """The epoch of least validation loss; None without validation."""
    if epochs_run == 0:
        return 0
    losses = curves.get("val_loss")
    if losses is None or not np.isfinite(losses[:epochs_run]).any():
        return None
    return int(np.nanargmin(np.where(np.isfinite(losses), losses, np.nan)[:epochs_run])) + 1
