"""Derivatives of linear functionals along tangents of the path."""

from __future__ import annotations

from typing import Any

from pysig._api._functional import FunctionalCall
from pysig._api._options import PathOptions, Unpack, complete, takes
from pysig._api._types import Array, ArrayLike


@takes(PathOptions)
def linear_functional_jvp(
    path: Array | ArrayLike,
    functional: Any,
    tangent: Any,
    depth: int | None = None,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    words: Any = None,
    scalar_term: bool = False,
    **options: Unpack[PathOptions],
) -> Array:
    """Derivative of `linear_functional` in a direction of the path (Jacobian-vector product).

    Parameters
    ----------
    path, functional
        See `linear_functional`.
    tangent : array_like, shape of `path`
        How the points move. It may broadcast to the shape of `path`.
    depth
        See `linear_functional`.
    basepoint_tangent, initial_tangent : array_like, optional
        How `basepoint` and `initial` move, if they are arrays; None: they do not.
    words, scalar_term, stream, basepoint, initial, inverse, lengths, offsets, transform, workers
        See `linear_functional`.

    Returns
    -------
    array
        Shape and dtype of ``linear_functional(path, functional, ...)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `linear_functional`; the message names the argument.

    See Also
    --------
    linear_functional : Linear functionals ``<l, S>`` of signatures, evaluated without the
        signatures.
    linear_functional_vjp : Gradient of ``(cotangent * linear_functional(path, functional,
        ...)).sum()`` by the path.

    Notes
    -----
    Cost: about three times that of `linear_functional`. In the coefficients of the functional it
    is linear: their derivative is `linear_functional` of the change.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> up = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    >>> float(pysig.linear_functional_jvp(path, {(0, 1): 0.5, (1, 0): -0.5}, up))
    -0.5
    """
    given = {**complete(linear_functional_jvp, options), "words": words, "scalar_term": scalar_term}
    call = FunctionalCall("linear_functional", path, functional, depth, given)
    return call.derivative(call.tangents(tangent, basepoint_tangent, initial_tangent))
