"""Every operation of the disk goes wrong once, in every way: the same command then goes on to the
same bytes, and what could not be written is said in one line.
"""

import random

import pytest
from command import regbench, study
from faults import TINY, Crash, Fault, hooked, run_tiny, tables

from regbench.results.disk import disk
from regbench.results.pieces import stacks_folder

KINDS = ("crash", "cut", "full", "torn", "once", "eio", "short")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The tiny study in one go: its file, its tables and the operations that it took."""
    folder = tmp_path_factory.mktemp("whole")
    path = study(folder, TINY, "tiny.yaml")
    with hooked(Fault("crash", 10**9)) as counted:
        assert run_tiny(path, folder / "r").code == 0
    return path, tables(folder / "r"), counted.names


def try_fault(whole, folder, kind, at):
    """Break off the study at that operation, and go on; whether the operation was reached."""
    path, expected, _ = whole
    with hooked(Fault(kind, at)) as fault:
        try:
            done = run_tiny(path, folder)
        except Crash:
            done = None
    place = f"{kind} at {at} of {len(fault.names)} ({fault.names[at - 1 : at]})"
    assert (done is None) == (kind in ("crash", "cut")), place
    if done is not None and done.code:
        assert done.code in (3, 4), f"{place}: {done.err}"
        last = done.err.splitlines()[-1]
        assert last.startswith(f"error: {folder.parent}"), f"{place}: {done.err}"
        assert "cannot be" in last, f"{place}: {done.err}"
        if fault.names[at - 1] != "read":
            assert done.code == 4, f"{place}: {done.err}"
        assert "Traceback" not in done.err
    if kind == "short":  # that is no fault, but what a system may do
        assert done.code == 0, place
    elif kind == "eio" or fault.names[at - 1] == "write":
        assert done is None or done.code, place
    again = run_tiny(path, folder)
    assert again.code == 0, f"{place}: {again.err}"
    assert tables(folder) == expected, place
    assert not list(folder.rglob("*.tmp")), place


def chosen(names, kind):
    """One operation of each name, some at random; of the writes, several."""
    draw = random.Random(kind)
    places = {}
    for at, name in enumerate(names, 1):
        places.setdefault(name, []).append(at)
    return sorted({draw.choice(each) for each in places.values()} | {draw.choice(places["write"])})


@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_some_operations(whole, tmp_path, kind):
    for at in chosen(whole[2], kind):
        try_fault(whole, tmp_path / str(at), kind, at)


@pytest.mark.torture
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_at_every_operation(whole, tmp_path, kind, record_property):
    operations = range(1, len(whole[2]) + 1)
    for at in operations:
        try_fault(whole, tmp_path / str(at), kind, at)
    record_property("figure", f"{kind} at each of {len(operations)} operations")


def test_operations_are_the_same_every_time(whole, tmp_path):
    """Or trying each of them once would not try all."""
    with hooked(Fault("crash", 10**9)) as counted:
        assert run_tiny(whole[0], tmp_path / "r").code == 0
    assert counted.names == whole[2]


def test_a_file_is_flushed_before_its_name_and_the_name_before_all_else(tmp_path):
    seen = []
    with hooked(lambda operation: seen.append((operation.name, operation.path))):
        assert run_tiny(study(tmp_path, TINY), tmp_path / "r").code == 0
    changes = [each for each in seen if each[0] not in ("read", "free_bytes", "lock")]
    renames = [i for i, (name, _) in enumerate(changes) if name == "rename"]
    assert len(renames) >= 12
    for i in renames:
        path = changes[i][1]
        begin = changes.index(("create", path))
        writes = {("write", path)}
        assert set(changes[begin + 1 : i - 2]) <= writes, changes[begin : i + 2]
        assert changes[i - 2 : i] == [("flush", path), ("close", path)]
        assert changes[i + 1] == ("flush_folder", path.parent)


@pytest.mark.parametrize("name", ["flush", "flush_folder"])
def test_a_flush_that_failed_is_not_repeated_and_ends_the_command(whole, tmp_path, name):
    path, expected, names = whole
    for at in [i for i, each in enumerate(names, 1) if each == name][::3]:
        folder = tmp_path / str(at)
        seen = []
        with hooked(Fault("eio", at, seen=seen)):
            done = run_tiny(path, folder)
        assert done.code == 4
        assert "Input/output error" in done.err
        failed = seen[at - 1]
        assert failed.name == name
        # The file that could not be flushed is given up, under this name and any other.
        after = [o.name for o in seen[at:] if o.path == failed.path]
        if name == "flush":
            assert after == ["close", "remove"]
            assert failed.path not in {o.path for o in seen[at:] if o.name == "rename"}
        assert run_tiny(path, folder).code == 0
        assert tables(folder) == expected


def test_a_slow_disk_changes_nothing(whole, tmp_path):
    import time

    with hooked(lambda operation: time.sleep(0.01)):
        assert run_tiny(whole[0], tmp_path / "r").code == 0
    assert tables(tmp_path / "r") == whole[1]


def test_committed_stacks_stay_readable_on_a_full_disk_and_are_kept(whole, tmp_path):
    path, expected, names = whole
    folder = tmp_path / "r"
    piece = [i for i, name in enumerate(names, 1) if name == "make_folder"][-1]
    with hooked(Fault("full", piece + 8)) as fault:  # the first stack is there, the second is not
        done = run_tiny(path, folder)
    assert fault.happened
    assert done.code == 4
    assert "No space left on device" in done.err
    assert "bytes needed" in done.err
    assert len(list(stacks_folder(folder).glob("*.safetensors"))) == 1
    again = run_tiny(path, folder)
    assert again.code == 0
    assert "1 run trained" in again.err
    assert "3 were done already" in again.err
    assert tables(folder) == expected


def test_a_piece_that_the_disk_does_not_give_is_not_taken_for_damaged(whole, tmp_path):
    path, _, _ = whole
    folder = tmp_path / "r"
    assert run_tiny(path, folder).code == 0
    before = {p: p.read_bytes() for p in stacks_folder(folder).iterdir()}

    def hook(operation):
        if operation.name == "read" and operation.path in before:
            raise OSError(5, "Input/output error")

    with hooked(hook):
        done = run_tiny(path, folder)
    assert done.code == 3
    assert ".safetensors: cannot be read: Input/output error" in done.err
    assert {p: p.read_bytes() for p in stacks_folder(folder).iterdir()} == before
    assert run_tiny(path, folder).code == 0


def test_leftovers_of_a_killed_command_are_removed_and_other_files_are_not(whole, tmp_path):
    path, _, _ = whole
    folder = tmp_path / "r"
    assert run_tiny(path, folder).code == 0
    for place in (".runs.csv.0a1b2c3d.tmp", ".regbench/stacks/.s0001.ab.safetensors.0a1b2c3d.tmp"):
        (folder / place).write_bytes(b"half")
    (folder / ".mine.tmp").write_bytes(b"mine")
    assert run_tiny(path, folder).code == 0
    assert [p.name for p in folder.rglob("*.tmp")] == [".mine.tmp"]


def test_the_counter_counts_and_the_hook_is_put_back(tmp_path):
    before = disk.count
    with pytest.raises(Crash), hooked(Fault("crash", 1)):
        disk.remove(tmp_path / "x")
    assert disk.count == before + 1
    assert regbench("show", tmp_path).code == 3
