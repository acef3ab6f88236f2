"""A model of what a disk holds after the power fails: what was flushed, and no more for certain."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class File:
    content: bytes = b""
    flushed: bytes = b""


@dataclass
class Folder:
    names: dict = field(default_factory=dict)
    flushed: dict = field(default_factory=dict)


# What a file system may keep of what was not flushed.
KEEPS = {
    "nothing": "names and contents as they were flushed: the least that is promised",
    "names": "all names, contents as flushed: a rename may reach the disk before the content",
    "halves": "all names, and half of each content that was not flushed",
}


class Disk:
    """Follows operations below a root, and gives what is left at any time."""

    def __init__(self, root):
        self.root = Path(root)
        self.top = Folder()

    def _at(self, path):
        node = self.top
        for part in path.relative_to(self.root).parts:
            node = node.names[part]
        return node

    def follow(self, operation):
        """What an operation of `regbench.results.disk` does, if nothing goes wrong."""
        path, name = operation.path, operation.name
        if name == "make_folder":
            self._at(path.parent).names.setdefault(path.name, Folder())
        elif name == "create":
            self._at(path.parent).names[path.name] = File()
        elif name == "write":
            self._at(path).content += operation.content
        elif name == "flush":
            self._at(path).flushed = self._at(path).content
        elif name == "rename":
            self._at(operation.target.parent).names[operation.target.name] = self._at(path)
            del self._at(path.parent).names[path.name]
        elif name == "flush_folder":
            if path.is_relative_to(self.root):
                folder = self._at(path)
                folder.flushed = dict(folder.names)
        elif name == "remove":
            self._at(path.parent).names.pop(path.name, None)
        else:
            assert name in ("read", "close", "lock", "free_bytes"), name

    def left(self, keeps):
        """Files that are there after the power failed, by path, and folders as None."""
        found = {}

        def walk(folder, place):
            names = folder.flushed if keeps == "nothing" else folder.names
            for name, node in names.items():
                if isinstance(node, Folder):
                    found[place / name] = None
                    walk(node, place / name)
                else:
                    rest = node.content[len(node.flushed) :] if keeps == "halves" else b""
                    found[place / name] = bytes(node.flushed + rest[: (len(rest) + 1) // 2])

        walk(self.top, Path())
        return found


def put(files, folder):
    """Write such files to a real folder."""
    folder.mkdir()
    for path, content in files.items():
        if content is None:
            (folder / path).mkdir()
        else:
            (folder / path).write_bytes(content)
