"""`regbench doctor`: the installation, and results folders in every state of disrepair."""

import shutil

import pytest
from command import contents, regbench, study

from regbench.results.pieces import stacks_folder

NAMES = ("plan.csv", "runs.csv", "epochs.csv", "gap.csv", "gap.md")


@pytest.fixture
def copy(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "r")
    return tmp_path / "r"


def everything(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_whole_folder_is_said_to_be_whole_and_left_alone(copy):
    before = everything(copy)
    done = regbench("doctor", copy)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"folder        {copy}",
        "runs          12 of 12 done, in 2 committed stacks",
        "damaged       nothing",
        "tables        as the committed stacks say",
        "data          what the runs were trained on",
    ]
    assert everything(copy) == before


@pytest.mark.parametrize("how", ["deleted", "changed"])
@pytest.mark.parametrize("name", NAMES)
def test_tables_are_made_anew_byte_for_byte(copy, trained, name, how):
    path = copy / name
    path.unlink() if how == "deleted" else path.write_bytes(path.read_bytes()[:-20] + b"\n")
    before = everything(copy)
    done = regbench("doctor", copy)
    assert done.code == 3
    assert name in done.out.splitlines()[3].removeprefix("tables        stale: ").split(", ")
    assert f"regbench doctor {copy} --rebuild makes it anew" in done.err
    assert everything(copy) == before
    rebuilt = regbench("doctor", copy, "--rebuild")
    assert rebuilt.code == 0, rebuilt.err
    assert "tables        made anew" in rebuilt.out
    assert contents(copy) == contents(trained)
    assert (copy / "study.yaml").read_bytes() == (trained / "study.yaml").read_bytes()
    assert regbench("doctor", copy).code == 0


def test_all_tables_at_once(copy, trained):
    for name in NAMES:
        (copy / name).unlink()
    assert regbench("doctor", copy, "--rebuild").code == 0
    assert contents(copy) == contents(trained)


def test_a_damaged_stack_is_named_set_aside_and_hides_no_other(copy, trained):
    piece = sorted(stacks_folder(copy).iterdir())[0]
    piece.write_bytes(piece.read_bytes()[:-3])
    done = regbench("doctor", copy)
    assert done.code == 3
    assert "runs          3 of 12 done, in 1 committed stack" in done.out
    assert f"error: {piece}: the content does not match its digest" in done.err
    assert piece.exists()
    rebuilt = regbench("doctor", copy, "--rebuild")
    assert rebuilt.code == 3
    assert f"error: {piece}: the content does not match its digest; set aside as" in rebuilt.err
    assert not piece.exists()
    assert piece.with_name(piece.name + ".damaged").exists()
    rows = (copy / "runs.csv").read_text().splitlines()
    assert len(rows) == 1 + 3
    assert set(rows) < set((trained / "runs.csv").read_text().splitlines())
    # The damage is out of the way now, and `run` trains what it held.
    assert regbench("doctor", copy).code == 0
    again = regbench("run", trained.parent / "small.yaml", "-o", copy, "-q")
    assert "9 runs trained" in again.err
    assert contents(copy) == contents(trained)


def test_every_stack_damaged_in_every_way_is_found(copy, trained):
    for piece in sorted(stacks_folder(copy).iterdir()):
        content = piece.read_bytes()
        mutants = [b"", content[:-1], content[:8], content + b"\0", bytes(len(content))]
        for i in range(0, len(content), len(content) // 40):
            mutants.append(content[:i] + bytes([content[i] ^ 4]) + content[i + 1 :])
        for mutant in mutants:
            piece.write_bytes(mutant)
            done = regbench("doctor", copy)
            assert done.code == 3
            assert f"error: {piece}: the content does not match its digest" in done.err
        piece.write_bytes(content)
    assert regbench("doctor", copy).code == 0


def test_an_interrupted_study_is_whole_as_far_as_it_goes(tmp_path):
    path, folder = study(tmp_path), tmp_path / "r"
    assert regbench("run", path, "-o", folder, "-q", "--shard", "1/2").code == 0
    done = regbench("doctor", folder)
    assert done.code == 0
    assert "runs          9 of 12 done, in 1 committed stack" in done.out


def test_what_is_no_results_folder_is_refused(tmp_path):
    done = regbench("doctor", tmp_path)
    assert done.code == 3
    assert "study.json: cannot be read: No such file or directory" in done.err
    assert regbench("doctor", tmp_path, "--rebuild").code == 3
    assert list(tmp_path.iterdir()) == []
    done = regbench("doctor", "--rebuild")
    assert done.code == 2
    assert "--rebuild: name the results folder" in done.err


def test_the_installation_is_checked_by_a_stack_that_equals_its_runs():
    done = regbench("doctor")
    assert done.code == 0
    assert "same bits     products of 150 shapes are the same alone and in a stack" in done.out
    assert "self-check    passed in" in done.out


def test_a_machine_whose_products_depend_on_the_stack_is_told(monkeypatch):
    monkeypatch.setattr("regbench.engine.layers.products.product", depends_on_the_stack)
    done = regbench("doctor")
    assert done.code == 1
    assert "error: same bits: not on this machine: in torch.float32, 150 of 150" in done.err


def depends_on_the_stack(a, b, out, scratch, bias=None):
    return out.copy_(a @ b).mul_(1 + len(a) / 64)
