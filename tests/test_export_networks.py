"""Convolutional networks and a user's module, taken away: they say what their runs said."""

import json
import re
import sys
import textwrap
from contextlib import chdir

import numpy as np
import pytest
from command import regbench
from sklearn.datasets import load_digits

import regbench as package
from regbench.errors import BadData, BadStudy

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NET = """\
    from torch import nn


    def make(shape, outputs, width):
        return nn.Sequential(
            nn.Conv2d(shape[0], width, 3),
            *(nn.BatchNorm2d(width), nn.Flatten(), nn.LazyLinear(outputs)),
        )
"""
STUDY = {
    "name": "pictures",
    "dataset": {"name": "digits", "train_size": 90, "val_size": 60, "test_size": 0},
    "regularizer": {"batchnorm": True},
    "training": {"epochs": 2, "save_weights": True, "save_predictions": True},
    "seeds": [3],
}
CNN = {"name": "cnn", "channels": [4, 3], "kernel": [3, 5], "pooling": [2, 1], "hidden": [6]}
MODELS = {
    "cnn": {"model": CNN},
    "signals": {
        "model": {**CNN, "activation": "gelu"},
        "dataset": {"name": "mnist1d", "train_size": 90, "val_size": 60, "test_size": 0},
    },
    "module": {"model": {"name": "module", "width": 4}, "regularizer": "l2"},
}


@pytest.fixture(params=MODELS)
def exported(request, tmp_path):
    (tmp_path / "net.py").write_text(textwrap.dedent(NET))
    own = f"{tmp_path / 'net.py'}:make" if request.param == "module" else None
    results = package.run(STUDY | MODELS[request.param], model=own, out=tmp_path / "r")
    package.export(tmp_path / "r", tmp_path / "m", model=own)
    return results, tmp_path / "m", own


def in_plain_pytorch(folder, rows):
    """What the README's code gives, from a folder that holds the user's file, too."""
    code = "\n".join(FENCE.findall((folder / "README.md").read_text(encoding="utf-8")))
    code = code.replace("print(predict([{}]))", "")
    with chdir(folder):
        made = {}
        exec(code, made)
        return made["predict"](rows).numpy()


def test_predictions_are_the_runs_own(exported, monkeypatch):
    results, folder, own = exported
    split = results.data(results.rows.rows[0].cell, 3)
    (run_id,) = results.runs.run_id
    saved = np.load(results.folder / "predictions" / f"{run_id}.npz")
    x = raw_rows(split)
    frame = package.predict(folder, x, module=own)
    columns = [name for name in frame if name.startswith("probability_")]
    expected = saved["val_probability"]
    np.testing.assert_allclose(frame[columns].to_numpy(), expected, rtol=0, atol=1e-6)
    monkeypatch.syspath_prepend(folder.parent)
    monkeypatch.delitem(sys.modules, "net", raising=False)  # another test's
    names = [column["name"] for column in preprocessing(folder)["columns"]]
    again = in_plain_pytorch(folder, [dict(zip(names, row, strict=True)) for row in x.tolist()])
    sys.modules.pop("net", None)
    np.testing.assert_allclose(again, expected, rtol=0, atol=1e-6)


def preprocessing(folder):
    return json.loads((folder / "preprocessing.json").read_text())


def raw_rows(split):
    """The validation rows as the table holds them."""
    if len(split.example) == 3:
        return load_digits().data[split.val.ids]
    from regbench.config.blocks.datasets import Mnist1d
    from regbench.data import mnist1d

    return mnist1d.load(Mnist1d(name="mnist1d"), 3).values[split.val.ids]


def test_a_module_must_be_named_and_the_same(exported):
    results, folder, own = exported
    x = np.zeros((2, 64))
    if own is None:
        with pytest.raises(BadStudy, match="goes with a run whose model is a module"):
            package.predict(folder, x, module=f"{folder.parent / 'net.py'}:make")
        return
    with pytest.raises(BadStudy, match="name it with --model"):
        package.predict(folder, x)
    with pytest.raises(BadStudy, match="name it with --model"):
        package.export(results.folder, folder.parent / "n")
    with open(folder.parent / "net.py", "a") as file:
        file.write("# other\n")
    with pytest.raises(BadData, match="is not the module that was trained"):
        package.predict(folder, x, module=own)
    done = regbench("export", results.folder, "--model", own, "-o", folder.parent / "n")
    assert done.code == 3


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("kernel", [3], "kernel has 1 value, but channels names 2 convolutions"),
        ("kernel", [3, 500], "nothing is left"),
        ("example", [1, 8, 9], "inputs and the shape of an example do not agree"),
        ("channels", [4, 5], "its architecture has float32 5x4x5x5"),
        ("pooling", [0, 1], "cnn.pooling.0"),
    ],
)
def test_what_cannot_be_an_architecture_is_refused(tmp_path, key, value, why):
    package.run(STUDY | MODELS["cnn"], out=tmp_path / "r")
    package.export(tmp_path / "r", tmp_path / "m")
    path = tmp_path / "m" / "architecture.json"
    told = json.loads(path.read_text())
    told["cnn"][key] = value
    path.write_text(json.dumps(told))
    with pytest.raises(BadData, match=why):
        package.predict(tmp_path / "m", np.zeros((2, 64)))
