"""Signatures of windows of a path, with derivatives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pysig._api._intervals import IntervalsCall
from pysig._api._options import IntervalOptions, Unpack, complete, takes
from pysig._api._types import Array, ArrayLike
from pysig._api._windows import bounds_of, check_rule


class WindowArguments(NamedTuple):
    """The arguments of windows as they were passed, see `window_bounds`."""

    window: Any
    stride: Any
    start: Any
    times: Any
    closed: Any
    include_previous: Any


def window_call(
    path: Any,
    depth: Any,
    windows: WindowArguments,
    options: Mapping[str, Any],
    basis: Any = None,
    allocates: bool = True,
) -> IntervalsCall:
    """The checked call for windows; `allocates`: whether a new array must fit into memory."""

    def find(length: int, batch: tuple[int, ...], lengths: Any, check: Any) -> Any:
        window, stride, start, times, closed, previous = windows
        rule = check_rule(length, window, stride, start, times, closed, previous, lengths)
        return bounds_of(rule, length, batch, lengths, check)

    return IntervalsCall(path, depth, options, find, "window", basis, allocates)


@takes(IntervalOptions)
def signature_windows(
    path: Array | ArrayLike,
    depth: int | None,
    window: Any,
    *,
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    out: Any = None,
    **options: Unpack[IntervalOptions],
) -> Array:
    """Signatures of sliding windows of a path, of a number of points or of a length of time.

    The signature of window k is ``signature(path[a:b], depth, ...)`` with the same options, where
    (a, b) is row k of `window_bounds`. The work of windows that overlap is shared, without
    multiplication by inverses.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        See `signature`.
    depth : int
        Truncation depth, at least 1. None with `words`.
    window : int, float, or timedelta64
        Number of points of a window, at least 1: a window of w points has w - 1 segments. With
        `times`, its length of time: a number if times are numbers, else a timedelta64 (or
        `datetime.timedelta`).
    stride : int, float, or timedelta64, optional
        Distance from one window to the next one, in the unit of `window`. None: one window for each
        point, which ends there.
    start : {"full", "partial"}, optional
        "full": windows that lie within the path. "partial": in front of these, the windows of the
        same stride that begin before the path; they hold fewer points.
    times : array_like, shape (..., length), optional
        Times of the points: numbers, datetime64 or timedelta64. They must not decrease; ties are
        allowed.
    closed : {"right", "left", "both", "neither"}, optional
        The ends that belong to a window of a length of time: "right" is begin < time <= end.
    include_previous : bool, optional
        If True, add the last point before each window, so that the segment that crosses its begin
        counts as a whole.
    basepoint : bool or array_like, shape (..., channels), optional
        A point in front of each window, see `signature`.
    inverse, scalar_term : bool, optional
        See `signature`.
    words : sequence of tuple of int, optional
        Return these coefficients only, see `signature`.
    lengths : array_like of int, shape (...), optional
        Number of points of each path. There are the windows of the longest path; shorter ones end
        with windows without points, see `window_bounds`.
    transform : str, Time, or sequence of these, optional
        Transformation of the points of each window, see `signature`: "time" runs from 0 to its end
        in each window. The times of `Time` are those of the points of the path.
    workers : int, optional
        Threads on the CPU, see `set_workers`. The result does not depend on it.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (..., windows, size)
        As `signature` returns them, in order of the ends of windows. A window of at most one point
        has the trivial signature, zeros.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, units are mixed, or times are missing or decrease. The message
        names the argument, the index and a remedy.
    MemoryError
        If the result does not fit into memory. The message names the bytes needed and available.

    See Also
    --------
    signature_windows_vjp : Gradient of ``(cotangent * signature_windows(path, depth, window,
        ...)).sum()``.
    signature_windows_jvp : Derivative of `signature_windows` in a direction (Jacobian-vector
        product).
    signature_intervals : Signatures of intervals of a path: any number, in any order, overlapping
        or not.
    logsignature_windows : Log-signatures of sliding windows of a path.
    window_bounds : Windows of a path as half-open intervals of points.
    SlidingSignature : The signature of the latest points of a path, while points come and go.

    Notes
    -----
    Prefix and suffix products within blocks of the length of a window [1]_, or two stacks for
    windows of times [2]_: a window costs two steps for each new segment and one Chen product,
    whatever its length. Segments that "basepoint" and "reset" add at the ends take one more
    product. Each window is computed by itself where that is cheaper, or if time restarts in it and
    "basepoint" or "reset" add points to it. Memory beyond the result is bounded. Signatures of
    prefixes are never divided: ``S(0, a)^-1 ⊗ S(0, b)`` loses digits along the path.

    References
    ----------
    .. [1] M. van Herk, "A fast algorithm for local minimum and maximum filters on rectangular and
       octagonal kernels", Pattern Recognition Letters 13(7), 1992.
    .. [2] K. Tangwongsan, M. Hirzel, S. Schneider, "In-order sliding-window aggregation in
       worst-case constant time", The VLDB Journal 30, 2021, arXiv:2009.13768.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]])
    >>> pysig.signature_windows(path, 1, 3)
    array([[ 1.,  2.],
           [-1.,  2.]])

    The last two seconds before and at each point; times are irregular:

    >>> times = np.array([0, 1, 5, 6], "datetime64[s]")
    >>> window = np.timedelta64(2, "s")
    >>> pysig.signature_windows(path, 1, window, times=times, start="partial")
    array([[ 0.,  0.],
           [ 1.,  0.],
           [ 0.,  0.],
           [-1.,  0.]])

    The segment from the second to the third point crosses the begin of a window; it counts if the
    point before each window is included:

    >>> pysig.signature_windows(
    ...     path, 1, window, times=times, start="partial", include_previous=True
    ... )
    array([[ 0.,  0.],
           [ 1.,  0.],
           [ 0.,  2.],
           [-1.,  2.]])
    """
    given = complete(signature_windows, options)
    windows = WindowArguments(window, stride, start, times, closed, include_previous)
    return window_call(path, depth, windows, given, allocates=out is None).value(out)


@takes(IntervalOptions)
def signature_windows_vjp(
    path: Any,
    depth: int | None,
    window: Any,
    cotangent: Any,
    *,
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    **options: Unpack[IntervalOptions],
) -> Any:
    """Gradient of ``(cotangent * signature_windows(path, depth, window, ...)).sum()``.

    Parameters
    ----------
    path, depth, window
        See `signature_windows`.
    cotangent : array_like, shape of the result of `signature_windows`
        The weight of each coefficient. It may broadcast to this shape, except along the last axis.
    stride, start, times, closed, include_previous
        See `signature_windows`.
    basepoint, inverse, scalar_term, words, lengths, transform, workers
        See `signature_windows`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient with respect to the path. If `basepoint` is an array, a named tuple as of
        `signature_vjp`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_windows`; the message names the argument.

    See Also
    --------
    signature_windows : Signatures of sliding windows of a path, of a number of points or of a
        length of time.
    signature_windows_jvp : Derivative of `signature_windows` in a direction (Jacobian-vector
        product).

    Notes
    -----
    See `signature_intervals_vjp`. Gradients by times are not computed.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0], [1.0], [3.0]])
    >>> pysig.signature_windows_vjp(path, 1, 2, np.array([[1.0], [10.0]]))
    array([[-1.],
           [-9.],
           [10.]])
    """
    given = complete(signature_windows_vjp, options)
    windows = WindowArguments(window, stride, start, times, closed, include_previous)
    return window_call(path, depth, windows, given).gradients(cotangent)


@takes(IntervalOptions)
def signature_windows_jvp(
    path: Array | ArrayLike,
    depth: int | None,
    window: Any,
    tangent: Any,
    *,
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    basepoint_tangent: Any = None,
    **options: Unpack[IntervalOptions],
) -> Array:
    """Derivative of `signature_windows` in a direction (Jacobian-vector product).

    Parameters
    ----------
    path, depth, window
        See `signature_windows`.
    tangent : array_like, shape of `path`
        How the points move. It may broadcast to the shape of `path`.
    stride, start, times, closed, include_previous
        See `signature_windows`.
    basepoint_tangent : array_like, optional
        How `basepoint` moves, if it is an array; None: it does not.
    basepoint, inverse, scalar_term, words, lengths, transform, workers
        See `signature_windows`.

    Returns
    -------
    array
        Shape and dtype of the result of `signature_windows`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_windows`; the message names the argument.

    See Also
    --------
    signature_windows : Signatures of sliding windows of a path, of a number of points or of a
        length of time.
    signature_windows_vjp : Gradient of ``(cotangent * signature_windows(path, depth, window,
        ...)).sum()``.

    Notes
    -----
    See `signature_intervals_jvp`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0], [1.0], [3.0]])
    >>> pysig.signature_windows_jvp(path, 1, 2, np.array([[0.0], [1.0], [0.0]]))
    array([[ 1.],
           [-1.]])
    """
    given = complete(signature_windows_jvp, options)
    windows = WindowArguments(window, stride, start, times, closed, include_previous)
    call = window_call(path, depth, windows, given)
    return call.derivative(call.tangents(tangent, basepoint_tangent))
