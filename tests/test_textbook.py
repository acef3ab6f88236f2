"""Textbook sentences: each has a study, is decided by what was trained, and lasts."""

import csv
from pathlib import Path

import numpy as np
import pytest
from command import regbench as regbench_command

from regbench.config.load import load_study
from regbench.errors import BadStudy
from regbench.textbook.finding import decided, less, near
from regbench.textbook.lessons import LESSONS
from regbench.textbook.reproduce import study_file

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "results" / "reference"
# What the tables of another processor may differ by.
RELATIVE, ABSOLUTE = 0.02, 0.02


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


@pytest.mark.parametrize("name", [name for name, lesson in LESSONS.items() if lesson.quick])
def test_quick_ones_come_out_as_kept(name, tmp_path):
    done = regbench_command("reproduce", name, "--out", str(tmp_path), "--format", "csv")
    kept = findings((REFERENCE / name / "findings.csv").read_text(encoding="utf-8"))
    found = findings(done.out)
    assert done.code == (1 if any(row["decision"] == "FAIL" for row in kept) else 0), done.err
    decision = {row["what"]: row["decision"] for row in kept}
    assert {row["what"]: row["decision"] for row in found} == decision
    if LESSONS[name].study:
        before, after = (
            list(csv.DictReader((folder / "gap.csv").read_text(encoding="utf-8").splitlines()))
            for folder in (REFERENCE / name, tmp_path / name)
        )
        assert [row["cell"] for row in after] == [row["cell"] for row in before]
        for metric in ("train_loss", "val_loss", "weight_norm"):
            values = [[float(row[metric] or "nan") for row in rows] for rows in (before, after)]
            np.testing.assert_allclose(values[1], values[0], RELATIVE, ABSOLUTE, err_msg=metric)


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
