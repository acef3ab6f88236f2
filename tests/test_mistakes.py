"""Bad study files and overrides: each gets exactly this message, and exit code 2."""

import pytest
from planned import planned

from regbench.api import limits_of
from regbench.config.blocks.files import Csv
from regbench.config.load import parse_study, study_from_mapping
from regbench.data import fingerprint
from regbench.errors import BadData, BadStudy

IRIS = "dataset: iris\n"
HUGE = "1" + "0" * 400
CUT = HUGE[:37] + "..."

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
            "metrics, expect, interval"
        ),
    ),
    (
        "dataset: irsi\n",
        [],
        (
            "study.yaml:1:10 dataset: expected one of digits, breast_cancer, wine, iris, "
            "diabetes, moons, circles, friedman1, polynomial, sparse_linear, mnist1d, mnist_5k, "
            "modular_addition, csv, parquet, npz, idx, cifar, images, openml, frame, arrays, "
            "not 'irsi' (did you mean 'iris'?)"
        ),
    ),
    ("dataset: 3\n", [], "study.yaml:1:10 dataset: expected a mapping, not 3"),
    (
        "dataset: {train_size: 3}\n",
        [],
        (
            "study.yaml:1:10 dataset: the key 'name' is missing; it is one of digits, "
            "breast_cancer, wine, iris, diabetes, moons, circles, friedman1, polynomial, "
            "sparse_linear, mnist1d, mnist_5k, modular_addition, csv, parquet, npz, idx, cifar, "
            "images, openml, frame, arrays"
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
            "train_size, val_size, test_size, folds, split_seed, standardize, name"
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
        "dataset: {name: csv, path: a.csv, target: y}\n",
        [],
        (
            "study.yaml:1:10 dataset: the key 'task' is missing; it is one of classification, "
            "regression"
        ),
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
            "study.yaml:2:15 model.name: expected one of linear, mlp, cnn, module, not 'mlpp' (did "
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
            "max_norm, label_smoothing, input_noise, augment, cutout, mixup, ema, swa"
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
        ("study.yaml:2:24 regularizer.dropout: has 1 value, but the model has 2 hidden layers"),
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
            "study.yaml:3:14 regularizer.dropout: acts in hidden layers, and a linear "
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
        "dataset: {name: mnist1d, n_samples: 4005}\n",
        [],
        "study.yaml:1:37 dataset.n_samples: expected a multiple of 10, not 4005",
    ),
    (
        "dataset: {name: modular_addition, modulus: 3, train_size: 8, val_size: 0}\n",
        [],
        (
            "study.yaml:1:59 dataset.train_size: asks for 8 examples, but of 9 rows only 7 are "
            "left after 0 for validation and 2 for test"
        ),
    ),
    # --- numbers that fit nowhere
    *(
        (
            f"dataset: {{name: {name}, {key}: {HUGE}}}\n",
            [],
            f"study.yaml:1:{column} dataset.{key}: expected a value <= {most}, not {CUT}",
        )
        for name, key, column, most in (
            ("moons", "n_samples", 35, 100000000),
            ("polynomial", "degree", 37, 1000000),
            ("friedman1", "n_features", 40, 1000000),
            ("iris", "train_size", 35, 100000000),
        )
    ),
    (
        f"dataset: {{name: moons, noise: {HUGE}}}\n",
        [],
        f"study.yaml:1:31 dataset.noise: expected a finite number, not {CUT}",
    ),
    (
        IRIS + "model: {hidden: [9223372036854775807]}\n",
        [],
        "study.yaml:2:18 model.hidden[0]: expected a value <= 1000000, not 9223372036854775807",
    ),
    (
        IRIS
        + "training: {threads: 10000000000, epochs: 9223372036854775807, batch_size: 1000000000}\n",
        [],
        (
            "study.yaml:2:21 training.threads: expected a value <= 1024, not 10000000000\n"
            "study.yaml:2:42 training.epochs: expected a value <= 1000000, not 9223372036854775807\n"
            "study.yaml:2:75 training.batch_size: expected a value <= 100000000, not 1000000000"
        ),
    ),
    (
        IRIS + f"regularizer: {{early_stopping: {{patience: {HUGE}}}}}\n",
        [],
        f"study.yaml:2:42 regularizer.early_stopping.patience: expected a value <= 1000000, not {CUT}",
    ),
    (
        IRIS + f"regularizer: {{early_stopping: {{up: {HUGE}}}}}\n",
        [],
        f"study.yaml:2:36 regularizer.early_stopping.up: expected a value <= 1000000, not {CUT}",
    ),
    (
        IRIS + f"seeds: {HUGE}\n",
        [],
        f"study.yaml:2:8 seeds: {CUT} seeds are more than --max-runs (100000)",
    ),
    # --- texts that cannot be written
    (
        'dataset: {name: csv, path: "a\\0b", target: y, task: regression}\n',
        [],
        "study.yaml:1:28 dataset.path: a path cannot hold '\\x00'",
    ),
    (
        'dataset: {name: csv, path: "a\\nb", target: "\\e", task: regression, drop: ["a\\nb", "\\0"]}\n',
        [],
        (
            "study.yaml:1:28 dataset.path: a path cannot hold '\\n'\n"
            "study.yaml:1:44 dataset.target: a column's name cannot hold '\\x1b'\n"
            "study.yaml:1:74 dataset.drop: a column's name cannot hold '\\x00'"
        ),
    ),
    (
        IRIS
        + 'sweep: {regularizer: {"a\\nb": none, "\\r": l1, "\\t": l2, "x\\0": elastic, "\\ud800": dropout, "": batchnorm}}\n',
        [],
        (
            "study.yaml:2:23 sweep.regularizer.a\\nb: a label cannot hold '\\n'\n"
            "study.yaml:2:37 sweep.regularizer.\\r: a label cannot hold '\\r'\n"
            "study.yaml:2:47 sweep.regularizer.\\t: a label cannot hold '\\t'\n"
            "study.yaml:2:57 sweep.regularizer.x\\x00: a label cannot hold '\\x00'\n"
            "study.yaml:2:73 sweep.regularizer.\\ud800: a label cannot hold '\\ud800'\n"
            "study.yaml:2:92 sweep.regularizer.: a label cannot be empty"
        ),
    ),
    (
        IRIS + f"sweep: {{regularizer: {{{'x' * 201}: none, {'y' * 200}: l2}}}}\n",
        [],
        f"study.yaml:2:23 sweep.regularizer.{'x' * 99}...: this label has 201 characters, more than 200",
    ),
    (
        IRIS + f"sweep: {{model.hidden: [[8], [{'8, ' * 150}8]]}}\n",
        [],
        (
            "study.yaml:2:29 sweep.model.hidden[1]: this label has 301 characters, more than 200: "
            "name the values (short: value) instead of listing them"
        ),
    ),
    (
        '"a\\nb\\ufeff": 1\n' + IRIS,
        [],
        "study.yaml:1:1 a\\nb\\ufeff: unknown key; the keys are dataset, model, regularizer, optimizer, training, schema_version, name, seeds, sweep, metrics, expect, interval",
    ),
    (
        'dataset: {name: csv, path: a, target: "\\ud800", task: regression}\n',
        [],
        (
            "study.yaml:1:39 dataset.target: expected a text without halves of surrogate pairs, "
            "not '\\ud800'"
        ),
    ),
    # --- everything at once, the data set missing
    (
        "datset: iris\ntraining: {epoch: 3}\noptimizer: {name: sdg}\nregularizer: {l2: .nan}\n",
        [],
        (
            "study.yaml:1:1 datset: unknown key (did you mean 'dataset'?)\n"
            "study.yaml:2:12 training.epoch: unknown key (did you mean 'epochs'?)\n"
            "study.yaml:3:19 optimizer.name: expected one of sgd, adam, adamw, rmsprop, not 'sdg' (did you mean 'sgd'?)\n"
            "study.yaml:4:19 regularizer.l2: expected a number >= 0, or a list with one a layer, not nan"
        ),
    ),
    (
        "training: {epoch: 3}\nsweep: {regularizer: [l3]}\n",
        [],
        (
            "study.yaml:1:1: the key 'dataset' is missing: it is the only one that must be given\n"
            "study.yaml:1:12 training.epoch: unknown key (did you mean 'epochs'?)\n"
            "study.yaml:2:23 sweep.regularizer[0]: expected a mapping, or one of none, l1, l2, elastic, dropout, early_stopping, batchnorm, not 'l3'"
        ),
    ),
    (
        IRIS + "sweep: {regularizer: {good: l2, bad: {l22: 1}}}\nexpect: ['gap_loss[bad] < 1']\n",
        [],
        "study.yaml:2:39 sweep.regularizer.bad.l22: unknown key (did you mean 'l2'?)",
    ),
    # --- no axes
    (
        "sweep: {dataset: [iris, wine], training.device: [cpu, cuda], training.threads: 3}\n",
        [],
        (
            "study.yaml:1:32 sweep.training.device: where and how a run is carried out is no axis\n"
            "study.yaml:1:62 sweep.training.threads: where and how a run is carried out is no axis"
        ),
    ),
    (
        IRIS
        + "sweep:\n"
        + "- training.save_weights: [true]\n"
        + "- training: {a: {epochs: 3, device: cpu}, b: {save_predictions: true}}\n"
        + "- training: [{threads: 3}]\n",
        [],
        (
            "study.yaml:3:3 sweep[0].training.save_weights: where and how a run is carried out is no axis\n"
            "study.yaml:4:29 sweep[1].training.a.device: where and how a run is carried out is no axis\n"
            "study.yaml:4:47 sweep[1].training.b.save_predictions: where and how a run is carried out is no axis\n"
            "study.yaml:5:15 sweep[2].training[0].threads: where and how a run is carried out is no axis"
        ),
    ),
    (
        IRIS + "training: {device: gpu}\nsweep: {training: [{epochs: 3}, {epochs: 4}]}\n",
        [],
        "study.yaml:2:20 training.device: expected auto, cpu, cuda or cuda:i, not 'gpu'",
    ),
    # --- claims that could never be decided
    *(
        (
            f"dataset: {dataset}\nexpect: ['{metric}[none] < 1']\n",
            [],
            f"study.yaml:2:10 expect[0]: 'none' has no {metric}: its {key} is 0",
        )
        for dataset, key, metrics in (
            ("iris", "label_noise", ("train_acc_clean", "noisy_rows_acc", "flip_rate")),
            ("diabetes", "label_noise", ("flip_rate",)),
            (
                "{name: iris, val_size: 0}",
                "val_size",
                ("val_loss", "gap_acc", "selection_optimism"),
            ),
            (
                "{name: diabetes, test_size: 0}",
                "test_size",
                ("test_r2", "generalization", "selection_optimism", "stopping_regret"),
            ),
        )
        for metric in metrics
    ),
    (
        "dataset: diabetes\nexpect: ['noisy_rows_true_acc[none] < 1', 'gap_acc[none] < 1']\n",
        [],
        (
            "study.yaml:2:10 expect[0]: 'none' is a regression, which has no noisy_rows_true_acc\n"
            "study.yaml:2:43 expect[1]: 'none' is a regression, which has no gap_acc: use gap_r2"
        ),
    ),
    (
        IRIS
        + "expect: ['gap_loss[none] == 0 +- -1', 'gap_loss[none] < 1e999', 'gap_loss[none] == 0 +- 1e999']\n",
        [],
        (
            "study.yaml:2:30 expect[0]: a margin is >= 0, not -1\n"
            "study.yaml:2:56 expect[1]: '1e999' is beyond the largest number\n"
            "study.yaml:2:88 expect[2]: '1e999' is beyond the largest number"
        ),
    ),
    (
        IRIS + "expect: ['gap_loss[none] = gap_loss[none]', 'gap_loss[[none] < 1']\n",
        [],
        (
            "study.yaml:2:25 expect[0]: expected <, <=, >, >= or ==, found '= gap_loss[none]'\n"
            "study.yaml:2:53 expect[1]: expected [ and ] with a cell after gap_loss: brackets and "
            'quotes stand in double quotes, as in gap_loss["a]"]'
        ),
    ),
    (
        IRIS
        + "sweep: {regularizer: {none: none, zero: {l2: 0}, es: {early_stopping: true}}}\n"
        + "expect: ['gap_loss[zero] < 1', 'gap_loss[wibble] < 1']\n",
        [],
        (
            "study.yaml:3:10 expect[0]: no cell is called 'zero'; it is the same setting as 'none'\n"
            "study.yaml:3:32 expect[1]: no cell is called 'wibble'; there are none, es"
        ),
    ),
    (
        IRIS
        + "sweep: {regularizer: {none: none, zero: {l2: 0}}, optimizer.lr: [0.1, 0.2]}\n"
        + "expect: ['gap_loss[regularizer=zero, optimizer.lr=0.2] < 1']\n",
        [],
        (
            "study.yaml:3:10 expect[0]: no cell is called 'regularizer=zero, optimizer.lr=0.2'; "
            "it is the same setting as 'regularizer=none, optimizer.lr=0.2'"
        ),
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
        IRIS + "model: {hidden: [3]}\nexpect: [x]\n",
        ["model.hidden=[[1]]", "expect=[a]"],
        (
            "-s model.hidden[0]: expected a whole number, not a list of 1\n"
            "-s expect[0]: unknown metric 'a'"
        ),
    ),
    (
        IRIS + "sweep: {training: [{epochs: 3}]}\n",
        ["training.epochs=2"],
        "-s training.epochs: is swept in the study: change the sweep there",
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


SEEDS = [
    ("0", "--seeds: expected a count from 1, or a list of seeds (whole numbers from 0), not 0"),
    ("1,-1", "--seeds [1]: expected a value >= 0, not -1"),
    ("1,1", "--seeds: the seed 1 is given twice"),
    (
        "five",
        "--seeds: expected a count from 1, or a list of seeds (whole numbers from 0), not 'five'",
    ),
    (
        "",
        "--seeds: expected a count from 1, or a list of seeds (whole numbers from 0), not nothing",
    ),
    ("100001", "--seeds: 100001 seeds are more than --max-runs (100000)"),
]


@pytest.mark.parametrize(("seeds", "message"), SEEDS)
def test_what_was_typed_as_seeds_is_called_so(seeds, message):
    with pytest.raises(BadStudy) as caught:
        parse_study(IRIS + "seeds: 3\n", seeds=seeds)
    assert str(caught.value) == message


def test_a_files_stem_that_cannot_name_a_folder():
    with pytest.raises(BadStudy) as caught:
        parse_study(IRIS, name="my study!")
    assert str(caught.value) == (
        "study.yaml:1:1 name: there is no name, and the file's stem 'my study!' cannot name a "
        "results folder: use letters, digits, spaces and -_.+=,() and begin with a letter or digit "
        "('reference' is reserved)"
    )
    assert parse_study(IRIS + "name: x\n", name="my study!").name == "x"


MAPPINGS = [
    ({"seeds": range(10**12)}, "study: holds more than 300000 values"),
    ({"seeds": {1, 2}}, "study seeds: expected a number, text, list or mapping, not a set"),
    (
        {"seeds": 10**6000},
        "study seeds: expected a count from 1, or a list of seeds (whole numbers from 0), not inf",
    ),
    ({"model": {1: 2, "1": 3}}, "study model.1: this key is given twice"),
]


@pytest.mark.parametrize(("values", "message"), MAPPINGS)
def test_values_that_no_file_could_hold(values, message):
    with pytest.raises(BadStudy) as caught:
        study_from_mapping({"dataset": "iris"} | values)
    assert str(caught.value) == message


def test_a_mapping_that_holds_itself():
    values = {"dataset": "iris"}
    values["sweep"] = values
    with pytest.raises(BadStudy, match="study: is nested deeper than 32 levels"):
        study_from_mapping(values)


def test_files_that_hold_the_same(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("x,y\n1,2\n")
    text = (
        "dataset: {name: csv, path: a.csv, target: y, task: regression}\n"
        "sweep: {dataset.path: [a.csv, b.csv]}\n"
    )
    with pytest.raises(BadStudy) as caught:
        planned(parse_study(text, folder=tmp_path))
    assert str(caught.value) == (
        "study.yaml dataset.path: a.csv and b.csv hold the same data: leave one of them out"
    )


def test_a_file_that_no_file_system_can_name(tmp_path):
    with pytest.raises(BadData, match="is no file name: embedded null byte"):
        fingerprint(Csv(name="csv", path="a\0b", target="y", task="regression"), tmp_path)


def test_limits_beyond_the_largest_number():
    with pytest.raises(BadStudy) as caught:
        limits_of(parse_study(IRIS), ["gap_acc:1e999", "flip_rate:0.1"])
    assert str(caught.value) == (
        "--max: expected metric:number, not 'gap_acc:1e999'\n"
        "--max: 'none' has no flip_rate: its label_noise is 0 (in 'flip_rate:0.1')"
    )


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


def test_a_grid_is_counted_before_it_is_enumerated(monkeypatch):
    monkeypatch.setattr("regbench.config.read.expand", None)  # calling it would fail
    axes = ", ".join(
        f"{key}: [{values}]"
        for key, values in {
            "regularizer.l1": ", ".join(map(str, range(2000))),
            "regularizer.l2": ", ".join(map(str, range(2000))),
            "optimizer.lr": ", ".join(map(str, range(1, 2001))),
        }.items()
    )
    with pytest.raises(BadStudy) as caught:
        parse_study(IRIS + f"sweep: {{{axes}}}\n")
    assert str(caught.value) == (
        "study.yaml:2:1 sweep: 8000000000 cells with 5 seeds are 40000000000 runs, more than "
        "--max-runs (100000)"
    )
