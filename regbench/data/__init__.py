"""Names -> arrays: bundled, synthetic and CSV data; split, label noise, encoding, scaling."""

from regbench.data.sources import SOURCES, Source, load, part_counts, shape, split_key
from regbench.data.table import DataShape, Part, Split, Table

__all__ = [
    "SOURCES",
    "DataShape",
    "Part",
    "Source",
    "Split",
    "Table",
    "load",
    "part_counts",
    "shape",
    "split_key",
]
