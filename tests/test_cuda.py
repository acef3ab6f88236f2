"""On a real GPU; the checks stand in `device_checks.py`. `benchmarks/gpu.py` runs them, too."""

import pytest
import torch
from device_checks import (
    CASES,
    CASES_IN_FLOAT32,
    check_halving,
    check_no_room_to_record,
    check_nobody_waits,
    check_random_numbers,
    check_recording,
    check_results,
    check_two_trainings,
)

pytestmark = [
    pytest.mark.skipif(
        not torch.cuda.is_available(), reason="no CUDA device here: nothing of this was checked"
    ),
    pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype"),
]
DEVICE = "cuda:0"


@pytest.fixture(autouse=True)
def seen(monkeypatch):
    """`conftest.py` hides the GPU from all other tests."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")


def test_random_numbers_are_the_cpus():
    check_random_numbers(DEVICE)


@pytest.mark.parametrize("case", CASES)
def test_results_are_the_cpus(case):
    check_results(DEVICE, case, "float64")


@pytest.mark.parametrize("case", CASES_IN_FLOAT32)
def test_results_are_the_cpus_in_float32(case):
    check_results(DEVICE, case, "float32")


@pytest.mark.parametrize("case", CASES)
def test_two_trainings_give_the_same_bits(case):
    check_two_trainings(DEVICE, case)


@pytest.mark.parametrize("case", CASES)
def test_replayed_epochs_have_the_same_bits(case):
    check_recording(DEVICE, case)


@pytest.mark.parametrize("case", CASES)
def test_nobody_waits_in_an_epoch(case):
    check_nobody_waits(DEVICE, case)


def test_a_stack_without_room_is_halved(tmp_path):
    check_halving(DEVICE, tmp_path)


def test_a_stack_without_room_to_record_is_halved(tmp_path):
    check_no_room_to_record(DEVICE, tmp_path)
