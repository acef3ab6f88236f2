"""MNIST-1D: the package's own rows, no trace of their making, and what is said where it lacks."""

from __future__ import annotations

import random
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch
from command import regbench, study
from mnist1d.data import get_dataset_args, make_dataset

from regbench.config.blocks.bundled import Mnist1d
from regbench.config.identity import canonical
from regbench.data import Table, load, mnist1d, shape
from regbench.errors import BadStudy

ROOT = Path(__file__).parent.parent
SMALL = {"name": "mnist1d", "n_samples": 400, "standardize": False}


def block(**keys: object) -> Mnist1d:
    return Mnist1d.model_validate(SMALL | keys)


def of_package(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    options = get_dataset_args()
    options.num_samples, options.seed = rows, seed
    made = make_dataset(options)
    return np.concatenate([made["x"], made["x_test"]]), np.concatenate([made["y"], made["y_test"]])


@pytest.mark.parametrize(("rows", "seed"), [(400, 0), (130, 42), (10, 2**32 - 1)])
def test_the_rows_are_the_packages_for_the_same_seed(rows: int, seed: int) -> None:
    x, y = of_package(rows, seed)
    table = mnist1d.load(block(n_samples=rows), seed)
    np.testing.assert_array_equal(table.values, x)
    np.testing.assert_array_equal(table.target, y)
    assert np.bincount(table.target).tolist() == [rows // 10] * 10
    assert table.shape == shape(block(n_samples=rows), Path())
    assert table.class_names == tuple("0123456789")


def test_the_default_is_the_packages() -> None:
    options = get_dataset_args()
    default = shape(Mnist1d(name="mnist1d"), Path())
    assert (default.rows, default.inputs) == (options.num_samples, options.final_seq_length)


def states() -> tuple[object, ...]:
    of_numpy = np.random.get_state(legacy=False)
    key = of_numpy["state"]["key"].tolist()
    rest = (of_numpy["state"]["pos"], of_numpy["has_gauss"], of_numpy["gauss"])
    return random.getstate(), key, rest, torch.get_rng_state().tolist()


def test_a_call_leaves_no_trace_in_global_random_state(monkeypatch: pytest.MonkeyPatch) -> None:
    mnist1d._made.cache_clear()
    random.seed(5)
    np.random.seed(6)
    np.random.randn()  # half of a pair: the other one waits
    before = states()
    first = mnist1d.load(block(), 1)
    assert states() == before
    # Nor does what was there before show in the rows.
    mnist1d._made.cache_clear()
    random.seed(7)
    np.random.seed(8)
    np.testing.assert_array_equal(mnist1d.load(block(), 1).values, first.values)

    def stopped(options: object) -> None:
        np.random.rand()
        raise KeyboardInterrupt

    monkeypatch.setattr("mnist1d.data.make_dataset", stopped)
    before = states()
    with pytest.raises(KeyboardInterrupt):
        mnist1d.load(block(), 2)
    assert states() == before


def test_a_set_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mnist1d._made.cache_clear()
    made = [mnist1d.load(block(label_noise=q), 3) for q in (0.0, 0.3)]
    assert made[0] is made[1]
    assert mnist1d.load(block(), 4) is not made[0]


def test_training_sets_nest_and_other_numbers_of_rows_are_other_sets() -> None:
    few, many = (load(block(train_size=n), 0, Path()) for n in (50, 200))
    assert (few.test.ids == many.test.ids).all()
    assert set(few.train.ids) < set(many.train.ids)
    larger = mnist1d.load(block(n_samples=410), 0).values
    assert not set(map(tuple, many.train.x)) & set(map(tuple, larger))


def test_the_split_of_double_descent_with_rows_as_they_are() -> None:
    sizes = {"train_size": 100, "val_size": 0, "test_size": 300, "label_noise": 0.15}
    split, (x, y) = load(block(**sizes), 0, Path()), of_package(400, 0)
    assert (len(split.train), len(split.val), len(split.test)) == (100, 0, 300)
    for part in (split.train, split.test):
        np.testing.assert_array_equal(part.x, x[part.ids])
        np.testing.assert_array_equal(part.y_clean, y[part.ids])
    assert split.flip_rate == np.mean(split.train.y != split.train.y_clean) > 0
    assert (split.test.y == split.test.y_clean).all()


def test_a_pinned_seed_is_the_data_sets_too() -> None:
    parts = [load(block(split_seed=9), seed, Path()).train for seed in (0, 1)]
    np.testing.assert_array_equal(parts[0].x, parts[1].x)


def test_shape_makes_nothing() -> None:
    code = (
        "import sys; from pathlib import Path; from regbench.data import shape;"
        "from regbench.config.blocks.bundled import Mnist1d;"
        "print(shape(Mnist1d(name='mnist1d'), Path()));"
        "print({'mnist1d', 'matplotlib', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "DataShape(rows=5000, example=(1, 40), outputs=10)\nset()\n"


# --- mistakes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("installed", "found"), [(None, "is not installed"), ("0.0.1", "is 0.0.1 here")]
)
def test_without_the_package(
    installed: str | None, found: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (
        "dataset: {name: mnist1d, n_samples: 200}\ntraining: {epochs: 1}\nseeds: 2\n"
        "model: {hidden: [4]}\n"
    )
    path, out = study(tmp_path, text), tmp_path / "out"
    assert regbench("run", path, "-o", out).code == 0
    monkeypatch.setattr(mnist1d, "_installed", lambda: installed)
    line = (
        "error: dataset.name: mnist1d needs its generator, the package mnist1d 0.0.2.post1, which "
        f"{found}: pip install 'regbench[mnist1d]'\n"
    )
    for command in (["plan", path], ["run", path, "-o", tmp_path / "other"]):
        done = regbench(*command)
        assert (done.code, done.err.replace("\n", " ").strip()) == (2, line.strip())
    # What is there already can be looked at, and a file be checked, anywhere.
    for command in (["validate", path], ["show", out], ["run", path, "-o", out]):
        assert regbench(*command).code == 0


def test_a_seed_beyond_the_generators() -> None:
    with pytest.raises(BadStudy) as caught:
        load(block(), 2**32, Path())
    assert str(caught.value) == (
        "seeds: seed 4294967296: mnist1d's generator takes seeds below 4294967296"
    )


def test_the_version_is_the_one_that_is_installed_with_regbench() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pin = f"mnist1d=={mnist1d.VERSION}"
    assert project["optional-dependencies"]["mnist1d"] == [pin]
    assert pin in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_a_table_is_as_others() -> None:
    assert isinstance(mnist1d.load(block(), 0), Table)


def test_the_shuffled_twin_has_the_same_rows_in_one_other_order() -> None:
    plain = mnist1d.load(block(), 3).values
    twin = mnist1d.load(block(shuffled=True), 3)
    options = get_dataset_args()
    options.num_samples, options.seed, options.shuffle_seq = 400, 3, True
    made = make_dataset(options)
    np.testing.assert_array_equal(twin.values, np.concatenate([made["x"], made["x_test"]]))
    order = [int(np.abs(plain - column[:, None]).sum(axis=0).argmin()) for column in twin.values.T]
    assert sorted(order) == list(range(40)) != order
    np.testing.assert_allclose(twin.values, plain[:, order], atol=1e-12)
    assert twin.example == (1, 40)


def test_a_run_on_the_plain_set_is_what_it_was_before_there_was_a_twin() -> None:
    one, twin = (canonical(block(shuffled=shuffled)) for shuffled in (False, True))
    assert "shuffled" not in one
    assert twin == {**one, "shuffled": True}
