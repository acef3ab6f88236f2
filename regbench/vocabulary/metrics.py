"""The metrics: one entry each, from which columns, gaps, signs, monitors, claims and labels follow.

What computes a metric is one function in `engine/metrics.py` (the loss, accuracy and R^2 of every
study: `engine/scoring.py`); nothing else knows of a metric by name but what speaks of the loss
itself.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from typing import Literal

Task = Literal["classification", "regression"]
PARTS = ("train", "val", "test")
_PART_TITLES = {"train": "training", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Metric:
    """A score of a part of the data.

    Attributes:
        name: what stands after `train_`, `val_`, `test_` and `gap_` in the columns.
        title: what people call it, in text.
        task: the only one that has it; None where both do.
        better: the direction.
        bounds: between which its values lie.
        needs: what it is computed from. `labels`: the chosen classes; `probabilities`, `logits`:
            the outputs of a classifier; `target`: predictions in the unit that the model sees;
            `target units`: in the target's own unit.
        always: every study of its task has it; others are asked for by `metrics`.
        undefined: of which parts there is no such number: those whose targets are all alike, or
            that lack a class.
        meaning: in a line, for lists.
        constant: what the constant prediction has of it, which tells whether anything was learned:
            a column of its own, or always the same number; None where it is not asked for that.
    """

    name: str
    title: str
    task: Task | None
    better: Literal["up", "down"]
    bounds: tuple[float, float]
    needs: Literal["labels", "probabilities", "logits", "target", "target units"]
    always: bool = False
    undefined: Literal["", "targets alike", "class missing"] = ""
    meaning: str = ""
    constant: Literal["column"] | float | None = None

    @property
    def typeset(self) -> str:
        """The title as figures write it."""
        return self.title.replace("^2", "²")

    @property
    def columns(self) -> tuple[str, ...]:
        """Its columns in runs.csv: the parts, then the gap.

        >>> METRICS["acc"].columns
        ('train_acc', 'val_acc', 'test_acc', 'gap_acc')
        """
        return (*(f"{part}_{self.name}" for part in PARTS), self.gap_column)

    @property
    def gap_column(self) -> str:
        """The column of its gap."""
        return f"gap_{self.name}"

    @property
    def constant_column(self) -> str:
        """The column of what the constant prediction has of it, where that is one."""
        return f"constant_{self.name}"

    def gap(self, train: float, val: float) -> float:
        """By how much validation is worse than training: positive means overfitting.

        >>> METRICS["loss"].gap(0.25, 1.0), METRICS["acc"].gap(1.0, 0.75)
        (0.75, 0.25)
        """
        return val - train if self.better == "down" else train - val


_CLASSES: Task = "classification"
_NUMBERS: Task = "regression"

LOSS = Metric(
    *("loss", "loss", None, "down", (0, inf), "probabilities"),
    always=True,
    meaning="cross-entropy, or mean squared error; without penalty",
    constant="column",
)

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        LOSS,
        Metric(
            *("acc", "accuracy", _CLASSES, "up", (0, 1), "labels"),
            always=True,
            meaning="share of the examples whose class is found",
            constant="column",
        ),
        Metric(
            *("r2", "R^2", _NUMBERS, "up", (-inf, 1), "target"),
            always=True,
            undefined="targets alike",
            meaning="1 less the squared error beside that of the part's own mean",
            constant="column",
        ),
        Metric(
            *("balanced_acc", "balanced accuracy", _CLASSES, "up", (0, 1), "labels"),
            meaning="mean over the classes of the share found",
            constant="column",
        ),
        Metric(
            *("f1", "F1", _CLASSES, "up", (0, 1), "labels"),
            meaning="harmonic mean of precision and recall, the mean over all classes",
        ),
        Metric(
            *("auc", "AUC", _CLASSES, "up", (0, 1), "logits"),
            undefined="class missing",
            meaning="area under the ROC curve; of more classes each against the "
            "rest, and the mean over them",
            constant=0.5,
        ),
        Metric(
            *("brier", "Brier score", _CLASSES, "down", (0, 2), "probabilities"),
            meaning="squared error of the probabilities, summed over classes; half of it for two",
        ),
        Metric(
            *("ece", "expected calibration error", _CLASSES, "down", (0, 1), "probabilities"),
            meaning="how far confidence is from accuracy, over 15 equal bins of confidence",
        ),
        Metric(
            *("mae", "mean absolute error", _NUMBERS, "down", (0, inf), "target units"),
            meaning="in the target's own units",
        ),
        Metric(
            *("rmse", "root mean squared error", _NUMBERS, "down", (0, inf), "target units"),
            meaning="in the target's own units",
        ),
        Metric(
            *("medae", "median absolute error", _NUMBERS, "down", (0, inf), "target units"),
            meaning="in the target's own units",
        ),
    )
}
OF_EVERY_STUDY = tuple(metric for metric in METRICS.values() if metric.always)
ASKED_FOR = tuple(metric for metric in METRICS.values() if not metric.always)
GAPS = tuple(metric.gap_column for metric in METRICS.values())


def score_of(task: Task) -> Metric:
    """The metric besides the loss that every study of a task has.

    >>> score_of("regression").name
    'r2'
    """
    return next(metric for metric in OF_EVERY_STUDY if metric.task == task)


def metrics_among(columns: Collection[str]) -> tuple[Metric, ...]:
    """The metrics that a table has.

    >>> [metric.name for metric in metrics_among(["val_loss", "val_auc", "penalty"])]
    ['loss', 'auc']
    """
    return tuple(metric for metric in METRICS.values() if f"val_{metric.name}" in columns)


def score_among(columns: Collection[str]) -> Metric:
    """The first score besides the loss that a table has."""
    scores = [metric for metric in OF_EVERY_STUDY if metric.task]
    return next((m for m in scores if f"val_{m.name}" in columns), scores[-1])


@dataclass(frozen=True)
class Column:
    """A column of numbers that a claim, a gate or a chart may speak of.

    Attributes:
        better: None where neither direction is the better one.
        task: the only one that has it; None where both do.
        keys: of the data set, without which there is no such number: `val_size`, `test_size`,
            `label_noise`.
        asked: the metric that the study must ask for; empty where all have it.
    """

    name: str
    title: str
    better: Literal["up", "down"] | None = None
    task: Task | None = None
    keys: tuple[str, ...] = ()
    asked: str = ""

    @property
    def of_test(self) -> bool:
        """Whether it is scored on the test part."""
        return "test_size" in self.keys

    @property
    def typeset(self) -> str:
        """The title as figures write it."""
        return self.title.replace("^2", "²")


_PART_KEYS = {"train": (), "val": ("val_size",), "test": ("test_size",)}


def _columns_of(metric: Metric) -> list[Column]:
    parts = [
        Column(
            f"{part}_{metric.name}",
            f"{_PART_TITLES[part]} {metric.title}",
            metric.better,
            metric.task,
            _PART_KEYS[part],
            "" if metric.always else metric.name,
        )
        for part in PARTS
    ]
    title, asked = f"gap in {metric.title}", "" if metric.always else metric.name
    gap = Column(metric.gap_column, title, "down", metric.task, _PART_KEYS["val"], asked)
    title = f"validation {metric.title} of the constant prediction"
    constant = Column(metric.constant_column, title, None, metric.task, _PART_KEYS["val"], asked)
    return [*parts, gap, *([constant] if metric.constant == "column" else [])]


def _noise(name: str, title: str, better: Literal["up", "down"]) -> Column:
    return Column(name, title, better, "classification", ("label_noise",))


_NOISE = (
    _noise("train_acc_clean", "training accuracy on the true labels", "up"),
    _noise("clean_rows_acc", "accuracy on rows with their true label", "up"),
    # Wrong labels, known by heart.
    _noise("noisy_rows_acc", "accuracy on wrong labels, as given", "down"),
    _noise("noisy_rows_true_acc", "accuracy on the true classes of wrong labels", "up"),
)
# Accuracies on the training part of a study with label noise.
NOISE_ACCURACIES = tuple(column.name for column in _NOISE)

_OTHERS = (
    *_NOISE,
    Column("flip_rate", "share of wrong training labels", keys=("label_noise",)),
    Column("wrong_labels", "wrong training labels", keys=("label_noise",)),
    Column("generalization", "test loss less training loss", keys=("test_size",)),
    Column("selection_optimism", "test loss less validation loss", keys=("val_size", "test_size")),
    Column("stopping_regret", "stopping regret", "down", keys=("test_size",)),
    Column("collapsed", "share of runs collapsed to a constant", "down", keys=("val_size",)),
    Column("penalty", "penalty", "down"),
    Column("weight_norm", "norm of the weights"),
    Column("zero_fraction", "share of weights that are 0"),
    Column("epochs_run", "epochs run"),
    Column("best_epoch", "best epoch"),
    Column("reading_epoch", "reading epoch"),
)

COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (*(c for metric in METRICS.values() for c in _columns_of(metric)), *_OTHERS)
}


def worse_sign(column: str) -> int:
    """+1 where a rise is for the worse, -1 where a fall is, 0 where neither is.

    >>> [worse_sign(name) for name in ("gap_acc", "val_loss", "val_acc", "test_r2", "weight_norm")]
    [1, 1, -1, -1, 0]
    """
    if column not in COLUMNS:  # of another program's table; a gap is one of whatever metric
        return int(column.startswith("gap_"))
    return {"down": 1, "up": -1, None: 0}[COLUMNS[column].better]


def twin(column: str) -> str | None:
    """The column of the other task that says the same there: accuracy, R^2.

    >>> twin("gap_acc"), twin("val_r2"), twin("val_loss")
    ('gap_r2', 'val_acc', None)
    """
    for metric in OF_EVERY_STUDY:
        own = (*metric.columns, metric.constant_column)
        if metric.task and column in own:
            other = score_of("regression" if metric.task == "classification" else "classification")
            return (*other.columns, other.constant_column)[own.index(column)]
    return None
