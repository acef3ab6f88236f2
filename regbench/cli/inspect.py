"""Commands that look at what is there: show, list, doctor."""

from __future__ import annotations

import os
import platform
import sys
import time
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from regbench.cli.consoles import stderr, stdout
from regbench.cli.run import Format, print_table
from regbench.errors import AnswerIsNo, BadData

__all__ = ["doctor", "list_parts", "show"]


class Part(StrEnum):
    """What can be listed."""

    DATASETS = "datasets"
    MODELS = "models"
    REGULARIZERS = "regularizers"
    OPTIMIZERS = "optimizers"


def show(
    folder: Annotated[Path, typer.Argument(help="A results folder.", show_default=False)],
    form: Annotated[Format, typer.Option("--format", help="How it is printed.")] = Format.TABLE,
) -> None:
    """Print the gap table of a results folder again.

    [dim]Example: regbench show results/quickstart --format csv[/dim]
    """
    from regbench.api import read
    from regbench.report.terminal import print_sentence

    if not folder.exists():
        raise BadData(f"{folder}: there is no such folder: regbench run makes one")
    if folder.is_dir() and not (folder / "runs.csv").exists():
        raise BadData(f"{folder}: holds no runs.csv: is it a results folder?")
    results = read(folder)
    print_table(results, form)
    print_sentence(stderr(), results.table)


def list_parts(
    part: Annotated[Part | None, typer.Argument(help="What to list.", show_default="all")] = None,
) -> None:
    """List data sets, models, regularizers and optimizers with their keys and defaults.

    [dim]Example: regbench list regularizers[/dim]
    """
    from regbench.config import schema

    blocks: dict[Part, Any] = {
        Part.DATASETS: schema.DatasetConfig,
        Part.MODELS: schema.ModelConfig,
        Part.OPTIMIZERS: schema.OptimizerConfig,
    }
    for each in [part] if part else list(Part):
        if part is None:
            stdout().print(f"[bold]{each.value}[/bold]")
        if each is Part.REGULARIZERS:
            _list_regularizers()
        else:
            _list_kinds(get_args(get_args(blocks[each])[0]))
        if part is None:
            print()


def _list_kinds(kinds: tuple[Any, ...]) -> None:
    from rich.text import Text

    table = _table("name", "what it is", "keys and defaults")
    for kind in kinds:
        name = get_args(kind.model_fields["name"].annotation)[0]
        table.add_row(name, Text((kind.__doc__ or "").strip()), _keys(kind))
    stdout().print(table)


def _keys(kind: Any) -> str:
    inherited = {"train_size", "val_size", "test_size", "split_seed", "standardize", "label_noise"}
    return ", ".join(
        key if field.is_required() else f"{key}={_default(field.default)}"
        for key, field in kind.model_fields.items()
        if key != "name" and key not in inherited
    )


def _default(value: Any) -> str:
    from regbench.config.identity import short

    return str(value.name) if hasattr(value, "name") else short(value)


def _list_regularizers() -> None:
    from rich.text import Text

    from regbench.config.identity import short
    from regbench.config.schema import BARE_REGULARIZERS, Regularizer

    table = _table("key", "what it does", "default")
    for key, field in Regularizer.model_fields.items():
        table.add_row(key, Text(field.description or ""), _default(field.default))
    stdout().print(table)
    words = "; ".join(f"{word}: {short(value)}" for word, value in BARE_REGULARIZERS.items())
    stdout().print(Text(f"\nbare words: {words}"))


def _table(*titles: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, title in enumerate(titles):
        table.add_column(title, no_wrap=i == 0, overflow="fold")
    return table


def doctor() -> None:
    """Say what this installation is, and train a small study both ways to see that it works.

    [dim]Example: regbench doctor[/dim]
    """
    print(f"python        {platform.python_version()} ({sys.executable})")
    print(f"platform      {platform.platform()}")
    for name in ("regbench", "torch", "numpy", "scipy", "scikit-learn", "pandas", "pydantic"):
        try:
            print(f"{name:<13} {version(name)}")
        except PackageNotFoundError:
            raise AnswerIsNo(f"{name} is not installed") from None
    import torch

    from regbench.execution.workers import cores

    print(f"cores         {cores()}")
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            print(f"cuda:{i}        {torch.cuda.get_device_name(i)} (CUDA {torch.version.cuda})")
    else:
        build = "this build of torch has no CUDA" if torch.version.cuda is None else "no GPU found"
        print(f"cuda          none ({build})")
    print(
        f"here          {'writable' if os.access('.', os.W_OK) else 'NOT writable'}: {Path.cwd()}"
    )
    _self_check()


def _self_check() -> None:
    """A tiny study, stacked and alone: the numbers must agree to the last bit."""
    from regbench.config.load import study_from_mapping
    from regbench.training.loop import train_stack
    from regbench.training.member import Member

    begin = time.monotonic()
    study = study_from_mapping(
        {
            "dataset": "iris",
            "model": {"hidden": [8]},
            "training": {"epochs": 3, "device": "cpu"},
            "sweep": {"regularizer": ["none", "l1", "dropout"]},
        }
    )
    members = [Member(cell.setting, 0, {cell.name: None}) for cell in study.cells]
    together = train_stack(members, Path())
    alone = [train_stack([member], Path())[0] for member in members]
    for a, b in zip(together, alone, strict=True):
        for name in a.curves:
            if a.curves[name].tobytes() != b.curves[name].tobytes():
                raise AnswerIsNo(
                    f"self-check failed: {name} differs between a stack and a run alone"
                )
    print(
        f"self-check    passed in {time.monotonic() - begin:.1f} s: a stack equals its runs alone"
    )
