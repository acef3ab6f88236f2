"""A stack that goes on from a checkpoint gives the bytes of one that was never broken off."""

import time
from itertools import product
from pathlib import Path

import pytest
from command import SMALL, regbench
from engine import WINE, member, setting
from test_same_bits import OPTIMIZERS, assert_same_bits

import regbench as package
from regbench.engine.loop import train_stack
from regbench.errors import TimeIsUp
from regbench.executors.checkpointing import StackCheckpoints, work_key
from regbench.executors.progress import Silent

EPOCHS = 7


class Memory:
    """Keeps what the engine hands it."""

    def __init__(self, every_epoch=False):
        self.found = None
        self.saved = {}
        self.every_epoch = every_epoch

    def latest(self):
        return self.found

    def due(self):
        return self.every_epoch

    def save(self, epoch, state):
        self.saved[epoch] = state


def broken_off_after(epoch):
    def on_epoch(now, trained):
        if now == epoch:
            raise TimeIsUp("now")

    return on_epoch


def stack(optimizer, **regularizer):
    """Runs that stop at epochs of their own, one that diverges, and two that keep to the end."""
    rules = [
        {"patience": 1},
        {"gl": 1, "restore_best_weights": False},
        {"patience": 2, "monitor": "train_loss"},
        None,
    ]
    return [
        member(
            setting(
                dataset=WINE | {"label_noise": 0.2},
                regularizer={"dropout": 0.2 * seed, "input_noise": 0.1, "l1": 1e-3, **regularizer}
                | ({"early_stopping": rule} if rule else {}),
                optimizer=optimizer | {"lr": optimizer["lr"] * (1 + 5 * seed)},
                training={"epochs": EPOCHS, "batch_size": 13, "eval_every": 2},
            ),
            seed,
            f"{i}-{seed}",
        )
        for (i, rule), seed in product(enumerate(rules), range(2))
    ] + [
        member(
            setting(
                dataset=WINE,
                regularizer=regularizer,
                optimizer=optimizer | {"lr": 1e200},
                training={"epochs": EPOCHS, "batch_size": 13, "eval_every": 2},
            ),
            0,
            "diverges",
        )
    ]


@pytest.mark.parametrize("extra", [{}, {"batchnorm": True}], ids=["plain", "batchnorm"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: o["name"])
def test_broken_off_after_any_epoch(optimizer, extra):
    members = stack(optimizer, **extra)
    whole = train_stack(members, Path())
    statuses = {trajectory.readings[0].status for trajectory in whole}
    lengths = {trajectory.readings[0].epochs_run for trajectory in whole}
    assert statuses == {"ok", "diverged"}  # or the test shows less than it says
    assert len(lengths) > 2
    for epoch in range(1, EPOCHS + 1):
        memory = Memory()
        with pytest.raises(TimeIsUp):
            train_stack(members, Path(), on_epoch=broken_off_after(epoch), checkpoints=memory)
        assert list(memory.saved) == [epoch]
        memory.found = epoch, memory.saved[epoch]
        for a, b in zip(whole, train_stack(members, Path(), checkpoints=memory), strict=True):
            assert_same_bits(a, b)


def test_a_chain_of_interruptions_is_as_good_as_one():
    members = stack(OPTIMIZERS[0])
    whole = train_stack(members, Path())
    memory = Memory()
    for epoch in (2, 3, 6):
        with pytest.raises(TimeIsUp):
            train_stack(members, Path(), on_epoch=broken_off_after(epoch), checkpoints=memory)
        memory.found = epoch, memory.saved[epoch]
    for a, b in zip(whole, train_stack(members, Path(), checkpoints=memory), strict=True):
        assert_same_bits(a, b)


def test_what_was_trained_before_counts_as_progress():
    members = [member(setting(training={"epochs": 4}), seed) for seed in range(3)]
    memory = Memory(every_epoch=True)
    train_stack(members, Path(), checkpoints=memory)
    assert list(memory.saved) == [1, 2, 3]  # after the last epoch there is nothing to go on to
    memory.found = 3, memory.saved[3]
    seen = []
    train_stack(members, Path(), on_epoch=lambda *what: seen.append(what), checkpoints=memory)
    assert seen == [(3, 9), (4, 3)]


def test_what_is_told_comes_back_as_values():
    members, told = stack(OPTIMIZERS[1]), []
    whole = train_stack(members, Path())
    kept = StackCheckpoints("s0001", "s0001", members, "cpu", None, told.append)
    assert kept.latest() is None
    with pytest.raises(TimeIsUp):
        train_stack(members, Path(), on_epoch=broken_off_after(4), checkpoints=kept)
    (last,) = told
    assert (last.name, last.epoch, last.key) == ("s0001", 4, work_key(members, "cpu"))
    found = last.epoch, last.state
    again = StackCheckpoints("s0001", "s0001", members, "cpu", found, told.append)
    for a, b in zip(whole, train_stack(members, Path(), checkpoints=again), strict=True):
        assert_same_bits(a, b)


def test_other_runs_and_another_device_are_other_work():
    members = stack(OPTIMIZERS[1])
    keys = [work_key(*work) for work in ((members, "cpu"), (members[:-1], "cpu"), (members, "x"))]
    assert len(set(keys)) == 3


def test_as_often_as_they_are_worth_their_time(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def slow(kept):
        now[0] += 2.0

    kept = StackCheckpoints("s0001", "s0001", [member(setting())], "cpu", None, slow)
    assert not kept.due()
    now[0] = 5.0
    assert kept.due()
    kept.save(1, {})
    now[0] += 39.0
    assert not kept.due()  # two seconds every forty are a twentieth
    now[0] += 1.0
    assert kept.due()


@pytest.mark.xdist_group("processes")
def test_a_time_limit_shorter_than_a_stack_makes_progress(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(SMALL.replace("epochs: 4", "epochs: 400"))
    assert regbench("run", path, "-o", tmp_path / "whole", "-j", 1).code == 0
    codes = []
    while codes[-1:] != [0]:
        done = regbench("run", path, "-o", tmp_path / "parts", "-j", 1, "--time-limit", "0.4s")
        codes.append(done.code)
        assert len(codes) < 300, done.err  # beside others an attempt may do an epoch and no more
    assert codes[:-1] == [6] * (len(codes) - 1)
    assert len(codes) > 2
    for name in ("runs.csv", "epochs.csv", "gap.csv"):
        whole, parts = (tmp_path / folder / name for folder in ("whole", "parts"))
        assert whole.read_bytes() == parts.read_bytes(), name
    assert not list((tmp_path / "parts" / ".regbench" / "checkpoints").glob("*"))


class EndsWhenAllTrain(Silent):
    """Raises as soon as both stacks have finished an epoch."""

    def __init__(self):
        self.training = set()
        self.raised = None

    def advanced(self, stack_id, epoch, run_epochs):
        self.training.add(stack_id)
        if len(self.training) == 2:
            self.raised = time.monotonic()
            raise TimeIsUp("now")


@pytest.mark.xdist_group("processes")
def test_workers_that_are_ended_keep_their_state_and_go(tmp_path, monkeypatch):
    monkeypatch.setattr("regbench.executors.processes._STOP_SECONDS", 40.0)
    path, folder, progress = tmp_path / "study.yaml", tmp_path / "r", EndsWhenAllTrain()
    path.write_text(SMALL.replace("epochs: 4", "epochs: 1000000"))
    with pytest.raises(TimeIsUp):
        package.run(path, out=folder, workers=2, progress=progress)
    assert time.monotonic() - progress.raised < 30  # not killed after 40 s
    kept = {file.name[:5] for file in (folder / ".regbench" / "checkpoints").glob("*")}
    assert kept == {"s0001", "s0002"}


def test_a_damaged_checkpoint_is_named_and_the_older_one_used(tmp_path, monkeypatch):
    path, folder = tmp_path / "study.yaml", tmp_path / "parts"
    path.write_text(SMALL.replace("epochs: 4", "epochs: 400"))
    monkeypatch.setattr("regbench.executors.checkpointing._SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr("regbench.executors.checkpointing._LEAST_RATIO", 0)
    found = []
    while len(found) < 2:
        assert regbench("run", path, "-o", folder, "-j", 1, "--time-limit", "0.2s").code == 6
        found = sorted((folder / ".regbench" / "checkpoints").glob("s0001.*"))
    newer = found[-1]
    newer.write_bytes(newer.read_bytes()[:-100])
    monkeypatch.undo()
    done = regbench("run", path, "-o", folder, "-j", 1)
    assert done.code == 0
    assert f"warning: {newer}: " in done.err
    assert "an older state or none is used" in done.err
    assert regbench("run", path, "-o", tmp_path / "whole", "-j", 1).code == 0
    for name in ("runs.csv", "epochs.csv", "gap.csv"):
        assert (tmp_path / "whole" / name).read_bytes() == (folder / name).read_bytes(), name
