"""Whoever calls the functions of regbench meets one class of errors, and nothing raw."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regbench import api
from regbench.config.load import load_study, study_from_mapping
from regbench.errors import AnswerIsNo, BadData, BadStudy, RegbenchError, one_line
from regbench.executors.limits import Limits

TINY = {"dataset": "iris", "model": "linear", "training": {"epochs": 1}, "seeds": 1}
NO_PATHS = ["\0", "a\0b", "\ud800", "r/\udcff", "", 3, None, b"r", [], 0.5, Path("\0")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return api.run(TINY, out=tmp_path_factory.mktemp("api") / "r")


@pytest.mark.parametrize(
    ("seeds", "found"),
    [
        (2, (0, 1)),
        ([3, 0], (3, 0)),
        ((5,), (5,)),
        (range(1, 3), (1, 2)),
        (np.arange(2), (0, 1)),
        (np.int64(1), (0,)),
        ("2", (0, 1)),
        ("0,4", (0, 4)),
        (None, (0,)),
    ],
    ids=repr,
)
def test_seeds_of_all_kinds(seeds, found):
    assert study_from_mapping(TINY, seeds=seeds).seeds == found


@pytest.mark.parametrize(
    "seeds",
    [-1, "-1", [-1], 0, "0", [], "", True, 1.5, [0, 0], 10**400, [2**63], "x", object(), {}],
)
def test_no_seeds(seeds):
    with pytest.raises(BadStudy, match="--seeds"):
        api.run(TINY, seeds=seeds, out="nowhere")
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("path", NO_PATHS, ids=ascii)
def test_no_paths(results, path):
    for function in (api.read, api.check, api.examine, api.rebuild, load_study):
        with pytest.raises(BadStudy, match=r"expected a path|cannot name a file or a folder"):
            function(path)
    for call in (
        lambda: api.merge([path], "out"),
        lambda: api.merge([results.folder], path),
        lambda: api.run(path if path is not None else 3),
        lambda: api.run(TINY, out=path if path is not None else 3),
    ):
        with pytest.raises(BadStudy):
            call()


def test_paths_of_nothing(tmp_path):
    for path in (tmp_path / "no", tmp_path / ("x" * 300), tmp_path / ("y/" * 3000)):
        for function in (api.read, api.check, api.examine, api.rebuild):
            with pytest.raises(BadData):
                function(path)
        with pytest.raises(BadStudy):
            load_study(path)


@pytest.mark.parametrize("odd", [3, None, b"x", [3], 0.5, "\ud800", "x\vy"], ids=ascii)
def test_odd_arguments(results, odd):
    calls = {
        "overrides": lambda: api.run(TINY, overrides=odd, out="nowhere"),
        "expect": lambda: api.check(results.folder, expect=odd),
        "limits": lambda: api.check(results.folder, limits=odd),
        "workers": lambda: api.run(
            TINY, workers=0 if odd is None or odd == 3 else odd, out="nowhere"
        ),
        "device": lambda: api.run(TINY, device="gpu" if odd is None else odd, out="nowhere"),
        "bounds": lambda: api.run(TINY, limits=odd, out="nowhere"),
        "shard": lambda: Limits(shard=(2, 1) if odd is None else odd),
        "mapping": lambda: study_from_mapping(odd),
        "run": lambda: results.weights(odd),
        "cell": lambda: results.data(odd, 0),
        "seed": lambda: results.data(results.rows.rows[0].cell, -1 if odd == 3 else odd),
    }
    for name, call in calls.items():
        with pytest.raises(RegbenchError) as caught:
            call()
        assert caught.value.exit_code in (2, 3), name
        assert all(line.isprintable() for line in str(caught.value).split("\n")), name
    assert not Path("nowhere").exists()


def test_one_text_is_not_its_letters(results):
    study = study_from_mapping(TINY, "training.epochs=7")
    assert study.base.training.epochs == 7
    found = api.check(results.folder, expect="gap_loss[none] < 1e9", limits="gap_acc:2")
    assert len(found.claims) + len(getattr(found, "gates", ())) == 2


def test_a_table_that_is_missing(tmp_path):
    results = api.run(TINY, out=tmp_path / "r")
    for name in ("runs", "epochs", "gap"):
        (tmp_path / "r" / f"{name}.csv").unlink()
        with pytest.raises(BadData, match=rf"{name}\.csv: cannot be read: No such file"):
            getattr(results, name)


# --- overrides ----------------------------------------------------------------------------------


def test_overrides_apply_blocks_first_whatever_their_order():
    given = ["optimizer.momentum=.9", "optimizer=sgd", "regularizer.early_stopping.patience=3"]
    given += ["regularizer.early_stopping=true", "regularizer=dropout", "optimizer.lr=1", "seeds=2"]
    blocks_first = [given[i] for i in (1, 4, 6, 0, 3, 5, 2)]
    expected = study_from_mapping(TINY | {"model": "mlp"}, blocks_first)
    for turn in range(len(given)):
        for overrides in (given[turn:] + given[:turn], (given[turn:] + given[:turn])[::-1]):
            study = study_from_mapping(TINY | {"model": "mlp"}, overrides)
            assert study.base == expected.base, overrides
    assert (study.base.optimizer.name, study.base.optimizer.momentum) == ("sgd", 0.9)
    assert study.base.regularizer.early_stopping.patience == 3
    assert study.base.regularizer.dropout == 0.5
    later = study_from_mapping(TINY, ["optimizer.lr=1", "optimizer.lr=2"])
    assert later.base.optimizer.lr == 2


# --- messages -----------------------------------------------------------------------------------

BREAKING = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"


@given(st.text(st.sampled_from(f"a é\x00\x1b\x7f\u202e\ufeff\ud800\U0001f98a{BREAKING}")))
def test_every_line_of_a_message_is_one_line(text):
    for error in (
        BadData(text, "second"),
        AnswerIsNo(f"in {text}", "second"),
        BadStudy(text, "second"),
    ):
        lines = str(error).splitlines()
        assert len(lines) == 2
        assert all(line.isprintable() for line in lines)
        assert lines[1] == "second"
    assert one_line(text).isprintable()


def test_a_message_is_cut_short():
    assert len(str(BadData("x" * 10**6))) == 2003
