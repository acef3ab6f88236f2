"""Images of people, in files: the bytes stay bytes up to the batch."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from regbench.config.blocks.dataset import Classification

Side = Annotated[int, Field(ge=1, le=4096)]


class _Files(Classification):
    """Classes of images that lie somewhere."""

    places: ClassVar[tuple[str, ...]] = ("path",)


class _WithTest(_Files):
    own_test: bool = Field(
        True, description="the test file is the test part; false: all images in one pool"
    )


class Idx(_WithTest):
    """Images and labels as MNIST, Fashion-MNIST and EMNIST are distributed, gz or unpacked."""

    name: Literal["idx"]
    path: str = Field(
        min_length=1,
        description="the folder of `*images-idx3-ubyte` and `*labels-idx1-ubyte`, relative to the "
        "study file; or one file of images, where a folder holds several sets",
    )


class Cifar(_WithTest):
    """CIFAR-10 or CIFAR-100 in the binary version, as distributed and unpacked."""

    name: Literal["cifar"]
    path: str = Field(
        min_length=1, description="the folder of the `.bin` files, relative to the study file"
    )
    labels: Literal["fine", "coarse"] = Field(
        "fine", description="the 100 classes of CIFAR-100, or its 20 superclasses"
    )


class Images(_Files):
    """A folder of images, in which each class is a folder (as torchvision's ImageFolder has it)."""

    name: Literal["images"]
    path: str = Field(min_length=1, description="the folder, relative to the study file")
    size: Annotated[tuple[Side, Side], Field(strict=False)] | None = Field(
        None, description="[height, width] to resize to; default: as they are, all of one size"
    )
    channels: Literal[1, 3] = Field(3, description="3: red, green, blue; 1: grey")
    split_folders: bool = Field(
        False, description="true: the folders train, val and test, each with a folder a class"
    )

    @property
    def split_by(self) -> str | None:
        """`split_folders`, where it is set."""
        return "split_folders" if self.split_folders else None
