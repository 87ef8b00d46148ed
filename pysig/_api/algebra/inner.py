"""The pairing of a functional with a signature, and its derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._docs import documented
from pysig._api._output import check_out
from pysig._api._types import Array, ArrayLike
from pysig._api.algebra._rows import RowsCall, check_sizes, prepare


@documented()
def inner(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Array:
    """Pairing: the sum over all words of ``a[w] * b[w]``, such as a functional of a signature.

    Parameters
    ----------
    a, b : array_like, shape (..., size)
        A functional and a signature, or any two tensors. Leading dimensions broadcast.
    {channels, depth}
    scalar_term : bool, optional
        If True, rows begin with the coefficient of the empty word, which enters the sum.
    {out}

    Returns
    -------
    array, shape (...)
        {dtype}

    {raises}

    See Also
    --------
    inner_vjp : Gradients of ``(cotangent * inner(a, b)).sum()``.
    inner_jvp : Derivative of ``inner(a, b)`` along tangents of both arguments.
    pysig.signature_kernel : Signature kernel, the inner product of the signatures of two paths.

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


@documented(like=inner)
def inner_vjp(
    a: Any, b: Any, channels: int, depth: int, cotangent: Any, *, scalar_term: bool = False
) -> Any:
    """Gradients of ``(cotangent * inner(a, b)).sum()``.

    {parameters}

    {gradients}

    {raises}

    {see also}

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
    shape = (call.count, plan.size)
    a_bar, b_bar = (call.xp.broadcast_to(g * call.rows(other), shape) for other in "ba")
    return call.reduced(a_bar, "a"), call.reduced(b_bar, "b")


@documented(like=inner)
def inner_jvp(
    a: Array | ArrayLike,
    b: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_b: Any,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Array:
    """Derivative of ``inner(a, b)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    {see also}

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


def _pair(call: RowsCall, pairs: list[tuple[str, str]], out: Any) -> Any:
    """Sum the pairings of pairs of arguments, in the shape of the batch."""
    result = check_out(out, call.batch, call.dtype, call.backend, call.given)
    total = sum((call.rows(x) * call.rows(y)).sum(axis=-1) for x, y in pairs)
    value = call.xp.broadcast_to(total, (call.count,)).reshape(call.batch)
    if result is None:
        return call.xp.ascontiguousarray(value).reshape(call.batch)
    result[...] = value
    return result
