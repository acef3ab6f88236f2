"""The same sweep by other libraries, by hand-written loops, and by its matrix products alone.

    python benchmarks/peers.py [--widths 32,128,512] [--runs 40] [--epochs 10] [--repeats 3]
                               [--only NAME...]

Digits (1,200 to train, 597 to validate), mlp 64-H-H-10, batches of 64, Adam, L2 and dropout (0.1
or 0.3), both parts scored each epoch; runs differ in seed, L2 and dropout. Each peer is a program
in benchmarks/peers/ that a user of its library could have written. A measurement starts it in
processes of its own, waits until they have imported and warmed up, gives the start to all at once
and takes the time until the last has trained its share. Rounds go through all peers in turn.
Where a peer can be run in several ways, a pilot tries each once and the rounds take the fastest.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measure import cores, machine, ratios, spread, watched
from rich.console import Console

from regbench.report.aligned import print_plain

FOLDER = Path(__file__).parent / "peers"
PACKAGES = ("keras", "lightning", "skorch", "scikit-learn", "jax")


@dataclass(frozen=True)
class Way:
    """How a peer is run: in how many processes, with how many threads each (0: its default)."""

    words: str
    processes: int
    threads: int


ONE_THREAD = Way("one thread", 1, 1)
DEFAULT_THREADS = Way("its own threads", 1, 0)
ALL_CORES = Way("one process a core", cores(), 1)
COMMAND = Way("as it chooses", 1, 1)


@dataclass(frozen=True)
class Peer:
    """A line of the table.

    Attributes:
        script: the program in benchmarks/peers/; "" for the command `regbench run`.
        runs: how many of the runs it trains, where a sample will do.
        targets: how many times faster than it regbench should be, by width.
    """

    title: str
    script: str
    ways: Sequence[Way]
    runs: int | None = None
    targets: Mapping[int, float] = field(default_factory=dict)


THREADS = (ONE_THREAD, DEFAULT_THREADS)
OURS = "regbench"
PEERS = {
    OURS: Peer("regbench, training", "regbench_sweep", [ALL_CORES]),
    "command": Peer("regbench run, whole command", "", [COMMAND]),
    "keras": Peer("Keras 3 (torch) fit", "keras_fit", THREADS, 4, {32: 100, 128: 30}),
    "lightning": Peer("Lightning", "lightning_fit", THREADS, 4, {32: 40, 128: 9}),
    "skorch": Peer("skorch", "skorch_fit", THREADS, 4, {32: 40, 128: 9}),
    "sklearn": Peer("MLPClassifier, no dropout", "sklearn_fit", THREADS, targets={32: 16, 128: 7}),
    "loop": Peer("PyTorch loop", "torch_loop", THREADS, 8),
    "loops": Peer("PyTorch loop", "torch_loop", [ALL_CORES], targets={32: 12, 128: 4, 512: 2}),
    "jax": Peer(
        *("jax.vmap", "jax_vmap", [DEFAULT_THREADS, ALL_CORES]),
        targets={32: 1.3, 128: 1.2, 512: 1.2},
    ),
    "products": Peer(
        *("matrix products alone", "products", [ALL_CORES]),
        targets={32: 1 / 2.4, 128: 1 / 1.7, 512: 1 / 1.5},
    ),
}


@dataclass(frozen=True)
class Measured:
    """One measurement; `scores` are (training, validation) accuracies, one pair a run."""

    seconds_a_run: float
    peak_mib: float
    scores: list[tuple[float, float]]
    warm_up_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", default="32,128,512")
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    asked = parser.parse_args()
    if asked.runs % 4:
        parser.error("--runs: a multiple of 4, as every seed trains with two L2 and two dropouts")
    sys.path.append(str(FOLDER))
    names = [name for name in PEERS if name in {OURS, *asked.only}]
    print(f"{asked.runs} runs of {asked.epochs} epochs; {machine(*PACKAGES)}")
    for width in map(int, asked.widths.split(",")):
        print(f"\nH = {width}, {asked.repeats} rounds: median (least to most)")
        ways = {name: _fastest(PEERS[name], width, asked) for name in names}
        found: dict[str, list[Measured]] = {name: [] for name in names}
        for _ in range(asked.repeats):
            for name, way in ways.items():
                found[name].append(_measure(PEERS[name], way, width, asked))
        _print_table(width, ways, found)


def _fastest(peer: Peer, width: int, asked: argparse.Namespace) -> Way:
    if len(peer.ways) == 1:
        return peer.ways[0]
    return min(peer.ways, key=lambda way: _measure(peer, way, width, asked).seconds_a_run)


def _measure(peer: Peer, way: Way, width: int, asked: argparse.Namespace) -> Measured:
    if not peer.script:
        return _whole_command(way, width, asked)
    runs = min(peer.runs or asked.runs, asked.runs)
    options = {"width": width, "epochs": asked.epochs, "runs": runs, "threads": way.threads}
    command = [sys.executable, str(FOLDER / f"{peer.script}.py")]
    command += [f"--{name}={value}" for name, value in options.items()]
    with tempfile.TemporaryFile("w+") as errors:
        children = [
            subprocess.Popen(
                [*command, f"--share={index}/{way.processes}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            for index in range(way.processes)
        ]
        try:
            ready = [_answer(child) for child in children]
            begin = time.perf_counter()
            for child in children:
                print(file=child.stdin, flush=True)
            done = [_answer(child) for child in children]
            seconds = time.perf_counter() - begin
        except ValueError:
            errors.seek(0)
            raise RuntimeError(f"{command}: {errors.read()[-2000:]}") from None
        finally:
            for child in children:
                child.kill()
                child.communicate()
    return Measured(
        seconds / runs,
        sum(answer["peak_mib"] for answer in done),
        [tuple(pair) for answer in done for pair in answer["scores"]],
        max(answer["warm_up_seconds"] for answer in ready),
    )


def _answer(child: subprocess.Popen[str]) -> dict[str, Any]:
    """What a peer says next; ValueError where it has died."""
    assert child.stdout is not None
    answer: dict[str, Any] = json.loads(child.stdout.readline())
    return answer


def _whole_command(way: Way, width: int, asked: argparse.Namespace) -> Measured:
    """`regbench run` from the start of its process to its end, imports and tables included."""
    from task import study  # in benchmarks/peers/

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "peers.yaml")
        path.write_text(json.dumps(study(width, asked.epochs, asked.runs)))
        command = [sys.executable, "-m", "regbench", "run", str(path), "-o", f"{folder}/results"]
        seconds, parent, children = watched(command)
        with open(f"{folder}/results/runs.csv", encoding="utf-8") as file:
            scores = [(float(r["train_acc"]), float(r["val_acc"])) for r in csv.DictReader(file)]
    return Measured(seconds / len(scores), parent + children, scores, 0.0)


def _print_table(
    width: int, ways: Mapping[str, Way], found: Mapping[str, Sequence[Measured]]
) -> None:
    header = ["", "run as", "runs", "s a run", "ours is faster, times", "target", "MiB"]
    header += ["train acc", "val acc"]
    ours = [m.seconds_a_run for m in found[OURS]]
    rows = []
    for name, measured in found.items():
        peer, last = PEERS[name], measured[-1]
        seconds = [m.seconds_a_run for m in measured]
        target = peer.targets.get(width)
        rows.append(
            [
                peer.title,
                ways[name].words,
                str(len(last.scores) or "-"),
                spread(seconds, 4),
                "" if name == OURS else spread(ratios(seconds, ours), 2),
                f"{target:.3g}" if target else "",
                f"{max(m.peak_mib for m in measured):.0f}",
                *(_accuracy(part) for part in zip(*last.scores, strict=True)),
            ]
        )
    rows = [row + ["-"] * (len(header) - len(row)) for row in rows]
    print_plain(Console(width=200), header, rows)
    if "jax" in found:
        first = [m.warm_up_seconds for m in found["jax"]]
        print(f"jax.vmap's first epoch, compiling included: {spread(first, 1)} s, not in the table")


def _accuracy(values: Sequence[float]) -> str:
    """Mean and standard deviation over runs."""
    return f"{statistics.mean(values):.3f} ±{statistics.pstdev(values):.3f}"


if __name__ == "__main__":
    main()
