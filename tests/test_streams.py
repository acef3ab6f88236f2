"""Whatever stdout and stderr are, the work is done, and the exit code is the documented one."""

import errno
import json
import os
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
from calls import TINY
from command import regbench
from processes import run_script

from regbench.cli.environment import settle_environment
from regbench.cli.streams import _Output


def check_streams(folder, *options):
    """Each command on each kind of stream: its code, what could be said, and what was trained."""
    (folder / "tiny.yaml").write_text(TINY)
    assert regbench("run", "tiny.yaml", "-o", "r", "-q", cwd=folder).code == 0
    found = json.loads(run_script("streams_of_all_kinds.py", folder, *options))
    trained = (folder / "r" / "runs.csv").read_text()
    for place, (code, out, err, tables) in found.items():
        name, _, case = place.partition(": ")
        usual = found[f"{name}: usual"]
        lost = case in ("stdout full", "both full", "stdout for reading only")
        assert code == (1 if name == "no" else 4 if lost else 0), (place, err)
        assert tables == (trained if name == "run" else ""), place
        if "stdout" not in case and "both" not in case and case not in ("ascii", "latin-1"):
            assert out == usual[1], place
        if case == "stdout read late, non-blocking":
            assert out == usual[1], place
        if "stderr" in case or "both" in case:
            assert err == "", place
        elif lost and name != "no":
            assert err.splitlines()[-1].startswith("error: stdout cannot be written: "), place
        elif name == "no":
            assert err.endswith("error: 1 of 2 claims failed\n"), place
        assert (out + err).isascii() or case not in ("ascii", "latin-1"), place
    return len(found)


def test_streams_of_all_kinds(tmp_path):
    assert check_streams(tmp_path) == 23


@pytest.mark.torture
def test_streams_of_all_kinds_at_length(tmp_path, record_property):
    number = check_streams(tmp_path, "all")
    record_property("figure", f"{number} commands on odd streams")


def pipe(blocking=True):
    reading, writing = os.pipe()
    os.set_blocking(writing, blocking)
    return reading, writing


def test_a_reader_that_comes_late_gets_all_and_one_that_leaves_is_no_fault():
    content = bytes(range(256)) * 2000
    reading, writing = pipe(blocking=False)
    output = _Output(writing, 10.0, may_skip=False)
    got = bytearray()

    def read():
        time.sleep(0.05)
        while len(got) < len(content):
            got.extend(os.read(reading, 5000))

    reader = threading.Thread(target=read)
    reader.start()
    left = memoryview(content)
    while left:
        left = left[output.write(left) :]
    reader.join()
    assert (bytes(got), output.lost) == (content, None)
    os.close(reading)
    assert output.write(b"more") == 4
    assert output.lost is None
    os.close(writing)


def test_what_nobody_reads_is_lost_on_stdout_and_skipped_on_stderr():
    for may_skip in (False, True):
        reading, writing = pipe()
        output = _Output(writing, 0.01, may_skip=may_skip)
        while output.lost is None and output._seconds:
            assert output.write(b"x" * 512) == 512
        assert (output.lost is None) == may_skip
        if not may_skip:
            assert output.lost.errno == errno.ETIMEDOUT
        held = len(os.read(reading, 1 << 20))
        assert output.write(b"later") == 5
        os.close(writing)
        assert os.read(reading, 1 << 20) == (b"later" if may_skip else b"")
        assert held % 512 == 0
        os.close(reading)


def test_a_full_disk_is_remembered_and_a_descriptor_made_non_blocking_waited_for():
    full = os.open("/dev/full", os.O_WRONLY)
    output = _Output(full, None, may_skip=False)
    assert output.write(b"x") == 1
    assert output.lost.errno == errno.ENOSPC
    os.close(full)
    reading, writing = pipe(blocking=False)
    output = _Output(writing, None, may_skip=False)  # it was blocking when the command began
    while output.write(b"x" * 4096):
        pass
    os.read(reading, 1 << 20)
    assert output.write(b"x" * 100) == 100
    assert output.lost is None
    os.close(reading)
    os.close(writing)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"COLUMNS": "100", "LINES": "50"}, {"COLUMNS": "100", "LINES": "50"}),
        *(({"COLUMNS": odd}, {}) for odd in ("0", "1", "-5", "", "x", "9" * 30, "1e2", "٩٩")),
        ({"LINES": "0", "TERMINAL_WIDTH": "wide", "MPLBACKEND": "none", "TYPER_USE_RICH": "0"}, {}),
        ({"_REGBENCH_COMPLETE": "complete_zsh"}, {"_REGBENCH_COMPLETE": "complete_zsh"}),
        *(({"_REGBENCH_COMPLETE": odd}, {}) for odd in ("x", "complete_x", "complete_bash")),
    ],
)
def test_odd_values_of_the_environment_are_left_out(before, after):
    with mock.patch.dict("os.environ", before, clear=True):
        settle_environment()
        assert dict(os.environ) == after


def test_a_command_in_an_odd_environment():
    odd = {"COLUMNS": "0", "TERMINAL_WIDTH": "x", "MPLBACKEND": "x", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "regbench", "validate", "--help"]
    done = subprocess.run(command, capture_output=True, env=os.environ | odd, check=True)
    assert b"Usage: regbench validate" in done.stdout
    assert max(map(len, done.stdout.splitlines())) == 80
    assert done.stderr == b""
