"""Derivatives of the signature along tangents."""

from __future__ import annotations

from typing import Any

from pysig._api._fast_path import fast_call_of
from pysig._api._options import SignatureOptions, Unpack, complete, takes
from pysig._api._projection import checked_call
from pysig._api._types import Array, ArrayLike
from pysig._backend import NUMPY

_fast_signature_jvp = NUMPY.host.fast_signature_jvp


@takes(SignatureOptions)
def signature_jvp(
    path: Array | ArrayLike,
    depth: int | None,
    tangent: Any,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    **options: Unpack[SignatureOptions],
) -> Array:
    """Derivative of `signature` in a direction (Jacobian-vector product).

    How the signature changes, to first order, when every point of the path moves along `tangent`.

    Parameters
    ----------
    path, depth
        See `signature`; ``depth=None`` with `words`.
    tangent : array_like, shape of `path`
        How the points move. It may broadcast to the shape of `path`.
    basepoint_tangent, initial_tangent : array_like, optional
        How `basepoint` and `initial` move, if they are arrays; None: they do not.
    stream, basepoint, initial, inverse, scalar_term, words
        See `signature`.
    lengths, offsets, transform, method, workers
        See `signature`.

    Returns
    -------
    array
        Shape and dtype of ``signature(path, depth, ...)``. The scalar does not move: with
        `scalar_term` the first coefficient is zero.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature`; the message names the argument.

    See Also
    --------
    signature : Signature of piecewise linear paths, truncated at `depth`.
    signature_vjp : Gradient of ``(cotangent * signature(path, depth, ...)).sum()`` (vector-Jacobian
        product).
    signature_hvp : Derivative of `signature_vjp` in a direction (Hessian-vector product).

    Notes
    -----
    Cost: about twice that of the signature, whose top level is not computed: two multiply-adds for
    each of its coefficients and steps, ``A'[i, j] += H'[i] x[j] + H[i] x'[j]`` where the signature
    takes one. The formula is that of `signature` on dual numbers, ``a + a' e`` with ``e * e = 0``
    [1]_. With `inverse` it is the derivative of the antipode, which is linear.

    References
    ----------
    .. [1] A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, SIAM 2008, section 3.1.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> tangent = np.array([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    >>> pysig.signature_jvp(path, 2, tangent)
    array([1., 0., 1., 1., 1., 0.])

    The end point moves to the right: the first level sees its increment.
    """
    if basepoint_tangent is initial_tangent is None:
        computed = fast_call_of(_fast_signature_jvp, options, path, depth, tangent)
        if computed is not None:
            return computed
    call = checked_call("signature_jvp", path, depth, complete(signature_jvp, options))
    return call.derivative(call.tangents(tangent, basepoint_tangent, initial_tangent))
