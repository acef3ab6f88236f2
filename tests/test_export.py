"""A model that is taken away says what its run said; and whatever else lies there is refused."""

import ast
import json
import re
from contextlib import chdir
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from command import regbench
from safetensors.numpy import load_file, save_file
from sklearn.datasets import load_iris

import regbench as package
from regbench.errors import BadData

ACTIVATIONS = ["relu", "tanh", "gelu", "elu", "selu", "sigmoid"]
FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def people(rows=150, seed=0):
    draw = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "id": np.arange(rows),
            "age": draw.normal(40, 12, rows).round(2),
            "town": draw.choice(["Ulm", "Köln, am Rhein", "Aachen"], rows),
            "flag": draw.integers(0, 2, rows),
            "member": draw.choice(["true", "false"], rows),
        }
    )
    table["kind"] = np.where(table.age + 9 * (table.town == "Ulm") > 42, "001", "-1")
    table["spent"] = table.age * 1e4 + 2e5 * table.flag + draw.normal(size=rows)
    table.loc[[3, 11, 40], "age"] = np.nan
    table.loc[[5, 6], "town"] = np.nan
    return table


def study(name, target, dtype, other, **more):
    dataset = {"name": "csv", "path": "people.csv", "target": target, "drop": ["id", other]}
    return {
        "name": name,
        "dataset": {**dataset, "task": more.pop("task")},
        "training": {"epochs": 3, "dtype": dtype, "save_weights": True, "save_predictions": True},
        "optimizer": {"name": "adam", "lr": 0.05},
        "seeds": [3],
        **more,
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    people().to_csv(folder / "people.csv", index=False)
    models = {name: {"hidden": [7, 4], "activation": name} for name in ACTIVATIONS}
    sweep = {"model": models, "regularizer": {"none": "none", "norm": {"batchnorm": {"eps": 0.01}}}}
    studies = [
        study("kinds", "kind", "float32", "spent", task="classification", sweep=sweep),
        study("sums", "spent", "float64", "kind", task="regression", sweep=sweep),
        study("line", "spent", "float32", "kind", task="regression", model="linear"),
        study("rare", "spent", "float64", "kind", task="regression", model="linear"),
    ]
    studies[-1]["dataset"]["max_categories"] = 2
    for each in studies:
        (folder / f"{each['name']}.yaml").write_text(yaml.safe_dump(each))
        done = regbench("run", f"{each['name']}.yaml", "-o", each["name"], "-q", cwd=folder)
        assert done.code == 0, done.err
    return folder


def export(world, name, out, cell=None):
    cells = [] if cell is None else ["--cell", cell]
    done = regbench("export", name, *cells, "--seed", 3, "-o", out, cwd=world)
    assert done.code == 0, done.err
    return world / out


@pytest.fixture
def model(world, tmp_path):
    return export(world, "kinds", tmp_path / "model", "model=relu, regularizer=norm")


def validated(world, name, cell):
    """The run's own validation predictions: rows, and (n, C) in the target's units."""
    results = package.read(world / name)
    run_id = results.runs.query("cell == @cell").run_id.item()
    arrays = np.load(world / name / "predictions" / f"{run_id}.npz")
    if "val_probability" in arrays:
        return arrays["val_ids"], arrays["val_probability"]
    train = people().spent.iloc[arrays["train_ids"]]
    scaled = arrays["val_prediction"][:, None]
    return arrays["val_ids"], scaled * train.std(ddof=0) + train.mean()


def in_plain_pytorch(folder, rows):
    """What the README's code gives; it imports nothing of regbench."""
    blocks = FENCE.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert len(blocks[0].split("\n")) <= 21  # twenty lines, and the end of the last
    code = "\n".join(blocks)
    names = [n for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(n).split()[1] for n in names] == [
        "json",
        "pathlib",
        "torch",
        "safetensors.torch",
    ]
    with chdir(folder):
        made = {}
        exec(code, made)
        found = made["predict"](rows).numpy()
    return found if found.ndim == 2 else found[:, None]


def test_predictions_are_the_runs_own(world, tmp_path, capsys):
    cells = [f"model={a}, regularizer={r}" for a in ACTIVATIONS for r in ("none", "norm")]
    asked = [("kinds", cell, 1e-6) for cell in cells] + [("sums", cell, 1e-12) for cell in cells]
    only = package.read(world / "line").runs.cell[0]
    asked_too = [("line", only, 1e-6), ("rare", only, 1e-12)]
    for number, (name, cell, error) in enumerate([*asked, *asked_too]):
        folder = export(world, name, tmp_path / f"m{number}", cell if cell != only else None)
        ids, own = validated(world, name, cell)
        frame = package.predict(folder, world / "people.csv").iloc[ids]
        unit = 1 if name == "kinds" else people().spent.std()
        again = in_plain_pytorch(
            folder,
            [
                {k: v if k in ("age", "flag", "town") else float(v == "true")
                 for k, v in row.items() if v == v and k in ("age", "flag", "town", "member")}
                for row in people().iloc[ids].to_dict("records")
            ],
        )  # fmt: skip
        if name == "kinds":
            columns = frame[["probability_-1", "probability_001"]].to_numpy()
            sure = np.abs(own[:, 0] - own[:, 1]) > 1e-5
            assert sure.sum() > 20
            expected = np.where(own[:, 0] > own[:, 1], "-1", "001")
            assert (frame.prediction.to_numpy() == expected)[sure].all()
        else:
            columns = frame[["prediction"]].to_numpy()
        np.testing.assert_allclose(columns / unit, own / unit, rtol=0, atol=error, err_msg=cell)
        np.testing.assert_allclose(again / unit, own / unit, rtol=0, atol=2 * error, err_msg=cell)
    # More rows than are predicted at once.
    many = package.predict(tmp_path / f"m{len(cells)}", pd.concat([people()] * 200))
    one = package.predict(tmp_path / f"m{len(cells)}", people())
    np.testing.assert_allclose(many.prediction, np.tile(one.prediction, 200), rtol=1e-9)
    assert "tensor" in capsys.readouterr().out  # the README's last line prints


def test_the_command_writes_classes_as_they_are_written(world, model):
    done = regbench("predict", model, "people.csv", "-o", "out.csv", cwd=world)
    assert (done.code, done.out) == (0, "")
    frame = package.predict(model, world / "people.csv")
    written = pd.read_csv(world / "out.csv", dtype={"prediction": str})
    assert written.columns.tolist() == ["prediction", "probability_-1", "probability_001"]
    assert written.equals(frame.astype({"prediction": written.prediction.dtype}))
    assert set(written.prediction) == {"-1", "001"}
    piped = regbench("predict", model, "people.csv", cwd=world)
    assert piped.out == (world / "out.csv").read_text(encoding="utf-8")
    notes = "5 cells are taken as missing: blank 5 ('age', 'town')"
    assert piped.err == f"note: people.csv: {notes}\n"


NEW = "age,town,flag,member\n"


@pytest.mark.parametrize(
    ("text", "code", "told"),
    [
        (NEW + "40,Ulm,1,true\n", 0, ""),
        ("town,new,member,age,flag\nUlm,x,TRUE,40,1\n", 0, "model does not know are left out: 'n"),
        (NEW + "40,Bonn,1,true\n", 0, "column 'town': the model was not trained on 'Bonn' (1 cell"),
        (NEW + "40,Ulm,2,true\n", 0, "column 'flag': the model's data have 0 and 1 only"),
        (NEW + ",,,\n", 0, "4 cells are taken as missing"),
        (
            "age,twn,flag\n40,Ulm,1\n",
            3,
            "no column 'town', which the model knows (did you mean 'tw",
        ),
        (NEW + '40,Ulm,1,true\n"40,5",Ulm,1,true\n', 3, "line 3, column 'age': '40,5' is a number"),
        (NEW + "x,Ulm,1,true\n", 3, "line 2, column 'age': 'x' is no number, as the model's data"),
        (NEW + "40,Ulm,yes,true\n", 3, "line 2, column 'flag': 'yes' is no number"),
        (NEW + "1e99,Ulm,1,true\n", 3, "line 2, column 'age': 1e99 is infinite or beyond"),
        (NEW + "40,Ulm,1\n", 3, "line 2 has 3 cells, the header has 4"),
        (NEW, 3, "has a header but no rows"),
        ("", 3, "is empty"),
    ],
)
def test_new_rows_are_checked_as_the_models_data_were(model, tmp_path, text, code, told):
    (tmp_path / "new.csv").write_text(text)
    done = regbench("predict", model, "new.csv", cwd=tmp_path)
    assert (done.code, told in done.err) == (code, True), done.err
    assert len(done.out.splitlines()) == (2 if code == 0 else 0)


def test_what_stands_for_a_missing_value_is_the_training_parts_own(tmp_path):
    """Also in columns of which the model's data lack nothing."""
    study = {"dataset": "iris", "training": {"epochs": 3, "save_weights": True}, "seeds": [1]}
    results = package.run(study, out=tmp_path / "r")
    model = results.export(tmp_path / "m")
    cell = results.runs.cell[0]
    x = load_iris().data
    medians = np.median(x[results.data(cell, 1).train.ids], axis=0)
    gaps = x.copy()
    gaps[range(150), np.arange(150) % 4] = np.nan
    filled = np.where(np.isnan(gaps), medians, gaps)
    frames = [pd.DataFrame(each, columns=load_iris().feature_names) for each in (gaps, filled)]
    found, expected = (package.predict(model, frame) for frame in frames)
    assert found.equals(expected)
    assert not found.equals(package.predict(model, frames[0].fillna(0)))
    np.savez(tmp_path / "x.npz", x=gaps.reshape(150, 2, 2))
    done = regbench("predict", model, tmp_path / "x.npz", "-o", tmp_path / "out.csv")
    assert done.err.startswith(f"note: {tmp_path / 'x.npz'}: 150 values of x are NaN")
    written = pd.read_csv(tmp_path / "out.csv", dtype={"prediction": str})
    np.testing.assert_array_equal(written.to_numpy()[:, 1:], found.to_numpy()[:, 1:])
    assert package.predict(model, gaps.tolist()).equals(found)
    for x, told in (
        (gaps[:, :3], "x has shape (150, 3), and the model has 4 inputs a row"),
        (gaps[0], "x has shape (4,)"),
        (gaps[:0], "x has shape (0, 4)"),
        (gaps.astype(str), "x holds <U"),
        ([[1], [2, 3]], "x is no array"),
        (gaps * 1e99, "x[0], input 1 is infinite"),
    ):
        with pytest.raises(BadData, match=re.escape(f"data: {told}")):
            package.predict(model, x)
    for content in (b"", b"text", Path(tmp_path / "x.npz").read_bytes()[:-40]):
        (tmp_path / "bad.npz").write_bytes(content)
        done = regbench("predict", model, tmp_path / "bad.npz")
        assert (done.code, done.err.count("\n")) == (3, 1), done.err


def test_rows_in_another_notation(model, tmp_path):
    (tmp_path / "new.csv").write_text("age;town;flag;member\n1.040,5;Ulm;1;true\n")
    (tmp_path / "plain.csv").write_text(NEW + "1040.5,Ulm,1,true\n")
    marks = ["-s", "sep=;", "-s", "decimal=,", "-s", "thousands=."]
    done = regbench("predict", model, "new.csv", *marks, cwd=tmp_path)
    assert (done.code, done.out) == (0, regbench("predict", model, "plain.csv", cwd=tmp_path).out)
    pd.read_csv(tmp_path / "plain.csv").to_parquet(tmp_path / "new.parquet")
    assert regbench("predict", model, "new.parquet", cwd=tmp_path).out == done.out
    for wrong in ("target=y", "decimal=x", "sep", "na_values=["):
        done = regbench("predict", model, "new.csv", "-s", wrong, cwd=tmp_path)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err


def test_what_cannot_be_exported(world, tmp_path):
    (tmp_path / "bare.yaml").write_text(
        "dataset: iris\nmodel: linear\ntraining: {epochs: 1}\nsweep: {optimizer.lr: [0.1, 1e+38]}\n"
        "optimizer: {name: sgd}\nseeds: 1\n"
    )
    regbench("run", "bare.yaml", "-o", "r", "-q", "--allow-diverged", cwd=tmp_path)
    asked = ["export", "r", "--seed", 0, "-o", "m"]
    for more, code, told in (
        (["--cell", "0.1"], 2, "training.save_weights: true"),
        ([], 2, "cell: the study has 2: name one of 0.1, 1e+38"),
        (["--cell", "0.2"], 2, "no cell '0.2' (did you mean '0.1'?)"),
        (["--cell", "0.1", "--seed", 7], 2, "no seed 7; it has 0"),
        (["--cell", "1e+38"], 3, "diverged: it has no model"),
    ):
        done = regbench(*asked, *more, cwd=tmp_path)
        assert (done.code, told in done.err, done.err.count("\n")) == (code, True, 1), done.err
    assert not (tmp_path / "m").exists()
    people(seed=1).to_csv(tmp_path / "people.csv", index=False)
    done = regbench("export", world / "line", "-o", "m", cwd=tmp_path)
    assert done.code == 0, done.err
    whole = (world / "people.csv").read_bytes()
    (world / "people.csv").write_bytes(whole.replace(b"Ulm", b"Ulm2", 1))
    done = regbench("export", world / "line", "-o", "m2", cwd=tmp_path)
    (world / "people.csv").write_bytes(whole)
    assert (done.code, "is not what it was when its runs were planned" in done.err) == (3, True)


def test_a_folder_is_replaced_if_it_holds_a_model_alone(world, model, tmp_path):
    whole = {path.name: path.read_bytes() for path in model.iterdir()}
    assert len(whole) == 4
    (model / "architecture.json").write_text("torn")
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (model / "README.md").unlink()
    (model / "README.md").symlink_to(outside)
    export(world, "kinds", model, "model=relu, regularizer=norm")
    assert {path.name: path.read_bytes() for path in model.iterdir()} == whole
    assert outside.read_text() == "mine"
    (model / "notes.txt").write_text("mine")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "README.md").write_text("mine")
    for out, code in ((model, 2), (world / "line", 2), (tmp_path / "own", 2), (outside, 4)):
        done = regbench("export", world / "line", "-o", out)
        assert (done.code, done.err.count("\n")) == (code, 1), done.err
    assert (tmp_path / "own" / "README.md").read_text() == outside.read_text() == "mine"
    done = regbench("predict", model, world / "people.csv", "-o", model / "weights.safetensors")
    assert done.code == 2, done.err


def changed(path, change):
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def tensors(change):
    def act(model):
        path = model / "weights.safetensors"
        weights = dict(load_file(path))
        change(weights)
        save_file(weights, path)

    return act


def architecture(**keys):
    return lambda model: changed(model / "architecture.json", lambda told: told.update(keys))


def preprocessing(change):
    return lambda model: changed(model / "preprocessing.json", change)


def sparse(name, size):
    def act(model):
        with (model / name).open("wb") as file:
            file.truncate(size)

    return act


def link(name):
    def act(model):
        (model / name).rename(model.parent / name)
        (model / name).symlink_to(model.parent / name)

    return act


B = "layers.0.bias"
HOSTILE = {
    "no file": lambda model: (model / "weights.safetensors").unlink(),
    "a link": link("weights.safetensors"),
    "a linked note": link("architecture.json"),
    "a huge note": sparse("preprocessing.json", 1 << 36),
    "huge weights": sparse("weights.safetensors", 1 << 40),
    "text": lambda model: (model / "weights.safetensors").write_text("text"),
    "a pickle": lambda model: (model / "weights.safetensors").write_bytes(b"\x80\x04cos\nsystem"),
    "a shape": tensors(lambda w: w.update({B: np.zeros(9, np.float32)})),
    "a dtype": tensors(lambda w: w.update({B: w[B].astype(np.float64)})),
    "a tensor less": tensors(lambda w: w.pop(B)),
    "a tensor more": tensors(lambda w: w.update({"x": w[B]})),
    "not finite": tensors(lambda w: w.update({B: w[B] * np.float32(np.nan)})),
    "deep JSON": lambda model: (model / "architecture.json").write_text("[" * 100_000),
    "no JSON": lambda model: (model / "preprocessing.json").write_text("{"),
    "a wide network": architecture(hidden=[1_000_000] * 1000),
    "other inputs": architecture(inputs=7),
    "an import": architecture(activation="utils.data.DataLoader"),
    "no activation": architecture(activation=None),
    "a new key": architecture(run="x"),
    "another format": architecture(format=2),
    "columns twice": preprocessing(lambda told: told.update(order=["age"] * 4)),
    "no column": preprocessing(lambda told: told["columns"].pop()),
    "a scale of 0": preprocessing(lambda told: told["columns"][0].update(scale=0)),
    "a class less": preprocessing(lambda told: told["target"].update(classes=["a"])),
    "a class twice": preprocessing(lambda told: told["target"].update(classes=["a", "a"])),
    "a fill": preprocessing(lambda told: told["columns"][-1].update(fill="x")),
    "a shown text": preprocessing(lambda told: told["columns"][-1].update(shown=["x"])),
    "a path": preprocessing(lambda told: told["reading"].update(path="/etc/passwd")),
    "a codec": preprocessing(lambda told: told["reading"].update(encoding="os")),
}


def test_a_hostile_model_is_refused_with_one_line(world, tmp_path):
    for number, (name, act) in enumerate(HOSTILE.items()):
        model = export(world, "kinds", tmp_path / f"{number}" / "m", "model=relu, regularizer=none")
        act(model)
        done = regbench("predict", model, world / "people.csv", "-o", tmp_path / "out.csv")
        assert (done.code, done.err.count("\n"), done.out) == (3, 1, ""), (name, done.err)
        assert not (tmp_path / "out.csv").exists(), name
    for nothing in (tmp_path / "none", world / "line", world / "people.csv", Path("a\0b")):
        done = regbench("predict", nothing, world / "people.csv")
        assert (done.code in (2, 3), done.err.count("\n")) == (True, 1), done.err
