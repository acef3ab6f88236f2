"""Ends commands with SIGKILL at random times and goes on: a script, so that it can fork.

python tests/kill_nine.py FOLDER SEED CHAINS KILLS
"""

import os
import random
import select
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from command import contents, study
from forks import begin, finish

from regbench.results.disk import disk
from regbench.results.pieces import Pieces, stacks_folder

STUDY = """\
name: kills
dataset: {name: digits, train_size: 40, val_size: 40, test_size: 40}
training: {epochs: 30, batch_size: 8, save_weights: true}
seeds: 2
sweep:
  model: [{hidden: [4]}, {hidden: [6]}, {hidden: [8]}, {hidden: [10]}, {name: cnn, channels: [2]}]
  regularizer: {none: none, norm: {batchnorm: true}}
"""


def kill(arguments, output, seconds, draw, met):
    """Start a command, and kill it after a random time from its start or its first progress."""
    pid, reading = begin(arguments, output)
    if draw.random() < 0.5:
        select.select([reading], [], [], 10)
    time.sleep(draw.uniform(0, seconds))
    os.kill(pid, signal.SIGKILL)  # its group, which it makes itself, may not be there yet
    _, status = os.waitpid(pid, 0)
    os.close(reading)
    met["at work" if os.WIFSIGNALED(status) else "at its end"] += 1


def committed(folder):
    """How many runs are committed; all pieces must be whole."""
    pieces = Pieces(folder)
    assert not list(pieces.read_new())
    return len(pieces.records)


def chain(work, number, kills, expected, seconds, met):
    draw = random.Random(number)
    folder = work / f"chain{number}"
    arguments = ["run", work / "small.yaml", "-o", folder, "-q", "-j", 1]
    before = 0
    # Every other chain is of early kills on a slow disk, and is not done when the last one comes.
    early = number % 2 == 0
    disk.hook = (lambda operation: time.sleep(0.004)) if early else (lambda operation: None)
    for _ in range(kills):
        # A command that goes on has less to do.
        left = seconds * (0.3 if early else 1.1 - before / 20)
        kill(arguments, work / "out", left, draw, met)
        now = committed(folder) if stacks_folder(folder).exists() else 0
        assert now >= before, "a committed run was lost"
        before = now
        met["leftovers"] += len(list(folder.rglob("*.tmp")))
    code, err, _ = finish(arguments, work / "out")
    assert code == 0, err
    if 0 < before < 20:
        assert f"{20 - before} runs trained" in err, err
        assert f"{before} were done already" in err, err
    met["kept"] += before
    assert contents(folder) == expected
    assert not list(folder.rglob("*.tmp"))
    weights = {p.name: p.read_bytes() for p in (folder / "weights").iterdir()}
    assert weights == {p.name: p.read_bytes() for p in (work / "whole" / "weights").iterdir()}


def run_all(work, seed, chains, kills):
    path = study(work, STUDY)
    for name in ("warm", "whole"):  # the first in this process takes longer
        code, err, seconds = finish(["run", path, "-o", work / name, "-q", "-j", 1], work / "out")
        assert code == 0, err
    met = Counter()
    for number in range(chains):
        chain(work, 1000 * seed + number, kills, contents(work / "whole"), seconds, met)
    print(
        f"{chains * kills} commands killed in {chains} chains of {kills}: {met['at work']} at "
        f"work, {met['at its end']} at their end; {met['leftovers']} half-written files left "
        f"behind and removed; {met['kept']} of {20 * chains} runs were kept; the same bytes in "
        "the end"
    )


if __name__ == "__main__":
    run_all(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
