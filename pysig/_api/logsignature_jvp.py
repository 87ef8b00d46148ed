"""Derivatives of the log-signature along tangents."""

from __future__ import annotations

from typing import Any

from pysig._api._logsignature import check_tables
from pysig._api._options import LogsignatureOptions, Unpack, complete, takes
from pysig._api._ragged import packed
from pysig._api._types import Array, ArrayLike
from pysig._api.logsignature_convert import signature_to_logsignature_jvp
from pysig._api.signature import signature
from pysig._api.signature_jvp import signature_jvp


@takes(LogsignatureOptions)
def logsignature_jvp(
    path: Array | ArrayLike,
    depth: int,
    tangent: Any,
    *,
    basis: str = "words",
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    **options: Unpack[LogsignatureOptions],
) -> Array:
    """Derivative of `logsignature` in a direction (Jacobian-vector product).

    Parameters
    ----------
    path, depth
        See `logsignature`.
    tangent : array_like, shape of `path`
        How the points move.
    basis
        See `logsignature`.
    basepoint_tangent, initial_tangent : array_like, optional
        How `basepoint` and `initial` move, if they are arrays.
    stream, basepoint, initial, inverse, lengths, offsets, transform, method, workers
        See `logsignature`.

    Returns
    -------
    array
        Shape and dtype of ``logsignature(path, depth, ...)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature`; the message names the argument.

    See Also
    --------
    logsignature : Log-signature of piecewise linear paths, truncated at `depth`.
    logsignature_vjp : Gradient of ``<cotangent, logsignature(path)>`` (vector-Jacobian product).
    logsignature_hvp : Derivative of `logsignature_vjp` in a direction (Hessian-vector product).

    Notes
    -----
    The tangent passes through `signature_jvp` and the derivative of the logarithm.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> tangent = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]])
    >>> pysig.logsignature_jvp(path, 2, tangent)
    array([0. , 1. , 0.5])
    """
    given = complete(logsignature_jvp, options)
    path = packed(path, "logsignature_jvp", given)
    channels = check_tables("logsignature_jvp", path, depth, basis, given)
    values = signature(path, depth, **given)
    change = signature_jvp(
        path,
        depth,
        tangent,
        basepoint_tangent=basepoint_tangent,
        initial_tangent=initial_tangent,
        **options,
    )
    return signature_to_logsignature_jvp(
        values, channels, depth, change, basis=basis, workers=given["workers"]
    )
