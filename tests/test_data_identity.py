"""One identity of data: two files are two data sets, and what is used is what was planned."""

import json
import os
import time
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest
from command import contents, regbench, study
from planned import planned

import regbench as package
from regbench.config import identity
from regbench.config.blocks.files import Csv
from regbench.config.load import load_study
from regbench.data import fingerprint, load
from regbench.data.files import reading
from regbench.engine.loop import train_stack
from regbench.engine.stacks import make_stacks
from regbench.errors import BadData, BadStudy
from regbench.executors.progress import Silent

BLOCK = "{name: csv, path: easy.csv, target: y, task: classification}"
STUDY = f"""\
dataset: {BLOCK}
model: linear
optimizer: {{name: adam, lr: 0.1}}
training: {{epochs: 20}}
seeds: 3
"""
TWO = STUDY + "sweep: {dataset.path: [easy.csv, noise.csv]}\n"
# Four stacks, since widths do not stack.
WIDTHS = STUDY.replace("linear", "{hidden: [4]}") + "sweep: {model.hidden: [[2], [3], [4], [5]]}\n"


def table(path, learnable, columns=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(120, columns)).round(4)
    y = (x[:, 0] > 0) if learnable else rng.integers(0, 2, 120)
    frame = pd.DataFrame(x, columns=[f"x{i}" for i in range(columns)]).assign(y=np.asarray(y, int))
    frame.to_csv(path, index=False, lineterminator="\n")


@pytest.fixture
def files(tmp_path):
    table(tmp_path / "easy.csv", learnable=True)
    table(tmp_path / "noise.csv", learnable=False)
    return tmp_path


def numbers(folder):
    """What a study says of its runs, by their ids; not what they are called."""
    runs = pd.read_csv(folder / "runs.csv", dtype=str, keep_default_na=False).set_index("run_id")
    names = ["study", "cell", "dataset.path"]
    return runs.drop(columns=names, errors="ignore").T.to_dict()


def of_content(path, content):
    """Replace a file, as an editor or a download does."""
    path.with_suffix(".new").write_bytes(content)
    os.replace(path.with_suffix(".new"), path)


# --- two files in a study -------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [2, 5], ids=["of one shape", "of different widths"])
def test_two_files_in_one_study_are_as_each_alone(files, columns):
    table(files / "noise.csv", learnable=False, columns=columns)
    assert regbench("run", study(files, TWO), "-o", files / "both").code == 0
    both, alone = numbers(files / "both"), {}
    for name in ("easy.csv", "noise.csv"):
        path = study(files, STUDY.replace("easy.csv", name))
        assert regbench("run", path, "-o", files / name[:-4]).code == 0
        alone |= numbers(files / name[:-4])
    assert both == alone
    assert len(both) == 6
    accuracy = {
        cell.cell: cell.metrics["val_acc"].mean for cell in package.read(files / "both").table
    }
    assert accuracy["easy.csv"] > 0.85
    assert 0.3 < accuracy["noise.csv"] < 0.7
    for shard in (1, 2):
        path = study(files, TWO)
        regbench("run", path, "--shard", f"{shard}/2", "-o", files / f"s{shard}")
    done = regbench("merge", files / "s1", files / "s2", "-o", files / "merged")
    assert done.code == 0, done.err
    assert contents(files / "merged") == contents(files / "both")


# --- the same values are the same study -----------------------------------------------------------


def test_line_ends_and_a_byte_order_mark_make_no_other_study(files):
    path, folder, data = study(files, STUDY), files / "r", files / "easy.csv"
    assert regbench("run", path, "-o", folder).code == 0
    before, text = contents(folder), data.read_bytes()
    for again in (text.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + text, text.replace(b"\n", b"\r")):
        of_content(data, again)
        done = regbench("run", path, "-o", folder)
        assert "all 3 runs were done already" in done.err
        assert contents(folder) == before
        assert regbench("doctor", folder).code == 0
    of_content(data, text.replace(b"0", b"1", 1))
    done = regbench("run", path, "-o", folder)
    assert done.code == 2
    assert "holds the results of another study (content of easy.csv: " in done.err
    assert contents(folder) == before


# --- a file that is replaced ----------------------------------------------------------------------


class Replaces(Silent):
    """Replaces a file when training begins, after its first epoch, or after so many stacks."""

    def __init__(self, when, path, content):
        self.when, self.path, self.content, self.stacks = when, path, content, 0

    def _now(self, what):
        if what == self.when:
            of_content(self.path, self.content)

    def start(self, *_):
        self._now("start")

    def advanced(self, *_):
        self._now("epoch")

    def stack_done(self, *_):
        self.stacks += 1
        self._now(self.stacks)


def test_a_file_that_is_replaced_during_a_run(files):
    path, folder, data = study(files, WIDTHS), files / "r", files / "easy.csv"
    old, new = data.read_bytes(), (files / "noise.csv").read_bytes()
    regbench("run", path, "-o", files / "whole", "-j", 1)
    with pytest.raises(BadData) as caught:
        package.run(path, out=folder, progress=Replaces(2, data, new))
    then, now = (sha256(each).hexdigest()[:12] for each in (old, new))
    assert str(caught.value) == (
        f"easy.csv: is not what it was when its runs were planned ({then} then, {now} now): put it "
        "back as it was, or run the study into another folder (-o)"
    )
    assert caught.value.exit_code == 3
    # Finished stacks are kept as they are: half of the rows of an undisturbed run.
    whole, half = (
        (each / "runs.csv").read_bytes().splitlines() for each in (files / "whole", folder)
    )
    assert half == whole[:7]
    told = regbench("doctor", folder)
    assert told.code == 3
    assert "data          changed: easy.csv\n" in told.out
    refused = regbench("run", path, "-o", folder)
    assert refused.code == 2
    assert "content of easy.csv: " in refused.err
    assert (folder / "runs.csv").read_bytes().splitlines() == half
    of_content(data, old)
    assert "6 runs trained" in regbench("run", path, "-o", folder).err
    assert contents(folder) == contents(files / "whole")
    assert regbench("doctor", folder).code == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_whoever_trains_looks_at_what_it_reads(files, workers):
    data, new = files / "easy.csv", (files / "noise.csv").read_bytes()
    progress = Replaces("start", data, new)
    with pytest.raises(BadData, match=r"easy\.csv: is not what it was"):
        package.run(study(files, WIDTHS), out=files / "r", workers=workers, progress=progress)
    assert not list((files / "r" / ".regbench").glob("stacks/*"))


def test_a_stack_in_training_ends_on_the_data_that_it_began_with(files):
    data, new = files / "easy.csv", (files / "noise.csv").read_bytes()
    text = STUDY.replace("epochs: 20", "epochs: 4, save_weights: true, save_predictions: true")
    whole = package.run(study(files, text), out=files / "whole")
    with pytest.raises(BadData, match=r"easy\.csv: is not what it was"):
        package.run(study(files, text), out=files / "r", progress=Replaces("epoch", data, new))
    assert contents(files / "r") == contents(files / "whole")
    for run_id in whole.runs.run_id:
        for saved in (f"weights/{run_id}.safetensors", f"predictions/{run_id}.npz"):
            assert (files / "r" / saved).read_bytes() == (files / "whole" / saved).read_bytes()


def test_a_file_that_is_replaced_after_a_run(files, monkeypatch):
    text = STUDY.replace("epochs: 20", "epochs: 4, save_weights: true")
    folder, data = files / "r", files / "easy.csv"
    path = study(files, text)
    assert regbench("run", path, "-o", folder).code == 0
    # From anywhere: where the file lies is known.
    monkeypatch.chdir(files.parent)
    assert regbench("plot", folder, "--kind", "fit", "-o", files / "fit.svg").code == 0
    assert len(package.read(folder).data("none", 0).train) == 72
    old, before = data.read_bytes(), (files / "fit.svg").read_bytes()
    table(files / "wide.csv", learnable=True, columns=5)
    for other in ("wide.csv", "noise.csv"):
        of_content(data, (files / other).read_bytes())
        drawn = regbench("plot", folder, "--kind", "fit", "-o", files / "fit.svg")
        assert drawn.code == 3
        assert drawn.err.startswith("error: easy.csv: is not what it was")
        assert (files / "fit.svg").read_bytes() == before
    with pytest.raises(BadData, match=r"easy\.csv: is not what it was"):
        package.read(folder).data("none", 0)
    # What rests on the results alone goes on, and says what it leaves out.
    reported = regbench("report", folder)
    assert reported.code == 0
    assert "note: no fitted functions are drawn: easy.csv: is not what it was" in reported.err
    assert regbench("show", folder).code == 0
    assert regbench("check", folder).code == 0
    assert regbench("doctor", folder, "--rebuild").code == 3
    data.unlink()
    absent = regbench("doctor", folder)
    assert absent.code == 0
    assert "data          easy.csv: no such file (looked for " in absent.out
    of_content(data, old)
    assert regbench("plot", folder, "--kind", "fit", "-o", files / "fit.svg").code == 0


def test_shards_of_different_content_are_no_shards_of_one_study(files):
    path = study(files, WIDTHS)
    for shard in (1, 2):
        assert regbench("run", path, "--shard", f"{shard}/2", "-o", files / f"s{shard}").code == 0
        of_content(files / "easy.csv", (files / "noise.csv").read_bytes())
    done = regbench("merge", files / "s1", files / "s2", "-o", files / "merged")
    assert done.code == 3
    assert "is no shard of the study in" in done.err
    assert "content of easy.csv: " in done.err


def test_the_engine_itself_refuses_other_data(files):
    (stack,) = make_stacks(planned(load_study(study(files, STUDY))).runs, files)
    assert {member.data for member in stack.members} == {
        fingerprint(stack.members[0].setting.dataset, files)
    }
    of_content(files / "easy.csv", (files / "noise.csv").read_bytes())
    with pytest.raises(BadData, match=r"easy\.csv: is not what it was"):
        train_stack(stack.members, files)


# --- noticing a change without reading ------------------------------------------------------------


def test_a_change_that_keeps_size_and_time_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_SETTLED_NS", 0)  # else the file is too new to be remembered
    path, reads = tmp_path / "d.csv", []
    read = reading._opened
    monkeypatch.setattr(reading, "_opened", lambda *a: reads.append(a) or read(*a))
    config = Csv(name="csv", path="d.csv", target="y", task="classification")
    seen = set()
    for cell in "1379":
        path.write_text("x,y\n" + f"{cell},p\n2,q\n" * 10)
        os.utime(path, ns=(10**18, 10**18))
        time.sleep(0.05)  # a tick of the file system's clock
        found = [fingerprint(config, tmp_path) for _ in range(3)]
        split = load(config, 0, tmp_path, found[0])
        assert found == [found[0]] * 3
        assert load(config, 1, tmp_path, found[0]).inputs == split.inputs
        seen.add(found[0])
    assert len(seen) == 4
    assert len(reads) == 8  # of each once for its fingerprint, once for all else


def test_a_file_is_remembered_once_its_clock_has_moved_on(tmp_path, monkeypatch):
    """Written twice within a tick (of up to two seconds), a file may look as it did before."""
    path, reads, now = tmp_path / "d.csv", [], [0]
    read = reading._opened
    monkeypatch.setattr(reading, "_opened", lambda *a: reads.append(a) or read(*a))
    monkeypatch.setattr(reading.time, "time_ns", lambda: now[0])
    config = Csv(name="csv", path="d.csv", target="y", task="classification")
    path.write_text("x,y\n" + "1,p\n2,q\n" * 10)
    for seconds, expected in ((0, 2), (1.9, 4), (2.1, 5), (9, 5)):
        now[0] = path.stat().st_ctime_ns + int(seconds * 1e9)
        assert fingerprint(config, tmp_path) == fingerprint(config, tmp_path)
        assert len(reads) == expected


# --- results of before ----------------------------------------------------------------------------


def test_results_of_another_version_are_read_and_not_mixed(files, monkeypatch):
    path, folder = study(files, STUDY + "expect: ['gap_loss[none] < 10']\n"), files / "old"
    text = path.read_text().replace("epochs: 20", "epochs: 20, save_weights: true")
    path.write_text(text)
    now = identity.NUMERICS_VERSION
    with monkeypatch.context() as patch:
        patch.setattr(identity, "NUMERICS_VERSION", now - 1)
        assert regbench("run", path, "-o", folder).code == 0
        for shard in (1, 2):
            regbench("run", path, "--shard", f"{shard}/2", "-o", files / f"s{shard}")
    assert regbench("run", path, "-o", files / "new").code == 0
    ids = [set(numbers(each)) for each in (folder, files / "new")]
    assert not ids[0] & ids[1]
    commands = [
        ("show", folder),
        ("check", folder),
        ("compare", folder, files / "new"),
        ("report", folder),
        ("plot", folder, "--kind", "fit"),
        ("doctor", folder),
        ("doctor", folder, "--rebuild"),
        ("merge", files / "s1", files / "s2", "-o", files / "merged"),
    ]
    before = contents(folder)
    for command in commands:
        done = regbench(*command)
        assert done.code == 0, (command, done.err)
    assert contents(folder) == before
    assert set(numbers(files / "merged")) == ids[0]
    for command in ("run", "sweep"):
        done = regbench(command, path, "-o", folder)
        assert done.code == 2
        assert f"was computed by numerics version {now - 1}, and this regbench computes" in done.err
        assert f"version {now}: choose another folder with -o" in done.err
    with pytest.raises(BadStudy, match="numerics version"):
        package.run(path, out=folder)
    assert contents(folder) == before
    assert regbench("run", path, "-o", folder, "--overwrite").code == 0
    assert set(numbers(folder)) == ids[1]


def test_a_folder_that_notes_no_version_is_of_the_last_that_noted_none(files, monkeypatch):
    path, folder = study(files, STUDY), files / "r"
    monkeypatch.setattr(identity, "NUMERICS_VERSION", 2)
    assert regbench("run", path, "-o", folder).code == 0
    note = folder / ".regbench" / "study.json"
    facts = json.loads(note.read_text())
    del facts["numerics_version"], facts["folder"]
    note.write_text(json.dumps(facts))
    assert regbench("doctor", folder, cwd=files).code == 0
    monkeypatch.setattr(identity, "NUMERICS_VERSION", 3)
    assert regbench("check", folder).code == 0
    done = regbench("run", path, "-o", folder)
    assert done.code == 2
    assert "numerics version 2, and this regbench computes version 3" in done.err
