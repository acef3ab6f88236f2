"""No name leads out of the results folder, and no two names meet in one."""

import os

import pytest
from command import regbench, study

from regbench import api
from regbench.config.load import load_study, study_from_mapping
from regbench.errors import BadData, BadStudy, Unwritable

TINY = {
    "dataset": "iris",
    "model": "linear",
    "training": {"epochs": 1, "save_weights": True, "save_predictions": True},
    "seeds": 1,
}

NO_NAMES = [
    *("..", ".", "../x", "a/b", "a\\b", "/etc/x", "C:x", "C:\\x", "a\0b", "", " ", "x ", "x.", "~"),
    *("con", "CON", "NUL.txt", "nul .x", "aux.a.b", "COM1", "com¹", "LPT9.csv", "conin$", "CLOCK$"),
    *(".regbench", "-x", "x\n", "x\ty", "a:b", "a*b", "a|b", 'a"b', "a<b", "a?b", "%x", "$x"),
    *("e\u0301", "x\u200b", "\u202ex", "x\ufeff", "\ud800", "x" * 101, "設" * 70),
    *("ＣＯＮ", "ﬁle", "x²", "ｒeference", "reference", "Reference", "REFERENCE"),
]


@pytest.mark.parametrize("name", NO_NAMES, ids=ascii)
def test_no_name_of_a_folder(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadStudy, match="cannot name a results folder"):
        api.run({**TINY, "name": name})
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["é", "Überlänge 設定", "a..b", "x" * 100, "con1", "a=1+b,(c)"])
def test_a_name_of_a_folder(name):
    assert study_from_mapping({**TINY, "name": name}).name == name


def test_a_stem_that_the_system_took_apart(tmp_path):
    """Some systems give "é" as two characters; the study is called by one."""
    path = study(tmp_path, "dataset: iris\n", "e\u0301.yaml")
    assert load_study(path).name == "é"


def test_two_studies_whose_names_differ_by_case(tmp_path):
    """Where a disk does not tell them apart, their folder is one: the second is refused there."""
    api.run({**TINY, "name": "Quick"}, out=tmp_path / "one")
    with pytest.raises(BadStudy, match="name: Quick -> quick"):
        api.run({**TINY, "name": "quick"}, out=tmp_path / "one")


LABELS = [
    *("..", "../../x", "/etc/passwd", "C:\\x", "NUL", "con.txt", "a/b", "a\\b", "x.", "x ", ".x"),
    *("L2", "l2", "=1+1", "-", "é", "%s", "{x}", "*", "?", "a" * 200),
]


def test_labels_name_no_file(tmp_path):
    sweep = {"regularizer": {label: {"l2": i / 8} for i, label in enumerate(LABELS)}}
    found = api.run({**TINY, "sweep": sweep}, out=tmp_path / "in" / "out")
    assert list(found.runs["cell"]) == LABELS
    files = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    ids = set(found.runs["run_id"])
    assert len(ids) == len(LABELS)
    for kind, ending in (("weights", "safetensors"), ("predictions", "npz")):
        saved = {path.name for path in (tmp_path / "in" / "out" / kind).iterdir()}
        assert saved == {f"{run_id}.{ending}" for run_id in ids}
    assert not [name for name in files if any(label in name for label in LABELS if len(label) > 2)]
    assert os.listdir(tmp_path) == ["in"]
    assert os.listdir(tmp_path / "in") == ["out"]


@pytest.mark.parametrize(
    ("first", "second"), [("é", "e\u0301"), ("ﬁne", "fine"), ("x2", "x²"), ("Ａ", "A")], ids=ascii
)
def test_labels_that_look_alike(first, second):
    with pytest.raises(BadStudy) as caught:
        study_from_mapping({**TINY, "sweep": {"regularizer": {first: "none", second: "l2"}}})
    assert f"this label looks like another, {first!a}" in str(caught.value)


@pytest.mark.parametrize("character", "\x1b\x07\u202e\u2066\ufeff\u200f\u2028\x9b", ids=ascii)
def test_labels_on_which_a_terminal_acts(character):
    with pytest.raises(BadStudy, match="a label cannot hold"):
        study_from_mapping({**TINY, "sweep": {"regularizer": {f"a{character}b": "none"}}})


# --- what the command line is given ---------------------------------------------------------------

LONG = "x" * 300


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["validate", LONG], 2),
        (["run", LONG], 2),
        (["run", "small.yaml", "-o", LONG], 4),
        (["run", "small.yaml", "-o", f"{LONG}/x"], 4),
        (["run", "small.yaml", "-o", "small.yaml"], 4),
        (["run", "small.yaml", "-o", "small.yaml/x"], 4),
        (["show", LONG], 3),
        (["check", LONG], 3),
        (["compare", LONG, LONG], 3),
        (["merge", LONG, "-o", "x"], 3),
        (["init", LONG], 4),
        (["init", f"{LONG}/x"], 4),
        (["init", ".", "--force"], 2),
    ],
    ids=lambda value: "-".join(part[:9] for part in value) if isinstance(value, list) else None,
)
def test_paths_that_are_none(command, code, tmp_path):
    study(tmp_path)
    done = regbench(*command, cwd=tmp_path)
    assert done.code == code, done.err
    notes = [line for line in done.err.splitlines() if not line.startswith("note: ")]
    assert len(notes) == 1
    assert notes[0].startswith("error: ")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="a device without end")
@pytest.mark.parametrize("command", ["validate", "plan", "show", "compare"])
def test_a_device_is_no_file(command, tmp_path):
    more = {"compare": ["/dev/zero"]}.get(command, [])
    done = regbench(command, "/dev/zero", *more, cwd=tmp_path)
    assert done.code in (2, 3), done.err
    assert done.err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with a name")
def test_init_replaces_files_only(tmp_path):
    """By root, it would replace /dev/null."""
    os.mkfifo(tmp_path / "pipe")
    done = regbench("init", "pipe", "--force", cwd=tmp_path)
    assert (done.code, done.err) == (2, "error: pipe: is no file: choose another name\n")
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="a device without end")
def test_a_device_is_no_data(tmp_path):
    text = "dataset: {name: csv, path: /dev/zero, target: y, task: regression}\n"
    for command in ("plan", "run"):
        done = regbench(command, study(tmp_path, text), cwd=tmp_path)
        assert (done.code, done.err) == (3, "error: /dev/zero: is no regular file\n")


def test_a_path_with_nul(tmp_path):
    for call in (
        lambda: api.run(TINY, out="a\0b"),
        lambda: api.run("a\0b"),
        lambda: api.read("a\0b"),
    ):
        with pytest.raises(BadStudy, match="cannot name a file or a folder"):
            call()
    dataset = {"name": "csv", "path": "a\0b", "target": "y", "task": "regression"}
    with pytest.raises(BadStudy, match="a path cannot hold"):
        api.run({**TINY, "dataset": dataset}, out=tmp_path / "x")


# --- links ----------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "mine").write_text("mine")
    return folder


def test_the_results_folder_may_be_a_link(tmp_path, elsewhere):
    out = tmp_path / "out"
    out.symlink_to(elsewhere)
    api.run(TINY, out=out)
    assert out.is_symlink()
    assert (elsewhere / "runs.csv").exists()
    api.run(TINY, out=out, overwrite=True)
    assert (elsewhere / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", [".regbench", ".regbench/stacks", "weights", "predictions"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_no_folder_within_is_a_link(name, overwrite, tmp_path, elsewhere):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).symlink_to(elsewhere)
    with pytest.raises(BadData, match=r"is a link to .*: put the file there"):
        api.run(TINY, out=out, overwrite=overwrite)
    assert [path.name for path in elsewhere.iterdir()] == ["mine"]


@pytest.mark.parametrize("name", ["provenance.jsonl", ".regbench/lock"])
def test_no_file_that_is_written_through_is_a_link(name, tmp_path, elsewhere):
    api.run(TINY, out=tmp_path / "out")
    (tmp_path / "out" / name).unlink(missing_ok=True)
    (tmp_path / "out" / name).symlink_to(elsewhere / "mine")
    with pytest.raises(BadData, match="is a link to"):
        api.run({**TINY, "seeds": 2}, out=tmp_path / "out")
    assert (elsewhere / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["runs.csv", "gap.md", "study.yaml"])
def test_another_file_that_is_a_link_is_replaced(name, tmp_path, elsewhere):
    api.run(TINY, out=tmp_path / "out")
    content = (tmp_path / "out" / name).read_bytes()
    (elsewhere / "mine").write_bytes(content)
    (tmp_path / "out" / name).unlink()
    (tmp_path / "out" / name).symlink_to(elsewhere / "mine")
    before = (elsewhere / "mine").stat().st_mtime_ns
    api.run(TINY, out=tmp_path / "out")
    assert not (tmp_path / "out" / name).is_symlink()
    assert (elsewhere / "mine").stat().st_mtime_ns == before


def test_merge_copies_nothing_from_elsewhere(tmp_path, elsewhere):
    """A shard that came from someone else cannot fetch its reader's files."""
    api.run(TINY, out=tmp_path / "shard")
    (tmp_path / "shard" / "weights" / "secret").symlink_to(elsewhere / "mine")
    with pytest.raises(BadData, match="weights/secret: is a link to"):
        api.merge([tmp_path / "shard"], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(Unwritable):
        api.run(TINY, out=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
