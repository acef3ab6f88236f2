"""Stacks on a Ray cluster: the same bytes as in this process, whatever is lost on the way."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
from importlib.metadata import version
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clusters import cluster
from command import SMALL, contents, regbench, study
from planned import planned
from processes import gone

import regbench as package
from regbench.config.load import load_study
from regbench.data import bring, carried, load, shape, sources
from regbench.engine.stacks import Stack, make_stacks
from regbench.errors import BadData, BadStudy
from regbench.executors import ray as ray_module
from regbench.executors.executor import Job
from regbench.executors.pending import seconds_of

pytestmark = pytest.mark.xdist_group("processes")

# Long enough for checkpoints, of which one is kept every five seconds, on a fast machine.
LONG = SMALL.replace("epochs: 4", "epochs: 6000")


@pytest.fixture(scope="module")
def two_nodes():
    with cluster(2) as made:
        yield made.address


def on(address):
    return "--executor", "ray", "--address", address


def stacks_by_node(folder):
    lines = (folder / "provenance.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads(lines[-1])["stacks"]


FILES = """\
name: files
dataset: {name: csv, path: data.csv, target: y, task: classification}
model: {hidden: [8]}
training: {epochs: 4, batch_size: 8, save_predictions: true}
seeds: 3
sweep:
  model.hidden: [[4], [8]]
  regularizer: {none: none, l2: {l2: 1e-2}}
"""


def table(folder):
    rows = [f"{i % 7},{i % 5 - 2},{'ab'[i % 2]},{'no' if i % 3 else 'yes'}" for i in range(60)]
    (folder / "data.csv").write_text("\n".join(["u,v,w,y", *rows]) + "\n")


def rays():
    """The heads and nodes of Ray that run here, by process: workers, some idle, end with theirs."""
    command = ["pgrep", "-x", "gcs_server|raylet"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return set(found.stdout.split())


@pytest.mark.torture
def test_without_an_address_ray_starts_here_and_ends(tmp_path, two_nodes, start):
    path = study(tmp_path, SMALL)
    assert regbench("run", path, "-o", tmp_path / "here", "-q", "-j", 1).code == 0
    before = rays()
    assert len(before) >= 3  # a head and two nodes
    process = start("run", path, "-o", tmp_path / "ray", "--executor", "ray")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")
    wait_until(lambda: rays() <= before)


def test_two_nodes_give_the_tables_of_this_process(tmp_path, two_nodes, start):
    table(tmp_path)
    path = study(tmp_path, FILES)
    assert regbench("run", path, "-o", tmp_path / "here", "-q", "-j", 1).code == 0
    process = start("run", path, "-o", tmp_path / "ray", *on(two_nodes), "--workers", 3)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    assert out.startswith("cell ")  # the table, and nothing of Ray's
    assert out == regbench("show", tmp_path / "here").out
    assert "files: training 12 runs in 2 stacks" in err
    assert "warning: 2 stacks for 3 workers: 1 of them have nothing to do" in err
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")
    for each in (tmp_path / "here" / "predictions").iterdir():
        assert (tmp_path / "ray" / "predictions" / each.name).read_bytes() == each.read_bytes()
    assert sorted(chain(*stacks_by_node(tmp_path / "ray").values())) == ["s0001", "s0002"]
    again = regbench("run", path, "-o", tmp_path / "ray", "--executor", "ray")
    assert "all 12 runs were done already: nothing trained" in again.err  # and no cluster asked


def test_what_is_wrong_with_a_cluster_is_one_line(tmp_path, monkeypatch):
    path = study(tmp_path)

    def refused(*options):
        done = regbench("run", path, "-o", tmp_path / "r", *options)
        assert done.code == 2, done.err
        return done.err.splitlines()[-1]

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setattr(ray_module, "_CONNECT_SECONDS", 0.5)
    assert refused(*on(nobody)) == (
        f"error: --executor ray: no cluster at {nobody}: nobody answers within 0 s (Connection "
        "refused); `ray status --address` shows whether one runs, and without --address one is "
        "started here"
    )
    assert refused(*on("head")) == (
        "error: --address: expected auto, host:port or ray://host:port, such as head:6379, not "
        "'head'"
    )
    assert refused("--address", nobody) == (
        "error: --address is of a cluster: it goes with --executor ray"
    )
    monkeypatch.setitem(sys.modules, "ray", None)
    assert refused("--executor", "ray") == (
        'error: --executor ray needs Ray: pip install "regbench[ray]"'
    )


def test_a_files_data_travel_without_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_brought", {})
    table(tmp_path)
    loaded = load_study(study(tmp_path, FILES))
    plan = planned(loaded)
    (block,) = {cell.setting.dataset for cell in loaded.cells}
    key, size = plan.data[block.origin], shape(block, tmp_path)
    here, sent = load(block, 1, tmp_path, key), pickle.dumps(carried(loaded))
    (tmp_path / "data.csv").unlink()
    with pytest.raises(BadData, match="no such file"):
        load(block, 1, tmp_path, key)
    bring(pickle.loads(sent))
    there = load(block, 1, Path("/nowhere"), key)
    assert shape(block, Path("/nowhere")) == size
    for part in ("train", "val", "test"):
        assert np.array_equal(getattr(there, part).x, getattr(here, part).x)
        assert np.array_equal(getattr(there, part).y, getattr(here, part).y)
    with pytest.raises(BadData, match="is not what it was"):
        load(block, 1, tmp_path, "another")


def test_small_stacks_share_a_task_until_one_is_lost(tmp_path, monkeypatch):
    """Grouped by the seconds that they are estimated at: a task takes time to begin."""
    table(tmp_path)
    plan = planned(load_study(study(tmp_path, FILES)))
    stacks = [
        Stack(f"s{i:04}", stack.members)
        for i, stack in enumerate(make_stacks(plan.runs, tmp_path) * 5)
    ]
    sent = []
    monkeypatch.setattr(ray_module.RayTasks, "_send", lambda self, jobs: sent.append(jobs))
    tasks = object.__new__(ray_module.RayTasks)
    each = seconds_of(stacks[0], tmp_path)
    tasks._folder, tasks._task_seconds, tasks._once_lost = tmp_path, 2.5 * each, {"s0004"}
    tasks._group, tasks._group_seconds = [], 0.0
    for stack in stacks[:8]:
        tasks.submit(Job(stack, tmp_path, "cpu"))
    tasks._send_group()
    names = [[job.stack.stack_id for job in jobs] for jobs in sent]
    assert names == [
        ["s0000", "s0001", "s0002"],
        ["s0004"],
        ["s0003", "s0005", "s0006"],
        ["s0007"],
    ]


def test_workers_with_other_versions_or_without_a_gpu_are_refused(monkeypatch):
    here = {"Python": "3.11.7", "regbench": "0.1.0", "torch": "2.13.0"}
    ray_module._require_same("n1", here, here)
    for there, said in (("2.6.0", "2.6.0"), (None, "missing")):
        with pytest.raises(BadStudy) as caught:
            ray_module._require_same("n1", here | {"torch": there}, here)
        assert str(caught.value) == (
            f"--executor ray: torch is {said} on node n1 and 2.13.0 here: install the same on all "
            "nodes"
        )
    cluster = object.__new__(ray_module.Cluster)
    cluster.name = "head:6379"
    for gpus, devices in ((0.0, ("cpu", "cpu")), (2.0, ("cuda:0", "cpu"))):
        monkeypatch.setattr(cluster, "total", lambda resource, gpus=gpus: gpus, raising=False)
        assert tuple(map(cluster.device, ("auto", "cpu"))) == devices
        if gpus:
            assert cluster.device("cuda") == "cuda:0"
        else:
            with pytest.raises(
                BadStudy, match="no node of the cluster at head:6379 has a GPU: use"
            ):
                cluster.device("cuda")


@pytest.mark.torture
def test_versions_are_asked_before_training(tmp_path, two_nodes, start):
    other = "from regbench.executors import ray\nray._versions = lambda: {'torch': '2.0.0'}\n"
    path = study(tmp_path)
    process = start("run", path, "-o", tmp_path / "r", *on(two_nodes), lines=other, folder=tmp_path)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert f"error: --executor ray: torch is {version('torch')} on node " in err
    assert "and 2.0.0 here: install the same on all nodes" in err


NET = """\
import torch
from parts.width import WIDTH

def make(example, outputs):
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(example[0], WIDTH), torch.nn.Tanh(),
        torch.nn.Linear(WIDTH, outputs),
    )
"""


@pytest.mark.torture
def test_frames_and_modules_travel(tmp_path, two_nodes):
    frame = pd.DataFrame({"u": range(60), "v": [i % 5 for i in range(60)], "y": ["a", "b"] * 30})
    (tmp_path / "net" / "parts").mkdir(parents=True)
    (tmp_path / "net" / "parts" / "width.py").write_text("WIDTH = 6\n")
    (tmp_path / "net" / "net.py").write_text(NET)
    given = {
        "dataset": {"target": "y", "task": "classification"},
        "model": {"name": "module"},
        "training": {"epochs": 3},
        "seeds": 2,
    }
    model = f"{tmp_path / 'net' / 'net.py'}:make"
    whole = package.run(given, data=frame, model=model, out=tmp_path / "here")
    package.run(
        given, data=frame, model=model, out=tmp_path / "ray", executor="ray", address=two_nodes
    )
    assert (whole.runs.status == "ok").all()
    assert contents(tmp_path / "ray") == contents(tmp_path / "here")
    with pytest.raises(BadStudy, match="a module in memory cannot travel: put it into a file"):
        package.run(
            given,
            data=frame,
            model=lambda example, outputs: None,
            model_id="x",
            out=tmp_path / "no",
            executor="ray",
            address=two_nodes,
        )


# --- what is lost on the way ----------------------------------------------------------------------


def workers():
    """The processes that train, by the title that Ray gives them."""
    found = subprocess.run(
        ["pgrep", "-f", "ray::_train"], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def checkpoints_of(folder):
    return {file.name[:5] for file in (folder / ".regbench" / "checkpoints").glob("s*")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    assert regbench("run", study(folder, LONG), "-o", folder / "r", "-q").code == 0
    return folder / "r"


@pytest.mark.torture
def test_a_worker_that_is_killed_costs_seconds(tmp_path, two_nodes, start, whole):
    process = start("run", study(tmp_path, LONG), "-o", tmp_path / "r", "-q", *on(two_nodes))
    wait_until(lambda: checkpoints_of(tmp_path / "r") == {"s0001", "s0002"})
    os.kill(workers()[0], signal.SIGKILL)
    _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert err.count("the worker was killed (out of memory?); it was tried again") == 1
    assert contents(tmp_path / "r") == contents(whole)


@pytest.mark.torture
def test_a_node_that_is_lost_costs_seconds(tmp_path, start, whole):
    with cluster(2) as made:
        (other,) = made.worker_nodes
        process = start("run", study(tmp_path, LONG), "-o", tmp_path / "r", *on(made.address))
        wait_until(lambda: checkpoints_of(tmp_path / "r") == {"s0001", "s0002"})
        made.remove_node(other, allow_graceful=False)
        _, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "its node was lost; it was tried again" in err
    assert contents(tmp_path / "r") == contents(whole)


@pytest.mark.torture
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_ended_leaves_nobody_and_goes_on(
    tmp_path, two_nodes, start, whole, number
):
    path, folder = study(tmp_path, LONG), tmp_path / "r"
    process = start("run", path, "-o", folder, *on(two_nodes))
    wait_until(lambda: checkpoints_of(folder) == {"s0001", "s0002"})
    process.send_signal(number)
    begin = time.monotonic()
    _, err = process.communicate(timeout=60)
    assert time.monotonic() - begin < 10
    assert process.returncode == (128 + number if number != signal.SIGKILL else -number), err
    assert "Traceback" not in err
    wait_until(lambda: not workers())
    assert gone(process)
    again = start("run", path, "-o", folder, *on(two_nodes))
    _, err = again.communicate(timeout=240)
    assert again.returncode == 0, err
    assert contents(folder) == contents(whole)


@pytest.mark.torture
def test_a_head_that_is_lost_ends_the_command_which_goes_on_elsewhere(tmp_path, start, whole):
    path, folder = study(tmp_path, LONG), tmp_path / "r"
    with cluster(2) as made:
        soon = "from regbench.executors import ray\nray._AWAY_SECONDS = 3.0\n"
        process = start("run", path, "-o", folder, *on(made.address), lines=soon, folder=tmp_path)
        wait_until(lambda: checkpoints_of(folder) == {"s0001", "s0002"})
        for each in made.head_node.all_processes["gcs_server"]:
            each.process.kill()
        _, err = process.communicate(timeout=120)
    assert process.returncode == 6, err
    assert "the Ray cluster is gone" in err
    assert "Traceback" not in err
    done = regbench("run", path, "-o", folder, "-q")
    assert done.code == 0, done.err
    assert contents(folder) == contents(whole)
