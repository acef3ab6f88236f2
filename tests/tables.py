"""Studies made up of numbers, for tests of what is shown of them."""

import numpy as np

from regbench.results.runs import RunRow, Runs

METRICS = (
    *("train_loss", "val_loss", "test_loss", "gap_loss"),
    *("train_acc", "val_acc", "test_acc", "gap_acc", "train_acc_clean"),
    *("penalty", "weight_norm", "zero_fraction"),
)
LONG = "a cell with a name that is rather long"


def runs_of(cells, seeds=3):
    """A study whose cells have these gaps in loss, a little different at each seed."""
    rows = []
    for i, (cell, gap) in enumerate(cells.items()):
        for seed in range(seeds):
            numbers = dict.fromkeys(METRICS, 0.5) | {"train_loss": 0.1}
            ok = gap is not None
            value = (gap or 0.0) + 0.01 * seed * (i + 1)
            numbers |= {"gap_loss": value, "val_loss": 0.1 + value, "gap_acc": value / 10}
            numbers |= {"epochs_run": 9.0, "best_epoch": 4.0, "reading_epoch": 9.0}
            rows.append(
                RunRow(
                    *(f"r{i}{seed}", cell, "none" if i == 0 else f"l2={i}", seed),
                    *("ok" if ok else "diverged", ""),
                    numbers if ok else dict.fromkeys(numbers, float("nan")),
                    {"regularizer.l2": str(i)},
                )
            )
    return Runs("study", METRICS, ("regularizer.l2",), tuple(rows))


RUNS = runs_of({"none": 0.4, LONG: 0.2, "worse": 0.8, "below": -0.3, "lost": None})


def study_of(cells, seeds=5, lost=(), noise=0.01, without=(), **defaults):
    """A study of classes whose cells have these numbers, and a little noise that differs by seed.

    Args:
        cells: by name, the config keys that vary (a regularizer's among them), and numbers.
        lost: (cell, seed) of the runs that diverged.
        without: columns that an older version did not write.
    """
    rng, rows = np.random.default_rng(0), []
    usual = {"train_loss": 0.1, "val_loss": 0.5, "test_loss": 0.5, "train_acc": 0.9, "val_acc": 0.9}
    usual |= {"test_acc": 0.9, "constant_loss": 0.69, "constant_acc": 0.5} | defaults
    exact = {"collapsed": 0.0, "penalty": 0.0, "weight_norm": 1.0, "zero_fraction": 0.0}
    epochs = {"epochs_run": 10.0, "best_epoch": 5.0, "reading_epoch": 10.0}
    for cell, (settings, given) in cells.items():
        for seed in range(seeds):
            m = {k: v + noise * rng.normal() for k, v in (usual | given).items() if k not in exact}
            m |= {"gap_loss": m["val_loss"] - m["train_loss"]}
            m |= {"gap_acc": m["train_acc"] - m["val_acc"]}
            m |= {name: given.get(name, value) for name, value in exact.items()} | epochs
            m = {name: value for name, value in m.items() if name not in without}
            ok = (cell, seed) not in lost
            label = "+".join(
                f"{key.removeprefix('regularizer.')}={value}"
                for key, value in settings.items()
                if key.startswith("regularizer") and value not in ("0", "none")
            )
            numbers = m if ok else dict.fromkeys(m, float("nan"))
            status = ("ok" if ok else "diverged", "")
            rows.append(
                RunRow(f"r{cell}{seed}", cell, label or "none", seed, *status, numbers, settings)
            )
    metrics = tuple(name for name in rows[0].metrics if name not in epochs)
    return Runs("study", metrics, tuple(next(iter(cells.values()))[0]), tuple(rows))
