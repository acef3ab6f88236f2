"""The page of a comparison: two studies, what changed, and what became of the gates."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from regbench.analysis.compare import Change, Word
from regbench.analysis.judge import Judgement, Rules
from regbench.analysis.pairs import Pairs
from regbench.report.compare import (
    URGENCY,
    Found,
    change_columns,
    decimals_of,
    furthest,
    legend,
    texts_of,
)
from regbench.report.content import Content
from regbench.report.figures.forest import metric_name
from regbench.report.page.changes import MOST_METRICS, change_sections
from regbench.report.page.frame import data_url, framed
from regbench.report.page.headline import Tile
from regbench.report.page.made import commands, made
from regbench.results.csv_text import write_csv
from regbench.results.runs import Runs
from regbench.vocabulary.words import counted

# What a tile names first.
_SHOWN: tuple[Word, ...] = ("no number", "worse", "higher", "lower", "better")


@dataclass(frozen=True)
class Check:
    """Something that was asked, and what became of it."""

    word: str
    text: str
    detail: str


def comparison_page(
    pairs: Pairs,
    found: Found,
    judgement: Judgement,
    rules: Rules,
    paths: tuple[Path, Path],
    command: Sequence[str],
) -> bytes:
    """The comparison as one HTML file that needs nothing else.

    Args:
        paths: of BASE and of NEW.
        command: the arguments that asked for it, as they were given.
    """
    names = list(dict.fromkeys(name for name in (pairs.base.study, pairs.new.study) if name))
    verdict, answer = _answer(judgement, rules)
    runs = (pairs.base, pairs.new)
    return framed(
        "comparison.html.j2",
        kicker="regbench compare",
        title=" and ".join(names) or "two studies",
        asked=f"What changed from {paths[0]} to {paths[1]}? {counted(len(pairs.rows), 'pair')} of "
        f"runs in {counted(len(pairs.cells), 'cell')}, paired by seed.",
        tiles=[_tile(name, found[name]) for name in list(found)[:MOST_METRICS]],
        verdict=verdict,
        answer=answer,
        checks=_checks(judgement),
        warnings=[*judgement.lost, *pairs.notes, *judgement.notes],
        sections=change_sections(found),
        rows=list(_rows(found)),
        legend=legend(rules.over),
        csv=data_url("text/csv", write_csv(*change_columns(found))),
        command=shlex.join(["regbench", *command]),
        sides=[_side(*each) for each in zip(("Base", "New"), paths, runs, strict=True)],
    )


def _answer(judgement: Judgement, rules: Rules) -> tuple[str, str]:
    """The verdict on all that was asked, and what that was."""
    if judgement.problems:
        return judgement.answer, "There is no answer to what was asked; below is why."
    if not judgement.asked:
        return "", "No gate was given: this page shows what changed and decides nothing."
    asked = [gate.text for gate in rules.gates]
    if rules.min_seeds is not None:
        asked.append(f"{counted(rules.min_seeds, 'pair')} or more in each cell")
    if rules.tolerance is not None:
        relative, absolute = rules.tolerance
        asked.append(f"all numbers equal within --rtol {relative:g} and --atol {absolute:g}")
    if not rules.diverged_ok:
        asked.append("as many lost runs as before")
    return judgement.answer, f"Asked: {'; '.join(asked)}."


def _checks(judgement: Judgement) -> list[Check]:
    """Each gate, then what else failed, then why there can be no answer."""
    found = []
    for outcome in judgement.judged:
        # A problem may be that some of the data is missing: then there is no pass.
        open_ = judgement.problems and outcome.decision == "PASS"
        word = "UNDECIDED" if open_ else outcome.decision
        found.append(Check(word, outcome.text, furthest(outcome)))
    told = {reason for outcome in judgement.judged for reason in outcome.reasons}
    found += [Check("FAIL", "", text) for text in judgement.failures if text not in told]
    return found + [Check("PROBLEM", "", text) for text in judgement.problems]


def _tile(metric: str, changes: Sequence[Change]) -> Tile:
    """How many cells of a metric changed for the worse, else for the better."""
    words = Counter(change.word for change in changes)
    shown = next((word for word in _SHOWN if words[word]), None)
    figure = "undecided"
    if shown is not None:
        figure = f"{words[shown]} {shown}"
    elif set(words) == {"identical"}:
        figure = "identical"
    others = [f"{words[word]} {word}" for word in URGENCY if words[word] and word != shown]
    rest = f"{', '.join(others)}; " if others else ""
    return Tile(metric_name(metric), figure, f"{rest}of {counted(len(changes), 'cell')}")


def _rows(found: Found) -> list[tuple[str, str, str, list[str]]]:
    rows = []
    for metric, changes in found.items():
        decimals = decimals_of(changes)
        for change in changes:
            cell, *numbers, word = texts_of(change, decimals)
            rows.append((metric, cell, word, numbers))
    return rows


Side = tuple[str, list[tuple[str, str]], list[tuple[str, str]]]


def _side(name: str, path: Path, runs: Runs) -> Side:
    """Where a study's numbers are, and how they were made where its folder notes that."""
    lost = sum(not row.ok for row in runs.rows)
    count = counted(len(runs.rows), "run") + (f", {lost} diverged or failed" if lost else "")
    facts = [("path", str(path)), ("study", runs.study), ("runs", count)]
    notes = Content(path, runs).provenance if os.path.isdir(path) else []
    return name, facts + made(notes), commands(notes)
