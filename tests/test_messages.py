"""What a file holds stays on the line of the message that speaks of it, and acts on no terminal."""

import io
import json
import shutil

import pytest
from calls import TINY
from command import regbench
from rich.console import Console
from rich.text import Text

from regbench.cli.github import annotation
from regbench.report.aligned import print_plain
from regbench.report.say import say

BREAKING = ["\v", "\f", "\x85", "\u2028", "\x1b[2J", "\u202e"]
ROWS = "".join(f"{i},{i % 5},{i % 2}\n" for i in range(40))
DATA = "{{name: csv, path: data.csv, target: {}, task: {}}}"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("messages")
    (folder / "tiny.yaml").write_text(TINY)
    assert regbench("run", "tiny.yaml", "-o", "r", "-q", cwd=folder).code == 0
    return folder


def lines_of(done):
    """All lines that a terminal would make of a command's output."""
    assert "Traceback" not in done.err
    for line in (done.out + done.err).split("\n"):
        assert line.isprintable(), repr(line)
    return done.err.split("\n")[:-1]


@pytest.mark.parametrize("odd", BREAKING, ids=ascii)
def test_no_file_makes_a_line_of_its_own(results, tmp_path, odd):
    def put(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return name

    text = f"a{odd}error: all is well"
    quoted = json.dumps(text)
    studies = {
        "key": f"dataset: iris\n{quoted}: 1\n",
        "value": f"dataset: iris\nmodel: {quoted}\n",
        "label": f"dataset: iris\nsweep: {{regularizer: {{{quoted}: none}}}}\n",
        "claim": f"dataset: iris\nexpect: [{quoted}]\n",
        "name": f"dataset: iris\nname: {quoted}\n",
        "column": f"dataset: {DATA.format(quoted, 'regression')}\n",
    }
    put("data.csv", "x,z,y\n" + ROWS)
    for name, content in studies.items():
        done = regbench("plan", put("odd.yaml", content), cwd=tmp_path)
        assert done.code in (2, 3), (name, done.err)
        (line,) = lines_of(done)
        assert line.startswith("error: "), (name, line)
    plain = put("plain.yaml", f"dataset: {DATA.format('y', 'regression')}\nseeds: 1\n")
    tables = {"a cell": f"x,z,y\n1,2,{text}\n" + ROWS, "a name": f"x,{text},{text}\n" + ROWS}
    for name, content in tables.items():
        put("data.csv", content)
        done = regbench("plan", plain, cwd=tmp_path)
        assert done.code == 3, (name, done.err)
        (line,) = lines_of(done)
        assert line.startswith("error: data.csv"), (name, line)
    runs = (results / "r" / "runs.csv").read_text().replace(",none,none,", f",{text},none,")
    put("runs.csv", runs)
    (line,) = lines_of(regbench("show", tmp_path))
    assert line.startswith(f"error: {tmp_path}")


@pytest.mark.parametrize("odd", ["\n", "\v", "\u2028"], ids=ascii)
def test_names_of_files_are_shown_on_one_line(results, tmp_path, odd):
    name = f"a{odd}b"
    study = tmp_path / f"{name}.yaml"
    study.write_text(TINY)
    shutil.copytree(results / "r", tmp_path / name)
    for arguments in (
        ["validate", study.name],
        ["validate", study.name, "no.yaml"],
        ["doctor", name],
        ["show", name],
        ["report", name, "--format", "md", "-o", f"{name}.md"],
        ["init", f"{name}/x.yaml"],
        ["check", f"{name}c"],
        [name],
        ["run", "--nope" + name],
    ):
        lines_of(regbench(*arguments, cwd=tmp_path))
    assert (tmp_path / f"{name}.md").exists()


def test_one_place_for_sentences_and_tables():
    console = Console(file=io.StringIO(), width=200, force_terminal=True, color_system="standard")
    say(console, Text.assemble("a\x85", ("b\u2028c", "bold"), " d"))
    assert console.file.getvalue() == "a\\x85\x1b[1mb\\u2028c\x1b[0m d\n"
    console = Console(file=io.StringIO(), width=200)
    say(console, "a\nb")
    print_plain(console, ["x\f", "n"], [["y\r\n", 1]])
    assert console.file.getvalue() == "a\\nb\nx\\x0c  n\ny\\r\\n  1\n"
    assert annotation("50%\n\vx", file="a\u2028") == "::error file=a\\u2028::50%25%0A\\x0bx"
