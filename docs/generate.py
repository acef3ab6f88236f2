"""Write the generated parts of the docs anew, in place.

    python docs/generate.py            # what `make docs` does
    python docs/generate.py --check    # writes nothing, names what is stale, and then ends with 1

A generated part of a page stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`;
`PARTS` says what each name holds. `study.schema.json` is generated as a whole.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

DOCS = Path(__file__).resolve().parent
REFERENCE = DOCS.parent / "results" / "reference"
WIDTH = 80

_PART = re.compile(
    r"(?P<begin><!-- generated: (?P<name>[^\n]+?) -->\n).*?(?P<end><!-- end of (?P=name) -->)",
    re.DOTALL,
)
_MARK = re.compile(r"<!-- (?:generated:|end of) ([^\n]+?) -->")


# --- the command line -------------------------------------------------------------------------


def commands() -> tuple[str, ...]:
    """The sub-commands of `regbench`, in the order of its help."""
    from regbench.cli.main import app

    return tuple(str(command.name) for command in app.registered_commands)


def help_block(command: str = "") -> str:
    """The `--help` of a command (or of `regbench` itself) as a fenced block."""
    from typer.testing import CliRunner

    from regbench.cli.main import app

    environment = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "TERM": "dumb"}
    asked = [*command.split(), "--help"]
    result = CliRunner().invoke(app, asked, prog_name="regbench", env=environment, color=False)
    if result.exit_code:
        raise RuntimeError(f"regbench {' '.join(asked)}: {result.output}")
    text = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout)
    lines = [line.rstrip() for line in text.splitlines()]
    return "```text\n" + "\n".join(lines).strip("\n") + "\n```\n"


# --- the study file ---------------------------------------------------------------------------


def escaped(text: str) -> str:
    """A text as a cell of a Markdown table shows it.

    >>> escaped("l1 * sum|w| <x>")
    'l1 \\\\* sum\\\\|w\\\\| \\\\<x>'
    """
    return re.sub(r"([|<*])", r"\\\1", text)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def kind(schema: Mapping[str, Any]) -> str:
    """What a JSON Schema allows, in words.

    >>> kind({"type": "number", "minimum": 0, "exclusiveMaximum": 1})
    'number in [0, 1)'
    >>> kind({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]})
    'whole number >= 1'
    """
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        words = dict.fromkeys(kind(option) for option in options)
        # A mapping last: it is what the shorter forms stand for.
        return ", or ".join(sorted(filter(None, words), key=lambda word: word == "mapping"))
    if "$ref" in schema:
        return "mapping"
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if schema["type"] == "array":
        items, fixed = schema.get("items"), schema.get("prefixItems")
        return f"list of {len(fixed)} {_many(fixed[0])}" if fixed else f"list of {_many(items)}"
    names = {
        "integer": "whole number",
        "number": "number",
        "string": "text",
        "boolean": "true or false",
        "object": "mapping",
        "null": "",
    }
    return names[schema["type"]] + _bounds(schema)


def _many(schema: Mapping[str, Any]) -> str:
    """As `kind`, of several."""
    return re.sub(r"^(whole number|number|text|mapping)", r"\1s", kind(schema))


def _bounds(schema: Mapping[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    if below is not None and below >= 2**63:
        below = None  # what a seed can be is no reader's worry
    start, end = low if above is None else above, high if below is None else below
    if start is not None and end is not None:
        return f" in {'[' if above is None else '('}{start}, {end}{']' if below is None else ')'}"
    if start is not None:
        return f" {'>=' if above is None else '>'} {start}"
    return ""


def default(key: str, block: Mapping[str, Any]) -> str:
    """A key's default as the file would have it; a dash for none."""
    schema = block["properties"][key]
    if "default" not in schema:
        return "required"
    value = schema["default"]
    if value is None or value == "":
        return "-"
    if isinstance(value, dict):
        return f"`{value['name']}`" if "name" in value else "`{}`"
    if isinstance(value, float):
        value = f"{value:g}"
    return f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`"


def keys(block: Mapping[str, Any], names: Iterable[str]) -> str:
    """A table of keys: type, default, meaning."""
    header = ("key", "type", "default", "meaning")
    rows = []
    for name in names:
        schema = block["properties"][name]
        meaning = escaped(schema.get("description", ""))
        rows.append((f"`{name}`", escaped(kind(schema)), default(name, block), meaning))
    return table(header, rows)


def _blocks() -> dict[str, Any]:
    """The JSON Schemas of all blocks, by class name."""
    from regbench.config.json_schema import study_schema

    blocks: dict[str, Any] = study_schema()["$defs"]
    return blocks


def _kinds(config: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and JSON Schema of each kind of a block that has a `name`."""
    blocks = _blocks()
    for model in get_args(get_args(config)[0]):
        yield get_args(model.model_fields["name"].annotation)[0], blocks[model.__name__]


def _own(block: Mapping[str, Any], shared: Iterable[str]) -> list[str]:
    return [key for key in block["properties"] if key not in {"name", *shared}]


def _kind_by_kind(config: Any, shared: Iterable[str] = ()) -> str:
    text = []
    for name, block in _kinds(config):
        own = _own(block, shared)
        what = escaped(" ".join(block["description"].split()))
        text.append(f"**`{name}`**: {what}\n")
        text.append(keys(block, own) if own else "")
    return "\n".join(part for part in text if part)


def top_level_keys() -> str:
    """Keys at the top of a study file that are no blocks."""
    from regbench.config.identity import BLOCKS
    from regbench.config.json_schema import study_schema

    study = study_schema()
    return keys(study, [key for key in study["properties"] if key not in BLOCKS])


def dataset_keys() -> str:
    """Keys that every data set has, that classifications have, and each data set's own."""
    from regbench.config.blocks.datasets import DatasetConfig

    kinds = dict(_kinds(DatasetConfig))
    every = _own(kinds["diabetes"], ())
    classified = _own(kinds["digits"], every)
    return (
        "Every data set:\n\n"
        + keys(kinds["diabetes"], every)
        + "\nClassifications only:\n\n"
        + keys(kinds["digits"], classified)
        + "\n"
        + _kind_by_kind(DatasetConfig, [*every, *classified])
    )


def model_keys() -> str:
    """Each kind of model and its keys."""
    from regbench.config.blocks.model import ModelConfig

    return _kind_by_kind(ModelConfig)


def optimizer_keys() -> str:
    """Each optimizer and its keys."""
    from regbench.config.blocks.optimizer import OptimizerConfig

    return _kind_by_kind(OptimizerConfig)


def schedule_keys() -> str:
    """Each schedule and its keys."""
    from regbench.config.blocks.optimizer import ScheduleConfig

    return _kind_by_kind(ScheduleConfig)


def _block_keys(name: str) -> str:
    block = _blocks()[name]
    return keys(block, block["properties"])


def bare_words() -> str:
    """What a bare word stands for as a regularizer."""
    from regbench.config.blocks.regularizer import BARE_REGULARIZERS

    def mapping(value: Any) -> str:
        if not isinstance(value, dict):
            return json.dumps(value)
        return "{" + ", ".join(f"{key}: {mapping(each)}" for key, each in value.items()) + "}"

    rows = [(f"`{word}`", f"`{mapping(value)}`") for word, value in BARE_REGULARIZERS.items()]
    return table(("word", "stands for"), rows)


def regularizers_table() -> str:
    """Every regularizer, from the table that the code has."""
    from regbench.vocabulary.regularizers import KINDS

    ways = {1: "larger", -1: "smaller"}
    rows = (
        (
            f"`{kind.key}`",
            kind.acts_on,
            f"`{escaped(kind.formula)}`",
            " or ".join(dict.fromkeys(ways[way] for way in kind.stronger.values())) or "-",
            escaped(kind.elsewhere) or "-",
            escaped(kind.source),
        )
        for kind in KINDS.values()
    )
    header = ("key", "acts on", "what it does", "stronger", "elsewhere", "source")
    return table(header, rows)


def claim_metrics() -> str:
    """The metrics that a claim may speak of."""
    from regbench.vocabulary.metrics import ASKED_FOR, COLUMNS

    every = ", ".join(f"`{name}`" for name, column in COLUMNS.items() if not column.asked)
    asked = ", ".join(f"`{metric.name}`" for metric in ASKED_FOR)
    parts = "`train_`, `val_`, `test_` and `gap_`"
    return f"{every}; and where the study asks for it, {parts} of {asked}.\n"


def metrics_table() -> str:
    """Every metric, from the table that the code has."""
    from regbench.vocabulary.metrics import METRICS

    header = ("name", "what it is", "task", "better", "between")
    rows = (
        (
            f"`{metric.name}`",
            f"{metric.title}: {metric.meaning}",
            metric.task or "both",
            metric.better,
            " and ".join(f"{end:g}".replace("inf", "∞") for end in metric.bounds),
        )
        for metric in METRICS.values()
    )
    return table(header, rows)


def strength_formulas() -> str:
    """Every place that names a strength, and what it is here."""
    from regbench.advice.strengths.translate import PLACES
    from regbench.report.translations import place_rows

    header, rows = place_rows(PLACES.values())
    return table(
        header, ([f"`{row[0]}`", *(escaped(str(word)) for word in row[1:])] for row in rows)
    )


def schema_text() -> str:
    """The JSON Schema of study files, as `regbench schema` prints it."""
    from regbench.config.json_schema import study_schema

    return json.dumps(study_schema(), indent=1) + "\n"


# --- pages ------------------------------------------------------------------------------------


def lessons() -> str:
    """What became of each lesson's sentences, as results/reference holds it."""
    from regbench.textbook.lessons import LESSONS

    rows = []
    for name, lesson in LESSONS.items():
        with open(REFERENCE / name / "findings.csv", encoding="utf-8", newline="") as file:
            decisions = Counter(row["decision"] for row in csv.DictReader(file))
        counts = [str(decisions[word] or "") for word in ("PASS", "FAIL", "UNDECIDED")]
        rows.append((f"`{name}`", escaped(lesson.title), *counts, f"{lesson.minutes:g}"))
    header = ("study", "sentence", "PASS", "FAIL", "UNDECIDED", "minutes on two cores")
    return table(header, rows)


PARTS: dict[str, Callable[[], str]] = {
    "lessons": lessons,
    "top-level keys": top_level_keys,
    "dataset keys": dataset_keys,
    "model keys": model_keys,
    "regularizer keys": lambda: _block_keys("Regularizer"),
    "bare words": bare_words,
    "batchnorm keys": lambda: _block_keys("BatchNorm"),
    "early_stopping keys": lambda: _block_keys("EarlyStopping"),
    "augment keys": lambda: _block_keys("Augment"),
    "ema keys": lambda: _block_keys("Ema"),
    "swa keys": lambda: _block_keys("Swa"),
    "regularizers": regularizers_table,
    "optimizer keys": optimizer_keys,
    "schedule keys": schedule_keys,
    "training keys": lambda: _block_keys("Training"),
    "claim metrics": claim_metrics,
    "metrics": metrics_table,
    "strengths": strength_formulas,
    "help": help_block,
}


def part(name: str) -> str:
    """The text of a generated part.

    Raises:
        KeyError: a page asks for a part that there is not.
    """
    if name.startswith("help "):
        command = name.removeprefix("help ")
        if command not in commands():
            raise KeyError(f"there is no command {command!r}")
        return help_block(command)
    return PARTS[name]()


def fresh(page: str) -> str:
    """A page with its generated parts made anew.

    Raises:
        ValueError: a mark without its other half.
    """
    whole = [match["name"] for match in _PART.finditer(page)]
    marks = _MARK.findall(page)
    if sorted(marks) != sorted(whole * 2):
        lonely = sorted(set(marks) - set(whole)) or marks
        raise ValueError(f"begin and end do not match: {', '.join(lonely)}")
    return _PART.sub(lambda match: f"{match['begin']}\n{part(match['name'])}\n{match['end']}", page)


def pages() -> dict[Path, str]:
    """Every file with generated parts, and what it should hold."""
    found = {path: path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md"))}
    generated = {path: fresh(text) for path, text in found.items() if _MARK.search(text)}
    return {**generated, DOCS / "study.schema.json": schema_text()}


def stale() -> dict[Path, str]:
    """The files that do not hold what they should, and what they should hold."""
    return {
        path: text
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    }


def main() -> int:
    """Write or check, and say what was stale."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 if stale")
    check = parser.parse_args().check
    changed = stale()
    for path, text in changed.items():
        name = path.relative_to(DOCS.parent)
        print(f"{name}: stale, run `make docs`" if check else f"wrote {name}")
        if not check:
            path.write_text(text, encoding="utf-8")
    return int(check and bool(changed))


if __name__ == "__main__":
    sys.exit(main())
