"""`regbench init`: a study to begin with, which runs as it is."""

from __future__ import annotations

import json
import os
import re
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from regbench.cli.outputs import write_output
from regbench.errors import BadStudy, Unwritable, one_line

__all__ = ["init"]

_SCHEMA = "study.schema.json"
_WORKFLOW = "regbench.yml"
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
# A target of whole numbers with no more values than these, each often, is taken for classes.
_MOST_CLASSES, _ROWS_A_CLASS = 20, 5


class Template(StrEnum):
    """What to begin with."""

    QUICKSTART = "quickstart"
    CSV = "csv"
    SWEEP = "sweep"
    CI = "ci"


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("study.yaml"),
    template: Annotated[
        Template, typer.Option("--template", "-t", help="csv: your own table; ci: with claims.")
    ] = Template.QUICKSTART,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="The CSV file of --template csv.", show_default="an example"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Write a commented study that runs as it is, and the schema that it names.

    [dim]Example: regbench init houses.yaml --template csv --data houses.csv[/dim]
    """
    from regbench.config.json_schema import study_schema

    if data is not None and template is not Template.CSV:
        raise BadStudy("--data goes with --template csv")
    if os.path.exists(path) and not path.is_file():
        raise BadStudy(f"{path}: is no file: choose another name")
    if not os.path.isdir(path.parent):
        raise Unwritable(f"{path.parent}: is no folder")
    words = {"name": path.name, "stem": path.stem}
    schema = json.dumps(study_schema(), indent=1).encode() + b"\n"
    beside = {path.with_name(_SCHEMA): schema}
    if template is Template.CI:
        beside[path.with_name(_WORKFLOW)] = _filled(_WORKFLOW, words)
    elif template is Template.CSV and data is None:
        data = path.with_suffix(".csv")
        beside[data] = _template("example.csv").encode()
        example = {"target": "cultivar", "task": "classification"}
        words |= {**example, "path": _yaml(data.name), "about": "178 wines (UCI, CC BY 4.0)."}
    elif template is Template.CSV and data is not None:
        words |= _guessed(data, path.parent)
    _require_free(path, beside, force)
    for file, content in {**beside, path: _filled(f"{template.value}.yaml", words)}.items():
        write_output(file, content)
    others = " and ".join(map(str, beside))
    print(one_line(f"wrote {path} and {others}; next: regbench run {path}"))


def _template(name: str) -> str:
    return files("regbench.cli").joinpath("templates", name).read_text(encoding="utf-8")


def _filled(name: str, words: dict[str, str]) -> bytes:
    return _template(name).format(**words).encode()


def _yaml(text: str) -> str:
    """A text as YAML takes it: quoted where it is not a plain word."""
    plain = _PLAIN.fullmatch(text) and text not in ("true", "false", "null")
    return text if plain else json.dumps(text, ensure_ascii=not text.isprintable())


def _guessed(data: Path, folder: Path) -> dict[str, str]:
    """The words for a table: the last column is the target, and its values tell the task.

    Raises:
        BadData: the file is no table.
    """
    import pandas as pd

    from regbench.config.schema import Csv
    from regbench.data.files.csv import last_column

    block = Csv(name="csv", path=str(data), target="?", task="classification")
    values = last_column(block, Path()).dropna()
    numbers = pd.to_numeric(values, errors="coerce")
    few = values.nunique() <= min(_MOST_CLASSES, len(values) // _ROWS_A_CLASS)
    classes = bool(numbers.isna().any()) or (few and bool((numbers % 1 == 0).all()))
    return {
        "path": _yaml(Path(os.path.relpath(data, folder)).as_posix()),
        "target": _yaml(str(values.name)),
        "task": "classification" if classes else "regression",
        "about": "Target (the last\n# column) and task are guesses: correct them here.",
    }


def _require_free(path: Path, beside: dict[Path, bytes], force: bool) -> None:
    """Refuse to replace what is there, unless it is the same or `--force` asks for it."""
    if path in beside:
        raise BadStudy(f"{path}: is what a file beside the study is called: choose another name")
    if os.path.exists(path) and not force:
        raise BadStudy(f"{path}: exists already: choose another name, or replace it with --force")
    for file, content in beside.items():
        if (
            os.path.exists(file)
            and not force
            and not (file.is_file() and file.read_bytes() == content)
        ):
            raise BadStudy(f"{file}: exists already and differs: replace it with --force")
