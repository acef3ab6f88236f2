"""Results: whole or not at all, the same bytes however they came about, and nobody else's."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from command import SMALL, contents, regbench, study
from faults import Fault, hooked
from planned import planned
from safetensors.numpy import load_file

from regbench import run as regbench_run
from regbench.config.load import load_study
from regbench.errors import FolderInUse, Unwritable
from regbench.executors import train as training
from regbench.executors.provenance import git_commit
from regbench.results import files
from regbench.results.pieces import commit, read_piece, stacks_folder
from regbench.results.planned import read_judged, recorded_plan
from regbench.results.records import RunRecord
from regbench.results.sealed import Damaged
from regbench.results.store import Store
from regbench.results.tables import judged_runs


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The small study, trained without a break."""
    folder = tmp_path_factory.mktemp("finished")
    done = regbench("run", study(folder), "-o", folder / "r")
    assert done.code == 0, done.err
    return folder / "r"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "runs.csv"
    files.write_atomic(path, b"old")
    with (
        hooked(Fault("torn", 2)),
        pytest.raises(
            Unwritable,
            match=r"runs\.csv: cannot be written: No space left on device \(3 bytes needed\)",
        ),
    ):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["runs.csv"]


@pytest.mark.parametrize("stacks_done", [0, 1])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupted_command_goes_on_to_the_same_bytes(
    tmp_path, finished, monkeypatch, stacks_done, workers
):
    train_stack = training.train_stack
    calls = []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) > stacks_done:
            signal.raise_signal(signal.SIGINT)
        return train_stack(*arguments)

    path = study(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(training, "train_stack", interrupted)
        first = regbench("run", path, "-o", tmp_path / "r", "-j", 1)
    assert first.code == 130
    assert "to go on: regbench run" in first.err
    rows = (tmp_path / "r" / "runs.csv").read_text().count("\n") - 1
    assert rows == (9 if stacks_done else 0)
    second = regbench("run", path, "-o", tmp_path / "r", "-j", workers)
    assert second.code == 0, second.err
    assert f"{12 - rows} runs trained" in second.err
    assert contents(tmp_path / "r") == contents(finished)


def test_a_finished_study_trains_nothing(tmp_path, finished):
    before = contents(finished)
    stamps = {path: path.stat().st_mtime_ns for path in stacks_folder(finished).iterdir()}
    again = regbench("run", finished.parent / "small.yaml", "-o", finished)
    assert again.code == 0
    assert "all 12 runs were done already: nothing trained" in again.err
    assert again.out == regbench("show", finished).out
    assert contents(finished) == before
    assert {p: p.stat().st_mtime_ns for p in stacks_folder(finished).iterdir()} == stamps


def test_a_damaged_piece_is_named_set_aside_and_trained_again(tmp_path, finished):
    path = study(tmp_path)
    regbench("run", path, "-o", tmp_path / "r", "--quiet")
    piece = sorted(stacks_folder(tmp_path / "r").iterdir())[0]
    content = bytearray(piece.read_bytes())
    content[len(content) // 2] ^= 1
    piece.write_bytes(content)
    again = regbench("run", path, "-o", tmp_path / "r")
    assert again.code == 0, again.err
    assert f"warning: {piece}: the content does not match its digest; set aside as" in again.err
    assert "9 runs trained" in again.err
    assert contents(tmp_path / "r") == contents(finished)
    assert piece.with_name(piece.name + ".damaged").exists()


def test_added_seeds_and_values_keep_committed_rows(tmp_path, finished):
    path = study(tmp_path)
    regbench("run", path, "-o", tmp_path / "r", "--quiet", "--seeds", 2)
    few = (tmp_path / "r" / "runs.csv").read_text().splitlines()
    more = regbench("run", path, "-o", tmp_path / "r", "--quiet")
    assert "4 runs trained" in more.err
    assert "8 were done already" in more.err
    # The stacks are others than in one go, the tables are not.
    mine, theirs = contents(tmp_path / "r"), contents(finished)
    assert {k: mine[k] for k in mine if k != "plan.csv"} == {
        k: theirs[k] for k in theirs if k != "plan.csv"
    }
    assert set(few) <= set((tmp_path / "r" / "runs.csv").read_text().splitlines())
    # Runs outside the present plan stay stored but leave the tables.
    fewer = regbench("run", path, "-o", tmp_path / "r", "--quiet", "--seeds", 2)
    assert "nothing trained" in fewer.err
    assert (tmp_path / "r" / "runs.csv").read_text().splitlines() == few


def test_a_changed_study_is_refused_with_the_keys_that_differ(tmp_path, finished):
    path = study(tmp_path, SMALL.replace("epochs: 4", "epochs: 5").replace("[8]", "[9]"))
    before = contents(finished)
    refused = regbench("run", path, "-o", finished)
    assert refused.code == 2
    assert (
        "holds the results of another study (model.hidden: [8] -> [9]; training.epochs: 4 -> 5): "
        "choose another folder with -o, or replace them with --overwrite"
    ) in refused.err
    assert contents(finished) == before


def test_another_number_of_threads_is_another_study(tmp_path, finished):
    """Sums on several threads may round otherwise: one folder holds bytes of one kind."""
    before = contents(finished)
    path = finished.parent / "small.yaml"
    for number, code in ((2, 2), (1, 0)):
        done = regbench("run", path, "-o", finished, "-q", "-s", f"training.threads={number}")
        assert done.code == code, done.err
        assert ("(training.threads: 1 -> 2)" in done.err) == (code == 2)
    assert contents(finished) == before
    shutil.copytree(finished, tmp_path / "other")
    note = tmp_path / "other" / ".regbench" / "study.json"
    note.write_text(note.read_text().replace('"threads": 1', '"threads": 2'))
    done = regbench("merge", finished, tmp_path / "other", "-o", tmp_path / "merged")
    assert done.code == 3
    assert "is no shard of the study" in done.err
    assert "training.threads: 1 -> 2" in done.err


def test_overwrite_removes_what_regbench_wrote_and_nothing_else(tmp_path):
    path = study(tmp_path)
    folder = tmp_path / "r"
    regbench("run", path, "-o", folder, "--quiet", "-s", "training.save_weights=true")
    (folder / "notes.txt").write_text("mine")
    (folder / "weights" / "mine.safetensors").write_text("mine")
    assert len(list((folder / "weights").iterdir())) == 13
    changed = study(tmp_path, SMALL.replace("epochs: 4", "epochs: 2"))
    assert regbench("run", changed, "-o", folder, "--overwrite").code == 0
    assert (folder / "notes.txt").read_text() == "mine"
    assert [p.name for p in (folder / "weights").iterdir()] == ["mine.safetensors"]
    assert (folder / "epochs.csv").read_text().count("\n") == 1 + 12 * 2


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "runs.csv").write_text("a,b\n1,2\n")
    done = regbench("run", study(tmp_path), "-o", folder)
    assert done.code == 2
    assert "holds a runs.csv that is not regbench's: choose another folder with -o" in done.err
    assert regbench("run", study(tmp_path), "-o", folder, "--overwrite").code == 2
    assert (folder / "runs.csv").read_text() == "a,b\n1,2\n"


def test_a_study_is_never_replaced_by_its_results(tmp_path):
    path = study(tmp_path, name="study.yaml")
    for options in ([], ["--overwrite"]):
        done = regbench("run", "study.yaml", "-o", ".", *options, cwd=tmp_path)
        assert done.code == 2
        assert "is the study itself, which the results would replace" in done.err
    assert path.read_text() == SMALL


@pytest.mark.parametrize("content", [b"{bad", b"[1]", b"\xff", b""])
def test_a_folder_whose_study_is_damaged_is_left_alone(tmp_path, content):
    path = study(tmp_path)
    regbench("run", path, "-o", tmp_path / "r", "-q")
    (tmp_path / "r" / ".regbench" / "study.json").write_bytes(content)
    done = regbench("run", path, "-o", tmp_path / "r", "-q", "--seeds", 4)
    assert done.code == 3
    assert ".regbench/study.json: cannot be understood" in done.err


# No note of the stacks, or a damaged one.
@pytest.mark.parametrize("content", [None, b"[1]", b"{", b"\xff"])
@pytest.mark.parametrize("lost", [[], [0], [1], [0, 1]])
def test_stacks_are_known_by_what_is_committed_where_the_note_is_lost(
    tmp_path, finished, content, lost
):
    path, folder = study(tmp_path), tmp_path / "r"
    shutil.copytree(finished, folder)
    for i in lost:
        (stacks_folder(folder) / sorted(stacks_folder(finished).iterdir())[i].name).unlink()
    note = folder / ".regbench" / "stacks.json"
    note.unlink() if content is None else note.write_bytes(content)
    done = regbench("run", path, "-o", folder, "-q")
    assert done.code == 0, done.err
    left = [9, 3]
    trained = sum(left[i] for i in lost)
    assert (f"{trained} runs trained" if lost else "nothing trained") in done.err
    assert contents(folder) == contents(finished)
    damaged = note.with_name("stacks.json.damaged")
    assert damaged.exists() == (content is not None)
    if content is not None:
        assert f"warning: {note}: cannot be understood" in done.err
        assert damaged.read_bytes() == content


def test_new_stacks_take_no_number_of_one_whose_note_is_lost(tmp_path):
    path, folder = study(tmp_path), tmp_path / "r"
    regbench("run", path, "-o", folder, "-q", "--seeds", 2)
    regbench("run", path, "-o", folder, "-q", "--seeds", 3)
    rows = (folder / "runs.csv").read_bytes()
    for piece in stacks_folder(folder).glob("s000[13].*"):
        piece.unlink()
    (folder / ".regbench" / "stacks.json").unlink()
    done = regbench("run", path, "-o", folder, "-q")
    assert "9 runs trained" in done.err
    assert (folder / "runs.csv").read_bytes() == rows
    noted = json.loads((folder / ".regbench" / "stacks.json").read_text())
    assert sorted(len(runs) for runs in noted.values()) == [1, 2, 9]


def test_one_writer(tmp_path):
    path = study(tmp_path)
    plan = planned(load_study(path))
    code = (
        "import sys, pathlib\n"
        "from regbench.config.load import load_study\n"
        "from regbench.config.plan import make_plan\n"
        "from regbench.data import fingerprints\n"
        "from regbench.results.store import Store\n"
        "study = load_study(sys.argv[1])\n"
        "with Store.open(pathlib.Path(sys.argv[2]), make_plan(study, fingerprints(study))):\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "r")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"open\n"
        done = regbench("run", path, "-o", tmp_path / "r")
        assert done.code == 5
        assert f"process {other.pid} on " in done.err
        with pytest.raises(FolderInUse):
            Store.open(tmp_path / "r", plan)
        other.kill()
    # A lock that a dead process left does not block.
    with Store.open(tmp_path / "r", plan):
        pass


def test_pieces_come_back_as_they_were_and_damage_is_found(tmp_path):
    curves = {"epoch": np.array([1.0, 2.0]), "val_loss": np.array([0.5, np.nan])}
    records = [
        RunRecord("ra", "ok", "", 2, 1, 2, 0.25, curves),
        RunRecord("rb", "failed", "out of memory", 0, None, None, None, {}),
        *(
            RunRecord(
                f"r{x}", "ok", "", 1, 1, 1, None, {"val_loss": np.array([x])}, scores={"a": x}
            )
            for x in (0.0, -0.0, 0.0)
        ),
    ]
    path = commit(tmp_path, "s0001", records)
    first, second, *rest = read_piece(path)
    assert [repr(each.scores) for each in rest] == ["{'a': 0.0}", "{'a': -0.0}", "{'a': 0.0}"]
    assert [repr(each.at_reading("a")) for each in rest] == ["0.0", "-0.0", "0.0"]
    assert [each.curves["val_loss"].tolist() for each in rest] == [[0.0], [-0.0], [0.0]]
    assert (first.run_id, first.flip_rate, first.reading_epoch) == ("ra", 0.25, 2)
    np.testing.assert_array_equal(first.curves["val_loss"], curves["val_loss"])
    assert (second.status, second.error, len(second.curves["epoch"])) == (
        *("failed", "out of memory"),
        0,
    )
    whole = path.read_bytes()
    for damaged in (whole[:-1], b"", whole[:8], whole.replace(b"rb", b"rc")):
        path.write_bytes(damaged)
        with pytest.raises(Damaged):
            read_piece(path)


def test_saved_weights_and_predictions_are_those_of_the_row(tmp_path):
    text = SMALL.replace("epochs: 4", "epochs: 4, save_weights: true, save_predictions: true")
    folder = tmp_path / "r"
    assert regbench("run", study(tmp_path, text), "-o", folder, "--quiet").code == 0
    import pandas as pd

    for row in pd.read_csv(folder / "runs.csv").itertuples():
        state = load_file(folder / "weights" / f"{row.run_id}.safetensors")
        kernels = [state[f"layers.{i}.weight"] for i in (0, 1)]
        assert [k.shape for k in kernels] == [(8, 4), (3, 8)]  # (O, I)
        norm = np.sqrt(sum((k.astype(np.float64) ** 2).sum() for k in kernels))
        assert norm == pytest.approx(row.weight_norm, rel=1e-6)
        with np.load(folder / "predictions" / f"{row.run_id}.npz") as arrays:
            for part in ("train", "val", "test"):
                p, y = arrays[f"{part}_probability"], arrays[f"{part}_y"]
                assert len(arrays[f"{part}_ids"]) == len(y) == len(p)
                loss = -np.log(p[np.arange(len(y)), y]).mean()
                assert loss == pytest.approx(getattr(row, f"{part}_loss"), rel=1e-5)
                accuracy = (p.argmax(1) == y).mean()
                assert accuracy == pytest.approx(getattr(row, f"{part}_acc"))
        # The plain product of the saved weights, as any program would compute it.
        if row.cell == "none":
            from regbench.data import load

            split = load(load_study(tmp_path / "small.yaml").base.dataset, row.seed, tmp_path)
            hidden = np.maximum(split.val.x @ kernels[0].T + state["layers.0.bias"], 0)
            logits = hidden @ kernels[1].T + state["layers.1.bias"]
            assert (logits.argmax(1) == split.val.y).mean() == pytest.approx(row.val_acc)


def test_provenance_is_apart_and_tables_hold_nothing_volatile(finished):
    facts = json.loads((finished / "provenance.jsonl").read_text().splitlines()[0])
    assert facts["event"] == "trained"
    assert facts["runs"] == 12
    assert facts["device"] == "cpu"
    assert "git" not in facts
    for content in contents(finished).values():
        assert facts["host"].encode() not in content
        assert b"wall" not in content


def test_the_commit_of_the_studys_folder_is_noted(tmp_path):
    def git(*arguments):
        command = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@y.z"]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    if shutil.which("git") is None:
        pytest.skip("no git here")
    path = study(tmp_path)
    git("init", "-q")
    assert regbench("run", path, "-o", tmp_path / "r", "-q", "--seeds", 1).code == 0
    git("add", "small.yaml")
    git("commit", "-q", "-m", "A study")
    assert regbench("run", path, "-o", tmp_path / "r", "-q").code == 0
    lines = (tmp_path / "r" / "provenance.jsonl").read_text().splitlines()
    commit = git("rev-parse", "HEAD")
    assert [json.loads(line).get("git") for line in lines] == [None, commit]
    git("pack-refs", "--all")
    assert git_commit(tmp_path) == commit
    git("worktree", "add", "-q", "--detach", "further")
    assert git_commit(tmp_path / "further") == commit
    head = tmp_path / ".git" / "HEAD"
    for text in ("ref: refs/heads/gone", "ref: refs/../../small.yaml", "x" * 40, "", "\xff"):
        head.write_text(text)
        assert git_commit(tmp_path) is None
    (tmp_path / ".git" / "packed-refs").unlink()
    head.write_text(commit)  # a commit without a branch
    assert git_commit(tmp_path / "r") == commit


@pytest.mark.parametrize(
    "given",
    [
        {
            "dataset": {"name": "moons", "n_samples": 60, "label_noise": 0.2},
            "metrics": ["auc", "balanced_acc"],
            "sweep": {
                "regularizer": {
                    "=1+1": {"l2": 1e-3},
                    "07": {"early_stopping": {"patience": 1}},
                    "none": {},
                },
                "model.hidden": [[3], [3, 3]],
                "optimizer.lr": {"true": 1e-3, "diverges": 1e300},
                "training.shuffle": [True, False],
            },
        },
        {"dataset": {"name": "diabetes", "folds": 3, "test_size": 60}, "interval": "rows"},
    ],
    ids=["classes", "folds"],
)
def test_the_runs_of_a_plan_are_those_of_its_table(tmp_path, given):
    study = {"model": {"hidden": [3]}, "training": {"epochs": 2}, "seeds": 3, **given}
    results = regbench_run(study, out=tmp_path)
    plan = recorded_plan(tmp_path)
    with Store.open(tmp_path, plan) as store:
        made = judged_runs(plan, store.records())
    read, over = read_judged(tmp_path)
    assert over == given.get("interval", "seeds")
    assert {row.status for row in read.rows} == {row.status for row in results.rows.rows}
    # Not-a-number is no number's equal.
    assert [repr(row) for row in made.rows] == [repr(row) for row in read.rows]
    assert replace(made, rows=()) == replace(read, rows=())
