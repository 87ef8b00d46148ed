"""Normalised signature kernels: values and derivatives, from those of the pairs and of each path
with itself.

With a the squared norms of x, b those of y and s = sqrt(a b), the normalised kernel is k / s, of
the whole kernel or of each level. Its derivatives follow from ``d(k / s) = dk / s - k / s (da / a +
db / b) / 2``. A level of norm zero, as all of a constant path above level 0, counts as zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.signature_kernel import Pairs

if TYPE_CHECKING:
    from pysig._api._kernel_call import KernelCall

BLOCK_BYTES = 2**24  # of levels at a time, if only their sum is returned


def diagonal(matrix: Any) -> Any:
    """The diagonal of the first two axes of a contiguous array, a view."""
    count = matrix.shape[0]
    return matrix.reshape(count * count, *matrix.shape[2:])[:: count + 1]


def weigh(levels: Any, call: KernelCall) -> None:
    """Multiply levels (..., depth + 1) by the weights, in place."""
    weights = call.plan.weights
    if weights is not None:
        levels *= call.backend.xp.asarray(np.array(weights, call.dtype))


def _level_weights(call: KernelCall) -> Any:
    """Weights of normalised levels: their mean unless weights are given."""
    count = call.plan.depth + 1
    weights = call.plan.weights or (1.0 / count,) * count
    return call.backend.xp.asarray(np.array(weights, call.dtype))


def _squares(call: KernelCall, paths: Paths, of_levels: bool) -> Any:
    """Kernels of paths with themselves."""
    return call.compute(Pairs(paths, paths, paired=True), "levels" if of_levels else "value")


def _norms(call: KernelCall, of_levels: bool) -> tuple[Any, Any]:
    """Squared norms of x and y."""
    first = _squares(call, call.pairs.x, of_levels)  # type: ignore[arg-type]
    if call.symmetric:
        return first, first
    return first, _squares(call, call.pairs.y, of_levels)  # type: ignore[arg-type]


def _scale(call: KernelCall, norms: tuple[Any, Any]) -> tuple[Any, Any]:
    """s for each pair, and 1 / s, where 1 / 0 is 0."""
    xp = call.backend.xp
    with np.errstate(all="ignore"):
        left, right = (xp.sqrt(a) for a in norms)
        s = left * right if call.paired else left[:, None] * right[None]
        return s, xp.where(s == 0, s, 1 / s)


def value(call: KernelCall, out: Any) -> None:
    """Fill `out` with the normalised kernels of all pairs."""
    choice = call.choice
    if choice.normalize != "levels":
        norms = _norms(call, False)
        call.compute(call.pairs, call.rows, out)
        if choice.levels:
            weigh(out, call)
        _divide(call, out, norms, choice.levels)
        return
    norms = _norms(call, True)
    if choice.levels:
        call.compute(call.pairs, "levels", out)
        _divide(call, out, norms, False)
        out *= _level_weights(call)
        return
    _sums_of_levels(call, norms, out)


def _divide(call: KernelCall, out: Any, norms: tuple[Any, Any], spread: bool) -> None:
    """``out / s`` in place. The diagonal of a symmetric matrix is 1, without rounding."""
    xp = call.backend.xp
    with np.errstate(all="ignore"):
        s, _ = _scale(call, norms)
        if spread:
            s = s[..., None]
        quotient = xp.where(s == 0, s, out / s)
        out[...] = quotient
        if call.symmetric and not spread:
            squares = norms[0]
            diagonal(out)[...] = xp.where(squares == 0, squares, squares / squares)


def _sums_of_levels(call: KernelCall, norms: tuple[Any, Any], out: Any) -> None:
    """Weighted sums of normalised levels; the levels exist for a block of pairs at a time."""
    weights, pairs, xp = _level_weights(call), call.pairs, call.backend.xp
    assert pairs.x is not None
    row = len(weights) * call.dtype.itemsize
    if not call.paired:
        row *= (pairs.y or pairs.x).batch
    each = max(1, BLOCK_BYTES // max(1, row))
    for first in range(0, pairs.x.batch, each):
        rows = slice(first, min(first + each, pairs.x.batch))
        if call.paired:
            assert pairs.y is not None
            part = Pairs(pairs.x.part(rows), pairs.y.part(rows), paired=True)
            own = xp.sqrt(norms[0][rows]) * xp.sqrt(norms[1][rows])
            out[rows] = _weighted(call.compute(part, "levels"), own, weights, xp)
            continue
        if pairs.y is None:
            inner = Pairs(pairs.x.part(rows))
            out[rows, rows] = _block(call, inner, (norms[0][rows], norms[0][rows]), weights)
        columns = slice(rows.stop if pairs.y is None else 0, (pairs.y or pairs.x).batch)
        if columns.start < columns.stop:
            other = (pairs.y or pairs.x).part(columns)
            part = Pairs(pairs.x.part(rows), other)
            out[rows, columns] = _block(call, part, (norms[0][rows], norms[1][columns]), weights)
            if pairs.y is None:
                out[columns, rows] = out[rows, columns].T


def _block(call: KernelCall, pairs: Pairs, norms: tuple[Any, Any], weights: Any) -> Any:
    xp = call.backend.xp
    s = xp.sqrt(norms[0])[:, None] * xp.sqrt(norms[1])[None]
    return _weighted(call.compute(pairs, "levels"), s, weights, xp)


def _weighted(levels: Any, s: Any, weights: Any, xp: Any) -> Any:
    """A sum over levels that has the same order for (i, j) and (j, i)."""
    with np.errstate(all="ignore"):
        return (xp.where(s == 0, s, levels / s) * weights).sum(axis=-1)


def derivative(call: KernelCall, along: tuple[Tangents | None, Tangents | None]) -> Any:
    """The derivative of the normalised kernels, or of their levels."""
    choice, pairs, xp = call.choice, call.pairs, call.backend.xp
    by_level = choice.normalize == "levels"
    rows = "levels" if by_level or choice.levels else "value"
    norms = _norms(call, by_level)
    of_norms = "levels" if by_level else "value"
    relative: list[Any] = []
    for paths, moves, norm in zip((pairs.x, pairs.y), along, norms, strict=True):
        if paths is None:
            relative.append(relative[0])
            continue
        itself = Pairs(paths, paths, paired=True)
        change = call.compute_jvp(itself, (moves, moves), of_norms)
        with np.errstate(all="ignore"):
            relative.append(xp.where(norm == 0, norm, change / norm) / 2)
    _, inverse = _scale(call, norms)
    left, right = relative
    change = left + right if call.paired else left[:, None] + right[None]
    k, dk = call.compute(pairs, rows), call.compute_jvp(pairs, along, rows)
    if choice.levels and not by_level:
        weigh(k, call)
        weigh(dk, call)
        inverse, change = inverse[..., None], change[..., None]
    result = (dk - k * change) * inverse
    if by_level:
        result = result * _level_weights(call)
    return result.sum(axis=-1) if by_level and not choice.levels else result


def gradients(call: KernelCall, cotangent: Any) -> tuple[Cotangents, Cotangents | None, Any]:
    """Gradients of the normalised kernels, or of their levels."""
    choice, pairs, xp = call.choice, call.pairs, call.backend.xp
    by_level = choice.normalize == "levels"
    k = call.compute(pairs, "levels" if by_level or choice.levels else "value")
    norms = _norms(call, by_level)
    _, inverse = _scale(call, norms)
    if by_level:
        weights = _level_weights(call)
        main = (cotangent if choice.levels else cotangent[..., None]) * weights * inverse
        reduced = main * k  # cotangent * normalised kernel
    elif choice.levels:
        weigh(k, call)
        main = cotangent * inverse[..., None]
        reduced = (main * k).sum(axis=-1)
        main = main.copy()
        weigh(main, call)
    else:
        main = cotangent * inverse
        reduced = main * k
    with np.errstate(all="ignore"):
        shares = [
            -xp.where(n == 0, n, (reduced if call.paired else reduced.sum(axis=1 - axis)) / n) / 2
            for axis, n in enumerate(norms)
        ]
    if call.symmetric and main.ndim == shares[0].ndim + 1:
        main = main.copy()
        on_diagonal = diagonal(main)
        on_diagonal += shares[0] + shares[1]
        return call.compute_vjp(pairs, main)
    first, second, parameters = call.compute_vjp(pairs, main)
    both = shares[0] + shares[1] if call.symmetric else shares[0]
    first, more = _with_itself(call, pairs.x, both, first)
    parameters = parameters + more
    if second is not None:
        second, more = _with_itself(call, pairs.y, shares[1], second)
        parameters = parameters + more
    return first, second, parameters


def _with_itself(
    call: KernelCall, paths: Any, cotangent: Any, into: Cotangents
) -> tuple[Cotangents, Any]:
    """`into` and the gradients of the squared norms of `paths`."""
    left, right, parameters = call.compute_vjp(Pairs(paths, paths, paired=True), cotangent)
    assert right is not None
    path = into.path + left.path + right.path
    base = None if into.basepoint is None else into.basepoint + left.basepoint + right.basepoint
    return Cotangents(path, base), parameters
