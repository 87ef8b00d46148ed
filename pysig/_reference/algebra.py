"""Reference implementation of `pysig.algebra`, on single rows of coefficients.

Every function takes rows (size,) of `channels` channels up to `depth`. With `scalar_term` a row
begins with the coefficient of the empty word; without it that coefficient is 1 for elements of the
group (combine, invert, log, map_channels ...) and 0 for Lie elements and functionals (exp, shuffle,
inner ...).
"""

from __future__ import annotations

from itertools import product as pairs
from typing import Any

import numpy as np

from pysig._reference import tensor


def _levels(row: Any, channels: int, depth: int, scalar_term: bool, scalar: int) -> tensor.Levels:
    levels = tensor.unflatten(row, channels, depth, scalar_term)
    if not scalar_term:
        levels[0] = np.asarray(levels[0] * 0 + scalar, np.asarray(row).dtype)
    return levels


def combine(a: Any, b: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """a (x) b: by Chen's identity the signature of one path followed by the other."""
    x, y = (_levels(row, channels, depth, scalar_term, 1) for row in (a, b))
    return tensor.flatten(tensor.product(x, y), scalar_term)


def invert(a: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """The inverse of an element with scalar 1."""
    return tensor.flatten(tensor.inverse(_levels(a, channels, depth, scalar_term, 1)), scalar_term)


def antipode(a: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """The coefficient of w is (-1)^|w| times that of the reversed word."""
    levels = _levels(a, channels, depth, scalar_term, 1)
    reverted = [(-1) ** k * np.transpose(level) for k, level in enumerate(levels)]
    return tensor.flatten(reverted, scalar_term)


def exp(a: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """1 + a + a(x)a/2! + ... for a with scalar 0."""
    a = _levels(a, channels, depth, scalar_term, 0)
    power = total = tensor.one(channels, depth, np.asarray(a[1]).dtype)
    for k in range(1, depth + 1):
        power = [level / k for level in tensor.product(power, a)]
        total = tensor.add(total, power)
    return tensor.flatten(total, scalar_term)


def log(a: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """s - s(x)s/2 + s(x)s(x)s/3 - ... for a = 1 + s."""
    a = _levels(a, channels, depth, scalar_term, 1)
    s = [a[0] * 0, *a[1:]]
    power = tensor.one(channels, depth, np.asarray(a[1]).dtype)
    total = tensor.zero(channels, depth, np.asarray(a[1]).dtype)
    for k in range(1, depth + 1):
        power = tensor.product(power, s)
        total = tensor.add(total, [(-1) ** (k - 1) * level / k for level in power])
    return tensor.flatten(total, scalar_term)


def dilate(a: Any, factors: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """The coefficient of a word is multiplied by the factors of its letters."""
    return map_channels(a, np.diag(np.asarray(factors)), channels, depth, scalar_term)


def map_channels(a: Any, matrix: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """`matrix` (new channels, channels) applied to every axis of every level: the signature of the
    mapped path.
    """
    levels = _levels(a, channels, depth, scalar_term, 1)
    mapped = []
    for k, level in enumerate(levels):
        for axis in range(k):
            level = np.moveaxis(np.tensordot(matrix, level, axes=(1, axis)), 0, axis)
        mapped.append(level)
    return tensor.flatten(mapped, scalar_term)


def shuffle(a: Any, b: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """The coefficient of w is the sum of a[u] b[v] over all ways to split the places of w into u
    and v.
    """
    return _split_places(a, b, channels, depth, scalar_term, half=False)


def half_shuffle(a: Any, b: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """As `shuffle`, but the last place of w belongs to v: <result, S> is the integral of <a, S>
    against <b, S>.
    """
    return _split_places(a, b, channels, depth, scalar_term, half=True)


def _split_places(a: Any, b: Any, channels: int, depth: int, scalar_term: bool, half: bool) -> Any:
    x, y = (_levels(row, channels, depth, scalar_term, 0) for row in (a, b))
    out = tensor.zero(channels, depth, np.asarray(x[1]).dtype)
    for n in range(depth + 1):
        for word in pairs(range(channels), repeat=n):
            for in_b in pairs((False, True), repeat=n):
                if half and not (n and in_b[-1]):
                    continue
                u = tuple(letter for letter, chosen in zip(word, in_b, strict=True) if not chosen)
                v = tuple(letter for letter, chosen in zip(word, in_b, strict=True) if chosen)
                out[n][word] = out[n][word] + x[len(u)][u] * y[len(v)][v]
    return tensor.flatten(out, scalar_term)


def inner(a: Any, b: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """The sum of a[w] b[w] over all words."""
    x, y = (_levels(row, channels, depth, scalar_term, 0) for row in (a, b))
    return np.sum(tensor.flatten(x, True) * tensor.flatten(y, True))


def append(a: Any, x: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """a (x) exp(x): one more straight segment at the end."""
    a = _levels(a, channels, depth, scalar_term, 1)
    return tensor.flatten(tensor.product(a, tensor.exp(x, depth)), scalar_term)


def prepend(x: Any, a: Any, channels: int, depth: int, scalar_term: bool = False) -> Any:
    """exp(x) (x) a: one more straight segment in front."""
    a = _levels(a, channels, depth, scalar_term, 1)
    return tensor.flatten(tensor.product(tensor.exp(x, depth), a), scalar_term)
