"""What a table tells of one data set: the gap, what moves it, and the best cell. No words yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from regbench.analysis.cell_gap import COLLAPSED, NO_SIGNAL, CellGap, learned, least_val_loss
from regbench.analysis.decides import ALPHA, t_quantile
from regbench.analysis.families import Family, Member, families
from regbench.vocabulary.words import counted

_POWER = 0.8


@dataclass(frozen=True)
class Move:
    """A family of regularizers, and the cell of it that a sentence names.

    Attributes:
        name: how the cell differs from its baseline; where its family has others, with the family,
            unless that can be read off: `heavy (l2)`, `l2=0.1`.
        cell: of those that move the gap this way, the one that moves it most.
        family: all of them: `l2 (3 cells)`; of one cell its name.
    """

    name: str
    cell: CellGap
    family: str


@dataclass(frozen=True)
class Story:
    """Of the cells of one data set, task and noise: those of the baseline with the largest gap.

    Attributes:
        label: what tells the data set from others; empty where there is one.
        rows: its cells with numbers, those left out whose runs diverged.
        baseline: with no regularizer; None where nothing can be compared with one.
        baselines: how many there are.
        families: those of the baseline.
        tests: how many families share alpha in the whole table.
    """

    label: str
    rows: Sequence[CellGap]
    baseline: CellGap | None
    baselines: int
    families: Sequence[Family]
    tests: int

    @cached_property
    def _by_cell(self) -> dict[str, CellGap]:
        return {row.cell: row for row in self.rows}

    @property
    def overfits(self) -> bool:
        """Whether the baseline's gap is shown to lie above 0: else there is none to narrow."""
        return self.baseline is not None and self.baseline.gap.above

    @cached_property
    def narrowing(self) -> list[Move]:
        """Families with a cell that narrows the gap and has learned something."""
        return self._moves(lambda row: row.narrows and not row.is_hollow)

    @cached_property
    def hollow(self) -> list[Move]:
        """Families with a cell whose gap is narrow because nothing is shown to be learned."""
        return self._moves(lambda row: row.narrows and row.is_hollow)

    @cached_property
    def lowering(self) -> list[Move]:
        """Families with a cell that lowers the gap without bringing it nearer to 0."""
        return self._moves(lambda row: row.gap_delta.side < 0 and not row.narrows)

    @cached_property
    def raising(self) -> list[Move]:
        """Families with a cell that raises the gap."""
        return self._moves(lambda row: row.gap_delta.side > 0, most=1)

    @cached_property
    def undecided(self) -> list[Move]:
        """Families without a cell that is shown to change the gap."""
        decided = [*self.narrowing, *self.hollow, *self.lowering, *self.raising]
        known = {move.family for move in decided}
        return [move for move in self._moves(lambda _: True) if move.family not in known]

    def _moves(self, of: Callable[[CellGap], bool], most: int = -1) -> list[Move]:
        found = []
        for family in self.families:
            cells = [self._by_cell[cell] for cell in family.cells if cell in self._by_cell]
            moved = [row for row in cells if of(row) and row.gap_delta.interval.mean is not None]
            if moved and self.baseline is not None:
                row = max(moved, key=lambda row: most * _moved(row))
                short, kinds = short_name(row, self.baseline), "+".join(family.kinds)
                if len(family.cells) == 1:
                    found.append(Move(short, row, short))
                    continue
                plain = all(kind in short for kind in family.kinds)
                whole = f"{kinds} ({counted(len(family.cells), 'cell')})"
                found.append(Move(short if plain else f"{short} ({kinds})", row, whole))
        return sorted(found, key=lambda move: -most * _moved(move.cell))

    @cached_property
    def best(self) -> CellGap | None:
        """The cell of least mean validation loss that has not collapsed, unless all have."""
        return least_val_loss(self.learned)

    @cached_property
    def collapsed(self) -> list[CellGap]:
        """The cells that say the same of every row."""
        return [row for row in self.rows if row.verdict == COLLAPSED]

    @cached_property
    def learned(self) -> Sequence[CellGap]:
        """The cells that have not collapsed; all, where all have."""
        return learned(self.rows) or self.rows

    @property
    def passes_over(self) -> bool:
        """Whether a cell that has collapsed has less validation loss than the best."""
        return least_val_loss([*self.learned, *self.rows]) is not self.best

    @property
    def without_signal(self) -> bool:
        """Whether no cell is shown to be better than the constant prediction."""
        return bool(self.rows) and all(row.verdict in NO_SIGNAL for row in self.rows)

    @property
    def detectable(self) -> tuple[float, Move] | None:
        """The least change that one of the undecided would show with 80% power, and which."""
        shares = {cell: family.shares for family in self.families for cell in family.cells}
        found = []
        for move in self.undecided:
            delta = move.cell.gap_delta
            least, freedom = delta.min_detectable, delta.interval.n - 1
            if not least or freedom < 1:
                continue
            level = 1 - ALPHA / 2 / (self.tests * shares[move.cell.cell])
            power = t_quantile(_POWER, freedom)
            multiple = t_quantile(level, freedom) + power
            least *= multiple / (t_quantile(1 - ALPHA / 2, freedom) + power)
            found.append((least, move))
        return min(found, key=lambda each: each[0], default=None)


def _moved(row: CellGap) -> float:
    return row.gap_delta.interval.mean or 0.0


def stories(table: Sequence[CellGap]) -> list[Story]:
    """One for each data set, task and noise that has numbers, in the table's order."""
    members = [Member(row.cell, row.regularizer, row.settings) for row in table]
    tests = families(members)
    groups: dict[object, list[CellGap]] = {}
    for row in table:
        groups.setdefault(row.data, []).append(row)
    found = []
    for group in groups.values():
        sound = [r for r in group if not r.is_lost and r.gap.mean is not None]
        if sound:
            label = ", ".join(f"{key}={value}" for key, value in sound[0].data)
            found.append(_story(label if len(groups) > 1 else "", sound, tests))
    return found


def _story(label: str, rows: Sequence[CellGap], tests: Sequence[Family]) -> Story:
    names = {row.baseline for row in rows if row.gap_delta.interval.mean is not None}
    baselines = [row for row in rows if row.cell in names]
    baseline = max(baselines, key=lambda row: row.gap.mean or 0.0, default=None)
    own = [f for f in tests if baseline is not None and f.baseline == baseline.cell]
    return Story(label, rows, baseline, len(baselines), own, len(tests))


def short_name(row: CellGap, baseline: CellGap) -> str:
    """The labels in which a cell differs from its baseline, without their keys.

    "lr=0.1, regularizer=l2" beside "lr=0.1, regularizer=none" is "l2".
    """
    parts, others = row.cell.split(", "), set(baseline.cell.split(", "))
    own = [part for part in parts if part not in others]
    if len(own) == len(parts):  # one axis: the label is the name
        return row.cell
    return ", ".join(part.partition("=")[2] or part for part in own)
