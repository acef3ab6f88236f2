"""A run's bits depend on nothing beside it: not on the stack, its order, or a neighbour's fault."""

import os
import random
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import bits
import numpy as np
import pytest
import torch
from engine import FRIEDMAN, WINE, member, setting, train
from torch.utils._python_dispatch import TorchDispatchMode

from regbench.engine.layers.activation import ACTIVATIONS
from regbench.engine.layers.affine import Affine, Readout
from regbench.engine.layers.buffers import Scratch, aligned
from regbench.engine.layers.parameters import Parameters
from regbench.engine.loop import train_stack
from regbench.engine.regularizers.l1 import l1_norm
from regbench.engine.regularizers.l2 import l2_norm
from regbench.models import layers

REGULARIZERS = [
    {},
    {"l1": 0.01},
    {"l2": 0.01, "dropout": 0.5},
    {"weight_decay": 0.1, "max_norm": 1.0},
    {"input_dropout": 0.2, "input_noise": 0.3},
    {"label_smoothing": 0.1, "l1": 0.001, "l1_method": "subgradient"},
]
OPTIMIZERS = [
    {"name": "adam", "lr": 0.01},
    {"name": "sgd", "lr": 0.05, "momentum": 0.9},
    {"name": "rmsprop", "lr": 0.003},
]


def stack(dtype, optimizer, dataset=WINE, extra=None, **blocks):
    """Eighteen runs: every regularizer with three seeds and learning rates of their own."""
    regularizers = REGULARIZERS
    if dataset is FRIEDMAN:
        regularizers = [r for r in REGULARIZERS if "label_smoothing" not in r]
    return [
        member(
            setting(
                dataset=dataset,
                regularizer=regularizer | (extra or {}),
                optimizer=optimizer | {"lr": optimizer["lr"] * (1 + seed / 7)},
                training={"dtype": dtype, "epochs": 4, "batch_size": 13},
                **blocks,
            ),
            seed,
        )
        for regularizer, seed in product(regularizers, range(3))
    ]


def assert_same_bits(a, b):
    for name in {*a.curves, *b.curves}:
        # A column that a run has nothing in is there or not, as its stack needs it.
        nothing = np.full(len(a.curves["epoch"]), np.nan)
        x, y = (trajectory.curves.get(name, nothing) for trajectory in (a, b))
        np.testing.assert_array_equal(x, y, err_msg=name)
    for x, y in zip(a.readings, b.readings, strict=True):
        assert replace(x, run_id="", state={}) == replace(y, run_id="", state={})
        for name in x.state:
            assert x.state[name].tobytes() == y.state[name].tobytes(), name


MODELS = {
    "linear": {"name": "linear"},
    "odd": {"name": "mlp", "hidden": [13, 1, 3]},
    "tiny batchnorm": {"name": "mlp", "hidden": [5]},
    "wide": {"name": "mlp", "hidden": [64, 32]},
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["name"])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("dataset", [WINE, FRIEDMAN], ids=["wine", "friedman1"])
def test_alone_permuted_or_among_others(dtype, optimizer, model, dataset):
    extra = {"batchnorm": True} if model == "tiny batchnorm" else {}
    chosen = MODELS[model]
    members = (
        stack(dtype, optimizer, dataset, extra, model=chosen)
        if model != "linear"
        else [
            replace(m, setting=m.setting.model_copy(update={"model": chosen_model(chosen)}))
            for m in stack(dtype, optimizer, dataset)
            if m.setting.regularizer.dropout == 0
        ]
    )
    together = train(*members)
    backwards = train(*members[::-1])[::-1]
    for a, b in zip(together, backwards, strict=True):
        assert_same_bits(a, b)
    for i in (0, 4, len(members) - 1):
        assert_same_bits(together[i], train(members[i])[0])
    middle = train(*members[3:10])
    for a, b in zip(together[3:10], middle, strict=True):
        assert_same_bits(a, b)


def chosen_model(blocks):
    return setting(model=blocks).model


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "elu", "selu", "sigmoid"])
def test_activations_have_no_odd_last_elements(activation):
    forward, backward = ACTIVATIONS[activation]
    generator = torch.Generator().manual_seed(0)
    for dtype, size in product([torch.float32, torch.float64], [1, 3, 7, 13, 31, 100]):
        x = aligned((9, 3, size), torch.zeros(1, dtype=dtype)).normal_(0, 2, generator=generator)
        g = torch.randn(9, 3, size, dtype=dtype, generator=generator)
        for first, last in ((0, 1), (4, 5), (8, 9), (2, 6)):
            part = aligned((last - first, 3, size), x).copy_(x[first:last])
            assert torch.equal(forward(x)[first:last], forward(part))
            whole = backward(g.clone(), x)[first:last]
            assert torch.equal(whole, backward(g[first:last].clone(), part))


class Products(TorchDispatchMode):
    """Notes every matrix product that torch is asked for, with its sides."""

    NAMES = ("mm", "bmm", "baddbmm", "addmm", "addbmm", "mv", "addmv", "dot", "addr", "linear")

    def __init__(self):
        super().__init__()
        self.sides = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.overloadpacket.__name__ in self.NAMES:
            a, b = [arg for arg in args if isinstance(arg, torch.Tensor)][-2:]
            self.sides.append((*a.shape[-2:], b.shape[-1] if b.ndim > 1 else 1))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("study", bits.STUDIES)
def test_no_product_has_a_side_of_one(study):
    """Not in training, scoring or predicting: seen on any processor, wrong on some."""
    with Products() as products:
        train_stack(bits.members_of(bits.STUDIES[study], runs=1), Path())
    assert len(products.sides) > 10
    assert min(min(sides) for sides in products.sides) > 1


@pytest.mark.parametrize("study", bits.STUDIES)
def test_whole_studies(study):
    assert bits.differences(bits.STUDIES[study]) == []


def test_whole_studies_under_other_instruction_sets():
    settings = [
        {"ATEN_CPU_CAPABILITY": "default", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
        {"ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
        {"MKL_CBWR": "COMPATIBLE"},
    ]
    running = [
        subprocess.Popen(
            [sys.executable, bits.__file__],
            env=os.environ | chosen,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for chosen in settings
    ]
    assert [process.communicate()[0] for process in running] == [""] * len(settings)
    assert [process.returncode for process in running] == [0] * len(settings)


# Products with a single column as result for which a contiguous stack was seen to differ from a run
# alone: (batch, inputs, outputs) of the layers whose forward pass or gradients they are.
SINGLE_COLUMNS = [
    *((384, 100, 1), (768, 32, 1), (512, 32, 1), (768, 48, 1), (32, 30, 1)),
    *((1, 100, 384), (1, 32, 768), (1, 32, 512), (1, 48, 768), (1, 30, 32)),
    *((100, 1, 384), (32, 1, 768), (32, 1, 512), (48, 1, 768), (30, 1, 32)),
]
SIZES = [1, 2, 3, 7, 8, 10, 13, 16, 31, 32, 33, 48, 60, 64, 100, 128, 200, 256]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("kind", [Affine, Readout])
def test_products_of_up_to_40_runs(kind, dtype):
    """All three products of a layer, over shapes of every sort, single columns above all."""
    generator = torch.Generator().manual_seed(0)
    draw = random.Random(0)
    shapes = list(product([1, 7, 32, 60], [1, 3, 13, 64, 128], [1, 2, 10, 128]))
    shapes += [tuple(draw.choices(SIZES, k=3)) for _ in range(60)]
    shapes += SINGLE_COLUMNS
    for batch, inputs, outputs in shapes:
        weight = torch.randn(40, inputs, outputs, generator=generator, dtype=dtype)
        bias = torch.randn(40, outputs, generator=generator, dtype=dtype)
        x = torch.randn(40, batch, inputs, generator=generator, dtype=dtype)
        turned = kind is Readout
        g_shape = (40, outputs, batch) if turned else (40, batch, outputs)
        g = torch.randn(g_shape, generator=generator, dtype=dtype)
        everything = products_of(kind, weight, bias, x, g)
        for rows in (slice(0, 1), slice(39, 40), slice(3, 4), slice(5, 12), slice(7, 24)):
            parts = products_of(kind, weight[rows], bias[rows], x[rows], g[rows])
            for whole, part in zip(everything, parts, strict=True):
                assert torch.equal(whole[rows], part), (batch, inputs, outputs, rows)


def products_of(kind, weight, bias, x, g):
    """Everything that a layer makes of one input and one gradient."""
    inputs, outputs = weight.shape[1:]
    layer = kind(layers.Affine((inputs,), 1, outputs), Scratch())
    parameters = Parameters(layer.parameters(), len(x), x)
    layer.bind(parameters)
    layer.weight.copy_(weight)
    layer.bias.copy_(bias)
    y = layer.forward(aligned(x.shape, x).copy_(x), None).clone()
    dx = layer.backward(aligned(g.shape, g).copy_(g))
    norms = [norm(parameters.values["layers.1.weight"]) for norm in (l2_norm, l1_norm)]
    return y, dx, layer.weight_gradient, layer.bias_gradient, *norms


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["name"])
def test_runs_that_leave_the_stack_take_nothing_of_the_others_with_them(optimizer):
    """Seven runs, each with numbers of its own everywhere, that stop one after another."""
    options = {
        "adam": [
            {"betas": [0.5 + i / 20, 0.9 + i / 100], "eps": 10.0 ** (i - 8)} for i in range(7)
        ],
        "sgd": [{"momentum": i / 8} for i in range(7)],
        "rmsprop": [{"alpha": 0.8 + i / 40, "eps": 10.0 ** (i - 8)} for i in range(7)],
    }[optimizer["name"]]
    stops = [5, 3, 6, 2, 6, 4, 7]
    members = [
        member(
            setting(
                dataset=WINE | {"label_noise": (i % 4) / 8},
                optimizer=optimizer | options[i] | {"lr": optimizer["lr"] * (1 + i / 9)},
                regularizer={
                    "batchnorm": {"momentum": 0.1 + i / 20, "eps": 10.0 ** (i - 8)},
                    "dropout": i / 10,
                    "input_dropout": (i % 3) / 10,
                    "input_noise": (i % 2) / 10,
                    "label_smoothing": (i % 4) / 20,
                    "l1": i / 2000,
                    "l1_method": ["proximal", "subgradient"][i % 2],
                    "l2": (6 - i) / 1000,
                    "weight_decay": (i % 5) / 50,
                    # Nothing improves by 1e9: the second epoch that is watched is the last.
                    "early_stopping": {
                        "patience": 0,
                        "min_delta": 1e9,
                        "start_from_epoch": stop - 2,
                        "restore_best_weights": i % 2 == 0,
                    },
                }
                | ({"max_norm": 1.0} if i in (2, 4) else {}),
                training={"epochs": 7},
            ),
            seed=i % 3,
        )
        for i, stop in enumerate(stops)
    ]
    trained = []
    together = train_stack(members, Path(), on_epoch=lambda _, runs: trained.append(runs))
    assert [trajectory.readings[0].epochs_run for trajectory in together] == stops
    assert trained == [7, 7, 6, 5, 4, 3, 1]
    for one, trajectory in zip(members, together, strict=True):
        assert_same_bits(trajectory, train(one)[0])


def test_a_diverging_run_touches_no_neighbour():
    calm = [member(setting(optimizer={"name": "sgd", "lr": 0.05}), seed) for seed in range(3)]
    wild = member(setting(optimizer={"name": "sgd", "lr": 1e30}), 1)
    control = train(*calm)
    a, b, broken, c = train(calm[0], calm[1], wild, calm[2])
    for x, y in zip(control, (a, b, c), strict=True):
        assert_same_bits(x, y)
    reading = broken.readings[0]
    assert (reading.status, reading.reading_epoch) == ("diverged", None)
    assert len(broken.curves["epoch"]) == reading.epochs_run < 5


def test_a_diverging_run_records_the_same_with_penalties_beside_it():
    """Its norms are infinite, and a strength of 0 times infinity would be no number."""
    wild = member(setting(optimizer={"name": "sgd", "lr": 1e160}, model="linear"), 1)
    penalised = [
        member(setting(regularizer={"l1": 0.1, "l2": 0.1}, optimizer="sgd", model="linear"), seed)
        for seed in (0, 2)
    ]
    (alone,) = train(wild)
    _, broken, _ = train(penalised[0], wild, penalised[1])
    assert_same_bits(broken, alone)
    assert alone.readings[0].status == "diverged"
    assert np.isinf(alone.curves["weight_norm"][-1])
    assert alone.curves["penalty"].tolist() == [0.0]
