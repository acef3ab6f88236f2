"""A disk that is full or read-only: exit code 4, and the same command goes on when it can."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command import SMALL, regbench, study
from faults import TINY, run_tiny
from planned import planned

from regbench.config.load import load_study
from regbench.engine.stacks import make_stacks
from regbench.executors.estimate import disk_bytes
from regbench.results.disk import disk


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.torture)])
def test_a_small_disk_that_is_full_and_then_read_only(tmp_path, step):
    unshare = ["unshare", "-m"] if os.getuid() == 0 else ["unshare", "-rm"]
    if shutil.which("unshare") is None:
        pytest.skip("no unshare here, to mount a small disk with")
    mounted = ["mount", "-t", "tmpfs", "tmpfs", str(tmp_path)]
    probe = subprocess.run([*unshare, *mounted], capture_output=True, text=True, check=False)
    if probe.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {probe.stderr.strip()}")
    script = Path(__file__).with_name("full_disk.py")
    command = [*unshare, sys.executable, str(script), str(tmp_path), str(step)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "exit codes by free pages: 4 4" in done.stdout


def test_too_little_space_is_said_before_anything_is_trained(tmp_path, monkeypatch):
    path = study(tmp_path, TINY)
    monkeypatch.setattr(disk, "free_bytes", lambda path: 1000)
    done = run_tiny(path, tmp_path / "r")
    assert done.code == 4
    assert re.search(r"r: the disk is too full: about \d+ bytes needed, 1000 free", done.err)
    assert "training" not in done.err
    assert not (tmp_path / "r" / "runs.csv").exists()
    # With a time limit nobody knows how far it comes.
    assert run_tiny(path, tmp_path / "r", "--time-limit", "100s").code == 0
    # And what is done already needs no more.
    assert run_tiny(path, tmp_path / "r").code == 0


@pytest.mark.parametrize("more", ["", ", save_weights: true, save_predictions: true"])
@pytest.mark.parametrize("data", ["iris, train_size: 40", "diabetes"])
def test_the_estimate_is_near_what_is_written(tmp_path, data, more):
    text = SMALL.replace("iris, train_size: 40", data).replace("hidden: [8]", "hidden: [64, 64]")
    text = text.replace("epochs: 4", f"epochs: 60, eval_every: 1{more}")
    text = text.replace("    stop: {early_stopping: {patience: 1}}\n", "")
    path = study(tmp_path, text)
    assert regbench("run", path, "-o", tmp_path / "r", "-q").code == 0
    plan = planned(load_study(path))
    estimate = disk_bytes(make_stacks(plan.runs, tmp_path), tmp_path)
    written = sum(p.stat().st_size for p in (tmp_path / "r").rglob("*") if p.is_file())
    assert 0.6 * written < estimate < 1.05 * written
