"""The truncated tensor algebra: a = a[0] + a[1] + ... + a[depth], level a[k] with k axes.

Entries may be floats or Fractions (object arrays); nothing here rounds.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

Levels = list[Any]


def zero(channels: int, depth: int, dtype: Any) -> Levels:
    """The element 0."""
    exact = np.dtype(dtype) == object
    return [
        np.full((channels,) * k, Fraction(0) if exact else 0.0, dtype) for k in range(depth + 1)
    ]


def one(channels: int, depth: int, dtype: Any) -> Levels:
    """The unit: the signature of a path that stands still."""
    levels = zero(channels, depth, dtype)
    levels[0] = levels[0] + 1
    return levels


def add(a: Levels, b: Levels) -> Levels:
    """a + b."""
    return [x + y for x, y in zip(a, b, strict=True)]


def scale(a: Levels, factor: Any) -> Levels:
    """factor * a."""
    return [x * factor for x in a]


def product(a: Levels, b: Levels) -> Levels:
    """The tensor product, truncated: level n is the sum of a[k] (x) b[n-k]."""
    depth = len(a) - 1
    return [
        sum((np.multiply.outer(a[k], b[n - k]) for k in range(1, n + 1)), start=a[0] * b[n])
        for n in range(depth + 1)
    ]


def exp(x: Any, depth: int) -> Levels:
    """The signature of a straight line with increment x: 1 + x + x(x)x/2! + ..."""
    x = np.asarray(x)
    levels = one(len(x), depth, x.dtype)
    for k in range(1, depth + 1):
        levels[k] = np.multiply.outer(levels[k - 1], x) / k
    return levels


def inverse(a: Levels) -> Levels:
    """The inverse of an element with a[0] = 1: 1 - s + s(x)s - ..., where a = 1 + s."""
    depth, channels, dtype = len(a) - 1, len(a[1]), a[1].dtype
    s = [a[0] * 0, *a[1:]]
    result = one(channels, depth, dtype)
    for _ in range(depth):
        result = add(one(channels, depth, dtype), scale(product(s, result), -1))
    return result


def flatten(a: Levels, scalar_term: bool = False) -> Any:
    """One row of coefficients, levels 1.. (0.. with the scalar) after each other."""
    return np.concatenate([np.reshape(level, -1) for level in a[0 if scalar_term else 1 :]])


def unflatten(row: Any, channels: int, depth: int, scalar_term: bool = False) -> Levels:
    """The inverse of `flatten`; without the scalar in the row it is 1."""
    row = np.asarray(row)
    levels, begin = one(channels, depth, row.dtype), 0
    for k in range(0 if scalar_term else 1, depth + 1):
        levels[k] = row[begin : begin + channels**k].reshape((channels,) * k)
        begin += channels**k
    return levels
