"""Textbook sentences: each has a study, is decided by what was trained, and lasts."""

import csv
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import regbench as regbench_command
from scipy.stats import t as student

from regbench.config.load import load_study
from regbench.errors import BadStudy
from regbench.textbook.finding import decided, less, near
from regbench.textbook.lessons import LESSONS
from regbench.textbook.reproduce import study_file

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "results" / "reference"
# In every test run: a lesson with a study and one of closed forms, weight decay and L1.
ALWAYS = ("l1-zeros", "weight-decay")
QUICK = [
    pytest.param(name, marks=[] if name in ALWAYS else pytest.mark.torture)
    for name, lesson in LESSONS.items()
    if lesson.quick
]


def test_every_lesson_has_its_study_and_every_study_its_lesson():
    studies = {path.stem for path in (ROOT / "configs" / "studies").glob("*.yaml")}
    assert studies == {name for name, lesson in LESSONS.items() if lesson.study}


@pytest.mark.parametrize("name", [name for name, lesson in LESSONS.items() if lesson.study])
def test_a_study_says_how_it_is_run_and_bears_its_name(name):
    path = study_file(name)
    assert f"#   regbench reproduce {name}\n" in path.read_text(encoding="utf-8")
    assert load_study(path).name == name


@pytest.mark.parametrize("name", LESSONS)
def test_the_outcome_is_kept(name):
    files = {path.name for path in (REFERENCE / name).iterdir()}
    tables = {"gap.csv", "gap.md"} if LESSONS[name].study else set()
    # A slow study's tables may be too large to keep; a quick one's are compared below.
    large = {"runs.csv"} if LESSONS[name].quick else {"runs.csv", "gap.csv"}
    assert files - large == ({"findings.csv", "figure.svg"} | tables) - large


def findings(text):
    return list(csv.DictReader(text.splitlines()))


# Rounding is another on another processor, and a training may be chaotic: what is kept of it is its
# decisions and, of its numbers, where they lie among the seeds.


def may_stay_open(finding):
    """Whether a difference is so near to 0 that the same seeds, rounded otherwise, may not decide.

    Its interval lies nearer to 0 than it is wide: that is less than two and a half times what it
    needs.
    """
    if not (
        ends := re.search(r"\((?:95% interval )?(-?[\d.e-]+) to (-?[\d.e-]+)\)", finding["found"])
    ):
        return False
    low, high = map(float, ends.groups())
    return min(abs(low), abs(high)) < high - low


def assert_decided_as_kept(found, kept):
    assert [row["what"] for row in found] == [row["what"] for row in kept]
    for row, before in zip(found, kept, strict=True):
        allowed = {before["decision"], *(["UNDECIDED"] if may_stay_open(before) else [])}
        assert row["decision"] in allowed, (row, before)


def assert_among_the_seeds(runs, gap):
    """The median over the seeds of each cell lies within two standard deviations of the kept mean.

    The standard deviation over the seeds is that of the kept interval, h sqrt(n) / t(n - 1). Mean
    and median of the same numbers are never further apart than one, and the median of a chaotic
    training's seeds drawn anew has an error of 1.25 / sqrt(n); a spike of one seed, which moves a
    mean at will, leaves it where it is.
    """
    assert list(dict.fromkeys(runs["cell"])) == list(gap["cell"])
    medians = runs.groupby("cell")[["train_loss", "val_loss", "test_loss", "weight_norm"]].median()
    for kept in gap.to_dict("records"):
        for metric, median in medians.loc[kept["cell"]].items():
            mean, n = kept[metric], kept["n"]
            if np.isnan(mean):
                assert np.isnan(median), (kept["cell"], metric)
                continue
            deviation = 0.0  # one seed, in a training that is not chaotic
            if n > 1:
                half = (kept[f"{metric}_high"] - kept[f"{metric}_low"]) / 2
                deviation = half * n**0.5 / student.ppf(0.975, n - 1)
            off = abs(median - mean)
            assert off <= 2 * deviation + 1e-3 * abs(mean), (kept["cell"], metric, median, mean)


@pytest.mark.parametrize("name", QUICK)
def test_quick_ones_come_out_as_kept(name, tmp_path):
    done = regbench_command("reproduce", name, "--out", tmp_path, "--format", "csv", "-j", 1)
    kept = findings((REFERENCE / name / "findings.csv").read_text(encoding="utf-8"))
    found = findings(done.out)
    assert_decided_as_kept(found, kept)
    assert done.code == (1 if any(row["decision"] == "FAIL" for row in found) else 0), done.err
    if LESSONS[name].study:
        runs = pd.read_csv(tmp_path / name / "runs.csv", dtype={"cell": str})
        gap = pd.read_csv(REFERENCE / name / "gap.csv", dtype={"cell": str})
        assert_among_the_seeds(runs, gap)


def test_what_is_kept_allows_chaos_and_no_more():
    kept = {"decision": "PASS", "what": "a", "found": "-0.02 (-0.04 to -0.01)"}
    for found, decision in (("-0.02 (-0.04 to -0.01)", "UNDECIDED"), ("-2 (-3 to -1)", "PASS")):
        assert_decided_as_kept([kept | {"decision": decision}], [kept | {"found": found}])
    for found, decision in (("-0.02 (-0.04 to -0.01)", "FAIL"), ("-4 (-5 to -3)", "UNDECIDED")):
        with pytest.raises(AssertionError):
            assert_decided_as_kept([kept | {"decision": decision}], [kept | {"found": found}])
    losses = np.array([0.0012, 0.0017, 0.0014, 0.0013, 0.0021])
    half = student.ppf(0.975, 4) * losses.std(ddof=1) / 5**0.5
    metrics = ("train_loss", "val_loss", "test_loss", "weight_norm")
    gap = pd.DataFrame({"cell": ["mlp"], "n": [5]})
    for metric in metrics:
        gap[metric], gap[f"{metric}_low"] = losses.mean(), losses.mean() - half
        gap[f"{metric}_high"] = losses.mean() + half
    runs = pd.DataFrame({"cell": "mlp", **dict.fromkeys(metrics, losses)})
    spike = np.array([0.2, *losses[1:]])  # the mean is 25 times what was kept
    assert_among_the_seeds(runs.assign(train_loss=spike), gap)
    for metric in metrics:
        with pytest.raises(AssertionError, match=metric):
            assert_among_the_seeds(runs.assign(**{metric: 2 * losses}), gap)


def test_a_number_is_near_within_its_tolerance_only():
    decisions = [near("x", x, 1.0, 0.1, "s").decision for x in (0.91, 1.11, float("nan"))]
    assert decisions == ["PASS", "FAIL", "FAIL"]
    assert near("x", 0.949, 949.435260384, 1.0, "s").expected == "949.4352604 ± 1"


def test_a_difference_needs_its_whole_interval_on_one_side():
    differences = ([-1.0, -1.1, -0.9], [1.0, 1.1, 0.9], [-1.0, 1.1, 0.2], [-1.0])
    decisions = [less("x", values, "s").decision for values in differences]
    assert decisions == ["PASS", "FAIL", "UNDECIDED", "UNDECIDED"]
    assert less("x", differences[0], "s", than=-2).decision == "FAIL"
    assert decided("x", "a", "b", "s", False).decision == "FAIL"


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_a_seed_without_a_number_does_not_vanish(nothing):
    found = less("x", [-1.0, -1.1, -0.9, nothing], "s")
    assert (found.decision, found.found) == ("UNDECIDED", "1 of 4 seeds have no number")


def test_without_a_name_it_lists_and_trains_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = regbench_command("reproduce", "--format", "csv")
    assert [row["study"] for row in csv.DictReader(done.out.splitlines())] == list(LESSONS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["weight-deca"], "no study 'weight-deca' to reproduce (did you mean 'weight-decay'?)"),
        (["weight-decay", "--all"], "give names, --all or --quick, not several of them"),
    ],
)
def test_what_cannot_be_reproduced_is_said(words, message):
    done = regbench_command("reproduce", *words)
    assert done.code == 2
    assert message in done.err


def test_an_installed_package_finds_its_studies_where_pip_put_them(tmp_path, monkeypatch):
    folder = tmp_path / "share" / "regbench" / "studies"
    folder.mkdir(parents=True)
    monkeypatch.setattr("regbench.textbook.reproduce.get_path", lambda name: str(tmp_path))
    monkeypatch.setattr("regbench.__file__", str(tmp_path / "site-packages/regbench/__init__.py"))
    with pytest.raises(BadStudy, match=r"weight-decay\.yaml is not in"):
        study_file("weight-decay")
    (folder / "weight-decay.yaml").touch()
    assert study_file("weight-decay") == folder / "weight-decay.yaml"


def test_the_walk_through_shows_every_lesson():
    page = (ROOT / "docs" / "textbook.md").read_text(encoding="utf-8")
    for name in LESSONS:
        assert f"(../results/reference/{name}/figure.svg)" in page, name
