"""Rules of a setting that need two blocks at once, and what is allowed but probably not meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import ceil

from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.blocks.regularizer import Regularizer
from regbench.config.characters import forbidden_character
from regbench.config.schema import Setting
from regbench.vocabulary.metrics import COLUMNS, twin
from regbench.vocabulary.optimizers import OPTIMIZERS
from regbench.vocabulary.regularizers import KINDS
from regbench.vocabulary.words import unequal

# Key and message.
Finding = tuple[str, str]


@lru_cache(typed=True)
def part_count(size: int | float, rows: int) -> int:
    """How many rows a size is: a share of all, rounded half up, or a count.

    >>> part_count(0.2, 1797), part_count(300, 1797), part_count(0.29, 50)
    (359, 300, 15)
    """
    if isinstance(size, int):
        return size
    # Exact on the number as written: .29 of 50 rows is 14.5 and rounds up, as a float it is less.
    return int(Fraction(repr(size)) * rows + Fraction(1, 2))


def contradictions(setting: Setting, metrics: Collection[str] = ()) -> Iterator[Finding]:
    """What cannot be carried out, by key.

    Args:
        metrics: what the study asks for.
    """
    yield from _layers(setting)
    yield from _averages(setting)
    yield from _tasks(setting, metrics)
    yield from _sizes(setting.dataset)
    yield from _texts(setting.dataset)
    yield from _validation(setting)


def _layers(setting: Setting) -> Iterator[Finding]:
    regularizer, hidden = setting.regularizer, setting.model.depth
    if hidden is None:  # how many kernels a module has is known once it is made
        if regularizer.batchnorm is not None:
            yield "regularizer.batchnorm", "is the module's own affair: put its layers into it"
        return
    for kind in KINDS.values():
        key, where, value = f"regularizer.{kind.key}", kind.acts_on, getattr(regularizer, kind.key)
        if where == "hidden layers" and not hidden:
            if value not in (None, 0, (0.0,)):
                use = ": use input_dropout" if kind.key == "dropout" else ""
                yield key, f"acts in hidden layers, and a linear model has none{use}"
        elif isinstance(value, tuple):
            layers = hidden if where == "hidden layers" else hidden + 1
            if len(value) != layers:
                yield key, unequal(value, "the model", layers, where.removesuffix("s"))


def _averages(setting: Setting) -> Iterator[Finding]:
    epochs = setting.training.epochs
    for key in ("ema", "swa"):
        average = getattr(setting.regularizer, key)
        if average is not None and 0 < epochs < average.first_epoch(epochs):
            where = f"regularizer.{key}.start"
            yield where, f"{average.start} is after the last epoch, {epochs}"


def unfit(regularizer: Regularizer, example: tuple[int, ...]) -> Iterator[Finding]:
    """What a regularizer cannot do with examples of this shape, channels first."""
    augment, cutout = regularizer.augment, regularizer.cutout
    augments = augment is not None and not augment.off
    if len(example) not in (2, 3):
        words = "and these data are rows of a table; of arrays of images say dataset.layout"
        if cutout:
            yield "regularizer.cutout", f"hides pixels or points, {words}"
        if augments:
            yield "regularizer.augment", f"moves pixels or points, {words}"
        return
    sides, noun = example[1:], "pixels" if len(example) == 3 else "points"
    if cutout >= 2 * max(sides) - 1:  # wherever its centre is
        yield "regularizer.cutout", f"{cutout} hides all of {max(sides)} {noun} of every example"
    if augment is None or not augments:
        return
    if augment.rotate and len(example) == 2:
        yield "regularizer.augment.rotate", "turns images, and these data are signals"
    elif augment.shift >= min(sides):
        yield "regularizer.augment.shift", f"{augment.shift} moves all of {min(sides)} {noun} out"


def _tasks(setting: Setting, metrics: Collection[str]) -> Iterator[Finding]:
    stopping, task = setting.regularizer.early_stopping, setting.dataset.task
    weights = setting.training.class_weight
    if isinstance(weights, Mapping):
        found = forbidden_character("".join(weights))
        if found:
            yield "training.class_weight", f"a class's name cannot hold {found!r}"
    if task == "regression":
        if weights is not None:
            yield "training.class_weight", "weighs classes, and a regression has none"
        if getattr(setting.dataset, "label_noise", 0):
            yield "dataset.label_noise", "redraws classes, and a regression has none"
        for kind in KINDS.values():
            if kind.of_classes and getattr(setting.regularizer, kind.key):
                yield f"regularizer.{kind.key}", f"{kind.of_classes}, and a regression has none"
    if stopping is not None:
        watched = COLUMNS[stopping.monitor]
        if watched.task not in (None, task):
            what, near = watched.title.removeprefix("validation "), twin(stopping.monitor)
            use = f": use {near}" if near else ""
            yield "regularizer.early_stopping.monitor", f"a {task} has no {what}{use}"
        elif watched.asked not in ("", *metrics):
            listed = ", ".join([*metrics, watched.asked])
            yield (
                "regularizer.early_stopping.monitor",
                f"{watched.name} is there only where it is asked for: metrics: [{listed}]",
            )


def _sizes(dataset: DatasetConfig) -> Iterator[Finding]:
    for key, why in sorted(dataset.ruled_out.items()):
        if key in dataset.model_fields_set and getattr(dataset, key) is not None:
            yield f"dataset.{key}", f"goes against {why}"
    rows = dataset.rows
    if rows is None or dataset.split_by is not None:
        return
    counts = {key: part_count(getattr(dataset, key), rows) for key in ("val_size", "test_size")}
    if dataset.folds is not None:
        left = rows - counts["test_size"]
        if dataset.folds > left:
            yield "dataset.folds", f"asks for {dataset.folds} folds of {left} rows"
            return
        counts["val_size"] = ceil(left / dataset.folds)
    for key, count in counts.items():
        if getattr(dataset, key) and not count:
            yield f"dataset.{key}", f"leaves no example of {rows} rows: give 0 for none"
    rest = rows - sum(counts.values())
    if rest <= 0:
        used = f"{counts['val_size']} for validation and {counts['test_size']} for test"
        yield "dataset", f"{used} leave nothing of {rows} rows to train on"
    elif dataset.train_size is not None:
        wanted = part_count(dataset.train_size, rows)
        if wanted > rest:
            yield (
                "dataset.train_size",
                f"asks for {wanted} examples, but of {rows} rows only {rest} are left after "
                f"{counts['val_size']} for validation and {counts['test_size']} for test",
            )
        elif wanted == 0:
            yield "dataset.train_size", f"leaves no example of {rows} rows to train on"


def _texts(dataset: DatasetConfig) -> Iterator[Finding]:
    for key in dataset.places:
        found = forbidden_character(getattr(dataset, key))
        if found:
            yield f"dataset.{key}", f"a path cannot hold {found!r}"
    for key in dataset.columns:  # each names one column, several or none
        # A name may have several lines: spreadsheets write such headers.
        found = forbidden_character("".join(getattr(dataset, key) or ""), allowed="\n\r\t")
        if found:
            yield f"dataset.{key}", f"a column's name cannot hold {found!r}"


def _validation(setting: Setting) -> Iterator[Finding]:
    stopping = setting.regularizer.early_stopping
    if stopping is None or setting.dataset.val_size or stopping.monitor == "train_loss":
        return
    if setting.dataset.split_by is not None:
        return
    yield (
        "regularizer.early_stopping",
        f"watches {stopping.monitor}, and val_size is 0: give val_size, or monitor train_loss",
    )


def doubts(setting: Setting) -> Iterator[str]:
    """What is allowed but may surprise."""
    regularizer, optimizer = setting.regularizer, setting.optimizer
    entry = OPTIMIZERS[optimizer.name]
    if entry.l2_surprises and any(regularizer.by_layer("l2", 1)):
        yield entry.l2
    rows, size = setting.dataset.rows, setting.dataset.val_size
    # Of a file the rows are not known before it is read, a count is.
    if (rows is not None or isinstance(size, int)) and setting.dataset.folds is None:
        validation = part_count(size, rows or 0)
        if 0 < validation < 30:
            yield (
                f"validation has {validation} example{'s' if validation > 1 else ''}: intervals "
                "will be wide; use a larger val_size or more seeds"
            )


def incomplete(folds: int, seeds: Collection[int]) -> str:
    """Which repeats lack some of their folds, in words; empty where all are whole.

    >>> incomplete(5, range(10))
    ''
    >>> incomplete(5, [0, 1, 2, 5, 6, 7, 8, 9, 10])
    'folds: 5 needs all of the seeds 0 to 4, 10 to 14: rows whose fold has no seed are never \
validated on'
    """
    present = Counter(seed // folds for seed in seeds)
    lacking = [
        f"{repeat * folds} to {repeat * folds + folds - 1}"
        for repeat, there in sorted(present.items())
        if there < folds
    ]
    if not lacking:
        return ""
    more = f" and of {len(lacking) - 3} more repeats" if len(lacking) > 3 else ""
    return (
        f"folds: {folds} needs all of the seeds {', '.join(lacking[:3])}{more}: rows whose fold "
        "has no seed are never validated on"
    )


def decays_nothing(settings: list[Setting]) -> bool:
    """Whether a study names adamw and gives none of its cells any weight decay."""
    named = [setting for setting in settings if setting.optimizer.name == "adamw"]
    return bool(named) and not any(any(s.regularizer.by_layer("weight_decay", 1)) for s in named)
