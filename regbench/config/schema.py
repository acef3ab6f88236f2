"""What a study may say: every key, its type, its default and its meaning.

These classes are the reference for users, too: `regbench schema` and the study reference are made
from them, so each field says what it does and in which unit. Rules that need two blocks at once
(a list with one strength a layer, label noise on a regression) stand in `crosschecks.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from regbench.vocabulary.metrics import METRICS, Task

__all__ = [
    "SPLITTING",
    "TOP_LEVEL",
    "BareRegularizer",
    "BatchNorm",
    "DatasetConfig",
    "EarlyStopping",
    "ModelConfig",
    "OptimizerConfig",
    "Regularizer",
    "ScheduleConfig",
    "Setting",
    "StudyFile",
    "Task",
    "Training",
]

SCHEMA_VERSION: Literal[1] = 1

Activation = Literal["relu", "tanh", "gelu", "elu", "selu", "sigmoid"]
Initializer = Literal[
    "he_normal",
    "he_uniform",
    "glorot_normal",
    "glorot_uniform",
    "lecun_normal",
    "zeros",
    "torch",
]

# Finite everywhere: NaN and infinity are never a setting.
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
# Bounds far above what anyone trains: a slip of the keyboard is refused here, rather than by a
# number that does not fit somewhere below.
Rows = Annotated[int, Field(ge=1, le=100_000_000)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
CountOrZero = Annotated[int, Field(ge=0, le=1_000_000)]
# A part of the data: a fraction is a share of all rows, an integer a count, 0 none.
PartSize = Annotated[int, Field(ge=0, le=100_000_000)] | Annotated[float, Field(ge=0, lt=1)]


Widths = Annotated[tuple[Count, ...], Field(strict=False, min_length=1, max_length=1000)]
# One number for every layer, or a list with one a layer.
Strengths = NonNegative | Annotated[tuple[NonNegative, ...], Field(strict=False, min_length=1)]
Rates = Rate | Annotated[tuple[Rate, ...], Field(strict=False, min_length=1)]
Norms = Positive | Annotated[tuple[Positive, ...], Field(strict=False, min_length=1)]


class Block(BaseModel):
    """A mapping in a study: unknown keys are refused, types are not converted, values are fixed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    # Keys that say where something lies: of what lies there the content counts, not the place.
    places: ClassVar[tuple[str, ...]] = ()

    @property
    def inapplicable(self) -> frozenset[str]:
        """Keys that another key of the block rules out."""
        return frozenset()


def _named(value: Any) -> Any:
    """A bare word stands for a block of that name."""
    return {"name": value} if isinstance(value, str) else value


def _default_name(name: str) -> BeforeValidator:
    """As `_named`; a mapping without a name is of the default kind."""

    def named(value: Any) -> Any:
        value = _named(value)
        return {"name": name, **value} if isinstance(value, dict) else value

    return BeforeValidator(named)


# --- data -----------------------------------------------------------------------------------


class _Dataset(Block):
    """Keys that every data set understands, and what its source can do."""

    if TYPE_CHECKING:
        name: str
    task: ClassVar[Task]
    # Rows of a set that always has the same number.
    row_count: ClassVar[int | None] = None
    # Keys that name columns.
    columns: ClassVar[tuple[str, ...]] = ()

    train_size: PartSize | None = Field(None, description="share or count; default: the rest")
    val_size: PartSize = Field(0.2, description="share of all rows, or a count; 0 for none")
    test_size: PartSize = Field(
        0.2, description="share of all rows, or a count; 0 for none, as by default with folds"
    )
    folds: Annotated[int, Field(ge=2, le=1_000_000)] | None = Field(
        None,
        description="K: seed s validates on fold s % K of repeat s // K, and trains on the others; "
        "one test part for all seeds, where test_size asks for it",
    )
    split_seed: Seed | None = Field(
        None, description="pins data, split and label noise for all seeds; default: the run's seed"
    )
    standardize: bool = Field(
        True,
        description="numbers (and a regression's target) to mean 0, variance 1, fitted on the "
        "training part; losses are in those units; indicators stay 0 and 1",
    )

    @model_validator(mode="after")
    def _folds_leave_no_test_part(self) -> _Dataset:
        if self.folds is not None and "test_size" not in self.model_fields_set:
            self.__dict__["test_size"] = 0  # a default that hangs on another key, in a frozen block
        return self

    @property
    def rows(self) -> int | None:
        """Rows in all; None where only the data themselves tell."""
        rows: int | None = getattr(self, "n_samples", self.row_count)
        return rows

    @property
    def origin(self) -> str:
        """By what a study's data sets are told apart: where they lie, else their name.

        Blocks of one origin have one fingerprint: keys that change what is read of a file belong
        into it.
        """
        return ", ".join(getattr(self, key) for key in self.places) or self.name

    @property
    def label(self) -> str:
        """What messages call it."""
        return self.origin if self.places else f"dataset {self.name}"

    @property
    def split_by(self) -> str | None:
        """The key by which the data bring their own split; None where they are split here."""
        return None

    @property
    def unit(self) -> str | None:
        """The key of the column whose equal values stay in one part; None for single rows."""
        given = (key for key in ("groups", "time") if getattr(self, key, None) is not None)
        return next(given, None)

    @property
    def ruled_out(self) -> dict[str, str]:
        """Keys that another key rules out, and which one: why."""
        if self.split_by is not None:
            sizes = ("train_size", "val_size", "test_size", "split_seed")
            why = f"{self.split_by}, which brings the split"
            return dict.fromkeys((*sizes, "folds", "groups", "time"), why)
        found = {}
        if self.unit == "groups":
            found["time"] = "groups: rows are split by the one or the other"
        if self.folds is not None:
            found["time"] = "folds: most of them would be validated on what came before"
            found["val_size"] = "folds, each of which is the validation part of a seed"
        return found

    @property
    def inapplicable(self) -> frozenset[str]:
        """The keys that another one rules out."""
        return frozenset(self.ruled_out)


class _Classification(_Dataset):
    task: ClassVar[Task] = "classification"

    label_noise: Share = Field(
        0.0,
        description="probability that a training label is redrawn uniformly over all C classes "
        "(so q (C-1)/C of them really change)",
    )


class _Regression(_Dataset):
    task: ClassVar[Task] = "regression"


class Digits(_Classification):
    """1,797 images of handwritten digits, 8 x 8 pixels, 10 classes (scikit-learn)."""

    name: Literal["digits"]
    row_count: ClassVar[int] = 1797


class BreastCancer(_Classification):
    """569 tumours, 30 features, 2 classes (scikit-learn)."""

    name: Literal["breast_cancer"]
    row_count: ClassVar[int] = 569


class Wine(_Classification):
    """178 wines, 13 features, 3 classes (scikit-learn)."""

    name: Literal["wine"]
    row_count: ClassVar[int] = 178


class Iris(_Classification):
    """150 flowers, 4 features, 3 classes (scikit-learn)."""

    name: Literal["iris"]
    row_count: ClassVar[int] = 150


class Diabetes(_Regression):
    """442 patients, 10 features, progression after a year (scikit-learn; Efron et al. 2004)."""

    name: Literal["diabetes"]
    row_count: ClassVar[int] = 442


class Moons(_Classification):
    """Two interleaved half circles with Gaussian noise (scikit-learn's make_moons)."""

    name: Literal["moons"]
    n_samples: Rows = Field(500, description="rows in all")
    noise: NonNegative = Field(0.2, description="standard deviation of the noise on both features")


class Circles(_Classification):
    """A circle inside a circle with Gaussian noise (scikit-learn's make_circles)."""

    name: Literal["circles"]
    n_samples: Rows = Field(500, description="rows in all")
    noise: NonNegative = Field(0.1, description="standard deviation of the noise on both features")
    factor: Rate = Field(0.5, description="radius of the inner circle; the outer has 1")


class Friedman1(_Regression):
    """y = 10 sin(pi x0 x1) + 20 (x2 - .5)^2 + 10 x3 + 5 x4 + noise (Friedman 1991)."""

    name: Literal["friedman1"]
    n_samples: Rows = Field(300, description="rows in all")
    n_features: Annotated[int, Field(ge=5, le=1_000_000)] = Field(
        10, description="5 that matter, the rest noise"
    )
    noise: NonNegative = Field(1.0, description="standard deviation of the noise on y")


class Polynomial(_Regression):
    """y = sin(pi x) + noise for x in (-1, 1); the features are x, x^2, ..., x^degree."""

    name: Literal["polynomial"]
    n_samples: Rows = Field(100, description="rows in all")
    degree: Count = Field(9, description="highest power of x among the features")
    noise: NonNegative = Field(0.3, description="standard deviation of the noise on y")


class SparseLinear(_Regression):
    """y = x w + noise, where w is +1, -1, +1, ... on the first n_informative features, else 0."""

    name: Literal["sparse_linear"]
    n_samples: Rows = Field(200, description="rows in all")
    n_features: Count = Field(50, description="columns of x, independent standard normals")
    n_informative: Count = Field(5, description="features with a weight other than 0")
    noise: NonNegative = Field(1.0, description="standard deviation of the noise on y")

    @model_validator(mode="after")
    def _support_fits(self) -> SparseLinear:
        if self.n_informative > self.n_features:
            raise ValueError(
                f"n_informative is {self.n_informative}, more than n_features ({self.n_features})"
            )
        return self


class Mnist1d(_Classification):
    """Digits as signals of 40 points, 10 classes (Greydanus & Kobak 2024; the extra `mnist1d`)."""

    name: Literal["mnist1d"]
    n_samples: Annotated[int, Field(ge=10, le=100_000, multiple_of=10)] = Field(
        5000, description="rows in all, a tenth of each class; another number gives other rows"
    )


class ModularAddition(_Classification):
    """(a + b) mod p, every pair; a and b one-hot, 2p features, p classes (Power et al. 2022)."""

    name: Literal["modular_addition"]
    modulus: Annotated[int, Field(ge=2, le=512)] = Field(
        23, description="p, a prime or not; the rows are the same for every seed"
    )

    @property
    def n_samples(self) -> int:
        """Rows in all: every pair."""
        return self.modulus**2


class _File(_Dataset):
    """What lies in a file."""

    places: ClassVar[tuple[str, ...]] = ("path",)

    path: str = Field(min_length=1, description="the file, relative to the study file")


def _words(value: Any) -> Any:
    """A number, true or null in a list of words is that word."""
    if not isinstance(value, list | tuple):
        return value
    plain = {None: "null", True: "true", False: "false"}
    return tuple(
        plain[each] if each is None or isinstance(each, bool) else str(each) for each in value
    )


_SEPARATORS = {"tab": "\t", "\\t": "\t", "space": " "}
_ENCODINGS = {
    **{"utf8": "utf-8", "utf-8-sig": "utf-8", "utf16": "utf-16", "latin1": "latin-1"},
    **{"iso-8859-1": "latin-1", "iso8859-1": "latin-1", "windows-1252": "cp1252"},
    **{"windows-1250": "cp1250", "windows-1251": "cp1251", "shift-jis": "shift_jis"},
    **{"iso-8859-2": "iso8859-2", "iso-8859-15": "iso8859-15", "mac_roman": "mac-roman"},
}


def _spelled(known: dict[str, str], *, lower: bool = False) -> BeforeValidator:
    """Another spelling of a value stands for it."""

    def as_known(value: Any) -> Any:
        return (
            known.get(value.lower() if lower else value, value) if isinstance(value, str) else value
        )

    return BeforeValidator(as_known)


Mark = Annotated[str, Field(min_length=1, max_length=1)]
# A closed list: Python looks for a codec by importing a module of its name.
Encoding = Annotated[
    Literal[
        "utf-8",
        "utf-16",
        "utf-32",
        "latin-1",
        "cp1252",
        "cp1250",
        "cp1251",
        "iso8859-2",
        "iso8859-15",
        "koi8-r",
        "mac-roman",
        "cp437",
        "shift_jis",
        "euc-jp",
        "gb18030",
        "big5",
        "euc-kr",
    ],
    _spelled(_ENCODINGS, lower=True),
]
Names = Annotated[tuple[str, ...], Field(strict=False)]


class _Given(_Dataset):
    """What a caller gives, and no file holds."""

    places: ClassVar[tuple[str, ...]] = ("content",)

    content: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")] = Field(
        "", description="SHA-256 of what was given; set by regbench.run(study, data=...)"
    )

    @property
    def origin(self) -> str:
        """The content; the name, where there is none."""
        return self.content or self.name

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"the {self.name} given from Python"


class _Columns(_Dataset):
    """A table whose columns have names."""

    columns: ClassVar[tuple[str, ...]] = (
        *("target", "drop", "split_column", "groups", "time", "categorical", "numeric"),
    )

    target: str = Field(min_length=1, description="the column to predict")
    task: Task = Field(description="classification or regression")  # type: ignore[misc]
    drop: Names = Field((), description="columns to leave out")
    split_column: str | None = Field(
        None, description="a column of train/val/test where the file brings its own split"
    )
    groups: str | None = Field(
        None,
        min_length=1,
        description="a column: rows that have the same value there stand in one part; no feature",
    )
    time: str | None = Field(
        None,
        min_length=1,
        description="a column of numbers or ISO dates: validation is later than training, test "
        "later than validation; no feature",
    )
    categorical: Names = Field(
        (), description="columns that are categories, whatever stands in them: one 0/1 input a text"
    )
    numeric: Names = Field(
        (),
        description="columns that are numbers: true/false are 1/0, ISO dates days since "
        "1970-01-01, a currency sign or % is left out",
    )
    na_values: Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_words)] = Field(
        ("NA", "NaN", "nan"), description="words that mean missing, as a blank cell does"
    )
    missing_target: Literal["error", "drop"] = Field(
        "error", description="drop: leave rows without a target out"
    )
    label_noise: Share = Field(
        0.0, description=_Classification.model_fields["label_noise"].description
    )

    @property
    def split_by(self) -> str | None:
        """`split_column`, where it is given."""
        return None if self.split_column is None else "split_column"


class Csv(_Columns, _File):
    """A text file with a header line, a row a line: CSV, TSV; also packed by gzip."""

    name: Literal["csv"]
    sep: Annotated[Mark, _spelled(_SEPARATORS)] | None = Field(
        None,
        description="what stands between cells, or `tab`, `space` (runs of them); default: a tab "
        "for .tsv and .tab, else a comma",
    )
    decimal: Literal[".", ","] = Field(".", description="the decimal mark of numbers")
    thousands: Literal[",", ".", " ", "'", "_"] | None = Field(
        None, description="what groups the digits of numbers by three"
    )
    encoding: Encoding = Field("utf-8", description="of the text")
    comment: Mark | None = Field(None, description="lines that begin with it are skipped")

    @model_validator(mode="after")
    def _marks_differ(self) -> Csv:
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal cannot both be {self.decimal!r}")
        if self.sep is not None and (self.sep in '"\n\r' or not self.sep.isascii()):
            raise ValueError(f"sep cannot be {self.sep!r}")
        return self

    @property
    def separator(self) -> str:
        """What stands between cells."""
        if self.sep is not None:
            return self.sep
        stem = self.path.lower().removesuffix(".gz")
        return "\t" if stem.endswith((".tsv", ".tab")) else ","


class Parquet(_Columns, _File):
    """A Parquet file."""

    name: Literal["parquet"]


class Frame(_Columns, _Given):
    """A pandas DataFrame, given to regbench.run(study, data=...)."""

    name: Literal["frame"]


class _Arrays(_Dataset):
    """Inputs and targets as arrays."""

    task: Task = Field(description="classification or regression")  # type: ignore[misc]
    split_column: Literal["part"] | None = Field(
        None, description="`part`: the array of train/val/test where the file brings its own split"
    )
    groups: Literal["groups"] | None = Field(
        None, description="`groups`: the array whose equal values stay in one part"
    )
    missing_target: Literal["error", "drop"] = Field(
        "error", description="drop: leave rows whose y is NaN out"
    )
    label_noise: Share = Field(
        0.0, description=_Classification.model_fields["label_noise"].description
    )

    @property
    def split_by(self) -> str | None:
        """`split_column`, where it is given."""
        return None if self.split_column is None else "split_column"


class Npz(_Arrays, _File):
    """NumPy arrays in one file: `x` (n, ...), `y` (n,), where there are such `groups`, `part`."""

    name: Literal["npz"]


class Arrays(_Arrays, _Given):
    """Arrays, (x, y) or for each part (x, y), given to regbench.run(study, data=...)."""

    name: Literal["arrays"]


# Keys that say what is made of a table, not which table it is.
SPLITTING = {*_Dataset.model_fields, "label_noise"}

DatasetConfig = Annotated[
    Digits
    | BreastCancer
    | Wine
    | Iris
    | Diabetes
    | Moons
    | Circles
    | Friedman1
    | Polynomial
    | SparseLinear
    | Mnist1d
    | ModularAddition
    | Csv
    | Parquet
    | Npz
    | Frame
    | Arrays,
    Field(discriminator="name"),
    BeforeValidator(_named),
]

# --- model ----------------------------------------------------------------------------------


class Linear(Block):
    """One affine map: softmax regression, or least squares."""

    name: Literal["linear"]
    init: Initializer = Field("glorot_uniform", description="how the first weights are drawn")

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """Widths of the hidden layers: none."""
        return ()


class Mlp(Block):
    """A multilayer perceptron: affine, [batchnorm], activation, [dropout] for each hidden layer."""

    name: Literal["mlp"]
    hidden: Widths = Field((64, 64), description="width of each hidden layer")
    activation: Activation = Field("relu", description="after each hidden affine map")
    init: Initializer = Field("he_normal", description="how the first weights are drawn")

    @property
    def hidden_sizes(self) -> tuple[int, ...]:
        """Widths of the hidden layers."""
        return self.hidden


ModelConfig = Annotated[Linear | Mlp, Field(discriminator="name"), _default_name("mlp")]

# --- regularizer ----------------------------------------------------------------------------


class BatchNorm(Block):
    """Options of batch normalisation (Ioffe & Szegedy 2015)."""

    momentum: Annotated[float, Field(gt=0, le=1)] = Field(
        0.1, description="weight of the newest batch in the running statistics (PyTorch's meaning)"
    )
    eps: Positive = Field(1e-5, description="added to the variance")


if TYPE_CHECKING:
    Monitor = str
else:
    Monitor = Literal[(*(f"val_{name}" for name in METRICS), "train_loss")]


class EarlyStopping(Block):
    """One rule: `patience` (Keras), or `gl`, `pq`, `up` (Prechelt 1998); patience 10 by default."""

    patience: CountOrZero | None = Field(
        None, description="scored epochs without improvement before the stop (default 10)"
    )
    gl: Positive | None = Field(None, description="stop when GL(t) > gl (percent)")
    pq: Positive | None = Field(None, description="stop at a strip's end if GL(t) / P_k(t) > pq")
    up: Count | None = Field(None, description="stop after rises at so many successive strip ends")
    strip: Count = Field(5, description="epochs a strip (Prechelt's k), for pq and up")
    monitor: Monitor = Field("val_loss", description="what the rule watches, without penalty")
    min_delta: NonNegative = Field(0.0, description="a smaller change is no improvement (patience)")
    baseline: Annotated[float, Field(allow_inf_nan=False)] | None = Field(
        None, description="a value that must be beaten for patience to be renewed (patience)"
    )
    start_from_epoch: CountOrZero = Field(
        0, description="epochs to pass before the rule begins to watch (patience)"
    )
    restore_best_weights: bool = Field(True, description="report the best epoch, not the last")

    @model_validator(mode="after")
    def _one_rule(self) -> EarlyStopping:
        given = [k for k in ("patience", "gl", "pq", "up") if getattr(self, k) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are different rules: give one of them")
        if given and given[0] != "patience":
            if self.monitor != "val_loss":
                raise ValueError(f"{given[0]} is defined on val_loss only, not on {self.monitor}")
            keras_only = {"min_delta", "baseline", "start_from_epoch"} & self.model_fields_set
            if keras_only:
                raise ValueError(f"{min(keras_only)} belongs to patience, not to {given[0]}")
        return self

    @property
    def rule(self) -> Literal["patience", "gl", "pq", "up"]:
        """Which of the four rules this is."""
        for name in ("gl", "pq", "up"):
            if getattr(self, name) is not None:
                return name
        return "patience"

    @property
    def threshold(self) -> float:
        """The number that the rule compares with."""
        value = getattr(self, self.rule)
        return 10 if value is None else float(value)

    @property
    def inapplicable(self) -> frozenset[str]:
        """The other rules, and the options of those."""
        keys = {"patience", "gl", "pq", "up"} - {self.rule}
        if self.rule != "patience":
            keys |= {"min_delta", "baseline", "start_from_epoch"}
        return frozenset(keys if self.rule in ("pq", "up") else keys | {"strip"})


def _switch(value: Any) -> Any:
    """True stands for a block of defaults, false for none."""
    if isinstance(value, bool):
        return {} if value else None
    return value


class Regularizer(Block):
    """What acts against overfitting; the keys combine freely."""

    l1: Strengths = Field(0.0, description="l1 * sum|w| on every kernel; or one a layer")
    l2: Strengths = Field(0.0, description="l2 * sum(w^2) on every kernel; or one a layer")
    l1_method: Literal["proximal", "subgradient"] = Field(
        "proximal", description="proximal sets weights to exactly 0; subgradient never does"
    )
    dropout: Rates = Field(0.0, description="rate after each hidden activation; or one a layer")
    input_dropout: Rate = Field(0.0, description="rate on the inputs")
    batchnorm: Annotated[
        BatchNorm | None,
        BeforeValidator(_switch),
    ] = Field(None, description="true, or options; between affine map and activation")
    early_stopping: Annotated[
        EarlyStopping | None,
        BeforeValidator(_switch),
    ] = Field(None, description="true, or options; chooses the epoch that a row reports")
    weight_decay: Strengths = Field(
        0.0, description="w *= 1 - lr * weight_decay before each step, in every optimizer"
    )
    max_norm: Norms | None = Field(
        None, description="largest norm of an output unit's incoming weights"
    )
    label_smoothing: Rate = Field(0.0, description="share of the target spread over all classes")
    input_noise: NonNegative = Field(
        0.0, description="standard deviation of Gaussian noise on the inputs while training"
    )


BareRegularizer = Literal["none", "l1", "l2", "elastic", "dropout", "early_stopping", "batchnorm"]

# What the bare words stand for.
BARE_REGULARIZERS: dict[str, dict[str, Any]] = {
    "none": {},
    "l1": {"l1": 1e-3},
    "l2": {"l2": 1e-3},
    "elastic": {"l1": 5e-4, "l2": 5e-4},
    "dropout": {"dropout": 0.5},
    "early_stopping": {"early_stopping": {"patience": 10}},
    "batchnorm": {"batchnorm": {}},
}
assert set(BARE_REGULARIZERS) == set(get_args(BareRegularizer))

# --- optimizer ------------------------------------------------------------------------------


class _Schedule(Block):
    warmup_epochs: CountOrZero = Field(
        0, description="epoch e of these trains at e / (warmup_epochs + 1) of the schedule's rate"
    )


class Constant(_Schedule):
    """The same learning rate throughout."""

    name: Literal["constant"]


class Cosine(_Schedule):
    """Half a cosine from lr to final_factor * lr over training.epochs (torch CosineAnnealingLR)."""

    name: Literal["cosine"]
    final_factor: Share = Field(0.0, description="what the rate tends to, as a share of lr")


class Step(_Schedule):
    """Times gamma after every `every` epochs (torch StepLR)."""

    name: Literal["step"]
    every: Count = Field(30, description="epochs between two steps")
    gamma: Annotated[float, Field(gt=0, le=1)] = Field(0.1, description="factor at each step")


ScheduleConfig = Annotated[
    Constant | Cosine | Step, Field(discriminator="name"), BeforeValidator(_named)
]


class _Optimizer(Block):
    schedule: ScheduleConfig = Field(
        Constant(name="constant"), description="how the learning rate moves over the epochs"
    )


class Sgd(_Optimizer):
    """Stochastic gradient descent in PyTorch's form: v = momentum v + g; w -= lr v."""

    name: Literal["sgd"]
    lr: Positive = Field(0.01, description="learning rate")
    momentum: Rate = Field(0.0, description="share of the last step that is kept")
    nesterov: bool = Field(False, description="look ahead: w -= lr (g + momentum v)")

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Sgd:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs a momentum above 0")
        return self


class _Adam(_Optimizer):
    lr: Positive = Field(1e-3, description="learning rate")
    betas: Annotated[tuple[Rate, Rate], Field(strict=False)] = Field(
        (0.9, 0.999), description="decay of the running mean and of the running square"
    )
    eps: Positive = Field(1e-8, description="added to the root, after bias correction")


class Adam(_Adam):
    """Adam in PyTorch's form (Kingma & Ba 2015); an l2 penalty is coupled into its moments."""

    name: Literal["adam"]


class AdamW(_Adam):
    """Adam; the decay is regularizer.weight_decay (Loshchilov & Hutter 2019)."""

    name: Literal["adamw"]


class RmsProp(_Optimizer):
    """RMSprop in PyTorch's form: w -= lr g / (sqrt(v) + eps)."""

    name: Literal["rmsprop"]
    lr: Positive = Field(0.01, description="learning rate")
    alpha: Rate = Field(0.99, description="decay of the running square (Keras: rho)")
    eps: Positive = Field(1e-8, description="added outside the root")


OptimizerConfig = Annotated[
    Sgd | Adam | AdamW | RmsProp, Field(discriminator="name"), _default_name("adam")
]

# --- training -------------------------------------------------------------------------------


Weights = Annotated[dict[str, NonNegative], Field(min_length=1)]


class Training(Block):
    """How long, in what batches, where and in which precision."""

    epochs: CountOrZero = Field(
        100, description="passes over the training part; 0 scores the initial weights"
    )
    batch_size: Rows | Literal["full"] = Field(
        32, description="examples a step; the last batch of an epoch may be smaller; full: all"
    )
    shuffle: bool = Field(True, description="a new order each epoch; false: file order")
    eval_every: Count = Field(1, description="score every so many epochs, and after the last")
    device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:[0-9]{1,4})?)$")] = Field(
        "auto", description="auto, cpu, cuda or cuda:i; auto takes CUDA where there is one"
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="of weights and data")
    threads: Annotated[int, Field(ge=1, le=1024)] = Field(
        1, description="CPU threads a stack; more cores take more stacks"
    )
    class_weight: Literal["balanced"] | Weights | None = Field(
        None,
        description="factor of each training example's loss by its class, as in Keras: class name "
        "-> weight, 1 for a class that is not named; balanced: n / (C n_c) of the training labels",
    )
    tf32: bool = Field(False, description="allow TF32 products on CUDA (faster, less exact)")
    save_weights: bool = Field(False, description="weights/<run_id>.safetensors at the reading")
    save_predictions: bool = Field(False, description="predictions/<run_id>.npz at the reading")


# --- the whole ------------------------------------------------------------------------------


def _bare_regularizer(value: Any) -> Any:
    return BARE_REGULARIZERS.get(value, value) if isinstance(value, str) else value


RegularizerConfig = Annotated[Regularizer, BeforeValidator(_bare_regularizer)]


class Setting(Block):
    """One fully resolved setting: everything that decides a run but its seed."""

    dataset: DatasetConfig
    model: ModelConfig = Mlp(name="mlp")
    regularizer: RegularizerConfig = Regularizer()
    optimizer: OptimizerConfig = Adam(name="adam")
    training: Training = Training()


Name = Annotated[str, Field(description="default: the file's stem; names the results folder")]
Seeds = Annotated[
    Annotated[int, Field(ge=1)]  # --max-runs bounds it
    | Annotated[tuple[Seed, ...], Field(strict=False, min_length=1)],
    Field(description="how many (0, 1, ...), or a list of them"),
]
Sweep = Annotated[
    dict[str, Any] | list[dict[str, Any]],
    Field(description="axes: a mapping is a product, a list of mappings a union of products"),
]
Expect = Annotated[
    tuple[str, ...],
    Field(strict=False, description="claims about results: gap_loss[l2] < gap_loss[none]"),
]


Interval = Annotated[
    Literal["seeds", "rows"],
    Field(
        description="what intervals and decisions speak of: another seed on these data, or other "
        "rows of the same kind"
    ),
]
if TYPE_CHECKING:
    MetricName = str
else:
    MetricName = Literal[tuple(METRICS)]
Metrics = Annotated[
    tuple[MetricName, ...],
    Field(strict=False, description="scores besides the loss, and accuracy or R^2"),
]


class StudyFile(Setting):
    """A study file: a setting, the seeds, the sweep over settings and the claims about it."""

    schema_version: Literal[1] = SCHEMA_VERSION
    name: Name = ""
    seeds: Seeds = 5
    sweep: Sweep = {}
    metrics: Metrics = ()
    expect: Expect = ()
    interval: Interval = "seeds"


# The top-level keys and what each may hold, for validation one by one.
TOP_LEVEL: dict[str, Any] = {
    "dataset": DatasetConfig,
    "model": ModelConfig,
    "regularizer": RegularizerConfig,
    "optimizer": OptimizerConfig,
    "training": Training,
    "schema_version": Literal[1],
    "name": Name,
    "seeds": Seeds,
    "sweep": Sweep,
    "metrics": Metrics,
    "expect": Expect,
    "interval": Interval,
}
assert set(TOP_LEVEL) == set(StudyFile.model_fields)
