"""The answer in words, from one place for terminal, Markdown and page.

How large the gap is; what narrows it, by how much and how sure; what that costs or gains on
validation, and which cell has the least validation loss; the test score of that choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan, nan

from regbench.analysis.cell_gap import COLLAPSED, NO_SIGNAL, CellGap, Delta
from regbench.analysis.lost import lost
from regbench.analysis.story import Move, Story, stories
from regbench.analysis.verdict import why_below
from regbench.results.runs import Runs
from regbench.vocabulary.metrics import LOSS, METRICS, score_among

_MOST_NAMES = 5
_MOST_STORIES = 2
_LR = "optimizer.lr"
_DIGITS = ".3g"
_COLLAPSED = "collapsed to a constant prediction"


@dataclass(frozen=True)
class Answer:
    """What a table says, in sentences.

    Attributes:
        lost: runs that diverged or failed, values that are no numbers: to be said first.
        paragraphs: the gap and what moves it; what that does to the loss on unseen data, the best
            cell and its test score; what a reader would ask next. Of two data sets, one for each.
    """

    lost: tuple[str, ...]
    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        """All but what is lost, which stands before the table."""
        return " ".join(self.paragraphs)


def answer(runs: Runs, table: Sequence[CellGap]) -> Answer:
    """What regularization did to the gap in loss; honest where nothing is decided.

    Of several baselines it speaks of that with the largest gap. Several data sets are never
    compared: two are told one after the other, of more the one with the largest gap.
    """
    missing = tuple(f"{sentence}." for sentence in lost(runs))
    return Answer(missing, tuple(part for part in _paragraphs(runs, table) if part))


def _paragraphs(runs: Runs, table: Sequence[CellGap]) -> list[str]:
    if not table:
        return ["No cell is selected." if runs.rows else "There are no runs yet."]
    told = stories(table)
    if not told:
        return [f"There is no gap to speak of: {_why_no_gap(runs, table)}."]
    if len(told) <= _MOST_STORIES:
        parts = [[_gap_sentences(s), _validation_sentences(s), _one_rate(s)] for s in told]
        if len(told) == 1:
            return parts[0]
        both = zip(told, parts, strict=True)
        return [_after(story.label, " ".join(filter(None, own))) for story, own in both]
    if not any(story.baseline for story in told):
        rows = _by_gap([row for story in told for row in story.rows])
        ends = [f"{_mean(row)} in {row.cell}" for row in (rows[0], rows[-1])]
        return [
            f"Over {len(told)} data sets, which are not compared, the gap in loss (validation less "
            f"training) is from {ends[0]} to {ends[1]}."
        ]
    most = max(told, key=_largest_gap)
    rest = f"{len(told) - 1} other data sets, not compared with this one, stand in the table."
    return [
        _after(most.label, _gap_sentences(most)),
        *(_validation_sentences(most), _one_rate(most), rest),
    ]


def _why_no_gap(runs: Runs, table: Sequence[CellGap]) -> str:
    own = [row for row in runs.rows if row.cell in {each.cell for each in table}]
    parts = [[row.metrics.get(f"{part}_loss", nan) for part in ("train", "val")] for row in own]
    if any(row.ok and not any(map(isnan, both)) for row, both in zip(own, parts, strict=True)):
        if any(row.is_lost and row.n for row in table):
            return "too many runs of each cell were lost for the others to speak"
        return "the losses, or their difference, are too large to be numbers"
    if not any(row.ok for row in own):
        return "no run has numbers"
    return "no run has both a training and a validation loss"


def _largest_gap(story: Story) -> float:
    rows = [story.baseline] if story.baseline else story.rows
    return max(row.gap.mean or 0.0 for row in rows)


def _after(label: str, text: str) -> str:
    """
    >>> _after("dataset.noise=0.1", "In none it is 1."), _after("", "In none it is 1.")
    ('With dataset.noise=0.1: in none it is 1.', 'In none it is 1.')
    """
    return f"With {label}: {text[0].lower()}{text[1:]}" if label and text else text


# --- the gap --------------------------------------------------------------------------------------


def _gap_sentences(story: Story) -> str:
    if story.baseline is None:
        first = _without_baseline(story.learned)
        if story.collapsed and story.learned is not story.rows:
            first += f" {_listed([row.cell for row in story.collapsed])} {_COLLAPSED}."
    else:
        several = f", the largest of {story.baselines} settings without a regularizer"
        several = several if story.baselines > 1 else ""
        start = _gap(story.baseline) + several
        first = "; ".join([start, *_moves(story, story.baseline)]) + "."
    return f"{_signal(story)} {first}".strip()


def _signal(story: Story) -> str:
    """Said before the gap where it is the gap of a network that has learned nothing."""
    constant = constant_name(story.rows[0])
    if len(story.collapsed) == len(story.rows):
        which = "Every cell" if len(story.rows) > 1 else story.rows[0].cell
        return f"{which} {_COLLAPSED}."
    if story.without_signal:
        which = "No cell" if len(story.rows) > 1 else story.rows[0].cell
        negated = "is" if len(story.rows) > 1 else "is not"
        return f"{which} {negated} shown to be better than {constant}."
    base = story.baseline
    if base is not None and base.verdict == COLLAPSED:
        return f"{base.cell} {_COLLAPSED}."
    if base is not None and base.verdict in NO_SIGNAL:
        return f"{base.cell} is not shown to be better than {constant}."
    return ""


def _moves(story: Story, baseline: CellGap) -> list[str]:
    parts = _one_way(story.narrowing, "narrow", baseline)
    fallen = [move for move in story.hollow if move.cell.verdict == COLLAPSED]
    if fallen:
        parts.append(f"{_named(fallen)} {_verb(fallen, 'narrow')} it, but {_COLLAPSED}")
    if hollow := [move for move in story.hollow if move not in fallen]:
        are = "is" if len(hollow) == 1 else "are"
        narrow = f"{_named(hollow)} {_verb(hollow, 'narrow')} it"
        parts.append(f"{narrow}, but {are} not shown to be better than {constant_name(baseline)}")
    crossing = [m for m in story.lowering if story.overfits and _crosses(m)]
    if crossing:
        taken = f"{_named(crossing)} {_verb(crossing, 'take')} it below 0"
        parts.append(f"{taken}, to {crossing[0].cell.gap.text(_DIGITS)}, which is no gain")
    parts += _one_way([m for m in story.lowering if m not in crossing], "lower", baseline)
    parts += _one_way(story.raising, "widen" if story.overfits else "raise", baseline)
    if not story.undecided:
        return parts
    if parts:
        families = _listed([move.family for move in story.undecided])
        return [*parts, f"of {families} these seeds cannot tell"]
    if max(row.n for row in story.rows) == 1:
        return ["with one seed no change of it can be told from chance"]
    known = ""
    if story.detectable is not None:
        least, move = story.detectable
        others = f" in {move.name}, in others a larger one" if len(story.undecided) > 1 else ""
        known = f" (these seeds would show one of {least:.2g}{others}, four times in five)"
    return [f"no change of it by a regularizer is shown{known}"]


def _one_way(moves: Sequence[Move], verb: str, baseline: CellGap) -> list[str]:
    """All that move the gap one way, none left out for another."""
    if not moves:
        return []
    first, *more = moves
    most = " most" if more else ""
    found = [f"{first.name} {_verb([first], verb)} it{most}, {_by(first, baseline)}"]
    if more:
        found.append(f"so {_verb(more, 'do')} {_named(more)}")
    return found


def _crosses(move: Move) -> bool:
    return (move.cell.gap.mean or 0.0) < 0


def _verb(moves: Sequence[Move], verb: str) -> str:
    if len(moves) > 1:
        return verb
    return "does" if verb == "do" else f"{verb}s"


def _without_baseline(rows: Sequence[CellGap]) -> str:
    least, *_, most = [*_by_gap(rows), _by_gap(rows)[-1]]
    if len(rows) == 1:
        return _gap(least) + "."
    if _mean(least) == _mean(most):
        others = most.cell if len(rows) == 2 else f"the other {len(rows) - 1} cells"
        return f"{_gap(least)}; to three digits it is the same in {others}."
    return f"{_gap(least)}, the smallest; in {most.cell} it is {_mean(most)}, the largest."


def _by_gap(rows: Sequence[CellGap]) -> list[CellGap]:
    return sorted(rows, key=lambda row: row.gap.mean or 0.0)


def _gap(row: CellGap) -> str:
    found = row.gap
    over = f"over {found.n} seeds" if row.over == "seeds" else f"for other rows, {found.n} seeds"
    over = over if found.n > 1 else "with one seed"
    start = f"In {row.cell} the gap in loss (validation less training) is {_mean(row)}"
    if found.low is None or found.high is None:
        return f"{start} {over}"
    side = ""
    if found.below:
        side = f", below 0: {why_below(row)}"
    elif not found.above:
        side = ", not shown to differ from 0"
    return f"{start} (95% interval {found.low:.3g} to {found.high:.3g} {over}){side}"


def _mean(row: CellGap) -> str:
    mean = row.gap.mean
    return "unknown" if mean is None else f"{mean:.3g}"


def _by(move: Move, baseline: CellGap) -> str:
    """By how much a cell moves the gap, and how sure that is."""
    found = move.cell.gap_delta.interval
    mean, low, high = (abs(value or 0.0) for value in (found.mean, found.low, found.high))
    percent = share(move.cell, baseline)
    percent = f" or {percent}" if percent else ""
    return f"by {mean:.3g}{percent} ({min(low, high):.3g} to {max(low, high):.3g})"


def share(row: CellGap, baseline: CellGap) -> str:
    """The change as a share of the baseline's gap; empty where either gap's interval holds 0.

    A gap that crosses 0 has no share that means anything.
    """
    base, own = baseline.gap, row.gap
    mean = row.gap_delta.interval.mean
    if not (base.above and own.above) or mean is None or not base.mean:
        return ""
    return f"{100 * abs(mean) / base.mean:.0f}%"


# --- validation, and test -------------------------------------------------------------------------


def _validation_sentences(story: Story) -> str:
    best = story.best
    if best is None:
        return ""
    parts = []
    if story.narrowing and story.narrowing[0].cell is not best:
        parts.append(_cost(story.narrowing[0].cell))
    found = best.metrics["val_loss"].within(LOSS.bounds)
    where = f"is least in {best.cell}: " if len(story.rows) > 1 else "is "
    if story.passes_over:
        where = f"is, of the cells that have not collapsed, least in {best.cell}: "
    start = f"Validation loss {where}{found.text(_DIGITS)}"
    delta = best.delta("val_loss")
    if delta.interval.mean is not None:
        start += f", {_against(delta)} in {best.baseline}{_sureness(delta)}"
    parts.append(f"{start}{_signal_words(best)}.")
    parts.append(_test(best, len(story.rows) > 1))
    return " ".join(part for part in parts if part)


def _cost(row: CellGap) -> str:
    """What the narrowest gap costs or gains in validation loss."""
    delta = row.delta("val_loss")
    if delta.interval.mean is None:
        return ""
    less = f"{_against(delta)} in {row.baseline}{_sureness(delta)}"
    return f"Validation loss in {row.cell} is {less}{_signal_words(row)}."


def _against(delta: Delta) -> str:
    mean = delta.interval.mean or 0.0
    return f"{abs(mean):.3g} {'less' if mean < 0 else 'more'} than"


def _sureness(delta: Delta) -> str:
    found = delta.interval
    if found.low is None or found.high is None:
        return ""
    if delta.side:
        ends = sorted((abs(found.low), abs(found.high)))
        return f" ({ends[0]:.3g} to {ends[1]:.3g})"
    several = found.above or found.below
    why = "not shown among so many comparisons" if several else "which chance could have done"
    return f" (change {found.low:+.3g} to {found.high:+.3g}), {why}"


def _signal_words(row: CellGap) -> str:
    """What is to be said of a cell that is named as the best, but is not shown to have learned."""
    constant = constant_name(row)
    if row.verdict == COLLAPSED:
        return f", and it {_COLLAPSED}"
    if row.verdict in NO_SIGNAL:
        return f", not shown to be better than {constant}"
    if row.verdict == "overconfident":
        better = [METRICS[name].title for name in row.signal_in]
        scores = f"{_listed(better)} {'is' if len(better) == 1 else 'are'}"
        return f", not shown to be better than {constant}, though its {scores} (overconfident)"
    return ""


def constant_name(row: CellGap) -> str:
    """The constant prediction, and its loss where the table has it."""
    what = "the class shares" if score_among(_known(row)).name == "acc" else "the mean"
    loss = row.metrics.get(LOSS.constant_column)
    figure = "" if loss is None or loss.mean is None else f" (loss {loss.mean:.3g})"
    return f"predicting {what}{figure}"


def _known(row: CellGap) -> list[str]:
    return [name for name, found in row.metrics.items() if found.mean is not None]


def _test(row: CellGap, chosen: bool) -> str:
    """The score of the choice on data that took no part in it."""
    loss = row.metrics.get("test_loss")
    if loss is None or loss.mean is None:
        return ""
    kind = score_among(_known(row))
    score = row.metrics.get(f"test_{kind.name}")
    more = ""
    if score is not None and score.mean is not None:
        more = f" and {kind.title} {score.within(kind.bounds).text(_DIGITS)}"
    whose = "that choice has" if chosen else "it has"
    alone = ", over trainings alone: all folds have one test part" if row.one_test else ""
    return f"On the test part {whose} loss {loss.within(LOSS.bounds).text(_DIGITS)}{more}{alone}."


# --- notes ----------------------------------------------------------------------------------------


def _one_rate(story: Story) -> str:
    """Strengths compared at one learning rate, which may suit one of them."""
    best = story.best
    if best is None or not best.edges or _LR in best.settings or best.verdict in NO_SIGNAL:
        return ""
    return (
        f"{best.cell} stands on the grid's edge ({best.edges[0]}), and all cells have one learning "
        f"rate: sweep {_LR}, too, before one is called better."
    )


def _named(moves: Sequence[Move]) -> str:
    return _listed([move.name for move in moves])


def _listed(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMES:
        names = [*names[: _MOST_NAMES - 1], f"{len(names) - _MOST_NAMES + 1} more"]
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
