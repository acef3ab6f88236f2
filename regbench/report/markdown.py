"""Markdown: tables that no label can break."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from regbench.report.aligned import shown


def markdown_table(
    header: Sequence[str], rows: Sequence[Sequence[object]], left: Sequence[bool] = ()
) -> str:
    """A table of values.

    Args:
        left: by column, whether it stands to the left; by default where there is text in it.

    >>> print(markdown_table(["cell", "n"], [["a|b", 3]]), end="")
    | cell | n |
    | --- | ---: |
    | a\\|b | 3 |
    """
    left = left or [any(isinstance(row[i], str) for row in rows) for i in range(len(header))]
    lines = (markdown_line(escaped(shown(value)) for value in row) for row in rows)
    return markdown_head(map(escaped, header), left) + "".join(lines)


def markdown_head(titles: Iterable[str], left: Sequence[bool]) -> str:
    """The titles of a table, and to which side its columns stand."""
    return markdown_line(titles) + markdown_line("---" if to_left else "---:" for to_left in left)


def markdown_line(texts: Iterable[str]) -> str:
    """A row of a table, of what is Markdown already."""
    return f"| {' | '.join(texts)} |\n"


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is: no markup, no HTML, no formula, all on one line.

    >>> print(escaped("<b>&lt;|\n$x$"))
    \<b\>\&lt;\| \$x\$
    """
    for character in "\\|<>&*_`[~$":
        text = text.replace(character, "\\" + character)
    return "".join(c if c.isprintable() else " " for c in text)
