"""The stack against stock torch.nn and torch.optim, one run at a time."""

from itertools import product

import numpy as np
import pytest
from engine import FRIEDMAN, WINE, member, setting, train
from oracle_torch import Solo

OPTIMIZERS = {
    "sgd": {"name": "sgd", "lr": 0.05},
    "momentum": {"name": "sgd", "lr": 0.02, "momentum": 0.9},
    "nesterov": {"name": "sgd", "lr": 0.02, "momentum": 0.8, "nesterov": True},
    "adam": {"name": "adam", "lr": 0.01, "betas": [0.8, 0.99]},
    "adamw": {"name": "adamw", "lr": 0.01},
    "rmsprop": {"name": "rmsprop", "lr": 0.003, "alpha": 0.95},
    "cosine": {
        "name": "adam",
        "lr": 0.01,
        "schedule": {"name": "cosine", "warmup_epochs": 2, "final_factor": 0.2},
    },
    "steps": {"name": "sgd", "lr": 0.05, "schedule": {"name": "step", "every": 2, "gamma": 0.3}},
}
REGULARIZERS = {
    "none": {},
    "l1": {"l1": 0.003},
    "l1 subgradient": {"l1": 0.003, "l1_method": "subgradient"},
    "l2": {"l2": 0.01},
    "elastic": {"l1": 0.002, "l2": 0.005},
    "dropout": {"dropout": 0.3},
    "input_dropout": {"input_dropout": 0.2},
    "batchnorm": {"batchnorm": {"momentum": 0.2, "eps": 1e-3}},
    "weight_decay": {"weight_decay": 0.1},
    "max_norm": {"max_norm": 0.9},
    "label_smoothing": {"label_smoothing": 0.1},
    "input_noise": {"input_noise": 0.3},
    "a list a layer": {"l1": [0.001, 0, 0.004], "l2": [0, 0.01, 0], "dropout": [0.5, 0]},
    "everything": {
        "l1": 0.001,
        "l2": 0.002,
        "dropout": 0.2,
        "input_dropout": 0.1,
        "batchnorm": True,
        "weight_decay": 0.05,
        "max_norm": [1.0, 2.0, 3.0],
        "label_smoothing": 0.05,
        "input_noise": 0.1,
    },
}
CURVES = (
    *("objective", "penalty", "lr", "weight_norm", "zero_fraction"),
    *(f"{part}_{kind}" for part in ("train", "val", "test") for kind in ("loss", "acc", "r2")),
)


def assert_same(trajectory, solo):
    state = trajectory.readings[0].state
    for name, expected in solo.state().items():
        np.testing.assert_allclose(state[name], expected, rtol=0, atol=1e-9, err_msg=name)
    for name in CURVES:
        if name in solo.history[0]:
            expected = [epoch[name] for epoch in solo.history]
            np.testing.assert_allclose(trajectory.curves[name], expected, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_every_regularizer_with_every_optimizer(regularizer, optimizer):
    chosen = setting(regularizer=REGULARIZERS[regularizer], optimizer=OPTIMIZERS[optimizer])
    # A neighbour of other strength and seed, so that the run is one of a stack.
    neighbour = setting(regularizer=REGULARIZERS[regularizer], optimizer=OPTIMIZERS[optimizer])
    trajectory, _ = train(member(chosen, seed=3), member(neighbour, seed=4))
    assert_same(trajectory, Solo(chosen, seed=3).train())  # 5 epochs of 5 steps


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_mixed_stack_is_the_loop_of_its_runs(optimizer):
    mixed = [REGULARIZERS[name] for name in REGULARIZERS if "batchnorm" not in REGULARIZERS[name]]
    members = [
        member(setting(regularizer=regularizer, optimizer=OPTIMIZERS[optimizer]), seed=i % 3)
        for i, regularizer in enumerate(mixed)
    ]
    for one, trajectory in zip(members, train(*members), strict=True):
        assert_same(trajectory, Solo(one.setting, one.seed).train())


@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "elu", "selu", "sigmoid"])
@pytest.mark.parametrize("regularizer", ["dropout", "batchnorm"])
def test_activations(activation, regularizer):
    chosen = setting(
        model={"name": "mlp", "hidden": [12, 7], "activation": activation},
        regularizer=REGULARIZERS[regularizer],
    )
    assert_same(train(member(chosen))[0], Solo(chosen, 0).train())


@pytest.mark.parametrize(
    "init",
    [
        "he_normal",
        "he_uniform",
        "glorot_normal",
        "glorot_uniform",
        "lecun_normal",
        "zeros",
        "torch",
    ],
)
def test_linear_models_and_initializers(init):
    for dataset in (WINE, FRIEDMAN):
        chosen = setting(dataset=dataset, model={"name": "linear", "init": init})
        assert_same(train(member(chosen))[0], Solo(chosen, 0).train())


def test_regression():
    chosen = setting(dataset=FRIEDMAN, regularizer={"l2": 0.01, "dropout": 0.1})
    (trajectory,) = train(member(chosen))
    solo = Solo(chosen, 0).train()
    assert_same(trajectory, solo)
    assert "val_r2" in solo.history[0]
    assert "val_acc" not in trajectory.curves


@pytest.mark.parametrize("batch_size", [1, 23, 69, 70, 1000, "full"])
@pytest.mark.parametrize("shuffle", [True, False])
def test_batch_sizes(batch_size, shuffle):
    # 69 of 70 leaves a last batch of one example, which batchnorm must not learn from.
    chosen = setting(
        regularizer={"batchnorm": True, "dropout": 0.4, "input_noise": 0.1},
        training={"batch_size": batch_size, "shuffle": shuffle, "epochs": 3},
    )
    assert_same(train(member(chosen))[0], Solo(chosen, 0).train())


def test_label_noise_trains_on_the_noisy_labels_and_scores_both():
    chosen = setting(dataset=WINE | {"label_noise": 0.4})
    (trajectory,) = train(member(chosen, seed=2))
    solo = Solo(chosen, 2).train()
    assert_same(trajectory, solo)
    x, _ = solo._part("train")
    clean = (solo.net(x).argmax(1).numpy() == solo.split.train.y_clean).mean()
    assert trajectory.curves["train_acc_clean"][-1] == pytest.approx(clean)
    assert trajectory.curves["train_acc_clean"][-1] != trajectory.curves["train_acc"][-1]


def test_no_epochs_scores_the_initial_weights():
    chosen = setting(training={"epochs": 0})
    (trajectory,) = train(member(chosen, seed=1))
    solo = Solo(chosen, 1)
    reading = trajectory.readings[0]
    assert (reading.epochs_run, reading.best_epoch, reading.reading_epoch) == (0, 0, 0)
    assert trajectory.curves["epoch"].tolist() == [0.0]
    assert trajectory.curves["val_loss"][0] == pytest.approx(solo.scores()["val_loss"], abs=1e-12)
    assert np.isnan(trajectory.curves["objective"][0])
    for name, expected in solo.state().items():
        np.testing.assert_array_equal(reading.state[name], expected)


def test_each_run_has_the_flip_rate_of_its_own_labels():
    members = [
        member(setting(dataset=WINE | {"label_noise": noise}), seed)
        for noise, seed in ((0.4, 0), (0.4, 1), (0.1, 0), (0.0, 0))
    ]
    solos = [Solo(one.setting, one.seed) for one in members]
    expected = [solo.split.flip_rate for solo in solos]
    assert [trajectory.flip_rate for trajectory in train(*members)] == expected
    assert len(set(expected)) == 4
    assert expected[3] is None


def test_scores_are_there_every_so_many_epochs_and_after_the_last():
    chosen = setting(training={"eval_every": 2})
    (trajectory,) = train(member(chosen))
    solo = Solo(chosen, 0).train()
    for name in ("train_loss", "val_acc", "test_loss"):
        expected = [epoch[name] for epoch in solo.history]
        expected[0] = expected[2] = np.nan
        np.testing.assert_allclose(trajectory.curves[name], expected, atol=1e-9, err_msg=name)
    for name in ("objective", "penalty", "lr", "weight_norm"):
        expected = [epoch[name] for epoch in solo.history]
        np.testing.assert_allclose(trajectory.curves[name], expected, atol=1e-9, err_msg=name)


def test_a_part_that_is_scored_in_pieces_is_scored_whole(monkeypatch):
    # 70, 40 and 40 rows in pieces of 64: a piece and a rest.
    monkeypatch.setattr("regbench.engine.scoring._CHUNK_ELEMENTS", 1)
    for dataset in (WINE | {"label_noise": 0.3}, FRIEDMAN):
        chosen = setting(dataset=dataset)
        assert_same(train(member(chosen))[0], Solo(chosen, 0).train())


def test_targets_that_are_all_alike_have_no_r2():
    dataset = FRIEDMAN | {"val_size": 1, "test_size": 20}
    (trajectory,) = train(member(setting(dataset=dataset)))
    assert np.isnan(trajectory.curves["val_r2"]).all()
    assert np.isfinite(trajectory.curves["val_loss"]).all()
    assert np.isfinite(trajectory.curves["test_r2"]).all()


@pytest.mark.parametrize("init", ["he_normal", "torch"])
def test_a_bias_before_a_batchnorm_keeps_its_initial_value(init, monkeypatch):
    """It has no effect; in float32, rounding would move it under Adam by whole steps."""
    for name, on_gpu in product(OPTIMIZERS, [False, True]):
        monkeypatch.setattr(
            "regbench.engine.layers.device.is_gpu", lambda device, on_gpu=on_gpu: on_gpu
        )
        chosen, initial = (
            setting(
                model={"name": "mlp", "hidden": [12, 7], "init": init},
                regularizer={"batchnorm": True, "l2": 0.01},
                optimizer=OPTIMIZERS[name],
                training={"dtype": "float32", "epochs": epochs, "batch_size": 23},
            )
            for epochs in (5, 0)
        )
        after, before = (train(member(s))[0].readings[0].state for s in (chosen, initial))
        moved = [n for n in before if not np.array_equal(before[n], after[n])]
        still = {f"layers.{i}.bias" for i in (0, 1)}
        assert {n for n in before if n.startswith("layers")} - set(moved) == still, name
