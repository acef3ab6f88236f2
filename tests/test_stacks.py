"""Which runs train together: those that differ in numbers only, and never too many."""

from itertools import pairwise
from pathlib import Path

import pytest
from engine import member, setting
from planned import planned

from regbench.config.load import parse_study
from regbench.engine.loop import train_stack
from regbench.engine.stacks import cost, make_stacks
from regbench.errors import BadData

BASE = "dataset: {name: moons, n_samples: 60}\nmodel: {hidden: [4]}\n"


def stacks(text, seeds=2, device="cpu"):
    plan = planned(parse_study(f"{text}seeds: {seeds}\n"))
    found = make_stacks(plan.runs, Path(), device=device)
    assert [stack.stack_id for stack in found] == [f"s{i:04d}" for i in range(1, len(found) + 1)]
    # Each run is in one stack.
    ids = [run_id for stack in found for run_id in stack.run_ids]
    assert sorted(ids) == sorted(run.run_id for run in plan.runs)
    return found


# Axes of one value, or of several numbers, that leave one stack of three cells by two seeds.
TOGETHER = [
    "regularizer.l1: [0, 0.1, 0.2]",
    "regularizer: [{l1: 0.1}, {l1: 0.1, l1_method: subgradient}, {l2: [0.1, 0.2]}]",
    "regularizer: [{dropout: 0.1}, {input_dropout: 0.1}, {input_noise: 0.1}]",
    "regularizer: [{weight_decay: 0.1}, {max_norm: 1}, {label_smoothing: 0.1}]",
    "regularizer.batchnorm: [true, {momentum: 0.2}, {eps: 1e-3}]",
    "optimizer: [{lr: 1}, {name: adamw, schedule: cosine}, {betas: [0.5, 0.9], eps: 1}]",
    "optimizer: [{name: sgd}, {name: sgd, momentum: 0.9}, {name: sgd, lr: 1}]",
    "model.init: [zeros, torch, he_normal]",
    "dataset.label_noise: [0, 0.1, 0.2]",
    "dataset.noise: [0, 0.1, 0.2]",
    "dataset.split_seed: [0, 1, 2]",
]
# Axes of two values that need a stack each.
APART = [
    "model.hidden: [[4], [5]]",
    "model: [linear, mlp]",
    "model.activation: [relu, tanh]",
    "regularizer: [none, batchnorm]",
    "optimizer: [sgd, adam]",
    "optimizer: [rmsprop, adam]",
    "optimizer: [{name: sgd, momentum: 0.9}, {name: sgd, momentum: 0.9, nesterov: true}]",
    "training.batch_size: [8, 16]",
    "training.epochs: [3, 4]",
    "training.eval_every: [1, 2]",
    "training.shuffle: [true, false]",
    "training.dtype: [float32, float64]",
    "dataset: [moons, circles]",
    "dataset.train_size: [20, 30]",
    "dataset.val_size: [10, 12]",
    "dataset.standardize: [true, false]",
]


@pytest.mark.parametrize("axis", TOGETHER)
def test_numbers_stack(axis):
    (stack,) = stacks(f"{BASE}sweep: {{{axis}}}\n")
    assert len(stack.members) == len(stack.run_ids) == 6


@pytest.mark.parametrize("axis", APART)
def test_shapes_and_kinds_of_arithmetic_do_not(axis):
    assert [len(stack.members) for stack in stacks(f"{BASE}sweep: {{{axis}}}\n")] == [2, 2]


def test_runs_that_differ_in_stopping_rules_read_one_trajectory():
    text = """\
sweep:
  regularizer:
    none: none
    a: {early_stopping: {patience: 1}}
    b: {early_stopping: {gl: 2}}
    c: {dropout: 0.5}
    d: {dropout: 0.5, early_stopping: {patience: 1}}
"""
    (stack,) = stacks(BASE + text)
    assert len(stack.run_ids) == 10
    found = {
        (one.seed, one.setting.regularizer.dropout): [
            rule and (rule.rule, rule.threshold)
            for rule in (reading.early_stopping for reading in one.readings.values())
        ]
        for one in stack.members
    }
    assert found == {
        (seed, dropout): rules
        for seed in (0, 1)
        for dropout, rules in (
            (0.0, [None, ("patience", 1), ("gl", 2)]),
            (0.5, [None, ("patience", 1)]),
        )
    }


@pytest.mark.parametrize(
    ("seeds", "device", "sizes"),
    [
        (16, "cpu", [16]),
        (17, "cpu", [8, 9]),
        (40, "cpu", [20, 20]),
        (80, "cpu", [40, 40]),
        (81, "cpu", [20, 20, 21, 20]),
        (100, "cuda", [100]),
    ],
)
def test_two_cores_have_work_and_a_stack_has_40_runs_at_most(seeds, device, sizes):
    found = stacks(BASE, seeds, device)
    assert [len(stack.members) for stack in found] == sizes


@pytest.mark.parametrize(
    ("hidden", "sizes"),
    # 2^19 parameters side by side: 64 * h + h + h * 10 + 10 are one run's.
    [("[1000]", [6]), ("[1200]", [3, 3]), ("[3000]", [2, 1, 1, 2]), ("[4000]", [1] * 6)],
)
def test_heavy_runs_stack_in_small_numbers_or_alone(hidden, sizes):
    text = f"dataset: digits\nmodel: {{hidden: {hidden}}}\n"
    found = stacks(text, seeds=6)
    assert [len(stack.members) for stack in found] == sizes
    width = int(hidden[1:-1])
    assert cost(found[0].members[0].setting, Path()).parameters == 75 * width + 10


def test_runs_with_the_same_regularizers_stand_side_by_side():
    text = "sweep: {regularizer: [{l1: 1}, none, {l1: 2}, {dropout: 0.5}, {l1: 3}, {l2: 1}]}\n"
    (stack,) = stacks(BASE + text, seeds=1)
    acting = [
        tuple(key for key in ("l1", "l2", "dropout") if getattr(one.setting.regularizer, key))
        for one in stack.members
    ]
    changes = sum(a != b for a, b in pairwise(acting))
    assert (sorted(set(acting)), changes) == ([(), ("dropout",), ("l1",), ("l2",)], 3)
    # Of one kind, in the order of the plan.
    assert [one.setting.regularizer.l1 for one in stack.members if one.setting.regularizer.l1] == [
        *(1, 2, 3)
    ]


def test_on_a_gpu_the_runs_of_a_seed_stand_side_by_side():
    text = "sweep: {regularizer: [{l2: 1}, none, {l2: 2}]}\n"
    (stack,) = stacks(BASE + text, seeds=2, device="cuda")
    found = [(one.setting.regularizer.l2, one.seed) for one in stack.members]
    assert found == [(0, 0), (0, 1), (1, 0), (2, 0), (1, 1), (2, 1)]


def test_splits_of_other_shapes_are_refused(tmp_path):
    members = [
        member(setting(dataset={"name": "wine", "train_size": size}), seed=0) for size in (50, 60)
    ]
    with pytest.raises(BadData) as caught:
        train_stack(members, tmp_path)
    assert str(caught.value) == (
        "splits of one stack differ in (example, classes, training, validation and test examples): "
        "[((13,), 3, 50, 36, 36), ((13,), 3, 60, 36, 36)]"
    )


def test_networks_that_autograd_trains_spread_over_the_cores():
    """Their runs go one by one: a large stack would gain nothing, and keep other cores waiting."""
    for model in ("{name: cnn, channels: [4]}", "{name: module, width: 3, init: orthogonal}"):
        text = f"dataset: {{name: digits, train_size: 60}}\nmodel: {model}\n"
        for_ten = stacks(text + "sweep: {regularizer.l2: [0, 0.1]}\n", seeds=5)
        assert [len(stack.members) for stack in for_ten] == [2, 3, 3, 2]
    two_widths = stacks(text + "sweep: {model.width: [3, 4]}\n", seeds=2)
    assert [len(stack.members) for stack in two_widths] == [2, 2]
