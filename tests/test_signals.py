"""Ctrl-C and SIGTERM at any time: quiet, quick, and the same command goes on."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from command import SMALL, contents, regbench, study
from processes import gone, wait_for, wait_for_workers

from regbench.errors import BadData

pytestmark = pytest.mark.xdist_group("processes")

LONG = SMALL.replace("epochs: 4", "epochs: 1000000")


def ends(process, code, seconds=10):
    """The rest of its stderr, once it has ended with that code and quietly."""
    begin = time.monotonic()
    process.wait(timeout=60)
    took = time.monotonic() - begin
    # Workers that are still importing torch end, and let go of the pipe, when they have done so.
    _, rest = process.communicate(timeout=60)
    assert took < seconds, rest
    assert process.returncode == code, rest
    assert "Traceback" not in rest, rest
    return rest


# A module finder that sends the process a signal when a certain module is imported.
AT_IMPORT = """\
import os, runpy, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.{number})

sys.meta_path.insert(0, Finder())
runpy.run_module("regbench", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    ("module", "number", "code"),
    [
        ("regbench.cli.main", "SIGINT", 130),
        ("typer", "SIGTERM", 143),
        ("numpy", "SIGTERM", 143),
        ("torch", "SIGINT", 130),
        pytest.param("regbench.cli.main", "SIGTERM", 143, marks=pytest.mark.torture),
        pytest.param("typer", "SIGINT", 130, marks=pytest.mark.torture),
        pytest.param("numpy", "SIGINT", 130, marks=pytest.mark.torture),
        pytest.param("torch", "SIGTERM", 143, marks=pytest.mark.torture),
    ],
)
def test_a_signal_while_modules_are_imported(tmp_path, module, number, code):
    script = AT_IMPORT.format(module=module, number=number)
    command = [sys.executable, "-c", script, "run", str(study(tmp_path)), "-o", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    # Before the command line is read there is nothing to say.
    assert ("to go on: regbench run" in done.stderr) == (module in ("numpy", "torch"))


# As an extension module does that is interrupted in the middle of its own import (seen with NumPy).
ANOTHER_ERROR = AT_IMPORT.replace(
    "            os.kill(os.getpid(), signal.{number})",
    """            try:
                os.kill(os.getpid(), signal.{number})
            except BaseException as error:
                raise ImportError("initialization failed") from error""",
)


def test_a_signal_of_which_an_import_makes_its_own_error(tmp_path):
    script = ANOTHER_ERROR.format(module="numpy", number="SIGINT")
    command = [sys.executable, "-c", script, "run", str(study(tmp_path)), "-o", str(tmp_path / "r")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1].startswith("interrupted: finished work is kept; to go on: ")
    assert "initialization" not in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_becomes_of_a_signal(number, capfd):
    """It leaves as what it was, whatever was made of it; and Python keeps its remarks to itself."""
    from regbench.cli.signals import Interrupted, Terminated, signals

    class Deleted:
        def __del__(self):
            os.kill(os.getpid(), number)
            time.sleep(0)

    hooks = sys.unraisablehook, threading.excepthook

    def meet(made):
        try:
            os.kill(os.getpid(), number)
            time.sleep(1)
        except BaseException as error:
            raise made or error from None

    for made in (None, ImportError("initialization failed"), BadData("no"), SystemExit(3)):
        with pytest.raises(Interrupted) as caught, signals():
            meet(made)
        assert type(caught.value) is {2: Interrupted, 15: Terminated}[number]
    with signals():
        Deleted()
    assert (sys.unraisablehook, threading.excepthook) == hooks
    assert capfd.readouterr().err == ""


# The process stays somewhere, says so, and lets no exception out.
STUCK_SOMEWHERE = """
def stay(where):
    print(where, file=sys.stderr)
    for _ in range(600):
        try:
            time.sleep(0.1)
        except BaseException:
            pass
"""
# Where it writes runs.csv.
STUCK_IN_TABLES = f"""{STUCK_SOMEWHERE}
def hook(operation):
    if operation.name == "create" and ".runs.csv" in operation.path.name:
        stay("writing tables")
disk.hook = hook
"""
# Where it waits for its workers to end.
STUCK_AT_WORKERS = f"""{STUCK_SOMEWHERE}
from regbench.executors import processes as workers
workers._has_left = lambda *_: stay("ending workers")
"""
STUCK = [
    pytest.param(STUCK_IN_TABLES, "writing tables", 1, id="tables"),
    # Three processes: eight seconds of the processor to start.
    pytest.param(STUCK_AT_WORKERS, "ending workers", 2, id="workers", marks=pytest.mark.torture),
]


@pytest.mark.parametrize(("lines", "place", "workers"), STUCK)
def test_a_second_signal_ends_at_once(start, tmp_path, lines, place, workers):
    path, folder = study(tmp_path, LONG), tmp_path / "r"
    process = start("run", path, "-o", folder, "-j", workers, lines=lines, folder=tmp_path)
    wait_for(process, "training 12 runs")
    if workers == 2:
        wait_for_workers(process, 2)
    process.send_signal(signal.SIGINT)
    wait_for(process, place)
    process.send_signal(signal.SIGTERM)
    rest = ends(process, 143, seconds=2)
    assert f"to go on: regbench run {path}" in rest
    assert gone(process)
    short = regbench("run", path, "-o", folder, "-q", "--time-limit", "1s", "-j", 1)
    assert short.code == 6  # nobody holds the folder, and it can be taken up


@pytest.mark.parametrize(("lines", "place", "workers"), STUCK)
def test_one_signal_ends_within_ten_seconds_whatever_is_stuck(
    start, tmp_path, lines, place, workers
):
    path = study(tmp_path, LONG)
    process = start("run", path, "-o", tmp_path / "r", "-j", workers, lines=lines, folder=tmp_path)
    wait_for(process, "training 12 runs")
    if workers == 2:
        wait_for_workers(process, 2)
    process.send_signal(signal.SIGTERM)
    wait_for(process, place)
    assert f"to go on: regbench run {path}" in ends(process, 143)
    assert gone(process)


def test_ctrl_c_reaches_the_whole_group_while_workers_start(start, tmp_path):
    process = start("run", study(tmp_path, LONG), "-o", tmp_path / "r", "-j", 2)
    wait_for(process, "training 12 runs")
    wait_for_workers(process, 2)
    os.killpg(process.pid, signal.SIGINT)
    ends(process, 130)
    assert gone(process)


def interrupted_at_random(start, folder, seed, expected):
    """Interrupt a study until it is done, twice in a row now and then; it must come to its end."""
    draw = random.Random(seed)
    path = study(folder)
    for _ in range(6):
        workers = draw.choice([1, 2])
        process = start("run", path, "-o", folder / "r", "-q", "-j", workers)
        time.sleep(0.1 + 4 * draw.random())
        number = draw.choice([signal.SIGINT, signal.SIGTERM])
        process.send_signal(number)
        if draw.random() < 0.5:
            time.sleep(draw.choice([0, 0.01, 0.1]))
            process.send_signal(number)
        _, err = process.communicate(timeout=20)
        # At its very end Python gives signals back to the system, whose way it is to end with -n.
        assert process.returncode in (0, 128 + number, -number), err
        assert "Traceback" not in err
        assert gone(process)
    assert regbench("run", path, "-o", folder / "r", "-q").code == 0
    assert contents(folder / "r") == expected


@pytest.mark.torture
def test_signals_at_random_times(start, tmp_path, record_property):
    whole = tmp_path / "whole"
    whole.mkdir()
    assert regbench("run", study(whole), "-o", whole / "r", "-q").code == 0
    for seed in range(8):
        folder = tmp_path / str(seed)
        folder.mkdir()
        interrupted_at_random(start, folder, seed, contents(whole / "r"))
    record_property("figure", "48 commands interrupted at random times, half of them twice")
