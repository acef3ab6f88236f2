"""Real `regbench` processes, with hooks where a test needs to know how far one has come."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

COMMAND = [sys.executable, "-m", "regbench"]

# Runs the command line as the script does, after some lines of a test's own.
_BEFORE = """\
import sys
sys.argv = ["regbench", *sys.argv[1:]]
import time
from regbench.results.disk import disk
{lines}
from regbench.__main__ import main
if __name__ == "__main__":
    main()
"""


def launch(*arguments, lines="", folder=None):
    """A command in a process group of its own; `lines` are Python that runs first.

    Args:
        folder: where the script with these lines is put.
    """
    command = COMMAND
    if lines:
        script = folder / f"before{time.monotonic_ns()}.py"
        script.write_text(_BEFORE.format(lines=lines), encoding="utf-8")
        command = [sys.executable, str(script)]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"COLUMNS": "80", "PYTHONUNBUFFERED": "1"},
    )


def wait_for(process, text, seconds=60):
    """Read stderr until a line has this text; the lines. After so long the process is killed."""
    lines, timer = [], threading.Timer(seconds, process.kill)
    timer.start()
    try:
        while not lines or text not in lines[-1]:
            lines.append(process.stderr.readline())
            assert lines[-1], "".join(lines)
    finally:
        timer.cancel()
    return lines


def gone(process, seconds=20):
    """Wait until nothing of its process group is left; whether that came about."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def wait_for_workers(process, number):
    """Wait until so many have been started; they import torch for a second or more."""
    found = []
    while len(found) < number:
        assert process.poll() is None
        listed = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, check=False)
        found = listed.stdout.split()


def end(process):
    """End a command and its workers, if they are still there."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    if not process.stderr.closed:
        process.communicate()


def run_script(name, *arguments):
    """Run a script of this folder, which forks commands; what it prints."""
    command = [sys.executable, str(Path(__file__).with_name(name)), *map(str, arguments)]
    # Threads of BLAS or OpenMP would not come along with a fork.
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=os.environ | one_thread, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()
