"""What one more of a kind costs: a made-up one is added to a copy of the package, and then works.

A case is what a contributor writes: new files, and lines put before others. Each is run, shown,
compared, explained and in the schema; what else it must do, its own lines check.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

import regbench


@dataclass(frozen=True)
class Extension:
    """One of a kind.

    Attributes:
        files: their content by their place in `regbench/`.
        before: file, line and what is put before it.
        study: what uses it.
        seen: what a command must say.
        checks: Python, run beside the results in `out`; `regbench(...)` runs a command.
    """

    files: dict[str, str]
    before: tuple[tuple[str, str, str], ...]
    study: str
    seen: dict[str, str]
    checks: str


REGULARIZER = Extension(
    {
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
        training: {epochs: 3, save_weights: true}
        sweep: {regularizer: {none: none, weak: {l4: 0.001}, strong: {l4: 0.1}}}
        expect: ["weight_norm[strong] < weight_norm[none]"]
    """,
    {"explain": "l4: of large weights", "schema": '"l4": {', "compare": "strong"},
    """
        import numpy as np
        from safetensors.numpy import load_file

        import regbench as package

        runs = package.read(out).runs.set_index(["cell", "seed"])
        run = runs.loc[("strong", 0)]
        weights = load_file(out / "weights" / f"{run.run_id}.safetensors")
        powers = sum((w**4).sum() for name, w in weights.items() if name.startswith("layers")
                     and name.endswith("weight"))
        np.testing.assert_allclose(run.penalty, 0.1 * powers, rtol=1e-5)
        assert runs.loc[("none", 0)].penalty == 0
        page = regbench("explain", out.parent / "small.yaml").out
        assert [line.split() for line in page.splitlines() if line.startswith("strong")] == [
            ["strong", "0.1"]
        ]
        wrong = regbench("explain", out.parent / "small.yaml", "-g", "regularizer={l4: -1}")
        assert (wrong.code, "expected a number >= 0" in wrong.err) == (2, True)
        assert "neither a penalty nor a decay" in regbench("convert", "regbench", "l4=1").err
    """,
)

OPTIMIZER = Extension(
    {
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
    (
        (
            "vocabulary/optimizers.py",
            '        Optimizer(\n            "rmsprop",',
            '        Optimizer("sign", formula="w -= lr * sign(g)", source="made up"),\n',
        ),
        (
            "config/blocks/optimizer.py",
            "OptimizerConfig = ",
            """\
class Sign(_Optimizer):
    \"\"\"Steps of one length.\"\"\"

    name: Literal["sign"]
    lr: Positive = Field(1e-3, description="learning rate")


""",
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
    """
        import numpy as np
        from safetensors.numpy import load_file

        import regbench as package

        run = package.read(out).runs.set_index(["cell", "seed"]).loc[("none", 0)]
        bias = load_file(out / "weights" / f"{run.run_id}.safetensors")["layers.0.bias"]
        steps = bias / 0.001  # it began at 0
        np.testing.assert_allclose(steps, steps.round(), atol=1e-6)
        page = regbench("explain", out.parent / "small.yaml").out
        for other in ("Adam", "SGD", "RMSprop"):
            assert other not in page
        (row,) = [line for line in page.splitlines() if line.startswith("both") and "?" in line]
        assert "L2(0.1) + ?" in row
        wrong = regbench("convert", "regbench.sign", "weight_decay=0.1")
        assert (wrong.code, "a decay beside sign" in wrong.err) == (2, True)
        assert "sign" in regbench("list", "optimizers").out
    """,
)

CASES = {"regularizer": REGULARIZER, "optimizer": OPTIMIZER}

TRIED = """\
import sys
from pathlib import Path
from command import regbench
import regbench as package

folder = Path(sys.argv[1])
assert Path(package.__file__).is_relative_to(folder)
study, out = folder / "small.yaml", folder / "out"
for name, command in {
    "run": ["run", study, "-o", out, "-j", "1"],
    "show": ["show", out],
    "compare": ["compare", out, out],
    "explain": ["explain", study],
    "schema": ["schema"],
}.items():
    done = regbench(*command)
    assert done.code == 0, (command, done.err)
    assert SEEN.get(name, "") in done.out, (command, done.out)
"""
BASE = """
dataset: wine
model: {hidden: [8]}
seeds: 3
"""


@pytest.mark.parametrize("kind", CASES)
def test_one_more_of_a_kind(kind, tmp_path):
    case = CASES[kind]
    package = tmp_path / "regbench"
    shutil.copytree(Path(regbench.__file__).parent, package)
    for name, text in case.files.items():
        (package / name).write_text(dedent(text), encoding="utf-8")
    for name, line, added in case.before:
        text = (package / name).read_text(encoding="utf-8")
        assert text.count(line) == 1, (name, line)
        (package / name).write_text(text.replace(line, added + line), encoding="utf-8")
    (tmp_path / "small.yaml").write_text(BASE + dedent(case.study), encoding="utf-8")
    script = f"SEEN = {case.seen!r}\n{TRIED}{dedent(case.checks)}"
    paths = os.pathsep.join(map(str, (tmp_path, Path(__file__).parent)))
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
