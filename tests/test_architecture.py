"""Architectures as data: shapes, counts and costs, against torch.nn's own."""

import pytest
import torch
from engine import setting
from torch import nn

from regbench.config.blocks.regularizer import Regularizer
from regbench.engine.network import build
from regbench.models.architecture import architecture

MODELS = {
    "linear": ({"name": "linear"}, {}, lambda: [nn.Linear(40, 10)], 410),
    "mlp": (
        {"name": "mlp", "hidden": [100, 100]},
        {},
        lambda: [nn.Linear(40, 100), nn.Linear(100, 100), nn.Linear(100, 10)],
        15_210,  # as Greydanus 2020 counts it
    ),
    "batchnorm": (
        {"name": "mlp", "hidden": [7, 5]},
        {"batchnorm": True},
        lambda: [
            *(nn.Linear(40, 7), nn.BatchNorm1d(7), nn.Linear(7, 5)),
            *(nn.BatchNorm1d(5), nn.Linear(5, 10)),
        ],
        411,
    ),
}


@pytest.fixture(params=MODELS)
def case(request):
    model, regularizer, layers, count = MODELS[request.param]
    chosen = setting(model=model, regularizer=regularizer)
    return chosen, nn.Sequential(*layers()), count


def chain_of(chosen):
    return architecture(chosen.model, chosen.regularizer, (1, 40), 10)


def test_counts_and_shapes_are_torchs(case):
    chosen, theirs, count = case
    chain = chain_of(chosen)
    assert chain.parameter_count == sum(p.numel() for p in theirs.parameters()) == count
    shapes = [tuple(p.shape) for p in theirs.parameters()]
    assert [each.shape for each in chain.parameters] == shapes
    buffers = [b for name, b in theirs.named_buffers() if "running" in name]
    assert len(chain.tensors) == len(shapes) + len(buffers)
    assert chain.widths == (40, *(m.out_features for m in theirs if isinstance(m, nn.Linear)))


def test_a_study_knows_the_number_of_its_kernels(case):
    chosen, *_ = case
    assert len(chain_of(chosen).kernels) == chosen.model.depth + 1


def test_the_engine_trains_what_the_architecture_says(case):
    chosen, *_ = case
    network = build([chosen], [3], (1, 40), 10, torch.zeros(1))
    state = network.state(0)
    assert {name: array.shape for name, array in state.items()} == chain_of(chosen).tensors
    again = build([chosen], [4], (1, 40), 10, torch.zeros(1))
    again.load(0, state)
    x = torch.rand(1, 6, 40)
    assert torch.equal(network.forward(x.clone()), again.forward(x.clone()))


def test_products_are_those_of_the_kernels():
    chosen = setting(model={"name": "mlp", "hidden": [7, 5]})
    assert chain_of(chosen).products == 40 * 7 + 7 * 5 + 5 * 10
    assert architecture(chosen.model, Regularizer(batchnorm=True), (40,), 10).products == 365
