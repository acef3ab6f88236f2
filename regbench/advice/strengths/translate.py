"""From one place that names a strength to all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from regbench.advice.strengths.hub import (
    CannotHold,
    Exact,
    Facts,
    Needed,
    Strength,
    as_decay,
    as_penalty,
)
from regbench.advice.strengths.networks import NETWORKS
from regbench.advice.strengths.place import Place, Remark, Values
from regbench.advice.strengths.scikit_learn import SCIKIT_LEARN

PLACES: dict[str, Place] = {place.name: place for place in (*NETWORKS, *SCIKIT_LEARN)}


@dataclass(frozen=True)
class Translation:
    """A strength as another place has it.

    Attributes:
        where: the other place.
        values: what to set there; empty where nothing there comes near, or a fact is missing.
        exact: None where a fact is missing.
        formula: how the values follow from the source's.
        remarks: why it is no more exact, and what to know.
        needs: the option that is missing.
    """

    where: str
    values: Values
    exact: Exact | None
    formula: str
    remarks: tuple[str, ...]
    needs: str = ""


def translate(
    source: Place, values: Values, target: Place, facts: Facts, strength: Strength | None = None
) -> Translation:
    """One place's strength as another has it.

    Args:
        values: of the source; what is missing has its default.
        strength: what they are in regbench's units, where that is known already.
    Raises:
        Needed: the source's formula needs a fact that was not given.

    >>> found = translate(PLACES["torch.SGD"], {"weight_decay": 5e-4}, PLACES["keras"], Facts())
    >>> dict(found.values), found.exact.words
    ({'l2': 0.00025}, 'every step')
    """
    strength = _read(source, values, facts) if strength is None else strength
    if source.loss and target.loss and source.loss != target.loss:
        why = f"none: {source.name} minimises the {source.loss}, this the {target.loss}"
        return Translation(target.name, {}, Exact.NO, "", (why,))
    moved = (
        as_decay(strength, target.under, facts.momentum)
        if target.under
        else as_penalty(strength, facts.momentum)
    )
    if moved.exact is Exact.NO:
        return Translation(target.name, {}, Exact.NO, "", (moved.why,))
    remarks: list[Remark] = [(moved.exact, moved.why)]
    remarks += [_paths(source, target), _ones(source, target, strength)]
    remarks += [*source.remarks(facts, True), *target.remarks(facts, False)]
    words = tuple(dict.fromkeys(why for _, why in remarks if why))
    formula = "; ".join(filter(None, (source.reads, moved.formula, target.writes)))
    try:
        found = target.write(moved.strength, facts)
    except Needed as needed:
        return Translation(target.name, {}, None, formula, (f"{needed}",), needed.option)
    except CannotHold as error:
        return Translation(target.name, {}, Exact.NO, "", (f"none: {error}",))
    except (OverflowError, ZeroDivisionError):
        found = {"": 0.0}
    if not all(isfinite(value) for value in found.values()) or not any(found.values()):
        why = "none: the number is too large or too small for a float"
        return Translation(target.name, {}, Exact.NO, formula, (why,))
    return Translation(target.name, found, min(exact for exact, _ in remarks), formula, words)


def _read(source: Place, values: Values, facts: Facts) -> Strength:
    return source.read({**source.defaults, **values}, facts)


def _paths(source: Place, target: Place) -> Remark:
    """How far two places share the way to the minimum, given the same settings."""
    paths = {source.path, target.path}
    if "solver" in paths:
        return Exact.OPTIMUM, ""
    if len(paths - {"any"}) > 1:
        return Exact.OPTIMUM, "another optimizer: the same objective, in other steps"
    return Exact.EVERY_STEP, ""


def _ones(source: Place, target: Place, strength: Strength) -> Remark:
    """regbench's L1 is a proximal step, Keras's a subgradient."""
    libraries = {source.name.split(".")[0], target.name.split(".")[0]}
    if strength.l1 and libraries == {"regbench", "keras"}:
        return (
            Exact.OPTIMUM,
            "every step with regbench's l1_method: subgradient, which is what Keras does; its "
            "default, proximal, alone makes weights exactly zero",
        )
    return Exact.EVERY_STEP, ""


def translations(
    source: Place, values: Values, facts: Facts, targets: Sequence[Place] = ()
) -> list[Translation]:
    """The strength as each target has it; without targets, all places whose loss is not another.

    Raises:
        Needed: the source's formula needs a fact that was not given.
    """
    strength = _read(source, values, facts)
    chosen = targets or [
        place
        for place in PLACES.values()
        if place is not source and (not source.loss or place.loss in ("", source.loss))
    ]
    return [translate(source, values, place, facts, strength) for place in chosen]
