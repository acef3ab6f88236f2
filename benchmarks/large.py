"""Tables of the size of MNIST, and of a million rows: memory, reading, and training.

    python benchmarks/large.py [--rows 60000] [--runs 8] [--repeats 3] [--lines 1000000]

The images of mnist_5k, shifted by a pixel or two until there are enough, as a CSV file of 784
columns. Memory is that of the whole command with two workers, the largest sum of their
proportional sizes (PSS), less that of the same command on 1,000 rows, in copies of the data as
float32. Training is one process a core, ours from the stacks' start, the loop with its tensors in
memory, after a step to warm up. Reading is
`regbench run` up to the first step, imports left out, beside pyarrow's reading of the same file.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.csv
import torch
from measure import cores, interleaved, machine, ratios, spread
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from regbench.config.load import load_study
from regbench.data import load, mnist_5k
from regbench.engine.loop import train_stack
from regbench.engine.member import Member

STUDY = """\
name: large
dataset: {{name: csv, path: {path}, target: label, task: classification, val_size: 0.1}}
model: {{name: mlp, hidden: {hidden}}}
training: {{epochs: 2, batch_size: 128}}
seeds: {seeds}
sweep:
  regularizer: {{none: none, l2: {{l2: 1e-4}}}}
"""
# Up to the first step, from a start with all imports made; and pyarrow's own reading.
FIRST_STEP = """
import sys, time
import pyarrow.csv, torch
import regbench.executors.here, regbench.report.progress, regbench.api
from regbench.cli.main import main
from regbench.engine import loop

def stop(*given):
    sys.stderr.write(f"{time.perf_counter() - begin}\\n")
    sys.stderr.flush()
    import os
    os._exit(0)

loop.StackTrainer.train_epoch = stop
sys.argv = ["regbench", "run", *sys.argv[1:], "-q", "-j", "1"]
begin = time.perf_counter()
main()
"""
PYARROW = """
import sys, time
import pyarrow.csv
begin = time.perf_counter()
pyarrow.csv.read_csv(sys.argv[1])
sys.stderr.write(f"{time.perf_counter() - begin}\\n")
"""


def write_images(path: Path, rows: int) -> None:
    """Shifted digits, as whole numbers of a CSV file."""
    table = mnist_5k.load()
    images = table.values.reshape(-1, 28, 28)
    shifts = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    some = [np.roll(images, shift, (1, 2)).reshape(len(images), -1) for shift in shifts]
    x = np.concatenate(some[: -(-rows // len(images))])
    y = np.resize(table.target, len(x))
    chosen = np.random.default_rng(0).permutation(len(x))[:rows]
    columns = {f"p{j}": x[chosen, j] for j in range(x.shape[1])}
    pyarrow.csv.write_csv(pa.table({**columns, "label": y[chosen]}), path)


def write_numbers(path: Path, rows: int) -> None:
    """A hundred columns of four digits and a class."""
    rng = np.random.default_rng(0)
    with pa.OSFile(str(path), "wb") as file:
        writer = None
        for start in range(0, rows, 50_000):
            x = np.round(rng.normal(size=(min(50_000, rows - start), 100)), 4)
            columns = {f"f{j}": x[:, j] for j in range(100)}
            table = pa.table({**columns, "label": (x[:, 0] > x[:, 1]).astype(np.int64)})
            writer = writer or pyarrow.csv.CSVWriter(file, table.schema)
            writer.write(table)
        if writer is not None:
            writer.close()


def study(folder: Path, table: str, hidden: list[int], seeds: int) -> Path:
    path = folder / "study.yaml"
    path.write_text(STUDY.format(path=table, hidden=hidden, seeds=seeds))
    return path


# --- memory ---------------------------------------------------------------------------------------


def run_watched(folder: Path, table: str) -> tuple[float, float]:
    """Seconds of the command with two workers, and the peak of its processes' PSS in MiB."""
    path, peak = study(folder, table, [256], 2), 0.0
    out = tempfile.mkdtemp(dir=folder)
    command = [sys.executable, "-m", "regbench", "run", str(path), "-o", out, "-q", "-j", "2"]
    begin = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        root = psutil.Process(process.pid)
        while process.poll() is None:
            try:
                every = [root, *root.children(recursive=True)]
                peak = max(peak, sum(each.memory_full_info().pss for each in every) / 2**20)
            except psutil.Error:  # one has ended
                pass
            time.sleep(0.1)
    return time.perf_counter() - begin, peak


def memory(folder: Path, rows: int, repeats: int) -> None:
    """The command on all rows and on a thousand."""
    found: dict[str, list[tuple[float, float]]] = {"images.csv": [], "small.csv": []}
    for _ in range(repeats):
        for table, results in found.items():
            results.append(run_watched(folder, table))
    copy = rows * 784 * 4 / 2**20
    for table, results in found.items():
        seconds, mebibytes = map(list, zip(*results, strict=True))
        print(f"  {table:<10} {spread(seconds, 1)} s, {spread(mebibytes, 0)} MiB")
    more = [
        (a[1] - b[1]) / copy for a, b in zip(found["images.csv"], found["small.csv"], strict=True)
    ]
    print(f"  more: {spread(more, 2)} copies of {copy:.0f} MiB (target: at most 1.3)")


# --- training -------------------------------------------------------------------------------------


def by_regbench(folder: Path, hidden: list[int], runs: int, share: int) -> float:
    torch.set_num_threads(1)
    found = load_study(folder / "study.yaml", [f"model.hidden={hidden}"])
    members = [
        Member(cell.setting, seed, {"r": cell.setting.regularizer})
        for seed in range(runs // len(found.cells))
        for cell in found.cells
    ][share :: cores()]
    load(members[0].setting.dataset, members[0].seed, folder)  # reading is left out
    begin = time.perf_counter()
    train_stack(members, folder)
    return time.perf_counter() - begin


def by_loop(folder: Path, hidden: list[int], runs: int, share: int) -> float:
    torch.set_num_threads(1)
    dataset = load_study(folder / "study.yaml").cells[0].setting.dataset
    split = load(dataset, 0, folder)
    parts = [
        (torch.tensor(part.x, dtype=torch.float32), torch.tensor(part.y))
        for part in (split.train, split.val, split.test)
    ]
    train_loop(hidden, range(1), [(x[:128], y[:128]) for x, y in parts])
    begin = time.perf_counter()
    train_loop(hidden, range(runs)[share :: cores()], parts)
    return time.perf_counter() - begin


def train_loop(hidden: list[int], runs: range, parts: list[tuple[Tensor, Tensor]]) -> None:
    x, y = parts[0]
    for run in runs:
        torch.manual_seed(run)
        sizes = [x.shape[1], *hidden]
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        network = nn.Sequential(*layers, nn.Linear(sizes[-1], 10))
        optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=True)
        for _ in range(2):
            network.train()
            for rows in torch.randperm(len(x)).split(128):
                optimizer.zero_grad()
                cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
            network.eval()
            with torch.inference_mode():
                for some, classes in parts:
                    logits = network(some)
                    cross_entropy(logits, classes).item()
                    (logits.argmax(1) == classes).float().mean().item()


def training(folder: Path, hidden: list[int], runs: int, repeats: int) -> None:
    """Seconds until the last of the processes has trained its share."""
    study(folder, "images.csv", hidden, runs // 2)
    found: dict[str, list[float]] = {"regbench": [], "loop": []}
    ways = {"regbench": by_regbench, "loop": by_loop}
    for _ in range(repeats):
        for name, way in ways.items():
            with ProcessPoolExecutor(cores(), get_context("spawn")) as pool:
                share = partial(way, folder, hidden, runs)
                found[name].append(max(pool.map(share, range(cores()))))
    print(f"784-{'-'.join(map(str, hidden))}-10, {runs} runs of 2 epochs, one process a core")
    for name, seconds in found.items():
        print(f"  {name:<10} {spread(seconds, 1)} s")
    print(f"  regbench is {spread(ratios(found['loop'], found['regbench']), 2)} times faster")


# --- reading --------------------------------------------------------------------------------------


def told(script: str, *arguments: str) -> float:
    """The seconds that a script tells."""
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stderr.split()[-1])


def reading(folder: Path, lines: int, repeats: int) -> None:
    """To the first step, against pyarrow."""
    path, table = study(folder, "numbers.csv", [32], 1), folder / "numbers.csv"
    found: dict[str, list[float]] = {"pyarrow": [], "first step": []}

    def pyarrow_reads() -> None:
        found["pyarrow"].append(told(PYARROW, str(table)))

    def first_step() -> None:
        out = tempfile.mkdtemp(dir=folder)
        found["first step"].append(told(FIRST_STEP, str(path), "-o", out))

    interleaved({"pyarrow": pyarrow_reads, "first step": first_step}, repeats)
    print(f"{lines} rows of 100 columns, {table.stat().st_size / 2**20:.0f} MiB, imports left out")
    for name, seconds in found.items():
        print(f"  {name:<10} {spread(seconds[1:], 1)} s")
    times = ratios(found["first step"][1:], found["pyarrow"][1:])
    print(f"  the first step takes {spread(times, 2)} times as long (target: at most 3)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--lines", type=int, default=1_000_000)
    given = parser.parse_args()
    print(machine("pyarrow"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "images.csv", given.rows)
        write_images(folder / "small.csv", 1000)
        print(f"784-256-10, 4 runs of 2 epochs, the command with two workers; {given.rows} rows")
        memory(folder, given.rows, given.repeats)
        for hidden in ([256], [512, 512]):
            training(folder, hidden, given.runs, given.repeats)
        write_numbers(folder / "numbers.csv", given.lines)
        reading(folder, given.lines, given.repeats)


if __name__ == "__main__":
    main()
