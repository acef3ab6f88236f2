"""Every kind of data set."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from regbench.config.blocks.bundled import (
    BreastCancer,
    Diabetes,
    Digits,
    Iris,
    Mnist1d,
    Mnist5k,
    Wine,
)
from regbench.config.blocks.files import Arrays, Csv, Frame, Npz, Parquet
from regbench.config.blocks.images import Cifar, Idx, Images
from regbench.config.blocks.kinds import named
from regbench.config.blocks.openml import OpenMl
from regbench.config.blocks.synthetic import (
    Circles,
    Friedman1,
    ModularAddition,
    Moons,
    Polynomial,
    SparseLinear,
)

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
    | Mnist5k
    | ModularAddition
    | Csv
    | Parquet
    | Npz
    | Idx
    | Cifar
    | Images
    | OpenMl
    | Frame
    | Arrays,
    Field(discriminator="name"),
    BeforeValidator(named),
]
