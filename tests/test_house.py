"""The house: imports point one way, and commands that train nothing start without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import regbench

ROOT = Path(regbench.__file__).parent

# Which rooms a room may import; what stands below these may be imported, too.
BELOW = {
    "cli": {"api", "report", "execution", "analysis"},
    "api": {"report", "execution", "analysis"},
    "report": {"analysis"},
    "analysis": {"results"},
    "execution": {"training", "results"},
    "training": {"nn", "regularization", "data"},
    "nn": {"config", "streams"},
    "regularization": {"config"},
    "data": {"config", "streams"},
    "results": {"config"},
    "config": {"errors"},
    "streams": set(),
    "errors": set(),
    "__main__": {"cli"},
    "__init__": {"api"},
}
# Ground floor: functions and exceptions that any room may use.
EVERYWHERE = {"errors"}


def reachable(room):
    found, queue = set(), [room]
    while queue:
        for below in BELOW[queue.pop()]:
            if below not in found:
                found.add(below)
                queue.append(below)
    return found | EVERYWHERE


def room_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path):
    room = room_of(path)
    allowed = reachable(room) | {room}
    for module, _ in imports(path):
        if module.startswith("regbench."):
            assert module.split(".")[1] in allowed, f"{path.name} imports {module}"


def test_every_room_is_in_the_plan_of_the_house():
    rooms = {room_of(path) for path in ROOT.rglob("*.py")}
    assert rooms == set(BELOW)


SLOW = ("torch", "sklearn", "scipy.stats", "matplotlib")


@pytest.mark.parametrize(
    ("command", "slow"),
    [
        (["--help"], (*SLOW, "pandas", "numpy")),
        (["validate", "configs/quickstart.yaml"], (*SLOW, "pandas", "numpy")),
        (["plan", "configs/quickstart.yaml"], (*SLOW, "pandas")),
        (["schema"], (*SLOW, "pandas", "numpy")),
        (["list"], (*SLOW, "pandas", "numpy")),
        (["show", "results/reference/quickstart"], (*SLOW, "pandas")),
        (["compare", *["results/reference/quickstart"] * 2], (*SLOW, "pandas")),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_starts_without(command, slow):
    code = (
        "import sys\n"
        f"sys.argv = ['regbench', *{command!r}]\n"
        "from regbench.cli.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        f"found = [name for name in {slow!r} if name in sys.modules]\n"
        "assert not found, found\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
