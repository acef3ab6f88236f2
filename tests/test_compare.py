"""regbench compare: figures by hand and from scipy, pairing, every gate, every exit code."""

import math
import subprocess
import sys

import numpy as np
import pytest
from command import SMALL, regbench, study
from comparison import (
    BASE,
    FACTS,
    GATE,
    IGNORE,
    LOSS,
    METRICS,
    MIN3,
    MIN4,
    NEW,
    SAME,
    SURE,
    changed,
    csv_of,
    rows_of,
)
from scipy import stats

from regbench.analysis.compare import changes, default_metrics
from regbench.analysis.gate import parse_gates
from regbench.analysis.judge import Rules, judge
from regbench.analysis.pairs import Pairs
from regbench.errors import BadStudy
from regbench.results.runs import read_runs
from regbench.vocabulary.metrics import worse_sign

# --- figures ------------------------------------------------------------------------------------


def test_a_worked_example(both):
    """By hand: with two degrees of freedom t(.975) is 4.302653 and p is 1 - t / sqrt(t^2 + 2)."""
    pairs = Pairs(*map(read_runs, both))
    none, l2 = changes(pairs, "val_loss")
    # l2: mean .03, sd .01; t = .03 / (.01 / sqrt 3) = 5.196152; p = 1 - 5.196152 / 5.385165.
    assert (l2.cell, l2.n, l2.word) == ("l2", 3, "no change shown")  # for its adjusted p
    assert (l2.base, l2.new) == (pytest.approx(0.6), pytest.approx(0.63))
    assert l2.interval.mean == pytest.approx(0.03)
    assert l2.interval.low == pytest.approx(0.03 - 4.302653 * 0.01 / math.sqrt(3), rel=1e-5)
    assert l2.interval.high == pytest.approx(0.0548414, rel=1e-5)
    assert l2.p_adjusted == pytest.approx(2 * 0.0350988, rel=1e-5)  # Holm: the lower p, twice
    # none: mean .01, sd .02; t = .8660254; p = 1 - .8660254 / sqrt(2.75) = .477767.
    assert (none.word, none.interval.mean) == ("no change shown", pytest.approx(0.01))
    assert none.interval.low == pytest.approx(0.01 - 4.302653 * 0.02 / math.sqrt(3), rel=1e-5)
    assert none.p_adjusted == pytest.approx(0.4777670, rel=1e-5)
    # A fall of the accuracy is for the worse; what did not change has a point and no p.
    none, l2 = changes(pairs, "val_acc")
    assert (l2.word, l2.interval.mean) == ("worse", pytest.approx(-0.03))
    assert none.word == "equal"  # its loss changed: the cell is not identical
    assert (none.interval.mean, none.interval.low, none.interval.high) == (0.0, 0.0, 0.0)
    assert none.p_adjusted is None
    assert l2.p_adjusted == pytest.approx(0.0350988, rel=1e-5)  # the only test there is
    # Swapped, all is the other way round.
    none, l2 = changes(Pairs(*map(read_runs, reversed(both))), "val_loss")
    assert (l2.word, l2.interval.mean) == ("no change shown", pytest.approx(-0.03))
    none, l2 = changes(Pairs(*map(read_runs, reversed(both))), "val_acc")
    assert (l2.word, l2.interval.mean) == ("better", pytest.approx(0.03))


@pytest.mark.parametrize("seed", range(5))
def test_scipy_finds_the_same(put, seed):
    rng = np.random.default_rng(seed)
    cells, n = [f"c{k}" for k in range(6)], 7
    names = ("gap_loss", "val_loss", "gap_acc", "val_acc")

    def draw(shift):
        status = rng.choice(["ok", "ok", "ok", "diverged", "failed"], size=(len(cells), n))
        status[:, :3] = "ok"
        return {
            cell: {name: (rng.normal(size=n) + shift).tolist() for name in names}
            | {"status": status[k].tolist()}
            for k, cell in enumerate(cells)
        }

    base, new = draw(0.0), draw(0.7)
    pairs = Pairs(read_runs(put("a", base)), read_runs(put("b", new)))
    assert default_metrics(pairs) == names
    for name in names:
        found = changes(pairs, name)
        ps, words = {}, {}
        for change in found:
            ok = np.array(
                [
                    a == b == "ok"
                    for a, b in zip(
                        base[change.cell]["status"], new[change.cell]["status"], strict=True
                    )
                ]
            )
            x, y = (np.array(s[change.cell][name])[ok] for s in (base, new))
            test = stats.ttest_rel(y, x)
            low, high = test.confidence_interval()
            assert change.n == ok.sum()
            assert (change.base, change.new) == (pytest.approx(x.mean()), pytest.approx(y.mean()))
            assert change.interval.mean == pytest.approx((y - x).mean())
            assert change.interval.low == pytest.approx(low, rel=1e-9)
            assert change.interval.high == pytest.approx(high, rel=1e-9)
            up = worse_sign(name) > 0
            word = {(True, True): "worse", (True, False): "better"}
            word |= {(False, True): "better", (False, False): "worse"}
            words[change.cell] = word[up, low > 0]
            ps[change.cell] = test.pvalue
        highest = 0.0
        by_cell = {change.cell: change for change in found}
        for rank, cell in enumerate(sorted(ps, key=ps.get)):
            highest = max(highest, min(1.0, (len(ps) - rank) * ps[cell]))
            assert by_cell[cell].p_adjusted == pytest.approx(highest, rel=1e-9)
            assert by_cell[cell].word == (words[cell] if highest <= 0.05 else "no change shown")


def test_what_is_better_has_a_direction():
    up = ("gap_loss", "gap_acc", "gap_r2", "val_loss", "train_loss", "penalty", "stopping_regret")
    up += ("noisy_rows_acc",)  # wrong labels, known by heart
    down = ("val_acc", "test_acc", "train_acc_clean", "val_r2", "train_r2")
    down += ("clean_rows_acc", "noisy_rows_true_acc")
    assert [worse_sign(name) for name in up] == [1] * len(up)
    assert [worse_sign(name) for name in down] == [-1] * len(down)
    assert [worse_sign(n) for n in ("weight_norm", "epochs_run", "zero_fraction")] == [0, 0, 0]


def test_metrics_without_a_better_side_are_higher_or_lower(put):
    base = put("a", changed(l2={"weight_norm": [1.0, 2.0, 3.0], "zero_fraction": [0.3, 0.4, 0.5]}))
    new = put("b", changed(l2={"weight_norm": [2.0, 3.1, 4.0], "zero_fraction": [0.1, 0.2, 0.31]}))
    done = regbench("compare", base, new, "--metrics", "weight_norm, zero_fraction,epochs_run")
    assert done.code == 0, done.err
    words = [line.split("  ")[-1] for line in done.out.splitlines() if line.startswith("l2")]
    assert words == ["higher", "lower", "equal"]


# --- who is paired with whom --------------------------------------------------------------------


def pairing(put, base, new):
    pairs = Pairs(read_runs(put("a", base)), read_runs(put("b", new)))
    found = {}
    for a, b in pairs.rows:
        found.setdefault(a.cell, set()).add(b.cell)
        assert a.seed == b.seed
    return pairs, {cell: others.pop() for cell, others in found.items() if len(others) == 1}


def test_cells_are_paired_by_their_settings(put):
    """Names and order may differ, and how a number is written."""
    new = csv_of(rows_of({"ridge": {"l2": "1.25e-1"}, "plain": {"l2": "-0"}}))
    pairs, found = pairing(put, BASE, new)
    assert found == {"none": "plain", "l2": "ridge"}
    assert any("'none' is 'plain', 'l2' is 'ridge'" in note for note in pairs.notes)
    assert pairs.other_settings == []
    # Swapped names are told by what the cells are.
    pairs, found = pairing(put, BASE, {"l2": {"l2": 0.0}, "none": {"l2": 0.125}})
    assert found == {"none": "l2", "l2": "none"}


def test_cells_of_one_name_and_other_settings_are_paired_with_a_note(put):
    pairs, found = pairing(put, BASE, changed(l2={"l2": 0.5}))
    assert found == {"none": "none", "l2": "l2"}
    assert any(
        "paired by name, though their settings differ: 'l2' (regularizer.l2 0.125 in BASE, 0.5 in "
        "NEW)" in note
        for note in pairs.notes
    )
    done = regbench("compare", put("a", BASE), put("b", changed(l2={"l2": 0.5})))
    assert done.code == 0
    assert "note: paired by name" in done.err


def test_other_varying_keys_pair_by_name(put):
    rows = [row | {"optimizer.lr": 0.1} for row in rows_of(BASE)]
    header = (*FACTS, *METRICS, "optimizer.lr")
    pairs, found = pairing(put, BASE, csv_of(rows, header))
    assert found == {"none": "none", "l2": "l2"}
    assert pairs.notes[0] == (
        "other settings vary (regularizer.l2 in BASE only; optimizer.lr in NEW only): cells are "
        "paired by name"
    )


def test_two_cells_of_one_setting_are_told_by_name(put):
    """No study of regbench's has them, a file from elsewhere may."""
    alike = {"a": {"l2": 1}, "b": {"l2": 1}}
    _, found = pairing(put, alike, {"b": {"l2": 1}, "a": {"l2": 1}})
    assert found == {"a": "a", "b": "b"}


def test_one_cell_without_a_sweep(put):
    header = (*FACTS, *METRICS)
    one = csv_of(rows_of({"none": {}}), header)
    pairs, found = pairing(put, one, one)
    assert (found, pairs.notes) == ({"none": "none"}, [])


def test_other_run_ids_are_told(put):
    new = csv_of([row | {"run_id": "x" + row["run_id"]} for row in rows_of(BASE)])
    pairs, _ = pairing(put, BASE, new)
    assert pairs.notes[0].startswith("6 of 6 pairs have different run ids")


def test_only_pairs_of_ok_runs_count(put):
    status = ["ok", "diverged", "ok"]
    base = changed(l2={"val_loss": [0.5, 9.0, 0.7], "status": status})
    new = changed(l2={"val_loss": [0.6, 9.0, 0.9], "status": ["ok", "ok", "ok"]})
    # regbench leaves the numbers of a lost run empty; another program may not.
    base = csv_of([row | {"val_loss": row["val_loss"] or 9.0} for row in rows_of(base)])
    pairs, _ = pairing(put, base, new)
    assert [a.status for a, _ in pairs.rows] == ["ok"] * 4 + ["diverged", "ok"]
    l2 = changes(pairs, "val_loss")[1]
    assert (l2.n, l2.base, l2.new) == (2, pytest.approx(0.6), pytest.approx(0.75))
    assert l2.interval.mean == pytest.approx(0.15)


# --- gates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "metric", "sign", "margin", "relative"),
    [
        ("gap_acc:+0.02", "gap_acc", 1, 0.02, False),
        ("val_acc:-0.01", "val_acc", -1, 0.01, False),
        ("val_loss:5%", "val_loss", 1, 0.05, True),
        ("val_acc:5%", "val_acc", -1, 0.05, True),
        ("val_r2:.1", "val_r2", -1, 0.1, False),
        ("weight_norm:-5%", "weight_norm", -1, 0.05, True),
        (" gap_loss : + 1e-3 ", "gap_loss", 1, 0.001, False),
        ("gap_loss:0", "gap_loss", 1, 0.0, False),
    ],
)
def test_gates_are_understood(text, metric, sign, margin, relative):
    (gate,) = parse_gates([text])
    assert (gate.metric, gate.sign, gate.relative) == (metric, sign, relative)
    assert gate.margin == pytest.approx(margin)


BAD_GATES = [
    *("gap_acc", "gap_acc:", ":0.1", "gap_acc=0.1", "gap_acc:x", "gap_acc:0.1:0.2", ""),
    *("gap_acc:nan", "gap_acc:inf", "gap_acc:1e999", "gap_acc:1_0", "gap_acc:--1", "gap acc:1"),
    *("gap_acc:5%%", "gap_acc:٣", "weight_norm:5%", "gap_acc:>0.1", "val_loss:+-5%"),
]


@pytest.mark.parametrize("text", BAD_GATES)
def test_gates_that_make_no_sense(text):
    with pytest.raises(BadStudy, match="--fail-on: "):
        parse_gates([text])


def test_all_bad_gates_are_named_at_once():
    with pytest.raises(BadStudy) as caught:
        parse_gates(["a", "gap_acc:1", "weight_norm:1"])
    assert len(caught.value.problems) == 2


# SURE against BASE: val_loss of l2 moves by .03 (.0275 to .0325), of none by .01 (-.04 to .06);
# val_acc of l2 by -.03 (-.0548 to -.0052), of none not at all, though its loss does.
GATES = [
    ("val_loss:+0.06", "PASS", []),
    ("val_loss:+0.05", "UNDECIDED", []),  # none may have risen by more
    ("val_loss:+0.02", "FAIL", ["l2"]),
    ("val_loss:+0.028", "UNDECIDED", []),  # .03 by two cells at .0125 each
    ("val_loss:1%", "FAIL", ["l2"]),
    ("val_loss:4%", "UNDECIDED", []),
    ("val_loss:15%", "PASS", []),
    ("val_loss:-0.001", "UNDECIDED", []),
    ("val_loss:-0.05", "PASS", []),
    ("val_acc:-0.06", "UNDECIDED", []),  # three equal differences of none are no evidence
    ("val_acc:-0.02", "UNDECIDED", []),
    ("val_acc:-0.001", "FAIL", []),  # by the mean, which falls by .015 (.0026 to .0274)
]


@pytest.mark.parametrize(("text", "decision", "failed"), GATES)
def test_gates_by_hand(put, text, decision, failed):
    files = put("a", BASE), put("b", SURE)
    pairs = Pairs(*map(read_runs, files))
    rules = Rules(gates=parse_gates([text]))
    (outcome,) = judge(pairs, {m: changes(pairs, m) for m in (text.split(":")[0],)}, rules).outcomes
    assert outcome.decision == decision
    assert [cell.cell for cell in outcome.failed] == failed
    assert len(outcome.cells) == 2
    done = regbench("compare", *files, "--fail-on", text)
    assert done.code == (decision == "FAIL"), done.err
    assert f"{decision}  {text}   mean over 2 cells " in done.err
    assert regbench("compare", *files, "--fail-on", text, "--strict").code == (decision != "PASS")


def by_scipy(gate, base, new):
    """PASS, FAIL or UNDECIDED of cells by seeds, as the docs have it, by scipy alone."""
    shares = (
        gate.margin * np.abs(base.mean(axis=1, keepdims=True)) / base.mean(axis=1, keepdims=True)
    )
    excess = gate.sign * (new - base) - (shares * base if gate.relative else gate.margin)
    n = excess.shape[1]
    high = excess.mean(axis=1) + stats.t.ppf(0.975, n - 1) * stats.sem(excess, axis=1)
    ps = np.sort(stats.ttest_1samp(excess, 0, axis=1, alternative="greater").pvalue)
    mean = stats.ttest_1samp(excess.mean(axis=0), 0, alternative="greater").pvalue
    if ps[0] * len(ps) <= 0.025 or mean <= 0.025:  # Holm rejects any where it rejects the least
        return "FAIL"
    return "PASS" if (high <= 0).all() else "UNDECIDED"


def test_gates_are_those_of_scipy(put):
    rng = np.random.default_rng(4)
    seen = []
    for i in range(60):
        cells, seeds = int(rng.choice([1, 3, 7])), int(rng.choice([3, 5, 10]))
        base = rng.normal(rng.choice([-1.0, 1.0]), 0.05, (cells, seeds))
        new = base + rng.normal(rng.choice([0.0, 0.02, 0.1]), 0.02, (cells, seeds))
        files = [
            put(f"{name}{i}", {f"c{k}": {"val_loss": row} for k, row in enumerate(side.tolist())})
            for name, side in (("a", base), ("b", new))
        ]
        pairs = Pairs(*map(read_runs, files))
        found = {"val_loss": changes(pairs, "val_loss")}
        for text in ("val_loss:+0.03", "val_loss:-0.03", "val_loss:5%"):
            rules = Rules(gates=parse_gates([text]))
            (outcome,) = judge(pairs, found, rules).outcomes
            assert outcome.decision == by_scipy(rules.gates[0], base, new), (i, text)
            seen.append(outcome.decision)
    assert min(map(seen.count, ("PASS", "FAIL", "UNDECIDED"))) > 20


def test_the_case_that_passed_without_evidence(put):
    """Three seeds that moved by +.45, +.02 and +.30, at a margin of 5%."""
    files = (
        put("a", {"none": {"val_loss": [0.50, 0.60, 0.55]}}),
        put("b", {"none": {"val_loss": [0.95, 0.62, 0.85]}}),
    )
    done = regbench("compare", *files, "--fail-on", "val_loss:5%")
    assert done.code == 0
    assert "UNDECIDED  val_loss:5%" in done.err
    assert regbench("compare", *files, "--fail-on", "val_loss:5%", "--strict").code == 1


def test_a_gate_says_its_figures_and_its_mean_first(put):
    files = put("a", BASE), put("b", SURE)
    done = regbench("compare", *files, "--fail-on", "val_loss:1%", "--fail-on", "val_loss:+0.01")
    assert done.code == 1
    assert [line for line in done.err.splitlines() if line.startswith("error: ")] == [
        f"error: {gate} failed in l2: +0.03 (95% interval +0.02752 to +0.03248, 3 pairs), "
        f"from 0.6 to 0.63{share}"
        for gate, share in (("val_loss:1%", " (+5%)"), ("val_loss:+0.01", ""))
    ]
    # The mean's changes are .02, .0105, .0295: sd .0095.
    half = 4.302653 * np.std([0.02, 0.0105, 0.0295], ddof=1) / math.sqrt(3)
    mean = f"mean over 2 cells +0.02 (95% interval {0.02 - half:+.4g} to {0.02 + half:+.4g})"
    assert f"FAIL  val_loss:+0.01   {mean}; in l2: +0.03" in done.err
    # Both cells a little worse: neither is shown beyond by itself, the mean is.
    base = {f"c{k}": {"val_loss": LOSS} for k in range(7)}
    shifts = [[1, 3, 5], [3, 5, 1], [5, 1, 3], [2, 3, 4], [3, 4, 2], [4, 2, 3], [3, 3.1, 2.9]]
    new = {
        f"c{k}": {"val_loss": [x + 0.001 * y for x, y in zip(LOSS, shift, strict=True)]}
        for k, shift in enumerate(shifts)
    }
    done = regbench("compare", put("c", base), put("d", new), "--fail-on", "val_loss:+0.002")
    assert done.code == 1
    first = next(line for line in done.err.splitlines() if line.startswith("error: "))
    assert first.startswith(
        "error: val_loss:+0.002 failed in the mean: mean over 7 cells +0.003 (95%"
    )


def test_a_margin_is_a_decimal(put):
    """.93 - .91 is .020000000000000018 in binary: no more than .02, and no other than .83 - .81."""
    assert 0.93 - 0.91 > 0.02
    assert 0.93 - 0.91 != 0.83 - 0.81
    ones = [
        put(name, csv_of(rows_of({"c": {"val_acc": value}})[:1]))
        for name, value in (("a", 0.93), ("b", 0.91))
    ]
    for margin, code in (("0.02", 0), ("0.0199", 1)):
        done = regbench("compare", *ones, "--fail-on", f"val_acc:-{margin}", "--on-value")
        assert done.code == code, done.err
    several = (
        put("c", {"c": {"val_acc": [0.93, 0.83, 0.5]}}),
        put("d", {"c": {"val_acc": [0.91, 0.81, 0.48]}}),
    )
    (change,) = changes(Pairs(*map(read_runs, several)), "val_acc")
    assert (change.word, change.p_adjusted) == ("no spread", None)
    done = regbench("compare", *several, "--fail-on", "val_acc:-0.01")
    assert "UNDECIDED in c: all 3 differences are equal: there is no spread to judge by" in done.err


def test_a_share_of_what_is_below_0_and_of_what_may_be_0(put):
    rise = [0.0300, 0.0301, 0.0299]
    base = put("a", {"c": {"gap_loss": [-0.4, -0.4001, -0.4]}})
    new = put("b", {"c": {"gap_loss": [-0.4 + rise[0], -0.4001 + rise[1], -0.4 + rise[2]]}})
    assert regbench("compare", base, new, "--fail-on", "gap_loss:8%", "--strict").code == 0
    assert regbench("compare", base, new, "--fail-on", "gap_loss:7%").code == 1
    # A share of what may be 0 may be a share of nothing.
    base, new = (put(n, {"c": {"gap_loss": x}}) for n, x in (("c", [-1, 0, 2]), ("d", [-1, 0, 3])))
    done = regbench("compare", base, new, "--fail-on", "gap_loss:99%")
    assert done.code == 3
    assert "as BASE's interval holds it in c: give the margin as a number" in done.err
    assert regbench("compare", base, base, "--fail-on", "gap_loss:99%").code == 0  # identical


def test_one_pair_decides_nothing_but_where_it_is_asked_to(put):
    base, new = (csv_of(rows_of({"l2": {"val_loss": x}})[:1]) for x in (0.5, 0.6))
    base, new = put("base", base), put("new", new)
    done = regbench("compare", base, new, "--fail-on", "val_loss:+0.05")
    assert (done.code, "UNDECIDED  val_loss:+0.05" in done.err) == (0, True)
    assert "one pair or run decides nothing: add seeds, or give --on-value" in done.err
    assert regbench("compare", base, new, "--fail-on", "val_loss:+0.05", "--strict").code == 1
    done = regbench("compare", base, new, "--fail-on", "val_loss:+0.05", "--on-value")
    assert done.code == 1
    assert (
        "failed in l2: +0.1 (one pair), from 0.5 to 0.6; judged on the bare value (--on-value)"
    ) in done.err
    assert "one pair" in done.out
    assert "±" not in done.out.split("base and new")[0]
    done = regbench("compare", base, new, "--fail-on", "val_loss:+0.2", "--on-value", "--strict")
    assert (done.code, "judged on the bare value" in done.err) == (0, True)
    done = regbench("compare", base, base, "--fail-on", "val_loss:0", "--strict")
    assert (done.code, "identical in 1 pair" in done.err) == (0, True)


def test_what_is_counted_is_judged_run_by_run(put):
    files = put("a", {"c": {"epochs_run": 9}}), put("b", {"c": {"epochs_run": [12, 12, 15]}})
    for gate, code in (("epochs_run:+6", 0), ("epochs_run:+5", 1)):
        assert regbench("compare", *files, "--fail-on", gate, "--strict").code == code


def test_a_gate_for_the_better_is_remarked(both):
    done = regbench("compare", *both, "--fail-on", "val_acc:+0.1")
    assert "note: val_acc:+0.1 fails on a rise, which is for the better" in done.err


# --- every exit code ----------------------------------------------------------------------------

LOST = {"status": ["ok", "diverged", "ok"]}
ALL_LOST = {"status": ["diverged"] * 3}
EMPTY = {"val_acc": [None] * 3}
MORE = BASE | {"more": {"l2": 0.7}}


def shorter(cells):
    return csv_of([row for row in rows_of(cells) if row["seed"] < 2])


def without(column, cells=BASE):
    return csv_of(rows_of(cells), [name for name in (*FACTS, *METRICS) if name != column])


CASES = [
    # (BASE, NEW, options, exit code, what stderr says)
    (BASE, NEW, [], 0, "6 pairs of runs in 2 cells; gap_loss: 2 equal; val_loss: 2 no"),
    (BASE, SURE, ["--fail-on", "val_loss:1%"], 1, "val_loss:1% failed in l2"),
    (
        BASE,
        SURE,
        ["--fail-on", "val_loss:15%", "--fail-on", "val_loss:+0.02"],
        1,
        "PASS  val_loss:",
    ),
    (BASE, NEW, ["--fail-on", "val_loss:+0.06"], 0, "PASS  val_loss:+0.06"),
    (BASE, NEW, ["--fail-on", "val_loss:+0.05"], 0, "UNDECIDED  val_loss:+0.05"),
    (
        BASE,
        NEW,
        ["--fail-on", "val_loss:+0.05", "--strict"],
        1,
        "undecided (--strict): val_loss:+0",
    ),
    (BASE, NEW, ["--strict"], 0, "6 pairs"),
    # Plain equality.
    (BASE, BASE, SAME, 0, "2 identical"),
    (BASE, NEW, SAME, 1, "not equal: none seed 0: val_loss is 0.5 in BASE and 0.51 in NEW"),
    (BASE, NEW, SAME, 1, "9 values in 6 of 6 pairs of runs differ, by more than rtol 0 and atol 0"),
    (BASE, NEW, ["--atol", "0.05"], 0, "6 pairs"),
    (BASE, NEW, ["--rtol", "0.01"], 1, "not equal: none seed 0"),
    (BASE, NEW, ["--rtol", "0.07"], 0, "6 pairs"),
    (
        BASE,
        changed(none={"val_loss": [0.51, 0.6, 0.7]}),
        ["--rtol", "0.0198"],
        1,
        "not equal: none",
    ),
    (BASE, changed(none={"val_loss": [0.51, 0.6, 0.7]}), ["--rtol", "0.0201"], 0, "6 pairs"),
    (BASE, changed(l2=EMPTY), SAME, 1, "not equal: l2 seed 0: val_acc is 0.9 in BASE and empty in"),
    (changed(l2=EMPTY), changed(l2=EMPTY), SAME, 0, "no pairs"),
    (BASE, changed(l2={"epochs_run": [9, 10, 9]}), SAME, 1, "seed 1: epochs_run is 9 in BASE and"),
    (BASE, changed(l2={"best_epoch": [7, 8, 7]}), SAME, 1, "seed 1: best_epoch is 7 in BASE and 8"),
    (BASE, changed(l2={"weight_norm": 0.5}), SAME, 1, "l2 seed 0: weight_norm is 0.25 in BASE"),
    (BASE, changed(l2={"l2": 0.5}), SAME, 1, "not equal: the settings of 'l2' (regularizer.l2 0.1"),
    (changed(l2=LOST), changed(l2={"status": ["ok", "failed", "ok"]}), SAME, 1, "status is diverg"),
    # Runs that only one study has.
    (BASE, MORE, [], 3, "3 runs in NEW only: more seed 0, more seed 1, more seed 2: --missing ign"),
    (MORE, BASE, GATE, 3, "3 runs in BASE only"),
    (BASE, MORE, IGNORE, 0, "note: 3 runs in NEW only: more seed 0, more seed 1, more seed 2: lef"),
    (BASE, MORE, [*IGNORE, *GATE, *SAME], 0, "PASS"),
    (BASE, shorter(BASE), [], 3, "2 runs in BASE only: none seed 2, l2 seed 2"),
    (BASE, shorter(BASE), IGNORE, 0, "4 pairs of runs in 2 cells"),
    (BASE, shorter(BASE), [*IGNORE, *MIN3], 3, "fewer pairs than --min-seeds 3: none (2 pairs of"),
    (BASE, {"x": {"l2": 3}}, IGNORE, 3, "have no cell and seed in common: there is nothing to com"),
    (BASE, csv_of([]), IGNORE, 3, "BASE (6 runs) and NEW (0 runs) have no cell and seed in common"),
    (csv_of([]), csv_of([]), [*IGNORE, *SAME], 3, "nothing to compare"),
    # Too few pairs.
    (BASE, BASE, MIN3, 0, "6 pairs"),
    (BASE, BASE, MIN4, 3, "fewer pairs than --min-seeds 4: none (3 pairs of ok runs), l2 (3 pairs"),
    (changed(l2=LOST), changed(l2=LOST), MIN3, 3, "--min-seeds 3: l2 (2 pairs of ok runs)"),
    (
        changed(l2={"val_acc": [0.9, None, 0.9]}),
        changed(l2={"val_acc": [0.9, None, 0.9]}),
        [*MIN3, "--fail-on", "val_acc:0"],
        3,
        "--min-seeds 3: l2 (2 pairs of val_acc)",
    ),
    # Lost runs.
    (BASE, changed(l2=LOST), [], 0, "note: the numbers of lost runs differ: l2 (0 diverged in BAS"),
    (BASE, changed(l2=LOST), GATE, 1, "error: the numbers of lost runs differ: l2 (0 diverged in"),
    (changed(l2=LOST), BASE, ["--fail-on", "val_loss:+1"], 1, "1 diverged in BASE, 0 in NEW; of"),
    (changed(l2=LOST), BASE, GATE, 3, "BASE's interval holds it in l2"),  # of two seeds
    (BASE, changed(l2={"status": ["failed", "ok", "ok"]}), GATE, 1, "0 failed in BASE, 1 in NEW"),
    (BASE, changed(l2=LOST), [*GATE, "--allow-diverged"], 0, "note: the numbers of lost runs diff"),
    (changed(l2=LOST), changed(l2=LOST), GATE, 0, "PASS"),
    (BASE, changed(l2=ALL_LOST), GATE, 1, "0 diverged in BASE, 3 in NEW; of 3)"),
    (BASE, changed(l2=ALL_LOST), [*GATE, "--allow-diverged"], 0, "note: no pair of ok runs, so no"),
    (changed(l2=ALL_LOST), changed(l2=ALL_LOST), GATE, 0, "so not judged: l2"),
    (
        changed(l2=ALL_LOST, none=ALL_LOST),
        changed(l2=ALL_LOST, none=ALL_LOST),
        GATE,
        3,
        "val_loss:5%: no cell has a pair of ok runs to judge by",
    ),
    (BASE, changed(l2=ALL_LOST, none=ALL_LOST), [*GATE, "--allow-diverged"], 3, "no cell has a pa"),
    (
        changed(l2={"status": ["ok", "diverged", "diverged"]}),
        changed(l2={"status": ["diverged", "ok", "diverged"]}),
        GATE,
        3,
        "no pair of values of val_loss: l2",
    ),
    # Values that are not there.
    (BASE, changed(l2=EMPTY), ["--fail-on", "val_acc:0"], 3, "val_acc is empty in one study only:"),
    (BASE, changed(l2=EMPTY), [*IGNORE, "--fail-on", "val_acc:0"], 3, "no pair of values of val_a"),
    (changed(l2=EMPTY), changed(l2=EMPTY), ["--fail-on", "val_acc:0"], 3, "no pair of values of v"),
    (BASE, changed(l2={"val_acc": [0.9, None, 0.92]}), ["--fail-on", "val_acc:0"], 3, "l2 seed 1"),
    (
        BASE,
        changed(l2={"val_acc": [0.9, None, 0.92]}),
        [*IGNORE, "--fail-on", "val_acc:0"],
        0,
        "note: val_acc is empty in one study only: l2 seed 1: left out",
    ),
    (BASE, changed(l2=EMPTY), GATE, 0, "val_acc: 1 no number, 1 identical"),
    (
        BASE,
        changed(l2={"val_loss": [0.5, math.inf, 0.7]}),
        [*IGNORE, *GATE],
        3,
        "val_loss is infinite: l2 seed 1 (0.6 in BASE, inf in NEW)",
    ),
    (BASE, changed(l2={"val_loss": [1e308, 1.5e308, -1e308]}), GATE, 3, "val_loss is too large to"),
    (BASE, BASE, ["--fail-on", "gap_r2:0"], 3, "no column 'gap_r2' in BASE or NEW"),
    (BASE, BASE, ["--fail-on", "gap_los:0"], 3, "(did you mean 'gap_loss'?)"),
    (BASE, BASE, ["--metrics", "val_los"], 3, "(did you mean 'val_loss'?)"),
    (BASE, without("penalty"), ["--fail-on", "penalty:0"], 3, "no column 'penalty' in NEW"),
    (without("penalty"), BASE, ["--metrics", "penalty"], 3, "no column 'penalty' in BASE"),
    (BASE, without("penalty"), SAME, 3, "in one study only: 'penalty', 'regularizer.l2'"),
    (BASE, without("penalty"), [*SAME, *IGNORE], 0, "cells are paired by name"),
    # Usage.
    (BASE, BASE, ["--fail-on", "gap_acc"], 2, "--fail-on: expected METRIC:MARGIN, such as gap_acc"),
    (BASE, BASE, ["--fail-on", "weight_norm:1"], 2, "needs a sign"),
    (BASE, BASE, ["--metrics", "val_loss,,"], 2, "--metrics: expected names of columns"),
    (BASE, BASE, ["--rtol", "-1"], 2, "--rtol: expected a number from 0, not -1.0"),
    (BASE, BASE, ["--atol", "nan"], 2, "--atol: expected a number from 0, not nan"),
    (BASE, BASE, ["--rtol", "inf"], 2, "--rtol: expected a number from 0"),
    (BASE, BASE, ["--rtol", "x"], 2, "--rtol"),
    (BASE, BASE, ["--min-seeds", "0"], 2, "--min-seeds"),
    (BASE, BASE, ["--missing", "maybe"], 2, "--missing"),
    (BASE, BASE, ["--format", "xml"], 2, "--format"),
]


@pytest.mark.parametrize(("base", "new", "options", "code", "message"), CASES)
def test_exit_codes(put, base, new, options, code, message):
    done = regbench("compare", put("base.csv", base), put("new.csv", new), *options)
    assert done.code == code, done.err
    assert message in " ".join(done.err.split()) or message in done.err
    assert "Traceback" not in done.err
    assert ("error: " in done.err) == (code in (1, 2, 3)) or "Usage:" in done.err


def test_a_study_of_both_tasks_is_gated_by_each_in_its_cells(put):
    """An accuracy is empty where there is an R^2, and that is no lack."""
    header = (*FACTS, *METRICS[:8], *(f"{p}_r2" for p in ("train", "val", "test", "gap")))
    header = (*header, *METRICS[8:], "regularizer.l2")

    def two_tasks(worse):
        rows = rows_of({"classes": {}, "numbers": {}})
        for row in rows:
            mine, other = ("acc", "r2") if row["cell"] == "classes" else ("r2", "acc")
            for part in ("train", "val", "test", "gap"):
                row |= {f"{part}_{mine}": 0.5, f"{part}_{other}": None}
            row[f"gap_{mine}"] += worse * (1 + 0.01 * row["seed"])
        return csv_of(rows, header)

    gates = ["--fail-on", "gap_acc:+0.1", "--fail-on", "gap_r2:+0.1", *MIN3]
    base = put("a", two_tasks(0))
    assert regbench("compare", base, base, *gates, *SAME).code == 0
    done = regbench("compare", base, put("b", two_tasks(0.2)), *gates)
    assert done.code == 1
    assert [line.split(":")[2] for line in done.err.splitlines() if "error" in line] == [
        "+0.1 failed in classes",
        "+0.1 failed in numbers",
    ]


def test_problems_come_before_failures_and_both_are_told(put):
    """What cannot be compared is 3, though a gate failed in what can."""
    done = regbench("compare", put("a", MORE), put("b", SURE), "--fail-on", "val_loss:1%")
    assert done.code == 3
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert [e.split(":")[1].strip() for e in errors] == ["3 runs in BASE only", "val_loss"]
    assert "val_loss" in done.out


@pytest.mark.parametrize(
    "gate", [["--fail-on", f"{m}:0"] for m in ("gap_loss", "val_acc")] + [SAME]
)
def test_a_comparison_with_itself_passes_every_gate(both, gate):
    for path in both:
        done = regbench("compare", path, path, *gate, "--min-seeds", 3)
        assert done.code == 0, done.err
        assert "error" not in done.err


def test_where_there_is_nothing(tmp_path, both):
    for path, message in (
        (tmp_path / "no", "there is no such file or folder: regbench run makes one"),
        (tmp_path, "holds no runs.csv: is it a results folder?"),
    ):
        for arguments in ((path, both[0]), (both[0], path)):
            done = regbench("compare", *arguments)
            assert (done.code, done.err) == (3, f"error: {path}: {message}\n")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A study, the same once more, and one that stops far too early."""
    folder = tmp_path_factory.mktemp("trained")
    text = SMALL.replace("epochs: 4", "epochs: 20").replace("seeds: 3", "seeds: 4")
    path = study(folder, text.replace("training:", "optimizer: {name: adam, lr: 0.02}\ntraining:"))
    for name, extra in (("base", []), ("again", []), ("worse", ["-s", "training.epochs=2"])):
        done = regbench("run", path, "-o", folder / name, "-q", *extra)
        assert done.code == 0, done.err
    return folder


def test_studies_that_were_trained(trained):
    base, again, worse = (trained / name for name in ("base", "again", "worse"))
    gates = ["--fail-on", "val_loss:5%", "--fail-on", "val_acc:-0.01", "--min-seeds", 4]
    same = regbench("compare", base, again, *gates, *SAME)
    assert same.code == 0, same.err
    assert "note:" not in same.err
    done = regbench("compare", base, worse, *gates)
    assert done.code == 1
    assert "FAIL  val_loss:5%" in done.err
    assert regbench("compare", worse, base, *gates).code == 0
    # A folder or its runs.csv.
    assert regbench("compare", base / "runs.csv", worse, *gates).out == done.out


COMMAND = [sys.executable, "-m", "regbench", "compare"]


@pytest.mark.parametrize(
    ("new", "options", "code"),
    [(SURE, ["--fail-on", "val_loss:1%"], 1), (b"", [], 3)],
)
def test_a_real_process(put, new, options, code):
    command = [*COMMAND, put("a", BASE), put("b", new), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_it_starts_without_slow_libraries(both):
    slow = ("torch", "pandas", "sklearn", "scipy.stats", "matplotlib")
    code = (
        f"import sys\nsys.argv = ['regbench', 'compare', {str(both[0])!r}, {str(both[1])!r}, "
        "'--fail-on', 'val_loss:50%', '--rtol', '1']\n"
        "from regbench.cli.main import outcome\n"
        "assert outcome() == 0\n"
        f"assert not [name for name in {slow!r} if name in sys.modules]\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
