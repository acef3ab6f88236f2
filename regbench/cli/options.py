"""Options that several commands share, each said once."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

Format = Literal["table", "csv", "json", "md"]


class TaskChoice(StrEnum):
    """What a target is."""

    CLASSIFICATION = "classification"
    REGRESSION = "regression"


Target = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="What to predict.", show_default="a guess"),
]
Task = Annotated[
    TaskChoice | None, typer.Option(help="What kind of target it is.", show_default="a guess")
]
StudyPath = Annotated[Path, typer.Argument(help="The study file.", show_default=False)]
Folder = Annotated[Path, typer.Argument(help="A results folder.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Set a key: -s optimizer.lr=1e-2."),
]
ModelFile = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="FILE:FUNCTION",
        help="What makes your own torch.nn.Module, of a study with model: {name: module}. "
        "The file is run.",
    ),
]
Axes = Annotated[
    list[str] | None,
    typer.Option(
        "--grid",
        "-g",
        metavar="KEY=V,V",
        help="Add an axis, or replace that key's: -g regularizer.l2=0,logspace(-4,-1,4).",
    ),
]
Seeds = Annotated[
    str | None, typer.Option(help="How many, or a list: 10, or 0,3,7.", metavar="N|A,B")
]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The results folder.", show_default="results/<study>"),
]
MaxRuns = Annotated[int, typer.Option(min=1, help="Refuse a plan of more runs, uncounted.")]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace what regbench wrote there before.")
]
Form = Annotated[Format, typer.Option("--format", help="How the table is printed.")]
Strict = Annotated[bool, typer.Option("--strict", help="What stays UNDECIDED fails.")]
Interval = Annotated[
    Literal["seeds", "rows"] | None,
    typer.Option(
        help="What ± and decisions speak of: another seed on these data, or other rows of the "
        "same kind.",
        show_default="the study's",
    ),
]
Method = Annotated[
    Literal["t", "bca"], typer.Option(help="bca: bootstrap over seeds, from 30 of them.")
]
OnValue = Annotated[
    bool,
    typer.Option("--on-value", help="A gate judges a single pair, or run, by its bare value."),
]
Columns = Annotated[
    str | None, typer.Option(help="These columns of gap.csv only.", metavar="NAME,NAME")
]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda or cuda:i.", show_default="the study's")
]
Workers = Annotated[
    int | None, typer.Option("--workers", "-j", min=1, help="Processes.", show_default="one a core")
]
Executor = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Who trains: this machine, or the workers of a Ray cluster."),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="The Ray cluster: auto, host:port or ray://host:port.",
        show_default="RAY_ADDRESS, or one started here",
    ),
]
Shard = Annotated[
    str | None,
    typer.Option(
        metavar="I/N", help="Train the I-th of N parts, I from 1; regbench merge joins them."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing on stdout.")]
AllowDiverged = Annotated[
    bool, typer.Option("--allow-diverged", help="Diverged runs are no failure.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Train failed runs again.")]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="Stop at the first stack with a lost run.")
]
MaxFailures = Annotated[
    int | None, typer.Option(min=1, help="Stop once so many runs failed or diverged.")
]
LogDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write TensorBoard's event files there, too."),
]
TimeLimit = Annotated[
    str | None, typer.Option(metavar="TIME", help="Stop cleanly after 90s, 15m, 1h30m.")
]


def takes(command: Callable[..., None], but: str) -> Callable[[Callable[..., None]], Any]:
    """A decorator for a command that takes all that another one takes, but for one option."""

    def decorate(function: Callable[..., None]) -> Any:
        given = inspect.signature(command, eval_str=True)
        kept = [each for name, each in given.parameters.items() if name != but]
        function.__signature__ = given.replace(parameters=kept)  # type: ignore[attr-defined]
        return function

    return decorate
