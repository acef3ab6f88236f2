"""What to do next, where a study's results say so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from regbench.analysis.by_seed import BySeed
from regbench.analysis.cell_gap import CellGap
from regbench.results.runs import Runs
from regbench.vocabulary.words import counted, some

_MOST_EDGES = 3
_SETTABLE = ("regularizer.", "optimizer.")
# The share of runs that were best at their last epoch, from which the whole study seems short.
_STILL_FALLING = 0.5


def hints(runs: Runs, table: Sequence[CellGap]) -> list[str]:
    """Sentences that each name what to change; none where there is nothing to say."""
    return [*_one_seed(runs), *_too_short(runs), *_beyond_the_edge(table)]


def _one_seed(runs: Runs) -> Iterator[str]:
    if runs.rows and len({row.seed for row in runs.rows}) == 1:
        yield "one seed has no interval: --seeds 5 shows how sure the numbers are"


def _too_short(runs: Runs) -> Iterator[str]:
    """Runs that went to the end, and were best there."""
    by_seed = BySeed(runs)
    if not by_seed.cells:
        return
    ran = by_seed["epochs_run"]
    longest = ran.max(initial=0, where=np.isfinite(ran))
    whole = (ran == longest) & (longest > 1)
    still = int((whole & (by_seed["best_epoch"] == longest)).sum())
    if whole.any() and still > _STILL_FALLING * whole.sum():
        yield (
            f"in {still} of {counted(int(whole.sum()), 'run')} the validation loss was least after "
            f"the last epoch: train longer (training.epochs is {longest:g})"
        )


def _beyond_the_edge(table: Sequence[CellGap]) -> Iterator[str]:
    """Values to add where the best one of an axis is its last."""
    wanted: dict[str, list[str]] = {}
    for edge in (edge for row in table for edge in row.edges):
        text = f"{edge.beyond:.2g}"
        known = wanted.setdefault(edge.key, [])
        # No rate of 1, and no more data, where there is none.
        sensible = edge.beyond > 0 and not ("dropout" in edge.key and edge.beyond >= 1)
        if sensible and edge.key.startswith(_SETTABLE) and text not in known:
            known.append(text)
    for key, values in wanted.items():
        if values:
            yield f"the best {key} lies on the grid's edge: add {some(values, _MOST_EDGES)}"
