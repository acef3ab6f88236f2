"""What was asked to be translated, from words: `torch.SGD weight_decay=5e-4 momentum=0.9`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import isfinite, nan
from typing import Any

from regbench.advice.strengths.hub import Facts
from regbench.advice.strengths.place import Place, Values
from regbench.advice.strengths.translate import PLACES
from regbench.config.messages import did_you_mean, shown
from regbench.errors import BadStudy
from regbench.vocabulary.optimizers import OPTIMIZERS
from regbench.vocabulary.regularizers import KINDS
from regbench.vocabulary.words import number_in

_LIBRARIES = {"pytorch": "torch", "scikit-learn": "sklearn", "tf": "keras", "tensorflow": "keras"}
# What people call Keras's penalty, and Adam where its decay is decoupled anyway.
_ALSO = dict.fromkeys(("keras.l1", "keras.l2", "keras.l1l2"), "keras") | {
    f"regbench.{optimizer.name}": optimizer.decay
    for optimizer in OPTIMIZERS.values()
    if optimizer.decay
}
_MOST = 10**15

# A bound, its words, and the names that it holds for.
_NON_NEGATIVE: tuple[Callable[[float], bool], str] = (lambda x: x >= 0, "a number >= 0")
_BOUNDS: dict[str, tuple[Callable[[float], bool], str]] = {
    "C": (lambda x: x > 0, "a number > 0"),
    "l1_ratio": (lambda x: 0 <= x <= 1, "a number in [0, 1]"),
    "lr": (lambda x: x > 0, "a number > 0"),
    "momentum": (lambda x: 0 <= x < 1, "a number in [0, 1)"),
    "dampening": (lambda x: 0 <= x < 1, "a number in [0, 1)"),
    "n": (lambda x: 1 <= x <= _MOST and x % 1 == 0, "a whole number from 1"),
    "batch_size": (lambda x: 1 <= x <= _MOST and x % 1 == 0, "a whole number from 1"),
    "classes": (lambda x: 2 <= x <= _MOST and x % 1 == 0, "a whole number from 2"),
}
_COUNTS = ("n", "batch_size", "classes")
_FACTS = ("lr", "momentum", "dampening", *_COUNTS)


def find_place(name: str) -> Place:
    """The place of this name: `torch.SGD`, `torch.optim.SGD` or `Ridge`, in any case.

    Raises:
        BadStudy: there is none, or there are several.

    >>> [find_place(name).name for name in ("torch.optim.sgd", "ridge", "keras.l2")]
    ['torch.SGD', 'sklearn.Ridge', 'keras']
    """
    found = _matching(name)
    if len(found) == 1:
        return found[0]
    if found:
        raise BadStudy(f"{shown(name)} is several places: {', '.join(p.name for p in found)}")
    if (own := name.lower().removeprefix("regbench.")) in OPTIMIZERS and own != name.lower():
        raise BadStudy(
            f"{shown(name)}: what a decay beside {own} is elsewhere is not known here; its l1 and "
            "l2 are those of regbench"
        )
    hint = _meant(name) or f": {', '.join(PLACES)}"
    raise BadStudy(f"{shown(name)} is no place of a strength{hint}")


def find_targets(name: str) -> list[Place]:
    """As `find_place`; a library's name stands for all its places.

    >>> [place.name for place in find_targets("keras")]
    ['keras', 'keras.SGD', 'keras.Adam', 'keras.AdamW']
    """
    library = _LIBRARIES.get(name.lower(), name.lower())
    found = [place for place in PLACES.values() if place.name.split(".")[0] == library]
    return found or [find_place(name)]


def _meant(name: str) -> str:
    by_lower = {place.lower(): place for place in PLACES}
    hint = did_you_mean(name.lower(), by_lower)
    return re.sub("'(.*)'", lambda found: repr(by_lower[found[1]]), hint)


def _matching(name: str) -> list[Place]:
    parts = name.lower().split(".")
    parts[0] = _LIBRARIES.get(parts[0], parts[0])
    # A class may be named with its module: torch.optim.SGD.
    short = ".".join(dict.fromkeys((parts[0], parts[-1])))
    short = _ALSO.get(short, short).lower()
    exact = [place for place in PLACES.values() if place.name.lower() == short]
    return exact or [p for p in PLACES.values() if p.name.lower().endswith(f".{short}")]


def read_settings(place: Place, words: Sequence[str], facts: Facts) -> tuple[Values, Facts]:
    """The place's values, and the facts with those that are given among the words.

    Args:
        words: `key=value`; the keys of the place, or of the facts.
        facts: from the options.
    Raises:
        BadStudy: a word is no setting of the place, is out of its bounds, is missing or given
            twice, or all strengths are 0.

    >>> place = PLACES["torch.SGD"]
    >>> values, facts = read_settings(place, ["weight_decay=5e-4", "momentum=0.9"], Facts())
    >>> dict(values), facts.momentum
    ({'weight_decay': 0.0005}, 0.9)
    """
    given: dict[str, float] = {}
    for word in words:
        key, equals, text = word.partition("=")
        known = (*place.keys, *_FACTS)
        if not equals:
            raise BadStudy(
                f"{shown(word)} is no setting: write key=value, such as {_example(place)}"
            )
        if key not in known:
            hint = did_you_mean(key, known) or f": it takes {', '.join(place.keys)}"
            raise BadStudy(_by_name(place, key) or f"{place.name} has no {shown(key)}{hint}")
        if key in given:
            raise BadStudy(f"{key} is given twice")
        value = number_in(text)
        given[key] = _checked(key, nan if value is None else value, text)
    values = {key: value for key, value in given.items() if key in place.keys}
    said = {key: value for key, value in given.items() if key not in place.keys}
    required = [key for key in place.keys if key not in place.defaults]
    if not values or (len(required) == 1 and required[0] not in values):
        raise BadStudy(f"{place.name} takes {', '.join(place.keys)}: write {_example(place)}")
    if not any(values.values()):
        raise BadStudy("a strength of 0 is no penalty anywhere: give one above 0")
    return values, check_facts(facts, said)


def _example(place: Place) -> str:
    return f"{place.keys[0]}=0.01"


def _by_name(place: Place, key: str) -> str:
    """Why a regularizer's own key is no setting of regbench's penalties; empty for other keys."""
    if not place.name.startswith("regbench") or key not in KINDS:
        return ""
    if key != "weight_decay":
        elsewhere = KINDS[key].elsewhere or "nothing here says what it is elsewhere"
        return f"{key} is neither a penalty nor a decay, and is not converted: {elsewhere}"
    return "weight_decay is another thing beside sgd than beside Adam: say regbench.sgd or .adamw"


def _checked(key: str, value: float, given: object) -> float:
    holds, words = _BOUNDS.get(key, _NON_NEGATIVE)
    if not holds(value) or not isfinite(value):
        raise BadStudy(f"{key}: expected {words}, not {shown(given)}")
    return value


def check_facts(facts: Facts, said: Values) -> Facts:
    """The facts, with those said in words; all within their bounds.

    Raises:
        BadStudy: one is out of its bounds, or given in both ways.
    """
    known: dict[str, Any] = {}
    for key in _FACTS:
        option, default = getattr(facts, key), getattr(Facts(), key)
        if key in said and option != default:
            raise BadStudy(f"{key} is given twice")
        value = said.get(key, option)
        if value is not None:
            checked = _checked(key, value, value)
            known[key] = int(checked) if key in _COUNTS else checked
    return replace(facts, **known)
