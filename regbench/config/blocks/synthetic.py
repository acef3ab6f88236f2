"""Data that are drawn: their sizes and their noise."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from regbench.config.blocks.dataset import Classification, Regression
from regbench.config.blocks.kinds import Count, NonNegative, Rate, Rows


class Moons(Classification):
    """Two interleaved half circles with Gaussian noise (scikit-learn's make_moons)."""

    name: Literal["moons"]
    n_samples: Rows = Field(500, description="rows in all")
    noise: NonNegative = Field(0.2, description="standard deviation of the noise on both features")


class Circles(Classification):
    """A circle inside a circle with Gaussian noise (scikit-learn's make_circles)."""

    name: Literal["circles"]
    n_samples: Rows = Field(500, description="rows in all")
    noise: NonNegative = Field(0.1, description="standard deviation of the noise on both features")
    factor: Rate = Field(0.5, description="radius of the inner circle; the outer has 1")


class Friedman1(Regression):
    """y = 10 sin(pi x0 x1) + 20 (x2 - .5)^2 + 10 x3 + 5 x4 + noise (Friedman 1991)."""

    name: Literal["friedman1"]
    n_samples: Rows = Field(300, description="rows in all")
    n_features: Annotated[int, Field(ge=5, le=1_000_000)] = Field(
        10, description="5 that matter, the rest noise"
    )
    noise: NonNegative = Field(1.0, description="standard deviation of the noise on y")


class Polynomial(Regression):
    """y = sin(pi x) + noise for x in (-1, 1); the features are x, x^2, ..., x^degree."""

    name: Literal["polynomial"]
    n_samples: Rows = Field(100, description="rows in all")
    degree: Count = Field(9, description="highest power of x among the features")
    noise: NonNegative = Field(0.3, description="standard deviation of the noise on y")


class SparseLinear(Regression):
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


class ModularAddition(Classification):
    """(a + b) mod p, every pair; a and b one-hot, 2p features, p classes (Power et al. 2022)."""

    name: Literal["modular_addition"]
    modulus: Annotated[int, Field(ge=2, le=512)] = Field(
        23, description="p, a prime or not; the rows are the same for every seed"
    )

    @property
    def n_samples(self) -> int:
        """Rows in all: every pair."""
        return self.modulus**2
