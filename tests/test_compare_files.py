"""Files from elsewhere: refused with their place, never a defect, never equal when they are not."""

import csv
import io
import math
import random

import pytest
from command import regbench
from comparison import BASE, FACTS, GATE, IGNORE, METRICS, SAME, csv_of, rows_of
from fuzz import examples
from hypothesis import given
from hypothesis import strategies as st

from regbench.config.characters import forbidden_character
from regbench.config.schema import SCHEMA_VERSION
from regbench.errors import BadData
from regbench.results.csv_text import open_csv, write_csv
from regbench.results.runs import read_runs

# --- damaged files ------------------------------------------------------------------------------

GOOD = csv_of(rows_of(BASE))
LINES = GOOD.decode().splitlines(keepends=True)
HEADER = LINES[0].strip().split(",")


def with_cell(line, column, value):
    """The good file with another value in one place."""
    fields = LINES[line - 1].rstrip("\n").split(",")
    fields[HEADER.index(column)] = value
    return "".join([*LINES[: line - 1], ",".join(fields) + "\n", *LINES[line:]]).encode()


def with_header(change):
    return "".join([",".join(change(list(HEADER))) + "\n", *LINES[1:]]).encode()


def renamed(old, new):
    return with_header(lambda names: [new if name == old else name for name in names])


def moved(name, to):
    """A column at another place, with its values."""
    table = [line.rstrip("\n").split(",") for line in LINES]
    at = HEADER.index(name)
    for fields in table:
        fields.insert(to, fields.pop(at))
    return "".join(",".join(fields) + "\n" for fields in table).encode()


DAMAGES = [
    (b"", "x.csv: is empty"),
    (b"\n", "x.csv"),
    (GOOD[:-1], "x.csv: the last line is cut off"),
    (GOOD[:-20], "x.csv: the last line is cut off"),
    (GOOD[:-20] + b"\n", "x.csv:7: 21 fields where the header has 24"),
    (GOOD.replace(b"none", b"n\xf6ne", 1), "x.csv: is not UTF-8 (byte "),
    (GOOD.decode().encode("utf-16"), "x.csv: is not UTF-8 (byte 0)"),
    (GOOD.replace(b",", b";"), "x.csv: has no column 'study'"),
    (GOOD.replace(b",", b"\t"), "x.csv: has no column 'study'"),
    (GOOD.split(b"\n", 1)[1], "x.csv: has no column 'study'"),
    (GOOD + b"\n", "x.csv:8: 0 fields where the header has 24"),
    (GOOD + GOOD, "x.csv:8 schema_version: expected 1, not 'schema_version'"),
    (GOOD.replace(b"none,0", b'"none,0', 1), "x.csv:7: unexpected end of data"),
    *((renamed(name, "other"), f"x.csv: has no column '{name}'") for name in FACTS),
    *(
        (renamed(name, "other"), f"x.csv: has no column '{name}'")
        for name in (*METRICS[:8], "zero_fraction")
    ),
    (renamed("test_loss", "val_loss"), "x.csv: has no column 'test_loss'"),
    (renamed("penalty", "weight_norm"), "x.csv: has two columns 'weight_norm'"),
    (renamed("regularizer.l2", "seed"), "x.csv: has two columns 'seed'"),
    (renamed("regularizer.l2", ""), "x.csv: column 24 has no name"),
    (moved("seed", 0), "x.csv: column 'seed' stands where 'study' belongs"),
    (moved("zero_fraction", 8), "x.csv: column 'zero_fraction' stands where 'epochs_run' belongs"),
    (moved("val_acc", 0), "x.csv: column 'val_acc' stands outside of the metrics"),
    (moved("penalty", 23), "x.csv: column 'penalty' stands outside of the metrics"),
    (with_cell(3, "schema_version", "2"), "x.csv:3 schema_version: expected 1, not '2'"),
    (with_cell(3, "schema_version", ""), "x.csv:3 schema_version: expected 1, not ''"),
    (with_cell(3, "run_id", ""), "x.csv:3 run_id: is empty"),
    (with_cell(3, "cell", ""), "x.csv:3 cell: is empty"),
    (with_cell(3, "seed", ""), "x.csv:3 seed: expected a whole number from 0, not ''"),
    (with_cell(3, "seed", "NaN"), "x.csv:3 seed: expected a whole number from 0, not 'NaN'"),
    (with_cell(3, "seed", "1.0"), "x.csv:3 seed: expected a whole number from 0, not '1.0'"),
    (with_cell(3, "seed", "-1"), "x.csv:3 seed: expected a whole number from 0, not '-1'"),
    (with_cell(3, "seed", "1_0"), "x.csv:3 seed: expected a whole number from 0, not '1_0'"),
    (with_cell(3, "seed", "9" * 5_000), "x.csv:3 seed: expected a whole number from 0"),
    (with_cell(3, "seed", "0"), "x.csv:3 seed: cell 'none' has seed 0 in line 2 too"),
    (with_cell(4, "status", "OK"), "x.csv:4 status: expected ok, diverged, failed, not 'OK'"),
    (with_cell(4, "status", ""), "x.csv:4 status: expected ok, diverged, failed, not ''"),
    (with_cell(4, "val_loss", "nought"), "x.csv:4 val_loss: expected a number, not 'nought'"),
    (with_cell(4, "val_loss", "NA"), "x.csv:4 val_loss: expected a number, not 'NA'"),
    (with_cell(4, "val_loss", "1_0"), "x.csv:4 val_loss: expected a number, not '1_0'"),
    (with_cell(4, "val_loss", "ınf"), "x.csv:4 val_loss: expected a number, not 'ınf'"),
    (with_cell(4, "val_loss", " 1"), "x.csv:4 val_loss: expected a number, not ' 1'"),
    (with_cell(4, "val_loss", "0.5\t"), "x.csv:4 val_loss: expected a number"),
    (with_cell(4, "val_loss", "0.\u0665"), "x.csv:4 val_loss: expected a number"),
    (with_cell(4, "val_loss", "0x1p3"), "x.csv:4 val_loss: expected a number, not '0x1p3'"),
    (with_cell(4, "val_loss", '"0,5"'), "x.csv:4 val_loss: expected a number, not '0,5'"),
    (with_cell(4, "penalty", "-"), "x.csv:4 penalty: expected a number, not '-'"),
    (with_cell(4, "best_epoch", "seven"), "x.csv:4 best_epoch: expected a number, not 'seven'"),
    (with_cell(4, "epochs_run", "9.5"), "x.csv:4 epochs_run: expected a whole number from 0"),
    (with_cell(4, "epochs_run", "-9"), "x.csv:4 epochs_run: expected a whole number from 0"),
    (with_cell(4, "epochs_run", "inf"), "x.csv:4 epochs_run: expected a whole number from 0"),
    (with_cell(4, "reading_epoch", ""), "x.csv:4 reading_epoch: is empty though the status is ok"),
    (
        with_cell(7, "regularizer.l2", "0.2"),
        "x.csv:7 regularizer.l2: is '0.2', where cell 'l2' has '0.125' before",
    ),
]


@pytest.mark.parametrize(("content", "message"), DAMAGES)
def test_damaged_files(put, content, message):
    assert GOOD.decode() != content
    good, bad = put("good.csv", GOOD), put("x.csv", content)
    for arguments in ((good, bad), (bad, good)):
        done = regbench("compare", *arguments, *GATE, *IGNORE)
        assert done.code == 3, done.err
        assert message in done.err
        assert "Traceback" not in done.err
    with pytest.raises(BadData):
        read_runs(bad)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf"
        + "".join(
            ",".join(f'"{field}"' for field in line.rstrip("\n").split(",")) + "\r\n"
            for line in LINES
        ).encode(),
        GOOD.replace(b"0.25", b"2.5E-01"),
        GOOD.replace(b",9,7,9,", b",9.0,7.0,9.0,"),
        GOOD.replace(b",0.0\n", b",-0\n"),
        with_header(lambda names: ["index", *names]).replace(b"\n1,", b"\n0,1,"),
    ],
    ids=["BOM", "CRLF", "BOM and CRLF", "all quoted", "exponents", "floats", "zero", "index"],
)
def test_the_same_in_other_words(put, content):
    assert content != GOOD
    done = regbench("compare", put("good.csv", GOOD), put("other.csv", content), *SAME)
    assert done.code == 0, done.err
    assert "note" not in done.err


def test_missing_words_are_labels(put):
    """pandas would read a cell called NA, nan or null as no cell."""
    cells = {name: BASE["l2"] | {"l2": i} for i, name in enumerate(("NA", "nan", "null", "None"))}
    quoted = csv_of(rows_of(cells)).replace(b",NA,", b',"NA",')
    runs = read_runs(put("a", quoted))
    assert [row.cell for row in runs.rows[::3]] == ["NA", "nan", "null", "None"]
    assert runs.rows[0].regularizer == "NA"
    assert regbench("compare", put("a", quoted), put("b", cells), *SAME).code == 0


def test_the_version_is_the_schemas():
    assert GOOD.splitlines()[1].split(b",")[0] == str(SCHEMA_VERSION).encode()


def values_of(content):
    """By (cell, seed), what a runs.csv says; by csv and float alone."""
    text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    words = ("study", "run_id", "error", "regularizer", "cell", "seed", "schema_version", "status")

    def number(value):
        return "empty" if value == "" or math.isnan(float(value)) else float(value)

    return {
        (row["cell"], int(row["seed"])): (
            row["status"],
            sorted((k, number(v)) for k, v in row.items() if k not in words),
        )
        for row in rows
    }


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scratch")
    (folder / "good.csv").write_bytes(GOOD)
    return folder


@st.composite
def mutated(draw):
    content = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content) - 1))
        byte = draw(st.sampled_from(b"0123456789.,eE+-_\"'\n\r \t=nao") | st.integers(0, 255))
        match draw(
            st.sampled_from(["replace", "replace", "insert", "delete", "flip", "cut", "repeat"])
        ):
            case "replace":
                content[at] = byte
            case "insert":
                content.insert(at, byte)
            case "delete":
                del content[at : at + draw(st.integers(1, 40))]
            case "flip":
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "cut":
                del content[at + 1 :]
            case "repeat":
                content[at:at] = content[at : at + draw(st.integers(1, 300))]
        if not content:
            break
    return bytes(content)


@examples(300)
@given(content=mutated())
def test_no_damage_is_a_defect_or_passes_for_equal(scratch, content):
    (scratch / "x.csv").write_bytes(content)
    for options, *pair in ((SAME, "good.csv", "x.csv"), ([*GATE, *IGNORE], "x.csv", "good.csv")):
        done = regbench("compare", *(scratch / name for name in pair), *options)
        assert done.code in (0, 1, 3), (content, done.err)
        assert "Traceback" not in done.err
        if done.code == 0 and options is SAME:
            assert values_of(content) == values_of(GOOD)


def test_each_number_that_differs_is_seen(put):
    """Every numeric place of the file, one at a time, by the least that a float can differ."""
    good = put("good.csv", GOOD)
    rng = random.Random(0)
    for name in (*FACTS[8:], *METRICS):
        line = rng.randint(2, 7)
        value = float(LINES[line - 1].split(",")[HEADER.index(name)])
        other = value + 1 if name in FACTS else math.nextafter(value, 9)
        bad = put("x.csv", with_cell(line, name, repr(other)))
        done = regbench("compare", good, bad, *SAME)
        assert done.code == 1, name
        assert f": {name} is " in done.err
        assert regbench("compare", good, bad, "--atol", "1").code == 0
        for empty in ("", "nan"):
            if name == "reading_epoch":
                continue
            bad = put("x.csv", with_cell(line, name, empty))
            assert regbench("compare", good, bad, *SAME).code == 1


# --- CSV there and back -------------------------------------------------------------------------

# A lone CR is left out: it does not come back as itself (open_csv takes every line end for LF).
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r"), max_size=12)
VALUES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats())


def read_back(value):
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


@examples(200)
@given(
    st.integers(1, 5).flatmap(
        lambda n: st.tuples(
            st.lists(st.text("abc. =", min_size=1), min_size=n, max_size=n),
            st.lists(st.lists(VALUES, min_size=n, max_size=n), max_size=6),
        )
    )
)
def test_a_table_is_read_as_it_was_written(scratch, table):
    header, rows = table
    path = scratch / "table.csv"
    path.write_bytes(write_csv(header, rows))
    with open_csv(path) as (names, read):
        found = list(read)
    assert (names, found) == (header, [[read_back(value) for value in row] for row in rows])
    floats = [
        (v, text)
        for row, back in zip(rows, found, strict=True)
        for v, text in zip(row, back, strict=True)
        if isinstance(v, float) and v == v
    ]
    assert all(float(text) == v for v, text in floats)


@examples(100)
@given(
    st.dictionaries(
        TEXTS.filter(lambda text: text and forbidden_character(text) is None),
        st.lists(st.floats(allow_nan=False), min_size=3, max_size=3),
        min_size=1,
        max_size=4,
    )
)
def test_runs_are_read_as_they_were_written(scratch, cells):
    path = scratch / "runs.csv"
    made = {c: {"val_loss": v, "l2": i} for i, (c, v) in enumerate(cells.items())}
    path.write_bytes(csv_of(rows_of(made)))
    runs = read_runs(path)
    assert [row.cell for row in runs.rows[::3]] == list(cells)
    found = [row.metrics["val_loss"] for row in runs.rows]
    assert found == [v for values in cells.values() for v in values]
    assert regbench("compare", path, path, *SAME).code == 0
