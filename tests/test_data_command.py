"""regbench data: what was made of a table."""

from __future__ import annotations

import json
import re
from html import unescape
from unittest import mock

import numpy as np
import pytest
from command import regbench, study
from rich.console import Console

from regbench.cli import data

TABLE = """\
size;colour;new;price
1,5;red;0;10
2,5;blue;1;20
;red;0;15
4,5;red;1;30
3,5;;0;25
""" + "".join(f"{i},25;green;1;{i * 7 % 90}\n" for i in range(35))

SHOWN = """\
t.csv: 40 rows; 1 number, 1 indicator, 1 category: 5 inputs
target price: regression, 0 to 85, median 32.5
parts at seed 0: 24 training, 8 validation, 8 test
assumed: sep: ; (what stands between cells)
assumed: decimal: , (numbers such as 12,5)
assumed: target: price (a guess: the last column)
assumed: task: regression (a guess: numbers)

column  kind       missing  values
size    number           1  0.25 to 34.25, median 15.25
colour  category         1  3 categories: green 35, red 3, blue 1
new     indicator        -  0 and 1, 92.5% are 1

note: 2 cells are taken as missing: blank 2 ('size', 'colour')
nothing looks wrong
"""


def test_a_table_without_a_study(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    done = regbench("data", "t.csv", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert re.sub(r" \(\d not in training\)", "", done.out) == SHOWN
    asked = regbench(*("data", "t.csv", "--target", "size", "--format", "json"), cwd=tmp_path)
    (told,) = json.loads(asked.out)
    assert (told["target"]["name"], told["target"]["high"], told["rows"]) == ("size", 34.25, 39)
    assert told["assumed"]["missing_target"] == ["drop", "1 rows have none"]


def test_the_numbers(tmp_path):
    draw = np.random.default_rng(0)
    x, kind = draw.normal(size=200).round(3), draw.choice(list("abcdefghijklmnopqrst"), 200)
    y = draw.integers(0, 3, 200)
    lines = [f"{a},{b},{c}" for a, b, c in zip(x, kind, y, strict=True)]
    (tmp_path / "t.csv").write_text("x,kind,y\n" + "\n".join(lines) + "\n", encoding="utf-8")
    one = study(tmp_path, "dataset: {name: csv, path: t.csv, target: y, task: classification}\n")
    done = regbench("data", one, "--seed", 3, "--format", "json")
    (told,) = json.loads(done.out)
    assert told["parts"] == {"train": 120, "val": 40, "test": 40}
    assert told["target"]["texts"] == {str(c): int((y == c).sum()) for c in range(3)}
    number, category = told["columns"]
    assert (number["low"], number["high"], number["median"]) == (x.min(), x.max(), np.median(x))
    counts = np.sum(list(number["counts"].values()), axis=0)
    assert counts.tolist() == np.histogram(x, 20)[0].tolist()
    assert sum(number["counts"]["val"]) == 40
    assert category["texts"] == {k: int((kind == k).sum()) for k in sorted(set(kind))}
    # Twelve texts, and one bar for the other eight.
    each = np.sum(list(category["counts"].values()), axis=0).tolist()
    assert each[:12] == [category["texts"][text] for text in category["shown"]]
    assert (len(each), sum(each)) == (13, 200)
    for name in ("iris", "diabetes", "moons"):
        made = study(tmp_path, f"dataset: {name}\n", f"{name}.yaml")
        assert regbench("data", made).code == 0


def test_the_page(tmp_path):
    nasty = "<img src=x onerror=alert(1)>"
    rows = "".join(f"{i},{nasty if i % 3 else 'b'},{i % 2}\n" for i in range(60))
    (tmp_path / "t.csv").write_text(f"{nasty},kind,y\n" + rows, encoding="utf-8")
    done = regbench("data", "t.csv", "-o", "page.html", cwd=tmp_path)
    assert done.code == 0, done.err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<img src=x" not in page
    assert page.count("<figure>") == 1
    assert page.count('role="img"') == 2  # wide and narrow
    assert re.search(r"counts the rows \(0 to 59\)", page)
    assert "src=http" not in page
    assert '<link rel="stylesheet' not in page
    cells = re.findall(r"<tr><th scope=\"row\">(.*?)</th><td>(\w+)</td>", page)
    assert [unescape(name) for name, _ in cells] == ["y", nasty, "kind"]
    assert [kind for _, kind in cells] == ["target", "number", "category"]
    assert regbench("data", "t.csv", "--format", "html", cwd=tmp_path).code == 0
    assert (tmp_path / "t-data.html").read_text(encoding="utf-8") == page
    refused = regbench("data", "t.csv", "-o", "t.csv", cwd=tmp_path)
    assert (refused.code, "choose another name" in refused.err) == (2, True)


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_has_room_for_it(width, tmp_path):
    names = [f"{'long name of a column ' * 3}{k}" for k in range(70)]
    rows = [
        ",".join([f"some text {(i * k) % 30}" for k in range(70)] + [str(i % 2)]) for i in range(60)
    ]
    text = "\n".join([",".join([*names, "y"]), *rows]) + "\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    terminal = Console(force_terminal=True, width=width)
    with mock.patch.object(data, "stdout", return_value=terminal):
        done = regbench("data", "t.csv", cwd=tmp_path)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in done.out.splitlines()]
    assert max(map(len, lines)) <= width
    assert sum(line.startswith("long name of a column lon") for line in lines) == 60
    assert "... and 10 more columns (--format json has all)" in lines


def test_what_cannot_be_is_said(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    one = study(tmp_path, "dataset: iris\n")
    for words, code, message in (
        (["none.csv"], 3, "none.csv: no such file"),
        (["none.yaml"], 2, "none.yaml"),
        ([tmp_path], 3, "holds no images: expected a folder a class"),
        (["t.csv", "--target", "prize"], 2, "no column 'prize'"),
        (["t.csv", "--target", "colour", "--task", "regression"], 3, "is not a number"),
        (["t.csv", "-s", "dataset.sep=tab"], 2, "-s goes with a study"),
        ([one, "--target", "x"], 2, "a study names its own"),
        (["t.csv", "--format", "json", "-o", "x.html"], 2, "a page is html"),
    ):
        done = regbench("data", *words, cwd=tmp_path)
        assert (done.code, message in done.err, done.err.count("\n")) == (code, True, 1), done.err
