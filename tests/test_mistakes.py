"""Bad study files and overrides: each gets exactly this message, and exit code 2."""

import pytest

from regbench.config.load import parse_study
from regbench.errors import BadStudy

IRIS = "dataset: iris\n"

# Text of the study, overrides, message.
CASES = [
    ("", [], ("study.yaml: is empty: a study is a mapping of keys such as dataset, model, sweep")),
    (
        "- 1\n",
        [],
        (
            "study.yaml:1:1: holds a list of 1 at the top: a study is a mapping of keys "
            "such as dataset, model, sweep"
        ),
    ),
    (
        "name: x\n",
        [],
        ("study.yaml:1:1: the key 'dataset' is missing: it is the only one that must be given"),
    ),
    (
        IRIS + "model: [1\n",
        [],
        (
            "study.yaml:3:1: is not YAML: while parsing a flow sequence expected ',' or "
            "']', but got '<stream end>'"
        ),
    ),
    (
        IRIS + "model: {name: mlp\n  hidden: 3}\n",
        [],
        (
            "study.yaml:3:9: is not YAML: while parsing a flow mapping expected ',' or "
            "'}', but got ':'"
        ),
    ),
    (
        IRIS + "\tmodel: mlp\n",
        [],
        (
            "study.yaml:2:1: is not YAML: while scanning for the next token found "
            "character '\\t' that cannot start any token"
        ),
    ),
    ("dataset: !!python/object:os.system iris\n", [], "study.yaml:1:10: tags are not allowed"),
    (IRIS + "dataset: iris\n", [], "study.yaml:2:1 dataset: this key is given twice"),
    (
        "dataset: {name: iris, name: wine}\n",
        [],
        "study.yaml:1:23 dataset.name: this key is given twice",
    ),
    ("dataset: &a [*a]\n", [], "study.yaml:1:10: an alias contains itself"),
    (
        IRIS + "---\ndataset: wine\n",
        [],
        (
            "study.yaml:2:1: is not YAML: expected a single document in the stream but "
            "found another document"
        ),
    ),
    ("? [1]\n: 2\n", [], "study.yaml:1:3: a key must be a plain word"),
    ("[" * 40, [], "study.yaml:1:33: is nested deeper than 32 levels"),
    (IRIS + "modle: mlp\n", [], "study.yaml:2:1 modle: unknown key (did you mean 'model'?)"),
    (
        IRIS + "wibble: 3\n",
        [],
        (
            "study.yaml:2:1 wibble: unknown key; the keys are dataset, model, "
            "regularizer, optimizer, training, schema_version, name, seeds, sweep, "
            "expect"
        ),
    ),
    (
        "dataset: irsi\n",
        [],
        (
            "study.yaml:1:10 dataset: expected one of digits, breast_cancer, wine, iris, "
            "diabetes, moons, circles, friedman1, polynomial, sparse_linear, csv, not "
            "'irsi' (did you mean 'iris'?)"
        ),
    ),
    ("dataset: 3\n", [], "study.yaml:1:10 dataset: expected a mapping, not 3"),
    (
        "dataset: {train_size: 3}\n",
        [],
        (
            "study.yaml:1:10 dataset: the key 'name' is missing; it is one of digits, "
            "breast_cancer, wine, iris, diabetes, moons, circles, friedman1, polynomial, "
            "sparse_linear, csv"
        ),
    ),
    (
        "dataset: {name: iris, train_sizes: 3}\n",
        [],
        "study.yaml:1:23 dataset.train_sizes: unknown key (did you mean 'train_size'?)",
    ),
    (
        "dataset: {name: iris, train_size: many}\n",
        [],
        (
            "study.yaml:1:35 dataset.train_size: expected a share of all rows in [0, 1), "
            "or a count, not 'many'"
        ),
    ),
    (
        "dataset: {name: iris, train_size: -3}\n",
        [],
        (
            "study.yaml:1:35 dataset.train_size: expected a share of all rows in [0, 1), "
            "or a count, not -3"
        ),
    ),
    (
        "dataset: {name: iris, val_size: 1.5}\n",
        [],
        (
            "study.yaml:1:33 dataset.val_size: expected a share of all rows in [0, 1), "
            "or a count, not 1.5"
        ),
    ),
    (
        "dataset: {name: iris, train_size: 200}\n",
        [],
        (
            "study.yaml:1:35 dataset.train_size: asks for 200 examples, but of 150 rows "
            "only 90 are left after 30 for validation and 30 for test"
        ),
    ),
    (
        "dataset: {name: iris, val_size: 0.6, test_size: 0.5}\n",
        [],
        (
            "study.yaml:1:10 dataset: 90 for validation and 75 for test leave nothing of "
            "150 rows to train on"
        ),
    ),
    (
        "dataset: {name: iris, val_size: 0.001}\n",
        [],
        ("study.yaml:1:33 dataset.val_size: leaves no example of 150 rows: give 0 for none"),
    ),
    (
        "dataset: {name: iris, label_noise: 2}\n",
        [],
        "study.yaml:1:36 dataset.label_noise: expected a value <= 1, not 2",
    ),
    (
        "dataset: {name: iris, standardize: maybe}\n",
        [],
        "study.yaml:1:36 dataset.standardize: expected true or false, not 'maybe'",
    ),
    (
        "dataset: {name: diabetes, label_noise: 0.1}\n",
        [],
        (
            "study.yaml:1:27 dataset.label_noise: unknown key; the keys here are "
            "train_size, val_size, test_size, split_seed, standardize, name"
        ),
    ),
    (
        "dataset: {name: iris, split_seed: -1}\n",
        [],
        "study.yaml:1:35 dataset.split_seed: expected a value >= 0, not -1",
    ),
    (
        "dataset: {name: moons, noise: -0.1}\n",
        [],
        "study.yaml:1:31 dataset.noise: expected a value >= 0, not -0.1",
    ),
    (
        "dataset: {name: friedman1, n_features: 4}\n",
        [],
        "study.yaml:1:40 dataset.n_features: expected a value >= 5, not 4",
    ),
    (
        "dataset: {name: sparse_linear, n_features: 3, n_informative: 5}\n",
        [],
        "study.yaml:1:10 dataset: n_informative is 5, more than n_features (3)",
    ),
    (
        "dataset: {name: csv, target: y, task: regression}\n",
        [],
        "study.yaml:1:10 dataset: the key 'path' is missing",
    ),
    (
        "dataset: {name: csv, path: a.csv, target: y, task: clustering}\n",
        [],
        (
            "study.yaml:1:52 dataset.task: expected one of classification, regression, "
            "not 'clustering'"
        ),
    ),
    (
        "dataset: {name: csv, path: a.csv, target: y, task: regression, split_column: part, val_size: 0.1}\n",
        [],
        ("study.yaml:1:94 dataset.val_size: goes against split_column, which brings the split"),
    ),
    (
        IRIS + "model: {name: mlpp}\n",
        [],
        (
            "study.yaml:2:15 model.name: expected one of linear, mlp, not 'mlpp' (did "
            "you mean 'mlp'?)"
        ),
    ),
    (
        IRIS + "model: {hidden: 64}\n",
        [],
        ("study.yaml:2:17 model.hidden: expected a list of widths (whole numbers from 1), not 64"),
    ),
    (
        IRIS + "model: {hidden: [64, 0]}\n",
        [],
        "study.yaml:2:22 model.hidden[1]: expected a value >= 1, not 0",
    ),
    (
        IRIS + "model: {hidden: [64, '32']}\n",
        [],
        "study.yaml:2:22 model.hidden[1]: expected a whole number, not '32'",
    ),
    (
        IRIS + "model: {hidden: []}\n",
        [],
        (
            "study.yaml:2:17 model.hidden: expected a list of widths (whole numbers from "
            "1), not an empty list"
        ),
    ),
    (
        IRIS + "model: {activation: rellu}\n",
        [],
        (
            "study.yaml:2:21 model.activation: expected one of relu, tanh, gelu, elu, "
            "selu, sigmoid, not 'rellu' (did you mean 'relu'?)"
        ),
    ),
    (
        IRIS + "model: {name: linear, hidden: [3]}\n",
        [],
        "study.yaml:2:23 model.hidden: unknown key; the keys here are name, init",
    ),
    (
        IRIS + "regularizer: l3\n",
        [],
        (
            "study.yaml:2:14 regularizer: expected a mapping, or one of none, l1, l2, "
            "elastic, dropout, early_stopping, batchnorm, not 'l3'"
        ),
    ),
    (
        IRIS + "regularizer: {l2: -0.1}\n",
        [],
        (
            "study.yaml:2:19 regularizer.l2: expected a number >= 0, or a list with one "
            "a layer, not -0.1"
        ),
    ),
    (
        IRIS + "regularizer: {l2: .inf}\n",
        [],
        (
            "study.yaml:2:19 regularizer.l2: expected a number >= 0, or a list with one "
            "a layer, not inf"
        ),
    ),
    (
        IRIS + "regularizer: {l1: 0,001}\n",
        [],
        (
            "study.yaml:2:21 regularizer.001: unknown key; the keys here are l1, l2, "
            "l1_method, dropout, input_dropout, batchnorm, early_stopping, weight_decay, "
            "max_norm, label_smoothing, input_noise"
        ),
    ),
    (
        IRIS + "regularizer: {dropout: 1.0}\n",
        [],
        (
            "study.yaml:2:24 regularizer.dropout: expected a rate in [0, 1), or a list "
            "with one a hidden layer, not 1.0"
        ),
    ),
    (
        IRIS + "regularizer: {dropout: [0.5]}\n",
        [],
        ("study.yaml:2:24 regularizer.dropout: has 1 values, but the model has 2 hidden layers"),
    ),
    (
        IRIS + "regularizer: {l2: [0.1, 0.2]}\n",
        [],
        "study.yaml:2:19 regularizer.l2: has 2 values, but the model has 3 kernels",
    ),
    (
        IRIS + "model: linear\nregularizer: dropout\n",
        [],
        (
            "study.yaml:3:14 regularizer.dropout: acts after hidden layers, and a linear "
            "model has none: use input_dropout"
        ),
    ),
    (
        IRIS + "model: linear\nregularizer: batchnorm\n",
        [],
        (
            "study.yaml:3:14 regularizer.batchnorm: acts in hidden layers, and a linear "
            "model has none"
        ),
    ),
    (
        IRIS + "regularizer: {drop_out: 0.5}\n",
        [],
        "study.yaml:2:15 regularizer.drop_out: unknown key (did you mean 'dropout'?)",
    ),
    (
        IRIS + "regularizer: {batchnorm: {momentum: 0}}\n",
        [],
        "study.yaml:2:37 regularizer.batchnorm.momentum: expected a value > 0, not 0",
    ),
    (
        IRIS + "regularizer: {early_stopping: {patience: 3, gl: 5}}\n",
        [],
        (
            "study.yaml:2:31 regularizer.early_stopping: patience and gl are different "
            "rules: give one of them"
        ),
    ),
    (
        IRIS + "regularizer: {early_stopping: {gl: 5, min_delta: 0.1}}\n",
        [],
        ("study.yaml:2:31 regularizer.early_stopping: min_delta belongs to patience, not to gl"),
    ),
    (
        IRIS + "regularizer: {early_stopping: {monitor: val_r2}}\n",
        [],
        (
            "study.yaml:2:41 regularizer.early_stopping.monitor: a classification has no "
            "R^2: use val_acc"
        ),
    ),
    (
        "dataset: {name: iris, val_size: 0}\nregularizer: early_stopping\n",
        [],
        (
            "study.yaml:2:14 regularizer.early_stopping: watches val_loss, and val_size "
            "is 0: give val_size, or monitor train_loss"
        ),
    ),
    (
        "dataset: diabetes\nregularizer: {label_smoothing: 0.1}\n",
        [],
        ("study.yaml:2:32 regularizer.label_smoothing: spreads classes, and a regression has none"),
    ),
    (
        IRIS + "regularizer: {max_norm: 0}\n",
        [],
        (
            "study.yaml:2:25 regularizer.max_norm: expected a number > 0, or a list with "
            "one a layer, not 0"
        ),
    ),
    (
        IRIS + "optimizer: adamm\n",
        [],
        (
            "study.yaml:2:12 optimizer: expected one of sgd, adam, adamw, rmsprop, not "
            "'adamm' (did you mean 'adam'?)"
        ),
    ),
    (
        IRIS + "optimizer: {name: adam, momentum: 0.9}\n",
        [],
        (
            "study.yaml:2:25 optimizer.momentum: unknown key; the keys here are "
            "schedule, lr, betas, eps, name"
        ),
    ),
    (
        IRIS + "optimizer: {name: sgd, nesterov: true}\n",
        [],
        "study.yaml:2:12 optimizer: nesterov needs a momentum above 0",
    ),
    (
        IRIS + "optimizer: {lr: 0}\n",
        [],
        "study.yaml:2:17 optimizer.lr: expected a value > 0, not 0",
    ),
    (
        IRIS + "optimizer: {lr: 1e-3x}\n",
        [],
        "study.yaml:2:17 optimizer.lr: expected a number, not '1e-3x'",
    ),
    (
        IRIS + "optimizer: {name: adam, betas: [0.9]}\n",
        [],
        ("study.yaml:2:32 optimizer.betas: expected two numbers in [0, 1), not a list of 1"),
    ),
    (
        IRIS + "optimizer: {schedule: {name: step, gama: 0.1}}\n",
        [],
        "study.yaml:2:36 optimizer.schedule.gama: unknown key (did you mean 'gamma'?)",
    ),
    (
        IRIS + "training: {epochs: -1}\n",
        [],
        "study.yaml:2:20 training.epochs: expected a value >= 0, not -1",
    ),
    (
        IRIS + "training: {batch_size: half}\n",
        [],
        ("study.yaml:2:24 training.batch_size: expected a count from 1, or full, not 'half'"),
    ),
    (
        IRIS + "training: {device: gpu}\n",
        [],
        "study.yaml:2:20 training.device: expected auto, cpu, cuda or cuda:i, not 'gpu'",
    ),
    (
        IRIS + "training: {dtype: float16}\n",
        [],
        (
            "study.yaml:2:19 training.dtype: expected one of float32, float64, not "
            "'float16' (did you mean 'float64'?)"
        ),
    ),
    (
        IRIS + "seeds: 0\n",
        [],
        (
            "study.yaml:2:8 seeds: expected a count from 1, or a list of seeds (whole "
            "numbers from 0), not 0"
        ),
    ),
    (IRIS + "seeds: [1, 1]\n", [], "study.yaml:2:8 seeds: the seed 1 is given twice"),
    (IRIS + "seeds: [1, -1]\n", [], "study.yaml:2:12 seeds[1]: expected a value >= 0, not -1"),
    (
        IRIS + "seeds: five\n",
        [],
        (
            "study.yaml:2:8 seeds: expected a count from 1, or a list of seeds (whole "
            "numbers from 0), not 'five'"
        ),
    ),
    (
        IRIS + "name: ../up\n",
        [],
        (
            "study.yaml:2:7 name: '../up' cannot name a results folder: use letters, "
            "digits, spaces and -_.+=,() and begin with a letter or digit ('reference' "
            "is reserved)"
        ),
    ),
    (
        IRIS + "name: reference\n",
        [],
        (
            "study.yaml:2:7 name: 'reference' cannot name a results folder: use letters, "
            "digits, spaces and -_.+=,() and begin with a letter or digit ('reference' "
            "is reserved)"
        ),
    ),
    (
        IRIS + "name: con\n",
        [],
        (
            "study.yaml:2:7 name: 'con' cannot name a results folder: use letters, "
            "digits, spaces and -_.+=,() and begin with a letter or digit ('reference' "
            "is reserved)"
        ),
    ),
    (IRIS + "schema_version: 2\n", [], "study.yaml:2:17 schema_version: expected 1, not 2"),
    (
        IRIS + "sweep: 3\n",
        [],
        ("study.yaml:2:8 sweep: expected a mapping of axes, or a list of such mappings, not 3"),
    ),
    (IRIS + "sweep: {seeds: [1, 2]}\n", [], "study.yaml:2:9 sweep.seeds: seeds cannot be swept"),
    (
        IRIS + "sweep: {optimiser.lr: [1]}\n",
        [],
        "study.yaml:2:9 sweep.optimiser.lr: unknown axis (did you mean 'optimizer'?)",
    ),
    (
        IRIS + "sweep: {optimizer.lr: []}\n",
        [],
        "study.yaml:2:23 sweep.optimizer.lr: an axis needs at least one value",
    ),
    (
        IRIS + "sweep: {optimizer.lr: [0.1, fast]}\n",
        [],
        "study.yaml:2:29 sweep.optimizer.lr[1]: expected a number, not 'fast'",
    ),
    (
        IRIS + "sweep: {regularizer: {weak: {l2: 0.1}, strong: {l22: 1}}}\n",
        [],
        "study.yaml:2:49 sweep.regularizer.strong.l22: unknown key (did you mean 'l2'?)",
    ),
    (
        IRIS + "sweep: {regularizer.l2: {a: 0.1, b: -1}}\n",
        [],
        (
            "study.yaml:2:37 sweep.regularizer.l2.b: expected a number >= 0, or a list "
            "with one a layer, not -1"
        ),
    ),
    (
        IRIS + "sweep: {a: [1], model.depth: [1, 2]}\n",
        [],
        (
            "study.yaml:2:9 sweep.a: unknown axis; an axis begins with dataset, model, "
            "regularizer, optimizer, training"
        ),
    ),
    (
        IRIS + "expect: gap_loss[none] < 1\n",
        [],
        ("study.yaml:2:9 expect: expected a list of claims, each a text, not 'gap_loss[none] < 1'"),
    ),
    (
        IRIS + "expect: ['gap_los[none] < 1']\n",
        [],
        "study.yaml:2:10 expect[0]: unknown metric 'gap_los' (did you mean 'gap_loss'?)",
    ),
    (
        IRIS + "expect: ['gap_loss none < 1']\n",
        [],
        "study.yaml:2:18 expect[0]: expected [ and ] with a cell after gap_loss",
    ),
    (
        IRIS + "expect: ['gap_loss[none] = 1']\n",
        [],
        "study.yaml:2:25 expect[0]: expected <, <=, >, >= or ==, found '= 1'",
    ),
    (
        IRIS + "expect: ['gap_loss[none] < 1 +- 2']\n",
        [],
        "study.yaml:2:29 expect[0]: a margin goes with ==, not with <",
    ),
    (
        IRIS + "expect: ['gap_loss[nine] < 1']\n",
        [],
        "study.yaml:2:10 expect[0]: no cell is called 'nine' (did you mean 'none'?)",
    ),
    (
        IRIS + "sweep: {regularizer: [none, l2]}\nexpect: ['gap_loss[l2] == gap_loss[none]']\n",
        [],
        "study.yaml:3:40 expect[0]: == between cells needs a margin: +- 0.01",
    ),
    (
        IRIS + "expect: ['gap_loss[none] < 1 and more']\n",
        [],
        "study.yaml:2:29 expect[0]: unexpected 'and more'",
    ),
    (IRIS, ["optimizer.lr"], "-s: expected key=value, not 'optimizer.lr'"),
    (IRIS, ["optimizr.lr=1"], "-s optimizr.lr: unknown key (did you mean 'optimizer'?)"),
    (IRIS, ["optimizer.lr=fast"], "-s optimizer.lr: expected a number, not 'fast'"),
    (IRIS, ["optimizer.lrr=1"], "-s optimizer.lrr: unknown key (did you mean 'lr'?)"),
    (
        IRIS,
        ["training.epochs=[1"],
        (
            "-s training.epochs: is not YAML: while parsing a flow sequence expected ',' "
            "or ']', but got '<stream end>'"
        ),
    ),
    (
        IRIS,
        ["seeds=0"],
        ("-s seeds: expected a count from 1, or a list of seeds (whole numbers from 0), not 0"),
    ),
    (
        IRIS + "sweep: {optimizer.lr: [1]}\n",
        ["optimizer.lr=2"],
        "-s optimizer.lr: is swept in the study: change the sweep there",
    ),
    (
        IRIS + "sweep: {regularizer: [none]}\n",
        ["regularizer.l2=2"],
        "-s regularizer.l2: is swept in the study: change the sweep there",
    ),
    (
        IRIS + "model: {activation: rellu}\n",
        ["regularizer.l2=-1"],
        (
            "study.yaml:2:21 model.activation: expected one of relu, tanh, gelu, elu, "
            "selu, sigmoid, not 'rellu' (did you mean 'relu'?)\n-s regularizer.l2: "
            "expected a number >= 0, or a list with one a layer, not -1"
        ),
    ),
]


@pytest.mark.parametrize(("text", "overrides", "message"), CASES)
def test_message(text, overrides, message):
    with pytest.raises(BadStudy) as caught:
        parse_study(text, overrides=overrides)
    assert str(caught.value) == message
    assert caught.value.exit_code == 2


def test_all_problems_of_a_file_come_at_once_in_its_order():
    text = """
name: ../x
dataset: {name: digitz}
model: {hiden: [3], activation: rellu}
regularizer: {l1: -1, dropout: [0.1, x], early_stopping: {foo: 2}}
optimizer: {lr: fast}
sweep: {regularizer.l3: [1, 2]}
expext: 3
expect: ["gap_los[a] < 3"]
"""
    with pytest.raises(BadStudy) as caught:
        parse_study(text)
    places = [(problem.line, problem.key) for problem in caught.value.problems]
    assert places == [
        (2, "name"),
        (3, "dataset.name"),
        (4, "model.hiden"),
        (4, "model.activation"),
        (5, "regularizer.l1"),
        (5, "regularizer.dropout[1]"),
        (5, "regularizer.early_stopping.foo"),
        (6, "optimizer.lr"),
        (7, "sweep.regularizer.l3"),
        (8, "expext"),
        (9, "expect[0]"),
    ]


def test_a_grid_is_counted_before_it_is_enumerated():
    import time

    axes = ", ".join(
        f"{key}: [{values}]"
        for key, values in {
            "regularizer.l1": ", ".join(map(str, range(2000))),
            "regularizer.l2": ", ".join(map(str, range(2000))),
            "optimizer.lr": ", ".join(map(str, range(1, 2001))),
        }.items()
    )
    begin = time.monotonic()
    with pytest.raises(BadStudy) as caught:
        parse_study(IRIS + f"sweep: {{{axes}}}\n")
    assert str(caught.value) == (
        "study.yaml:2:1 sweep: 8000000000 cells with 5 seeds are 40000000000 runs, more than "
        "--max-runs (100000)"
    )
    assert time.monotonic() - begin < 5  # it would take days
