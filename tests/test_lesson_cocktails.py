"""Cocktails of regularizers: a fair search, an honest choice, and judging that can fail."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp

from regbench.config.yaml_text import parse_yaml
from regbench.textbook.cocktails import chosen, findings, log_ratios
from regbench.textbook.reproduce import study_file

FILE = study_file("cocktails")
PARTS = parse_yaml(FILE.read_text(encoding="utf-8"), FILE.name).value


def candidates(part):
    regularizers = part["regularizer"]
    cocktails = {k: v for k, v in regularizers.items() if k.startswith("cocktail")}
    singles = {k: v for k, v in regularizers.items() if k not in cocktails and v != "none"}
    return singles, cocktails


@pytest.mark.parametrize("part", PARTS["sweep"], ids=["classification", "regression"])
def test_cocktails_have_as_many_tries_as_single_ones_and_the_same_strengths(part):
    singles, cocktails = candidates(part)
    assert len(singles) == len(cocktails) > 20
    assert len({str(each) for each in cocktails.values()}) == len(cocktails)
    options = [next(iter(each.items())) for each in singles.values() if len(each) == 1]
    assert len(options) == len(singles)
    for mixed in cocktails.values():
        assert len(mixed) >= 2
        assert all(each in options for each in mixed.items())


def test_the_cocktails_are_the_first_draws_of_seed_0():
    singles, cocktails = candidates(PARTS["sweep"][0])
    options = {}
    for each in singles.values():
        [(key, value)] = each.items()
        options.setdefault(key, []).append(value)
    rng, drawn = np.random.Generator(np.random.Philox(0)), []
    while len(drawn) < len(cocktails):
        mixed = {}
        for key, values in options.items():
            taken, at = rng.random(2)
            if taken < 0.5:
                mixed[key] = values[int(at * len(values))]
        if len(mixed.keys() - {"label_smoothing"}) >= 2:
            drawn.append(mixed)
    assert list(cocktails.values()) == drawn
    _, of_regression = candidates(PARTS["sweep"][1])
    for mixed in drawn:
        mixed.pop("label_smoothing", None)
    assert list(of_regression.values()) == drawn[: len(of_regression)]


def results(rows):
    """What `chosen` reads of a study's results, from (dataset, label, seed, val, test, status)."""
    columns = ["dataset", "label", "seed", "val_loss", "test_loss", "status"]
    runs = pd.DataFrame(rows, columns=columns)
    runs["cell"] = runs["dataset"] + "/" + runs["label"]
    labels = runs[["cell", "dataset", "label"]].drop_duplicates().itertuples(index=False)
    cells = [
        SimpleNamespace(name=cell, labels=(("dataset", dataset), ("regularizer", label)))
        for cell, dataset, label in labels
    ]
    return SimpleNamespace(
        study=SimpleNamespace(cells=cells), runs=runs.drop(columns=["dataset", "label"])
    )


def test_each_seed_chooses_by_its_own_validation_part():
    rows = [
        ("wine", "none", 0, 0.9, 0.9, "ok"),
        ("wine", "L2 0.1", 0, 0.5, 0.7, "ok"),
        ("wine", "dropout 0.5", 0, 0.6, 0.1, "ok"),
        ("wine", "cocktail 01", 0, 0.4, 0.8, "ok"),
        ("wine", "cocktail 02", 0, 0.1, 0.2, "diverged"),
        ("wine", "none", 1, 0.9, 0.9, "ok"),
        ("wine", "L2 0.1", 1, 0.5, 0.7, "ok"),
        ("wine", "dropout 0.5", 1, 0.3, 0.6, "ok"),
        ("wine", "cocktail 01", 1, 0.4, 0.8, "ok"),
        ("wine", "cocktail 02", 1, 0.2, 0.3, "ok"),
    ]
    best = chosen(results(rows))
    found = {(row.kind, row.seed): row.test_loss for row in best.itertuples()}
    assert found == {
        ("cocktail", 0): 0.8,
        ("cocktail", 1): 0.3,
        ("none", 0): 0.9,
        ("none", 1): 0.9,
        ("single", 0): 0.7,
        ("single", 1): 0.6,
    }
    ratios = log_ratios(best, "cocktail", "single")
    np.testing.assert_allclose(ratios["wine"], np.log([0.8 / 0.7, 0.3 / 0.6]))


def best_of(**factors):
    """Choices on two data sets by twelve seeds, whose test losses are these factors of `none`'s."""
    rng, rows = np.random.default_rng(0), []
    for dataset, scale in (("wine", 0.1), ("diabetes", 0.6)):
        for seed in range(12):
            hard = scale * rng.uniform(0.5, 2)
            for kind, factor in {"none": 1.0, **factors}.items():
                loss = hard * factor * rng.uniform(0.95, 1.05)
                accuracy = 1 - loss if dataset == "wine" else np.nan
                rows.append((dataset, kind, seed, loss, accuracy))
    return pd.DataFrame(rows, columns=["dataset", "kind", "seed", "test_loss", "test_acc"])


def decisions(**factors):
    return [each.decision for each in findings(best_of(**factors))]


def test_a_claim_passes_fails_or_stays_open_with_the_losses():
    assert decisions(single=0.7, cocktail=0.5) == ["PASS"] * 6
    assert decisions(single=0.5, cocktail=0.7) == ["FAIL"] * 4 + ["PASS"] * 2
    assert decisions(single=0.5, cocktail=0.5) == ["UNDECIDED"] * 4 + ["PASS"] * 2
    assert decisions(single=1.3, cocktail=1.2)[-2:] == ["FAIL"] * 2


def test_the_interval_is_scipy_s_over_the_seeds_mean_log_ratio():
    best = best_of(single=0.7, cocktail=0.6)
    losses = best.pivot(index="seed", columns=["dataset", "kind"], values="test_loss")
    ratios = [losses[name]["cocktail"] / losses[name]["single"] for name in ("wine", "diabetes")]
    test = ttest_1samp(np.log(ratios).mean(axis=0), 0)
    low, high = test.confidence_interval(0.95)
    found = findings(best)[2]
    assert found.what.endswith("mean of all data sets")
    assert found.found == f"{np.log(ratios).mean():.4g} ({low:.4g} to {high:.4g})"
