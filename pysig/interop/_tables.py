"""Data frames of pandas and polars behind one interface."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Any, Protocol

import numpy as np


class Table(Protocol):
    """Columns of a frame, by name."""

    names: list[str]

    def check_complete(self, name: str, argument: str) -> None:
        """Raise ValueError if a value of the column is missing."""

    def groups(self, keys: list[str]) -> tuple[Any, Any]:
        """Rows, group after group in the order of their first rows; offsets of the groups."""

    def numbers(self, name: str) -> Any:
        """A channel, float32 or float64."""

    def times(self, name: str) -> Any:
        """Times: numbers, datetime64 in UTC, or timedelta64."""

    def duration(self, text: str) -> Any:
        """A length of time such as "60s"."""

    def take(self, name: str, rows: Any) -> Any:
        """Some values of a column, of the type of the library."""

    def take_from(self, column: Any, rows: Any) -> Any:
        """Some values of what `take` returned."""

    def frame(self, keys: dict[str, Any], labels: list[str], values: Any) -> Any:
        """A frame of results."""


def table_of(frame: Any, keys: list[str], time: str | None) -> tuple[Table, str | None]:
    """The table behind a frame, and the name of its times."""
    pandas, polars = sys.modules.get("pandas"), sys.modules.get("polars")
    if pandas is not None and isinstance(frame, pandas.DataFrame):
        return _pandas_table(pandas, frame, keys, time)
    if polars is not None and isinstance(frame, polars.LazyFrame):
        raise TypeError("frame: expected a DataFrame, received a LazyFrame. Call frame.collect().")
    if polars is not None and isinstance(frame, polars.DataFrame):
        return PolarsTable(polars, frame), time
    remedy = {
        "GroupBy": "Pass the frame before it was grouped, and by=.",
        "Series": "Make it a frame: frame.to_frame().",
    }.get(type(frame).__name__.removeprefix("DataFrame"), "Pass arrays to pysig.signature.")
    raise TypeError(
        f"frame: expected a DataFrame of pandas or polars, received {type(frame).__name__}. "
        f"{remedy}"
    )


def _pandas_table(
    pandas: Any, frame: Any, keys: list[str], time: str | None
) -> tuple[Table, str | None]:
    """A frame whose index holds keys or times gets them as columns."""
    if frame.columns.nlevels > 1:
        raise TypeError(
            "frame: expected columns of one level, received a MultiIndex. Join its levels: "
            "frame.columns = ['_'.join(map(str, name)) for name in frame.columns]."
        )
    index = frame.index
    clock = (pandas.DatetimeIndex, pandas.TimedeltaIndex)
    if time is None and isinstance(index, clock):
        time = index.name or "time"
        if time not in frame.columns:
            frame = frame.rename_axis(index=time)
    levels = [name for name in frame.index.names if name is not None]
    wanted = [name for name in levels if name in (*keys, time) and name not in frame.columns]
    frame = frame.reset_index(level=wanted) if wanted else frame
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"frame: expected columns of different names, received {twice!r} twice.")
    return PandasTable(pandas, frame), time


def check_name(name: Any, option: str) -> None:
    """TypeError for values of a column in the place of its name."""
    if hasattr(name, "shape") or not isinstance(name, Hashable):
        raise TypeError(
            f"{option}: expected names of columns, received {type(name).__name__}. Put the values "
            "into a column of the frame, and pass its name."
        )


def _refuse(name: str, kind: Any, what: str, advice: str) -> TypeError:
    return TypeError(f"{name}: expected {what}, received {kind}. {advice}")


def _check_finite(name: str, values: Any) -> Any:
    missing = np.flatnonzero(np.isnan(values))
    if missing.size:
        raise ValueError(
            f"{name}: expected numbers, received {missing.size} missing values, the first in row "
            f"{missing[0]}. Fill or drop them."
        )
    return values


def _check_times(name: str, values: Any) -> Any:
    missing = np.flatnonzero(np.isnat(values) if values.dtype.kind in "mM" else np.isnan(values))
    if missing.size:
        raise ValueError(
            f"{name}: expected times, received a missing one in row {missing[0]}. Drop the row."
        )
    return values


CHANNEL_ADVICE = (
    "Name the channels with channels=, or convert the column. If it names the paths, pass it as "
    "by=; if it holds times, as time=."
)


class PandasTable:
    """A frame of pandas."""

    def __init__(self, pandas: Any, data: Any) -> None:
        self.pandas, self.data = pandas, data
        self.names = list(data.columns)

    def check_complete(self, name: str, argument: str) -> None:
        missing = np.flatnonzero(self.data[name].isna().to_numpy())
        if missing.size:
            raise ValueError(
                f"{argument}: expected names of paths, received a missing one in column {name!r}, "
                f"row {missing[0]}. Drop the row."
            )

    def groups(self, keys: list[str]) -> tuple[Any, Any]:
        count = len(self.data)
        if not keys:
            return np.arange(count), np.array([0, count] if count else [0])
        codes = self.data.groupby(keys, sort=False, observed=True).ngroup().to_numpy()
        offsets = np.concatenate([[0], np.cumsum(np.bincount(codes))]) if count else np.array([0])
        return np.argsort(codes, kind="stable"), offsets

    def numbers(self, name: str) -> Any:
        column = self.data[name]
        kind = column.dtype
        if not self.pandas.api.types.is_numeric_dtype(kind) or np.dtype(complex) == kind:
            raise _refuse(name, kind, "a column of numbers", CHANNEL_ADVICE)
        single = str(kind) in ("float32", "Float32", "float[pyarrow]")
        values = column.to_numpy(dtype=np.float32 if single else np.float64, na_value=np.nan)
        return _check_finite(name, values)

    def times(self, name: str) -> Any:
        column = self.data[name]
        types = self.pandas.api.types
        if isinstance(column.dtype, self.pandas.DatetimeTZDtype):
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
        if not (types.is_numeric_dtype(column.dtype) or column.dtype.kind in "mM"):
            raise _refuse(
                name, column.dtype, "a column of times", "Convert it with pandas.to_datetime."
            )
        values = column.to_numpy()
        if values.dtype == object:  # a nullable column
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return _check_times(name, values)

    def duration(self, text: str) -> Any:
        try:
            length = self.pandas.Timedelta(text)
        except ValueError:
            length = self.pandas.NaT
        if length is self.pandas.NaT:
            raise ValueError(
                f'window: expected a length of time such as "60s", received {text!r}. Pass a '
                "number and a unit."
            )
        return length.to_timedelta64()

    def take(self, name: str, rows: Any) -> Any:
        return self.data[name].iloc[rows]

    def take_from(self, column: Any, rows: Any) -> Any:
        return column.iloc[rows]

    def frame(self, keys: dict[str, Any], labels: list[str], values: Any) -> Any:
        columns = [
            self.pandas.Series(column).reset_index(drop=True).rename(name)
            for name, column in keys.items()
        ]
        index = None
        if len(columns) == 1:
            index = self.pandas.Index(columns[0])
        elif columns:
            index = self.pandas.MultiIndex.from_arrays(columns, names=list(keys))
        return self.pandas.DataFrame(values, columns=labels, index=index)


class PolarsTable:
    """A frame of polars."""

    def __init__(self, polars: Any, data: Any) -> None:
        self.polars, self.data = polars, data
        self.names = list(data.columns)

    def check_complete(self, name: str, argument: str) -> None:
        missing = np.flatnonzero(self.data[name].is_null().to_numpy())
        if missing.size:
            raise ValueError(
                f"{argument}: expected names of paths, received a missing one in column {name!r}, "
                f"row {missing[0]}. Drop the row."
            )

    def groups(self, keys: list[str]) -> tuple[Any, Any]:
        count = len(self.data)
        if not keys:
            return np.arange(count), np.array([0, count] if count else [0])
        row = "".join(self.names) + "_row"  # a name that no column has
        numbered = self.data.select(keys).with_columns(
            self.polars.int_range(self.polars.len(), dtype=self.polars.Int64).alias(row)
        )
        found = numbered.group_by(keys, maintain_order=True).agg(self.polars.col(row))
        lists = found[row]
        order = lists.explode().to_numpy() if count else np.zeros(0, np.int64)
        return order, np.concatenate([[0], np.cumsum(lists.list.len().to_numpy())]).astype(np.int64)

    def numbers(self, name: str) -> Any:
        column = self.data[name]
        if not (column.dtype.is_numeric() or column.dtype == self.polars.Boolean):
            raise _refuse(name, column.dtype, "a column of numbers", CHANNEL_ADVICE)
        single = column.dtype == self.polars.Float32
        column = column.cast(self.polars.Float32 if single else self.polars.Float64)
        return _check_finite(name, column.fill_null(float("nan")).to_numpy())

    def times(self, name: str) -> Any:
        column = self.data[name]
        if column.dtype == self.polars.Datetime and column.dtype.time_zone is not None:
            column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        if not (column.dtype.is_numeric() or column.dtype.is_temporal()) or (
            column.dtype == self.polars.Time
        ):
            raise _refuse(
                name, column.dtype, "a column of times", "Convert it with str.to_datetime()."
            )
        missing = np.flatnonzero(column.is_null().to_numpy())
        if missing.size:
            raise ValueError(
                f"{name}: expected times, received a missing one in row {missing[0]}. Drop the row."
            )
        return _check_times(name, column.to_numpy())

    def duration(self, text: str) -> Any:
        raise TypeError(
            f"window: expected an integer or a length of time, received {text!r}. "
            "Pass a datetime.timedelta."
        )

    def take(self, name: str, rows: Any) -> Any:
        return self.data[name][rows]

    def take_from(self, column: Any, rows: Any) -> Any:
        return column[rows]

    def frame(self, keys: dict[str, Any], labels: list[str], values: Any) -> Any:
        series = [self.polars.Series(name, column) for name, column in keys.items()]
        columns = [self.polars.Series(x, v) for x, v in zip(labels, values.T.copy(), strict=True)]
        return self.polars.DataFrame(series + columns)
