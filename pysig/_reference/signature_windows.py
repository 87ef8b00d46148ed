"""Reference implementation of windows and intervals: the signature of each slice."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._reference.signature import signature, signature_cotangents, signature_jvp


def point_windows(length: int, window: int, stride: int, start: str) -> list[tuple[int, int]]:
    """All windows whose ends are `stride` apart and that end like the first full one."""
    return [
        (max(end - window, 0), end)
        for end in range(1, length + 1)
        if (end - window) % stride == 0 and (start == "partial" or end >= window)
    ]


def time_window(
    times: Any, begin: Any, end: Any, closed: str, include_previous: bool
) -> tuple[int, int]:
    """The points of one window of time, one comparison each."""

    def inside(time: Any) -> bool:
        after = time >= begin if closed in ("left", "both") else time > begin
        before = time <= end if closed in ("right", "both") else time < end
        return bool(after and before)

    points = [k for k, time in enumerate(times) if inside(time)]
    if points:
        first, last = points[0], points[-1] + 1
    else:
        first = last = sum(
            time < end or (closed in ("right", "both") and time == end) for time in times
        )
    return max(first - include_previous, 0), last


def slice_options(options: dict[str, Any], batch: tuple[int, ...], b: Any, a: int, e: int) -> Any:
    """The options of `signature` for points [a, e) of path b: its row of arrays, its times."""
    own = dict(options)
    base = own.get("basepoint")
    if base is not None and not isinstance(base, (bool, np.bool_)):
        own["basepoint"] = np.broadcast_to(base, (*batch, np.shape(base)[-1]))[b]
    stages = own.get("transform")
    listed = stages if isinstance(stages, (list, tuple)) else [stages]
    own["transform"] = [
        stage if getattr(stage, "times", None) is None else _SlicedTime(
            np.broadcast_to(stage.times, (*batch, np.shape(stage.times)[-1]))[b],
            a, e, "lead_lag" in listed[:k],
        )
        for k, stage in enumerate(listed)
        if stage is not None
    ]  # fmt: skip
    return own


class _SlicedTime:
    """The times of the points of a window, which lead-lag doubles."""

    def __init__(self, times: Any, a: int, e: int, doubled: bool) -> None:
        self.times = times[2 * a : 2 * e - 1] if doubled else times[a:e]


def signature_intervals(path: Any, depth: int, bounds: Any, **options: Any) -> Any:
    """Signatures (..., q, size) of path[b][a:e] for the bounds (..., q, 2) of points.

    `options` are those of `signature`, and apply to each slice. An empty slice has the trivial
    signature. Bounds are cut at `lengths`.
    """

    def value(piece: Any, own: dict[str, Any], b: Any, a: int, e: int, k: int) -> Any:
        return signature(piece, depth, **own)

    return _each(path, depth, bounds, options, value, 1)


def signature_intervals_jvp(
    path: Any, depth: int, bounds: Any, tangent: Any, basepoint_tangent: Any = None, **options: Any
) -> Any:
    """Derivatives of `signature_intervals` along the tangents."""
    path = np.asarray(path)
    tangent = np.broadcast_to(tangent, path.shape)

    def value(piece: Any, own: dict[str, Any], b: Any, a: int, e: int, k: int) -> Any:
        if basepoint_tangent is not None:
            wide = (*path.shape[:-2], path.shape[-1])
            own = {**own, "basepoint_tangent": np.broadcast_to(basepoint_tangent, wide)[b]}
        return signature_jvp(piece, depth, tangent[b][a:e], **own)

    return _each(path, depth, bounds, options, value, 0)


def signature_intervals_vjp(
    path: Any, depth: int, bounds: Any, cotangent: Any, **options: Any
) -> tuple[Any, Any]:
    """Gradients of <cotangent, signature_intervals> by path and, for each path, basepoint."""
    path = np.asarray(path)
    path_bar = np.zeros(path.shape)
    base_bar = np.zeros((*path.shape[:-2], path.shape[-1]))

    def value(piece: Any, own: dict[str, Any], b: Any, a: int, e: int, k: int) -> Any:
        weights = cotangent[(*b, k)]
        piece_bar, piece_base, _ = signature_cotangents(piece, depth, weights, **own)
        path_bar[b][a:e] += piece_bar
        if piece_base is not None:
            base_bar[b] += piece_base
        return weights

    _each(path, depth, bounds, options, value, 0)
    return path_bar, base_bar


def _each(path: Any, depth: int, bounds: Any, options: Any, value: Any, scalar: int) -> Any:
    path = np.asarray(path)
    batch, length = path.shape[:-2], path.shape[-2]
    bounds = np.asarray(bounds)
    bounds = np.broadcast_to(bounds, (*batch, *bounds.shape[-2:]))
    options = dict(options)
    lengths = np.broadcast_to(
        options.pop("lengths", None) if options.get("lengths") is not None else length, batch
    )
    rows: list[Any] = []
    for b in np.ndindex(*batch):
        for k, (begin, end) in enumerate(bounds[b]):
            a, e = (min(int(cut), int(lengths[b])) for cut in (begin, end))
            if a == e:
                rows.append(None)
                continue
            own = slice_options(options, batch, b, a, e)
            rows.append(value(path[b][a:e], own, b, a, e, k))
    trivial = _trivial(path, depth, options)
    trivial[: bool(options.get("scalar_term"))] = scalar
    filled = [trivial if row is None else row for row in rows]
    return np.array(filled).reshape(*batch, bounds.shape[-2], len(trivial))


def _trivial(path: Any, depth: int, options: Any) -> Any:
    """Zeros of the width of a result."""
    one_point = np.zeros((1, path.shape[-1]))
    own = slice_options({**options, "basepoint": None}, (), (), 0, 1)
    return signature(one_point, depth, **own) * 0
