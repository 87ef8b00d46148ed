"""Reference implementation of log-signatures and of the change between their bases.

Coordinates follow from their definition: the elements of a basis are expanded as commutators and
the linear system is solved, exactly for Fractions.
"""

from __future__ import annotations

from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np

from pysig._combinatorics import hall
from pysig._reference import algebra, tensor
from pysig._reference import signature_vjp as derivative
from pysig._reference.signature import signature, signature_jvp


def logsignature(path: Any, depth: int, *, basis: str = "words", **options: Any) -> Any:
    """The logarithm of `signature`, in `basis`; `options` as there (a scalar term is not kept)."""
    values = signature(path, depth, **options)
    return signature_to_logsignature(values, np.shape(path)[-1], depth, basis)


def signature_to_logsignature(rows: Any, channels: int, depth: int, basis: str = "words") -> Any:
    """Rows (..., size) of signatures to rows of coordinates."""
    return _each_row(
        rows, lambda row: coordinates(algebra.log(row, channels, depth), channels, depth, basis)
    )


def logsignature_to_signature(rows: Any, channels: int, depth: int, basis: str = "words") -> Any:
    """Rows (..., size) of coordinates to rows of signatures."""
    return _each_row(
        rows, lambda row: algebra.exp(expanded(row, channels, depth, basis), channels, depth)
    )


def _each_row(rows: Any, operation: Any) -> Any:
    rows = np.asarray(rows)
    results = [operation(row) for row in rows.reshape(-1, rows.shape[-1])]
    return np.array(results, dtype=rows.dtype).reshape(*rows.shape[:-1], -1)


def written_out(bracket: hall.Bracket, channels: int) -> Any:
    """[u, v] = u v - v u, recursively, as an integer array with one axis for each letter."""
    if isinstance(bracket, int):
        return np.eye(channels, dtype=np.int64)[bracket]
    u, v = (written_out(part, channels) for part in bracket)
    return np.multiply.outer(u, v) - np.multiply.outer(v, u)


def elements(channels: int, depth: int, basis: str) -> Any:
    """The basis elements of "brackets" or "hall" as columns (words, elements), integers."""
    make = hall.lyndon_set if basis == "brackets" else hall.standard_hall_set
    columns = []
    for bracket in make(channels, depth).brackets():
        levels = tensor.zero(channels, depth, np.int64)
        level = written_out(bracket, channels)
        levels[level.ndim] = level
        columns.append(tensor.flatten(levels))
    return np.array(columns, np.int64).T


def lyndon_places(channels: int, depth: int) -> list[int]:
    """Where the Lyndon words stand among all words."""
    places, begin = [], 0
    for k in range(1, depth + 1):
        for index, word in enumerate(np.ndindex(*(channels,) * k)):
            if all(word < word[i:] + word[:i] for i in range(1, k)):
                places.append(begin + index)
        begin += channels**k
    return places


def coordinates(row: Any, channels: int, depth: int, basis: str) -> Any:
    """The coordinates in `basis` of a Lie element given by all its words."""
    if basis == "expanded":
        return row
    if basis == "words":
        return row[lyndon_places(channels, depth)]
    return _solve(elements(channels, depth, basis), row, lyndon_places(channels, depth))


def expanded(row: Any, channels: int, depth: int, basis: str) -> Any:
    """All words of a Lie element given by its coordinates in `basis`."""
    if basis == "expanded":
        return row
    if basis == "words":  # these words determine the element: solve for the brackets first
        columns = elements(channels, depth, "brackets")
        places = lyndon_places(channels, depth)
        row, basis = _solve(columns[places], row, list(range(len(places)))), "brackets"
    return elements(channels, depth, basis) @ row


def _solve(columns: Any, row: Any, places: list[int]) -> Any:
    """The x with columns x = row. The rows `places` suffice, and are used where nothing rounds."""
    if row.dtype != object:
        return np.linalg.lstsq(columns.astype(np.float64), row, rcond=None)[0]
    matrix = [[Fraction(int(c)) for c in line] for line in columns[places]]
    right = list(row[places])
    n = len(matrix)
    for i in range(n):  # Gauss and Jordan
        pivot = next(k for k in range(i, n) if matrix[k][i])
        matrix[i], matrix[pivot] = matrix[pivot], matrix[i]
        right[i], right[pivot] = right[pivot], right[i]
        for k in range(n):
            if k != i and matrix[k][i]:
                factor = matrix[k][i] / matrix[i][i]
                matrix[k] = [p - factor * q for p, q in zip(matrix[k], matrix[i], strict=True)]
                right[k] = right[k] - factor * right[i]
    return np.array([right[i] / matrix[i][i] for i in range(n)], dtype=object)


def logsignature_jvp(
    path: Any, depth: int, tangent: Any, *, basis: str = "words", **options: Any
) -> Any:
    """Derivative of `logsignature` along `tangent`: through the signature, then the logarithm, then
    the basis.
    """
    values = signature(path, depth, **options)
    moves = signature_jvp(path, depth, tangent, **options)
    return signature_to_logsignature_jvp(values, moves, np.shape(path)[-1], depth, basis)


def signature_to_logsignature_jvp(
    rows: Any, tangents: Any, channels: int, depth: int, basis: str = "words"
) -> Any:
    """Derivative of `signature_to_logsignature` along `tangents`."""
    rows = np.asarray(rows)
    width = rows.shape[-1]
    results = []
    for row, tangent in zip(rows.reshape(-1, width), tangents.reshape(-1, width), strict=True):
        move = derivative.jvp(lambda a: algebra.log(a, channels, depth), [row], [tangent])
        results.append(coordinates(move, channels, depth, basis))
    return np.array(results, dtype=rows.dtype).reshape(*rows.shape[:-1], -1)


def logsignature_vjp(path: Any, depth: int, cotangent: Any, **options: Any) -> Any:
    """Gradient of <cotangent, logsignature>: one `logsignature_jvp` for each coordinate of the
    path.
    """
    path = np.asarray(path)
    gradient = np.empty_like(path)
    for t, c in np.ndindex(*path.shape[-2:]):
        tangent = path * 0
        tangent[..., t, c] = tangent[..., t, c] + 1
        change = logsignature_jvp(path, depth, tangent, **options) * cotangent
        gradient[..., t, c] = change.reshape(*path.shape[:-2], -1).sum(axis=-1)
    return gradient


def logsignature_hvp(path: Any, depth: int, cotangent: Any, tangent: Any, **options: Any) -> Any:
    """Derivative of `logsignature_vjp` along `tangent`.

    Along a line the gradient is a polynomial of order depth - 1, for which the central difference
    over n points on either side is exact, 2 n >= depth - 1: the sum over k = 1 .. n of
    (-1)^(k+1) n!^2 / (k (n-k)! (n+k)!) times what k steps forward differ from k steps back.
    """
    path, tangent = np.asarray(path), np.asarray(tangent)
    n = max(depth // 2, 1)
    change = path * 0
    for k in range(1, n + 1):
        ahead, back = (
            logsignature_vjp(path + sign * k * tangent, depth, cotangent, **options)
            for sign in (1, -1)
        )
        divisor = k * factorial(n - k) * factorial(n + k)
        change = change + (ahead - back) * ((-1) ** (k + 1) * factorial(n) ** 2) / divisor
    return change
