"""What a place that names strengths consists of: two formulas, and how far they can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from regbench.advice.strengths.hub import CannotHold, Exact, Facts, Strength, Under

Values = Mapping[str, float]
# How exact a translation can be at best, and why.
Remark = tuple[Exact, str]
# What minimises there: any optimizer, one kind of them, or a solver that goes to the minimum.
Path = Literal["any", "sgd", "adam", "rmsprop", "solver"]
Loss = Literal["", "squared error", "cross-entropy"]


def _nothing(facts: Facts, is_source: bool) -> Iterator[Remark]:
    return iter(())


@dataclass(frozen=True)
class Place:
    """A place that names a strength.

    Attributes:
        name: `library`, or `library.what`.
        keys: the strengths that it takes, in its own words.
        read: its values and the facts -> regbench's strength.
        write: the inverse; raises CannotHold where it has no room for a strength.
        reads, writes: the same two as formulas for people; empty where nothing changes.
        defaults: of keys that may be left out.
        under: the optimizer beside which it decays; empty where it adds to the objective.
        path: what minimises there.
        loss: the only loss that it knows; empty for any.
        needs: facts that its formulas cannot do without.
        remarks: what to know about it; told whether it is the source.
    """

    name: str
    keys: tuple[str, ...]
    read: Callable[[Values, Facts], Strength]
    write: Callable[[Strength, Facts], Values]
    reads: str
    writes: str
    defaults: Values = field(default_factory=dict)
    under: Under = ""
    path: Path = "any"
    loss: Loss = ""
    needs: tuple[str, ...] = ()
    remarks: Callable[[Facts, bool], Iterator[Remark]] = _nothing


def holds_only(strength: Strength, *held: str) -> None:
    """Refuse a strength that a place has no room for.

    Raises:
        CannotHold: there is another penalty than those named.
    """
    for name in ("l1", "l2"):
        if getattr(strength, name) and name not in held:
            raise CannotHold(f"it has no {name.upper()} penalty")
