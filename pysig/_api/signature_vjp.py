"""Gradients of the signature."""

from __future__ import annotations

from typing import Any

from pysig._api._fast_path import fast_call_of
from pysig._api._gradients import MAX_SINGLE_STEPS
from pysig._api._options import SignatureOptions, Unpack, complete, takes
from pysig._api._projection import checked_call
from pysig._backend import NUMPY

_fast_signature_vjp = NUMPY.host.fast_signature_vjp


@takes(SignatureOptions)
def signature_vjp(
    path: Any, depth: int | None, cotangent: Any, **options: Unpack[SignatureOptions]
) -> Any:
    """Gradient of ``(cotangent * signature(path, depth, ...)).sum()`` (vector-Jacobian product).

    If a loss depends on the path only through its signature, and `cotangent` is its gradient with
    respect to the signature, the result is its gradient with respect to the path.

    Parameters
    ----------
    path, depth
        See `signature`; ``depth=None`` with `words`.
    cotangent : array_like, shape of ``signature(path, depth, ...)``
        The weight of each coefficient. It may broadcast to this shape, except along the last axis.
        The weight of the scalar has no effect.
    stream, basepoint, initial, inverse, scalar_term, words
        See `signature`.
    lengths, offsets, transform, method, workers
        See `signature`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient with respect to the path. If `basepoint` or `initial` is an array, a named
        tuple ``(path, basepoint, initial)`` of the gradients with respect to each, in the shapes
        that were passed (summed over the axes of broadcasting), and None for an option that is not
        an array. Points beyond `lengths` have gradient zero. For a sequence of paths
        the gradient is a list of arrays of their shapes.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature`; the message names the argument.

    See Also
    --------
    signature : Signature of piecewise linear paths, truncated at `depth`.
    signature_jvp : Derivative of `signature` in a direction (Jacobian-vector product).
    signature_hvp : Derivative of `signature_vjp` in a direction (Hessian-vector product).

    Notes
    -----
    The cost is about twice that of the signature: two multiply-adds for each coefficient of the top
    level and step. Memory beyond the result is at most a few times the size of the path.

    The computation walks back along the path and rebuilds its states, ``S <- S ⊗ exp(-x)`` [1]_. It
    restarts from a stored state every few hundred steps, so rounding does not grow with the length.
    float32 paths of more than 8192 points are computed in float64, which takes twice the time,
    because the gradient at a point is a small difference there. The result does not depend on
    `workers`.

    For CuPy arrays, "tile" walks back in this way, "cumsum" uses reversed running sums, and "auto"
    chooses tiles. All use running sums with `stream`, for one channel, for more than 32 channels,
    and if a tile does not fit the registers of a thread. It fits if ``2 * channels + depth * (depth
    + 3) / 2`` is at most 140 in float32, 70 in float64.

    References
    ----------
    .. [1] J. Reizenstein, B. Graham, "Algorithm 1004: The iisignature library", ACM Transactions
       on Mathematical Software 46(1), 2020, arXiv:1802.08252, section 4.9; P. Kidger, T. Lyons,
       "Signatory", ICLR 2021, arXiv:2001.00706, appendix C.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> area = np.array([0.0, 0.0, 0.0, 0.5, -0.5, 0.0])  # (S01 - S10) / 2
    >>> pysig.signature_vjp(path, 2, area)
    array([[-1. , -0.5],
           [ 1.5, -0.5],
           [-0.5,  1. ]])

    Moving the corner to the right adds area; moving it up removes some.
    """
    computed = fast_call_of(_fast_signature_vjp, options, path, depth, cotangent, MAX_SINGLE_STEPS)
    if computed is not None:
        return computed
    call = checked_call("signature_vjp", path, depth, complete(signature_vjp, options))
    return call.gradients(cotangent)
