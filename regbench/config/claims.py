"""Claims about a study's results: their small grammar, and which cells they speak of.

claim   = term op (term | number) [("+-" | "±") number]
term    = metric "[" address "]"
op      = "<" | "<=" | ">" | ">=" | "=="
address = a cell's name | a label unique among the axes | key=label, key=label, ...
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from regbench.config.cell import Cell
from regbench.config.messages import did_you_mean

__all__ = ["METRICS", "BadClaim", "Claim", "Op", "Pair", "Term", "parse_claim", "resolve"]

Op = Literal["<", "<=", ">", ">=", "=="]
# A cell, and the cell or nothing (a number) that it is compared with.
Pair = tuple[Cell, Cell | None]

METRICS = (
    *(f"{part}_{kind}" for kind in ("loss", "acc", "r2") for part in ("train", "val", "test")),
    *("gap_loss", "gap_acc", "gap_r2", "train_acc_clean", "flip_rate"),
    *("generalization", "selection_optimism", "stopping_regret"),
    *("penalty", "weight_norm", "zero_fraction", "epochs_run", "best_epoch", "reading_epoch"),
)

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_OP = re.compile(r"<=|>=|==|<|>")
_MARGIN = re.compile(r"\+-|±")
_SPACE = re.compile(r"\s*")


class BadClaim(ValueError):
    """A claim that cannot be understood; `column` counts from 0 in its text."""

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.column = column


@dataclass(frozen=True)
class Term:
    """A metric of the cells that an address names; `column` is where it starts in the claim."""

    metric: str
    address: str
    column: int = 0


@dataclass(frozen=True)
class Claim:
    """`left op right`, right being a term or a number; with a margin, op is `==`."""

    text: str
    left: Term
    op: Op
    right: Term | float
    margin: float | None = None


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def take(self, pattern: re.Pattern[str]) -> str | None:
        self.skip()
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match.group()

    def need(self, pattern: re.Pattern[str], what: str) -> str:
        found = self.take(pattern)
        if found is None:
            rest = self.text[self.at :][:20]
            raise BadClaim(
                f"expected {what}, found {rest!r}" if rest else f"expected {what}", self.at
            )
        return found


def parse_claim(text: str) -> Claim:
    """The claim that a text makes.

    Raises:
        BadClaim: with the column.

    >>> claim = parse_claim("gap_loss[dropout] < gap_loss[none]")
    >>> claim.left.address, claim.op, claim.right.address
    ('dropout', '<', 'none')
    >>> parse_claim("val_acc[l2] == 0.9 +- 0.01").margin
    0.01
    """
    scan = _Scanner(text)
    left = _term(scan)
    op = cast(Op, scan.need(_OP, "<, <=, >, >= or =="))
    number = scan.take(_NUMBER)
    right = float(number) if number is not None else _term(scan)
    margin = None
    scan.skip()
    column = scan.at
    if scan.take(_MARGIN) is not None:
        if op != "==":
            raise BadClaim(f"a margin goes with ==, not with {op}", column)
        margin = abs(float(scan.need(_NUMBER, "the margin, a number")))
    elif op == "==" and isinstance(right, Term):
        raise BadClaim("== between cells needs a margin: +- 0.01", column)
    scan.skip()
    if scan.at < len(text):
        raise BadClaim(f"unexpected {text[scan.at :][:20]!r}", scan.at)
    return Claim(text, left, op, right, margin)


def _term(scan: _Scanner) -> Term:
    scan.skip()
    column = scan.at
    metric = scan.need(_WORD, "a metric, e.g. gap_loss[l2]")
    if metric not in METRICS:
        raise BadClaim(f"unknown metric {metric!r}{did_you_mean(metric, METRICS)}", column)
    end = scan.text.find("]", scan.at)
    if not scan.text.startswith("[", scan.at) or end < 0:
        raise BadClaim(f"expected [ and ] with a cell after {metric}", scan.at)
    address = scan.text[scan.at + 1 : end].strip()
    scan.at = end + 1
    return Term(metric, address, column)


def resolve(claim: Claim, cells: Sequence[Cell]) -> tuple[Pair, ...]:
    """The pairs of cells that a claim must hold for; the second is None against a number.

    Where an address matches several cells, the two sides are paired over the axes that neither
    names.

    Raises:
        BadClaim: an address matches no cell, or the sides cannot be paired.
    """
    left, left_axes = _matches(claim.left, cells)
    if not isinstance(claim.right, Term):
        return tuple((cell, None) for cell in left)
    right, right_axes = _matches(claim.right, cells)
    named = left_axes | right_axes
    partners: dict[tuple[tuple[str, str], ...], Cell] = {}
    for cell in right:
        rest = _rest(cell, named)
        if rest in partners:
            raise BadClaim(f"{claim.right.address!r} matches several cells", claim.right.column)
        partners[rest] = cell
    pairs = [(cell, partners.get(_rest(cell, named))) for cell in left]
    lonely = [cell.name for cell, partner in pairs if partner is None]
    if lonely:
        raise BadClaim(
            f"{lonely[0]!r} has no partner in {claim.right.address!r}", claim.right.column
        )
    return tuple(pairs)


def _rest(cell: Cell, named: set[str]) -> tuple[tuple[str, str], ...]:
    return tuple(label for label in cell.labels if label[0] not in named)


def _matches(term: Term, cells: Sequence[Cell]) -> tuple[list[Cell], set[str]]:
    """The cells that a term's address names, and the axes that it fixes."""
    found, named = _addressed(term, cells)
    for cell in found:
        _require_metric(term, cell)
    return found, named


def _require_metric(term: Term, cell: Cell) -> None:
    task = cell.setting.dataset.task
    other = {"_acc": "regression", "_acc_clean": "regression", "_r2": "classification"}
    for ending, without in other.items():
        if term.metric.endswith(ending) and task == without:
            instead = "_r2" if task == "regression" else "_acc"
            near = term.metric.removesuffix(ending) + instead
            raise BadClaim(
                f"{cell.name!r} is a {task}, which has no {term.metric}: use {near}", term.column
            )


def _addressed(term: Term, cells: Sequence[Cell]) -> tuple[list[Cell], set[str]]:
    address = term.address
    for cell in cells:
        if cell.name == address:
            return [cell], {axis for axis, _ in cell.labels}
    wanted: set[tuple[str, str]]
    axes = {axis for cell in cells for axis, label in cell.labels if label == address}
    if len(axes) > 1:
        listed = " or ".join(f"{axis}={address}" for axis in sorted(axes))
        raise BadClaim(f"{address!r} is a label of several axes: write {listed}", term.column)
    if axes:
        wanted = {(axis, address) for axis in axes}
    else:
        parts = [part.partition("=") for part in address.split(",")]
        wanted = {(key.strip(), label.strip()) for key, _, label in parts}
    found = [cell for cell in cells if wanted <= set(cell.labels)]
    if not found:
        known = dict.fromkeys(label for cell in cells for _, label in cell.labels)
        names = [*(cell.name for cell in cells[:1000]), *known]
        hint = did_you_mean(address, names) or f"; there are {', '.join(names[:8])}"
        raise BadClaim(f"no cell is called {address!r}{hint}", term.column)
    return found, {axis for axis, _ in wanted}
