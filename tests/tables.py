"""Studies made up of numbers, for tests of what is shown of them."""

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
