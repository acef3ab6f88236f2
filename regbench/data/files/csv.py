"""A CSV file as a table."""

from __future__ import annotations

from functools import partial
from typing import Any

from regbench.data.files.csv_text import text_of
from regbench.data.files.notation import Notation
from regbench.data.files.reading import Open, Scan, as_text, file_source
from regbench.data.files.scanning import scan_columns


def _scan(config: Any, content: Open) -> Scan:
    notation = Notation(config.decimal, config.thousands)
    return scan_columns(config, content, partial(text_of, config), notation)


CSV = file_source(_scan, as_text)
