"""A Parquet file as a table: columns of types; texts, truths and dates are read as CSV's are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from regbench.data.files.notation import Notation
from regbench.data.files.problems import Problems, shown
from regbench.data.files.reading import Blocks, Open, Scan, file_source
from regbench.data.files.scanning import Batch, scan_columns

if TYPE_CHECKING:
    import pyarrow as pa


_BATCH_ROWS = 1 << 14
# What pandas calls its index where it has no name.
_INDEX = "__index_level_0__"


class ParquetColumns:
    """One pass over a Parquet file.

    Raises:
        BadData: it is none, or breaks off.
    """

    def __init__(self, blocks: Blocks, problems: Problems) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        self._problems = problems
        try:
            self._file = parquet.ParquetFile(BytesIO(b"".join(blocks)))
        except (pa.ArrowException, OSError) as error:
            problems.refuse(f"is no whole Parquet file: {_short(error)}", fatal=True)
        self._schema = self._file.schema_arrow
        # pandas puts its index last.
        self._names = sorted(self._schema.names, key=lambda name: name != _INDEX)
        self.header = tuple("" if name == _INDEX else name for name in self._names)
        self.unreadable = tuple(f.name for f in self._schema if not _is_readable(f.type))

    def batches(self, wanted: Sequence[int]) -> Iterator[Batch]:
        """The rows; of each the cells of these columns."""
        import pyarrow as pa

        names, row = [self._names[j] for j in wanted], 1
        wrong = [name for name in names if name in self.unreadable]
        for name in wrong:
            self._problems.refuse(
                f"column {shown(name)}: holds {self._schema.field(name).type} values, no numbers "
                "or texts: list it under drop"
            )
        if wrong:
            return
        try:
            for batch in self._file.iter_batches(_BATCH_ROWS, columns=names, use_threads=False):
                cells = [plain_cells(batch.column(batch.schema.get_field_index(n))) for n in names]
                yield Batch(cells, range(row, row + batch.num_rows))
                row += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            self._problems.refuse(f"row {row}: cannot be read: {_short(error)}", fatal=True)


def _is_readable(kind: pa.DataType) -> bool:
    import pyarrow as pa

    binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return not (pa.types.is_nested(kind) or binary)


def plain_cells(cells: pa.Array) -> pa.Array:
    """Numbers and texts as they are; the rest as texts."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return cells
    if pa.types.is_null(kind) or pa.types.is_string(kind):
        return cells.cast(pa.string())
    if pa.types.is_timestamp(kind):
        # Of a zone's own hours one comes twice a year; of a second a millionth is enough.
        zone = None if kind.tz is None else "UTC"
        cells = cells.cast(pa.timestamp("us", zone), safe=False)
        cells = pc.strftime(cells, "%Y-%m-%dT%H:%M:%S")
    return cells.cast(pa.string())


def _short(error: BaseException) -> str:
    return str(error).splitlines()[0][:200]


def _scan(config: Any, content: Open) -> Scan:
    return scan_columns(config, content, ParquetColumns, Notation(), place="row")


PARQUET = file_source(_scan)
