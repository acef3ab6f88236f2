"""The house: imports point one way, and commands that train nothing start without torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from mutations import MUTATIONS

import regbench

ROOT = Path(regbench.__file__).parent

# The contract's chain: which rooms a room may import, and with them what stands below these.
BELOW = {
    "__main__": {"cli"},
    "__init__": {"api"},
    "cli": {"textbook"},
    "textbook": {"api"},
    "api": {"report", "executors", "exports"},
    "report": {"analysis", "advice"},
    "executors": {"engine", "results"},
    "exports": {"engine", "analysis"},
    "analysis": {"results"},
    "advice": {"models"},
    "engine": {"models", "data"},
    "results": {"config"},
    "models": {"config"},
    "data": {"config", "streams"},
    "config": {"vocabulary"},
    "vocabulary": {"errors"},
    "streams": set(),
    "errors": set(),
}


def reachable(room):
    return BELOW[room].union(*map(reachable, BELOW[room]))


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


def test_what_has_an_underscore_stays_in_its_module():
    for path in ROOT.rglob("*.py"):
        for module, node in imports(path):
            if module.startswith("regbench"):
                private = [each.name for each in node.names if each.name.startswith("_")]
                assert not private, f"{path} imports {private} of {module}"


def test_only_packages_list_their_names():
    listed = {p.parent.name for p in ROOT.rglob("*.py") if "__all__" in p.read_text("utf-8")}
    assert listed == {"regbench", "data", "figures"}
    assert all("__all__" not in p.read_text("utf-8") for p in ROOT.rglob("[!_]*.py"))


def test_every_room_is_in_the_plan_of_the_house():
    rooms = {room_of(path) for path in ROOT.rglob("*.py")}
    assert rooms == set(BELOW)
    # Once imported, a room would stand in the function's place.
    assert not rooms & set(regbench.__all__)


# By which a module could write, move or remove a file past `results/disk.py`.
TOUCHES_THE_DISK = {
    *("open", "fdopen", "fsync", "mkdir", "makedirs", "rename", "renames", "replace", "unlink"),
    *("remove", "rmdir", "rmtree", "write_text", "write_bytes", "touch", "symlink_to", "chmod"),
    *("copy", "copyfile", "copytree", "move", "mkstemp", "NamedTemporaryFile", "TemporaryFile"),
    *("hardlink_to", "savez", "savez_compressed", "save_file", "to_csv", "tofile", "truncate"),
}
OWNERS = {"os", "shutil", "tempfile", "Path", "path", "folder", "file", "target", "temporary"}
# What writes something else than results, and says so here.
EXCEPTIONS = {
    ("results/disk.py", None): "the one place",
    ("results/arrays.py", "savez_compressed"): "into memory",
    ("results/saved.py", "open"): "a member of an archive that is open",
    ("__main__.py", "open"): "the null device",
    ("cli/outputs.py", "open"): "what is no file, and is written to as it is",
    ("cli/main.py", "NamedTemporaryFile"): "the traceback of a defect",
    ("config/load.py", "open"): "reads a study file",
    ("data/files/folders.py", "open"): "reads an image",
    ("data/files/guess_images.py", "open"): "reads an image",
    ("data/files/npz.py", "open"): "reads an array of an archive",
    ("data/files/reading.py", "open"): "reads a data file",
    ("results/csv_text.py", "open"): "reads a table, which may be a pipe",
    ("executors/shared.py", None): "a file without a name",
}


def test_every_mutation_still_finds_what_it_takes_out():
    for mutation in MUTATIONS:
        text = (ROOT / mutation.file).read_text(encoding="utf-8")
        assert mutation.old in text, mutation.what


def touches(path):
    """The calls of a module that could write a file: `open(...)`, `os.replace(...)`, ..."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in TOUCHES_THE_DISK - {"remove", "replace"}:
            yield called.id, node.lineno
        if isinstance(called, ast.Attribute) and called.attr in TOUCHES_THE_DISK:
            # text.replace(a, b), array.copy() and list.remove(x) have these names, too.
            plain = called.attr in ("replace", "copy", "remove", "move")
            owner = called.value
            name = getattr(owner, "id", getattr(owner, "attr", ""))
            on_disk = name in OWNERS or (called.attr == "replace" and len(node.args) == 1)
            if name not in ("disk", "store", "Store") and (not plain or on_disk):
                yield called.attr, node.lineno


def test_results_are_written_in_one_place():
    found = set()
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for call, line in touches(path):
            keys = {(name, None), (name, call)} & set(EXCEPTIONS)
            assert keys, f"{name}:{line} calls {call}: use regbench.results.files"
            found |= keys
    assert found == set(EXCEPTIONS)


RESNET8 = "configs/own-module/resnet8.py:make"
SLOW = ("torch", "sklearn", "scipy.stats", "matplotlib", "PIL")


@pytest.mark.parametrize(
    ("command", "slow"),
    [
        (["--help"], (*SLOW, "pandas", "numpy")),
        (["validate", "configs/quickstart.yaml"], (*SLOW, "pandas", "numpy")),
        (["plan", "configs/quickstart.yaml"], (*SLOW, "pandas")),
        (["plan", "configs/own-module/resnet8.yaml", "--model", RESNET8], (*SLOW, "pandas")),
        (["explain", "configs/quickstart.yaml"], (*SLOW, "pandas")),
        (["convert", "keras", "l2=0.01"], (*SLOW, "pandas", "numpy")),
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
