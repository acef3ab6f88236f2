"""Commands as people and programs meet them: output, streams, exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import typer
from command import SMALL, regbench, study
from processes import gone, wait_for

import regbench as package
from regbench.cli import main

ROOT = Path(package.__file__).parent.parent
COMMAND = [sys.executable, "-m", "regbench"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    done = regbench("run", study(folder), cwd=folder)
    assert done.code == 0, done.err
    return folder / "results" / "small", done


def test_run_prints_the_table_on_stdout_and_the_rest_on_stderr(finished):
    folder, done = finished
    lines = done.out.splitlines()
    titles = (
        "cell, train loss, val loss, gap loss, vs none, p, val acc, gap acc, best epoch, verdict"
    )
    assert re.split(r"\s\s+", lines[0].strip()) == titles.split(", ")
    assert [line.split("  ")[0] for line in lines[1:5]] == ["none", "l2", "stop", "norm"]
    assert lines[5].startswith("± is half the 95% confidence interval over seeds")
    assert len(lines) == 6
    notes = done.err.splitlines()
    assert notes[0].startswith("note: l2 with adam is coupled")
    assert notes[1] == "small: training 12 runs in 2 stacks"
    assert notes[2].startswith(
        "No cell is shown to be better than predicting the class shares (loss"
    )
    assert ". In none the gap in loss (validation less training) is" in notes[2]
    assert notes[3].startswith("hint: in 12 of 12 runs")
    assert notes[4].startswith("12 runs trained in ")
    assert notes[4].endswith("; results in results/small")
    assert "\x1b" not in done.out + done.err
    assert {path.name for path in folder.iterdir()} == {
        *("study.yaml", "plan.csv", "runs.csv", "epochs.csv", "gap.csv", "gap.md"),
        *("provenance.jsonl", ".regbench"),
    }


def test_the_tables_in_pandas(finished):
    folder, _ = finished
    runs = pd.read_csv(folder / "runs.csv", keep_default_na=False, na_values=[""])
    assert list(runs.columns[:11]) == [
        *("schema_version", "study", "run_id", "cell", "regularizer", "seed", "status", "error"),
        *("epochs_run", "best_epoch", "reading_epoch"),
    ]
    assert list(runs.columns[11:]) == [
        *("train_loss", "val_loss", "test_loss", "gap_loss"),
        *("train_acc", "val_acc", "test_acc", "gap_acc"),
        *("constant_loss", "constant_acc"),
        *("stopping_regret", "collapsed", "penalty", "weight_norm", "zero_fraction"),
        *("regularizer.l2", "regularizer.early_stopping.patience", "regularizer.batchnorm"),
    ]
    assert runs.cell.tolist() == ["none"] * 3 + ["l2"] * 3 + ["stop"] * 3 + ["norm"] * 3
    assert (runs.gap_loss == runs.val_loss - runs.train_loss).all()
    assert (runs.gap_acc == runs.train_acc - runs.val_acc).all()
    epochs = pd.read_csv(folder / "epochs.csv")
    assert list(epochs.columns) == [
        *("run_id", "cell", "seed", "epoch", "lr", "objective", "penalty"),
        *("train_loss", "val_loss", "test_loss", "train_acc", "val_acc", "test_acc"),
    ]
    lengths = epochs.groupby("run_id").epoch.agg(["min", "max", "count"])
    for run in runs.itertuples():
        assert tuple(lengths.loc[run.run_id]) == (1, run.epochs_run, run.epochs_run)
        at = epochs[(epochs.run_id == run.run_id) & (epochs.epoch == run.reading_epoch)]
        assert at.val_loss.item() == run.val_loss
    plan = pd.read_csv(folder / "plan.csv")
    assert plan.run_id.tolist() == runs.run_id.tolist()


@pytest.mark.parametrize("form", ["table", "csv", "json", "md"])
def test_show_prints_what_run_printed(finished, form):
    folder, done = finished
    shown = regbench("show", folder, "--format", form)
    assert shown.code == 0
    if form == "table":
        assert shown.out == done.out
    elif form == "csv":
        assert shown.out == (folder / "gap.csv").read_text()
    elif form == "md":
        assert shown.out == (folder / "gap.md").read_text()
    else:
        rows = json.loads(shown.out)
        table = pd.read_csv(folder / "gap.csv", keep_default_na=False, na_values=[""])
        assert [row["cell"] for row in rows] == table.cell.tolist()
        assert [row["gap_loss"] for row in rows] == table.gap_loss.tolist()


def test_run_takes_what_sweep_takes_but_axes(tmp_path):
    commands = typer.main.get_command(main.app).commands
    taken = {name: {each.name: each.opts for each in commands[name].params} for name in commands}
    assert taken["sweep"].pop("axes") == ["--grid", "-g"]
    assert taken["run"] == taken["sweep"]
    assert regbench("run", study(tmp_path), "-g", "optimizer.lr=1,2").code == 2


def test_quiet_prints_nothing_on_stdout(tmp_path):
    done = regbench("run", study(tmp_path), "-o", tmp_path / "r", "--quiet")
    assert (done.code, done.out) == (0, "")
    assert "12 runs trained" in done.err


def test_overrides_and_seeds(tmp_path):
    done = regbench(
        *("run", study(tmp_path), "-o", tmp_path / "r", "--seeds", "7,9"),
        *("-s", "training.epochs=1", "-s", "optimizer={name: sgd, lr: 1e-2}"),
    )
    assert done.code == 0, done.err
    runs = pd.read_csv(tmp_path / "r" / "runs.csv")
    assert runs.seed.tolist() == [7, 9] * 4
    assert set(runs.epochs_run) == {1}
    assert "name: sgd" in (tmp_path / "r" / "study.yaml").read_text()


# --- exit codes -----------------------------------------------------------------------------


def claiming(claim):
    return SMALL + f"expect: ['{claim}']\n"


WILD = SMALL.replace("model:", "optimizer: {name: sgd, lr: 1e30}\nmodel:")


@pytest.mark.parametrize(
    ("text", "options", "code", "message"),
    [
        (claiming("weight_norm[none] > 0"), [], 0, "PASS      weight_norm[none] > 0"),
        (claiming("weight_norm[none] < 0"), [], 1, "1 of 1 claims failed"),
        (claiming("zero_fraction[l2] > 0"), [], 1, "l2: 0 of 3 runs, 0 to 0"),
        # Its rule never fires in four epochs, so both read one trajectory at one epoch.
        (claiming("val_acc[stop] == val_acc[none] +- 1e-9"), [], 0, "PASS"),
        (claiming("gap_loss[norm] < gap_loss[none]"), [], 0, "UNDECIDED"),
        (
            claiming("gap_loss[norm] < gap_loss[none]"),
            ["--strict"],
            1,
            "1 of 1 claims stay undecided (--strict)",
        ),
        (WILD, [], 1, "12 runs diverged (--allow-diverged accepts that)"),
        (WILD, ["--allow-diverged"], 0, "12 runs trained"),
        (SMALL, ["--device", "cuda"], 2, "training.device is cuda, but here is"),
        (SMALL, ["-s", "regularizer.l2=1"], 2, "-s regularizer.l2: is swept in the study"),
        (SMALL, ["--seeds", "none"], 2, "--seeds: expected a count from 1"),
        (SMALL.replace("l2: {l2", "l2: {l3"), [], 2, "small.yaml:9:10 sweep.regularizer.l2.l3"),
        (SMALL.replace("iris", "csv"), [], 2, "dataset: the key 'path' is missing"),
        (
            SMALL.replace("iris, train_size: 40", "csv, path: no.csv, target: y, task: regression"),
            [],
            3,
            "no.csv: no such file (looked for ",
        ),
    ],
)
def test_exit_codes(tmp_path, text, options, code, message):
    import torch

    if "cuda" in options and torch.cuda.is_available():
        pytest.skip("CUDA is here")
    done = regbench("run", study(tmp_path, text), "-o", tmp_path / "r", *options)
    assert done.code == code, done.err
    assert message in done.err
    assert "Traceback" not in done.err


def test_a_diverged_run_is_a_row_with_its_status(tmp_path):
    regbench("run", study(tmp_path, WILD), "-o", tmp_path / "r")
    runs = pd.read_csv(tmp_path / "r" / "runs.csv")
    assert set(runs.status) == {"diverged"}
    assert runs.error.str.fullmatch(r"\w+ is not finite after epoch \d+").all()
    assert runs[["train_loss", "val_loss", "gap_loss", "reading_epoch"]].isna().all().all()
    gap = pd.read_csv(tmp_path / "r" / "gap.csv", keep_default_na=False)
    assert gap.n.tolist() == [0] * 4
    assert gap.n_failed.tolist() == [3] * 4
    assert gap.gap_loss.tolist() == [""] * 4
    shown = regbench("show", tmp_path / "r")
    assert "3/3" in shown.out
    assert "There is no gap to speak of" in shown.err


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    done = regbench("run", study(tmp_path), "-o", tmp_path / "file" / "r")
    assert done.code == 4
    assert "file/r/.regbench: cannot be written: Not a directory" in done.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file or folder"),
        ("", "runs.csv: is empty"),
        ("a,b\n1,2\n", "has no column 'study': is it a runs.csv?"),
        ("HEADER1\n", "runs.csv:2: 1 fields where the header has 29"),
        ("HEADER1,2", "the last line is cut off"),
        (b"\xff\xfe", "is not UTF-8"),
    ],
)
def test_results_that_cannot_be_read(tmp_path, trained, content, message):
    folder = tmp_path / "r"
    header = (trained / "runs.csv").read_text().partition("\n")[0]
    if content is not None:
        folder.mkdir()
        data = content if isinstance(content, bytes) else content.encode()
        data = data.replace(b"HEADER", header.encode() + b"\n")
        (folder / "runs.csv").write_bytes(data)
    done = regbench("show", folder)
    assert done.code == 3
    assert message in done.err


def test_text_in_a_number_column_is_named_by_line_and_column(tmp_path, finished):
    folder, _ = finished
    text = (folder / "runs.csv").read_text().splitlines(keepends=True)
    cells = text[3].split(",")
    cells[11] = "nought"
    path = tmp_path / "runs.csv"
    path.write_text("".join([*text[:3], ",".join(cells), *text[4:]]))
    done = regbench("show", tmp_path)
    assert done.code == 3
    assert f"{path}:4 train_loss: expected a number, not 'nought'" in done.err


def test_usage_errors_and_help(tmp_path):
    assert regbench("run").code == 2
    assert regbench("run", "--nonsense", "x").code == 2
    assert regbench("nonsense").code == 2
    assert "No such option" in regbench("run", "--nonsense", "x").err
    for command in ("run", "validate", "plan", "show", "list", "schema", "init", "doctor"):
        done = regbench(command, "--help")
        assert done.code == 0
        assert "Example: regbench " in done.out
    assert regbench("--version").out == "regbench 0.1.0\n"


def test_a_defect_leaves_its_traceback_in_a_file(tmp_path, monkeypatch):
    def broken(*arguments, **options):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("regbench.api.run_plan", broken)
    done = regbench("run", study(tmp_path), "-o", tmp_path / "r")
    assert done.code == 70
    first, second = done.err.splitlines()[-2:]
    assert first == "error: a defect in regbench (ZeroDivisionError: oh); please report it"
    path = Path(second.removeprefix("error: with the traceback in "))
    assert "Traceback" in path.read_text()
    path.unlink()


# --- real processes -------------------------------------------------------------------------


# It says soon how far it is, so that a test knows at once that it trains.
TALKS = """
from regbench.report import progress
progress._LINE_SECONDS = progress._BURST_SECONDS = 0.2
"""


def training(start, tmp_path, workers):
    """A command that trains two stacks without end, and is at it."""
    path = study(tmp_path, SMALL.replace("epochs: 4", "epochs: 1000000"))
    process = start("run", path, "-o", tmp_path / "r", "-j", workers, lines=TALKS, folder=tmp_path)
    wait_for(process, "of epochs")
    return process


@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize(
    ("number", "code", "workers"),
    [
        (signal.SIGINT, 130, 1),
        *(pytest.param(signal.SIGTERM, 143, n, marks=pytest.mark.torture) for n in (1, 2)),
        pytest.param(signal.SIGINT, 130, 2, marks=pytest.mark.torture),
    ],
)
def test_signals_in_a_real_process(start, tmp_path, number, code, workers):
    process = training(start, tmp_path, workers)
    process.send_signal(number)
    _, rest = process.communicate(timeout=10)
    assert process.returncode == code
    assert f"to go on: regbench run {tmp_path}/small.yaml" in rest
    assert "Traceback" not in rest
    assert gone(process)  # multiprocessing's own helper follows a moment later


def test_a_reader_that_leaves_early_changes_no_exit_code(finished):
    folder, _ = finished
    (folder.parent.parent / "claim.yaml").write_text(claiming("weight_norm[none] < 0"))
    show, claims = f"show {folder}", f"run {folder.parent.parent / 'claim.yaml'} -o {folder}"
    for command, form, code in (
        (show, "table", 0),
        (claims, "json", 1),
        (show, "csv", 0),
        (claims, "md", 1),
    ):
        # The shell that would read has ended before anything is written.
        script = f"{sys.executable} -m regbench {command} --format {form} | true"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr


def test_output_for_an_ascii_terminal(finished):
    folder, _ = finished
    done = subprocess.run(
        [*COMMAND, "show", str(folder)],
        env=os.environ | {"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"},
        capture_output=True,
        check=True,
    )
    text = done.stdout.decode("ascii")
    assert "+- is half" in text
    assert "####" in text or "----" in text


def test_labels_beyond_ascii_on_an_ascii_terminal(tmp_path):
    text = SMALL.replace("l2: {l2", "größe: {l2")
    assert regbench("run", study(tmp_path, text), "-o", tmp_path / "r").code == 0
    command = [*COMMAND, "show", str(tmp_path / "r")]
    for form, shown in (
        ("table", b"gr\\xf6\\xdfe"),
        ("csv", "größe".encode()),
        ("md", "±".encode()),
    ):
        done = subprocess.run(
            [*command, "--format", form],
            env=os.environ | {"PYTHONIOENCODING": "ascii"},
            capture_output=True,
            check=True,
        )
        assert shown in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_stdout_that_is_full_or_closed(finished):
    folder, _ = finished
    shown = f"{sys.executable} -m regbench show {folder}"
    full = subprocess.run(
        f"{shown} > /dev/full", shell=True, capture_output=True, text=True, check=False
    )
    assert full.returncode == 4
    assert "error: stdout cannot be written: No space left on device" in full.stderr
    closed = subprocess.run(
        f"{shown} >&- 2>&-", shell=True, capture_output=True, text=True, check=False
    )
    assert closed.returncode == 0


def children(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


@pytest.mark.xdist_group("processes")
def test_workers_end_when_their_parent_is_killed(start, tmp_path):
    process = training(start, tmp_path, 2)
    assert len(children(process.pid)) >= 2
    process.kill()
    process.wait()
    assert gone(process)


@pytest.mark.xdist_group("processes")
def test_a_time_limit_ends_with_6_and_the_same_command_goes_on(tmp_path):
    path, folder = study(tmp_path, SMALL.replace("epochs: 4", "epochs: 1000000")), tmp_path / "r"
    done = regbench("run", path, "-o", folder, "-j", 1, "--time-limit", "2s")
    assert done.code == 6
    assert "error: the time limit of 2 s is reached: finished work is kept" in done.err
    assert (folder / "runs.csv").read_text().count("\n") == 1
    assert "no runs yet" in regbench("show", folder).out


def test_module_and_script_are_one(tmp_path):
    for command in (COMMAND, [str(Path(sys.executable).with_name("regbench"))]):
        done = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout == "regbench 0.1.0\n"


def test_completion_is_there():
    done = subprocess.run(
        [*COMMAND, "--show-completion"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )
    assert "--show-completion" in regbench("--help").out
    assert "Traceback" not in done.stderr


# --- commands that do not train -------------------------------------------------------------


TABLE = """\
dataset: {name: csv, path: t.csv, target: y, task: classification, train_size: 8}
training: {epochs: 2}
"""


def test_validate_reads_the_data(tmp_path):
    one = study(tmp_path, TABLE, "one.yaml")
    rows = "".join(f"{i / 7},{i % 2}\n" for i in range(40))
    for content, told in (
        ("x,z\n" + rows, "has no column 'y' for target"),
        ("x,y\n" + rows + "oops\n", "line 42 has 1 cell, the header has 2"),
        ("x,y\n" + "".join(f"{i},{i % 12}\n" for i in range(60)), "none in training"),
        (None, "no such file"),
    ):
        if content is None:
            (tmp_path / "t.csv").unlink()
        else:
            (tmp_path / "t.csv").write_text(content, encoding="utf-8")
        done = regbench("validate", one)
        assert (done.code, done.err.startswith(f"error: {one} dataset: t.csv: "), done.out) == (
            3,
            True,
            "",
        ), done.err
        assert told in done.err
        (problem,) = json.loads(regbench("validate", one, "--format", "json").out)
        assert (problem["source"], problem["key"], told in problem["message"]) == (
            str(one),
            "dataset",
            True,
        )
    (tmp_path / "t.csv").write_text("x,y\n" + rows + "NA,1\n", encoding="utf-8")
    done = regbench("validate", one)
    assert (done.code, "1 cell is taken as missing: 'NA' 1 ('x')" in done.err) == (0, True)
    assert regbench("run", one, "-q", "-o", tmp_path / "r").code == 0


def test_a_first_run_that_failed_on_its_data_is_no_obstacle(tmp_path):
    one, out = study(tmp_path, TABLE, "one.yaml"), tmp_path / "r"
    rows = "".join(f"{i / 7},{i % 2}\n" for i in range(40))
    (tmp_path / "t.csv").write_text(
        "x,y\n" + "".join(f"{i},{i % 12}\n" for i in range(60)), encoding="utf-8"
    )
    assert regbench("run", one, "-q", "-o", out).code == 3
    (tmp_path / "t.csv").write_text("x,y\n" + rows, encoding="utf-8")
    study(tmp_path, TABLE + "optimizer: {lr: 0.1}\n", "one.yaml")
    assert regbench("run", one, "-q", "-o", out).code == 0
    # What it has trained is one.
    study(tmp_path, TABLE, "one.yaml")
    done = regbench("run", one, "-q", "-o", out)
    assert (done.code, "holds the results of another study (optimizer.lr" in done.err) == (2, True)


def test_validate_reports_every_problem_of_every_file(tmp_path):
    good = study(tmp_path)
    bad = study(
        tmp_path, "dataset: {name: irs}\nseeds: 0\ntraining: {epoch: 3}\nexpect: [x]\n", "bad.yaml"
    )
    done = regbench("validate", good, bad)
    assert done.code == 2
    assert done.out == (
        f"{good}: 4 cells, 3 seeds, 12 runs\n"
        f"{good}: with 3 seeds and 3 families only a difference beyond 4.4 of its own standard "
        "deviation is decided; with 6, 1.4; with 10, 0.9\n"
    )
    assert [line.removeprefix(f"error: {bad}:") for line in done.err.splitlines()[1:]] == [
        "1:17 dataset.name: expected one of digits, breast_cancer, wine, iris, diabetes, moons, "
        "circles, friedman1, polynomial, sparse_linear, mnist1d, mnist_5k, "
        "modular_addition, csv, parquet, npz, idx, cifar, images, openml, frame, arrays, not 'irs' "
        "(did you mean 'iris'?)",
        "2:8 seeds: expected a count from 1, or a list of seeds (whole numbers from 0), not 0",
        "3:12 training.epoch: unknown key (did you mean 'epochs'?)",
        "4:10 expect[0]: unknown metric 'x'",
    ]
    one = study(tmp_path, "dataset: iris\nseeds: 1\n", "one.yaml")
    assert regbench("validate", one).out.startswith(f"{one}: 1 cell, 1 seed, 1 run\n")
    as_json = regbench("validate", bad, "--format", "json")
    assert as_json.code == 2
    assert [p["line"] for p in json.loads(as_json.out)] == [1, 2, 3, 4]
    github = regbench("validate", bad, "--format", "github").out.splitlines()
    assert github[2] == (
        f"::error file={bad},line=3,col=12::training.epoch: unknown key (did you mean 'epochs'?)"
    )


def test_plan_trains_nothing(tmp_path):
    path = study(tmp_path)
    done = regbench("plan", path, "--seeds", 4)
    assert done.code == 0
    assert (
        "4 cells x 4 seeds = 16 runs: 12 trajectories (4 runs only read another's trajectory) "
        "in 2 stacks"
    ) in done.out
    facts = json.loads(regbench("plan", path, "--format", "json").out)
    assert (facts["runs"], facts["trajectories"], facts["stacks"]) == (12, 9, 2)
    assert [s["trajectories"] for s in facts["stacks_planned"]] == [6, 3]
    table = regbench("plan", path, "--format", "csv").out.splitlines()
    assert table[0] == "run_id,cell,seed"
    assert len(table) == 13
    assert sorted(p.name for p in tmp_path.iterdir()) == ["small.yaml"]


def test_list_tells_each_optimizers_own_lr():
    printed = regbench("list", "optimizers").out
    assert (printed.count("lr=0.001"), printed.count("lr=0.01")) == (2, 2)


def test_list_names_everything_that_the_schema_knows():
    out = regbench("list").out
    for word in ("digits", "sparse_linear", "linear", "mlp", "max_norm", "rmsprop", "adamw"):
        assert word in out
    assert "digits" not in regbench("list", "optimizers").out
