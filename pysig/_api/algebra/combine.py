"""Chen products: of two signatures, or of many along an axis, with derivatives."""

from __future__ import annotations

from math import prod
from typing import Any

from pysig._api import _checks
from pysig._api._docs import documented
from pysig._api._types import Array, ArrayLike
from pysig._api.algebra._bilinear import bilinear, bilinear_jvp, bilinear_vjp
from pysig._api.algebra._rows import RowsCall, check_sizes, prepare
from pysig._plans.layout import Plan


@documented()
def combine(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    *,
    axis: int = -2,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Chen product: the signature of one path followed by another.

    Parameters
    ----------
    a, b : array_like, shape (..., size)
        Signatures. Leading dimensions broadcast. If `b` is None, the signatures along `axis` of `a`
        are multiplied in their order.
    {channels, depth}
    axis : int, optional
        Axis of `a` along which signatures are multiplied; not the last one. Only if `b` is None.
    scalar_term : bool, optional
        If True, rows begin with the coefficient of the empty word. Otherwise it is taken as 1.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    combine_vjp : Gradients of ``<cotangent, combine(a, b)>``.
    combine_jvp : Derivative of ``combine(a, b)`` along tangents of its arguments.
    append : Append a straight segment to a path: the signature ``a ⊗ exp(x)``.
    invert : Inverse with respect to the Chen product, of any tensor with scalar 1.

    Notes
    -----
    Level n is the sum of ``a[k] ⊗ b[n - k]`` over k = 0, ..., n (Chen 1957). The cost is about
    `depth` multiply-adds per coefficient. Many signatures along an axis are multiplied as a tree.

    Warning: the product of an inverse, ``S(0, a)^-1 ⊗ S(0, b)`` for a window of a path, loses
    digits along the path. Take `pysig.signature_windows` or `pysig.signature_intervals`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> first, second = pysig.signature(path[:2], 2), pysig.signature(path[1:], 2)
    >>> pysig.algebra.combine(first, second, channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    >>> pysig.algebra.combine(np.stack([first, second]), None, channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    """
    if b is None:
        return _combine_axis(a, check_sizes(channels, depth, scalar_term), axis, workers, out)
    _refuse_axis(axis)
    return bilinear("product", (a, b), (channels, depth, scalar_term), workers, out)


@documented(like=combine)
def combine_vjp(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    axis: int = -2,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradients of ``<cotangent, combine(a, b)>``.

    {parameters}

    Returns
    -------
    (array, array)
        Gradients with respect to `a` and `b`, in their shapes. If `b` is None: the one array for
        `a`.

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.combine_vjp(a, b, 1, 2, np.array([0.0, 1.0]))
    (array([3., 1.]), array([1., 1.]))
    """
    if b is None:
        plan = check_sizes(channels, depth, scalar_term)
        return _combine_axis_vjp(a, plan, axis, cotangent, workers)
    _refuse_axis(axis)
    return bilinear_vjp("product", (a, b), (channels, depth, scalar_term), cotangent, workers)


@documented(like=combine)
def combine_jvp(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_b: Any = None,
    *,
    axis: int = -2,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``combine(a, b)`` along tangents of its arguments.

    Parameters
    ----------
    {a, b}
    {channels, depth}
    {tangent_a}
    tangent_b : array_like, optional
        Tangent of `b`. Left out if `b` is None.
    {axis}
    {scalar_term}
    {workers}
    {out}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> pysig.algebra.combine_jvp(a, b, 1, 2, np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([1., 3.])
    """
    if b is None:
        plan = check_sizes(channels, depth, scalar_term)
        return _combine_axis_jvp(a, plan, axis, tangent_a, workers, out)
    _refuse_axis(axis)
    return bilinear_jvp(
        "product", (a, b), (channels, depth, scalar_term), (tangent_a, tangent_b), workers, out
    )


def _refuse_axis(axis: Any) -> None:
    if type(axis) is not int or axis != -2:
        raise ValueError(
            f"axis: expected no axis with two factors, received {_checks.describe(axis)}. Leave it "
            "out, or pass b=None to multiply the signatures along an axis of a."
        )


# ---- many along an axis: a tree of products of neighbours ----


def _prepare_axis(
    given: dict[str, Any], plan: Plan, axis: Any, workers: Any
) -> tuple[RowsCall, int, int, tuple[int, ...]]:
    """The call, the axis, its length, and the shape that is left without it."""
    shapes = {name: (plan.size,) if name == "cotangent" else (None, plan.size) for name in given}
    call = prepare(given, shapes, workers, broadcast=False)
    a = call.arrays["a"]
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise TypeError(f"axis: expected an integer, received {_checks.describe(axis)}.")
    place = axis + a.ndim if axis < 0 else axis
    if not 0 <= place < a.ndim - 1:
        raise ValueError(
            f"axis: expected an axis of a before the last, received {axis} for a of "
            f"shape {tuple(a.shape)}."
        )
    return call, place, a.shape[place], a.shape[:place] + a.shape[place + 1 : -1]


def _factors(call: RowsCall, name: str, place: int, length: int, width: int) -> Any:
    """(rest of the batch, length, width), contiguous."""
    array = call.arrays[name]
    axes = [i for i in range(array.ndim - 1) if i != place]
    moved = array.transpose(*axes, place, array.ndim - 1)
    count = prod(array.shape[i] for i in axes)
    return call.xp.ascontiguousarray(moved.reshape(count, length, width))


def _neighbours(call: RowsCall, level: Any) -> tuple[Any, Any]:
    """The left and the right factors of a level of the tree, as rows."""
    count, length, width = level.shape
    pairs = level[:, : length // 2 * 2].reshape(count * (length // 2), 2, width)
    return call.xp.ascontiguousarray(pairs[:, 0]), call.xp.ascontiguousarray(pairs[:, 1])


def _next_level(call: RowsCall, level: Any, products: Any) -> Any:
    """The products of neighbours, and the last factor if it had none."""
    count, length, width = level.shape
    products = products.reshape(count, length // 2, width)
    if length % 2 == 0:
        return products
    return call.xp.concatenate([products, level[:, -1:]], axis=1)


def _unit_row(call: RowsCall, count: int, plan: Plan) -> Any:
    """The product of nothing."""
    unit = call.xp.zeros((count, 1, plan.size), call.dtype)
    if plan.scalar_term:
        unit[:, :, 0] = 1
    return unit


def _multiply(call: RowsCall, level: Any, plan: Plan) -> Any:
    left, right = _neighbours(call, level)
    products = call.xp.empty(left.shape, call.dtype)
    call.backend.impl.bilinear(
        "product", (left, right), products, plan=plan, scalar=1, workers=call.threads
    )
    return products


def _combine_axis(a: Any, plan: Plan, axis: Any, workers: Any, out: Any) -> Any:
    call, place, length, rest = _prepare_axis({"a": a}, plan, axis, workers)
    level = _factors(call, "a", place, length, plan.size) if length else None
    if level is None:
        level = _unit_row(call, prod(rest), plan)
    while level.shape[1] > 1:
        level = _next_level(call, level, _multiply(call, level, plan))
    return _deliver(call, level, rest, out)


def _deliver(call: RowsCall, level: Any, rest: tuple[int, ...], out: Any) -> Any:
    whole = RowsCall(call.backend, call.dtype, call.arrays, call.given, rest, call.threads)
    rows, result = whole.target(out, level.shape[-1])
    rows[...] = level[:, 0]
    return whole.finish(rows, result)


def _combine_axis_jvp(a: Any, plan: Plan, axis: Any, tangent: Any, workers: Any, out: Any) -> Any:
    call, place, length, rest = _prepare_axis({"a": a, "tangent_a": tangent}, plan, axis, workers)
    _check_same_shape(call, "tangent_a", call.arrays["a"].shape)
    if not length:
        return _deliver(call, _unit_row(call, prod(rest), plan) * 0, rest, out)
    level = _factors(call, "a", place, length, plan.size)
    moves = _factors(call, "tangent_a", place, length, plan.size)
    while level.shape[1] > 1:
        left, right = _neighbours(call, level)
        change = call.xp.empty(left.shape, call.dtype)
        call.backend.impl.bilinear_jvp(
            "product",
            (left, right),
            _neighbours(call, moves),
            change,
            plan=plan,
            scalar=1,
            workers=call.threads,
        )
        level, moves = (
            _next_level(call, level, _multiply(call, level, plan)),
            _next_level(call, moves, change),
        )
    return _deliver(call, moves, rest, out)


def _combine_axis_vjp(a: Any, plan: Plan, axis: Any, cotangent: Any, workers: Any) -> Any:
    call, place, length, rest = _prepare_axis({"a": a, "cotangent": cotangent}, plan, axis, workers)
    _check_same_shape(call, "cotangent", (*rest, plan.size))
    if not length:
        return call.arrays["a"].copy()
    levels = [_factors(call, "a", place, length, plan.size)]
    while levels[-1].shape[1] > 1:
        levels.append(_next_level(call, levels[-1], _multiply(call, levels[-1], plan)))
    gradient = call.arrays["cotangent"].reshape(prod(rest), 1, plan.size)
    for level in reversed(levels[:-1]):
        gradient = _level_gradient(call, level, gradient, plan)
    moved = call.xp.ascontiguousarray(gradient).reshape(*rest, length, plan.size)
    axes = [i if i < place else i - 1 for i in range(len(rest) + 1)]
    axes[place] = len(rest)
    return call.xp.ascontiguousarray(moved.transpose(*axes, len(rest) + 1))


def _level_gradient(call: RowsCall, level: Any, gradient: Any, plan: Plan) -> Any:
    """From the gradient at the products of neighbours to the gradient at their factors."""
    count, length, width = level.shape
    left, right = _neighbours(call, level)
    g = call.xp.ascontiguousarray(gradient[:, : length // 2]).reshape(left.shape)
    at_left, at_right = (call.xp.empty(left.shape, call.dtype) for _ in range(2))
    call.backend.impl.bilinear_vjp(
        "product",
        (left, right),
        g,
        (at_left, at_right),
        plan=plan,
        scalar=1,
        workers=call.threads,
    )
    out = call.xp.empty((count, length, width), call.dtype)
    out[:, 0 : length // 2 * 2 : 2] = at_left.reshape(count, length // 2, width)
    out[:, 1 : length // 2 * 2 : 2] = at_right.reshape(count, length // 2, width)
    if length % 2:
        out[:, -1] = gradient[:, -1]
    return out


def _check_same_shape(call: RowsCall, name: str, shape: tuple[int, ...]) -> None:
    received = tuple(call.arrays[name].shape)
    if received != tuple(shape):
        raise ValueError(f"{name}: expected shape {tuple(shape)}, received {received}.")
