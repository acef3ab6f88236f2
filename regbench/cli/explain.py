"""explain: what a study's regularizers act on, how strongly, and what to beware of."""

from __future__ import annotations

import json
from functools import cache
from typing import Annotated, Literal

import typer

from regbench.cli import options
from regbench.cli.consoles import stdout, write_utf8
from regbench.config.bounds import MAX_RUNS


def explain(
    study: options.StudyPath,
    axes: options.Axes = None,
    overrides: options.Overrides = None,
    model: options.ModelFile = None,
    max_runs: options.MaxRuns = MAX_RUNS,
    form: Annotated[
        Literal["table", "json", "md"], typer.Option("--format", help="How it is printed.")
    ] = "table",
) -> None:
    """Say which parameters are penalised how strongly, and what to beware of. Trains nothing.

    [dim]Example: regbench explain configs/quickstart.yaml -s optimizer.name=adamw[/dim]
    """
    from regbench.advice.explain import explanations
    from regbench.advice.traps import Sizes
    from regbench.config.blocks.datasets import DatasetConfig
    from regbench.config.load import load_study
    from regbench.config.schema import Setting
    from regbench.data import DataShape, part_counts, shape
    from regbench.models.architecture import Architecture, architecture
    from regbench.models.own import in_file, unnamed
    from regbench.report.explain import (
        explanation_records,
        explanations_markdown,
        print_explanations,
    )

    loaded = load_study(study, overrides or (), axes=axes or (), max_runs=max_runs)
    own = None if model is None else in_file(model)

    def network_of(setting: Setting, sized: DataShape) -> Architecture:
        if setting.model.name == "module":
            if own is None:
                raise unnamed(loaded.source)
            from regbench.engine.modules import layers_of  # which makes it, so imports torch

            return layers_of(own, setting, sized.example, sized.outputs)
        return architecture(setting.model, setting.regularizer, sized.example, sized.outputs)

    @cache
    def data_of(dataset: DatasetConfig) -> tuple[DataShape, int, int]:
        return (shape(dataset, loaded.folder), *part_counts(dataset, loaded.folder)[:2])

    def sizes_of(setting: Setting) -> Sizes:
        sized, train, val = data_of(setting.dataset)
        asked = setting.training.batch_size
        batch = train if asked == "full" else min(asked, train)
        return Sizes(network_of(setting, sized), train, val, batch)

    found = explanations(loaded.cells, sizes_of)
    if form == "json":
        facts = {"study": loaded.name, "warnings": list(loaded.warnings)}
        print(json.dumps({**facts, "explanations": explanation_records(found)}, indent=1))
        return
    if form == "md":
        write_utf8(explanations_markdown(loaded.name, found, loaded.warnings))
    else:
        print_explanations(stdout(), found, loaded.warnings)
