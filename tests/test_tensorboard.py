"""--log-dir: what TensorBoard itself reads from it is what epochs.csv holds."""

from importlib.metadata import PackageNotFoundError

import pytest
from command import regbench as regbench_command

import regbench

STUDY = """
dataset: {name: iris, label_noise: 0.2}
model: {hidden: [4]}
training: {epochs: 4, eval_every: 2}
seeds: 2
sweep:
  regularizer: {none: none, "l2: a/b <c>": l2}
"""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def scalars(folder):
    """Every run's scalars by tag, read by TensorBoard's own reader."""
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    reader = EventMultiplexer().AddRunsFromDirectory(str(folder)).Reload()
    return {
        run: {tag: [(e.step, e.value) for e in reader.Scalars(run, tag)] for tag in tags["scalars"]}
        for run, tags in reader.Runs().items()
    }


def test_tensorboard_reads_the_curves(study, tmp_path):
    done = regbench_command("run", study, "-o", tmp_path / "out", "--log-dir", tmp_path / "log")
    assert done.code == 0, done.err
    epochs = regbench.read(tmp_path / "out").epochs
    found = scalars(tmp_path / "log")
    assert len(found) == 4
    for run, tags in found.items():
        rows = epochs[epochs.run_id == run.rpartition("-")[2]]
        assert [step for step, _ in tags["objective"]] == [1, 2, 3, 4]
        assert [step for step, _ in tags["loss/val"]] == [2, 4]
        for tag, column in (("loss/val", "val_loss"), ("acc/train", "train_acc"), ("lr", "lr")):
            values = [value for _, value in tags[tag]]
            assert values == pytest.approx(rows[column].dropna().tolist(), rel=1e-6)


def test_a_second_time_gives_the_same_files(study, tmp_path):
    def contents():
        regbench_command("run", study, "-o", tmp_path / "out", "--log-dir", tmp_path / "log")
        return {path: path.read_bytes() for path in (tmp_path / "log").rglob("*tfevents*")}

    assert contents() == contents()


def test_without_the_package_it_says_so_before_training(study, tmp_path, monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    done = regbench_command("run", study, "-o", tmp_path / "out", "--log-dir", tmp_path / "log")
    assert done.code == 2
    assert "pip install 'regbench[tensorboard]'" in done.err
    assert not (tmp_path / "out").exists()


def test_a_log_folder_that_cannot_be_is_an_error_and_loses_nothing(study, tmp_path):
    done = regbench_command("run", study, "-o", tmp_path / "out", "--log-dir", study)
    assert done.code == 4
    assert len(regbench.read(tmp_path / "out").runs) == 4
