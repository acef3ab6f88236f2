"""A results folder that is removed, renamed, replaced or closed while a command writes it: exit
code 4, and the same command starts again.
"""

import ctypes
import os
import shutil
import sys
from contextlib import contextmanager, suppress

import pytest
from command import regbench, study
from faults import TINY, Fault, hooked, run_tiny, tables

from regbench.results.pieces import stacks_folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The tiny study in one go: its file, its tables and the operations that it took."""
    folder = tmp_path_factory.mktemp("whole")
    path = study(folder, TINY, "tiny.yaml")
    with hooked(Fault("crash", 10**9)) as counted:
        assert run_tiny(path, folder / "r").code == 0
    return path, tables(folder / "r"), counted.seen


@contextmanager
def without_override():
    """As a user who is not root: what has mode 000 is closed."""
    if os.getuid():
        yield
        return
    if not sys.platform.startswith("linux"):
        pytest.skip("root may read everything here")
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this thread
    before = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    less = (ctypes.c_uint32 * 6)(*before)
    less[0] &= ~0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH are 1 and 2
    assert libc.capset(header, less) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


def replace(folder):
    folder.rename(folder.with_name("old"))
    folder.mkdir()


def replace_by_another(folder):
    """As by another command with the same -o."""
    half_written = shutil.ignore_patterns("*.tmp")
    shutil.copytree(folder, folder.with_name("copy"), ignore=half_written)
    folder.rename(folder.with_name("old"))
    folder.with_name("copy").rename(folder)


def replace_by_a_file(folder):
    folder.rename(folder.with_name("old"))
    folder.write_text("mine")


TROUBLES = {
    "removed": shutil.rmtree,
    "renamed": lambda folder: folder.rename(folder.with_name("old")),
    "replaced": replace,
    "replaced by another": replace_by_another,
    "replaced by a file": replace_by_a_file,
    "closed": lambda folder: folder.chmod(0),
    "its inside removed": lambda folder: shutil.rmtree(folder / ".regbench"),
    "its stacks removed": lambda folder: shutil.rmtree(stacks_folder(folder)),
    "its stacks closed": lambda folder: stacks_folder(folder).chmod(0),
}


def try_trouble(whole, folder, name, at):
    """Bring it about before the operation of that number; then the same command again."""
    path, expected, operations = whole
    folder.parent.mkdir()
    seen = []

    def hook(operation):
        seen.append(operation.name)
        if len(seen) == at:
            with suppress(FileNotFoundError):  # not there yet
                TROUBLES[name](folder)

    place = f"{name} before {at} of {len(operations)} ({operations[at - 1].name})"
    with without_override():
        with hooked(hook):
            done = run_tiny(path, folder)
        assert "defect" not in done.err, f"{place}: {done.err}"
        assert done.code in (0, 4), f"{place}: {done.err}"
        if done.code:
            last = done.err.splitlines()[-1]
            assert last.startswith(f"error: {folder}"), f"{place}: {done.err}"
        else:  # it was not there yet, or nothing of it was needed any more
            assert tables(folder) == expected, place
        if folder.is_file():
            folder.unlink()
        for closed in (folder, stacks_folder(folder)):
            with suppress(FileNotFoundError):
                closed.chmod(0o755)
        again = run_tiny(path, folder)
        assert again.code == 0, f"{place}: {again.err}"
    assert tables(folder) == expected, place
    return done.code


def at_work(operations):
    """Operations while the second stack is committed, and while tables are written."""
    for name, part in (("create", "stacks/"), ("rename", "epochs.csv")):
        yield [i for i, o in enumerate(operations, 1) if o.name == name and part in str(o.path)][-1]


@pytest.mark.parametrize("name", TROUBLES)
def test_a_folder_in_trouble(whole, tmp_path, name):
    for at in at_work(whole[2]):
        assert try_trouble(whole, tmp_path / str(at) / "r", name, at) == 4


@pytest.mark.torture
@pytest.mark.parametrize("name", TROUBLES)
def test_a_folder_in_trouble_at_every_operation(whole, tmp_path, name, record_property):
    operations = range(1, len(whole[2]) + 1)
    codes = [try_trouble(whole, tmp_path / str(at) / "r", name, at) for at in operations]
    record_property("figure", f"{name}: code 4 at {codes.count(4)} of {len(codes)} operations")
    assert codes.count(4) > len(codes) / 3


CLOSED = {
    "": "show check report compare doctor run",
    ".regbench": "show check report compare doctor run",
    ".regbench/stacks": "doctor run",
    ".regbench/study.json": "check report doctor run",
    ".regbench/tables.json": "show check report",
    "runs.csv": "show report compare doctor",
    "epochs.csv": "report doctor",
}


def test_what_may_not_be_read_is_said_in_one_line(whole, tmp_path):
    path, expected, _ = whole
    folder = tmp_path / "r"
    assert run_tiny(path, folder).code == 0
    more = {"report": ["-o", tmp_path / "out.html"], "compare": [path.parent / "r"]}
    for name, readers in CLOSED.items():
        closed = folder / name
        mode = closed.stat().st_mode
        closed.chmod(0)
        with without_override():
            for reader in readers.split():
                arguments = [reader, folder, *more.get(reader, [])]
                done = run_tiny(path, folder) if reader == "run" else regbench(*arguments)
                place = f"{name} {reader}: {done.err}"
                assert done.code == 3 or (reader == "run" and done.code == 4), place
                errors = [e for e in done.err.splitlines() if e.startswith("error: ")]
                assert len(errors) == 1, place
                assert "cannot be" in errors[0], place
                assert "Permission denied" in errors[0], place
        closed.chmod(mode)
    assert run_tiny(path, folder).code == 0
    assert tables(folder) == expected


def test_doctor_advises_only_what_can_be_done(whole, tmp_path):
    advice = "regbench doctor {} --rebuild makes it anew"
    path, expected, _ = whole
    for name, why in {
        "read-only": "cannot be written",
        "no stacks": "nothing that was trained is left there",
        "a folder": "gap.csv: cannot be read: Is a directory",
        "a link": "is a link to",
        "in use": "is writing this folder",
        "fine": "",
    }.items():
        folder = tmp_path / name.replace(" ", "-")
        shutil.copytree(path.parent / "r", folder)
        table = folder / "gap.csv"
        table.write_bytes(table.read_bytes() + b"x\n")
        if name == "no stacks":
            shutil.rmtree(stacks_folder(folder))
        elif name == "a folder":
            table.unlink()
            table.mkdir()
        elif name == "a link":
            (stacks_folder(folder) / "x").symlink_to(path)
        lock = os.open(folder / ".regbench" / "lock", os.O_RDWR)
        if name == "in use":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        elif name == "read-only":
            folder.chmod(0o555)
        with without_override():
            done = regbench("doctor", folder)
            assert done.code == 3, (name, done.err)
            assert (advice.format(folder) in done.err) == (not why), (name, done.err)
            assert why in done.err, (name, done.err)
            rebuilt = regbench("doctor", folder, "--rebuild")
            if name != "no stacks":  # there it would leave empty tables
                assert (rebuilt.code == 0) == (not why), (name, rebuilt.err)
        os.close(lock)
        folder.chmod(0o755)
    assert tables(tmp_path / "fine") == expected
