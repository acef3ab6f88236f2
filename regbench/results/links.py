"""A results folder holds its own files: nothing in it leads elsewhere.

The folder itself may be a link, which its user gave or made. A link inside may have come with the
folder from someone else, and would have regbench write, empty or copy a file of its user's.
"""

from __future__ import annotations

import os
from pathlib import Path

from regbench.errors import BadData
from regbench.results.files import names

# What is written through; everything else is replaced by a new file, link or not.
_WRITTEN = ("provenance.jsonl", ".regbench/lock")
_FOLDERS = (".regbench", ".regbench/stacks", "weights", "predictions")


def refuse_links(folder: Path) -> None:
    """Refuse a results folder from which a link leads elsewhere.

    Raises:
        BadData: naming the link.
    """
    for name in (*_FOLDERS, *_WRITTEN):
        _refuse(folder / name)
    for name in _FOLDERS[1:]:
        if os.path.isdir(folder / name):
            for each in names(folder / name):
                _refuse(folder / name / each)


def _refuse(path: Path) -> None:
    if os.path.islink(path):  # false, too, for a name that no system takes
        raise BadData(
            f"{path}: is a link to {path.readlink()}, and a results folder holds its own files: "
            "put the file there, or make the whole folder the link"
        )
