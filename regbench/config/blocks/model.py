"""Networks."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, model_validator

from regbench.config.blocks.kinds import Block, Count, CountOrZero, Widths, default_name
from regbench.vocabulary.words import counted

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

Size = Literal["kernel", "stride", "padding", "pooling"]
# The keys of a cnn that say one number for every convolution, or one each.
SIZES: tuple[Size, ...] = get_args(Size)

_Many = Annotated[tuple[Count, ...], Field(strict=False, min_length=1, max_length=1000)]
_Sizes = Count | _Many
_Paddings = (
    CountOrZero | Annotated[tuple[CountOrZero, ...], Field(strict=False, min_length=1)] | None
)


class Linear(Block):
    """One affine map: softmax regression, or least squares."""

    name: Literal["linear"]
    init: Initializer = Field("glorot_uniform", description="how the first weights are drawn")

    @property
    def depth(self) -> int:
        """Hidden layers: none."""
        return 0


class Mlp(Block):
    """A multilayer perceptron: affine, [batchnorm], activation, [dropout] for each hidden layer."""

    name: Literal["mlp"]
    hidden: Widths = Field((64, 64), description="width of each hidden layer")
    activation: Activation = Field("relu", description="after each hidden affine map")
    init: Initializer = Field("he_normal", description="how the first weights are drawn")

    @property
    def depth(self) -> int:
        """Hidden layers: a kernel each, and one more for the outputs."""
        return len(self.hidden)


class Cnn(Block):
    """Convolutions over signals or images, then affine maps.

    Each convolution: convolution, [batchnorm], activation, [max-pooling], [dropout]; then hidden
    layers as in mlp.
    """

    name: Literal["cnn"]
    channels: Widths = Field((16, 32), description="output channels of each convolution")
    kernel: _Sizes = Field(3, description="its width, on images its side; or one a convolution")
    stride: _Sizes = Field(1, description="its steps; or one a convolution")
    padding: _Paddings = Field(
        None, description="zeros on every side; or one a convolution (default kernel // 2)"
    )
    pooling: _Sizes = Field(
        2, description="window and step of the max-pooling after it, 1 none; or one a convolution"
    )
    hidden: Annotated[tuple[Count, ...], Field(strict=False, max_length=1000)] = Field(
        (), description="width of each hidden layer after the convolutions"
    )
    activation: Activation = Field("relu", description="after each hidden kernel")
    init: Initializer = Field("he_normal", description="how the first weights are drawn")

    @model_validator(mode="after")
    def _one_each(self) -> Cnn:
        for key in SIZES:
            value = getattr(self, key)
            if isinstance(value, tuple) and len(value) != len(self.channels):
                raise ValueError(
                    f"{key} has {counted(len(value), 'value')}, but channels names "
                    f"{counted(len(self.channels), 'convolution')}"
                )
        return self

    @property
    def depth(self) -> int:
        """Hidden layers: a kernel each, and one more for the outputs."""
        return len(self.channels) + len(self.hidden)

    def each(self, key: Size) -> tuple[int, ...]:
        """One number a convolution.

        >>> Cnn(name="cnn", channels=(4, 8), kernel=(5, 3)).each("padding")
        (2, 1)
        """
        value = getattr(self, key)
        if value is None:
            return tuple(size // 2 for size in self.each("kernel"))
        return value if isinstance(value, tuple) else (value,) * len(self.channels)

    def plain_values(self) -> dict[str, Any]:
        """A list of equal numbers is that number, and the padding one of them."""
        values = super().plain_values()
        for key in SIZES:
            numbers = self.each(key)
            values[key] = numbers[0] if len(set(numbers)) == 1 else list(numbers)
        return values


class Module(Block):
    """Your own torch.nn.Module, made by a function that --model names; other keys are its keywords.

    The function is given the shape of an example, the number of outputs, and these keywords.
    """

    model_config = ConfigDict(extra="allow")

    name: Literal["module"]

    @property
    def depth(self) -> None:
        """Known once it is made."""
        return

    @property
    def keywords(self) -> dict[str, Any]:
        """What the function is given by name."""
        return dict(self.model_extra or {})


ModelConfig = Annotated[
    Linear | Mlp | Cnn | Module, Field(discriminator="name"), default_name("mlp")
]
