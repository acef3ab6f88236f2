"""Commands that draw: report, plot."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr
from regbench.cli.options import MethodChoice
from regbench.cli.outputs import write_file
from regbench.errors import BadData, BadStudy

if TYPE_CHECKING:
    from regbench.analysis.statistics import IntervalMethod
    from regbench.config.speaks import Over
    from regbench.report.content import Content

__all__ = ["plot", "report"]


class ReportFormat(StrEnum):
    """What a report is written as."""

    HTML = "html"
    MD = "md"
    SVG = "svg"
    PNG = "png"


class Kind(StrEnum):
    """What is drawn."""

    GAP = "gap"
    FOREST = "forest"
    CURVES = "curves"
    SCORES = "scores"
    PATH = "path"
    HEATMAP = "heatmap"
    FIT = "fit"
    WEIGHTS = "weights"
    NORMS = "norms"
    CALIBRATION = "calibration"
    MEMORISATION = "memorisation"


File = Annotated[
    Path | None,
    typer.Option("--out", "-o", metavar="FILE", help="The file to write.", show_default=False),
]


def report(
    folder: options.Folder,
    out: File = None,
    form: Annotated[
        ReportFormat | None,
        typer.Option("--format", help="By the file's ending, else html."),
    ] = None,
    interval: options.Interval = None,
    method: options.Method = MethodChoice.T,
) -> None:
    """Write a results folder's report: one HTML file that needs nothing else.

    As md it is the gap table, as svg or png the gap chart.

    [dim]Example: regbench report results/quickstart -o report.html[/dim]
    """
    chosen = form or _by_ending(out, ReportFormat) or ReportFormat.HTML
    target = out or folder / f"report.{chosen.value}"
    over: Over | None = interval.value if interval else None
    with_fits = chosen is ReportFormat.HTML
    content = _content(
        folder, with_fits=with_fits, fits_only=False, interval=over, method=method.value
    )
    if chosen is ReportFormat.HTML:
        from regbench.report.page.page import page

        written = page(content)
    elif chosen is ReportFormat.MD:
        from regbench.report.markdown import gap_markdown

        written = gap_markdown(content.runs.study, content.runs, content.table).encode()
    else:
        written = _figure(content, Kind.GAP, "svg" if chosen is ReportFormat.SVG else "png")
    write_file(target, written)


def plot(
    folder: options.Folder,
    kind: Annotated[Kind, typer.Option(help="What is drawn.")] = Kind.GAP,
    out: File = None,
) -> None:
    """Draw one figure of a results folder, as SVG or PNG by the file's ending.

    [dim]Example: regbench plot results/quickstart --kind curves -o curves.png[/dim]
    """
    target = out or folder / f"{kind.value}.svg"
    form = _by_ending(target, ReportFormat)
    if form not in (ReportFormat.SVG, ReportFormat.PNG):
        raise BadStudy(f"-o {target}: expected a name that ends in .svg or .png")
    content = _content(folder, with_fits=kind is Kind.FIT, fits_only=True)
    write_file(target, _figure(content, kind, "svg" if form is ReportFormat.SVG else "png"))


def _by_ending(path: Path | None, forms: type[ReportFormat]) -> ReportFormat | None:
    ending = "" if path is None else path.suffix.lower().removeprefix(".")
    ending = "html" if ending == "htm" else ending
    return forms(ending) if ending in set(forms) else None


def _content(
    folder: Path,
    *,
    with_fits: bool,
    fits_only: bool,
    interval: Over | None = None,
    method: IntervalMethod = "t",
) -> Content:
    """The folder's numbers; claims and fits where it holds its study."""
    from regbench import api
    from regbench.report.content import Content
    from regbench.report.say import say
    from regbench.results.files import there
    from regbench.results.planned import read_judged
    from regbench.results.study_note import note_path

    if not os.path.exists(folder):
        raise BadData(f"{folder}: there is no such folder: regbench run makes one")
    if not os.path.isdir(folder) or not there(folder / "runs.csv"):
        raise BadData(f"{folder}: holds no runs.csv: is it a results folder?")
    if not there(note_path(folder)):
        rows, over = read_judged(folder, interval)
        return Content(folder, rows, over=over, method=method)
    results = api.check(folder, interval=interval)
    surfaces = []
    if with_fits:
        from regbench.export.surfaces import surfaces as predicted
        from regbench.report.content import telling

        try:
            surfaces = predicted(folder, results.rows, telling(results.table))
        except BadData as error:  # a data file that is no longer there, or no longer the same
            if fits_only:
                raise
            say(stderr(), f"note: no fitted functions are drawn: {error}")
    return Content(
        folder, results.rows, results.claims, surfaces, over=results.interval, method=method
    )


def _figure(content: Content, kind: Kind, form: Literal["svg", "png"]) -> bytes:
    from regbench.report.figures import WIDE
    from regbench.report.kinds import NEEDS, kind_figure

    drawn = kind_figure(kind.value, content, content.runs.study, WIDE, form)
    if drawn is None:
        raise BadStudy(f"--kind {kind.value}: this study lacks {NEEDS[kind.value]}")
    return drawn
