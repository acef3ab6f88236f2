"""Commands that look at what is there: show, list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr, stdout, tell
from regbench.cli.results import read_results
from regbench.cli.tables import print_paths, print_table
from regbench.errors import BadStudy

Part = Literal["datasets", "models", "regularizers", "optimizers", "metrics"]


def show(
    folder: options.Folder,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="These cells only: val_acc>0.9, cell=l2."),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Sort by it; -COLUMN from the largest.")
    ] = None,
    columns: options.Columns = None,
    group_by: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="Average over all other axes, within each seed."),
    ] = None,
    along: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The path along one axis, with its best values."),
    ] = None,
    interval: options.Interval = None,
    method: options.Method = "t",
    test: Annotated[
        Literal["t", "wilcoxon"],
        typer.Option(help="wilcoxon: where so many seeds can reach significance."),
    ] = "t",
    form: options.Form = "table",
) -> None:
    """Print the gap table of a results folder again, or a part or an average of it.

    [dim]Example: regbench show results/quickstart --where "val_acc>0.9" --sort gap_loss[/dim]
    """
    from regbench.analysis.gap import gap_table
    from regbench.analysis.lost import lost
    from regbench.analysis.select import averaged, selected
    from regbench.report.say import say
    from regbench.report.terminal import print_answer
    from regbench.vocabulary.words import counted

    runs, over = read_results(folder, interval)
    tell("warning", lost(runs))
    if group_by is not None:
        runs = averaged(runs, group_by)
    if along is not None:
        if where or sort or columns:
            raise BadStudy("--along shows whole paths: leave out --where, --sort and --columns")
        if (method, test) != ("t", "t"):
            raise BadStudy("--along has intervals by Student's t: leave out --method and --test")
        print_paths(runs, along, form, over)
        return
    whole = gap_table(runs, over=over, method=method, test=test)
    table = selected(whole, runs, where or (), sort)
    print_table(runs, table, form, columns, folder=folder)
    if not (where or sort or columns):
        print_answer(stderr(), runs, table)
    elif len(table) < len(whole):
        say(stderr(), f"{len(table)} of {counted(len(whole), 'cell')}")


def list_parts(
    part: Annotated[Part | None, typer.Argument(help="What to list.", show_default="all")] = None,
) -> None:
    """List data sets, models, regularizers and optimizers with their keys and defaults; metrics.

    [dim]Example: regbench list regularizers[/dim]
    """
    from regbench.config.blocks.datasets import DatasetConfig
    from regbench.config.blocks.model import ModelConfig
    from regbench.config.blocks.optimizer import OptimizerConfig

    blocks: dict[Part, Any] = {
        "datasets": DatasetConfig,
        "models": ModelConfig,
        "optimizers": OptimizerConfig,
    }
    for each in [part] if part else get_args(Part):
        if part is None:
            stdout().print(f"[bold]{each}[/bold]")
        if each == "regularizers":
            _list_regularizers()
        elif each == "metrics":
            _list_metrics()
        else:
            _list_kinds(get_args(get_args(blocks[each])[0]))
        if part is None:
            print()


def _list_kinds(kinds: tuple[Any, ...]) -> None:
    from rich.text import Text

    first, *others = [kind.model_fields for kind in kinds]
    shared = {
        key
        for key, field in first.items()
        if all(key in other and other[key].default == field.default for other in others)
    } - {"name"}
    table = _table("name", "what it is", "keys and defaults")
    for kind in kinds:
        name = get_args(kind.model_fields["name"].annotation)[0]
        own = [key for key in kind.model_fields if key not in shared | {"name"}]
        table.add_row(name, Text(" ".join((kind.__doc__ or "").split())), Text(_keys(kind, own)))
    stdout().print(table)
    if shared:
        in_order = [key for key in kinds[0].model_fields if key in shared]
        stdout().print(Text(f"\nall of them: {_keys(kinds[0], in_order)}"))


def _keys(kind: Any, names: Sequence[str]) -> str:
    fields = {name: kind.model_fields[name] for name in names}
    return ", ".join(
        name if field.is_required() else f"{name}={_default(field.default)}"
        for name, field in fields.items()
    )


def _default(value: Any) -> str:
    from regbench.config.identity import short

    if isinstance(value, tuple):
        return f"[{', '.join(map(short, value))}]"
    return str(value.name) if hasattr(value, "name") else short(value)


def _list_regularizers() -> None:
    from rich.text import Text

    from regbench.config.blocks.regularizer import BARE_REGULARIZERS, OPTIONS, Regularizer
    from regbench.config.identity import short

    table = _table("key", "what it does", "default")
    for key, field in Regularizer.model_fields.items():
        table.add_row(key, Text(field.description or ""), _default(field.default))
    stdout().print(table)
    for name, block in OPTIONS.items():
        stdout().print(Text(f"\n{name}: {_keys(block, list(block.model_fields))}"))
    words = [f"{word} = {short(value)}" for word, value in BARE_REGULARIZERS.items() if value]
    stdout().print(Text(f"\nwords that stand for them: {'; '.join(words)}"))


def _list_metrics() -> None:
    from rich.text import Text

    from regbench.vocabulary.metrics import METRICS

    table = _table("name", "what it is", "task", "better", "there")
    for metric in METRICS.values():
        what = Text(f"{metric.title}: {metric.meaning}")
        there = "always" if metric.always else "where asked for"
        table.add_row(metric.name, what, metric.task or "both", metric.better, there)
    stdout().print(table)


def _table(*titles: str) -> Any:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, title in enumerate(titles):
        table.add_column(title, no_wrap=i == 0, overflow="fold")
    return table
