"""What a study may say: every key, its type, its default and its meaning.

These classes are the reference for users, too: `regbench schema` and the study reference are made
from them, so each field says what it does and in which unit. Rules that need two blocks at once
(a list with one strength a layer, label noise on a regression) stand in `crosschecks.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.blocks.kinds import Block, Seed
from regbench.config.blocks.model import Mlp, ModelConfig
from regbench.config.blocks.optimizer import Adam, OptimizerConfig
from regbench.config.blocks.regularizer import Regularizer, RegularizerConfig
from regbench.config.blocks.training import Training
from regbench.vocabulary.metrics import METRICS

SCHEMA_VERSION: Literal[1] = 1


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
    sweep: Sweep = Field({})
    metrics: Metrics = ()
    expect: Expect = ()
    interval: Interval = "seeds"
