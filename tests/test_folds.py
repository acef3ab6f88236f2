"""Studies with folds and groups: seeds, stacks of parts of several sizes, intervals over rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import contents, regbench, study
from planned import planned
from scipy.stats import t as student

from regbench.analysis.by_seed import BySeed
from regbench.config.load import load_study, parse_study
from regbench.data import load, part_counts
from regbench.engine.stacks import make_stacks
from regbench.errors import BadStudy
from regbench.results.planned import read_judged

# Of 178 rows 17 are left for the test part, one fold of 33 and four of 32.
FOLDS = """\
dataset: {name: wine, folds: 5, test_size: 17}
model: {hidden: [4]}
optimizer: {name: adam, lr: 0.02}
training: {epochs: 3, save_predictions: true}
sweep: {regularizer: {none: none, l1: {l1: 1e-3}}}
"""
GROUPS = """\
dataset: {name: csv, path: families.csv, target: y, task: classification, groups: family}
model: {hidden: [4]}
training: {epochs: 2}
seeds: 4
sweep: {regularizer: {none: none, drop: {dropout: 0.3}}}
"""


def families(path: Path) -> None:
    """Families of several sizes, whose members are alike."""
    rng = np.random.default_rng(0)
    family = rng.integers(0, 25, 200) ** 2 // 25
    x = rng.normal(size=(25, 3))[family] + 0.05 * rng.normal(size=(200, 3))
    frame = pd.DataFrame(x.round(3), columns=["a", "b", "c"])
    frame.assign(family=[f"f{n}" for n in family], y=family % 2).to_csv(path, index=False)


# --- what a study says ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seeds", "interval"),
    [
        ("dataset: {name: iris, folds: 4}\n", 4, "rows"),
        ("dataset: {name: iris, folds: 4}\nseeds: 8\n", 8, "rows"),
        ("dataset: {name: iris, folds: 4}\ninterval: seeds\n", 4, "seeds"),
        ("dataset: {name: iris, folds: 4, split_seed: 1}\n", 4, "seeds"),
        ("dataset: iris\n", 5, "seeds"),
        ("dataset: iris\nsweep: {dataset.folds: [2, 3, 4]}\n", 12, "rows"),
        ("dataset: iris\nsweep: {dataset.folds: {no: null, four: 4}}\n", 4, "seeds"),
    ],
)
def test_folds_decide_how_many_seeds_and_what_intervals_speak_of(
    text: str, seeds: int, interval: str
) -> None:
    found = parse_study(text)
    assert (found.seeds, found.interval) == (tuple(range(seeds)), interval)
    # As resolved it is the same study again.
    written = json.dumps(found.resolved())
    again = parse_study(written)
    assert (again.seeds, again.interval) == (found.seeds, found.interval)
    assert [run.run_id for run in planned(again).runs] == [r.run_id for r in planned(found).runs]


def test_the_default_of_the_test_part_hangs_on_folds_and_a_given_one_counts() -> None:
    sizes = {}
    for keys in ("folds: 5", "folds: 5, test_size: 0.2", "folds: 5, test_size: 0", "val_size: 0.2"):
        (cell,) = parse_study(f"dataset: {{name: iris, {keys}}}\n").cells
        sizes[keys] = part_counts(cell.setting.dataset, Path())
    assert list(sizes.values()) == [(120, 30, 0), (96, 24, 30), (120, 30, 0), (90, 30, 30)]
    ids = [
        planned(parse_study(f"dataset: {{name: iris, {keys}}}\n")).runs[0].run_id for keys in sizes
    ]
    assert ids[0] == ids[2]
    assert len(set(ids)) == 3


CSV = "name: csv, path: a, target: y, task: regression"
# Where | stands, this is said of this key.
MISTAKES = [
    ("{name: iris, folds: |1}", "dataset.folds: expected a value >= 2, not 1"),
    ("{name: iris, folds: |151}", "dataset.folds: asks for 151 folds of 150 rows"),
    (
        "{name: iris, folds: 5, val_size: |0.2}",
        "dataset.val_size: goes against folds, each of which is the validation part of a seed",
    ),
    (
        "{name: iris, folds: 5, train_size: |121}",
        "dataset.train_size: asks for 121 examples, but of 150 rows only 120 are left after 30 for "
        "validation and 0 for test",
    ),
    ("{name: iris, |groups: a}", "dataset.groups: unknown key"),
    *(
        (
            f"{{{CSV}, split_column: p, {key}: |{value}}}",
            f"dataset.{key}: goes against split_column, which brings the split",
        )
        for key, value in (("folds", 3), ("groups", "g"), ("time", "t"))
    ),
    (
        f"{{{CSV}, groups: g, time: |t}}",
        "dataset.time: goes against groups: rows are split by the one or the other",
    ),
    (
        f"{{{CSV}, time: |t, folds: 3}}",
        "dataset.time: goes against folds: most of them would be validated on what came before",
    ),
    (
        f"{{{CSV}, time: t}}\ninterval: |rows",
        "interval: rows speaks of other rows, and time makes one split for all seeds: take seeds, "
        "or leave that out",
    ),
    (
        "{name: iris, folds: 5, test_size: 9}\nexpect: ['val_acc[none] > 0', "
        "|'test_acc[none] > 0']",
        "expect[1]: interval: test_acc is of one test part for all folds, so it says nothing of "
        "other rows: take seeds",
    ),
]


@pytest.mark.parametrize(("text", "message"), MISTAKES)
def test_mistakes_name_line_and_key(text: str, message: str) -> None:
    before, after = f"dataset: {text}\n".split("|")
    with pytest.raises(BadStudy) as caught:
        parse_study(before + after, source="s.yaml")
    (problem,) = caught.value.problems
    *lines, line = before.split("\n")
    assert str(problem).startswith(f"s.yaml:{len(lines) + 1}:{len(line) + 1} {message}")


def test_an_incomplete_repeat_is_said(tmp_path: Path) -> None:
    path = study(tmp_path, "dataset: {name: iris, folds: 5}\nseeds: 7\ntraining: {epochs: 0}\n")
    said = (
        "folds: 5 needs all of the seeds 5 to 9: rows whose fold has no seed are never validated on"
    )
    assert load_study(path, seeds="10").warnings == ()
    for command in (("validate", path), ("run", path, "-o", tmp_path / "r")):
        assert said in " ".join(regbench(*command).err.split())


def test_plan_says_what_so_many_folds_decide(tmp_path: Path) -> None:
    path = study(tmp_path, FOLDS)
    n, ratio = 5, 1 / 4
    least = student.ppf(0.975, n - 1) * np.sqrt(1 / n + ratio)
    for command in ("plan", "validate"):
        assert f"beyond {least:.1f} of its own standard deviation" in " ".join(
            regbench(command, path).out.split()
        )


# --- runs -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folds")
    done = regbench("run", study(folder, FOLDS), "-o", folder / "r")
    assert done.code == 0, done.err
    assert "rows of the same kind" in done.out
    return folder


def test_every_row_outside_the_test_part_is_validated_on_once(folded: Path) -> None:
    rows = pd.read_csv(folded / "r" / "runs.csv").query("cell == 'none'")
    seen, tests = [], set()
    for run_id in rows.run_id:
        with np.load(folded / "r" / "predictions" / f"{run_id}.npz") as saved:
            seen += saved["val_ids"].tolist()
            tests.add(tuple(saved["test_ids"].tolist()))
    (test,) = tests
    assert (len(test), sorted(seen)) == (17, sorted(set(range(178)) - set(test)))


def test_parts_of_other_sizes_are_other_stacks_and_change_no_number(folded: Path) -> None:
    plan = planned(load_study(folded / "small.yaml"))
    stacks = [sorted({m.seed for m in stack.members}) for stack in make_stacks(plan.runs, folded)]
    assert stacks == [[0], [1, 2, 3, 4]]  # the fold with a row more
    rows = (folded / "r" / "runs.csv").read_text().splitlines()
    for seed in (0, 3):  # alone, and in company
        alone = folded / f"alone{seed}"
        regbench("run", folded / "small.yaml", "--seeds", f"{seed},", "-o", alone)
        assert set((alone / "runs.csv").read_text().splitlines()) <= set(rows)
    for shard in (1, 2):
        regbench("run", folded / "small.yaml", "--shard", f"{shard}/2", "-o", folded / f"s{shard}")
    done = regbench("merge", folded / "s1", folded / "s2", "-o", folded / "merged")
    assert done.code == 0, done.err
    assert contents(folded / "merged") == contents(folded / "r")


def test_another_repeat_keeps_the_first(folded: Path) -> None:
    before = (folded / "r" / "runs.csv").read_text().splitlines()
    done = regbench("run", folded / "small.yaml", "--seeds", 10, "-o", folded / "r")
    assert "10 runs trained" in done.err
    assert set(before) < set((folded / "r" / "runs.csv").read_text().splitlines())
    regbench("run", folded / "small.yaml", "-o", folded / "r")
    assert (folded / "r" / "runs.csv").read_text().splitlines() == before


def test_intervals_are_those_of_nadeau_and_bengio_and_the_test_part_has_its_own(
    folded: Path,
) -> None:
    runs = pd.read_csv(folded / "r" / "runs.csv")
    gap = pd.read_csv(folded / "r" / "gap.csv").set_index("cell")
    assert gap.interval_method["none"].startswith("corrected t over rows, 95% (Student's t, 95%: ")
    none, l1 = (runs[runs.cell == cell].set_index("seed") for cell in ("none", "l1"))
    expected = {
        ("none", "val_loss"): (none.val_loss, 1 / 4),
        ("none", "gap_acc"): (none.gap_acc, 1 / 4),
        ("l1", "delta_val_loss"): (l1.val_loss - none.val_loss, 1 / 4),
        ("none", "test_loss"): (none.test_loss, 0),
        ("none", "generalization"): (none.test_loss - none.train_loss, 0),
    }
    for (cell, name), (values, ratio) in expected.items():
        half = student.ppf(0.975, 4) * values.std() * np.sqrt(1 / 5 + ratio)
        low, high = gap.loc[cell, [f"{name}_low", f"{name}_high"]]
        assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-9)
    shown = " ".join(regbench("show", folded / "r").out.split())
    assert "on the test part, the same for all folds, over trainings alone" in shown
    assert "over seeds, given the data set" in regbench(
        "show", folded / "r", "--interval", "seeds"
    ).out.replace("\n", " ")


def test_what_the_test_part_cannot_say_is_refused(folded: Path) -> None:
    told = (
        "--interval: test_loss is of one test part for all folds, so it says nothing of other rows"
    )
    for command in (
        ("check", folded / "r", "--max", "test_loss:9"),
        ("check", folded / "r", "--expect", "test_loss[l1] < 9"),
        ("compare", folded / "r", folded / "r", "--fail-on", "test_loss:+0.1"),
    ):
        done = regbench(*command)
        assert done.code == 2, done.err
        assert told in " ".join(done.err.split())
        assert regbench(*command, "--interval", "seeds").code == 0


def test_groups_stack_by_their_sizes_and_are_as_each_alone(tmp_path: Path) -> None:
    families(tmp_path / "families.csv")
    path = study(tmp_path, GROUPS)
    assert regbench("run", path, "-o", tmp_path / "r").code == 0
    plan = planned(load_study(path))
    dataset = plan.study.cells[0].setting.dataset
    sizes = {seed: part_counts(dataset, tmp_path, seed) for seed in range(4)}
    assert len(set(sizes.values())) > 1
    for stack in make_stacks(plan.runs, tmp_path):
        assert len({sizes[member.seed] for member in stack.members}) == 1
    split = load(dataset, 2, tmp_path)
    assert sizes[2] == (len(split.train), len(split.val), len(split.test))
    rows = (tmp_path / "r" / "runs.csv").read_text().splitlines()
    for seed in range(4):
        regbench("run", path, "--seeds", f"{seed},", "-o", tmp_path / f"{seed}")
        assert set((tmp_path / f"{seed}" / "runs.csv").read_text().splitlines()) <= set(rows)
    # Of all its runs together is what an interval over rows goes by.
    runs, _ = read_judged(tmp_path / "r", "rows")
    train, val, test = np.sum(list(sizes.values()), axis=0)
    ratio = {name: BySeed(runs, "rows").ratio(name).tolist() for name in ("val_loss", "test_loss")}
    assert ratio == {"val_loss": [val / train] * 2, "test_loss": [test / train] * 2}
