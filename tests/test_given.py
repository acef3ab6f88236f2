"""Data given from Python: read as a file would be, known by content, found by who needs them."""

import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
import yaml
from command import contents, regbench

import regbench as package
from regbench.data.given import as_given
from regbench.errors import BadData, BadStudy

DRAW = np.random.default_rng(0)
ROWS = 90


def people():
    frame = pd.DataFrame(
        {
            "age": DRAW.normal(40, 9, ROWS).round(2),
            "town": DRAW.choice(["Ulm", "Aachen"], ROWS),
            "member": DRAW.integers(0, 2, ROWS) == 1,
            "when": pd.Timestamp("2024-01-01") + pd.to_timedelta(DRAW.integers(0, 99, ROWS), "D"),
        }
    )
    frame["kind"] = np.where(frame.age > 40, "001", "01")
    frame.loc[[2, 5], "age"] = np.nan
    frame.loc[4, "town"] = None
    return frame


PEOPLE = people()
STUDY = {
    "name": "people",
    "dataset": {"target": "kind", "task": "classification", "numeric": ["when"]},
    "model": {"hidden": [5]},
    "training": {"epochs": 2, "save_weights": True, "save_predictions": True},
    "seeds": 2,
    "sweep": {"regularizer": ["none", "l2", "batchnorm"]},  # two stacks
}
X, Y = PEOPLE[["age"]].fillna(40).to_numpy(), PEOPLE.kind.to_numpy()
ARRAYS = {**STUDY, "name": "arrays", "dataset": {"task": "classification"}}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return package.run(STUDY, data=PEOPLE, out=tmp_path_factory.mktemp("given") / "r")


def test_a_frame_is_read_as_its_file_would_be(results, tmp_path):
    PEOPLE.to_csv(tmp_path / "people.csv", index=False)
    dataset = {**STUDY["dataset"], "name": "csv", "path": str(tmp_path / "people.csv")}
    file = package.run({**STUDY, "dataset": dataset}, out=tmp_path / "file")
    frame, other = (each.runs.drop(columns="run_id") for each in (results, file))
    assert frame.equals(other)
    assert not set(results.runs.run_id) & set(file.runs.run_id)
    ours, theirs = (each.data("l2", 1) for each in (results, file))
    np.testing.assert_array_equal(ours.val.x, theirs.val.x)
    assert ours.feature_names == ("age", "member", "when", "town=Aachen", "town=Ulm")
    assert ours.class_names == ("001", "01")


def test_what_is_trained_on_is_told_and_goes_on_and_nothing_else_does(results, tmp_path):
    block = yaml.safe_load((results.folder / "study.yaml").read_text())["dataset"]
    assert (block["name"], block["content"]) == ("frame", as_given(PEOPLE.copy()).content)
    before = contents(results.folder)
    again = package.run(STUDY, data=PEOPLE.copy(), out=results.folder)
    assert (again.summary.kept, again.summary.trained) == (6, 0)
    assert contents(results.folder) == before
    changed = PEOPLE.copy()
    changed.loc[0, "age"] += 1e-9
    with pytest.raises(BadStudy, match=r"another study \(dataset.content: "):
        package.run(STUDY, data=changed, out=results.folder)
    package.run(STUDY, data=PEOPLE, out=tmp_path / "two", workers=2)
    assert contents(tmp_path / "two") == before


def test_changes_after_the_data_were_given_change_nothing(tmp_path):
    x, frame = X.copy(), PEOPLE.assign(number=np.arange(ROWS))
    given = [as_given((x, Y)), as_given(frame)]
    x[:], frame.iloc[0, -1] = 0, 7
    assert given[0].content == as_given((X, Y)).content
    np.testing.assert_array_equal(given[0].arrays["x"], X)
    assert given[1].cells[-1].to_pylist() == list(range(ROWS))


def test_content_is_names_types_shapes_and_values():
    frames = [
        PEOPLE,
        PEOPLE.rename(columns={"age": "Age"}),
        PEOPLE[PEOPLE.columns[::-1]],
        PEOPLE.iloc[::-1],
        PEOPLE.iloc[1:],
        PEOPLE.astype({"age": "float32"}),
        PEOPLE.astype({"member": "boolean"}),
        PEOPLE.fillna({"age": 0.0}),
        PEOPLE.fillna({"town": ""}),
    ]
    arrays = [(X, Y), (X.reshape(-1, 3), Y[:30]), (X.astype("f4"), Y), ([*X], [*Y[::-1]])]
    parts = [{"train": (X[:60], Y[:60]), "val": (X[60:], Y[60:])}, {"train": (X, Y)}]
    found = [as_given(data).content for data in [*frames, *arrays, *parts]]
    assert len(set(found)) == len(found) == 15
    assert as_given(PEOPLE.set_index(DRAW.permutation(ROWS))).content == found[0]
    assert as_given((X.tolist(), pd.Series(Y))).content == found[9]


def test_arrays_and_arrays_by_part(tmp_path):
    one = package.run(ARRAYS, data=(X, Y), out=tmp_path / "one")
    np.savez(tmp_path / "a.npz", x=X, y=Y.astype(str))
    dataset = {"name": "npz", "path": str(tmp_path / "a.npz"), "task": "classification"}
    file = package.run({**ARRAYS, "dataset": dataset}, out=tmp_path / "file")
    assert one.runs.drop(columns="run_id").equals(file.runs.drop(columns="run_id"))
    cut = {"train": slice(50), "val": slice(50, 70), "test": slice(70, 90)}
    data = {part: (X[rows], Y[rows]) for part, rows in cut.items()}
    parts = package.run(ARRAYS, data=data, out=tmp_path / "parts")
    split = parts.data("none", 0)
    assert [len(getattr(split, part)) for part in cut] == [50, 20, 20]
    np.testing.assert_allclose(split.test.x, (X[70:] - X[:50].mean()) / X[:50].std())
    assert split.val.ids.tolist() == list(range(50, 70))


def test_predictions_have_classes_and_row_numbers(results, tmp_path):
    found = results.predictions("l2", 1)
    assert found.columns.tolist() == [
        *("row", "part", "target", "prediction", "probability_001", "probability_01")
    ]
    assert found.row.tolist() == list(range(ROWS))
    assert (found.target == PEOPLE.kind).all()
    split = results.data("l2", 1)
    assert found.row[found.part == "val"].tolist() == split.val.ids.tolist()
    row = results.runs.query("cell == 'l2' and seed == 1")
    val = found[found.part == "val"]
    assert (val.prediction == val.target).mean() == row.val_acc.item()
    model = results.export(tmp_path / "model", "l2", np.int64(1))
    again = package.predict(model, PEOPLE)
    np.testing.assert_allclose(again.probability_001, found.probability_001, rtol=0, atol=1e-6)
    # In the target's units, and the numbers of the file's rows where some were left out.
    frame = PEOPLE.assign(age=PEOPLE.age * 1000).drop(columns="kind")
    dataset = {"target": "age", "task": "regression", "drop": ["when"], "missing_target": "drop"}
    study = {**STUDY, "dataset": dataset, "seeds": [4]}
    sums = package.run(study, data=frame, out=tmp_path / "sums")
    found = sums.predictions("none", 4)
    assert found.row.tolist() == [row for row in range(ROWS) if row not in (2, 5)]
    np.testing.assert_array_equal(found.target, frame.age.dropna())
    val, row = found[found.part == "val"], sums.runs.query("cell == 'none'")
    ratio = ((val.target - val.prediction) ** 2).sum() / (
        (val.target - val.target.mean()) ** 2
    ).sum()
    assert 1 - ratio == pytest.approx(row.val_r2.item(), rel=1e-6)
    with pytest.raises(BadStudy, match="no cell 'l3'; it has none, l2, batchnorm"):
        results.predictions("l3", 1)
    with pytest.raises(BadStudy, match="no seed 9; it has 0, 1"):
        results.predictions("l2", 9)


def test_who_needs_the_data_again_says_where_they_came_from(tmp_path):
    frame = PEOPLE.iloc[::-1]
    folder = package.run({**STUDY, "seeds": 1}, data=frame, out=tmp_path / "r").folder
    told = "the frame given from Python is not here: give the data again"
    with pytest.raises(BadData, match=told):
        package.read(folder).data("none", 0)
    assert len(package.read(folder, data=frame.copy()).data("none", 0).train) == 54
    for arguments in (
        ["export", folder, "--cell", "l2", "-o", tmp_path / "m"],
        ["run", folder / "study.yaml", "-o", tmp_path / "again"],
        ["plan", folder / "study.yaml"],
    ):
        done = regbench(*arguments)
        assert (done.code, told in done.err.splitlines()[-1]) == (3, True), done.err
    for arguments in (["show", folder], ["check", folder], ["report", folder], ["plot", folder]):
        done = regbench(*arguments)
        assert done.code == 0, done.err


def test_objects_are_read_as_the_texts_of_a_file():
    cells = [1, 2.5, decimal.Decimal("3.25"), None, float("nan"), pd.NA, "4", True]
    (found,) = as_given(pd.DataFrame({"a": pd.Series(cells, dtype=object)})).cells
    assert found.to_pylist() == ["1", "2.5", "3.25", None, None, None, "4", "true"]
    day = as_given(pd.DataFrame({"a": [datetime.date(2024, 5, 31)]}, dtype=object)).cells[0]
    assert day.to_pylist() == ["2024-05-31"]


def broken(**columns):
    return PEOPLE.assign(**columns)


MISTAKES = [
    (STUDY, 3, "data: expected a DataFrame, arrays (x, y), or a mapping of train, val and test"),
    (STUDY, PEOPLE.town, "data: expected a DataFrame, arrays (x, y), or a mapping"),
    (ARRAYS, (X, Y, Y), "data: expected a DataFrame"),
    (ARRAYS, {"valid": (X, Y)}, "'valid' is none of these"),
    (ARRAYS, {"val": (X, Y)}, "there is no train"),
    (ARRAYS, {"train": X}, "data: train: expected arrays (x, y), not a ndarray"),
    (ARRAYS, {"train": (X, Y), "val": (X[:, :0], Y)}, "data: val: x has shape (90, 0)"),
    (ARRAYS, {"train": (X, Y[1:])}, "data: train: y has shape (89,), and x has 90 rows"),
    (ARRAYS, (X, Y[1:]), "y has shape (89,), and x has 90 rows"),
    (ARRAYS, (X[:, 0], Y), "x has shape (90,): rows and at least one column are needed"),
    (ARRAYS, ([[1], [2, 3]], [0, 1]), "data: x is no array"),
    (ARRAYS, (X.astype(str), Y), "the arrays given from Python: x holds <U"),
    (ARRAYS, (X * np.inf, Y), "is infinite or beyond single precision"),
    ({**ARRAYS, "dataset": {}}, (X, Y), "dataset: the key 'task' is missing"),
    ({**ARRAYS, "dataset": "iris"}, (X, Y), "names 'iris', and data are given, too: leave one"),
    ({**STUDY, "dataset": "iris"}, PEOPLE, "names 'iris', and data are given, too: leave one out"),
    ({**STUDY, "dataset": {"target": "sort", "task": "regression"}}, PEOPLE, "no column 'sort'"),
    (STUDY, PEOPLE.iloc[:0], "has a header but no rows"),
    (STUDY, pd.DataFrame(), "is empty"),
    (STUDY, pd.DataFrame(X.repeat(3, 1)), "data: the columns' names are no texts ('0', '1', '2', "),
    (STUDY, PEOPLE[["age", *PEOPLE.columns]], "two columns are called 'age'"),
    (STUDY, broken(age=[[1]] * ROWS), "column 'age': holds list values, no numbers or texts"),
    (STUDY, broken(age=1j), "column 'age': holds complex128 values"),
    (STUDY, broken(age=[*"x" * 8, *range(82)]), "row 0, column 'age': 'x' stands among numbers"),
    (STUDY, broken(age=[*["1,5"] * ROWS]), "row 0, column 'age': '1,5' is a number with a decimal"),
    (STUDY, broken(age=np.inf), "row 0, column 'age': inf is infinite"),
    (
        STUDY,
        broken(town=pd.Series(["\ud800"] * ROWS, dtype=object)),
        "column 'town': holds texts that are not Unicode values",
    ),
    (STUDY, broken(kind=None), "column 'kind': no value in any row"),
]


def test_mistakes_are_told_in_one_line(tmp_path):
    for number, (study, data, told) in enumerate(MISTAKES):
        with pytest.raises((BadStudy, BadData)) as error:
            package.run(study, data=data, out=tmp_path / f"{number}")
        assert told in str(error.value), told
        assert len(error.value.lines) == 1, error.value
        assert "\n" not in error.value.lines[0], error.value
    path = tmp_path / "s.yaml"
    path.write_text(yaml.safe_dump(STUDY))
    read = package.study_from_mapping({"dataset": "iris"})
    with pytest.raises(BadStudy, match="data go with a file or a mapping"):
        package.run(read, data=PEOPLE, out=tmp_path / "r")
    assert package.run(path, data=PEOPLE, out=tmp_path / "r").summary.trained == 6


def test_masked_values_are_no_numbers():
    x = np.ma.masked_array(np.ones((30, 2)), np.eye(30, 2) > 0)
    with pytest.raises(BadData, match=r"x has masked values: fill them, say x.filled\(np.nan\)"):
        package.run(
            {"dataset": {"task": "regression"}, "training": {"epochs": 1}},
            data=(x, np.arange(30.0)),
        )
