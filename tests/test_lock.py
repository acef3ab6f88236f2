"""One writer a folder, any number of readers."""

import json
import os
import socket
import subprocess
import sys

import pytest
from command import SMALL, regbench, study
from planned import planned
from processes import run_script, wait_for

from regbench.config.load import load_study
from regbench.errors import FolderInUse
from regbench.results import lock as lock_module
from regbench.results.store import Store

pytestmark = pytest.mark.xdist_group("processes")

LONG = SMALL.replace("epochs: 4", "epochs: 1000000")


def test_a_second_command_ends_at_once_and_names_the_first(start, tmp_path):
    path = study(tmp_path, LONG)
    first = start("run", path, "-o", tmp_path / "r", "-j", 1)
    wait_for(first, "training 12 runs")
    for _ in range(3):
        begin = os.times()
        second = start("run", path, "-o", tmp_path / "r")
        _, err = second.communicate(timeout=60)
        # Processor time, as the machine may be busy: within 2 s on one that is not.
        spent = os.times()
        assert spent.children_user + spent.children_system < 1.5 + (
            begin.children_user + begin.children_system
        )
        assert second.returncode == 5
        host = socket.gethostname()
        assert f"{tmp_path}/r: process {first.pid} on {host} is writing this folder" in err
        assert "Traceback" not in err
    assert first.poll() is None
    # Killed, it leaves a lock that is none.
    first.kill()
    first.communicate()
    third = regbench("run", path, "-o", tmp_path / "r", "-q", "-j", 1, "--time-limit", "0.2s")
    assert third.code == 6


def test_a_dead_process_is_not_named_and_the_next_owner_is_waited_for(tmp_path, monkeypatch):
    plan = planned(load_study(study(tmp_path)))
    owner = tmp_path / "r" / ".regbench" / "owner.json"
    with Store.open(tmp_path / "r", plan):
        mine = owner.read_bytes()
        assert json.loads(mine) == {"host": socket.gethostname(), "pid": os.getpid()}
        # As a process leaves it that was killed, before the next has written its own name.
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        owner.write_text(json.dumps({"host": socket.gethostname(), "pid": dead.pid}))
        waits = []

        def sleep(seconds):
            waits.append(seconds)
            if len(waits) == 3:
                owner.write_bytes(mine)

        monkeypatch.setattr(lock_module.time, "sleep", sleep)
        with pytest.raises(FolderInUse, match=f"process {os.getpid()} on "):
            Store.open(tmp_path / "r", plan)
        assert len(waits) == 3


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"host": "x", "pid": "y"}'])
def test_an_owner_that_cannot_be_read_is_some_other_regbench(tmp_path, monkeypatch, content):
    plan = planned(load_study(study(tmp_path)))
    monkeypatch.setattr(lock_module, "_WAIT_SECONDS", 0.05)
    with Store.open(tmp_path / "r", plan):
        (tmp_path / "r" / ".regbench" / "owner.json").write_bytes(content)
        with pytest.raises(FolderInUse, match="r: another regbench is writing this folder"):
            Store.open(tmp_path / "r", plan)


def test_an_owner_on_another_host_is_named(tmp_path):
    plan = planned(load_study(study(tmp_path)))
    with Store.open(tmp_path / "r", plan):
        owner = tmp_path / "r" / ".regbench" / "owner.json"
        owner.write_text(json.dumps({"host": "elsewhere", "pid": 2**22 + 1}))
        with pytest.raises(FolderInUse, match="process 4194305 on elsewhere is writing"):
            Store.open(tmp_path / "r", plan)


def test_a_reader_never_sees_half_a_table(tmp_path):
    assert "each saw a whole table" in run_script("race.py", tmp_path, "readers", 3)


@pytest.mark.torture
def test_fifty_pairs_of_commands_that_race(tmp_path, record_property):
    record_property("figure", run_script("race.py", tmp_path, "pairs", 50))


@pytest.mark.torture
def test_a_reader_in_a_long_loop(tmp_path, record_property):
    record_property("figure", run_script("race.py", tmp_path, "readers", 30))
