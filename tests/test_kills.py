"""Commands ended by SIGKILL, as by the system when memory runs out: nothing committed is lost."""

import os
import random
import signal
import time
from contextlib import suppress

import pytest
from command import contents, regbench, study
from processes import gone, run_script

pytestmark = pytest.mark.xdist_group("processes")


def kill_nine(tmp_path, *arguments):
    return run_script("kill_nine.py", tmp_path, *arguments)


def test_two_kills_in_a_chain(tmp_path):
    assert "2 commands killed in 1 chains of 2" in kill_nine(tmp_path, 1, 1, 2)


@pytest.mark.torture
def test_two_hundred_kills_in_chains_of_ten(tmp_path, record_property):
    record_property("figure", kill_nine(tmp_path, 2, 20, 10))


@pytest.mark.torture
def test_kills_of_a_command_with_workers(start, tmp_path, record_property):
    """Parent and workers each as a program of its own; the parent is killed, or the whole group."""
    draw = random.Random(3)
    whole = tmp_path / "whole"
    whole.mkdir()
    assert regbench("run", study(whole), "-o", whole / "r", "-q").code == 0
    path = study(tmp_path)
    for _ in range(10):
        process = start("run", path, "-o", tmp_path / "r", "-q", "-j", 2)
        time.sleep(draw.uniform(0.5, 6))
        if draw.random() < 0.5:
            process.kill()
        else:
            with suppress(ProcessLookupError):  # it has come to its end before
                os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert gone(process)
    assert regbench("run", path, "-o", tmp_path / "r", "-q").code == 0
    assert contents(tmp_path / "r") == contents(whole / "r")
    record_property("figure", "10 commands with two workers each killed, parent or group")
