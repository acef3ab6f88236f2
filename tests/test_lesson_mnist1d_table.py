"""The table of MNIST-1D: the authors' recipe in plain torch, and a judging that can fail."""

import numpy as np
import pytest
import torch

from regbench.config.load import load_study
from regbench.data.sources import load
from regbench.textbook.curves import Curve
from regbench.textbook.mnist1d_table import findings
from regbench.textbook.reproduce import study_file


class Published(torch.nn.Module):
    """The authors' network: its second layer's output is added to its input."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(40, 100)
        self.second = torch.nn.Linear(100, 100)
        self.last = torch.nn.Linear(100, 10)

    def forward(self, x):
        hidden = self.first(x).relu()
        return self.last(hidden + self.second(hidden).relu())


def trained(network, steps, x, y, x_test, y_test):
    """(loss, accuracy) on the test rows after each of these numbers of steps."""
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    cross_entropy = torch.nn.functional.cross_entropy
    for step in range(1, max(steps) + 1):
        rows = slice((step - 1) % 40 * 100, (step - 1) % 40 * 100 + 100)
        optimizer.zero_grad()
        cross_entropy(network(x[rows]), y[rows]).backward()
        optimizer.step()
        if step in steps:
            with torch.no_grad():
                guess = network(x_test)
            right = (guess.argmax(dim=1) == y_test).float().mean().item()
            yield cross_entropy(guess, y_test).item(), right


def test_the_authors_recipe_gives_their_table_on_the_same_rows():
    found = load_study(study_file("mnist1d-table"))
    split = load(found.cells[0].setting.dataset, 0, found.folder)
    rows = [
        tensor
        for part in (split.train, split.test)
        for tensor in (torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.y))
    ]
    assert [len(each) for each in rows] == [4000, 4000, 1000, 1000]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network, logistic = Published(), torch.nn.Linear(40, 10)
    early, late = trained(network, (1000, 6000), *rows)
    [linear] = trained(logistic, (1000,), *rows)
    assert late[1] == pytest.approx(0.651, abs=0.04)
    assert linear[1] == pytest.approx(0.315, abs=0.04)
    assert late[0] > early[0] + 0.5
    assert late[1] > early[1] - 0.01


EPOCHS = np.array([25, 150])


def models(mlp_acc=(0.62, 0.66), mlp_loss=(1.8, 4.0), logistic=(0.32, 0.32)):
    spread = np.array([-0.002, 0.0, 0.002])[:, None]

    def curve(values):
        return Curve(EPOCHS, (0, 1, 2), np.array(values)[None] + spread * (1 + np.arange(2)))

    return {
        "logistic": {"acc": curve(logistic), "loss": curve((1.7, 1.7))},
        "mlp": {"acc": curve(mlp_acc), "loss": curve(mlp_loss)},
    }


@pytest.mark.parametrize(
    ("of", "decisions"),
    [
        (models(), ["PASS"] * 6),
        (models(logistic=(0.27, 0.27)), ["FAIL", "FAIL", *["PASS"] * 4]),
        (models(mlp_acc=(0.58, 0.625)), ["PASS", "PASS", "FAIL", "PASS", "PASS", "PASS"]),
        (models(mlp_acc=(0.70, 0.67)), [*["PASS"] * 5, "FAIL"]),
        (models(mlp_loss=(4.0, 1.8)), [*["PASS"] * 4, "FAIL", "PASS"]),
    ],
)
def test_the_table_is_judged(of, decisions):
    assert [each.decision for each in findings(of)] == decisions
