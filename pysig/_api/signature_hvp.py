"""Hessian-vector products of the signature."""

from __future__ import annotations

from typing import Any

from pysig._api._options import SignatureOptions, Unpack, complete, takes
from pysig._api._projection import checked_call


@takes(SignatureOptions)
def signature_hvp(
    path: Any,
    depth: int | None,
    cotangent: Any,
    tangent: Any,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    **options: Unpack[SignatureOptions],
) -> Any:
    """Derivative of `signature_vjp` in a direction (Hessian-vector product).

    The Hessian of ``(cotangent * signature(path, depth, ...)).sum()`` with respect to the path, and
    to `basepoint` and `initial` where they are arrays, applied to the tangents.

    Parameters
    ----------
    path, depth
        See `signature`; ``depth=None`` with `words`.
    cotangent : array_like, shape of ``signature(path, depth, ...)``
        See `signature_vjp`. Constant, since the gradient is linear in it.
    tangent, basepoint_tangent, initial_tangent
        See `signature_jvp`.
    stream, basepoint, initial, inverse, scalar_term, words
        See `signature`.
    lengths, offsets, transform, method, workers
        See `signature`.

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
    signature : Signature of piecewise linear paths, truncated at `depth`.
    signature_vjp : Gradient of ``(cotangent * signature(path, depth, ...)).sum()`` (vector-Jacobian
        product).
    signature_jvp : Derivative of `signature` in a direction (Jacobian-vector product).

    Notes
    -----
    Cost: that of `signature_jvp` and about three times that of `signature_vjp`, whose formulas are
    run on dual numbers (forward over reverse [1]_).

    References
    ----------
    .. [1] A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, chapter 5.

    Examples
    --------
    The signed area is a quadratic form of the points: its Hessian, applied to the path itself, is
    its gradient.

    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> area = np.array([0.0, 0.0, 0.0, 0.5, -0.5, 0.0])
    >>> pysig.signature_hvp(path, 2, area, path)
    array([[-1. , -0.5],
           [ 1.5, -0.5],
           [-0.5,  1. ]])
    """
    call = checked_call("signature_hvp", path, depth, complete(signature_hvp, options))
    tangents = call.tangents(tangent, basepoint_tangent, initial_tangent)
    return call.gradients(cotangent, tangents)
