"""What one more of a kind costs: made-up ones are added to a copy of the package, and then work.

A case is what a contributor writes: new files, and lines put before others. Each is run, shown,
compared, explained and looked up in the schema; what else it must do, its `check` says.
"""

import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from command import contents, regbench
from safetensors.numpy import load_file

import regbench as package

BASE = """
dataset: wine
model: {hidden: [8]}
training: {epochs: 3, save_weights: true}
seeds: 3
"""


@dataclass(frozen=True)
class Extension:
    """One of a kind.

    Attributes:
        before: file, line and what is put before it.
        study: what uses it, besides `BASE`.
        seen: what `run`, `show`, `compare`, `explain` or `schema` must say.
        check: of the study's folder, in which `out` has the results.
        files: their content by their place in `regbench/`.
        beside: files beside the study.
        options: of `run`.
    """

    before: tuple[tuple[str, str, str], ...]
    study: str
    seen: dict[str, str]
    check: Callable[[Path], None]
    files: dict[str, str] = field(default_factory=dict)
    beside: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()


def runs(folder):
    return package.read(folder / "out").runs.set_index(["cell", "seed"])


def weights(folder, cell):
    run_id = runs(folder).loc[(cell, 0)].run_id
    return load_file(folder / "out" / "weights" / f"{run_id}.safetensors")


# --- a metric -------------------------------------------------------------------------------------


def check_metric(folder):
    out = folder / "out"
    for command in (
        ["show", out, "--sort", "val_surprise"],
        ["compare", out, out, "--fail-on", "val_surprise:5%"],
        ["check", out, "--max", "gap_surprise:100"],
        ["report", out, "-o", folder / "page.html"],
    ):
        assert regbench(*command).code == 0, command
    assert regbench("check", out).err.count("PASS") == 2
    found, epochs = package.read(out).runs, package.read(out).epochs
    assert (found.gap_surprise == found.val_surprise - found.train_surprise).all()
    assert (found.val_surprise >= found.val_loss).all()
    stop = found[found.cell == "stop"].iloc[0]
    curve = epochs[epochs.run_id == stop.run_id].set_index("epoch").val_surprise
    assert stop.best_epoch == curve.idxmin()
    assert "surprise over the epochs" in (folder / "page.html").read_text(encoding="utf-8")
    assert "surprise" in regbench("list", "metrics").out


METRIC = Extension(
    (
        (
            "vocabulary/metrics.py",
            '        Metric(\n            *("balanced_acc"',
            """\
        Metric(
            *("surprise", "surprise", _CLASSES, "down", (0, inf), "probabilities"),
            meaning="largest loss of an example",
        ),
""",
        ),
        (
            "engine/metrics.py",
            "def mae(",
            '''\
def surprise(of: Outputs) -> Tensor:
    """The largest loss of an example."""
    return -of.probabilities.gather(1, of.y.unsqueeze(1)).squeeze(1).amin(1).log()


''',
        ),
        ("engine/metrics.py", '    "mae": mae,\n', '    "surprise": surprise,\n'),
    ),
    """
        metrics: [surprise]
        sweep: {regularizer: {none: none, stop: {early_stopping: {monitor: val_surprise}}}}
        expect: ['val_surprise[none] > -99', 'gap_surprise[none] < 100']
    """,
    {"show": "val surprise", "compare": "gap_surprise", "schema": '"surprise"'},
    check_metric,
)


# --- a source of data -----------------------------------------------------------------------------

ROWS = np.random.default_rng(0).normal(size=(60, 2)).round(4).tolist()


def check_source(folder):
    """A change of its file is seen, one of line ends is none, and its numbers are a table's."""
    (folder / "rows.csv").write_text(
        "x0,x1,y\n" + "".join(f"{a},{b},{'up' if a > 0 else 'down'}\n" for a, b in ROWS)
    )
    path = folder / "small.yaml"
    block = "{name: csv, path: rows.csv, target: y, task: classification}"
    as_csv = ("-s", f"dataset={block}", "-o", folder / "csv")
    assert regbench("run", path, *as_csv).code == 0
    both = (package.read(folder / name).runs.filter(like="_loss") for name in ("out", "csv"))
    assert next(both).equals(next(both))
    rows = folder / "rows.txt"
    rows.write_bytes(rows.read_bytes().replace(b"\n", b"\r\n"))
    again = regbench("run", path, "-o", folder / "out")
    assert (again.code, "were done already" in again.err) == (0, True), again.err
    rows.write_bytes(rows.read_bytes().replace(b"up", b"down", 1))
    changed = regbench("run", path, "-o", folder / "out")
    assert (changed.code, "content of rows.txt: " in changed.err) == (2, True), changed.err
    doctor = regbench("doctor", folder / "out")
    assert (doctor.code, "data          changed: rows.txt" in doctor.out) == (3, True)


SOURCE = Extension(
    (
        (
            "config/blocks/files.py",
            "class Frame(",
            '''\
class Lines(_File, Classification):
    """A class and numbers a line."""

    name: Literal["lines"]


''',
        ),
        ("config/blocks/files.py", "Dataset, LabelNoise\n", "Classification, "),
        ("config/blocks/datasets.py", "Npz, Parquet\n", "Lines, "),
        ("config/blocks/datasets.py", "Frame\n    | Arrays,", "Lines\n    | "),
        (
            "data/sources.py",
            "from regbench.data.files.npz import NPZ\n",
            "from regbench.data.files.lines import LINES\n",
        ),
        ("data/sources.py", '    "parquet": ', '    "lines": LINES,\n'),
    ),
    """
        dataset: {name: lines, path: rows.txt}
        training: {epochs: 3}
    """,
    {"explain": "lines", "schema": '"Lines": {'},
    check_source,
    files={
        "data/files/lines.py": """
            import numpy as np

            from regbench.data.files.reading import as_text, file_source, whole
            from regbench.data.table import Table


            def _parse(config, content):
                rows = [line.split() for line in content.decode().splitlines()]
                names, classes = np.unique([row[0] for row in rows], return_inverse=True)
                values = np.array([row[1:] for row in rows], dtype=float)
                columns = tuple(f"x{i}" for i in range(values.shape[1]))
                return Table(values, classes.astype(np.int64), columns, tuple(map(str, names)))


            LINES = file_source(whole(_parse), as_text)
        """
    },
    beside={"rows.txt": "".join(f"{'up' if a > 0 else 'down'} {a} {b}\n" for a, b in ROWS)},
)


# --- a regularizer --------------------------------------------------------------------------------


def check_regularizer(folder):
    run = runs(folder).loc[("strong", 0)]
    powers = sum(
        (weight**4).sum()
        for name, weight in weights(folder, "strong").items()
        if name.startswith("layers") and name.endswith("weight")
    )
    np.testing.assert_allclose(run.penalty, 0.1 * powers, rtol=1e-5)
    assert runs(folder).loc[("none", 0)].penalty == 0
    page = regbench("explain", folder / "small.yaml").out
    assert [line.split() for line in page.splitlines() if line.startswith("strong")] == [
        ["strong", "0.1"]
    ]
    wrong = regbench("explain", folder / "small.yaml", "-g", "regularizer={l4: -1}")
    assert (wrong.code, "expected a number >= 0" in wrong.err) == (2, True)
    assert "neither a penalty nor a decay" in regbench("convert", "regbench", "l4=1").err


REGULARIZER = Extension(
    (
        (
            "vocabulary/regularizers.py",
            '        Kind(\n            *("weight_decay", ',
            """\
        Kind(
            *("l4", "kernels", "l4 * sum(w^4) on every kernel", "a number >= 0"),
            formula="objective + l4 * sum(w^4)",
            source="made up",
            where="of large weights",
            stronger={"l4": 1},
        ),
""",
        ),
        (
            "config/blocks/regularizer.py",
            "    max_norm: Norms",
            '    l4: NonNegative = _field("l4", 0.0)\n',
        ),
        (
            "engine/regularizers/regularizer.py",
            "from regbench.engine.regularizers.label_smoothing",
            "from regbench.engine.regularizers.l4 import l4\n",
        ),
        ("engine/regularizers/regularizer.py", '    "weight_decay": ', '    "l4": l4,\n'),
    ),
    """
        sweep: {regularizer: {none: none, weak: {l4: 0.001}, strong: {l4: 0.1}}}
        expect: ["weight_norm[strong] < weight_norm[none]"]
    """,
    {"explain": "l4: of large weights", "schema": '"l4": {', "compare": "strong"},
    check_regularizer,
    files={
        "engine/regularizers/l4.py": """
            import torch

            from regbench.engine.regularizers.step import Penalty


            def l4(regularizers, kernel, step):
                if strengths := kernel.strengths(regularizers, "l4"):
                    rows, strength = strengths.rows, strengths.over(2)
                    gradient, weight = kernel.gradient[rows], kernel.weight[rows]
                    step.penalties.append(Penalty(strengths, weight, sum_of_fourth_powers))
                    step.gradients.append(lambda: gradient.addcmul_(weight**3, strength, value=4))


            def sum_of_fourth_powers(weight, out):
                torch.sum(weight**4, 1, out=out)
        """
    },
)


# --- an optimizer ---------------------------------------------------------------------------------


def check_optimizer(folder):
    steps = weights(folder, "none")["layers.0.bias"] / 0.001  # it began at 0
    np.testing.assert_allclose(steps, steps.round(), atol=1e-6)
    page = regbench("explain", folder / "small.yaml").out
    for other in ("Adam", "SGD", "RMSprop"):
        assert other not in page
    (row,) = [line for line in page.splitlines() if line.startswith("both") and "?" in line]
    assert "L2(0.1) + ?" in row
    wrong = regbench("convert", "regbench.sign", "weight_decay=0.1")
    assert (wrong.code, "a decay beside sign" in wrong.err) == (2, True)
    assert "sign" in regbench("list", "optimizers").out


OPTIMIZER = Extension(
    (
        (
            "vocabulary/optimizers.py",
            '        Optimizer(\n            "rmsprop",',
            '        Optimizer("sign", formula="w -= lr * sign(g)", source="made up"),\n',
        ),
        (
            "config/blocks/optimizer.py",
            "OptimizerConfig = ",
            '''\
class Sign(_Optimizer):
    """Steps of one length."""

    name: Literal["sign"]
    lr: Positive = Field(1e-3, description="learning rate")


''',
        ),
        ("config/blocks/optimizer.py", "Sgd | Adam |", "Sign | "),
        (
            "engine/optimizers/optimizer.py",
            "from regbench.engine.optimizers.sgd",
            "from regbench.engine.optimizers.sign import Sign\n",
        ),
        ("engine/optimizers/optimizer.py", '    "rmsprop": ', '    "sign": Sign,\n'),
    ),
    """
        optimizer: {name: sign, lr: 0.001}
        training: {epochs: 3, save_weights: true, dtype: float64}
        sweep: {regularizer: {none: none, both: {l2: 0.1, weight_decay: 0.1}, l1: {l1: 0.1}}}
    """,
    {"explain": "?: not known of sign", "schema": '"Sign": {', "compare": "both"},
    check_optimizer,
    files={
        "engine/optimizers/sign.py": """
            import torch


            class Sign:
                def __init__(self, options, parameters):
                    self.one = torch.ones_like(parameters.like[:1, :1])

                def step(self, parameters, lr):
                    for name, value in parameters.values.items():
                        value.addcmul_(parameters.gradients[name].sign(), -lr)

                def divisor(self, slot, rows):
                    return self.one

                def keep(self, rows):
                    pass

                def tensors(self):
                    return {}
        """
    },
)


# --- a model --------------------------------------------------------------------------------------


def check_model(folder):
    found = weights(folder, "wide")
    assert [found[f"layers.{i}.weight"].shape for i in (0, 1)] == [(2, 13), (3, 2)]
    wrong = regbench("plan", folder / "small.yaml", "-g", "model.rank=0")
    assert (wrong.code, "model.rank" in wrong.err) == (2, True)


MODEL = Extension(
    (
        (
            "config/blocks/model.py",
            "class Mlp(",
            '''\
class LowRank(Linear):
    """An affine map of low rank."""

    name: Literal["low_rank"]
    rank: Count = Field(2, description="of the map")
    depth: ClassVar[int] = 1


''',
        ),
        ("config/blocks/model.py", "Linear | Mlp", "LowRank | "),
        (
            "models/architecture.py",
            "    normed, index = ",
            """\
    if model.name == "low_rank":
        narrow = Affine(shape, 0, model.rank)
        yield narrow
        yield Affine(narrow.after, 1, outputs)
        return
""",
        ),
    ),
    """
        model: {name: low_rank}
        sweep: {model.rank: {narrow: 1, wide: 2}}
    """,
    {"explain": "13 x 2, 1: 2 x 3", "schema": '"LowRank": {'},
    check_model,
)


# --- an executor ----------------------------------------------------------------------------------


def check_executor(folder):
    """Who trains changes no byte."""
    assert regbench("run", folder / "small.yaml", "-o", folder / "here").code == 0
    assert contents(folder / "here") == contents(folder / "out")


EXECUTOR = Extension(
    (
        (
            "executors/sites.py",
            "def _cluster(",
            """\
class Last(ThisMachine):
    def executor(self, plan, stacks, device, workers):
        from regbench.executors.last import LastFirst

        return LastFirst()


""",
        ),
        (
            "executors/sites.py",
            '    "ray": _cluster,',
            '    "last": lambda address: nullcontext(Last()),\n',
        ),
        ("cli/options.py", '"local", "ray"]', '"last", '),
    ),
    """
        sweep: {model.hidden: [[2], [3], [4]]}
    """,
    {},
    check_executor,
    files={
        "executors/last.py": """
            from regbench.executors.train import train


            class LastFirst:
                def __init__(self):
                    self.jobs = []

                @property
                def room(self):
                    return 2 - len(self.jobs)

                def submit(self, job):
                    self.jobs.append(job)

                def wait(self, tell):
                    train(self.jobs.pop(), tell, {})

                def cancel(self, tell):
                    self.jobs.clear()
        """
    },
    options=("--executor", "last"),
)

CASES = {
    "metric": METRIC,
    "source": SOURCE,
    "regularizer": REGULARIZER,
    "optimizer": OPTIMIZER,
    "model": MODEL,
    "executor": EXECUTOR,
}


def attempt(kind, folder):
    case = CASES[kind]
    folder.mkdir()
    path, out = folder / "small.yaml", folder / "out"
    keys = {line.split(":")[0] for line in dedent(case.study).splitlines() if line}
    base = [line for line in BASE.splitlines() if line.split(":")[0] not in keys]
    path.write_text("\n".join([*base, dedent(case.study)]), encoding="utf-8")
    for name, text in case.beside.items():
        (folder / name).write_text(text, encoding="utf-8")
    commands = {
        "run": ["run", path, "-o", out, *case.options],
        "show": ["show", out],
        "compare": ["compare", out, out],
        "explain": ["explain", path],
        "schema": ["schema"],
    }
    for name, command in commands.items():
        done = regbench(*command)
        assert done.code == 0, (command, done.err)
        assert case.seen.get(name, "") in done.out, (command, done.out)
    case.check(folder)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of each, in one copy that has them all: empty, or a traceback."""
    root = tmp_path_factory.mktemp("extended")
    copied = root / "regbench"
    shutil.copytree(Path(package.__file__).parent, copied)
    for case in CASES.values():
        for name, text in case.files.items():
            (copied / name).write_text(dedent(text), encoding="utf-8")
        for name, line, added in case.before:
            text = (copied / name).read_text(encoding="utf-8")
            assert text.count(line) == 1, (name, line)
            (copied / name).write_text(text.replace(line, added + line), encoding="utf-8")
    subprocess.run(
        [sys.executable, __file__, root],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=True,
    )
    return {kind: (root / f"{kind}.txt").read_text(encoding="utf-8") for kind in CASES}


@pytest.mark.parametrize("kind", CASES)
def test_one_more_of_a_kind(kind, outcomes):
    assert not outcomes[kind], outcomes[kind]


if __name__ == "__main__":
    here = Path(sys.argv[1])
    assert Path(package.__file__).is_relative_to(here)
    for each in CASES:
        try:
            attempt(each, here / each)
            said = ""
        except Exception:
            said = traceback.format_exc()
        (here / f"{each}.txt").write_text(said, encoding="utf-8")
