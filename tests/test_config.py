"""YAML scalars, sweeps, identities, plans, claims, schema."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from planned import planned
from pydantic import BaseModel

from regbench.advice.strengths.translate import PLACES
from regbench.config.blocks import datasets, model, optimizer
from regbench.config.claims import BadClaim, parse_claim, resolve
from regbench.config.json_schema import study_schema
from regbench.config.load import load_study, parse_study, study_from_mapping
from regbench.config.yaml_text import dump_yaml, parse_scalar, parse_yaml
from regbench.data import SOURCES, shape
from regbench.engine.layers.activation import ACTIVATIONS
from regbench.engine.layers.initializers import INITIALIZERS
from regbench.engine.optimizers.optimizer import OPTIMIZERS
from regbench.engine.regularizers.regularizer import TABLES
from regbench.errors import BadData, BadStudy
from regbench.vocabulary import optimizers, regularizers

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


def test_a_large_file_is_refused():
    with pytest.raises(BadStudy, match="larger than 1 MiB"):
        parse_yaml("# " + "x" * (1 << 20), "f")


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
    plan = planned(parse_study(f"dataset: iris\n{text}\nseeds: 2\n"))
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
        return planned(parse_study(text, folder=tmp_path)).runs[0].run_id

    assert run_id("a.csv") == run_id("b.csv") != run_id("c.csv")
    with pytest.raises(BadData, match=r"missing\.csv: no such file"):
        run_id("missing.csv")


def test_a_file_that_changes_is_read_again(tmp_path):
    path = tmp_path / "a.csv"
    text = "dataset: {name: csv, path: a.csv, target: y, task: regression}\n"
    seen = set()
    for content in ("x,y\n1,2\n", "x,y\n1,23\n"):
        path.write_text(content)
        seen.add(planned(parse_study(text, folder=tmp_path)).runs[0].run_id)
    assert len(seen) == 2


def test_whole_training_blocks_keep_where_a_run_is_carried_out():
    text = (
        "dataset: iris\ntraining: {threads: 2, batch_size: 8}\nsweep: {training: [{epochs: 3}]}\n"
    )
    (cell,) = parse_study(text, overrides=["training.device=cpu"]).cells
    training = cell.setting.training
    assert (training.threads, training.device, training.epochs) == (2, "cpu", 3)
    assert training.batch_size == 32  # what a whole block leaves out has its default


def test_values_of_a_notebook():
    values = {
        "name": np.str_("notebook"),
        "dataset": {"name": "iris", "val_size": np.float32(0.25)},
        "model": {"hidden": np.array([8, 4])},
        "regularizer": {"batchnorm": np.bool_(True), "dropout": (np.float64(0.5), 0.1)},
        "seeds": range(3),
        "sweep": {
            "optimizer.lr": list(np.logspace(-3, -2, 2)),
            "training.epochs": np.arange(1, 3),
            "regularizer.l2": {np.float64(0.5): np.float64(0.5), 1: 0},
        },
    }
    study = study_from_mapping(values)
    text = """
name: notebook
dataset: {name: iris, val_size: 0.25}
model: {hidden: [8, 4]}
regularizer: {batchnorm: true, dropout: [0.5, 0.1]}
seeds: 3
sweep: {optimizer.lr: [0.001, 0.01], training.epochs: [1, 2], regularizer.l2: {"0.5": 0.5, "1": 0}}
"""
    assert runs(study) == runs(parse_study(text))
    assert json.loads(json.dumps(study.given)) == study.given


def test_a_path_object_is_a_path(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    dataset = {"name": "csv", "path": tmp_path / "a.csv", "target": "y", "task": "regression"}
    assert study_from_mapping({"dataset": dataset}).base.dataset.path == str(tmp_path / "a.csv")


# --- study.yaml -----------------------------------------------------------------------------------


def runs(study):
    return [(run.run_id, run.cell.name, run.seed) for run in planned(study).runs]


BROUGHT = "dataset: {name: csv, path: a.csv, target: y, task: regression"
RESOLVED = [
    "dataset: iris",
    "dataset: iris\nname: '1e3'",
    "dataset: {name: iris, train_size: 30, split_seed: 3, label_noise: 0.3}\nseeds: [5, 3]",
    "dataset: iris\nregularizer: early_stopping",
    "dataset: iris\nregularizer: {early_stopping: {gl: 5}}",
    "dataset: iris\nregularizer: {early_stopping: {pq: 0.5, strip: 3}}",
    "dataset: iris\nregularizer: {early_stopping: {up: 2}}",
    "dataset: iris\nregularizer: {early_stopping: true}\n"
    "sweep: [{regularizer.early_stopping.gl: [1, 2]}, {regularizer.early_stopping.patience: [3]}]",
    "dataset: iris\nregularizer: {early_stopping: {min_delta: 0.1}}\n"
    "sweep: {regularizer.early_stopping.patience: [1, 2]}",
    f"{BROUGHT}, split_column: p}}",
    f"{BROUGHT}, drop: [p]}}\nsweep: {{dataset.path: [a.csv, b.csv]}}",
    f"{BROUGHT}, val_size: 0}}\nsweep: {{dataset.train_size: [0.5, 1]}}",
    f"{BROUGHT}}}\nsweep: {{dataset.split_column: {{none: ~, p: p}}}}",
    "dataset: iris\nsweep: {optimizer.name: [sgd, adam, adamw, rmsprop]}",
    "dataset: iris\noptimizer: {lr: 0.1}\nsweep: {optimizer.name: [sgd, adam]}",
    "dataset: iris\noptimizer: {name: sgd, lr: 0.1, schedule: cosine}\n"
    "sweep: {optimizer.schedule.name: [cosine, step], optimizer.momentum: [0, 0.9]}",
    "dataset: iris\nsweep: {model.name: [linear, mlp]}",
    "dataset: iris\nsweep: {dataset.name: [iris, diabetes, moons]}",
    "sweep: {dataset: [iris, {name: moons, n_samples: 300}, diabetes]}",
    "dataset: iris\nregularizer: {batchnorm: true}\n"
    "sweep: {regularizer.batchnorm.eps: [1e-5, 1e-3]}",
    "dataset: iris\ntraining: {device: cpu, batch_size: full}\n"
    "sweep: {training: {a: {epochs: 3}, b: {epochs: 4}}}\nexpect: ['gap_loss[a] < gap_loss[b]']",
    "dataset: iris\nregularizer: {l1: [0.1, 0, 0.2], max_norm: 3, l1_method: subgradient}",
    "dataset: iris\nsweep: {regularizer: {'1e3': l1, 'no': none, '~': l2, '<<': {l2: 3}, ' s ': "
    "{l2: 4}, '[x]': {l1: 4}, 'a: b #c': {l1: 8}, '=1': {l1: 9}, '0x1F': {l2: 1e-30}, é: {l2: 8}}}",
]


@pytest.mark.parametrize("text", RESOLVED)
def test_a_resolved_study_is_a_study_of_the_same_runs(text, tmp_path):
    (tmp_path / "a.csv").write_text("x,y,p\n1,2,train\n")
    (tmp_path / "b.csv").write_text("x,y,p\n1,3,train\n")
    study = parse_study(text, folder=tmp_path)
    written = dump_yaml(study.resolved())
    assert parse_yaml(written, "study.yaml").value == study.resolved()
    again = parse_study(written, folder=tmp_path, name="other")
    assert runs(again) == runs(study)
    assert (again.name, again.expect) == (study.name, study.expect)
    assert again.resolved() == study.resolved()


def test_defaults_are_written_out_where_they_apply():
    block = parse_study("dataset: iris\nregularizer: {early_stopping: {up: 2}}\n").resolved()
    assert block["regularizer"]["early_stopping"] == {
        "up": 2,
        "strip": 5,
        "monitor": "val_loss",
        "restore_best_weights": True,
    }
    assert list(block["optimizer"]) == ["name", "schedule", "lr", "betas", "eps"]
    text = "dataset: iris\noptimizer: {lr: 0.1}\nsweep: {optimizer.name: [sgd, adam]}\n"
    assert parse_study(text).resolved()["optimizer"] == {"name": "adam", "lr": 0.1}


def test_what_is_fixed_does_not_change_with_the_sweep():
    base = parse_study("dataset: iris\n")
    assert base.fixed() == {
        key: value
        for key, value in base.resolved().items()
        if key not in ("schema_version", "seeds", "sweep", "metrics", "expect", "interval")
    }
    assert base.fixed() == parse_study("dataset: iris\nsweep: {model.name: [linear]}\n").fixed()
    few, more = (parse_study(f"sweep: {{dataset: [{sets}]}}\n") for sets in ("iris", "wine, iris"))
    assert few.fixed() == more.fixed()
    assert "dataset" not in few.fixed()
    assert "dataset" not in few.resolved()


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@example({"1e3": "0x1F", "\x85 a": "b\x85", "c": " # ", "~": "\n", "<<": "=", "- x": "é"})
@given(
    st.recursive(
        PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
    )
)
def test_what_is_dumped_is_read_back(value):
    assert parse_yaml(dump_yaml(value), "f").value == value


# --- the quickstart, claims, the schema -----------------------------------------------------------


def test_the_quickstart_plan():
    plan = planned(load_study(QUICKSTART))
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


LABELLED = parse_study(
    """
dataset: iris
sweep:
  regularizer: {none: none, '[x]': l1, ' s ': l2, 'a]': {l2: 3}, 'a"[': {l2: 4}, 'p, q=r': {l2: 5},
    'k=v': {l2: 6}}
"""
).cells
ADDRESSES = [
    ('gap_loss["[x]"] < 100', "[x]"),
    ('gap_loss[" s "] < 100', " s "),
    ('gap_loss[regularizer=" s "] < 100', " s "),
    ("gap_loss[  none ] < 100", "none"),
    ('gap_loss["none"] < 100', "none"),
    ("gap_loss[regularizer = none] < 100", "none"),
    ('gap_loss["a]"] < gap_loss[none]', "a]"),
    ('gap_loss["a]"] == 1 +- 0.1', "a]"),
    ('gap_loss["a""["] < gap_loss[none]', 'a"['),
    ('gap_loss[ regularizer = "a""[" ] < gap_loss["a]"]', 'a"['),
    ("gap_loss[p, q=r] < 1", "p, q=r"),
    ('gap_loss[regularizer="p, q=r"] < 1', "p, q=r"),
    ("gap_loss[regularizer=k=v] < 1", "k=v"),
]
UNQUOTED = [
    ("gap_loss[[x]] < 1", "expected [ and ] with a cell after gap_loss: brackets and quotes stand"),
    ("gap_loss[a]] < 1", 'stand in double quotes, as in gap_loss["a]"]'),
    ('gap_loss[a"] < 1', 'stand in double quotes, as in gap_loss["a]"]'),
    ("gap_loss < 1", "expected [ and ] with a cell after gap_loss"),
    ("gap_loss[regularizer=p, q=r] < 1", "no cell is called 'regularizer=p, q=r'"),
    ("gap_loss[x] < 1", 'there are none, "[x]", " s ", "a]", "a""[", p, q=r, k=v'),
]


@pytest.mark.parametrize(("text", "message"), UNQUOTED)
def test_what_must_be_quoted_is_said(text, message):
    with pytest.raises(BadClaim) as caught:
        resolve(parse_claim(text), LABELLED)
    assert message in str(caught.value)


@pytest.mark.parametrize(("text", "label"), ADDRESSES)
def test_any_label_can_be_claimed_about(text, label):
    ((cell, _),) = resolve(parse_claim(text), LABELLED)
    assert cell.name == label


def test_the_parts_of_a_file_that_brings_its_split_are_not_known():
    study = parse_study(f"{BROUGHT}, split_column: p}}\nexpect: ['val_loss[none] < 1']\n")
    assert study.claims[0].left.metric == "val_loss"


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

    assert kinds(datasets.DatasetConfig) == set(SOURCES)
    assert kinds(optimizer.OptimizerConfig) == set(OPTIMIZERS)
    assert set(optimizers.OPTIMIZERS) == set(OPTIMIZERS)
    assert set(get_args(model.Activation)) == set(ACTIVATIONS)
    assert set(get_args(model.Initializer)) == set(INITIALIZERS)


def test_every_regularizer_has_its_file_where_it_acts():
    kinds = regularizers.KINDS.values()
    assert {where: set(table) for where, table in TABLES.items()} == {
        where: {kind.key for kind in kinds if kind.acts_on == where} for where in TABLES
    }
    assert sum(map(len, TABLES.values())) == len(kinds)
    assert all(kind.formula and kind.source for kind in kinds)


def test_optimizers_name_places_that_strengths_are_converted_to():
    known = {"", optimizers.NONE, *PLACES}
    for entry in optimizers.OPTIMIZERS.values():
        assert {entry.decay, entry.torch_l2, entry.torch_decay} <= known


def test_known_rows_are_the_data_sets_own():
    elsewhere = {"csv", "parquet", "npz", "idx", "cifar", "images", "openml", "frame", "arrays"}
    for name in set(SOURCES) - elsewhere:
        block = parse_study(f"dataset: {name}\n").base.dataset
        assert shape(block, Path()).rows == block.rows


def test_the_schema_accepts_the_shipped_studies():
    schema = study_schema()
    assert '"he_normal"' in json.dumps(schema)
    properties = schema["properties"]
    assert properties["regularizer"]["anyOf"][1]["enum"][0] == "none"
    # A bare csv says too little; a data set may be named by the sweep alone.
    assert {"iris", "moons"} <= set(words := properties["dataset"]["anyOf"][1]["enum"])
    assert "csv" not in words
    assert {"linear", "mlp", "cnn"} <= set(properties["model"]["anyOf"][1]["enum"])
    assert "required" not in schema
    assert schema["anyOf"] == [{"required": ["dataset"]}, {"required": ["sweep"]}]


SHIPPED = sorted({*QUICKSTART.parent.rglob("*.yaml")} - {*QUICKSTART.parent.glob("scaling/*")})


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.name)
def test_shipped_studies_are_sound_and_begin_with_their_command(path):
    text = path.read_text(encoding="utf-8")
    study = load_study(path)
    again = parse_study(dump_yaml(study.resolved()), folder=path.parent)
    assert runs(again) == runs(study)
    relative = path.relative_to(QUICKSTART.parent.parent)
    lesson = path.parent.name == "studies"
    command = f"regbench reproduce {path.stem}" if lesson else f"regbench run {relative}"
    assert command in text.split("name:")[0]
