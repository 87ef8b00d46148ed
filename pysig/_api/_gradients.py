"""Gradients by path, basepoint and initial: their type, and when they are computed in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from pysig._backend import NUMPY, ArrayBackend
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.transform import Transform

# The gradient at a point is the difference of the adjoints of its two increments. On a path of T
# steps these differ by 1 / sqrt(T) of themselves or less: beyond this many steps float32 would lose
# a fourth digit, and gradients are computed in float64.
MAX_SINGLE_STEPS = 2**13
# Paths at a time then, on a CPU: enough for the lanes of some cores, little for memory.
PATHS_IN_DOUBLE = 64

# (paths, cotangent, into, tangents): an operation of a backend, with its other arguments bound.
Fill = Callable[[Paths, Any, Cotangents, "Tangents | None"], None]


class SignatureCotangents(NamedTuple):
    """Gradients by all arrays of a call, as `signature_vjp` returns them.

    The result of a gradient if `basepoint` or `initial` is an array. Each field has the shape of
    its argument; None if that is not an array.

    Parameters
    ----------
    path : array
        The gradient by the path.
    basepoint, initial : array or None
        The gradients by these options.

    Raises
    ------
    TypeError
        If a field is missing.

    See Also
    --------
    signature_vjp : Gradient of ``(cotangent * signature(path, depth, ...)).sum()`` (vector-Jacobian
        product).

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path, start = np.array([[1.0], [3.0]]), np.array([0.0])
    >>> gradients = pysig.signature_vjp(path, 1, np.array([1.0]), basepoint=start)
    >>> gradients.basepoint
    array([-1.])
    """

    path: Any
    basepoint: Any
    initial: Any


def gradient_dtype(dtype: Any, length: int) -> Any:
    """The dtype that gradients of paths of `dtype`, of at most `length` points, are computed in."""
    double = dtype == np.float32 and length > MAX_SINGLE_STEPS
    return np.dtype(np.float64) if double else dtype


def add_gradients(a: Any, b: Any) -> Any:
    """The sum of two results of a gradient: arrays, lists of arrays, or `SignatureCotangents`."""
    if isinstance(a, SignatureCotangents):
        return SignatureCotangents(*(add_gradients(x, y) for x, y in zip(a, b, strict=True)))
    if isinstance(a, list):
        return [x + y for x, y in zip(a, b, strict=True)]
    return None if a is None else a + b


def _in_double(value: Any) -> Any:
    """float32 arrays as float64, also the times of a transform; everything else as it is."""
    if isinstance(value, Transform):
        return value._replace(times=_in_double(value.times))
    single = getattr(value, "dtype", None) == np.float32
    return value.astype(np.float64) if single else value


def fill_gradients(
    fill: Fill,
    backend: ArrayBackend,
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    tangents: Tangents | None,
) -> None:
    """``fill(paths, cotangent, into, tangents)`` in the dtype of gradients of these paths.

    If that is not the dtype of the paths, some paths at a time are converted. The cotangent, and
    `basepoint` and `initial` of `into`, have the dtype of gradients.
    """
    points = paths.points
    if gradient_dtype(points.dtype, paths.length) == points.dtype:
        fill(paths, cotangent, into, tangents)
        return
    each = PATHS_IN_DOUBLE if backend is NUMPY else max(paths.batch, 1)
    for first in range(0, paths.batch, each):
        rows = slice(first, first + each)
        inside = paths.points_of(rows)
        part, target = Paths(*map(_in_double, paths.part(rows))), into.part(rows, inside)
        along = None
        if tangents is not None:
            along = Tangents(*map(_in_double, tangents.part(rows, inside)))
        part_bar = backend.xp.empty(part.points.shape, np.float64)
        fill(part, cotangent[rows], target._replace(path=part_bar), along)
        target.path[...] = part_bar
