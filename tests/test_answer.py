"""The answer in words and in tiles: from one place, and never more than the table shows."""

import re
from dataclasses import replace
from math import inf, nan

import pytest
from command import regbench as command
from tables import LONG, RUNS, runs_of, study_of

from regbench.analysis.gap import gap_table
from regbench.analysis.sentence import answer
from regbench.report.content import Content
from regbench.report.gap_markdown import gap_markdown
from regbench.report.markdown import escaped
from regbench.report.page.headline import tiles
from regbench.report.page.page import page
from regbench.results.planned import read_judged
from regbench.results.runs import read_runs


def told(runs):
    """The answer as text."""
    return answer(runs, gap_table(runs)).text


def figures(runs):
    return [(tile.what, tile.figure, tile.detail) for tile in tiles(gap_table(runs))]


def setting(l2="0", **others):
    return {"regularizer.l2": l2} | others


PRAISE = re.compile(r"narrows?|narrowed")


def test_the_whole_answer():
    """The gap, what narrows it and gains, the least validation loss, its test score, the edge."""
    assert (
        answer(RUNS, gap_table(RUNS)).lost[0].startswith("3 of 15 runs diverged (3 of 3 in lost)")
    )
    assert told(RUNS) == (
        "In none the gap in loss (validation less training) is 0.41 (95% interval 0.385 to 0.435 "
        "over 3 seeds); below (l2) narrows it, by 0.67 (0.595 to 0.745); worse (l2) widens it, by "
        "0.42 or 102% (0.37 to 0.47). Validation loss is least in below: -0.16 (-0.259 to "
        "-0.0606), 0.67 less than in none (0.595 to 0.745). On the test part that choice has loss "
        "0.5 (0.5 to 0.5) and accuracy 0.5 (0.5 to 0.5). below stands on the grid's edge "
        "(regularizer.l2 = 3 is the largest), and all cells have one learning rate: sweep "
        "optimizer.lr, too, before one is called better."
    )
    assert figures(RUNS) == [
        ("gap in loss in none", "0.410", "95% interval 0.385 to 0.435, 3 seeds"),
        ("narrowed most by below (l2)", "−0.670", "95% interval −0.745 to −0.595, 3 seeds"),
        ("least validation loss: below", "−0.160", "95% interval −0.259 to −0.061, 3 seeds"),
        ("test loss of that choice", "0.500", "95% interval 0.500 to 0.500, 3 seeds"),
    ]


def test_no_interval_that_is_said_leaves_the_bounds_of_its_metric():
    """Student's t knows of no bounds: the table has .87 to 1.05, a sentence no accuracy above 1."""
    cells = {"none": (setting(), {"val_loss": 0.02, "test_loss": 0.03, "test_acc": 0.96})}
    runs = study_of(cells, seeds=3, noise=0.03)
    (row,) = gap_table(runs)
    assert row.metrics["val_loss"].low < 0
    assert row.metrics["test_acc"].high > 1
    losses = re.findall(r"loss (?:is )?(0.\d+) \(0 to", told(runs))
    assert len(losses) == 2
    assert re.search(r"accuracy 0.\d+ \(0.\d+ to 1\)", told(runs))
    details = {what: detail for what, _, detail in figures(runs)}
    assert details["least validation loss: none"].startswith("95% interval 0.000 to")


def test_the_same_words_everywhere(tmp_path):
    """Terminal, gap.md, show --format md and the page."""
    study = tmp_path / "study.yaml"
    study.write_text(
        "name: words\ndataset: {name: moons, n_samples: 120}\nmodel: {hidden: [8]}\n"
        "optimizer: {name: adam, lr: 0.03}\ntraining: {epochs: 20}\nseeds: 3\n"
        "sweep: {regularizer: {none: none, l2: {l2: 0.01}}}\n",
        encoding="utf-8",
    )
    folder = tmp_path / "r"
    said = command("run", study, "-o", folder).err
    content = Content(folder, runs := read_runs(folder))
    found = answer(runs, gap_table(runs))
    assert len(found.paragraphs) == 2
    assert found.text in " ".join(said.split())
    assert found.text in " ".join(command("show", folder).err.split())
    texts = [(folder / "gap.md").read_text("utf-8"), gap_markdown("words", runs, gap_table(runs))]
    assert texts[0] == texts[1]
    html = page(content).decode()
    for paragraph in found.paragraphs:
        assert escaped(paragraph) in texts[0]
        assert paragraph in html
    for tile in tiles(content.table):
        assert tile.figure in html


def test_the_page_says_what_its_intervals_speak_of(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text(
        "dataset: {name: iris, folds: 4}\nmodel: {hidden: [4]}\ntraining: {epochs: 3}\nseeds: 4\n",
        encoding="utf-8",
    )
    command("run", study, "-o", tmp_path / "r")
    for over in ("rows", "seeds"):
        content = Content(tmp_path / "r", read_judged(tmp_path / "r", over)[0], over=over)
        found = [tile.detail for tile in tiles(content.table) if "interval" in tile.detail]
        assert found
        of_rows = ["for other rows (corrected t), 4 seeds" in detail for detail in found]
        # Folds have one test part: its interval is over seeds.
        assert of_rows[0] is (over == "rows")
        assert ("speaks of other seeds and not" in page(content).decode()) is (over == "rows")


def test_no_percentage_where_a_gap_crosses_zero():
    """Neither below it nor around it; where both gaps lie above it there is one."""
    assert " or " not in told(runs_of({"none": 0.4, "x": -0.1}))
    assert " or " not in told(
        study_of({"none": (setting(), {}), "x": (setting("1"), {"val_loss": 0.1})})
    )
    assert "by 0.19 or 46% (" in told(runs_of({"none": 0.4, "x": 0.2}))


def test_what_is_not_shown_is_not_denied():
    unsure = runs_of({"none": 0.4, "like it": 0.41})
    assert "no change of it by a regularizer is shown (these seeds would show one of 0.031" in told(
        unsure
    )
    assert figures(unsure)[1][:2] == ("does a regularizer narrow it?", "not shown")
    one = runs_of({"none": 0.4, "x": 0.1}, seeds=1)
    assert "with one seed no change of it can be told from chance" in told(one)
    assert told(runs_of({"none": 0.4}, seeds=1)).startswith(
        "In none the gap in loss (validation less training) is 0.4 with one seed. Validation loss"
    )
    for runs in (unsure, one):
        assert "changes it" not in told(runs)


def test_the_strength_that_moves_it_most_stands_for_its_family():
    """Of nineteen strengths, those of two families are shown to narrow the gap."""
    cells = {"none": ({"regularizer.l2": "0", "regularizer.dropout": "0"}, {})}
    for i in range(1, 10):
        l2 = {"regularizer.l2": f"0.{i}", "regularizer.dropout": "0"}
        cells[f"l2={i}"] = (l2, {"val_loss": 0.5 - 0.02 * i, "train_acc": 0.9})
        dropout = {"regularizer.l2": "0", "regularizer.dropout": f"0.{i}"}
        cells[f"dropout={i}"] = (dropout, {"val_loss": 0.5 - 0.03 * i})
    text = told(study_of(cells, seeds=3))
    assert "; dropout=9 narrows it most, by 0.27 or 68% (0.249 to 0.291); so does l2=9." in text
    assert "l2=3" not in text


def test_a_cell_with_the_name_of_its_family_is_not_taken_for_it():
    """`l2` does nothing, `heavy` does; of `l1`, with two cells, nothing is decided."""
    zero = {"regularizer.l2": "0", "regularizer.l1": "0"}
    cells = {
        "none": (zero, {}),
        "l2": (zero | {"regularizer.l2": "1e-6"}, {}),
        "heavy": (zero | {"regularizer.l2": "1"}, {"val_loss": 0.3}),
        "a": (zero | {"regularizer.l1": "1e-6"}, {}),
        "b": (zero | {"regularizer.l1": "1e-5"}, {}),
    }
    runs = study_of(cells)
    assert "; heavy (l2) narrows it, by 0.2" in told(runs)
    assert "; of l1 (2 cells) these seeds cannot tell." in told(runs)
    assert figures(runs)[1][0] == "narrowed most by heavy (l2)"
    cells["heavy"] = (cells["heavy"][0], {"train_loss": 0.685, "val_loss": 0.686, "collapsed": 1.0})
    runs = study_of(cells, noise=0.001)
    assert "; heavy (l2) narrows it, but collapsed to a constant prediction" in told(runs)
    assert figures(runs)[1][2].startswith("heavy (l2) does, but collapsed")


def test_the_score_that_shows_a_signal_is_named():
    cells = {"none": (setting(), {"val_loss": 0.9, "val_acc": 0.4, "val_auc": 0.8})}
    assert "though its AUC is (overconfident)" in told(study_of(cells))
    cells["none"][1]["val_acc"] = 0.8
    assert "though its accuracy and AUC are (overconfident)" in told(study_of(cells))


def test_ranks_alone_are_no_gain():
    """One class for all rows and a loss like the constant's: its AUC is no reason for praise."""
    flat = {"train_loss": 0.7, "val_loss": 0.7, "val_acc": 0.5, "train_acc": 0.5, "collapsed": 1.0}
    cells = {"none": (setting(), {"val_auc": 0.9}), "x": (setting("1"), flat | {"val_auc": 0.8})}
    runs = study_of(cells)
    assert gap_table(runs)[1].verdict == "overconfident"
    assert "; x narrows it, but is not shown to be better than predicting the class" in told(runs)
    assert figures(runs)[1][:2] == ("does a regularizer help?", "not shown")


def test_equal_figures_are_not_ranked():
    runs = study_of({"a": (setting(), {}), "b": (setting(), {})}, noise=1e-6)
    text = told(runs)
    assert "over 5 seeds); to three digits it is the same in b. Validation" in text
    assert "smallest" not in text
    three = {name: (setting(), {}) for name in "abc"}
    assert "the same in the other 2 cells." in told(study_of(three, noise=1e-6))


def test_why_there_is_no_gap_is_true():
    """No numbers, none of one part, or losses too large to be numbers."""
    runs = study_of({"x": (setting(), {})})

    def without(**changed):
        rows = [replace(row, metrics=row.metrics | changed) for row in runs.rows]
        return told(replace(runs, rows=tuple(rows)))

    start = "There is no gap to speak of: "
    large = "the losses, or their difference, are too large to be numbers."
    assert without(gap_loss=inf, val_loss=inf) == start + large
    assert without(val_loss=nan, gap_loss=nan) == (
        start + "no run has both a training and a validation loss."
    )
    lost = [("x", seed) for seed in range(5)]
    assert told(study_of({"x": (setting(), {})}, lost=lost)) == start + "no run has numbers."
    most = told(study_of({"x": (setting(), {})}, lost=lost[:4]))
    assert most == start + "too many runs of each cell were lost for the others to speak."


def test_a_gap_below_zero_is_explained_and_all_that_move_it_are_named():
    below = {"train_loss": 1.1, "flip_rate": 0.36}
    cells = {"none": (setting(), below)}
    for i, loss in enumerate((0.6, 0.7, 0.8), 1):
        cells[f"k{i}"] = (
            {"regularizer.l2": "0", f"regularizer.k{i}": "1"},
            below | {"val_loss": loss},
        )
    settings = {f"regularizer.k{i}": "0" for i in (1, 2, 3)}
    cells = {name: (settings | own, numbers) for name, (own, numbers) in cells.items()}
    text = told(study_of(cells, flip_rate=0.36))
    assert ", below 0: 35.8% of the training labels are wrong, and count" in text
    assert "k3 raises it most, by 0.299" in text
    assert "so do k2 and k1" in text


def test_a_gap_that_grows_below_zero_is_no_gain():
    cells = {"none": (setting(), {}), "x": (setting("1"), {"train_loss": 1.3, "val_loss": 0.4})}
    runs = study_of(cells, constant_loss=2.0)
    assert "x takes it below 0, to -0.899 (" in told(runs)
    assert "which is no gain" in told(runs)
    assert not any(PRAISE.search(what) and "most by" in what for what, *_ in figures(runs))
    cells["none"] = (setting(), {"train_loss": 0.56})
    runs = study_of(cells)
    assert "x lowers it, by 0.8" in told(runs)
    assert figures(runs)[1][0] == "moved most by x"


def test_a_cell_without_signal_is_never_praised():
    nothing = {"train_loss": 0.69, "val_loss": 0.7, "train_acc": 0.5, "val_acc": 0.5}
    dead = nothing | {"collapsed": 1.0}
    cells = {"none": (setting(), {}), "x": (setting("1"), dead)}
    runs = study_of(cells)
    constant = "predicting the class shares (loss 0."
    assert "; x narrows it, but collapsed to a constant prediction." in told(runs)
    found = ("does a regularizer help?", "not shown")
    assert figures(runs)[1] == (*found, "x does, but collapsed to a constant prediction")
    cells["x"] = (setting("1"), nothing)
    runs = study_of(cells)
    assert f"; x narrows it, but is not shown to be better than {constant}" in told(runs)
    assert figures(runs)[1][:2] == found
    hopeless = {"none": (setting(), nothing | {"train_loss": 0.1}), "x": (setting("1"), nothing)}
    text = told(study_of(hopeless))
    assert text.startswith(f"No cell is shown to be better than {constant}")
    assert re.search(r"Validation loss is least in \w+: [^;]*, not shown to be better than", text)
    lone = told(study_of({"none": hopeless["none"]}))
    assert lone.startswith("none is not shown to be better than predicting the class shares")


def test_a_cell_that_collapsed_is_never_the_best():
    """It beats the class shares by less than 1%, and all others: with and without a baseline."""
    dead = {"train_loss": 0.685, "val_loss": 0.686, "collapsed": 1.0}
    poor = {"train_loss": 0.1, "val_loss": 0.9}
    cells = {
        "weak": (setting("1"), poor | {"val_loss": 0.88}),
        "x": (setting("2"), poor),
        "dead": (setting("3"), dead),
    }
    for with_base in (False, True):
        runs = study_of(({"none": (setting(), poor)} if with_base else {}) | cells, noise=0.0005)
        table = gap_table(runs)
        assert table[-1].verdict == "collapsed"
        assert not table[-1].edges
        text = told(runs)
        assert "narrows it, but collapsed" in text or "dead collapsed to a constant" in text
        assert (
            "Validation loss is, of the cells that have not collapsed, least in weak: 0.8" in text
        )
        assert "least validation loss, not collapsed: weak" in [what for what, *_ in figures(runs)]
        assert "In dead" not in text
        assert "in dead" not in text
    lone = told(study_of({"a": cells["dead"], "b": cells["dead"]}, noise=0.0005))
    assert lone.startswith("Every cell collapsed to a constant prediction. In ")
    assert ", and it collapsed to a constant prediction." in lone


def test_the_narrowest_gap_may_cost_validation_loss():
    """Both are said: what the narrowest costs, and which cell is the best."""
    cells = {
        "none": (setting(), {}),
        "strong": (setting("2"), {"train_loss": 0.6, "val_loss": 0.62}),
        "weak": (setting("1"), {"train_loss": 0.15, "val_loss": 0.4}),
    }
    text = told(study_of(cells))
    assert "; strong (l2) narrows it, by 0.378 or 95% (0.354 to 0.401)." in text
    assert "Validation loss in strong is 0.12" in text
    assert "more than in none" in text
    assert "Validation loss is least in weak: 0.399 (" in text
    assert re.search(
        r"On the test part that choice has loss [\d.]+ \(.*\) and accuracy .*\.$", text
    )


def test_lost_runs_come_first(tmp_path):
    cells = {"none": (setting(), {}), "x": (setting("1"), {"val_loss": 0.2})}
    runs = study_of(cells, seeds=10, lost=[("x", seed) for seed in range(8)])
    table = gap_table(runs)
    lost = "8 of 20 runs diverged (8 of 10 in x)"
    assert answer(runs, table).lost[0].startswith(lost)
    assert "x" not in told(runs).replace("x)", "")
    lines = gap_markdown("s", runs, table).splitlines()
    assert lines[2].startswith(f"**{escaped(lost)}")
    assert PRAISE.search(told(runs)) is None
    html = page(Content(tmp_path, runs)).decode()
    assert 0 < html.index(lost) < html.index("In none the gap in loss")


def test_data_sets_are_told_apart():
    cells = {}
    for name, loss in (("a", 0.4), ("b", 0.9), ("c", 0.6)):
        for l2, less in (("0", 0), ("1", 0.2)):
            own = {"dataset.name": name, "regularizer.l2": l2}
            cells[f"{name} {l2}"] = (own, {"val_loss": loss - less, "constant_loss": 2.0})
    two = {name: cell for name, cell in cells.items() if name[0] != "c"}
    runs = study_of(two)
    first, second = answer(runs, gap_table(runs)).paragraphs
    assert first.startswith("With dataset.name=a: in a 0 the gap in loss")
    assert second.startswith("With dataset.name=b: in b 0 the gap in loss")
    assert "Validation loss is least in a 1" in first
    assert "Validation loss is least in b 1" in second
    assert figures(runs) == []
    runs = study_of(cells)
    paragraphs = answer(runs, gap_table(runs)).paragraphs
    assert paragraphs[0].startswith("With dataset.name=b: ")
    assert paragraphs[-1] == ("2 other data sets, not compared with this one, stand in the table.")
    alone = study_of({name: cell for name, cell in cells.items() if name.endswith("0")})
    assert told(alone).startswith("Over 3 data sets, which are not compared, the gap in loss")


@pytest.mark.parametrize(
    ("swept", "said"), [({}, True), ({"optimizer.lr": "0.1"}, False)], ids=["one rate", "swept"]
)
def test_one_learning_rate_and_the_edge(swept, said):
    cells = {
        f"l2={x}": (setting(str(x)) | swept, {"val_loss": 0.5 - x}) for x in (0, 0.1, 0.2, 0.3)
    }
    assert ("sweep optimizer.lr, too" in told(study_of(cells))) == said
    inside = cells | {"l2=0.3": (setting("0.3") | swept, {"val_loss": 0.6})}
    assert "optimizer.lr" not in told(study_of(inside))


def test_a_part_of_a_table_has_an_answer():
    """Rows that were selected may be without their baseline."""
    runs = runs_of({"none": 0.4, "x": 0.2, LONG: 0.1})
    part = gap_table(runs)[1:]
    assert answer(runs, part).text.startswith(f"In {LONG} the gap in loss")
    assert answer(runs, []).text == "No cell is selected."
    assert answer(runs_of({}), []).text == "There are no runs yet."
