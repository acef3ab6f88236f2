"""A small disk that really is full, or read-only: a script for a mount namespace of its own.

unshare -rm python tests/full_disk.py FOLDER STEP

Tried with 0, STEP, 2 * STEP ... pages free, up to 24.
"""

import re
import subprocess
import sys
from pathlib import Path

from command import regbench, study
from faults import TINY, run_tiny, tables

from regbench.results.pieces import read_piece, stacks_folder

_SIZE = 256 * 1024


def mount(place, *options):
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(place)]
    subprocess.run(command, check=True, capture_output=True, text=True)


def fill(place, left):
    """Take all space but so many bytes."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - left))
    return filler


def try_full(path, disk, left, expected):
    """Run with so many bytes free, then with enough; the exit code of the first."""
    folder = disk / f"r{left}"
    filler = fill(disk, left)
    done = run_tiny(path, folder)
    if done.code:
        assert done.code == 4, done.err
        last = done.err.splitlines()[-1]
        assert last.startswith(f"error: {disk}"), last
        assert "No space left on device" in last or "the disk is too full" in last, last
        assert "Traceback" not in done.err
        for piece in stacks_folder(folder).glob("*.safetensors"):
            read_piece(piece)
    filler.unlink()
    again = run_tiny(path, folder)
    assert again.code == 0, again.err
    assert tables(folder) == expected
    subprocess.run(["rm", "-r", str(folder)], check=True)
    return done.code


def main(work, step):
    disk = work / "disk"
    disk.mkdir()
    mount(disk, f"size={_SIZE}")
    path = study(work, TINY, "tiny.yaml")
    assert run_tiny(path, work / "r").code == 0
    expected = tables(work / "r")

    codes = [try_full(path, disk, 4096 * pages, expected) for pages in range(0, 24, step)]
    print("exit codes by free pages:", *codes)
    assert codes == sorted(codes, reverse=True)
    assert set(codes) == {0, 4}

    # What is known to be too much is not begun.
    done = run_tiny(path, disk / "long", "-s", "training.epochs=3000")
    assert done.code == 4, done.err
    needed, free = map(int, re.search(r"about (\d+) bytes needed, (\d+) free", done.err).groups())
    assert 3 * 3000 * 200 < needed < 3 * 3000 * 300
    assert free < _SIZE
    assert not stacks_folder(disk / "long").exists()
    assert "training 4 runs" not in done.err

    assert run_tiny(path, disk / "r").code == 0
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    done = run_tiny(path, disk / "r")
    assert done.code == 4, done.err
    assert re.search(rf"^error: {disk}/r\S*: cannot be written: Read-only", done.err, re.MULTILINE)
    assert run_tiny(path, disk / "new").code == 4
    assert regbench("show", disk / "r").code == 0
    assert tables(disk / "r") == expected


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
