"""What may differ between identical results: where, when and with what they were made."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from regbench.executors.drive import RunSummary

# A pipe among git's files would hold it up for ever.
_GIT_SECONDS = 2.0
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
        "device": _device_name(summary),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
        **({} if commit is None else {"git": commit}),
        **({"stacks": dict(summary.trained_on)} if summary.trained_on else {}),
    }


def git_commit(folder: Path) -> str | None:
    """The commit of the working tree that a folder lies in; None where git tells none.

    `git rev-parse` runs nothing that a repository's settings name: a study may come from anyone.
    """
    command = ["git", "-C", str(folder), "rev-parse", "--verify", "HEAD"]
    try:
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=_GIT_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode().strip()


def _device_name(summary: RunSummary) -> str:
    device = summary.device
    if not device.startswith("cuda") or summary.trained_on:  # a cluster's: see there
        return device
    import torch

    return f"{device} ({torch.cuda.get_device_name(device)})"
