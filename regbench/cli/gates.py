"""Commands for pipelines: check, merge. Their exit code is the answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr, tell
from regbench.cli.run import judge, judge_claims
from regbench.cli.tables import print_table
from regbench.errors import BadData

if TYPE_CHECKING:
    from regbench.analysis.gate import GateOutcome


def check(
    folder: options.Folder,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            "--expect", "-e", metavar="CLAIM", help=r'One more claim: "gap_loss\[l2] < 0.1".'
        ),
    ] = None,
    limits: Annotated[
        list[str] | None,
        typer.Option(
            "--max",
            metavar="METRIC:NUMBER",
            help='No cell above: "gap_acc:0.1"; "val_acc:>=0.9": none below.',
        ),
    ] = None,
    interval: options.Interval = None,
    on_value: options.OnValue = False,
    strict: options.Strict = False,
) -> None:
    """Decide a study's claims again, and absolute limits on every cell.

    [dim]Example: regbench check results/quickstart --max gap_acc:0.15[/dim]
    """
    from regbench import api
    from regbench.analysis.lost import lost
    from regbench.report.compare import print_gates
    from regbench.report.say import say
    from regbench.report.terminal import print_claims

    results = api.check(
        folder,
        expect=expect or (),
        limits=limits or (),
        interval=interval,
        on_value=on_value,
    )
    errors = stderr()
    tell("warning", lost(results.rows))
    print_claims(errors, results.claims)
    judged = [outcome for outcome in results.gates if not outcome.empty]
    print_gates(errors, judged)
    tell("note", (note for outcome in judged for note in outcome.notes))
    if not results.claims and not results.gates:
        say(errors, f"{folder}: the study makes no claim, and none was given: nothing to check")
    decisions = [claim.decision for claim in results.claims]
    decisions += [outcome.decision for outcome in judged]
    failed = [reason for outcome in judged for reason in outcome.reasons]
    if empty := [outcome for outcome in results.gates if outcome.empty]:
        problems = [f"{o.text}: no run has a value to judge by: {_why(o)}" for o in empty]
        raise BadData(*problems, *failed)
    judge(decisions, "claims and limits" if results.gates else "claims", strict, failed)


def _why(outcome: GateOutcome) -> str:
    from regbench.vocabulary.words import some

    return some([cell.why for cell in outcome.cells]) or "there is no run"


def merge(
    folders: Annotated[list[Path], typer.Argument(help="Shards.", show_default=False)],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The folder to write.", show_default=False)
    ],
    overwrite: options.Overwrite = False,
    strict: options.Strict = False,
    form: options.Form = "table",
) -> None:
    """Bring the shards of one study into one folder, print its table, decide its claims.

    [dim]Example: regbench merge shard-1 shard-2 -o results/quickstart[/dim]
    """
    from regbench import api
    from regbench.analysis.lost import lost
    from regbench.report.say import say
    from regbench.report.terminal import print_answer, print_claims
    from regbench.vocabulary.words import counted, some

    results = api.merge(folders, out, overwrite=overwrite)
    tell("warning", lost(results.rows))
    print_table(results.rows, results.table, form, folder=results.folder)
    print_answer(stderr(), results.rows, results.table)
    print_claims(stderr(), results.claims)
    if results.missing:
        total = len(results.missing) + len(results.rows.rows)
        raise BadData(
            f"{len(results.missing)} of {total} runs are in none of the folders "
            f"({some(results.missing, 5)}): run the other shards and merge again; "
            f"{out} holds what there is"
        )
    runs = counted(len(results.rows.rows), "run")
    say(stderr(), f"{runs} of {counted(len(folders), 'folder')}; results in {out}")
    judge_claims(results.claims, strict)
