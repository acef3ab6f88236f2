"""What may differ between identical results: where, when and with what they were made."""

from __future__ import annotations

import os
import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path

from regbench.errors import BadData
from regbench.executors.drive import RunSummary
from regbench.results.files import MOST_LOG, read

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

    Read from git's note of where HEAD has been: git itself runs what a repository's settings name,
    and a study may come from anyone. Source: gitrepository-layout(5).
    """
    try:
        folder = Path(os.path.realpath(folder))
        dot = next(d / ".git" for d in (folder, *folder.parents) if (d / ".git").exists())
        if dot.is_file():  # a further working tree: `gitdir: <path>`
            dot = dot.parent / read(dot, _LONGEST_LINE).decode().strip().removeprefix("gitdir: ")
        commit = read(dot / "logs" / "HEAD", MOST_LOG).splitlines()[-1].split()[1].decode()
    except (BadData, OSError, StopIteration, IndexError, ValueError):
        return None
    return commit if re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", commit) else None


def _device_name(device: str) -> str:
    if not device.startswith("cuda"):
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})"
