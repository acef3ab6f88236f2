"""Tables and arrays of people: as files, or given in Python."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, model_validator

from regbench.config.blocks.dataset import Dataset, LabelNoise
from regbench.vocabulary.metrics import Task


class _File(Dataset):
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


Layout = Literal["hw", "chw", "hwc", "cl", "lc"]

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


class _Given(Dataset):
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


class Columns(Dataset):
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
    max_categories: Annotated[int, Field(ge=2)] | None = Field(
        None,
        description="inputs that a category may make: its most frequent texts in the training part "
        "have one each, all others share the last; default: one for each text",
    )
    na_values: Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_words)] = Field(
        ("NA", "NaN", "nan"), description="words that mean missing, as a blank cell does"
    )
    missing_target: Literal["error", "drop"] = Field(
        "error", description="drop: leave rows without a target out"
    )
    label_noise: LabelNoise = 0.0


class Csv(Columns, _File):
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
    quote: Literal['"', "'"] = Field('"', description="what may stand around a cell")
    row_names: bool | None = Field(
        None,
        description="whether the header lacks a name for the first column, the rows' names, as R's "
        "write.table leaves it out; default: as the first row says",
    )

    @model_validator(mode="after")
    def _marks_differ(self) -> Csv:
        if self.thousands == self.decimal:
            raise ValueError(f"thousands and decimal cannot both be {self.decimal!r}")
        if self.sep is not None and (self.sep in '"\n\r' or not self.sep.isascii()):
            raise ValueError(f"sep cannot be {self.sep!r}")
        if self.quote in (self.sep, self.thousands, self.comment):
            raise ValueError(f"quote cannot be {self.quote!r}, which another key has")
        return self

    @property
    def separator(self) -> str:
        """What stands between cells."""
        if self.sep is not None:
            return self.sep
        stem = self.path.lower().removesuffix(".gz")
        return "\t" if stem.endswith((".tsv", ".tab")) else ","


class Parquet(Columns, _File):
    """A Parquet file."""

    name: Literal["parquet"]


class Frame(Columns, _Given):
    """A pandas DataFrame, given to regbench.run(study, data=...)."""

    name: Literal["frame"]


class _Arrays(Dataset):
    """Inputs and targets as arrays."""

    task: Task = Field(description="classification or regression")  # type: ignore[misc]
    split_column: Literal["part"] | None = Field(
        None, description="`part`: the array of train/val/test where the file brings its own split"
    )
    groups: Literal["groups"] | None = Field(
        None, description="`groups`: the array whose equal values stay in one part"
    )
    layout: Layout | None = Field(
        None,
        description="what the axes of one example in x are: height, width, channels; length and "
        "channels of a signal. Scaled by channel, and what a cnn sees; default: a table",
    )
    missing_target: Literal["error", "drop"] = Field(
        "error", description="drop: leave rows whose y is NaN out"
    )
    label_noise: LabelNoise = 0.0


class Npz(_Arrays, _File):
    """NumPy arrays in one file: `x` (n, ...), `y` (n,), where there are such `groups`, `part`."""

    name: Literal["npz"]


class Arrays(_Arrays, _Given):
    """Arrays, (x, y) or for each part (x, y), given to regbench.run(study, data=...)."""

    name: Literal["arrays"]
