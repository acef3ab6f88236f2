"""A user's own torch.nn.Module in the one loop: trajectories, draws, identity, mistakes."""

import json
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from command import regbench, study
from engine import setting
from test_cnn import DIGITS, Kept, assert_equal
from test_oracle_torch import OPTIMIZERS, REGULARIZERS
from torch import nn
from torch.nn import functional

import regbench as api
from regbench.engine.layers.initializers import initial_affine
from regbench.engine.loop import train_stack
from regbench.engine.member import Member
from regbench.errors import BadData, BadStudy
from regbench.models.own import in_file, in_memory

ROOT = Path(__file__).resolve().parent.parent
MODULE = {"name": "module"}


def run_of(chosen, make, seed=0, run_id="r"):
    runs = {run_id: chosen.regularizer}
    return Member(chosen, seed, runs, module=in_memory(make, f"{id(make)}"))


def train(*members):
    return train_stack(members, None)


# --- the same trajectories ------------------------------------------------------------------------


def an_mlp(seed):
    """The built-in one of 12 and 7 units, with its initial weights."""

    def make(shape, outputs):
        widths = [*shape, 12, 7, outputs]
        layers = []
        for i in range(3):
            layer = nn.Linear(widths[i], widths[i + 1], dtype=torch.float64)
            weight, bias = initial_affine("he_normal", seed, i, widths[i], widths[i + 1])
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(weight.T.copy()))
                layer.bias.copy_(torch.from_numpy(bias))
            layers += [layer] if i == 2 else [layer, nn.ReLU(), nn.Dropout()]
        return nn.Sequential(*layers)

    return make


@pytest.mark.parametrize("optimizer", ["nesterov", "adam", "rmsprop", "cosine"])
@pytest.mark.parametrize("regularizer", [r for r in REGULARIZERS if r != "batchnorm"])
def test_an_mlp_as_a_module_has_the_trajectory_of_the_built_in_one(regularizer, optimizer):
    asked = {k: v for k, v in REGULARIZERS[regularizer].items() if k != "batchnorm"}
    blocks = {"regularizer": asked, "optimizer": OPTIMIZERS[optimizer]}
    chosen = setting(**blocks)
    (built_in,) = train_stack([Member(chosen, 3, {"r": chosen.regularizer})], None)
    (own,) = train(run_of(setting(model=MODULE, **blocks), an_mlp(3), 3))
    for name, curve in built_in.curves.items():
        np.testing.assert_allclose(own.curves[name], curve, atol=1e-9, err_msg=name)
    weights = zip(built_in.readings[0].state.items(), own.readings[0].state.values(), strict=True)
    for (name, theirs), ours in weights:
        np.testing.assert_allclose(ours, theirs, atol=1e-9, err_msg=name)


class Net(nn.Module):
    """Batchnorm, two kinds of dropout, and randomness of its own."""

    def __init__(self, shape, outputs, width=4):
        super().__init__()
        self.features = nn.Sequential(
            *(nn.Conv2d(shape[0], width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Dropout2d(), nn.MaxPool2d(2), nn.ConvTranspose2d(width, width, 2)),
        )
        self.drop = nn.Dropout()
        self.out = nn.Linear(width * 25, outputs)

    def forward(self, x):
        x = self.drop(self.features(x).flatten(1))
        return self.out(x + 0.01 * torch.randn_like(x) if self.training else x)


def net_runs(dtype="float32", seeds=(1, 2)):
    regularizers = [{"dropout": 0.3}, {"l1": 1e-3, "early_stopping": {"patience": 1}}]
    chosen = [
        setting(dataset=DIGITS, model=MODULE, regularizer=r, training={"dtype": dtype})
        for r in regularizers
    ]
    return [run_of(each, Net, s, f"{s}{i}") for s in seeds for i, each in enumerate(chosen)]


def test_a_run_has_the_same_bits_alone_and_in_a_stack_and_resumed():
    members, before = net_runs(), torch.get_rng_state()
    together = train(*members)
    assert torch.equal(torch.get_rng_state(), before)  # the caller's random numbers are its own
    torch.manual_seed(5)
    for one, trajectory in zip(members, together, strict=True):
        assert_equal(train(one)[0], trajectory)
    kept = Kept()
    with pytest.raises(KeyboardInterrupt):
        train_stack(members, None, on_epoch=kept.interrupt, checkpoints=kept)
    for trajectory, again in zip(
        together, train_stack(members, None, checkpoints=kept), strict=True
    ):
        assert_equal(trajectory, again)


class Branching(nn.Module):
    """Drops before or after its first layer, as torch's generator says."""

    def __init__(self, shape, outputs):
        super().__init__()
        self.layer, self.out = nn.Linear(*shape, 5), nn.Linear(5, outputs)
        self.drop = nn.Dropout()

    def forward(self, x):
        first = bool(torch.rand(()) < 0.5) if self.training else True
        return self.out(self.layer(self.drop(x)) if first else self.drop(self.layer(x)))


def test_a_dropout_may_be_met_at_another_place():
    chosen = setting(model=MODULE, regularizer={"dropout": 0.5})
    one, other = (train(run_of(chosen, Branching, 3))[0] for _ in range(2))
    assert_equal(one, other)


def loop_of(chosen, seed, rate):
    """Net by stock torch: its dropout layers take the study's numbers, as documented."""
    from math import prod

    from regbench.data import load
    from regbench.engine.autograd import generator_at
    from regbench.streams import Purpose, raw, uint16

    split = load(chosen.dataset, seed, None)
    with generator_at(seed, 0, 0, torch.device("cpu")):
        net = Net(split.example, split.classes)
    net = net.double()
    batch, place = 16, [0, 0]

    def masked(number):
        def forward(x):
            if not net.training:
                return x
            shape = (*x.shape[:2], 1, 1) if number == 1 else x.shape
            width = prod(shape[1:])
            first = place[1] * -(-batch * width // 16)
            drawn = uint16(
                *(seed, Purpose.DROPOUT, len(x) * width),
                **{"epoch": place[0], "layer": number, "block": first},
            )
            kept = drawn.view(np.int16).astype(np.int64) + 32768 >= round(rate * 65536)
            return x * torch.from_numpy(kept.reshape(shape)) / (1 - rate)

        return forward

    net.features[3].forward, net.drop.forward = masked(1), masked(2)
    optimizer = torch.optim.Adam(net.parameters(), 0.01)
    x = torch.from_numpy(split.train.x).view(-1, *split.example)
    y, curve = torch.from_numpy(split.train.y), []
    for epoch in range(1, 6):
        ids = split.train.ids
        order = np.argsort(raw(seed, Purpose.SHUFFLE, ids.max() + 1, epoch=epoch)[ids])
        net.train()
        for step, rows in enumerate(torch.from_numpy(order).split(batch)):
            place[:] = epoch, step
            optimizer.zero_grad()
            with generator_at(seed, epoch, step, torch.device("cpu")):
                loss = functional.cross_entropy(net(x[rows]), y[rows])
            kernels = [p for p in net.parameters() if p.dim() > 1]
            (loss + 0.01 * sum((kernel**2).sum() for kernel in kernels)).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            curve.append(functional.cross_entropy(net(x), y).item())
    return net, curve


def test_a_module_is_trained_as_a_stock_loop_does():
    chosen = setting(
        dataset=DIGITS,
        model=MODULE,
        regularizer={"dropout": 0.3, "l2": 0.01},
        training={"epochs": 5},
    )
    (ours,) = train(run_of(chosen, Net, 7))
    net, curve = loop_of(chosen, 7, 0.3)
    np.testing.assert_allclose(ours.curves["train_loss"], curve, atol=1e-9)
    for name, tensor in net.state_dict().items():
        np.testing.assert_allclose(ours.readings[0].state[name], tensor.numpy(), atol=1e-9)


def test_penalties_and_constraints_act_on_its_kernels():
    chosen = setting(dataset=DIGITS, model=MODULE, regularizer={"max_norm": 0.1, "l2": 0.001})
    (trajectory,) = train(run_of(chosen, Net))
    state = trajectory.readings[0].state
    kernels = ["features.0.weight", "features.5.weight", "out.weight"]
    for name in kernels:
        units = state[name].swapaxes(0, 1) if name == "features.5.weight" else state[name]
        norms = np.sqrt((units.reshape(len(units), -1) ** 2).sum(1))
        assert norms.max() == pytest.approx(0.1, abs=1e-12), name
    squares = sum((state[name] ** 2).sum() for name in kernels)
    assert trajectory.curves["penalty"][-1] == pytest.approx(0.001 * squares)
    assert np.sqrt(squares) == pytest.approx(trajectory.curves["weight_norm"][-1])


class Doubling(nn.Module):
    """Works on the very tensor that it is given, or on a copy."""

    def __init__(self, shape, outputs, in_place):
        super().__init__()
        self.layer, self.in_place = nn.Linear(*shape, outputs), in_place

    def forward(self, x):
        return self.layer(x.mul_(2) if self.in_place else x * 2)


def test_a_module_that_works_in_place_leaves_the_data_alone():
    curves = [
        train(
            run_of(setting(model=MODULE | {"in_place": way}), Doubling, 1),
            run_of(setting(model=MODULE | {"in_place": way}), Doubling, 2),
        )[1].curves
        for way in (True, False)
    ]
    for name, curve in curves[0].items():
        assert curve.tobytes() == curves[1][name].tobytes(), name


def test_what_is_frozen_stays_and_is_saved():
    def make(shape, outputs):
        features = nn.Linear(*shape, 20)
        features.requires_grad_(False)
        return nn.Sequential(features, nn.ReLU(), nn.Linear(20, outputs))

    ends = [
        train(run_of(setting(model=MODULE, training={"epochs": epochs}), make))[0].readings[0].state
        for epochs in (0, 3)
    ]
    assert np.array_equal(ends[0]["0.weight"], ends[1]["0.weight"])
    assert not np.array_equal(ends[0]["2.weight"], ends[1]["2.weight"])


def test_runs_of_a_seed_begin_with_the_same_weights():
    chosen = [
        setting(model=MODULE, regularizer=r, training={"epochs": 0}) for r in ({}, {"l2": 0.1})
    ]
    make = lambda shape, outputs: nn.Linear(*shape, outputs)  # noqa: E731
    states = [
        train(run_of(each, make, seed))[0].readings[0].state["weight"]
        for each, seed in ((chosen[0], 1), (chosen[1], 1), (chosen[0], 2))
    ]
    assert np.array_equal(states[0], states[1])
    assert not np.array_equal(states[0], states[2])


# --- mistakes -------------------------------------------------------------------------------------


class Counting(nn.Module):
    def __init__(self, shape, outputs):
        super().__init__()
        self.layer, self.calls = nn.Linear(*shape, outputs), 0

    def forward(self, x):
        self.calls += self.training
        return self.layer(x) + self.calls


class InPlace(nn.Module):
    def __init__(self, shape, outputs):
        super().__init__()
        self.layer = nn.Linear(*shape, outputs)

    def forward(self, x):
        y = torch.sigmoid(self.layer(x))
        y += 1
        return y


class Growing(nn.Module):
    def __init__(self, shape, outputs):
        super().__init__()
        self.layer = nn.Linear(*shape, outputs)

    def forward(self, x):
        if self.training:
            self.layer.bias = nn.Parameter(self.layer.bias.detach().clone())
        return self.layer(x)


def raising(shape, outputs):
    raise KeyError("depth")


def leaving(shape, outputs):
    raise SystemExit(3)


MISTAKES = {
    "leaves": (leaving, "SystemExit: 3"),
    "wants a keyword": (lambda s, o, width: None, "'width' .its keywords stand in the study"),
    "wrong shape": (lambda s, o: nn.Linear(*s, o + 1), r"are of shape \(4, 4\), expected \(4, 3\)"),
    "no module": (lambda s, o: 3, "gives a int, expected a torch.nn.Module"),
    "no parameter": (lambda s, o: nn.Flatten(), "no parameter that is trained"),
    "raises": (raising, "KeyError: 'depth'"),
    "other arguments": (lambda shape: None, "too many positional arguments"),
    "state": (Counting, "keeps state between calls"),
    "random in evaluation": (
        lambda s, o: nn.Sequential(nn.Linear(*s, o), Noisy()),
        "in evaluation mode it gives other outputs",
    ),
    "in place": (InPlace, "an in-place operation overwrites"),
    "other parameters": (Growing, "its parameter layer.bias has become another"),
    "not finite": (
        lambda s, o: nn.Sequential(nn.Linear(*s, o), Dividing()),
        "its first outputs are not finite",
    ),
}


class Noisy(nn.Module):
    def forward(self, x):
        return functional.dropout(x)


class Dividing(nn.Module):
    def forward(self, x):
        return x / 0


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_of_a_module_are_one_line(case):
    make, why = MISTAKES[case]
    with pytest.raises(BadStudy, match=why) as refused:
        train(run_of(setting(model=MODULE), make))
    assert len(refused.value.lines) == 1


@pytest.mark.parametrize(
    ("regularizer", "why"),
    [
        ({"dropout": 0.5}, "sets the rate of nn.Dropout layers, and the module has none"),
        ({"l2": [0.1, 0.2]}, "has 2 values, but the module has 1 kernel: weight"),
    ],
)
def test_regularizers_that_do_not_go_with_a_module(regularizer, why):
    make = lambda shape, outputs: nn.Linear(*shape, outputs)  # noqa: E731
    with pytest.raises(BadStudy, match=why):
        train(run_of(setting(model=MODULE, regularizer=regularizer), make))


def test_batchnorm_is_the_modules_own_affair(tmp_path):
    path = study(tmp_path, "dataset: iris\nmodel: module\nregularizer: batchnorm\n")
    done = regbench("validate", path)
    assert done.code == 2
    assert "regularizer.batchnorm: is the module's own affair" in done.err


# --- files and identity ---------------------------------------------------------------------------

NET = """\
    from torch import nn
    import parts.blocks as blocks


    def make(shape, outputs, width=4):
        return nn.Sequential(nn.Flatten(), blocks.hidden(shape, width), nn.Linear(width, outputs))
"""
BLOCKS = """\
    from math import prod

    from torch import nn
    from . import more


    def hidden(shape, width):
        return nn.Sequential(nn.Linear(prod(shape), width), more.Activation())
"""
STUDY = """\
    dataset: {name: iris, train_size: 60, val_size: 30, test_size: 30}
    model: {name: module}
    training: {epochs: 2, save_weights: true}
    seeds: 2
    sweep: {model.width: [3, 4], regularizer: {none: none, l2: {l2: 0.1}}}
"""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "parts").mkdir()
    for name, text in {
        "net.py": NET,
        "study.yaml": STUDY,
        "parts/blocks.py": BLOCKS,
        "parts/__init__.py": "",
        "parts/more.py": "from torch.nn import ReLU as Activation\n",
        "unused.py": "",
    }.items():
        (tmp_path / name).write_text(textwrap.dedent(text))
    return tmp_path


def test_a_module_of_a_file_is_trained_in_workers_and_read_without_it(files):
    model = f"{files / 'net.py'}:make"
    asked = (files / "study.yaml", "--model", model)
    tables = {}
    for workers in (1, 2):
        out = files / f"r{workers}"
        done = regbench("run", *asked, "-j", workers, "-o", out)
        assert done.code == 0, done.err
        tables[workers] = [(out / name).read_bytes() for name in ("runs.csv", "epochs.csv")]
    assert tables[1] == tables[2]
    assert b"model.width" in tables[1][0].splitlines()[0]
    for command in ("show", "report", "check"):
        assert regbench(command, files / "r1").code == 0
    again = regbench("run", *asked, "-o", files / "r1")
    assert again.code == 0
    assert "done already" in again.err
    without = regbench("run", files / "study.yaml", "-o", files / "r1")
    assert without.code == 2
    assert "model.name: is a module of your own: name it with --model" in without.err


def test_a_report_draws_no_surface_of_what_is_not_there(files):
    plane = "dataset: {name: moons, n_samples: 60}\nmodel: module\n"
    (files / "plane.yaml").write_text(f"{plane}training: {{epochs: 1, save_weights: true}}\n")
    model = f"{files / 'net.py'}:make"
    done = regbench("run", files / "plane.yaml", "--seeds", 1, "--model", model, "-o", files / "p")
    assert done.code == 0, done.err
    done = regbench("report", files / "p")
    assert done.code == 0, done.err


def test_another_content_is_another_module(files):
    model = f"{files / 'net.py'}:make"
    first = in_file(model).identity
    (files / "unused.py").write_text("x = 1\n")
    assert in_file(model).identity == first
    (files / "parts" / "more.py").write_text("from torch.nn import Tanh as Activation\n")
    assert in_file(model).identity != first


def test_results_of_another_module_are_not_mixed_in(files):
    asked = (files / "study.yaml", "--model", f"{files / 'net.py'}:make", "-o", files / "r")
    assert regbench("run", *asked).code == 0
    (files / "parts" / "more.py").write_text("from torch.nn import Tanh as Activation\n")
    done = regbench("run", *asked)
    assert done.code == 2
    assert "content of the module" in done.err


def test_a_file_that_changes_after_it_was_planned_is_refused(files):
    own = in_file(f"{files / 'net.py'}:make")
    own.made_by()
    (files / "net.py").write_text("make = None\n")
    with pytest.raises(BadData, match="changed, or a file that it imports"):
        own.made_by()


def test_nothing_is_run_before_a_module_must_be_made(files):
    (files / "net.py").write_text("raise SystemExit(9)\n")
    for command in ("plan", "validate"):
        options = ("--model", f"{files / 'net.py'}:make") if command == "plan" else ()
        assert regbench(command, files / "study.yaml", *options).code == 0


@pytest.mark.parametrize(
    ("model", "why"),
    [
        ("net.py", "expected a file and a function in it, as in net.py:make"),
        ("gone.py:make", "there is no file gone.py"),
        ("net.py:other", "has no function other"),
        ("broken.py:make", "broken.py:1: is no Python"),
        ("raises.py:make", "raises.py:2: ZeroDivisionError"),
    ],
)
def test_what_model_names_must_be_there(files, monkeypatch, model, why):
    (files / "broken.py").write_text("def make(:\n")
    (files / "raises.py").write_text("import torch\n1 / 0\n")
    monkeypatch.chdir(files)
    done = regbench("run", "study.yaml", "--model", model)
    assert done.code == 2, done.err
    assert why in done.err


def test_model_beside_another_model_is_refused(files):
    path = study(files, "dataset: iris\n")
    done = regbench("run", path, "--model", f"{files / 'net.py'}:make")
    assert done.code == 2
    assert "model.name: is mlp: --model goes with model: {name: module}" in done.err


def test_a_keyword_that_the_function_does_not_take(files):
    done = regbench(
        *("sweep", files / "study.yaml", "-g", "model.wdith=3", "-o", files / "r"),
        *("--model", f"{files / 'net.py'}:make"),
    )
    assert done.code == 2
    assert "unexpected keyword argument 'wdith'" in done.err


@pytest.mark.parametrize("key", ["depth", "keywords", "copy", "json", "init"])
def test_a_keyword_may_have_any_name(tmp_path, key):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\n"
        f"def make(shape, outputs, {key}):\n"
        f"    assert {key} in (2, [3, 4])\n"
        "    return nn.Linear(*shape, outputs)\n"
    )
    path = study(
        tmp_path,
        f"dataset: iris\nmodel: {{name: module, {key}: 2}}\ntraining: {{epochs: 1}}\nseeds: 1\n"
        f"sweep: {{model.{key}: [2, [3, 4]]}}\n",
    )
    asked = ("run", path, "--model", f"{tmp_path / 'net.py'}:make", "-o", tmp_path / "r")
    done = regbench(*asked)
    assert done.code == 0, done.err
    assert f"{key}: 2" in (tmp_path / "r" / "study.yaml").read_text()
    assert api.read(tmp_path / "r").runs[f"model.{key}"].tolist() == ["2", "3x4"]
    assert "nothing trained" in regbench(*asked).err


# --- from Python ----------------------------------------------------------------------------------


def linear(shape, outputs):
    return nn.Linear(*shape, outputs)


def test_a_function_of_a_file_and_one_of_a_notebook(tmp_path):
    asked = {"dataset": "iris", "model": "module", "training": {"epochs": 1}, "seeds": 1}
    asked = {"name": "s", **asked}
    for folder in ("a", "as before"):
        assert api.run(asked, model=linear, out=tmp_path / folder).rows.rows[0].ok
    notebook = {}
    exec("from torch import nn\ndef make(s, o): return nn.Linear(*s, o)", notebook)
    with pytest.raises(BadStudy, match=r"make is no function of a file.*model_id="):
        api.run(asked, model=notebook["make"], out=tmp_path / "b")
    done = api.run(asked, model=notebook["make"], model_id="v1", out=tmp_path / "b", workers=2)
    assert done.rows.rows[0].ok
    again = api.run(asked, model=notebook["make"], model_id="v1", out=tmp_path / "b")
    assert again.summary.trained == 0
    with pytest.raises(BadStudy, match="content of the module"):
        api.run(asked, model=notebook["make"], model_id="v2", out=tmp_path / "b")
    with pytest.raises(BadStudy, match="name it with --model"):
        api.run(asked, out=tmp_path / "c")
    with pytest.raises(BadStudy, match="expected a function"):
        api.run(asked, model=3, out=tmp_path / "c")


# --- the examples that ship -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kernels"),
    [("resnet8", 10), ("random-features", 1)],
)
def test_the_examples_train(tmp_path, name, kernels):
    folder = ROOT / "configs" / "own-module"
    model = f"{folder / name.replace('-', '_')}.py:make"
    path = folder / f"{name}.yaml"
    quick = ("-s", "training.epochs=1", "-s", "dataset.train_size=40", "--seeds", "1")
    done = regbench("run", path, "--model", model, *quick, "-o", tmp_path / "r")
    assert done.code == 0, done.err
    from regbench.config.load import load_study
    from regbench.engine.network import build

    (setting, *_) = [cell.setting for cell in load_study(path).cells]
    network = build([setting], [0], (1, 8, 8), 10, torch.zeros(1), in_file(model))
    assert len(network.architecture.kernels) == kernels


def test_the_residual_net_has_forty_lines():
    text = (ROOT / "configs" / "own-module" / "resnet8.py").read_text()
    code = [line for line in text.partition('"""\n\n')[2].splitlines() if line.strip()]
    assert len(code) <= 40


def test_explain_lists_its_kernels(files):
    asked = ("explain", files / "study.yaml")
    done = regbench(*asked, "--model", f"{files / 'net.py'}:make")
    assert done.code == 0, done.err
    assert "kernels 1.0: 4 x 3, 2: 3 x 3; never penalised or decayed: 6 biases" in done.out
    done = regbench(*asked)
    assert done.code == 2
    assert "name it with --model FILE.py:FUNCTION" in done.err


def test_explain_tells_a_modules_dropout_and_what_is_spared(tmp_path):
    (tmp_path / "net.py").write_text(
        "from torch import nn\n\n\n"
        "class Last(nn.Module):\n"
        "    def forward(self, x):\n"
        "        return x[0][:, -1]\n\n\n"
        "def make(shape, outputs):\n"
        "    lstm = nn.LSTM(1, 5, batch_first=True)\n"
        "    rows = nn.Unflatten(1, (*shape, 1))\n"
        "    return nn.Sequential(rows, lstm, Last(), nn.Dropout(), nn.Linear(5, outputs))\n"
    )
    path = study(
        tmp_path,
        "dataset: iris\nmodel: module\n"
        "sweep: {regularizer: [none, {dropout: 0.5}, {dropout: [0.25]}]}\n",
    )
    asked = ("explain", path, "--model", f"{tmp_path / 'net.py'}:make")
    done = regbench(*asked)
    assert done.code == 0, done.err
    assert "kernels 4: 5 x 3; never penalised or decayed: 43 biases\n" in done.out
    assert "holds: 1.weight_ih_l0, 1.weight_hh_l0\n" in done.out
    records = json.loads(regbench(*asked, "--format", "json").out)["explanations"]
    assert [record["dropout"] for record in records] == [None, 0.5, "0.25"]
