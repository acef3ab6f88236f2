"""plan.csv, runs.csv and epochs.csv: derived from committed stacks, in the plan's order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from regbench.config.plan import Plan, Run
from regbench.config.schema import SCHEMA_VERSION
from regbench.results.csv_text import write_csv
from regbench.results.records import RunRecord
from regbench.results.runs import Runs
from regbench.vocabulary.metrics import METRICS, NOISE_ACCURACIES, OF_EVERY_STUDY, Metric

Row = list[object]
Table = tuple[list[str], Iterable[Row]]
_OF_NOISE = ("flip_rate", "wrong_labels")
# What a reading's weights are like, besides their scores.
_OF_WEIGHTS = ("collapsed", "penalty", "weight_norm", "zero_fraction")


def metrics_of(plan: Plan) -> tuple[Metric, ...]:
    """The metrics that every study has: the loss, and accuracy or R^2.

    A study that sweeps over both tasks has both.
    """
    tasks = {cell.setting.dataset.task for cell in plan.study.cells}
    return tuple(metric for metric in OF_EVERY_STUDY if metric.task is None or metric.task in tasks)


def _asked(plan: Plan) -> list[Metric]:
    """Those that this one asks for besides."""
    return [METRICS[name] for name in plan.study.metrics]


def _noisy(plan: Plan) -> bool:
    return any(getattr(cell.setting.dataset, "label_noise", 0) for cell in plan.study.cells)


def csv_files(
    plan: Plan, records: Mapping[str, RunRecord], stacks: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, bytes]]:
    """The names and contents of the CSV files made from committed stacks, one after the other.

    Args:
        records: the runs that are done, by id.
        stacks: the runs of every known stack.
    """
    yield "plan.csv", write_csv(*_plan_table(plan, stacks))
    yield "runs.csv", write_csv(*_runs_table(plan, records))
    yield "epochs.csv", write_csv(*_epochs_table(plan, records))


def judged_runs(plan: Plan, records: Mapping[str, RunRecord]) -> Runs:
    """What runs.csv and its study say, as `planned.read_judged` reads it from their folder."""
    runs = Runs.of(plan.study.name, *_runs_table(plan, records))
    if plan.study.interval == "seeds":
        return runs
    sizes = {run_id: record.sizes for run_id, record in records.items()}
    return replace(runs, sizes=sizes, one_test=plan.study.folded)


def _plan_table(plan: Plan, stacks: Mapping[str, Sequence[str]]) -> Table:
    """Every planned run and the stack that trains it."""
    stack_of = {run: name for name, runs in stacks.items() for run in runs}
    header = ["run_id", "cell", "seed", "stack"]
    rows: list[Row] = [
        [run.run_id, run.cell.name, run.seed, stack_of.get(run.run_id)] for run in plan.runs
    ]
    return header, rows


def _runs_table(plan: Plan, records: Mapping[str, RunRecord]) -> Table:
    """One row a run that is done."""
    extra = [*NOISE_ACCURACIES, *_OF_NOISE] if _noisy(plan) else []
    metrics = [name for metric in metrics_of(plan) for name in metric.columns]
    asked = [name for metric in _asked(plan) for name in metric.columns]
    scored = (*metrics_of(plan), *_asked(plan))
    constants = [metric.constant_column for metric in scored if metric.constant == "column"]
    header = [
        *("schema_version", "study", "run_id", "cell", "regularizer", "seed", "status", "error"),
        *("epochs_run", "best_epoch", "reading_epoch"),
        *metrics,
        *extra,
        *asked,
        *constants,
        *("stopping_regret", *_OF_WEIGHTS),
        *plan.varying,
    ]

    def row(run: Run, record: RunRecord) -> Row:
        cell = run.cell
        return [
            *(SCHEMA_VERSION, plan.study.name, run.run_id, cell.name, cell.regularizer, run.seed),
            *(record.status, record.error),
            *(record.epochs_run, record.best_epoch, record.reading_epoch),
            *(_metric(record, name) for name in metrics),
            *(
                getattr(record, name) if name in _OF_NOISE else record.at_reading(name)
                for name in extra
            ),
            *(_metric(record, name) for name in asked),
            *(record.constant.get(name) for name in constants),
            record.stopping_regret(),
            *(record.at_reading(name) for name in _OF_WEIGHTS),
            *(cell.values[key] for key in plan.varying),
        ]

    return header, (row(run, records[run.run_id]) for run in plan.runs if run.run_id in records)


def _metric(record: RunRecord, name: str) -> float | None:
    """A metric at the reading; gaps are positive where the run overfits."""
    if not name.startswith("gap_"):
        return record.at_reading(name)
    kind = name.removeprefix("gap_")
    train, val = record.at_reading(f"train_{kind}"), record.at_reading(f"val_{kind}")
    return None if train is None or val is None else METRICS[kind].gap(train, val)


def _epochs_table(plan: Plan, records: Mapping[str, RunRecord]) -> Table:
    """One row a run and epoch, from 1 to the run's own stop."""
    scores = [name for metric in metrics_of(plan) for name in metric.columns[:-1]]
    columns = ["lr", "objective", "penalty", *scores]
    if _noisy(plan):
        columns += NOISE_ACCURACIES
    columns += [name for metric in _asked(plan) for name in metric.columns[:-1]]
    header = ["run_id", "cell", "seed", "epoch", *columns]

    def rows() -> Iterator[Row]:
        for run in plan.runs:
            if run.run_id in records:
                yield from _epochs(run, records[run.run_id], columns)

    return header, rows()


def _epochs(run: Run, record: RunRecord, columns: Sequence[str]) -> Iterator[Row]:
    if "epoch" not in record.curves:
        return
    curves = {**record.curves}
    epochs = curves["epoch"].astype(int).tolist()
    none = [None] * len(epochs)
    values = [curves[name].tolist() if name in curves else none for name in columns]
    for epoch, *row in zip(epochs, *values, strict=True):
        yield [run.run_id, run.cell.name, run.seed, epoch, *row]
