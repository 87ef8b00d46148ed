"""Matrices of signature kernels."""

from __future__ import annotations

from typing import Any

from pysig._api._kernel_call import KernelCall
from pysig._api._kernel_gradients import SignatureKernelCotangents
from pysig._api._options import (
    KERNEL_DEFAULTS,
    KernelGradientOptions,
    KernelOptions,
    Unpack,
    complete,
    takes,
)
from pysig._api._types import Array, ArrayLike


@takes(KernelOptions, KERNEL_DEFAULTS)
def signature_kernel_matrix(
    x: Array | ArrayLike,
    y: Any = None,
    depth: int | None = None,
    *,
    out: Any = None,
    **options: Unpack[KernelOptions],
) -> Array:
    """Signature kernels of all pairs of paths, the Gram matrix.

    Parameters
    ----------
    x : array_like, shape (paths_x, length_x, channels), or sequence of arrays
        See `signature_kernel`.
    y : array_like, shape (paths_y, length_y, channels), or sequence of arrays, optional
        The other paths. None: those of x again; the matrix is then symmetric to the last bit, and
        half of it is computed.
    depth, order, rtol, dyadic_order, static_kernel, weights, levels, grid, normalize
        See `signature_kernel`.
    lengths : tuple (lengths_x, lengths_y), or array_like of int without `y`, optional
        Numbers of points of the paths.
    basepoint, transform, method, workers, out
        See `signature_kernel`. Without `y`, `basepoint` is not a pair.

    Returns
    -------
    array, shape (paths_x, paths_y)
        With `levels` (paths_x, paths_y, depth + 1), with `grid` (paths_x, paths_y, points_x,
        points_y).

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel_matrix_vjp : Gradients of ``(cotangent * signature_kernel_matrix(x, y,
        ...)).sum()``.
    signature_kernel_matrix_jvp : Derivative of `signature_kernel_matrix` in a direction.
    signature_kernel : Signature kernel, the inner product of the signatures of two paths.
    mmd : Squared maximum mean discrepancy between two samples of paths.

    Notes
    -----
    Cost: see `signature_kernel`. Memory beyond the result is bounded; it does not grow with the
    numbers of paths. The matrix of a set of paths is positive semi-definite up to rounding: its
    smallest eigenvalue is at least ``-n eps`` times its largest, for every order.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> paths = np.random.default_rng(0).normal(size=(20, 30, 3)).cumsum(axis=1) / 10
    >>> gram = pysig.signature_kernel_matrix(paths, order=4)
    >>> gram.shape, bool((gram == gram.T).all())
    ((20, 20), True)
    >>> factor = np.linalg.cholesky(gram)
    """
    given = {**complete(signature_kernel_matrix, options, KERNEL_DEFAULTS), "out": out}
    return KernelCall("signature_kernel_matrix", x, y, depth, given, paired=False).value(out)


@takes(KernelGradientOptions, KERNEL_DEFAULTS)
def signature_kernel_matrix_vjp(
    x: Any,
    y: Any,
    cotangent: Any,
    depth: int | None = None,
    **options: Unpack[KernelGradientOptions],
) -> SignatureKernelCotangents:
    """Gradients of ``(cotangent * signature_kernel_matrix(x, y, ...)).sum()``.

    Parameters
    ----------
    x, y
        See `signature_kernel_matrix`; `y` may be None.
    cotangent : array_like, shape of ``signature_kernel_matrix(x, y, ...)``
        The weight of each kernel. It may broadcast to this shape. It need not be symmetric.
    depth, order, rtol, dyadic_order, static_kernel, weights, levels, normalize, lengths, basepoint
        See `signature_kernel_matrix`.
    transform, method, workers
        See `signature_kernel_matrix`.

    Returns
    -------
    SignatureKernelCotangents
        A named tuple ``(x, y, basepoint, parameters)``, see `signature_kernel_vjp`. If y is None,
        so is its gradient, and that of x is the one through both sides.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel_matrix : Signature kernels of all pairs of paths, the Gram matrix.
    signature_kernel_matrix_jvp : Derivative of `signature_kernel_matrix` in a direction.

    Notes
    -----
    Cost: about three times that of the matrix.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> paths = np.random.default_rng(0).normal(size=(5, 10, 2)).cumsum(axis=1) / 5
    >>> gradients = pysig.signature_kernel_matrix_vjp(paths, None, np.ones((5, 5)), order=3)
    >>> gradients.x.shape, gradients.y is None
    ((5, 10, 2), True)
    """
    given = complete(signature_kernel_matrix_vjp, options, KERNEL_DEFAULTS)
    call = KernelCall("signature_kernel_matrix_vjp", x, y, depth, given, paired=False)
    return call.gradients(cotangent)


@takes(KernelGradientOptions, KERNEL_DEFAULTS)
def signature_kernel_matrix_jvp(
    x: Array | ArrayLike,
    y: Any,
    tangent_x: Any,
    tangent_y: Any = None,
    depth: int | None = None,
    *,
    basepoint_tangent: Any = None,
    parameters_tangent: Any = None,
    **options: Unpack[KernelGradientOptions],
) -> Array:
    """Derivative of `signature_kernel_matrix` in a direction.

    Parameters
    ----------
    x, y
        See `signature_kernel_matrix`; `y` may be None.
    tangent_x, tangent_y : array_like, shapes of `x` and `y`, or None
        How the points move; None: they do not. If y is None, both sides move along `tangent_x`.
    depth
        See `signature_kernel_matrix`.
    basepoint_tangent : array_like or tuple of two, optional
        How `basepoint` moves, in its form.
    parameters_tangent : dict of str to float, optional
        How parameters of the static kernel move, by name; others do not.
    order, rtol, dyadic_order, static_kernel, weights, levels, normalize, lengths, basepoint
        See `signature_kernel_matrix`.
    transform, method, workers
        See `signature_kernel_matrix`.

    Returns
    -------
    array
        Shape and dtype of ``signature_kernel_matrix(x, y, ...)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel_matrix : Signature kernels of all pairs of paths, the Gram matrix.
    signature_kernel_matrix_vjp : Gradients of ``(cotangent * signature_kernel_matrix(x, y,
        ...)).sum()``.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> paths = np.array([[[0.0], [1.0]], [[0.0], [2.0]]])
    >>> pysig.signature_kernel_matrix_jvp(paths, None, paths, depth=1)
    array([[2., 4.],
           [4., 8.]])
    """
    if y is None and tangent_y is not None:
        raise ValueError(
            "tangent_y: expected None, because y is None, received an array. Pass tangent_x: both "
            "sides move along it."
        )
    given = complete(signature_kernel_matrix_jvp, options, KERNEL_DEFAULTS)
    call = KernelCall("signature_kernel_matrix_jvp", x, y, depth, given, paired=False)
    return call.derivative(tangent_x, tangent_y, basepoint_tangent, parameters_tangent)
