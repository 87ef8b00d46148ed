"""Reference implementation of signature kernels, from the definition, in plain loops.

A path with segments ``v_1, ..., v_m`` has the features ``Phi_P = exp_P(v_1) ⊗ ... ⊗ exp_P(v_m)``,
where ``exp_P`` is the exponential truncated at order P. The kernel is ``K_P(x, y) = <Phi_P(x),
Phi_P(y)>``; with a depth N, levels above N are left out. It depends on the inner products
``z[i, j] = <v_i, u_j>`` alone, so a static kernel may take the place of the inner product.

All functions accept complex numbers: the imaginary part of ``f(x + h i t) / h`` for a tiny h is the
derivative of f along t, without cancellation (`derivative`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations_with_replacement
from math import factorial, prod
from typing import Any

import numpy as np

from pysig._reference import tensor
from pysig._reference.transform import stages_of, transformed

Kappa = Callable[[Any, Any], Any]  # points (..., channels), (..., channels) -> (...)

# ---- static kernels ----


def linear(scale: Any = 1.0) -> Kappa:
    """``scale <x, y>``."""
    return lambda x, y: scale * (x * y).sum(axis=-1)


def rbf(bandwidth: Any = 1.0) -> Kappa:
    """``exp(-|x - y|^2 / (2 bandwidth^2))``."""
    return lambda x, y: np.exp(-_squared(x, y, bandwidth) / 2)


def matern(bandwidth: Any = 1.0, nu: float = 1.5) -> Kappa:
    """``p(r) exp(-r)`` for ``r = sqrt(2 nu) |x - y| / bandwidth`` and a polynomial p of nu."""
    coefficients = {0.5: (1, 0, 0), 1.5: (1, 1, 0), 2.5: (1, 1, 1 / 3)}[nu]

    def kappa(x: Any, y: Any) -> Any:
        r = np.sqrt(2 * nu * _squared(x, y, bandwidth))
        return sum(c * r**k for k, c in enumerate(coefficients)) * np.exp(-r)

    return kappa


def rational_quadratic(bandwidth: Any = 1.0, alpha: Any = 1.0) -> Kappa:
    """``(1 + |x - y|^2 / (2 alpha bandwidth^2))^-alpha``."""
    return lambda x, y: (1 + _squared(x, y, bandwidth) / (2 * alpha)) ** -alpha


def polynomial(degree: int = 3, gamma: Any = 1.0, scale: Any = 1.0) -> Kappa:
    """``(scale <x, y> + gamma)^degree``."""
    return lambda x, y: (scale * (x * y).sum(axis=-1) + gamma) ** degree


def _squared(x: Any, y: Any, bandwidth: Any) -> Any:
    return (((x - y) / bandwidth) ** 2).sum(axis=-1)


# ---- increments ----


def points_of(
    path: Any, basepoint: Any = None, length: Any = None, transform: Any = None, b: Any = ()
) -> Any:
    """The points of one transformed path; `basepoint` is None or a point. A path of `length` points
    stands still after them.
    """
    path = np.asarray(path)
    kept = path[:length]
    if basepoint is not None:
        kept = np.concatenate([np.asarray(basepoint)[None] * np.ones_like(path[:1]), kept])
    batch = () if b == () else (b[0] + 1,)
    return transformed(kept, stages_of(transform), batch, b)


def increments(x: Any, y: Any, kappa: Kappa | None = None) -> Any:
    """``z[i, j]``, the double difference of the static kernel at the points of x and y."""
    values = (kappa or linear())(x[:, None], y[None])
    return np.diff(np.diff(values, axis=0), axis=1)


def refined(z: Any, dyadic_order: int) -> Any:
    """The increments of paths whose segments are cut into ``2^dyadic_order`` equal parts."""
    parts = 2**dyadic_order
    return np.repeat(np.repeat(z, parts, axis=-2), parts, axis=-1) / parts**2


# ---- kernels of increments, at all pairs of points: (..., m, n) -> (..., m + 1, n + 1) ----


def square(z: Any, order: int) -> Any:
    """K_P of all prefixes."""
    return _scheme(z, order, None)[..., 0]


def levels(z: Any, order: int, depth: int) -> Any:
    """The levels 0 to `depth` of K_P of all prefixes, on a last axis."""
    return _scheme(z, order, depth)


def _scheme(z: Any, order: int, depth: int | None) -> Any:
    """On a cell with increment z let ``k(s, t) = sum_{a, b <= P} C[a, b] s^a t^b / (a! b!)``.

    ``C[a, b]`` is the inner product of ``Phi ⊗ v^a`` and ``Psi ⊗ u^b``, so ``C[a, b] = z C[a-1,
    b-1]``; ``C[a, 0]`` and ``C[0, b]`` come from the edges of the cells before.
    """
    z = np.asarray(z)
    *batch, m, n = z.shape
    start = np.zeros((order + 1, *batch, (depth or 0) + 1), z.dtype)
    start[0, ..., 0] = 1

    def times(factor: Any, c: Any) -> Any:
        if depth is None:
            return factor[..., None] * c
        raised = np.zeros_like(c)
        raised[..., 1:] = factor[..., None] * c[..., :-1]
        return raised

    below = [start] * n
    grid = np.zeros((m + 1, n + 1, *start.shape[1:]), z.dtype)
    grid[0], grid[:, 0] = start[0], start[0]
    for i in range(m):
        left = start
        for j in range(n):
            c = [[start[0]] * (order + 1) for _ in range(order + 1)]
            for a in range(order + 1):
                for b in range(order + 1):
                    if a and b:
                        c[a][b] = times(z[..., i, j], c[a - 1][b - 1])
                    else:
                        c[a][b] = below[j][a] if b == 0 else left[b]
            ends = range(order + 1)
            above = [sum(c[a][b] / factorial(b) for b in ends) for a in ends]
            left = np.array([sum(c[a][b] / factorial(a) for a in ends) for b in ends])
            below[j] = np.array(above)
            grid[i + 1, j + 1] = sum(above[a] / factorial(a) for a in ends)
    return np.moveaxis(grid, (0, 1), (-3, -2))


def finite_difference(z: Any) -> Any:
    """The second-order finite difference of the Goursat equation ``d^2 k / ds dt = z k``."""
    z = np.asarray(z)
    *batch, m, n = z.shape
    k = np.ones((*batch, m + 1, n + 1), z.dtype)
    for i in range(m):
        for j in range(n):
            w = z[..., i, j]
            sides = k[..., i + 1, j] + k[..., i, j + 1]
            k[..., i + 1, j + 1] = sides * (1 + w / 2 + w**2 / 12) - k[..., i, j] * (1 - w**2 / 12)
    return k


# ---- the same from the tensors and from index sets, for a few segments ----


def features(path: Any, order: int, depth: int) -> tensor.Levels:
    """Phi_P of a path, as tensors of levels 0 to `depth`."""
    path = np.asarray(path)
    phi = tensor.one(path.shape[1], depth, path.dtype)
    for v in np.diff(path, axis=0):
        step = [level * (k <= order) for k, level in enumerate(tensor.exp(v, depth))]
        phi = tensor.product(phi, step)
    return phi


def by_tensors(x: Any, y: Any, order: int, depth: int | None = None) -> Any:
    """The levels of <Phi_P(x), Phi_P(y)>. Without `depth`, all levels there are."""
    top = order * min(len(x) - 1, len(y) - 1) if depth is None else depth
    pairs = zip(features(x, order, top), features(y, order, top), strict=True)
    return np.array([(a * b).sum() for a, b in pairs])


def by_indices(z: Any, order: int, depth: int) -> Any:
    """The levels, summed over index sequences ``i_1 <= ... <= i_n`` with at most `order` equal."""
    z = np.asarray(z)

    def sequences(count: int, n: int) -> list[tuple[tuple[int, ...], int]]:
        found = []
        for chosen in combinations_with_replacement(range(count), n):
            repeats = Counter(chosen).values()
            if max(repeats, default=0) <= order:
                found.append((chosen, prod(factorial(r) for r in repeats)))
        return found

    result = []
    for n in range(depth + 1):
        total = z.dtype.type(0)
        for rows, row_weight in sequences(z.shape[0], n):
            for columns, column_weight in sequences(z.shape[1], n):
                term = np.prod([z[i, j] for i, j in zip(rows, columns, strict=True)])
                total += term / (row_weight * column_weight)
        result.append(total)
    return np.array(result)


# ---- the operation with its options ----


def kernel_of_increments(
    z: Any,
    depth: int | None = None,
    *,
    order: int | None = None,
    dyadic_order: int = 0,
    weights: Any = None,
    rows: str = "value",
    finite: bool = False,
) -> Any:
    """The kernel of each ``z`` (..., m, n): its value, its "levels", or its "grid" of prefixes."""
    z = refined(np.asarray(z), dyadic_order)
    every = 2**dyadic_order
    if finite:
        grid = finite_difference(z)
    elif depth is None:
        grid = square(z, order or 16)
    else:
        by_level = levels(z, order or depth, depth)
        if rows == "levels":
            return by_level[..., -1, -1, :]
        weight = np.ones(depth + 1) if weights is None else np.asarray(weights)
        grid = (by_level * weight).sum(axis=-1)
    return grid[..., ::every, ::every] if rows == "grid" else grid[..., -1, -1]


def signature_kernel(
    x: Any,
    y: Any,
    depth: int | None = None,
    *,
    kappa: Kappa | None = None,
    lengths: Any = (None, None),
    basepoint: Any = (None, None),
    transform: Any = None,
    paired: bool = False,
    **options: Any,
) -> Any:
    """Kernels of all pairs of paths x (n_x, length, channels) and y, or of rows with equal index.

    `basepoint` and `lengths` are pairs of arrays with a row for each path. The grid of a pair of
    short paths continues with the values at their ends.
    """
    x, y = np.asarray(x), np.asarray(y)
    sides = []
    for paths, counts, base in zip((x, y), lengths, basepoint, strict=True):
        points = []
        for b, path in enumerate(paths):
            length = None if counts is None else int(counts[b])
            start = None if base is None else base[b]
            whole = points_of(path, start, None, transform, (b,))
            own = points_of(path, start, length, transform, (b,))
            points.append(np.concatenate([own, *[own[-1:]] * (len(whole) - len(own))]))
        sides.append(points)

    if paired:
        z = np.array([increments(p, q, kappa) for p, q in zip(*sides, strict=True)])
    else:
        z = np.array([[increments(p, q, kappa) for q in sides[1]] for p in sides[0]])
    return kernel_of_increments(z, depth, **options)


def derivative(function: Callable[..., Any], at: Any, tangents: Any) -> Any:
    """The derivative of ``function(*at)`` along `tangents`, by one complex step."""
    tiny = 1e-100
    moved = [np.asarray(x) + 1j * tiny * np.asarray(t) for x, t in zip(at, tangents, strict=True)]
    return np.imag(function(*moved)) / tiny


def gradient(function: Callable[..., Any], at: Any, cotangent: Any) -> list[Any]:
    """The gradients of ``(cotangent * function(*at)).sum()``, coordinate by coordinate."""
    gradients = []
    for which, x in enumerate(at):
        bar = np.zeros(np.shape(x))
        for index in np.ndindex(*np.shape(x)):
            tangents = [np.zeros(np.shape(other)) for other in at]
            tangents[which][index] = 1
            bar[index] = (cotangent * derivative(function, at, tangents)).sum()
        gradients.append(bar)
    return gradients
