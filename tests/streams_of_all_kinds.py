"""Commands forked with standard streams of all kinds; prints what became of each as JSON.

    python streams_of_all_kinds.py FOLDER [all]    with tiny.yaml and the finished results r in it

Without `all`, each meets the streams that it writes to, and the one that trains those by which
training once was lost.
"""

import fcntl
import io
import json
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import forks  # noqa: F401  (imports what a command would import)

from regbench.__main__ import main

CASES = {
    "usual": ("file", "file"),
    "stdout closed": ("closed", "file"),
    "stderr closed": ("file", "closed"),
    "both closed": ("closed", "closed"),
    "stdout full": ("full", "file"),
    "stderr full": ("file", "full"),
    "both full": ("full", "full"),
    "stdout left": ("left", "file"),
    "stderr left": ("file", "left"),
    "stdout for reading only": ("/dev/null", "file"),
    "stderr nobody reads": ("file", "short"),
    "stderr nobody reads, non-blocking": ("file", "short non-blocking"),
    "stdout read late, non-blocking": ("late non-blocking", "file"),
    "ascii": ("file ascii", "file ascii"),
    "latin-1": ("file latin-1", "file latin-1"),
}
COMMANDS = {
    "run": ["run", "tiny.yaml", "-o", "new", "-j", "1"],
    "no": ["check", "r", "--expect", "gap_loss[none] > 1000"],
    "show": ["show", "r"],
    "schema": ["schema"],
    "help": ["run", "--help"],
}
TRAINING = {"usual", "both closed", "stderr full"}


def put(descriptor, kind, path):
    """Make a stream of a kind, as Python would find it."""
    how, _, encoding = kind.partition(" ")
    if how == "closed":
        return None
    if how in ("file", "full", "/dev/null"):
        name = {"file": path, "full": "/dev/full"}.get(how, how)
        flags = os.O_RDONLY if how == "/dev/null" else os.O_WRONLY | os.O_CREAT
        os.dup2(os.open(name, flags, 0o666), descriptor)
    else:
        reading, writing = os.pipe()
        os.dup2(writing, descriptor)
        os.close(writing)
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 4096)
        if how == "short":
            os.write(descriptor, b"x" * 4096)
        os.set_blocking(descriptor, "non-blocking" not in kind)
        if how == "left":
            os.close(reading)
        if how == "late":
            threading.Thread(target=copy, args=(reading, path), daemon=True).start()
    plain = encoding if encoding in ("ascii", "latin-1") else "utf-8"
    return io.TextIOWrapper(io.FileIO(descriptor, "w", closefd=False), plain)


def copy(reading, path):
    """Read slowly, and late."""
    time.sleep(0.3)
    with open(path, "wb", buffering=0) as file:
        while part := os.read(reading, 1000):
            file.write(part)


def forked(arguments, kinds):
    """A command's code, and what it wrote to the files that its streams were."""
    for name in ("out", "err"):
        if os.path.exists(name):
            os.unlink(name)
    pid = os.fork()
    if not pid:
        sys.stdout, sys.stderr = put(1, kinds[0], "out"), put(2, kinds[1], "err")
        for descriptor, kind in enumerate(kinds, 1):
            if kind == "closed":
                os.close(descriptor)
        sys.argv = ["regbench", *arguments]
        code = 99
        try:
            main()
        except SystemExit as end:
            code = end.code
        finally:
            if kinds[0].startswith("late"):
                os.close(1)
                time.sleep(1)  # the reader is a thread of this process
            os._exit(code)
    signal.alarm(60)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    texts = [
        Path(name).read_text("utf-8") if Path(name).exists() else "" for name in ("out", "err")
    ]
    return [code, *texts]


if __name__ == "__main__":
    os.chdir(sys.argv[1])
    found = {}
    for case, kinds in CASES.items():
        for name, arguments in COMMANDS.items():
            few = {"no": kinds[1] != "file", "schema": kinds[0] != "file", "run": case in TRAINING}
            if sys.argv[2:] or few.get(name) or (name in few and case == "usual"):
                shutil.rmtree("new", ignore_errors=True)
                ended = forked(arguments, kinds)
                tables = Path("new/runs.csv").read_text() if name == "run" else ""
                found[f"{name}: {case}"] = [*ended, tables]
    print(json.dumps(found))
