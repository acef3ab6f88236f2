"""Averages of weights are readings: the trajectory stays what it is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from command import regbench, study
from engine import FRIEDMAN, member, setting, train
from oracle_torch import Solo
from safetensors.numpy import load_file
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

import regbench as package
from regbench.config.blocks.regularizer import Regularizer
from regbench.data import load
from regbench.engine.loop import StackTrainer, train_stack
from regbench.engine.member import Member
from regbench.models.own import in_memory

AVERAGES = {
    "ema": {"ema": {"decay": 0.9}},
    "ema from the third epoch": {"ema": {"decay": 0.8, "start": 3}},
    "swa": {"swa": {"start": 2}},
    "swa of the last quarter": {"swa": True},
}


class Averaged(Solo):
    """Stock torch, with torch's own averages of its weights."""

    def __init__(self, *args):
        super().__init__(*args)
        reg, epochs = self.setting.regularizer, self.setting.training.epochs
        self.rule = reg.ema or reg.swa
        self.first, self.each_step = self.rule.first_epoch(epochs), reg.ema is not None
        fn = get_ema_multi_avg_fn(reg.ema.decay) if reg.ema else None
        self.average = AveragedModel(self.net, multi_avg_fn=fn)

    def _step(self, epoch, *args):
        objective = super()._step(epoch, *args)
        if self.each_step and epoch >= self.first:
            self.average.update_parameters(self.net)
        return objective

    def train_epoch(self, epoch):
        super().train_epoch(epoch)
        if not self.each_step and epoch >= self.first:
            self.average.update_parameters(self.net)


@pytest.mark.parametrize("name", AVERAGES)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_they_are_torchs(name, optimizer):
    chosen = setting(
        regularizer={"l2": 0.01, "dropout": 0.1} | AVERAGES[name],
        optimizer={"name": optimizer, "lr": 0.02},
        training={"epochs": 8},
    )
    (trained,) = train(member(chosen, 3))
    solo = Averaged(chosen, 3).train()
    reading = trained.readings[0]
    solo.net.load_state_dict(solo.average.module.state_dict())
    for key, values in solo.state().items():
        np.testing.assert_allclose(reading.state[key], values, atol=1e-10)
    for key, value in solo.scores().items():
        assert reading.scores[key] == pytest.approx(value, abs=1e-9), key
    assert reading.reading_epoch == reading.epochs_run == 8


@pytest.mark.parametrize("name", AVERAGES)
def test_no_curve_changes(name):
    (plain,) = train(member(setting()))
    (averaged,) = train(member(setting(regularizer=AVERAGES[name])))
    for key, curve in plain.curves.items():
        assert averaged.curves[key].tobytes() == curve.tobytes()
    assert averaged.readings[0].scores["train_loss"] != plain.curves["train_loss"][-1]
    assert not plain.readings[0].scores


def test_batchnorms_statistics_are_made_anew_as_torch_makes_them():
    chosen = setting(
        dataset={"name": "wine", "train_size": 64, "val_size": 40, "test_size": 40},
        regularizer={"batchnorm": True, "swa": {"start": 2}},
        training={"epochs": 6, "batch_size": 16},
    )
    (trained,) = train(member(chosen, 1))
    state = trained.readings[0].state
    net = []
    for layer, (width_in, width) in enumerate([(13, 12), (12, 7)]):
        linear = torch.nn.Linear(width_in, width, dtype=torch.float64)
        norm = torch.nn.BatchNorm1d(width, dtype=torch.float64)
        for module, kind in ((linear, "layers"), (norm, "norms")):
            for part in ("weight", "bias"):
                getattr(module, part).data = torch.from_numpy(state[f"{kind}.{layer}.{part}"])
        net += [linear, norm, torch.nn.ReLU()]
    net = torch.nn.Sequential(*net)
    x = torch.from_numpy(load(chosen.dataset, 1, Path()).train.x)
    update_bn(x.split(16), net)
    for i, norm in enumerate(m for m in net if isinstance(m, torch.nn.BatchNorm1d)):
        np.testing.assert_allclose(state[f"norms.{i}.running_mean"], norm.running_mean, atol=1e-12)
        biased = norm.running_var * 15 / 16  # regbench's are, as in its trajectories
        np.testing.assert_allclose(state[f"norms.{i}.running_var"], biased, atol=1e-12)


def test_each_batch_counts_by_its_examples():
    chosen = setting(
        model={"hidden": [5]},
        regularizer={"batchnorm": True, "ema": True},
        training={"epochs": 2, "batch_size": 16},  # of 70 examples: the last batch has 6
    )
    state = train(member(chosen))[0].readings[0].state
    x = load(chosen.dataset, 0, Path()).train.x
    h = x @ state["layers.0.weight"].T + state["layers.0.bias"]
    np.testing.assert_allclose(state["norms.0.running_mean"], h.mean(0), atol=1e-12)
    parts = [h[i : i + 16] for i in range(0, 70, 16)]
    variance = sum(len(part) * part.var(0) for part in parts) / 70
    np.testing.assert_allclose(state["norms.0.running_var"], variance, atol=1e-12)


def test_a_rule_sees_the_raw_weights_and_the_average_is_that_of_its_epoch():
    rule = {"early_stopping": {"patience": 2}}
    base = {"optimizer": {"name": "adam", "lr": 0.05}, "training": {"epochs": 40}}
    stopped = train(member(setting(regularizer=rule, **base)))[0].readings[0]
    both = train(member(setting(regularizer=rule | {"ema": True}, **base)))[0].readings[0]
    assert both.reading_epoch == stopped.reading_epoch < stopped.epochs_run == both.epochs_run < 40
    base["training"] = {"epochs": stopped.reading_epoch}
    until = train(member(setting(regularizer={"ema": True}, **base)))[0].readings[0]
    for name, values in until.state.items():
        assert both.state[name].tobytes() == values.tobytes()
    assert both.scores == until.scores


def test_an_epoch_before_the_first_average_is_read_as_it_is():
    rule = {"early_stopping": {"patience": 0, "min_delta": 1e9}}
    (plain,), (average,) = (
        train(member(setting(regularizer=rule | more))) for more in ({}, {"swa": {"start": 4}})
    )
    assert plain.readings[0].reading_epoch == average.readings[0].reading_epoch == 1
    for name, values in plain.readings[0].state.items():
        assert average.readings[0].state[name].tobytes() == values.tobytes()
    assert average.readings[0].scores["val_loss"] == plain.curves["val_loss"][0]


READINGS = {
    "plain": Regularizer(),
    "ema": Regularizer(ema={"decay": 0.9}),
    "long": Regularizer(ema={"decay": 0.99}),
    "swa": Regularizer(swa={"start": 3}),
    "stopped": Regularizer(ema=True, early_stopping={"patience": 1}),
}


def of_trajectories(*seeds, batchnorm=True):
    """Members whose runs read one trajectory in five ways."""
    return [
        Member(
            setting(regularizer={"batchnorm": batchnorm}, training={"epochs": 7}),
            seed,
            {f"{name} {seed}": reading for name, reading in READINGS.items()},
        )
        for seed in seeds
    ]


def found(trajectories):
    """All that the runs report, by id."""
    return {
        r.run_id: (r.epochs_run, r.reading_epoch, dict(r.scores), bits(r.state))
        for trajectory in trajectories
        for r in trajectory.readings
    }


def bits(state):
    return {name: values.tobytes() for name, values in state.items()}


def test_same_bits_alone_and_beside_others():
    together = found(train(*of_trajectories(0, 1, 2)))
    for seed in (2, 0):
        (whole,) = of_trajectories(seed)
        for run_id, reading in whole.readings.items():
            alone = Member(whole.setting, seed, {run_id: reading})
            assert found(train(alone))[run_id] == together[run_id]


class Kept:
    """Checkpoints of one stack, in memory."""

    def __init__(self, at=None):
        self.at, self.content = at, None

    def latest(self):
        return self.content

    def due(self):
        return True

    def save(self, epoch, state):
        if epoch == self.at:
            self.content = epoch, {name: values.copy() for name, values in state.items()}


@pytest.mark.parametrize("at", [1, 4, 6])
def test_same_bits_when_resumed(at):
    members, kept = of_trajectories(0, 1), Kept(at)
    whole = found(train_stack(members, Path(), checkpoints=kept))
    assert kept.content is not None
    assert found(train_stack(members, Path(), checkpoints=kept)) == whole


def test_an_average_costs_no_second_training(monkeypatch):
    epochs = []
    once = StackTrainer.train_epoch
    monkeypatch.setattr(
        StackTrainer, "train_epoch", lambda self, epoch: epochs.append(epoch) or once(self, epoch)
    )
    train(*of_trajectories(0, 1))
    assert epochs == list(range(1, 8))


def test_a_study_of_averages(tmp_path):
    text = """
name: averages
dataset: {name: friedman1, n_samples: 120}
model: {hidden: [8]}
training: {epochs: 6, save_weights: true, save_predictions: true}
seeds: 3
sweep:
  regularizer:
    none: none
    ema: {ema: {decay: 0.9}}
    swa: {swa: {start: 3}, batchnorm: true}
expect: ["val_loss[ema] > 0"]
"""
    path, out = study(tmp_path, text, "averages.yaml"), tmp_path / "out"
    assert regbench("run", path, "-o", out).code == 0
    runs = package.read(out).runs.set_index(["cell", "seed"])
    epochs = package.read(out).epochs.set_index(["run_id", "epoch"])
    for cell in ("none", "ema"):
        row = runs.loc[(cell, 0)]
        last = epochs.loc[(row.run_id, 6)]
        assert row.reading_epoch == 6
        assert (row.val_loss == last.val_loss) == (cell == "none")
        assert row.gap_loss == row.val_loss - row.train_loss
    # The same trajectory, of which each reports other weights.
    a, b = (epochs.loc[runs.loc[(cell, 1)].run_id] for cell in ("none", "ema"))
    assert a.train_loss.equals(b.train_loss)
    # What is saved is what is scored.
    run = runs.loc[("swa", 0)]
    saved = np.load(out / "predictions" / f"{run.run_id}.npz")
    error = saved["val_prediction"] - saved["val_y"]
    assert (error**2).mean() == pytest.approx(run.val_loss, rel=1e-6)
    weights = load_file(out / "weights" / f"{run.run_id}.safetensors")
    assert weights["norms.0.running_var"].min() > 0
    before = (out / "runs.csv").read_bytes()
    assert "all 9 runs were done already" in regbench("run", path, "-o", out).err
    assert (out / "runs.csv").read_bytes() == before
    shown = regbench("explain", path).out
    assert "decay 0.9" in shown
    assert "from 3" in shown


def test_a_regression_without_hidden_layers():
    chosen = setting(dataset=FRIEDMAN, model={"name": "linear"}, regularizer={"swa": True})
    (trained,) = train(member(chosen))
    assert set(trained.readings[0].scores) >= {"train_loss", "val_loss", "train_r2", "penalty"}


def test_a_convolutions_statistics_are_made_anew_too():
    chosen = setting(
        dataset={"name": "mnist1d", "n_samples": 200, "train_size": 48, "val_size": 50},
        model={"name": "cnn", "channels": [4], "kernel": 3},
        regularizer={"batchnorm": True, "ema": {"decay": 0.8}, "augment": {"shift": 2}},
        training={"epochs": 3, "batch_size": 16},
    )
    (trained,) = train(member(chosen, 1))
    state = trained.readings[0].state
    layer = torch.nn.Conv1d(1, 4, 3, padding="same", dtype=torch.float64)
    layer.load_state_dict(
        {part: torch.from_numpy(state[f"layers.0.{part}"]) for part in ("weight", "bias")}
    )
    x = torch.from_numpy(load(chosen.dataset, 1, Path()).train.x).unsqueeze(1)
    out = layer(x).detach()
    np.testing.assert_allclose(state["norms.0.running_mean"], out.mean((0, 2)), atol=1e-12)
    variance = sum(out[i : i + 16].var((0, 2), correction=0) for i in (0, 16, 32)) / 3
    np.testing.assert_allclose(state["norms.0.running_var"], variance, atol=1e-12)


def test_a_modules_statistics_are_made_anew_as_torch_makes_them():
    def make(shape, outputs):
        return torch.nn.Sequential(
            torch.nn.Linear(*shape, 6), torch.nn.BatchNorm1d(6), torch.nn.Linear(6, outputs)
        )

    chosen = setting(
        dataset={"name": "wine", "train_size": 64, "val_size": 40, "test_size": 40},
        model={"name": "module"},
        regularizer={"swa": {"start": 2}},
        training={"epochs": 4},
    )
    torch.manual_seed(0)
    run = Member(chosen, 1, {"r": chosen.regularizer}, module=in_memory(make, "net"))
    state = train(run)[0].readings[0].state
    net = make((13,), 3).double()
    net.load_state_dict({name: torch.from_numpy(values) for name, values in state.items()})
    x = torch.from_numpy(load(chosen.dataset, 1, Path()).train.x)
    update_bn(x.split(16), net)
    for name in ("running_mean", "running_var"):
        np.testing.assert_allclose(state[f"1.{name}"], getattr(net[1], name), atol=1e-12)
