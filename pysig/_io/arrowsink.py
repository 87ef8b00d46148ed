"""Writing Parquet and Feather through pyarrow (the extra `tables`)."""

from __future__ import annotations

import contextlib
from typing import IO, Any

import numpy as np

from pysig._io.arrowfile import library
from pysig._io.sinks import Layout, Result, table_columns


class ArrowSink:
    """One row per path, or per prefix with its time; one row group per block."""

    def __init__(self, file: IO[bytes], layout: Layout, parquet: bool) -> None:
        self.file, self.layout, self.parquet = file, layout, parquet
        self.names = table_columns(layout)
        self.arrow = library("pyarrow", "-o")
        self.writer: Any = None

    def write(self, result: Result) -> None:
        """Add rows."""
        values, ids = result.values, np.asarray(result.ids, dtype=object)
        columns: list[Any] = []
        if result.times is None or result.prefixes is None:
            columns.append(self.arrow.array(ids, self.arrow.string()))
        else:
            counts = result.prefixes
            rows = np.repeat(np.arange(len(counts)), counts)
            at = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
            columns.append(self.arrow.array(ids[rows], self.arrow.string()))
            columns.append(self._times(result.times[rows, at], result.zone))
            values = values[rows, at]
        columns += [self.arrow.array(np.ascontiguousarray(column)) for column in values.T]
        self._open([column.type for column in columns])
        self.writer.write_table(self.arrow.Table.from_arrays(columns, schema=self.schema))

    def _times(self, times: Any, zone: str | None) -> Any:
        if zone is None or times.dtype.kind != "M":
            return self.arrow.array(times)
        stamps = self.arrow.array(times.astype("datetime64[ns]").astype("int64"))
        return stamps.cast(self.arrow.timestamp("ns", "UTC" if zone == "Z" else zone))

    def _open(self, types: list[Any]) -> None:
        """Open the writer once the types are known."""
        if self.writer is not None:
            return
        self.schema = self.arrow.schema(list(zip(self.names, types, strict=True)))
        if self.parquet:
            self.writer = library("pyarrow.parquet", "-o").ParquetWriter(self.file, self.schema)
        else:
            self.writer = library("pyarrow.ipc", "-o").new_file(self.file, self.schema)

    def finish(self) -> None:
        """Write the footer; without rows all columns are of numbers."""
        number = self.arrow.from_numpy_dtype(self.layout.dtype)
        first = [self.arrow.string(), self.arrow.float64()][: 1 + self.layout.stream]
        self._open([*first, *[number] * self.layout.size])
        self.writer.close()
        self.writer = None

    def close(self) -> None:
        """Drop the writer after a failure."""
        if self.writer is not None:
            with contextlib.suppress(Exception):
                self.writer.close()
