"""The pairing of a functional with a signature, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._output import check_out
from pysig._api.algebra._rows import check_sizes, prepare


def inner(
    a: Any, b: Any, channels: int, depth: int, *, scalar_term: bool = False, out: Any = None
) -> Any:
    """Pairing: the sum over all words of ``a[w] * b[w]``, such as a functional of a signature.

    Parameters
    ----------
    a, b : array_like, shape (..., size)
        A functional and a signature, or any two tensors. Leading dimensions broadcast.
    channels, depth : int
        Of the rows.
    scalar_term : bool, optional
        Whether rows begin with the coefficient of the empty word, which then counts too.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (...)
        Of dtype float32 if all inputs are float32, otherwise float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> functional = np.array([0.0, 0.0, 0.0, 0.5, -0.5, 0.0])  # the Levy area
    >>> s = pysig.signature(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]), 2)
    >>> float(pysig.algebra.inner(functional, s, channels=2, depth=2))
    0.5
    """
    plan = check_sizes(channels, depth, scalar_term)
    call = prepare({"a": a, "b": b}, dict.fromkeys("ab", (plan.size,)))
    return _pair(call, [("a", "b")], out)


def inner_vjp(
    a: Any, b: Any, channels: int, depth: int, cotangent: Any, *, scalar_term: bool = False
) -> Any:
    """Gradients of ``(cotangent * inner(a, b)).sum()``.

    Parameters
    ----------
    a, b, channels, depth
        As in `inner`.
    cotangent : array_like, shape (...)
        Of the shape of the result.
    scalar_term
        As in `inner`.

    Returns
    -------
    (array, array)
        The gradients at `a` and `b`, in their shapes.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.inner_vjp(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 1, 2, 1.0)
    (array([3., 4.]), array([1., 2.]))
    """
    plan = check_sizes(channels, depth, scalar_term)
    given = {"a": a, "b": b, "cotangent": cotangent}
    shapes: dict[str, tuple[int | None, ...]] = {
        "a": (plan.size,),
        "b": (plan.size,),
        "cotangent": (),
    }
    call = prepare(given, shapes)
    g = call.rows("cotangent", 0)[:, None]
    wide = (call.count, plan.size)
    at_a, at_b = (call.xp.broadcast_to(g * call.rows(other), wide) for other in "ba")
    return call.reduced(at_a, "a"), call.reduced(at_b, "b")


def inner_jvp(
    a: Any,
    b: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_b: Any,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Any:
    """Derivative of ``inner(a, b)`` when both arguments move.

    Parameters
    ----------
    a, b, channels, depth
        As in `inner`.
    tangent_a, tangent_b : array_like, shape (..., size)
        How `a` and `b` move.
    scalar_term, out
        As in `inner`.

    Returns
    -------
    array, shape (...)
        The derivative.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> a, b = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    >>> float(pysig.algebra.inner_jvp(a, b, 1, 2, np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    5.0
    """
    plan = check_sizes(channels, depth, scalar_term)
    given = {"a": a, "b": b, "tangent_a": tangent_a, "tangent_b": tangent_b}
    call = prepare(given, dict.fromkeys(given, (plan.size,)))
    return _pair(call, [("a", "tangent_b"), ("tangent_a", "b")], out)


def _pair(call: Any, pairs: list[tuple[str, str]], out: Any) -> Any:
    """The sum of the pairings of several arguments, in the shape of the batch."""
    result = check_out(out, call.batch, call.dtype, call.backend, call.given)
    total = sum((call.rows(x) * call.rows(y)).sum(axis=-1) for x, y in pairs)
    value = call.xp.broadcast_to(total, (call.count,)).reshape(call.batch)
    if result is None:
        return call.xp.ascontiguousarray(value).reshape(call.batch)
    result[...] = value
    return result
