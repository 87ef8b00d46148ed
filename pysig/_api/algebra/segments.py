"""One more straight segment at the end or in front of a path, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api.algebra._levels import join, powers, powers_jvp, powers_vjp, split
from pysig._api.algebra._rows import Call, check_sizes, prepare
from pysig._plans.layout import Plan


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
    """Signature of a path with one more straight segment at its end: ``a ⊗ exp(x)``.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures.
    x : array_like, shape (..., channels)
        Increments of the segments. Leading dimensions broadcast with those of `a`.
    channels, depth : int
        Of the signatures.
    scalar_term : bool, optional
        Whether rows begin with the coefficient of the empty word. Without it that coefficient is 1.
    workers : int, optional
        Threads on the CPU, see `pysig.set_workers`.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., size)
        Of float32 if all arguments are, else of float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    The exponential of a vector is made level by level, then one Chen product follows.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> pysig.algebra.append(pysig.signature(path[:2], 2), path[2] - path[1], channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    """
    return _joined(True, a, x, channels, depth, scalar_term, workers, out)


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

    Parameters
    ----------
    a, x, channels, depth
        As in `append`.
    cotangent : array_like, shape (..., size)
        Of the shape of the result.
    scalar_term, workers
        As in `append`.

    Returns
    -------
    (array, array)
        The gradients at `a` and `x`, in their shapes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.append_vjp(np.array([1.0, 2.0]), [3.0], 1, 2, np.array([0.0, 1.0]))
    (array([3., 1.]), array([4.]))
    """
    call, at_a, at_x = _joined_vjp(True, a, x, channels, depth, cotangent, scalar_term, workers)
    return call.reduced(at_a, "a"), call.reduced(at_x, "x")


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
    """Derivative of ``append(a, x)`` when both arguments move.

    Parameters
    ----------
    a, x, channels, depth
        As in `append`.
    tangent_a : array_like, shape (..., size)
        How `a` moves.
    tangent_x : array_like, shape (..., channels)
        How `x` moves.
    scalar_term, workers, out
        As in `append`.

    Returns
    -------
    array, shape (..., size)
        The derivative.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

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
    """Signature of a path with one more straight segment in front: ``exp(x) ⊗ a``.

    Parameters
    ----------
    x : array_like, shape (..., channels)
        Increments of the segments. Leading dimensions broadcast with those of `a`.
    a : array_like, shape (..., size)
        Signatures.
    channels, depth : int
        Of the signatures.
    scalar_term : bool, optional
        Whether rows begin with the coefficient of the empty word. Without it that coefficient is 1.
    workers : int, optional
        Threads on the CPU, see `pysig.set_workers`.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., size)
        Of float32 if all arguments are, else of float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    The exponential of a vector is made level by level, then one Chen product follows.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> pysig.algebra.prepend(path[1] - path[0], pysig.signature(path[1:], 2), channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    """
    return _joined(False, a, x, channels, depth, scalar_term, workers, out)


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

    Parameters
    ----------
    x, a, channels, depth
        As in `prepend`.
    cotangent : array_like, shape (..., size)
        Of the shape of the result.
    scalar_term, workers
        As in `prepend`.

    Returns
    -------
    (array, array)
        The gradients at `x` and `a`, in their shapes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.prepend_vjp([3.0], np.array([1.0, 2.0]), 1, 2, np.array([0.0, 1.0]))
    (array([4.]), array([3., 1.]))
    """
    call, at_a, at_x = _joined_vjp(False, a, x, channels, depth, cotangent, scalar_term, workers)
    return call.reduced(at_x, "x"), call.reduced(at_a, "a")


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
    """Derivative of ``prepend(x, a)`` when both arguments move.

    Parameters
    ----------
    x, a, channels, depth
        As in `prepend`.
    tangent_x : array_like, shape (..., channels)
        How `x` moves.
    tangent_a : array_like, shape (..., size)
        How `a` moves.
    scalar_term, workers, out
        As in `prepend`.

    Returns
    -------
    array, shape (..., size)
        The derivative.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

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


# ---- what they share ----


def _segment(call: Call, plan: Plan) -> Any:
    """exp(x) as rows."""
    one = call.xp.ones((1, 1), call.dtype)
    return join(call.xp, one, powers(call.rows("x"), plan.depth, True), plan)


def _prepare_joined(
    channels: Any, depth: Any, scalar_term: Any, workers: Any, given: dict[str, Any]
) -> tuple[Call, Plan]:
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
) -> tuple[Call, Any, Any]:
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
