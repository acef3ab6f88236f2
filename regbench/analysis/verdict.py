"""One word a cell, by one table of decisions: `RULES`, the first that holds.

What is shown is shown by a 95% interval, and where a cell is compared with others, by the adjusted
p as well. No word rests on what is merely not shown: where a rule needs evidence that there is
none of, the next one is asked. Cells are compared only within one data set, task, noise and
model.

A cell with numbers of one seed has no word, unless the others diverged: there is nothing to judge
chance by.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from regbench.analysis.by_seed import BySeed
from regbench.analysis.cell_gap import COLLAPSED, CellGap
from regbench.analysis.edges import edges
from regbench.analysis.evidence import Evidence, behind_best, gathered
from regbench.vocabulary.words import counted

# From this share of diverged runs on, what is left says little about the cell.
_DIVERGED = 0.25
_WRONG_LABELS = 10
_BY_HEART = 0.5
# Accuracy or R^2: less than this is called none, or no loss.
_SCORE_MARGIN = 0.02
# A network that says one class of all rows may have this share less of the constant's loss: its
# biases are other shares than those of the classes.
_OF_BIASES = 0.01
# The share of the narrowing that a regularized cell may at most have cost in validation loss.
_COST = 0.1


@dataclass(frozen=True)
class Rule:
    """A word, when it is said, and what is said with it.

    Attributes:
        condition: in words, for the docs.
        needs: columns of runs.csv without which the word is never given.
    """

    word: str
    condition: str
    needs: tuple[str, ...]
    holds: Callable[[Evidence], bool]
    shows: Callable[[Evidence], str]


def _no_signal(e: Evidence) -> bool:
    return e.without_signal_in_loss and bool(e.score_gains) and not e.signal_in


def _collapsed(e: Evidence) -> bool:
    """One class for all rows is no accuracy, whatever the shares of the part make of it."""
    if not e.mostly_collapsed or e.loss_gain is None or not e.score_gains:
        return False
    if e.score.name == "r2" and e.collapsed == 1:  # a constant number, whatever its loss
        return True
    gain = e.loss_gain.mean or 0.0
    constant = gain + (e.row.metrics["val_loss"].mean or 0.0)
    ranks = "auc" in e.score_gains and e.score_gains["auc"].above
    return not ranks and gain <= _OF_BIASES * constant


def _of_one(e: Evidence) -> str:
    """Of runs that are not all collapsed, their number was said before."""
    what = "class" if e.score.name == "acc" else "number"
    said = f"all validation rows are given the same {what}; " if e.collapsed == 1 else ""
    return said + ", ".join(e.against_constant())


def _overconfident(e: Evidence) -> bool:
    """More seeds would not show a loss that is no better in the mean: no lack of power alone.

    By R^2 there is no other answer than by the squared error that it is made of.
    """
    no_better = e.loss_gain is not None and (e.loss_gain.mean or 0.0) <= 0
    return no_better and bool(e.signal_in) and e.score.name == "acc"


def _diverged(e: Evidence) -> bool:
    row = e.row
    return row.n_diverged > 0 and row.n_diverged >= _DIVERGED * (row.n + row.n_failed)


def _memorises(e: Evidence) -> bool:
    by_heart = e.row.metrics.get("noisy_rows_acc")
    if by_heart is None or by_heart.low is None or e.wrong_labels is None:
        return False
    return e.wrong_labels >= _WRONG_LABELS and by_heart.low > _BY_HEART


def _over_regularized(e: Evidence) -> bool:
    loss, score = e.row.delta("val_loss"), e.row.delta(f"val_{e.score.name}")
    return e.narrows and (loss.side > 0 or score.side < 0)


def _regularized(e: Evidence) -> bool:
    cost, score = e.row.delta("val_loss").interval, e.row.delta(f"val_{e.score.name}").interval
    narrowing = -(e.row.gap_delta.interval.mean or 0.0)
    cheap = cost.high is not None and cost.high <= _COST * narrowing
    return e.narrows and cheap and (score.mean is None or score.mean >= -_SCORE_MARGIN)


def _loss_only(e: Evidence) -> bool:
    return e.row.gap.above and e.score_gap.high is not None and e.score_gap.high <= _SCORE_MARGIN


def _gap_to_the_best(e: Evidence) -> str:
    if e.behind is None:
        return ""
    found = ", ".join(f"{name} {higher.text('+.4g')}" for name, higher in e.behind.higher.items())
    why = f": {why_below(e.row)}" if e.row.gap.below else ""
    return f"{found} against {e.behind.best}; {e.gaps()}{why}"


def why_below(row: CellGap) -> str:
    """Why a network may do better on data that it has not seen."""
    wrong = row.metrics.get("flip_rate")
    if wrong is not None and (wrong.mean or 0.0) > 0:
        share = f"{100 * (wrong.mean or 0.0):.1f}%"
        return f"{share} of the training labels are wrong, and count against training alone"
    return (
        "training is the harder part here, by what is done to it alone (noise, dropout, "
        "augmentation, smoothing) or by the rows that the split gave it"
    )


_CONSTANT = ("constant_loss", "constant_acc | constant_r2")
_DELTA = ("gap_loss", "val_loss", "val_acc | val_r2")

RULES = (
    Rule(
        "diverged",
        "a quarter of its runs or more diverged",
        ("status",),
        _diverged,
        lambda e: f"{counted(e.row.n, 'run')} with numbers",
    ),
    Rule(
        COLLAPSED,
        "in every run, or shown to be so in most: one class for all validation rows (ten or more), "
        "a loss that is at most 1% below the constant prediction's, and no AUC shown above .5; or "
        "predictions that spread by less than 1e-6",
        (*_CONSTANT, "collapsed"),
        _collapsed,
        _of_one,
    ),
    Rule(
        "no signal shown",
        "neither validation loss nor accuracy (R^2; balanced accuracy, AUC where asked for) is "
        "shown to be better than the constant prediction's",
        _CONSTANT,
        _no_signal,
        lambda e: f"against the constant prediction {', '.join(e.against_constant())}; {e.gaps()}",
    ),
    Rule(
        "overconfident",
        "the mean validation loss is no better than the constant prediction's, a score is shown to "
        "be; the gap stands",
        _CONSTANT,
        _overconfident,
        lambda e: f"against the constant prediction {', '.join(e.against_constant())}; {e.gaps()}",
    ),
    Rule(
        "memorises",
        "the interval of noisy_rows_acc lies above .5, and its runs have ten wrong training labels "
        "or more together",
        ("noisy_rows_acc", "wrong_labels"),
        _memorises,
        lambda e: (
            f"noisy_rows_acc {e.row.metrics['noisy_rows_acc'].text()} "
            f"on {e.wrong_labels or 0:.0f} wrong labels"
        ),
    ),
    Rule(
        "over-regularized",
        "the gap in loss is shown to be smaller than the baseline's and nearer to 0; validation "
        "loss is shown to be higher, or accuracy (R^2) to be lower",
        _DELTA,
        _over_regularized,
        Evidence.changes,
    ),
    Rule(
        "regularized",
        "the gap in loss is shown to be smaller than the baseline's and nearer to 0; the interval "
        "of the change in validation loss ends below a tenth of the narrowing, and mean accuracy "
        "(R^2) is lower by .02 at most",
        _DELTA,
        _regularized,
        Evidence.changes,
    ),
    Rule(
        "overfits in {score}",
        "the gap in accuracy (R^2) lies above 0",
        ("gap_acc | gap_r2",),
        lambda e: e.score_gap.above,
        Evidence.gaps,
    ),
    Rule(
        "overfits in loss only",
        "the gap in loss lies above 0, and the interval of that in accuracy (R^2) ends below .02",
        ("gap_loss", "gap_acc | gap_r2"),
        _loss_only,
        Evidence.gaps,
    ),
    Rule(
        "overfits in loss",
        "the gap in loss lies above 0; that in accuracy (R^2) is not decided",
        ("gap_loss",),
        lambda e: e.row.gap.above,
        Evidence.gaps,
    ),
    Rule(
        "underfits",
        "training and validation loss are both shown to be higher than those of the cell of least "
        "validation loss with the same data set, task, noise and model that has learned something",
        ("train_loss", "val_loss"),
        lambda e: e.behind is not None and e.behind.shown,
        _gap_to_the_best,
    ),
    Rule(
        "negative gap",
        "the gap in loss, or in accuracy (R^2), lies below 0; the evidence says why that can be",
        ("gap_loss",),
        lambda e: e.row.gap.below or e.score_gap.below,
        lambda e: f"{e.gaps()}: {why_below(e.row)}",
    ),
    Rule(
        "no gap shown",
        "none of these, where there is a validation part",
        ("gap_loss",),
        lambda e: e.row.gap.mean is not None,
        Evidence.gaps,
    ),
)
# Said beside the word where a cell is without signal in its loss: the gap stands all the same.
_STANDS = ("memorises", "overfits in {score}", "overfits in loss only", "overfits in loss")


def verdict(evidence: Evidence) -> tuple[str, str]:
    """The word for a cell and the figures that it rests on; runs that were lost come first."""
    row = evidence.row
    lost = _lost(evidence)
    if row.n < 2 and not _diverged(evidence):
        return "", lost
    holding = [rule for rule in RULES if rule.holds(evidence)]
    if not holding:
        return "", "; ".join(filter(None, (lost, evidence.gaps())))
    first = holding[0]
    text = first.shows(evidence)
    if first.word in ("no signal shown", "overconfident"):
        also = next((rule for rule in holding if rule.word in _STANDS), None)
        text += f"; also {_word(also, evidence)}" if also else ""
        if also and also.word == "memorises":
            text += f": {also.shows(evidence)}"
    return _word(first, evidence), f"{lost}; {text}" if lost else text


def _word(rule: Rule, evidence: Evidence) -> str:
    return rule.word.format(score=evidence.score.title)


def _lost(e: Evidence) -> str:
    """`2 of 5 runs diverged, 1 of 3 runs collapsed`: what a mean over the others would hide."""
    row = e.row
    planned, counts = row.n + row.n_failed, (row.n_diverged, row.n_failed - row.n_diverged)
    kinds = [(n, planned, word) for n, word in zip(counts, ("diverged", "failed"), strict=True)]
    kinds.append((round((e.collapsed or 0) * row.n) % max(row.n, 1), row.n, "collapsed"))
    return ", ".join(f"{n} of {counted(total, 'run')} {word}" for n, total, word in kinds if n)


def with_verdicts(table: Sequence[CellGap], by_seed: BySeed) -> list[CellGap]:
    """The table with each cell's verdict, its evidence and the grid edges it is best on."""
    alone = list(gathered(table, by_seed))
    # Which cell is the best depends on which have collapsed.
    behind = behind_best([replace(e.row, verdict=verdict(e)[0]) for e in alone], by_seed)
    whole = [replace(e, behind=behind.get(e.row.cell)) for e in alone]
    found = [(evidence, *verdict(evidence)) for evidence in whole]
    on_edges = edges([replace(evidence.row, verdict=word) for evidence, word, _ in found])
    judged = []
    for evidence, word, text in found:
        row = evidence.row
        edge = tuple(on_edges.get(row.cell, ()))
        last = "; best on the grid's edge: " + ", ".join(map(str, edge)) if edge and word else ""
        row = replace(row, narrows=evidence.narrows, signal_in=evidence.signal_in)
        judged.append(replace(row, verdict=word, evidence=text + last, edges=edge))
    return judged
