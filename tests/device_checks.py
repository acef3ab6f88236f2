"""What must hold on a device, as functions; each raises AssertionError where it does not.

`tests/test_cuda.py` runs them on a GPU, as does `benchmarks/gpu.py`, and `tests/test_gpu_paths.py`
what it can of them on the CPU.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from engine import FRIEDMAN, member, setting

import regbench
from regbench.engine import loop, philox
from regbench.engine.draws import INTEGERS, NORMALS, Draws, device_orders, shuffled
from regbench.engine.loop import StackTrainer, train_stack
from regbench.engine.member import Member, Trajectory
from regbench.executors import train as training
from regbench.streams import Purpose, normal, uint16

OPTIMIZERS = {
    "sgd": {"name": "sgd", "lr": 0.05},
    "nesterov": {"name": "sgd", "lr": 0.02, "momentum": 0.8, "nesterov": True},
    "adam": {"name": "adam", "lr": 0.01, "betas": [0.8, 0.99]},
    "rmsprop": {"name": "rmsprop", "lr": 0.003, "alpha": 0.95},
}
REGULARIZERS = {
    "none": {},
    "l1": {"l1": 0.003},
    "subgradient": {"l1": 0.003, "l1_method": "subgradient"},
    "l2": {"l2": 0.01},
    "dropout": {"dropout": 0.3},
    "input dropout": {"input_dropout": 0.2},
    "batchnorm": {"batchnorm": {"momentum": 0.2, "eps": 1e-3}},
    "weight decay": {"weight_decay": 0.1},
    "max norm": {"max_norm": 0.9},
    "smoothing": {"label_smoothing": 0.1},
    "input noise": {"input_noise": 0.3},
}
DIGITS = {"name": "digits", "train_size": 80, "val_size": 40, "test_size": 40}
# Name: optimizer, regularizer, and other blocks of the setting.
CASES = {
    f"{optimizer}, {regularizer}": (OPTIMIZERS[optimizer], REGULARIZERS[regularizer], {})
    for optimizer in OPTIMIZERS
    for regularizer in REGULARIZERS
} | {
    "regression": (OPTIMIZERS["adam"], {"l1": 0.002}, {"dataset": FRIEDMAN}),
    "linear": (OPTIMIZERS["adam"], {"l2": 0.002}, {"model": {"name": "linear"}}),
    "convolutions": (
        OPTIMIZERS["adam"],
        {"l2": 0.002, "dropout": 0.2, "batchnorm": True},
        {
            "dataset": {"name": "digits", "train_size": 70, "val_size": 40, "test_size": 40},
            "model": {"name": "cnn", "channels": [4, 5]},
        },
    ),
    **{
        f"{activation}, dropout": (
            OPTIMIZERS["sgd"],
            {"dropout": 0.2},
            {"model": {"name": "mlp", "hidden": [12, 7], "activation": activation}},
        )
        for activation in ("tanh", "gelu", "elu", "selu", "sigmoid")
    },
    **{
        name: (OPTIMIZERS["sgd"], regularizer, {"dataset": DIGITS})
        for name, regularizer in {
            "augment": {"augment": {"shift": 1, "flip": 0.5, "crop": 0.2, "rotate": 15}},
            "cutout": {"cutout": 3},
            "mixup": {"mixup": 0.4},
        }.items()
    },
    "ema": (OPTIMIZERS["adam"], {"ema": {"decay": 0.9}, "batchnorm": True}, {}),
    "in file order": (OPTIMIZERS["sgd"], {}, {"training": {"shuffle": False}}),
    "full batch": (OPTIMIZERS["sgd"], {}, {"training": {"batch_size": "full"}}),
    "weights of classes": (
        OPTIMIZERS["adam"],
        {"label_smoothing": 0.1},
        {"training": {"class_weight": {"class_0": 3.0, "class_2": 0.25}}},
    ),
}
# Before batchnorm a bias has no gradient but rounding, which optimizers that divide by its size
# make into steps of full length: in float32 such runs differ by what the order of a sum leaves.
CASES_IN_FLOAT32 = [
    name for name in CASES if "batchnorm" not in name or not name.startswith(("adam", "rmsprop"))
]
NOT_RECORDED = ("ema",)
# Of weights and curves after a few epochs, relative and absolute. An accuracy may move by one
# example where two outputs are all but equal.
TOLERANCE = {"float32": 2e-3, "float64": 1e-8}


def members_of(case: str, dtype: str) -> list[Member]:
    """Three runs of the case: two seeds, and one of them once more without the regularizer."""
    optimizer, regularizer, blocks = CASES[case]
    training = {"epochs": 3, "dtype": dtype} | blocks.get("training", {})
    kept = {"batchnorm": regularizer["batchnorm"]} if "batchnorm" in regularizer else {}
    return [
        member(
            setting(
                optimizer=optimizer | {"lr": optimizer["lr"] * (1 + number / 7)},
                regularizer=chosen,
                **blocks | {"training": training},
            ),
            seed,
        )
        for number, (chosen, seed) in enumerate([(regularizer, 0), (kept, 0), (regularizer, 1)])
    ]


def trained(members: Sequence[Member], device: str = "cpu") -> list[Trajectory]:
    """As a study trains them: convolutions deterministic, in full float32."""
    with training._torch_settings(1, tf32=False):
        return train_stack(members, Path(), device)


def assert_close(found: Sequence[Trajectory], expected: Sequence[Trajectory], dtype: str) -> None:
    """Curves and weights agree within `TOLERANCE`."""
    tolerance = TOLERANCE[dtype]
    for a, b in zip(found, expected, strict=True):
        assert a.curves.keys() == b.curves.keys()
        for name, curve in b.curves.items():
            # Of the 40 examples that the smallest part has.
            close = 1.01 / 40 if "_acc" in name and dtype == "float32" else tolerance
            np.testing.assert_allclose(a.curves[name], curve, close, close, err_msg=name)
        for x, y in zip(a.readings, b.readings, strict=True):
            assert (x.status, x.epochs_run) == (y.status, y.epochs_run)
            assert x.state.keys() == y.state.keys()
            for name, weights in y.state.items():
                np.testing.assert_allclose(
                    x.state[name], weights, tolerance, tolerance, err_msg=name
                )


def check_random_numbers(device: str) -> None:
    """Dropout's integers and the orders of examples are the CPU's; normals agree to 1e-12."""
    where, seeds = torch.device(device), [0, 7, 2**63 + 5, 2**64 - 1]
    draws = Draws(seeds, 64, where)
    draws.start_epoch(3, steps=19)
    like = torch.zeros(1, dtype=torch.float64, device=where)
    for step in (0, 1, 18):
        draws.start_step(step, 48 if step == 18 else 64)
        rows = 48 if step == 18 else 64
        integers = draws(INTEGERS, Purpose.DROPOUT, 50, slice(0, 4), layer=1).cpu().numpy()
        normals = draws(NORMALS, Purpose.INPUT_NOISE, 30, slice(0, 4), like=like).cpu().numpy()
        for run, seed in enumerate(seeds):
            expected = uint16(
                seed, Purpose.DROPOUT, rows * 50, epoch=3, layer=1, block=step * (64 * 50 // 16)
            )
            assert (integers[run].ravel() == expected.view(np.int16)).all()
            z = normal(seed, Purpose.INPUT_NOISE, rows * 30, epoch=3, block=step * (64 * 30 // 4))
            np.testing.assert_allclose(normals[run].ravel(), z, 1e-12, 1e-12)
    ids = np.random.default_rng(0).permutation(1797)[:1200]
    found = device_orders(
        philox.as_words(seeds, where), 5, torch.from_numpy(ids).to(where).repeat(4, 1), 1797
    )
    for order, seed in zip(found.cpu().numpy(), seeds, strict=True):
        assert (order == shuffled(seed, 5, ids)).all()


def check_results(device: str, case: str, dtype: str) -> None:
    """A stack's results are the CPU's within `TOLERANCE`."""
    members = members_of(case, dtype)
    assert_close(trained(members, device), trained(members), dtype)


def check_two_trainings(device: str, case: str) -> None:
    """The same stack, trained twice, gives the same bits."""
    members = members_of(case, "float32")
    assert_same_bits(*(trained(members, device) for _ in range(2)))


def assert_same_bits(first: Sequence[Trajectory], second: Sequence[Trajectory]) -> None:
    """Of curves and weights."""
    for a, b in zip(first, second, strict=True):
        for name, curve in a.curves.items():
            np.testing.assert_array_equal(curve, b.curves[name], err_msg=name)
        for name, weights in a.readings[0].state.items():
            assert weights.tobytes() == b.readings[0].state[name].tobytes(), name


@torch.no_grad()
def check_nobody_waits(device: str, case: str) -> None:
    """Epochs run through without the host waiting for the GPU, recorded or not; CUDA only."""
    with patch.object(loop, "MOST_STEPS", 0):
        trainer = StackTrainer(members_of(case, "float32"), Path(), device)
    recorded = StackTrainer(members_of(case, "float32"), Path(), device)
    trainer.train_epoch(1)
    recorded.train_epoch(1)
    recorded.train_epoch(2)  # to record waits for the GPU; what waits cannot be recorded
    torch.cuda.set_sync_debug_mode("error")
    try:
        trainer.train_epoch(2)
        recorded.train_epoch(3)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def check_recording(device: str, case: str) -> None:
    """Epochs that are recorded and replayed give the bits of those that are not; CUDA only."""
    members = members_of(case, "float32")
    graphs = []
    made = torch.cuda.CUDAGraph
    with patch.object(torch.cuda, "CUDAGraph", lambda: graphs.append(made()) or graphs[-1]):
        replayed = trained(members, device)
    with patch.object(loop, "MOST_STEPS", 0):
        assert_same_bits(replayed, trained(members, device))
    assert len(graphs) == (case not in NOT_RECORDED)


STUDY = {
    "name": "halves",
    "dataset": {"name": "digits", "split_seed": 0},
    "model": {"name": "mlp", "hidden": [128, 128]},
    "regularizer": {"dropout": 0.2, "l2": 0.001},
    "training": {"epochs": 3, "batch_size": 64},
    "seeds": 512,
}


def check_halving(device: str, folder: Path) -> None:
    """A stack that a GPU has no room for is trained in parts, with the same results; CUDA only.

    The room is cut to three fifths of what the whole stack takes, and the estimate is switched off,
    so that memory really runs out.
    """
    gc.collect()
    before = torch.cuda.memory_allocated(device)  # brings CUDA up, too
    torch.cuda.reset_peak_memory_stats(device)
    with patch.object(loop, "MOST_STEPS", 0):
        whole = regbench.run(STUDY, out=folder / "whole", device=device)
        taken = torch.cuda.max_memory_allocated(device) - before
        gc.collect()
        torch.cuda.empty_cache()
        room = torch.cuda.memory_reserved(device) + 0.6 * taken
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(room / total, device)
        try:
            with patch.object(training, "fits", lambda *_, **__: True):
                parts = regbench.run(STUDY, out=folder / "parts", device=device)
        finally:
            torch.cuda.set_per_process_memory_fraction(1.0, device)
    assert_halved(parts, whole)


def check_no_room_to_record(device: str, folder: Path) -> None:
    """Where memory runs out while an epoch is recorded, it is the same; CUDA only."""
    take = StackTrainer._take_steps

    def without_room(self: StackTrainer, lr: torch.Tensor) -> torch.Tensor:
        result = take(self, lr)
        if torch.cuda.is_current_stream_capturing() and self.alive > STUDY["seeds"] / 2:
            torch.empty(1 << 50, dtype=torch.uint8, device=device)
        return result

    whole = regbench.run(STUDY, out=folder / "recorded", device=device)
    with patch.object(StackTrainer, "_take_steps", without_room):
        parts = regbench.run(STUDY, out=folder / "recorded in parts", device=device)
    assert_halved(parts, whole)


def assert_halved(parts: regbench.Results, whole: regbench.Results) -> None:
    """It was in parts, and gave what the whole gives."""
    provenance = (parts.folder / "provenance.jsonl").read_text(encoding="utf-8")
    assert "split by memory" in provenance, "memory did not run out"
    assert (parts.runs.status == "ok").all(), parts.runs.status.value_counts()
    for name in ("train_loss", "val_loss"):
        close = TOLERANCE["float32"]
        np.testing.assert_allclose(parts.runs[name], whole.runs[name], close, close)
