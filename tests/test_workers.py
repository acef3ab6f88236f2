"""Worker processes on machines in trouble: each stack three times, else this process alone."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from command import contents, regbench, study
from processes import gone

import regbench as package
from regbench.executors import processes as workers_module
from regbench.executors import train as training

pytestmark = pytest.mark.xdist_group("processes")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The small study by one process."""
    folder = tmp_path_factory.mktemp("whole")
    assert regbench("run", study(folder), "-o", folder / "r", "-q", "-j", 1).code == 0
    return folder / "r"


def count(what):
    """How often this was called, in any process of the test."""
    with (Path(os.environ["COUNTS"]) / what).open("a+") as file:
        file.write("x")
        file.flush()
        return file.tell()


def serve_sometimes(pipe, stop, given):
    """The first is killed while it starts, the first stack's each time, the second's once."""
    train = training.train

    def train_sometimes(job, *rest):
        stack_id = job.stack.stack_id
        if count(stack_id) == 1 or stack_id == "s0001":
            os.kill(os.getpid(), signal.SIGKILL)
        train(job, *rest)

    if count("starts") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    training.train = train_sometimes
    workers_module._serve(pipe, stop, given)


def test_a_stack_whose_worker_is_killed_is_tried_three_times(tmp_path, monkeypatch, whole):
    monkeypatch.setenv("COUNTS", str(tmp_path))
    monkeypatch.setattr(workers_module, "_serve", serve_sometimes)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    done = regbench("run", study(tmp_path), "-o", tmp_path / "r", "-q", "-j", 2)
    assert done.code == 1, done.err
    again = "the worker was killed (out of memory?); it was tried again"
    assert done.err.count(f"warning: stack s0001: {again}") == 2
    assert done.err.count(f"warning: stack s0002: {again}") == 1
    assert "Traceback" not in done.err
    starts = {name: len((tmp_path / name).read_text()) for name in ("s0001", "s0002", "starts")}
    assert starts == {"s0001": 3, "s0002": 2, "starts": 5}
    # It fails its own runs only, and they can be tried once more.
    runs = pd.read_csv(tmp_path / "r" / "runs.csv")
    assert runs.groupby("cell").status.agg(set).to_dict() == {
        **{cell: {"failed"} for cell in ("none", "l2", "stop")},
        "norm": {"ok"},
    }
    assert set(runs.error.dropna()) == {"the worker was killed (out of memory?)"}
    monkeypatch.undo()
    assert (
        regbench("run", study(tmp_path), "-o", tmp_path / "r", "-j", 1, "--retry-failed").code == 0
    )
    assert contents(tmp_path / "r") == contents(whole)


def no_semaphores(method):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("machine", ["no processes", "a daemon"])
def test_where_no_worker_starts_this_process_trains_and_says_so_once(
    tmp_path, monkeypatch, whole, machine
):
    if machine == "a daemon":
        from multiprocessing import current_process

        monkeypatch.setitem(current_process()._config, "daemon", True)
        why = "daemonic processes are not allowed to have children"
    else:
        monkeypatch.setattr(workers_module, "get_context", no_semaphores)
        why = "[Errno 28] No space left on device"
    done = regbench("run", study(tmp_path), "-o", tmp_path / "r", "-q", "-j", 2)
    assert done.code == 0, done.err
    assert done.err.count(f"no worker process starts here ({why}): this process trains alone") == 1
    assert contents(tmp_path / "r") == contents(whole)


def test_two_threads_train_at_once(tmp_path, whole):
    path, found = study(tmp_path), {}

    def train(name):
        found[name] = package.run(path, out=tmp_path / name)

    threads = [threading.Thread(target=train, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [found[name].summary.trained for name in "ab"] == [12, 12]
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(whole)


# It does not ask for its __name__, and says what it did.
SCRIPT = """
import regbench
results = regbench.run("small.yaml", out="r", workers=2)
print("trained", results.summary.trained, results.warnings)
"""


@pytest.mark.torture
def test_a_script_from_stdin_on_a_machine_without_semaphores(tmp_path, whole):
    study(tmp_path)
    command = [sys.executable, "-"]
    unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    mount = "mount -t tmpfs -o ro tmpfs /dev/shm"
    if (
        shutil.which("unshare")
        and not subprocess.run(
            [*unshare, "sh", "-c", mount], capture_output=True, check=False
        ).returncode
    ):
        command = [*unshare, "sh", "-c", f'{mount} && exec "$0" "$@"', *command]
    done = subprocess.run(
        command, input=SCRIPT, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "trained 12 ()\n"), done.stderr
    assert "Traceback" not in done.stderr
    assert contents(tmp_path / "r") == contents(whole)


DAEMONS = """
import multiprocessing
import regbench

def train(name):
    results = regbench.run("small.yaml", out=name, workers=2)
    assert results.summary.trained == 12
    assert len(results.warnings) == 1, results.warnings

if __name__ == "__main__":
    regbench.run("small.yaml", out="parent")
    for name in ("fork", "spawn"):
        process = multiprocessing.get_context(name).Process(target=train, args=(name,), daemon=True)
        process.start()
        process.join(300)
        assert process.exitcode == 0, name
"""


@pytest.mark.torture
def test_daemons_that_were_forked_or_spawned(tmp_path, whole):
    study(tmp_path)
    (tmp_path / "script.py").write_text(DAEMONS)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "fork") == contents(tmp_path / "spawn") == contents(whole)


def children(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.torture
def test_workers_killed_at_any_moment_of_their_life(start, tmp_path, whole, record_property):
    """Any child of the command, multiprocessing's own helper included; twice in a command."""
    draw, killed = random.Random(7), 0
    for i in range(20):
        folder = tmp_path / str(i)
        process = start("run", study(tmp_path), "-o", folder, "-q", "-j", 2)
        for _ in range(2):
            time.sleep(draw.uniform(0.3, 4))
            if found := children(process.pid):
                try:
                    os.kill(draw.choice(found), signal.SIGKILL)
                    killed += 1
                except ProcessLookupError:
                    pass
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert "Traceback" not in err
        assert contents(folder) == contents(whole)
        assert gone(process)
    record_property("figure", f"{killed} workers killed in 20 commands; the same bytes each time")
