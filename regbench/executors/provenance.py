"""What may differ between identical results: where, when and with what they were made."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path

from regbench.executors.drive import RunSummary
from regbench.results.disk import disk
from regbench.results.files import MOST_LOG

__all__ = ["git_commit", "provenance"]

_LONGEST_LINE = 4096
_PACKAGES = ("regbench", "torch", "numpy", "scikit-learn")


def provenance(summary: RunSummary, study_folder: Path) -> dict[str, object]:
    """The line that a command which trained adds to provenance.jsonl."""
    commit = git_commit(study_folder)
    return {
        "event": "trained",
        "runs": summary.trained,
        "wall_seconds": round(summary.wall_seconds, 3),
        "command": sys.argv,
        "host": platform.node(),
        "platform": platform.platform(),
        "device": _device_name(summary.device),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        **({} if commit is None else {"git": commit}),
    }


def git_commit(folder: Path) -> str | None:
    """The commit of the working tree that a folder lies in; None where there is none to tell.

    Read from git's files: git itself runs what a repository's settings name, and a study may come
    from anyone. Source: gitrepository-layout(5).
    """
    try:
        folder = Path(os.path.realpath(folder))
        dot = next(d / ".git" for d in (folder, *folder.parents) if (d / ".git").exists())
        if dot.is_file():  # a further working tree: `gitdir: <path>`
            dot = dot.parent / _line(dot).removeprefix("gitdir: ")
        head = _line(dot / "HEAD")
        common = dot / _line(dot / "commondir") if (dot / "commondir").exists() else dot
        commit = _resolved(head.removeprefix("ref: "), common) if "refs/" in head else head
    except (OSError, StopIteration, UnicodeDecodeError, ValueError):
        return None
    return commit if commit and re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", commit) else None


def _resolved(name: str, common: Path) -> str | None:
    """What a branch points to: a file of its own, or a line of packed-refs."""
    if not re.fullmatch("refs/[^.]+(?:[.][^.]+)*", name):  # nothing that climbs
        return None
    if (common / name).is_file():
        return _line(common / name)
    with disk.open(common / "packed-refs", MOST_LOG) as lines:
        ending = f" {name}\n".encode()
        found = next((line for line in lines if line.endswith(ending)), None)
    return None if found is None else found.removesuffix(ending).decode()


def _line(path: Path) -> str:
    with disk.open(path, MOST_LOG) as file:
        return file.readline(_LONGEST_LINE).decode().rstrip("\n")


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})"
