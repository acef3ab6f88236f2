"""Words and numbers in sentences; nothing is imported here, so that any command may use it."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """A number and its noun.

    >>> counted(1, "stack"), counted(0, "stack"), counted(4, "family"), counted(2, "class")
    ('1 stack', '0 stacks', '4 families', '2 classes')
    """
    if number == 1:
        return f"{number} {noun}"
    if noun.endswith("ily"):
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}{'es' if noun.endswith('ss') else 's'}"


def unequal(values: Sequence[object], whose: str, number: int, noun: str) -> str:
    """What is wrong with a list that has not one value for each.

    >>> unequal([1], "the model", 2, "kernel")
    'has 1 value, but the model has 2 kernels'
    """
    return f"has {counted(len(values), 'value')}, but {whose} has {counted(number, noun)}"


def number_in(text: str) -> float | None:
    """The number that a text is, if it is one.

    >>> number_in("1e-3"), number_in("none")
    (0.001, None)
    """
    try:
        return float(text)
    except ValueError:
        return None


def some(items: Sequence[str], most: int = 3) -> str:
    """The first few of a list, and how many more there are.

    >>> some(["a", "b"]), some(["a", "b", "c", "d", "e"])
    ('a, b', 'a, b, c and 2 more')
    """
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more
