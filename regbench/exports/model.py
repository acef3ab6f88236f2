"""A run's model as a folder of its own: weights, what is made of a table before them, and how.

What is read of such a folder may come from anyone: regular files of a sane size, JSON of the shape
that is written here, and tensors of just the shapes that go with it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError
from safetensors.numpy import save

from regbench.config.blocks.files import Csv, Frame, Layout, Parquet
from regbench.config.blocks.kinds import Block, CountOrZero, Positive, Widths
from regbench.config.blocks.model import SIZES, Cnn, Linear, Mlp, ModelConfig, Module
from regbench.config.blocks.regularizer import BatchNorm, Regularizer
from regbench.config.characters import as_texts
from regbench.config.plan import Plan, Run
from regbench.config.schema import Setting
from regbench.config.yaml_text import parse_yaml
from regbench.data import Column, Transform, describe, fitted
from regbench.errors import BadData, BadStudy, Problem
from regbench.exports.readme import readme
from regbench.models.architecture import BadModel, architecture
from regbench.models.own import OwnModule
from regbench.results.files import (
    is_leftover,
    make_folder,
    names,
    read,
    remove,
    remove_leftovers,
    there,
    write_atomic,
)
from regbench.results.saved import read_tensors, read_weights
from regbench.results.sealed import Arrays
from regbench.vocabulary.metrics import Task

WEIGHTS, PREPROCESSING, ARCHITECTURE = (
    "weights.safetensors",
    "preprocessing.json",
    "architecture.json",
)
FILES = (WEIGHTS, PREPROCESSING, ARCHITECTURE, "README.md")
# Keys of a dataset block that say how cells are read, and not what for.
READING = (
    *("sep", "decimal", "thousands", "encoding", "comment", "quote"),
    *("na_values", "categorical", "numeric"),
)
_MOST_JSON = 1 << 26
_MOST_WEIGHTS = 1 << 34
_MOST_HEADER = 1 << 23

Texts = Annotated[tuple[str, ...], Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
T = TypeVar("T", bound=Block)


class Convolutions(Block):
    """What stands before the affine maps of a cnn: one number a convolution."""

    example: Annotated[tuple[Count, ...], Field(min_length=2, max_length=3)]
    channels: Widths
    kernel: Widths
    stride: Widths
    padding: Annotated[tuple[CountOrZero, ...], Field(strict=False)]
    pooling: Widths


class Own(Block):
    """A module of the user's: who makes it, and the tensors that it holds.

    identity: of the files that the function stood in.
    """

    name: str
    identity: str
    example: Annotated[tuple[Count, ...], Field(min_length=1)]
    keywords: dict[str, Any]
    tensors: dict[str, tuple[CountOrZero, ...]]


class Architecture(Block):
    """A chain of affine maps; `activation` is the name of the class in torch.nn.

    cnn, module: None where there is no such thing; not written then.
    """

    format: Literal[1] = 1
    inputs: Count
    hidden: Widths | tuple[()] = ()
    outputs: Count
    activation: Literal["ReLU", "Tanh", "GELU", "ELU", "SELU", "Sigmoid"] | None = None
    batchnorm: BatchNorm | None = None
    dtype: Literal["float32", "float64"]
    cnn: Convolutions | None = None
    module: Own | None = None

    @property
    def example(self) -> tuple[int, ...]:
        """The shape of one."""
        known = self.cnn or self.module
        return known.example if known else (self.inputs,)

    @property
    def model(self) -> ModelConfig:
        """As a study has it."""
        if self.module is not None:
            return Module(name="module", **self.module.keywords)
        if self.activation is None:
            return Linear(name="linear", init="zeros")
        kind: Any = self.activation.lower()
        if self.cnn is None:
            return Mlp(name="mlp", hidden=self.hidden, activation=kind, init="zeros")
        sizes: dict[str, Any] = self.cnn.model_dump(exclude={"example"})
        return Cnn(name="cnn", hidden=self.hidden, activation=kind, init="zeros", **sizes)

    @property
    def setting(self) -> Setting:
        """One of this architecture; the rest of it trains, and is not looked at."""
        regularizer = Regularizer(batchnorm=self.batchnorm)
        blocks: dict[str, Any] = {"model": self.model, "regularizer": regularizer}
        return Setting.model_construct(**blocks)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The tensors that there must be."""
        if self.module is not None:
            return self.module.tensors
        regularizer = Regularizer(batchnorm=self.batchnorm)
        return architecture(self.model, regularizer, self.example, self.outputs).tensors

    @classmethod
    def of(
        cls, setting: Setting, example: tuple[int, ...], outputs: int, module: Own | None
    ) -> Architecture:
        """That of a run's network."""
        names = {"relu": "ReLU", "gelu": "GELU", "elu": "ELU", "selu": "SELU"}
        model, depth = setting.model, setting.model.depth
        kind = getattr(model, "activation", "") if module is None else ""
        cnn = None
        if model.name == "cnn":
            sizes = {key: model.each(key) for key in SIZES}
            cnn = Convolutions(example=example, channels=model.channels, **sizes)
        return cls(
            inputs=prod(example),
            hidden=getattr(model, "hidden", ()) if module is None else (),
            outputs=outputs,
            activation=names.get(kind, kind.title()) or None,  # type: ignore[arg-type]
            batchnorm=setting.regularizer.batchnorm if depth else None,
            dtype=setting.training.dtype,
            cnn=cnn,
            module=module,
        )


class _Number(Block):
    name: str
    kind: Literal["number", "indicator"]
    fill: float | None
    mean: float
    scale: Positive


class _Category(Block):
    name: str
    kind: Literal["category"]
    texts: Texts
    fill: str | None
    shown: tuple[str, ...]
    kept: tuple[str, ...] | None = None

    @property
    def inputs(self) -> int:
        """How many it makes."""
        return len(self.texts) if self.kept is None else len(self.kept) + self.has_others

    @property
    def has_others(self) -> bool:
        """Whether it was trained on texts that share an input."""
        return self.kept is not None and not {*self.shown} <= {*self.kept}


class _Classes(Block):
    name: str
    classes: Annotated[tuple[str, ...], Field(min_length=2)]


class _Quantity(Block):
    name: str
    mean: float
    scale: Positive


class Preprocessing(Block):
    """What is made of a table's columns, and of the network's outputs.

    order: the columns as the transform knows them. columns: the same in the order of the inputs.
    reading: keys of a dataset block. unused: other columns of the model's data. example: the shape
    of an image or signal, channels first; layout: the axes that it had in the model's own data.
    """

    format: Literal[1] = 1
    order: Texts
    columns: Annotated[tuple[_Number | _Category, ...], Field(min_length=1)]
    target: _Classes | _Quantity
    reading: dict[str, Any] = Field(default_factory=dict)
    unused: tuple[str, ...] = ()
    example: Annotated[tuple[Count, ...], Field(min_length=2, max_length=3)] | None = None
    layout: Layout | None = None

    @property
    def inputs(self) -> int:
        """How many there are."""
        return sum(c.inputs if isinstance(c, _Category) else 1 for c in self.columns)

    @property
    def task(self) -> Task:
        """What the target asks for."""
        return "classification" if isinstance(self.target, _Classes) else "regression"

    @property
    def outputs(self) -> int:
        """How many there are."""
        return len(self.target.classes) if isinstance(self.target, _Classes) else 1

    @property
    def classes(self) -> tuple[str, ...]:
        """Names; none of a regression."""
        return self.target.classes if isinstance(self.target, _Classes) else ()

    def block(self, path: Path | None, overrides: Sequence[str] = ()) -> Csv | Parquet | Frame:
        """The dataset block by which a file of new rows is read; without a path, that of a frame.

        Raises:
            BadStudy: an override is no key of these, or not a value of its.
            BadData: the model's own keys are none.
        """
        given: dict[str, Any] = {}
        for text in as_texts(overrides, "overrides"):
            key, equals, value = text.partition("=")
            if not equals or key.strip() not in READING:
                raise BadStudy(Problem(f"expected one of {', '.join(READING)}", "-s", key=key))
            # A comma alone is no YAML.
            is_list = key.strip() in ("na_values", "categorical", "numeric")
            plain = None if value == "null" else value
            given[key.strip()] = parse_yaml(value, "-s").value if is_list else plain
        kind: type[Csv | Parquet | Frame] = Frame
        keys = {"name": "frame", "target": self.target.name, "task": self.task}
        if path is not None:
            is_parquet = path.suffix.lower() in (".parquet", ".pq")
            kind, name = (Parquet, "parquet") if is_parquet else (Csv, "csv")
            keys |= {"name": name, "path": str(path)}
        reading = {k: v for k, v in {**self.reading, **given}.items() if k in kind.model_fields}
        try:
            return kind.model_validate({**keys, **reading})
        except ValidationError as error:
            where, why = _first(error)
            if where.partition(".")[0] in given:
                raise BadStudy(Problem(why, "-s", key=where)) from None
            raise BadData(f"{PREPROCESSING}: reading: {where}: {why}") from None

    @property
    def known(self) -> list[Column]:
        """The columns, in the order of the transform; cells of a text are 1 where it was shown."""
        found = {}
        for c in self.columns:
            texts, most = {}, None
            if isinstance(c, _Category):
                shown = set(c.shown)
                texts = {text: int(text in shown) for text in c.texts}
                most = c.inputs if c.has_others else None
            found[c.name] = Column(c.name, c.kind, texts=texts, most=most)
        return [found[name] for name in self.order]

    def trouble(self) -> str | None:
        """What is wrong with it, if something is."""
        named = [column.name for column in self.columns]
        if len(set(self.order)) < len(self.order) or sorted(named) != sorted(self.order):
            return "columns and order do not name the same columns, each once"
        for column in self.columns:
            if isinstance(column, _Category):
                texts = set(column.texts)
                if (
                    len(texts) < len(column.texts)
                    or not {
                        *column.shown,
                        *(column.kept or ()),
                    }
                    <= texts
                ):
                    return f"column {column.name!r}: texts, shown and kept do not agree"
                if column.fill is not None and column.fill not in texts:
                    return f"column {column.name!r}: fill is none of its texts"
        if len(set(self.classes)) < len(self.classes):
            return "a class is named twice"
        if unknown := set(self.reading) - set(READING):
            return f"reading has unknown keys: {', '.join(sorted(unknown)[:5])}"
        return None


@dataclass(frozen=True)
class Exported:
    """A model that was taken away from its study."""

    architecture: Architecture
    preprocessing: Preprocessing
    weights: Arrays

    @property
    def transform(self) -> Transform:
        """What makes the network's inputs of a table's values."""
        return Transform.from_json(self.preprocessing.model_dump(mode="json"))


def export_run(
    folder: Path, plan: Plan, run: Run, status: str, out: Path, own: OwnModule | None = None
) -> None:
    """Write the model of a run that is done into a folder of its own.

    Args:
        folder, plan: the results folder and what it was run with.
        status: how the run ended.
        own: the user's module, where the model is one.
        out: the folder to write; made anew if it holds nothing but such a model.
    Raises:
        BadStudy: the study saves no weights, or the folder holds something else.
        BadData: the run has no model, or its data are not what it was trained on.
        Unwritable: the folder cannot be written.
    """
    _require_room(out)
    setting, seed = run.cell.setting, run.seed
    weights = read_weights(folder, run.run_id) if status == "ok" else None
    if status != "ok":
        raise BadData(f"{folder}: run {run.run_id} {status}: it has no model to take away")
    if weights is None:
        raise BadStudy(
            f"{folder}: run {run.run_id} has no weights: run the study with "
            "training.save_weights: true (into another folder with -o, or with --overwrite)"
        )
    table, _, transform = fitted(setting.dataset, seed, plan.study.folder, run.data, complete=True)
    description = describe(setting.dataset, plan.study.folder)
    kinds = {column.name: column.kind for column in description.columns}
    told = transform.as_json()
    for column in told["columns"]:
        column["kind"] = kinds.get(column["name"], "number")  # of images each pixel
    dataset = setting.dataset
    told["target"] |= {"name": getattr(dataset, "target", description.target.name)}
    told["reading"] = _reading(dataset)
    told["unused"] = _unused(dataset, description.left_out)
    told["example"] = table.example if table.by_channel else None
    told["layout"] = getattr(dataset, "layout", None)
    made = Preprocessing.model_validate_json(json.dumps(told))
    outputs, example = len(table.class_names) or 1, table.shape.example
    module = None
    if own is not None:
        tensors = {name: array.shape for name, array in weights.items()}
        keywords = setting.model.keywords if setting.model.name == "module" else {}
        module = Own(
            name=own.name,
            identity=own.identity,
            example=example,
            keywords=keywords,
            tensors=tensors,
        )
    model = Architecture.of(setting, example, outputs, module)
    _require_weights(folder / "weights" / f"{run.run_id}.safetensors", model, weights)
    name = own.name if own is not None else ""
    text = readme(plan.study.name, run, made.task, name, cnn=model.cnn is not None)
    _write(out, model, made, weights, text)


def _reading(dataset: Any) -> dict[str, Any]:
    """The keys by which a table's cells were read, of those that were given."""
    plain = dataset.model_dump(mode="json", exclude_defaults=True)
    return {key: plain[key] for key in READING if key in plain}


def _unused(dataset: Any, left_out: Any) -> list[str]:
    """Columns that stand in the model's data and are no features."""
    given = [getattr(dataset, key, None) for key in ("target", "split_column", "groups", "time")]
    found = [*(name for name in given if name), *getattr(dataset, "drop", ()), *left_out]
    return list(dict.fromkeys(found))


def _require_room(out: Path) -> None:
    """Refuse to write over what is no model."""
    if not there(out) or not out.is_dir():
        return  # whoever makes the folder says what is wrong
    held = [name for name in names(out) if not is_leftover(name)]
    if held and (not set(held) <= set(FILES) or WEIGHTS not in held):
        other = next((name for name in held if name not in FILES), held[0])
        raise BadStudy(
            f"-o {out}: holds {other}, which is no part of a model: choose another folder"
        )


def _write(out: Path, model: Architecture, made: Preprocessing, weights: Arrays, text: str) -> None:
    make_folder(out)
    remove_leftovers([out])
    # A model that is written by halves has no architecture, so that nobody takes it for one.
    remove([out / ARCHITECTURE] if there(out / ARCHITECTURE) else [])
    contiguous = {name: np.asarray(array, order="C") for name, array in weights.items()}
    write_atomic(out / WEIGHTS, save(contiguous))
    write_atomic(out / PREPROCESSING, _json(made))
    write_atomic(out / "README.md", text.encode())
    write_atomic(out / ARCHITECTURE, _json(model))


def _json(block: Block) -> bytes:
    plain = block.model_dump(mode="json")
    plain = {k: v for k, v in plain.items() if v is not None or k not in ("cnn", "module")}
    return (json.dumps(plain, indent=1, allow_nan=False) + "\n").encode()


def read_exported(folder: Path) -> Exported:
    """The model that a folder holds.

    Raises:
        BadData: it holds none, or one that cannot be understood.
    """
    if not there(folder):
        raise BadData(f"{folder}: there is no such folder: regbench export makes one")
    if not folder.is_dir():
        raise BadData(f"{folder}: is no folder: regbench export makes one")
    for name in FILES[:3]:
        if not there(folder / name):
            raise BadData(f"{folder}: holds no {name}: is it what regbench export wrote?")
    model = _block(folder / ARCHITECTURE, Architecture)
    made = _block(folder / PREPROCESSING, Preprocessing)
    if why := made.trouble():
        raise BadData(f"{folder / PREPROCESSING}: cannot be understood: {why}")
    if (made.inputs, made.outputs) != (model.inputs, model.outputs):
        raise BadData(
            f"{folder}: {PREPROCESSING} makes {made.inputs} inputs for {made.outputs} outputs, "
            f"{ARCHITECTURE} has {model.inputs} and {model.outputs}"
        )
    if (model.activation is None) != (not (model.hidden or model.cnn)):
        raise BadData(f"{folder / ARCHITECTURE}: hidden layers and an activation go together")
    try:
        shapes = model.shapes.values()
    except (BadModel, ValidationError) as error:
        why = _first(error)[1] if isinstance(error, ValidationError) else str(error)
        raise BadData(f"{folder / ARCHITECTURE}: cannot be understood: {why}") from None
    if prod(model.example) != model.inputs:
        raise BadData(f"{folder / ARCHITECTURE}: inputs and the shape of an example do not agree")
    size = sum(int(np.prod(shape, dtype=object)) for shape in shapes)
    needed = size * np.dtype(model.dtype).itemsize + _MOST_HEADER
    weights = read_tensors(folder / WEIGHTS, min(needed, _MOST_WEIGHTS))
    _require_weights(folder / WEIGHTS, model, weights)
    return Exported(model, made, weights)


def _block(path: Path, kind: type[T]) -> T:
    try:
        return kind.model_validate_json(read(path, _MOST_JSON))
    except ValidationError as error:
        place, why = _first(error)
        raise BadData(f"{path}: cannot be understood: {place}{': ' * bool(place)}{why}") from None


def _first(error: ValidationError) -> tuple[str, str]:
    """Where the first mistake is, and what it is."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"]


def _require_weights(path: Path, model: Architecture, weights: Arrays) -> None:
    """Refuse tensors that are not just those of the architecture."""
    shapes = model.shapes
    if missing := sorted(shapes.keys() - weights.keys()):
        raise BadData(f"{path}: has no tensor {missing[0]}")
    if extra := sorted(weights.keys() - shapes.keys()):
        raise BadData(f"{path}: has a tensor {extra[0]}, which its architecture has not")
    for name, shape in shapes.items():
        array: npt.NDArray[Any] = weights[name]
        counts = model.module is not None and array.dtype.kind in "biu"
        if array.shape != shape or (array.dtype != model.dtype and not counts):
            raise BadData(
                f"{path}: {name} is {array.dtype} {_sides(array.shape)}, and its architecture has "
                f"{model.dtype} {_sides(shape)}"
            )
        if not np.isfinite(array).all():
            raise BadData(f"{path}: {name} holds numbers that are not finite")


def _sides(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
