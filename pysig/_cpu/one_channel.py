"""Derivatives of signatures of one channel, where S = initial (x) exp(x), x the increment from
the first point to the last: dS/dx is S shifted up by one level; the points between have no effect.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents


def _ends(points: Any, base: Any, lengths: Any, stream: bool) -> tuple[Any, Any]:
    """The increments (batch, rows) up to every row, and the index of the point at their ends."""
    batch, length = points.shape[:2]
    own = np.full(batch, length) if lengths is None else lengths
    first = 0 if base is not None else 1
    rows = np.arange(first, length)[None, :] if stream else np.full((1, 1), length)
    last = np.minimum(np.broadcast_to(rows, (batch, rows.shape[1])), own[:, None] - 1)
    start = points[:, 0, :] if base is None else base
    return np.take_along_axis(points[:, :, 0], last, axis=1) - start, last


def _powers(x: Any, depth: int) -> Any:
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


def _shifted_up(series: Any) -> Any:
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


def _signs(depth: int, inverse: bool) -> Any:
    return (-1.0) ** np.arange(depth + 1) if inverse else np.ones(depth + 1)


def signature_jvp(paths: Paths, tangents: Tangents, out: Any, plan: Plan, options: Options) -> None:
    """As `pysig._cpu.signature_jvp`."""
    points, depth, stream = paths.points, plan.depth, options.stream
    x, _last = _ends(points, paths.basepoint, paths.lengths, stream)
    dx, _last = _ends(tangents.path, tangents.basepoint, paths.lengths, stream)
    power = _powers(x, depth)
    value = _times(_with_one(paths.initial, 1, points, depth), power)
    derivative = _shifted_up(value) * dx[..., None]
    if tangents.initial is not None:
        start = _with_one(tangents.initial, 0, points, depth)
        derivative = derivative + _times(start, power)
    derivative = derivative * _signs(depth, options.inverse).astype(points.dtype)
    out[...] = derivative[..., 0 if plan.scalar_term else 1 :].reshape(out.shape)


def signature_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Plan,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """As `pysig._cpu.signature_vjp`."""
    points, depth, lengths = paths.points, plan.depth, paths.lengths
    x, last = _ends(points, paths.basepoint, lengths, options.stream)
    bar = np.zeros((*x.shape, depth + 1), points.dtype)
    rows = cotangent.reshape(*x.shape, depth + plan.scalar_term)
    bar[..., 1:] = rows[..., 1 if plan.scalar_term else 0 :]
    bar *= _signs(depth, options.inverse).astype(points.dtype)
    power = _powers(x, depth)
    start = _with_one(paths.initial, 1, points, depth)
    # Derivatives that pair with `bar`: dS/dx, and dS/d initial[k] = exp(x) shifted up by k levels.
    slope = _shifted_up(_times(start, power))
    if tangents is not None:
        dx, _last = _ends(tangents.path, tangents.basepoint, lengths, options.stream)
        slope = _shifted_up(slope) * dx[..., None]
        if tangents.initial is not None:
            change = _times(_with_one(tangents.initial, 0, points, depth), power)
            slope = slope + _shifted_up(change)
        power = _shifted_up(power) * dx[..., None]
    x_bar = (slope * bar).sum(axis=-1)
    into.path[...] = 0
    np.add.at(into.path[:, :, 0], (np.arange(len(points))[:, None], last), x_bar)
    if paths.basepoint is None:
        into.path[:, 0, 0] -= x_bar.sum(axis=1)
    elif into.basepoint is not None:
        into.basepoint[:, 0] = -x_bar.sum(axis=1)
    if into.initial is not None:
        for k in range(1, depth + 1):
            into.initial[:, k - 1] = (power[..., : depth + 1 - k] * bar[..., k:]).sum(axis=(-2, -1))
