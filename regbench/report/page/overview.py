"""The page of a table: what was made of it, what looks wrong, and how its values lie."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from regbench.errors import one_line
from regbench.report.figures.contact_sheet import Sheet, contact_sheet_figure
from regbench.report.figures.histograms import Histogram, histograms_figure
from regbench.report.figures.style import NARROW
from regbench.report.overview import facts, sides, values_of
from regbench.report.page.frame import data_url, framed
from regbench.report.page.headline import Tile
from regbench.report.page.picture import Picture, picture
from regbench.report.page.sections import Section
from regbench.results.csv_text import write_csv
from regbench.vocabulary.words import counted

_MOST_DRAWN = 60
_A_FIGURE = 12  # panels: a page scrolls better past several figures than past a tall one
_HEADER = ["data", "column", "kind", "missing", "values"]


def overview_page(
    found: Sequence[Mapping[str, Any]], source: str, sheets: Sequence[Sheet | None] = ()
) -> bytes:
    """The page as one HTML file that needs nothing else.

    Args:
        found: of each data set, what `regbench.data.overview` tells.
        source: the file that was asked about.
        sheets: of each data set the pictures of its images, where it has any.
    """
    rows = [row for told in found for row in _rows(told)]
    header = _HEADER
    if len(found) == 1:  # then the title says whose columns they are
        header, rows = header[1:], [row[1:] for row in rows]
    return framed(
        "overview.html.j2",
        kicker="regbench data",
        title=", ".join(dict.fromkeys(one_line(told["data"]) for told in found)),
        asked="What was made of these data, how are they split, and what looks wrong?",
        tiles=_tiles(found[0]) if len(found) == 1 else [],
        warnings=[one_line(warning["text"]) for told in found for warning in told["warnings"]],
        sound=not any(told["warnings"] for told in found),
        sections=[
            *(_images(i, found[i], sheet) for i, sheet in enumerate(sheets) if sheet is not None),
            *(_section(i, told, len(found)) for i, told in enumerate(found)),
        ],
        header=header,
        rows=rows,
        csv=data_url("text/csv", write_csv(header, rows)),
        facts=[[one_line(fact) for fact in facts(told)] for told in found],
        notes=[one_line(note) for told in found for note in told["notes"]],
        command=shlex.join(["regbench", "data", source]),
    )


def _tiles(told: Mapping[str, Any]) -> list[Tile]:
    target, parts = told["target"], told["parts"]
    cells = sum(sum(column["missing"].values()) for column in told["columns"])
    figure = f"{len(target['texts'])} classes" if "texts" in target else "a number"
    split = f"{parts['train']} training, {parts['val']} validation, {parts['test']} test"
    of_network = f"{counted(told['inputs'], 'input')} of the network"
    features = Tile("features", f"{len(told['columns']):,}", of_network)
    if told["by_channel"]:
        features = Tile("an example", sides(told["example"]), of_network)
    return [
        Tile("rows", f"{told['rows']:,}", split),
        features,
        Tile(f"target: {one_line(target['name'])}", figure, target["task"]),
        Tile("missing cells", f"{cells:,}", "of the features"),
    ]


def _rows(told: Mapping[str, Any]) -> list[list[str]]:
    columns = [told["target"], *told["columns"]]
    return [
        [
            one_line(told["data"]),
            one_line(column["name"]),
            column["kind"] if i else "target",
            str(sum(column["missing"].values())),
            one_line(values_of(column, share=None if i else told["rows"])),
        ]
        for i, column in enumerate(columns)
    ]


def _images(place: int, told: Mapping[str, Any], sheet: Sheet) -> Section:
    names = [one_line(name) for name in sheet.classes]
    words = "The first of each class in the training part, a row a class."
    if len(names) < len(told["target"]["texts"]):
        words += f" The first {len(names)} of {len(told['target']['texts'])} classes."
    alt = f"images of the classes {', '.join(names)}"

    def draw(width: float) -> bytes:
        return contact_sheet_figure(sheet, width)

    drawn = picture(f"images-{place}", alt, "", draw)
    return Section(f"images-{place}", "Images", words, [drawn] if drawn else [])


def _section(place: int, told: Mapping[str, Any], of: int) -> Section:
    title = "Values" if of == 1 else f"Values of {one_line(told['data'])}"
    target = _histogram({**told["target"], "name": f"target: {told['target']['name']}"})
    columns = told["columns"][:_MOST_DRAWN]
    more = len(told["columns"]) - len(columns)
    words = "Rows of each value, by part. A category has its most frequent texts. "
    words += f"The first {len(columns)} columns; {more} more stand in the table." if more else ""
    panels = [target, *map(_histogram, columns)]
    pictures: list[Picture] = []
    for first in range(0, len(panels), _A_FIGURE):
        shown = panels[first : first + _A_FIGURE]

        def draw(width: float, shown: list[Histogram] = shown) -> bytes:
            return histograms_figure(shown, columns=1 if width <= NARROW else 3, width=width)

        alt = f"histograms of {', '.join(panel.title for panel in shown)}"
        drawn = picture(f"values-{place}-{first}", alt, "", draw)
        pictures += [drawn] if drawn else []
    return Section(f"values-{place}", title, words, pictures)


def _histogram(column: Mapping[str, Any]) -> Histogram:
    title, counts = one_line(column["name"]), column["counts"]
    if column["kind"] != "category":
        return Histogram(title, counts, edges=column["edges"])
    names = [one_line(text) for text in column["shown"]]
    others = len(column["texts"]) - len(names)
    return Histogram(title, counts, names=[*names, *([f"{others} others"] if others else [])])
