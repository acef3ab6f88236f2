"""The engine on a GPU: that it computes what the CPU does, and how fast 10,000 runs train.

    python benchmarks/gpu.py [--runs 10000] [--epochs 50] [--sample 3] [--device cuda:0]

Digits (1,200 to train, 597 to validate), mlp 64-128-128-10, batches of 64, Adam, dropout 0.2 and
one of four strengths of L2, both parts scored each epoch. First the checks of
tests/device_checks.py on this card, then a table. A plain PyTorch loop trains a sample of the runs
on the same card. The products alone are those of training and scoring with nothing between them,
for a few epochs. The bytes alone are what a step must move through memory at the least
(`bytes_of_an_epoch`), at the speed of a copy. Then 40 runs of a convolutional network beside such a
loop. Without CUDA it measures nothing and says so.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path

import torch
from measure import machine
from rich.console import Console

HERE = Path(__file__).parent
sys.path += [str(HERE / "peers"), str(HERE.parent / "tests")]

import device_checks as checks  # noqa: E402  (in tests/)
from network import adam, mlp  # noqa: E402  (in benchmarks/peers/)
from products import Products, epoch  # noqa: E402
from task import BATCH, DATASET, LR, digits  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

from regbench.config.load import study_from_mapping  # noqa: E402
from regbench.config.plan import make_plan  # noqa: E402
from regbench.data import fingerprints  # noqa: E402
from regbench.engine.scoring import rows_at_once  # noqa: E402
from regbench.engine.stacks import Stack, make_stacks  # noqa: E402
from regbench.report.aligned import print_plain  # noqa: E402

WIDTH = 128
SIZES = (64, WIDTH, WIDTH, 10)
PARTS = (1200, 597)  # examples to train on and to validate on
MLP = {"name": "mlp", "hidden": [WIDTH, WIDTH]}
CHANNELS = (16, 32)
L2 = (1e-4, 3e-4, 1e-3, 3e-3)
DROPOUT = 0.2
TARGET_SECONDS = 30.0  # for 10,000 runs of 50 epochs on one H200
TARGET_RATIO = 400.0  # against the plain loop on the same card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10_000, help="a multiple of 4")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--sample", type=int, default=3, help="runs of the plain loop")
    parser.add_argument("--device", default="cuda:0")
    asked = parser.parse_args()
    if asked.runs % len(L2):
        parser.error(f"--runs: a multiple of {len(L2)}, as every seed trains with each L2")
    if not torch.cuda.is_available():
        print("no CUDA device here; nothing measured")
        return
    torch.cuda.set_device(asked.device)
    print(card(asked.device))
    failed = run_checks(asked.device)
    measure(asked.runs, asked.epochs, asked.sample, asked.device)
    measure_cnn(asked.epochs, asked.sample, asked.device)
    if failed:
        sys.exit(f"{failed} checks failed")


def card(device: str) -> str:
    """What this is measured on."""
    index = torch.device(device).index or 0
    query = ["nvidia-smi", f"--id={index}", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        driver = subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        driver = "unknown"
    memory_gib = torch.cuda.get_device_properties(device).total_memory / 2**30
    name = torch.cuda.get_device_name(device)
    return f"{name}, {memory_gib:.0f} GiB, driver {driver}, CUDA {torch.version.cuda}; {machine()}"


def run_checks(device: str) -> int:
    """Run and print every check; how many failed."""
    failed = 0

    def check(title: str, call: Callable[..., None], cases: Iterable[str] = ("",)) -> None:
        nonlocal failed
        wrong, tried = [], 0
        for case in cases:
            tried += 1
            try:
                call(*([case] if case else []))
            except (AssertionError, RuntimeError) as error:  # torch's own errors are of the second
                wrong.append(f"{case}: {str(error).strip() or type(error).__name__}")
        failed += len(wrong)
        print(f"  {title:<62} {tried - len(wrong)} of {tried} hold")
        for words in wrong[:3]:
            print("    " + words.replace("\n", "\n    ")[:1000])

    tolerance = checks.TOLERANCE
    print("checks")
    check(
        "dropout's bits and the orders are the CPU's", lambda: checks.check_random_numbers(device)
    )
    for dtype, cases in (("float64", checks.CASES), ("float32", checks.CASES_IN_FLOAT32)):
        title = f"results are the CPU's within {tolerance[dtype]:g} in {dtype}"
        check(title, lambda case, of=dtype: checks.check_results(device, case, of), cases)
    for title, call in (
        ("two trainings give the same bits", checks.check_two_trainings),
        ("epochs that are replayed give the bits of others", checks.check_recording),
        ("no epoch waits for the GPU", checks.check_nobody_waits),
    ):
        check(title, partial(call, device), checks.CASES)
    with tempfile.TemporaryDirectory() as folder:
        for title, call in (
            ("a stack without room is halved", checks.check_halving),
            ("so is one without room to record an epoch", checks.check_no_room_to_record),
        ):
            check(title, partial(call, device, Path(folder)))
    return failed


def measure(runs: int, epochs: int, sample: int, device: str) -> None:
    """Print the table."""
    all_stacks = stacks(runs, epochs)
    sizes = [len(stack.members) for stack in all_stacks]
    train(stacks(len(L2), 1), device)  # libraries load, kernels are chosen
    plain_loop(1, 1, device)
    if device != "cpu":
        torch.cuda.reset_peak_memory_stats(device)
    accuracies: list[float] = []
    ours = seconds(lambda: accuracies.extend(train(all_stacks, device)), device)
    peak_gib = 0.0 if device == "cpu" else torch.cuda.max_memory_allocated(device) / 2**30
    plain_accuracies: list[float] = []
    plain = seconds(lambda: plain_accuracies.extend(plain_loop(sample, epochs, device)), device)
    few = min(epochs, 3)
    products = sum(products_alone(size, few, device) for size in sizes) * epochs / few
    speed = copy_speed(device)
    moved = sum(size * bytes_of_an_epoch() for size in sizes) * epochs / speed

    def line(name: str, number: int, total: float, accuracy: str = "-") -> list[str]:
        each = total / number
        ratio = f"{each / (ours / runs):.3g}"
        return [name, str(number), f"{total:.3f}", f"{each * 1000:.3f}", ratio, accuracy]

    rows = [
        line("regbench, training", runs, ours, f"{mean(accuracies):.3f}"),
        line("plain PyTorch loop", sample, plain, f"{mean(plain_accuracies):.3f}"),
        line(f"products alone ({few} epochs, scaled)", runs, products),
        line(f"bytes alone, at {speed / 1e9:.0f} GB/s", runs, moved),
    ]
    header = ["", "runs", "seconds", "ms a run", "times ours", "val acc"]
    print(f"\n{runs} runs of {epochs} epochs in stacks of {sizes}; measured once each")
    print_plain(Console(width=200), header, rows)
    print(f"the most memory that tensors took: {peak_gib:.1f} GiB")
    share = (products + moved) / ours
    print(f"products and bytes alone, one after the other, would take {share:.2f} of our time")
    ratio = (plain / sample) / (ours / runs)
    print("targets, for 10000 runs of 50 epochs on one H200:")
    print(f"  {TARGET_SECONDS:g} s, here {ours:.1f} s")
    print(f"  {TARGET_RATIO:g} times the plain loop's speed, here {ratio:.0f} times")


def measure_cnn(epochs: int, sample: int, device: str) -> None:
    """Print how 40 runs of regbench's cnn compare with a plain loop."""
    model = {"name": "cnn", "channels": list(CHANNELS)}
    all_stacks = stacks(40, epochs, model)
    train(stacks(len(L2), 3, model), device)
    plain_loop(1, 1, device, cnn)
    ours = seconds(lambda: train(all_stacks, device), device) / 40
    plain = seconds(lambda: plain_loop(sample, epochs, device, cnn), device) / sample
    sizes = [len(stack.members) for stack in all_stacks]
    print(f"\n40 runs of {epochs} epochs of a cnn of {CHANNELS} channels in stacks of {sizes}")
    print(f"  regbench {ours:.3f} s a run, a plain loop {plain:.3f} s: {plain / ours:.1f} times")


def cnn() -> nn.Module:
    """regbench's cnn of 8 x 8 images, as one writes it by hand."""
    first, second = CHANNELS
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        *(nn.Conv2d(1, first, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(DROPOUT)),
        *(nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(DROPOUT)),
        *(nn.Flatten(), nn.Linear(4 * second, 10)),
    )


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def seconds(action: Callable[[], object], device: str) -> float:
    """Wall time of an action, with all that it asked of the GPU."""
    _wait(device)
    begin = time.perf_counter()
    action()
    _wait(device)
    return time.perf_counter() - begin


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize(device)


def stacks(runs: int, epochs: int, model: Mapping[str, object] = MLP) -> list[Stack]:
    """The runs as regbench stacks them for a GPU."""
    study = {
        "name": "gpu",
        "dataset": DATASET,
        "model": {**model, "init": "he_normal"},
        "regularizer": {"dropout": DROPOUT},
        "optimizer": {"name": "adam", "lr": LR},
        "training": {"epochs": epochs, "batch_size": BATCH},
        "seeds": runs // len(L2),
        "sweep": {"regularizer.l2": list(L2)},
    }
    asked = study_from_mapping(study)
    return make_stacks(make_plan(asked, fingerprints(asked)).runs, Path(), device="cuda")


def train(chosen: Sequence[Stack], device: str) -> list[float]:
    """Train the stacks one after the other; the validation accuracies at the end."""
    return [
        float(trajectory.curves["val_acc"][-1])
        for stack in chosen
        for trajectory in checks.trained(stack.members, device)
    ]


def plain_loop(
    runs: int,
    epochs: int,
    device: str,
    make: Callable[[], nn.Module] = lambda: mlp(WIDTH, DROPOUT),
) -> list[float]:
    """Runs one by one, as one writes it by hand: data on the card, fused Adam; as `train`."""
    data = digits()
    x, y, x_val, y_val = (
        torch.from_numpy(part).to(device) for part in (data.x, data.y, data.x_val, data.y_val)
    )

    def score(network: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple[float, float]:
        with torch.inference_mode():
            logits = network(x)
            return cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()

    accuracies = []
    for run in range(runs):
        torch.manual_seed(run)
        network = make().to(device)
        optimizer = adam(network, LR, L2[run % len(L2)])
        for _ in range(epochs):
            network.train()
            for rows in torch.randperm(len(x), device=device).split(BATCH):
                optimizer.zero_grad()
                cross_entropy(network(x[rows]), y[rows]).backward()
                optimizer.step()
            network.eval()
            score(network, x, y)
            _, accuracy = score(network, x_val, y_val)
        accuracies.append(accuracy)
    return accuracies


def products_alone(runs: int, epochs: int, device: str) -> float:
    """Seconds of the matrix products of so many runs, once warm."""
    rows = rows_at_once(WIDTH, runs, on_gpu=True)
    with torch.device(device):
        steps = Products(runs, WIDTH, BATCH)
        scores = Products(runs, WIDTH, min(rows, max(PARTS)))

    def some_epochs(number: int) -> None:
        for _ in range(number):
            epoch(steps, scores, PARTS, rows)

    some_epochs(1)
    return seconds(lambda: some_epochs(epochs), device)


def bytes_of_an_epoch() -> int:
    """The least that one run's epoch moves, in float32.

    A step: each weight is read forward and backward, its gradient written, and Adam reads weight,
    gradient and both moments and writes all but the gradient, 10 in all; each hidden unit of an
    example is written and read forward, read twice backward, and its gradient written and read
    twice, 7; the inputs are read, written as a batch, and read twice, 4. Scoring reads inputs and
    writes and reads hidden units; weights count for nothing there.
    """
    weights = sum(a * b + b for a, b in pairwise(SIZES))
    hidden, inputs = sum(SIZES[1:]), SIZES[0]
    steps = -(-PARTS[0] // BATCH)
    training = steps * 10 * weights + PARTS[0] * (7 * hidden + 4 * inputs)
    scoring = sum(PARTS) * (2 * hidden + inputs)
    return 4 * (training + scoring)


def copy_speed(device: str, size_bytes: int = 1 << 30) -> float:
    """Bytes a second of a copy within the card's memory, reads and writes counted."""
    source = torch.ones(size_bytes // 4, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    times = 10
    taken = seconds(lambda: [target.copy_(source) for _ in range(times)], device)
    return 2 * times * size_bytes / taken


if __name__ == "__main__":
    main()
