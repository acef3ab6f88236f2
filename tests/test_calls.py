"""Calls that nobody meant, of every command and option: a documented exit code and plain lines."""

import json
import os
import shutil
import subprocess
import sys
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
    for arguments in calls(seed=0, number=68):
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


# The peak of a process is at first that of the one that starts it: this one is small.
MEASURE = """
import json, os, subprocess, sys, threading
process = subprocess.Popen(
    [sys.executable, "-m", "regbench", *sys.argv[1:]],
    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
)
end = threading.Timer(300, process.kill)  # whatever holds it up
end.start()
_, status, usage = os.wait4(process.pid, 0)
end.cancel()
seconds = usage.ru_utime + usage.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss / 1024]))
"""


def real(arguments, folder):
    """A command in a process of its own: its code, its stderr, processor seconds and peak MiB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(os.fsencode, arguments)],
        cwd=folder,
        capture_output=True,
        check=True,
        env=os.environ | {"HOME": str(folder), "OMP_NUM_THREADS": "1"},
    )
    code, seconds, mebibytes = json.loads(done.stdout)
    return arguments, code, done.stderr.decode(), seconds, mebibytes


@pytest.mark.torture
def test_real_calls_at_length(folder, record_property):
    number, longest, largest = int(os.environ.get("REGBENCH_CALLS", "2000")), 0.0, 0.0
    with ThreadPoolExecutor(2) as two:
        for arguments, code, err, seconds, mebibytes in two.map(
            lambda arguments: real(arguments, folder), calls(seed=1, number=number)
        ):
            check(arguments, code, err)
            assert seconds < 10, arguments
            assert mebibytes < 1024, arguments
            longest, largest = max(longest, seconds), max(largest, mebibytes)
    figures = f"none took more than {longest:.1f} s of a processor or {largest:.0f} MiB"
    record_property("figure", f"{number} real calls of every command: {figures}")
