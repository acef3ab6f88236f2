"""Workers read a study's tables in one place, in the memory of one copy."""

import sys
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


def look(pipe, tables):
    """What a worker has of its tables."""
    [table] = [each.table for each in tables.values()]
    maps = Path("/proc/self/maps").read_text()
    pipe.send((table.values.dtype.name, table.values.tolist(), "(deleted)" in maps))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_maps_the_file_that_has_no_name(tmp_path, monkeypatch):
    table_of(tmp_path)
    tables = carried(load_study(study(tmp_path, STUDY)))
    monkeypatch.setattr(shared, "_LEAST_BYTES", 0)
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=look, args=(theirs, shared.shared(tables)))
    process.start()
    kind, values, mapped = ours.recv()
    process.join()
    [table] = [each.table for each in tables.values()]
    assert (kind, mapped) == ("float64", True)
    np.testing.assert_array_equal(values, table.values)


@pytest.mark.parametrize("room", [True, False])
def test_workers_need_neither_the_data_file_nor_room_for_another(tmp_path, monkeypatch, room):
    table_of(tmp_path)
    path, tried = study(tmp_path, TWO_STACKS), []
    assert regbench("run", path, "-o", tmp_path / "one", "-q", "-j", "1").code == 0
    monkeypatch.setattr(shared, "_LEAST_BYTES", 0)
    made = shared.tempfile.TemporaryFile

    def file():
        tried.append(1)
        if not room:
            raise OSError("no room")
        return made()

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
