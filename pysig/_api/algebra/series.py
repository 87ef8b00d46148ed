"""Exponential, logarithm and inverse of rows of coefficients, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._docs import documented
from pysig._api._path_checks import check_scalar_column
from pysig._api._types import Array, ArrayLike
from pysig._api.algebra._rows import RowsCall, check_sizes, prepare
from pysig._plans.layout import Plan


@documented()
def exp(
    a: Array | ArrayLike,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Tensor exponential of a Lie element, or of any tensor with scalar 0.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Lie elements, or any tensors whose coefficient of the empty word is 0.
    {channels, depth}
    {scalar_term}
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    exp_vjp : Gradient of ``<cotangent, exp(a)>``.
    exp_jvp : Derivative of ``exp(a)`` along `tangent`.
    log : Tensor logarithm: the log-signature of a signature, in all words.

    Notes
    -----
    ``1 + a + a ⊗ a / 2! + ...`` in Horner form, whose inner products are short. The cost is about
    `depth` multiply-adds per coefficient.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.exp(np.array([2.0, 0.0]), channels=1, depth=2)
    array([2., 2.])
    """
    return _series("exp", a, channels, depth, scalar_term, workers, out)


@documented(like=exp)
def exp_vjp(
    a: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradient of ``<cotangent, exp(a)>``.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.exp_vjp(np.array([2.0, 0.0]), 1, 2, np.array([0.0, 1.0]))
    array([2., 1.])
    """
    return _series_vjp("exp", a, channels, depth, cotangent, scalar_term, workers)


@documented(like=exp)
def exp_jvp(
    a: Array | ArrayLike,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``exp(a)`` along `tangent`.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.exp_jvp(np.array([2.0, 0.0]), 1, 2, np.array([1.0, 0.0]))
    array([1., 2.])
    """
    return _series_jvp("exp", a, channels, depth, tangent, scalar_term, workers, out)


@documented()
def log(
    a: Array | ArrayLike,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Tensor logarithm: the log-signature of a signature, in all words.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures, or any tensors whose coefficient of the empty word is 1.
    {channels, depth}
    {scalar_term}
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    log_vjp : Gradient of ``<cotangent, log(a)>``.
    log_jvp : Derivative of ``log(a)`` along `tangent`.
    exp : Tensor exponential of a Lie element, or of any tensor with scalar 0.

    Notes
    -----
    ``s - s ⊗ s / 2 + s ⊗ s ⊗ s / 3 - ...`` for ``a = 1 + s`` in Horner form, whose inner products
    are short. The cost is about `depth` multiply-adds per coefficient.
    `pysig.signature_to_logsignature` returns coordinates in shorter bases.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.log(np.array([2.0, 2.0]), channels=1, depth=2)
    array([2., 0.])
    """
    return _series("log", a, channels, depth, scalar_term, workers, out)


@documented(like=log)
def log_vjp(
    a: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradient of ``<cotangent, log(a)>``.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.log_vjp(np.array([2.0, 2.0]), 1, 2, np.array([0.0, 1.0]))
    array([-2.,  1.])
    """
    return _series_vjp("log", a, channels, depth, cotangent, scalar_term, workers)


@documented(like=log)
def log_jvp(
    a: Array | ArrayLike,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``log(a)`` along `tangent`.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.log_jvp(np.array([2.0, 2.0]), 1, 2, np.array([1.0, 0.0]))
    array([ 1., -2.])
    """
    return _series_jvp("log", a, channels, depth, tangent, scalar_term, workers, out)


@documented()
def invert(
    a: Array | ArrayLike,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Inverse with respect to the Chen product, of any tensor with scalar 1.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures, or any tensors whose coefficient of the empty word is 1.
    {channels, depth}
    {scalar_term}
    {workers}
    {out}

    Returns
    -------
    array, shape (..., size)
        {dtype}

    {raises}

    See Also
    --------
    invert_vjp : Gradient of ``<cotangent, invert(a)>``.
    invert_jvp : Derivative of ``invert(a)`` along `tangent`.
    antipode : Antipode: reverse every word and change the sign of those of odd length.
    combine : Chen product: the signature of one path followed by another.

    Notes
    -----
    ``1 - s + s ⊗ s - ...`` for ``a = 1 + s`` in Horner form. For a signature, `antipode` returns
    the same and multiplies nothing.

    Warning: do not compute signatures of windows by inverses of prefixes,
    ``S(0, a)^-1 ⊗ S(0, b)``. The factors grow along the path and cancel; in float32 no digit may be
    left. `pysig.signature_windows` and `pysig.signature_intervals` multiply without inverses.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.invert(np.array([2.0, 2.0]), channels=1, depth=2)
    array([-2.,  2.])
    """
    return _series("inverse", a, channels, depth, scalar_term, workers, out)


@documented(like=invert)
def invert_vjp(
    a: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
) -> Any:
    """Gradient of ``<cotangent, invert(a)>``.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.invert_vjp(np.array([2.0, 2.0]), 1, 2, np.array([0.0, 1.0]))
    array([ 4., -1.])
    """
    return _series_vjp("inverse", a, channels, depth, cotangent, scalar_term, workers)


@documented(like=invert)
def invert_jvp(
    a: Array | ArrayLike,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Array:
    """Derivative of ``invert(a)`` along `tangent`.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.invert_jvp(np.array([2.0, 2.0]), 1, 2, np.array([1.0, 0.0]))
    array([-1.,  4.])
    """
    return _series_jvp("inverse", a, channels, depth, tangent, scalar_term, workers, out)


def _prepare(name: str, plan: Plan, given: dict[str, Any], workers: Any) -> RowsCall:
    """The call; the scalars of `a` are those of the series."""
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
    if plan.scalar_term:
        check_scalar_column(call.arrays["a"], 0, call.backend, "a", 0 if name == "exp" else 1)
    return call


def _series(
    name: str, a: Any, channels: Any, depth: Any, scalar_term: Any, workers: Any, out: Any
) -> Any:
    plan = check_sizes(channels, depth, scalar_term)
    call = _prepare(name, plan, {"a": a}, workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.series(name, call.rows("a"), rows, plan=plan, workers=call.threads)
    return call.finish(rows, result)


def _series_vjp(
    name: str, a: Any, channels: Any, depth: Any, cotangent: Any, scalar_term: Any, workers: Any
) -> Any:
    plan = check_sizes(channels, depth, scalar_term)
    given = {"a": a, "cotangent": cotangent}
    call = _prepare(name, plan, given, workers)
    rows = call.empty(plan.size)
    call.backend.impl.series_vjp(
        name, call.rows("a"), call.rows("cotangent"), rows, plan=plan, workers=call.threads
    )
    return call.reduced(rows, "a")


def _series_jvp(
    name: str,
    a: Any,
    channels: Any,
    depth: Any,
    tangent: Any,
    scalar_term: Any,
    workers: Any,
    out: Any,
) -> Any:
    plan = check_sizes(channels, depth, scalar_term)
    given = {"a": a, "tangent": tangent}
    call = _prepare(name, plan, given, workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.series_jvp(
        name, call.rows("a"), call.rows("tangent"), rows, plan=plan, workers=call.threads
    )
    return call.finish(rows, result)
