"""Commands in processes of their own, forked from one that has everything imported.

So a command takes a fraction of a second, and what is done to it meets it at work and not at
importing torch. A script's, not a test's: a process with threads cannot be forked.
"""

import os
import sys
import time

from regbench.cli import main
from regbench.executors import processes  # noqa: F401  (what a command would import)


def begin(arguments, output):
    """A command in a process of its own, its stderr in a pipe; the process and the pipe."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    os.setsid()
    os.dup2(writing, 2)
    os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    sys.argv = ["regbench", *map(str, arguments)]
    code = main.outcome()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def end(pid, reading):
    """Wait for a command; its code and its stderr."""
    with open(reading, encoding="utf-8") as pipe:
        err = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), err


def finish(arguments, output):
    """Run a command to its end; its code, its stderr and how long it took."""
    started = time.monotonic()
    return *end(*begin(arguments, output)), time.monotonic() - started
