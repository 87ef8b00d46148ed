"""Rows taken apart into levels, and maps of levels written with the operators of the array
library.

Everything here is a few products of arrays for each level, alike on CPU and GPU.
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
    """Rows from levels; `scalar` (count, 1) is kept if the plan has a scalar."""
    count = max(level.shape[0] for level in levels)
    parts = [xp.broadcast_to(level, (count, level.shape[1])) for level in levels]
    if plan.scalar_term:
        parts = [xp.broadcast_to(scalar, (count, 1)), *parts]
    return xp.concatenate(parts, axis=1)


def reverse_letters(level: Any, channels: int, letters: int) -> Any:
    """Every word reversed."""
    if channels == 1:
        return level
    count = len(level)
    cube = level.reshape(count, *(channels,) * letters)
    return cube.transpose(0, *range(letters, 0, -1)).reshape(count, channels**letters)


# ---- powers x, x (x) x, ... of a vector, and with `divided` its exponential ----


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
    """The gradient at x (count, channels) from the gradients at the levels of `powers`."""
    count, channels = x.shape
    depth = len(gradients)
    values = powers(x, depth, divided)
    at_x, carried = x * 0, gradients[-1]
    for k in range(depth, 1, -1):
        matrix = carried.reshape(count, channels ** (k - 1), channels)
        matrix = matrix / k if divided else matrix
        at_x = at_x + xp.matmul(values[k - 2][:, None, :], matrix).reshape(count, channels)
        below = xp.matmul(matrix, x[:, :, None]).reshape(count, channels ** (k - 1))
        carried = gradients[k - 2] + below
    return at_x + carried


# ---- a matrix applied to every letter of a word ----


def _apply_once(xp: Any, matrix: Any, level: Any) -> Any:
    """The matrix (count or 1, new, old) applied to the first letter, which then becomes the last
    one.
    """
    count, size = level.shape
    new, old = matrix.shape[1:]
    mapped = xp.matmul(matrix, level.reshape(count, old, size // old))
    return mapped.transpose(0, 2, 1).reshape(mapped.shape[0], size // old * new)


def map_letters(xp: Any, matrix: Any, level: Any, letters: int) -> Any:
    """The matrix applied to every letter of a level."""
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
    """The gradients at the matrix (count, new, old) and at the level."""
    new, old = matrix.shape[1:]
    stages = [level]
    for _ in range(letters - 1):
        stages.append(_apply_once(xp, matrix, stages[-1]))
    at_matrix: Any = 0
    for stage in reversed(stages):
        count, size = gradient.shape
        g = gradient.reshape(count, size // new, new).transpose(0, 2, 1)
        before = stage.reshape(stage.shape[0], old, stage.shape[1] // old)
        at_matrix = at_matrix + xp.matmul(g, before.transpose(0, 2, 1))
        gradient = xp.matmul(matrix.transpose(0, 2, 1), g)
        gradient = gradient.reshape(count, size // new * old)
    return at_matrix, gradient
