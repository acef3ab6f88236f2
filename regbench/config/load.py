"""From a study's text to a `Study`, or to all of its problems at once."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import lcm
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from regbench.config.blocks.datasets import DatasetConfig
from regbench.config.blocks.kinds import Block
from regbench.config.bounds import MAX_RUNS
from regbench.config.cell import Cell
from regbench.config.characters import as_path, as_texts, forbidden_character
from regbench.config.claims import (
    Addresses,
    BadClaim,
    Claim,
    parse_claim,
    require_asked,
    resolve,
)
from regbench.config.crosschecks import contradictions, decays_nothing, doubts, incomplete
from regbench.config.grid_text import BadAxis, parse_axis
from regbench.config.identity import BLOCKS, EXECUTION
from regbench.config.messages import (
    did_you_mean,
    mistakes,
    shown,
)
from regbench.config.plain import plain
from regbench.config.plan import Study
from regbench.config.schema import TOP_LEVEL, Setting, StudyFile
from regbench.config.speaks import Over, one_test_part, usual, why_no_rows
from regbench.config.sweep import Axis, Choice, Grid, count, expand, read_grids, set_key
from regbench.config.yaml_nodes import MAX_BYTES
from regbench.config.yaml_text import Document, parse_yaml
from regbench.errors import BadStudy, Problem, one_line
from regbench.vocabulary.metrics import METRICS, OF_EVERY_STUDY

__all__ = ["MAX_RUNS", "load_study", "more_claims", "parse_study", "study_from_mapping"]


_KEYS = tuple(StudyFile.model_fields)
_OPTIONS = ("-s", "-g", "--seeds")
_EXECUTION_KEYS = tuple(f"training.{key}" for key in EXECUTION)
_MAX_LABEL = 200
_SEEDS = 5
# Nobody reads on, and a hostile file has no end of them.
_MAX_PROBLEMS = 100
_NO_AXES = ("name", "seeds", "expect", "metrics", "interval", "sweep", "schema_version")
# What a folder may be called on every system.
_MAX_NAME_BYTES = 200
_NAME = re.compile(r"[^\W_][\w .+=,()-]{0,99}")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d) *(\..*)?|reference")

KeyPath = tuple[str | int, ...]
Seeds = str | int | Sequence[int] | None


def load_study(
    path: Path | str,
    overrides: Sequence[str] = (),
    *,
    axes: Sequence[str] = (),
    seeds: Seeds = None,
    max_runs: int = MAX_RUNS,
    given: Mapping[str, Any] | None = None,
) -> Study:
    """Read a study file.

    Args:
        overrides: `key=value` texts that set the base, values parsed as in the file.
        axes: `key=value,value` texts (see `grid_text`) that add axes to the sweep, or replace one.
        seeds: how many, or which (a list, or `0,3,7`), instead of the file's.
        max_runs: a larger plan is refused before anything is enumerated.
        given: keys of the dataset block that data given from Python bring.
    Raises:
        BadStudy: with every problem of the file and the overrides.
    """
    path = as_path(path)
    try:
        # A pipe that nobody writes to is empty, and does not hold the command up.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        os.set_blocking(descriptor, True)
        with open(descriptor, "rb") as file:
            content = file.read(MAX_BYTES + 1)  # it may be a device, which has no end
        if len(content) > MAX_BYTES:
            raise BadStudy(Problem(f"is larger than {MAX_BYTES >> 20} MiB", str(path)))
        text = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise BadStudy(Problem(f"is not UTF-8 (byte {error.start})", str(path))) from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise BadStudy(Problem(f"cannot be read: {reason}", str(path))) from error
    return parse_study(
        text,
        source=str(path),
        folder=path.parent,
        name=path.stem,
        overrides=overrides,
        axes=axes,
        seeds=seeds,
        max_runs=max_runs,
        given=given,
    )


def study_from_mapping(
    values: Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    seeds: Seeds = None,
    folder: Path = Path(),
    max_runs: int = MAX_RUNS,
    given: Mapping[str, Any] | None = None,
) -> Study:
    """A study from plain values, as a file would hold them; NumPy's numbers and arrays, tuples and
    ranges count as plain, too.

    Args:
        overrides, seeds, given: as in `load_study`.
        folder: what CSV paths are relative to.
        max_runs: a larger plan is refused before anything is enumerated.
    Raises:
        BadStudy: with every problem.

    >>> study = study_from_mapping({"dataset": "iris", "sweep": {"regularizer": ["none", "l2"]}})
    >>> [cell.name for cell in study.cells], study.seeds
    (['none', 'l2'], (0, 1, 2, 3, 4))
    """
    reader = _Reader(Document(plain(values, "study")), "study", folder, max_runs)
    reader.with_data(given)
    return reader.overridden((), overrides, seeds).read("study")


def more_claims(study: Study, expect: Sequence[str]) -> list[Claim]:
    """Claims about a study besides its own, as in a study file.

    Raises:
        BadStudy: with every problem.

    >>> study = study_from_mapping({"dataset": "iris", "sweep": {"regularizer": ["none", "l2"]}})
    >>> [claim.op for claim in more_claims(study, ["gap_acc[l2] <= 0.1"])]
    ['<=']
    """
    problems: list[Problem] = []
    claims: list[Claim] = []
    known = Addresses(study.cells)
    for text in as_texts(expect, "expect"):
        try:
            claim = parse_claim(text)
        except BadClaim as error:
            problems.append(Problem(f"{error} (column {error.column + 1} of {text!r})", "--expect"))
            continue
        try:
            require_asked(claim, study.metrics)
            resolve(claim, known)
        except BadClaim as error:
            problems.append(Problem(f"{error} (in {claim.text!r})", "--expect"))
        claims.append(claim)
    if problems:
        raise BadStudy(*dict.fromkeys(problems))
    return claims


def parse_study(
    text: str,
    source: str = "study.yaml",
    folder: Path = Path(),
    *,
    name: str = "study",
    overrides: Sequence[str] = (),
    axes: Sequence[str] = (),
    seeds: Seeds = None,
    max_runs: int = MAX_RUNS,
    given: Mapping[str, Any] | None = None,
) -> Study:
    """A study from the text of a file; see `load_study`."""
    reader = _Reader(parse_yaml(text, source), source, folder, max_runs)
    reader.with_data(given)
    return reader.overridden(axes, overrides, seeds).read(name)


@cache
def _validator(key: str) -> TypeAdapter[Any]:
    config = None if key in BLOCKS else ConfigDict(strict=True)  # classes have their own
    return TypeAdapter(TOP_LEVEL[key], config=config)


class _Reader:
    """Reads one document, collecting problems instead of stopping at the first."""

    def __init__(self, document: Document, source: str, folder: Path, max_runs: int) -> None:
        self._document, self._source, self._folder = document, source, folder
        if not isinstance(max_runs, int):
            raise BadStudy(f"max_runs: expected a count, not {max_runs!r}")
        self._max_runs = max_runs
        self._problems: dict[Problem, None] = {}
        self._given: dict[str, str] = {}  # keys from the command line, and by which option
        self._lost = False  # some block is wrong, so cells are missing
        root = document.value
        self._values: dict[str, Any] = dict(root) if isinstance(root, Mapping) else {}
        if not isinstance(root, Mapping):
            what = "is empty" if root is None else f"holds {shown(root)} at the top"
            self._add((), f"{what}: a study is a mapping of keys such as dataset, model, sweep")

    def _add(self, path: KeyPath, message: str, *, key: bool = False, column: int = 0) -> None:
        """Note a problem at a path of the document, or of the override that set it.

        Raises:
            BadStudy: there are enough.
        """
        if len(self._problems) >= _MAX_PROBLEMS:
            more = Problem("there are more problems: correct these first", self._source)
            raise BadStudy(*self._ordered(), more)
        dotted = re.sub(r"^sweep\[\d+\]", "sweep", _dotted(path))  # in a union of grids
        for given, option in self._given.items():
            if dotted == given or dotted.startswith((f"{given}.", f"{given}[")):
                known = {"-g": "sweep.", "--seeds": "seeds"}.get(option, "")
                key_shown = _shown_key(dotted.removeprefix(known))
                self._problems[Problem(message, option, key=key_shown)] = None
                return
        dotted = _dotted(path)
        place = self._document.place(path, key=key)
        line, start = place if place else (None, None)
        if start is not None:
            start += column
        self._problems[Problem(message, self._source, line, start, _shown_key(dotted))] = None

    # --- overrides ---

    def with_data(self, given: Mapping[str, Any] | None) -> None:
        """Set what data given from Python bring; their block needs no name."""
        if given is None:
            return
        dataset = self._values.get("dataset")
        block = {"name": dataset} if isinstance(dataset, str) else dataset
        block = {} if block is None else block
        if not isinstance(block, Mapping):
            return  # what it is instead will be said
        if block.get("name", given["name"]) != given["name"]:
            named = shown(block["name"])
            self._add(("dataset",), f"names {named}, and data are given, too: leave one out")
            return
        self._values["dataset"] = {**block, **given}

    def overridden(self, axes: Sequence[str], overrides: Sequence[str], seeds: Seeds) -> _Reader:
        """The same reader, after what the command line or a caller has set."""
        overrides = as_texts(overrides, "overrides")
        for axis in axes:
            self.axis(axis)
        # Whole blocks before what stands in them, as in a sweep.
        for override in sorted(overrides, key=lambda text: text.partition("=")[0].count(".")):
            self.override(override)
        if isinstance(seeds, str):
            self.override(f"seeds=[{seeds}]" if "," in seeds else f"seeds={seeds}", "--seeds")
        elif seeds is not None:
            self._values |= plain({"seeds": seeds}, "--seeds")
            self._given["seeds"] = "--seeds"
        return self

    def override(self, text: str, option: str = "-s") -> None:
        """Set the base by `key=value`; problems name the option that gave it."""
        key, equals, value = text.partition("=")
        key = key.strip()

        def refuse(message: str) -> None:
            key_shown = "" if option == "--seeds" else _shown_key(key)
            self._problems[Problem(message, option, key=key_shown)] = None

        if not equals or not key:
            self._problems[Problem(f"expected key=value, not {text!r}", option)] = None
            return
        first = key.split(".")[0]
        if first not in _KEYS or ("." in key and first not in BLOCKS):
            refuse(f"unknown key{did_you_mean(first, _KEYS)}")
            return
        if self._is_swept(key):
            refuse("is swept in the study: change the sweep there")
            return
        try:
            parsed = parse_yaml(value, option).value
        except BadStudy as error:
            refuse(error.problems[0].message)
            return
        self._given[key] = option
        set_key(self._values, key, parsed)

    def axis(self, text: str) -> None:
        """Add an axis to every grid of the sweep by `key=value,value`, or replace that key's."""
        try:
            key, values = parse_axis(text)
        except BadAxis as error:
            key = text.partition("=")[0].strip()
            self._problems[Problem(str(error), "-g", key=key if key != text else "")] = None
            return
        if f"sweep.{key}" in self._given:
            self._problems[Problem("is given twice", "-g", key=key)] = None
            return
        self._given[f"sweep.{key}"] = "-g"
        sweep = self._values.get("sweep") or {}
        if isinstance(sweep, list):  # a union of grids: each gets the axis
            self._values["sweep"] = [
                {**grid, key: values} if isinstance(grid, Mapping) else grid for grid in sweep
            ]
        elif isinstance(sweep, Mapping):
            self._values["sweep"] = {**sweep, key: values}

    def _is_swept(self, key: str) -> bool:
        if key in _EXECUTION_KEYS:  # the base's, even where whole training blocks are swept
            return False
        axes = [
            str(axis) for grid in self._raw_grids() if isinstance(grid, Mapping) for axis in grid
        ]
        return any(key == axis or key.startswith(f"{axis}.") for axis in axes)

    def _raw_grids(self) -> list[Any]:
        """The sweep's grids as written, sound or not."""
        sweep = self._values.get("sweep")
        sweep = {} if sweep is None else sweep
        return sweep if isinstance(sweep, list) else [sweep]

    # --- the whole ---

    def read(self, default_name: str) -> Study:
        """The study.

        Raises:
            BadStudy: with all problems, in the order of the file.
        """
        hints = []
        for key in self._values:
            if key not in _KEYS:
                hints.append(did_you_mean(key, _KEYS))
                known = f"; the keys are {', '.join(_KEYS)}"
                self._add((key,), f"unknown key{hints[-1] or known}", key=True)
        name = self._name(default_name)
        seeds = self._seeds()
        self._simple("schema_version")
        expect = self._simple("expect") or ()
        metrics = self._simple("metrics") or ()
        interval: Over | None = self._simple("interval")
        grids = self._grids()
        if did_you_mean("dataset", _KEYS) not in hints:  # else it is there, misspelt
            self._require_dataset()
        base = {block: self._block(block, self._values.get(block), ()) for block in BLOCKS}
        cells = self._cells(grids, len(seeds), metrics)
        folds = {n for cell in cells if (n := cell.setting.dataset.folds) is not None}
        if not seeds:
            seeds = tuple(range(lcm(*folds) if folds else _SEEDS))
            self._bounded(len(cells), len(seeds))
        metrics = self._metrics(metrics, cells)
        datasets = [cell.setting.dataset for cell in cells]
        if interval == "rows":
            self._require_splits(datasets)
        interval = interval or usual(datasets)
        claims = self._claims(expect, cells, metrics)
        if interval == "rows":
            self._require_own_rows(claims, folds)
        # Who reads a folder need not look for folds.
        spoken = {} if interval == "seeds" else {"interval": interval}
        self._fail()
        for block in BLOCKS:  # a block that is only in the sweep
            if base[block] is None:
                base[block] = getattr(cells[0].setting, block)
        return Study(
            name=name,
            folder=self._folder,
            source=self._source,
            base=Setting.model_construct(**base),  # type: ignore[arg-type]
            seeds=seeds,
            cells=cells,
            sweep=self._values.get("sweep") or {},
            expect=expect,
            metrics=metrics,
            given={**self._values, "name": name, **spoken},
            claims=claims,
            interval=interval,
            warnings=_warnings(cells, seeds),
        )

    def _require_own_rows(self, claims: Sequence[Claim], folds: Collection[int]) -> None:
        """Refuse claims over rows on what all seeds have the same rows for."""
        for claim in claims:
            if why := one_test_part(claim.metrics, folds):
                self._add(("expect", self._values["expect"].index(claim.text)), f"interval: {why}")

    def _require_splits(self, datasets: Sequence[DatasetConfig]) -> None:
        """Refuse intervals over rows where all seeds have one split."""
        why = next(filter(None, map(why_no_rows, datasets)), "")
        if why:
            message = f"rows speaks of other rows, and {why}: take seeds, or leave that out"
            self._add(("interval",), message)

    def _fail(self) -> None:
        if self._problems:
            raise BadStudy(*self._ordered())

    def _ordered(self) -> list[Problem]:
        last = float("inf")
        return sorted(
            self._problems,
            key=lambda p: (p.source in _OPTIONS, p.line or last, p.column or last),
        )

    def _name(self, default: str) -> str:
        name = self._values.get("name", default)
        if not isinstance(name, str):
            self._add(("name",), f"expected a text, not {shown(name)}")
            return default
        what = shown(name)
        if "name" not in self._values:
            name = unicodedata.normalize("NFC", name)  # some systems take file names apart
            what = f"there is no name, and the file's stem {what}"
        plain = unicodedata.normalize("NFKC", name)
        bad = not _NAME.fullmatch(name) or _RESERVED.fullmatch(name) or name[-1] in " ."
        if not bad and plain != name:
            # Two names that look alike would be two folders here and one elsewhere.
            self._add(("name",), f"{what} cannot name a results folder: write {shown(plain)}")
        elif bad or len(name.encode()) > _MAX_NAME_BYTES:
            self._add(
                ("name",),
                f"{what} cannot name a results folder: use letters, digits, spaces and -_.+=,() "
                "and begin with a letter or digit ('reference' is reserved)",
            )
        return name

    def _seeds(self) -> tuple[int, ...]:
        """As given; none where the data sets' folds decide."""
        value = self._simple("seeds")
        if value is None:
            return ()
        if isinstance(value, int):
            if value > self._max_runs:
                self._add(
                    ("seeds",), f"{shown(value)} seeds are more than --max-runs ({self._max_runs})"
                )
                return (0,)
            return tuple(range(value))
        twice = [seed for seed, times in Counter(value).items() if times > 1]
        if twice:
            self._add(("seeds",), f"the seed {min(twice)} is given twice")
        return tuple(value)

    def _simple(self, key: str) -> Any:
        """A top-level key that is no block; None where it is missing or wrong."""
        if key not in self._values:
            return None
        return self._validated(key, self._values[key], ())

    def _validated(self, key: str, raw: Any, choices: Sequence[Choice]) -> Any:
        try:
            return _validator(key).validate_python(raw)
        except ValidationError as error:
            for path, is_key, message in mistakes(key, raw, error.errors(include_url=False)):
                origin = self._origin((key, *path), choices, key=is_key)
                self._add(origin, message, key=is_key)
            return None

    def _origin(self, path: KeyPath, choices: Sequence[Choice], *, key: bool = False) -> KeyPath:
        """Where a part of a block was written: in the base, in a choice, or as an axis's key."""
        if ".".join(map(str, path[:2])) in _EXECUTION_KEYS:
            return path
        for choice in sorted(choices, key=lambda choice: "." not in choice.axis):
            axis = tuple(choice.axis.split("."))
            if path == axis and key:
                return choice.path[: choice.path.index(choice.axis) + 1]
            if path[: len(axis)] == axis:
                return (*choice.path, *path[len(axis) :])
        return path

    # --- blocks and cells ---

    def _require_dataset(self) -> None:
        swept = [isinstance(grid, Mapping) and "dataset" in grid for grid in self._raw_grids()]
        given = "dataset" in self._values or (swept and all(swept))
        if isinstance(self._document.value, Mapping) and not given:
            self._add((), "the key 'dataset' is missing: it is the only one that must be given")

    def _block(self, block: str, raw: Any, choices: Sequence[Choice]) -> Block | None:
        if raw is None and block not in self._values and not choices:
            default = StudyFile.model_fields[block].default
            return default if isinstance(default, Block) else None
        result: Block | None = self._validated(block, raw, choices)
        self._lost |= result is None
        return result

    def _grids(self) -> list[Grid]:
        parts = self._raw_grids()
        union = isinstance(self._values.get("sweep"), list)
        sound = True
        for i, part in enumerate(parts):
            sound &= self._check_grid(part, ("sweep", i) if union else ("sweep",))
        if not sound:
            return []
        grids = read_grids(parts if union else parts[0])
        for choice in [choice for grid in grids for axis in grid for choice in axis.choices]:
            self._check_label(choice)
        for axis in (axis for grid in grids for axis in grid):
            self._check_twins(axis)
        return grids

    def _check_label(self, choice: Choice) -> None:
        """A label names cells in tables, in messages and in claims."""
        label, character = choice.label, forbidden_character(choice.label)
        if character is not None:
            self._add(choice.path, f"a label cannot hold {character!r}", key=True)
        elif len(label) > _MAX_LABEL:
            written = choice.path[-1] == label
            hint = "" if written else ": name the values (short: value) instead of listing them"
            message = f"this label has {len(label)} characters, more than {_MAX_LABEL}{hint}"
            self._add(choice.path, message, key=True)
        elif not label:
            self._add(choice.path, "a label cannot be empty", key=True)

    def _check_twins(self, axis: Axis) -> None:
        """Two labels that look alike would make a table, and a claim, that nobody can read."""
        known: dict[str, str] = {}
        for choice in axis.choices:
            first = known.setdefault(unicodedata.normalize("NFKC", choice.label), choice.label)
            if first != choice.label:
                self._add(choice.path, f"this label looks like another, {first!a}", key=True)

    def _check_grid(self, grid: Any, path: KeyPath) -> bool:
        if not isinstance(grid, Mapping):
            what = "a mapping of axes, or a list of such mappings"
            self._add(path, f"expected {what}, not {shown(grid)}")
            return False
        sound = True
        for key, values in grid.items():
            first = str(key).split(".")[0]
            if first in _NO_AXES:
                self._add((*path, key), f"{first} cannot be swept", key=True)
            elif first not in BLOCKS:
                hint = did_you_mean(first, BLOCKS) or f"; an axis begins with {', '.join(BLOCKS)}"
                self._add((*path, key), f"unknown axis{hint}", key=True)
            elif isinstance(values, list | Mapping) and not values:
                self._add((*path, key), "an axis needs at least one value")
            elif execution := list(_execution_keys(key, values)):
                for place in execution:
                    message = "where and how a run is carried out is no axis"
                    self._add((*path, *place), message, key=True)
            else:
                continue
            sound = False
        return sound

    def _cells(self, grids: Sequence[Grid], seeds: int, metrics: Sequence[str]) -> tuple[Cell, ...]:
        if not self._bounded(count(grids), seeds):
            return ()
        base = {block: self._values[block] for block in BLOCKS if block in self._values}
        cells = expand(base, grids, self._block)
        for cell in cells:
            for key, message in contradictions(cell.setting, metrics):
                self._add(self._nearest(key, cell, grids), message)
        return cells

    def _bounded(self, cells: int, seeds: int) -> bool:
        """Whether the plan is no larger than allowed; if not, it is a problem. 0 seeds: unknown."""
        if cells * (seeds or 1) <= self._max_runs:
            return True
        seeds = seeds or _SEEDS
        runs = cells * seeds
        many = [f"{n}" if n < 10**18 else "more than 10^18" for n in (cells, runs)]
        self._add(
            ("sweep",),
            f"{many[0]} cells with {seeds} seeds are {many[1]} runs, more than --max-runs "
            f"({self._max_runs})",
            key=True,
        )
        return False

    def _nearest(self, key: str, cell: Cell, grids: Sequence[Grid]) -> KeyPath:
        """Where the value of a key in a cell was written: in the sweep, or in the base."""
        path = tuple(key.split("."))
        labels = dict(cell.labels)
        for grid in grids:
            if [axis.key for axis in grid] != list(labels):
                continue
            chosen = [c for axis in grid for c in axis.choices if labels[c.axis] == c.label]
            return self._origin(path, chosen)
        return path

    def _metrics(self, asked: Sequence[str], cells: Sequence[Cell]) -> tuple[str, ...]:
        """What is asked for besides what every study has, once each."""
        tasks = {cell.setting.dataset.task for cell in cells}
        for i, name in enumerate(asked):
            task = METRICS[name].task
            if tasks and task is not None and task not in tasks:
                own = [m.name for m in METRICS.values() if m.task in tasks]
                message = f"a {min(tasks)} has no {name}: there are {', '.join(own)}"
                self._add(("metrics", i), message)
        every = [metric.name for metric in OF_EVERY_STUDY]
        return tuple(dict.fromkeys(name for name in asked if name not in every))

    def _claims(
        self, expect: Sequence[str], cells: Sequence[Cell], metrics: Sequence[str]
    ) -> tuple[Claim, ...]:
        claims = []
        known = Addresses(cells)
        for i, text in enumerate(expect):
            try:
                claim = parse_claim(text)
                require_asked(claim, metrics)
                if cells and not self._lost:
                    resolve(claim, known)
                claims.append(claim)
            except BadClaim as error:
                self._add(("expect", i), str(error), column=error.column)
        return tuple(claims)


def _execution_keys(key: str, values: Any) -> Iterator[KeyPath]:
    """Where an axis sets what is no part of a setting, in it or in whole blocks of it.

    >>> list(_execution_keys("training", {"long": {"epochs": 9, "device": "cpu"}}))
    [('training', 'long', 'device')]
    """
    if key in _EXECUTION_KEYS:
        yield (key,)
    if key != "training":
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(values, Mapping | list):
        items = values.items() if isinstance(values, Mapping) else enumerate(values)
    for place, value in items:
        if isinstance(value, Mapping):
            yield from ((key, place, each) for each in value if each in EXECUTION)


def _shown_key(dotted: str) -> str:
    """A key as a message shows it: on one line, cut short."""
    text = one_line(dotted)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _dotted(path: KeyPath) -> str:
    """
    >>> _dotted(("sweep", "regularizer", "l1", "l1", 0))
    'sweep.regularizer.l1.l1[0]'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _warnings(cells: Sequence[Cell], seeds: Sequence[int]) -> tuple[str, ...]:
    settings = [cell.setting for cell in cells]
    found = dict.fromkeys(doubt for setting in settings for doubt in doubts(setting))
    for folds in dict.fromkeys(setting.dataset.folds for setting in settings):
        if folds is not None and (lacking := incomplete(folds, seeds)):
            found[lacking] = None
    if decays_nothing(settings):
        found["adamw decays nothing here: set regularizer.weight_decay"] = None
    return tuple(found)
