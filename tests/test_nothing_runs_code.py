"""No text that regbench reads can be run: what could do so is not in its code at all.

Processes of one command pass each other objects by multiprocessing, which pickles them: those
never come from a file or from outside.
"""

import ast
from pathlib import Path

import pytest

import regbench

ROOT = Path(regbench.__file__).parent

# Modules that run, load or unpickle code, and what of them does none of it.
MODULES = {
    *("pickle", "_pickle", "cPickle", "shelve", "dill", "cloudpickle", "marshal", "joblib"),
    *("runpy", "imp", "code", "codeop", "pty", "ctypes", "cffi", "subprocess", "importlib"),
    *("pkgutil", "pydoc", "zipimport", "xmlrpc", "jsonpickle", "telnetlib"),
}
ALLOWED = {"importlib.metadata", "importlib.resources", "ctypes.util"}
CALLS = {"eval", "exec", "compile", "__import__", "breakpoint"}
# Methods that run or unpickle what they are given, whatever they belong to.
METHODS = {
    *("read_pickle", "to_pickle", "unsafe_load", "unsafe_load_all", "full_load", "full_load_all"),
    *("import_module", "load_module", "exec_module", "system", "popen", "startfile", "query"),
    *("execv", "execve", "execvp", "execvpe", "execl", "execle", "execlp", "execlpe"),
    *("posix_spawn", "posix_spawnp"),
    *("spawnl", "spawnle", "spawnlp", "spawnv", "spawnve", "spawnvp", "from_string"),
}
# A library's `load` may unpickle, make objects that a tag names, or call what it is given.
LOADERS = {"torch", "jit", "hub", "np", "numpy", "yaml", "joblib", "pickle", "marshal"}
# PyYAML's loaders that make objects; BaseLoader and CBaseLoader make text.
YAML_LOADERS = {
    *("Loader", "FullLoader", "UnsafeLoader", "SafeLoader"),
    *("CLoader", "CFullLoader", "CUnsafeLoader", "CSafeLoader"),
}


def banned_module(name):
    return name.split(".")[0] in MODULES and name not in ALLOWED


def offence(node):
    """What a node does that no code of regbench may do; None if nothing."""
    match node:
        case ast.Import(names=names):
            return next((alias.name for alias in names if banned_module(alias.name)), None)
        case ast.ImportFrom(module=str(module), names=names):
            full = [f"{module}.{alias.name}" for alias in names]
            if module == "importlib":
                return next((name for name in full if name not in ALLOWED), None)
            if banned_module(module):
                return module
            of = {"builtins": CALLS, "yaml": YAML_LOADERS}.get(module, set())
            if module.split(".")[0] in LOADERS:
                of = of | {"load", "load_all"}
            return next((alias.name for alias in names if alias.name in of), None)
        case ast.Call(func=ast.Name(id=name)) if name in CALLS:
            return name
        case ast.Attribute(attr=name) if name in METHODS | YAML_LOADERS:
            return name
        case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name) if (
            owner in LOADERS and name in ("load", "load_all")
        ):
            return f"{owner}.{name}"
        case ast.Attribute(value=ast.Name(id="builtins"), attr=name) if name in CALLS:
            return name
        case ast.keyword(arg="shell" | "allow_pickle", value=value) if not (
            isinstance(value, ast.Constant) and value.value is False
        ):
            return node.arg
        case ast.keyword(arg="autoescape", value=ast.Constant(value=False)):
            return "autoescape"
    return None


def offences(source):
    return [found for node in ast.walk(ast.parse(source)) if (found := offence(node))]


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_runs_code(path):
    # `git rev-parse` notes the commit; test_hostile_folders.py has what a repository asks it.
    # `--model` names a file to run; no text that is read does. The package's own arrays are no
    # pickles, either.
    allowed = {
        "executors/provenance.py": ["subprocess"],
        "models/own.py": ["importlib.util", "exec_module"],
        "data/bundled.py": ["np.load"],
    }
    name = path.relative_to(ROOT).as_posix()
    assert offences(path.read_text(encoding="utf-8")) == allowed.get(name, [])


@pytest.mark.parametrize(
    "planted",
    [
        *("import pickle", "from pickle import loads", "import os, shelve", "import dill as d"),
        *("import importlib", "from importlib import import_module", "import importlib.util"),
        *("import subprocess", "run(command, shell=True)", "run(command, shell=given)"),
        *("eval(text)", "exec(text)", "compile(text, 'f', 'exec')", "__import__(name)"),
        *("import builtins\nbuiltins.eval(text)", "from builtins import exec"),
        *("torch.load(path)", "torch.load(path, weights_only=True)", "torch.jit.load(path)"),
        *("np.load(path)", "numpy.load(path)", "read(path, allow_pickle=x)"),
        *("from torch import load", "from numpy import load", "pd.read_pickle(path)"),
        *("yaml.load(text, Loader=yaml.BaseLoader)", "yaml.load_all(text)", "yaml.full_load(text)"),
        *("yaml.unsafe_load(text)", "yaml.parse(text, Loader=yaml.UnsafeLoader)"),
        *("from yaml import CLoader", "from yaml import load", "os.system(text)", "os.popen(text)"),
        *("os.execvp(name, names)", "frame.query(text)", "module.import_module(name)"),
        *("Environment(autoescape=False)", "environment.from_string(text)"),
    ],
)
def test_what_runs_code_is_found(planted):
    assert offences(planted)


@pytest.mark.parametrize(
    "harmless",
    [
        *("import json\njson.load(file)", "from importlib.metadata import version"),
        *("from importlib.resources import files", "import re\nre.compile(text)"),
        *("yaml.compose(text, Loader=yaml.BaseLoader)", "yaml.CBaseLoader(text)"),
        *("np.savez(file, allow_pickle=False)", "module.eval()", "self.load(name)"),
    ],
)
def test_what_runs_nothing_is_not(harmless):
    assert offences(harmless) == []
