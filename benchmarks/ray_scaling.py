"""What Ray costs and gains, and how much one driver takes.

    python benchmarks/ray_scaling.py [--seconds 60] [--repeats 3] [--runs 200000]

Training: a sweep that takes one worker about `--seconds`, by this process, by Ray on one node and
on two nodes of one core (dashboard off): wall seconds of the command's training, connecting
included. And, to see what a stack's way costs, many stacks of a few hundredths of a second, also
by eight workers, however many cores there are.

The driver: an executor that trains nothing hands it the results of 1,000 workers, from eight
threads, as fast as it takes them; then what commands on that folder take.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # on 127.0.0.1
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

from measure import interleaved, machine, spread

RUN = [sys.executable, "-m", "regbench", "run"]
SWEEP: dict[str, Any] = {
    "name": "scaling",
    "dataset": {"name": "digits", "train_size": 300},
    "model": {"hidden": [512, 512]},  # stacks of few runs: work for every core
    "seeds": 16,
    "sweep": {"regularizer.l2": [0, 1e-3]},
}
TINY: dict[str, Any] = {
    "name": "tiny",
    "dataset": {"name": "iris", "train_size": 12},
    "model": {"hidden": [2]},
    "training": {"epochs": 1, "batch_size": "full"},
}


def cluster(nodes: int, cpus: int = 1) -> Any:
    from ray.cluster_utils import Cluster

    node = {"num_cpus": cpus, "object_store_memory": 200 << 20}
    head = {**node, "node_ip_address": "127.0.0.1", "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=head)
    for _ in range(nodes - 1):
        made.add_node(**node, node_ip_address="127.0.0.2")
    made.wait_for_nodes()
    return made


def wall(study: Mapping[str, Any], *options: str) -> float:
    """Seconds that a command says it trained."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "study.yaml")
        path.write_text(json.dumps(study))
        command = [*RUN, str(path), "-o", f"{folder}/r", "--quiet", *options]
        subprocess.run(command, capture_output=True, check=True)
        lines = Path(folder, "r", "provenance.jsonl").read_text().splitlines()
        return float(json.loads(lines[-1])["wall_seconds"])


def training(seconds: float, repeats: int) -> None:
    probe = wall({**SWEEP, "training": {"epochs": 20}}, "-j", "1")
    study = {**SWEEP, "training": {"epochs": max(1, round(20 * seconds / probe))}}
    many = {**TINY, "seeds": 10, "sweep": {"model.hidden": [[n] for n in range(2, 102)]}}
    found: dict[str, list[float]] = {}

    def timed(name: str, study: Mapping[str, Any], *options: str) -> Any:
        return lambda: found.setdefault(name, []).append(wall(study, *options))

    clusters = cluster(1), cluster(2), cluster(1, cpus=8)
    on_one, on_two, on_eight = (("--executor", "ray", "--address", c.address) for c in clusters)
    ways: dict[str, tuple[Mapping[str, Any], tuple[str, ...]]] = {
        "this process": (study, ("-j", "1")),
        "two workers": (study, ("-j", "2")),
        "ray, one node": (study, on_one),
        "ray, two nodes": (study, on_two),
        "100 stacks, here": (many, ("-j", "1")),
        "100 stacks, ray, one node": (many, on_one),
        "100 stacks, ray, 8 workers": (many, on_eight),
    }
    try:
        interleaved({name: timed(name, each, *o) for name, (each, o) in ways.items()}, repeats)
    finally:
        for made in clusters:
            made.shutdown()
    for name, values in found.items():
        print(f"{name:<28} {spread(values[1:], 1)} s")
    alone = found["this process"][1:]
    for name in ("two workers", "ray, one node", "ray, two nodes"):
        gains = [a / b for a, b in zip(alone, found[name][1:], strict=True)]
        print(f"{name:<28} {spread(gains, 2)} times one worker")


class Instant:
    """An executor whose workers, in eight threads, have trained before they began."""

    def __init__(self, workers: int) -> None:
        self._workers, self._in_hand = workers, 0
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(8):
            threading.Thread(target=self._train, daemon=True).start()

    def _train(self) -> None:
        import numpy as np

        from regbench.executors.executor import Run, Trained
        from regbench.results.records import RunRecord

        names = ("epoch", "lr", "objective", "penalty", "weight_norm", "zero_fraction", "collapsed")
        names += tuple(f"{p}_{m}" for p in ("train", "val", "test") for m in ("loss", "acc"))
        while True:
            job = self._jobs.get()
            curves = {name: np.array([1.0]) for name in names}
            sizes = {"train": 12, "val": 30, "test": 30}
            runs = tuple(
                Run(RunRecord(r, "ok", "", 1, 1, 1, None, curves, {"loss": 1.1, "acc": 0.3}, sizes))
                for r in job.stack.run_ids
            )
            self._done.put(Trained(job.stack.stack_id, runs))

    @property
    def room(self) -> int:
        return self._workers - self._in_hand

    def submit(self, job: Any) -> None:
        self._in_hand += 1
        self._jobs.put(job)

    def wait(self, tell: Any) -> None:
        event = self._done.get()
        self._in_hand -= 1
        tell(event)

    def cancel(self, tell: Any) -> None:
        pass


def study_of(runs: int) -> dict[str, Any]:
    """Ten seeds of so many tenths of cells."""
    strengths = [i / 1000 for i in range(1, runs // 10 + 1)]
    return {**TINY, "seeds": 10, "sweep": {"regularizer.l2": strengths}}


def drive(path: str, out: str, runs: int) -> None:
    """In a process of its own: what a thousand workers make of the study."""
    from contextlib import nullcontext
    from unittest.mock import patch

    import regbench
    from regbench.config.load import load_study
    from regbench.executors import drive as driver
    from regbench.executors import sites
    from regbench.results.store import Store

    class Site(sites.ThisMachine):
        def executor(self, *_: Any) -> Any:
            return Instant(1000)

    seconds: dict[str, float] = {}

    def clocked(name: str, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - begin

        return call

    sites.SITES["instant"] = lambda address: nullcontext(Site())
    with (
        patch.object(driver._Driver, "drive", clocked("driving", driver._Driver.drive)),
        patch.object(Store, "commit", clocked("commits", Store.commit)),
        patch.object(Store, "write_tables", clocked("tables", Store.write_tables)),
    ):
        study = clocked("study", load_study)(path, max_runs=runs)
        clocked("all", regbench.run)(study, out=out, executor="instant")
    stacks = len(list(Path(out, ".regbench", "stacks").iterdir()))
    each = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
    print(
        f"{runs} runs in {stacks} stacks: {each}; {1000 * seconds['driving'] / stacks:.1f} ms a "
        f"stack, {runs / seconds['driving']:.0f} runs a second"
    )


def driver(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, results = f"{folder}/study.yaml", f"{folder}/r"
        Path(path).write_text(json.dumps(study_of(runs)))
        limit = ["--max-runs", str(runs)]
        regbench = [sys.executable, "-m", "regbench"]
        commands = {
            "driver": [sys.executable, __file__, "--drive", path, results, "--runs", str(runs)],
            "plan": [*regbench, "plan", path, *limit, "--format", "csv"],
            "run again": [*regbench, "run", path, *limit, "-o", results, "--quiet"],
            "show": [*regbench, "show", results],
            "merge": [*regbench, "merge", results, "-o", f"{folder}/merged"],
            "report": [*regbench, "report", results, "-o", f"{folder}/report.html"],
        }
        for name, command in commands.items():
            shown = None if name == "driver" else subprocess.DEVNULL
            begin = time.perf_counter()
            with subprocess.Popen(command, stdout=shown, stderr=subprocess.PIPE) as process:
                error = process.stderr.read() if process.stderr else b""
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            seconds = time.perf_counter() - begin
            ended = "" if process.returncode == 0 else f", ended with {process.returncode}"
            why = error.decode().splitlines()[-1:] if ended else []
            print(f"{name:<9} {seconds:.0f} s, {usage.ru_maxrss >> 10} MiB{ended}", *why)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--runs", type=int, default=200_000)
    parser.add_argument("--drive", nargs=2, metavar=("STUDY", "DIR"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.drive:
        drive(*asked.drive, asked.runs)
        return
    print(machine("ray"))
    if asked.repeats:
        training(asked.seconds, asked.repeats)
    if asked.runs:
        driver(asked.runs)


if __name__ == "__main__":
    main()
