"""Tables of people: what was made of each, and what is said where nothing can be made of it."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from command import regbench, study

import regbench as package
from regbench.config.blocks.files import Csv, Npz, Parquet
from regbench.config.load import study_from_mapping
from regbench.data import Split, describe, fingerprint, load
from regbench.data.files import csv_text, text
from regbench.errors import BadData, BadStudy

KINDS: dict[str, Any] = {"csv": Csv, "parquet": Parquet, "npz": Npz}


def block(kind: str, path: str, **keys: Any) -> Any:
    task = {"task": "regression"} | ({} if kind == "npz" else {"target": "y"})
    return KINDS[kind](**{"name": kind, "path": path} | task | keys)


def read(folder: Path, content: str | bytes, kind: str = "csv", **keys: Any) -> tuple[Any, Split]:
    path = keys.pop("path", f"d.{kind}")
    (folder / path).write_bytes(content.encode() if isinstance(content, str) else content)
    config = block(kind, path, **keys)
    return describe(config, folder), load(config, 0, folder)


def refused(folder: Path, content: str | bytes, kind: str = "csv", **keys: Any) -> str:
    with pytest.raises(BadData) as caught:
        read(folder, content, kind, **keys)
    return str(caught.value)


def rows(cells: Any, head: str = "x,y") -> str:
    """A table of one column and a target that is 0, 1, 2, ..."""
    return f"{head}\n" + "".join(f"{cell},{row}\n" for row, cell in enumerate(cells))


def column(folder: Path, cells: Any, **keys: Any) -> list[float]:
    """The one column, as it is read."""
    keys = {"standardize": False, "val_size": 0, "test_size": 0} | keys
    return read(folder, rows(cells), **keys)[1].train.x[:, 0].tolist()


# --- numbers in another notation ------------------------------------------------------------------

OTHER = [  # cells, what is said, keys that read them, the numbers
    (
        ['"23,1"', '"1,25"', '"-7,0"'],
        "line 2, column 'x': '23,1' is a number with a decimal comma: set decimal: \",\"; or "
        "list it under categorical or drop",
        {"decimal": ","},
        [23.1, 1.25, -7.0],
    ),
    (
        ['"1,234"', '"12,345"', "17"],
        "line 2, column 'x': '1,234' is a number in groups of digits: set thousands: \",\" (or "
        'decimal: ",", if it is a fraction); or list it under categorical or drop',
        {"thousands": ","},
        [1234, 12345, 17],
    ),
    (
        ['"1.234,5"', '"12.345,0"', '"7,25"'],
        "line 2, column 'x': '1.234,5' is a number with a decimal comma: set decimal: \",\" and "
        'set thousands: "."; or list it under categorical or drop',
        {"thousands": ".", "decimal": ","},
        [1234.5, 12345, 7.25],
    ),
    (
        ["1 234.5", "12\u00a0345", "3"],
        "line 2, column 'x': '1 234.5' is a number in groups of digits: set thousands: \" \"; or "
        "list it under categorical or drop",
        {"thousands": " "},
        [1234.5, 12345, 3],
    ),
    (
        ['"$1,234"', '"-$2,345"', "$9"],
        "line 2, column 'x': '$1,234' is a number with a sign: list the column under numeric (the "
        'sign is left out) and set thousands: ","; or list it under categorical or drop',
        {"thousands": ",", "numeric": ("x",)},
        [1234, -2345, 9],
    ),
    (
        ["12.5%", "7 %", "-3%"],
        "line 2, column 'x': '12.5%' is a number with a sign: list the column under numeric (the "
        "sign is left out); or list it under categorical or drop",
        {"numeric": ("x",)},
        [12.5, 7, -3],
    ),
    (
        ["1970-01-11", "1969-12-31", "1970-01-02T12:00"],
        "line 2, column 'x': '1970-01-11' is a date: list the column under numeric (days since "
        "1970-01-01); or list it under categorical or drop",
        {"numeric": ("x",)},
        [10, -1, 1.5],
    ),
    (
        ["true", "FALSE", "True"],
        None,
        {"numeric": ("x",)},
        [1, 0, 1],
    ),
]


@pytest.mark.parametrize("case", OTHER, ids=[case[0][0] for case in OTHER])
def test_numbers_in_another_notation(tmp_path: Path, case: Any) -> None:
    cells, message, keys, numbers = case
    if message is not None:
        assert refused(tmp_path, rows(cells)) == f"d.csv: {message}"
    assert column(tmp_path, cells, **keys) == numbers
    if message is not None:
        found, _ = read(tmp_path, rows(cells * 4), categorical=("x",))
        assert (found.columns[0].kind, found.shape.inputs) == ("category", 3)


def test_a_target_in_another_notation(tmp_path: Path) -> None:
    text = "x,y\n" + "".join(f"{row},$ {row}.5\n" for row in range(20))
    assert refused(tmp_path, text) == (
        "d.csv: line 2, column 'y': '$ 0.5' is a number with a sign: list the column under numeric "
        "(the sign is left out)"
    )
    _, split = read(tmp_path, text, numeric=("y",), val_size=0, test_size=0, standardize=False)
    assert split.train.y.tolist() == [row + 0.5 for row in range(20)]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["3/4/2024", "12/31/2024"], "'3/4/2024' is a date: write it as 2024-12-31, and list the"),
        (["12:30", "7:15"], "'12:30' is a time of day; or list it under categorical or drop"),
        (["1 234", "1'234"], "'1 234' is a number or date in a notation of its own"),
    ],
)
def test_what_no_key_reads_is_said_too(tmp_path: Path, cells: Any, message: str) -> None:
    assert message in refused(tmp_path, rows(cells))


def test_a_point_beside_a_decimal_comma(tmp_path: Path) -> None:
    text = 'x,y\n"1,5",1.125\n"2,5",2.125\n"0,5",3.125\n'
    found, split = read(tmp_path, text, decimal=",", standardize=False, val_size=0, test_size=0)
    assert split.train.x[:, 0].tolist() == [1.5, 2.5, 0.5]
    assert split.train.y.tolist() == [1.125, 2.125, 3.125]
    assert found.notes == (
        "column 'y': points are read as decimal points, for there is no comma in it (set "
        'thousands: "." if they group digits)',
    )
    message = refused(tmp_path, 'x,y\n"1,5",1\n2.5,2\n"0,5",3\n', decimal=",")
    assert message == (
        "d.csv: line 3, column 'x': a number with a point, among others with a decimal comma: "
        "write them one way"
    )


def test_all_problems_of_a_file_at_once_and_not_without_end(tmp_path: Path) -> None:
    text = 'a,b,c,d,y\n"1,5",$3,,x,1\n"2,25",$4,,x,\n"2,1",$5,,?,z\n'
    assert refused(tmp_path, text).splitlines() == [
        "d.csv: no target in line 3: give column 'y' a value there, or set missing_target: drop",
        "d.csv: line 2, column 'a': '1,5' is a number with a decimal comma: set decimal: \",\"; or "
        "list it under categorical or drop",
        "d.csv: line 2, column 'b': '$3' is a number with a sign: list the column under numeric "
        "(the sign is left out); or list it under categorical or drop",
        "d.csv: column 'c': no value in any row: list it under drop",
        "d.csv: line 4, column 'y': 'z' is not a number, as a regression needs: add 'z' to "
        "na_values if it means missing",
    ]
    short = "a,y\n1,2\n1\n3,\n4,5\n"
    told = "d.csv: line 3 has 1 cell, the header has 2"
    assert refused(tmp_path, short) == refused(tmp_path, short, missing_target="drop") == told
    told = refused(tmp_path, "a,y\n" + "1\n" * 1000).splitlines()
    assert len(told) == 21
    assert told[-1] == "d.csv: and more: these are the first 20"
    missing = {"target": "z", "drop": ("q",), "numeric": ("a", "r"), "categorical": ("a",)}
    assert len(refused(tmp_path, text, **missing).splitlines()) == 4


# --- classes, blanks and words that mean missing --------------------------------------------------


def classes(folder: Path, cells: Any, **keys: Any) -> tuple[str, ...]:
    text = "x,y\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells * 8))
    return read(folder, text, task="classification", **keys)[1].class_names


def test_classes_are_texts_as_they_are_written(tmp_path: Path) -> None:
    long = ["1582218195625938945", "1582218195625938946", "1582218195625939999"]
    assert classes(tmp_path, long) == tuple(long)
    assert classes(tmp_path, ["01", "1", "2"]) == ("01", "1", "2")
    assert classes(tmp_path, ["1.0", "1", "10", "9"]) == ("1", "1.0", "9", "10")
    found, _ = read(tmp_path, "x,y\n" + "1,No\n2,no\n3,yes\n4,yes\n" * 9, task="classification")
    assert found.target.texts == {"No": 9, "no": 9, "yes": 18}
    assert found.notes == ("column 'y': 'No' and 'no' are different classes",)
    many = "x,y\n" + "".join(f"{row},{row % 200}\n" for row in range(2000))
    found, _ = read(tmp_path, many, task="classification")
    assert found.notes == ("column 'y': 200 numbers are classes: or task: regression?",)


def test_what_may_be_lost_in_a_text_is_told(tmp_path: Path) -> None:
    told = "column 'x': its leading zeros are lost: list it under categorical or drop if its "
    found, split = read(tmp_path, rows(["01234", "00501", "90210"] * 6))
    assert (split.inputs, found.notes) == (1, (told + "numbers are names of something",))
    named, split = read(tmp_path, rows(["01234", "00501", "90210"] * 6), categorical=["x"])
    assert (split.feature_names, named.notes) == (("x=00501", "x=01234", "x=90210"), ())
    assert read(tmp_path, rows(["0", "0.5", "-0.25"] * 6))[0].notes == ()
    quoted = rows(["'red'", "'green'", "'it''s, so'"] * 6, head="'x',y")
    found, split = read(tmp_path, quoted, quote="'")
    assert (split.feature_names, found.notes) == (("x=green", "x=it's, so", "x=red"), ())
    _, split = read(tmp_path, rows(["'red'", "'blue'"] * 6), quote="'")  # no line asks for more
    assert split.feature_names == ("x=blue", "x=red")
    found, _ = read(tmp_path, rows(["'red'", "'blue'"] * 6))
    assert found.notes == (
        "column 'x': the ' around every text is part of it, without quote: \"'\"",
    )


def test_words_that_mean_missing_are_told_and_others_are_words(tmp_path: Path) -> None:
    cells = ["None", "null", "N/A", "blue", "NA", "", " "] * 6
    found, split = read(tmp_path, rows(cells))
    assert split.feature_names == ("x=N/A", "x=None", "x=blue", "x=null")
    assert found.columns[0].missing == {"NA": 6, "": 12}
    assert found.notes == (
        "18 cells are taken as missing: blank 12 ('x'); 'NA' 6 ('x')",
        "column 'x': 'None' (6 cells), 'null' (6 cells), 'N/A' (6 cells) are categories (na_values "
        "makes words missing)",
    )
    found, split = read(tmp_path, rows(cells), na_values=["None", None, "N/A", "NA"])
    assert split.feature_names == ("x=blue",)
    assert found.columns[0].missing == {"None": 6, "null": 6, "N/A": 6, "NA": 6, "": 12}
    assert "none" not in classes(tmp_path, ["None", "a"])
    assert classes(tmp_path, ["NA", "a", "b"], na_values=()) == ("NA", "a", "b")


def test_a_sentinel_is_missing_where_it_is_said(tmp_path: Path) -> None:
    cells = ["-999", "1.5", "-999.0", "2.5", "4"]
    assert column(tmp_path, cells)[0] == -999
    found, _ = read(tmp_path, rows(cells), na_values=(-999,))
    assert (found.columns[0].low, found.columns[0].high) == (1.5, 4)
    assert found.columns[0].missing == {"-999": 2}
    assert column(tmp_path, cells, na_values=(-999,)) == [2.5, 1.5, 2.5, 2.5, 4]


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0", " \u2003\t"])
def test_a_blank_is_a_blank_in_every_kind_of_column(tmp_path: Path, blank: str) -> None:
    assert column(tmp_path, ["1", blank, "5", "9"]) == [1, 5, 5, 9]
    found, _ = read(tmp_path, rows(["red", blank, "red", "blue"] * 3))
    assert found.columns[0].texts == {"blue": 3, "red": 6}
    for task, given in (("classification", "ab"), ("regression", "12")):
        text = "x,y\n" + "".join(
            f"{row},{given[row % 2] if row % 9 else blank}\n" for row in range(60)
        )
        assert refused(tmp_path, text, task=task) == (
            "d.csv: no target in lines 2, 11, 20, 29, 38 and 2 more: give column 'y' a value "
            "there, or set missing_target: drop"
        )
        found, split = read(tmp_path, text, task=task, missing_target="drop")
        assert (found.rows, len(split.train) + len(split.val) + len(split.test)) == (53, 53)
        assert found.notes == (
            "7 rows without a target are left out (lines 2, 11, 20, 29, 38 and 2 more)",
        )


def test_rows_that_are_left_out_keep_the_others_where_they_were(tmp_path: Path) -> None:
    text = "x,c,y\n" + "".join(
        f"{row},{'ab'[row % 2]},{row if row % 3 else ''}\n" for row in range(30)
    )
    (tmp_path / "d.csv").write_text(text)
    config = block("csv", "d.csv", missing_target="drop", standardize=False)
    from regbench.data import SOURCES

    table = SOURCES["csv"].table(config, 0, tmp_path)
    kept = [row for row in range(30) if row % 3]
    assert table.rows is not None
    assert table.rows.tolist() == table.values[:, 0].tolist() == table.target.tolist() == kept
    assert table.values[:, 1].tolist() == [row % 2 for row in kept]


# --- what is scaled -------------------------------------------------------------------------------


def test_columns_of_0_and_1_stay_as_they_are(tmp_path: Path) -> None:
    cells = "".join(f"{row},{int(row == 3)},{row % 2 == 0},{row}\n" for row in range(40))
    found, split = read(tmp_path, "n,flag,truth,y\n" + cells)
    assert [c.kind for c in found.columns] == ["number", "indicator", "indicator"]
    ids = split.train.ids
    assert split.train.x[:, 1].tolist() == (ids == 3).astype(int).tolist()
    assert split.train.x[:, 2].tolist() == (ids % 2 == 0).astype(int).tolist()
    assert abs(split.train.x[:, 0].mean()) < 1e-12
    found, split = read(tmp_path, "n,flag,truth,y\n" + cells, numeric=("flag", "truth"))
    assert [c.kind for c in found.columns] == ["number"] * 3
    assert abs(split.train.x.mean(axis=0)).max() < 1e-12
    found, _ = read(tmp_path, "n,flag,truth,y\n" + cells, categorical=("flag", "n"))
    assert [c.inputs for c in found.columns] == [40, 2, 1]


def test_rare_categories_make_no_overfitting(tmp_path: Path) -> None:
    """Scaled to sqrt(n), indicators of 150 rare codes led validation accuracy from 1 to .72."""
    rng = np.random.default_rng(7)
    kind = rng.integers(0, 3, 300)
    x = rng.normal(size=(300, 2)) * 0.6 + np.array([[0, 0], [3, 0], [0, 3]])[kind]
    lines = [
        f"{u:.4f},{v:.4f},c{rng.integers(150)},{'pqr'[k]}\n"
        for (u, v), k in zip(x, kind, strict=True)
    ]
    (tmp_path / "rare.csv").write_text("u,v,code,kind\n" + "".join(lines))
    made = {
        "dataset": {"name": "csv", "path": str(tmp_path / "rare.csv"), "target": "kind"}
        | {"task": "classification", "val_size": 0.25},
        "model": {"hidden": [64, 64]},
        "training": {"epochs": 25},
        "seeds": 3,
        "name": "rare",
    }
    results = package.run(made, out=tmp_path / "r")
    assert results.runs["val_acc"].mean() > 0.95
    assert results.runs["gap_acc"].mean() < 0.05


# --- the same table, written otherwise ------------------------------------------------------------

HEAD, BODY = ["wär", "b", "y"], [[str(i % 7), "uvw"[i % 3], f"{i * 0.5}"] for i in range(40)]


def written(
    sep: str = ",", quoting: Any = csv.QUOTE_MINIMAL, comment: str = "", head: Any = HEAD
) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=sep, quoting=quoting, lineterminator="\n").writerows([head, *BODY])
    return comment + out.getvalue()


def test_one_table_in_many_files(tmp_path: Path) -> None:
    plain = written()
    _, expected = read(tmp_path, plain)
    others: list[tuple[str | bytes, dict[str, Any]]] = [
        (written(";"), {"sep": ";"}),
        (written("\t"), {"sep": "tab"}),
        (written("\t"), {"path": "d.tsv"}),
        (gzip.compress(written("\t").encode()), {"path": "d.tsv.gz"}),
        (written("|"), {"sep": "|"}),
        (written(" "), {"sep": "space"}),
        (written(" ").replace(" ", "   ").replace("\n", " \n"), {"sep": "space"}),
        (written(quoting=csv.QUOTE_ALL), {}),
        (written(quoting=csv.QUOTE_NONNUMERIC).replace(",", ", "), {}),
        (plain.encode("latin-1"), {"encoding": "latin1"}),
        (plain.encode("utf-16"), {"encoding": "utf-16"}),
        (plain.encode("utf-8-sig"), {}),
        (plain.replace("\n", "\r\n").encode("utf-16"), {"encoding": "utf-16"}),
        (gzip.compress(plain.encode()), {"path": "d.csv.gz"}),
        (gzip.compress(plain.encode()), {}),
        (plain, {"path": "d.zip"}),
        (plain, {"path": "d.csv.gz"}),
        (plain.replace("\n", "\n\n"), {}),
        (written(comment="# by hand\n").replace("\n3", "\n#3\n3"), {"comment": "#"}),
        (
            "".join(f"{i - 1 if i else ''},{line}\n" for i, line in enumerate(plain.splitlines())),
            {},
        ),
        ("".join(f"{line},,\n" for line in plain.splitlines()), {}),
    ]
    for content, keys in others:
        _, split = read(tmp_path, content, **keys)
        assert split.feature_names == expected.feature_names, keys
        for part in ("train", "val", "test"):
            assert (getattr(split, part).x == getattr(expected, part).x).all()
            assert (getattr(split, part).y == getattr(expected, part).y).all()


def test_the_same_text_is_the_same_data(tmp_path: Path) -> None:
    plain, prints = written(), set()
    for content, encoding in (
        (plain.encode(), "utf-8"),
        (plain.encode("utf-8-sig").replace(b"\n", b"\r\n"), "utf-8"),
        (plain.encode("latin-1"), "latin-1"),
        (plain.encode("utf-16"), "utf-16"),
        (gzip.compress(plain.encode("cp1252")), "cp1252"),
    ):
        (tmp_path / "d.csv").write_bytes(content)
        prints.add(fingerprint(block("csv", "d.csv", encoding=encoding), tmp_path))
    assert len(prints) == 1


def test_parquet_and_npz_are_the_same_table(tmp_path: Path) -> None:
    _, expected = read(tmp_path, written())
    names = pa.array([row[1] for row in BODY])
    for texts in (names, names.dictionary_encode(), names.cast(pa.large_string())):
        made = pa.table(
            {
                "wär": pa.array([int(row[0]) for row in BODY], pa.int16()),
                "b": texts,
                "y": [float(row[2]) for row in BODY],
                "__index_level_0__": list(range(40)),
            }
        )
        pa.parquet.write_table(made, tmp_path / "d.parquet")
        _, split = read(tmp_path, (tmp_path / "d.parquet").read_bytes(), "parquet")
        assert split.feature_names == expected.feature_names
        assert (split.val.x == expected.val.x).all()
        assert (split.val.y == expected.val.y).all()
    x = np.array([[float(row[0]), *(row[1] == c for c in "uvw")] for row in BODY])
    out = io.BytesIO()
    np.savez(out, x=x.reshape(40, 2, 2), y=np.array([float(row[2]) for row in BODY]))
    found, split = read(tmp_path, out.getvalue(), "npz")
    assert split.feature_names == ("x0_0", "x0_1", "x1_0", "x1_1")
    assert [c.kind for c in found.columns] == ["number"] + ["indicator"] * 3
    assert (split.val.x == expected.val.x).all()


def test_types_of_parquet(tmp_path: Path) -> None:
    days = pa.array([0, 10, None, 3] * 5, pa.date32())
    made = {
        "truth": pa.array([True, False, None, True] * 5),
        "day": days,
        "at": days.cast(pa.timestamp("ns")),
        "money": pa.array([1, 2, 3, 4] * 5).cast(pa.decimal128(30, 2)),
        "y": pa.array(["01", "1", "01", "1"] * 5),
    }
    path = tmp_path / "d.parquet"
    pa.parquet.write_table(pa.table(made), path)
    keys = {"numeric": ("day", "at"), "standardize": False, "val_size": 0, "test_size": 0}
    found, split = read(tmp_path, path.read_bytes(), "parquet", task="classification", **keys)
    assert [c.kind for c in found.columns] == ["indicator", "number", "number", "number"]
    assert split.train.x[:4].tolist() == [[1, 0, 0, 1], [0, 10, 10, 2], [1, 3, 3, 3], [1, 3, 3, 4]]
    assert split.class_names == ("01", "1")
    pa.parquet.write_table(pa.table({"a": [[1]] * 4, "b": [b"x"] * 4, "y": [1, 2, 3, 4]}), path)
    assert refused(tmp_path, path.read_bytes(), "parquet").splitlines() == [
        "d.parquet: column 'a': holds list<element: int64> values, no numbers or texts: list it "
        "under drop",
        "d.parquet: column 'b': holds binary values, no numbers or texts: list it under drop",
    ]


# --- arrays ---------------------------------------------------------------------------------------


def npz(compressed: bool = False, **arrays: Any) -> bytes:
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)
    return out.getvalue()


def test_arrays_with_parts_and_groups(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), np.arange(20) % 2
    arrays = {"x": x, "y": y, "part": np.array(["train"] * 12 + ["val"] * 8), "groups": y}
    found, split = read(
        tmp_path,
        npz(**arrays),
        "npz",
        task="classification",
        split_column="part",
        standardize=False,
    )
    assert (split.train.x == x[:12]).all()
    assert (split.val.x == x[12:]).all()
    assert split.class_names == ("0", "1")
    assert found.notes == ()
    found, _ = read(tmp_path, npz(**arrays, z=y), "npz", task="classification")
    assert found.notes == (
        "arrays other than x, y, groups and part are left out: z",
        "array part is not used: split_column: part would split by it",
        "array groups is not used: groups: groups would keep each in one part",
    )
    prints = set()
    for packed in (False, True):
        (tmp_path / "d.npz").write_bytes(npz(packed, **arrays))
        prints.add(fingerprint(block("npz", "d.npz"), tmp_path))
    assert len(prints) == 1
    (tmp_path / "d.npz").write_bytes(npz(**arrays | {"x": x + 1}))
    assert fingerprint(block("npz", "d.npz"), tmp_path) not in prints


X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
BAD_ARRAYS = [
    (npz(x=X, y=Y)[:-30], "is no whole npz file: File is not a zip file"),
    (b"", "is no whole npz file: File is not a zip file"),
    (npz(x=X, z=Y), "has no arrays x and y; it has 'x', 'z'"),
    (
        npz(x=X, y=np.array([{}] * 20, dtype=object)),
        "array y cannot be read (it holds Python objects: save numbers or texts)",
    ),
    (npz(x=X[:, 0], y=Y[:3]), "x has shape (20,): rows and at least one column are needed"),
    (npz(x=X, y=Y[:3]), "y has shape (3,), and x has 20 rows"),
    (npz(x=X.astype(str), y=Y), "x holds <U32, no numbers"),
    (npz(x=X * 1e39, y=Y), "x[0], input 1: 1e+39 is infinite or beyond single precision"),
    (npz(x=X * np.nan, y=Y), "x, input 0: no value in any row"),
    (npz(x=X, y=Y * 0), "y: one class only, '0'"),
    (
        npz(x=np.arange(400.0)[:, None], y=np.arange(400)),
        "y: 400 different values in 400 rows are no",
    ),
    (npz(x=X, y=np.where(Y, np.nan, 1)), "no target: y is NaN in rows 1, 3, 5, 7, 9 (and 5 more)"),
]


def test_arrays_that_are_none(tmp_path: Path) -> None:
    for content, message in BAD_ARRAYS:
        told = refused(tmp_path, content, "npz", task="classification")
        assert told.startswith(f"d.npz: {message}"), told


# --- bad input ------------------------------------------------------------------------------------

PACKED = gzip.compress(b"x,y\n" + b"1,2\n2,3\n" * 9000)
BAD: list[tuple[str | bytes, dict[str, Any], str]] = [
    ("x,y\n1,2\n", {}, "column 'y': 2 in every row: nothing to predict"),
    (
        "a,a,b,b,y\n1,2,3,4,5\n",
        {},
        "columns are called alike ('a', 'b'): is line 1 a row of values? Then add a header",
    ),
    ("a,,y\n1,2,5\n1,2,6\n", {}, "column 2 has no name in the header: give it one"),
    (",".join(f"c{i}" for i in range(65_537)) + "\n", {}, "has 65537 columns, more than 65536"),
    (rows(["x" * 10**6, "b", "c"]), {}, "column 'x': a text of 1000000 characters is no category"),
    (
        rows([f"n{i}" for i in range(21)]),
        {},
        "column 'x': 21 different texts in 21 rows, which tell",
    ),
    (
        "x,y\n" + "".join(f"{i % 7},{i}\n" for i in range(1000)),
        {"task": "classification"},
        "column 'y': 1000 different values in 1000 rows are no classes: did you mean task: "
        "regression?",
    ),
    (
        "x,y\n" + "".join(f"{i % 7},t{i}\n" for i in range(1000)),
        {"task": "classification"},
        "column 'y': 1000 different values in 1000 rows are no classes",
    ),
    (PACKED[:-20], {}, "breaks off in the midst of packed data: fetch it again"),
    (PACKED[:5], {}, "breaks off in the midst of packed data: fetch it again"),
    (PACKED[:40] + b"\0\0\0" + PACKED[43:], {}, "cannot be unpacked: "),
    (
        npz(x=X, y=Y),
        {},
        "is a zip archive (as spreadsheets and .npz files are): unpack it, save it",
    ),
    (b"PAR1....", {}, "is a Parquet file: give name: parquet"),
    (
        "x,y\n1,2\n".encode("utf-16-le"),
        {},
        "line 1: a zero byte, so no text (or encoding: utf-16?)",
    ),
    ("x,y\n1,2\n".encode("utf-16")[:-1], {"encoding": "utf-16"}, "line 2: byte 0x0a is not utf-16"),
    (b"x,y\n1,\x81\n", {"encoding": "cp1252"}, "line 2: byte 0x81 is not cp1252 text"),
    ("# by hand\nx,y\n1,2\n", {}, "has one column only"),
    (
        "x,y\n\v,2\nq\v\u202ez,3\n\r\f,2\n",
        {"numeric": ("x",)},
        "line 3, column 'x': 'q\\x0b\\u202ez'",
    ),
]


def test_bad_input(tmp_path: Path) -> None:
    for content, keys, message in BAD:
        told = refused(tmp_path, content, **keys)
        assert told.startswith(f"d.csv: {message}"), told
    for content in (b"", b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"a,y\n1,2\n" * 9):
        assert refused(tmp_path, content, "parquet").startswith(
            "d.parquet: is no whole Parquet file"
        )


def test_what_is_odd_and_can_be_read(tmp_path: Path) -> None:
    """A cell of a megabyte in a column that is left out; a column and a class met only once."""
    long = "x,z,y\n" + "q" * 10**6 + ",1,2\nw,2,3\n"
    assert read(tmp_path, long, drop=("x",), val_size=0, test_size=0)[0].shape.inputs == 1
    lone = "x,y\n" + "1,p\n2,q\n" * 20 + "3,r\n"
    found, split = read(tmp_path, lone, task="classification")
    assert found.notes == ("column 'y': one row only of class 'r'",)
    assert 40 in split.train.ids
    gaps = "a,b,s,y\n,1,train,1\n,2,train,2\n3,1,val,3\n"
    _, split = read(tmp_path, gaps, split_column="s", standardize=False)
    assert split.val.x.tolist() == [[0, 1]]
    found, _ = read(tmp_path, rows([10**18 + row for row in range(9)]))
    assert "whole numbers of more than 15 digits are rounded" in found.notes[0]


def test_words_after_many_numbers(tmp_path: Path) -> None:
    """The first batches look like numbers; what they were as texts is read again."""
    cells = [str(row % 5).zfill(2) for row in range(9000)] + ["none", "04"]
    found, split = read(tmp_path, rows(cells))
    assert found.columns[0].texts == {**{f"0{i}": 1800 for i in range(4)}, "04": 1801, "none": 1}
    assert split.feature_names[-2:] == ("x=04", "x=none")
    told = refused(tmp_path, rows([*range(9000), "oops", "oops"]))
    assert told == (
        "d.csv: line 9002, column 'x': 'oops' stands among numbers (as in 2 cells): add 'oops' to "
        "na_values if it means missing, or list the column under categorical"
    )


def test_blocks_cut_no_cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against Python's csv module, read at once: quotes, line ends in cells, empty lines."""
    monkeypatch.setattr(text, "_BLOCK", 7)
    monkeypatch.setattr(csv_text, "_BATCH_BYTES", 30)
    monkeypatch.setattr(csv_text, "_BATCH_ROWS", 4)
    monkeypatch.setattr(csv_text, "_BATCH_CELLS", 0)
    draw = random.Random(5)
    for trial in range(30):
        quoting = csv.QUOTE_ALL if trial % 3 == 0 else csv.QUOTE_MINIMAL
        words = ["a", "b b", "ü", "12", "-.5"] + (["c,d", 'e"f', "g\nh"] if trial % 2 else [])
        out = io.StringIO()
        writer = csv.writer(out, quoting=quoting, lineterminator="\n")
        writer.writerow(["n", "w", "y"])
        for row in range(40):
            writer.writerow([draw.choice(["1", "2.5", "-3e2", ""]), draw.choice(words), row])
            out.write("\n" * (draw.random() < 0.1))
        content = out.getvalue()
        keys = {"standardize": False, "val_size": 0, "test_size": 0, "categorical": ("w",)}
        _, split = read(tmp_path, content.replace("\n", "\r\n" if trial % 5 else "\n"), **keys)
        records = [record for record in csv.reader(io.StringIO(content, newline="")) if record][1:]
        assert split.train.y.tolist() == list(range(40))
        for x, (n, w, _) in zip(split.train.x, records, strict=True):
            assert n == "" or x[0] == float(n)
            assert split.feature_names[1 + int(np.argmax(x[1:]))] == f"w={w}"


def test_the_line_is_told_after_cells_of_several_lines(tmp_path: Path) -> None:
    text = 'x,y\n"a\nb",1\n\n"c",2\nd,oops\n'
    assert refused(tmp_path, text).startswith("d.csv: line 6, column 'y': 'oops' is not a number")
    plain = "x,y\n\n1,1\n\n\n2,oops\n"
    assert refused(tmp_path, plain).startswith("d.csv: line 6, column 'y': 'oops' is not a number")


# --- keys and what is printed ---------------------------------------------------------------------


def test_keys_that_contradict_each_other() -> None:
    csv_block = {"name": "csv", "path": "d.csv", "target": "y", "task": "regression"}
    for keys, message in (
        ({"decimal": ",", "thousands": ","}, "thousands and decimal cannot both be ','"),
        ({"sep": '"'}, "sep cannot be '\"'"),
        ({"sep": ";;"}, "sep"),
        ({"sep": "§"}, "sep cannot be '§'"),
        ({"encoding": "rot13"}, "encoding"),
        ({"missing_target": "skip"}, "missing_target"),
    ):
        with pytest.raises(BadStudy, match="dataset") as caught:
            study_from_mapping({"dataset": csv_block | keys})
        assert message in str(caught.value)


def test_a_header_that_does_not_name_the_rows_names(tmp_path: Path) -> None:
    table = "x y\n" + "".join(f'"row {i}" {i} {2 * i}\n' for i in range(20))
    keys = {"sep": " ", "val_size": 0, "test_size": 0, "standardize": False}
    for row_names in ({}, {"row_names": True}):
        found, split = read(tmp_path, table, **keys, **row_names)
        assert found.left_out == {"column 1": "no name: taken for the rows' numbers"}
        assert found.notes == ("column 1 is left out (no name: taken for the rows' numbers)",)
        assert split.train.x[:, 0].tolist() == [float(i) for i in range(20)]
        assert split.train.y.tolist() == [2.0 * i for i in range(20)]
    # No row's name: an empty cell behind a last separator; and a header that is whole.
    commas = "x,y\n" + "".join(f"{i},{2 * i},\n" for i in range(20))
    assert "line 2 has 3 cells, the header has 2" in refused(tmp_path, commas)
    whole = rows(range(20))
    assert "line 2 has 2 cells, the header has 3" in refused(tmp_path, whole, row_names=True)
    # The first row decides, whatever stands before it, and where the first block ends.
    late = "x,y\n\n\n" + "".join(f"r{i},{i},{2 * i}\n" for i in range(20))
    assert read(tmp_path, late, **keys | {"sep": ","})[1].train.x[:, 0].tolist()[-1] == 19.0


def test_rare_categories_share_an_input_where_asked(tmp_path: Path) -> None:
    texts = ["often"] * 60 + ["next"] * 30 + [f"rare {i}" for i in range(10)]
    table = rows(random.Random(0).sample(texts, 100))
    told, split = read(tmp_path, table, max_categories=3)
    assert told.shape.inputs == split.inputs == 3
    assert split.feature_names == ("x=next", "x=often", "x=(others)")
    assert (split.train.x.sum(axis=1) == 1).all()
    assert (split.val.x.sum(axis=1) == 1).all()
    assert told.notes == (
        "column 'x': of 12 categories the 2 most frequent in training have an input of their own, "
        "the others share one (max_categories)",
    )
    assert read(tmp_path, table)[1].inputs == 12
    # More texts than may have an input each.
    many = "x,z,y\n" + "".join(f"t{i % 1500},{i},{i}\n" for i in range(3000))
    assert "more than 1000 different texts" in refused(tmp_path, many)
    assert read(tmp_path, many, max_categories=50)[1].inputs == 51


def test_what_was_made_of_a_file_is_said_once_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(
        ",x,y\n" + "".join(f"{i},{i if i % 5 else ''},{i}\n" for i in range(40))
    )
    path = study(
        tmp_path,
        "dataset: {name: csv, path: d.csv, target: y, task: regression}\n"
        "model: linear\ntraining: {epochs: 1}\nseeds: 1\n",
    )
    for command in (["plan", path], ["run", path, "-o", tmp_path / "r"]):
        done = regbench(*command)
        assert done.code == 0
        assert (
            "note: d.csv: column 1 is left out (no name: taken for the rows' numbers)\n" in done.err
        )
        assert "note: d.csv: 8 cells are taken as missing: blank 8 ('x')\n" in done.err


def test_times_of_a_zone_are_in_order_also_when_clocks_are_put_back(tmp_path: Path) -> None:
    """And those of nanoseconds, which a text of microseconds cannot hold, are read."""
    start = datetime.datetime(2024, 10, 26, 20, 30, tzinfo=datetime.UTC)
    times = [start + datetime.timedelta(minutes=30 * i) for i in range(12)]
    berlin = pa.array(times, pa.timestamp("us", "Europe/Berlin"))
    odd = pa.array(np.arange(12) * 1_000_000_001 + 1, pa.timestamp("ns"))
    for at in (berlin, odd):
        columns = {"at": at, "x": pa.array(np.arange(12) * 1.5), "y": pa.array(np.arange(12.0) % 5)}
        pa.parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
        config = Parquet(
            name="parquet",
            path="t.parquet",
            target="y",
            task="regression",
            time="at",
            val_size=0.25,
            test_size=0.25,
        )
        split = load(config, 0, tmp_path)
        assert sorted(split.val.ids) == [6, 7, 8]
        assert sorted(split.test.ids) == [9, 10, 11]
