"""Workers read a study's tables in one place, in the memory of one copy."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from command import contents, regbench, study
from test_large_tables import STUDY, table_of

from regbench.config.load import load_study
from regbench.data import carried
from regbench.executors import shared
from regbench.executors.processes import Processes

TWO_STACKS = STUDY + "  model.hidden: [[8], [9]]\n"
pytestmark = pytest.mark.xdist_group("processes")


def look(pipe, file):
    """What a worker has of its tables."""
    shared.take(file)
    [table] = [each.table for each in pipe.recv().values()]
    maps = Path("/proc/self/maps").read_text()
    pipe.send((table.values.dtype.name, table.values.tolist(), "(deleted)" in maps))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_maps_the_file_that_has_no_name(tmp_path, monkeypatch):
    table_of(tmp_path)
    tables = carried(load_study(study(tmp_path, STUDY)))
    monkeypatch.setattr(shared, "_LEAST_BYTES", 0)
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    file, sent = shared.shared(tables)
    process = context.Process(target=look, args=(theirs, file))
    process.start()
    ours.send(sent)
    kind, values, mapped = ours.recv()
    process.join()
    [table] = [each.table for each in tables.values()]
    assert (kind, mapped) == ("float64", True)
    np.testing.assert_array_equal(values, table.values)


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files")
@pytest.mark.parametrize("beyond", [1, 5000])
def test_a_file_that_cannot_hold_the_last_bytes_is_none(beyond):
    """Also where they are fewer than a page: they are written when the file is flushed."""
    code = (
        "import resource, numpy as np\n"
        "from regbench.executors.shared import SharedFile\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "try:\n"
        f"    SharedFile().add(np.zeros((1 << 20) + {beyond}, np.uint8))\n"
        "except OSError as error:\n"
        "    print(error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("File too large\n", "")


def first_worker(process):
    """As soon as it is there: before it has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None:
        for child in children.read_text().split():
            with suppress(OSError):  # gone
                if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                    return int(child)
    raise AssertionError("it ended before any worker came")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_that_dies_before_it_reads_a_long_table_is_replaced(tmp_path, start):
    """Targets and row numbers are no part of the file; more of them than a pipe holds."""
    rows = 20_000
    x = np.random.default_rng(0).normal(size=(rows, 8))
    np.savez(tmp_path / "d.npz", x=x, y=(x[:, 0] > 0).astype(int))
    path = study(
        tmp_path,
        "name: long\ndataset: {name: npz, path: d.npz, task: classification, train_size: 500, "
        "val_size: 200, test_size: 200}\nmodel: linear\ntraining: {epochs: 2}\nseeds: 2\n"
        "sweep: {training.batch_size: [50, 100]}\n",
    )
    process = start("run", path, "-o", tmp_path / "r", "-q", "-j", "2")
    os.kill(first_worker(process), signal.SIGKILL)
    _, err = process.communicate(timeout=100)
    assert process.returncode == 0, err


@pytest.mark.parametrize("room", [True, False])
def test_workers_need_neither_the_data_file_nor_room_for_another(tmp_path, monkeypatch, room):
    table_of(tmp_path)
    path, tried = study(tmp_path, TWO_STACKS), []
    assert regbench("run", path, "-o", tmp_path / "one", "-q", "-j", "1").code == 0
    monkeypatch.setattr(shared, "_LEAST_BYTES", 0)
    made = shared.tempfile.TemporaryFile

    def file(**options):
        tried.append(1)
        if not room:
            raise OSError("no room")
        return made(**options)

    monkeypatch.setattr(shared.tempfile, "TemporaryFile", file)
    start = Processes._start_workers

    def without_the_file(self):
        (tmp_path / "d.csv").unlink(missing_ok=True)
        start(self)

    # This process looks whether a file has changed; workers must not need to.
    monkeypatch.setattr("regbench.executors.drive.require_unchanged", lambda *a: None)
    monkeypatch.setattr(Processes, "_start_workers", without_the_file)
    done = regbench("run", path, "-o", tmp_path / "two", "-q", "-j", "2")
    assert done.code == 0, done.err
    assert tried
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
