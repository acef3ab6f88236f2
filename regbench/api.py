"""The whole of regbench as functions: what the command line does, for notebooks and scripts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from regbench.analysis import gate
from regbench.analysis.by_seed import BySeed
from regbench.analysis.cell_gap import CellGap
from regbench.analysis.claims import Outcome, decide
from regbench.analysis.gap import gap_columns, gap_table
from regbench.analysis.gate import GateOutcome, parse_limit
from regbench.config.characters import as_path, as_texts
from regbench.config.claims import Addresses, BadClaim, Claim, Term, require_asked, resolve
from regbench.config.load import load_study, more_claims, study_from_mapping
from regbench.config.messages import did_you_mean
from regbench.config.plan import MODULE, Plan, Run, Study, make_plan
from regbench.config.speaks import Over, one_test_part
from regbench.data import fingerprint, fingerprints, require_same
from regbench.data.given import Given, as_given
from regbench.engine.stacks import require_models_fit
from regbench.errors import BadData, BadStudy, Problem, RegbenchError
from regbench.executors.device import resolve_device
from regbench.executors.drive import RunSummary, run_plan
from regbench.executors.limits import NO_LIMITS, Limits
from regbench.executors.progress import Progress
from regbench.executors.provenance import provenance
from regbench.executors.sites import Where
from regbench.models.own import OwnModule, in_file, in_memory, unnamed
from regbench.report.gap_markdown import gap_markdown
from regbench.results import health
from regbench.results.csv_text import write_csv
from regbench.results.files import there
from regbench.results.frames import read_frame
from regbench.results.health import Health
from regbench.results.merge import merged
from regbench.results.planned import read_judged, recorded_plan, recorded_study
from regbench.results.runs import Runs
from regbench.results.saved import read_predictions, read_weights
from regbench.results.sealed import Arrays
from regbench.results.store import Store
from regbench.results.tables import judged_runs

if TYPE_CHECKING:
    import pandas as pd

    from regbench.data.table import Split


@dataclass(frozen=True)
class Results:
    """A study's results folder.

    Attributes:
        folder: where the files lie.
        rows: runs.csv as typed rows.
        summary: how the command went; None where results were only read.
        claims: the study's claims and how they were decided.
        gates: limits on every cell and how they were decided.
        interval: what intervals and decisions speak of: other seeds, or other rows.
        given: the data that a caller gave, held so that `data` finds them.
        warnings: what was found damaged and set aside.
        missing: planned runs that no shard holds, after `merge`.
    """

    folder: Path
    rows: Runs = field(repr=False)
    summary: RunSummary | None = None
    claims: tuple[Outcome, ...] = ()
    warnings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    gates: tuple[GateOutcome, ...] = ()
    interval: Over = "seeds"
    given: Given | None = field(default=None, repr=False)

    @cached_property
    def table(self) -> list[CellGap]:
        """The gap table, one object a cell."""
        return gap_table(self.rows, over=self.interval)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """runs.csv, one row a run."""
        return read_frame(self.folder, "runs.csv")

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """epochs.csv, one row a run and epoch."""
        return read_frame(self.folder, "epochs.csv")

    @cached_property
    def gap(self) -> pd.DataFrame:
        """gap.csv, one row a cell."""
        return read_frame(self.folder, "gap.csv")

    @cached_property
    def study(self) -> Study:
        """The study as the folder holds it."""
        return recorded_study(self.folder)

    @cached_property
    def _plan(self) -> Plan:
        return recorded_plan(self.folder)

    def weights(self, run_id: str) -> Arrays:
        """A run's weights at its reading, shaped as PyTorch's layers hold them.

        Raises:
            BadData: there is no such run, or its study did not ask for them
                (`training.save_weights`).
        """
        if run_id not in [row.run_id for row in self.rows.rows]:
            raise BadData(f"{self.folder}: has no run {run_id!r}")
        weights = read_weights(self.folder, run_id)
        if weights is None:
            raise BadData(
                f"{self.folder}: run {run_id} has no weights: training.save_weights keeps them"
            )
        return weights

    def predictions(self, cell: str, seed: int) -> pd.DataFrame:
        """What a run predicts for the rows of its parts, at its reading.

        Returns:
            `row` (the number of the row in the data, from 0), `part`, `target` (as the data have
            it), `prediction` (a class, or a number in the target's units) and, of classes,
            `probability_<class>`; in the order of the rows.
        Raises:
            BadStudy: there is no such run.
            BadData: its study did not ask for predictions (`training.save_predictions`), or its
                data cannot be read, or are no longer what it was trained on.
        """
        import pandas as pd

        from regbench.data import fitted
        from regbench.exports.predictions import part_predictions

        run = _chosen(self._plan, cell, seed)
        arrays = read_predictions(self.folder, run.run_id)
        if arrays is None:
            status = next((r.status for r in self.rows.rows if r.run_id == run.run_id), "ok")
            why = "training.save_predictions keeps them" if status == "ok" else f"it {status}"
            raise BadData(f"{self.folder}: run {run.run_id} has no predictions: {why}")
        block = run.cell.setting.dataset
        known = fitted(block, seed, self._plan.study.folder, run.data)
        columns = part_predictions(arrays, known)
        return pd.DataFrame(columns).sort_values("row", ignore_index=True)

    def data(self, cell: str, seed: int) -> Split:
        """The data as this run sees them: split, encoded, scaled, with label noise.

        Raises:
            BadData: there is no such cell, or its data cannot be read, or are no longer what it was
                trained on.
            BadStudy: the seed is none.
        """
        from regbench.data import load

        plan = self._plan
        datasets = {each.name: each.setting.dataset for each in plan.study.cells}
        if not isinstance(cell, str) or cell not in datasets:
            raise BadData(f"{self.folder}: has no cell {cell!r}{did_you_mean(cell, datasets)}")
        if not isinstance(seed, int) or seed < 0:
            raise BadStudy(f"a seed is a whole number from 0, not {seed!r}")
        dataset = datasets[cell]
        return load(dataset, seed, plan.study.folder, plan.data[dataset.origin])

    def export(self, out: Path | str, cell: str | None = None, seed: int | None = None) -> Path:
        """Write a run's model into a folder of its own, see `export`."""
        return export(self.folder, out, cell=cell, seed=seed)


def run(
    study: Study | Mapping[str, Any] | Path | str,
    *,
    overrides: Sequence[str] = (),
    seeds: str | int | Sequence[int] | None = None,
    out: Path | str | None = None,
    device: str | None = None,
    workers: int | None = 1,
    executor: str = "local",
    address: str | None = None,
    limits: Limits = NO_LIMITS,
    overwrite: bool = False,
    progress: Progress | None = None,
    data: Any = None,
    model: Callable[..., Any] | str | None = None,
    model_id: str | None = None,
) -> Results:
    """Train what a study asks for and is not done yet, write its tables, decide its claims.

    Args:
        study: a study file's path, its content as a mapping, or a loaded study.
        overrides: `key=value` texts that set the file's base.
        seeds: how many, or which: 5, [0, 3, 7], or as on the command line `0,3,7`.
        out: the results folder; `results/<study>` by default.
        device: instead of the study's `training.device`.
        workers: processes that train, which do not run the caller's script again; None takes one a
            core where that is worth it. Where none starts, this process trains and a warning says
            so.
        executor: `local` or `ray`, see docs/scaling.md.
        address: of the Ray cluster: auto, host:port or ray://host:port; None takes the one that
            Ray knows of here, or starts one on this machine.
        limits: a shard of the plan, when to stop before its end, whether to try failed runs again.
        overwrite: remove what regbench has written to the folder before.
        progress: a display that is told what happens.
        data: what to train on, instead of what the study names: a DataFrame, which is read as a
            file would be; arrays (x, y); or a mapping of train, val and test to such arrays. The
            study's `dataset` then needs no name: `{target: y, task: regression}`, of arrays the
            task alone.
        model: of a study whose model is `module`, the function that makes the torch.nn.Module of
            an example's shape, the number of outputs and the study's keywords; or `net.py:make`.
        model_id: what a function is known by that stands in no file, as in a notebook: change it
            when you change the function. Such a model trains in this process.
    Raises:
        BadStudy, BadData, FolderInUse, Unwritable, AnswerIsNo, TimeIsUp: see regbench.errors.
    """
    given = None if data is None else as_given(data)
    block = None if given is None else given.block
    if isinstance(study, str | os.PathLike):
        study = load_study(study, overrides, seeds=seeds, given=block)
    elif not isinstance(study, Study):
        study = study_from_mapping(study, overrides, seeds=seeds, given=block)
    elif given is not None:
        raise BadStudy("data go with a file or a mapping: this study is read already")
    elif overrides or seeds is not None:
        raise BadStudy(
            "overrides and seeds go with a file or a mapping: this study is read already"
        )
    folder = as_path(out) if out is not None else Path("results") / study.name
    require_models_fit(study.cells, study.folder, study.source)
    own = _own_module(study, model, model_id)
    known = fingerprints(study) | ({} if own is None else {MODULE: own.identity})
    plan = make_plan(study, known)
    if own is not None and own.maker is not None:
        workers = 1  # it stands in this process only
    if not isinstance(limits, Limits):
        raise BadStudy(f"limits: expected Limits, not {limits!r}")
    where = Where(executor, address, device, workers)
    asked = device or study.base.training.device
    # A refusal now leaves no folder behind.
    if executor == "local" and asked != "auto" and not os.path.exists(folder):
        resolve_device(asked)
    with Store.open(folder, plan, overwrite=overwrite) as store:
        try:
            summary = run_plan(plan, store, where=where, limits=limits, progress=progress)
        except BaseException:
            with suppress(RegbenchError):  # what went wrong first is what counts
                if there(folder / "runs.csv"):
                    _write_gap(store, plan)
            raise
        rows = _write_gap(store, plan)
        if summary.trained:
            store.add_provenance(provenance(summary, study.folder))
        warnings = tuple(store.warnings)
    # A shard has not all the runs that a claim speaks of: `merge` decides it.
    claims = () if limits.shard else _decided(study.claims, study, rows, study.interval)
    return Results(folder, rows, summary, claims, warnings, interval=study.interval, given=given)


def _own_module(
    study: Study, model: Callable[..., Any] | str | None, model_id: str | None
) -> OwnModule | None:
    """The user's own module, where the study asks for one."""
    if model is None:
        if study.has_module:
            raise unnamed(study.source)
        return None
    if not study.has_module:
        other = study.base.model.name
        message = f"is {other}: --model goes with model: {{name: module}}"
        raise BadStudy(Problem(message, study.source, key="model.name"))
    return in_file(model) if isinstance(model, str) else in_memory(model, model_id)


def _same_module(
    model: Callable[..., Any] | str | None, model_id: str | None, identity: str, asked: bool
) -> OwnModule | None:
    """The user's own module again, where a run's model is one."""
    if model is None:
        if asked:
            raise unnamed()
        return None
    if not asked:
        raise BadStudy("--model goes with a run whose model is a module of your own")
    own = in_file(model) if isinstance(model, str) else in_memory(model, model_id)
    if own.identity != identity:
        raise BadData(f"--model {own.name}: is not the module that was trained, or it has changed")
    return own


def merge(folders: Sequence[Path | str], out: Path | str, *, overwrite: bool = False) -> Results:
    """Bring the shards of one study together, write the tables, decide the claims.

    Raises:
        BadData: a folder holds no results, or another study's, or runs that another one holds too.
        FolderInUse, Unwritable: see regbench.errors.
    """
    out = as_path(out)
    if isinstance(folders, str | os.PathLike) or not isinstance(folders, Iterable):
        folders = [folders]
    with merged([as_path(folder) for folder in folders], out, overwrite=overwrite) as shards:
        study = shards.plan.study
        shards.store.write_tables(shards.plan)
        rows = _write_gap(shards.store, shards.plan)
        warnings = tuple(shards.store.warnings)
    claims = () if shards.missing else _decided(study.claims, study, rows, study.interval)
    return Results(out, rows, None, claims, warnings, shards.missing, interval=study.interval)


def check(
    folder: Path | str,
    *,
    expect: Sequence[str] = (),
    limits: Sequence[str] = (),
    interval: Over | None = None,
    on_value: bool = False,
) -> Results:
    """Decide a results folder's claims again, and more of them.

    Args:
        expect: claims besides the study's own.
        limits: `metric:number` texts: no cell's metric may lie above (`val_acc:>=0.9`: below).
        interval: what decisions speak of, instead of the study's.
        on_value: a limit judges a cell with a single run by its bare value.
    Raises:
        BadStudy: a claim cannot be understood, or there is no interval over rows.
        BadData: the folder holds no results.
    """
    folder = as_path(folder)
    study = recorded_study(folder)
    rows, over = read_judged(folder, interval)
    claims = [*study.claims, *more_claims(study, expect)]
    by_seed = BySeed(rows, over)
    bounds = limits_of(study, limits)
    asked = [name for claim in claims for name in claim.metrics]
    asked += [limit.metric for limit in bounds]
    if why := one_test_part(asked, rows.one_test):
        raise BadStudy(f"--interval: {why}")
    return Results(
        folder,
        rows,
        claims=_decided(claims, study, rows, over),
        gates=tuple(_limited(limit, by_seed, on_value) for limit in bounds),
        interval=over,
    )


def limits_of(study: Study, texts: Sequence[str]) -> list[gate.Limit]:
    """The limits that `--max` gives, each on a metric that every cell has.

    Raises:
        BadStudy: with every problem.
    """
    known, found = Addresses(study.cells), []
    problems: list[Problem] = []
    for text in dict.fromkeys(as_texts(texts, "limits")):
        try:
            limit = parse_limit(text)
            for cell in study.cells:
                claim = Claim(text, Term(limit.metric, cell.name), "<=", limit.bound)
                require_asked(claim, study.metrics)
                resolve(claim, known)
            found.append(limit)
        except BadStudy as error:
            problems += error.problems
        except BadClaim as error:
            problems.append(Problem(f"{error} (in {text!r})", "--max"))
    if problems:
        raise BadStudy(*problems)
    return found


def _limited(limit: gate.Limit, by_seed: BySeed, on_value: bool) -> GateOutcome:
    return gate.decide(
        limit,
        by_seed.cells,
        limit.excess(by_seed[limit.metric]),
        incomplete=by_seed.incomplete(limit.metric),
        on_value=on_value,
        ratio=by_seed.ratio(limit.metric),
    )


def examine(folder: Path | str) -> Health:
    """Read all that a results folder has committed, and compare its tables and its data with it.

    Raises:
        BadData: the folder holds no results, or the disk does not give them.
    """
    folder = as_path(folder)
    found = _with_data(health.examine(folder), recorded_plan(folder))
    if "runs.csv" in found.stale:
        return replace(found, stale=(*found.stale, "gap.csv", "gap.md"))
    gap = _gap_files(recorded_plan(folder).study, read_judged(folder)[0])
    stale = [name for name, content in gap.items() if not health.holds(folder / name, content)]
    return replace(found, stale=(*found.stale, *stale))


def _with_data(found: Health, plan: Plan) -> Health:
    """What is also said of the data: whether they are there, and still what was trained on."""
    changed, absent = [], []
    for origin, block in plan.study.datasets.items():
        try:
            now = fingerprint(block, plan.study.folder)
        except BadData as error:
            absent.append(str(error))
            continue
        try:
            require_same(block, now, plan.data[origin])
        except BadData as error:
            changed.append(str(error))
    return replace(found, changed=tuple(changed), absent=tuple(absent))


def rebuild(folder: Path | str) -> Health:
    """Set damaged stacks aside, and make all tables anew from those that are whole.

    Returns:
        the state that it was in before.
    Raises:
        BadData: the folder holds no results, or the disk does not give them.
        FolderInUse, Unwritable: see regbench.errors.
    """
    folder = as_path(folder)
    plan = recorded_plan(folder)
    with Store.open(folder, plan) as store:
        found = _with_data(health.examine(folder), plan)
        store.write_tables(plan)
        _write_gap(store, plan)
        return replace(found, damaged=tuple(store.warnings))


def _write_gap(store: Store, plan: Plan) -> Runs:
    """Write gap.csv and gap.md of what runs.csv holds, and give that."""
    rows = judged_runs(plan, store.records())
    for file, content in _gap_files(plan.study, rows).items():
        store.write_file(file, content)
    return rows


def _gap_files(study: Study, rows: Runs) -> dict[str, bytes]:
    table = gap_table(rows, over=study.interval)
    return {
        "gap.csv": write_csv(*gap_columns(rows, table)),
        "gap.md": gap_markdown(study.name, rows, table).encode(),
    }


def _decided(claims: Sequence[Claim], study: Study, rows: Runs, over: Over) -> tuple[Outcome, ...]:
    by_seed, cells = BySeed(rows, over), Addresses(study.cells)
    return tuple(decide(claim, cells, by_seed) for claim in claims)


def read(folder: Path | str, *, data: Any = None) -> Results:
    """The results that a folder holds.

    Args:
        data: what was given to `run`, for what needs it again.
    Raises:
        BadData: it holds none, or they are malformed.
    """
    folder = as_path(folder)
    rows, over = read_judged(folder)
    given = None if data is None else as_given(data)
    return Results(folder, rows, interval=over, given=given)


def export(
    folder: Path | str,
    out: Path | str,
    *,
    cell: str | None = None,
    seed: int | None = None,
    model: Callable[..., Any] | str | None = None,
    model_id: str | None = None,
) -> Path:
    """Write a run's model into a folder of its own: weights, preprocessing, how it is used.

    Args:
        folder: a results folder.
        out: the folder to write.
        cell, seed: which run; may be left out where there is one only.
        model, model_id: your own module as `run` was given it, where the run's model is one.
    Returns:
        the folder that was written.
    Raises:
        BadStudy: there is no such run, its weights were not saved, or `out` holds something else.
        BadData: the run has no model, or its data are no longer those that it was trained on.
        Unwritable: see regbench.errors.
    """
    from regbench.exports.model import export_run

    folder, out = as_path(folder), as_path(out)
    plan = recorded_plan(folder)
    found = _chosen(plan, cell, seed)
    status = next((r.status for r in read(folder).rows.rows if r.run_id == found.run_id), None)
    if status is None:
        raise BadData(f"{folder}: run {found.run_id} is not done: run the study to its end")
    own = _same_module(model, model_id, found.module, found.cell.setting.model.name == "module")
    export_run(folder, plan, found, status, out, own)
    return out


def _chosen(plan: Plan, cell: str | None, seed: int | None) -> Run:
    """The run that a cell and a seed name."""
    cells = list(dict.fromkeys(run.cell.name for run in plan.runs))
    if cell is None and len(cells) > 1:
        some = ", ".join(cells[:10])
        raise BadStudy(f"cell: the study has {len(cells)}: name one of {some}")
    if cell is not None and cell not in cells:
        hint = did_you_mean(cell, cells) or f"; it has {', '.join(cells[:10])}"
        raise BadStudy(f"cell: the study has no cell {cell!r}{hint}")
    runs = {run.seed: run for run in plan.runs if run.cell.name == (cell or cells[0])}
    some = ", ".join(map(str, list(runs)[:10]))
    if seed is None and len(runs) > 1:
        raise BadStudy(f"seed: the study has {len(runs)}: name one of {some}")
    if seed is not None and (not isinstance(seed, Integral) or int(seed) not in runs):
        raise BadStudy(f"seed: the study has no seed {seed!r}; it has {some}")
    return runs[next(iter(runs)) if seed is None else int(seed)]


def predict(
    model: Path | str,
    data: Path | str,
    *,
    overrides: Sequence[str] = (),
    module: Callable[..., Any] | str | None = None,
    model_id: str | None = None,
) -> pd.DataFrame:
    """Predictions of a model that `export` wrote, for the rows of a table.

    Args:
        model: the folder.
        data: a CSV or Parquet file, or a DataFrame, with the columns that the model was trained on;
            or x, an array (n, ...) or an npz file that holds one, with as many.
        overrides: `key=value` texts, where this file is written otherwise than the model's data:
            `decimal=,`.
        module, model_id: your own module as `run` was given it, where the model is one.
    Returns:
        a row a row: `prediction` (a class, or a number in the target's units) and, of classes,
        `probability_<class>`; `attrs["notes"]` says what should be known of the table.
    Raises:
        BadStudy: an override is none.
        BadData: the model or the table cannot be understood.
    """
    import pandas as pd

    from regbench.data.files.folders import ENDINGS
    from regbench.data.files.npz import array_in
    from regbench.data.files.rows import read_rows, rows_of_array, rows_of_file
    from regbench.data.given import FramePass, frame_columns
    from regbench.exports.model import read_exported
    from regbench.exports.predict import predicted
    from regbench.exports.predictions import named_predictions

    exported = read_exported(as_path(model))
    made, known = exported.preprocessing, exported.architecture.module
    own = _same_module(module, model_id, known.identity if known else "", known is not None)
    unused = (made.target.name, *made.unused)
    if isinstance(data, pd.DataFrame):
        names, cells = frame_columns(data)
        frame_block = made.block(None, overrides)
        rows = read_rows(
            frame_block, lambda p: FramePass(names, cells, p), made.known, unused, "row"
        )
    elif isinstance(data, str | os.PathLike):
        path = as_path(data)
        is_array = path.suffix.lower() == ".npz"
        if made.example and (path.is_dir() or path.suffix.lower() in ENDINGS):
            raise BadData(
                f"{path}: expected images as an array: an npz file that holds x (n, "
                f"{', '.join(map(str, made.example))})"
            )
        block = made.block(None if is_array else path, overrides)
        if is_array:
            rows = rows_of_array(str(path), array_in(path), made.known, made.example, made.layout)
        else:
            rows = rows_of_file(block, Path(), made.known, unused)
    else:
        rows = rows_of_array("data", data, made.known, made.example, made.layout)
    frame = pd.DataFrame(named_predictions(predicted(exported, rows.values, own), made.classes))
    frame.attrs["notes"] = rows.notes
    return frame
