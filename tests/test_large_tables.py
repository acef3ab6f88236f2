"""Large tables: kept once, in the narrowest type, and made numbers where a batch is read."""

import os
import random

import numpy as np
import pytest
from command import contents, regbench, study
from test_data_transform import made as mixed

from regbench.config.blocks.files import Csv
from regbench.config.load import load_study
from regbench.data import load, transform
from regbench.data.files import csv_text, reading
from regbench.engine import examples, stacks
from regbench.engine.rows import ReadRows
from regbench.engine.stacks import cost

STUDY = """\
name: rows
dataset: {name: csv, path: d.csv, target: y, task: classification, folds: 3}
model: {name: mlp, hidden: [8]}
training: {epochs: 3, batch_size: 7}
seeds: 4
sweep:
  regularizer:
    none: none
    drop: {dropout: 0.3, input_noise: 0.1}
    mixed: {mixup: 0.2}
    stop: {early_stopping: {patience: 1}}
"""


def table_of(folder, rows=90):
    """Numbers of several sizes, some of them missing, and texts."""
    draw = random.Random(0)
    lines = ["a,b,c,text,y"]
    for _ in range(rows):
        a, b = draw.choice(["", str(draw.randrange(256))]), draw.random() * 1e-3
        c, text = draw.randrange(10**9), draw.choice(["red", "green", ""])
        lines.append(f"{a},{b},{c},{text},{draw.choice('pqr')}")
    (folder / "d.csv").write_text("\n".join(lines) + "\n")


def test_what_is_read_by_batch_trains_to_the_same_bytes(tmp_path, monkeypatch):
    table_of(tmp_path)
    path, found, made = study(tmp_path, STUDY), [], []
    read = ReadRows.read
    monkeypatch.setattr(ReadRows, "read", lambda *a: made.append(1) or read(*a))
    for most in (1 << 23, 0):
        monkeypatch.setattr(examples, "MOST_AS_FLOATS", most)
        out = tmp_path / f"r{most}"
        assert regbench("run", path, "-o", out, "-q", "-j", "1").code == 0
        found.append(contents(out))
        assert bool(made) == (most == 0)
    assert found[0] == found[1]


def test_a_file_is_read_and_a_split_is_fitted_once(tmp_path, monkeypatch):
    table_of(tmp_path, rows=84)  # which no test has read
    os.utime(tmp_path / "d.csv", (10**9, 10**9))
    monkeypatch.setattr(reading, "_SETTLED_NS", 0)  # else the file is too new to be remembered
    reads, fits = [], []
    opened, fit = reading._opened, transform.Transform.fit
    monkeypatch.setattr(reading, "_opened", lambda *a: reads.append(1) or opened(*a))
    monkeypatch.setattr(transform.Transform, "fit", lambda *a, **k: fits.append(1) or fit(*a, **k))
    done = regbench("run", study(tmp_path, STUDY), "-o", tmp_path / "r", "-q", "-j", "1")
    assert done.code == 0, done.err
    assert (len(reads), len(fits)) == (1, 4)  # as there are four seeds


def test_an_estimate_counts_a_large_table_once(tmp_path, monkeypatch):
    table_of(tmp_path)
    setting = load_study(study(tmp_path, STUDY)).cells[0].setting
    small = cost(setting, tmp_path)
    monkeypatch.setattr(stacks, "MOST_AS_FLOATS", 0)
    large = cost(setting, tmp_path)
    assert (small.shared_bytes, large.shared_bytes) == (0, 8 * 90 * 5)
    assert small.memory_bytes - large.memory_bytes == 4 * 90 * 5


@pytest.mark.parametrize("at_once", [1, 150, 1000])
def test_columns_that_are_fitted_in_parts_have_the_same_bits(monkeypatch, at_once):
    table, train = mixed(0, 300), np.arange(0, 300, 2)
    whole = transform.Transform.fit(table, train, complete=True)
    monkeypatch.setattr(transform, "_AT_ONCE", at_once)
    parts = transform.Transform.fit(table, train, complete=True)
    assert whole.as_json() == parts.as_json()
    made = np.asarray(transform.Transformed(table.values, train, parts))
    np.testing.assert_array_equal(made, whole(table.values)[train])


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["0", "255"], np.uint8),
        (["0", "256"], np.float32),
        (["-1", "3"], np.float32),
        (["0", ""], np.float32),
        (["0.5", "16777216"], np.float32),
        (["0", "16777217"], np.float64),
        (["0.1", "1"], np.float64),
        (["1e-300", "1"], np.float64),
    ],
)
def test_values_are_kept_in_the_narrowest_type_that_holds_them(tmp_path, monkeypatch, cells, kind):
    # The odd ones come in a later batch than the first.
    monkeypatch.setattr(csv_text, "_BATCH_BYTES", 64)
    lines = ["7,1"] * 40 + [f"{cell},{i}" for i, cell in enumerate(cells * 20)]
    (tmp_path / "d.csv").write_text("x,y\n" + "\n".join(lines) + "\n")
    config = Csv(name="csv", path="d.csv", target="y", task="regression", standardize=False)
    split = load(config, 0, tmp_path)
    assert split.train.inputs.values.dtype == kind
    expected = np.array([7.0] * 40 + [float(cell or "nan") for cell in cells * 20])
    np.testing.assert_array_equal(split.train.inputs.values[:, 0], expected)
