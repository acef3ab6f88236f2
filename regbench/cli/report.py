"""Commands that draw: report, plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr
from regbench.cli.outputs import by_ending, write_file
from regbench.cli.results import read_results, require_results
from regbench.errors import BadData, BadStudy

if TYPE_CHECKING:
    from regbench.analysis.statistics import IntervalMethod
    from regbench.config.speaks import Over
    from regbench.report.content import Content


Image = Literal["svg", "png"]
ReportFormat = Literal["html", "md", Image]
Kind = Literal["gap", "forest", "curves", "scores", "path", "heatmap", "fit", "weights", "norms",
               "calibration", "memorisation"]  # fmt: skip

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
    method: options.Method = "t",
) -> None:
    """Write a results folder's report: one HTML file that needs nothing else.

    As md it is the gap table, as svg or png the gap chart.

    [dim]Example: regbench report results/quickstart -o report.html[/dim]
    """
    chosen = form or by_ending(out, get_args(ReportFormat)) or "html"
    target = out or folder / f"report.{chosen}"
    fits = chosen == "html"
    content = _content(folder, with_fits=fits, fits_only=False, interval=interval, method=method)
    if chosen == "html":
        from regbench.report.page.page import page

        written = page(content)
    elif chosen == "md":
        from regbench.report.gap_markdown import gap_markdown

        written = gap_markdown(content.runs.study, content.runs, content.table).encode()
    else:
        written = _figure(content, "gap", chosen)
    write_file(target, written)


def plot(
    folder: options.Folder,
    kind: Annotated[Kind, typer.Option(help="What is drawn.")] = "gap",
    out: File = None,
) -> None:
    """Draw one figure of a results folder, as SVG or PNG by the file's ending.

    [dim]Example: regbench plot results/quickstart --kind curves -o curves.png[/dim]
    """
    target = out or folder / f"{kind}.svg"
    form: Image | None = by_ending(target, get_args(Image))
    if form is None:
        raise BadStudy(f"-o {target}: expected a name that ends in .svg or .png")
    content = _content(folder, with_fits=kind == "fit", fits_only=True)
    write_file(target, _figure(content, kind, form))


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
    from regbench.results.study_note import note_path

    if folder.is_file():
        raise BadData(f"{folder}: is no results folder")
    require_results(folder)
    if not there(note_path(folder)):
        rows, over = read_results(folder, interval)
        return Content(folder, rows, over=over, method=method)
    results = api.check(folder, interval=interval)
    surfaces = []
    if with_fits:
        from regbench.exports.surfaces import surfaces as predicted
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


def _figure(content: Content, kind: Kind, form: Image) -> bytes:
    from regbench.report.figures import WIDE
    from regbench.report.kinds import NEEDS, kind_figure

    drawn = kind_figure(kind, content, content.runs.study, WIDE, form)
    if drawn is None:
        raise BadStudy(f"--kind {kind}: this study lacks {NEEDS[kind]}")
    return drawn
