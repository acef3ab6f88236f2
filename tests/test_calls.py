"""Calls that nobody meant, of every command and option: a documented exit code and plain lines."""

import os
import resource
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from calls import LEFT_OUT, calls, commands, world
from command import regbench

DOCUMENTED = range(7)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calls")
    world(folder)
    for name in ("r", "r2"):
        assert regbench("run", "tiny.yaml", "-o", name, "-q", cwd=folder).code == 0
    shutil.copy(folder / "r" / "runs.csv", folder / "six.csv")
    return folder


def check(arguments, code, err):
    """No defect, no traceback, and nothing on which a terminal acts."""
    assert code in DOCUMENTED, (arguments, err)
    assert "Traceback" not in err, (arguments, err)
    assert all(line.isprintable() for line in err.split("\n")), (arguments, err)
    if code in (2, 3, 4):
        assert "error: " in err or "Usage: " in err or "--format" in arguments, (arguments, err)


def test_calls_of_every_command(folder):
    for arguments in calls(seed=0, number=100):
        done = regbench(*arguments, cwd=folder)
        check(arguments, done.code, done.err)


def test_calls_have_every_option():
    """The calls are taken from Typer: an option that is new is among them."""
    found = [set(call) for call in calls(seed=0, number=4_000)]
    for name, parameters in commands().items():
        for parameter in parameters:
            options = set(parameter.opts) - LEFT_OUT
            if parameter.param_type_name == "option" and options:
                assert any(name in call and options & call for call in found), (name, options)


def real(arguments, folder):
    """A command in a process of its own: its code, its stderr and its seconds."""
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "regbench", *map(os.fsencode, arguments)],
        cwd=folder,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(folder), "OMP_NUM_THREADS": "1"},
        timeout=120,
        check=False,
    )
    seconds = time.monotonic() - begin
    return arguments, done.returncode, done.stderr.decode(), seconds


@pytest.mark.torture
def test_real_calls_at_length(folder, record_property):
    """Seconds are of the clock, two commands at a time; memory is the largest of all."""
    number, longest = int(os.environ.get("REGBENCH_CALLS", "2000")), 0.0
    with ThreadPoolExecutor(2) as two:
        for arguments, code, err, seconds in two.map(
            lambda arguments: real(arguments, folder), calls(seed=1, number=number)
        ):
            check(arguments, code, err)
            assert seconds < 10, arguments
            longest = max(longest, seconds)
    mebibytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert mebibytes < 1024
    record_property(
        "figure", f"{number} real calls: none took more than {longest:.1f} s or {mebibytes:.0f} MiB"
    )
