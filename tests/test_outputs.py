"""What -o may name: a file is replaced whole, what is no file is written through or refused."""

import os
import stat
import subprocess
import sys
import threading

import pytest
from calls import TINY, device
from command import regbench

WRITERS = {
    "report": (["report", "r", "-o"], b"<!doctype html>"),
    "plot": (["plot", "r", "-o"], b"<?xml"),
    "compare": (["compare", "r", "r", "--format", "csv", "-o"], b"cell,metric,n"),
    "init": (["init", "--force"], b"# "),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outputs")
    (folder / "tiny.yaml").write_text(TINY)
    done = regbench("run", "tiny.yaml", "-o", "r", "-q", cwd=folder)
    assert done.code == 0, done.err
    return folder


def written(world, command, target):
    arguments, begin = WRITERS[command]
    name = f"{target}.svg" if command == "plot" else target
    done = regbench(*arguments, name, cwd=world)
    return done, world / name, begin


@pytest.mark.parametrize("command", ["plot", "compare", "init"])
def test_a_file_is_written_also_at_the_end_of_links(world, command):
    done, path, begin = written(world, command, f"{command}-new")
    assert (done.code, path.read_bytes()[: len(begin)].lower()) == (0, begin.lower()), done.err
    for name in ("there", "not-there"):  # what a link leads to
        real = world / f"{command}-{name}"
        if name == "there":
            real.write_text("before")
        path = world / (f"{command}-link-{name}" + ".svg" * (command == "plot"))
        path.symlink_to(real.name)
        done, path, begin = written(world, command, f"{command}-link-{name}")
        assert done.code == 0, done.err
        assert path.is_symlink()
        assert real.read_bytes()[: len(begin)].lower() == begin.lower()
    assert not list(world.glob(".*.tmp"))


def test_what_is_no_file_is_written_through_or_refused_and_stays(world):
    for command in ("report", "plot", "compare"):
        ending = ".svg" * (command == "plot")
        os.mkfifo(world / f"{command}-pipe{ending}")
        (world / f"{command}-loop{ending}").symlink_to(f"{command}-loop{ending}")
        for name, minor in (("null", 3), ("full", 7)):
            device(world / f"{command}-{name}{ending}", minor)
        (world / f"{command}-folder{ending}").mkdir()
        done, path, _ = written(world, command, f"{command}-null")
        assert (done.code, " kB" in done.err) == (0, True), done.err
        assert stat.S_ISCHR(path.stat().st_mode)
        if command != "compare":  # they have one way to write
            continue
        for name, code, message, kind in (
            ("full", 4, "cannot be written: No space left on device", stat.S_ISCHR),
            ("pipe", 4, "cannot be written: nobody reads this pipe", stat.S_ISFIFO),
            ("folder", 4, "cannot be written: Is a directory", stat.S_ISDIR),
        ):
            done, path, _ = written(world, command, f"{command}-{name}")
            assert (done.code, message in done.err) == (code, True), (command, name, done.err)
            assert kind(path.stat().st_mode), (command, name)
        done, path, _ = written(world, command, f"{command}-loop")
        assert (done.code, path.is_symlink()) == (4, True), done.err
        assert "Too many levels of symbolic links" in done.err


def test_a_pipe_that_is_read_takes_it_all(world):
    path, got = world / "read.html", []
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    while not os.path.exists(path):
        pass
    holder = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # the thread may come later
    done = regbench("report", "r", "-o", path, cwd=world)
    reader.join()
    os.close(holder)
    assert done.code == 0, done.err
    regular = regbench("report", "r", "-o", "same.html", cwd=world)
    assert regular.code == 0
    assert len(got[0]) == (world / "same.html").stat().st_size


def test_names_of_nothing_and_of_what_was_read(world):
    before = {path.name: path.read_bytes() for path in (world / "r").iterdir() if path.is_file()}
    (world / "base.csv").write_bytes(before["runs.csv"])
    for arguments, message in (
        (["report", "r", "-o", ""], "argument 4 is empty (-o)"),
        (["run", "tiny.yaml", "--out="], "argument 3 is empty (--out=)"),
        (["merge", "r", "-o", ""], "argument 4 is empty (-o)"),
        (["init", ""], "argument 2 is empty (init)"),
        (["compare", "base.csv", "r", "-o", "base.csv"], "-o base.csv: holds results"),
        (["compare", "r", "r", "-o", "r/gap.csv"], "-o r/gap.csv: holds results"),
        (["report", "r", "--format", "md", "-o", "r/gap.md"], "-o r/gap.md: holds results"),
    ):
        done = regbench(*arguments, cwd=world)
        assert (done.code, message in done.err) == (2, True), (arguments, done.err)
    assert (world / "base.csv").read_bytes() == before["runs.csv"]
    assert {name: (world / "r" / name).read_bytes() for name in before} == before


def test_the_end_of_what_stdout_leads_to(world):
    """Opened anew, /dev/stdout would begin at the start of the file that a shell appends to."""
    with (world / "log").open("w+b", buffering=0) as log:
        log.write(b"before\n")
        command = [sys.executable, "-m", "regbench", "compare", "r", "r", "--format", "csv"]
        subprocess.run([*command, "-o", "/dev/stdout"], stdout=log, cwd=world, check=True)
    begin = b"before\ncell,metric,n"
    assert (world / "log").read_bytes()[: len(begin)] == begin


def test_the_summary_of_a_runner_is_added_to(world, monkeypatch):
    os.mkfifo(world / "summary-pipe")
    (world / "summary").write_text("before\n")
    for name, code in (("summary", 0), ("summary-new", 0), ("summary-pipe", 4), ("r", 4)):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(world / name))
        done = regbench("compare", "r", "r", "--format", "github", cwd=world)
        assert done.code == code, (name, done.err)
    assert (world / "summary").read_text().startswith("before\n#")
    assert (world / "summary-new").read_text().startswith("#")
