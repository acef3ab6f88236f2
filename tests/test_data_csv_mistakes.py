"""Every mistake in a CSV file is one clear line that says where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regbench.config.blocks.files import Csv
from regbench.data import load
from regbench.errors import BadData

GOOD = "a,b,y\n" + "".join(f"{n},{'uv'[n % 2]},{'pqr'[n % 3]}\n" for n in range(30))


def wide(cell: str) -> str:
    """Numbers in column a, but for one cell on line 7."""
    return "a,y\n" + "".join(f"{cell if n == 5 else n},{n % 2}\n" for n in range(40))


MISTAKES: list[tuple[str, str | bytes, dict[str, Any], str]] = [
    # --- the file
    ("folder", GOOD, {"path": "."}, ".: is a folder, not a file"),
    ("NUL", GOOD, {"path": "a\0b"}, "'a\\x00b' is no file name: embedded null byte"),
    ("empty", "", {}, "d.csv: is empty"),
    ("blank lines only", "\n\n", {}, "d.csv: is empty"),
    ("header only", "a,b,y\n", {}, "d.csv: has a header but no rows"),
    (
        "latin-1",
        "a,y\n1,p\n2,\u00e9\n".encode("latin-1"),
        {},
        "d.csv: line 3: byte 0xe9 is not UTF-8 text: set encoding (often latin-1 or cp1252)",
    ),
    (
        "utf-16",
        "a,y\n1,p\n".encode("utf-16"),
        {},
        "d.csv: begins as UTF-16 text does: set encoding: utf-16",
    ),
    # --- its lines
    ("short row", "a,b,y\n1,2,p\n1,2\n", {}, "d.csv: line 3 has 2 cells, the header has 3"),
    ("long row", "a,b,y\n1,2,p\n\n1,2,3,p\n", {}, "d.csv: line 4 has 4 cells, the header has 3"),
    (
        "long rows",
        "a,y\n1,2,p\n1,2,q\n",
        {"row_names": False},
        "d.csv: line 2 has 3 cells, the header has 2\nd.csv: line 3 has 3 cells, the header has 2",
    ),
    ("one cell", "a,y\n1,p\n2\n", {}, "d.csv: line 3 has 1 cell, the header has 2"),
    (
        "after a cell of two lines",
        'a,y\n"1\n1",p\n2\n',
        {},
        "d.csv: line 4 has 1 cell, the header has 2",
    ),
    (
        "open quote",
        'a,y\n1,p\n2,"q\n3,p\n',
        {},
        'd.csv: line 3: a cell begins with ", which is never closed',
    ),
    (
        "text after a quote",
        'a,y\n1,"p"x\n',
        {},
        'd.csv: line 2: text follows the " that closes a cell (one within it is written twice)',
    ),
    # --- its header
    (
        "semicolons",
        "a;y\n1;p\n",
        {},
        "d.csv: has one column only: its cells look separated by ';': set sep: \";\"",
    ),
    (
        "tabs",
        "a\ty\n1\tp\n",
        {},
        "d.csv: has one column only: its cells look separated by '\\t': set sep: tab",
    ),
    ("one column", "y\np\n", {}, "d.csv: has one column only"),
    (
        "no header",
        "5.1,3.5,1\n4.9,3,0\n",
        {},
        "d.csv: line 1 holds numbers (5.1, 3.5, 1...), not column names: add a header",
    ),
    ("two names alike", "a, a,y\n1,2,p\n", {}, "d.csv: two columns are called 'a'"),
    (
        "a column without a name",
        "a,,y\n0,2,p\n1,2,q\n",
        {},
        "d.csv: column 2 has no name in the header: give it one",
    ),
    # --- the columns asked for
    (
        "target not there",
        GOOD,
        {"target": "price"},
        "d.csv: has no column 'price' for target; it has a, b, y",
    ),
    (
        "target in capitals",
        GOOD,
        {"target": "Y"},
        "d.csv: has no column 'Y' for target (did you mean 'y'?)",
    ),
    (
        "drop not there",
        GOOD,
        {"drop": ("a", "c")},
        "d.csv: has no column 'c' for drop; it has a, b, y",
    ),
    (
        "split_column not there",
        GOOD,
        {"split_column": "part"},
        "d.csv: has no column 'part' for split_column; it has a, b, y",
    ),
    ("target dropped", GOOD, {"drop": ("y",)}, "d.csv: column 'y' cannot be both target and drop"),
    (
        "target splits",
        GOOD,
        {"split_column": "y"},
        "d.csv: column 'y' cannot be both target and split_column",
    ),
    ("no feature left", GOOD, {"drop": ("a", "b")}, "d.csv: no feature is left besides the target"),
    # --- cells of features
    (
        "nothing in a column",
        "a,b,y\n1,,p\n2,NA,q\n",
        {},
        "d.csv: column 'b': no value in any row: list it under drop",
    ),
    (
        "inf",
        wide("inf"),
        {},
        "d.csv: line 7, column 'a': inf is infinite or beyond single precision",
    ),
    (
        "-1e400",
        wide("-1e400"),
        {},
        "d.csv: line 7, column 'a': -1e400 is infinite or beyond single precision",
    ),
    (
        "1e39",
        wide("1e39"),
        {},
        "d.csv: line 7, column 'a': 1e39 is infinite or beyond single precision",
    ),
    (
        "a slip",
        wide("?"),
        {},
        "d.csv: line 7, column 'a': '?' stands among numbers: add '?' to na_values if it means "
        "missing, or list the column under categorical",
    ),
    (
        "decimal comma",
        wide('"2,5"'),
        {},
        "d.csv: line 7, column 'a': '2,5' is a number with a decimal comma: set decimal: \",\"; or "
        "list it under categorical or drop",
    ),
    (
        "identifiers",
        "a,y\n" + "".join(f"n{n},{n % 2}\n" for n in range(1001)),
        {},
        "d.csv: column 'a': more than 1000 different texts, too many for one-hot columns: list it "
        "under drop, or set max_categories",
    ),
    # --- cells of the target
    (
        "text for a regression",
        GOOD,
        {"task": "regression"},
        "d.csv: line 2, column 'y': 'p' is not a number, as a regression needs (as in 30 cells): "
        "set task: classification",
    ),
    (
        "late text for a regression",
        "a,y\n1,2\n2,3\n\n3,x\n",
        {"task": "regression"},
        "d.csv: line 5, column 'y': 'x' is not a number, as a regression needs: add 'x' to "
        "na_values if it means missing",
    ),
    (
        "inf for a regression",
        "a,y\n1,2\n2,-inf\n",
        {"task": "regression"},
        "d.csv: line 3, column 'y': -inf is infinite or beyond single precision",
    ),
    (
        "one value",
        "a,y\n1,2.5\n2,2.5\n",
        {"task": "regression"},
        "d.csv: column 'y': 2.5 in every row: nothing to predict",
    ),
    ("one class", "a,y\n1,p\n2,p\n", {}, "d.csv: column 'y': one class only, 'p'"),
    (
        "a missing target",
        "a,y\n1,p\n2,\n3,q\n",
        {},
        "d.csv: no target in line 3: give column 'y' a value there, or set missing_target: drop",
    ),
    (
        "missing targets",
        "a,y\n1,3\n2,nan\n3,\n4,\u00a0\t\n5,4\n",
        {"task": "regression"},
        "d.csv: no target in lines 3, 4, 5 ('nan' means missing): give column 'y' a value there, "
        "or set missing_target: drop",
    ),
    (
        "a quantity as classes",
        "a,y\n" + "".join(f"{n},{n}.5\n" for n in range(101)),
        {},
        "d.csv: column 'y': 101 different fractional numbers are no classes: did you mean task: "
        "regression?",
    ),
    # --- the split
    (
        "another word",
        "a,s,y\n1,train,p\n2,valid,q\n",
        {"split_column": "s"},
        "d.csv: line 3, column 's': 'valid' is none of train, val, test",
    ),
    (
        "no word",
        "a,s,y\n1,train,p\n2,,q\n",
        {"split_column": "s"},
        "d.csv: line 3, column 's': an empty cell is none of train, val, test",
    ),
    (
        "numbers",
        "a,s,y\n1,0,p\n2,1,q\n",
        {"split_column": "s"},
        "d.csv: line 2, column 's': '0' is none of train, val, test",
    ),
    (
        "nothing to train on",
        "a,s,y\n1,val,p\n2,test,q\n",
        {"split_column": "s"},
        "d.csv: column 's': no row is marked train",
    ),
    (
        "a class in validation only",
        "a,s,y\n1,train,p\n2,train,q\n3,val,r\n",
        {"split_column": "s"},
        "d.csv: class 'r' has 1 rows in validation, 0 in test and none in training: train on "
        "more rows, or leave it out",
    ),
    (
        "too few rows",
        GOOD,
        {"train_size": 31},
        "d.csv: of 30 rows test takes 6 and validation 6, which leaves 18 to train on; "
        "train_size 31 asks for 31",
    ),
    (
        "val_size of nothing",
        GOOD,
        {"val_size": 0.01},
        "d.csv: val_size 0.01 of 30 rows leaves no example",
    ),
]


@pytest.mark.parametrize(
    ("content", "keys", "message"), [case[1:] for case in MISTAKES], ids=[c[0] for c in MISTAKES]
)
def test_mistakes(tmp_path: Path, content: str | bytes, keys: dict[str, Any], message: str) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (tmp_path / "d.csv").write_bytes(data)
    config = Csv(**{"name": "csv", "path": "d.csv", "target": "y", "task": "classification"} | keys)
    with pytest.raises(BadData) as caught:
        load(config, 0, tmp_path)
    assert str(caught.value) == message


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path) -> None:
    config = Csv(name="csv", path="data/no.csv", target="y", task="classification")
    with pytest.raises(BadData) as caught:
        load(config, 0, tmp_path)
    expected = f"data/no.csv: no such file (looked for {tmp_path / 'data' / 'no.csv'})"
    assert str(caught.value) == expected


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    config = Csv(name="csv", path="d.csv", target="y", task="classification")
    with pytest.raises(BadData) as caught:
        load(config, 0, tmp_path)
    assert str(caught.value) == "d.csv: cannot be read: Permission denied"


def test_the_same_file_without_a_mistake_loads(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text(GOOD)
    config = Csv(name="csv", path="d.csv", target="y", task="classification")
    assert len(load(config, 0, tmp_path).train) == 18
