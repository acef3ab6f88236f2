"""The docs say what is true today: generated parts are fresh, and every example runs."""

import contextlib
import csv
import doctest
import glob
import importlib.util
import io
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import regbench as regbench_command

import regbench
from regbench import errors
from regbench.config.load import load_study, study_from_mapping
from regbench.config.yaml_text import parse_yaml

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])

_spec = importlib.util.spec_from_file_location("generate_docs", DOCS / "generate.py")
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Set-up is what CI does anyway; these lines are not run here.
_NOT_RUN = ("make", "pip", "source", ".venv/bin/")
# Training is cut short: examples are shown at their full length, and must work at any.
_CUT = ["-s", "training.epochs=2", "--seeds", "2"]
# A study so short may well miss what it expects.
_CLAIMS = re.compile(r"error: \d+ of \d+ claims (failed|stay undecided).*")


def name_of(page):
    return str(page.relative_to(ROOT))


pages = pytest.mark.parametrize("page", PAGES, ids=name_of)


# --- generated parts ----------------------------------------------------------------------------


def test_generated_parts_are_fresh():
    assert [name_of(path) for path in generate.stale()] == []


def test_a_stale_part_is_found_and_made_anew():
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    assert generate.fresh(page.replace("--overwrite", "--overwrit")) == page
    with pytest.raises(ValueError, match="help run"):
        generate.fresh(page.replace("<!-- end of help run -->", ""))
    with pytest.raises(KeyError, match="nothing"):
        generate.fresh("<!-- generated: help nothing -->\n<!-- end of help nothing -->")


def test_the_check_names_what_is_stale_and_writes_nothing(monkeypatch, capsys):
    monkeypatch.setattr(generate, "schema_text", lambda: "{}\n")
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    before = (DOCS / "study.schema.json").read_bytes()
    assert generate.main() == 1
    assert capsys.readouterr().out == "docs/study.schema.json: stale, run `make docs`\n"
    assert (DOCS / "study.schema.json").read_bytes() == before


def test_the_generators_own_examples():
    assert doctest.testmod(generate).failed == 0


# --- what must be there -------------------------------------------------------------------------


def test_every_command_has_a_section_with_its_help():
    text = (DOCS / "cli.md").read_text(encoding="utf-8")
    for command in generate.commands():
        _, _, section = text.partition(f"\n## {command}\n")
        section = section.partition("\n## ")[0]
        assert f"Usage: regbench {command}" in section, command


def test_the_readme_shows_what_the_reference_holds():
    """Their numbers are of the same code; make reference, and run the quickstart for the README."""
    with open(ROOT / "results" / "reference" / "quickstart" / "gap.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for row in rows:
        shown = re.search(rf"^{row['cell']} +([\d. ±]+)", readme, re.MULTILINE)[1].split()[:4]
        half = (float(row["gap_loss_high"]) - float(row["gap_loss_low"])) / 2
        numbers = [float(row[name]) for name in ("train_loss", "val_loss", "gap_loss")]
        assert shown == [*(f"{number:.3f}" for number in numbers), f"±{half:.3f}"]


def test_every_exit_code_is_explained():
    text = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    explained = {int(code) for cell in cells for code in cell.split(",")}
    kinds = vars(errors).values()
    raised = {
        kind.exit_code
        for kind in kinds
        if isinstance(kind, type) and issubclass(kind, errors.RegbenchError)
    }
    assert explained == raised | {0, 130, 143}


STUDIES = [
    {
        "name": "classes",
        "dataset": {"name": "iris", "label_noise": 0.1},
        "sweep": {"regularizer": ["none", "l2"]},
    },
    {"name": "numbers", "dataset": "diabetes", "sweep": {"regularizer": ["none", "l2"]}},
]


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study["name"])
def test_every_file_and_column_is_explained(study, tmp_path):
    saved = {"epochs": 1, "save_weights": True, "save_predictions": True}
    regbench.run(study | {"seeds": 2, "training": saved}, out=tmp_path)
    text = (DOCS / "files.md").read_text(encoding="utf-8")
    for path in tmp_path.iterdir():
        assert f"`{path.name}" in text, path.name
    sections = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    metrics = set(re.findall(r"`(\w+)`", sections["runs.csv"]))
    for name in ("runs.csv", "epochs.csv", "gap.csv", "plan.csv"):
        header = (tmp_path / name).read_text(encoding="utf-8").splitlines()[0].split(",")
        explained = set(re.findall(r"`(\w+)`", sections[name]))
        for column in header:
            base = re.sub("_(low|high)$", "", column)
            of_a_metric = name == "gap.csv" and base in metrics | explained
            varies = column.startswith("regularizer.")
            assert column in explained or of_a_metric or varies, f"{name}: {column}"


# --- links and paths ----------------------------------------------------------------------------


def anchors(page):
    """What GitHub makes of a page's headings."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_links_resolve(page):
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        assert path.is_relative_to(ROOT), target
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@pages
def test_no_path_of_somebodys_machine(page):
    found = re.search(r"(?<![\w.])/(tmp|home|root|Users|usr|var)/", page.read_text("utf-8"))
    assert found is None


# --- examples -----------------------------------------------------------------------------------


@dataclass
class Command:
    """One line of a console or bash block, and the lines that the page shows under it."""

    line: str
    shown: list[str]


def commands(text, *, prompt):
    found = []
    for line in text.splitlines():
        if line.startswith("$ ") or not prompt:
            found.append(Command(line.removeprefix("$ "), []))
        else:
            found[-1].shown.append(line)
    return found


def words_of(line):
    """A shell line's words: comments dropped, globs expanded."""
    words = []
    for word in shlex.split(line, comments=True):
        words += sorted(glob.glob(word)) if "*" in word else [word]
    return words


def run_line(command, expected):
    words = words_of(command.line)
    if not words or words[0].startswith(_NOT_RUN):
        return
    if words[:3] == ["python", "-m", "regbench"]:
        words = words[2:]
    assert words[0] == "regbench", f"not a command that can be checked: {command.line}"
    target = None
    if ">" in words:
        words, target = words[: words.index(">")], words[words.index(">") + 1]
    trains = words[1] == "run"
    done = regbench_command(*words[1:], *(_CUT if trains else []))
    failures = [line for line in done.err.splitlines() if line.startswith("error: ")]
    if trains and expected == 0:
        assert all(_CLAIMS.fullmatch(line) for line in failures), done.err
        assert done.code == (1 if failures else 0), done.err
        check_table(command.shown, done.out)
    else:
        assert done.code == expected, f"{command.line}: {done.err}"
        printed = (done.out + done.err).splitlines()
        for line in command.shown:
            assert line in printed, f"{command.line}: {line}"
    if target is not None:
        assert done.out
        Path(target).write_text(done.out, encoding="utf-8")


def check_table(shown, printed):
    """A shown table has titles and cells that the command prints, though its figures differ."""
    heads = [i for i, line in enumerate(shown) if line.startswith("cell ")]
    if not heads:
        return

    def fields(line):
        return re.split(r"\s{2,}", line.strip())

    rows = printed.splitlines()
    assert set(fields(shown[heads[0]])) <= set(fields(rows[0]))
    names = [fields(row)[0] for row in rows[1:-1]]
    assert [fields(line)[0] for line in shown[heads[0] + 1 :][: len(names)]] == names


def run_block(text, *, prompt):
    found = commands(text, prompt=prompt)
    for i, command in enumerate(found):
        follows = found[i + 1] if i + 1 < len(found) else None
        if command.line == "echo $?":
            continue
        asked = follows is not None and follows.line == "echo $?"
        run_line(command, int(follows.shown[0]) if asked else 0)


def read_yaml(text):
    """Write a named study to its file, and check what it says; a fragment is checked alone."""
    value = parse_yaml(text, "docs").value
    named = re.match(r"# (\S+\.yaml)\b", text)
    if named:
        Path(named[1]).write_text(text, encoding="utf-8")
        if "broken" not in named[1]:
            load_study(named[1])
    elif isinstance(value, dict) and "dataset" in value:
        study_from_mapping(value)


@pages
def test_examples_run(page, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    namespace = {}
    for language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language in ("console", "bash"):
            run_block(text, prompt=language == "console")
        elif language == "yaml":
            read_yaml(text)
        elif language == "python" and (file := re.match(r"# (\S+\.py)\b", text)):
            Path(file[1]).write_text(text, encoding="utf-8")
        elif language == "python":
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(text, name_of(page), "exec"), namespace)
        else:
            assert language == "text", f"{name_of(page)}: a block of {language} is not checked"
