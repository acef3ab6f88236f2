"""Rows as aligned text, or as Markdown, for tables that are not the gap table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from regbench.errors import one_line

__all__ = ["escaped", "markdown_rows", "print_plain", "shown"]


def shown(value: object) -> str:
    """A value for people: four significant digits, a dash for none.

    >>> [shown(v) for v in (0.123456, 12345.678, 1e-05, 0.0, 3, None, "x", True)]
    ['0.1235', '1.235e+04', '1e-05', '0', '3', '-', 'x', 'yes']
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def print_plain(
    console: Console,
    header: Sequence[str],
    rows: Sequence[Sequence[object]],
    spare: Sequence[str] = (),
) -> None:
    """Print aligned columns: text to the left, numbers to the right.

    Args:
        spare: columns that a narrow terminal does without, in the order in which they go.
    """
    header = [one_line(name) for name in header]
    texts = [[one_line(shown(value)) for value in row] for row in rows]
    left = [any(isinstance(row[i], str) for row in rows) for i in range(len(header))]
    widths = [
        max([cell_len(title), *(cell_len(line[i]) for line in texts)])
        for i, title in enumerate(header)
    ]

    room = console.width if console.is_terminal else 1_000
    kept = list(range(len(header)))
    for name in spare:
        if sum(widths[i] + 2 for i in kept) - 2 > room and name in header:
            kept.remove(header.index(name))

    def aligned(line: Sequence[str]) -> str:
        parts = []
        for i in kept:
            blank = " " * (widths[i] - cell_len(line[i]))
            parts.append(line[i] + blank if left[i] else blank + line[i])
        return "  ".join(parts).rstrip()

    lines = [Text(aligned(header), "bold"), *(Text(aligned(line)) for line in texts)]
    console.print(Text("\n").join(lines), soft_wrap=True)


def markdown_rows(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table that labels cannot break.

    >>> print(markdown_rows(["cell", "n"], [["a|b", 3]]), end="")
    | cell | n |
    | --- | ---: |
    | a\\|b | 3 |
    """
    left = [any(isinstance(row[i], str) for row in rows) for i in range(len(header))]
    lines = [
        "| " + " | ".join(map(escaped, header)) + " |",
        "| " + " | ".join("---" if to_left else "---:" for to_left in left) + " |",
        *("| " + " | ".join(escaped(shown(value)) for value in row) + " |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is: no markup, no HTML, no formula, all on one line.

    >>> print(escaped("<b>&lt;|\n$x$"))
    \<b\>\&lt;\| \$x\$
    """
    for character in "\\|<>&*_`[~$":
        text = text.replace(character, "\\" + character)
    return "".join(c if c.isprintable() else " " for c in text)
