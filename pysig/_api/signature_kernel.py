"""Signature kernels of pairs of paths."""

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
def signature_kernel(
    x: Array | ArrayLike,
    y: Any,
    depth: int | None = None,
    *,
    out: Any = None,
    **options: Unpack[KernelOptions],
) -> Array:
    """Signature kernel, the inner product of the signatures of two paths.

    The kernel of order P is ``K_P(x, y) = <Phi_P(x), Phi_P(y)>``, where ``Phi_P`` is the product of
    the exponentials of the increments, each truncated at order P. It is positive semi-definite for
    every order. For large P it is the inner product of the signatures, with all levels or those up
    to `depth`.

    Parameters
    ----------
    x : array_like, shape (..., length_x, channels), or sequence of arrays (length, channels)
        Points of the paths. float32 is kept if both are float32; otherwise the kernel is computed
        in float64. An array_like is computed on the CPU, a CuPy array on its GPU.
    y : array_like, shape (..., length_y, channels), or sequence of arrays (length, channels)
        Points of the other paths, of the same array library. Batch axes broadcast with those of x;
        for all pairs of two sets of paths, `signature_kernel_matrix` copies nothing.
    depth : int, optional
        Truncation depth, from 1 to 1000: levels up to it count. None: all levels, the untruncated
        kernel.
    order : int, optional
        The order P, from 1 to 16. None: exact signatures if `depth` is given without `rtol` (at
        most 16, except with ``method="features"``), otherwise the smallest order that reaches
        `rtol`.
    rtol : float, optional
        Tolerance that chooses the order: ``|K_P - K_{P+1}|`` is at most ``rtol * sqrt(K(x, x) K(y,
        y))`` on some of the pairs, see `signature_kernel_order`. By default 1e-4 for float32 and
        1e-8 for float64.
    dyadic_order : int, optional
        Cut every segment into ``2**dyadic_order`` equal parts first, 0 to 10, at
        ``4**dyadic_order`` times the cost. A higher order is cheaper.
    static_kernel : kernel of pysig.kernels, optional
        Kernel of points in place of their inner product; None is `pysig.kernels.Linear`.
    weights : array_like, shape (depth + 1,), optional
        Factors of the levels 0 to depth, not negative.
    levels : bool, optional
        If True, return the terms of the levels 0 to depth, whose sum is the kernel.
    grid : bool, optional
        If True, return the kernels of all pairs of prefixes. Not together with `levels` or
        `normalize`.
    normalize : bool or "levels", optional
        True: divide by ``sqrt(K(x, x) K(y, y))``. "levels": divide each level by the norms of this
        level and take the mean of the levels, or their sum with `weights`. A level of norm zero
        counts as zero, so that the diagonal may be less than 1.
    lengths : tuple (lengths_x, lengths_y), optional
        Numbers of points of the paths, arrays of int or None each. Points after them are never
        read.
    basepoint : bool or array_like, shape (..., channels), or a tuple of two of these, optional
        A point in front of every path: True means zero. A tuple holds those of x and of y. It
        matters for static kernels other than `Linear`, and because it adds a segment.
    transform : str, Time, or sequence of these, optional
        Transformation of both paths, see `signature`.
    method : {"auto", "recursion", "features", "finite_difference"}, optional
        "recursion": cell by cell over all pairs of segments. "features": inner products of
        signatures, for `Linear` and a depth. "auto" takes what needs fewer multiply-adds.
        "finite_difference": the scheme of sigkernel and pysiglib, for comparison. It has no order,
        and it is not positive semi-definite.
    workers : int, optional
        Threads on the CPU, see `set_workers`; ignored on a GPU. The result does not depend on it.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (...)
        With `levels` (..., depth + 1). With `grid` (..., points_x, points_y), the numbers of points
        of the transformed paths; beyond the end of a ragged path the values repeat. The kernel of a
        path of one point is 1. NaN and infinity propagate to the pairs of that path only.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid. The message names it. Also if no order reaches `rtol`.
    MemoryError
        If the result, or what is kept for a gradient, does not fit into memory. The message names
        the bytes needed and available.

    See Also
    --------
    signature_kernel_matrix : The kernels of all pairs of two sets of paths.
    signature_kernel_order : The order that `rtol` chooses.

    Notes
    -----
    Cost: ``channels + 2 P (P + 1)`` multiply-adds for each pair of segments, with a depth N and
    order 1 ``channels + 2 N``. With "features" ``length * size`` for each path and ``size`` for
    each pair, where size is that of a signature. Nothing of size ``length_x * length_y`` is stored
    unless `grid` is True.

    The untruncated kernel solves the Goursat equation of [1]_ for large P. With a depth it is the
    algorithm of [2]_, whose order has the same meaning. A kernel that overflows is infinite or NaN:
    rescale the paths, or use a static kernel of bounded size.

    References
    ----------
    .. [1] C. Salvi, T. Cass, J. Foster, T. Lyons, W. Yang, "The Signature Kernel is the solution of
       a Goursat PDE", SIAM Journal on Mathematics of Data Science 3(3), 2021, arXiv:2006.14794.
    .. [2] F. Király, H. Oberhauser, "Kernels for Sequentially Ordered Data", Journal of Machine
       Learning Research 20(31), 2019, algorithm 6.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> x = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> y = np.array([[0.0, 0.0], [0.5, 1.0]])
    >>> float(pysig.signature_kernel(x, y, 2))
    5.0625
    >>> float(1 + pysig.signature(x, 2) @ pysig.signature(y, 2))
    5.0625

    All levels, and the contribution of the first ones:

    >>> round(float(pysig.signature_kernel(x, y)), 4)
    5.5716
    >>> pysig.signature_kernel(x, y, 2, levels=True)
    array([1.    , 2.5   , 1.5625])
    """
    given = {**complete(signature_kernel, options, KERNEL_DEFAULTS), "out": out}
    return KernelCall("signature_kernel", x, y, depth, given, paired=True).value(out)


@takes(KernelGradientOptions, KERNEL_DEFAULTS)
def signature_kernel_vjp(
    x: Any,
    y: Any,
    cotangent: Any,
    depth: int | None = None,
    **options: Unpack[KernelGradientOptions],
) -> SignatureKernelCotangents:
    """Gradients of ``(cotangent * signature_kernel(x, y, ...)).sum()``.

    Parameters
    ----------
    x, y
        See `signature_kernel`.
    cotangent : array_like, shape of ``signature_kernel(x, y, ...)``
        The weight of each kernel. It may broadcast to this shape.
    depth, order, rtol, dyadic_order, static_kernel, weights, levels, normalize, lengths, basepoint
        See `signature_kernel`.
    transform, method, workers
        See `signature_kernel`.

    Returns
    -------
    SignatureKernelCotangents
        A named tuple ``(x, y, basepoint, parameters)`` of gradients in the shapes of the arguments;
        `parameters` is a dict of the gradients by the parameters of the static kernel.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel : Signature kernel, the inner product of the signatures of two paths.
    signature_kernel_jvp : Derivative of `signature_kernel` in a direction.

    Notes
    -----
    Cost: about three times that of the kernel. The gradient is that of the kernel of order P
    itself, not an approximation: the recursion is reversed from stored rows.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> x = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> y = np.array([[0.0, 0.0], [0.5, 1.0]])
    >>> pysig.signature_kernel_vjp(x, y, 1.0, depth=1).x
    array([[-0.5, -1. ],
           [ 0. ,  0. ],
           [ 0.5,  1. ]])
    """
    given = complete(signature_kernel_vjp, options, KERNEL_DEFAULTS)
    call = KernelCall("signature_kernel_vjp", x, y, depth, given, paired=True)
    return call.gradients(cotangent)


@takes(KernelGradientOptions, KERNEL_DEFAULTS)
def signature_kernel_jvp(
    x: Array | ArrayLike,
    y: Any,
    tangent_x: Any,
    tangent_y: Any,
    depth: int | None = None,
    *,
    basepoint_tangent: Any = None,
    parameters_tangent: Any = None,
    **options: Unpack[KernelGradientOptions],
) -> Array:
    """Derivative of `signature_kernel` in a direction.

    Parameters
    ----------
    x, y
        See `signature_kernel`.
    tangent_x, tangent_y : array_like, shapes of `x` and `y`, or None
        How the points move; None: they do not.
    depth
        See `signature_kernel`.
    basepoint_tangent : array_like or tuple of two, optional
        How `basepoint` moves, in its form.
    parameters_tangent : dict of str to float, optional
        How parameters of the static kernel move, by name; others do not.
    order, rtol, dyadic_order, static_kernel, weights, levels, normalize, lengths, basepoint
        See `signature_kernel`.
    transform, method, workers
        See `signature_kernel`.

    Returns
    -------
    array
        Shape and dtype of ``signature_kernel(x, y, ...)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `signature_kernel`; the message names the argument.

    See Also
    --------
    signature_kernel : Signature kernel, the inner product of the signatures of two paths.
    signature_kernel_vjp : Gradients of ``(cotangent * signature_kernel(x, y, ...)).sum()``.

    Notes
    -----
    Cost: two to three times that of the kernel, by dual numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> x = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> y = np.array([[0.0, 0.0], [0.5, 1.0]])
    >>> float(pysig.signature_kernel_jvp(x, y, None, y, depth=1))
    2.5

    The derivative by a parameter of the static kernel:

    >>> float(pysig.signature_kernel_jvp(
    ...     x, y, None, None, depth=1, static_kernel=pysig.kernels.Linear(2.0),
    ...     parameters_tangent={"scale": 1.0},
    ... ))
    2.5
    """
    given = complete(signature_kernel_jvp, options, KERNEL_DEFAULTS)
    call = KernelCall("signature_kernel_jvp", x, y, depth, given, paired=True)
    return call.derivative(tangent_x, tangent_y, basepoint_tangent, parameters_tangent)
