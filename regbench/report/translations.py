"""A strength in the terms of other libraries, as a table with numbered notes, and as records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from regbench.advice.strengths.place import Place
from regbench.advice.strengths.translate import Translation
from regbench.report.aligned import print_plain


def settings_text(values: Mapping[str, float]) -> str:
    """Values as one would type them.

    >>> settings_text({"alpha": 0.05, "l1_ratio": 1.0})
    'alpha=0.05, l1_ratio=1'
    """
    return ", ".join(f"{key}={value:.6g}" for key, value in values.items()) or "-"


def _exact_words(found: Translation) -> str:
    return f"needs {found.needs}" if found.exact is None else found.exact.words


def print_translations(console: Console, found: Sequence[Translation]) -> None:
    """One line a place, and below the table what is to be known of them, each thing once."""
    notes = list(dict.fromkeys(remark for each in found for remark in each.remarks))
    rows = [
        [
            each.where,
            settings_text(each.values),
            _exact_words(each),
            each.formula,
            ",".join(map(str, sorted(notes.index(remark) + 1 for remark in each.remarks))),
        ]
        for each in found
    ]
    print_plain(console, ["where", "setting", "exact", "formula", "notes"], rows, ["formula"])
    print_notes(console, [(f"{i}", note) for i, note in enumerate(notes, 1)])


def print_notes(console: Console, notes: Iterable[tuple[str, str]]) -> None:
    """Marked sentences below a table."""
    for i, (mark, note) in enumerate(notes):
        if i == 0:
            console.print()
        print_marked(console, mark, note)


def print_marked(console: Console, mark: str, note: str) -> None:
    """A mark and a text: wrapped beside the mark on a terminal, else on one line."""
    if not console.is_terminal:
        console.print(Text(f"{mark} {note}"), soft_wrap=True)
        return
    indent = min(len(mark) + 1, 20)
    lines = Text(f"{mark} {note}").wrap(console, max(console.width - indent, 20))
    for i, line in enumerate(lines):
        line.rstrip()
        console.print(Padding(line, (0, 0, 0, indent if i else 0)))


def rows_of(found: Sequence[Translation]) -> tuple[list[str], list[list[object]]]:
    """Header and rows with all digits, for files."""
    header = ["where", "setting", "exact", "formula", "remark"]
    return header, [
        [
            each.where,
            ", ".join(f"{key}={value!r}" for key, value in each.values.items()),
            _exact_words(each),
            each.formula,
            "; ".join(each.remarks),
        ]
        for each in found
    ]


def records(found: Sequence[Translation]) -> list[dict[str, Any]]:
    """One mapping a place, for JSON."""
    return [
        {
            "where": each.where,
            "setting": dict(each.values),
            "exact": None if each.exact is None else each.exact.words,
            "needs": each.needs or None,
            "formula": each.formula,
            "remarks": list(each.remarks),
        }
        for each in found
    ]


LETTERS = (
    "here: regbench's l1, l2 and weight_decay; n: training examples; B: examples a batch; "
    "r: l1_ratio; k: 1 for two classes, else 2"
)


def place_rows(places: Iterable[Place]) -> tuple[list[str], list[list[object]]]:
    """Every place, what it takes, and what that is in regbench's units."""
    rows: list[list[object]] = []
    for place in places:
        needs = [{"n": "n", "batch_size": "batch size"}.get(fact, fact) for fact in place.needs]
        takes = ", ".join(place.keys)
        rows.append([place.name, takes, place.reads or "the same", ", ".join(needs) or "-"])
    return ["where", "takes", "here", "needs"], rows
