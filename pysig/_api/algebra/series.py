"""Exponential, logarithm and inverse of rows of coefficients, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api.algebra._rows import check_sizes, prepare


def exp(
    a: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Tensor exponential: from a Lie element, or any tensor without scalar, to the group.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Tensors, whose coefficient of the empty word counts as 0 whatever is stored.
    channels, depth : int
        Of the rows.
    scalar_term : bool, optional
        Whether rows begin with the coefficient of the empty word.
    workers : int, optional
        Threads on the CPU, see `pysig.set_workers`.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., size)
        Of float32 if `a` is, else of float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    ``1 + a + a ⊗ a / 2! + ...``, in Horner form, where the inner products are short: about `depth`
    multiply-adds for each coefficient.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.exp(np.array([2.0, 0.0]), channels=1, depth=2)
    array([2., 2.])
    """
    return _series("exp", a, channels, depth, scalar_term, workers, out)


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

    Parameters
    ----------
    a, channels, depth
        As in `exp`.
    cotangent : array_like, shape (..., size)
        Of the shape of the result.
    scalar_term, workers
        As in `exp`.

    Returns
    -------
    array
        The gradient, in the shape of `a`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.exp_vjp(np.array([2.0, 0.0]), 1, 2, np.array([0.0, 1.0]))
    array([2., 1.])
    """
    return _series_vjp("exp", a, channels, depth, cotangent, scalar_term, workers)


def exp_jvp(
    a: Any,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of ``exp(a)`` when `a` moves along `tangent`.

    Parameters
    ----------
    a, channels, depth
        As in `exp`.
    tangent : array_like, shape (..., size)
        How `a` moves.
    scalar_term, workers, out
        As in `exp`.

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
    >>> pysig.algebra.exp_jvp(np.array([2.0, 0.0]), 1, 2, np.array([1.0, 0.0]))
    array([1., 2.])
    """
    return _series_jvp("exp", a, channels, depth, tangent, scalar_term, workers, out)


def log(
    a: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Tensor logarithm: from a signature to its log-signature, in all words.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures, or any tensors; the coefficient of the empty word counts as 1 whatever is
        stored.
    channels, depth : int
        Of the rows.
    scalar_term : bool, optional
        Whether rows begin with the coefficient of the empty word.
    workers : int, optional
        Threads on the CPU, see `pysig.set_workers`.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., size)
        Of float32 if `a` is, else of float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    ``s - s ⊗ s / 2 + s ⊗ s ⊗ s / 3 - ...`` for ``a = 1 + s``, in Horner form, where the inner
    products are short: about `depth` multiply-adds for each coefficient.
    `pysig.signature_to_logsignature` goes on to shorter bases.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.log(np.array([2.0, 2.0]), channels=1, depth=2)
    array([2., 0.])
    """
    return _series("log", a, channels, depth, scalar_term, workers, out)


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

    Parameters
    ----------
    a, channels, depth
        As in `log`.
    cotangent : array_like, shape (..., size)
        Of the shape of the result.
    scalar_term, workers
        As in `log`.

    Returns
    -------
    array
        The gradient, in the shape of `a`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.log_vjp(np.array([2.0, 2.0]), 1, 2, np.array([0.0, 1.0]))
    array([-2.,  1.])
    """
    return _series_vjp("log", a, channels, depth, cotangent, scalar_term, workers)


def log_jvp(
    a: Any,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of ``log(a)`` when `a` moves along `tangent`.

    Parameters
    ----------
    a, channels, depth
        As in `log`.
    tangent : array_like, shape (..., size)
        How `a` moves.
    scalar_term, workers, out
        As in `log`.

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
    >>> pysig.algebra.log_jvp(np.array([2.0, 2.0]), 1, 2, np.array([1.0, 0.0]))
    array([ 1., -2.])
    """
    return _series_jvp("log", a, channels, depth, tangent, scalar_term, workers, out)


def invert(
    a: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Inverse of the Chen product, of any tensor with scalar 1.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures, or any tensors; the coefficient of the empty word counts as 1 whatever is
        stored.
    channels, depth : int
        Of the rows.
    scalar_term : bool, optional
        Whether rows begin with the coefficient of the empty word.
    workers : int, optional
        Threads on the CPU, see `pysig.set_workers`.
    out : array, optional
        Where to write the result.

    Returns
    -------
    array, shape (..., size)
        Of float32 if `a` is, else of float64.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Notes
    -----
    ``1 - s + s ⊗ s - ...`` for ``a = 1 + s``, in Horner form. Of a signature the inverse is also
    its `antipode`, which costs no multiplication.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.invert(np.array([2.0, 2.0]), channels=1, depth=2)
    array([-2.,  2.])
    """
    return _series("inverse", a, channels, depth, scalar_term, workers, out)


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

    Parameters
    ----------
    a, channels, depth
        As in `invert`.
    cotangent : array_like, shape (..., size)
        Of the shape of the result.
    scalar_term, workers
        As in `invert`.

    Returns
    -------
    array
        The gradient, in the shape of `a`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; the message names it.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.invert_vjp(np.array([2.0, 2.0]), 1, 2, np.array([0.0, 1.0]))
    array([ 4., -1.])
    """
    return _series_vjp("inverse", a, channels, depth, cotangent, scalar_term, workers)


def invert_jvp(
    a: Any,
    channels: int,
    depth: int,
    tangent: Any,
    *,
    scalar_term: bool = False,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Derivative of ``invert(a)`` when `a` moves along `tangent`.

    Parameters
    ----------
    a, channels, depth
        As in `invert`.
    tangent : array_like, shape (..., size)
        How `a` moves.
    scalar_term, workers, out
        As in `invert`.

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
    >>> pysig.algebra.invert_jvp(np.array([2.0, 2.0]), 1, 2, np.array([1.0, 0.0]))
    array([-1.,  4.])
    """
    return _series_jvp("inverse", a, channels, depth, tangent, scalar_term, workers, out)


def _series(
    name: str, a: Any, channels: Any, depth: Any, scalar_term: Any, workers: Any, out: Any
) -> Any:
    plan = check_sizes(channels, depth, scalar_term)
    call = prepare({"a": a}, {"a": (plan.size,)}, workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.series(name, call.rows("a"), rows, plan=plan, workers=call.threads)
    return call.finish(rows, result)


def _series_vjp(
    name: str, a: Any, channels: Any, depth: Any, cotangent: Any, scalar_term: Any, workers: Any
) -> Any:
    plan = check_sizes(channels, depth, scalar_term)
    given = {"a": a, "cotangent": cotangent}
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
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
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.series_jvp(
        name, call.rows("a"), call.rows("tangent"), rows, plan=plan, workers=call.threads
    )
    return call.finish(rows, result)
