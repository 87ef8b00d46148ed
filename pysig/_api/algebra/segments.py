"""Append or prepend a straight segment to a path, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._docs import documented
from pysig._api.algebra._levels import join, powers, powers_jvp, powers_vjp, split
from pysig._api.algebra._rows import RowsCall, check_sizes, prepare
from pysig._plans.layout import Plan


@documented()
def append(
    a: Any,
    x: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Append a straight segment to a path: the signature ``a ⊗ exp(x)``.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures.
    x : array_like, shape (..., channels)
        Increments of the segments. Leading dimensions broadcast with those of `a`.
    {channels, depth}
    scalar_term : bool, optional
        If True, rows begin with the coefficient of the empty word. Otherwise it is taken as 1.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    Notes
    -----
    The exponential of the increment, level by level, followed by one Chen product.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> pysig.algebra.append(pysig.signature(path[:2], 2), path[2] - path[1], channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    """
    return _joined(True, a, x, channels, depth, scalar_term, workers, out)


@documented(like=append)
def append_vjp(
    a: Any,
    x: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradients of ``<cotangent, append(a, x)>``.

    {parameters}

    {gradients}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.append_vjp(np.array([1.0, 2.0]), [3.0], 1, 2, np.array([0.0, 1.0]))
    (array([3., 1.]), array([4.]))
    """
    call, at_a, at_x = _joined_vjp(True, a, x, channels, depth, cotangent, scalar_term, workers)
    return call.reduced(at_a, "a"), call.reduced(at_x, "x")


@documented(like=append)
def append_jvp(
    a: Any,
    x: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_x: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of ``append(a, x)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.append_jvp(
    ...     np.array([1.0, 2.0]), [3.0], 1, 2, np.array([0.0, 0.0]), np.array([1.0])
    ... )
    array([1., 4.])
    """
    return _joined_jvp(True, a, x, channels, depth, tangent_a, tangent_x, scalar_term, workers, out)


@documented()
def prepend(
    x: Any,
    a: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Prepend a straight segment to a path: the signature ``exp(x) ⊗ a``.

    Parameters
    ----------
    x : array_like, shape (..., channels)
        Increments of the segments. Leading dimensions broadcast with those of `a`.
    a : array_like, shape (..., size)
        Signatures.
    {channels, depth}
    scalar_term : bool, optional
        If True, rows begin with the coefficient of the empty word. Otherwise it is taken as 1.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    Notes
    -----
    The exponential of the increment, level by level, followed by one Chen product.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> pysig.algebra.prepend(path[1] - path[0], pysig.signature(path[1:], 2), channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    """
    return _joined(False, a, x, channels, depth, scalar_term, workers, out)


@documented(like=prepend)
def prepend_vjp(
    x: Any,
    a: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradients of ``<cotangent, prepend(x, a)>``.

    {parameters}

    {gradients}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.prepend_vjp([3.0], np.array([1.0, 2.0]), 1, 2, np.array([0.0, 1.0]))
    (array([4.]), array([3., 1.]))
    """
    call, at_a, at_x = _joined_vjp(False, a, x, channels, depth, cotangent, scalar_term, workers)
    return call.reduced(at_x, "x"), call.reduced(at_a, "a")


@documented(like=prepend)
def prepend_jvp(
    x: Any,
    a: Any,
    channels: int,
    depth: int,
    tangent_x: Any,
    tangent_a: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of ``prepend(x, a)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.prepend_jvp(
    ...     [3.0], np.array([1.0, 2.0]), 1, 2, np.array([1.0]), np.array([0.0, 0.0])
    ... )
    array([1., 4.])
    """
    return _joined_jvp(
        False, a, x, channels, depth, tangent_a, tangent_x, scalar_term, workers, out
    )


# ---- shared ----


def _segment(call: RowsCall, plan: Plan) -> Any:
    """exp(x) as rows."""
    one = call.xp.ones((1, 1), call.dtype)
    return join(call.xp, one, powers(call.rows("x"), plan.depth, True), plan)


def _prepare_joined(
    channels: Any, depth: Any, scalar_term: Any, workers: Any, given: dict[str, Any]
) -> tuple[RowsCall, Plan]:
    plan = check_sizes(channels, depth, scalar_term)
    shapes = {name: (plan.channels if name.endswith("x") else plan.size,) for name in given}
    return prepare(given, shapes, workers), plan


def _joined(
    at_end: bool,
    a: Any,
    x: Any,
    channels: Any,
    depth: Any,
    scalar_term: Any,
    workers: Any,
    out: Any,
) -> Any:
    call, plan = _prepare_joined(channels, depth, scalar_term, workers, {"a": a, "x": x})
    rows, result = call.target(out, plan.size)
    factors = call.rows("a"), _segment(call, plan)
    call.backend.impl.bilinear(
        "product",
        factors if at_end else factors[::-1],
        rows,
        plan=plan,
        scalar=1,
        workers=call.threads,
    )
    return call.finish(rows, result)


def _joined_vjp(
    at_end: bool,
    a: Any,
    x: Any,
    channels: Any,
    depth: Any,
    cotangent: Any,
    scalar_term: Any,
    workers: Any,
) -> tuple[RowsCall, Any, Any]:
    """The gradients as rows of the whole batch."""
    given = {"a": a, "x": x, "cotangent": cotangent}
    call, plan = _prepare_joined(channels, depth, scalar_term, workers, given)
    factors = call.rows("a"), _segment(call, plan)
    gradients = call.empty(plan.size), call.empty(plan.size)
    call.backend.impl.bilinear_vjp(
        "product",
        factors if at_end else factors[::-1],
        call.rows("cotangent"),
        gradients,
        plan=plan,
        scalar=1,
        workers=call.threads,
    )
    at_a, at_segment = gradients if at_end else gradients[::-1]
    wide = call.xp.broadcast_to(call.rows("x"), (call.count, plan.channels))
    return call, at_a, powers_vjp(call.xp, wide, split(at_segment, plan), True)


def _joined_jvp(
    at_end: bool,
    a: Any,
    x: Any,
    channels: Any,
    depth: Any,
    tangent_a: Any,
    tangent_x: Any,
    scalar_term: Any,
    workers: Any,
    out: Any,
) -> Any:
    given = {"a": a, "x": x, "tangent_a": tangent_a, "tangent_x": tangent_x}
    call, plan = _prepare_joined(channels, depth, scalar_term, workers, given)
    moves = powers_jvp(call.rows("x"), call.rows("tangent_x"), plan.depth, True)
    dsegment = join(call.xp, call.xp.zeros((1, 1), call.dtype), moves, plan)
    values = call.rows("a"), _segment(call, plan)
    changes = call.rows("tangent_a"), dsegment
    rows, result = call.target(out, plan.size)
    call.backend.impl.bilinear_jvp(
        "product",
        values if at_end else values[::-1],
        changes if at_end else changes[::-1],
        rows,
        plan=plan,
        scalar=1,
        workers=call.threads,
    )
    return call.finish(rows, result)
