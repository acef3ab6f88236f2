"""Families of regularizers: which cells are one question, in which order, and what seeds decide."""

from typing import get_args

import numpy as np
import pytest
from scipy import stats

from regbench.analysis.decides import decidable, study_families, t_quantile, what_seeds_decide
from regbench.analysis.families import Family, adjusted
from regbench.analysis.gap import gap_table
from regbench.analysis.statistics import paired_ps
from regbench.config.blocks.regularizer import Regularizer
from regbench.config.load import study_from_mapping
from regbench.results.runs import RunRow, Runs
from regbench.vocabulary.regularizers import KINDS, kind_of


def families_of(**sweep):
    study = {"dataset": "digits", "model": {"hidden": [8, 8]}, **sweep}
    found = study_families(study_from_mapping(study).cells)
    return {("+".join(f.kinds), f.ordered): list(f.cells) for f in found}


def swept(**values):
    return families_of(sweep={"regularizer": {"none": "none", **values}})


def test_the_vocabulary_knows_every_key_of_the_schema():
    keys = {key for kind in KINDS.values() for key in (kind.key, *kind.options)}
    assert keys == set(Regularizer.model_fields)
    assert all(kind.key == key for key, kind in KINDS.items())
    # A direction belongs to its kind, and is that of a key which there is.
    for kind in KINDS.values():
        for key in kind.stronger:
            first, _, option = key.partition(".")
            assert kind_of(key) == kind.key == first
            if option:
                (options, _) = get_args(Regularizer.model_fields[first].annotation)
                assert option in options.model_fields


@pytest.mark.parametrize(
    ("key", "values", "order"),
    [
        ("l2", [0.1, 1e-5, 0.01], [0, 2, 1]),
        ("dropout", [0.2, 0.6, 0.4], [1, 2, 0]),
        ("max_norm", [0.5, 4, 1], [0, 2, 1]),  # a tighter bound is stronger
        ("weight_decay", [1e20, 1e-20, 1.0], [0, 2, 1]),  # 1e+20 has a plus of its own
        ("early_stopping", [{"patience": 5}, {"patience": 2}, {"patience": 9}], [1, 0, 2]),
        ("early_stopping", [{"gl": 5}, {"gl": 2}], [1, 0]),
    ],
)
def test_a_family_goes_from_the_strongest_to_the_weakest(key, values, order):
    found = swept(**{str(i): {key: value} for i, value in enumerate(values)})
    assert found == {(key, True): [str(i) for i in order]}


def test_kinds_that_are_switched_on_make_the_family():
    found = swept(
        a={"l1": 1e-3}, b={"l1": 1e-2}, c={"l1": 1e-3, "l2": 1e-3}, d={"l1": 1e-2, "l2": 1e-2}
    )
    # Where both strengths of a mixture move together it has an order, too.
    assert found == {("l1", True): ["b", "a"], ("l1+l2", True): ["d", "c"]}
    assert swept(a={"batchnorm": True}) == {("batchnorm", True): ["a"]}


@pytest.mark.parametrize(
    "values",
    [
        [{"l1": 0.1, "l2": 0.2}, {"l1": 0.2, "l2": 0.1}],
        [{"l2": 0.1}, {"l2": [0.1, 0.2, 0.3]}],  # a strength a layer
        [{"early_stopping": {"patience": 3}}, {"early_stopping": {"gl": 2}}],  # two rules
        [{"early_stopping": {"patience": 3, "min_delta": d}} for d in (0.1, 0.2)],
        [{"batchnorm": {"momentum": m}} for m in (0.1, 0.2)],
        [{"l1": 0.1}, {"l1": 0.1, "l1_method": "subgradient"}],
    ],
)
def test_some_cells_have_no_order(values):
    found = swept(**{str(i): value for i, value in enumerate(values)})
    ((_, ordered),) = found
    assert not ordered
    ((cells),) = found.values()
    assert cells == ["0", "1"]  # as planned


def test_each_baseline_has_families_of_its_own():
    axes = {"optimizer.lr": [0.1, 0.2], "regularizer": ["none", {"l2": 1.0}, {"l2": 2.0}]}
    study = study_from_mapping({"dataset": "iris", "sweep": axes})
    assert [f.baseline.split(",")[0] for f in study_families(study.cells)] == [
        "optimizer.lr=0.1",
        "optimizer.lr=0.2",
    ]
    # Without a cell that has no regularizer there is no question.
    assert families_of(sweep={"regularizer": [{"l2": 1.0}, {"l2": 2.0}]}) == {}


# --- adjusted p -----------------------------------------------------------------------------------

L2 = Family("none", ("l2",), ("a", "b", "c"), ordered=True)
MIX = Family("none", ("l1", "l2"), ("x", "y"), ordered=False)


def test_adjusted_p_by_hand():
    ps = {"a": 0.01, "b": 0.004, "c": 0.3, "x": 0.01, "y": 0.2}
    assert adjusted([L2, MIX], ps) == pytest.approx(
        {"a": 0.02, "b": 0.02, "c": 0.6, "x": 2 * 2 * 0.01, "y": 0.8}
    )
    # Stop at the first that is not decided: the weaker ones cannot be.
    assert adjusted([L2], {"a": 0.2, "b": 1e-9, "c": 0.9}) == {"a": 0.2, "b": 0.2, "c": 0.9}
    assert adjusted([L2, MIX], {**ps, "c": 0.9})["c"] == 1.0


def test_ties_are_passed_by_and_what_cannot_be_tested_is_not():
    ps = {"a": None, "b": 0.01, "c": 0.02}
    assert adjusted([L2], ps, ties=["a"]) == {"a": None, "b": 0.01, "c": 0.02}
    assert adjusted([L2], ps) == {"a": None, "b": 1.0, "c": 1.0}


def runs_of(cells):
    """Runs with these gaps: `cells` maps a regularizer to one gap a seed, None being lost."""
    rows = []
    for name, gaps in cells.items():
        for seed, gap in enumerate(gaps):
            numbers = {"train_loss": 0.1, "val_loss": np.nan if gap is None else 0.1 + gap}
            numbers |= {"gap_loss": np.nan if gap is None else gap, "zero_fraction": 0.0}
            numbers |= {"epochs_run": 9.0, "best_epoch": 9.0, "reading_epoch": 9.0}
            status = "diverged" if gap is None else "ok"
            row = RunRow(f"{name}{seed}", name, name, seed, status, "", numbers, {})
            rows.append(row)
    metrics = ("train_loss", "val_loss", "gap_loss", "zero_fraction")
    return Runs("study", metrics, (), tuple(rows))


def test_the_table_stops_at_the_first_strength_that_is_not_decided():
    """dropout .9 is lost, .8 decided, .5 not, so .2 cannot be; max_norm=9 never acts."""
    none = [1.0, 1.2, 1.1, 0.9]
    cells = {
        "none": none,
        "dropout=0.2": [x - 0.5 - d for x, d in zip(none, [0, 0.01, 0.02, 0.01], strict=True)],
        "dropout=0.5": [x - d for x, d in zip(none, [0.5, -0.4, 0.6, 0.1], strict=True)],
        "dropout=0.8": [x - 0.7 - d for x, d in zip(none, [0, 0.02, 0.01, 0.01], strict=True)],
        "dropout=0.9": [None] * 4,
        "max_norm=9": none,
        "max_norm=1": [x - 0.3 - d for x, d in zip(none, [0, 0.02, 0.01, 0.03], strict=True)],
    }
    table = {row.cell: row for row in gap_table(runs_of(cells))}
    assert {cell: row.deltas["gap_loss"].side for cell, row in table.items() if row.deltas} == {
        **{"dropout=0.2": 0, "dropout=0.5": 0, "dropout=0.8": -1},
        **{"dropout=0.9": 0, "max_norm=9": 0, "max_norm=1": -1},
    }
    ps = {
        cell: stats.ttest_rel(gaps, none).pvalue
        for cell, gaps in cells.items()
        if cell.startswith("dropout=0.") and gaps[0] is not None
    }
    delta = table["dropout=0.2"].deltas["gap_loss"]
    assert delta.p == pytest.approx(ps["dropout=0.2"])  # of itself it would be: .0003
    assert delta.p < 0.001
    assert delta.p_adjusted == pytest.approx(2 * ps["dropout=0.5"])
    strong = table["dropout=0.8"].deltas["gap_loss"].p_adjusted
    assert strong == pytest.approx(2 * ps["dropout=0.8"])
    assert table["max_norm=9"].deltas["gap_loss"].p is None
    assert table["max_norm=9"].test_method == ""


def test_a_change_that_is_equal_at_every_seed_shows_nothing():
    cells = {
        "none": [1.0, 1.5, 2.0],
        "dropout=0.5": [0.5, 1.0, 1.5],
        "dropout=0.1": [0.9, 1.4, 1.8],
    }
    table = gap_table(runs_of(cells))
    assert [row.deltas["gap_loss"].side for row in table[1:]] == [0, 0]
    assert table[2].deltas["gap_loss"].p_adjusted == 1.0  # nothing after it can be decided


# --- what seeds decide ----------------------------------------------------------------------------


def test_quantiles_are_scipys():
    for p in (0.6, 0.975, 1 - 0.025 / 4, 1 - 0.025 / 340):
        for freedom in (1, 2, 3, 4, 7, 10, 29, 99, 500):
            assert t_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), rel=1e-9)


def test_what_is_decidable_is_what_is_decided():
    """A mean of so many standard deviations has p just at .05 / F."""
    for n, tests in ((3, 4), (6, 4), (10, 1), (20, 34)):
        values = np.random.default_rng(n).normal(size=n)
        values = (values - values.mean()) / values.std(ddof=1)
        for factor, decided in ((0.999, False), (1.001, True)):
            (p,) = paired_ps(values[None] + factor * decidable(n, tests))
            assert (tests * p <= 0.05) == decided


def test_what_seeds_decide_is_said():
    found = [Family("none", (str(i),), (str(i),), ordered=True) for i in range(4)]
    assert what_seeds_decide(3, found) == (
        "with 3 seeds and 4 families only a difference beyond 5.1 of its own standard deviation is "
        "decided; with 6, 1.6; with 10, 1.0"
    )
    assert what_seeds_decide(1, found[:1]).startswith("with 1 seed none of the 1 family is decided")
    assert what_seeds_decide(200, found[:1]).endswith("standard deviation is decided")
    assert "(l1+l2: more, as their strengths have no order)" in what_seeds_decide(3, [MIX])
    assert what_seeds_decide(3, []) == ""


# --- simulated: nothing acts ----------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 5, 10])
def test_tables_in_which_nothing_acts_rarely_decide_anything(n):
    """3 ordered families and a mixture, differences from one baseline, correlated by strength."""
    names = [f"{kind}={s}" for kind in ("l2", "dropout", "max_norm") for s in (0.1, 0.2, 0.3)]
    tests = [
        *(Family("none", (k,), tuple(names[3 * i : 3 * i + 3]), True) for i, k in enumerate("abc")),
        MIX,
    ]
    cells = [*names, "x", "y"]
    rng = np.random.default_rng(n)
    studies, false = 1_000, 0
    baseline = rng.normal(size=(studies, 1, n))
    family = np.repeat(rng.normal(size=(studies, 4, n)), (3, 3, 3, 2), axis=1)
    gaps = 0.9 * family + 0.4 * rng.normal(size=(studies, len(cells), n))
    ps = np.array(paired_ps((gaps - baseline).reshape(-1, n))).reshape(studies, -1)
    for own in ps.tolist():
        found = adjusted(tests, dict(zip(cells, own, strict=True)))
        false += min(found.values()) <= 0.05
    assert stats.binomtest(false, studies, 0.05, alternative="greater").pvalue > 0.01
