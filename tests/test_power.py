"""The power fails after any operation: what was acknowledged is there, and the command goes on."""

import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import study
from faults import TINY, Crash, Fault, hooked, run_tiny, tables
from power import KEEPS, Disk, put

import regbench
from regbench.executors.progress import Silent
from regbench.results.pieces import Pieces


class Acknowledged(Silent):
    """Notes what a command says is done, and after how many operations it does."""

    def __init__(self, seen):
        self._seen = seen
        self.stacks = []

    def stack_done(self, stack_id, runs, diverged, failed):
        self.stacks.append((len(self._seen), stack_id, runs))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The tiny study and its tables."""
    folder = tmp_path_factory.mktemp("whole")
    path = study(folder, TINY, "tiny.yaml")
    assert run_tiny(path, folder / "r").code == 0
    return path, tables(folder / "r")


def recorded(path, root, crash_at=None):
    """The operations of the study (or of a crash and going on), and what was acknowledged."""
    seen, done = [], []
    if crash_at is not None:
        with hooked(Fault("crash", crash_at)) as fault, pytest.raises(Crash):
            regbench.run(path, out=root / "results" / "r")
        seen = fault.seen[: crash_at - 1]  # the rest was tried in vain
    with hooked(seen.append):
        progress = Acknowledged(seen)
        regbench.run(path, out=root / "results" / "r", progress=progress)
    done = progress.stacks
    return seen, done


def failures(seen, done, root):
    """Every different state of the disk in which the power may have failed."""
    disk, found = Disk(root), {}
    for n in range(len(seen) + 1):
        if n:
            disk.follow(seen[n - 1])
        acknowledged = tuple((stack, runs) for at, stack, runs in done if at <= n)
        for keeps in KEEPS:
            left = disk.left(keeps)
            state = (tuple(sorted(left.items())), acknowledged, n == len(seen))
            found.setdefault(state, (f"{keeps} kept after {n} of {len(seen)}", left, *state[1:]))
    return list(found.values())


def check(failure, path, expected, folder):
    """What was acknowledged is there, and the command goes on to the same bytes."""
    place, left, acknowledged, at_the_end = failure
    put(left, folder)
    results = folder / "results" / "r"
    pieces = Pieces(results)
    list(pieces.read_new())  # a torn piece that nobody was told of may be there
    for stack, runs in acknowledged:
        found = [run for run, name in pieces.stack_of.items() if name == stack]
        assert len(found) == runs, f"{place}: {stack} was lost"
    if at_the_end:  # exit code 0 speaks for all
        assert tables(results) == expected, place
        assert len(pieces.records) == 4, f"{place}: a stack was lost that had been found done"
    done = run_tiny(path, results)
    assert done.code == 0, f"{place}: {done.err}"
    assert tables(results) == expected, place


def test_the_power_fails_at_some_operations(whole, tmp_path):
    (tmp_path / "root").mkdir()
    path, expected = whole
    found = failures(*recorded(path, tmp_path / "root"), tmp_path / "root")
    draw = random.Random(5)
    for i, failure in enumerate([*draw.sample(found[:-3], 15), *found[-3:]]):
        check(failure, path, expected, tmp_path / str(i))


@pytest.mark.torture
def test_the_power_fails_at_every_operation(whole, tmp_path, record_property):
    (tmp_path / "root").mkdir()
    path, expected = whole
    seen, done = recorded(path, tmp_path / "root")
    found = failures(seen, done, tmp_path / "root")
    for i, failure in enumerate(found):
        check(failure, path, expected, tmp_path / str(i))
    record_property(
        "figure",
        f"the power failed after each of {len(seen)} operations in {len(KEEPS)} ways, "
        f"{len(found)} different states of the disk",
    )


def crashes(whole, tmp_path, operations):
    """A crash, the command goes on, and then the power fails: what it relied on must be there."""
    path, expected = whole
    count = 0
    for at in operations:
        root = tmp_path / f"root{at}"
        root.mkdir()
        seen, done = recorded(path, root, crash_at=at)
        last = failures(seen, done, root)[-3:]
        for i, failure in enumerate(last):
            check(failure, path, expected, tmp_path / f"{at}-{i}")
            count += 1
    return count


def flushes_of_folders(path, root):
    root.mkdir()
    seen, _ = recorded(path, root)
    return [i for i, operation in enumerate(seen, 1) if operation.name == "flush_folder"]


def test_the_power_fails_after_a_crash_that_left_names_unflushed(whole, tmp_path):
    operations = flushes_of_folders(whole[0], tmp_path / "count")
    assert len(operations) > 12
    crashes(whole, tmp_path, [operations[0], *random.Random(6).sample(operations[1:], 4)])


@pytest.mark.torture
def test_the_power_fails_after_every_crash_that_left_names_unflushed(
    whole, tmp_path, record_property
):
    count = crashes(whole, tmp_path, flushes_of_folders(whole[0], tmp_path / "count"))
    record_property("figure", f"{count} power failures after a crash at a folder's flush")


def test_the_model_loses_what_was_not_flushed(tmp_path):
    """Or all of this would hold of any program."""
    from regbench.results.files import write_atomic

    def without(name):
        disk = Disk(tmp_path)
        hook = lambda o: None if o.name == name else disk.follow(o)  # noqa: E731
        with hooked(hook):
            write_atomic(tmp_path / "x", b"content")
        return [disk.left(keeps).get(Path("x")) for keeps in KEEPS]

    assert without("read") == [b"content"] * 3
    assert without("flush") == [b"", b"", b"cont"]
    assert without("flush_folder") == [None, b"content", b"content"]


# --- what the system was really asked -------------------------------------------------------------

CALLS = "openat,open,creat,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,unlink,unlinkat"


def traced(path, folder, trace):
    """The system's record of a command's changes below a folder: (operation, name)."""
    command = ["strace", "-f", "-y", "-qq", "-o", str(trace), "-e", f"trace={CALLS}"]
    command += [sys.executable, "-m", "regbench", "run", str(path), "-o", str(folder), "-j", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in trace.read_text(errors="replace").splitlines():
        match = re.search(r"^\d+ +(\w+)\((.*)\) = \d", line)
        if not match or str(folder) not in line:
            continue
        call, arguments = match.groups()
        names = [Path(n) for n in re.findall(r'["<]([^">]*)[">]', arguments) if str(folder) in n]
        if call.startswith("rename"):
            yield "rename", names[-1]
        elif call in ("fsync", "fdatasync"):
            yield "flush", names[-1]
        elif call.startswith("mkdir"):
            yield "make_folder", names[-1]
        elif call.startswith("unlink"):
            yield "remove", names[-1]
        elif "O_CREAT" in arguments or "O_WRONLY" in arguments or "O_RDWR" in arguments:
            yield "create", names[-1]


def plain(name, path, folder):
    """An operation without what differs from one command to the next."""
    what = re.sub(r"\.[0-9a-f]{8}\.tmp$", ".tmp", str(path.relative_to(folder)))
    return "flush" if name == "flush_folder" else name, what


def test_the_hook_sees_all_that_the_system_is_asked(whole, tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("no strace here")
    probe = subprocess.run(["strace", "-f", "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"strace may not trace here: {probe.stderr.splitlines()[-1]}")
    path, expected = whole
    asked = [plain(*each, tmp_path / "a") for each in traced(path, tmp_path / "a", tmp_path / "t")]
    assert tables(tmp_path / "a") == expected
    seen = []

    changes = {"make_folder", "create", "rename", "remove", "flush", "flush_folder"}

    def hook(operation):
        if operation.name in changes and operation.path.is_relative_to(tmp_path / "b"):
            seen.append((operation.name, operation.target or operation.path))

    with hooked(hook):
        assert run_tiny(path, tmp_path / "b").code == 0
    assert ("create", ".regbench/lock") in asked
    assert [each for each in asked if "lock" not in each[1]] == [
        plain(*each, tmp_path / "b") for each in seen
    ]
    assert len(seen) > 50
