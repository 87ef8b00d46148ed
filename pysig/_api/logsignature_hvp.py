"""Hessian-vector products of the log-signature."""

from __future__ import annotations

from typing import Any

from pysig._api._conversion import prepare_conversion
from pysig._api._gradients import add_gradients
from pysig._api._logsignature import check_tables
from pysig._api._options import LogsignatureOptions, Unpack, complete, takes
from pysig._api._ragged import packed
from pysig._api.signature import signature
from pysig._api.signature_hvp import signature_hvp
from pysig._api.signature_jvp import signature_jvp
from pysig._api.signature_vjp import signature_vjp


@takes(LogsignatureOptions)
def logsignature_hvp(
    path: Any,
    depth: int,
    cotangent: Any,
    tangent: Any,
    *,
    basis: str = "words",
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    **options: Unpack[LogsignatureOptions],
) -> Any:
    """Derivative of `logsignature_vjp` in a direction (Hessian-vector product).

    The Hessian of ``<cotangent, logsignature(path)>`` with respect to the path, and to `basepoint`
    and `initial` where they are arrays, applied to the tangents.

    Parameters
    ----------
    path, depth
        See `logsignature`.
    cotangent : array_like
        Of the shape of the result of `logsignature`; it does not move, since the gradient is
        linear in it.
    tangent
        See `logsignature_jvp`.
    basis
        See `logsignature`.
    basepoint_tangent, initial_tangent
        See `logsignature_jvp`.
    stream, basepoint, initial, inverse, lengths, offsets, transform, method, workers
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
    logsignature_vjp : Gradient of ``<cotangent, logsignature(path)>`` (vector-Jacobian product).
    logsignature_jvp : Derivative of `logsignature` in a direction (Jacobian-vector product).

    Notes
    -----
    With the gradient ``g(S)`` of the logarithm at the signature S, and its derivative ``g'(S, S')``
    along the derivative S' of the signature, it is ``signature_hvp(g(S)) + signature_vjp(g'(S,
    S'))``, by the product rule. Cost: that of `signature`, `signature_jvp`, `signature_vjp` and
    `signature_hvp`, and some ten logarithms; memory for four signatures of each path.

    Examples
    --------
    The area is a quadratic form of the points: its Hessian, applied to the path itself, is its
    gradient.

    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> pysig.logsignature_hvp(path, 2, np.array([0.0, 0.0, 1.0]), path) + 0.0  # no -0.0
    array([[-1. ,  0. ],
           [ 1. , -0.5],
           [ 0. ,  0.5]])
    """
    given = complete(logsignature_hvp, options)
    tangents = {"basepoint_tangent": basepoint_tangent, "initial_tangent": initial_tangent}
    path = packed(path, "logsignature_hvp", given)
    channels = check_tables("logsignature_hvp", path, depth, basis, given)
    values = signature(path, depth, **given)
    change = signature_jvp(path, depth, tangent, **tangents, **options)
    call, conversion = prepare_conversion(
        "signature_to_logsignature",
        channels,
        depth,
        basis,
        False,
        given["workers"],
        signature=values,
        cotangent=cotangent,
        tangent=change,
    )
    gradient = conversion.vjp(call)
    hessian_term = signature_hvp(path, depth, gradient, tangent, **tangents, **options)
    curvature_term = signature_vjp(path, depth, conversion.hvp(call), **options)
    return add_gradients(hessian_term, curvature_term)
