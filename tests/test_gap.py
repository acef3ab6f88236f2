"""The gap table against pandas and scipy, its verdicts case by case, and claims decided."""

from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from regbench.analysis.by_seed import BySeed
from regbench.analysis.claims import decide
from regbench.analysis.gap import gap_columns, gap_table
from regbench.config.load import study_from_mapping
from regbench.results.runs import RunRow, Runs

METRICS = (
    *("train_loss", "val_loss", "test_loss", "gap_loss"),
    *("train_acc", "val_acc", "test_acc", "gap_acc", "flip_rate"),
    *("stopping_regret", "penalty", "weight_norm", "zero_fraction"),
)
SEEDS = 5
T = "paired t; fixed sequence, {}"


def runs_of(cells, seeds=SEEDS, lost=(), noise=0.01):
    """Runs whose metrics are a cell's given numbers plus a little noise that differs by seed.

    `cells` maps names to (settings, numbers); `lost` are (cell, seed) that diverged.
    """
    rng = np.random.default_rng(0)
    rows = []
    for cell, (settings, numbers) in cells.items():
        for seed in range(seeds):
            m = dict.fromkeys(METRICS, 0.0) | {"train_acc": 0.9, "val_acc": 0.9, "test_loss": 0.5}
            m |= {k: v + noise * rng.normal() for k, v in numbers.items()}
            m |= {"gap_loss": m["val_loss"] - m["train_loss"]}
            m |= {"gap_acc": m["train_acc"] - m["val_acc"]}
            m |= {"epochs_run": 10.0, "best_epoch": 5.0, "reading_epoch": 10.0}
            ok = (cell, seed) not in lost
            label = "+".join(
                f"{key.removeprefix('regularizer.')}={value}"
                for key, value in settings.items()
                if key.startswith("regularizer") and value != "0.0"
            )
            rows.append(
                RunRow(
                    *(f"r{cell}{seed}", cell, label or "none", seed),
                    *("ok" if ok else "diverged", ""),
                    m if ok else dict.fromkeys(m, float("nan")),
                    settings,
                )
            )
    varying = tuple(next(iter(cells.values()))[0])
    return Runs("study", METRICS, varying, tuple(rows))


def plain(**numbers):
    return {"train_loss": 0.1, "val_loss": 0.5} | numbers


CELLS = {
    "none": ({"optimizer.lr": "0.1", "regularizer.l2": "0.0"}, plain()),
    "l2": ({"optimizer.lr": "0.1", "regularizer.l2": "0.1"}, plain(val_loss=0.3)),
    "slow": ({"optimizer.lr": "0.2", "regularizer.l2": "0.0"}, plain(val_loss=0.9)),
    "slow l2": ({"optimizer.lr": "0.2", "regularizer.l2": "0.1"}, plain(val_loss=0.88)),
    "odd": ({"optimizer.lr": "0.3", "regularizer.l2": "0.1"}, plain()),
}
RUNS = runs_of(CELLS, lost=[("l2", 2), ("slow", 0)])


def test_the_table_is_pandas_and_scipys():
    header, rows = gap_columns(RUNS, gap_table(RUNS))
    table = pd.DataFrame(rows, columns=header).set_index("cell")
    frame = pd.DataFrame([asdict(r) | dict(r.metrics) | dict(r.settings) for r in RUNS.rows])
    frame = frame[frame.status == "ok"]
    for cell, own in frame.groupby("cell"):
        assert (table.n[cell], table.n_failed[cell]) == (len(own), SEEDS - len(own))
        for name in METRICS:
            assert table[name][cell] == pytest.approx(own[name].mean(), abs=1e-12)
            if own[name].nunique() > 1:
                low, high = stats.t.interval(0.95, len(own) - 1, own[name].mean(), own[name].sem())
                found = (table[f"{name}_low"][cell], table[f"{name}_high"][cell])
                assert found == pytest.approx((low, high), rel=1e-9)
        mean = own.mean(numeric_only=True)
        assert table.generalization[cell] == pytest.approx(mean.test_loss - mean.train_loss)
        assert table.selection_optimism[cell] == pytest.approx(mean.test_loss - mean.val_loss)
    # Differences are paired by seed, over the seeds at which both have numbers.
    ps = {}
    for cell, base in (("l2", "none"), ("slow l2", "slow")):
        a, b = (frame[frame.cell == c].set_index("seed").gap_loss for c in (cell, base))
        difference = (a - b).dropna()
        assert len(difference) == 4
        assert table.delta_gap_loss[cell] == pytest.approx(difference.mean())
        test = stats.ttest_rel(a[difference.index], b[difference.index])
        interval = test.confidence_interval()
        assert table.delta_gap_loss_low[cell] == pytest.approx(interval.low)
        assert table.delta_gap_loss_high[cell] == pytest.approx(interval.high)
        ps[cell] = test.pvalue
    for cell, p in ps.items():  # two baselines, so two families
        assert (table.p[cell], table.p_adjusted[cell]) == (pytest.approx(p), pytest.approx(2 * p))
    # A cell without a regularizer has no baseline, nor has one whose baseline is not in the plan.
    assert table.delta_gap_loss[["none", "slow", "odd"]].isna().all()
    assert table.p_adjusted[["none", "slow", "odd"]].isna().all()
    assert set(table.interval_method) == {"Student's t, 95%"}
    assert table.test_method[table.delta_gap_loss.notna()].tolist() == [T.format("2 families")] * 2
    assert table.test_method.notna().sum() == 2


def test_a_lost_run_counts_for_nothing_even_where_it_has_numbers():
    rows = [replace(r, status="failed") if r.seed == 0 else r for r in runs_of(CELLS).rows]
    row = gap_table(replace(RUNS, rows=tuple(rows)))[0]
    assert (row.n, row.n_failed) == (4, 1)
    own = [r.metrics["gap_loss"] for r in rows if r.cell == "none" and r.seed]
    assert row.metrics["gap_loss"].mean == pytest.approx(np.mean(own))


def test_identical_differences_have_a_point_and_no_p():
    runs = runs_of(CELLS, noise=0.0)
    row = gap_table(runs)[1]
    delta = row.deltas["gap_loss"]
    assert delta.interval.mean == pytest.approx(-0.2)
    assert delta.interval.low == delta.interval.mean == delta.interval.high
    assert delta.p_adjusted is None
    assert delta.p_improvement == 1.0
    assert delta.min_detectable == 0.0


def test_wilcoxon_and_bca_only_where_they_can_serve():
    few = gap_table(RUNS, method="bca", test="wilcoxon")
    assert {row.interval_method for row in few} == {"Student's t, 95%"}
    assert few[1].test_method == T.format("2 families")
    assert few[1].deltas == gap_table(RUNS)[1].deltas
    many = runs_of(CELLS, seeds=30)
    ranked = gap_table(many, method="bca", test="wilcoxon")
    assert {row.interval_method for row in ranked} == {"BCa bootstrap, 95%"}
    assert ranked[1].test_method == ("Wilcoxon signed-rank, exact; fixed sequence, 2 families")
    a, b = (BySeed(many).row("gap_loss", cell) for cell in ("l2", "none"))
    p = stats.wilcoxon(a - b, method="exact").pvalue
    assert ranked[1].deltas["gap_loss"].p_adjusted == pytest.approx(2 * p, rel=1e-6)


# --- verdicts ---------------------------------------------------------------------------------

NONE = {"regularizer.l2": "0.0"}
SOME = {"regularizer.l2": "0.1"}
GOOD = (NONE, plain(train_loss=0.2, val_loss=0.2))

VERDICTS = [
    ({"x": (NONE, plain())}, "overfits in loss only"),
    ({"x": (NONE, plain(train_acc=0.98, val_acc=0.8))}, "overfits in accuracy"),
    ({"x": (NONE, plain(train_acc=0.98, val_acc=0.8, flip_rate=0.1))}, "overfits in accuracy"),
    ({"x": (NONE, plain(train_acc=1.0, val_acc=0.8, flip_rate=0.1))}, "overfits in accuracy"),
    ({"x": (NONE, plain(train_loss=0.5))}, "no gap shown"),
    ({"x": (SOME, plain(val_loss=0.3)), "n": (NONE, plain())}, "regularized"),
    (
        {"x": (SOME, plain(train_loss=0.6, val_loss=0.8)), "n": (NONE, plain())},
        "over-regularized",
    ),
    ({"x": (SOME, plain(val_loss=0.51)), "n": (NONE, plain())}, "overfits in loss only"),
    (
        {"x": ({"regularizer.l2": "0.0"} | {"m": "a"}, plain(train_loss=0.9, val_loss=0.9))}
        | {"good": (GOOD[0] | {"m": "b"}, GOOD[1])},
        "underfits",
    ),
]


@pytest.mark.parametrize(("cells", "verdict"), VERDICTS, ids=lambda v: v if type(v) is str else "")
def test_verdicts(cells, verdict):
    row = gap_table(runs_of(cells))[0]
    assert row.verdict == verdict
    assert row.evidence


def test_no_verdict_by_one_seed_and_none_without_numbers():
    (row,) = gap_table(runs_of({"x": (NONE, plain())}, seeds=1))
    assert (row.verdict, row.evidence) == ("", "")
    (row,) = gap_table(runs_of({"x": (NONE, plain())}, lost=[("x", s) for s in range(SEEDS)]))
    assert (row.verdict, row.evidence) == ("diverged", "5 of 5 runs diverged; 0 runs with numbers")


def test_the_evidence_has_the_figures():
    rows = gap_table(runs_of({"n": (NONE, plain()), "x": (SOME, plain(val_loss=0.3))}))
    delta, loss = (rows[1].deltas[name].interval for name in ("gap_loss", "val_loss"))
    assert rows[1].evidence == (
        f"gap_loss {delta.mean:+.4g} ({delta.low:+.4g} to {delta.high:+.4g}), "
        f"val_loss {loss.mean:+.4g} ({loss.low:+.4g} to {loss.high:+.4g}), "
        "val_acc +0 (+0 to +0) against n"
    )


def path_of(losses):
    return {
        f"l2={x}": ({"regularizer.l2": str(x)}, plain(val_loss=loss)) for x, loss in losses.items()
    }


@pytest.mark.parametrize(
    ("losses", "edge"),
    [
        ({0.0: 0.5, 0.1: 0.4, 0.2: 0.3}, ("l2=0.2", "regularizer.l2 = 0.2 is the largest")),
        ({0.1: 0.3, 0.2: 0.4, 0.3: 0.5}, ("l2=0.1", "regularizer.l2 = 0.1 is the least")),
        ({0.0: 0.3, 0.1: 0.4, 0.2: 0.5}, None),  # below 0 there is nothing
        ({0.1: 0.5, 0.2: 0.3, 0.3: 0.5}, None),
        ({0.1: 0.5, 0.2: 0.3}, None),
    ],
)
def test_the_grids_edge_is_told(losses, edge):
    table = gap_table(runs_of(path_of(losses)))
    found = {row.cell: tuple(map(str, row.edges)) for row in table if row.edges}
    assert found == ({} if edge is None else {edge[0]: (edge[1],)})
    if edge:
        row = next(r for r in gap_table(runs_of(path_of(losses))) if r.edges)
        assert row.evidence.endswith(f"; best on the grid's edge: {edge[1]}")


# --- claims -------------------------------------------------------------------------------------

STUDY = {
    "dataset": "iris",
    "sweep": {"optimizer.lr": [0.1, 0.2], "regularizer": {"none": "none", "l2": {"l2": 0.1}}},
}


def outcome(claim, numbers, seeds=5, lost=(), noise=0.01):
    cells = {}
    study = study_from_mapping(STUDY | {"expect": [claim]})
    for cell in study.cells:
        key = cell.name.replace("optimizer.lr=", "").replace(", regularizer=", " ")
        cells[cell.name] = ({"k": key}, plain(**numbers.get(key, {})))
    runs = runs_of(
        cells, seeds=seeds, lost=[(study.cells[c].name, s) for c, s in lost], noise=noise
    )
    return decide(study.claims[0], study.cells, BySeed(runs))


LOW, HIGH = {"val_loss": 0.3}, {"val_loss": 0.7}
CLAIMS = [
    # It must hold at both learning rates.
    ("gap_loss[l2] < gap_loss[none]", {"0.1 l2": LOW, "0.2 l2": LOW}, "PASS"),
    ("gap_loss[l2] < gap_loss[none]", {"0.1 l2": LOW, "0.2 l2": HIGH}, "FAIL"),
    ("gap_loss[l2] < gap_loss[none]", {"0.1 l2": LOW}, "UNDECIDED"),
    ("gap_loss[l2] > gap_loss[none]", {"0.1 l2": LOW, "0.2 l2": LOW}, "FAIL"),
    ("gap_loss[optimizer.lr=0.1, regularizer=l2] < 0.3", {"0.1 l2": LOW}, "PASS"),
    ("gap_loss[optimizer.lr=0.1, regularizer=l2] > 0.3", {"0.1 l2": LOW}, "FAIL"),
    ("gap_loss[none] == 0.4 +- 0.05", {}, "PASS"),
    ("gap_loss[none] == 0.5 +- 0.05", {}, "FAIL"),
    ("gap_loss[none] == 0.4 +- 0.001", {}, "UNDECIDED"),
    ("gap_loss[l2] == gap_loss[none] +- 0.05", {}, "PASS"),
    ("gap_loss[l2] == gap_loss[none] +- 0.05", {"0.1 l2": LOW}, "FAIL"),
    ("zero_fraction[l2] == 0", {"0.1 l2": {"zero_fraction": 0.5}}, "FAIL"),
    ("epochs_run[l2] <= 10", {}, "PASS"),
    ("epochs_run[l2] < 10", {}, "FAIL"),
]


@pytest.mark.parametrize(("claim", "numbers", "decision"), CLAIMS)
def test_claims(claim, numbers, decision):
    assert outcome(claim, numbers).decision == decision


def test_equivalence_uses_the_90_interval():
    """Two one-sided tests at 5%: a margin between the two intervals passes."""
    claim = "gap_loss[optimizer.lr=0.1, regularizer=none] == 0.4 +- {}"
    values = BySeed(runs_of({"optimizer.lr=0.1, regularizer=none": ({"k": "0.1 none"}, plain())}))[
        "gap_loss"
    ][0]
    ends = {
        level: max(
            abs(end - 0.4) for end in stats.ttest_1samp(values, 0).confidence_interval(level)
        )
        for level in (0.90, 0.95)
    }
    between = (ends[0.90] + ends[0.95]) / 2
    assert outcome(claim.format(between), {}).decision == "PASS"
    assert outcome(claim.format(ends[0.90] * 0.99), {}).decision == "UNDECIDED"


def test_single_seeds_and_lost_runs():
    passes = outcome("gap_loss[l2] < gap_loss[none]", {"0.1 l2": LOW, "0.2 l2": LOW}, seeds=1)
    assert passes.decision == "PASS"
    assert "1 of 1 run" in passes.evidence
    # Four of five seeds lost is not a study of one seed.
    lost = [(1, seed) for seed in range(4)]
    left = outcome("gap_loss[l2] < gap_loss[none]", {"0.1 l2": LOW, "0.2 l2": LOW}, lost=lost)
    assert left.decision == "UNDECIDED"
    assert "one seed of 5 has numbers" in left.evidence
    nothing = outcome("gap_loss[l2] < 9", {}, lost=[(1, seed) for seed in range(5)])
    assert (nothing.decision, "no runs to compare" in nothing.evidence) == ("UNDECIDED", True)
