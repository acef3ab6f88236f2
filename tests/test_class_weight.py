"""Weights of classes: in the training loss only, a number a run and class, as Keras has them."""

from pathlib import Path

import numpy as np
import pytest
from command import regbench, study
from engine import WINE, member, setting, train
from oracle_torch import Solo
from planned import planned
from sklearn.utils.class_weight import compute_class_weight
from test_oracle_torch import assert_same
from test_same_bits import assert_same_bits

import regbench as package
from regbench.config.identity import cell_digest
from regbench.config.load import parse_study
from regbench.data import class_weights, load
from regbench.engine.stacks import make_stacks
from regbench.errors import BadStudy

NOISY = WINE | {"label_noise": 0.4}
MAPPING = {"class_0": 3.0, "class_2": 0.25}


def weighted(weights, dataset=NOISY, training=None, **blocks):
    return setting(dataset=dataset, training={"class_weight": weights} | (training or {}), **blocks)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weights", ["balanced", MAPPING], ids=["balanced", "mapping"])
def test_as_a_stock_loop(weights, smoothing):
    chosen = weighted(weights, regularizer={"label_smoothing": smoothing, "l2": 0.01})
    # Neighbours with other weights and without.
    members = [member(chosen, 3), member(weighted(None), 3), member(weighted({"class_1": 9.0}), 3)]
    for one, trajectory in zip(members, train(*members), strict=True):
        assert_same(trajectory, Solo(one.setting, one.seed).train())


def test_balanced_is_scikit_learns_on_the_labels_as_given():
    split = load(setting(dataset=NOISY).dataset, 3, Path())
    expected = compute_class_weight("balanced", classes=np.arange(3), y=split.train.y)
    np.testing.assert_allclose(class_weights("balanced", split), expected, rtol=1e-15)
    assert (split.train.y != split.train.y_clean).any()
    assert class_weights(MAPPING, split).tolist() == [3.0, 1.0, 0.25]


def test_a_runs_bits_are_its_own():
    rules = [None, "balanced", MAPPING, {"class_1": 0.0, "class_0": 2.0}]
    members = [
        member(
            weighted(
                weights,
                training={"dtype": "float32", "batch_size": 13},
                regularizer={
                    "label_smoothing": smoothing,
                    "early_stopping": {"patience": patience},
                },
            ),
            seed,
        )
        for seed in (0, 1)
        for smoothing, patience in ((0.0, 9), (0.1, 0))  # some leave the stack
        for weights in rules
    ]
    together = train(*members)
    for i, trajectory in enumerate(together):
        assert_same_bits(trajectory, train(members[i])[0])
    losses = {trajectory.curves["train_loss"][0] for trajectory in together[: len(rules)]}
    assert len(losses) == len(rules)


TEXT = """\
name: weights
dataset: {name: wine, label_noise: 0.2}
model: {hidden: [8]}
training: {epochs: 2}
seeds: 2
sweep:
  regularizer: [none, l1]
  training.class_weight:
    even: null
    ones: {class_1: 1}
    balanced: balanced
    own: {class_0: 3, class_2: 0.5}
"""


def test_a_study_of_weights(tmp_path):
    """Weights of 1 are none; weights split no stacks, and a cell's baseline has the same."""
    path = study(tmp_path, TEXT)
    plan = planned(parse_study(TEXT))
    assert [cell.name.split("=")[-1] for cell in plan.study.cells] == [
        "even",
        "balanced",
        "own",
    ] * 2
    assert len(make_stacks(plan.runs, Path())) == 1
    assert regbench("run", path, "-o", tmp_path / "out").code == 0
    results = package.read(tmp_path / "out")
    assert (
        results.runs["training.class_weight"].fillna("").tolist()
        == [
            *["", ""],
            *["balanced"] * 2,
            *["class_0=3+class_2=0.5"] * 2,
        ]
        * 2
    )
    baselines = {row.cell: row.baseline for row in results.table if row.baseline}
    assert baselines == {
        f"regularizer=l1, training.class_weight={name}": f"regularizer=none, "
        f"training.class_weight={name}"
        for name in ("even", "balanced", "own")
    }
    # The study that the folder holds is the same study.
    assert regbench("run", tmp_path / "out" / "study.yaml", "-o", tmp_path / "b").code == 0
    same = package.read(tmp_path / "b").runs
    assert same.run_id.tolist() == results.runs.run_id.tolist()


def test_the_order_of_names_is_nothing():
    first, second = (weighted(dict(items)) for items in (MAPPING.items(), [*MAPPING.items()][::-1]))
    even, balanced, ones = (weighted(each) for each in (None, "balanced", {"class_1": 1.0}))
    digest = {id(each): cell_digest(each, "", 1) for each in (first, second, even, balanced, ones)}
    assert digest[id(first)] == digest[id(second)] != digest[id(balanced)]
    assert digest[id(even)] == digest[id(ones)] != digest[id(first)]


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ("{class_weight: {a: -1}}", "2:30 training.class_weight.a: expected a value >= 0, not -1"),
        ("{class_weight: {}}", "2:26 training.class_weight: expected"),
        ("{class_weight: even}", "2:26 training.class_weight: expected"),
    ],
)
def test_mistakes(training, message):
    with pytest.raises(BadStudy) as caught:
        parse_study(f"dataset: iris\ntraining: {training}\n")
    assert str(caught.value).startswith(f"study.yaml:{message}")


def test_a_regression_has_no_classes():
    with pytest.raises(BadStudy, match="weighs classes, and a regression has none"):
        parse_study("dataset: diabetes\ntraining: {class_weight: balanced}\n")


def test_a_class_that_the_data_do_not_have(tmp_path):
    path = study(
        tmp_path,
        "name: a\ndataset: digits\nseeds: 1\n"
        "training: {epochs: 0, class_weight: {0: 2, nine: 3}}\n",
    )
    done = regbench("run", path, "-o", tmp_path / "out")
    assert done.code == 2
    assert "training.class_weight: no class is called 'nine'; there are 0, 1, 2" in done.err
    assert (
        regbench("run", path, "-o", tmp_path / "b", "-s", "training.class_weight={0: 2}").code == 0
    )


def test_zeros_are_refused_only_where_no_training_row_has_a_weight_left(tmp_path):
    head = "dataset: iris\ntraining: {epochs: 1, class_weight: "
    zeros = {"{setosa: 0}": 0, "{setosa: 0, versicolor: 0, virginica: 0}": 2}
    for weights, code in zeros.items():
        (tmp_path / "s.yaml").write_text(f"{head}{weights}}}\nseeds: 1\n")
        done = regbench("run", tmp_path / "s.yaml", "-q", "-o", tmp_path / f"r{code}")
        assert (done.code, "training part weight 0" in done.err) == (code, code == 2), done.err
