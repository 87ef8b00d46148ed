"""Rows of a plain CSV, many at once, through pyarrow where it is installed.

Everything unusual is left to the careful parser of `csvfile`, which explains errors.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pysig._io.times import FIRST_YEAR, LAST_YEAR, TimeColumn, is_date


class Columns(NamedTuple):
    """The columns of a file and their roles."""

    names: list[str]
    delimiter: str
    id: int | None
    time: int | None
    channels: list[int]


class Rows(NamedTuple):
    """Rows as arrays: keys[k] is the id of the rows from starts[k] on."""

    keys: list[str]
    starts: NDArray[np.int64]
    times: NDArray[Any] | None
    points: NDArray[np.float64]


def available() -> bool:
    """Whether pyarrow is installed."""
    if "pyarrow" in sys.modules:
        return sys.modules["pyarrow"] is not None
    try:
        import_module("pyarrow.csv")
    except ImportError:
        return False
    return True


def parse(block: bytes, columns: Columns, moments: TimeColumn, key: str) -> Rows | None:
    """The rows of a block of whole lines; None if anything in it is unusual."""
    if b'"' in block or (b"\r" in block and block.count(b"\r") != block.count(b"\r\n")):
        return None
    arrow, reader = import_module("pyarrow"), import_module("pyarrow.csv")
    at = [str(k) for k in range(len(columns.names))]  # names need not be unique to Arrow
    texts = [at[k] for k in (columns.id, columns.time) if k is not None]
    numbers = [at[k] for k in columns.channels]
    types = dict.fromkeys(texts, arrow.string()) | dict.fromkeys(numbers, arrow.float64())
    try:
        table = reader.read_csv(
            arrow.BufferReader(block),
            reader.ReadOptions(column_names=at, block_size=1 << 20),
            reader.ParseOptions(
                delimiter=columns.delimiter, quote_char=False, ignore_empty_lines=False
            ),
            reader.ConvertOptions(
                column_types=types, include_columns=[*types], null_values=[], true_values=[]
            ),
        )
        times = None if columns.time is None else times_of(table[at[columns.time]], moments)
        keys, starts = keys_of(None if columns.id is None else table[at[columns.id]], key)
    except arrow.ArrowException:
        return None
    points = np.empty((table.num_rows, len(numbers)))
    for k, name in enumerate(numbers):
        points[:, k] = table[name].to_numpy()
    if not np.isfinite(points).all() or not all(keys):
        return None
    return Rows(keys, starts, times, points)


def times_of(column: Any, moments: TimeColumn) -> NDArray[Any]:
    """Times as int64, float64 or datetime64[ns]; an ArrowException for anything unusual."""
    arrow, compute = import_module("pyarrow"), import_module("pyarrow.compute")
    first = column[0].as_py().strip()
    dated = is_date(first) if moments.dates is None else moments.dates
    if dated and moments.zoned:
        raise arrow.ArrowInvalid("dates with a time zone")
    if dated:
        bounds = compute.min_max(column).as_py()
        if not (f"{FIRST_YEAR}-" <= bounds["min"] and bounds["max"] < f"{LAST_YEAR + 1}-"):
            raise arrow.ArrowInvalid("a year that int64 nanoseconds do not cover")
        times = column.cast(arrow.timestamp("ns")).to_numpy()
    else:
        try:
            times = column.cast(arrow.int64()).to_numpy()
        except arrow.ArrowInvalid:
            times = column.cast(arrow.float64()).to_numpy()
            if not np.isfinite(times).all():
                raise
    moments.dates, moments.zoned = dated, False if dated else moments.zoned
    return np.asarray(times)


def keys_of(column: Any, key: str) -> tuple[list[str], NDArray[np.int64]]:
    """Ids without the spaces around them, and the row where each begins."""
    if column is None:
        return [key], np.zeros(1, dtype=np.int64)
    compute = import_module("pyarrow.compute")
    encoded = compute.utf8_trim_whitespace(column).combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    starts = np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1])
    known = encoded.dictionary.to_pylist()
    return [known[code] for code in codes[starts].tolist()], starts
