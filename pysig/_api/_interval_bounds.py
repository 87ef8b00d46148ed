"""Intervals of points, from numbers of points or from times."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._times import Times, check_moments, check_order
from pysig._api._windows import broadcasts, check_paths_of_times, check_room, times_of_points
from pysig._backend import is_cupy


def check_intervals(
    intervals: Any,
    length: int,
    batch: tuple[int, ...],
    lengths: Any,
    times: Any,
    include_previous: Any,
    check: Callable[[int], None],
) -> Any:
    """The intervals (paths or 1, q, 2) of points, from points or times. `check` raises an error if
    this number of intervals is too large.
    """
    previous = _checks.check_flag(include_previous, "include_previous")
    _check_number(intervals, check)
    if times is None:
        return _finished(_of_points(intervals, length, batch), batch, lengths, previous)
    checked = times_of_points(times, length, lengths)
    check_paths_of_times(checked, batch)
    check_order(checked, None if lengths is None else lengths.reshape(batch))
    return _finished(_of_moments(intervals, checked, batch, lengths), batch, lengths, previous)


def find_intervals(
    intervals: Any,
    length: int,
    batch: tuple[int, ...],
    times: Times | None,
    include_previous: Any,
    check: Callable[[int], None],
) -> Any:
    """As `check_intervals`, with times that are checked already."""
    previous = _checks.check_flag(include_previous, "include_previous")
    _check_number(intervals, check)
    if times is None:
        array = _of_points(intervals, length, batch)
    else:
        array = _of_moments(intervals, times, batch, None)
    return _finished(array, batch, None, previous)


def _check_number(intervals: Any, check: Callable[[int], None]) -> None:
    """MemoryError if there are too many intervals, of an array of any kind."""
    shape: tuple[int, ...] = getattr(intervals, "shape", ())
    if len(shape) >= 2:
        check_room(prod(shape[:-1]), "intervals", "Pass fewer at a time.")
        check(int(shape[-2]))


def _finished(array: Any, batch: tuple[int, ...], lengths: Any, previous: bool) -> Any:
    """Intervals (paths or 1, q, 2), cut at `lengths`, with the point before."""
    rows = _flat(array, batch)
    if lengths is not None:
        rows = np.minimum(rows, lengths[:, None, None])
    if previous:
        begins = np.maximum(rows[..., :1] - 1, 0)
        rows = np.concatenate([begins, rows[..., 1:]], axis=-1)
    return np.ascontiguousarray(rows, np.int64)


def _flat(array: Any, batch: tuple[int, ...]) -> Any:
    """(*batch, q, 2) or (q, 2) as (paths or 1, q, 2)."""
    if prod(array.shape[:-2]) == 1:
        return array.reshape(1, *array.shape[-2:])
    wide = np.broadcast_to(array, (*batch, *array.shape[-2:]))
    return wide.reshape(prod(batch), *array.shape[-2:])


def _check_shape(array: Any, batch: tuple[int, ...]) -> None:
    if array.ndim >= 2 and array.shape[-1] == 2 and broadcasts(array.shape[:-2], batch):
        return
    if not batch and array.ndim > 2 and array.shape[-1] == 2:
        raise ValueError(
            "intervals: expected shape (intervals, 2), since there is one path, received "
            f"{tuple(array.shape)}. Pass intervals.reshape(-1, 2)."
        )
    lead = f" whose first axes broadcast to {batch}" if batch else ""
    raise ValueError(
        f"intervals: expected shape (..., intervals, 2){lead}, received {tuple(array.shape)}. "
        "Pass rows (begin, end)."
    )


def _of_points(intervals: Any, length: int, batch: tuple[int, ...]) -> Any:
    """Intervals of points as int64."""
    array = _interval_array(intervals, batch)
    _check_points_order(array, length)
    return array.astype(np.int64)


def _interval_array(intervals: Any, batch: tuple[int, ...]) -> Any:
    _checks.refuse_masked(intervals, "intervals")
    host = intervals.get() if is_cupy(intervals) else intervals
    try:
        array = np.asarray(host)
    except ValueError as error:  # ragged nested lists
        raise ValueError(f"intervals: expected rows (begin, end), {error}.") from None
    if not array.size and array.dtype == np.float64:  # [] is float64
        array = np.zeros(array.shape if array.ndim > 1 else (0, 2), np.int64)
    if array.dtype.kind not in "iu":
        remedy = "Pass times= for intervals of time." if array.dtype.kind in "fMm" else ""
        raise TypeError(
            f"intervals: expected integers, numbers of points, received dtype {array.dtype}. "
            f"{remedy}".rstrip()
        )
    _check_shape(array, batch)
    return array


def _check_points_order(array: Any, length: int) -> None:
    """Raise ValueError for the first interval that is reversed or out of range."""
    begin, end = array[..., 0], array[..., 1]
    wrong = (begin > end) | (begin < 0) | (end > length)
    if not wrong.any():
        return
    index = tuple(int(k) for k in np.unravel_index(int(wrong.argmax()), wrong.shape))
    place = index[0] if len(index) == 1 else index
    pair = (int(begin[index]), int(end[index]))
    if pair[0] > pair[1]:
        raise ValueError(
            f"intervals: expected begin <= end, received {pair} at index {place}. "
            "Exchange the two; inverse=True returns the signature of the reversed path."
        )
    raise ValueError(
        f"intervals: expected numbers of points from 0 to the length {length} of path, received "
        f"{pair} at index {place}. Clip the intervals."
    )


def _of_moments(intervals: Any, times: Times, batch: tuple[int, ...], lengths: Any) -> Any:
    """Intervals of points [a, b) with begin <= time < end."""
    times, moments = check_moments(intervals, "intervals", times)
    if moments.size == 0 and moments.ndim < 2:
        moments = moments.reshape(0, 2)
    _check_shape(moments, batch)
    wrong = moments[..., 0] > moments[..., 1]
    if wrong.any():
        index = tuple(int(k) for k in np.unravel_index(int(wrong.argmax()), wrong.shape))
        begin, end = (times.shown(moments[(*index, k)]) for k in (0, 1))
        raise ValueError(
            f"intervals: expected begin <= end, received ({begin}, {end}) at index "
            f"{index[0] if len(index) == 1 else index}. Exchange the two."
        )
    if lengths is None and prod(times.shape[:-1]) == 1:
        return np.searchsorted(times.values.reshape(-1), moments, "left")
    rows = np.broadcast_to(times.values, (*batch, times.shape[-1])).reshape(
        prod(batch), times.shape[-1]
    )
    wide = np.broadcast_to(moments, (*batch, *moments.shape[-2:]))
    wide = wide.reshape(prod(batch), *moments.shape[-2:])
    counts = np.full(len(rows), rows.shape[1]) if lengths is None else lengths
    found = [
        np.searchsorted(row[:count], own, "left")
        for row, count, own in zip(rows, counts, wide, strict=True)
    ]
    return np.array(found, np.int64).reshape(*batch, *moments.shape[-2:])
