"""Rules that need two blocks at once, and what is allowed but said."""

import pytest

from regbench.config.claims import BadClaim, parse_claim, resolve
from regbench.config.load import parse_study
from regbench.errors import BadStudy

CSV = "dataset: {name: csv, path: a.csv, target: y, task: regression"
CONTRADICTIONS = [
    (
        f"{CSV}, label_noise: 0.1}}\n",
        "study.yaml:1:77 dataset.label_noise: redraws classes, and a regression has none",
    ),
    *(
        (
            f"dataset: iris\nregularizer: {{{key}: [1, 2]}}\n",
            f"study.yaml:2:{17 + len(key)} regularizer.{key}: has 2 values, but the model has 3 "
            "kernels",
        )
        for key in ("l1", "l2", "weight_decay", "max_norm")
    ),
]
FILE = "dataset: {name: csv, path: some.csv, target: y, task: regression"
WARNINGS = [
    ("optimizer: adamw\nregularizer: l1\n", ["adamw decays nothing here"]),
    ("optimizer: adamw\nsweep: {regularizer: [none, {weight_decay: [0, 0.1, 0]}]}\n", []),
    ("sweep: {optimizer: [adamw, sgd], regularizer: [none, l2]}\n", ["adamw decays nothing here"]),
    ("regularizer: l2\n", ["l2 with adam is coupled"]),
    ("regularizer: {l2: [0, 0, 0]}\n", []),
    ("optimizer: sgd\nregularizer: l2\n", []),
    ("dataset: {name: iris, val_size: 29}\n", ["validation has 29 examples"]),
    ("dataset: {name: iris, val_size: 30}\n", []),
    # Of a file a count is known before it is read.
    (f"{FILE}, val_size: 1}}\n", ["validation has 1 example: "]),
    (f"{FILE}, val_size: 30}}\n", []),
    (f"{FILE}, val_size: 0.1}}\n", []),
    # Nothing is watched that is not there.
    (
        "dataset: {name: iris, val_size: 0}\n"
        "regularizer: {early_stopping: {monitor: train_loss}}\n",
        [],
    ),
]


@pytest.mark.parametrize(("text", "message"), CONTRADICTIONS)
def test_contradictions(text, message):
    with pytest.raises(BadStudy) as caught:
        parse_study(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(("text", "begins"), WARNINGS)
def test_what_may_surprise_is_said(text, begins):
    found = parse_study(text if "dataset" in text else f"dataset: iris\n{text}").warnings
    assert len(found) == len(begins)
    for warning, begin in zip(found, begins, strict=True):
        assert warning.startswith(begin)


def test_a_label_of_several_axes_is_ambiguous():
    text = "dataset: iris\nsweep: {regularizer.l1: [0.1, 0.2], regularizer.l2: [0.1, 0.3]}\n"
    with pytest.raises(BadClaim) as caught:
        resolve(parse_claim("gap_loss[0.2] < gap_loss[0.1]"), parse_study(text).cells)
    assert (str(caught.value), caught.value.column) == (
        "'0.1' is a label of several axes: write regularizer.l1=0.1 or regularizer.l2=0.1",
        16,
    )
