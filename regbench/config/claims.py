"""Claims about a study's results: their small grammar, and which cells they speak of.

claim   = term op (term | number) [("+-" | "±") number]
term    = metric "[" address "]"
op      = "<" | "<=" | ">" | ">=" | "=="
address = a cell's name | a label unique among the axes | key=label, key=label, ...

A name or a label with a bracket, a quote or a space at an end stands in double quotes, with quotes
in it doubled; after `key=` one with a comma, too: gap_loss["a]"], gap_loss[regularizer="p, q"].
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Literal, cast

from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.cell import Cell, Labels
from regbench.config.messages import did_you_mean, shown
from regbench.vocabulary.metrics import COLUMNS, twin

Op = Literal["<", "<=", ">", ">=", "=="]
# A cell, and the cell or nothing (a number) that it is compared with.
Pair = tuple[Cell, Cell | None]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_OP = re.compile(r"<=|>=|==|<|>")
_MARGIN = re.compile(r"\+-|±")
_QUOTED = re.compile(r'\s*"((?:[^"]|"")*)"\s*')
_ADDRESS = re.compile(r'\[((?:"(?:[^"]|"")*"|[^\[\]"])*)\](?!\])')
_PART = re.compile(r'([^=,"]+)=(\s*"(?:[^"]|"")*"\s*|[^,"]*)(,|$)')
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

    @property
    def metrics(self) -> tuple[str, ...]:
        """The columns that it speaks of."""
        return tuple(side.metric for side in (self.left, self.right) if isinstance(side, Term))


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def skip(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def sees(self, pattern: re.Pattern[str]) -> bool:
        self.skip()
        return pattern.match(self.text, self.at) is not None

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

    def number(self, what: str = "a number") -> float:
        self.skip()
        column = self.at
        text = self.need(_NUMBER, what)
        if isinf(float(text)):
            raise BadClaim(f"{text[:20]!r} is beyond the largest number", column)
        return float(text)


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
    right = scan.number() if scan.sees(_NUMBER) else _term(scan)
    margin = None
    scan.skip()
    column = scan.at
    if scan.take(_MARGIN) is not None:
        if op != "==":
            raise BadClaim(f"a margin goes with ==, not with {op}", column)
        margin = scan.number("the margin, a number")
        if margin < 0:
            raise BadClaim(f"a margin is >= 0, not {margin:g}", column)
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
    if metric not in COLUMNS:
        raise BadClaim(f"unknown metric {shown(metric)}{did_you_mean(metric, COLUMNS)}", column)
    address = _ADDRESS.match(scan.text, scan.at)
    if address is None:
        what = f"expected [ and ] with a cell after {metric}"
        if scan.text.startswith("[", scan.at) and "]" in scan.text[scan.at :]:
            what += f': brackets and quotes stand in double quotes, as in {metric}["a]"]'
        raise BadClaim(what, scan.at)
    scan.at = address.end()
    return Term(metric, _unquoted(address[1]), column)


def _unquoted(text: str) -> str:
    quoted = _QUOTED.fullmatch(text)
    return quoted[1].replace('""', '"') if quoted else text.strip()


def _quoted(label: str, special: str = '[]"') -> str:
    """A name or a label as a claim has to write it."""
    if label == label.strip() and not set(special) & set(label):
        return label
    doubled = label.replace('"', '""')
    return f'"{doubled}"'


def require_asked(claim: Claim, metrics: Collection[str]) -> None:
    """Refuse a metric that the study does not ask for: its runs do not have it.

    Args:
        metrics: what the study asks for.
    Raises:
        BadClaim: naming it.
    """
    for term in (claim.left, claim.right):
        if isinstance(term, Term) and (asked := COLUMNS[term.metric].asked) not in ("", *metrics):
            listed = ", ".join([*metrics, asked])
            raise BadClaim(
                f"{term.metric} is there only where it is asked for: metrics: [{listed}]",
                term.column,
            )


def read_claim(text: str, metrics: Collection[str], known: Addresses | None) -> Claim:
    """A claim about a study.

    Args:
        metrics: what the study asks for.
        known: its cells; None where they are not all there, so that nothing can be said of them.
    Raises:
        BadClaim: with the column.
    """
    claim = parse_claim(text)
    require_asked(claim, metrics)
    if known is not None:
        resolve(claim, known)
    return claim


class Addresses:
    """The cells of a study by all that a claim may call them; made once for many claims."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        self.cells = cells
        self.by_name: dict[str, Cell] = {}
        self.axes_of: dict[str, set[str]] = {}  # a label's
        self._having: dict[tuple[str, str], list[Cell]] = {}
        for cell in cells:
            self.by_name.setdefault(cell.name, cell)
            for pair in dict.fromkeys(cell.labels):
                self.axes_of.setdefault(pair[1], set()).add(pair[0])
                self._having.setdefault(pair, []).append(cell)

    def having(self, pairs: set[tuple[str, str]]) -> list[Cell]:
        """The cells that have all of these labels; none for no label."""
        fewest = min((self._having.get(pair, []) for pair in pairs), key=len, default=[])
        return [cell for cell in fewest if pairs <= set(cell.labels)]


def resolve(claim: Claim, cells: Sequence[Cell] | Addresses) -> tuple[Pair, ...]:
    """The pairs of cells that a claim must hold for; the second is None against a number.

    Where an address matches several cells, the two sides are paired over the axes that neither
    names.

    Args:
        cells: the study's; for many claims, their `Addresses`.
    Raises:
        BadClaim: an address matches no cell, or the sides cannot be paired.
    """
    known = cells if isinstance(cells, Addresses) else Addresses(cells)
    left, left_axes = _matches(claim.left, known)
    if not isinstance(claim.right, Term):
        return tuple((cell, None) for cell in left)
    right, right_axes = _matches(claim.right, known)
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


def _matches(term: Term, cells: Addresses) -> tuple[list[Cell], set[str]]:
    """The cells that a term's address names, and the axes that it fixes."""
    found, named = _addressed(term, cells)
    for cell in found:
        _require_metric(term, cell)
    return found, named


def _require_metric(term: Term, cell: Cell) -> None:
    """Refuse what a cell cannot have: a claim about it would stay open for ever."""
    metric, dataset = term.metric, cell.setting.dataset
    column = COLUMNS[metric]
    if column.task not in (None, dataset.task):
        near = twin(metric)
        raise BadClaim(
            f"{cell.name!r} is a {dataset.task}, which has no {metric}"
            + (f": use {near}" if near else ""),
            term.column,
        )
    for key in _needs(column.keys, dataset):
        if not getattr(dataset, key, 0):
            raise BadClaim(f"{cell.name!r} has no {metric}: its {key} is 0", term.column)


def _needs(keys: Iterable[str], dataset: DatasetConfig) -> Iterator[str]:
    """Those of a column's keys that this data set must give."""
    for key in keys:
        # Where the data bring their own split, they say which parts there are.
        if key == "label_noise" or dataset.split_by is None:
            yield key


def _addressed(term: Term, cells: Addresses) -> tuple[list[Cell], set[str]]:
    """The cells of an address, and the axes that it fixes."""
    address = term.address
    named = cells.by_name.get(address)
    if named is not None:
        return [named], {axis for axis, _ in named.labels}
    axes = cells.axes_of.get(address, set())
    if len(axes) > 1:
        label = _quoted(address, '[],"')
        listed = " or ".join(f"{axis}={label}" for axis in sorted(axes))
        raise BadClaim(f"{address!r} is a label of several axes: write {listed}", term.column)
    wanted = {(axis, address) for axis in axes} or _by_key(address)
    found = cells.having(wanted)
    if not found:
        raise _no_cell(term, cells.cells)
    return found, {axis for axis, _ in wanted}


def _by_key(address: str) -> set[tuple[str, str]]:
    """The (axis, label) pairs of `key=label, key=label`; none where it is not of this form.

    >>> sorted(_by_key('regularizer="p, q", model.hidden=8x8'))
    [('model.hidden', '8x8'), ('regularizer', 'p, q')]
    >>> _by_key("p, q")
    set()
    """
    parts = list(_PART.finditer(address))
    if "".join(part[0] for part in parts) != address:
        return set()
    return {(part[1].strip(), _unquoted(part[2])) for part in parts}


def _no_cell(term: Term, cells: Sequence[Cell]) -> BadClaim:
    address = term.address
    same = [cell for cell in cells if _names(address, cell.also)]
    if same:
        hint = f"; it is the same setting as {same[0].name!r}"
    else:
        labels = (label for cell in cells[:1000] for _, label in cell.labels)
        known = dict.fromkeys([*(cell.name for cell in cells[:1000]), *labels])
        names = [_quoted(name) for name in known]
        hint = did_you_mean(address, names) or f"; there are {', '.join(names[:8])}"
    return BadClaim(f"no cell is called {shown(address)}{hint}", term.column)


def _names(address: str, points: Iterable[Labels]) -> bool:
    """Whether an address is the name or a label of one of these points of the sweep."""
    return any(
        address == ", ".join(f"{axis}={label}" for axis, label in labels)
        or address in {label for _, label in labels}
        for labels in points
    )
