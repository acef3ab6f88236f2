"""Names -> arrays: bundled, synthetic and CSV data; split, label noise, encoding, scaling."""

from regbench.data.class_weights import class_weights
from regbench.data.constant import constant_scores
from regbench.data.sources import SOURCES, Source, load, part_counts, shape, split_key
from regbench.data.table import DataShape, Part, Split, Table

__all__ = [
    "SOURCES",
    "DataShape",
    "Part",
    "Source",
    "Split",
    "Table",
    "class_weights",
    "constant_scores",
    "load",
    "part_counts",
    "shape",
    "split_key",
]
