"""`regbench reproduce`: what the textbooks say about regularizers, trained and decided."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr, stdout
from regbench.cli.run import judge
from regbench.cli.tables import print_rows
from regbench.errors import BadStudy

if TYPE_CHECKING:
    from regbench.textbook.reproduce import Reproduced


_INDENT = 10


def reproduce(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Studies.", show_default="list")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Those of half a minute or less.")] = False,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Takes a results folder for each study.")
    ] = Path("results"),
    workers: options.Workers = None,
    strict: options.Strict = False,
    form: options.Form = "table",
) -> None:
    """Train what the textbooks say about regularizers, and print PASS or FAIL beside each sentence.

    Without a name it lists what there is.

    [dim]Example: regbench reproduce weight-decay[/dim]
    """
    from regbench.report.progress import progress_for
    from regbench.textbook import reproduce as textbook
    from regbench.textbook.lessons import LESSONS

    chosen = list(names or ())
    if chosen and (every or quick):
        raise BadStudy("give names, --all or --quick, not several of them")
    if every or quick:
        chosen = [name for name, lesson in LESSONS.items() if every or lesson.quick]
    if not chosen:
        _list(form)
        return
    errors = stderr()
    found: list[Reproduced] = []
    for each in textbook.reproduce(
        chosen, out, workers=workers, progress=lambda name: progress_for(errors, name)
    ):
        found.append(each)
        if form == "table":
            _print(each)
    if form != "table":
        print_rows(*textbook.columns(found), form)
    decisions = [finding.decision for each in found for finding in each.findings]
    judge(decisions, "sentences", strict)


def _list(form: options.Format) -> None:
    from regbench.textbook.lessons import LESSONS

    rows: list[list[object]] = [
        [name, f"{lesson.minutes:g}", lesson.title] for name, lesson in LESSONS.items()
    ]
    print_rows(["study", "minutes", "what it shows"], rows, form)


def _print(each: Reproduced) -> None:
    """A lesson's sentences, each with what came out, what should have, and who says so."""
    from rich.padding import Padding
    from rich.text import Text

    from regbench.report.say import DECISIONS, say

    console = stdout()
    say(console, Text.assemble((each.name, "bold"), ": ", each.lesson.title))
    for finding in each.findings:
        decision = (f"{finding.decision:<{_INDENT}}", DECISIONS[finding.decision])
        say(console, Text.assemble(decision, finding.what))
        for label in ("found", "expected", "source"):
            if not getattr(finding, label):
                continue
            text = Text(f"{label:<9} {getattr(finding, label)}", "dim")
            if console.is_terminal:
                console.print(Padding(text, (0, 0, 0, _INDENT)))
            else:
                say(console, Text(" " * _INDENT).append_text(text))
    say(console, "")
