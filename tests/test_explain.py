"""What regularizers act on, what that means, and what to beware of."""

import io
import json
import re
from math import isclose

import numpy as np
import pytest
import torch
from command import regbench, study
from engine import member, train
from rich.console import Console

from regbench.advice.explain import explanations
from regbench.advice.traps import Sizes, traps
from regbench.config.load import parse_study
from regbench.data import part_counts
from regbench.models.architecture import architecture
from regbench.report.explain import print_explanations

IRIS = "dataset: {name: iris, train_size: 64, val_size: 30, test_size: 30}\n"
NET = "model: {name: mlp, hidden: [5, 4]}\n"
SGD = "optimizer: {name: sgd, lr: 0.1}\n"


def sizes(setting, train=64, val=30):
    network = architecture(setting.model, setting.regularizer, (4,), 3)
    return Sizes(network, train, val, batch=32)


def explained(text, *counts):
    return explanations(parse_study(text).cells, lambda setting: sizes(setting, *counts))


def notes(text, *counts):
    """All traps of a study's base."""
    (one,) = explained(text, *counts)
    return one.traps


# --- strengths ----------------------------------------------------------------------------------


def test_every_kernel_has_its_own_strengths():
    (one,) = explained(
        IRIS + NET + SGD + "regularizer: {l2: [0.1, 0.2, 0], weight_decay: 0.5, dropout: [0.3, 0],"
        " batchnorm: true, max_norm: 2}\n"
    )
    kernels = one.kernels
    assert [(k.inputs, k.outputs) for k in kernels] == [(4, 5), (5, 4), (4, 3)]
    assert [k.decay_a_step for k in kernels] == [0.05] * 3
    for key, expected in (
        ("l2", [0.1, 0.2, 0]),
        ("dropout", [0.3, 0, 0]),
        ("batchnorm", [True, True, False]),
        ("max_norm", [2] * 3),
    ):
        assert [k.strengths[key] for k in kernels] == expected
    assert one.free == (12, 18)


@pytest.mark.parametrize("batchnorm", [False, True])
def test_the_counts_are_those_of_the_network_that_is_trained(batchnorm):
    (one,) = explained(IRIS + NET + f"regularizer: {{batchnorm: {str(batchnorm).lower()}}}\n")
    training = one.setting.training.model_copy(update={"epochs": 0, "save_weights": True})
    setting = one.setting.model_copy(update={"training": training})
    state = train(member(setting))[0].readings[0].state
    kinds = {"bias": 0, "norm": 0}
    for name, array in state.items():
        if name.startswith("norms") and "running" not in name:
            kinds["norm"] += array.size
        elif name.startswith("layers") and name.endswith("bias"):
            kinds["bias"] += array.size
    assert one.free == (kinds["bias"], kinds["norm"])


def test_a_half_life_halves_a_weight():
    (one,) = explained(IRIS + NET + SGD + "regularizer: {weight_decay: 0.5}\n")
    steps = one.kernels[0].half_life_epochs * one.sizes.steps
    assert (1 - 0.1 * 0.5) ** steps == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("regularizer", "sd"),
    [
        ("l2: 0.05", 1 / np.sqrt(2 * 64 * 0.05)),
        ("weight_decay: 0.1", 1 / np.sqrt(2 * 64 * 0.05)),
        ("l2: 0.02, weight_decay: 0.06", 1 / np.sqrt(2 * 64 * 0.05)),
    ],
)
def test_l2_is_the_prior_of_its_log_posterior(regularizer, sd):
    """n * l2 * w^2 is -log N(w; 0, sd^2), up to a constant."""
    from scipy.stats import norm

    (one,) = explained(IRIS + NET + SGD + f"regularizer: {{{regularizer}}}\n")
    assert one.kernels[0].prior_sd == pytest.approx(sd)
    w = np.array([0.0, 0.3, -2.0])
    density = norm(0, one.kernels[0].prior_sd).logpdf(w)
    np.testing.assert_allclose(density[0] - density, 64 * 0.05 * w**2)


def test_for_a_squared_error_priors_are_in_units_of_the_noise():
    from scipy.stats import laplace, norm

    (one,) = explained("dataset: diabetes\nregularizer: {l1: 0.1, l2: 0.05}\n")
    assert one.prior_unit == "s"
    s, w = 3.0, np.array([0.0, 0.3, -2.0])
    # -log likelihood is n L / (2 s^2), so the objective's penalties are divided by the same.
    for density, penalty in (
        (norm(0, s * one.kernels[0].prior_sd), 0.05 * w**2),
        (laplace(0, s**2 * one.kernels[0].prior_scale), 0.1 * abs(w)),
    ):
        found = density.logpdf(w)
        np.testing.assert_allclose(found[0] - found, 64 * penalty / (2 * s**2))


@pytest.mark.parametrize(
    ("optimizer", "regularizer", "keras", "in_torch"),
    [
        ("{name: sgd}", "l2: 0.1", "L2(0.1)", "SGD(weight_decay=0.2)"),
        ("{name: sgd}", "weight_decay: 0.1", "SGD(weight_decay=0.1)", "SGD(weight_decay=0.1)"),
        (
            "{name: sgd, momentum: 0.9}",
            "weight_decay: 0.1",
            "SGD(weight_decay=0.1)",
            "~SGD(weight_decay=0.01)",
        ),
        ("{name: sgd, momentum: 0.9}", "l2: 0.1", "L2(0.1)", "SGD(weight_decay=0.2)"),
        ("adam", "l2: 0.1", "L2(0.1)", "Adam(weight_decay=0.2)"),
        ("adamw", "weight_decay: 0.1", "AdamW(weight_decay=0.1)", "AdamW(weight_decay=0.1)"),
        (
            "adam",
            "l2: 0.1, weight_decay: 0.1",
            "L2(0.1) + AdamW(weight_decay=0.1)",
            "none",
        ),
        ("rmsprop", "l2: 0.1", "L2(0.1)", "RMSprop(weight_decay=0.2)"),
        ("rmsprop", "weight_decay: 0.1", "RMSprop(weight_decay=0.1)", "none"),
        (
            "adam",
            "l1: 0.1, l2: 0.2",
            "L1L2(0.1, 0.2)",
            "Adam(weight_decay=0.4) + l1 in the loss",
        ),
        ("adam", "l1: 0.1", "L1(0.1)", "l1 in the loss"),
        ("adam", "dropout: 0.1", "", ""),
    ],
)
def test_what_a_strength_is_elsewhere(optimizer, regularizer, keras, in_torch):
    (one,) = explained(IRIS + f"optimizer: {optimizer}\nregularizer: {{{regularizer}}}\n")
    assert (one.kernels[0].keras, one.kernels[0].torch) == (keras, in_torch)


def test_cells_that_share_an_explanation_are_one():
    found = explained(
        "dataset: {name: moons}\nsweep: {dataset.noise: [0.1, 0.2], regularizer: [none, l2]}\n"
    )
    assert [[cell.name for cell in one.cells] for one in found] == [
        ["dataset.noise=0.1, regularizer=none", "dataset.noise=0.2, regularizer=none"],
        ["dataset.noise=0.1, regularizer=l2", "dataset.noise=0.2, regularizer=l2"],
    ]


# --- traps --------------------------------------------------------------------------------------

BATCHNORM = "regularizer: {batchnorm: true, %s}\n"
TRAPS = [
    ("optimizer: adam\nregularizer: l2\n", "l2 with adam is coupled"),
    ("optimizer: adamw\nregularizer: l2\n", "adamw decouples weight_decay only"),
    ("optimizer: rmsprop\nregularizer: l2\n", "rmsprop divides the gradient of l2"),
    ("regularizer: {l1: 0.1, l1_method: subgradient}\n", "l1 by its subgradient never"),
    (SGD + "regularizer: {weight_decay: 10}\n", "lr * weight_decay is 1: from 1 on"),
    (
        SGD + "training: {epochs: 10}\nregularizer: {weight_decay: 2}\n",
        "weight_decay acts a step, not an epoch: over 20 steps it leaves 0.0115 of",
    ),
    (
        "optimizer: {name: sgd, schedule: cosine}\nregularizer: {weight_decay: 0.5}\n",
        "weight_decay is multiplied by the scheduled lr: under cosine",
    ),
    (
        "optimizer: {name: sgd, momentum: 0.9}\nregularizer: {weight_decay: 0.5}\n",
        "with momentum 0.9 a weight_decay of 0.5 rests where l2 = 0.025 does, not where l2 = 0.25",
    ),
    (BATCHNORM % "l2: 0.1", "batchnorm undoes the scale of kernels 0 to 1: l2 there"),
    (
        BATCHNORM % "l1: 0.1, weight_decay: 0.1",
        "batchnorm undoes the scale of kernels 0 to 1: l1 and weight_decay there",
    ),
    (BATCHNORM % "max_norm: 1", "batchnorm undoes the scale of kernels 0 to 1: max_norm"),
    (BATCHNORM % "dropout: [0.1, 0]", "dropout stands before a batchnorm"),
    (BATCHNORM % "input_dropout: 0.1", "dropout stands before a batchnorm"),
    (BATCHNORM % "l2: 0", "batchnorm's noise comes from the statistics of 32 examples"),
    ("regularizer: early_stopping\n", "early stopping chooses its epoch on 30 validation examples"),
    (
        "regularizer: {early_stopping: {monitor: train_loss}}\n",
        "early stopping watches the training loss",
    ),
    ("regularizer: {l2: 0.1}\nDATA: standardize: false\n", "the data are not standardized: penal"),
    (
        "training: {epochs: 10}\nregularizer: {ema: {decay: 0.99, start: 6}}\n",
        "ema with decay 0.99 remembers about 100 steps: of 10 steps averaged, the first still has",
    ),
    ("regularizer: {input_noise: 0.1}\nDATA: standardize: false\n", "the data are not standardize"),
    (
        "regularizer: {label_smoothing: 0.1}\nDATA: label_noise: 0.1\n",
        "label noise 0.1 smooths labels on average, too: with label_smoothing 0.1 together 0.19",
    ),
]


def with_data(text):
    text, _, extra = text.partition("DATA: ")
    return IRIS.replace("}", f", {extra.strip()}}}") * bool(extra) + IRIS * (not extra) + NET + text


@pytest.mark.parametrize(("text", "begins"), TRAPS)
def test_a_trap_is_named(text, begins):
    assert sum(note.startswith(begins) for note in notes(with_data(text))) == 1


HARMLESS = [
    "optimizer: sgd\nregularizer: {l2: 0.1}\n",
    "regularizer: {l1: 0.1, dropout: 0.5, input_dropout: 0.1, max_norm: 1}\n",
    "regularizer: {label_smoothing: 0.1, input_noise: 0.1}\n",
    "regularizer: none\nDATA: standardize: false, label_noise: 0.2\n",
    "optimizer: adamw\nregularizer: {l2: 0}\n",
    "training: {epochs: 200}\nregularizer: {ema: {decay: 0.99}}\n",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_where_there_is_no_trap_none_is_named(text):
    assert notes(with_data(text)) == ()


@pytest.mark.parametrize(
    ("regularizer", "named"),
    [
        ("l2: [0, 0, 0.1]", False),  # after the last batchnorm
        ("l2: [0, 0.1, 0]", True),
        ("dropout: [0, 0.5]", False),  # no batchnorm comes after it
        ("dropout: [0.5, 0]", True),
    ],
)
def test_what_stands_after_the_last_batchnorm_is_safe(regularizer, named):
    found = notes(IRIS + NET + SGD + BATCHNORM % regularizer)
    assert (len(found) == 2) == named


def test_enough_validation_examples_are_enough():
    text = IRIS.replace("val_size: 30", "val_size: 40") + "regularizer: early_stopping\n"
    assert notes(text, 64, 100) == ()
    assert len(notes(text, 64, 99)) == 1


def test_a_last_batch_of_one_is_named():
    text = IRIS + NET + BATCHNORM % "l2: 0"
    assert "has one example" in notes(text, 65, 30)[0]
    assert "has one example" not in notes(text)[0]


def test_before_batchnorm_the_scale_of_a_kernel_changes_no_prediction():
    """What the trap says, shown by the network of torch.nn."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 5),
        torch.nn.BatchNorm1d(5, eps=1e-14),
        torch.nn.ReLU(),
        torch.nn.Linear(5, 3),
    ).double()
    x = torch.randn(20, 4, dtype=torch.float64)
    before = net(x)
    with torch.no_grad():
        net[0].weight *= 0.1
    np.testing.assert_allclose(net(x).detach(), before.detach(), atol=1e-12)


# --- the command --------------------------------------------------------------------------------


@pytest.fixture
def small(tmp_path):
    return study(
        tmp_path,
        "name: small\n"
        + IRIS
        + NET
        + "sweep:\n  regularizer:\n    none: none\n    l2: {l2: 0.01}\n"
        "    per layer: {l2: [0.1, 0, 0.01]}\n    norm: {batchnorm: true, l2: 0.01}\n",
    )


def test_the_command_prints_tables_and_notes(small):
    done = regbench("explain", small)
    lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert lines[0] == (
        "iris, 64 training examples in batches of 32, 2 steps an epoch; adam at lr 0.001"
    )
    assert lines[1] == (
        "kernels 0: 4 x 5, 1: 5 x 4, 2: 4 x 3; never penalised or decayed: 12 biases and "
        "batchnorm's 18 scales and shifts"
    )
    rows = {line[:9].strip(): line[9:].split("  ") for line in lines[4:8]}
    assert [part.strip() for part in rows["per layer"] if part] == ["0.1 / - / 0.01", "-"]
    assert "l2 with adam is coupled" in done.out
    assert "[l2, per layer, norm]" in done.out
    assert "batchnorm: between each hidden kernel and its activation" in lines
    assert sum("batchnorm undoes" in line and line.endswith("[norm]") for line in lines) == 1


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_a_terminal(width):
    found = explained(
        IRIS + NET + SGD + "sweep:\n  regularizer:\n    a long name for a cell: {l1: 0.1234, "
        "l2: [0.1234, 0.2345, 0], weight_decay: 0.01, dropout: 0.25, max_norm: 3}\n    b: l2\n"
    )
    console = Console(width=width, force_terminal=True, file=io.StringIO(), no_color=True)
    print_explanations(console, found, ())
    lines = re.sub("\x1b\\[[0-9;]*m", "", console.file.getvalue()).splitlines()
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert ("l2 0.1234 / 0.2345 / -" in text) == (width == 80)  # listed where no table fits
    assert "SGD(weight_decay=0.2568) + l1 in the loss" in text


def test_axes_and_overrides_count(small):
    done = regbench("explain", small, "-s", "optimizer.name=sgd", "-g", "optimizer.lr=0.1,0.2")
    assert done.code == 0
    assert "sgd at lr 0.1, 0.2" in done.out
    lines = [line.split() for line in done.out.splitlines()]
    (header,) = [words for words in lines if words[:2] == ["cell", "lr"]]
    assert header == ["cell", "lr", "l2", "batchnorm"]
    assert ["regularizer=l2,", "optimizer.lr=0.2", "0.2", "0.01", "-"] in lines
    assert "coupled" not in done.out


def test_every_number_is_in_the_json(small):
    done = regbench("explain", small, "--format", "json", "-s", "optimizer.name=adamw")
    found = json.loads(done.out)
    assert found["study"] == "small"
    assert "adamw decays nothing here: set regularizer.weight_decay" in found["warnings"]
    layers = {one["cells"][0]: one["kernels"] for one in found["explanations"]}
    assert [kernel["l2"] for kernel in layers["per layer"]] == [0.1, 0, 0.01]
    assert isclose(layers["l2"][0]["prior_sd"], 1 / np.sqrt(2 * 64 * 0.01))


def test_markdown_has_the_same(small):
    done = regbench("explain", small, "--format", "md")
    assert done.out.startswith("# small\n\niris, 64 training examples")
    assert "| per layer | 0.1 / - / 0.01 | - |" in done.out


def test_a_wrong_study_ends_with_two(small):
    done = regbench("explain", small, "-s", "training.epoch=1")
    assert done.code == 2
    assert "did you mean 'epochs'?" in done.err
    assert done.out == ""


def test_a_file_that_brings_its_own_split(tmp_path):
    rows = ["a,y,part", *(f"{i},{i % 3},{'train' if i < 7 else 'val'}" for i in range(9))]
    (tmp_path / "own.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    text = (
        "dataset: {name: csv, path: own.csv, target: y, task: classification, split_column: part}\n"
    )
    (cell,) = parse_study(text + "model: linear\n").cells
    assert part_counts(cell.setting.dataset, tmp_path) == (7, 2, 0)
    done = regbench("explain", study(tmp_path, text + "regularizer: l2\n"))
    assert done.out.startswith("csv, 7 training examples in batches of 7, 1 step an epoch")
    (tmp_path / "own.csv").unlink()
    assert regbench("explain", tmp_path / "small.yaml").code == 3


def test_a_linear_model_has_one_kernel(tmp_path):
    done = regbench(
        "explain", study(tmp_path, "dataset: diabetes\nmodel: linear\nregularizer: l2\n")
    )
    assert "kernels 0: 10 x 1; never penalised or decayed: 1 bias" in done.out


def test_traps_come_once():
    (cell,) = parse_study(IRIS + NET + "regularizer: l2\n").cells
    found = list(traps(cell.setting, sizes(cell.setting)))
    assert len(found) == len(set(found)) == 1
