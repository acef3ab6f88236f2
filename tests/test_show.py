"""Parts, averages and paths of a gap table; limits and claims decided again."""

import json

import numpy as np
import pandas as pd
import pytest
from command import regbench, study

STUDY = """\
name: paths
dataset: {name: breast_cancer, train_size: 60}
model: {name: mlp, hidden: [16]}
training: {epochs: 12, batch_size: 16}
seeds: 4
sweep:
  optimizer.lr: [0.003, 0.03]
  regularizer.l2: [0, 0.01, 0.1, 1]
expect:
  - weight_norm[regularizer.l2=1] < weight_norm[regularizer.l2=0]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("paths")
    assert regbench("run", study(root, STUDY), "-o", root / "r", "-q").code == 0
    return root / "r"


def shown(folder, *options):
    done = regbench("show", folder, *options, "--format", "json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_where_and_sort_and_columns(folder):
    table = pd.read_csv(folder / "gap.csv")
    rows = shown(folder, "--where", "optimizer.lr=0.03", "--sort", "-val_loss")
    assert [r["cell"] for r in rows] == (
        table[table["optimizer.lr"] == 0.03].sort_values("val_loss", ascending=False).cell.tolist()
    )
    assert all(isinstance(r["regularizer.l2"], float) for r in rows)
    low = shown(folder, "--where", "regularizer.l2<=0.01", "--where", "optimizer.lr!=0.03")
    assert [r["regularizer.l2"] for r in low] == [0.0, 0.01]
    named = regbench("show", folder, "--columns", "cell,val_acc", "--format", "csv").out
    assert named.splitlines()[0] == "cell,val_acc"
    assert regbench("show", folder, "--where", "val_acc>2").err == "0 of 8 cells\n"
    assert "no runs" not in regbench("show", folder).out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--where", "val_acc"], "--where: expected column=value or column<number"),
        (["--where", "val_ac>1"], "--where: no column 'val_ac' (did you mean 'val_acc'?)"),
        (["--where", "val_acc>x"], "--where: > needs a number, not 'x'"),
        (["--sort", "gap"], "--sort: no column 'gap'"),
        (["--columns", "cel"], "--columns: no column 'cel' (did you mean 'cell'?)"),
        (["--along", "optimizer.l"], "does not vary here (did you mean 'optimizer.lr'?)"),
        (["--along", "optimizer.lr", "--sort", "cell"], "--along shows whole paths: leave out"),
        (["--group-by", "model"], "--group-by: no key 'model'"),
    ],
)
def test_mistakes(folder, options, message):
    done = regbench("show", folder, *options)
    assert done.code == 2
    assert message in done.err


def test_group_by_averages_within_a_seed_first(folder):
    runs = pd.read_csv(folder / "runs.csv")
    rows = {row["regularizer.l2"]: row for row in shown(folder, "--group-by", "regularizer.l2")}
    assert list(rows) == [0.0, 0.01, 0.1, 1.0]
    for value, row in rows.items():
        by_seed = runs[runs["regularizer.l2"] == value].groupby("seed").gap_loss.mean()
        assert row["n"] == 4
        assert row["gap_loss"] == pytest.approx(by_seed.mean())
        half = 3.182446305284263 * by_seed.std() / 2  # t(3, .975) s / sqrt(4)
        assert row["gap_loss_high"] - row["gap_loss"] == pytest.approx(half)


@pytest.mark.parametrize("key", ["cell", "regularizer"])
def test_grouping_by_what_every_table_names(folder, key):
    header = regbench("show", folder, "--group-by", key, "--format", "csv").out.splitlines()[0]
    assert header.split(",").count(key) == 1
    runs = pd.read_csv(folder / "runs.csv")
    assert len(shown(folder, "--group-by", key)) == runs[key].nunique()


def test_along_marks_the_minimum_and_the_one_standard_error_choice(folder):
    runs = pd.read_csv(folder / "runs.csv")
    rows = shown(folder, "--along", "regularizer.l2")
    assert len(rows) == 8
    for lr in (0.003, 0.03):
        path = [row for row in rows if float(row["optimizer.lr"]) == lr]
        own = runs[runs["optimizer.lr"] == lr]
        mean = own.groupby("regularizer.l2").val_loss.mean()
        by_seed = own.pivot_table(index="seed", columns="regularizer.l2", values="val_loss")
        assert [row["regularizer.l2"] for row in path] == mean.index.tolist()
        np.testing.assert_allclose([row["val_loss"] for row in path], mean)
        best = mean.idxmin()
        worse = by_seed.sub(by_seed[best], axis=0)  # paired: a hard split is hard for all
        within = mean.index[worse.mean() <= worse.std() / 2].max()
        choice = {row["regularizer.l2"]: row["choice"] for row in path}
        assert "minimum" in choice[best]
        assert "1-SE" in choice[within]
        assert sum("minimum" in word for word in choice.values()) == 1
    done = regbench("show", folder, "--along", "regularizer.l2")
    assert done.err.count("the largest value within one standard error is") == 2


@pytest.mark.parametrize("width", [80, 100, 120, 200])
def test_a_path_fits_the_terminal(folder, width):
    from io import StringIO

    from rich.console import Console

    from regbench.analysis.axis_path import SPARE, axis_path_columns, axis_paths
    from regbench.api import read
    from regbench.report.aligned import print_plain

    out = StringIO()
    results = read(folder)
    paths = axis_paths(results.rows, results.table, "regularizer.l2")
    found = axis_path_columns(paths, "regularizer.l2")
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    print_plain(console, *found, SPARE)
    lines = out.getvalue().splitlines()
    assert len(lines) == 9
    assert max(map(len, lines)) <= width
    for name in ("optimizer.lr", "regularizer.l2", "val_loss", "gap_loss", "choice"):
        assert name in lines[0].split()


def test_interval_and_test_can_be_chosen(folder):
    rows = shown(folder, "--method", "bca", "--test", "wilcoxon")
    assert {row["interval_method"] for row in rows} == {"Student's t, 95%"}  # 4 seeds are too few
    assert {row["test_method"] for row in rows} == {None, "paired t; fixed sequence, 2 families"}


def test_check_decides_claims_and_limits(folder):
    done = regbench("check", folder)
    assert done.code == 0
    assert done.err.startswith("PASS      weight_norm[regularizer.l2=1] < weight_norm")
    limits = regbench("check", folder, "--max", "val_loss:9", "--max", "val_acc:>=0.1")
    assert limits.code == 0
    assert limits.err.count("PASS") == 1 + 1 + 1
    broken = regbench("check", folder, "--max", "zero_fraction:-1")
    assert broken.code == 1
    assert "1 of 2 claims and limits failed" in broken.err
    assert broken.err.count("error: zero_fraction:-1 failed in ") == 8
    claim = "weight_norm[regularizer.l2=1] > weight_norm[regularizer.l2=0]"
    assert regbench("check", folder, "-e", claim).code == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max", "gap"], "--max: expected metric:number, not 'gap'"),
        (["--max", "nap_acc:1"], "--max: expected metric:number, not 'nap_acc:1'"),
        (["--max", "gap_r2:1"], "which has no gap_r2: use gap_acc"),
        (["-e", "gap_acc[x] < 1"], "--expect: no cell is called 'x'"),
        (["-e", "gap_acc[x < 1"], "--expect: expected [ and ] with a cell after gap_acc (column"),
    ],
)
def test_mistakes_in_checks(folder, options, message):
    done = regbench("check", folder, *options)
    assert done.code == 2
    assert message in done.err


def test_check_without_results_or_claims(folder, tmp_path):
    assert regbench("check", tmp_path).code == 3
    plain = study(tmp_path, STUDY[: STUDY.index("expect")] + "\n")
    regbench("run", plain, "-o", tmp_path / "r", "-q", "-s", "training.epochs=1", "--seeds", 2)
    done = regbench("check", tmp_path / "r")
    assert (done.code, "nothing to check" in done.err) == (0, True)
    # Too few seeds leave a claim open: said aloud, and with --strict it is a no.
    options = [tmp_path / "r", "--max", "gap_acc:0.001"]
    assert regbench("check", *options).code == 0
    assert regbench("check", *options, "--strict").code == 1
