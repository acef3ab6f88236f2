"""How long, in what batches, where."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from regbench.config.blocks.kinds import Block, Count, CountOrZero, NonNegative, Rows

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
