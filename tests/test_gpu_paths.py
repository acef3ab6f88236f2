"""The ways that a GPU is trained on, forced on the CPU: the same numbers, and nobody waits."""

import gc
from contextlib import nullcontext
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from device_checks import (
    CASES,
    CASES_IN_FLOAT32,
    assert_close,
    assert_same_bits,
    check_random_numbers,
    check_two_trainings,
    members_of,
    trained,
)
from engine import member, setting
from torch.backends import cudnn
from watch import waits

from regbench.engine.draws import Draws
from regbench.engine.layers.parameters import Parameters, Slot
from regbench.engine.layers.per_run import column
from regbench.engine.loop import StackTrainer, train_stack
from regbench.engine.metrics import SCORES
from regbench.engine.optimizers.adam import Adam, ColumnAdam
from regbench.engine.recorded import Recorded
from regbench.engine.scoring import score
from regbench.executors.train import _torch_settings
from regbench.models.layers import Parameter


@pytest.fixture
def as_on_a_gpu(monkeypatch):
    def begin():
        monkeypatch.setattr("regbench.engine.layers.device.is_gpu", lambda device: True)

    return begin


@pytest.mark.parametrize(
    ("case", "dtype"),
    [
        *((case, "float64") for case in CASES),
        *(pytest.param(case, "float32", marks=pytest.mark.torture) for case in CASES_IN_FLOAT32),
    ],
)
def test_the_same_numbers(case, dtype, as_on_a_gpu):
    members = members_of(case, dtype)
    expected = train_stack(members, Path())
    as_on_a_gpu()
    assert_close(train_stack(members, Path()), expected, dtype)


def test_the_checks_of_a_gpu_pass_on_the_cpu(as_on_a_gpu):
    as_on_a_gpu()
    check_random_numbers("cpu")
    check_two_trainings("cpu", "adam, dropout")


def test_a_stack_that_many_runs_leave(as_on_a_gpu):
    members = [
        member(
            setting(
                optimizer={"name": "adam", "lr": 0.01 * (1 + seed), "eps": 10.0 ** (seed - 8)},
                regularizer={
                    "l1": 0.001,
                    "dropout": 0.2,
                    "input_noise": 0.1,
                    "early_stopping": {"patience": 0, "min_delta": 1e9, "start_from_epoch": seed},
                },
            ),
            seed,
        )
        for seed in range(4)
    ]
    expected = train_stack(members, Path())
    as_on_a_gpu()
    found = train_stack(members, Path())
    assert [each.readings[0].epochs_run for each in found] == [2, 3, 4, 5]
    assert_close(found, expected, "float64")


def test_convolutions_are_cudnns_and_deterministic():
    before = cudnn.enabled, cudnn.deterministic
    with _torch_settings(1, tf32=False):
        assert (cudnn.enabled, cudnn.deterministic, cudnn.benchmark) == (True, True, False)
    assert (cudnn.enabled, cudnn.deterministic) == before


@pytest.mark.parametrize(
    "case",
    [
        *("adam, dropout", "adam, input dropout", "adam, input noise"),
        *("augment", "cutout", "mixup", "convolutions"),
    ],
)
def test_what_is_recorded_reads_the_epoch_from_a_tensor(case, as_on_a_gpu, monkeypatch):
    """Epochs that are replayed do what was recorded in one: what the host knows stands still."""
    members = members_of(case, "float32")
    as_on_a_gpu()
    expected = trained(members)
    begin = Draws.start_epoch

    def standing_still(self, epoch, steps):
        begin(self, epoch, steps)
        self._epoch = 1

    monkeypatch.setattr(Draws, "start_epoch", standing_still)
    assert_same_bits(trained(members), expected)


def test_a_recording_is_made_once_and_told_what_is_given(monkeypatch):
    class Graph:
        def replay(self):
            seen.append(("replayed", given[0].tolist()))

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "Stream", lambda: None)
    for name in ("device", "stream", "graph"):
        monkeypatch.setattr(torch.cuda, name, lambda *_, **__: nullcontext())
    seen, given = [], []

    def call(x):
        given[:] = [x]
        seen.append(("called", x.tolist()))
        return x * 2

    recorded = Recorded()
    results = [recorded(call, torch.tensor([number])) for number in (1, 2, 3)]
    assert seen == [("called", [1]), ("called", [2]), ("replayed", [2]), ("replayed", [3])]
    assert results[2] is results[1]


def test_memory_that_runs_out_in_a_recording_is_what_is_said(monkeypatch):
    class Capture:
        def __enter__(self):
            assert not gc.isenabled()

        def __exit__(self, *_):
            raise RuntimeError("operation failed due to a previous error during capture")

    for name in ("CUDAGraph", "Stream"):
        monkeypatch.setattr(torch.cuda, name, object)
    for name in ("device", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda *_, **__: nullcontext())
    monkeypatch.setattr(torch.cuda, "graph", lambda *_, **__: Capture())

    def call(x):
        if calls:
            raise torch.OutOfMemoryError
        calls.append(x)
        return x

    calls, recorded = [], Recorded()
    recorded(call, torch.zeros(1))
    with pytest.raises(torch.OutOfMemoryError):
        recorded(call, torch.zeros(1))
    assert gc.isenabled()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-6), (torch.float64, 1e-12)])
def test_adam_by_columns_is_the_fused_one(dtype, tolerance):
    numbers = list(product([1e-3, 0.02], [[0.9, 0.999], [0.5, 0.9]], [1e-8, 1e-3]))
    chosen = [
        setting(optimizer={"name": "adam", "lr": lr, "betas": betas, "eps": eps})
        for lr, betas, eps in numbers
    ]
    like = torch.zeros(1, dtype=dtype)
    slots = [
        Slot(Parameter("layers.0.weight", "kernel", (5, 7))),
        Slot(Parameter("layers.0.bias", "bias", (7,))),
    ]
    generator = torch.Generator().manual_seed(0)
    ways = []
    for kind in (Adam, ColumnAdam):
        parameters = Parameters(slots, len(chosen), like)
        ways.append((parameters, kind([each.optimizer for each in chosen], parameters)))
    lr = column([lr for lr, _, _ in numbers], like)
    rows = slice(1, 6)
    for _ in range(30):
        for slot in slots:
            gradient = torch.randn(
                len(chosen), *slot.parameter.shape, generator=generator, dtype=dtype
            )
            for parameters, _ in ways:
                parameters.gradient(slot).copy_(gradient)
        for parameters, adam in ways:
            adam.step(parameters, lr)
        (ours, column_adam), (theirs, fused_adam) = ways[::-1]
        for slot in slots:
            close = {"rtol": tolerance, "atol": tolerance}
            torch.testing.assert_close(ours.value(slot), theirs.value(slot), **close)
            a, b = (adam.divisor(slot, rows) for adam in (column_adam, fused_adam))
            torch.testing.assert_close(a, b, **close)
    assert column_adam.tensors().keys() == fused_adam.tensors().keys()
    torch.testing.assert_close(column_adam.tensors(), fused_adam.tensors(), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def epoch_of(case, dtype="float32"):
    """The second epoch of a stack, scored."""
    trainer = StackTrainer(members_of(case, dtype), Path(), "cpu")
    trainer.train_epoch(1)
    return lambda: trainer.train_epoch(2)


@pytest.mark.parametrize("case", CASES)
def test_nobody_waits_in_an_epoch(case, as_on_a_gpu, monkeypatch):
    as_on_a_gpu()
    epoch = epoch_of(case)
    arrays = []
    from_numpy = torch.from_numpy  # an operation that no mode sees as a call
    monkeypatch.setattr(torch, "from_numpy", lambda a: arrays.append(a) or from_numpy(a))
    with torch.no_grad():
        found = waits(epoch)
    # The learning rates, once an epoch, and for them nobody waits.
    assert [array.shape for array in arrays] == [(3,)]
    assert found == ["lift_fresh"]


@torch.no_grad()
@pytest.mark.parametrize("case", CASES)
def test_every_tensor_of_an_epoch_is_on_the_device(case, as_on_a_gpu, monkeypatch):
    """On the device "meta", which has shapes and no values: what meets a host's tensor is seen."""
    as_on_a_gpu()
    trainer = StackTrainer(members_of(case, "float32"), Path(), "meta", tuple(SCORES))
    trainer.train_epoch(1)

    def epoch():
        trainer.train_epoch(2)
        scores = score(trainer.network, trainer.examples, trainer._metrics)
        update = trainer._update
        values = [update.penalty(), update.weight_norm(), update.zero_fraction(), *scores.values()]
        assert {value.device.type for value in values} == {"meta"}

    # The learning rates again.
    assert waits(epoch) == ["lift_fresh", "_to_copy between devices"]


def test_the_watch_sees_the_hosts_adam():
    """On the CPU Adam reads its learning rates and its step, and orders come from NumPy."""
    with torch.no_grad():
        found = waits(epoch_of("adam, l1"))
    assert {"tolist", "__int__", "tensor"} <= set(found)


PLANTED = {
    "item": lambda x: x.sum().item(),
    "number": lambda x: float(x[0]),
    "if": lambda x: 1 if x[0] > 0 else 2,
    "list": lambda x: x.tolist(),
    "nonzero": lambda x: x.nonzero(),
    "mask": lambda x: x[x > 0],
    "assignment by mask": lambda x: x.__setitem__(x > 0, 1.0),
    "constant": lambda x: torch.tensor([1.0, 2.0]),
    "as_tensor": lambda x: torch.as_tensor([1.0, 2.0]),
    "array": np.asarray,
    "numpy": lambda x: x.numpy(),
    "to the host": lambda x: x.cpu(),
    "to another device": lambda x: x.to("meta"),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_the_watch_sees_what_is_planted(planted):
    x = torch.ones(3)
    with torch.inference_mode():
        assert waits(lambda: x.add(1).mul_(2).index_select(0, torch.arange(2))) == []
        assert waits(lambda: PLANTED[planted](x)) != []
