"""Write `regbench/data/bundled.npz` anew, the data sets that scikit-learn ships.

    python docs/bundled.py

scikit-learn takes a second to import, in every command and every worker; its small sets take 150
kB. A test compares them with scikit-learn's.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn import datasets

from regbench.data.bundled import SHAPES
from regbench.data.files.columns import narrowest

TARGET = Path(__file__).parent.parent / "regbench" / "data" / "bundled.npz"


def main() -> None:
    arrays = {}
    for name in SHAPES:
        bunch = getattr(datasets, f"load_{name}")()
        for part, numbers in (("values", bunch.data), ("target", bunch.target)):
            arrays[f"{name} {part}"] = numbers.astype(narrowest(np.asarray(numbers, np.float64)))
        arrays[f"{name} columns"] = np.array(bunch.feature_names, np.str_)
        arrays[f"{name} classes"] = np.array(bunch.get("target_names", ()), np.str_)
    np.savez_compressed(TARGET, **arrays)


if __name__ == "__main__":
    main()
