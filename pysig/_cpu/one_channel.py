"""Derivatives of signatures of one channel, where S = initial (x) exp(x), x the increment from
the first point to the last: dS/dx is S moved up by one level, and the points between do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np


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


def _moved_up(series: Any) -> Any:
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


def signature_jvp(
    path: Any,
    tangent: Any,
    out: Any,
    *,
    depth: int,
    stream: bool,
    basepoint: Any,
    basepoint_tangent: Any,
    initial: Any,
    initial_tangent: Any,
    inverse: bool,
    scalar_term: bool,
    lengths: Any,
    **_: Any,
) -> None:
    """As the extension's."""
    x, _last = _ends(path, basepoint, lengths, stream)
    dx, _last = _ends(tangent, basepoint_tangent, lengths, stream)
    power = _powers(x, depth)
    value = _times(_with_one(initial, 1, path, depth), power)
    moved = _moved_up(value) * dx[..., None]
    if initial_tangent is not None:
        moved = moved + _times(_with_one(initial_tangent, 0, path, depth), power)
    moved = moved * _signs(depth, inverse).astype(path.dtype)
    out[...] = moved[..., 0 if scalar_term else 1 :].reshape(out.shape)


def signature_vjp(
    path: Any,
    cotangent: Any,
    path_bar: Any,
    basepoint_bar: Any,
    initial_bar: Any,
    *,
    depth: int,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    scalar_term: bool,
    lengths: Any,
    tangent: Any,
    basepoint_tangent: Any,
    initial_tangent: Any,
    **_: Any,
) -> None:
    """As the extension's."""
    x, last = _ends(path, basepoint, lengths, stream)
    bar = np.zeros((*x.shape, depth + 1), path.dtype)
    rows = cotangent.reshape(*x.shape, depth + scalar_term)
    bar[..., 1:] = rows[..., 1 if scalar_term else 0 :]
    bar *= _signs(depth, inverse).astype(path.dtype)
    power = _powers(x, depth)
    start = _with_one(initial, 1, path, depth)
    # What pairs with `bar`: dS/dx, and dS/d initial[k] = exp(x) moved up by k levels.
    slope = _moved_up(_times(start, power))
    if tangent is not None:
        dx, _last = _ends(tangent, basepoint_tangent, lengths, stream)
        slope = _moved_up(slope) * dx[..., None]
        if initial_tangent is not None:
            change = _times(_with_one(initial_tangent, 0, path, depth), power)
            slope = slope + _moved_up(change)
        power = _moved_up(power) * dx[..., None]
    x_bar = (slope * bar).sum(axis=-1)
    path_bar[...] = 0
    paths = np.arange(len(path))[:, None]
    np.add.at(path_bar[:, :, 0], (paths, last), x_bar)
    if basepoint is None:
        path_bar[:, 0, 0] -= x_bar.sum(axis=1)
    elif basepoint_bar is not None:
        basepoint_bar[:, 0] = -x_bar.sum(axis=1)
    if initial_bar is not None:
        for k in range(1, depth + 1):
            initial_bar[:, k - 1] = (power[..., : depth + 1 - k] * bar[..., k:]).sum(axis=(-2, -1))
