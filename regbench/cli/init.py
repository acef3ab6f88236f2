"""`regbench init`: a study to begin with, which runs as it is."""

from __future__ import annotations

import json
import os
import re
from enum import StrEnum
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regbench.cli import options
from regbench.cli.outputs import write_output
from regbench.errors import BadStudy, Unwritable, one_line

if TYPE_CHECKING:
    from regbench.vocabulary.metrics import Task


_SCHEMA = "study.schema.json"
_WORKFLOW = "regbench.yml"
_PLAIN = re.compile(r"[A-Za-z_][\w./-]*")
# What csv.yaml has.
_HIDDEN, _LR, _SEEDS = (64, 64), 1e-3, 5
_ALSO_TABLE = """\
  # Also: drop: [id, date]; groups: COLUMN keeps what belongs together in one part; time: COLUMN
  # validates on later rows; split_column: COLUMN says itself what is train, val and test."""
_ALSO_IMAGES = """\
  # Also: train_size: 1000 trains on fewer, as many of each class as there are in all."""
_CNN = """
# Also: {name: cnn, channels: [16, 32]}; or {name: module}, your own, with --model net.py:make."""
_MOVED = """
    # Also: shift: {augment: {shift: 1}}, flip: {augment: {flip: 0.5}}, mixup: {mixup: 0.2}."""
_STOPPING = "\n    early stopping: {early_stopping: {patience: 10}}"


class Template(StrEnum):
    """What to begin with."""

    QUICKSTART = "quickstart"
    CSV = "csv"
    SWEEP = "sweep"
    CI = "ci"


def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("study.yaml"),
    template: Annotated[
        Template | None,
        typer.Option(
            "--template",
            "-t",
            help="csv: a table; ci: with claims.",
            show_default="quickstart; csv with --data",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FOLDER",
            help="Your data: CSV, TSV, also packed; Parquet, npz; a folder of images, idx, CIFAR.",
        ),
    ] = None,
    target: options.Target = None,
    task: options.Task = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> None:
    """Write a commented study that runs as it is, and the schema that it names.

    [dim]Example: regbench init houses.yaml --data houses.csv --target price[/dim]
    """
    from regbench.config.json_schema import study_schema

    if data is None and (target or task):
        raise BadStudy("--target and --task go with --data FILE")
    template = template or (Template.QUICKSTART if data is None else Template.CSV)
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
    elif template is Template.CSV:
        if data is None:
            data = path.with_suffix(".csv")
            beside[data] = _template("example.csv").encode()
            with as_file(files("regbench.cli").joinpath("templates", "example.csv")) as example:
                words |= _table(example, data.name, "cultivar", "classification")
            words["about"] = "178 wines (UCI, CC BY 4.0)."
        else:
            shown = Path(os.path.relpath(data, path.parent)).as_posix()
            words |= _table(data, shown, target, task.value if task else None)
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


def _table(data: Path, shown: str, target: str | None, task: Task | None) -> dict[str, str]:
    """The words for a table: its block with what is guessed, and a training that fits it.

    Args:
        shown: its path as the study has it.
    Raises:
        BadData: the file is no table.
        BadStudy: nothing in it can be taken for a target unasked.
    """
    from regbench.advice.traps import FEW_TO_CHOOSE_ON
    from regbench.config.load import study_from_mapping
    from regbench.data import describe, part_counts
    from regbench.data.files.guess import guess
    from regbench.executors.suggested import suggested
    from regbench.vocabulary.words import counted

    found = guess(data, target, task)
    as_guessed = study_from_mapping({"dataset": found.keys}).base.dataset
    if as_guessed.split_by is None:
        found.keys |= {"val_size": 0.25} | ({} if as_guessed.brings_test else {"test_size": 0.2})
    # All that the reader has to say, before a study is written that it would refuse.
    block = study_from_mapping({"dataset": found.keys}).base.dataset
    described, (train, val, _) = describe(block, Path()), part_counts(block, Path())
    stops = val >= FEW_TO_CHOOSE_ON  # of fewer the choice of an epoch is luck, as explain says
    fit = suggested(described.shape, train, _HIDDEN, _LR, runs=_SEEDS * (4 + stops))
    found.keys["path"] = shown
    found.why |= {"val_size": "shares of all rows; or counts"} if "val_size" in found.keys else {}
    lines = []
    for key, value in found.keys.items():
        line = f"  {key}: {_yaml_value(value)}"
        lines.append(f"{line:<30}# {one_line(found.why[key])}" if key in found.why else line)
    told = {
        "dataset": "\n".join(lines),
        "epochs": str(fit.epochs),
        "batch": str(fit.batch),
        "decay": f"{fit.decay:g}",
        "stopping": _STOPPING if stops else "",
        "about": f"{counted(described.rows, 'row')}, {counted(len(described.columns), 'feature')}.",
        "what": "this table",
        "also": _ALSO_TABLE,
        "cnn": "",
        "moved": "",
        "cost": fit.told,
    }
    if len(described.shape.example) > 1:
        sides = "x".join(map(str, described.shape.example))
        classes = counted(described.shape.outputs, "class")
        told["about"] = f"{described.rows} of {sides} (channels first), {classes}."
        told |= {"what": "these images", "also": _ALSO_IMAGES, "cnn": _CNN, "moved": _MOVED}
    return told


def _yaml_value(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml_value, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return _yaml(value) if isinstance(value, str) else str(value)


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
