"""regbench data: what was made of a table."""

from __future__ import annotations

import json
import re

import numpy as np
from command import regbench, study

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


def test_what_cannot_be_is_said(tmp_path):
    (tmp_path / "t.csv").write_text(TABLE, encoding="utf-8")
    one = study(tmp_path, "dataset: iris\n")
    for words, code, message in (
        (["none.csv"], 3, "none.csv: no such file"),
        (["none.yaml"], 2, "none.yaml"),
        ([tmp_path], 3, "is a folder, not a file"),
        (["t.csv", "--target", "prize"], 2, "no column 'prize'"),
        (["t.csv", "--target", "colour", "--task", "regression"], 3, "is not a number"),
        (["t.csv", "-s", "dataset.sep=tab"], 2, "-s goes with a study"),
        ([one, "--target", "x"], 2, "a study names its own"),
        (["t.csv", "--format", "json", "-o", "x.html"], 2, "a page is html"),
    ):
        done = regbench("data", *words, cwd=tmp_path)
        assert (done.code, message in done.err, done.err.count("\n")) == (code, True, 1), done.err
