"""YAML scalars, sweeps, identities, plans, claims, schema."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from regbench.config import schema
from regbench.config.claims import BadClaim, parse_claim, resolve
from regbench.config.crosschecks import KNOWN_ROWS
from regbench.config.json_schema import study_schema
from regbench.config.load import load_study, parse_study
from regbench.config.plan import make_plan
from regbench.config.yaml_text import parse_scalar, parse_yaml
from regbench.data import SOURCES, shape
from regbench.errors import BadData, BadStudy
from regbench.nn.activation import ACTIVATIONS
from regbench.nn.initializers import INITIALIZERS
from regbench.training.optimizers import OPTIMIZERS

QUICKSTART = Path(__file__).parent.parent / "configs" / "quickstart.yaml"


def cells(text):
    return [cell.name for cell in parse_study("dataset: iris\n" + text).cells]


def test_yaml_12_scalars():
    text = (
        "[1e-3, 1E3, no, on, yes, true, ~, null, "
        "0o17, 017, 1_0, 0x10, .5, 5., 1:30, '1', 2026-01-01]"
    )
    assert parse_yaml(text, "f").value == [
        *(0.001, 1000.0, "no", "on", "yes", True, None, None),
        *(15, 17, "1_0", 16, 0.5, 5.0, "1:30", "1", "2026-01-01"),
    ]
    assert parse_scalar("-.inf") == float("-inf")


def test_yaml_anchors_and_merges():
    text = "a: &x {l1: 1, l2: 2}\nb: {<<: *x, l2: 3}\nc: *x\n"
    assert parse_yaml(text, "f").value == {
        "a": {"l1": 1, "l2": 2},
        "b": {"l1": 1, "l2": 3},
        "c": {"l1": 1, "l2": 2},
    }


def test_an_alias_bomb_is_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    with pytest.raises(BadStudy, match="too large"):
        parse_yaml("\n".join(lines), "f")


def test_a_large_file_is_refused():
    with pytest.raises(BadStudy, match="larger than 1 MiB"):
        parse_yaml("# " + "x" * (1 << 20), "f")


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_mutated_studies_give_a_study_or_problems(data):
    text = QUICKSTART.read_text(encoding="utf-8")
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 12))
        junk = st.text(alphabet="{}[]:,&*!?|>-'\"#%@ \n\t0e.xa\x00\ud800é", max_size=6)
        text = text[:at] + data.draw(junk) + text[at + cut :]
    # Nothing but these two, whatever the text.
    with suppress(BadStudy, BadData):
        parse_study(text)


def test_a_mapping_is_a_product_and_a_list_a_union():
    product = "sweep: {optimizer.lr: [0.1, 0.2], regularizer: {none: none, weak: {l2: 0.1}}}\n"
    assert cells(product) == [
        "optimizer.lr=0.1, regularizer=none",
        "optimizer.lr=0.1, regularizer=weak",
        "optimizer.lr=0.2, regularizer=none",
        "optimizer.lr=0.2, regularizer=weak",
    ]
    union = "sweep: [{regularizer.l2: [0, 0.1]}, {regularizer.dropout: [0.2, 0]}]\n"
    # l2 = 0 and dropout = 0 are one setting, which keeps its first place.
    assert cells(union) == ["0", "0.1", "0.2"]


LABELS = [
    ("sweep: {model.hidden: [[48, 48], [8]]}", ["48x48", "8"]),
    ("sweep: {regularizer: [none, {l1: 1e-3, dropout: 0.5}]}", ["none", "l1=0.001+dropout=0.5"]),
    ("sweep: {regularizer: [{}, {l2: 10}]}", ["none", "l2=10"]),
    ("sweep: {training.shuffle: [true, false]}", ["true", "false"]),
    ("sweep: {optimizer.lr: [1e-3, 0.01, 1.0]}", ["0.001", "0.01", "1"]),
    ("sweep: {model: [linear, {name: mlp, hidden: [4]}]}", ["linear", "mlp+hidden=4"]),
    ("sweep: {regularizer.early_stopping: [false, {patience: 3}]}", ["false", "patience=3"]),
    ("", ["none"]),
    ("regularizer: l2", ["l2=0.001"]),
]


@pytest.mark.parametrize(("text", "names"), LABELS)
def test_labels(text, names):
    assert cells(text + "\n") == names


def test_whole_blocks_apply_before_dotted_keys():
    text = "dataset: iris\nsweep: {regularizer.l2: [0.1, 0.2], regularizer: [dropout, l1]}\n"
    found = [cell.regularizer for cell in parse_study(text).cells]
    assert found == [
        "l2=0.1+dropout=0.5",
        "l1=0.001+l2=0.1",
        "l2=0.2+dropout=0.5",
        "l1=0.001+l2=0.2",
    ]


SAME = [
    ("regularizer: none", "regularizer: {l1: 0, l2: 0.0, dropout: [0, 0]}"),
    ("regularizer: {l2: 0.1}", "regularizer: {l2: [0.1, 0.1, 0.1]}"),
    ("regularizer: early_stopping", "regularizer: {early_stopping: true}"),
    ("regularizer: none", "regularizer: {l1_method: subgradient}"),
    ("regularizer: none", "regularizer: {batchnorm: false, early_stopping: false}"),
    ("training: {epochs: 100}", "training: {device: cpu, threads: 3, save_weights: true}"),
    ("name: a", "name: b"),
    ("model: mlp", "model: {hidden: [64, 64]}"),
    ("optimizer: adam", "optimizer: {lr: 1e-3, schedule: constant}"),
]
DIFFERENT = [
    ("regularizer: {l2: 0.1}", "regularizer: {l2: 0.2}"),
    ("regularizer: {l1: 1}", "regularizer: {l1: 1, l1_method: subgradient}"),
    ("training: {epochs: 100}", "training: {epochs: 101}"),
    ("training: {eval_every: 1}", "training: {eval_every: 2}"),
    ("training: {dtype: float32}", "training: {dtype: float64}"),
    ("optimizer: adam", "optimizer: {schedule: {name: constant, warmup_epochs: 3}}"),
    ("regularizer: batchnorm", "regularizer: {batchnorm: {momentum: 0.2}}"),
]


def ids(text):
    plan = make_plan(parse_study(f"dataset: iris\n{text}\nseeds: 2\n"))
    return [run.run_id for run in plan.runs]


@pytest.mark.parametrize(("a", "b"), SAME)
def test_the_same_setting_has_the_same_run_ids(a, b):
    assert ids(a) == ids(b)


@pytest.mark.parametrize(("a", "b"), DIFFERENT)
def test_another_setting_has_others(a, b):
    assert not set(ids(a)) & set(ids(b))
    assert len(set(ids(a))) == 2


def test_a_file_is_its_bytes(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    (tmp_path / "c.csv").write_text("x,y\n1,3\n")

    def run_id(name):
        text = f"dataset: {{name: csv, path: {name}, target: y, task: regression}}\n"
        return make_plan(parse_study(text, folder=tmp_path)).runs[0].run_id

    assert run_id("a.csv") == run_id("b.csv") != run_id("c.csv")
    with pytest.raises(BadData, match=r"missing\.csv: cannot be read"):
        run_id("missing.csv")


def test_the_quickstart_plan():
    plan = make_plan(load_study(QUICKSTART))
    assert len(plan.runs) == 35
    assert [run.seed for run in plan.runs[:6]] == [0, 1, 2, 3, 4, 0]
    assert plan.varying == (
        "regularizer.l1",
        "regularizer.l2",
        "regularizer.dropout",
        "regularizer.early_stopping.patience",
        "regularizer.batchnorm",
    )


GRID = parse_study(
    "dataset: iris\nsweep: {optimizer.lr: [0.1, 0.2], regularizer: {none: none, l2: {l2: 1}}}\n"
).cells

CLAIMS = [
    ("gap_loss[l2] < gap_loss[none]", 2),
    ("gap_loss[regularizer=l2] < gap_loss[regularizer=none]", 2),
    ("gap_loss[optimizer.lr=0.1, regularizer=l2] < gap_loss[optimizer.lr=0.2, regularizer=l2]", 1),
    ("gap_loss[0.1] <= 3e-2", 2),
    ("val_acc[l2] == val_acc[none] ± .05", 2),
    ("val_acc[l2] == val_acc[none] +- .05", 2),
    ("train_loss[l2] > gap_loss[l2]", 2),
]


@pytest.mark.parametrize(("text", "pairs"), CLAIMS)
def test_claims_pair_over_the_axes_that_neither_side_names(text, pairs):
    found = resolve(parse_claim(text), GRID)
    assert len(found) == pairs
    for left, right in found:
        if right is not None and "regularizer=" not in text:
            assert dict(left.labels)["optimizer.lr"] == dict(right.labels)["optimizer.lr"]


def test_sides_that_cannot_be_paired():
    with pytest.raises(BadClaim, match="matches several cells"):
        resolve(
            parse_claim("gap_loss[optimizer.lr=0.1, regularizer=l2] < gap_loss[0.2]"),
            (
                *GRID,
                *parse_study(
                    "dataset: iris\nsweep: {optimizer.lr: [0.2], model.hidden: [[1], [2]]}\n"
                ).cells,
            ),
        )


def kinds(annotation):
    from typing import get_args

    return {
        get_args(kind.model_fields["name"].annotation)[0]
        for kind in get_args(get_args(annotation)[0])
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    }


def test_every_kind_in_the_schema_has_its_part():
    from typing import get_args

    assert kinds(schema.DatasetConfig) == set(SOURCES)
    assert kinds(schema.OptimizerConfig) == set(OPTIMIZERS)
    assert set(get_args(schema.Activation)) == set(ACTIVATIONS)
    assert set(get_args(schema.Initializer)) == set(INITIALIZERS)


def test_known_rows_are_the_data_sets_own():
    for name, rows in KNOWN_ROWS.items():
        assert shape(parse_study(f"dataset: {name}\n").base.dataset, Path()).rows == rows


def test_the_schema_accepts_the_shipped_studies():
    text = json.dumps(study_schema())
    assert '"he_normal"' in text
    assert study_schema()["properties"]["regularizer"]["anyOf"][1]["enum"][0] == "none"


@pytest.mark.parametrize("path", sorted(QUICKSTART.parent.rglob("*.yaml")), ids=lambda p: p.name)
def test_shipped_studies_are_sound_and_begin_with_their_command(path):
    text = path.read_text(encoding="utf-8")
    load_study(path)
    relative = path.relative_to(QUICKSTART.parent.parent)
    assert f"regbench run {relative}" in text.split("name:")[0]
