"""Signatures of intervals of a path, with derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pysig._api._interval_bounds import check_intervals
from pysig._api._intervals import IntervalsCall
from pysig._api._options import IntervalOptions, Unpack, complete, takes
from pysig._api._types import Array, ArrayLike


def interval_call(
    path: Any,
    depth: Any,
    intervals: Any,
    times: Any,
    previous: Any,
    options: Mapping[str, Any],
    basis: Any = None,
    allocates: bool = True,
) -> IntervalsCall:
    """The checked call for intervals; `allocates`: whether a new array must fit into memory."""

    def find(length: int, batch: tuple[int, ...], lengths: Any, check: Any) -> Any:
        return check_intervals(intervals, length, batch, lengths, times, previous, check)

    return IntervalsCall(path, depth, options, find, "intervals", basis, allocates)


@takes(IntervalOptions)
def signature_intervals(
    path: Array | ArrayLike,
    depth: int | None,
    intervals: Any,
    *,
    times: Any = None,
    include_previous: bool = False,
    out: Any = None,
    **options: Unpack[IntervalOptions],
) -> Array:
    """Signatures of intervals of a path: any number, in any order, overlapping or not.

    The signature of the interval (a, b) is ``signature(path[a:b], depth, ...)`` with the same
    options. The work of intervals that overlap is shared, without multiplication by inverses.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        See `signature`.
    depth : int
        Truncation depth, at least 1. None with `words`.
    intervals : array_like of int, shape (..., intervals, 2)
        Half-open intervals (begin, end) of points, ``0 <= begin <= end <= length``. An interval has
        ``end - begin`` points and one segment less. Leading dimensions broadcast with those of the
        path. With `times` they are intervals of time.
    times : array_like, shape (..., length), optional
        Times of the points: numbers, datetime64 or timedelta64. They must not decrease. An interval
        has the points with ``begin <= time < end``; nothing is interpolated.
    include_previous : bool, optional
        If True, add the last point before each interval. The signatures of neighbouring intervals
        then multiply to the signature of their union.
    basepoint : bool or array_like, shape (..., channels), optional
        A point in front of each interval, see `signature`.
    inverse, scalar_term : bool, optional
        See `signature`.
    words : sequence of tuple of int, optional
        Return these coefficients only, see `signature`.
    lengths : array_like of int, shape (...), optional
        Number of points of each path. Intervals are cut there.
    transform : str, Time, or sequence of these, optional
        Transformation of the points of each interval, see `signature`: "time" runs from 0 to its
        end in each interval. The times of `Time` are those of the points of the path.
    workers : int, optional
        Threads on the CPU, see `set_workers`. The result does not depend on it.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (..., intervals, size)
        As `signature` returns them. An interval without points has the trivial signature, zeros.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, intervals are reversed or out of range, or times decrease. The
        message names the argument, the index and a remedy.
    MemoryError
        If the result does not fit into memory.

    See Also
    --------
    signature_intervals_vjp : Gradient of ``(cotangent * signature_intervals(path, depth, intervals,
        ...)).sum()``.
    signature_intervals_jvp : Derivative of `signature_intervals` in a direction (Jacobian-vector
        product).
    signature_windows : Signatures of sliding windows of a path, of a number of points or of a
        length of time.
    logsignature_intervals : Log-signatures of intervals of a path.
    SignatureIndex : Signatures of any intervals of a path, from products that are computed once.

    Notes
    -----
    Intervals are grouped by a point that they contain: the signature of an interval is the product
    of that of a part in front of this point and of that behind it. A disjoint sparse table gives
    the points: for n segments and q intervals about n log2(n) steps and q products, whatever their
    lengths. Segments that "basepoint" and "reset" add at the ends take one more product. Each
    interval is computed by itself where that is cheaper, or if time restarts in it and "basepoint"
    or "reset" add points to it. Memory beyond the result is bounded.

    Differences of two signatures of prefixes, ``S(0, a)^-1 ⊗ S(0, b)``, would lose digits along the
    path.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]])
    >>> pysig.signature_intervals(path, 1, [(0, 2), (1, 4), (2, 2)])
    array([[ 1.,  0.],
           [-1.,  2.],
           [ 0.,  0.]])
    >>> pysig.signature_intervals(path, 1, [(0.5, 2.5)], times=[0.0, 1.0, 2.0, 3.0])
    array([[0., 2.]])
    """
    given = complete(signature_intervals, options)
    rule = intervals, times, include_previous
    return interval_call(path, depth, *rule, given, allocates=out is None).value(out)


@takes(IntervalOptions)
def signature_intervals_vjp(
    path: Any,
    depth: int | None,
    intervals: Any,
    cotangent: Any,
    *,
    times: Any = None,
    include_previous: bool = False,
    **options: Unpack[IntervalOptions],
) -> Any:
    """Gradient of ``(cotangent * signature_intervals(path, depth, intervals, ...)).sum()``.

    Parameters
    ----------
    path, depth, intervals
        See `signature_intervals`.
    cotangent : array_like, shape of the result of `signature_intervals`
        The weight of each coefficient. It may broadcast to this shape, except along the last axis.
    times, include_previous
        See `signature_intervals`.
    basepoint, inverse, scalar_term, words, lengths, transform, workers
        See `signature_intervals`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient with respect to the path. If `basepoint` is an array, a named tuple as of
        `signature_vjp`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_intervals`; the message names the argument.

    See Also
    --------
    signature_intervals : Signatures of intervals of a path: any number, in any order, overlapping
        or not.
    signature_intervals_jvp : Derivative of `signature_intervals` in a direction (Jacobian-vector
        product).

    Notes
    -----
    The cotangent goes back through the product of each interval, and through the steps of the two
    parts. Intervals of float32 of more than 8192 points are computed in float64.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0], [1.0], [3.0]])
    >>> pysig.signature_intervals_vjp(path, 1, [(0, 2), (0, 3)], np.array([[1.0], [10.0]]))
    array([[-11.],
           [  1.],
           [ 10.]])
    """
    given = complete(signature_intervals_vjp, options)
    call = interval_call(path, depth, intervals, times, include_previous, given)
    return call.gradients(cotangent)


@takes(IntervalOptions)
def signature_intervals_jvp(
    path: Array | ArrayLike,
    depth: int | None,
    intervals: Any,
    tangent: Any,
    *,
    times: Any = None,
    include_previous: bool = False,
    basepoint_tangent: Any = None,
    **options: Unpack[IntervalOptions],
) -> Array:
    """Derivative of `signature_intervals` in a direction (Jacobian-vector product).

    Parameters
    ----------
    path, depth, intervals
        See `signature_intervals`.
    tangent : array_like, shape of `path`
        How the points move. It may broadcast to the shape of `path`.
    times, include_previous
        See `signature_intervals`.
    basepoint_tangent : array_like, optional
        How `basepoint` moves, if it is an array; None: it does not.
    basepoint, inverse, scalar_term, words, lengths, transform, workers
        See `signature_intervals`.

    Returns
    -------
    array
        Shape and dtype of the result of `signature_intervals`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_intervals`; the message names the argument.

    See Also
    --------
    signature_intervals : Signatures of intervals of a path: any number, in any order, overlapping
        or not.
    signature_intervals_vjp : Gradient of ``(cotangent * signature_intervals(path, depth, intervals,
        ...)).sum()``.

    Notes
    -----
    The formulas of the value on dual numbers, see `signature_jvp`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0], [1.0], [3.0]])
    >>> tangent = np.array([[0.0], [1.0], [0.0]])
    >>> pysig.signature_intervals_jvp(path, 1, [(0, 2), (0, 3)], tangent)
    array([[1.],
           [0.]])
    """
    given = complete(signature_intervals_jvp, options)
    call = interval_call(path, depth, intervals, times, include_previous, given)
    return call.derivative(call.tangents(tangent, basepoint_tangent))
