"""`regbench compare`: two studies, paired; its exit code is the answer of the gates."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr, stdout, tell, write_utf8
from regbench.cli.github import annotation
from regbench.cli.outputs import append_to, by_ending, write_file
from regbench.cli.results import read_results
from regbench.errors import AnswerIsNo, BadData, BadStudy, RegbenchError

if TYPE_CHECKING:
    from regbench.analysis.judge import Judgement, Rules
    from regbench.analysis.pairs import Pairs
    from regbench.config.speaks import Over
    from regbench.report.compare import Found
    from regbench.results.runs import Runs


# What GitHub takes: bytes of a step's summary, and error annotations of a step.
_SUMMARY_BYTES = 1024 * 1024
_ANNOTATIONS = 10
_TITLE = "regbench compare"


CompareFormat = Literal["table", "json", "csv", "md", "html", "github"]


Missing = Literal["error", "ignore"]


_Place = "A results folder, or a runs.csv."


def compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help=_Place, show_default=False)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help=_Place, show_default=False)],
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="METRIC:MARGIN",
            help="PASS where each cell's interval lies within the margin, FAIL where the mean "
            "over cells or a cell is shown beyond it: gap_acc:+0.02 (a rise), val_acc:-0.01 (a "
            "fall), val_loss:5% (worse, of BASE).",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,NAME", help="Compare these.", show_default="gaps, validation scores"
        ),
    ] = None,
    min_seeds: Annotated[
        int | None, typer.Option(min=1, help="Refuse cells with fewer pairs of ok runs.")
    ] = None,
    rtol: Annotated[
        float | None,
        typer.Option(help="All numbers equal within this share of BASE's (and --atol, else 0)."),
    ] = None,
    atol: Annotated[
        float | None, typer.Option(help="All numbers equal within this (and --rtol, else 0).")
    ] = None,
    missing: Annotated[
        Missing, typer.Option(help="What only one study has: refused, or left out.")
    ] = "error",
    allow_diverged: Annotated[
        bool,
        typer.Option(
            "--allow-diverged", help="The numbers of diverged and failed runs may differ."
        ),
    ] = False,
    interval: options.Interval = None,
    on_value: options.OnValue = False,
    strict: options.Strict = False,
    form: Annotated[
        CompareFormat | None,
        typer.Option(
            "--format",
            help="html: a page with figures. github: a step summary, and annotations for what "
            "failed.",
            show_default="by the file's ending, else table",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write to a file what would be printed: html, md, csv or json.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compare two studies, paired by cell and seed, and fail where a gate says so.

    [dim]Example: regbench compare baseline results/quickstart --fail-on gap_acc:+0.02[/dim]
    """
    from regbench.analysis.gate import parse_gates
    from regbench.analysis.judge import Rules

    try:
        for name, value in (("--rtol", rtol), ("--atol", atol)):
            if value is not None and not (isfinite(value) and value >= 0):
                raise BadStudy(f"{name}: expected a number from 0, not {value}")
        rules = Rules(
            gates=parse_gates(fail_on or ()),
            min_seeds=min_seeds,
            tolerance=None if rtol is None and atol is None else (rtol or 0.0, atol or 0.0),
            missing_ok=missing == "ignore",
            diverged_ok=allow_diverged,
            on_value=on_value,
        )
        _compare(base, new, rules, interval, metrics, _form(form, out), out, strict)
    except RegbenchError as error:
        if form == "github":
            _annotate(error.lines)
        raise


def _form(form: CompareFormat | None, out: Path | None) -> CompareFormat:
    """What is asked for, else what the file's ending says, else a table."""
    if out is None:
        return form or "table"
    chosen = form or by_ending(out, get_args(CompareFormat))
    if chosen not in ("html", "md", "csv", "json"):
        raise BadStudy(
            f"-o {out}: expected html, md, csv or json, by --format or by the name's ending"
        )
    return chosen


def _compare(
    base: Path,
    new: Path,
    rules: Rules,
    interval: Over | None,
    metrics: str | None,
    form: CompareFormat,
    out: Path | None,
    strict: bool,
) -> None:
    from regbench.analysis.compare import changes, default_metrics
    from regbench.analysis.judge import judge
    from regbench.analysis.pairs import Pairs
    from regbench.config.speaks import one_test_part
    from regbench.report.compare import print_changes, print_gates, sentence
    from regbench.report.say import say

    asked = None if metrics is None else [name.strip() for name in metrics.split(",")]
    if asked is not None and not all(asked):
        raise BadStudy(f"--metrics: expected names of columns, with commas, not {metrics!r}")
    before, after, over = _read(base, new, interval)
    pairs = Pairs(before, after)
    gated = [gate.metric for gate in rules.gates]
    if why := one_test_part(gated, before.one_test | after.one_test):
        raise BadStudy(f"--interval: {why}")
    names = dict.fromkeys([*(default_metrics(pairs) if asked is None else asked), *gated])
    pairs.require(names)
    rules = replace(rules, over=over)
    found = {name: changes(pairs, name, rules.over) for name in names}
    judgement = judge(pairs, found, rules)
    if form == "github":
        _summarize(pairs, found, judgement, rules.over)
    elif form == "table":
        print_changes(stdout(), found, rules.over)
    else:
        text = _text(pairs, found, judgement, rules, (base, new), form)
        if out is not None:
            write_file(out, text.encode(), (base, new))
        else:
            write_utf8(text)
    errors = stderr()
    tell("note", (*judgement.lost, *pairs.notes, *judgement.notes))
    say(errors, sentence(pairs, found))
    print_gates(errors, judgement.told)
    if judgement.problems:
        raise BadData(*judgement.problems, *judgement.failures)
    failures = list(judgement.failures)
    if strict and judgement.undecided:
        failures.append(f"undecided (--strict): {', '.join(judgement.undecided)}")
    if failures:
        raise AnswerIsNo(*failures)


def _read(base: Path, new: Path, interval: Over | None) -> tuple[Runs, Runs, Over]:
    """Both studies' runs, and what intervals speak of: what is asked for, else what both say.

    Raises:
        BadStudy: they say different things.
    """
    before, over = read_results(base, interval)
    after, other = read_results(new, interval)
    if over != other:
        raise BadStudy("one study has intervals over seeds, the other over rows: give --interval")
    return before, after, over


def _text(
    pairs: Pairs,
    found: Found,
    judgement: Judgement,
    rules: Rules,
    paths: tuple[Path, Path],
    form: CompareFormat,
) -> str:
    """The comparison as the content of a file."""
    if form == "csv":
        from regbench.report.compare import change_columns
        from regbench.results.csv_text import write_csv

        return write_csv(*change_columns(found)).decode()
    if form == "md":
        from regbench.report.compare_markdown import comparison_markdown

        return comparison_markdown(pairs, found, judgement, rules.over)
    if form == "html":
        from regbench.report.page.comparison import comparison_page

        return comparison_page(pairs, found, judgement, rules, paths, sys.argv[1:]).decode()
    return json.dumps(_facts(pairs, found, judgement), indent=1) + "\n"


def _facts(pairs: Pairs, found: Found, judgement: Judgement) -> dict[str, object]:
    """The comparison for programs: JSON has neither NaN nor infinities."""
    from regbench.report.compare import change_columns

    header, rows = change_columns(found)

    def plain(value: object) -> object:
        return None if isinstance(value, float) and not isfinite(value) else value

    return {
        "base": pairs.base.study,
        "new": pairs.new.study,
        "pairs": len(pairs.rows),
        "only_base": len(pairs.only_base),
        "only_new": len(pairs.only_new),
        "answer": judgement.answer or None,
        # Neither where the data leave it open, nor where nothing was asked.
        "passed": {"PASS": True, "FAIL": False, "NOT COMPARABLE": False}.get(judgement.answer),
        "gates": [
            {
                "gate": o.text,
                "decision": o.decision,
                "mean": o.mean or None,
                "failed": [cell.cell for cell in o.failed],
                "undecided": [cell.cell for cell in o.undecided],
            }
            for o in judgement.judged
        ],
        "failures": judgement.failures,
        "problems": judgement.problems,
        "notes": [*judgement.lost, *pairs.notes, *judgement.notes],
        "changes": [dict(zip(header, map(plain, row), strict=True)) for row in rows],
    }


# --- GitHub -------------------------------------------------------------------------------------


def _summarize(pairs: Pairs, found: Found, judgement: Judgement, over: Over) -> None:
    """Append the summary where the runner wants it, or print it."""
    from regbench.report.compare_markdown import step_summary

    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        write_utf8(step_summary(pairs, found, judgement, _SUMMARY_BYTES, over))
        return
    path = Path(place)
    # Earlier commands of the step have their part of it.
    room = _SUMMARY_BYTES - (os.path.getsize(path) if os.path.exists(path) else 0)
    append_to(path, step_summary(pairs, found, judgement, room, over))


def _annotate(messages: Sequence[str]) -> None:
    """One annotation a message, as many as GitHub shows of a step."""
    if len(messages) > _ANNOTATIONS:
        rest = len(messages) - _ANNOTATIONS + 1
        messages = [*messages[: _ANNOTATIONS - 1], f"and {rest} more: see the log"]
    write_utf8("".join(f"{annotation(message, title=_TITLE)}\n" for message in messages))
