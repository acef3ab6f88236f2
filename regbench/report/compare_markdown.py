"""A comparison as Markdown: whole, or cut to what a workflow's step summary may hold."""

from __future__ import annotations

from collections.abc import Sequence

from regbench.analysis.compare import Change
from regbench.analysis.judge import Judgement
from regbench.analysis.pairs import Pairs
from regbench.config.speaks import Over
from regbench.report.compare import (
    LEFT,
    TITLES,
    Found,
    decimals_of,
    direction,
    furthest,
    legend,
    sentence,
    texts_of,
    urgency,
)
from regbench.report.markdown import escaped, markdown_head, markdown_line


def comparison_markdown(
    pairs: Pairs, found: Found, judgement: Judgement, over: Over = "seeds"
) -> str:
    """The whole comparison."""
    return _head(pairs, found, judgement) + _tables(found) + _foot(over)


def step_summary(
    pairs: Pairs, found: Found, judgement: Judgement, room: int, over: Over = "seeds"
) -> str:
    """The comparison in at most so many bytes: what matters least goes, and that is said."""
    head, foot = _head(pairs, found, judgement), _foot(over)
    whole = head + _tables(found) + foot
    if _size(whole) <= room:
        return whole
    # Rows are of different length: the most urgent ones, as many as fit beside the tables' titles.
    left = room - _size(head + foot + "".join(map(_table_head, found))) - 200
    ranked = sorted((c for changes in found.values() for c in changes), key=urgency)
    decimals = {metric: decimals_of(changes) for metric, changes in found.items()}
    chosen: dict[str, list[Change]] = {metric: [] for metric in found}
    taken = 0
    for change in ranked:
        left -= _size(_table_row(change, decimals[change.metric]))
        if left < 0:
            break
        chosen[change.metric].append(change)
        taken += 1
    cut = f"\n{len(ranked) - taken} of {len(ranked)} rows are left out for want of room; "
    cut += "those shown are the worst, and the worst come first.\n"
    text = head + cut + "".join(_table(m, c, decimals[m]) for m, c in chosen.items() if c) + foot
    return text.encode()[: max(room, 0)].decode(errors="ignore")


def _size(text: str) -> int:
    return len(text.encode())


def _head(pairs: Pairs, found: Found, judgement: Judgement) -> str:
    words = {"PASS": "Passed", "FAIL": "Failed"}
    answer = words.get(judgement.answer, judgement.answer.capitalize())
    answer = f"**{answer}.** " if answer else ""
    studies = " and ".join(dict.fromkeys((pairs.base.study, pairs.new.study)))
    lines = [f"## {escaped(studies)}: comparison", "", answer + escaped(sentence(pairs, found))]
    for texts in (judgement.problems, judgement.failures):
        lines += ["", *(f"- {escaped(text)}" for text in texts)] if texts else []
    others = [o for o in judgement.told if o.decision != "FAIL"]
    words = {"PASS": "passed", "UNDECIDED": "undecided"}
    told = [f"- {words[o.decision]}: {escaped(f'{o.text}, {furthest(o)}')}" for o in others]
    lines += ["", *told] if told else []
    notes = [*judgement.lost, *pairs.notes, *judgement.notes]
    if notes:
        lines += ["", *(f"- note: {escaped(note)}" for note in notes)]
    return "\n".join(lines) + "\n"


def _foot(over: Over) -> str:
    return f"\n{legend(over)}.\n"


def _tables(found: Found) -> str:
    return "".join(_table(m, changes, decimals_of(changes)) for m, changes in found.items())


def _table(metric: str, changes: Sequence[Change], decimals: int) -> str:
    return _table_head(metric) + "".join(_table_row(change, decimals) for change in changes)


def _table_head(metric: str) -> str:
    which = f" ({direction(metric)})" if direction(metric) else ""
    return f"\n### {escaped(metric)}{which}\n\n" + markdown_head(TITLES, LEFT)


def _table_row(change: Change, decimals: int) -> str:
    *texts, word = map(escaped, texts_of(change, decimals))
    return markdown_line([*texts, f"**{word}**" if word == "worse" else word])
