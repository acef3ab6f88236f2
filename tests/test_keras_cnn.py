"""Real Keras 3 on its torch backend: convolution, pooling and batchnorm mean the same there."""

import os
import warnings

os.environ["KERAS_BACKEND"] = "torch"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import keras

import numpy as np
import pytest
from engine import member, setting, train

from regbench.data import load

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

DIGITS = {"name": "digits", "train_size": 70, "val_size": 40, "test_size": 40}
SIGNALS = {"name": "mnist1d", "train_size": 70, "val_size": 40, "test_size": 40}


@pytest.fixture(autouse=True)
def _in_float64():
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(before)


def keras_model(chosen, example, penalty):
    """Channels first, as our files hold the kernels."""
    model, norm = chosen.model, chosen.regularizer.batchnorm
    flat = len(example) == 2
    first = {"data_format": "channels_first"}
    convolution = keras.layers.Conv1D if flat else keras.layers.Conv2D
    pooling = keras.layers.MaxPooling1D if flat else keras.layers.MaxPooling2D
    padding = keras.layers.ZeroPadding1D if flat else keras.layers.ZeroPadding2D
    layers = [keras.layers.Input(example)]
    for channels in model.channels:
        layers += [
            padding(1, **first),
            convolution(
                *(channels, 3),
                **{"strides": model.stride, "kernel_regularizer": penalty(), **first},
                use_bias=norm is None,
            ),
        ]
        if norm is not None:
            layers.append(keras.layers.BatchNormalization(1, 1 - norm.momentum, norm.eps))
        layers += [keras.layers.Activation(model.activation), pooling(model.pooling, **first)]
    # Not Flatten, which moves the channels to the end before.
    layers += [keras.layers.Reshape((-1,)), keras.layers.Dense(10, kernel_regularizer=penalty())]
    return keras.Sequential(layers)


@pytest.mark.parametrize("regularizer", ["none", "l2", "batchnorm"])
@pytest.mark.parametrize(("dataset", "stride"), [(DIGITS, 1), (SIGNALS, 2)], ids=["2-d", "1-d"])
def test_trains_as_keras_does(dataset, stride, regularizer):
    asked = {"none": {}, "l2": {"l2": 0.01}, "batchnorm": {"batchnorm": {"eps": 1e-3}}}[regularizer]
    blocks = {
        "dataset": dataset,
        "model": {"name": "cnn", "channels": [4, 5], "padding": 1, "stride": stride},
        "regularizer": asked,
        "optimizer": {"name": "adam", "lr": 0.01, "eps": 1e-12},
    }
    first = setting(training={"epochs": 0}, **blocks)
    chosen = setting(training={"epochs": 4, "shuffle": False}, **blocks)
    state = train(member(first))[0].readings[0].state
    (trajectory,) = train(member(chosen))
    split = load(chosen.dataset, 0, None)
    penalty = (lambda: keras.regularizers.L2(0.01)) if regularizer == "l2" else lambda: None
    model = keras_model(chosen, split.example, penalty)
    kinds = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Dense)
    weighted = [layer for layer in model.layers if isinstance(layer, kinds)]
    for i, layer in enumerate(weighted):
        kernel = np.moveaxis(state[f"layers.{i}.weight"], (0, 1), (-1, -2))
        layer.set_weights([kernel, state[f"layers.{i}.bias"]][: len(layer.get_weights())])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-12), loss)
    x, y = split.train.x.reshape(-1, *split.example), split.train.y
    for epoch in range(4):
        model.fit(x, y, epochs=1, batch_size=16, shuffle=False, verbose=0)
        ours = trajectory.curves["train_loss"][epoch] + trajectory.curves["penalty"][epoch]
        theirs = model.evaluate(x, y, batch_size=1000, verbose=0)
        assert ours == pytest.approx(theirs, rel=2e-6), epoch
