"""Derivatives of signatures of one channel, where S = initial (x) exp(x), x the increment from
the first point to the last: dS/dx is S shifted up by one level; the points between have no effect.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

import numpy as np

from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents

_Function = TypeVar("_Function", bound=Callable[..., Any])


def quiet(function: _Function) -> _Function:
    """Let numbers that are too large become infinite without a warning, as they do in kernels."""

    @wraps(function)
    def run(*args: Any) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return function(*args)

    return cast(_Function, run)


def _last_points(paths: Paths, stream: bool) -> Any:
    """The points (batch, rows) at the ends of all rows, by their places in the path."""
    batch, length = paths.batch, paths.length
    own = np.full(batch, length) if paths.lengths is None else paths.lengths
    first = 0 if paths.basepoint is not None else 1
    rows = np.arange(first, length)[None, :] if stream else np.full((1, 1), length)
    return np.minimum(np.broadcast_to(rows, (batch, rows.shape[1])), own[:, None] - 1)


def _first_points(paths: Paths) -> Any:
    """The places (batch,) of the first points among all points."""
    return np.arange(paths.batch) * paths.length if paths.starts is None else paths.starts


def _increments(paths: Paths, points: Any, base: Any, last: Any) -> Any:
    """The increments (batch, rows) up to the last points; `points` in the shape of the path."""
    if paths.starts is None:
        start = points[:, 0, :] if base is None else base
        return np.take_along_axis(points[:, :, 0], last, axis=1) - start
    flat, first = points[:, 0], paths.starts[:, None]
    return flat[first + last] - (flat[first] if base is None else base)


@quiet
def powers(x: Any, depth: int) -> Any:
    """1, x, x^2/2!, ... up to `depth`, in the last axis."""
    out = np.empty((*x.shape, depth + 1), x.dtype)
    out[..., 0] = 1
    for k in range(1, depth + 1):
        out[..., k] = out[..., k - 1] * x / k
    return out


def _times(a: Any, b: Any) -> Any:
    """The product of series in the last axis, truncated; axes before it broadcast."""
    out = np.zeros(np.broadcast_shapes(a.shape, b.shape), b.dtype)
    width = out.shape[-1]
    for k in range(width):
        out[..., k:] += a[..., k : k + 1] * b[..., : width - k]
    return out


def shifted_up(series: Any) -> Any:
    out = np.zeros_like(series)
    out[..., 1:] = series[..., :-1]
    return out


def _with_one(rows: Any, scalar: int, like: Any, depth: int) -> Any:
    """(batch, 1, depth + 1) from (batch, depth), or the unit for None."""
    out = np.zeros((len(like), 1, depth + 1), like.dtype)
    out[:, 0, 0] = scalar
    if rows is not None:
        out[:, 0, 1:] = rows
    return out


def signs(depth: int, inverse: bool) -> Any:
    return (-1.0) ** np.arange(depth + 1) if inverse else np.ones(depth + 1)


@quiet
def signature_jvp(paths: Paths, tangents: Tangents, out: Any, plan: Plan, options: Options) -> None:
    """As `pysig._cpu.signature_jvp`."""
    points, depth, stream = paths.points, plan.depth, options.stream
    last = _last_points(paths, stream)
    x = _increments(paths, points, paths.basepoint, last)
    dx = _increments(paths, tangents.path, tangents.basepoint, last)
    power = powers(x, depth)
    value = _times(_with_one(paths.initial, 1, power, depth), power)
    derivative = shifted_up(value) * dx[..., None]
    if tangents.initial is not None:
        start = _with_one(tangents.initial, 0, power, depth)
        derivative = derivative + _times(start, power)
    derivative = derivative * signs(depth, options.inverse).astype(points.dtype)
    out[...] = derivative[..., 0 if plan.scalar_term else 1 :].reshape(out.shape)


@quiet
def signature_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Plan,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """As `pysig._cpu.signature_vjp`."""
    points, depth = paths.points, plan.depth
    last = _last_points(paths, options.stream)
    x = _increments(paths, points, paths.basepoint, last)
    bar = np.zeros((*x.shape, depth + 1), points.dtype)
    rows = cotangent.reshape(*x.shape, depth + plan.scalar_term)
    bar[..., 1:] = rows[..., 1 if plan.scalar_term else 0 :]
    bar *= signs(depth, options.inverse).astype(points.dtype)
    power = powers(x, depth)
    start = _with_one(paths.initial, 1, power, depth)
    # Derivatives that pair with `bar`: dS/dx, and dS/d initial[k] = exp(x) shifted up by k levels.
    slope = shifted_up(_times(start, power))
    if tangents is not None:
        dx = _increments(paths, tangents.path, tangents.basepoint, last)
        slope = shifted_up(slope) * dx[..., None]
        if tangents.initial is not None:
            change = _times(_with_one(tangents.initial, 0, power, depth), power)
            slope = slope + shifted_up(change)
        power = shifted_up(power) * dx[..., None]
    x_bar = (slope * bar).sum(axis=-1)
    into.path[...] = 0
    path_bar, first = into.path.reshape(-1), _first_points(paths)
    np.add.at(path_bar, first[:, None] + last, x_bar)
    if paths.basepoint is None:
        path_bar[first] -= x_bar.sum(axis=1)
    elif into.basepoint is not None:
        into.basepoint[:, 0] = -x_bar.sum(axis=1)
    if into.initial is not None:
        for k in range(1, depth + 1):
            into.initial[:, k - 1] = (power[..., : depth + 1 - k] * bar[..., k:]).sum(axis=(-2, -1))
