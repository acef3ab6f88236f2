"""Each word of the decision table by hand-made numbers, at its borders, and by whole studies."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tables import study_of

import regbench
from regbench.analysis.axis_path import axis_paths
from regbench.analysis.cell_gap import CellGap, Delta
from regbench.analysis.evidence import Behind, Evidence
from regbench.analysis.gap import gap_columns, gap_table
from regbench.analysis.statistics import Interval
from regbench.analysis.verdict import RULES, verdict
from regbench.vocabulary.metrics import METRICS

DOCS = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"


def around(mean, half=0.01):
    return Interval(mean, mean - half, mean + half, 5)


def delta(mean, half=0.01, p=0.001):
    return Delta(around(mean, half), p, p)


def evidence(n=5, diverged=0, failed=0, deltas=(), metrics=(), **facts):
    """A cell that has learned something, with no gap shown, but for what is given."""
    usual = {"gap_loss": around(0, 0.1), "gap_acc": around(0, 0.1), "val_loss": around(0.5)}
    row = CellGap(
        *("x", "l2=1", {}, n, diverged + failed, usual | dict(metrics), "none", dict(deltas)),
        *(around(5), around(10)),
        n_diverged=diverged,
    )
    learned = {"loss_gain": around(0.2), "score_gains": {"acc": around(0.4)}, "collapsed": 0.0}
    return Evidence(row, METRICS["acc"], **learned | {"wrong_labels": 0.0} | facts)


NO_GAIN = {"loss_gain": around(0.005), "score_gains": {"acc": around(0.005)}}
BIASES = {"loss_gain": around(0.005, 0.001), "score_gains": {"acc": around(0.02)}}
NARROW = {"gap_loss": delta(-0.3), "val_loss": delta(-0.02), "val_acc": delta(0.01)}
NEAR = {"both_gaps": around(0.5)}
OVERFIT = {"gap_loss": around(0.4), "gap_acc": around(0.1)}


def narrow(**changed):
    return {"deltas": NARROW | changed, **NEAR}


def metrics(**changed):
    return {"metrics": changed}


HEART = metrics(noisy_rows_acc=around(0.52), **OVERFIT)
BOTH = {"train_loss": around(0.1), "val_loss": around(0.1)}
CASES = [
    # A quarter of the runs, whatever the others say; runs that failed are another matter.
    ("diverged", {"n": 2, "diverged": 8, **narrow()}),
    ("diverged", {"n": 3, "diverged": 1}),
    ("diverged", {"n": 0, "diverged": 3}),
    ("diverged", {"n": 1, "diverged": 4}),
    ("regularized", {"n": 4, "diverged": 1, **narrow()}),
    ("", {"n": 0, "failed": 3}),
    ("", {"n": 1, **narrow()}),
    # Signal in neither; the word stands before all praise.
    ("no signal shown", NO_GAIN | narrow()),
    ("no signal shown", {"loss_gain": around(-0.4), "score_gains": {"acc": around(-0.1)}}),
    ("collapsed", NO_GAIN | {"collapsed": 1.0} | narrow()),
    ("no signal shown", NO_GAIN | {"collapsed": 0.8} | narrow()),
    ("regularized", {"collapsed": 1.0} | narrow()),  # one class, but with a better loss
    # Shown to be better, by what biases do: 1% of the constant's .505.
    ("collapsed", BIASES | {"collapsed": 1.0} | narrow()),
    ("collapsed", BIASES | {"collapsed": 0.9, "metrics": {"collapsed": around(0.9, 0.39)}}),
    ("no gap shown", BIASES | {"collapsed": 0.9, "metrics": {"collapsed": around(0.9, 0.41)}}),
    ("regularized", BIASES | {"collapsed": 1.0, "loss_gain": around(0.0052, 0.001)} | narrow()),
    ("regularized", BIASES | {"collapsed": 1.0, "score_gains": {"auc": around(0.2)}} | narrow()),
    ("collapsed", BIASES | {"collapsed": 1.0, "score_gains": {"auc": around(0, 0)}} | narrow()),
    ("regularized", {"loss_gain": around(0.011)} | narrow()),
    # Two seeds may not show a loss that is better in the mean: that is no overconfidence.
    ("regularized", {"loss_gain": around(0.009)} | narrow()),
    ("overconfident", {"loss_gain": around(0)} | narrow()),
    ("overconfident", {"loss_gain": around(-0.001)} | narrow()),
    ("overconfident", {"loss_gain": around(-1.0), **metrics(**OVERFIT)}),
    ("overconfident", {"loss_gain": around(0), "score_gains": {"auc": around(0.2)}}),
    ("no signal shown", NO_GAIN | {"score_gains": {"acc": around(0), "auc": around(0, 0.1)}}),
    # What the table does not hold gives no word.
    ("regularized", {"loss_gain": None, "score_gains": {}, **narrow()}),
    ("regularized", {"loss_gain": around(0), "score_gains": {}, **narrow()}),
    ("memorises", HEART | {"wrong_labels": 10.0}),
    ("overfits in accuracy", HEART | {"wrong_labels": 9.0}),
    ("overfits in accuracy", HEART | {"wrong_labels": None}),
    (
        "overfits in accuracy",
        metrics(noisy_rows_acc=around(0.505), **OVERFIT) | {"wrong_labels": 99.0},
    ),
    # A narrower gap, and what it costs.
    ("regularized", narrow()),
    ("regularized", narrow(val_loss=delta(0.01, 0.0199, p=0.2))),  # ends below a tenth of .3
    ("no gap shown", narrow(val_loss=delta(0.01, 0.0201, p=0.2))),
    ("no gap shown", narrow(val_loss=delta(0.3, 0.5, p=0.2))),  # not shown is not "not"
    ("over-regularized", narrow(val_loss=delta(0.02))),
    ("no gap shown", narrow(val_loss=delta(0.05, p=0.06))),
    ("over-regularized", narrow(val_acc=delta(-0.33))),
    ("no gap shown", narrow(val_acc=delta(-0.33, 0.5, p=0.3))),
    ("regularized", narrow(val_acc=delta(-0.019, 0.03, p=0.3))),
    ("no gap shown", narrow(gap_loss=delta(-0.3, p=0.051))),
    # From -.06 to -.64 is no gain.
    (
        "negative gap",
        {"deltas": NARROW, "both_gaps": around(-0.7)} | metrics(gap_loss=around(-0.64)),
    ),
    ("overfits in accuracy", metrics(**OVERFIT)),
    ("overfits in accuracy", metrics(gap_acc=around(0.1))),
    ("overfits in loss only", metrics(gap_loss=around(0.4), gap_acc=around(0.009, 0.011))),
    ("overfits in loss", metrics(gap_loss=around(0.4), gap_acc=around(0.01, 0.011))),
    ("overfits in loss", metrics(gap_loss=around(0.4), gap_acc=around(0.1, 0.2))),
    ("underfits", {"behind": Behind("b", BOTH, 0.05)}),
    ("no gap shown", {"behind": Behind("b", BOTH, 0.051)}),
    ("no gap shown", {"behind": Behind("b", BOTH | {"val_loss": around(0)}, 0.01)}),
    ("negative gap", metrics(gap_loss=around(-0.62))),
    ("negative gap", metrics(gap_acc=around(-0.1))),
    ("no gap shown", {}),
    ("", metrics(gap_loss=Interval(None, None, None, 0), gap_acc=Interval(None, None, None, 0))),
]


def test_each_word_at_its_borders():
    for word, given in CASES:
        found, why = verdict(evidence(**given))
        assert found == word, (given, why)
    assert {word for word, _ in CASES} - {""} == {
        rule.word.format(score="accuracy") for rule in RULES
    }


def test_the_evidence_names_what_the_word_hides():
    lost = verdict(evidence(n=4, diverged=1, failed=1, **narrow()))[1]
    assert lost.startswith("1 of 6 runs diverged, 1 of 6 runs failed; gap_loss -0.3 (-0.31 to ")
    some = verdict(evidence(collapsed=0.4, **NO_GAIN))[1]
    assert some.startswith("2 of 5 runs collapsed; against the constant prediction val_loss lower")
    worse = {"loss_gain": around(-0.2), "score_gains": {"acc": around(-0.1)}, "collapsed": 1.0}
    assert verdict(evidence(**worse))[1] == (
        "all validation rows are given the same class; "
        "val_loss higher by 0.2 (0.19 to 0.21), val_acc lower by 0.1 (0.09 to 0.11)"
    )
    stands = verdict(evidence(loss_gain=around(-1.0), **metrics(**OVERFIT)))[1]
    assert stands.endswith(
        "gap_loss 0.4 (0.39 to 0.41), gap_acc 0.1 (0.09 to 0.11); also overfits in accuracy"
    )
    heart = verdict(evidence(loss_gain=around(-1.0), wrong_labels=50.0, **HEART))[1]
    assert heart.endswith("; also memorises: noisy_rows_acc 0.52 (0.51 to 0.53) on 50 wrong labels")
    below = metrics(gap_loss=around(-0.6))
    assert "training is the harder part" in verdict(evidence(**below))[1]
    below["metrics"]["flip_rate"] = around(0.36)
    assert verdict(evidence(**below))[1].endswith(
        "36.0% of the training labels are wrong, and count against training alone"
    )


def test_the_page_has_the_table_of_decisions():
    text = DOCS.read_text(encoding="utf-8")
    rows = []
    for rule in RULES:
        word = " or ".join(
            f"`{word}`"
            for word in dict.fromkeys(rule.word.format(score=s) for s in ("accuracy", "R^2"))
        )
        needs = ", ".join(f"`{name}`" for name in rule.needs).replace(" | ", "` or `")
        rows.append(f"| {word} | {rule.condition} | {needs} |")
    assert "\n".join(rows) in text


# --- whole tables ---------------------------------------------------------------------------------


def words(cells, **kw):
    return {row.cell: row.verdict for row in gap_table(study_of(cells, **kw))}


def setting(l2="0", **data):
    return {"regularizer.l2": l2, "dataset.name": data.get("name", "a"), "m": data.get("m", "1")}


def test_only_cells_of_one_ground_are_compared():
    worse = {"train_loss": 0.8, "val_loss": 0.8, "constant_loss": 2.0}
    for other, word in (({"name": "b"}, "no gap shown"), ({"m": "2"}, "underfits")):
        cells = {"good": (setting(), {"val_loss": 0.1}), "x": (setting(**other), worse)}
        assert words(cells)["x"] == word


def test_underfits_is_adjusted_for_the_cells_behind_the_best():
    """At n = 2 the p of one comparison may decide alone, and no longer among twenty."""
    rng = np.random.default_rng(3)
    worse = {"train_loss": 0.16, "val_loss": 0.16}
    cells = {"best": (setting(), {"val_loss": 0.1})}
    few = words(cells | {"x": (setting(m="x"), worse)}, seeds=2, noise=0.001)
    many = {
        f"c{i}": (setting(m=str(i)), {"train_loss": 0.1, "val_loss": 0.1 + 0.02 * rng.random()})
        for i in range(40)
    }
    crowd = words(cells | {"x": (setting(m="x"), worse)} | many, seeds=2, noise=0.001)
    assert (few["x"], crowd["x"]) == ("underfits", "no gap shown")


def test_a_cell_that_has_collapsed_is_not_the_best():
    """A constant of little loss: no other cell underfits beside it, no axis is least there."""
    dead = {"train_loss": 0.02, "val_loss": 0.05, "constant_loss": 0.05, "constant_acc": 0.9}
    cells = {
        "none": (setting(), {"constant_loss": 0.6}),
        "x": (setting("1"), {"constant_loss": 0.6, "train_loss": 0.11, "val_loss": 0.51}),
        "dead": (setting("2"), dead | {"collapsed": 1.0}),
    }
    runs = study_of(cells, noise=0.0001)
    table = gap_table(runs)
    found = {row.cell: row.verdict for row in table}
    assert found["dead"] == "collapsed"
    assert "underfits" not in found.values()
    (path,) = axis_paths(runs, table, "regularizer.l2")
    assert path.points[path.minimum].row.cell == "none"
    assert path.points[path.one_standard_error].row.cell == "none"


def test_a_narrower_gap_has_to_come_nearer_to_zero():
    base = {"train_loss": 0.56, "val_loss": 0.5}
    cells = {"none": (setting(), base)}
    cells |= {"x": (setting("1"), base | {"train_loss": 1.14})}
    assert words(cells)["x"] == "negative gap"
    cells = {"none": (setting(), {}), "x": (setting("1"), {"val_loss": 0.08})}
    row = gap_table(study_of(cells))[1]
    assert (row.verdict, row.narrows) == ("regularized", True)


def test_accuracy_has_a_say():
    worse = {"train_loss": 0.45, "val_loss": 0.49, "val_acc": 0.62, "train_acc": 0.62}
    cells = {"none": (setting(), {"val_acc": 0.95}), "x": (setting("1"), worse)}
    assert words(cells)["x"] == "over-regularized"


def test_an_accuracy_gap_that_is_not_decided_is_not_none():
    cells = {"none": (setting(), {"train_acc": 0.95, "val_acc": 0.85, "val_loss": 3.0})}
    wide = {"seeds": 3, "noise": 0.15, "constant_loss": 5.0, "constant_acc": 0.1}
    assert words(cells, **wide)["none"] == "overfits in loss"


def test_divergence_comes_first():
    cells = {"none": (setting(), {}), "x": (setting("1"), {"val_loss": 0.2})}
    lost = [("x", seed) for seed in range(8)]
    row = gap_table(study_of(cells, seeds=10, lost=lost))[1]
    assert (row.verdict, row.evidence) == ("diverged", "8 of 10 runs diverged; 2 runs with numbers")


def test_older_tables_have_the_words_that_they_have_evidence_for():
    cells = {"none": (setting(), {"val_loss": 0.9}), "x": (setting("1"), {"val_loss": 0.2})}
    new = words(cells, val_acc=0.5)
    assert new == {"none": "no signal shown", "x": "regularized"}
    without = ("constant_loss", "constant_acc", "collapsed")
    old = words(cells, val_acc=0.5, without=without)
    assert old == {"none": "overfits in accuracy", "x": "regularized"}
    header, rows = gap_columns(runs := study_of(cells), gap_table(runs))
    assert {"delta_val_loss", "delta_val_acc", "constant_loss", "collapsed"} <= set(header)
    assert len(rows[0]) == len(header)


def test_a_regression_has_signal_by_either(tmp_path):
    cells = {"none": (setting(), {})}
    runs = study_of(cells)
    rename = {"acc": "r2"}

    def turned(name):
        part, _, metric = name.rpartition("_")
        return f"{part}_{rename.get(metric, metric)}" if part else name

    rows = tuple(
        replace(
            row,
            metrics={turned(k): v for k, v in row.metrics.items()}
            | {"val_loss": 0.7 + row.seed / 10},
        )
        for row in runs.rows
    )
    runs = replace(runs, metrics=tuple(map(turned, runs.metrics)), rows=rows)
    assert gap_table(runs)[0].verdict in (
        "no gap shown",
        "overfits in loss only",
        "overfits in loss",
    )


# --- by training ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A net whose weights are all 0, and one that learns, of classes and of numbers."""
    found = {}
    for name in ("moons", "friedman1"):
        study = {
            "dataset": {"name": name, "n_samples": 400},
            "model": {"hidden": [8]},
            "optimizer": {"name": "adam", "lr": 0.03},
            "training": {"epochs": 20, "save_predictions": True},
            "seeds": 3,
            "sweep": {"regularizer": {"none": "none", "dead": {"l1": 10.0}}},
        }
        found[name] = regbench.run(study, out=tmp_path_factory.mktemp(name))
    return found


def test_a_net_of_zeros_has_collapsed(trained):
    for results in trained.values():
        none, dead = results.table
        assert none.verdict not in ("collapsed", "no signal shown", "")
        assert dead.verdict == "collapsed"
        assert (none.metrics["collapsed"].mean, dead.metrics["collapsed"].mean) == (0, 1)


def test_collapsed_is_what_the_predictions_say(trained):
    """NumPy on the saved predictions of the validation part."""
    for results in trained.values():
        for row in results.rows.rows:
            with np.load(results.folder / "predictions" / f"{row.run_id}.npz") as saved:
                if "val_probability" in saved:
                    p = saved["val_probability"]
                    one = len(set(p.argmax(axis=1))) == 1 or np.ptp(p, axis=0).max() < 1e-6
                else:
                    one = np.ptp(saved["val_prediction"]) < 1e-6
            assert row.metrics["collapsed"] == float(one)


def test_nothing_collapses_on_a_handful_of_rows(tmp_path):
    """Of nine rows the same class says nothing; of ten it does."""
    words = []
    for size in (9, 10):
        study = {
            "dataset": {"name": "moons", "n_samples": 100, "val_size": size / 100},
            "training": {"epochs": 1},
            "seeds": 2,
            "sweep": {"regularizer": {"dead": {"l1": 1e3}}},
        }
        found = regbench.run(study, out=tmp_path / str(size))
        words.append((found.table[0].metrics["collapsed"].mean, found.table[0].verdict))
    assert words == [(0, "no signal shown"), (1, "collapsed")]


def test_ranks_are_a_signal_where_asked_for():
    """Of a rare class the AUC says what accuracy cannot; a constant has .5."""
    cells = {"x": (setting(), {"val_loss": 0.7, "val_acc": 0.5, "val_auc": 0.8})}
    runs = study_of(cells, noise=0.001)
    row = gap_table(runs)[0]
    assert row.verdict == "overconfident"
    assert "val_auc higher by 0.2998 (" in row.evidence
    cells["x"][1]["val_auc"] = 0.5
    assert gap_table(study_of(cells, noise=0.001))[0].verdict == "no signal shown"


def test_wrong_labels_are_counted(tmp_path):
    study = {
        "dataset": {"name": "iris", "label_noise": 0.3},
        "training": {"epochs": 1},
        "seeds": 2,
    }
    found = regbench.run(study, out=tmp_path)
    for row in found.rows.rows:
        assert row.metrics["wrong_labels"] == round(row.metrics["flip_rate"] * 90)
