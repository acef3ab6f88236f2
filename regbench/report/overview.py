"""What was made of a data set, in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from regbench.errors import one_line
from regbench.report.aligned import print_plain
from regbench.report.say import say
from regbench.vocabulary.words import counted

_MOST_COLUMNS = 60
_NAME = 28
_PIPED = 120
_TEXTS = 8


def print_overview(console: Console, told: Mapping[str, Any]) -> None:
    """The facts, a line a column, and what looks wrong."""
    for line in facts(told):
        say(console, line)
    rows = [_row(column) for column in told["columns"][:_MOST_COLUMNS]]
    room = console.width if console.is_terminal else _PIPED
    header = ["column", "kind", "missing", "values"]
    every: list[Sequence[object]] = [header, *rows]
    taken = sum(max(cell_len(str(row[i])) + 2 for row in every) for i in range(3))
    cut = [[*row[:3], _cut(str(row[3]), max(room - taken, 20))] for row in rows]
    console.print()
    print_plain(console, header, cut)
    more = len(told["columns"]) - len(rows)
    if more > 0:
        say(console, f"... and {counted(more, 'more column')} (--format json has all)")
    if told["notes"] or told["warnings"]:
        console.print()
    for note in told["notes"]:
        say(console, f"note: {note}")
    for warning in told["warnings"]:
        say(console, Text.assemble(("warning: ", "yellow"), warning["text"]))
    if not told["warnings"]:
        say(console, "nothing looks wrong")


def facts(told: Mapping[str, Any]) -> Iterator[str]:
    """What there is, a sentence each."""
    kinds = [column["kind"] for column in told["columns"]]
    names = {"number": "number", "indicator": "indicator", "category": "category"}
    each = [
        f"{kinds.count(kind)} {name if kinds.count(kind) == 1 else _plural(name)}"
        for kind, name in names.items()
        if kind in kinds
    ]
    what = ", ".join(each)
    if told["by_channel"]:
        what = f"{sides(told['example'])} each, {counted(kinds.count('number'), 'channel')}"
    yield (
        f"{told['data']}: {counted(told['rows'], 'row')}; {what}: "
        f"{counted(told['inputs'], 'input')}"
    )
    target = told["target"]
    yield f"target {target['name']}: {target['task']}, {values_of(target, share=told['rows'])}"
    parts = told["parts"]
    yield (
        f"parts at seed {told['seed']}: {parts['train']} training, {parts['val']} validation, "
        f"{parts['test']} test"
    )
    for key, (value, why) in told.get("assumed", {}).items():
        listed = f"[{', '.join(map(str, value))}]" if isinstance(value, list) else value
        yield f"assumed: {key}: {listed} ({why})"
    dropped = [name for name, why in told["left_out"].items() if why == "drop"]
    if dropped:
        yield f"left out by drop: {', '.join(dropped)}"


def sides(example: Sequence[int]) -> str:
    """What an example measures, channels left out.

    >>> sides([3, 32, 24]), sides([1, 40])
    ('32x24 pixels', '40 points')
    """
    return f"{'x'.join(map(str, example[1:]))} {'pixels' if len(example) == 3 else 'points'}"


def values_of(column: Mapping[str, Any], share: int | None = None) -> str:
    """A column's range, or its most frequent texts.

    Args:
        share: of so many rows, also as a percentage.

    >>> values_of({"kind": "number", "low": 1.0, "median": 2.5, "high": 9.0})
    '1 to 9, median 2.5'
    >>> values_of({"kind": "category", "texts": {"a": 3, "b": 9}, "shown": ["b", "a"],
    ...            "in_training": 1}, share=12)
    '2 classes (1 not in training): b 9 (75.0%), a 3 (25.0%)'
    """
    if column["kind"] == "indicator":
        return f"0 and 1, {column['mean']:.1%} are 1" if "mean" in column else "0 and 1"
    if "deviation" in column:
        return (
            f"{column['low']:.6g} to {column['high']:.6g}; in training mean {column['mean']:.4g}, "
            f"deviation {column['deviation']:.4g}"
        )
    if column["kind"] != "category":
        return f"{column['low']:.6g} to {column['high']:.6g}, median {column['median']:.6g}"
    texts = column["texts"]
    listed = ", ".join(
        f"{text} {texts[text]}" + (f" ({texts[text] / share:.1%})" if share else "")
        for text in column["shown"][:_TEXTS]
    )
    more = ", ..." if len(texts) > _TEXTS else ""
    what = "class" if share else "category"
    many = f"{len(texts)} {what if len(texts) == 1 else _plural(what)}"
    lumped = len(texts) - column.get("inputs", len(texts)) + 1
    many += f" ({lumped} share an input)" if lumped > 1 else ""
    unseen = len(texts) - column["in_training"]
    many += f" ({unseen} not in training)" if unseen else ""
    return f"{many}: {listed}{more}"


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else word + ("es" if word.endswith("s") else "s")


def _row(column: Mapping[str, Any]) -> list[object]:
    missing = sum(column["missing"].values())
    name = _cut(one_line(column["name"]), _NAME)
    return [name, column["kind"], missing or None, values_of(column)]


def _cut(text: str, most: int) -> str:
    text = one_line(text)
    return text if cell_len(text) <= most else set_cell_size(text, most - 3).rstrip() + "..."
