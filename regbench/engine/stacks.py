"""Which runs train together: a pure function of the plan, never of the machine; no torch here.

Runs stack if their tensors have the same shapes and their steps the same kind of arithmetic; all
else (strengths, rates, learning rates, seeds, first weights) is a number a run. Runs that differ
in readings only (stopping rules, averages) share one trajectory.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from pathlib import Path

from regbench.config.blocks.regularizer import Regularizer
from regbench.config.blocks.training import Training
from regbench.config.cell import Cell
from regbench.config.crosschecks import unfit
from regbench.config.identity import canonical, trajectory_key
from regbench.config.plan import Run
from regbench.config.schema import Setting
from regbench.data import SplitKey, part_counts, shape, split_key
from regbench.engine.member import Member
from regbench.errors import BadStudy, Problem
from regbench.models.architecture import BY_AUTOGRAD, BadModel, architecture
from regbench.models.own import known
from regbench.vocabulary.optimizers import OPTIMIZERS
from regbench.vocabulary.regularizers import KINDS

# How many parameters train side by side. Beyond this a stack of heavy runs gains nothing, and it
# keeps other cores waiting: a run of this size stacks alone.
_PARAMETERS_AT_ONCE = {"cpu": 1 << 19, "cuda": 1 << 26}
# Batched products of up to 40 runs were found to give every run the same bits.
_MOST_RUNS = {"cpu": 40, "cuda": 4096}
# Networks that autograd trains go one after the other: a stack shares no more than its data and its
# draws, and small ones spread over the cores.
_MOST_MODULES = {"cpu": 4, "cuda": 32}
# Fewer runs than twice this train as one stack, more at least as two, so that a second core has
# work: a small stack costs little more a run than one of 40.
_WORTH_A_STACK = {"cpu": 16, "cuda": 4096}


# Numbers of a part, over all splits of a stack on the CPU, that are kept as the network sees them;
# more are made where a batch is read.
MOST_AS_FLOATS = 1 << 23

# How many examples train, validate and test.
Sizes = tuple[int, int, int] | None


@dataclass(frozen=True)
class Cost:
    """What one trajectory takes, estimated.

    Attributes:
        parameters: trained numbers.
        products: multiply-adds of an epoch, training and scoring.
        steps: of an epoch.
        memory_bytes: parameters, gradients, optimizer state and data.
        shared_bytes: data of which all trajectories have one copy.
    """

    parameters: int
    products: int
    steps: int
    memory_bytes: int
    shared_bytes: int


@dataclass(frozen=True)
class Stack:
    """Trajectories that train as one batched computation."""

    stack_id: str
    members: tuple[Member, ...]

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The runs that read them."""
        return tuple(run_id for member in self.members for run_id in member.readings)


def batch_size(training: Training, examples: int) -> int:
    """Examples a step, of so many."""
    asked = training.batch_size
    return examples if asked == "full" else min(asked, examples)


def item_bytes(training: Training) -> int:
    """The size of one number."""
    return 4 if training.dtype == "float32" else 8


def cost(setting: Setting, folder: Path) -> Cost:
    """An estimate from shapes alone; loads no bundled or synthetic data.

    Raises:
        BadData: a CSV file cannot be read.
    """
    data = shape(setting.dataset, folder)
    chain = architecture(setting.model, setting.regularizer, data.example, data.outputs)
    parameters = chain.parameter_count
    # Training passes forward and twice backward over its part, scoring forward over all.
    products = chain.products * data.rows * 3
    steps = ceil(data.rows / batch_size(setting.training, data.rows))
    item = item_bytes(setting.training)
    numbers = data.rows * data.inputs
    own, shared = numbers, 0
    if data.as_bytes:
        own, shared = 0, numbers
    elif setting.dataset.places and numbers > MOST_AS_FLOATS:  # what is made differs by seed
        own, shared = 0, 8 * numbers
    return Cost(parameters, products, steps, item * (parameters * 5 + own), shared)


def require_models_fit(cells: Iterable[Cell], folder: Path, source: str) -> None:
    """Go on if every cell's model and regularizer go with its data.

    Raises:
        BadStudy: a cell's does not.
        BadData: a file cannot be read.
    """
    for cell in cells:
        setting, regularizer = cell.setting, cell.setting.regularizer
        if regularizer.augment is not None or regularizer.cutout:
            found = unfit(regularizer, shape(setting.dataset, folder).example)
            if problems := [Problem(what, source, key=key) for key, what in found]:
                raise BadStudy(*problems)
        if setting.model.name == "cnn":
            data = shape(setting.dataset, folder)
            try:
                architecture(setting.model, setting.regularizer, data.example, data.outputs)
            except BadModel as bad:
                raise BadStudy(Problem(str(bad), source, key=f"model.{bad.key}")) from None


def stack_key(setting: Setting, data: str) -> str:
    """What settings share if they stack, on data of this fingerprint.

    The data's kind and sizes (its noise and its splits are numbers, but for the sizes of parts that
    hang on the seed), the layers, which of the regularizers are on that split stacks, the kind of
    optimizer, and all of `training` but where it happens and the classes' weights.
    """
    dataset = canonical(setting.dataset)
    for number in ("noise", "factor", "label_noise", "split_seed"):
        dataset.pop(number, None)
    model = canonical(setting.model)
    if setting.model.name != "module":  # of which all keys are its user's
        model.pop("init")
    entry = OPTIMIZERS[setting.optimizer.name]
    kind = [entry.kind or entry.name, *(getattr(setting.optimizer, key) for key in entry.splits)]
    training = canonical(setting.training)
    training.pop("class_weight", None)
    saves = (setting.training.save_weights, setting.training.save_predictions)
    on = canonical(setting.regularizer)
    apart = [one.key in on for one in KINDS.values() if one.splits]
    return json.dumps([data, dataset, model, kind, apart, training, saves])


def make_stacks(
    runs: Iterable[Run], folder: Path, *, device: str = "cpu", first: int = 1
) -> list[Stack]:
    """The stacks of these runs, in the order of their first run.

    Args:
        folder: what CSV paths are relative to.
        device: the kind of device, `cpu` or `cuda`.
        first: number of the first stack; ids are `s0001` and on.
    """
    groups: dict[tuple[str, Sizes], dict[tuple[str, int], dict[str, Regularizer]]] = {}
    first_run: dict[tuple[str, int], Run] = {}
    keys: dict[str, tuple[str, str]] = {}
    sizes: dict[SplitKey, Sizes] = {}
    for run in runs:
        setting = run.cell.setting
        if run.cell.name not in keys:
            keys[run.cell.name] = (stack_key(setting, run.data), trajectory_key(setting, run.data))
        kind, trajectory = keys[run.cell.name]
        member = (trajectory, run.seed)
        first_run.setdefault(member, run)
        split = split_key(setting.dataset, run.seed, run.data)
        if split not in sizes:
            sizes[split] = _sizes(setting, run.seed, folder)
        readings = groups.setdefault((kind, sizes[split]), {}).setdefault(member, {})
        readings[run.run_id] = setting.regularizer
    stacks: list[Stack] = []
    for trajectories in groups.values():
        members = [_member(first_run[key], readings) for key, readings in trajectories.items()]
        # On a GPU numbers take long to draw: there the runs that share them, too, are together.
        by_seed = device == "cuda"
        members.sort(key=lambda one: (_acting(one.setting), one.seed if by_seed else 0))
        for part in _split(members, _most(members, folder, device)):
            stacks.append(Stack(f"s{first + len(stacks):04d}", part))
    return stacks


def _sizes(setting: Setting, seed: int, folder: Path) -> Sizes:
    """Examples in each part, where seeds differ in it: those that have the same stack."""
    dataset = setting.dataset
    if dataset.folds is None and dataset.unit != "groups":
        return None
    return part_counts(dataset, folder, seed)


def _member(run: Run, readings: Mapping[str, Regularizer]) -> Member:
    return Member(run.cell.setting, run.seed, readings, run.data, known(run.module))


def _acting(setting: Setting) -> tuple[bool, ...]:
    """Which regularizers act. Runs in which the same ones do stand side by side: a step touches
    the span of rows from the first to the last run in which a regularizer acts.
    """
    regularizer = setting.regularizer
    return tuple(
        getattr(regularizer, name) != field.default
        for name, field in type(regularizer).model_fields.items()
        if name not in KINDS or KINDS[name].acts_on != "reading"
    )


def _most(members: Sequence[Member], folder: Path, device: str) -> int:
    setting = members[0].setting
    if setting.model.name in BY_AUTOGRAD:
        return _MOST_MODULES[device]
    fitting = _PARAMETERS_AT_ONCE[device] // cost(setting, folder).parameters
    shared_out = max(_WORTH_A_STACK[device], ceil(len(members) / 2))
    return min(max(1, fitting), shared_out, _MOST_RUNS[device])


def _split(members: Sequence[Member], most: int) -> list[tuple[Member, ...]]:
    """Parts of nearly equal size, none larger than `most`, an even number of them unless it is one.

    With three parts, one of two cores would wait for the other.

    >>> [len(part) for part in _split([None] * 10, 4)]
    [2, 3, 3, 2]
    """
    parts = ceil(len(members) / most)
    if 1 < parts < len(members):
        parts += parts % 2
    bounds = [round(i * len(members) / parts) for i in range(parts + 1)]
    return [tuple(members[a:b]) for a, b in pairwise(bounds)]
