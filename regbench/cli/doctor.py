"""`regbench doctor`: whether the installation, or a results folder, is as it should be."""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regbench.errors import AnswerIsNo, BadData, BadStudy, one_line

if TYPE_CHECKING:
    from regbench.results.health import Health


def doctor(
    folder: Annotated[
        Path | None,
        typer.Argument(help="A results folder to look at instead.", show_default=False),
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option("--rebuild", help="Set damaged stacks aside, make the tables of it anew."),
    ] = False,
) -> None:
    """Say what this installation is and whether it works; or what state a results folder is in.

    [dim]Example: regbench doctor results/quickstart --rebuild[/dim]
    """
    if folder is not None:
        _folder(folder, rebuild)
    elif rebuild:
        raise BadStudy("--rebuild: name the results folder whose tables are to be made anew")
    else:
        _installation()


def _folder(folder: Path, rebuild: bool) -> None:
    """Read all that is committed.

    Raises:
        BadData: something is damaged, or a table is not what the committed stacks say.
    """
    from regbench import api
    from regbench.results.health import how_to_mend
    from regbench.vocabulary.words import counted

    found = api.rebuild(folder) if rebuild else api.examine(folder)
    print(f"folder        {one_line(str(folder))}")
    stacks = counted(found.pieces, "committed stack")
    print(f"runs          {found.done} of {found.planned} done, in {stacks}")
    print(f"damaged       {len(found.damaged) or 'nothing'}")
    tables = "made anew" if rebuild else ", ".join(found.stale) or "as the committed stacks say"
    print(f"tables        {'stale: ' if found.stale and not rebuild else ''}{tables}")
    print(f"data          {_data(found)}")
    wrong = [*found.damaged, *found.changed]
    if found.stale and not rebuild:
        wrong.append(
            f"{folder}: {', '.join(found.stale)} missing or not what the committed stacks say: "
            f"{how_to_mend(folder)}"
        )
    if wrong:
        raise BadData(*wrong)


def _data(found: Health) -> str:
    """Whether what the runs were trained on is still there."""
    changed = [f"changed: {each.partition(':')[0]}" for each in found.changed]
    return "; ".join([*changed, *found.absent]) or "what the runs were trained on"


def _installation() -> None:
    from importlib.metadata import PackageNotFoundError, version

    print(f"python        {platform.python_version()} ({sys.executable})")
    print(f"platform      {platform.platform()}")
    for name in (
        "regbench",
        "torch",
        "numpy",
        "scipy",
        "scikit-learn",
        "pandas",
        "pyarrow",
        "pydantic",
    ):
        try:
            print(f"{name:<13} {version(name)}")
        except PackageNotFoundError:
            raise AnswerIsNo(f"{name} is not installed") from None
    import torch

    from regbench.executors.sites import cores

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
    _same_bits()
    _self_check()


def _same_bits() -> None:
    """Products of common shapes alone and among others: whether a run's bits are its own here."""
    from itertools import product

    import torch

    from regbench.engine.layers.products import shapes_that_differ

    sides = ((1, 2, 7, 32, 64, 128), (1, 2, 13, 64, 784), (1, 2, 10, 32, 128))
    shapes = list(product(*sides))
    torch.set_num_threads(1)  # as a stack trains
    for dtype in (torch.float32, torch.float64):
        if wrong := shapes_that_differ(shapes, dtype):
            raise AnswerIsNo(
                f"same bits: not on this machine: in {dtype}, {len(wrong)} of {len(shapes)} shapes "
                "of products differ between a run alone and the same run in a stack, the first "
                f"{wrong[0]}: last digits depend on what trains together; please report this with "
                "the lines above and the processor's name"
            )
    print(f"same bits     products of {len(shapes)} shapes are the same alone and in a stack")


def _self_check() -> None:
    """A tiny study, stacked and alone: the numbers must agree to the last bit."""
    from regbench.config.blocks.regularizer import Regularizer
    from regbench.config.load import study_from_mapping
    from regbench.engine.loop import train_stack
    from regbench.engine.member import Member

    begin = time.monotonic()
    study = study_from_mapping(
        {
            "dataset": "iris",
            "model": {"hidden": [8]},
            "training": {"epochs": 3, "device": "cpu"},
            "sweep": {"regularizer": ["none", "l1", "dropout"]},
        }
    )
    members = [Member(cell.setting, 0, {cell.name: Regularizer()}) for cell in study.cells]
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
