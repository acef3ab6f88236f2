"""Ten thousand runs: memory does not grow with what is done, nor open files; going on is quick."""

import resource
import subprocess
import sys
import time

import pytest
from command import regbench, study
from soon import SOON

STRENGTHS = ", ".join(str(i / 1000) for i in range(100))
BIG = f"""\
name: big
dataset: {{name: iris, train_size: 12}}
model: {{name: mlp, hidden: [2]}}
training: {{epochs: 1, batch_size: full, threads: 1}}
seeds: 100
sweep: {{regularizer.l2: [{STRENGTHS}]}}
"""

# Runs the study and prints, as stacks finish: runs done, memory (KiB), open files.
MEASURE = """\
import os, sys
import regbench
from regbench.executors.progress import Silent

class Meter(Silent):
    done = 0
    def stack_done(self, stack_id, runs, diverged, failed):
        self.done += runs
        status = open("/proc/self/status").read()
        resident = int(status.split("VmRSS:")[1].split()[0])
        print(self.done, resident, len(os.listdir("/proc/self/fd")), flush=True)

regbench.run(sys.argv[1], out=sys.argv[2], progress=Meter())
"""


@pytest.mark.torture
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_ten_thousand_runs(tmp_path, record_property):
    path, folder = study(tmp_path, BIG), tmp_path / "r"
    command = [sys.executable, "-c", MEASURE, str(path), str(folder)]
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begin
    assert done.returncode == 0, done.stderr
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert rows[-1][0] == 10_000
    files = {row[2] for row in rows[5:]}
    assert len(files) == 1, files
    half = [row for row in rows if row[0] >= 2_000]
    slope = (half[-1][1] - half[0][1]) / (half[-1][0] - half[0][0])
    assert slope < 1.0, rows  # KiB a run: what is kept in memory is the plan, not the curves
    # Without a run to train, a command that goes on is its start, the scan and the tables.
    from planned import planned

    from regbench.config.load import load_study
    from regbench.results.store import Store

    plan = planned(load_study(path))
    with Store.open(folder, plan) as store:
        begin = time.monotonic()
        assert len(store.records()) == 10_000
        scan = time.monotonic() - begin
    assert scan < SOON
    begin = time.monotonic()
    again = regbench("run", path, "-o", folder, "-q")
    assert "all 10000 runs were done already: nothing trained" in again.err
    whole = time.monotonic() - begin
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    record_property(
        "figure",
        f"10,000 runs in {len(rows)} stacks in {seconds:.0f} s: {1024 * slope:.0f} bytes of memory "
        f"a run, at most {most} MiB, {files.pop()} open files throughout; going on scans the "
        f"stacks in {scan:.2f} s, and is done in {whole:.1f} s with all tables",
    )
