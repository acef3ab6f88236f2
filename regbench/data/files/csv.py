"""A CSV file as a table."""

from __future__ import annotations

from typing import Any

from regbench.data.files.csv_text import CsvText
from regbench.data.files.notation import Notation
from regbench.data.files.problems import Problems
from regbench.data.files.reading import Blocks, Open, Scan, as_text, file_source
from regbench.data.files.scanning import scan_columns

__all__ = ["CSV"]


def _scan(config: Any, content: Open) -> Scan:
    def opened(blocks: Blocks, problems: Problems) -> CsvText:
        return CsvText(blocks, problems, config.separator, config.comment, config.row_names)

    return scan_columns(config, content, opened, Notation(config.decimal, config.thousands))


CSV = file_source(_scan, as_text)
