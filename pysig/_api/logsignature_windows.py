"""Log-signatures of windows of a path, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._options import LogsignatureIntervalOptions, Unpack, complete, takes
from pysig._api._types import Array, ArrayLike
from pysig._api.signature_windows import WindowArguments, window_call


@takes(LogsignatureIntervalOptions)
def logsignature_windows(
    path: Array | ArrayLike,
    depth: int,
    window: Any,
    *,
    basis: str = "words",
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    out: Any = None,
    **options: Unpack[LogsignatureIntervalOptions],
) -> Array:
    """Log-signatures of sliding windows of a path.

    Parameters
    ----------
    path, depth, window
        See `signature_windows`.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        See `logsignature`.
    stride, start, times, closed, include_previous
        See `signature_windows`.
    basepoint, inverse, lengths, transform, workers
        See `signature_windows`.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (..., windows, size)
        As `logsignature` returns them, in order of the ends of windows. A window of at most one
        point has zeros.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_windows`; the message names the argument.

    See Also
    --------
    logsignature_windows_vjp : Gradient of ``(cotangent * logsignature_windows(path, depth, window,
        ...)).sum()``.
    logsignature_windows_jvp : Derivative of `logsignature_windows` in a direction (Jacobian-vector
        product).
    signature_windows : Signatures of sliding windows of a path, of a number of points or of a
        length of time.

    Notes
    -----
    The logarithm of `signature_windows`, a bounded number of windows at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]])
    >>> pysig.logsignature_windows(path, 2, 3)
    array([[ 1.,  2.,  1.],
           [-1.,  2.,  1.]])
    """
    given = complete(logsignature_windows, options)
    windows = WindowArguments(window, stride, start, times, closed, include_previous)
    call = window_call(path, depth, windows, given, basis, out is None)
    return call.value(out)


@takes(LogsignatureIntervalOptions)
def logsignature_windows_vjp(
    path: Any,
    depth: int,
    window: Any,
    cotangent: Any,
    *,
    basis: str = "words",
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    **options: Unpack[LogsignatureIntervalOptions],
) -> Any:
    """Gradient of ``(cotangent * logsignature_windows(path, depth, window, ...)).sum()``.

    Parameters
    ----------
    path, depth, window
        See `signature_windows`.
    cotangent : array_like, shape of the result of `logsignature_windows`
        The weight of each coordinate. It may broadcast to this shape, except along the last axis.
    basis
        See `logsignature`.
    stride, start, times, closed, include_previous
        See `signature_windows`.
    basepoint, inverse, lengths, transform, workers
        See `signature_windows`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        See `signature_windows_vjp`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_windows`; the message names the argument.

    See Also
    --------
    logsignature_windows : Log-signatures of sliding windows of a path.
    logsignature_windows_jvp : Derivative of `logsignature_windows` in a direction (Jacobian-vector
        product).

    Notes
    -----
    Through the logarithm and `signature_windows_vjp`, a bounded number of windows at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]])
    >>> area = np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    >>> pysig.logsignature_windows_vjp(path, 2, 3, area) + 0.0  # no -0.0
    array([[-1. ,  0. ],
           [ 1. , -0.5],
           [ 0. ,  0.5],
           [ 0. ,  0. ]])
    """
    given = complete(logsignature_windows_vjp, options)
    windows = WindowArguments(window, stride, start, times, closed, include_previous)
    return window_call(path, depth, windows, given, basis).gradients(cotangent)


@takes(LogsignatureIntervalOptions)
def logsignature_windows_jvp(
    path: Array | ArrayLike,
    depth: int,
    window: Any,
    tangent: Any,
    *,
    basis: str = "words",
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    basepoint_tangent: Any = None,
    **options: Unpack[LogsignatureIntervalOptions],
) -> Array:
    """Derivative of `logsignature_windows` in a direction (Jacobian-vector product).

    Parameters
    ----------
    path, depth, window
        See `signature_windows`.
    tangent : array_like, shape of `path`
        How the points move. It may broadcast to the shape of `path`.
    basis
        See `logsignature`.
    stride, start, times, closed, include_previous
        See `signature_windows`.
    basepoint_tangent : array_like, optional
        See `signature_windows_jvp`.
    basepoint, inverse, lengths, transform, workers
        See `signature_windows`.

    Returns
    -------
    array
        Shape and dtype of the result of `logsignature_windows`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_windows`; the message names the argument.

    See Also
    --------
    logsignature_windows : Log-signatures of sliding windows of a path.
    logsignature_windows_vjp : Gradient of ``(cotangent * logsignature_windows(path, depth, window,
        ...)).sum()``.

    Notes
    -----
    Through `signature_windows_jvp`, and the logarithm on dual numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> tangent = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    >>> pysig.logsignature_windows_jvp(path, 2, 3, tangent)
    array([[0. , 1. , 0.5]])
    """
    given = complete(logsignature_windows_jvp, options)
    windows = WindowArguments(window, stride, start, times, closed, include_previous)
    call = window_call(path, depth, windows, given, basis)
    return call.derivative(call.tangents(tangent, basepoint_tangent))
