"""Signature kernels of given increments of a static kernel."""

from __future__ import annotations

from typing import Any

from pysig._api._kernel_increments import IncrementsCall
from pysig._api._options import (
    KERNEL_DEFAULTS,
    IncrementsGradientOptions,
    IncrementsOptions,
    Unpack,
    complete,
    takes,
)


@takes(IncrementsOptions, KERNEL_DEFAULTS)
def signature_kernel_from_increments(
    z: Any,
    depth: int | None = None,
    *,
    out: Any = None,
    **options: Unpack[IncrementsOptions],
) -> Any:
    """Signature kernels of paths of which the inner products of their increments are given.

    For a static kernel κ of your own, ``z[i, j] = κ(x[i+1], y[j+1]) - κ(x[i+1], y[j]) - κ(x[i],
    y[j+1]) + κ(x[i], y[j])``.

    Parameters
    ----------
    z : array_like, shape (..., steps_x, steps_y)
        The inner products, NumPy or CuPy. float32 and float64 are kept; others become float64.
    depth : int, optional
        See `signature_kernel`.
    order : int, optional
        The order, from 1 to 16. It may be left out with a depth of at most 16, and the kernel is
        then exact.
    dyadic_order, weights, levels, grid
        See `signature_kernel`.
    method : {"auto", "recursion", "finite_difference"}, optional
        See `signature_kernel`.
    workers, out
        See `signature_kernel`.

    Returns
    -------
    array, shape (...)
        With `levels` (..., depth + 1), with `grid` (..., steps_x + 1, steps_y + 1).

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel_from_increments_vjp : Gradient of ``(cotangent *
        signature_kernel_from_increments(z, ...)).sum()``.
    signature_kernel_from_increments_jvp : Derivative of `signature_kernel_from_increments` in a
        direction.
    signature_kernel : Signature kernel, the inner product of the signatures of two paths.

    Notes
    -----
    Cost: ``2 P (P + 1)`` multiply-adds for each element of z.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> float(pysig.signature_kernel_from_increments(np.array([[0.5]]), order=2))
    1.5625
    """
    given = {**complete(signature_kernel_from_increments, options, KERNEL_DEFAULTS), "out": out}
    return IncrementsCall("signature_kernel_from_increments", z, depth, given).value(out)


@takes(IncrementsGradientOptions, KERNEL_DEFAULTS)
def signature_kernel_from_increments_vjp(
    z: Any,
    cotangent: Any,
    depth: int | None = None,
    **options: Unpack[IncrementsGradientOptions],
) -> Any:
    """Gradient of ``(cotangent * signature_kernel_from_increments(z, ...)).sum()``.

    Parameters
    ----------
    z
        See `signature_kernel_from_increments`.
    cotangent : array_like, shape of the kernels
        The weight of each kernel. It may broadcast to this shape.
    depth, order, dyadic_order, weights, levels, method, workers
        See `signature_kernel_from_increments`.

    Returns
    -------
    array, shape of `z`
        The gradient by the increments.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel_from_increments : Signature kernels of paths of which the inner products of
        their increments are given.
    signature_kernel_from_increments_jvp : Derivative of `signature_kernel_from_increments` in a
        direction.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.signature_kernel_from_increments_vjp(np.array([[0.5]]), 1.0, order=2)
    array([[1.25]])
    """
    given = complete(signature_kernel_from_increments_vjp, options, KERNEL_DEFAULTS)
    call = IncrementsCall("signature_kernel_from_increments_vjp", z, depth, given)
    return call.gradient(cotangent)


@takes(IncrementsGradientOptions, KERNEL_DEFAULTS)
def signature_kernel_from_increments_jvp(
    z: Any,
    tangent: Any,
    depth: int | None = None,
    **options: Unpack[IncrementsGradientOptions],
) -> Any:
    """Derivative of `signature_kernel_from_increments` in a direction.

    Parameters
    ----------
    z
        See `signature_kernel_from_increments`.
    tangent : array_like, shape of `z`
        How the increments move. It may broadcast to the shape of z.
    depth, order, dyadic_order, weights, levels, method, workers
        See `signature_kernel_from_increments`.

    Returns
    -------
    array
        Shape and dtype of the kernels.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel_from_increments : Signature kernels of paths of which the inner products of
        their increments are given.
    signature_kernel_from_increments_vjp : Gradient of ``(cotangent *
        signature_kernel_from_increments(z, ...)).sum()``.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> z = np.array([[0.5]])
    >>> float(pysig.signature_kernel_from_increments_jvp(z, np.array([[2.0]]), order=2))
    2.5
    """
    given = complete(signature_kernel_from_increments_jvp, options, KERNEL_DEFAULTS)
    call = IncrementsCall("signature_kernel_from_increments_jvp", z, depth, given)
    return call.derivative(tangent)
