"""The user's own module: a function that makes it, in a file or in memory, and what it is known by.

A function of a file is known by the content of the file, and of the files below its folder that it
imports, as far as their import statements tell. One without a file has the name that its user gives
it. Nothing here imports torch, and a file is not run before it has to make a module.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from regbench.errors import BadData, BadStudy, Problem

Maker = Callable[..., Any]


@dataclass(frozen=True)
class OwnModule:
    """A function that makes a torch.nn.Module of a shape, a number of outputs and keywords.

    Attributes:
        identity: what runs are known by; another content is another identity.
        name: for messages.
        file, function: where it lies, if in a file.
        maker: the function itself, if in memory: it cannot go to another process.
    """

    identity: str
    name: str
    file: Path | None = None
    function: str = ""
    maker: Maker | None = field(default=None, compare=False)

    def refused(self, why: str) -> BadStudy:
        """What is wrong with it."""
        return BadStudy(f"--model {self.name}: {why}")

    def made_by(self) -> Maker:
        """The function.

        Raises:
            BadStudy: the file cannot be run, or has no such function.
            BadData: it is no longer what it was.
        """
        if self.maker is not None:
            return self.maker
        assert self.file is not None
        if _identity(self.file, self.function) != self.identity:
            raise BadData(f"{self.file}: changed, or a file that it imports, since it was planned")
        with self.importing():
            maker = getattr(_run(self.file, self.identity), self.function, None)
        if not callable(maker):
            raise self.refused(f"{self.file.name} has no function {self.function}")
        return maker  # type: ignore[no-any-return]

    @contextmanager
    def importing(self) -> Iterator[None]:
        """While its code runs, it finds the files beside it."""
        if self.file is None:
            yield
            return
        folder = str(self.file.parent)
        sys.path.insert(0, folder)
        try:
            yield
        finally:
            sys.path.pop(sys.path.index(folder))

    def files(self) -> dict[str, bytes]:
        """What it is made of, by place below its folder; for another machine."""
        assert self.file is not None
        return {
            path.relative_to(self.file.parent).as_posix(): path.read_bytes()
            for path in _files(self.file)
        }


_held: dict[str, OwnModule] = {}


def known(identity: str) -> OwnModule | None:
    """The module of this identity, where it was named in this process."""
    return _held.get(identity)


def unnamed(source: str = "") -> BadStudy:
    """What is wrong where a study's model is a module, and none was named."""
    message = "is a module of your own: name it with --model FILE.py:FUNCTION, or model="
    return BadStudy(Problem(message, source, key="model.name"))


def in_file(text: str) -> OwnModule:
    """The function that `net.py:make` names.

    Raises:
        BadStudy: it does not name a Python file and a function, or the file cannot be read.
    """
    place, colon, function = text.rpartition(":")
    file = Path(place)
    if not colon or not function.isidentifier() or file.suffix != ".py":
        raise BadStudy(f"--model {text}: expected a file and a function in it, as in net.py:make")
    if not file.is_file():
        raise BadStudy(f"--model {text}: there is no file {place}")
    file = file.resolve()
    made = OwnModule(_identity(file, function), text, file, function)
    _held[made.identity] = made
    return made


def in_memory(maker: Maker, model_id: str | None = None) -> OwnModule:
    """A function of this process.

    Args:
        model_id: what it is known by, instead of the content of its file.
    Raises:
        BadStudy: it is no function, or lies in no file and has no model_id.
    """
    if not callable(maker):
        kind = type(maker).__name__
        raise BadStudy(f"model: expected a function that makes a torch.nn.Module, not a {kind}")
    name = getattr(maker, "__qualname__", type(maker).__name__)
    file = _file_of(maker)
    if model_id is not None:
        if not isinstance(model_id, str) or not model_id:
            raise BadStudy(f"model_id: expected a text, not {model_id!r}")
        made = OwnModule(f"named {model_id}", name, maker=maker)
    elif file is None:
        raise BadStudy(
            f"model: {name} is no function of a file, so its results could not be told from those "
            "of another: name it by model_id="
        )
    elif getattr(maker, "__module__", "") == "__main__":  # a script is not run again for it
        made = OwnModule(_identity(file, name), f"{file.name}:{name}", file, name, maker)
    else:
        made = OwnModule(_identity(file, name), f"{file.name}:{name}", file, name)
    _held[made.identity] = made
    return made


def _file_of(maker: Maker) -> Path | None:
    """The file at whose top level a function or class stands; None if at none."""
    name = getattr(maker, "__qualname__", "")
    try:
        file = inspect.getsourcefile(maker)
    except TypeError:  # an object that can be called
        return None
    found = getattr(sys.modules.get(maker.__module__), name, None) if name.isidentifier() else None
    if file is None or found is not maker or not Path(file).is_file():
        return None
    return Path(file).resolve()


def _identity(file: Path, function: str) -> str:
    """A hash of the function's name and of all its files' contents, by their place in the folder.

    Raises:
        BadStudy: one of them cannot be read, or is no Python.
    """
    digest = hashlib.sha256(f"{file.name}:{function}".encode())
    for path in sorted(_files(file)):
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"\0{path.relative_to(file.parent).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _files(file: Path) -> set[Path]:
    """A file, and those below its folder that it imports, they import, and so on."""
    folder, found, waiting = file.parent, set[Path](), [file]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        try:
            tree = ast.parse(path.read_bytes(), str(path))
        except OSError as error:
            raise BadStudy(f"{path}: cannot be read: {error.strerror}") from error
        except (SyntaxError, ValueError) as error:
            where = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise BadStudy(f"{path}{where}: is no Python: {error}") from error
        for module in _imported(tree, path, folder):
            waiting += _found_below(folder, module)
    return found


def _imported(tree: ast.Module, path: Path, folder: Path) -> Iterator[tuple[str, ...]]:
    """The modules that a file names, as seen from the folder."""
    package = path.relative_to(folder).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            module = (*above, *(node.module.split(".") if node.module else ()))
            yield module
            yield from ((*module, alias.name) for alias in node.names)


def _found_below(folder: Path, module: tuple[str, ...]) -> list[Path]:
    """The files of a dotted name: those of the packages on the way, and its own."""
    found = []
    for depth in range(1, len(module) + 1):
        place = folder.joinpath(*module[:depth])
        found += [
            path
            for path in (place / "__init__.py", place.parent / f"{place.name}.py")
            if path.is_file()
        ]
    return found


_ran: dict[tuple[Path, str], ModuleType] = {}


def _run(file: Path, identity: str) -> ModuleType:
    """The module that a file is, run once a process."""
    if (file, identity) in _ran:
        return _ran[file, identity]
    # What it imports may have changed since another run in this process.
    below = {str(path) for path in _files(file)}
    # The file as its user has imported it, who may give its function again.
    users: dict[str, ModuleType] = {}
    for name, module in list(sys.modules.items()):
        place = getattr(module, "__file__", None)
        if place in below and name != "__main__":
            del sys.modules[name]
            users |= {name: module} if place == str(file) else {}
    name = f"regbench_model_{identity[:12]}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as an import does: dataclasses look for it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise BadStudy(f"{file}: {failure(error, file.parent)}") from error
    finally:
        sys.modules.update(users)
    _ran[file, identity] = module
    return module


def failure(error: BaseException, folder: Path | None) -> str:
    """What went wrong in a user's code, in a line: where, and what."""
    place, trace = "", error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if folder is not None and Path(path).is_relative_to(folder):
            place = f"{Path(path).name}:{trace.tb_lineno}: "
        trace = trace.tb_next
    told = " ".join(str(error).split())
    return f"{place}{type(error).__name__}{': ' * bool(told)}{told}"
