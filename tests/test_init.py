"""regbench init: what it writes runs as it is."""

import json

import pytest
import yaml
from command import regbench

from regbench.cli.init import Template
from regbench.config.load import load_study

SHORT = ("--seeds", 2, "-s", "training.epochs=2", "-q")


@pytest.mark.parametrize("template", list(Template))
def test_it_writes_a_study_that_runs(template, tmp_path):
    assert regbench("init", "mine.yaml", "-t", template.value, cwd=tmp_path).code == 0
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./study.schema.json"
    assert "#   regbench run mine.yaml" in text
    assert json.loads((tmp_path / "study.schema.json").read_text())["title"] == "regbench study"
    done = regbench("run", "mine.yaml", *SHORT, cwd=tmp_path)
    assert "error" not in done.err.replace("error: 2 of 3 claims failed", "")
    assert (tmp_path / "results" / "mine" / "gap.csv").exists()


def test_the_workflow_runs_the_study_that_it_was_written_with(tmp_path):
    regbench("init", "gate.yaml", "-t", "ci", cwd=tmp_path)
    workflow = yaml.safe_load((tmp_path / "regbench.yml").read_text(encoding="utf-8"))
    commands = [step.get("run", "") for step in workflow["jobs"]["gap"]["steps"]]
    assert "regbench validate gate.yaml --format github" in commands
    assert any(line.startswith("regbench run gate.yaml --strict") for line in commands)


@pytest.mark.parametrize(
    ("values", "task"),
    [
        (["red", "blue"] * 10, "classification"),
        ([0, 1] * 10, "classification"),
        ([0.5, 1.5] * 10, "regression"),
        (range(20), "regression"),
        ([1, 2, ""] * 10, "classification"),
    ],
)
def test_the_task_is_guessed_from_the_last_column(values, task, tmp_path):
    rows = "\n".join(f"{i},{value}" for i, value in enumerate(values))
    (tmp_path / "my table.csv").write_text(f"x,the price: $\n{rows}\n", encoding="utf-8")
    (tmp_path / "sub").mkdir()
    done = regbench(*("init", "sub/mine.yaml", "-t", "csv", "--data", "my table.csv"), cwd=tmp_path)
    assert done.code == 0, done.err
    dataset = load_study(tmp_path / "sub" / "mine.yaml").base.dataset
    assert (dataset.path, dataset.target, dataset.task) == ("../my table.csv", "the price: $", task)


def test_it_replaces_nothing_unasked(tmp_path):
    (tmp_path / "mine.csv").write_text("precious\n", encoding="utf-8")
    done = regbench("init", "mine.yaml", "-t", "csv", cwd=tmp_path)
    assert (done.code, "mine.csv: exists already and differs" in done.err) == (2, True)
    assert (tmp_path / "mine.csv").read_text(encoding="utf-8") == "precious\n"
    assert not (tmp_path / "mine.yaml").exists()
    assert regbench("init", "mine.yaml", cwd=tmp_path).code == 0
    again = regbench("init", "mine.yaml", cwd=tmp_path)
    assert (again.code, "mine.yaml: exists already" in again.err) == (2, True)
    assert regbench("init", "mine.yaml", "-t", "csv", "--force", cwd=tmp_path).code == 0
    assert (tmp_path / "mine.csv").read_text(encoding="utf-8").startswith("alcohol,")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--data", "x.csv"], 2, "--data goes with --template csv"),
        (["-t", "csv", "--data", "x.csv"], 3, "x.csv"),
        (["-t", "csv", "--data", "empty.csv"], 3, "empty.csv"),
        (["nowhere/study.yaml"], 4, "nowhere: is no folder"),
        (["study.schema.json"], 2, "choose another name"),
        (["regbench.yml", "-t", "ci"], 2, "choose another name"),
    ],
)
def test_what_cannot_be_is_said(words, code, message, tmp_path):
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    done = regbench("init", *words, cwd=tmp_path)
    assert (done.code, message in done.err) == (code, True), done.err
    assert [path.name for path in tmp_path.iterdir()] == ["empty.csv"]
