"""Result tables: no damage passes for a result, and no label acts on whoever opens them."""

import json
import re
import shutil
import xml.etree.ElementTree as ET

import pandas as pd
import pytest
from command import SMALL, regbench, study
from fuzz import examples
from hypothesis import given
from hypothesis import strategies as st

from regbench import api
from regbench.errors import BadData
from regbench.report.figures import gap_figure
from regbench.report.markdown import escaped
from regbench.results.csv_text import write_csv


@pytest.fixture(scope="module")
def results(trained, tmp_path_factory):
    """A folder as regbench wrote it beside its study, and a copy to damage."""
    root = tmp_path_factory.mktemp("results")
    study(root)
    for name in ("good", "bad"):
        shutil.copytree(trained, root / name)
    return root


# Every command that reads a folder's table.
READERS = {
    "compare": ["compare", "good", "bad"],
    "baseline": ["compare", "bad", "good", "--missing", "ignore"],
    "show": ["show", "bad"],
    "check": ["check", "bad", "--max", "gap_acc:1"],
}


@st.composite
def damaged(draw, content):
    """Bytes flipped, cut, doubled or replaced; columns, quotes, NUL, marks and line ends."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        cut = draw(st.integers(0, 30))
        hostile = draw(
            st.sampled_from(
                [b"", b"\0", b'"', b"'", b",", b"\n", b"\r", b"\r\n", b"\t", b";", b"=1+1", b"-"]
            )
            | st.sampled_from([b"9" * 400, b"1e999", b"nan", b"inf", b"\xff", b"\xef\xbb\xbf"])
            | st.just("\u202e".encode())
            | st.binary(min_size=1, max_size=3)
        )
        kind = draw(st.sampled_from(["flip", "insert", "replace", "cut", "column", "whole"]))
        if kind == "flip" and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "insert":
            content[at:at] = hostile
        elif kind == "replace":
            content[at : at + cut] = hostile
        elif kind == "cut":
            del content[at:]
        elif kind == "column":
            lines = [line.split(b",") for line in bytes(content).split(b"\n")]
            place, twice = draw(st.integers(0, 25)), draw(st.booleans())
            for cells in filter(None, lines):
                cells[place : place + 1] = cells[place : place + 1] * (2 if twice else 0)
            content = bytearray(b"\n".join(b",".join(cells) for cells in lines))
        else:
            whole = [b"\r\n".join(bytes(content).split(b"\n")), bytes(content) * 2, b""]
            whole += [b"\xef\xbb\xbf" + content, bytes(content).decode("latin-1").encode("utf-16")]
            content = bytearray(draw(st.sampled_from(whole)))
    return bytes(content)


def plain(content):
    """What a mark in front and Windows's line ends leave: they change nothing."""
    return content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n")


@examples(800)
@given(data=st.data())
def test_no_damage_of_a_folder_passes(results, data):
    good = (results / "good" / "runs.csv").read_bytes()
    content = data.draw(damaged(good))
    (results / "bad" / "runs.csv").write_bytes(content)
    same = plain(content) == plain(good)
    for name in ("compare", data.draw(st.sampled_from(sorted(READERS)))):
        done = regbench(*READERS[name], cwd=results)
        assert done.code == (0 if same else 3), (name, done.err)
        if not same:
            assert "was changed since regbench wrote it" in done.err
            assert done.err.count("\n") == 1


def test_a_digit_that_flips(results):
    for name in ("runs.csv", "epochs.csv", "gap.csv"):
        good = (results / "good" / name).read_text()
        shutil.rmtree(results / "bad")
        shutil.copytree(results / "good", results / "bad")
        at = re.search(r"\.\d(\d)", good).start(1)
        (results / "bad" / name).write_text(
            good[:at] + str((int(good[at]) + 1) % 10) + good[at + 1 :]
        )
        frame = name.removesuffix(".csv")
        with pytest.raises(BadData, match=f"{name}: was changed since regbench wrote it"):
            getattr(api.Results(results / "bad", None), frame)
    shutil.rmtree(results / "bad")
    shutil.copytree(results / "good", results / "bad")


def test_the_same_command_makes_it_whole(results, tmp_path):
    shutil.copytree(results / "good", tmp_path / "x")
    good = (tmp_path / "x" / "runs.csv").read_bytes()
    (tmp_path / "x" / "runs.csv").write_bytes(good.replace(b"ok", b"no", 1))
    (tmp_path / "x" / ".regbench" / "tables.json").write_text("{")
    done = regbench("show", tmp_path / "x")
    assert done.code == 3
    assert "tables.json: cannot be understood" in done.err
    assert regbench("run", results / "small.yaml", "-o", tmp_path / "x", "-q").code == 0
    assert (tmp_path / "x" / "runs.csv").read_bytes() == good
    assert regbench("show", tmp_path / "x").code == 0


def test_a_crash_between_the_proof_and_the_table(results, tmp_path):
    """The digest is noted first: until the table follows, the one before it stands."""
    shutil.copytree(results / "good", tmp_path / "x")
    before = (tmp_path / "x" / "runs.csv").read_bytes()
    more = ["run", results / "small.yaml", "-o", tmp_path / "x", "-q", "--seeds", "4"]
    assert regbench(*more).code == 0
    assert (tmp_path / "x" / "runs.csv").read_bytes() != before
    (tmp_path / "x" / "runs.csv").write_bytes(before)
    assert regbench("show", tmp_path / "x").code == 0


@pytest.mark.parametrize(
    "hostile",
    [
        {"seeds": 10**12},
        {
            "sweep": {
                "optimizer.lr": [1 / (i + 1) for i in range(2000)],
                "regularizer.l2": list(range(2000)),
            }
        },
    ],
    ids=["seeds", "cells"],
)
def test_a_folder_about_a_study_without_end(results, tmp_path, hostile):
    shutil.copytree(results / "good", tmp_path / "x")
    path = tmp_path / "x" / ".regbench" / "study.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({**facts, "given": {**facts["given"], **hostile}}))
    for command in (["check", tmp_path / "x"], ["merge", tmp_path / "x", "-o", tmp_path / "y"]):
        done = regbench(*command)
        assert done.code in (2, 3)
        assert "more than --max-runs" in done.err


def test_a_file_alone_is_taken_for_what_it_says(results, tmp_path):
    content = (results / "good" / "runs.csv").read_bytes()
    (tmp_path / "runs.csv").write_bytes(content)
    assert regbench("compare", results / "good", tmp_path / "runs.csv").code == 0
    assert regbench("compare", results / "good", tmp_path).code == 0


# --- labels that act ------------------------------------------------------------------------------

FORMULAS = [
    *("=1+1", "=HYPERLINK(1)", "+1", "-1", "-x", "@SUM(1)", "'=x", "''+", "=cmd|' /C calc'!A0"),
    *("-", "+", "=", "@", "'", "'x", "1e3", "007", "none", "NA", "nan", "true", "-0.5", "-inf"),
]


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    sweep = {"regularizer": {label: {"l2": i / 64} for i, label in enumerate(FORMULAS)}}
    made = {
        **{"name": "labels", "dataset": "iris", "model": "linear", "seeds": 2, "sweep": sweep},
        "training": {"epochs": 1},
        "expect": ["gap_loss[=1+1] < 100", "gap_loss[-x] < gap_loss[+1]"],
    }
    api.run(made, out=folder / "out")
    return folder / "out"


def test_formulas_are_text_in_every_table(labelled):
    """As a spreadsheet opens it, and read back by pandas: labels guarded, numbers numbers."""
    for name in ("runs.csv", "epochs.csv", "gap.csv", "plan.csv"):
        frame = pd.read_csv(labelled / name, keep_default_na=False, na_values=[""])
        texts = frame.select_dtypes(exclude="number")
        assert "cell" in texts.columns
        for column in texts:
            for text in texts[column].dropna().astype(str):
                assert not re.match(r"[=+\-@\t\r]", text), (name, column, text)
    frame = pd.read_csv(labelled / "runs.csv", keep_default_na=False, na_values=[""])
    assert pd.api.types.is_float_dtype(frame["gap_loss"])
    assert (frame["gap_loss"] < 0).any()  # written as -0.1, without an apostrophe
    raw = (labelled / "runs.csv").read_text()
    assert ",'=1+1," in raw
    assert re.search(r",-0\.\d", raw)


def test_labels_come_back_as_they_were(labelled):
    read = api.read(labelled)
    assert list(dict.fromkeys(read.runs["cell"])) == FORMULAS
    assert list(dict.fromkeys(read.epochs["cell"])) == FORMULAS
    assert list(read.gap["cell"]) == FORMULAS
    assert [row.cell for row in read.rows.rows[::2]] == FORMULAS
    assert regbench("compare", labelled, labelled, "--rtol", "0").code == 0
    done = regbench("check", labelled, "--expect", "gap_loss[@SUM(1)] < 100", "--max", "gap_acc:9")
    assert done.code in (0, 1)
    assert "gap_loss[=1+1] < 100" in done.err
    assert "no cell is called" not in done.err
    shown = regbench("show", labelled, "--format", "csv").out
    assert "\n'=1+1," in shown


MARKUP = [
    *("<script>alert(1)</script>", "&lt;b&gt;", "a|b", "**b**", "`c`", "[x](javascript:1)"),
    *("![x](http://x)", "~~s~~", "$x$", "# h", "<!--", "]]>", '"><img src=x>', "\\", "_i_"),
]


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("marked")
    sweep = {"regularizer": {label: {"l2": i / 64} for i, label in enumerate(MARKUP)}}
    made = {"name": "m", "dataset": "iris", "model": "linear", "seeds": 2, "sweep": sweep}
    return api.run({**made, "training": {"epochs": 1}}, out=folder / "out")


def rendered(cell):
    """What Markdown makes of a table's cell: escapes taken off; nothing else may be left of it."""
    assert not re.search(r"(?<!\\)(\\\\)*[<>&*`\[|~$]", cell.replace("\\|", "")), cell
    return re.sub(r"\\([\\|<>&*_`\[~$])", r"\1", cell)


def test_markup_is_text_in_markdown(marked):
    text = (marked.folder / "gap.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    cells = [row.removeprefix("| ").split(" | ")[0] for row in rows]
    assert [rendered(cell) for cell in cells if not cell.startswith("---")] == MARKUP
    found = regbench("show", marked.folder, "--format", "md").out
    found += regbench("compare", marked.folder, marked.folder, "--format", "md").out
    for start in ("<script", "&lt;", "[x](java", "[x](http", "<img", "<!--", "~~s", "$x$", "**b"):
        assert not re.search(r"(?<!\\)" + re.escape(start), found), start


def test_markup_is_text_in_a_figure(marked):
    svg = gap_figure("<script>1</script>", marked.table).decode()
    root = ET.fromstring(svg)
    tags = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert not tags & {"script", "img", "a", "foreignObject", "image"}
    texts = {"".join(element.itertext()) for element in root.iter() if element.tag.endswith("text")}
    assert set(MARKUP) <= texts


def test_escaped_is_one_line():
    assert escaped("a\nb\rc\u2028d\x1be") == "a b c d e"


@pytest.mark.parametrize("character", ["\x1b", "\x07", "\r", "\n", "\u202e", "\x9b"], ids=ascii)
@pytest.mark.parametrize("column", ["cell", "study", "regularizer", "error"])
def test_no_table_acts_on_a_terminal(results, tmp_path, character, column):
    """A runs.csv may come from anywhere."""
    frame = pd.read_csv(results / "good" / "runs.csv", keep_default_na=False, dtype=str)
    frame[column] = f"a{character}[2Jb"
    rows = frame.to_numpy().tolist()
    (tmp_path / "runs.csv").write_bytes(write_csv(list(frame.columns), rows))
    done = regbench("show", tmp_path)
    assert done.code == 3
    assert character not in done.err.removesuffix("\n")


@pytest.mark.parametrize("name", ["study.json", "stacks.json", "tables.json"])
def test_facts_nested_without_end_are_data_that_cannot_be_understood(tmp_path, name):
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    assert regbench("run", path, "-o", tmp_path / "r", "-q", "--seeds", 1).code == 0
    (tmp_path / "r" / ".regbench" / name).write_text("[" * 100_000)
    for command in (["check"], ["compare", tmp_path / "r"], ["doctor"], ["show"]):
        done = regbench(*command, tmp_path / "r")
        assert done.code in (0, 1, 3), (command, done.err)
        assert done.err.count("error: ") <= 1
