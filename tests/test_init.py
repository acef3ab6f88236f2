"""regbench init: what it writes runs as it is."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest
import yaml
from command import regbench
from pyarrow import parquet

from regbench.cli.init import Template
from regbench.config.load import load_study
from regbench.data import DataShape
from regbench.executors.suggested import suggested

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
        ([i * i for i in range(20)], "regression"),
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
        (["-t", "ci", "--data", "x.csv"], 2, "--data goes with --template csv"),
        (["--target", "y"], 2, "--target and --task go with --data"),
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


@pytest.mark.parametrize("template", list(Template))
def test_the_tools_own_example_springs_no_trap(template, tmp_path):
    regbench("init", "mine.yaml", "-t", template.value, cwd=tmp_path)
    told = json.loads(regbench("explain", "mine.yaml", "--format", "json", cwd=tmp_path).out)
    assert told["warnings"] == []
    assert [each["traps"] for each in told["explanations"] if each["traps"]] == []
    assert "adamw" in (tmp_path / "mine.yaml").read_text(encoding="utf-8")


def _lines(header, row, rows=60, begin=""):
    return begin + "\n".join([header, *(row(i) for i in range(rows))]) + "\n"


def _group(number):
    return f"{number:,}"


def _comma(number):
    return f"{number:.1f}".replace(".", ",")


# A file's bytes, and what its study has to say besides name, path, target y and task.
READ = {
    "semicolon.csv": (
        _lines("x;y", lambda i: f"{_comma(i * 1.7)};{_comma(i * i / 3)}").encode(),
        {"sep": ";", "decimal": ","},
    ),
    "tabs.txt": (_lines("x\ty", lambda i: f"{i % 7}\t{i * i / 3}").encode(), {"sep": "\t"}),
    "pipes.csv": (_lines("x|y", lambda i: f"{i % 7}|{i * i / 3}").encode(), {"sep": "|"}),
    "spaces.txt": (
        _lines("  x    y", lambda i: f"{i % 7:3d}  {i * i / 3:9.3f}").encode(),
        {"sep": " "},
    ),
    "latin.csv": (
        _lines("wär,y", lambda i: f"{i % 7},{i * i / 3}").encode("latin-1"),
        {"encoding": "latin-1"},
    ),
    "euro.csv": (
        _lines("x,y", lambda i: f"{'€' * (i % 3)}a,{i * i / 3}").encode("cp1252"),
        {"encoding": "cp1252"},
    ),
    "wide.csv": (
        _lines("x,y", lambda i: f"{i % 7},{i * i / 3}").encode("utf-16"),
        {"encoding": "utf-16"},
    ),
    "mark.csv": (_lines("x,y", lambda i: f"{i % 7},{i * i / 3}").encode("utf-8-sig"), {}),
    "packed.csv.gz": (gzip.compress(_lines("x,y", lambda i: f"{i % 7},{i * i}").encode()), {}),
    "comment.csv": (
        _lines("x,y", lambda i: f"{i % 7},{i * i}", begin="# from a shop, in May\n").encode(),
        {"comment": "#"},
    ),
    "sharp.csv": (_lines("#x,y", lambda i: f"{i % 7},{i * i}").encode(), {}),
    "index.csv": (_lines(",x,y", lambda i: f"{i},{i % 7},{i * i}").encode(), {}),
    "written-by-r.txt": (
        _lines('"x" "y"', lambda i: f'"r{i}" {i % 7} {i * i}').encode(),
        {"sep": " ", "row_names": True},
    ),
    "rows-named.csv": (
        _lines("x,y", lambda i: f"r{i},{i % 7},{i * i}").encode(),
        {"row_names": True},
    ),
    "money.csv": (
        _lines("x,y", lambda i: f'"${_group(1000 + i * i)}",{i * i}').encode(),
        {"thousands": ",", "numeric": ("x",)},
    ),
    "share.csv": (_lines("x,y", lambda i: f"{i % 7}.5 %,{i * i}").encode(), {"numeric": ("x",)}),
    "marks.csv": (
        _lines("x,y", lambda i: f"{'?' if i == 7 else i / 9},{i * i}").encode(),
        {"na_values": ("NA", "NaN", "nan", "?")},
    ),
    "blanks.csv": (
        _lines("x,y", lambda i: f"{i % 7},{'' if i == 7 else i * i}").encode(),
        {"missing_target": "drop"},
    ),
    "names.csv": (
        _lines(
            "id,when,note,x,y", lambda i: f"{i},2024-01-{1 + i % 28:02d},word {i},{i % 7},{i * i}"
        ).encode(),
        {"drop": ("id", "when", "note")},
    ),
    "parts.csv": (
        _lines("x,part,y", lambda i: f"{i % 7},{('train', 'val', 'test')[i % 3]},{i * i}").encode(),
        {"split_column": "part"},
    ),
    "units.csv": (
        _lines("w,x,y", lambda i: f"{i / 8} kg,{i % 7},{i * i}").encode(),
        {"drop": ("w",)},
    ),
    "first.csv": (_lines("y,x", lambda i: f"{i * i},{i % 7}").encode(), {}),
}


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_and_the_study_says_how(name, tmp_path):
    content, keys = READ[name]
    (tmp_path / name).write_bytes(content)
    done = regbench("init", "mine.yaml", "--data", name, cwd=tmp_path)
    assert done.code == 0, done.err
    block = load_study(tmp_path / "mine.yaml").base.dataset
    given = {key: getattr(block, key) for key in block.model_fields_set} | {"path": name}
    sizes = {} if "split_column" in keys else {"val_size": 0.25, "test_size": 0.2}
    common = {"name": "csv", "path": name, "target": "y", "task": "regression"}
    assert given == common | sizes | keys
    assert load_study(tmp_path / "mine.yaml").base.model.init == "glorot_uniform"
    for key in keys:  # each says why it is there
        lines = (tmp_path / "mine.yaml").read_text(encoding="utf-8").splitlines()
        assert [line.count("# ") for line in lines if line.startswith(f"  {key}:")] == [1], lines
    assert regbench("plan", "mine.yaml", cwd=tmp_path).code == 0


def test_of_images_it_names_convolutions_and_what_moves_them(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(60.0 * 64).reshape(60, 1, 8, 8), y=np.arange(60) % 3)
    done = regbench("init", "mine.yaml", "--data", "a.npz", cwd=tmp_path)
    assert done.code == 0, done.err
    path = tmp_path / "mine.yaml"
    text = path.read_text(encoding="utf-8")
    assert "60 of 1x8x8 (channels first), 3 classes." in text
    # What stands in comments is right as it stands.
    model = text.partition("# Also: {")[2].partition("};")[0]
    moved = text.partition("# Also: shift")[2].partition(".\n")[0]
    path.write_text(
        f"dataset: {{name: npz, path: a.npz, task: classification, layout: chw}}\n"
        f"model: {{{model}}}\nsweep: {{regularizer: {{shift{moved}}}}}\n",
        encoding="utf-8",
    )
    done = regbench("plan", "mine.yaml", cwd=tmp_path)
    assert done.code == 0, done.err


def test_files_with_types_are_read_too(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": np.arange(60) % 7, "kind": ["a", "b"] * 30})
    frame.to_parquet(tmp_path / "a.parquet")
    np.savez(tmp_path / "b.npz", x=np.arange(120.0).reshape(60, 2), y=np.arange(60) % 2)
    for name, task in (("a.parquet", "classification"), ("b.npz", "classification")):
        done = regbench("init", "mine.yaml", "--force", "--data", name, cwd=tmp_path)
        assert done.code == 0, done.err
        assert load_study(tmp_path / "mine.yaml").base.dataset.task == task
        assert regbench("plan", "mine.yaml", cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    ("last", "why"),
    [
        (lambda i: f"2024-02-{1 + i % 28}", "is a date"),
        (lambda i: f"12:{i:02d}", "is a time of day"),
        (lambda i: f"customer {i} was here", "is free text"),
        (lambda i: 1000 + i, "counts the rows"),
        (lambda i: "", "is empty"),
        (lambda i: 4, "is the same in every row"),
        (lambda i: "" if i % 9 else "ab"[i % 2], "is empty in most rows"),
    ],
)
def test_what_can_be_no_target_is_not_guessed(last, why, tmp_path):
    text = _lines("x,price,last", lambda i: f"{i % 7},{i * 1.5},{last(i)}")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    done = regbench("init", "mine.yaml", "--data", "a.csv", cwd=tmp_path)
    assert done.code == 2
    assert f"'last', {why}: name it with --target (it could be 'x', 'price')" in done.err
    assert not (tmp_path / "mine.yaml").exists()
    dated = _lines("x,price,built year", lambda i: f"{i % 7},{i * 1.5},{1990 + i % 3}")
    (tmp_path / "b.csv").write_text(dated, encoding="utf-8")
    done = regbench("init", "mine.yaml", "--data", "b.csv", cwd=tmp_path)
    assert (done.code, "'built year', is a date" in done.err) == (2, True)
    asked = ("--target", "price", "--task", "regression")
    assert regbench("init", "mine.yaml", "--data", "a.csv", *asked, cwd=tmp_path).code == 0
    assert load_study(tmp_path / "mine.yaml").base.dataset.target == "price"
    wrong = regbench("init", "b.yaml", "--data", "a.csv", "--target", "prize", cwd=tmp_path)
    assert (wrong.code, "no column 'prize'; it has 'x', 'price'" in wrong.err) == (2, True)


LETTERS, NUMBERS = "rgb", (0.5, 1.25, 7)
# What is no table with a header, or has nothing to learn from: its text, and what is said.
REFUSED = {
    "letters": (
        _lines("r,2,p", lambda i: f"{LETTERS[i % 3]},{i % 7},{'pq'[i % 2]}"),
        "line 1 looks like a row of values ('r', '2', 'p', ...)",
    ),
    "numbers and a class": (
        _lines("6,1.25,yes", lambda i: f"{i % 9},{NUMBERS[i % 3]},{('yes', 'no')[i % 2]}"),
        "line 1 looks like a row of values ('6', '1.25', 'yes', ...)",
    ),
    "values twice": (
        _lines("t,t,f,f,4", lambda i: f"t,{'tf'[i % 2]},f,f,{i % 7}"),
        "columns are called alike ('t', 'f'): is line 1 a row of values? Then add a header",
    ),
    "a title": (
        _lines("x,y,z", lambda i: f"{i % 7},{i},{i * i}", begin="Table 3: sales in May\n\n"),
        "line 1 has 1 cell, most lines have 3: the first line must be the header",
    ),
    "separators at the end": (
        _lines("x,y", lambda i: f"{i % 7},{i * i},"),
        "line 1 has 2 cells, most lines have 3: they end with a separator",
    ),
    "a spreadsheet's note": (
        _lines("x;w;y", lambda i: f"{i % 7};{i % 3};{i * i}", begin="sep=;\n"),
        "line 1 is a spreadsheet's note of its separator: remove it",
    ),
    "prose": (
        "We hold these\ntruths to be self-evident\nthat all\ntables have a header line\n",
        "and most lines have another number of cells: is it a table below a header?",
    ),
    "json": ('[{"x": 1, "y": 2},\n {"x": 3, "y": 4}]\n', "is JSON, not a table"),
    "arff": ("@relation r\n@attribute x numeric\n@data\n1,2\n", "is an ARFF file"),
    "page": ("<html><table><tr><td>1</td></tr></table></html>\n", "is a page (HTML or XML)"),
    "one row": ("x,y\n1,2\n", "has one row only"),
    "blank": ("\n  \n\n", "is empty"),
    "words only": (
        _lines("note,when,y", lambda i: f"said {i},2024-01-{1 + i % 28:02d},{i * i}"),
        "no column is left to predict 'y' from: 'note', 'when' left out (free text; dates",
    ),
}


def test_of_a_parquet_file_what_is_neither_number_nor_text_is_left_out(tmp_path):
    x = pa.array(range(40))
    table = pa.table({"x": x, "list": [[1]] * 40, "raw": [b"a"] * 40, "y": ["p", "q"] * 20})
    parquet.write_table(table, tmp_path / "a.parquet")
    done = regbench("init", "mine.yaml", "--data", "a.parquet", cwd=tmp_path)
    assert done.code == 0, done.err
    assert load_study(tmp_path / "mine.yaml").base.dataset.drop == ("list", "raw")
    parquet.write_table(pa.table([x, x], ["x", "x"]), tmp_path / "b.parquet")
    done = regbench("init", "b.yaml", "--data", "b.parquet", cwd=tmp_path)
    assert (done.code, done.err) == (3, "error: b.parquet: two columns are called 'x'\n")


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_said_in_one_line(name, tmp_path):
    text, message = REFUSED[name]
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    done = regbench("init", "mine.yaml", "--data", "a.csv", cwd=tmp_path)
    assert (done.code, done.err.count("\n"), message in done.err) == (3, 1, True), done.err
    assert not (tmp_path / "mine.yaml").exists()


@pytest.mark.parametrize("header", ["x,kind,y", "country,2019,2020", "0,1,2", "'x','kind','y'"])
def test_names_are_no_row_of_values(header, tmp_path):
    text = _lines(header, lambda i: f"{'abc'[i % 3]},{i % 7 + 2015},{i * i}")
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    done = regbench("init", "mine.yaml", "--data", "a.csv", cwd=tmp_path)
    assert done.code == 0, done.err


def test_training_fits_the_table():
    small = suggested(DataShape(178, (8,), 3), 98, (64, 64), 1e-3, 25)
    large = suggested(DataShape(539_400, (10,), 1), 296_670, (64, 64), 1e-3, 25)
    # Kernels 10 x 64, 64 x 64, 64 x 1 and 129 biases; 3 products a weight and row, 2.5e10 a second.
    assert large.parameters == 640 + 4096 + 64 + 129
    products = 3 * 4800 * 539_400 * 25 / 2.5e10 + 527 * 5e-4
    assert large.seconds == pytest.approx(large.epochs * products / 2)
    assert large.seconds <= 60 < 2 * large.seconds
    assert (small.batch, small.epochs, large.batch) == (16, 200, 1024)
    # lr * decay * steps is about 1, to one digit.
    assert small.decay == 0.7
