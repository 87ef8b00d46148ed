"""Derivatives of the signature, as plain functions on plain arrays."""

from __future__ import annotations

from typing import Any

from pysig._api import _signature_vjp
from pysig._api._fast_path import plain_call
from pysig._api.projection import (
    check_projection,
    cotangents,
    derivative,
    flat_cotangent,
    named_cotangents,
    tangents_of,
)
from pysig._backend import NUMPY


def signature_jvp(
    path: Any,
    depth: int | None,
    tangent: Any,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Derivative of `signature` in a direction (Jacobian-vector product).

    How the signature changes, to first order, when every point of the path moves along `tangent`.

    Parameters
    ----------
    path, depth
        As for `signature`; ``depth=None`` with `words`.
    tangent : array_like, shape of `path`
        How the points move; a shape that broadcasts to that of `path` will do.
    basepoint_tangent, initial_tangent : array_like, optional
        How `basepoint` and `initial` move, if they are arrays; None: they do not.
    stream, basepoint, initial, inverse, scalar_term, words
        As for `signature`; ``depth=None`` with `words`.
    lengths, transform, method, workers
        As for `signature`.

    Returns
    -------
    array
        Shape and dtype of ``signature(path, depth, ...)``. The scalar does not move: with
        `scalar_term` the first coefficient is zero.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

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
    absent = basepoint is initial is lengths is transform is words is None
    still = basepoint_tangent is initial_tangent is None
    if absent and still and stream is inverse is scalar_term is False:
        moved = plain_call(NUMPY.host.fast_signature_jvp, method, workers, path, depth, tangent)
        if moved is not None:
            return moved
    if words is not None:
        projected = check_projection(
            "signature_jvp",
            path,
            depth,
            words,
            stream=stream,
            basepoint=basepoint,
            initial=initial,
            inverse=inverse,
            scalar_term=scalar_term,
            lengths=lengths,
            transform=transform,
            method=method,
            workers=workers,
        )
        moves = tangents_of(projected, tangent, basepoint_tangent, initial_tangent)
        return derivative(projected, moves)
    call = _signature_vjp.check_call(
        "signature_jvp",
        path,
        depth,
        stream,
        basepoint,
        initial,
        inverse,
        scalar_term,
        lengths,
        transform,
        method,
        workers,
    )
    tangents = _signature_vjp.tangents_of(call, tangent, basepoint_tangent, initial_tangent)
    out = call.empty(*call.out_shape)
    call.backend.impl.signature_jvp(
        call.paths,
        tangents,
        out.reshape(len(call.flat), *call.rows, call.plan.size),
        call.plan,
        call.options,
    )
    return out


def signature_vjp(
    path: Any,
    depth: int | None,
    cotangent: Any,
    *,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Gradient of ``(cotangent * signature(path, depth, ...)).sum()`` (vector-Jacobian product).

    If a loss depends on the path through its signature only, and `cotangent` is the gradient of
    the loss with respect to the signature, this is its gradient with respect to the path.

    Parameters
    ----------
    path, depth
        As for `signature`; ``depth=None`` with `words`.
    cotangent : array_like, shape of ``signature(path, depth, ...)``
        The weight of each coefficient; a shape that has its last axis and broadcasts to it will do.
        That of the scalar has no effect.
    stream, basepoint, initial, inverse, scalar_term, words
        As for `signature`; ``depth=None`` with `words`.
    lengths, transform, method, workers
        As for `signature`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient with respect to the path. If `basepoint` or `initial` is an array, a named
        tuple ``(path, basepoint, initial)`` of the gradients with respect to each, in the shapes
        that were passed (what was broadcast is summed), None for what is no array. Points beyond
        `lengths` have gradient zero.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

    Notes
    -----
    Cost: about twice that of the signature, two multiply-adds for each coefficient of the top
    level and step; memory beyond the result is bounded by a few times the size of the path. Going
    back along the path the states are rebuilt, ``S <- S ⊗ exp(-x)`` [1]_, starting anew from a
    stored one every few hundred steps, so that rounding does not grow with the length. Paths of
    float32 of more than 8192 points are computed in float64, for twice the time: the gradient at a
    point is a small difference there. The result does not depend on `workers`.

    For CuPy arrays ``method="tile"`` goes back in this way, ``"cumsum"`` by reversed running sums,
    and ``"auto"`` takes tiles. With `stream`, for one channel or more than 32, and where the
    coefficients of a tile do not fit the registers of a thread, both take running sums. They fit
    if ``2 * channels + depth * (depth + 3) / 2`` is at most 140 in float32, 70 in float64.

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

    Moving the corner to the right adds area, moving it up takes some away.
    """
    absent = basepoint is initial is lengths is transform is words is None
    if absent and stream is inverse is scalar_term is False:
        most = _signature_vjp.MOST_SINGLE_STEPS
        gradient = plain_call(
            NUMPY.host.fast_signature_vjp, method, workers, path, depth, cotangent, most
        )
        if gradient is not None:
            return gradient
    if words is not None:
        projected = check_projection(
            "signature_vjp",
            path,
            depth,
            words,
            stream=stream,
            basepoint=basepoint,
            initial=initial,
            inverse=inverse,
            scalar_term=scalar_term,
            lengths=lengths,
            transform=transform,
            method=method,
            workers=workers,
        )
        weights = flat_cotangent(projected, cotangent)
        return named_cotangents(projected, cotangents(projected, weights, None))
    call = _signature_vjp.check_call(
        "signature_vjp",
        path,
        depth,
        stream,
        basepoint,
        initial,
        inverse,
        scalar_term,
        lengths,
        transform,
        method,
        workers,
    )
    return _signature_vjp.cotangents(call, cotangent, None)


def signature_hvp(
    path: Any,
    depth: int | None,
    cotangent: Any,
    tangent: Any,
    *,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
    stream: bool = False,
    basepoint: Any = None,
    initial: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    method: str = "auto",
    workers: int | None = None,
) -> Any:
    """Derivative of `signature_vjp` in a direction (Hessian-vector product).

    The Hessian of ``(cotangent * signature(path, depth, ...)).sum()`` with respect to the path, and
    to `basepoint` and `initial` where they are arrays, applied to the tangents.

    Parameters
    ----------
    path, depth
        As for `signature`; ``depth=None`` with `words`.
    cotangent : array_like, shape of ``signature(path, depth, ...)``
        As for `signature_vjp`; it does not move, since the gradient is linear in it.
    tangent, basepoint_tangent, initial_tangent
        As for `signature_jvp`.
    stream, basepoint, initial, inverse, scalar_term, words
        As for `signature`; ``depth=None`` with `words`.
    lengths, transform, method, workers
        As for `signature`.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        As `signature_vjp` returns.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `signature` does; the message names the argument.

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
    if words is not None:
        projected = check_projection(
            "signature_hvp",
            path,
            depth,
            words,
            stream=stream,
            basepoint=basepoint,
            initial=initial,
            inverse=inverse,
            scalar_term=scalar_term,
            lengths=lengths,
            transform=transform,
            method=method,
            workers=workers,
        )
        moves = tangents_of(projected, tangent, basepoint_tangent, initial_tangent)
        weights = flat_cotangent(projected, cotangent)
        return named_cotangents(projected, cotangents(projected, weights, moves))
    call = _signature_vjp.check_call(
        "signature_hvp",
        path,
        depth,
        stream,
        basepoint,
        initial,
        inverse,
        scalar_term,
        lengths,
        transform,
        method,
        workers,
    )
    tangents = _signature_vjp.tangents_of(call, tangent, basepoint_tangent, initial_tangent)
    return _signature_vjp.cotangents(call, cotangent, tangents)
