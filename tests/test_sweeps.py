"""Grids from the command line, shards and their merging, going on, and stopping before the end."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from command import SMALL, contents, regbench, study
from faults import hooked

from regbench.config.grid_text import BadAxis, parse_axis
from regbench.config.load import load_study
from regbench.errors import BadStudy
from regbench.executors import train as training
from regbench.executors.limits import parse_duration, parse_shard
from regbench.results.pieces import stacks_folder
from regbench.results.records import RunRecord

AXES = [
    ("a=1,2", [1, 2]),
    ("a=1e-3, no ,true", [0.001, "no", True]),
    ("a=[1, 2],[3]", [[1, 2], [3]]),
    ("a=none,{l2: 1e-3, l1: [0, 1]}", ["none", {"l2": 0.001, "l1": [0, 1]}]),
    ("a='x,y',\"z\"", ["x,y", "z"]),
    ("a=range(3)", [0, 1, 2]),
    ("a=range(0,5)", [0, 1, 2, 3, 4]),
    ("a=range(9,0,-4)", [9, 5, 1]),
    ("a=0,logspace(-4,-1,4)", [0, 1e-4, 1e-3, 1e-2, 1e-1]),
    ("a=linspace(0.1,0.5,5)", [0.1, 0.2, 0.3, 0.4, 0.5]),
    ("a=null,''", [None, ""]),
]
BAD_AXES = [
    ("a", "expected key=value,value,..., not 'a'"),
    ("a=", "expected key=value,value,..., not 'a='"),
    ("a=1,,2", "has an empty value"),
    ("a=choice(1,2)", "unknown function 'choice'; there are range, linspace, logspace"),
    ("a=range(0.5)", "takes whole numbers"),
    ("a=range(0,5,0)", "takes whole numbers"),
    ("a=range(5,0)", "has no values"),
    ("a=range(1000000000)", "has too many values"),
    ("a=logspace(0,1)", "takes three numbers: logspace(first,last,count)"),
    ("a=logspace(0,400,3)", "is beyond the largest number"),
    ("a=linspace(0,1,0)", "needs a count from 1"),
    ("a=[1", "is not YAML"),
    ("a=!!python/name:os.system", "tags are not allowed"),
]


@pytest.mark.parametrize(("text", "values"), AXES)
def test_axes(text, values):
    assert parse_axis(text) == ("a", values)


@pytest.mark.parametrize(("text", "message"), BAD_AXES)
def test_bad_axes(tmp_path, text, message):
    with pytest.raises(BadAxis) as caught:
        parse_axis(text)
    assert message in str(caught.value)
    done = regbench("plan", study(tmp_path), "-g", text.replace("a", "regularizer.l2", 1))
    assert done.code == 2
    assert done.err.startswith("error: -g")
    assert message.split(", not")[0] in done.err


def names(tmp_path, *axes, text=SMALL):
    return [cell.name for cell in load_study(study(tmp_path, text), axes=axes).cells]


def test_an_axis_is_added_to_every_grid_or_replaces_that_keys(tmp_path):
    assert len(names(tmp_path, "optimizer.lr=0.1,0.2")) == 8
    assert names(tmp_path, "regularizer=none,l1") == ["none", "l1"]
    grids = "sweep: [{regularizer.l2: [0, 1]}, {regularizer.l1: [1]}]\n"
    union = SMALL[: SMALL.index("sweep")] + grids
    assert names(tmp_path, "optimizer.lr=0.1,0.2", text=union) == [
        f"{key}, optimizer.lr={lr}"
        for key in ("regularizer.l2=0", "regularizer.l2=1", "regularizer.l1=1")
        for lr in (0.1, 0.2)
    ]
    # Every key, whole blocks too; duplicates collapse by content.
    assert len(names(tmp_path, "dataset=iris,wine", "model={hidden: [4]},mlp,{hidden: [4]}")) == 16


def test_mistakes_in_axes_are_placed(tmp_path):
    with pytest.raises(BadStudy) as caught:
        load_study(
            study(tmp_path),
            axes=["regularizer.l3=1", "optimizer.lr=0.1,-1", "seeds=1,2", "optimizer.lr=1"],
            overrides=["optimizer.lr=0.5"],
        )
    assert [str(p) for p in caught.value.problems] == [
        "-g optimizer.lr: is given twice",
        "-s optimizer.lr: is swept in the study: change the sweep there",
        "-g seeds: seeds cannot be swept",
    ]
    with pytest.raises(BadStudy) as caught:
        load_study(study(tmp_path), axes=["regularizer.dropot=1", "optimizer.lr=0.1,-1"])
    assert [str(p) for p in caught.value.problems] == [
        "-g regularizer.dropot: unknown key (did you mean 'dropout'?)",
        "-g optimizer.lr[1]: expected a value > 0, not -1",
    ]


def test_a_grid_beyond_max_runs_is_refused_with_its_count(tmp_path):
    path = study(tmp_path)
    axes = ["-g", "optimizer.lr=linspace(0.1,1,1000)", "-g", "regularizer.l1=linspace(0,1,1000)"]
    done = regbench("plan", path, *axes)
    assert done.code == 2
    assert "4000000 cells with 3 seeds are 12000000 runs, more than --max-runs (100000)" in done.err
    assert regbench("plan", path, "--max-runs", 11).code == 2
    assert regbench("run", path, "--max-runs", 11).code == 2
    assert regbench("plan", path, "--max-runs", 12).code == 0


# --- shards -----------------------------------------------------------------------------------

GRID = """\
name: grid
dataset: {name: iris, train_size: 40}
training: {epochs: 3, save_weights: true}
seeds: 2
sweep:
  model.hidden: [[4], [8], [12]]
  regularizer.l2: [0, 1e-2]
expect:
  - epochs_run[regularizer.l2=0.01] == 3
"""


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """The grid in one go, and in two shards."""
    folder = tmp_path_factory.mktemp("shards")
    path = study(folder, GRID, "grid.yaml")
    assert regbench("run", path, "-o", folder / "whole", "-q").code == 0
    for i in (1, 2):
        done = regbench("run", path, "-o", folder / str(i), "-q", "--shard", f"{i}/2")
        assert done.code == 0
        assert "PASS" not in done.err  # a shard leaves the claims to merge
    return folder


def test_merged_bytes_are_those_of_one_run(shards, tmp_path):
    done = regbench("merge", shards / "1", shards / "2", "-o", tmp_path / "m")
    assert done.code == 0, done.err
    assert "12 runs of 2 folders" in done.err
    assert "PASS      epochs_run[regularizer.l2=0.01] == 3" in done.err
    assert contents(tmp_path / "m") == contents(shards / "whole")
    weights = [sorted((f / "weights").iterdir()) for f in (tmp_path / "m", shards / "whole")]
    assert [p.read_bytes() for p in weights[0]] == [p.read_bytes() for p in weights[1]]
    assert len(weights[0]) == 12
    # It is a results folder like any other: the same study goes on in it.
    more = regbench("run", shards / "grid.yaml", "-o", tmp_path / "m", "-q", "--seeds", 3)
    assert "6 runs trained" in more.err
    assert "12 were done already" in more.err


def test_what_shards_noted_is_copied_once_and_in_one_go(shards, tmp_path):
    copies = [shutil.copytree(shards / name, tmp_path / name) for name in ("1", "2")]
    noted = [json.dumps({"event": "trained", "time": i}) for i in range(20_000)]
    flushes = []
    for number in (1, 20_000):
        (copies[0] / "provenance.jsonl").write_text("\n".join(noted[:number]))
        seen = []
        with hooked(lambda operation, seen=seen: seen.append(operation.name)):
            assert regbench("merge", *copies, "-o", tmp_path / f"m{number}").code == 0
        flushes.append(seen.count("flush"))
    assert flushes[0] == flushes[1]
    second = (copies[1] / "provenance.jsonl").read_text().splitlines()
    for _ in range(2):  # merged again, nothing is there twice but that it was merged
        lines = (tmp_path / "m20000" / "provenance.jsonl").read_text().splitlines()
        others = [line for line in lines if '"event": "merged"' not in line]
        assert others == [*noted, *second]
        assert regbench("merge", *copies, "-o", tmp_path / "m20000").code == 0
    assert len(lines) - len(others) == 4


def test_shards_are_whole_stacks_and_share_the_work(shards):
    rows = [pd.read_csv(shards / str(i) / "runs.csv") for i in (1, 2)]
    assert sorted(len(r) for r in rows) == [4, 8]
    widths = [set(r["model.hidden"]) for r in rows]
    assert not widths[0] & widths[1]
    plans = [pd.read_csv(shards / name / "plan.csv") for name in ("1", "2", "whole")]
    assert plans[0].equals(plans[2])
    assert plans[1].equals(plans[2])


def test_an_empty_shard_writes_headers_and_ends_with_0(shards, tmp_path):
    done = regbench("run", shards / "grid.yaml", "-o", tmp_path / "r", "--shard", "4/4")
    assert done.code == 0
    assert "no stack falls to this shard: nothing trained" in done.err
    assert (tmp_path / "r" / "runs.csv").read_text().startswith("schema_version,study,run_id")
    assert (tmp_path / "r" / "runs.csv").read_text().count("\n") == 1


def test_missing_and_overlapping_and_foreign_shards(shards, tmp_path):
    done = regbench("merge", shards / "1", "-o", tmp_path / "a")
    assert done.code == 3
    assert "of 12 runs are in none of the folders" in done.err
    assert regbench("show", tmp_path / "a").code == 0
    done = regbench("merge", shards / "1", shards / "whole", "-o", tmp_path / "b")
    assert done.code == 3
    assert "holds too: shards must not overlap" in done.err
    other = study(tmp_path, GRID.replace("epochs: 3", "epochs: 4"), "grid.yaml")
    regbench("run", other, "-o", tmp_path / "other", "-q", "--shard", "2/2")
    done = regbench("merge", shards / "1", tmp_path / "other", "-o", tmp_path / "c")
    assert done.code == 3
    assert "is no shard of the study in" in done.err
    assert "training.epochs: 3 -> 4" in done.err
    (tmp_path / "empty").mkdir()
    assert regbench("merge", tmp_path / "empty", "-o", tmp_path / "d").code == 3
    assert regbench("merge", shards / "1", "-o", shards / "1").code == 2


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0", "-1/2"])
def test_bad_shards(text):
    with pytest.raises(BadStudy, match="expected i/n with i from 1 to n"):
        parse_shard(text)


@pytest.mark.parametrize("text", ["", "x", "1d", "5m3h", "-1"])
def test_bad_durations(text):
    with pytest.raises(BadStudy, match="expected a time such as"):
        parse_duration(text)


def test_a_csv_study_is_merged_where_its_data_are_not(tmp_path):
    (tmp_path / "d.csv").write_text("x,y\n" + "".join(f"{i % 7},{i % 5}\n" for i in range(60)))
    text = (
        "name: t\ndataset: {name: csv, path: d.csv, target: y, task: regression}\n"
        "training: {epochs: 2}\nseeds: 2\nsweep: {model.hidden: [[4], [8]]}\n"
        "expect: ['train_loss[4] > 0']\n"
    )
    path = study(tmp_path, text)
    for i in (1, 2):
        regbench("run", path, "-o", tmp_path / str(i), "-q", "--shard", f"{i}/2")
    regbench("run", path, "-o", tmp_path / "whole", "-q")
    (tmp_path / "d.csv").unlink()
    path.unlink()
    assert regbench("merge", tmp_path / "1", tmp_path / "2", "-o", tmp_path / "m").code == 0
    assert contents(tmp_path / "m") == contents(tmp_path / "whole")
    assert regbench("check", tmp_path / "m").code == 0


# --- stopping and going on ---------------------------------------------------------------------

WILD = SMALL.replace("model:", "optimizer: {name: sgd, lr: 1e30}\nmodel:")


def test_max_failures_and_fail_fast_stop_after_a_stack(tmp_path):
    path = study(tmp_path, WILD)
    done = regbench("run", path, "-o", tmp_path / "r", "-j", 1, "--fail-fast")
    assert done.code == 1
    assert "stopped after 9 runs that failed or diverged (--max-failures 1)" in done.err
    assert len(pd.read_csv(tmp_path / "r" / "runs.csv")) == 9
    again = regbench("run", path, "-o", tmp_path / "r", "-j", 1, "--max-failures", 4)
    assert again.code == 1
    assert len(pd.read_csv(tmp_path / "r" / "runs.csv")) == 12
    kept_going = regbench("run", path, "-o", tmp_path / "s", "-j", 1)
    assert kept_going.code == 1
    assert contents(tmp_path / "r") == contents(tmp_path / "s")


def test_a_stack_that_runs_out_of_memory_is_halved_and_a_run_alone_fails(tmp_path, monkeypatch):
    path = study(tmp_path)
    whole = tmp_path / "whole"
    regbench("run", path, "-o", whole, "-q")
    train_stack = training.train_stack

    def little_memory(members, *rest):
        if len(members) > 1 or members[0].setting.regularizer.l2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ...")
        return train_stack(members, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_stack", little_memory)
        done = regbench("run", path, "-o", tmp_path / "r", "-q", "-j", 1)
    assert done.code == 1
    assert "3 runs failed (see the error column of runs.csv)" in done.err
    runs = pd.read_csv(tmp_path / "r" / "runs.csv")
    failed = runs[runs.status == "failed"]
    assert failed.cell.tolist() == ["l2"] * 3
    assert set(failed.error) == {"out of memory alone in its stack"}
    events = (tmp_path / "r" / "provenance.jsonl").read_text()
    assert json.loads(events.splitlines()[0])["event"] == "split by memory"
    # Without being asked nothing is tried again; asked, only what failed.
    same = regbench("run", path, "-o", tmp_path / "r", "-q")
    assert (same.code, "nothing trained" in same.err) == (1, True)
    retried = regbench("run", path, "-o", tmp_path / "r", "-q", "--retry-failed")
    assert retried.code == 0
    assert "3 runs trained" in retried.err
    assert contents(tmp_path / "r") == contents(whole)


def test_a_piece_of_failed_runs_does_not_hide_good_ones(tmp_path):
    from regbench.results.pieces import commit, read_piece

    path = study(tmp_path)
    regbench("run", path, "-o", tmp_path / "r", "-q")
    before = contents(tmp_path / "r")
    piece = sorted(stacks_folder(tmp_path / "r").iterdir())[0]
    lost = [RunRecord(r.run_id, "failed", "x", 0, None, None, None, {}) for r in read_piece(piece)]
    for name in ("s0000", "s9999"):  # before and after it
        commit(tmp_path / "r", name, lost)
    assert regbench("run", path, "-o", tmp_path / "r", "-q").code == 0
    assert contents(tmp_path / "r") == before


def test_the_workflow_to_copy_names_real_commands_and_options():
    import yaml

    path = Path(__file__).parent.parent / "configs" / "ci" / "regbench.yml"
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]
    commands = [step.split() for step in steps if "regbench" in step]
    assert [words[1] for words in commands] == ["validate", "run", "merge", "compare"]
    for words in commands:
        shown = regbench(words[1], "--help").out
        for option in (word for word in words if word.startswith("-")):
            assert f" {option} " in shown, f"{words[1]} {option}"
    env = workflow["env"]
    root = path.parent.parent.parent
    assert (root / env["STUDY"]).is_file()
    assert (root / env["BASELINE"] / "runs.csv").is_file()
