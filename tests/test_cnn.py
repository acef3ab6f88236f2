"""Convolutional networks against stock torch.nn and torch.optim, one run at a time."""

import numpy as np
import pytest
import torch
from engine import member, setting, train
from oracle_torch import ConvSolo
from test_oracle_torch import OPTIMIZERS, REGULARIZERS, assert_same

from regbench.config.load import parse_study
from regbench.engine.loop import train_stack
from regbench.errors import BadStudy
from regbench.models.architecture import BadModel, architecture

DIGITS = {"name": "digits", "train_size": 70, "val_size": 40, "test_size": 40}
SIGNALS = {"name": "mnist1d", "train_size": 70, "val_size": 40, "test_size": 40}
IMAGES = {"name": "cnn", "channels": [4], "hidden": [6], "padding": 1}
STRIDES = {
    **{"name": "cnn", "channels": [5, 6], "kernel": [5, 3], "stride": 2, "padding": 1},
    **{"pooling": [1, 2], "activation": "tanh", "init": "torch"},
}


def both(dataset, model, seed=3, **blocks):
    chosen = setting(dataset=dataset, model=model, **blocks)
    # A neighbour of another seed, so that the run is one of a stack.
    trajectory, _ = train(member(chosen, seed), member(chosen, 4))
    assert_same(trajectory, ConvSolo(chosen, seed).train())


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "rmsprop"])
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_every_regularizer_on_images(regularizer, optimizer):
    both(DIGITS, IMAGES, regularizer=REGULARIZERS[regularizer], optimizer=OPTIMIZERS[optimizer])


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("regularizer", ["none", "everything"])
def test_every_optimizer_on_signals(regularizer, optimizer):
    both(SIGNALS, STRIDES, regularizer=REGULARIZERS[regularizer], optimizer=OPTIMIZERS[optimizer])


@pytest.mark.parametrize("activation", ["gelu", "elu", "selu", "sigmoid"])
def test_every_activation(activation):
    both(DIGITS, IMAGES | {"activation": activation}, training={"epochs": 2})


def test_a_run_has_the_same_bits_alone_and_in_a_stack_and_resumed():
    blocks = {"dataset": DIGITS, "model": IMAGES, "training": {"dtype": "float32"}}
    regularizers = [{"dropout": 0.3, "batchnorm": True}, {"l1": 1e-3, "batchnorm": True}]
    # The second one leaves the stack early.
    regularizers[1]["early_stopping"] = {"patience": 1, "monitor": "val_acc"}
    members = [
        member(setting(regularizer=regularizer, **blocks), seed, f"{seed}{i}")
        for seed in (1, 2)
        for i, regularizer in enumerate(regularizers)
    ]
    together = train(*members)
    for one, trajectory in zip(members, together, strict=True):
        assert_equal(train(one)[0], trajectory)
    kept = Kept()
    with pytest.raises(KeyboardInterrupt):
        train_stack(members, None, on_epoch=kept.interrupt, checkpoints=kept)
    resumed = train_stack(members, None, checkpoints=kept)
    for trajectory, again in zip(together, resumed, strict=True):
        assert_equal(trajectory, again)


class Kept:
    """A stack that is interrupted after its second epoch."""

    def __init__(self):
        self.state = None

    def interrupt(self, epoch, trained):
        if epoch == 2:
            raise KeyboardInterrupt

    def latest(self):
        return self.state

    def due(self):
        return False

    def save(self, epoch, state):
        self.state = epoch, {name: np.array(array) for name, array in state.items()}


def assert_equal(one, other):
    ours, theirs = one.readings[0], other.readings[0]
    assert ours.state.keys() == theirs.state.keys()
    for name in ours.state:
        assert ours.state[name].tobytes() == theirs.state[name].tobytes(), name
    for name, curve in one.curves.items():
        assert curve.tobytes() == other.curves[name].tobytes(), name


def test_published_counts_of_mnist1d():
    # Greydanus 2020, "Scaling down deep learning": logistic, mlp and cnn.
    models = {
        "linear": 410,
        "{name: mlp, hidden: [100, 100]}": 15_210,
        "{name: cnn, channels: [25, 25, 25], kernel: [5, 3, 3], stride: 2, padding: 1, "
        "pooling: 1}": 5_210,
    }
    for model, count in models.items():
        (cell,) = parse_study(f"dataset: mnist1d\nmodel: {model}\n").cells
        chain = architecture(cell.setting.model, cell.setting.regularizer, (1, 40), 10)
        assert chain.parameter_count == count


@pytest.mark.parametrize(
    ("model", "example", "key", "why"),
    [
        ({}, (13,), "name", "rows of 13 numbers: use mlp"),
        ({"kernel": 9, "padding": 0}, (1, 8, 8), "kernel", "is given 8 x 8 points: nothing is"),
        ({"channels": [4, 4, 4, 4]}, (1, 8, 8), "pooling", "after convolution 4 is given 1 x 1"),
    ],
)
def test_what_does_not_go_with_the_data_is_refused(model, example, key, why):
    chosen = setting(model={"name": "cnn", **model})
    with pytest.raises(BadModel, match=why) as refused:
        architecture(chosen.model, chosen.regularizer, example, 10)
    assert refused.value.key == key


def test_lists_have_one_value_a_convolution():
    with pytest.raises(BadStudy, match="channels: expected at least one value"):
        parse_study("dataset: digits\nmodel: {name: cnn, channels: []}\n")
    with pytest.raises(BadStudy, match="kernel has 3 values, but channels names 2 convolutions"):
        parse_study("dataset: digits\nmodel: {name: cnn, kernel: [3, 3, 3]}\n")
    with pytest.raises(BadStudy, match="has 2 values, but the model has 3 kernels"):
        parse_study("dataset: digits\nmodel: {name: cnn}\nregularizer: {l2: [0, 1]}\n")


def test_a_list_of_equal_sizes_is_one_cell():
    study = parse_study(
        "dataset: digits\nmodel: cnn\n"
        "sweep: {model.kernel: [3, [3, 3]], model.padding: [1, null, [1, 1]]}\n"
    )
    assert len(study.cells) == 1


def test_images_are_in_channels_last_layout():
    from regbench.engine.network import build

    network = build([setting(model=IMAGES)], [0], (3, 8, 8), 10, torch.zeros(1))
    (kernel, *_) = network.parameters.kernels
    assert network.parameters.value(kernel)[0].is_contiguous(memory_format=torch.channels_last)


def test_a_bias_before_batchnorm_keeps_its_initial_value():
    blocks = {"dataset": DIGITS, "model": IMAGES | {"init": "torch"}}
    ends = [
        train(
            member(
                setting(
                    regularizer={"batchnorm": True},
                    training={"epochs": epochs, "dtype": "float32"},
                    **blocks,
                )
            )
        )[0]
        .readings[0]
        .state
        for epochs in (0, 3)
    ]
    for i, stays in enumerate((True, True, False)):
        before, after = (state[f"layers.{i}.bias"] for state in ends)
        assert before.any()
        assert np.array_equal(before, after) == stays
