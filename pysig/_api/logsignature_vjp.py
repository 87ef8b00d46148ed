"""Gradients of the log-signature."""

from __future__ import annotations

from typing import Any

from pysig._api._logsignature import check_tables
from pysig._api._options import LogsignatureOptions, Unpack, complete, takes
from pysig._api._ragged import packed
from pysig._api.logsignature_convert import signature_to_logsignature_vjp
from pysig._api.signature import signature
from pysig._api.signature_vjp import signature_vjp


@takes(LogsignatureOptions)
def logsignature_vjp(
    path: Any,
    depth: int,
    cotangent: Any,
    *,
    basis: str = "words",
    **options: Unpack[LogsignatureOptions],
) -> Any:
    """Gradient of ``<cotangent, logsignature(path)>`` (vector-Jacobian product).

    Parameters
    ----------
    path, depth
        See `logsignature`.
    cotangent : array_like
        The weight of each coordinate, in the shape of ``logsignature(path, depth, ...)``.
    basis, stream, basepoint, initial, inverse, lengths, offsets, transform, method, workers
        See `logsignature`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        See `signature_vjp`.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature`; the message names the argument.

    See Also
    --------
    logsignature : Log-signature of piecewise linear paths, truncated at `depth`.
    logsignature_jvp : Derivative of `logsignature` in a direction (Jacobian-vector product).
    logsignature_hvp : Derivative of `logsignature_vjp` in a direction (Hessian-vector product).

    Notes
    -----
    The cotangent passes through the basis, the logarithm and `signature_vjp`. The logarithm costs
    about twice as much as for the value.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> pysig.logsignature_vjp(path, 2, np.array([0.0, 0.0, 1.0])) + 0.0  # no -0.0
    array([[-1. ,  0. ],
           [ 1. , -0.5],
           [ 0. ,  0.5]])
    """
    given = complete(logsignature_vjp, options)
    path = packed(path, "logsignature_vjp", given)
    channels = check_tables("logsignature_vjp", path, depth, basis, given)
    values = signature(path, depth, **given)
    gradient = signature_to_logsignature_vjp(
        values, channels, depth, cotangent, basis=basis, workers=given["workers"]
    )
    return signature_vjp(path, depth, gradient, **options)
