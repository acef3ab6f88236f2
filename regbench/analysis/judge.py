"""All that was asked of a comparison, decided.

The answer is no only with evidence, and yes only on data: what cannot be judged is a problem, never
a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, isinf, isnan

from regbench.analysis.by_seed import BySeed
from regbench.analysis.compare import Change, changes
from regbench.analysis.equality import differences
from regbench.analysis.gate import Gate, GateOutcome, decide, figures
from regbench.analysis.pairs import Pairs
from regbench.analysis.statistics import Interval, intervals
from regbench.config.speaks import Over
from regbench.vocabulary.metrics import twin, worse_sign
from regbench.vocabulary.words import counted, some

_LEFT_OUT = "--missing ignore leaves that out"


@dataclass(frozen=True)
class Rules:
    """What is asked of a comparison.

    Attributes:
        min_seeds: pairs that every cell must have.
        tolerance: relative and absolute, for plain equality of all numbers.
        missing_ok: leave out what only one study has.
        diverged_ok: the numbers of lost runs may differ.
        on_value: a cell with one pair is judged by its bare value.
        over: what the intervals speak of.
    """

    gates: tuple[Gate, ...] = ()
    min_seeds: int | None = None
    tolerance: tuple[float, float] | None = None
    missing_ok: bool = False
    diverged_ok: bool = False
    on_value: bool = False
    over: Over = "seeds"

    @property
    def asked(self) -> bool:
        """Whether there is a gate at all."""
        return bool(self.gates) or self.min_seeds is not None or self.tolerance is not None


@dataclass
class Judgement:
    """What became of all gates.

    Attributes:
        asked: whether there was a gate at all.
        failures: why the answer is no.
        problems: why there can be no answer.
        lost: what is said of lost runs and of values that are no numbers, before all else.
    """

    asked: bool = False
    outcomes: list[GateOutcome] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def undecided(self) -> list[str]:
        """The gates that the data leave open."""
        return [each.text for each in self.judged if each.decision == "UNDECIDED"]

    @property
    def judged(self) -> list[GateOutcome]:
        """All gates but those that were refused, of which the problems say all."""
        return [each for each in self.outcomes if not each.refused]

    @property
    def told(self) -> list[GateOutcome]:
        """The gates whose decision is told.

        Not the passed ones where there are problems: it would be read as the answer where there can
        be none.
        """
        gone = ("PASS",) if self.problems else ()
        return [each for each in self.judged if each.decision not in gone]

    @property
    def answer(self) -> str:
        """PASS, FAIL, UNDECIDED, NOT COMPARABLE; empty where nothing was asked."""
        if self.problems:
            return "NOT COMPARABLE"
        if not self.asked:
            return ""
        return "FAIL" if self.failures else "UNDECIDED" if self.undecided else "PASS"


def judge(pairs: Pairs, found: Mapping[str, Sequence[Change]], rules: Rules) -> Judgement:
    """Decide all gates.

    Args:
        found: the changes by metric, those of all gates among them.
    """
    result = Judgement(asked=rules.asked)
    excused = _lost(pairs, rules, result)
    gated = {gate.metric for gate in rules.gates}
    for metric in found:
        odd = pairs.without_number(metric, lost=False)
        if odd and metric not in gated:  # of whose values a gate speaks
            named = some([f"{cell} {each}" for cell, own in odd.items() for each in own])
            result.lost.append(f"{metric} is no number, and left out: {named}")
    _missing(pairs, rules, result)
    elsewhere = {gate.metric: _of_other_task(pairs, gate.metric) for gate in rules.gates}
    if rules.min_seeds is not None:
        _enough(pairs, found, rules, rules.min_seeds, elsewhere, result)
    for gate in rules.gates:
        if gate.sign == -worse_sign(gate.metric):
            way = "rise" if gate.sign > 0 else "fall"
            result.notes.append(f"{gate.text} fails on a {way}, which is for the better")
        unjudged = excused | elsewhere[gate.metric]
        _gate(pairs, gate, found[gate.metric], unjudged, rules, result)
    if rules.tolerance is not None:
        if pairs.columns_of_one and not rules.missing_ok:
            text = f"in one study only: {some(pairs.columns_of_one)}: {_LEFT_OUT}"
            result.problems.append(text)
        result.failures += differences(pairs, *rules.tolerance)
    return result


def _missing(pairs: Pairs, rules: Rules, result: Judgement) -> None:
    """Runs that only one study has."""
    for rows, where in ((pairs.only_base, "BASE"), (pairs.only_new, "NEW")):
        if rows:
            names = some([f"{row.cell} seed {row.seed}" for row in rows])
            text = f"{counted(len(rows), 'run')} in {where} only: {names}"
            if rules.missing_ok:
                result.notes.append(f"{text}: left out")
            else:
                result.problems.append(f"{text}: {_LEFT_OUT}")


def _lost(pairs: Pairs, rules: Rules, result: Judgement) -> set[str]:
    """Runs that diverged or failed, before all else; the cells that need not be judged for it.

    These have no pair of ok runs because neither study has an ok run there, or because the numbers
    of lost runs differ, which is a failure of its own or allowed. In any other cell a gate would
    pass on no data.
    """
    excused, changed, alike = [], [], []
    for cell, statuses in pairs.statuses.items():
        before, after = (Counter(status) for status in zip(*statuses, strict=True))
        differing = [
            f"{before[status]} {status} in BASE, {after[status]} in NEW"
            for status in ("diverged", "failed")
            if before[status] != after[status]
        ]
        if differing:
            changed.append(f"{cell} ({'; '.join(differing)}; of {len(statuses)})")
        elif after["ok"] < len(statuses):
            alike.append(f"{cell} ({len(statuses) - after['ok']} of {len(statuses)})")
        if ("ok", "ok") not in statuses and (differing or before["ok"] == after["ok"] == 0):
            excused.append(cell)
    if changed:
        text = f"the numbers of lost runs differ: {some(changed)}"
        if rules.asked and not rules.diverged_ok:
            result.failures.append(f"{text}: --allow-diverged accepts that")
        else:
            result.lost.append(text)
    if alike:
        result.lost.append(f"as many runs are lost in both studies, and left out: {some(alike)}")
    if excused:
        result.lost.append(f"no pair of ok runs, so not judged: {some(excused)}")
    return set(excused)


def _enough(
    pairs: Pairs,
    found: Mapping[str, Sequence[Change]],
    rules: Rules,
    least: int,
    elsewhere: Mapping[str, Collection[str]],
    result: Judgement,
) -> None:
    """Pairs in each cell: of ok runs, and of values of what is gated."""
    few = []
    for k, (cell, statuses) in enumerate(pairs.statuses.items()):
        counts = {"ok runs": statuses.count(("ok", "ok"))}
        counts |= {
            gate.metric: found[gate.metric][k].n
            for gate in rules.gates
            if cell not in elsewhere[gate.metric]
        }
        what, n = min(counts.items(), key=lambda item: item[1])
        if n < least:
            few.append(f"{cell} ({counted(n, 'pair')} of {what})")
    if few:
        result.problems.append(f"fewer pairs than --min-seeds {least}: {some(few)}")


def _of_other_task(pairs: Pairs, metric: str) -> frozenset[str]:
    """The cells that have the other task's score where one is asked for: R^2 for accuracy, say.

    A study that sweeps over both tasks has both columns, each filled in its own cells.
    """
    other = twin(metric)
    if other is None or other not in pairs.metrics:
        return frozenset()
    return frozenset(change.cell for change in changes(pairs, other) if change.n)


def _gate(
    pairs: Pairs,
    gate: Gate,
    found: Sequence[Change],
    excused: Collection[str],
    rules: Rules,
    result: Judgement,
) -> None:
    """Decide one gate; what lacks a value that it needs is a problem, or is left undecided."""
    empty, infinite = [], []
    for a, b in pairs.rows:
        before, after = a.metrics[gate.metric], b.metrics[gate.metric]
        if not (a.ok and b.ok) or (isfinite(before) and isfinite(after)):
            continue
        if isinf(before) or isinf(after):
            infinite.append(f"{a.cell} seed {a.seed} ({before:g} in BASE, {after:g} in NEW)")
        elif isnan(before) != isnan(after):
            empty.append(f"{a.cell} seed {a.seed}")
    outcome = _decided(pairs, gate, found, rules)
    result.outcomes.append(outcome)
    result.failures += outcome.reasons
    result.notes += outcome.notes
    nothing = [c.cell for c in found if c.n == 0 and c.cell not in excused]
    name = gate.metric
    if infinite:
        result.problems.append(f"{name} is infinite: {some(infinite)}")
    if outcome.unusable:
        result.problems.append(f"{name} is too large to compare: {some(outcome.unusable)}")
    if outcome.refused:
        result.problems.append(
            f"{gate.text}: no share can be taken of what may be 0, as BASE's interval holds it in "
            f"{some(outcome.refused)}: give the margin as a number"
        )
    if empty and not rules.missing_ok:
        result.problems.append(f"{name} is empty in one study only: {some(empty)}: {_LEFT_OUT}")
    elif empty:
        result.notes.append(f"{name} is empty in one study only: {some(empty)}: left out")
    if nothing:
        result.problems.append(f"no pair of values of {name}: {some(nothing)}")
    if not (outcome.cells or result.problems or result.failures):
        lost = [f"{a.cell} seed {a.seed} ({a.status})" for a, _ in pairs.rows if not a.ok]
        result.problems.append(
            f"{gate.text}: no cell has a pair of ok runs to judge by: {some(lost)}"
        )


def _decided(pairs: Pairs, gate: Gate, found: Sequence[Change], rules: Rules) -> GateOutcome:
    excess = gate.excess(*pairs.values(gate.metric))
    odd = pairs.without_number(gate.metric, lost=not rules.diverged_ok)
    incomplete = {cell: f"no number in {some(own)}" for cell, own in odd.items()}

    def told(k: int, _: Interval) -> str:
        change, share = found[k], ""
        if gate.relative and change.base and change.interval.mean is not None:
            share = f" ({100 * change.interval.mean / abs(change.base):+.3g}%)"
        return figures(change) + share

    return decide(
        gate,
        pairs.cells,
        excess,
        identical=pairs.identical,
        figures=told,
        incomplete=incomplete,
        refused=_holding_zero(pairs, gate.metric) if gate.relative else (),
        on_value=rules.on_value,
        ratio=pairs.ratio(gate.metric, rules.over),
    )


def _holding_zero(pairs: Pairs, metric: str) -> list[str]:
    """The cells whose BASE, by all of its runs, cannot be told from 0."""
    base = BySeed(pairs.base)
    found = []
    for cell, each in zip(base.cells, intervals(base[metric]), strict=True):
        low, high = (each.mean if end is None else end for end in (each.low, each.high))
        changed = cell in pairs.cells and cell not in pairs.identical
        if changed and low is not None and high is not None and low <= 0 <= high:
            found.append(cell)
    return found
