"""Whether a plan's data can be trained on, found out before the first epoch."""

from __future__ import annotations

import numpy as np

from regbench.config.plan import Plan
from regbench.config.schema import Setting
from regbench.data import Split, SplitKey, class_weights, load, split_key
from regbench.errors import BadData
from regbench.vocabulary.metrics import METRICS

# Splits that are tried before anything is trained; a study of thousands of seeds is not held up.
_SPLITS_CHECKED = 200


def check_data(plan: Plan) -> None:
    """Load every split once before training, so that bad data costs nobody an hour.

    Raises:
        BadData: one cannot be loaded, or leaves a stopping rule or class weights without a meaning.
    """
    seen: set[SplitKey] = set()
    asking: dict[str, list[Setting]] = {}
    for cell in plan.study.cells:
        setting = cell.setting
        if setting.regularizer.early_stopping is not None or setting.training.class_weight:
            asking.setdefault(setting.dataset.model_dump_json(), []).append(setting)
    for run in plan.runs:
        dataset = run.cell.setting.dataset
        key = split_key(dataset, run.seed, run.data)
        if key not in seen and len(seen) < _SPLITS_CHECKED:
            seen.add(key)
            split = load(dataset, run.seed, plan.study.folder, run.data)
            for setting in asking.get(key[-1], ()):
                _check_monitor(setting, split)
                if setting.training.class_weight is not None:
                    class_weights(setting.training.class_weight, split)


def _check_monitor(setting: Setting, split: Split) -> None:
    """Refuse a stopping rule that would watch nothing: it would choose the first epoch."""
    rule = setting.regularizer.early_stopping
    if rule is None or rule.monitor == "train_loss":
        return
    if len(split.val.y) == 0:
        raise BadData(
            f"early_stopping watches {rule.monitor}, but the data have no validation part: mark "
            "rows val, or monitor train_loss"
        )
    metric = METRICS[rule.monitor.removeprefix("val_")]
    distinct = len(np.unique(split.val.y))
    if metric.undefined == "targets alike" and distinct == 1:
        why = "all validation targets are alike"
    elif metric.undefined == "class missing" and distinct < split.classes:
        why = "the validation part lacks a class"
    else:
        return
    raise BadData(
        f"early_stopping watches {rule.monitor}, but {why}, so there is no {metric.title}: monitor "
        "val_loss"
    )
