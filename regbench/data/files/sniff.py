"""What a file probably is: its format, and of a text its encoding, separator and comment mark."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from regbench.config.blocks.files import Csv
from regbench.data.files.reading import as_it_is, as_text, content_of
from regbench.errors import BadData
from regbench.vocabulary.words import counted

Format = Literal["csv", "parquet", "npz"]

_SEPARATORS = {",": ",", ";": ";", "\t": "tab", "|": "|", " ": "space"}
_COMMENTS = ("#", "%")
# Lines that are looked at, and the share of records that must be as long as the header.
_LINES, _MOST = 500, 0.9
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
# What latin-1 makes of the bytes by which cp1252 differs from it.
_CONTROLS = re.compile("[\x80-\x9f]")
# A whole cell within single quotes; an apostrophe alone is a letter.
_SINGLES = re.compile(r"\s*'[^']*'(?:[,;|\s]+'[^']*')+\s*")
_SINGLE = re.compile(r"(?:^|[,;|\t]) *'[^'\n]*' *(?:$|[,;|\t])")


def format_of(path: Path) -> Format:
    """By the file's first bytes and its ending; what is neither of the others is text.

    Raises:
        BadData: it cannot be read.
    """
    head = next(content_of(_block(path), Path(), as_it_is), b"")[:4]
    if head == b"PAR1":
        return "parquet"
    return "npz" if head == b"PK\x03\x04" and path.suffix.lower() == ".npz" else "csv"


def sniffed(path: Path) -> dict[str, tuple[Any, str]]:
    """Keys of a text's dataset block that differ from their defaults -> value, and why.

    Raises:
        BadData: it is no text, or cannot be read.
    """
    found: dict[str, tuple[Any, str]] = {}
    encoding, why = _encoding(path)
    if encoding != "utf-8":
        found["encoding"] = (encoding, why)
    text = _beginning(path, encoding)
    lines = [line for line in text.split("\n")[:_LINES] if line.strip()]
    comment = _comment(lines)
    if comment is not None:
        many = sum(line.startswith(comment) for line in lines)
        found["comment"] = (comment, f"{many} of the first lines begin with it")
        text = "\n".join(line for line in text.split("\n") if not line.startswith(comment))
    quote = _quote(lines)
    if quote != '"':
        found["quote"] = (quote, "what stands around cells")
    sep = _separator(text, quote)
    if sep is not None and sep != _block(path).separator:
        found["sep"] = (_SEPARATORS[sep], "what stands between cells")
    rows = [] if sep is None else _rows(text, sep, quote)
    sizes = [len(row) for row in rows]
    if _has_row_names(rows):
        found["row_names"] = (True, "rows have a cell more than the header: the first names them")
    elif sizes.count(sizes[0] if sizes else 0) < _MOST * max(len(sizes), 1):
        _refuse_title(path, text, quote, sep or ",")
    return found


def _block(path: Path, encoding: str = "utf-8") -> Csv:
    return Csv(
        name="csv",
        path=str(path),
        target="?",
        task="regression",
        encoding=encoding,  # type: ignore[arg-type]
    )


def _blocks(path: Path, encoding: str) -> Iterator[bytes]:
    return content_of(_block(path, encoding), Path(), as_text)


def _encoding(path: Path) -> tuple[str, str]:
    """UTF-8 where the whole file is; else latin-1, or cp1252 where latin-1 makes controls of it."""
    try:
        for _ in _blocks(path, "utf-8"):
            pass
    except BadData as error:
        if "UTF-16" in str(error):
            return "utf-16", "by its first bytes"
        if "is not UTF-8 text" not in str(error):
            raise
        why = "a guess: the file is no UTF-8"
    else:
        return "utf-8", ""
    if not any(_CONTROLS.search(block.decode()) for block in _blocks(path, "latin-1")):
        return "latin-1", why
    try:
        for _ in _blocks(path, "cp1252"):
            pass
    except BadData:
        return "latin-1", why
    return "cp1252", why


def _beginning(path: Path, encoding: str) -> str:
    """Whole lines, as far as one block goes."""
    block = next(_blocks(path, encoding), b"").decode(errors="replace")
    return block[: block.rfind("\n") + 1] or block


def _comment(lines: list[str]) -> str | None:
    """The mark that some lines begin with and the others do not; a header may begin so, too."""
    for mark in _COMMENTS:
        marked = [line for line in lines if line.startswith(mark)]
        if not marked or len(marked) == len(lines):
            continue
        if marked == lines[:1]:
            sep = _separator("\n".join(lines[1:]))
            below = lines[1].split(sep)
            same = lines[0].count(sep or ",") == len(below) - 1 > 0
            if same and any(map(_is_number, below)):
                continue  # "#id,x,y" above a row of three cells, which is no header
        return mark
    return None


def _quote(lines: list[str]) -> str:
    """The mark around a cell of most lines, or around each name of the header."""
    single = sum(_SINGLE.search(line) is not None for line in lines)
    if any('"' in line for line in lines):
        return '"'
    named = bool(lines) and _SINGLES.fullmatch(lines[0]) is not None
    return "'" if named or single > len(lines) / 2 else '"'


def _refuse_title(path: Path, text: str, quote: str, sep: str) -> None:
    """Say so where most lines are no rows below the first, as of prose, or a title above."""
    for mark in ",;\t|":
        rows = _rows(text, mark, quote)
        sizes = [len(row) for row in rows]
        usual = max(set(sizes), key=sizes.count, default=0)
        if sizes and sizes[0] < usual and sizes.count(usual) >= _MOST * len(sizes):
            what = "the first line must be the header: remove what stands above it"
            if usual == sizes[0] + 1 and not any(row[-1].strip() for row in rows[1:]):
                what = "they end with a separator: end the header with one, too"
            cells = counted(sizes[0], "cell")
            raise BadData(f"{path}: line 1 has {cells}, most lines have {usual}: {what}")
    sizes = [len(row) for row in _rows(text, sep, quote)]
    if sizes and sizes.count(sizes[0]) < len(sizes) / 2:
        raise BadData(
            f"{path}: line 1 has {counted(sizes[0], 'cell')}, and most lines have another number "
            "of cells: is it a table below a header?"
        )


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\W*\d[\d.,eE+-]*\W*", text) is not None


def _separator(text: str, quote: str = '"') -> str | None:
    """The one that gives the most records of the header's length; of these the longest."""
    best: tuple[float, int] = (0.0, 1)
    found = None
    for sep in _SEPARATORS:
        if sep == " " and found is not None and best[0] >= _MOST:
            break  # texts have spaces
        rows = _rows(text, sep, quote)
        sizes = [len(record) for record in rows]
        if not sizes or sizes[0] < 2:
            continue
        length = sizes[0] + _has_row_names(rows)
        share = sum(size == length for size in sizes) / len(sizes)
        rank = (1.0 if share >= _MOST else share, sizes[0])
        if rank > best:
            best, found = rank, sep
    return found


def _rows(text: str, sep: str, quote: str) -> list[list[str]]:
    """The first records that hold something."""
    return [record for record in islice(_records(text, sep, quote), _LINES) if record]


def _has_row_names(rows: list[list[str]]) -> bool:
    """Whether all rows have one cell more than the header, which is not a last, empty one."""
    sizes = [len(row) for row in rows]
    return len(sizes) > 1 and set(sizes[1:]) == {sizes[0] + 1} and rows[1][-1].strip() != ""


def _records(text: str, sep: str, quote: str) -> Iterator[list[str]]:
    if sep == " ":
        text = re.sub(r"(?m)^[ \t]+|[ \t]+$", "", re.sub(r"[ \t]+", " ", text))
    reader: Any = csv.reader(
        io.StringIO(text), delimiter=sep, quotechar=quote, skipinitialspace=sep != " "
    )
    while True:
        try:
            yield next(reader)
        except (StopIteration, csv.Error):
            return
