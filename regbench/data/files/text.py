"""The text of a file, in blocks: unpacked, decoded, LF line ends; what is no text is said."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from regbench.errors import BadData

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_JSON = "is JSON, not a table: save it as CSV"
_PAGE = "is a page (HTML or XML), not a table: save the table in it as CSV"
# First bytes of what is often given for a text file.
_NO_TEXT = {
    b"PK\x03\x04": "is a zip archive (as spreadsheets and .npz files are): unpack it, save it as "
    "CSV, or give name: npz",
    b"PAR1": "is a Parquet file: give name: parquet",
    b"\x93NUMPY": "is a NumPy array: save x and y with np.savez and give name: npz",
    b"BZh": "is packed by bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "is packed by xz: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "is packed by zstd: unpack it, or pack it with gzip",
    b"\xd0\xcf\x11\xe0": "is an old spreadsheet (.xls): save it as CSV",
    b"\x89HDF": "is an HDF5 file: save it as CSV or Parquet",
    b"%PDF": "is a PDF file, not a table",
    **dict.fromkeys((b"<!DOCTYP", b"<!doctyp", b"<html", b"<HTML", b"<?xml"), _PAGE),
    b"[{": _JSON,
    b"[\n": _JSON,
    b'{"': _JSON,
    b"@relatio": "is an ARFF file: above its rows write the names of its attributes, with commas "
    "between, and remove all that stands before",
}
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_blocks(name: str, file: BinaryIO, encoding: str = "utf-8") -> Iterator[bytes]:
    """UTF-8 without a byte order mark, every line end a \\n.

    Args:
        name: the file as messages give it.
        file: at its beginning; a gzip file, by its first bytes, is unpacked.
    Raises:
        BadData: it is no text of this encoding, with the line; or it breaks off.
        OSError: it cannot be read.

    >>> import io
    >>> b"".join(text_blocks("a.csv", io.BytesIO(b"\\xef\\xbb\\xbfx,y\\r\\n1,2\\r")))
    b'x,y\\n1,2\\n'
    """
    head = file.read(8)
    file.seek(0)
    if head.startswith(_GZIP):
        file = cast(BinaryIO, gzip.GzipFile(fileobj=file))
        head = unpacked(name, file, 8)
        file.seek(0)
    for mark, what in _NO_TEXT.items():
        if head.startswith(mark):
            raise BadData(f"{name}: {what}")
    if head.startswith(_UTF16) and encoding == "utf-8":
        raise BadData(f"{name}: begins as UTF-16 text does: set encoding: utf-16")
    decoder, lines, carry = codecs.getincrementaldecoder(encoding)(), 1, b""
    first, last = True, False
    while not last:
        raw = unpacked(name, file, _BLOCK)
        last = not raw
        block = carry + _decoded(name, decoder, raw, last, encoding, lines)
        if first and block:
            block, first = block.removeprefix(codecs.BOM_UTF8), False
        carry = b"\r" if block.endswith(b"\r") and not last else b""  # half of a line end?
        if b"\r" in block:
            block = block.removesuffix(carry).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if (at := block.find(b"\0")) >= 0:
            line = lines + block.count(b"\n", 0, at)
            raise BadData(f"{name}: line {line}: a zero byte, so no text (or encoding: utf-16?)")
        lines += block.count(b"\n")
        if block:
            yield block


def unpacked(name: str, file: BinaryIO, size: int) -> bytes:
    """The next bytes of what may be packed.

    Raises:
        BadData: it breaks off, or is not what it began as.
    """
    try:
        return file.read(size)
    except EOFError:
        raise BadData(f"{name}: breaks off in the midst of packed data: fetch it again") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadData(f"{name}: cannot be unpacked: {error}") from None


def _decoded(
    name: str,
    decoder: codecs.IncrementalDecoder,
    raw: bytes,
    last: bool,
    encoding: str,
    lines: int,
) -> bytes:
    """In UTF-8. `lines`: the number of the line that is being read."""
    plain = encoding == "utf-8" and raw.isascii() and not decoder.getstate()[0]
    if plain:
        return raw
    try:
        text = decoder.decode(raw, last)
    except UnicodeDecodeError as error:
        # What the decoder had kept of the block before stands in front of these bytes.
        before = bytes(error.object[: error.start]).decode(encoding, "replace")
        line = lines + before.replace("\r\n", "\n").replace("\r", "\n").count("\n")
        title = "UTF-8" if encoding == "utf-8" else encoding
        hint = ": set encoding (often latin-1 or cp1252)" if encoding == "utf-8" else ""
        byte = error.object[error.start] if error.start < len(error.object) else 0
        raise BadData(f"{name}: line {line}: byte 0x{byte:02x} is not {title} text{hint}") from None
    except UnicodeError as error:
        raise BadData(f"{name}: is no {encoding} text: {error}") from None
    return text.encode("utf-8", "surrogatepass")
