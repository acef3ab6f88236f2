"""What the time of a stack goes into, and the properties of torch's kernels that decide it.

    python benchmarks/parts.py [--repeats 5]

The stack is that of benchmarks/peers.py: 20 runs, digits, mlp 64-H-H-10, ten epochs, one thread.
Its products alone are timed in the same shapes, with nothing between them. What its calls cost is
what a stack takes whose tensors are next to nothing: one run, one unit a layer, the same steps.
What is left is passes over memory: activations, random numbers, parameters, scores.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from measure import interleaved, machine, spread

sys.path.append(str(Path(__file__).parent / "peers"))

from products import Products, epoch
from task import BATCH, study

from regbench.config.load import study_from_mapping
from regbench.config.plan import make_plan
from regbench.data import fingerprints
from regbench.engine.loop import train_stack
from regbench.engine.scoring import rows_at_once
from regbench.engine.stacks import make_stacks

RUNS, EPOCHS = 20, 10
PARTS = (1200, 597)


def parts_of_a_stack(width: int, repeats: int) -> None:
    """Milliseconds a run."""
    asked = study_from_mapping(study(width, EPOCHS, 2 * RUNS))
    plan = make_plan(asked, fingerprints(asked))
    members = make_stacks(plan.runs, Path())[0].members
    asked = study_from_mapping(study(1, EPOCHS, 4))
    tiny = make_plan(asked, fingerprints(asked))
    one = make_stacks(tiny.runs, Path())[0].members[:1]
    rows = rows_at_once(max(width, 64), RUNS, on_gpu=False)
    steps, scores = Products(RUNS, width, BATCH), Products(RUNS, width, rows)

    def products() -> None:
        for _ in range(EPOCHS):
            epoch(steps, scores, PARTS, rows)

    seconds = interleaved(
        {
            "all": lambda: train_stack(members, Path()),
            "products": products,
            "calls": lambda: train_stack(one, Path()),
        },
        repeats,
    )
    each = {name: [1000 * s / RUNS for s in values] for name, values in seconds.items()}
    rest = [a - p - c for a, p, c in zip(*each.values(), strict=True)]
    print(f"a stack of {RUNS} runs, H = {width}: ms a run")
    for name, values in {**each, "passes (what is left)": rest}.items():
        share = statistics.median(values) / statistics.median(each["all"])
        print(f"  {name:<22} {spread(values, 2)}  {share:.0%}")


def kernels(repeats: int) -> None:
    """Microseconds of one call on a stack's activations, 20 x 64 x 128 floats."""
    x, factor = torch.randn(2, RUNS, BATCH, 128)
    drawn = torch.randint(-32768, 32767, x.shape, dtype=torch.int16)
    limit, out = torch.zeros(RUNS, 1, 1, dtype=torch.int16), torch.empty_like(drawn)
    is_kept = torch.empty(x.shape, dtype=torch.bool)
    few, many = torch.randn(RUNS, 128, 10), torch.randn(RUNS, 128, 64)
    turned, outputs = torch.randn(RUNS, 10, 128), torch.randn(RUNS, 10, 512)
    _show(
        {
            "product with 64 columns": lambda: torch.bmm(x, many),
            "product with 10 columns": lambda: torch.bmm(x, few),
            "  the same, turned": lambda: torch.bmm(turned, x.mT),
            "compare to integers": lambda: torch.ge(drawn, limit, out=out),
            "compare to booleans": lambda: torch.ge(drawn, limit, out=is_kept),
            "times floats": lambda: torch.mul(x, factor, out=factor),
            "times booleans": lambda: torch.mul(x, is_kept, out=factor),
            "amax over 10 classes": lambda: outputs.amax(1),
            "argmax over 10 classes": lambda: outputs.argmax(1),
        },
        repeats,
    )


def _show(ways: Mapping[str, Callable[[], object]], repeats: int) -> None:
    times = 200
    seconds = interleaved(
        {name: lambda way=way: [way() for _ in range(times)] for name, way in ways.items()},
        repeats,
    )
    print("one call, us")
    for name, values in seconds.items():
        print(f"  {name:<26} {spread([1e6 * s / times for s in values], 1)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"one thread; {machine()}")
    for width in (32, 128):
        parts_of_a_stack(width, asked.repeats)
    with torch.inference_mode():
        kernels(asked.repeats)


if __name__ == "__main__":
    main()
