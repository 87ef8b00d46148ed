"""Gradients of linear functionals."""

from __future__ import annotations

from typing import Any

from pysig._api._functional import FunctionalCall
from pysig._api._options import PathOptions, Unpack, complete, takes


@takes(PathOptions)
def linear_functional_vjp(
    path: Any,
    functional: Any,
    cotangent: Any,
    depth: int | None = None,
    *,
    words: Any = None,
    scalar_term: bool = False,
    **options: Unpack[PathOptions],
) -> Any:
    """Gradient of ``(cotangent * linear_functional(path, functional, ...)).sum()`` by the path.

    Parameters
    ----------
    path, functional
        See `linear_functional`.
    cotangent : array_like, shape of ``linear_functional(path, functional, ...)``
        The weight of each value. It may broadcast to this shape.
    depth, words, scalar_term, stream, basepoint, initial, inverse
        See `linear_functional`.
    lengths, offsets, transform, workers
        See `linear_functional`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient by the path; with an array for `basepoint` or `initial`, gradients by all of
        them, as `signature_vjp` returns them.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `linear_functional`; the message names the argument.

    See Also
    --------
    linear_functional : Linear functionals ``<l, S>`` of signatures, evaluated without the
        signatures.
    linear_functional_jvp : Derivative of `linear_functional` in a direction of the path
        (Jacobian-vector product).

    Notes
    -----
    Cost: about three times that of `linear_functional`; paths of float32 of more than 8192 points
    are computed in float64, as by `signature_vjp`. The gradient by the coefficients of the
    functional is the signature itself: ``signature(path, words=words)``, times the cotangent and
    summed over the batch.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> pysig.linear_functional_vjp(path, {(0, 1): 0.5, (1, 0): -0.5}, 1.0)
    array([[-1. , -0.5],
           [ 1.5, -0.5],
           [-0.5,  1. ]])

    Moving the corner to the right adds area; moving it up removes some.
    """
    given = {**complete(linear_functional_vjp, options), "words": words, "scalar_term": scalar_term}
    return FunctionalCall("linear_functional", path, functional, depth, given).gradients(cotangent)
