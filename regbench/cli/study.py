"""Commands about study files: validate, plan, schema. None of them trains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from regbench.cli import options
from regbench.cli.consoles import stdout, tell, write_utf8
from regbench.cli.github import annotation
from regbench.config.bounds import MAX_RUNS
from regbench.errors import BadData, BadStudy, Problem, one_line

if TYPE_CHECKING:
    from regbench.config.plan import Study


def validate(
    studies: Annotated[list[Path], typer.Argument(help="Study files.", show_default=False)],
    form: Annotated[
        Literal["text", "json", "github"],
        typer.Option("--format", help="github: annotations for a workflow."),
    ] = "text",
) -> None:
    """Check study files and their data; every problem at once, each with its place.

    [dim]Example: regbench validate configs/*.yaml --format github[/dim]
    """
    from regbench.analysis.decides import fold_ratio, study_families, what_seeds_decide
    from regbench.config.load import load_study
    from regbench.vocabulary.words import counted

    problems: list[Problem] = []
    of_data: list[Problem] = []
    for path in studies:
        try:
            study = load_study(path)
            read = _notes_on_data(study)
        except BadStudy as error:
            problems += error.problems
            continue
        except BadData as error:
            lines = [line for text in error.args for line in text.splitlines()]
            of_data += [Problem(line, str(path), key="dataset") for line in lines]
            continue
        if form == "text":
            runs = len(study.cells) * len(study.seeds)
            parts = ((len(study.cells), "cell"), (len(study.seeds), "seed"), (runs, "run"))
            counts = ", ".join(counted(*part) for part in parts)
            print(one_line(f"{path}: {counts}"))
            if decides := what_seeds_decide(
                len(study.seeds), study_families(study.cells), fold_ratio(study)
            ):
                print(one_line(f"{path}: {decides}"))
            tell(f"note: {path}", (*study.warnings, *read))
    every = [*problems, *of_data]
    if form == "json":
        print(json.dumps([vars(problem) for problem in every], indent=1))
    elif form == "github":
        for problem in every:
            print(_annotation(problem))
    if problems and form == "text":
        raise BadStudy(*every)
    if of_data and form == "text":
        raise BadData(*map(str, of_data))
    if every:
        raise typer.Exit((BadStudy if problems else BadData).exit_code)


def _notes_on_data(study: Study) -> tuple[str, ...]:
    """What to know of how a study's files are read, and will be split.

    Raises:
        BadData: they cannot be.
        BadStudy: a model or a regularizer does not go with them.
    """
    settings = [cell.setting for cell in study.cells]
    on_images = any(s.regularizer.augment or s.regularizer.cutout for s in settings)
    if on_images or any(setting.model.name == "cnn" for setting in settings):
        from regbench.engine.stacks import require_models_fit

        require_models_fit(study.cells, study.folder, study.source)
    if not any(cell.setting.dataset.places for cell in study.cells):
        return ()  # and NumPy need not be imported
    from regbench.data import notes, require_fit

    require_fit(study)
    return notes(study)


def _annotation(problem: Problem) -> str:
    text = f"{problem.key}: {problem.message}" if problem.key else problem.message
    return annotation(text, file=problem.source, line=problem.line, col=problem.column)


def plan(
    study: options.StudyPath,
    axes: options.Axes = None,
    overrides: options.Overrides = None,
    seeds: options.Seeds = None,
    workers: Annotated[
        int | None, typer.Option("--workers", "-j", min=1, help="Estimate the time on so many.")
    ] = None,
    model: options.ModelFile = None,
    max_runs: options.MaxRuns = MAX_RUNS,
    form: Annotated[
        Literal["table", "json", "csv"], typer.Option("--format", help="How it is printed.")
    ] = "table",
) -> None:
    """Show what a run would train: cells, runs, stacks. Trains nothing.

    [dim]Example: regbench plan configs/quickstart.yaml --seeds 10[/dim]
    """
    from regbench.analysis.decides import fold_ratio, study_families, what_seeds_decide
    from regbench.config.load import load_study
    from regbench.config.plan import MODULE, make_plan
    from regbench.data import fingerprints, notes
    from regbench.engine.stacks import require_models_fit
    from regbench.executors.pending import describe, makespan
    from regbench.models.own import in_file

    loaded = load_study(study, overrides or (), axes=axes or (), seeds=seeds, max_runs=max_runs)
    require_models_fit(loaded.cells, loaded.folder, loaded.source)
    known = fingerprints(loaded)
    if model is not None:
        known[MODULE] = in_file(model).identity
    elif loaded.has_module:
        tell("note", ["without --model the ids of its runs are not known yet"])
    planned = make_plan(loaded, known)
    stacks = describe(planned)  # what refuses a file goes first: it is read once
    tell("note", notes(loaded))
    trajectories = sum(stack.trajectories for stack in stacks)
    facts: dict[str, Any] = {
        "study": planned.study.name,
        "cells": len(planned.study.cells),
        "seeds": len(planned.study.seeds),
        "runs": len(planned.runs),
        "trajectories": trajectories,
        "stacks": len(stacks),
        "estimated_seconds_one_core": round(sum(stack.seconds for stack in stacks), 1),
        **(
            {
                "workers": workers,
                "estimated_seconds": round(makespan((s.seconds for s in stacks), workers), 1),
            }
            if workers
            else {}
        ),
        "estimated_memory_bytes": max((stack.memory_bytes for stack in stacks), default=0),
        "families": len(families := study_families(planned.study.cells)),
        "decides": what_seeds_decide(len(planned.study.seeds), families, fold_ratio(planned.study)),
    }
    if form == "json":
        cells = [
            {"cell": c.name, "regularizer": c.regularizer, **c.values} for c in planned.study.cells
        ]
        each = [vars(stack) for stack in stacks]
        print(json.dumps({**facts, "cells_planned": cells, "stacks_planned": each}, indent=1))
    elif form == "csv":
        from regbench.results.csv_text import write_csv

        rows = [[run.run_id, run.cell.name, run.seed] for run in planned.runs]
        write_utf8(write_csv(["run_id", "cell", "seed"], rows).decode())
    else:
        _print_plan(facts, planned.study.cells, stacks)


def _print_plan(facts: dict[str, Any], cells: Any, stacks: Any) -> None:
    from rich.table import Table
    from rich.text import Text

    from regbench.report.say import say
    from regbench.vocabulary.words import counted

    console = stdout()
    shown = Table(box=None, pad_edge=False, header_style="bold")
    shown.add_column("cell", overflow="fold")
    shown.add_column("regularizer", overflow="fold")
    for cell in cells[:40]:
        shown.add_row(Text(cell.name), Text(cell.regularizer))
    console.print(shown)
    if len(cells) > 40:
        console.print(f"... and {len(cells) - 40} more")
    shared = facts["runs"] - facts["trajectories"]
    reads = f" ({counted(shared, 'run')} only read another's trajectory)" if shared else ""
    memory = facts["estimated_memory_bytes"] / 2**20
    say(
        console,
        f"{counted(facts['cells'], 'cell')} x {counted(facts['seeds'], 'seed')} = "
        f"{counted(facts['runs'], 'run')}: {facts['trajectories']} trajectories{reads} in "
        f"{counted(facts['stacks'], 'stack')}",
    )
    on_workers = (
        f"{facts['estimated_seconds']:.0f} s on {counted(facts['workers'], 'worker')}, "
        if "workers" in facts
        else ""
    )
    say(
        console,
        f"about {facts['estimated_seconds_one_core']:.0f} s on one core, {on_workers}"
        f"{memory:.0f} MiB for the largest stack (estimates)",
    )
    if facts["decides"]:
        say(console, facts["decides"])


def schema() -> None:
    """Print the JSON Schema of study files, for editors.

    [dim]Example: regbench schema > study.schema.json[/dim]
    """
    from regbench.config.json_schema import study_schema

    print(json.dumps(study_schema(), indent=1))
