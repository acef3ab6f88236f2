"""Text that is hostile as YAML: what PyYAML falls over, libyaml and PyYAML beside each other."""

import pytest
import yaml
from fuzz import examples
from hypothesis import given
from hypothesis import strategies as st
from soon import soon

from regbench.config.yaml_nodes import MAX_BYTES, MAX_VALUES
from regbench.config.yaml_text import parse_yaml
from regbench.errors import BadStudy

# One text for each exception that yaml.safe_load raises beside its own, and what regbench says.
RAISED = {
    RecursionError: ("[" * 5000, "f:1:33: is nested deeper than 32 levels"),
    ValueError: ("2024-13-45", "2024-13-45"),
    IndexError: ("!!int ''", "f:1:1: tags are not allowed"),
    KeyError: ("!!bool maybe", "f:1:1: tags are not allowed"),
    AttributeError: ("!!timestamp x", "f:1:1: tags are not allowed"),
    OverflowError: (
        '"\\UFFFFFFFF"',
        "f: is not YAML: holds a number that is too large (Python int too large to convert to C "
        "int)",
    ),
}


def parsed(text):
    """A text's value, or the one line that refuses it."""
    try:
        return parse_yaml(text, "f").value
    except BadStudy as error:
        return str(error)


@pytest.mark.parametrize("kind", RAISED)
def test_what_safe_load_falls_over(kind):
    text, message = RAISED[kind]
    with pytest.raises(kind):
        yaml.safe_load(text)
    assert parsed(text) == message  # and a date is a text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"\\U00110000"', "is not YAML: holds a number that is too large"),
        ("%YAML 1." + "9" * 5000 + "\n--- a", "is not YAML: holds a number that is too large"),
        ("!!python/object/apply:os.system [id]", "f:1:1: tags are not allowed"),
        ("a: !!python/name:os.system", "f:1:4: tags are not allowed"),
        ("a: &x !t b", "f:1:4: tags are not allowed"),
        ("!t [a]", "f:1:1: tags are not allowed"),
        ("a: {!t b: c}", "f:1:5: tags are not allowed"),
        ("%TAG ! tag:yaml.org,2002:python/\n---\n!name:os.system a", "f:3:1: tags are not"),
        ("a: &x 1\nb: &x 2", "f:2:4: is not YAML: found duplicate anchor 'x'"),
        ("a: *x", "f:1:4: is not YAML: found undefined alias 'x'"),
        ("a: 1\nb: x\x00y", r"f:2:5: has a character that YAML forbids: '\x00'"),
        ("a: 1\r\nb:\r\n  \ud800", r"f:3:3: has a character that YAML forbids: '\ud800'"),
        ("a: 1 \ufeff", r"f:1:6: has a character that YAML forbids: '\ufeff'"),
        ("%FOO\n" * 101, "f: has more than 100 lines that begin with %"),
        ("[" + "a," * (MAX_VALUES + 1) + "]", f"holds more than {MAX_VALUES} values"),
        ("- " * 40, "f:1:65: is nested deeper than 32 levels"),
        ("{a: " * 40, "is nested deeper than 32 levels"),
        ("? " * 40, "f:1:65: is nested deeper than 32 levels"),
        ("{[a]: 1}", "f:1:2: a key must be a plain word"),
        ("x" * MAX_BYTES + "x", "f: is larger than 1 MiB"),
        # Longer than what PyYAML's own parser is given: libyaml's words.
        (
            "a: [\n" + "#\n" * 40_000,
            "f:40002:1: is not YAML: while parsing a flow node did not find",
        ),
    ],
)
def test_refusal(text, message):
    with pytest.raises(BadStudy) as caught:
        parse_yaml(text, "f")
    assert message in str(caught.value)


@pytest.fixture
def no_libyaml(monkeypatch):
    monkeypatch.setattr(yaml, "__with_libyaml__", False)


def test_without_libyaml_a_file_may_be_smaller(no_libyaml):
    assert parse_yaml("a: " + "b" * 65_000, "f").value == {"a": "b" * 65_000}
    with pytest.raises(BadStudy, match=r"f: is larger than 64 KiB \(as PyYAML has no libyaml"):
        parse_yaml("a: " + "b" * 66_000, "f")


def repeated(unit, size, head="", tail=""):
    return head + unit * ((size - len(head) - len(tail)) // len(unit)) + tail


# What takes a parser longest: many small things, and what it looks back or ahead for.
SLOWEST = {
    "items": lambda n: repeated("- a\n", n),
    "flow items": lambda n: repeated("a,", n, "[", "]"),
    "empty mappings": lambda n: repeated("{},", n, "[", "]"),
    "pairs": lambda n: repeated("a: b,", n, "[", "]"),
    "keys": lambda n: "".join(f"{i}: b\n" for i in range(n // 11)),
    "anchors": lambda n: "".join(f"- &a{i} x\n" for i in range(n // 14)),
    "aliases": lambda n: repeated("- *a\n", n, "- &a x\n"),
    "merges": lambda n: repeated("<<: {}, ", n, "{", "}"),
    "levels": lambda n: repeated("[", n),
    "levels within": lambda n: repeated("[a],", n, "[" * 30, "]" * 30),
    "directives": lambda n: "".join(f"%TAG !{i}! x\n" for i in range(n // 17)),
    "documents": lambda n: repeated("---\n", n),
    "comments": lambda n: repeated("#\n", n),
    "a long key": lambda n: repeated("a", n, "", ": 1"),
    "a long text": lambda n: repeated("a ", n, '"', '"'),
    "escapes": lambda n: repeated("\\x41", n, '"', '"'),
    "a block": lambda n: repeated(" x\n", n, "a: |\n"),
    "colons": lambda n: repeated(": ", n),
    "tabs": lambda n: repeated("\t", n),
}


def parse_soon(text):
    with soon():
        value = parsed(text)
    assert not isinstance(value, str) or "\n" not in value


def test_a_quarter_mebibyte_takes_no_longer_than_it_must():
    # 0.3 s on a quiet machine; a quadratic step takes far more.
    for made in SLOWEST.values():
        parse_soon(made(MAX_BYTES // 4))


@pytest.mark.torture
def test_a_full_mebibyte_takes_no_longer_than_it_must():
    # 1.3 s on a quiet machine; a second parse or a quadratic step takes far more.
    for made in SLOWEST.values():
        parse_soon(made(MAX_BYTES))


@pytest.mark.parametrize("size", [1 << 14, pytest.param(1 << 16, marks=pytest.mark.torture)])
def test_so_does_what_is_taken_without_libyaml(size, no_libyaml):
    for made in SLOWEST.values():
        parse_soon(made(size))


PARTS = [
    *("a", "b", "1", "1e-3", ".inf", "~", "no", "'q'", '"d"', "é", "𝟛", "x y", "0o7", "#c", "-1"),
    *(": ", ":", "- ", "-", ", ", ",", "? ", "?", "[", "]", "{", "}", "|", ">", "|-\n", "%", "@"),
    *("\n", "\n  ", "\n    ", "\r\n", "\t", " ", "&x ", "*x", "<<: ", "---\n", "...\n", "!t ", '"'),
    *("\\", "\x85", "\u2028", "\u00a0", "`", "'", "\ufeff", "a: 1\n", "- [a, b]\n", "k: {l: m}\n"),
]


def outcome(text):
    """The value and the places that a text gives, or where it is refused."""
    try:
        document = parse_yaml(text, "f")
    except BadStudy:
        return "refused"
    value = repr(document.value)
    # Where nothing stands, they disagree on where that is.
    keys = filter(None, document.value if isinstance(document.value, dict) else ())
    return value, [document.place((key,), key=True) for key in keys]


@examples(500)
@given(st.lists(st.sampled_from(PARTS), max_size=25).map("".join))
def test_both_parsers_give_the_same(text):
    fast = outcome(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", False)
        slow = outcome(text)
    # What only one of them takes is harmless; what both take means the same.
    assert "refused" in (fast, slow) or fast == slow
