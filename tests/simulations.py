"""How often regbench errs, by simulation: `python tests/simulations.py` prints docs/statistics.md's
tables. In every draw nothing is there to be found, or something of a known size is.
"""

from __future__ import annotations

import numpy as np

from regbench.analysis.families import Family, adjusted
from regbench.analysis.gate import decide, parse_gates
from regbench.analysis.statistics import intervals, paired_ps

SEEDS = (3, 5, 10)
CELLS = (1, 7, 34)
DRAWS = 2_000
FOLDS = ((5, 1), (5, 4), (10, 1), (10, 4))
# A hard split is hard for all cells: so much of a difference's variance is shared by the cells.
SHARED = 0.5
(GATE,) = parse_gates(["val_loss:+1"])


def differences(rng, draws, cells, seeds, mean=0.0):
    """(draws, cells, seeds) of mean `mean` and variance 1, correlated over cells within a seed."""
    common = rng.normal(size=(draws, 1, seeds))
    own = rng.normal(size=(draws, cells, seeds))
    return mean + np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * own


def gate_answers(rng, draws, cells, seeds, beyond):
    """The answers of a gate where each cell lies `beyond` its margin, in standard deviations."""
    names = [str(k) for k in range(cells)]
    return [
        decide(GATE, names, excess).decision
        for excess in differences(rng, draws, cells, seeds, beyond)
    ]


def false_passes(rng, draws, cells, seeds):
    """How often a gate passes where one cell lies at its margin and all others far inside."""
    names = [str(k) for k in range(cells)]
    found = differences(rng, draws, cells, seeds)
    found[:, 1:] -= 100
    return sum(decide(GATE, names, excess).decision == "PASS" for excess in found)


def tables(cells):
    """The families of a table of so many cells: fours in a sequence, what is left in a mixture."""
    names = [str(k) for k in range(cells)]
    parts = [names[i : i + 4] for i in range(0, cells, 4)]
    return [Family("none", (part[0],), tuple(part), len(part) == 4) for part in parts]


def tables_that_decide(rng, draws, cells, seeds, effect=0.0):
    """How many tables decide anything of differences from one baseline."""
    tests = tables(cells)
    values = differences(rng, draws, cells, seeds, effect)
    ps = np.array(paired_ps(values.reshape(-1, seeds)), dtype=float).reshape(draws, cells)
    names = [str(k) for k in range(cells)]
    found = (adjusted(tests, dict(zip(names, own, strict=True))) for own in ps.tolist())
    return sum(min(each.values()) <= 0.05 for each in found)


def claims_that_decide(rng, draws, seeds, effect=0.0):
    """How often the 95% interval of a difference leaves 0 out: a claim passes, or fails."""
    found = intervals(differences(rng, draws, 1, seeds, effect)[:, 0])
    return sum(each.above or each.below for each in found)


def looks(rng, draws, at):
    """How many studies are decided at one of these looks, at n seeds each, where nothing is."""
    values = rng.normal(size=(draws, max(at)))
    decided = np.zeros(draws, dtype=bool)
    for n in at:
        decided |= np.array(paired_ps(values[:, :n]), dtype=float) <= 0.05
    return int(decided.sum())


def misses(rng, draws, seeds, rows=150, val=30, train=90):
    """How many intervals of val_loss miss (over seeds: this data set; over rows: their kind).

    Two learners are equal over data sets, and differ by chance on the rows of each. Returned are
    misses of the seeds interval for the mean over splits of these data, of the same for the mean
    over data sets, and of the rows interval for that.
    """
    found = np.zeros(3, dtype=int)
    for _ in range(draws):
        row = rng.normal(size=rows)
        splits = np.array([rng.permutation(rows)[:val] for _ in range(seeds)])
        losses = row[splits].mean(axis=1)[None]
        (own,), (other,) = intervals(losses), intervals(losses, ratio=val / train)
        found += [
            not own.low <= row.mean() <= own.high,
            not own.low <= 0 <= own.high,
            not other.low <= 0 <= other.high,
        ]
    return found


def fold_misses(rng, draws, folds, repeats, rows=60, inputs=5):
    """How many intervals of a difference in val_loss leave 0 out, by the plain t and the corrected.

    Two least-squares learners have half of the inputs each, which tell as much of the target: over
    data sets they are equal, and on one they differ by its rows and by what was learnt of them.
    """
    found = np.zeros(2, dtype=int)
    for _ in range(draws):
        x = rng.normal(size=(rows, 2 * inputs))
        y = x.sum(axis=1) + rng.normal(size=rows)
        values = []
        for _ in range(repeats):
            for val in np.array_split(rng.permutation(rows), folds):
                train = np.delete(np.arange(rows), val)
                losses = []
                for own in (x[:, :inputs], x[:, inputs:]):
                    weights = np.linalg.lstsq(own[train], y[train])[0]
                    losses.append(((own[val] @ weights - y[val]) ** 2).mean())
                values.append(losses[0] - losses[1])
        for k, ratio in enumerate((0.0, 1 / (folds - 1))):
            (interval,) = intervals(np.array([values]), ratio=ratio)
            found[k] += interval.above or interval.below
    return found


def share(number, draws):
    return f"{number / draws:.3f}".removeprefix("0")


def heading(titles):
    return "| " + " | ".join(titles) + " |\n| --- " + "| ---: " * (len(titles) - 1) + "|"


def main():
    rng = np.random.default_rng(13)
    print(f"{DRAWS} draws each; {SHARED:.0%} of the variance is shared by the cells.\n")
    titles = [
        "n",
        "cells",
        "false FAIL",
        "false PASS",
        "power of a gate",
        "false table",
        "power of it",
    ]
    print(heading(titles))
    for seeds in SEEDS:
        for cells in CELLS:
            row = [
                gate_answers(rng, DRAWS, cells, seeds, 0.0).count("FAIL"),
                false_passes(rng, DRAWS, cells, seeds),
                gate_answers(rng, DRAWS, cells, seeds, 2.0).count("FAIL"),
                tables_that_decide(rng, DRAWS, cells, seeds),
                tables_that_decide(rng, DRAWS, cells, seeds, 2.0),
            ]
            print(f"| {seeds} | {cells} | " + " | ".join(share(x, DRAWS) for x in row) + " |")
    titles = ["n", "false claim", "power of it", "seeds, these data", "seeds, other data"]
    print("\n" + heading([*titles, "rows, other data"]))
    for seeds in (*SEEDS, 30):
        row = [
            claims_that_decide(rng, DRAWS, seeds),
            claims_that_decide(rng, DRAWS, seeds, 1.0),
            *misses(rng, DRAWS, seeds),
        ]
        print(f"| {seeds} | " + " | ".join(share(x, DRAWS) for x in row) + " |")
    print("\n| looks at n = | decided where nothing is |\n| --- | ---: |")
    for name, at in (("3, 5, 10", (3, 5, 10)), ("3, 4, ..., 20", range(3, 21))):
        print(f"| {name} | {share(looks(rng, 20_000, at), 20_000)} |")
    print("\n" + heading(["folds", "repeats", "plain t", "corrected t (rows)"]))
    rng = np.random.default_rng(13)  # of its own: a table more changes no other
    for folds, repeats in FOLDS:
        plain, corrected = fold_misses(rng, DRAWS, folds, repeats)
        print(f"| {folds} | {repeats} | {share(plain, DRAWS)} | {share(corrected, DRAWS)} |")


if __name__ == "__main__":
    main()
