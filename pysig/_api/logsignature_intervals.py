"""Log-signatures of intervals of a path, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._options import LogsignatureIntervalOptions, Unpack, complete, takes
from pysig._api._types import Array, ArrayLike
from pysig._api.signature_intervals import interval_call


@takes(LogsignatureIntervalOptions)
def logsignature_intervals(
    path: Array | ArrayLike,
    depth: int,
    intervals: Any,
    *,
    basis: str = "words",
    times: Any = None,
    include_previous: bool = False,
    out: Any = None,
    **options: Unpack[LogsignatureIntervalOptions],
) -> Array:
    """Log-signatures of intervals of a path.

    Parameters
    ----------
    path, depth, intervals
        See `signature_intervals`.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        See `logsignature`.
    times, include_previous
        See `signature_intervals`.
    basepoint, inverse, lengths, transform, workers
        See `signature_intervals`.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (..., intervals, size)
        As `logsignature` returns them. An interval without points has zeros.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_intervals`; the message names the argument.

    See Also
    --------
    logsignature_intervals_vjp : Gradient of ``(cotangent * logsignature_intervals(path, depth,
        intervals, ...)).sum()``.
    logsignature_intervals_jvp : Derivative of `logsignature_intervals` in a direction
        (Jacobian-vector product).
    signature_intervals : Signatures of intervals of a path: any number, in any order, overlapping
        or not.

    Notes
    -----
    The logarithm of `signature_intervals`, a bounded number of intervals at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]])
    >>> pysig.logsignature_intervals(path, 2, [(0, 3), (0, 1)])
    array([[1., 2., 1.],
           [0., 0., 0.]])
    """
    given = complete(logsignature_intervals, options)
    call = interval_call(path, depth, intervals, times, include_previous, given, basis, out is None)
    return call.value(out)


@takes(LogsignatureIntervalOptions)
def logsignature_intervals_vjp(
    path: Any,
    depth: int,
    intervals: Any,
    cotangent: Any,
    *,
    basis: str = "words",
    times: Any = None,
    include_previous: bool = False,
    **options: Unpack[LogsignatureIntervalOptions],
) -> Any:
    """Gradient of ``(cotangent * logsignature_intervals(path, depth, intervals, ...)).sum()``.

    Parameters
    ----------
    path, depth, intervals
        See `signature_intervals`.
    cotangent : array_like, shape of the result of `logsignature_intervals`
        The weight of each coordinate. It may broadcast to this shape, except along the last axis.
    basis
        See `logsignature`.
    times, include_previous
        See `signature_intervals`.
    basepoint, inverse, lengths, transform, workers
        See `signature_intervals`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        See `signature_intervals_vjp`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_intervals`; the message names the argument.

    See Also
    --------
    logsignature_intervals : Log-signatures of intervals of a path.
    logsignature_intervals_jvp : Derivative of `logsignature_intervals` in a direction
        (Jacobian-vector product).

    Notes
    -----
    Through the logarithm and `signature_intervals_vjp`, a bounded number of intervals at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> pysig.logsignature_intervals_vjp(path, 2, [(0, 3)], np.array([[0.0, 0.0, 1.0]])) + 0.0
    array([[-1. ,  0. ],
           [ 1. , -0.5],
           [ 0. ,  0.5]])
    """
    given = complete(logsignature_intervals_vjp, options)
    call = interval_call(path, depth, intervals, times, include_previous, given, basis)
    return call.gradients(cotangent)


@takes(LogsignatureIntervalOptions)
def logsignature_intervals_jvp(
    path: Array | ArrayLike,
    depth: int,
    intervals: Any,
    tangent: Any,
    *,
    basis: str = "words",
    times: Any = None,
    include_previous: bool = False,
    basepoint_tangent: Any = None,
    **options: Unpack[LogsignatureIntervalOptions],
) -> Array:
    """Derivative of `logsignature_intervals` in a direction (Jacobian-vector product).

    Parameters
    ----------
    path, depth, intervals
        See `signature_intervals`.
    tangent : array_like, shape of `path`
        How the points move. It may broadcast to the shape of `path`.
    basis
        See `logsignature`.
    times, include_previous
        See `signature_intervals`.
    basepoint_tangent : array_like, optional
        See `signature_intervals_jvp`.
    basepoint, inverse, lengths, transform, workers
        See `signature_intervals`.

    Returns
    -------
    array
        Shape and dtype of the result of `logsignature_intervals`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_intervals`; the message names the argument.

    See Also
    --------
    logsignature_intervals : Log-signatures of intervals of a path.
    logsignature_intervals_vjp : Gradient of ``(cotangent * logsignature_intervals(path, depth,
        intervals, ...)).sum()``.

    Notes
    -----
    Through `signature_intervals_jvp`, and the logarithm on dual numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> tangent = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    >>> pysig.logsignature_intervals_jvp(path, 2, [(0, 3), (0, 2)], tangent)
    array([[0. , 1. , 0.5],
           [0. , 0. , 0. ]])
    """
    given = complete(logsignature_intervals_jvp, options)
    call = interval_call(path, depth, intervals, times, include_previous, given, basis)
    return call.derivative(call.tangents(tangent, basepoint_tangent))
