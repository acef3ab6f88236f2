"""Hostile study files: whatever the text, a study or a list of its problems comes out, soon."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import examples
from hypothesis import given
from hypothesis import strategies as st
from planned import planned
from soon import SOON, soon

from regbench.config.load import parse_study
from regbench.config.yaml_text import dump_yaml, parse_yaml
from regbench.errors import BadData, BadStudy

QUICKSTART = (Path(__file__).parent.parent / "configs" / "quickstart.yaml").read_text("utf-8")

# --- bombs ----------------------------------------------------------------------------------------


def nested(first, each, levels):
    """x0, and levels that name the one before."""
    lines = [f"x0: &x0 {first}"]
    lines += [f"x{i}: &x{i} {each.format(f'*x{i - 1}')}" for i in range(1, levels)]
    return "\n".join(lines)


BOMBS = {
    "merges of nothing": nested("{}", "{{<<: [" + ", ".join(["{0}"] * 12) + "]}}", 10),
    "merges of one key": nested("{a: 1}", "{{<<: [" + ", ".join(["{0}"] * 12) + "]}}", 10),
    "a chain of merges": nested("{a: 1}", "{{<<: {0}}}", 2000),
    "10^9 items": nested("[x, x]", "[" + ", ".join(["{0}"] * 10) + "]", 10),
    "2^30 values": nested("{k: x, l: x}", "{{k: {0}, l: {0}}}", 31),
}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is not told here")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_soon_and_in_little_memory(name):
    # The process measures itself: what this one takes, and its other children, does not count.
    code = (
        "import sys, time\n"
        "from regbench.config.yaml_text import parse_yaml\n"
        "from regbench.errors import BadStudy\n"
        "try:\n    parse_yaml(sys.stdin.read(), 'f')\n"
        "except BadStudy as error:\n    print(error)\n"
        "status = open('/proc/self/status').read()\n"
        "print(time.process_time(), status.split('VmHWM:')[1].split()[0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=BOMBS[name],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    message, figures = done.stdout.splitlines()
    assert message.endswith(": aliases make this file too large"), done.stderr
    seconds, memory = map(float, figures.split())
    assert seconds < SOON
    assert memory < 300 << 10  # KiB


def test_a_mapping_that_merges_itself():
    with pytest.raises(BadStudy, match="f:1:4: an alias contains itself"):
        parse_yaml("a: &a {<<: *a}", "f")
    with pytest.raises(BadStudy, match="<< takes a mapping or a list of mappings"):
        parse_yaml("a: &a [1]\nb: {<<: *a}", "f")


def test_places_of_what_is_merged():
    document = parse_yaml("a: &a {x: 1,\n  y: 2}\nb: {y: 3, <<: *a}\n", "f")
    assert document.value["b"] == {"x": 1, "y": 3}
    assert document.place(("b", "y")) == (3, 8)
    assert document.place(("b", "x")) == (1, 11)
    assert document.place(("b", "x"), key=True) == (1, 8)
    assert document.place(("b", "nothing", "below")) == (3, 4)


# --- mutations ------------------------------------------------------------------------------------

FRAGMENTS = [
    *(
        "*a",
        "&a",
        "&a {<<: *a}",
        "<<: *a",
        "<<: [*a, *a]",
        "!!int",
        "!x",
        "|",
        ">-",
        "? ",
        "- ",
        "%",
    ),
    *(
        "---\n",
        "...\n",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        ": ",
        "#",
        "\n",
        "\n  ",
        "\t",
        "'",
        '"',
        "\\",
    ),
    *("~", "null", "true", "no", ".nan", "-.inf", "1e999", "1e3", "0o17", "0x" + "f" * 300, "-1"),
    *(
        "0",
        "9" * 401,
        "9223372036854775807",
        "10000000000",
        "0.5",
        "1_000",
        "''",
        '"\\0"',
        "[]",
        "{}",
    ),
    *(
        '"\\ud800"',
        '"a\\nb"',
        "\u2028",
        "\ufeff",
        "\x00",
        "\ud800",
        "é",
        "𝟛",
        "x" * 300,
        "a]",
        "[x]",
    ),
    *("dataset: iris\n", "dataset: csv\n", "dataset: {name: csv, path: '\\0', target: y}\n"),
    *(
        "dataset.name: [iris, diabetes]\n",
        "optimizer.name: [sgd, adam]\n",
        "training: {device: cpu}\n",
    ),
    *(
        "training.device: [cpu]\n",
        "training.epochs: [1, 2]\n",
        "regularizer: none\n",
        "regularizer: ~\n",
    ),
    *(
        "early_stopping: {gl: 5}",
        "early_stopping: true",
        "batchnorm: false",
        "hidden: [8]",
        "linear",
    ),
    *("name: x\n", "seeds: [1, 2]\n", "seeds: 0\n", "sweep: []\n", "sweep: [{}]\n", "expect: []\n"),
    *("val_size: 0", "test_size: 0", "split_seed: 3", "split_column: p", "train_size: 0.5"),
    *(
        "gap_loss[none] < 1",
        "gap_loss[[x]] < 1",
        "val_acc[l2] == 0.5 +- -1",
        "flip_rate[l1] < 1e999",
    ),
]


@st.composite
def mutated(draw):
    """The quickstart with some of its lines and characters cut, doubled, moved or replaced."""
    text = QUICKSTART
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(("insert", "replace", "line", "value", "characters")))
        lines = text.splitlines(keepends=True) or [""]
        at = draw(st.integers(0, len(text)))
        if kind in ("insert", "replace"):
            cut = draw(st.integers(0, 20)) if kind == "replace" else 0
            text = text[:at] + draw(st.sampled_from(FRAGMENTS)) + text[at + cut :]
        elif kind == "characters":
            junk = st.text(alphabet="{}[]:,&*!?|>-'\"#%@< \n\t0e.xa\x00\ud800é", max_size=6)
            text = text[:at] + draw(junk) + text[at + draw(st.integers(0, 12)) :]
        elif kind == "line":
            line = draw(st.integers(0, len(lines) - 1))
            other = draw(st.sampled_from(["", lines[line] * 2, *lines]))
            text = "".join([*lines[:line], other, *lines[line + 1 :]])
        else:  # what stands after a colon
            colons = [i for i, character in enumerate(text) if character == ":"] or [0]
            start = draw(st.sampled_from(colons)) + 1
            end = min((i for i in (text.find(c, start) for c in ",}\n") if i >= 0), default=start)
            text = f"{text[:start]} {draw(st.sampled_from(FRAGMENTS))}{text[end:]}"
    return text


VALUES = [
    *(None, True, False, 0, 1, -1, 3, 0.5, 1e-3, 1e300, float("nan"), float("inf"), 10**400, 2**63),
    *("", " s ", "none", "l2", "iris", "diabetes", "csv", "linear", "sgd", "cosine", "full", "1e3"),
    *("a\nb", "\0", "\ud800", "x" * 300, "[x]", "a]", "<<", "=1", "cuda", "cpu", "val_r2", [], {}),
    *([[]], [8], [8, 8], [0.1], ["iris", "wine"], [None], [True, False], ["none", "l1", "none"]),
    *({"name": "csv", "path": "a", "target": "y", "task": "regression"}, {"name": "moons"}),
    *({"early_stopping": {"gl": 5}}, {"epochs": 2, "device": "cpu"}, {"a": "none", "b": {"l2": 0}}),
    *(
        "gap_loss[none] < 1",
        "val_r2[none] < 1",
        "flip_rate[l2] < gap_loss[l2]",
        "test_loss[[x]] < 1",
    ),
]
NEW_KEYS = [
    *(
        "name",
        "seeds",
        "sweep",
        "expect",
        "dataset",
        "model",
        "regularizer",
        "optimizer",
        "training",
    ),
    *(
        "hidden",
        "l1",
        "l2",
        "dropout",
        "batchnorm",
        "early_stopping",
        "patience",
        "gl",
        "up",
        "strip",
    ),
    *(
        "monitor",
        "lr",
        "schedule",
        "momentum",
        "betas",
        "epochs",
        "batch_size",
        "device",
        "threads",
    ),
    *("train_size", "val_size", "test_size", "label_noise", "split_seed", "path", "split_column"),
    *(
        "dataset.name",
        "dataset.val_size",
        "model.name",
        "model.hidden",
        "optimizer.name",
        "a\nb",
        "",
    ),
    *("optimizer.lr", "optimizer.schedule.name", "regularizer.l2", "regularizer.early_stopping.gl"),
    *(
        "regularizer.early_stopping.patience",
        "regularizer.batchnorm",
        "training.epochs",
        "é",
        "none",
    ),
]


def containers(value):
    """A value's mappings and lists, itself first."""
    if isinstance(value, dict | list):
        yield value
        for inner in list(value.values()) if isinstance(value, dict) else value:
            yield from containers(inner)


@st.composite
def mutated_values(draw):
    """The quickstart with some of its values replaced or dropped, and keys added."""
    root = parse_yaml(QUICKSTART, "f").value
    for _ in range(draw(st.integers(1, 4))):
        inside = draw(st.sampled_from(list(containers(root))))
        value = copy.deepcopy(draw(st.sampled_from(VALUES)))
        if isinstance(inside, list):
            inside.insert(draw(st.integers(0, len(inside))), value)
        elif not inside or draw(st.booleans()):
            inside[draw(st.sampled_from(NEW_KEYS))] = value
        elif draw(st.booleans()):
            inside[draw(st.sampled_from(list(inside)))] = value
        else:
            del inside[draw(st.sampled_from(list(inside)))]
    return dump_yaml(root)


def ids(study):
    return [(run.run_id, run.cell.name, run.seed) for run in planned(study).runs]


@examples(500)
@given(mutated() | mutated_values())
def test_a_mutated_study_gives_a_study_or_problems(text):
    with soon():
        try:
            study = parse_study(text, max_runs=2000)
            planned = ids(study)
        except (BadStudy, BadData) as error:
            # Each problem is one line of text that can be written anywhere.
            for line in str(error).encode().decode().split("\n"):
                assert line.isprintable(), line
            return
    again = parse_study(dump_yaml(study.resolved()), folder=study.folder)
    assert ids(again) == planned


KEYS = [
    *(
        "dataset",
        "dataset.name",
        "dataset.train_size",
        "model.hidden",
        "regularizer",
        "regularizer.l2",
    ),
    *("regularizer.early_stopping", "optimizer", "optimizer.name", "training", "training.threads"),
    *("seeds", "expect", "sweep", "name", "schema_version", "", "a.b", "model.hidden.0", "\n", "é"),
]


@examples(500)
@given(st.data())
def test_hostile_options_give_a_study_or_problems(data):
    value = st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=4).map("".join)
    given_ = st.builds("{}={}".format, st.sampled_from(KEYS), value)
    few = {"max_size": 2}
    with soon():
        try:
            study = parse_study(
                QUICKSTART,
                overrides=data.draw(st.lists(given_, **few)),
                axes=data.draw(st.lists(given_, **few)),
                seeds=data.draw(st.none() | value),
                max_runs=2000,
            )
            planned(study)
        except (BadStudy, BadData):
            pass
