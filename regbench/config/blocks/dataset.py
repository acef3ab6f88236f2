"""What every data set takes: its parts, its standardisation, its noise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field, model_validator

from regbench.config.blocks.kinds import Block, PartSize, Seed, Share
from regbench.vocabulary.metrics import Task

LabelNoise = Annotated[
    Share,
    Field(
        description="probability that a training label is redrawn uniformly over all C classes "
        "(so q (C-1)/C of them really change)"
    ),
]


class Dataset(Block):
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
    def _folds_leave_no_test_part(self) -> Dataset:
        drawn = "test_size" not in self.model_fields_set and not self.brings_test
        if self.folds is not None and drawn:
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
        return None if getattr(self, "split_column", None) is None else "split_column"

    @property
    def brings_test(self) -> bool:
        """Whether the data set says which rows are the test part, and no more."""
        return bool(getattr(self, "own_test", False))

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
        if self.brings_test:
            found["test_size"] = (
                "own_test: the data bring their test part (own_test: false draws one)"
            )
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


class Classification(Dataset):
    """Rows with one of C classes each."""

    task: ClassVar[Task] = "classification"

    label_noise: LabelNoise = 0.0


class Regression(Dataset):
    """Rows with a number each."""

    task: ClassVar[Task] = "regression"


# Keys that say what is made of a table, not which table it is.
SPLITTING = {*Dataset.model_fields, "label_noise"}
