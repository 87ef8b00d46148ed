"""Gradients of signature kernels by all arguments."""

from __future__ import annotations

from typing import Any, NamedTuple


class SignatureKernelCotangents(NamedTuple):
    """Gradients by all arguments of a signature kernel.

    Parameters
    ----------
    x, y : array or None
        The gradients by the paths. `y` is None if y was None: then `x` holds the gradient through
        both sides.
    basepoint : array, tuple or None
        The gradient by `basepoint` in the form of the argument: an array for an array, a pair for a
        pair. None where it is not an array.
    parameters : dict
        The gradients by the parameters of the static kernel, by name, in float64.

    Raises
    ------
    TypeError
        If a field is missing.

    See Also
    --------
    signature_kernel_vjp : Gradients of ``(cotangent * signature_kernel(x, y, ...)).sum()``.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> x, y = np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]])
    >>> gradients = pysig.signature_kernel_vjp(x, y, 1.0, depth=1)  # of 1 + x1 y1
    >>> gradients.x
    array([[-2.],
           [ 2.]])
    >>> float(gradients.parameters["scale"])
    2.0
    """

    x: Any
    y: Any
    basepoint: Any
    parameters: dict[str, Any]
