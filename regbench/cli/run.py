"""`regbench run` and `regbench sweep`: train a study, print its gap table, decide its claims."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regbench.cli import options
from regbench.cli.consoles import stderr, tell
from regbench.cli.outputs import write_output
from regbench.cli.tables import print_table
from regbench.config.bounds import MAX_RUNS
from regbench.errors import AnswerIsNo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from regbench.analysis.claims import Decision, Outcome
    from regbench.api import Results


def sweep(
    study: options.StudyPath,
    axes: options.Axes = None,
    overrides: options.Overrides = None,
    seeds: options.Seeds = None,
    out: options.Out = None,
    model: options.ModelFile = None,
    device: options.Device = None,
    workers: options.Workers = None,
    executor: options.Executor = "local",
    address: options.Address = None,
    shard: options.Shard = None,
    overwrite: options.Overwrite = False,
    form: options.Form = "table",
    quiet: options.Quiet = False,
    allow_diverged: options.AllowDiverged = False,
    strict: options.Strict = False,
    retry_failed: options.RetryFailed = False,
    fail_fast: options.FailFast = False,
    max_failures: options.MaxFailures = None,
    time_limit: options.TimeLimit = None,
    log_dir: options.LogDir = None,
    max_runs: options.MaxRuns = MAX_RUNS,
) -> None:
    """As run, with grid axes from the command line.

    [dim]Example: regbench sweep configs/quickstart.yaml -g model.hidden=[32],[512][/dim]
    """
    from regbench import api
    from regbench.analysis.hints import hints
    from regbench.analysis.lost import lost
    from regbench.config.load import load_study
    from regbench.data import notes, warnings
    from regbench.executors.limits import Limits, parse_duration, parse_shard
    from regbench.report.progress import progress_for
    from regbench.report.tensorboard import event_files, require_tensorboard
    from regbench.report.terminal import print_answer, print_claims
    from regbench.results.files import make_folder

    if log_dir is not None:
        require_tensorboard()
    limits = Limits(
        shard=parse_shard(shard) if shard else None,
        max_failures=1 if fail_fast else max_failures,
        seconds=parse_duration(time_limit) if time_limit else None,
        retry_failed=retry_failed,
    )
    errors = stderr()
    loaded = load_study(study, overrides or (), axes=axes or (), seeds=seeds, max_runs=max_runs)
    tell("note", (*loaded.warnings, *notes(loaded)))
    tell("warning", warnings(loaded))
    results = api.run(
        loaded,
        out=out,
        model=model,
        device=device,
        workers=workers,
        executor=executor,
        address=address,
        limits=limits,
        overwrite=overwrite,
        progress=progress_for(errors, loaded.name),
    )
    if log_dir is not None:
        for name, content in event_files(results.epochs):
            make_folder((log_dir / name).parent)
            write_output(log_dir / name, content)
    tell("warning", (*results.warnings, *lost(results.rows)))
    if not quiet:
        print_table(results.rows, results.table, form, folder=results.folder)
    print_answer(errors, results.rows, results.table)
    print_claims(errors, results.claims)
    tell("hint", hints(results.rows, results.table))
    _print_summary(results)
    _end(results, allow_diverged, strict)


@options.takes(sweep, but="axes")
def run(**given: Any) -> None:
    """Train every run of a study that is not done yet, and print its gap table.

    [dim]Example: regbench run configs/quickstart.yaml -s optimizer.lr=3e-3 -o results/fast[/dim]
    """
    sweep(**given)


def _print_summary(results: Results) -> None:
    from regbench.report.say import say
    from regbench.vocabulary.words import counted

    summary, errors = results.summary, stderr()
    if summary is None:
        return
    if summary.trained == summary.kept == 0:
        what = "no stack falls to this shard: nothing trained"
    elif summary.trained == 0:
        kept = "1 run was" if summary.kept == 1 else f"all {summary.kept} runs were"
        what = f"{kept} done already: nothing trained (--overwrite repeats)"
    else:
        kept = f", {summary.kept} were done already" if summary.kept else ""
        runs = counted(summary.trained, "run")
        what = f"{runs} trained in {summary.wall_seconds:.1f} s{kept}"
    say(errors, f"{what}; results in {results.folder}")


def _end(results: Results, allow_diverged: bool, strict: bool) -> None:
    """End with 1 where the answer is no."""
    from regbench.vocabulary.words import counted

    reasons = []
    summary = results.summary
    if summary is not None and summary.failed:
        failed = counted(summary.failed, "run")
        reasons.append(f"{failed} failed (see the error column of runs.csv)")
    if summary is not None and summary.diverged and not allow_diverged:
        diverged = counted(summary.diverged, "run")
        reasons.append(f"{diverged} diverged (--allow-diverged accepts that)")
    judge_claims(results.claims, strict, reasons)


def judge_claims(claims: Sequence[Outcome], strict: bool, reasons: Sequence[str] = ()) -> None:
    """End with 1 where a claim failed, or there are other reasons to.

    Raises:
        AnswerIsNo: naming them.
    """
    judge([outcome.decision for outcome in claims], "claims", strict, reasons)


def judge(
    decisions: Sequence[Decision], what: str, strict: bool, reasons: Sequence[str] = ()
) -> None:
    """End with 1 where one of these is FAIL, or there are other reasons to.

    Args:
        what: the word for several of them.
        strict: UNDECIDED is a reason, too.
    Raises:
        AnswerIsNo: naming them.
    """
    reasons = list(reasons)
    if failed := decisions.count("FAIL"):
        reasons.append(f"{failed} of {len(decisions)} {what} failed")
    if strict and (undecided := decisions.count("UNDECIDED")):
        reasons.append(f"{undecided} of {len(decisions)} {what} stay undecided (--strict)")
    if reasons:
        raise AnswerIsNo(*reasons)
