"""Claims, gates and tables on odd data: ties, identical cells, values that are none, lost runs, one
seed; and intervals that speak of other rows.
"""

import csv
import io
import json
from math import inf, nan

import numpy as np
import pytest
from command import regbench
from comparison import FACTS, rows_of
from comparison import METRICS as COLUMNS
from scipy import stats

from regbench.analysis.axis_path import axis_paths
from regbench.analysis.by_seed import BySeed
from regbench.analysis.claims import LOOKING_AGAIN, decide
from regbench.analysis.gap import gap_columns, gap_table
from regbench.analysis.lost import lost
from regbench.analysis.statistics import intervals, paired_ps
from regbench.config.load import study_from_mapping
from regbench.errors import BadData, BadStudy
from regbench.results.csv_text import write_csv
from regbench.results.runs import RunRow, Runs

METRICS = ("train_loss", "val_loss", "test_loss", "gap_loss", "val_acc", "zero_fraction")


def runs_of(cells, sizes=None, key="regularizer.l2"):
    """`cells` maps (name, regularizer, setting) to metrics, one a seed; 'lost' is diverged."""
    rows = []
    for (name, label, setting), numbers in cells.items():
        for seed in range(max((len(values) for values in numbers.values()), default=3)):
            own = {m: numbers[m][seed] if m in numbers else 0.5 + seed / 100 for m in METRICS}
            gone = "lost" in own.values()
            own = dict.fromkeys(own, nan) if gone else own
            own |= {"epochs_run": 9.0, "best_epoch": 9.0, "reading_epoch": nan if gone else 9.0}
            status = "diverged" if gone else "ok"
            settings = {key: setting}
            rows.append(RunRow(f"{name}{seed}", name, label, seed, status, "", own, settings))
    known = {row.run_id: sizes for row in rows} if sizes else {}
    return Runs("study", METRICS, (key,), tuple(rows), known)


STUDY = study_from_mapping(
    {"dataset": "iris", "sweep": {"regularizer": {"none": "none", "l2": {"l2": 0.1}}}}
)
NONE, L2 = ("none", "none", "0.0"), ("l2", "l2=0.1", "0.1")


def decided(claim, none, l2, over="seeds", sizes=None):
    from regbench.config.claims import parse_claim

    by_seed = BySeed(runs_of({NONE: none, L2: l2}, sizes), over)
    return decide(parse_claim(claim), STUDY.cells, by_seed)


ACC = [0.90, 0.92, 0.95]
OTHER = {"val_loss": [0.1, 0.2, 0.3]}  # so that the cells are not identical
MORE, LESS = [0.95, 0.96, 0.99], [0.85, 0.88, 0.89]

CLAIMS = [
    # Values that tie are no evidence while other metrics differ; between identical cells they are.
    ("val_acc[l2] < val_acc[none]", {"val_acc": ACC}, {"val_acc": ACC, **OTHER}, "UNDECIDED"),
    ("val_acc[l2] <= val_acc[none]", {"val_acc": ACC}, {"val_acc": ACC, **OTHER}, "PASS"),
    ("val_acc[l2] == val_acc[none] +- 1", {"val_acc": ACC}, {"val_acc": ACC, **OTHER}, "PASS"),
    ("val_acc[l2] < val_acc[none]", {"val_acc": ACC}, {"val_acc": ACC}, "FAIL"),
    ("val_acc[l2] <= val_acc[none]", {"val_acc": ACC}, {"val_acc": ACC}, "PASS"),
    ("val_acc[l2] == val_acc[none] +- 0.1", {"val_acc": ACC}, {"val_acc": ACC}, "PASS"),
    # The same difference at each seed, to the digit: .05, which in binary is three numbers.
    ("val_acc[l2] > val_acc[none]", {"val_acc": ACC}, {"val_acc": [0.95, 0.97, 1.0]}, "UNDECIDED"),
    ("val_acc[l2] > val_acc[none]", {"val_acc": LESS}, {"val_acc": MORE}, "PASS"),
    ("val_acc[l2] < val_acc[none]", {"val_acc": LESS}, {"val_acc": MORE}, "FAIL"),
    # Against a number.
    ("val_acc[l2] < 1", {}, {"val_acc": [1.0, 1.0, 1.0]}, "UNDECIDED"),
    ("val_acc[l2] <= 1", {}, {"val_acc": [1.0, 1.0, 1.0]}, "PASS"),
    ("val_acc[l2] > 0.9", {}, {"val_acc": [1.0, 1.0, 1.0]}, "PASS"),
    # What is counted: every run.
    ("zero_fraction[l2] > 0", {}, {"zero_fraction": [0.0, 0.0, 0.0]}, "FAIL"),
    ("zero_fraction[l2] > zero_fraction[none]", {}, {"zero_fraction": [0.6, 0.7, 0.8]}, "PASS"),
    # A value that is none never passes; what fails without it fails.
    ("test_loss[l2] < 3", {}, {"test_loss": [0.9, 1.0, inf, 1.1]}, "UNDECIDED"),
    ("test_loss[l2] < 3", {}, {"test_loss": [0.9, 1.0, nan, 1.1]}, "UNDECIDED"),
    ("test_loss[l2] < 3", {}, {"test_loss": [0.9, 1.0, "lost", 1.1]}, "UNDECIDED"),
    ("test_loss[l2] < 0.5", {}, {"test_loss": [0.9, 1.0, inf, 1.1]}, "FAIL"),
    ("test_loss[l2] > test_loss[none]", {"test_loss": [0.1, 0.2, nan]}, {"test_loss": [3, 3.1, 3]},
     "UNDECIDED"),
    ("zero_fraction[l2] > 0", {}, {"zero_fraction": [0.6, nan, 0.7]}, "UNDECIDED"),
    # One seed is judged by its value.
    ("val_acc[l2] > val_acc[none]", {"val_acc": [0.8]}, {"val_acc": [0.9]}, "PASS"),
]  # fmt: skip


def test_claims_on_odd_data():
    for claim, none, l2, decision in CLAIMS:
        seeds = len(next(iter({**none, **l2}.values())))
        fill = {"train_loss": [0.5 + s / 100 for s in range(seeds)]}
        found = decided(claim, {**fill, **none}, {**fill, **l2})
        assert found.decision == decision, (claim, none, l2, found.evidence)


def test_a_claim_names_what_is_no_number_finished_runs_first():
    l2 = {"test_loss": ["lost", "lost", "lost", 1.0, 1.1, inf, 0.9]}
    found = decided("test_loss[l2] < 3", {"test_loss": [1.0] * 7}, l2)
    assert found.evidence.endswith(
        "; no number in l2 seed 5 (inf), l2 seed 0 (diverged), l2 seed 1 (diverged) and 1 more"
    )
    assert not found.advises


def test_a_claim_says_whom_it_speaks_of_and_what_it_judged():
    l2 = {"val_acc": MORE, "train_loss": [0.1, 0.2, 0.4]}
    assert "for other seeds on these data" in decided("val_acc[l2] > 0.5", {}, l2).evidence
    of_rows = decided("val_acc[l2] > 0.5", {}, l2, "rows", {"train": 60, "val": 30, "test": 30})
    assert "for other rows of this kind" in of_rows.evidence
    assert "for other" not in decided("train_loss[l2] < 5", {}, l2).evidence
    one = decided("val_acc[l2] > 0.5", {"val_acc": [0.1]}, {"val_acc": [0.9]})
    assert one.evidence.endswith("1 of 1 run, 0.9 to 0.9; one seed: the bare value is judged")


def test_advice_to_add_seeds_stands_beside_its_price(tmp_path):
    text = """\
dataset: iris
model: {hidden: [4]}
training: {epochs: 3}
seeds: 3
sweep: {regularizer: {none: none, l2: {l2: 1e-4}}}
expect: ["val_loss[l2] < val_loss[none]"]
"""
    (tmp_path / "s.yaml").write_text(text)
    done = regbench("run", tmp_path / "s.yaml", "-o", tmp_path / "r", "-q")
    assert "seeds would decide it (an estimate, at 80% power)" in done.err
    assert done.err.count(LOOKING_AGAIN) == 1
    assert "12% with looks at 3, 5 and 10 seeds, 23%" in LOOKING_AGAIN


# --- limits -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two cells of which one is dead: the same accuracy at every seed."""
    path = tmp_path_factory.mktemp("limits")
    (path / "s.yaml").write_text(
        """\
dataset: {name: iris, val_size: 0.3}
model: {hidden: [4]}
training: {epochs: 4}
seeds: 4
sweep: {regularizer: {none: none, dead: {l1: 100.0}}}
"""
    )
    assert regbench("run", path / "s.yaml", "-o", path / "r", "-q").code == 0
    assert regbench("run", path / "s.yaml", "-o", path / "one", "-q", "--seeds", 1).code == 0
    return path


LIMITS = [
    ("val_loss:99", [], 0, "PASS  val_loss:99   mean over 2 cells "),
    ("val_loss:0.01", [], 1, "error: val_loss:0.01 failed in the mean: mean over 2 cells"),
    ("val_acc:>=0.9", [], 1, "error: val_acc:>=0.9 failed in dead: "),
    ("val_acc:<=0.99999", [], 0, "PASS  val_acc"),
    ("zero_fraction:1", [], 0, "PASS  zero_fraction:1"),
    (
        "zero_fraction:<1",
        [],
        1,
        "zero_fraction:<1 failed in dead: 1 (95% interval 1 to 1); counted",
    ),
    ("gap_loss:nan", [], 2, "--max: expected metric:number, not 'gap_loss:nan'"),
    ("gap_los:1", [], 2, "not 'gap_los:1': no metric gap_los (did you mean 'gap_loss'?)"),
]


@pytest.mark.parametrize(("limit", "options", "code", "message"), LIMITS)
def test_limits(folder, limit, options, code, message):
    done = regbench("check", folder / "r", "--max", limit, *options)
    assert done.code == code, done.err
    assert message in done.err


def test_a_limit_is_no_answer_with_one_seed_but_where_it_is_asked_to(folder):
    one, limit = folder / "one", ["--max", "val_loss:99"]
    done = regbench("check", one, *limit)
    assert (done.code, "UNDECIDED  val_loss:99" in done.err) == (0, True)
    assert regbench("check", one, *limit, "--strict").code == 1
    done = regbench("check", one, *limit, "--on-value", "--strict")
    assert (done.code, "judged on the bare value (--on-value)" in done.err) == (0, True)
    assert regbench("check", one, "--max", "val_loss:0", "--on-value").code == 1


def test_limits_are_those_of_scipy(folder):
    with (folder / "r" / "runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    none = np.array([float(row["val_loss"]) for row in rows if row["cell"] == "none"])
    low, high = stats.t.interval(0.95, 3, none.mean(), stats.sem(none))
    for bound, decision in ((high * 1.01, "PASS"), (high * 0.99, "UNDECIDED")):
        done = regbench("check", folder / "r", "--max", f"val_loss:{bound}")
        first = done.err.splitlines()[0]
        assert f"{decision}  val_loss" in done.err, first
    assert low < high


# --- what is missing ------------------------------------------------------------------------------


def test_what_is_lost_is_said_first_and_by_name():
    cells = {
        NONE: {"test_loss": [1.0, inf, nan, 1.2], "val_acc": [nan] * 4},
        L2: {"test_loss": [1.0, "lost", "lost", 1.2]},
    }
    assert lost(runs_of(cells)) == [
        "2 of 8 runs diverged (2 of 4 in l2): they are in no mean below, and what is left may be "
        "the lucky ones",
        "no number for test_loss in 2 finished runs: none seed 1 (inf), none seed 2 (empty); means "
        "are over the others",
    ]
    assert lost(runs_of({NONE: {"val_acc": [nan] * 3}})) == []  # a column that it does not have


def test_lost_runs_are_the_first_line(tmp_path):
    (tmp_path / "s.yaml").write_text(
        "dataset: iris\noptimizer: {name: sgd, lr: 1e30}\ntraining: {epochs: 3}\nseeds: 2\n"
        "sweep: {optimizer.lr: [0.1, 1e30]}\nexpect: ['val_loss[0.1] < 99']\n"
    )
    run = regbench("run", tmp_path / "s.yaml", "-o", tmp_path / "r", "-q", "--allow-diverged")
    said = "warning: 2 of 4 runs diverged (2 of 2 in 1e+30): they are in no mean below"
    for done in (run, regbench("show", tmp_path / "r"), regbench("check", tmp_path / "r")):
        lines = [line for line in done.err.splitlines() if "training" not in line]
        at = next(i for i, line in enumerate(lines) if line.startswith(said))
        words = ("PASS", "FAIL", "UNDECIDED", "In ", "hint")
        assert not any(line.startswith(words) for line in lines[:at])


def test_a_comparison_says_what_is_no_number(put):
    base = {"a": {"val_loss": [0.5, 0.6, 0.7]}, "b": {"l2": 0.5, "val_loss": [0.5, 0.6, 0.7]}}
    for value in (inf, nan, None):
        new = base | {"b": {"l2": 0.5, "val_loss": [0.5, 0.6, value]}}
        files = put(f"a{value}", base), put(f"b{value}", new)
        done = regbench("compare", *files, "--metrics", "val_loss")
        assert done.code == 0
        assert "val_loss: 1 no number, 1 identical" in done.err
        what = "inf" if value == inf else "empty"
        first = done.err.splitlines()[0]
        assert first == (
            f"note: val_loss is no number, and left out: b seed 2 (0.7 in BASE, {what} in NEW)"
        )
        done = regbench("compare", *files, "--fail-on", "val_loss:+1")
        assert (done.code, "UNDECIDED  val_loss:+1" in done.err) == (3, True)
        done = regbench("compare", *files, "--fail-on", "val_loss:+1", "--missing", "ignore")
        assert "PASS" not in done.err
    gone = base | {
        "b": {"l2": 0.5, "val_loss": [0.5, 0.6, 0.7], "status": ["ok", "ok", "diverged"]}
    }
    done = regbench("compare", put("c", base), put("d", gone), "--metrics", "val_loss")
    assert "val_loss: 1 no number, 1 identical" in done.err
    assert done.err.startswith("note: the numbers of lost runs differ: b (0 diverged in BASE, 1 in")


def test_what_is_no_number_in_both_studies_passes_no_gate(put):
    for value, code in ((inf, 3), (nan, 1)):
        same = put("e", {"a": {"val_loss": [0.5, 0.6, value]}, "b": {"l2": 0.5}})
        done = regbench("compare", same, same, "--fail-on", "val_loss:5%", "--strict")
        what = "inf" if value == inf else "empty"
        named = f"UNDECIDED in a: no number in seed 2 ({what} in BASE, {what} in NEW)\n"
        assert (done.code, "PASS" in done.err, named in done.err) == (code, False, True), done.err
    empty = put("f", {"a": {"val_loss": [0.5, 0.6, 0.7], "test_loss": [nan] * 3}})
    done = regbench("compare", empty, empty, "--fail-on", "val_loss:5%", "--strict")
    assert done.code == 0, done.err  # a column without any number is one that the cell lacks


def test_studies_of_two_tasks_are_not_comparable(put):
    rows = rows_of({"a": {}})
    columns = (*FACTS, *COLUMNS)
    files = []
    for name in ("acc", "r2"):
        header = [column.replace("_acc", f"_{name}") for column in columns]
        text = write_csv(header, [[row[column] for column in columns] for row in rows])
        files.append(put(f"{name}.csv", text))
        assert regbench("compare", files[-1], files[-1], "--missing", "ignore").code == 0
    done = regbench("compare", *files, "--missing", "ignore")
    assert (done.code, done.out) == (3, ""), done.out
    assert "not comparable: a: a classification in one study" in done.err


def test_a_limit_without_any_value_ends_as_a_comparison_does(tmp_path):
    text = "dataset: iris\noptimizer: {name: sgd, lr: 1e30}\ntraining: {epochs: 3}\nseeds: 2\n"
    (tmp_path / "s.yaml").write_text(text)
    (tmp_path / "two.yaml").write_text(text + "sweep: {optimizer.lr: [0.1, 1e30]}\n")
    for name in ("s", "two"):
        regbench("run", tmp_path / f"{name}.yaml", "-o", tmp_path / name, "-q", "--allow-diverged")
    done = regbench("check", tmp_path / "s", "--max", "val_loss:9")
    assert (done.code, "UNDECIDED" in done.err) == (3, False), done.err
    named = "none seed 0 (diverged), none seed 1 (diverged)"
    assert f"error: val_loss:9: no run has a value to judge by: no number in {named}" in done.err
    done = regbench("compare", tmp_path / "s", tmp_path / "s", "--fail-on", "val_loss:+9")
    assert (done.code, f"no cell has a pair of ok runs to judge by: {named}" in done.err) == (
        3,
        True,
    )
    done = regbench("check", tmp_path / "two", "--max", "val_loss:9")  # one cell has values
    assert (done.code, "PASS" in done.err) == (0, False), done.err
    assert "note: val_loss:9: UNDECIDED in 1e+30: no number in 1e+30 seed 0 (diverged)" in done.err


def test_what_cannot_be_judged_has_no_decision_before_its_error(put):
    base = put("a", {"a": {"val_loss": [-0.1, 0.2, 0.0]}})
    new = put("b", {"a": {"val_loss": [0.1, 0.3, 0.2]}})
    done = regbench("compare", base, new, "--fail-on", "val_loss:10%")
    assert (done.code, "no share can be taken" in done.err) == (3, True), done.err
    assert not any(word in done.err for word in ("UNDECIDED", "PASS", "FAIL"))
    page = regbench("compare", base, new, "--fail-on", "val_loss:10%", "--format", "html")
    assert "UNDECIDED" not in page.out
    facts = regbench("compare", base, new, "--fail-on", "val_loss:10%", "--format", "json")
    assert json.loads(facts.out)["gates"] == []
    more = put("c", {"a": {"val_loss": [-0.1, 0.2, 0.0]}, "c": {"l2": 0.5}})
    done = regbench("compare", base, more, "--fail-on", "val_loss:+1")
    assert (done.code, "PASS" in done.err) == (3, False), done.err


def test_a_part_of_a_table_without_its_baseline(folder):
    for form in ("md", "table", "csv", "json"):
        done = regbench("show", folder / "r", "--where", "regularizer!=none", "--format", form)
        assert (done.code, "dead" in done.out) == (0, True), done.err


# --- rows -----------------------------------------------------------------------------------------

SIZES = {"train": 60, "val": 30, "test": 15}


def test_intervals_over_rows_by_hand():
    """Nadeau & Bengio 2003: variance times 1 / J + n_test / n_train, t with J - 1 degrees."""
    none, l2 = [0.5, 0.7, 0.9], [0.4, 0.55, 0.82]
    cells = {NONE: {"val_loss": none, "test_loss": none}, L2: {"val_loss": l2, "test_loss": l2}}
    table = gap_table(runs_of(cells, SIZES), over="rows")
    for metric, ratio in (("val_loss", 0.5), ("test_loss", 0.25)):
        half = stats.t.ppf(0.975, 2) * np.std(none, ddof=1) * np.sqrt(1 / 3 + ratio)
        assert table[0].metrics[metric].half == pytest.approx(half, rel=1e-12)
    d = np.array(l2) - np.array(none)
    error = d.std(ddof=1) * np.sqrt(1 / 3 + 0.5)
    delta = table[1].deltas["val_loss"]
    assert delta.interval.half == pytest.approx(stats.t.ppf(0.975, 2) * error, rel=1e-12)
    assert delta.p == pytest.approx(2 * stats.t.sf(abs(d.mean()) / error, 2), rel=1e-12)
    header, rows = gap_columns(runs_of(cells, SIZES), table)
    own = dict(zip(header, rows[1], strict=True))
    assert own["interval_method"] == "corrected t over rows, 95%"
    assert own["test_method"] == "corrected t over rows; fixed sequence, 1 family"
    assert own["delta_val_loss_high"] == delta.interval.high
    assert own["p_val_loss"] == own["p_adjusted_val_loss"] == delta.p
    # One way to intervals and tests at a time.
    with pytest.raises(BadStudy, match="goes with --method t and --test t"):
        gap_table(runs_of(cells, SIZES), over="rows", method="bca")
    with pytest.raises(BadData, match="intervals over rows need the sizes of the parts"):
        gap_table(runs_of(cells), over="rows")


def test_the_study_or_an_option_says_what_intervals_speak_of(tmp_path):
    text = "dataset: {name: iris, val_size: 0.3}\ntraining: {epochs: 2}\nseeds: 3\n"
    (tmp_path / "s.yaml").write_text(text + "sweep: {regularizer: {none: none, l2: {l2: 0.1}}}\n")
    study, out = tmp_path / "s.yaml", tmp_path / "r"
    assert regbench("run", study, "-o", out, "-q").code == 0
    before = (out / "gap.csv").read_bytes()

    def shown(*options):
        done = regbench("show", out, "--format", "csv", *options)
        assert done.code == 0, done.err
        return list(csv.DictReader(io.StringIO(done.out)))

    seeds, rows = shown(), shown("--interval", "rows")
    for a, b in zip(seeds, rows, strict=True):
        wide = float(b["val_loss_high"]) - float(b["val_loss"])
        narrow = float(a["val_loss_high"]) - float(a["val_loss"])
        # 45 rows validate, 75 train: J = 3.
        assert wide == pytest.approx(narrow * np.sqrt((1 / 3 + 45 / 75) * 3), rel=1e-9)
    assert "for other rows of the same kind" in regbench("show", out, "--interval", "rows").out
    # It is no part of what a run is: the same folder takes it up, and its table follows.
    done = regbench("run", study, "-o", out, "-q", "-s", "interval=rows")
    assert (done.code, "nothing trained" in done.err) == (0, True)
    assert shown() == rows
    assert (out / "gap.csv").read_bytes() != before
    assert regbench("doctor", out).code == 0
    assert "corrected t" in regbench("compare", out, out).out
    assert regbench("check", out, "--max", "val_loss:99").code == 0
    page = regbench("report", out, "-o", tmp_path / "r.html")
    assert (page.code, "corrected t" in (tmp_path / "r.html").read_text()) == (0, True)
    for options in (["--method", "bca"], ["--test", "wilcoxon"]):
        assert regbench("show", out, "--interval", "rows", *options).code == 2
    alone = out / "runs.csv"
    done = regbench("compare", alone, alone, "--interval", "rows")
    assert (done.code, "which a table alone does not hold" in done.err) == (3, True)
    # A split that all seeds share says nothing of other rows.
    for extra, why in (("split_seed: 1", "split_seed pins the split"),):
        (tmp_path / "p.yaml").write_text(text.replace("0.3", f"0.3, {extra}"))
        done = regbench("validate", tmp_path / "p.yaml")
        assert done.code == 0
        assert regbench("run", tmp_path / "p.yaml", "-o", tmp_path / "p", "-q").code == 0
        done = regbench("show", tmp_path / "p", "--interval", "rows")
        assert (done.code, why in done.err) == (2, True)
        (tmp_path / "q.yaml").write_text((tmp_path / "p.yaml").read_text() + "interval: rows\n")
        done = regbench("validate", tmp_path / "q.yaml")
        assert done.code == 2
        assert f"q.yaml:4:11 interval: rows speaks of other rows, and {why}" in done.err
    (tmp_path / "w.yaml").write_text(text + "interval: weeks\n")
    assert regbench("validate", tmp_path / "w.yaml").code == 2
    (tmp_path / "x.yaml").write_text(text + "sweep: {interval: [rows, seeds]}\n")
    assert "interval cannot be swept" in regbench("validate", tmp_path / "x.yaml").err


# --- tests and paths ------------------------------------------------------------------------------


def test_the_signed_rank_test_is_exact_with_ties_and_zeros():
    """Against all 2^n signs, counted one by one."""
    rows = [[1, 1, 2, 2, 3, -1], [0, 0, 1, 2, 2, -2, 5], [0.5, 0.5, 0.5, 1, 1, 1.5, -0.5, 2]]
    for row in rows:
        values = np.array(row, dtype=float)
        ranks = stats.rankdata(np.abs(values))[values != 0]
        signs = np.array(np.meshgrid(*[[0, 1]] * len(ranks))).reshape(len(ranks), -1)
        sums = ranks @ signs
        seen = ranks[values[values != 0] > 0].sum()
        expected = min(1.0, 2 * min((sums <= seen).mean(), (sums >= seen).mean()))
        assert paired_ps(values[None], "wilcoxon") == [pytest.approx(expected)]


def test_methods_are_those_that_were_used_row_by_row():
    """30 seeds of which one has lost its baseline: 29 pairs are too few for the bootstrap."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(1, 0.1, 30).tolist(), rng.normal(0.5, 0.1, 30).tolist()
    whole = {NONE: {"gap_loss": a, "val_loss": a}, L2: {"gap_loss": b, "val_loss": b}}
    first = gap_table(runs_of(whole), method="bca")[1]
    # Columns that are the same at all seeds have no interval, and so no method.
    assert first.interval_method == "BCa bootstrap, 95%"
    lost_one = {NONE: {"gap_loss": [*a[:-1], "lost"], "val_loss": a}, L2: whole[L2]}
    row = gap_table(runs_of(lost_one), method="bca")[1]
    assert row.interval_method == (
        "BCa bootstrap, 95% (Student's t, 95%: delta_gap_loss, delta_val_loss)"
    )
    # With six runs and five pairs a signed-rank test can decide nothing.
    six = {
        NONE: {"gap_loss": [*a[:5], "lost"], "val_loss": a[:6]},
        L2: {"gap_loss": b[:6], "val_loss": b[:6]},
    }
    assert gap_table(runs_of(six), test="wilcoxon")[1].test_method.startswith("paired t;")
    whole_six = {NONE: {"gap_loss": a[:6]}, L2: {"gap_loss": b[:6]}}
    row = gap_table(runs_of(whole_six), test="wilcoxon")[1]
    assert row.test_method == "Wilcoxon signed-rank, exact; fixed sequence, 1 family"
    assert row.deltas["gap_loss"].p == 2.0**-5


def test_one_standard_error_is_paired():
    """Hard splits are hard for all: a strength worse in 4 of 5 seeds is not within the error."""
    best = [0.30, 0.50, 0.70, 0.90, 1.10]
    worse = [b + d for b, d in zip(best, [0.06, 0.07, -0.01, 0.06, 0.065], strict=True)]
    same = [b + d for b, d in zip(best, [0.02, -0.01, 0.01, -0.01, 0.0], strict=True)]
    cells = {
        ("0.1", "l2=0.1", "0.1"): {"val_loss": best},
        ("0.2", "l2=0.2", "0.2"): {"val_loss": same},
        ("0.3", "l2=0.3", "0.3"): {"val_loss": worse},
    }
    runs = runs_of(cells)
    (path,) = axis_paths(runs, gap_table(runs), "regularizer.l2")
    assert np.mean(worse) - np.mean(best) < stats.sem(best)  # the unpaired error took it
    assert [path.minimum, path.one_standard_error] == [0, 1]
    assert "the largest value within one standard error is 0.2 (paired by seed)" in path.sentence


def test_one_standard_error_goes_to_the_stronger_side():
    cells = {
        (c, f"max_norm={c}", c): {"val_loss": [0.5 + d, 0.6 - d, 0.7 + d, 0.8]}
        for c, d in (("1", 0.01), ("2", 0.0), ("4", 0.01))
    }
    runs = runs_of(cells, key="regularizer.max_norm")
    (path,) = axis_paths(runs, gap_table(runs), "regularizer.max_norm")
    assert path.minimum == 1
    assert path.one_standard_error == 0
    assert "the smallest value within one standard error is 1" in path.sentence


def test_values_that_are_equal_but_for_rounding_have_no_spread():
    values = np.array([[0.93 - 0.91, 0.83 - 0.81, 0.5 - 0.48]])
    assert np.ptp(values) > 0
    assert paired_ps(values) == [None]
    (found,) = intervals(values)
    assert found.low == found.high
