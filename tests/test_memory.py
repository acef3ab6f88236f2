"""Stacks and a GPU's memory: what will not fit is parted before training, or afterwards."""

import json
import weakref
from pathlib import Path

import pytest
import torch
from engine import member, setting

import regbench
from regbench.executors import train as training
from regbench.executors.memory import fits, free_bytes, needed_bytes

MIB = 2**20


def runs(number, **blocks):
    return [member(setting(**blocks), seed) for seed in range(number)]


@pytest.fixture
def card(monkeypatch):
    """A GPU of so many bytes, as torch would speak of it."""

    def put(free, reserved=0, allocated=0):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 80 * 2**30))
        monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: reserved)
        monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: allocated)

    return put


def test_free_is_what_the_card_has_and_what_torch_keeps(card):
    card(free=5 * MIB, reserved=4 * MIB, allocated=MIB)
    assert free_bytes("cuda:0") == 8 * MIB
    assert free_bytes("cpu") is None


def test_on_the_cpu_everything_fits():
    huge = runs(1, model={"name": "mlp", "hidden": [10**6, 10**6]})
    assert fits(huge, Path(), "cpu")


def test_a_stack_fits_or_not(card):
    members = runs(40)
    need = needed_bytes(members, Path())
    card(free=2 * need)
    assert fits(members, Path(), "cuda:0")
    card(free=need)  # a tenth is left for what nobody counts
    assert not fits(members, Path(), "cuda:0")


def test_what_is_needed_grows_with_all_that_takes_memory():
    base = needed_bytes(runs(40), Path())
    for more in (
        runs(41),
        runs(40, model={"name": "mlp", "hidden": [12, 7, 7]}),
        runs(40, training={"batch_size": 64}),
        runs(40, training={"batch_size": "full"}),
        runs(40, dataset={"name": "digits"}),
    ):
        assert needed_bytes(more, Path()) > base
    assert needed_bytes(runs(40, training={"dtype": "float32"}), Path()) < base
    # Parameters, their gradients and two moments at the least.
    heavy = runs(10, model={"name": "mlp", "hidden": [1000, 1000]})
    assert needed_bytes(heavy, Path()) > 10 * 1_000_000 * 8 * 4


STUDY = {
    "name": "memory",
    "dataset": "iris",
    "model": {"name": "mlp", "hidden": [4]},
    "training": {"epochs": 2, "device": "cpu"},
    "seeds": 5,
}


def test_a_stack_that_will_not_fit_is_parted_before_it_is_trained(tmp_path, monkeypatch):
    whole = regbench.run(STUDY, out=tmp_path / "whole").runs
    sizes, train_stack = [], training.train_stack

    def trained(members, *rest):
        sizes.append(len(members))
        return train_stack(members, *rest)

    monkeypatch.setattr(training, "train_stack", trained)
    monkeypatch.setattr("regbench.executors.memory.free_bytes", lambda device: 100 * MIB)
    # Thirty a run: three runs are too many for nine tenths of a hundred, and one is tried anyhow.
    monkeypatch.setattr(
        "regbench.executors.memory.needed_bytes", lambda members, folder: len(members) * 30.1 * MIB
    )
    parts = regbench.run(STUDY, out=tmp_path / "parts").runs
    assert sizes == [2, 1, 2]
    assert parts.equals(whole)
    events = (tmp_path / "parts" / "provenance.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(events[0])["event"] == "split by memory"
    sizes.clear()
    monkeypatch.setattr("regbench.executors.memory.free_bytes", lambda device: 0)
    assert regbench.run(STUDY, out=tmp_path / "single").runs.equals(whole)
    assert sizes == [1] * 5


class Something:
    """What an attempt has made."""


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate ..."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_a_broken_off_attempt_has_left_nothing_when_its_halves_train(error, tmp_path, monkeypatch):
    made, alive, train_stack = [], [], training.train_stack

    def out_of_memory(members, *rest):
        alive.append([each() is not None for each in made])
        tensors = Something()
        made.append(weakref.ref(tensors))
        if len(members) > 2:
            raise type(error)(*error.args)
        return train_stack(members, *rest)

    monkeypatch.setattr(training, "train_stack", out_of_memory)
    results = regbench.run(STUDY, out=tmp_path)
    assert (results.runs.status == "ok").all()
    assert alive == [[], [False], [False] * 2, [False] * 3, [False] * 4]  # 5, 2, 3, 1, 2
