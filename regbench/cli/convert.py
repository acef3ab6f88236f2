"""convert: a strength of one library in the terms of the others."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from regbench.cli import options
from regbench.cli.consoles import stderr, stdout
from regbench.cli.tables import print_rows
from regbench.errors import BadStudy


def convert(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Where the strength stands: regbench, keras, torch.SGD, sklearn.Ridge, ...",
            show_default="list them",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="What is set there: weight_decay=5e-4."),
    ] = None,
    to: Annotated[
        str | None, typer.Option(metavar="PLACE", help="A library or place; default: all.")
    ] = None,
    examples: Annotated[
        int | None, typer.Option("--examples", "-n", help="Training examples.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Examples a step.")] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate of the source.")] = None,
    momentum: Annotated[float, typer.Option(help="Of sgd.")] = 0.0,
    classes: Annotated[int | None, typer.Option(help="Classes of a classification.")] = None,
    form: options.Form = "table",
) -> None:
    """Translate a strength between regbench, Keras, PyTorch and scikit-learn.

    Says how exact each translation is, and where none exists, why. Without a source it lists the
    places and their formulas.

    [dim]Example: regbench convert sklearn.Ridge alpha=1.0 --to regbench -n 442[/dim]
    """
    from regbench.advice.strengths.ask import (
        check_facts,
        find_place,
        find_targets,
        read_settings,
    )
    from regbench.advice.strengths.hub import Facts, Needed
    from regbench.advice.strengths.translate import PLACES, translations
    from regbench.report.say import say
    from regbench.report.translations import (
        LETTERS,
        place_rows,
        print_translations,
        records,
        rows_of,
    )

    if source is None:
        print_rows(*place_rows(PLACES.values()), form, spare=["takes"])
        say(stderr(), LETTERS)
        return
    facts = check_facts(Facts(examples, batch_size, lr, momentum, classes=classes), {})
    place = find_place(source)
    values, facts = read_settings(place, settings or (), facts)
    try:
        found = translations(place, values, facts, find_targets(to) if to else ())
    except Needed as needed:
        raise BadStudy(str(needed)) from needed
    if len(found) == 1 and found[0].exact is None:
        raise BadStudy(found[0].remarks[0])
    if form == "table":
        print_translations(stdout(), found)
    elif form == "json":
        print(json.dumps(records(found), indent=1))
    else:
        print_rows(*rows_of(found), form)
