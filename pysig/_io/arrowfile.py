"""Reading Parquet and Feather through pyarrow (the extra `tables`), batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pysig._io.blocks import InputError, Run, file_size
from pysig._io.roles import ColumnOptions
from pysig._io.table import TableReader, grouped

#: Rows that are converted at once.
BATCH = 1 << 16


def library(module: str, name: str) -> Any:
    """A module of pyarrow; an InputError, which names the file, if it is not installed."""
    try:
        return import_module(module)
    except ImportError:
        raise InputError(
            f"{name}: Parquet and Feather need pyarrow; install it with pip install pyarrow"
        ) from None


class ArrowReader(TableReader):
    """Paths of one Parquet or Feather file, called `name` in messages."""

    row = "row"

    def __init__(
        self, path: Path, name: str, parquet: bool, columns: ColumnOptions, sort: bool, nan: bool
    ) -> None:
        super().__init__(name, sort)
        self.allow_nan = nan
        self.arrow = library("pyarrow", name)
        try:
            if parquet:
                self.file = library("pyarrow.parquet", name).ParquetFile(path)
                self.schema = self.file.schema_arrow
                self.rows = self.file.metadata.num_rows
            else:
                self.source = self.arrow.memory_map(str(path))
                self.file = library("pyarrow.ipc", name).open_file(self.source)
                self.schema = self.file.schema
                groups = range(self.file.num_record_batches)
                self.rows = sum(self.file.get_batch(k).num_rows for k in groups)
        except self.arrow.ArrowException as error:
            raise InputError(f"{name}: not a readable table ({one_line(error)})") from None
        self.parquet, self.total = parquet, file_size(path)
        names = [str(column) for column in self.schema.names]
        self._check_names(names)
        index = names.index("__index_level_0__") if "__index_level_0__" in names else None
        self.assign_roles(names, columns, name, index)
        types = [self.schema.field(k).type for k in self.channel_at]
        for k, kind in zip(self.channel_at, types, strict=True):
            self._check_channel(k, kind)
        if all(kind == self.arrow.float32() for kind in types):
            self.dtype = np.dtype(np.float32)

    def close(self) -> None:
        """Close the file."""
        if self.parquet:
            self.file.close()
        else:
            self.source.close()

    def runs(self, tick: Callable[[int], None]) -> Iterator[Run]:
        """All rows, consecutive rows of one id together."""
        self.start = 0  # rows before the batch
        for batch in self._batches():
            lines = np.arange(self.start + 1, self.start + batch.num_rows + 1)
            yield from grouped(self._ids(batch), lines, self._times(batch), self._points(batch))
            self.start += batch.num_rows
            tick((self.total or 0) * batch.num_rows // max(1, self.rows))

    def _batches(self) -> Iterator[Any]:
        used = dict.fromkeys([self.id_at, self.time_at, *self.channel_at])
        self.kept = [k for k in used if k is not None]
        names = [self.names[k] for k in self.kept]
        try:
            if self.parquet:
                for batch in self.file.iter_batches(BATCH, columns=names):
                    yield batch.select(names)
                return
            for k in range(self.file.num_record_batches):
                batch = self.file.get_batch(k).select(names)
                for start in range(0, batch.num_rows, BATCH):
                    yield batch.slice(start, BATCH)
        except self.arrow.ArrowException as error:
            raise InputError(f"{self.name}: damaged file ({one_line(error)})") from None

    def _column(self, batch: Any, at: int) -> Any:
        return batch.column(self.kept.index(at))

    def _ids(self, batch: Any) -> list[str]:
        if self.id_at is None:
            return [self.name] * int(batch.num_rows)
        column = self._column(batch, self.id_at)
        self._check_complete(column, self.id_at, "the id is missing")
        return [str(value) for value in column.to_pylist()]

    def _times(self, batch: Any) -> NDArray[Any]:
        if self.time_at is None:
            return np.full(batch.num_rows, np.nan)
        column = self._column(batch, self.time_at)
        types, kind = self.arrow.types, column.type
        self._check_complete(column, self.time_at, "the time is missing")
        if types.is_timestamp(kind):  # with a time zone, Arrow stores UTC
            self.zone = kind.tz
            column = column.cast(self.arrow.timestamp("ns", kind.tz))
            return np.asarray(column.cast(self.arrow.int64())).astype("datetime64[ns]")
        if types.is_date(kind):
            return np.asarray(column.cast(self.arrow.timestamp("ns"))).astype("datetime64[ns]")
        if types.is_duration(kind):
            return np.asarray(column.cast(self.arrow.duration("ns"))).astype("timedelta64[ns]")
        if types.is_integer(kind):
            return np.asarray(column.cast(self.arrow.int64()))
        if types.is_floating(kind):
            times = np.asarray(column.cast(self.arrow.float64()))
            self._check_finite(times, self.time_at)
            return times
        raise InputError(
            f"{self.name}, column {self.names[self.time_at]!r}: {kind} is not a type of times; "
            "expected numbers, timestamps, dates or durations"
        )

    def _points(self, batch: Any) -> NDArray[np.float64]:
        points = np.empty((batch.num_rows, self.width))
        for k, at in enumerate(self.channel_at):
            column = self._column(batch, at)
            if not self.allow_nan:
                advice = "fill it in or delete the row, or give --allow-nan to let NaN through"
                self._check_complete(column, at, f"a missing value; {advice}")
            if self.arrow.types.is_boolean(column.type):
                column = column.cast(self.arrow.int8())
            values = np.asarray(column.cast(self.arrow.float64(), safe=False).fill_null(np.nan))
            if not self.allow_nan:
                self._check_finite(values, at)
            points[:, k] = values
        return points

    def _check_names(self, names: list[str]) -> None:
        for k, name in enumerate(names):
            if name in names[:k]:
                raise InputError(f"{self.name}, column {k + 1}: a second column is called {name!r}")

    def _check_channel(self, at: int, kind: Any) -> None:
        types = self.arrow.types
        numeric = types.is_integer, types.is_floating, types.is_decimal, types.is_boolean
        if any(check(kind) for check in numeric):
            return
        name = self.names[at]
        advice = f"if the column is not a channel, give --ignore {name}"
        if types.is_temporal(kind) and self.time_at is None:
            advice = f"if it holds the times, give --time-column {name}; {advice}"
        elif self.id_at is None and not types.is_nested(kind):
            advice = f"if it names the paths, give --id {name}; {advice}"
        raise InputError(f"{self.name}, column {name!r}: {kind} is not a type of numbers; {advice}")

    def _check_complete(self, column: Any, at: int, what: str) -> None:
        if column.null_count:
            first = int(np.flatnonzero(np.asarray(column.is_null()))[0])
            raise InputError(f"{self.place(self.start + first + 1, at)}: {what}")

    def _check_finite(self, values: NDArray[np.float64], at: int) -> None:
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            advice = "" if at == self.time_at else ", or give --allow-nan to let it through"
            raise InputError(
                f"{self.place(self.start + int(wrong[0]) + 1, at)}: {values[wrong[0]]} is not "
                f"finite; fill it in or delete the row{advice}"
            )


def one_line(error: Exception) -> str:
    """The first line of a message."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
