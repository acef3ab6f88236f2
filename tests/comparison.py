"""Small runs.csv files with numbers by hand."""

from __future__ import annotations

from regbench.results.csv_text import write_csv

METRICS = (
    *("train_loss", "val_loss", "test_loss", "gap_loss"),
    *("train_acc", "val_acc", "test_acc", "gap_acc"),
    *("stopping_regret", "penalty", "weight_norm", "zero_fraction"),
)
FACTS = (
    *("schema_version", "study", "run_id", "cell", "regularizer", "seed", "status", "error"),
    *("epochs_run", "best_epoch", "reading_epoch"),
)
LOSS = [0.5, 0.6, 0.7]


def rows_of(cells):
    """Rows of a runs.csv as mappings: `cells` has a cell's numbers, one a seed or one for all.

    A value `None` is empty, and the words of `status` and `l2` are what they say.
    """
    rows = []
    for i, (cell, numbers) in enumerate(cells.items()):
        longest = max(len(v) for v in [*numbers.values(), LOSS] if isinstance(v, list))
        for s in range(longest):
            own = {k: v[s] if isinstance(v, list) else v for k, v in numbers.items()}
            row = dict.fromkeys(METRICS, 0.25) | {
                **{"schema_version": 1, "study": "hand", "run_id": f"r{i}{s}", "cell": cell},
                **{"regularizer": cell, "seed": s, "status": "ok", "error": ""},
                **{"epochs_run": 9, "best_epoch": 7, "reading_epoch": 9},
                **{"regularizer.l2": own.pop("l2", i / 8)},
            }
            row |= own
            if row["status"] != "ok":
                row |= dict.fromkeys((*METRICS, "best_epoch", "reading_epoch"))
            rows.append(row)
    return rows


def csv_of(rows, header=(*FACTS, *METRICS, "regularizer.l2")):
    return write_csv(header, ([row[name] for name in header] for row in rows))


BASE = {
    "none": {"val_loss": LOSS, "val_acc": 0.9},
    "l2": {"val_loss": LOSS, "val_acc": [0.90, 0.91, 0.92]},
}
# val_loss: none moves by .01, -.01, .03 and l2 by .03, .02, .04; val_acc of l2 by -.02, -.03,
# -.04.
NEW = {
    "none": {"val_loss": [0.51, 0.59, 0.73], "val_acc": 0.9},
    "l2": {"val_loss": [0.53, 0.62, 0.74], "val_acc": [0.88, 0.88, 0.88]},
}
# val_loss of l2 moves by .03, .031, .029: beyond any margin up to .02.
SURE = NEW | {"l2": NEW["l2"] | {"val_loss": [0.53, 0.631, 0.729]}}


def changed(base=BASE, **cells):
    """BASE with some cells' numbers replaced."""
    return base | {cell: base.get(cell, {}) | numbers for cell, numbers in cells.items()}


GATE = ["--fail-on", "val_loss:5%"]
SAME = ["--rtol", "0", "--atol", "0"]
MIN3, MIN4 = ["--min-seeds", "3"], ["--min-seeds", "4"]
IGNORE = ["--missing", "ignore"]


def writer(folder):
    """A function that writes runs, bytes or what `rows_of` takes, to a file and gives its path."""

    def write(name, cells):
        path = folder / name
        path.write_bytes(cells if isinstance(cells, bytes) else csv_of(rows_of(cells)))
        return path

    return write
