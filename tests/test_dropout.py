"""Dropout: how often, how much, where, and where never."""

import numpy as np
import pytest
import torch
from engine import FRIEDMAN, member, setting, train
from scipy.stats import binom

from regbench.config.schema import Setting
from regbench.data import load
from regbench.engine.batch import Batch, Seen
from regbench.engine.draws import Draws
from regbench.engine.layers.affine import Affine
from regbench.engine.layers.buffers import Scratch
from regbench.engine.layers.per_run import PerRun
from regbench.engine.network import build
from regbench.engine.regularizers.dropout import Dropout, InputDropout, threshold


def dropped(rates, batch=200, width=500, seeds=None):
    """What comes out of ones, for runs of these rates."""
    like = torch.zeros(1, dtype=torch.float64)
    layer = Dropout(1, PerRun(rates, like), Scratch())
    draws = Draws(seeds or list(range(len(rates))), batch, torch.device("cpu"))
    draws.start_epoch(1, steps=1)
    draws.start_step(0, batch)
    x = torch.ones(len(rates), batch, width, dtype=torch.float64)
    return layer.forward(x, draws).numpy()


def test_keeps_with_probability_one_less_the_rate():
    rates = [0.0, 0.1, 0.2, 0.5, 0.9, 0.99]
    y = dropped(rates)
    n = y[0].size
    for rate, out in zip(rates, y, strict=True):
        kept = int((out != 0).sum())
        low, high = binom.ppf([1e-6, 1 - 1e-6], n, 1 - rate)
        assert low <= kept <= high, rate
        np.testing.assert_allclose(out[out != 0], 1 / (1 - rate))


class EveryNumber:
    """Each of the 65536 numbers once."""

    def __call__(self, kind, purpose, width, rows, *, layer):
        numbers = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)
        return numbers.view(1, 1, -1).expand(rows.stop - rows.start, -1, -1)


def test_of_all_numbers_exactly_the_share_of_the_rate_is_dropped():
    # A rate of 0 stands between two others, so that it is in the span that dropout works on.
    rates = [0.5, 0.0, 0.3, 1e-6, 0.99999]
    layer = Dropout(1, PerRun(rates, torch.zeros(1, dtype=torch.float64)), Scratch())
    x = torch.ones(len(rates), 1, 65536, dtype=torch.float64)
    dropped_numbers = (layer.forward(x, EveryNumber()) == 0).sum((1, 2)).tolist()
    assert dropped_numbers == [32768, 0, 19661, 0, 65535]


def test_preserves_the_expectation():
    # The mean over many masks is 1 within four standard errors.
    rates = [0.1, 0.3, 0.5, 0.8]
    for rate, out in zip(rates, dropped(rates, 1000, 1000), strict=True):
        error = np.sqrt(rate / (1 - rate) / out.size)
        assert out.mean() == pytest.approx(1, abs=4 * error)


def test_runs_of_a_seed_share_their_uniforms():
    low, high = dropped([0.2, 0.6], seeds=[7, 7])
    assert ((high != 0) <= (low != 0)).all()  # what survives the higher rate survives the lower
    assert (high != 0).sum() < (low != 0).sum()


@pytest.mark.parametrize(("rate", "number"), [(0.0, -32768), (0.5, 0), (0.25, -16384)])
def test_thresholds(rate, number):
    assert threshold(rate) == number


def network_of(**regularizer):
    chosen = setting(regularizer=regularizer)
    like = torch.zeros(1, dtype=torch.float64)
    draws = Draws([0], 16, torch.device("cpu"))
    draws.start_epoch(1, steps=1)
    draws.start_step(0, 16)
    return build([chosen], [0], (13,), 3, like), draws


def inputs():
    return torch.randn(1, 16, 13, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_off_in_evaluation():
    plain, _ = network_of()
    network, draws = network_of(dropout=0.5)
    x = inputs()
    assert torch.equal(network.forward(x.clone()), plain.forward(x.clone()))
    trained = network.forward(x.clone(), draws).clone()
    assert not torch.equal(trained, plain.forward(x.clone()))


def test_never_on_outputs():
    network, draws = network_of(dropout=0.5)
    # Where a whole hidden layer is dropped or silent, an output is its bias and nothing else.
    last = [layer for layer in network.layers if isinstance(layer, Affine)][-1]
    last.bias.fill_(100.0)
    out = network.forward(inputs(), draws)
    assert (out > 50).all()
    assert (out < 150).all()  # neither zeroed nor scaled by 1 / (1 - p)
    assert not isinstance(network.layers[-1], Dropout)
    widths = [layer.index for layer in network.layers if isinstance(layer, Dropout)]
    assert widths == [1, 2]  # both hidden layers


def test_input_dropout_is_an_adaptive_ridge_for_a_linear_model():
    """The squared loss over masks exceeds the plain one by p/(1-p) sum_j w_j^2 mean(x_j^2).

    Source: Wager, Wang & Liang 2013, eq. 8, for our mean squared error.
    """
    rate, masks = 0.3, 4000
    chosen = setting(
        dataset=FRIEDMAN,
        model={"name": "linear"},
        regularizer={"input_dropout": rate},
        training={"batch_size": "full"},
    )
    split = load(chosen.dataset, 0, None)
    x = torch.from_numpy(split.train.x).unsqueeze(0)
    y = torch.from_numpy(split.train.y)
    like = torch.zeros(1, dtype=torch.float64)
    network = build([chosen], [0], (x.shape[2],), 1, like)
    weight = network.parameters.value(network.parameters.kernels[0])[0, 0]
    plain = float(((network.forward(x.clone())[0, 0] - y) ** 2).mean())
    draws = Draws([0], x.shape[1], torch.device("cpu"))
    draws.start_epoch(1, steps=masks)
    drop, losses = InputDropout([chosen.regularizer], Seen((x.shape[2],), [split], like)), []
    for step in range(masks):
        draws.start_step(step, x.shape[1])
        batch = Batch(x.clone(), y, ids=None, read=None)
        drop(batch, draws)
        losses.append(float(((network.forward(batch.x)[0, 0] - y) ** 2).mean()))
    expected = rate / (1 - rate) * float((weight**2 * (x[0] ** 2).mean(0)).sum())
    error = np.std(losses) / np.sqrt(masks)
    assert np.mean(losses) - plain == pytest.approx(expected, abs=4 * error)
    assert error < expected / 20


def test_a_rate_of_zero_is_no_dropout():
    a, b = train(
        member(setting(regularizer={"dropout": 0.0})), member(setting(regularizer={"dropout": 0.4}))
    )
    (alone,) = train(member(setting()))
    assert (a.curves["val_loss"] == alone.curves["val_loss"]).all()
    assert (b.curves["val_loss"] != alone.curves["val_loss"]).all()
    assert isinstance(setting(), Setting)
