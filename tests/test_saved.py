"""Weights and predictions read back: no plain array, no result; and nothing is unpickled."""

import numpy as np
import pytest

from regbench.errors import BadData
from regbench.results.arrays import save_predictions, save_weights
from regbench.results.saved import read_predictions, read_weights

ARRAYS = {
    "layers.0.weight": np.arange(6.0).reshape(2, 3),
    "layers.0.bias": np.ones(3),
    "layers.1.weight": np.arange(24.0).reshape(2, 3, 2, 2),
    "norms.0.num_batches_tracked": np.array(6),
}


def test_what_was_saved_comes_back(tmp_path):
    save_weights(tmp_path, "r", ARRAYS)
    save_predictions(tmp_path, "r", {"val": np.eye(2), "ids": np.arange(2)})
    weights = read_weights(tmp_path, "r")
    for name, array in ARRAYS.items():  # a convolution's kernel has four dimensions, and keeps them
        np.testing.assert_array_equal(weights[name], array)
    predictions = read_predictions(tmp_path, "r")
    assert list(predictions) == ["val", "ids"]
    np.testing.assert_array_equal(predictions["val"], np.eye(2))
    assert read_weights(tmp_path, "other") is None
    assert read_predictions(tmp_path, "other") is None


class Runs:
    """An object that would run something when it is unpickled."""

    def __reduce__(self):
        return (print, ("unpickled",))


@pytest.mark.parametrize("content", ["objects", "torn", "text"])
def test_anything_else_is_refused(content, tmp_path, capsys):
    path = tmp_path / "predictions" / "r.npz"
    path.parent.mkdir()
    np.savez(path, val=np.array([Runs()], dtype=object) if content == "objects" else np.eye(9))
    whole = path.read_bytes()
    path.write_bytes({"objects": whole, "torn": whole[:-30], "text": b"text"}[content])
    with pytest.raises(BadData, match=r"r\.npz: cannot be understood"):
        read_predictions(tmp_path, "r")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("keep", [0, 5, -1])
def test_torn_weights_are_refused(keep, tmp_path):
    save_weights(tmp_path, "r", ARRAYS)
    path = tmp_path / "weights" / "r.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BadData, match=r"r\.safetensors: cannot be understood"):
        read_weights(tmp_path, "r")
