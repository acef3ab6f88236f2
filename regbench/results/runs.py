"""runs.csv as typed rows; pandas is not needed for it.

The file may come from elsewhere (a spreadsheet, another program, a torn copy): what is no runs.csv
is refused with its place, and never guessed at.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import isinf, isnan, nan
from operator import itemgetter
from pathlib import Path
from typing import Any

from regbench.config.characters import forbidden_character
from regbench.errors import BadData
from regbench.results.csv_text import as_text, open_csv
from regbench.results.proof import require_as_written
from regbench.vocabulary.metrics import COLUMNS, LOSS, OF_EVERY_STUDY

_FACTS = ("study", "run_id", "cell", "regularizer", "seed", "status", "error")
_EPOCHS = ("epochs_run", "best_epoch", "reading_epoch")
# A study has the scores of its task; one that sweeps over both tasks has both.
_SCORES = tuple(metric.columns for metric in OF_EVERY_STUDY if metric.task)
# The last column before the config keys that vary.
_LAST_METRIC = "zero_fraction"
# In every runs.csv, in this order; other metrics stand among them, anything may stand before.
_ORDER = (*_FACTS, *_EPOCHS, *LOSS.columns, _LAST_METRIC)
_VERSION = "schema_version"
_KNOWN_VERSION = "1"
_STATUSES = ("ok", "diverged", "failed")
_NUMBER = re.compile(r"(?ai)[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?|nan")
_LOOSE = {"_", " "}
_SEED = re.compile(r"[0-9]{1,19}")  # below 2^63


class Numbers(Mapping[str, float]):
    """A row's numbers by column; a hundred thousand rows name their columns once.

    >>> numbers = Numbers({"val_loss": 0, "val_acc": 1}, (0.5, 0.9))
    >>> numbers["val_acc"], numbers
    (0.9, {'val_loss': 0.5, 'val_acc': 0.9})
    """

    __slots__ = ("_at", "_values")

    def __init__(self, at: Mapping[str, int], values: Sequence[float]) -> None:
        self._at, self._values = at, values

    def __getitem__(self, name: str) -> float:
        return self._values[self._at[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._at)

    def __repr__(self) -> str:
        return repr(dict(self))


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run.

    Attributes:
        metrics: every number of the row, epochs included; NaN where the table is empty.
        settings: the config keys that vary, as text.
    """

    run_id: str
    cell: str
    regularizer: str
    seed: int
    status: str
    error: str
    metrics: Mapping[str, float]
    settings: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """Whether the run has numbers."""
        return self.status == "ok"


@dataclass(frozen=True)
class Runs:
    """A study's runs, in plan order.

    Attributes:
        study: its name.
        metrics: the metric columns, in the table's order.
        varying: the config keys that vary.
        sizes: by run id, how many examples each part has; only where intervals over rows are asked
            for, as it is the committed stacks that know (see `planned.read_judged`).
        one_test: the cells all of whose runs have one test part, as folds have; then only, too.
    """

    study: str
    metrics: tuple[str, ...]
    varying: tuple[str, ...]
    rows: tuple[RunRow, ...]
    sizes: Mapping[str, Mapping[str, int]] = field(default_factory=dict, repr=False)
    one_test: frozenset[str] = frozenset()

    @classmethod
    def of(cls, study: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Runs:
        """What `read_runs` gives of the table that these values make, none of it read back."""
        metrics, varying = _parts(header)
        at = {name: i for i, name in enumerate((*_EPOCHS, *metrics))}
        found: list[RunRow] = []
        cell, settings = "", dict[str, str]()
        for row in rows:
            own = dict(zip(header, row, strict=True))
            facts = {name: own[name] for name in _FACTS[1:]}
            values = tuple(nan if own[name] is None else float(own[name]) for name in at)
            if own["cell"] != cell or not found:
                cell, settings = own["cell"], {key: as_text(own[key]) for key in varying}
            found.append(RunRow(**facts, metrics=Numbers(at, values), settings=settings))
        return cls(study if found else "", metrics, varying, tuple(found))


def read_runs(path: Path) -> Runs:
    """The runs of a results folder, or of a runs.csv.

    Of a folder, the table must be as regbench wrote it; a file alone can only be checked for what
    it says. A byte order mark and CRLF line ends are accepted.

    Raises:
        BadData: naming the file, and the line and column in which something is wrong.
    """
    proof = None
    if os.path.isdir(path):  # no error for a name too long
        proof = partial(require_as_written, path, "runs.csv")
        path = path / "runs.csv"
    with open_csv(path, proof) as (header, rows):
        if header[0].startswith("\ufeff"):  # after it, csv takes the first field's quotes for text
            header[0] = header[0].removeprefix("\ufeff").strip('"')
        _check_header(path, header)
        metrics, varying = _parts(header)
        parser = _RowParser(path, header, (*_EPOCHS, *metrics), varying)
        parsed = tuple(parser.row(line, row) for line, row in enumerate(rows, 2))
    _check_cells(path, parsed)
    return Runs(parser.study or "", metrics, varying, parsed)


def _parts(header: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of metrics, and of the config keys that vary."""
    first, last = header.index("reading_epoch") + 1, header.index(_LAST_METRIC) + 1
    return tuple(header[first:last]), tuple(header[last:])


def _check_header(path: Path, header: Sequence[str]) -> None:
    """Refuse columns that are missing, double, nameless, or not where a runs.csv has them."""
    scores = [name for names in _SCORES if not set(names).isdisjoint(header) for name in names]
    for name in (*_ORDER, _VERSION, *(scores or _SCORES[0])):
        if name not in header:
            raise BadData(f"{path}: has no column '{name}': is it a runs.csv?")
    twice = sorted(name for name, times in Counter(header).items() if times > 1)
    if twice:
        raise BadData(f"{path}: has two columns '{twice[0]}'")
    if "" in header:
        raise BadData(f"{path}: column {header.index('') + 1} has no name")
    order = sorted(_ORDER, key=header.index)
    for name, there in zip(_ORDER, order, strict=True):
        if name != there:
            raise BadData(f"{path}: column '{there}' stands where '{name}' belongs")
    first, last = header.index("reading_epoch"), header.index(_LAST_METRIC)
    for name in COLUMNS:
        if name in header and name not in _ORDER and not first < header.index(name) < last:
            raise BadData(f"{path}: column '{name}' stands outside of the metrics")


class _RowParser:
    """Turns rows of text into runs, or says what is wrong with them."""

    def __init__(
        self, path: Path, header: Sequence[str], numbers: Sequence[str], varying: Sequence[str]
    ) -> None:
        self._path, self._numbers, self._varying = path, numbers, varying
        self._at = {name: i for i, name in enumerate(numbers)}
        self._facts = itemgetter(*map(header.index, (_VERSION, *_FACTS)))
        self._number_at = [header.index(name) for name in numbers]
        self._settings_from = len(header) - len(varying)
        # Text that no row before had is looked at; a column of a data set, which a study may
        # sweep, may have lines in its name.
        facts = [i for i, name in enumerate(header) if name in _FACTS]
        swept = range(self._settings_from, len(header))
        self._texts = [(facts, "", dict[str, str]()), (swept, "\n\r\t", dict[str, str]())]
        self._settings: dict[str, str] = {}
        self._check_characters(1, [*header])
        self.study: str | None = None  # as the first row has it

    def row(self, line: int, row: list[str]) -> RunRow:
        """The run of a line."""
        self._check_characters(line, row)
        version, study, run_id, cell, regularizer, seed, status, error = self._facts(row)
        self.study = study if self.study is None else self.study
        if version != _KNOWN_VERSION:
            raise self._wrong(line, _VERSION, f"expected {_KNOWN_VERSION}, not {version!r}")
        for name, text in (("run_id", run_id), ("cell", cell)):
            if not text:
                raise self._wrong(line, name, "is empty")
        if not _SEED.fullmatch(seed):
            raise self._wrong(line, "seed", f"expected a whole number from 0, not {seed!r}")
        if status not in _STATUSES:
            raise self._wrong(line, "status", f"expected {', '.join(_STATUSES)}, not {status!r}")
        metrics = Numbers(self._at, self._values(line, row))
        for name in _EPOCHS:
            epoch = metrics[name]
            if epoch < 0 or isinf(epoch) or epoch % 1 > 0:
                raise self._wrong(line, name, f"expected a whole number from 0, not {epoch!r}")
        if status == "ok" and isnan(metrics["reading_epoch"]):
            raise self._wrong(line, "reading_epoch", "is empty though the status is ok")
        settings = dict(zip(self._varying, row[self._settings_from :], strict=True))
        if settings != self._settings:  # a cell's rows stand together, and share theirs
            self._settings = settings
        return RunRow(run_id, cell, regularizer, int(seed), status, error, metrics, self._settings)

    def _check_characters(self, line: int, row: list[str]) -> None:
        """Refuse what no label can hold: a terminal would act on it. Keep each text once."""
        for columns, allowed, known in self._texts:
            for i in columns:
                text = known.get(row[i])
                if text is None:
                    character = forbidden_character(row[i], allowed)
                    if character is not None:
                        raise BadData(f"{self._path}:{line}: field {i + 1} holds {character!r}")
                    text = known[row[i]] = row[i]
                row[i] = text

    def _values(self, line: int, row: Sequence[str]) -> tuple[float, ...]:
        texts = [row[i] for i in self._number_at]
        together = "".join(texts)
        # float() takes 1_000, blanks and digits of any script, too.
        plain = together.isascii() and together.isprintable() and not _LOOSE & set(together)
        if plain:
            with suppress(ValueError):
                return tuple(float(text) if text else nan for text in texts)
        for name, text in zip(self._numbers, texts, strict=True):
            if text and not _NUMBER.fullmatch(text):
                raise self._wrong(line, name, f"expected a number, not {text!r}")
        raise AssertionError(texts)

    def _wrong(self, line: int, name: str, what: str) -> BadData:
        return BadData(f"{self._path}:{line} {name}: {what}")


def _check_cells(path: Path, rows: Sequence[RunRow]) -> None:
    """Refuse a run that is there twice, and a cell with two settings."""
    lines: dict[tuple[str, int], int] = {}
    settings: dict[str, Mapping[str, str]] = {}
    for line, row in enumerate(rows, 2):
        before = lines.setdefault((row.cell, row.seed), line)
        if before != line:
            raise BadData(
                f"{path}:{line} seed: cell {row.cell!r} has seed {row.seed} in line {before} too"
            )
        first = settings.setdefault(row.cell, row.settings)
        if row.settings != first:
            name = next(name for name in first if row.settings[name] != first[name])
            raise BadData(
                f"{path}:{line} {name}: is {row.settings[name]!r}, where cell {row.cell!r} has "
                f"{first[name]!r} before"
            )
