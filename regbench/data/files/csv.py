"""A CSV file as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from regbench.data.files.csv_text import CsvText
from regbench.data.files.notation import Notation
from regbench.data.files.problems import Problems
from regbench.data.files.reading import Blocks, Open, Scan, as_text, content_of, file_source
from regbench.data.files.scanning import named, scan_columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CSV", "last_column"]


def _scan(config: Any, content: Open) -> Scan:
    def opened(blocks: Blocks, problems: Problems) -> CsvText:
        return CsvText(blocks, problems, config.separator, config.comment)

    return scan_columns(config, content, opened, Notation(config.decimal, config.thousands))


CSV = file_source(_scan, as_text)


def last_column(config: Any, folder: Path) -> pd.Series:
    """The texts of the last column of a file, for a guess at what it is; None where missing.

    Raises:
        BadData: the file is no table.
    """
    import pandas as pd

    problems = Problems(config.label)
    text = CsvText(content_of(config, folder, as_text), problems, config.separator, config.comment)
    named(text.header, problems)
    cells = [c for b in text.batches([len(text.header) - 1]) for c in b.cells[0].to_pylist()]
    problems.require_none()
    stripped = [cell.strip() for cell in cells]
    missing = ("", *config.na_values)
    return pd.Series([None if c in missing else c for c in stripped], name=text.header[-1])
