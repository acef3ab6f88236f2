"""A file that was saved with fewer digits is equal within them, and is said to be rounded."""

import csv
import io

import numpy as np
import pytest
from command import regbench
from comparison import FACTS, METRICS, csv_of, rows_of

SEEDS = 30
SAME = ["--rtol", "0", "--atol", "0"]
SPREADSHEETS = {
    "6 digits": "{:.6g}",
    "6 decimals": "{:.6f}",
    "15 digits": "{:.15g}",
    "2 decimals": "{:.2f}",
    "exponents": "{:.5E}",
}


@pytest.fixture(scope="module")
def exact():
    """Numbers as trained ones are: all digits, of many sizes."""
    rng = np.random.default_rng(0)
    sizes = dict(zip(METRICS, 10.0 ** np.linspace(-5, 3, len(METRICS)), strict=True))
    cells = {
        cell: {name: (size * rng.uniform(0.1, 1, SEEDS)).tolist() for name, size in sizes.items()}
        for cell in ("none", "l2")
    }
    return csv_of(rows_of(cells))


def saved(content, form):
    """The file as another program saves it."""
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    for row in rows:
        row |= {name: form.format(float(row[name])) for name in METRICS}
    return csv_of(rows, (*FACTS, *METRICS, "regularizer.l2"))


def moved(content, name, by):
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    for i, row in enumerate(rows):
        row[name] = float(row[name]) + by * (1 + i % 3 / 4)
    return csv_of(rows, (*FACTS, *METRICS, "regularizer.l2"))


@pytest.mark.parametrize("form", SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_a_rounded_file_is_equal_within_its_digits(put, exact, form):
    base, new = put("base.csv", exact), put("new.csv", saved(exact, form))
    assert base.read_bytes() != new.read_bytes()
    for pair, side in (((base, new), "NEW"), ((new, base), "BASE")):
        done = regbench("compare", *pair, *SAME, "--format", "csv")
        assert done.code == 0, done.err
        assert f"note: {side} is rounded: none of its numbers has more than" in done.err
        outcomes = [row["outcome"] for row in csv.DictReader(io.StringIO(done.out))]
        assert outcomes == ["identical"] * 8
    assert regbench("compare", base, base, *SAME).err.count("rounded") == 0
    assert regbench("compare", new, new, *SAME).err.count("rounded") == 0


def test_what_differs_by_more_than_the_digits_is_seen(put, exact):
    """val_loss is about 10^-3.6 at most: six decimals leave 5e-7, six digits 5e-10 and less."""
    for form, by, equal in (
        ("{:.6f}", 4e-6, False),
        ("{:.6f}", 1e-12, True),
        ("{:.6g}", 4e-8, False),
        ("{:.6g}", 1e-14, True),
    ):
        base = put("base.csv", exact)
        new = put("new.csv", saved(moved(exact, "val_loss", by), form))
        done = regbench("compare", base, new, "--metrics", "val_loss")
        assert done.code == 0
        assert ("2 worse" in done.err, "2 identical" in done.err) == (not equal, equal), done.err


def test_a_change_of_all_digits_is_a_change_however_small(put, exact):
    """Only rounding is taken for none: two files of all digits are compared in all of them."""
    base, new = put("base.csv", exact), put("new.csv", moved(exact, "val_loss", 3e-8))
    done = regbench("compare", base, new, "--metrics", "val_loss")
    assert "2 worse" in done.err
    assert "rounded" not in done.err


def test_numbers_by_hand_are_not_taken_for_rounded(put, exact):
    """One number of all digits among short ones makes no rounding of the rest."""
    base = put("base.csv", {"none": {"val_loss": [0.5, 0.6, 0.7]}})
    new = put("new.csv", {"none": {"val_loss": [0.5, 0.6, 0.71234567890123456]}})
    done = regbench("compare", base, new, *SAME)
    assert done.code == 1
    assert "rounded" not in done.err
