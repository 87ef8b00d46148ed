"""Linear maps of channels, with derivatives."""

from __future__ import annotations

from typing import Any

from pysig._api._docs import documented
from pysig._api._memory import check_memory
from pysig._api._types import Array, ArrayLike
from pysig._api.algebra._levels import join, map_letters, map_letters_jvp, map_letters_vjp, split
from pysig._api.algebra._rows import RowsCall, check_sizes, prepare
from pysig._plans.layout import Plan, plan_for


@documented()
def map_channels(
    a: Array | ArrayLike,
    matrix: Any,
    channels: int,
    depth: int,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Array:
    """Change the channels linearly: the signature of the path ``path @ matrix.T``.

    Parameters
    ----------
    a : array_like, shape (..., size)
        Signatures, log-signatures in all words, or any tensors.
    matrix : array_like, shape (..., new_channels, channels)
        Leading dimensions broadcast with those of `a`.
    {channels, depth}
    {scalar_term}
    {out}

    Returns
    -------
    array, shape (..., new_size)
        Signatures of ``new_channels`` channels, to the same depth.

    {raises}

    See Also
    --------
    map_channels_vjp : Gradients of ``<cotangent, map_channels(a, matrix)>``.
    map_channels_jvp : Derivative of ``map_channels(a, matrix)`` along tangents of both arguments.
    dilate : Scale the channels: the signature of a path whose channel i is multiplied by
        ``factors[i]``.

    Notes
    -----
    The matrix is applied to every letter of every word. Level k costs k products of the matrix with
    a matrix of ``channels**k`` coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    >>> matrix = np.array([[1.0, 2.0]])
    >>> pysig.algebra.map_channels(pysig.signature(path, 2), matrix, channels=2, depth=2)
    array([3. , 4.5])
    >>> pysig.signature(path @ matrix.T, 2)
    array([3. , 4.5])
    """
    plan = check_sizes(channels, depth, scalar_term)
    call, new = _prepare(plan, a=a, matrix=matrix)
    rows_a, m = call.rows("a"), call.rows("matrix", 2)
    levels = [
        map_letters(call.xp, m, level, k) for k, level in enumerate(split(rows_a, plan), start=1)
    ]
    rows, result = call.target(out, new.size)
    rows[...] = join(call.xp, rows_a[:, :1], levels, new)
    return call.finish(rows, result)


@documented(like=map_channels)
def map_channels_vjp(
    a: Any,
    matrix: Any,
    channels: int,
    depth: int,
    cotangent: Any,
    *,
    scalar_term: bool = False,
) -> Any:
    """Gradients of ``<cotangent, map_channels(a, matrix)>``.

    {parameters}

    {gradients}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.map_channels_vjp(np.array([1.0, 2.0]), [[3.0]], 1, 2, np.array([1.0, 1.0]))
    (array([3., 9.]), array([[13.]]))
    """
    plan = check_sizes(channels, depth, scalar_term)
    call, new = _prepare(plan, a=a, matrix=matrix, cotangent=cotangent)
    xp = call.xp
    m = xp.broadcast_to(call.rows("matrix", 2), (call.count, new.channels, plan.channels))
    values = xp.broadcast_to(call.rows("a"), (call.count, plan.size))
    g = xp.broadcast_to(call.rows("cotangent"), (call.count, new.size))
    at_matrix, levels = m * 0, []
    pairs = zip(split(values, plan), split(g, new), strict=True)
    for k, (level, gradient) in enumerate(pairs, start=1):
        part, at_level = map_letters_vjp(xp, m, level, gradient, k)
        at_matrix = at_matrix + part
        levels.append(at_level)
    at_a = join(xp, g[:, :1], levels, plan)
    return call.reduced(at_a, "a"), call.reduced(at_matrix, "matrix", 2)


@documented(like=map_channels)
def map_channels_jvp(
    a: Array | ArrayLike,
    matrix: Any,
    channels: int,
    depth: int,
    tangent_a: Any,
    tangent_matrix: Any,
    *,
    scalar_term: bool = False,
    out: Any = None,
) -> Array:
    """Derivative of ``map_channels(a, matrix)`` along tangents of both arguments.

    {parameters}

    {derivative}

    {raises}

    {see also}

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.algebra.map_channels_jvp(
    ...     np.array([1.0, 2.0]), [[3.0]], 1, 2, np.array([0.0, 0.0]), np.array([[1.0]])
    ... )
    array([ 1., 12.])
    """
    plan = check_sizes(channels, depth, scalar_term)
    call, new = _prepare(
        plan, a=a, matrix=matrix, tangent_a=tangent_a, tangent_matrix=tangent_matrix
    )
    moves, m, dm = call.rows("tangent_a"), call.rows("matrix", 2), call.rows("tangent_matrix", 2)
    pairs = zip(split(call.rows("a"), plan), split(moves, plan), strict=True)
    levels = [
        map_letters_jvp(call.xp, m, dm, level, move, k)
        for k, (level, move) in enumerate(pairs, start=1)
    ]
    rows, result = call.target(out, new.size)
    rows[...] = join(call.xp, moves[:, :1], levels, new)
    return call.finish(rows, result)


def _prepare(plan: Plan, **given: Any) -> tuple[RowsCall, Plan]:
    """The call, and the plan of the result."""
    shapes: dict[str, tuple[int | None, ...]] = {
        name: (None, plan.channels) if name.endswith("matrix") else (plan.size,) for name in given
    }
    if "cotangent" in given:
        shapes["cotangent"] = (None,)
    matrices = {name: "channels" for name in given if name.endswith("matrix")}
    follows = matrices | {"cotangent": "the rows of matrix and depth"}
    call = prepare(given, shapes, follows=follows)
    new_channels = int(call.arrays["matrix"].shape[-2])
    if new_channels < 1:
        raise ValueError("matrix: expected at least one row, received none.")
    check_memory(
        new_channels,
        plan.depth,
        call.count,
        plan.scalar_term,
        call.dtype.itemsize,
        call.backend,
    )
    new = plan_for(new_channels, plan.depth, plan.scalar_term)
    if "tangent_matrix" in given and call.arrays["tangent_matrix"].shape[-2] != new_channels:
        raise ValueError(
            f"tangent_matrix: expected {new_channels} rows like matrix, received shape "
            f"{tuple(call.arrays['tangent_matrix'].shape)}."
        )
    if "cotangent" in given and call.arrays["cotangent"].shape[-1] != new.size:
        raise ValueError(
            f"cotangent: expected shape (..., {new.size}), received "
            f"{tuple(call.arrays['cotangent'].shape)}."
        )
    return call, new
