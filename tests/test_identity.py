"""When two settings are the same: what run ids hang on, and which keys vary."""

from dataclasses import replace

import pytest
from planned import planned

from regbench.config import identity
from regbench.config.load import parse_study
from regbench.data import SOURCES


def ids(text):
    plan = planned(parse_study(f"dataset: iris\n{text}\nseeds: 2\n"))
    return [run.run_id for run in plan.runs]


SAME = [
    ("training: {device: cpu}", "training: {device: 'cuda:1'}"),
    ("training: {threads: 1}", "training: {threads: 2, save_weights: true}"),
    ("training: {epochs: 100}", "training: {save_predictions: true}"),
    ("regularizer: {early_stopping: {gl: 2}}", "regularizer: {early_stopping: {gl: 2, strip: 7}}"),
]
STOPPING = [
    "early_stopping: true",
    "early_stopping: {patience: 11}",
    "early_stopping: {monitor: val_acc}",
    "early_stopping: {min_delta: 0.1}",
    "early_stopping: {baseline: 0.1}",
    "early_stopping: {start_from_epoch: 1}",
    "early_stopping: {restore_best_weights: false}",
    "early_stopping: {gl: 10}",
    "early_stopping: {pq: 10}",
    "early_stopping: {up: 10}",
    "early_stopping: {up: 10, strip: 7}",
]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_setting_has_the_same_run_ids(a, b):
    assert ids(a) == ids(b)


def test_every_option_of_a_stopping_rule_counts():
    found = [run_id for text in STOPPING for run_id in ids(f"regularizer: {{{text}}}")]
    assert len(set(found)) == 2 * len(STOPPING)


def test_a_bumped_version_gives_all_runs_new_ids(monkeypatch):
    before = ids("")
    with monkeypatch.context() as patch:
        patch.setattr(identity, "NUMERICS_VERSION", 1000)
        computed = ids("")
    monkeypatch.setitem(
        SOURCES, "iris", replace(SOURCES["iris"], fingerprint=lambda *_: "iris 1000")
    )
    assert len({*before, *computed, *ids("")}) == 6


def test_what_varies_has_a_value_in_every_cell():
    text = "sweep: {regularizer: [none, {l2: 0.1, batchnorm: true}, {max_norm: 1, l1: [1, 2, 3]}]}"
    found = [dict(cell.values) for cell in parse_study(f"dataset: iris\n{text}\n").cells]
    keys = [f"regularizer.{key}" for key in ("l1", "l2", "batchnorm", "max_norm")]
    assert found == [
        dict(zip(keys, values, strict=True))
        for values in (
            [0.0, 0.0, False, None],
            [0.0, 0.1, True, None],
            ["1x2x3", 0.0, False, 1.0],
        )
    ]


def test_the_same_label_for_another_setting_is_another_cell():
    text = "sweep: [{regularizer: {a: {l2: 1}}}, {regularizer: {a: {l2: 2}, b: none}}]"
    names = [cell.name for cell in parse_study(f"dataset: iris\n{text}\n").cells]
    assert names == ["regularizer=a", "regularizer=a (2)", "regularizer=b"]
