"""Networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from regbench.config.blocks.kinds import Block, Widths, default_name

__all__ = ["Activation", "Initializer", "Linear", "Mlp", "ModelConfig"]

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


ModelConfig = Annotated[Linear | Mlp, Field(discriminator="name"), default_name("mlp")]
