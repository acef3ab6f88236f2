"""Commands that want the same folder at the same time: a script, so that it can fork.

python tests/race.py FOLDER pairs N      pairs of writers: one wins
python tests/race.py FOLDER readers N    a reader while N commands write
"""

import random
import socket
import sys
import time
from collections import Counter
from pathlib import Path

from command import contents, regbench, study
from faults import TINY
from forks import begin, end, finish

from regbench.results.disk import disk


def pairs(work, number):
    """Two commands at once on one folder: one trains; the other is refused, or finds all done."""
    path = study(work, TINY, "tiny.yaml")
    code, err, seconds = finish(["run", path, "-o", work / "whole", "-q", "-j", 1], work / "out")
    assert code == 0, err
    met, draw = Counter(), random.Random(11)
    for i in range(number):
        folder = work / f"r{i}"
        started, commands = time.monotonic(), []
        for name in ("a", "b"):
            commands.append(begin(["run", path, "-o", folder, "-q", "-j", 1], work / name))
            # Mostly neck and neck, and now and then when the other is about to end.
            time.sleep(draw.choice([0, 0, 0.002, 0.02, draw.uniform(0, seconds)]))
        ended = {pid: end(pid, pipe) for pid, pipe in commands}
        took = time.monotonic() - started
        codes = sorted(code for code, _ in ended.values())
        assert codes in ([0, 0], [0, 5]), ended
        if codes == [0, 5]:
            winner = next(pid for pid, (code, _) in ended.items() if code == 0)
            refused = next(err for code, err in ended.values() if code == 5)
            named = f"process {winner} on {socket.gethostname()} is writing this folder"
            assert f"error: {folder}: {named}" in refused, refused
            met["refused"] += 1
        else:
            assert sum("4 runs trained" in err for _, err in ended.values()) == 1, ended
            assert sum("nothing trained" in err for _, err in ended.values()) == 1, ended
            met["after"] += 1
        assert contents(folder) == contents(work / "whole")
        assert took < 60
    print(
        f"{number} pairs: one command won each; of the others {met['refused']} were refused and "
        f"{met['after']} came after it; the same bytes each time"
    )


def slowly(operation):
    """Tables take their time to be written, so that they are read meanwhile."""
    table = operation.path.name.strip(".").startswith(("gap.csv", "runs.csv"))
    time.sleep(0.15 if operation.name == "write" and table else 0.003)


def readers(work, number):
    """A reader sees whole tables only, of one command or the next."""
    path, folder = study(work, TINY, "tiny.yaml"), work / "r"
    arguments = ["run", path, "-o", folder, "-q", "-j", 1]
    assert finish([*arguments, "--seeds", 1], work / "out")[0] == 0
    met, reads = set(), 0
    for seeds in range(2, number + 2):
        disk.hook = slowly  # the writer's
        pid, pipe = begin([*arguments, "--seeds", seeds], work / "out")
        disk.hook = lambda operation: None
        whole = False
        while not whole:
            shown = regbench("show", folder, "--format", "csv", "--columns", "cell,n")
            assert shown.code == 0, shown.err
            header, *rows = [line.split(",") for line in shown.out.splitlines()]
            assert header == ["cell", "n"]
            assert [cell for cell, _ in rows] == ["none", "l2", "stop", "norm"]
            counts = {int(n) for _, n in rows}
            assert len(counts) == 1, shown.out
            assert counts <= {seeds - 1, seeds}, shown.out
            met |= counts
            reads += 1
            whole = counts == {seeds}
        code, err = end(pid, pipe)
        assert code == 0, err
    assert met == set(range(1, number + 2))
    print(f"{reads} readings while {number} commands wrote: each saw a whole table")


if __name__ == "__main__":
    {"pairs": pairs, "readers": readers}[sys.argv[2]](Path(sys.argv[1]), int(sys.argv[3]))
