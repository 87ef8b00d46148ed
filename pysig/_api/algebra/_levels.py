"""Splitting of rows into levels, and maps of levels written with array operators.

Each function takes a few array products for each level, on CPU and GPU alike.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from pysig._plans.layout import Plan


def split(rows: Any, plan: Plan) -> list[Any]:
    """Levels 1, 2, ... of rows (count, size): arrays (count, channels**k)."""
    first = int(plan.scalar_term)
    bounds = [first + offset for offset in plan.offsets]
    return [rows[:, a:b] for a, b in pairwise(bounds)]


def join(xp: Any, scalar: Any, levels: list[Any], plan: Plan) -> Any:
    """Rows from levels; `scalar` (count, 1) precedes them if the plan has a scalar term."""
    count = max(level.shape[0] for level in levels)
    parts = [xp.broadcast_to(level, (count, level.shape[1])) for level in levels]
    if plan.scalar_term:
        parts = [xp.broadcast_to(scalar, (count, 1)), *parts]
    return xp.concatenate(parts, axis=1)


def reverse_letters(level: Any, channels: int, letters: int) -> Any:
    """Reverse every word of a level."""
    if channels == 1:
        return level
    count = len(level)
    cube = level.reshape(count, *(channels,) * letters)
    return cube.transpose(0, *range(letters, 0, -1)).reshape(count, channels**letters)


# ---- tensor powers of a vector; with `divided` the levels of its exponential ----


def powers(x: Any, depth: int, divided: bool) -> list[Any]:
    """P_k = P_(k-1) (x) x [/ k] for x (count, channels)."""
    count, channels = x.shape
    out = [x]
    for k in range(2, depth + 1):
        level = out[-1][:, :, None] * x[:, None, :]
        level = level / k if divided else level
        out.append(level.reshape(count, channels**k))
    return out


def powers_jvp(x: Any, dx: Any, depth: int, divided: bool) -> list[Any]:
    """The derivative of `powers` along dx."""
    count, channels = x.shape
    values, out = powers(x, depth, divided), [dx]
    for k in range(2, depth + 1):
        level = out[-1][:, :, None] * x[:, None, :] + values[k - 2][:, :, None] * dx[:, None, :]
        level = level / k if divided else level
        out.append(level.reshape(count, channels**k))
    return out


def powers_vjp(xp: Any, x: Any, gradients: list[Any], divided: bool) -> Any:
    """The gradient with respect to x (count, channels) from gradients of the levels of `powers`."""
    count, channels = x.shape
    depth = len(gradients)
    values = powers(x, depth, divided)
    x_bar, level_bar = x * 0, gradients[-1]
    for k in range(depth, 1, -1):
        matrix = level_bar.reshape(count, channels ** (k - 1), channels)
        matrix = matrix / k if divided else matrix
        x_bar = x_bar + xp.matmul(values[k - 2][:, None, :], matrix).reshape(count, channels)
        below = xp.matmul(matrix, x[:, :, None]).reshape(count, channels ** (k - 1))
        level_bar = gradients[k - 2] + below
    return x_bar + level_bar


# ---- a matrix applied to every letter of a word ----


def _apply_once(xp: Any, matrix: Any, level: Any) -> Any:
    """Apply a matrix (count or 1, new, old) to the first letter and move it to the end."""
    count, size = level.shape
    new, old = matrix.shape[1:]
    mapped = xp.matmul(matrix, level.reshape(count, old, size // old))
    return mapped.transpose(0, 2, 1).reshape(mapped.shape[0], size // old * new)


def map_letters(xp: Any, matrix: Any, level: Any, letters: int) -> Any:
    """Apply the matrix to every letter of a level."""
    for _ in range(letters):
        level = _apply_once(xp, matrix, level)
    return level


def map_letters_jvp(
    xp: Any, matrix: Any, dmatrix: Any, level: Any, dlevel: Any, letters: int
) -> Any:
    """The derivative of `map_letters` along dmatrix and dlevel."""
    for _ in range(letters):
        dlevel = _apply_once(xp, matrix, dlevel) + _apply_once(xp, dmatrix, level)
        level = _apply_once(xp, matrix, level)
    return dlevel


def map_letters_vjp(
    xp: Any, matrix: Any, level: Any, gradient: Any, letters: int
) -> tuple[Any, Any]:
    """The gradients with respect to the matrix (count, new, old) and the level."""
    new, old = matrix.shape[1:]
    stages = [level]
    for _ in range(letters - 1):
        stages.append(_apply_once(xp, matrix, stages[-1]))
    matrix_bar: Any = 0
    for stage in reversed(stages):
        count, size = gradient.shape
        g = gradient.reshape(count, size // new, new).transpose(0, 2, 1)
        before = stage.reshape(stage.shape[0], old, stage.shape[1] // old)
        matrix_bar = matrix_bar + xp.matmul(g, before.transpose(0, 2, 1))
        gradient = xp.matmul(matrix.transpose(0, 2, 1), g)
        gradient = gradient.reshape(count, size // new * old)
    return matrix_bar, gradient
