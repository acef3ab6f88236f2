"""What regbench decides where nothing is, and where something is: small here, long in torture."""

import numpy as np
import pytest
from scipy import stats
from simulations import (
    CELLS,
    DRAWS,
    FOLDS,
    SEEDS,
    claims_that_decide,
    false_passes,
    fold_misses,
    gate_answers,
    looks,
    misses,
    tables_that_decide,
)

import regbench
from regbench.analysis.by_seed import BySeed
from regbench.analysis.gate import decide, parse_gates


def above(number, draws, nominal):
    """Whether so many errors are significantly more than the nominal share, at one in a thousand.

    Many shares are looked at here.
    """
    return stats.binomtest(int(number), draws, nominal, alternative="greater").pvalue < 0.001


def check(draws):
    rng = np.random.default_rng(5)
    for seeds in SEEDS:
        assert not above(claims_that_decide(rng, draws, seeds), draws, 0.05)
        for cells in CELLS:
            answers = gate_answers(rng, draws, cells, seeds, 0.0)
            assert not above(answers.count("FAIL"), draws, 0.05), (seeds, cells)
            assert not above(answers.count("PASS"), draws, 0.025), (seeds, cells)
            assert not above(false_passes(rng, draws, cells, seeds), draws, 0.025), (seeds, cells)
            found = tables_that_decide(rng, draws, cells, seeds)
            assert not above(found, draws, 0.05), (seeds, cells)


def test_errors_are_rare():
    check(150)


@pytest.mark.torture
def test_errors_are_rare_at_length():
    check(DRAWS)


def test_what_is_there_is_found():
    """Beyond by two standard deviations in every cell: ten seeds do not miss it."""
    rng = np.random.default_rng(6)
    for cells in CELLS:
        assert gate_answers(rng, 60, cells, 10, 2.0).count("FAIL") == 60
        assert gate_answers(rng, 60, cells, 10, -2.5).count("PASS") > 54
        assert tables_that_decide(rng, 60, cells, 10, 2.0) > 54


@pytest.mark.torture
def test_an_adjustment_is_needed():
    """The simulation would notice: each cell at .025 by itself fails far more often."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(500, 34, 5))
    found = [stats.ttest_1samp(v, 0, axis=1, alternative="greater").pvalue.min() for v in values]
    assert above(np.sum(np.array(found) <= 0.025), 500, 0.05)


def test_looking_again_errs_as_often_as_is_said():
    rng = np.random.default_rng(8)
    assert looks(rng, 4_000, (3, 5, 10)) / 4_000 == pytest.approx(0.12, abs=0.02)
    assert looks(rng, 4_000, range(3, 21)) / 4_000 == pytest.approx(0.23, abs=0.02)


def check_coverage(draws):
    rng = np.random.default_rng(9)
    for seeds in (*SEEDS, 30):
        of_these_data, of_others, of_rows = misses(rng, draws, seeds)
        assert not above(of_these_data, draws, 0.05)
        assert not above(of_rows, draws, 0.05)
        if seeds == 30:  # which the seeds interval does not speak of
            assert of_others / draws > 0.35


def test_each_interval_covers_what_it_speaks_of():
    check_coverage(150)


def check_folds(draws, kinds):
    rng = np.random.default_rng(11)
    for folds, repeats in kinds:
        plain, corrected = fold_misses(rng, draws, folds, repeats)
        assert not above(corrected, draws, 0.05), (folds, repeats)
        if repeats > 1:  # repeats bring no rows: what takes them for new ones errs often
            assert plain / draws > 0.25


def test_folds_cover_what_they_speak_of():
    check_folds(100, ((5, 1), (5, 3)))


@pytest.mark.torture
def test_folds_cover_what_they_speak_of_at_length():
    check_folds(DRAWS, FOLDS)


@pytest.mark.torture
def test_each_interval_covers_what_it_speaks_of_at_length():
    check_coverage(DRAWS)


@pytest.mark.torture
def test_comparisons_of_a_study_with_itself(tmp_path, record_property):
    """A/A: seven cells really trained at 240 seeds, compared in groups of seeds drawn at random."""
    cells = {"none": "none", "l1": {"l1": 1e-3}, "l2": {"l2": 1e-2}, "dropout": {"dropout": 0.3}}
    cells |= {
        "noise": {"input_noise": 0.3},
        "norm": {"max_norm": 1},
        "smooth": {"label_smoothing": 0.1},
    }
    study = {
        "dataset": {"name": "moons", "n_samples": 200},
        "model": {"hidden": [16]},
        "training": {"epochs": 10, "batch_size": 50},
        "optimizer": {"name": "adam", "lr": 0.01},
        "seeds": 240,
        "sweep": {"regularizer": cells},
    }
    by_seed = BySeed(regbench.run(study, out=tmp_path / "r").rows)
    rng = np.random.default_rng(10)
    for seeds in SEEDS:
        for text in ("val_loss:0%", "val_acc:-0", "gap_loss:+0"):
            (gate,) = parse_gates([text])
            failed = 0
            for _ in range(DRAWS):
                drawn = rng.permutation(240)[: 2 * seeds]
                base, new = (
                    by_seed[gate.metric][:, part] for part in (drawn[:seeds], drawn[seeds:])
                )
                failed += decide(gate, by_seed.cells, gate.excess(base, new)).decision == "FAIL"
            figure = f"A/A, 7 cells, {seeds} seeds, {text}: {failed / DRAWS:.3f} FAIL"
            record_property("figure", figure)
            assert not above(failed, DRAWS, 0.05), figure
