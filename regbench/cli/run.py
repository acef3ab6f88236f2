"""`regbench run`: train a study, print its gap table, decide its claims."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regbench.cli.consoles import readers_may_leave, stderr, stdout
from regbench.errors import AnswerIsNo

if TYPE_CHECKING:
    from regbench.api import Results

__all__ = ["Format", "print_table", "run"]


class Format(StrEnum):
    """How a table is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MD = "md"


def run(
    study: Annotated[Path, typer.Argument(help="The study file.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="KEY=VALUE", help="Set a key: -s optimizer.lr=1e-2."),
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="How many, or a list: 10, or 0,3,7.", metavar="N|A,B")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The results folder.", show_default="results/<study>"),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:i.", show_default="the study's")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", min=1, help="Processes.", show_default="one a core"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace what regbench wrote there before.")
    ] = False,
    form: Annotated[
        Format, typer.Option("--format", help="How the table is printed.")
    ] = Format.TABLE,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing on stdout.")] = False,
    allow_diverged: Annotated[
        bool, typer.Option("--allow-diverged", help="Diverged runs are no failure.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="A claim that stays UNDECIDED fails.")
    ] = False,
) -> None:
    """Train every run of a study that is not done yet, and print its gap table.

    [dim]Example: regbench run configs/quickstart.yaml -s optimizer.lr=3e-3 --seeds 10[/dim]
    """
    from regbench.api import run as run_study
    from regbench.config.load import load_study
    from regbench.report.progress import progress_for
    from regbench.report.say import say
    from regbench.report.terminal import print_claims, print_sentence

    errors = stderr()
    loaded = load_study(study, overrides or (), seeds=seeds)
    for warning in loaded.warnings:
        say(errors, f"note: {warning}")
    results = run_study(
        loaded,
        out=out,
        device=device,
        workers=workers,
        overwrite=overwrite,
        progress=progress_for(errors, loaded.name),
    )
    for warning in results.warnings:
        say(errors, f"warning: {warning}")
    if not quiet:
        print_table(results, form)
    print_sentence(errors, results.table)
    print_claims(errors, results.claims)
    _say_how_it_went(results)
    _judge(results, allow_diverged, strict)


def print_table(results: Results, form: Format) -> None:
    """Print the gap table of a results folder on stdout."""
    import json
    import sys

    from regbench.analysis.gap import gap_columns
    from regbench.report.markdown import gap_markdown
    from regbench.report.terminal import print_gap_table
    from regbench.results.csv_text import write_csv

    runs, table = results.rows, results.table
    with readers_may_leave():
        if form is Format.TABLE:
            print_gap_table(stdout(), runs, table)
        elif form is Format.CSV:
            sys.stdout.write(write_csv(*gap_columns(runs, table)).decode())
        elif form is Format.MD:
            sys.stdout.write(gap_markdown(runs.study, runs, table))
        else:
            header, rows = gap_columns(runs, table)
            print(json.dumps([dict(zip(header, row, strict=True)) for row in rows], indent=1))


def _say_how_it_went(results: Results) -> None:
    from regbench.report.say import say

    summary, errors = results.summary, stderr()
    if summary is None:
        return
    if summary.trained == 0:
        what = f"all {summary.kept} runs were done already: nothing trained (--overwrite repeats)"
    else:
        kept = f", {summary.kept} were done already" if summary.kept else ""
        what = f"{summary.trained} runs trained in {summary.wall_seconds:.1f} s{kept}"
    say(errors, f"{what}; results in {results.folder}")


def _judge(results: Results, allow_diverged: bool, strict: bool) -> None:
    """End with 1 where the answer is no."""
    reasons = []
    summary = results.summary
    if summary is not None and summary.failed:
        reasons.append(f"{summary.failed} runs failed (see the error column of runs.csv)")
    if summary is not None and summary.diverged and not allow_diverged:
        reasons.append(f"{summary.diverged} runs diverged (--allow-diverged accepts that)")
    decisions = [outcome.decision for outcome in results.claims]
    if failed := decisions.count("FAIL"):
        reasons.append(f"{failed} of {len(decisions)} claims failed")
    if strict and (undecided := decisions.count("UNDECIDED")):
        reasons.append(f"{undecided} of {len(decisions)} claims stay undecided (--strict)")
    if reasons:
        raise AnswerIsNo("\n".join(reasons))
