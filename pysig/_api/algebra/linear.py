"""Antipode and scaling of channels, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._docs import documented
from pysig._api._types import Array, ArrayLike
from pysig._api.algebra._levels import (
    join,
    powers,
    powers_jvp,
    powers_vjp,
    reverse_letters,
    split,
)
from pysig._api.algebra._rows import RowsCall, check_sizes, prepare
from pysig._plans.layout import Plan


@documented()
def antipode(
    a: Array | ArrayLike, channels: int, depth: int, *, scalar_term: bool = False, out: Any = None
) -> Array:
    """Antipode: reverse every word and change the sign of those of odd length.

    For a signature it is the inverse: the signature of the reversed path.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures, or any tensors.
    {channels, depth}
    {scalar_term}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    antipode_vjp : Gradient of ``<cotangent, antipode(a)>``: the antipode of the cotangent.
    antipode_jvp : Derivative of ``antipode(a)``: the antipode of the tangent.
    invert : Inverse with respect to the Chen product, of any tensor with scalar 1.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> s = pysig.signature(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), 2)
    >>> pysig.algebra.antipode(s, channels=2, depth=2)
    array([-1. , -1. ,  0.5,  0. ,  1. ,  0.5])
    """
    plan = check_sizes(channels, depth, scalar_term)
    call = prepare({"a": a}, {"a": (plan.size,)})
    return _antipode(call, "a", plan, out)


@documented(like=antipode)
def antipode_vjp(
    a: Any, channels: int, depth: int, cotangent: Any, *, scalar_term: bool = False
) -> Any:
    """Gradient of ``<cotangent, antipode(a)>``: the antipode of the cotangent.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.antipode_vjp(np.array([1.0, 2.0]), 1, 2, np.array([1.0, 1.0]))
    array([-1.,  1.])
    """
    plan = check_sizes(channels, depth, scalar_term)
    given = {"a": a, "cotangent": cotangent}
    call = prepare(given, dict.fromkeys(given, (plan.size,)))
    return call.reduced(_antipode(call, "cotangent", plan, None), "a")


@documented(like=antipode)
def antipode_jvp(
    a: Array | ArrayLike,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Array:
    """Derivative of ``antipode(a)``: the antipode of the tangent.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.antipode_jvp(np.array([1.0, 2.0]), 1, 2, np.array([1.0, 0.0]))
    array([-1.,  0.])
    """
    plan = check_sizes(channels, depth, scalar_term)
    given = {"a": a, "tangent": tangent}
    call = prepare(given, dict.fromkeys(given, (plan.size,)))
    return _antipode(call, "tangent", plan, out)


@documented()
def dilate(
    a: Array | ArrayLike,
    factors: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Array:
    """Scale the channels: the signature of a path whose channel i is multiplied by ``factors[i]``.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures, log-signatures in all words, or any tensors.
    factors : array_like, shape (..., channels)
        One factor for each channel. Leading dimensions broadcast with those of `a`.
    {channels, depth}
    {scalar_term}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    dilate_vjp : Gradients of ``<cotangent, dilate(a, factors)>``.
    dilate_jvp : Derivative of ``dilate(a, factors)`` along tangents of both arguments.
    map_channels : Change the channels linearly: the signature of the path ``path @ matrix.T``.

    Notes
    -----
    The coefficient of a word is multiplied by the factors of its letters.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> s = pysig.signature(np.array([[0.0, 0.0], [1.0, 1.0]]), 2)
    >>> pysig.algebra.dilate(s, [2.0, 3.0], channels=2, depth=2)
    array([2. , 3. , 2. , 3. , 3. , 4.5])
    """
    plan = check_sizes(channels, depth, scalar_term)
    call = _prepare_dilate(plan, a=a, factors=factors)
    scale = _join_ones(call, powers(call.rows("factors"), plan.depth, False), plan)
    rows, result = call.target(out, plan.size)
    rows[...] = call.rows("a") * scale
    return call.finish(rows, result)


@documented(like=dilate)
def dilate_vjp(
    a: Any,
    factors: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
) -> Any:
    """Gradients of ``<cotangent, dilate(a, factors)>``.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.dilate_vjp(np.array([1.0, 2.0]), [3.0], 1, 2, np.array([1.0, 1.0]))
    (array([3., 9.]), array([13.]))
    """
    plan = check_sizes(channels, depth, scalar_term)
    call = _prepare_dilate(plan, a=a, factors=factors, cotangent=cotangent)
    xp = call.xp
    factors, g = call.rows("factors"), call.rows("cotangent")
    scale = _join_ones(call, powers(factors, plan.depth, False), plan)
    at_a = xp.broadcast_to(g * scale, (call.count, plan.size))
    gradients = split(xp.broadcast_to(g * call.rows("a"), (call.count, plan.size)), plan)
    wide = xp.broadcast_to(factors, (call.count, plan.channels))
    at_factors = powers_vjp(xp, wide, gradients, False)
    return call.reduced(at_a, "a"), call.reduced(at_factors, "factors")


@documented(like=dilate)
def dilate_jvp(
    a: Array | ArrayLike,
    factors: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_factors: Any,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Array:
    """Derivative of ``dilate(a, factors)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.dilate_jvp(
    ...     np.array([1.0, 2.0]), [3.0], 1, 2, np.array([0.0, 0.0]), np.array([1.0])
    ... )
    array([ 1., 12.])
    """
    plan = check_sizes(channels, depth, scalar_term)
    call = _prepare_dilate(
        plan, a=a, factors=factors, tangent_a=tangent_a, tangent_factors=tangent_factors
    )
    factors = call.rows("factors")
    scale = _join_ones(call, powers(factors, plan.depth, False), plan)
    moves = powers_jvp(factors, call.rows("tangent_factors"), plan.depth, False)
    change = join(call.xp, call.xp.zeros((1, 1), call.dtype), moves, plan)
    rows, result = call.target(out, plan.size)
    rows[...] = call.rows("tangent_a") * scale + call.rows("a") * change
    return call.finish(rows, result)


# ---- shared ----


def _antipode(call: RowsCall, name: str, plan: Plan, out: Any) -> Any:
    rows, result = call.target(out, plan.size)
    values = call.rows(name)
    levels = [
        reverse_letters(level, plan.channels, k) * (-1) ** k
        for k, level in enumerate(split(values, plan), start=1)
    ]
    rows[...] = join(call.xp, values[:, :1], levels, plan)
    return call.finish(rows, result)


def _prepare_dilate(plan: Plan, **given: Any) -> RowsCall:
    factors = {name: "channels" for name in given if name.endswith("factors")}
    shapes = {name: (plan.channels if name in factors else plan.size,) for name in given}
    return prepare(given, shapes, follows=factors)


def _join_ones(call: RowsCall, levels: list[Any], plan: Plan) -> Any:
    return join(call.xp, call.xp.ones((1, 1), call.dtype), levels, plan)
