"""Windows as intervals of points."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._memory import check_array
from pysig._api._windows import LARGEST, bounds_of, check_room, check_rule
from pysig._backend import NUMPY, is_cupy


def window_bounds(
    length: int,
    window: Any,
    *,
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    lengths: Any = None,
) -> Any:
    """Windows of a path as half-open intervals of points.

    Without `times`, `window` and `stride` are numbers of points. With `times` they are lengths of
    time.

    Parameters
    ----------
    length : int
        Number of points of the path, at least 1.
    window : int, float, or timedelta64
        Number of points of a window, at least 1. With `times`, its length of time: a number if
        times are numbers, else a timedelta64 (or `datetime.timedelta`).
    stride : int, float, or timedelta64, optional
        Distance from one window to the next one, in the unit of `window`. None: one window for each
        point, which ends there.
    start : {"full", "partial"}, optional
        "full": windows that lie within the path. "partial": in front of these, the windows of the
        same stride that begin before the path; they hold fewer points.
    times : array_like, shape (..., length), optional
        Times of the points: numbers, datetime64 or timedelta64. They must not decrease; ties are
        allowed. Leading dimensions give windows for each path.
    closed : {"right", "left", "both", "neither"}, optional
        The ends that belong to a window of a length of time: "right" is begin < time <= end. A
        point on an end that does not belong is left out; so are its segments.
    include_previous : bool, optional
        If True, add the last point before each window, so that the segment that crosses its begin
        counts as a whole.
    lengths : array_like of int, shape (...), optional
        Number of points of each path. Later times are not looked at.

    Returns
    -------
    array of int64, shape (windows, 2), or (..., windows, 2) with leading dimensions
        Begin and end: window k has the points ``path[begin:end]``. They are in order of their ends.
        Paths that have fewer windows than others have empty windows at their end, where begin and
        end are the number of their points.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, units are mixed, or times are missing or decrease. The message
        names the argument, the index and a remedy.
    MemoryError
        If the windows do not fit into memory.

    See Also
    --------
    signature_windows : Signatures of sliding windows of a path, of a number of points or of a
        length of time.
    dyadic_windows : Dyadic intervals of points: the whole path, its halves, quarters, and so on.

    Notes
    -----
    Times are compared as they are, integers and dates exactly. Nothing is interpolated: a window of
    a length of time has the points within it. With a stride, window k of times begins at
    ``times[0] + k * stride``, and windows do not depend on the times after them. Cost: one binary
    search for each window.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.window_bounds(6, 3, stride=2)
    array([[0, 3],
           [2, 5]])
    >>> pysig.window_bounds(3, 2, start="partial")
    array([[0, 1],
           [0, 2],
           [1, 3]])

    The last 60 seconds before and at each point:

    >>> times = np.array(["09:00:00", "09:00:20", "09:01:00", "09:05:00"])
    >>> times = np.array([f"2026-01-05T{time}" for time in times], "datetime64[s]")
    >>> minute = np.timedelta64(60, "s")
    >>> pysig.window_bounds(4, minute, times=times, start="partial")
    array([[0, 1],
           [0, 2],
           [1, 3],
           [3, 4]])
    """
    length = _check_length(length)
    counts = _check_lengths(lengths, length)
    rule = check_rule(length, window, stride, start, times, closed, include_previous, counts)
    batch: tuple[int, ...] = () if counts is None else counts.shape
    if rule.times is not None:
        try:
            batch = np.broadcast_shapes(batch, rule.times.shape[:-1])
        except ValueError:
            raise ValueError(
                f"lengths: expected a shape that broadcasts with {rule.times.shape[:-1]}, the "
                f"paths of times, received {counts.shape}."
            ) from None
    flat = None if counts is None else np.broadcast_to(counts, batch).reshape(-1)
    bounds = bounds_of(rule, length, batch, flat)
    if len(bounds) != prod(batch):
        bounds = np.broadcast_to(bounds, (prod(batch), *bounds.shape[1:]))
    return np.ascontiguousarray(bounds).reshape(*batch, *bounds.shape[1:])


def _check_lengths(lengths: Any, length: int) -> Any:
    """None, or numbers of points as int64 on the host."""
    if lengths is None:
        return None
    array = np.asarray(lengths.get() if is_cupy(lengths) else lengths)
    if array.dtype.kind not in "iu" and array.size:
        raise TypeError(
            f"lengths: expected integers, received {_checks.describe(array)}. Pass numbers of "
            "points."
        )
    check_array("lengths", array.shape, 8, NUMPY, "Pass fewer paths at a time.")
    if array.size and (array.min() < 1 or array.max() > length):
        raise ValueError(
            f"lengths: expected integers from 1 to the length {length}, received values from "
            f"{array.min()} to {array.max()}. A path needs at least one point."
        )
    return array.astype(np.int64)


def dyadic_windows(length: int, depth: int) -> Any:
    """Dyadic intervals of points: the whole path, its halves, quarters, and so on.

    Parameters
    ----------
    length : int
        Number of points of the path.
    depth : int
        The number of times that the path is halved; 0 gives the whole path.

    Returns
    -------
    array of int64, shape (2 ** (depth + 1) - 1, 2)
        Half-open intervals, those of one size from left to right, the largest ones first. On
        level k they are ``[j * length // 2**k, (j + 1) * length // 2**k)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, or if intervals would have no points.

    See Also
    --------
    signature_intervals : Signatures of intervals of a path: any number, in any order, overlapping
        or not.
    window_bounds : Windows of a path as half-open intervals of points.

    Notes
    -----
    Intervals of one level share no point, so that the segments between them do not count, as in
    aeon and sktime. With `include_previous` of `signature_intervals` they count, and the
    signatures of the halves multiply to that of the whole (Chen 1957).

    Examples
    --------
    >>> import pysig
    >>> pysig.dyadic_windows(5, 1)
    array([[0, 5],
           [0, 2],
           [2, 5]])
    """
    length = _check_length(length)
    depth = _checks.check_integer(depth, "depth", 0)
    if depth >= length.bit_length():  # 2**depth > length
        raise ValueError(
            f"depth: expected at most {length.bit_length() - 1}, since a path of {length} points "
            f"has no more halves of at least one point, received {depth}. Reduce depth."
        )
    check_room(2 ** (depth + 1), "depth", "Reduce depth.")
    cuts, rests = np.array([0, length]), np.array([0, 0])  # j * length = cuts * 2**level + rests
    levels = []
    for level in range(depth + 1):
        levels.append(np.stack([cuts[:-1], cuts[1:]], axis=1))
        middle = 2 * rests[:-1] + length
        cuts = _interleaved(cuts, cuts[:-1] + (middle >> level + 1))
        rests = _interleaved(2 * rests, middle & 2 ** (level + 1) - 1)
    return np.concatenate(levels)


def _interleaved(even: Any, odd: Any) -> Any:
    joined = np.empty(len(even) + len(odd), np.int64)
    joined[::2], joined[1::2] = even, odd
    return joined


def _check_length(value: Any) -> int:
    """A number of points that a path can have."""
    length = _checks.check_integer(value, "length", 1)
    if length > LARGEST:
        raise ValueError(
            f"length: expected at most 2**62, received {_checks.integer_text(length)}. Pass the "
            "number of points of a path."
        )
    return length
