"""Append or prepend a straight segment to a path, with derivatives."""

from __future__ import annotations

from typing import Any, NamedTuple

from pysig._api._docs import documented
from pysig._api._types import Array, ArrayLike
from pysig._api.algebra._levels import join, powers, powers_jvp, powers_vjp, split
from pysig._api.algebra._rows import RowsCall, check_sizes, prepare
from pysig._plans.layout import Plan


@documented()
def append(
    a: Array | ArrayLike,
    x: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Append a straight segment to a path: the signature ``a ⊗ exp(x)``.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures.
    x : array_like, shape (..., channels)
        Increments of the segments. Leading dimensions broadcast with those of `a`.
    {channels, depth}
    scalar_term : bool, optional
        If True, rows begin with the coefficient of the empty word. Otherwise it is 1.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    append_vjp : Gradients of ``<cotangent, append(a, x)>``.
    append_jvp : Derivative of ``append(a, x)`` along tangents of both arguments.
    prepend : Prepend a straight segment to a path: the signature ``exp(x) ⊗ a``.
    exp : Tensor exponential of a Lie element, or of any tensor with scalar 0.

    Notes
    -----
    Computes the exponential of the increment level by level, then one Chen product.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> pysig.algebra.append(pysig.signature(path[:2], 2), path[2] - path[1], channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    """
    given = {"a": a, "x": x}
    return _prepare_join(True, given, channels, depth, scalar_term, workers).value(out)


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

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.append_vjp(np.array([1.0, 2.0]), [3.0], 1, 2, np.array([0.0, 1.0]))
    (array([3., 1.]), array([4.]))
    """
    given = {"a": a, "x": x, "cotangent": cotangent}
    return _prepare_join(True, given, channels, depth, scalar_term, workers).vjp()


@documented(like=append)
def append_jvp(
    a: Array | ArrayLike,
    x: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_x: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``append(a, x)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.append_jvp(
    ...     np.array([1.0, 2.0]), [3.0], 1, 2, np.array([0.0, 0.0]), np.array([1.0])
    ... )
    array([1., 4.])
    """
    given = {"a": a, "x": x, "tangent_a": tangent_a, "tangent_x": tangent_x}
    return _prepare_join(True, given, channels, depth, scalar_term, workers).jvp(out)


@documented()
def prepend(
    x: Array | ArrayLike,
    a: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Prepend a straight segment to a path: the signature ``exp(x) ⊗ a``.

    Parameters
    ----------
    x : array_like, shape (..., channels)
        Increments of the segments. Leading dimensions broadcast with those of `a`.
    a : array_like, shape (..., size)
        Signatures.
    {channels, depth}
    scalar_term : bool, optional
        If True, rows begin with the coefficient of the empty word. Otherwise it is 1.
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    prepend_vjp : Gradients of ``<cotangent, prepend(x, a)>``.
    prepend_jvp : Derivative of ``prepend(x, a)`` along tangents of both arguments.
    append : Append a straight segment to a path: the signature ``a ⊗ exp(x)``.

    Notes
    -----
    Computes the exponential of the increment level by level, then one Chen product.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> pysig.algebra.prepend(path[1] - path[0], pysig.signature(path[1:], 2), channels=2, depth=2)
    array([1. , 1. , 0.5, 1. , 0. , 0.5])
    """
    given = {"a": a, "x": x}
    return _prepare_join(False, given, channels, depth, scalar_term, workers).value(out)


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

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.prepend_vjp([3.0], np.array([1.0, 2.0]), 1, 2, np.array([0.0, 1.0]))
    (array([4.]), array([3., 1.]))
    """
    given = {"a": a, "x": x, "cotangent": cotangent}
    a_bar, x_bar = _prepare_join(False, given, channels, depth, scalar_term, workers).vjp()
    return x_bar, a_bar


@documented(like=prepend)
def prepend_jvp(
    x: Array | ArrayLike,
    a: Any,
    channels: int,
    depth: int,
    tangent_x: Any,
    tangent_a: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``prepend(x, a)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.prepend_jvp(
    ...     [3.0], np.array([1.0, 2.0]), 1, 2, np.array([1.0]), np.array([0.0, 0.0])
    ... )
    array([1., 4.])
    """
    given = {"a": a, "x": x, "tangent_a": tangent_a, "tangent_x": tangent_x}
    return _prepare_join(False, given, channels, depth, scalar_term, workers).jvp(out)


# ---- shared ----


class _Join(NamedTuple):
    """A checked call of `append` or `prepend`: the Chen product of `a` and exp(x) in some order."""

    call: RowsCall
    plan: Plan
    at_end: bool

    def _ordered(self, signature: Any, segment: Any) -> tuple[Any, Any]:
        """The two factors, or their tangents or gradients, in the order of the product."""
        return (signature, segment) if self.at_end else (segment, signature)

    def _factors(self) -> tuple[Any, Any]:
        call, plan = self.call, self.plan
        one = call.xp.ones((1, 1), call.dtype)
        segment = join(call.xp, one, powers(call.rows("x"), plan.depth, True), plan)
        return self._ordered(call.rows("a"), segment)

    def _options(self) -> dict[str, Any]:
        return {"plan": self.plan, "scalar": 1, "workers": self.call.threads}

    def value(self, out: Any) -> Any:
        """Compute the product."""
        rows, result = self.call.target(out, self.plan.size)
        self.call.backend.impl.bilinear("product", self._factors(), rows, **self._options())
        return self.call.finish(rows, result)

    def vjp(self) -> tuple[Any, Any]:
        """Compute the gradients with respect to `a` and `x`."""
        call, plan = self.call, self.plan
        bars = call.empty(plan.size), call.empty(plan.size)
        call.backend.impl.bilinear_vjp(
            "product", self._factors(), call.rows("cotangent"), bars, **self._options()
        )
        a_bar, segment_bar = self._ordered(*bars)
        x = call.xp.broadcast_to(call.rows("x"), (call.count, plan.channels))
        x_bar = powers_vjp(call.xp, x, split(segment_bar, plan), True)
        return call.reduced(a_bar, "a"), call.reduced(x_bar, "x")

    def jvp(self, out: Any) -> Any:
        """Compute the derivative along the tangents of `a` and `x`."""
        call, plan = self.call, self.plan
        levels = powers_jvp(call.rows("x"), call.rows("tangent_x"), plan.depth, True)
        dsegment = join(call.xp, call.xp.zeros((1, 1), call.dtype), levels, plan)
        tangents = self._ordered(call.rows("tangent_a"), dsegment)
        rows, result = call.target(out, plan.size)
        call.backend.impl.bilinear_jvp(
            "product", self._factors(), tangents, rows, **self._options()
        )
        return call.finish(rows, result)


def _prepare_join(
    at_end: bool, given: dict[str, Any], channels: Any, depth: Any, scalar_term: Any, workers: Any
) -> _Join:
    """Check the arguments; names that end in x have a vector for each row."""
    plan = check_sizes(channels, depth, scalar_term)
    shapes = {name: (plan.channels if name.endswith("x") else plan.size,) for name in given}
    return _Join(prepare(given, shapes, workers), plan, at_end)
