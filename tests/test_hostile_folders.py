"""Results folders from anyone: whatever lies in a file's place is refused, soon and in a line."""

import importlib
import io
import os
import shutil
import signal
import subprocess
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command import regbench, study
from test_hostile_files import assert_refused_soon, measured, needs_proc

from regbench.errors import BadData
from regbench.results.files import MOST_BYTES
from regbench.results.frames import read_epochs
from regbench.results.proof import require_as_written
from regbench.results.saved import read_predictions, read_weights

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")

TEXT = """\
name: moons
dataset: {name: moons, n_samples: 40}
model: {hidden: [4]}
training: {epochs: 2, save_weights: true, save_predictions: true}
seeds: 2
sweep:
  regularizer: {none: none, l2: {l2: 1e-2}}
"""
# Who must refuse what lies in a file's place, as it has to read the file.
READERS = {
    "runs.csv": "show check report compare doctor",
    ".regbench/tables.json": "show check report compare",
    ".regbench/study.json": "check report doctor merge run",
    ".regbench/stacks.json": "check doctor merge",
    ".regbench/stacks/*": "doctor merge run",
    ".regbench/lock": "run",
    "epochs.csv": "report doctor",
    "plan.csv": "doctor",
    "gap.csv": "doctor",
    "study.yaml": "report",
    "provenance.jsonl": "report merge run",
    "weights/*": "report merge",
    "predictions/*": "report merge",
}
COMMANDS = {
    "show": ["show", "bad"],
    "check": ["check", "bad"],
    "report": ["report", "bad", "-o", "out.html"],
    "compare": ["compare", "bad", "good"],
    "doctor": ["doctor", "bad"],
    "merge": ["merge", "bad", "-o", "merged"],
    "run": ["run", "small.yaml", "-o", "bad", "-q", "-j", "1"],
}
_TERABYTE = 1 << 40


def sparse(path, content):
    """The file as it was, and a hole of a terabyte after it."""
    path.write_bytes(content)
    os.truncate(path, _TERABYTE)


KINDS = {
    "endless": lambda path, content: path.symlink_to("/dev/zero"),
    "pipe": lambda path, content: os.mkfifo(path),
    "sparse": sparse,
    "link": lambda path, content: path.symlink_to(path.parent / ".copy"),
    "folder": lambda path, content: path.mkdir(),
    "loop": lambda path, content: path.symlink_to(path.name),
}


@contextmanager
def soon(seconds=10):
    """Whatever waits for a pipe's other end is ended."""

    def late(number, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("folders")
    done = regbench("run", study(folder, TEXT), "-o", folder / "good", "-q", "-j", 1)
    assert done.code == 0, done.err
    return folder


def try_file(root, pattern, kind, readers):
    """Put that in a file's place, and have it read."""
    shutil.rmtree(root / "bad", ignore_errors=True)
    shutil.copytree(root / "good", root / "bad")
    path = sorted((root / "bad").glob(pattern))[0]
    content = path.read_bytes()
    if kind == "link":
        (path.parent / ".copy").write_bytes(content)
    path.unlink()
    KINDS[kind](path, content)
    for name in readers:
        with soon():
            done = regbench(*COMMANDS[name], cwd=root)
        place = f"{kind} as {pattern}, {name}: {done.err}"
        assert done.code in (3, 4), place
        errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
        assert len(errors) == 1, place
        assert path.name in errors[0], place
        shutil.rmtree(root / "merged", ignore_errors=True)


def tries():
    """Each kind in each file's place, and who reads it."""
    for pattern, readers in READERS.items():
        for kind in KINDS:
            # A lock is not read.
            if pattern != ".regbench/lock" or kind not in ("pipe", "sparse"):
                yield pattern, kind, readers.split()


def test_what_is_no_file_of_a_sane_size_is_refused(root):
    """Each file once and each kind some times, by the first that reads it."""
    for i, (pattern, kind, readers) in enumerate(tries()):
        if i % (len(KINDS) + 1) == 0 or pattern == ".regbench/stacks/*":
            try_file(root, pattern, kind, readers[:1])


@pytest.mark.torture
def test_what_is_no_file_of_a_sane_size_is_refused_by_everyone(root, record_property):
    count = 0
    for pattern, kind, readers in tries():
        try_file(root, pattern, kind, readers)
        count += len(readers)
    record_property("figure", f"{count} readings of folders with no file in a file's place")


@needs_proc
def test_within_two_seconds_and_300_megabytes(root, tmp_path):
    """The command itself, on what would be read longest: bytes that may be of a table."""
    shutil.rmtree(root / "bad", ignore_errors=True)
    shutil.copytree(root / "good", root / "bad")
    os.truncate(root / "bad" / "runs.csv", MOST_BYTES - 1)
    shutil.copytree(root / "good", tmp_path / "note")
    note = tmp_path / "note" / ".regbench" / "tables.json"
    note.write_text("[" + "{}," * 2_000_000 + "{}]")
    commands = {name: ["show", name] for name in ("bad", str(tmp_path / "note"))}
    assert_refused_soon(root, commands, 3)
    assert "more than 1048576 values" in regbench("show", tmp_path / "note").err


def test_a_table_with_a_hole_is_read_no_further(root):
    class Holes(io.BytesIO):
        reads = 0

        def read(self, size=-1):
            self.reads += 1
            assert self.reads < 3
            return bytes(size)

    with pytest.raises(BadData, match="was changed since"):
        require_as_written(root / "good", "runs.csv", Holes())


def test_a_table_that_the_user_names_may_be_a_link_or_a_shells_pipe(root, tmp_path):
    table = root / "good" / "runs.csv"
    (tmp_path / "link.csv").symlink_to(table)
    assert regbench("compare", table, tmp_path / "link.csv").code == 0
    reading, writing = os.pipe()
    os.write(writing, table.read_bytes())
    os.close(writing)
    assert regbench("compare", table, f"/dev/fd/{reading}").code == 0
    os.close(reading)
    os.mkfifo(tmp_path / "pipe.csv")
    with soon():
        done = regbench("compare", table, tmp_path / "pipe.csv")
    assert (done.code, done.err.endswith("pipe.csv: is no regular file\n")) == (3, True)


def test_arrays_that_are_larger_than_their_file(tmp_path, monkeypatch):
    """A header that promises terabytes, and an archive of which few bytes make gigabytes."""
    for name in ("weights", "predictions"):
        (tmp_path / name).mkdir()
    header = b'{"a":{"dtype":"F64","shape":[1099511627776],"data_offsets":[0,8796093022208]}}'
    path = tmp_path / "weights" / "r.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(BadData, match=r"r\.safetensors: .* its size is not what its header says"):
        read_weights(tmp_path, "r")
    monkeypatch.setattr("regbench.results.saved._MOST_UNPACKED", 1 << 20)
    np.savez_compressed(tmp_path / "predictions" / "r.npz", a=np.zeros(1 << 18))
    assert (tmp_path / "predictions" / "r.npz").stat().st_size < 1 << 12
    with pytest.raises(BadData, match=r"r\.npz: .* unpacked it is larger than 1 MiB"):
        read_predictions(tmp_path, "r")


def long_table(root, folder, rows):
    """A results folder whose two cells have curves of so many rows together."""
    shutil.copytree(root / "good", folder)
    lines = (folder / "epochs.csv").read_text().splitlines()
    runs = dict.fromkeys(line.partition(",")[0] for line in lines[1:])
    with (folder / "epochs.csv").open("w") as file:
        file.write(lines[0] + "\n")
        for i, run in enumerate(runs):
            first = next(line for line in lines if line.startswith(run)).split(",")
            for epoch in range(1, rows // len(runs) + 1):
                first[3], first[7] = str(epoch), str(i + 1 / epoch)
                file.write(",".join(first) + "\n")
    (folder / ".regbench" / "tables.json").unlink()
    return list(runs)


def test_a_long_table_takes_a_few_times_the_memory_of_its_numbers(root, tmp_path):
    runs = long_table(root, tmp_path / "r", 40_000)
    importlib.import_module("pandas")  # which has its own
    tracemalloc.start()
    curves = read_epochs(tmp_path / "r", ["train_loss", "val_loss"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list(curves) == runs
    header = (tmp_path / "r" / "epochs.csv").read_text().partition("\n")[0].split(",")
    assert header[7] == "train_loss"
    for i, run in enumerate(runs):
        assert sorted(curves[run]) == ["epoch", "train_loss", "val_loss"]
        expected = [i + 1 / epoch for epoch in range(1, 10_001)]
        np.testing.assert_array_equal(curves[run]["train_loss"], expected)
    assert peak < 8 * 40_000 * 3 * 8


def test_a_table_whose_runs_are_mixed_is_read_run_by_run(root, tmp_path):
    long_table(root, tmp_path / "r", 400)
    whole = read_epochs(tmp_path / "r", ["train_loss"])
    path = tmp_path / "r" / "epochs.csv"
    head, *lines = path.read_text().splitlines()
    mixed = sorted(lines, key=lambda line: int(line.split(",")[3]))
    path.write_text("\n".join([head, *mixed]) + "\n")
    again = read_epochs(tmp_path / "r", ["train_loss"])
    assert list(again) == list(whole)
    for run, curves in whole.items():
        for name, values in curves.items():
            np.testing.assert_array_equal(again[run][name], values)


@needs_proc
@pytest.mark.torture
def test_a_million_rows(root, tmp_path, record_property):
    long_table(root, tmp_path / "r", 1_000_000)
    for command in (["report", "r", "-o", "r.html"], ["plot", "r", "--kind", "curves"]):
        [(code, errors, seconds, mebibytes)] = measured(tmp_path, [command])
        assert code == 0, errors
        assert mebibytes < 600
        record_property(
            "figure",
            f"{command[0]} of a million rows: {mebibytes:.0f} MiB, {seconds:.0f} s of processor",
        )


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_what_a_repository_asks_git_to_run(tmp_path):
    from regbench.executors.provenance import git_commit

    def git(*arguments):
        subprocess.run(["git", "-C", tmp_path, *arguments], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "a").touch()
    git("add", "a")
    git("-c", "user.name=x", "-c", "user.email=x@y.z", "commit", "-q", "-m", "A study")
    for setting in ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external"):
        git("config", setting, f"touch {tmp_path}/ran")
    git("config", "alias.rev-parse", f"!touch {tmp_path}/ran")
    assert len(git_commit(tmp_path)) == 40
    assert not (tmp_path / "ran").exists()
    git("status")
    assert (tmp_path / "ran").exists()


def test_git_files_that_never_end(tmp_path):
    from regbench.executors.provenance import git_commit

    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "HEAD")
    with soon():
        assert git_commit(tmp_path) is None
    (tmp_path / ".git" / "HEAD").unlink()
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    Path(tmp_path / ".git" / "packed-refs").symlink_to("/dev/zero")
    with soon():
        assert git_commit(tmp_path) is None
