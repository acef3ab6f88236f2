"""`benchmarks/gpu.py` where there is no GPU: it says so, and its parts run on the CPU."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from regbench.engine.loop import StackTrainer

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_cuda_it_measures_nothing_and_says_so():
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "gpu.py")], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "no CUDA device here; nothing measured\n")
    assert done.stderr == ""


@pytest.fixture
def gpu(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(BENCHMARKS), *sys.path])
    return importlib.import_module("gpu")


def test_its_table_on_the_cpu(gpu, monkeypatch, capsys):
    monkeypatch.setattr("regbench.engine.layers.device.is_gpu", lambda device: True)
    monkeypatch.setattr(gpu, "copy_speed", lambda device: 1e9)
    gpu.measure(8, 1, 1, "cpu")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "8 runs of 1 epochs in stacks of [8]; measured once each"
    assert [line.split("  ")[0] for line in lines[3:7]] == [
        "regbench, training",
        "plain PyTorch loop",
        "products alone (1 epochs, scaled)",
        "bytes alone, at 1 GB/s",
    ]


def test_its_convolutions_on_the_cpu(gpu, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "DATASET", {**gpu.DATASET, "train_size": 128})
    gpu.measure_cnn(1, 1, "cpu")
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "40 runs of 1 epochs of a cnn of (16, 32) channels in stacks of [20, 20]"
    assert lines[2].endswith(" times")


def test_its_loop_is_regbenchs_cnn(gpu):
    (stack,) = gpu.stacks(4, 1, {"name": "cnn", "channels": list(gpu.CHANNELS)})
    network = StackTrainer(stack.members[:1], Path(), "cpu").network
    shapes = [slot.parameter.shape for slot in network.parameters.slots]
    assert shapes == [tuple(each.shape) for each in gpu.cnn().parameters()]


def test_its_stacks_and_its_arithmetic(gpu):
    sizes = [len(stack.members) for stack in gpu.stacks(10_000, 50)]
    assert sizes == [2500] * 4
    # 19 steps of 26,122 parameters, 266 units behind the 64 inputs.
    floats = 19 * 10 * 26_122 + 1200 * (7 * 266 + 4 * 64) + 1797 * (2 * 266 + 64)
    assert gpu.bytes_of_an_epoch() == 4 * floats
    assert gpu.copy_speed("cpu", 1 << 20) > 0


def test_it_counts_the_checks_that_fail(gpu, monkeypatch, capsys):
    for name in vars(gpu.checks):
        if name.startswith("check_") and name != "check_random_numbers":
            monkeypatch.setattr(gpu.checks, name, lambda *_: None)
    assert gpu.run_checks("cpu") == 0

    def wrong(*_):
        raise AssertionError("two and two are five")

    monkeypatch.setattr(gpu.checks, "check_halving", wrong)
    assert gpu.run_checks("cpu") == 1
    assert "two and two are five" in capsys.readouterr().out
