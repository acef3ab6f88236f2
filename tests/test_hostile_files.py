"""Files that are hostile as bytes, and the command line's answer: one line a problem, soon."""

import io
import json
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from pathlib import Path

import numpy as np
import pytest
from command import regbench
from fuzz import each_of, examples
from hypothesis import given
from hypothesis import strategies as st
from soon import SOON, soon

from regbench.config.blocks.files import Csv
from regbench.data import fingerprint, load
from regbench.errors import BadData

CONFIGS = Path(__file__).parent.parent / "configs"
STUDIES = [path.read_bytes() for path in sorted(CONFIGS.glob("*.yaml"))]

# --- study files ----------------------------------------------------------------------------------

SCALARS = [
    *(
        "nan",
        ".nan",
        "-.inf",
        "1e400",
        "-1e400",
        "9" * 5000,
        "0x" + "f" * 900,
        "-0",
        "1_000",
        ".5.",
    ),
    *(
        "true",
        "Yes",
        "off",
        "~",
        "null",
        "''",
        '""',
        "2024-13-45",
        "2024-01-01T00:00:00Z",
        "1:60:99",
    ),
    *(
        "0o777",
        "0777",
        "0b1010",
        "1e3",
        "+1",
        "=",
        "<<",
        "*a",
        "&a",
        "&a &a x",
        "<<: *a",
        "[]",
        "{}",
    ),
    *(
        "!!python/object/apply:os.system [id]",
        "!!python/name:os.system",
        "!!binary aGk=",
        "!!set {a}",
    ),
    *(
        "!!int ''",
        "!!bool x",
        "!!timestamp x",
        "!x y",
        "! z",
        "!!merge <<",
        "!<tag:x> y",
        "|",
        ">-",
    ),
    *("'\\x00'", '"\\0"', '"\\ud800"', '"\\UFFFFFFFF"', '"\\U00110000"', '"\\e[2J"', '"\\u202e"'),
    *("[[[[[[[[", "{a: {b: {c: ", "[1e-3, 1e-3]", "[none, none]", "../../x", "/dev/zero", "a\\b"),
]
CHUNKS = [
    *(
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xff",
        b"\xc0\x80",
        b"\xed\xa0\x80",
        b"\0",
        b"\x1b[2J",
        b"\x85",
    ),
    *(b"\r", b"\r\n", b"\t", b"\n\n", b"---\n", b"...\n", b"%YAML 9.9\n---\n", b"%TAG ! x\n---\n"),
    *(
        b"\xe2\x80\xa8",
        b"\xe2\x80\xae",
        b"# \x07\n",
        b"? ",
        b"- ",
        b": ",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
    ),
]


@st.composite
def hostile_bytes(draw):
    """A study that regbench comes with, its values replaced, its lines moved and its bytes cut."""
    content = draw(st.sampled_from(STUDIES))
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(
            st.sampled_from(["value", "value", "key", "line", "chunk", "flip", "cut", "as"])
        )
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        lines = content.split(b"\n")
        line = draw(st.integers(0, len(lines) - 1))
        if kind == "value":
            start = content.find(b": ", at) + 2
            end = min(
                (e for e in (content.find(c, start) for c in (b",", b"}", b"\n")) if e >= 0),
                default=len(content),
            )
            scalar = draw(st.sampled_from(SCALARS)).encode()
            content = content[:start] + scalar + content[max(end, start) :]
        elif kind == "key":
            key, colon, rest = lines[line].partition(b":")
            name = draw(
                st.sampled_from([b"<<", b"? [a]", b"name", b"", b"sweep", b"? ", b"*a", b"''"])
            )
            indent = key[: len(key) - len(key.lstrip())]
            lines[line] = indent + name + colon + rest
            content = b"\n".join(lines)
        elif kind == "line":
            other = draw(st.sampled_from([b"", lines[line] + b"\n" + lines[line], *lines]))
            content = b"\n".join([*lines[:line], other, *lines[line + 1 :]])
        elif kind == "chunk":
            content = content[:at] + draw(st.sampled_from(CHUNKS)) + content[at:]
        elif kind == "flip" and content:
            flipped = content[at] ^ (1 << draw(st.integers(0, 7)))
            content = content[:at] + bytes([flipped]) + content[at + 1 :]
        elif kind == "cut":
            content = content[:at]
        elif kind == "as":
            text = content.decode("utf-8", "replace")
            coding = draw(st.sampled_from(["utf-16", "utf-16-le", "utf-32", "utf-8-sig", "utf-7"]))
            ends = draw(st.sampled_from(["\r\n", "\r", "\n"]))
            content = text.replace("\n", ends).encode(coding)
    return content


# Without end, beyond floats, half of a surrogate pair, a tag, an escape, a turned direction.
ODD = ["9" * 5000, "1e400", '"\\ud800"', "!!binary aGk=", '"\\e[2J"', '"\\u202e"']
NAMED = [b"name: " + scalar.encode() + b"\ndataset: iris\n" for scalar in ODD]


@examples(10_000)
@each_of(NAMED, name="content")
@given(content=hostile_bytes())
def test_a_hostile_study_file(tmp_path_factory, content):
    folder = tmp_path_factory.getbasetemp()
    path = folder / "hostile.yaml"
    path.write_bytes(content)
    for command in (["validate"], ["plan", "--max-runs", "2000"]):
        with soon():
            done = regbench(*command, path, cwd=folder)
        # A plan looks at the study's data, which may be unreadable.
        assert done.code in (0, 2, *((3,) if command[0] == "plan" else ())), done.err
        errors = [line for line in done.err.splitlines() if not line.startswith("note: ")]
        assert all(line.startswith("error: ") and line.isprintable() for line in errors), errors
        assert bool(errors) == (done.code != 0)
        assert len(set(errors)) == len(errors) <= 101


# --- data -----------------------------------------------------------------------------------------

ROWS = [
    f"{i},{i * 0.5 - 3},{'red' if i % 3 else 'blue'},{'yes' if i % 2 else 'no'}" for i in range(40)
]
TABLE = ("size,weight,colour,bought\n" + "\n".join(ROWS) + "\n").encode()
HOSTILE = [
    *(b"", b",", b'"', b'""', b"\n", b"\r", b"\r\n", b"\0", b"\t", b";", b"\xff", b"\xef\xbb\xbf"),
    *(b"9" * 400, b"1e999", b"-1e39", b"nan", b"inf", b"NA", b"=1+1", b"\x1b[2J", b"\xe2\x80\xae"),
]


@st.composite
def hostile_table(draw):
    content = bytearray(TABLE)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        kind = draw(st.sampled_from(["flip", "insert", "replace", "cut", "column", "whole"]))
        if kind == "flip" and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "insert":
            content[at:at] = draw(st.sampled_from(HOSTILE))
        elif kind == "replace":
            content[at : at + draw(st.integers(1, 30))] = draw(st.sampled_from(HOSTILE))
        elif kind == "cut":
            del content[at:]
        elif kind == "column":
            place, times = draw(st.integers(0, 3)), draw(st.sampled_from([0, 2]))
            rows = [row.split(b",") for row in bytes(content).split(b"\n")]
            for row in rows:
                row[place : place + 1] = row[place : place + 1] * times
            content = bytearray(b"\n".join(b",".join(row) for row in rows))
        else:
            text = bytes(content).decode("utf-8", "replace")
            whole = [text.replace("\n", "\r\n").encode(), text.encode("utf-16"), b"", b"\n" * 50]
            whole += [
                text.replace("\n", "\r").encode(),
                text.encode("utf-8-sig"),
                text.encode() * 2,
            ]
            content = bytearray(draw(st.sampled_from(whole)))
    return bytes(content)


def plain(content):
    """What is read of a text, whatever its line ends."""
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


# In a number, in a column's name and in a class: marks that end a line, for a reader or a terminal.
MARKS = [b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1b[2J", b"\xe2\x80\xae"]
MARKED = [
    TABLE.replace(before + after, before + mark + after, 1)
    for mark in MARKS
    for before, after in ((b"3,-1", b".5,"), (b"col", b"our"), (b"red,n", b"o"))
]


@examples(800)
@each_of(MARKED, name="content")
@given(content=hostile_table())
def test_hostile_data(tmp_path_factory, content):
    """What is taken is other data (its fingerprint says so), whole and finite."""
    folder = tmp_path_factory.getbasetemp()
    (folder / "data.csv").write_bytes(content)
    text = "dataset: {name: csv, path: data.csv, target: bought, task: classification}\nseeds: 1\n"
    (folder / "data.yaml").write_text(text)
    with soon():
        done = regbench("plan", folder / "data.yaml", cwd=folder)
    assert done.code in (0, 3), done.err
    config = Csv(name="csv", path="data.csv", target="bought", task="classification")
    if done.code == 3:
        # All problems of the file, a line each.
        told = done.err.removesuffix("\n").split("\n")
        assert 1 <= len(told) <= 21
        assert all(line.startswith("error: data.csv: ") for line in told), done.err
        assert all(line.isprintable() for line in told), done.err
    else:
        with suppress(BadData):  # such as a class that training never shows
            split = load(config, 0, folder)
            for part in (split.train, split.val, split.test):
                assert np.isfinite(part.x).all()
                assert part.x.shape == (len(part), split.inputs)
        (folder / "good.csv").write_bytes(TABLE)
        good = fingerprint(config.model_copy(update={"path": "good.csv"}), folder)
        assert (fingerprint(config, folder) == good) == (plain(content) == plain(TABLE))


# --- bounds, measured on the command itself -------------------------------------------------------


def numbers(n):
    return ", ".join(str((i + 1) / 1000) for i in range(n))


BIG_STUDIES = {
    "a byte more": "dataset: iris\n#" + "x" * (1 << 20),
    "10^9 cells": "dataset: iris\nsweep:\n"
    + "".join(f"  {key}: [{numbers(1000)}]\n" for key in ("optimizer.lr", "model.a", "training.b")),
    "10^9000 cells": "dataset: iris\nsweep:\n"
    + "".join(f"  regularizer.l{i}: [1, 2]\n" for i in range(30_000)),
    "10^9 seeds": "dataset: iris\nseeds: 1000000000\n",
    "a list of seeds": f"dataset: iris\nseeds: [{', '.join(map(str, range(140_000)))}]\n",
    "10^12 epochs": "dataset: iris\ntraining: {epochs: 1000000000000}\n",
    "10^9 units": "dataset: iris\nmodel: {hidden: [1000000000]}\n",
    "10^5 layers": f"dataset: iris\nmodel: {{hidden: [{'8,' * 100_000}]}}\n",
    "10^9 rows": "dataset: {name: moons, n_samples: 1000000000}\n",
    "unknown keys": "dataset: iris\n" + "".join(f"key{i}: 1\n" for i in range(60_000)),
    "wrong claims": "dataset: iris\nexpect:\n"
    + "".join(f"- gap_loss[x{i}] < 1\n" for i in range(40_000)),
    "strengths": f"dataset: iris\nregularizer: {{l2: [{'0.1,' * 200_000}]}}\n",
    "items": f"dataset: iris\nx: [{'a,' * 500_000}]\n",
    "tags": "dataset: iris\nx:\n" + "- !!python/name:os.system\n" * 30_000,
    "a bomb": "a0: &a0 [x, x]\n"
    + "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)),
}
BIG_TABLES = {
    "10^5 columns": ",".join(f"c{i}" for i in range(100_000)) + ",y\n" + "1," * 100_000 + "0\n",
    "a long line": "a,y\n" + "1" * 30_000_000,
    "a long field": "a,y\n" + "1" * 1_000_000 + ",2\n",
    "an open quote": 'a,y\n"' + "1,2\n" * 1_000_000,
    "one-hot columns": ",".join(f"c{i}" for i in range(100))
    + ",y\n"
    + "".join(",".join([f"v{j}"] * 100) + f",{j % 2}\n" for j in range(1000)) * 2,
}


# Commands one after the other in one small process, where each begins with the peak before it.
MEASURE = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from command import regbench
for arguments in json.loads(sys.argv[2]):
    begin = time.process_time()
    done = regbench(*arguments)
    peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
    print(json.dumps([done.code, done.err, time.process_time() - begin, int(peak) / 1024]))
"""


def measured(folder, commands):
    """Exit code, stderr, processor seconds and peak MiB of each of these commands."""
    script = [sys.executable, "-c", MEASURE, str(Path(__file__).parent)]
    command = [*script, json.dumps(commands)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_refused_soon(folder, commands, code, lines=None):
    """Each is refused soon, in lines of text (one) and in 300 MiB.

    Args:
        commands: arguments by name.
        lines: how many, where they are not one.
    """
    results = measured(folder, list(commands.values()))
    for name, (found, errors, seconds, mebibytes) in zip(commands, results, strict=True):
        assert found == code, (name, errors)
        assert errors.count("\n") == (lines or {}).get(name, 1), (name, errors)
        assert seconds < SOON, name
        assert mebibytes < 300, name


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="peak memory is not told here"
)


@needs_proc
def test_studies_out_of_bounds(tmp_path):
    commands = {}
    for i, (name, text) in enumerate(BIG_STUDIES.items()):
        (tmp_path / f"big{i}.yaml").write_text(text)
        commands[name] = ["validate", f"big{i}.yaml"]
    assert_refused_soon(tmp_path, commands, 2, {"unknown keys": 101, "wrong claims": 101})


@needs_proc
def test_data_out_of_bounds(tmp_path):
    commands = {}
    for i, (name, table) in enumerate(BIG_TABLES.items()):
        (tmp_path / f"big{i}.csv").write_text(table)
        text = f"dataset: {{name: csv, path: big{i}.csv, target: y, task: classification}}\n"
        (tmp_path / f"big{i}.yaml").write_text(text)
        commands[name] = ["plan", f"big{i}.yaml"]
    assert_refused_soon(tmp_path, commands, 3, {"a long field": 2})  # it is infinite; one class


@needs_proc
def test_tables_of_results_out_of_bounds(tmp_path):
    tables = {name: BIG_TABLES[name] for name in ("10^5 columns", "a long field")}
    tables["rows of nothing"] = "a,b\n" + "1\n" * 1_000_000
    for name, text in tables.items():
        (tmp_path / f"{name}.csv").write_text(text)
    commands = {name: ["compare", f"{name}.csv", f"{name}.csv"] for name in tables}
    assert_refused_soon(tmp_path, commands, 3)


def test_what_is_printed_of_a_big_study_is_short(tmp_path):
    out = io.StringIO()
    (tmp_path / "big.yaml").write_text(BIG_STUDIES["unknown keys"])
    with redirect_stdout(out):
        done = regbench("validate", tmp_path / "big.yaml")
    assert done.err.endswith("there are more problems: correct these first\n")
