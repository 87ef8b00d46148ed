"""Increments of (transformed) paths of CuPy arrays, and the cotangents of points from those of
increments."""

from __future__ import annotations

from typing import Any

from pysig._gpu.compile import elementwise_kernel
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.transform import NO_TRANSFORM

FILE = "increments.cuh"
OWN = "const pysig_gpu::i64 own = (ragged ? lengths[b] : length) - 1 + has_base;"


def _fill(stages: int, function: str = "increment") -> Any:
    """`function`: "increment" of a step, or "point_value" of a point."""
    return elementwise_kernel(
        "raw T path, raw T base, raw int64 lengths, raw T times, float64 end, int64 first, "
        "int64 steps, int64 width, int64 length, int64 d, int64 points, int64 has_base, "
        "int64 ragged, int64 has_times, int64 tangent",
        "raw T x",
        f"""
        const ptrdiff_t c = i % width, step = first + i / width % steps, b = i / width / steps;
        {OWN}
        const auto point = [&](pysig_gpu::i64 p, pysig_gpu::i64 k) -> T {{
            if (has_base && p == 0) return base[b * d + k];
            return path[(b * length + p - has_base) * d + k];
        }};
        const T* clock = has_times ? &times[b * points] : nullptr;
        x[i] = pysig_gpu::{function}<T>(own, d, step, c, point, clock, T(end), tangent);
        """,
        f"pysig_{function}s",
        FILE,
        ("stages", stages),
    )


def _cotangent(stages: int, function: str = "point_bar") -> Any:
    """`function`: "point_bar" from those of steps, "point_bar_of_points" from those of points."""
    return elementwise_kernel(
        "raw T x_bar, raw int64 lengths, int64 steps, int64 width, int64 length, int64 d, "
        "int64 first, int64 points, int64 has_base, int64 ragged",
        "raw T bar",
        f"""
        const ptrdiff_t c = i % d, point = first + i / d % points, b = i / d / points;
        {OWN}
        const auto of = [&](pysig_gpu::i64 step, pysig_gpu::i64 k) -> T {{
            return x_bar[(b * steps + step) * width + k];
        }};
        bar[i] = pysig_gpu::{function}<T>(own, d, point, c, of);
        """,
        f"pysig_{function}s",
        FILE,
        ("stages", stages),
    )


def fill_increments(cupy: Any, paths: Paths, first: int, x: Any, tangent: bool = False) -> None:
    """Fill x (batch, steps, channels) with the increments of steps first, first + 1, ...

    `tangent`: `paths` is a direction in which paths move, see `direction_of`.
    """
    _fill_rows(cupy, paths, first, x, tangent, "increment")


def fill_points(cupy: Any, paths: Paths, x: Any, tangent: bool = False) -> None:
    """Fill x (batch, steps + 1, channels) with the points of the transformed paths; after the end
    of a path the last one is repeated."""
    _fill_rows(cupy, paths, 0, x, tangent, "point_value")


def _fill_rows(cupy: Any, paths: Paths, first: int, x: Any, tangent: bool, function: str) -> None:
    points, basepoint, lengths = paths.points, paths.basepoint, paths.lengths
    transform = paths.transform or NO_TRANSFORM
    times = transform.times
    _, steps, width = x.shape
    _fill(transform.stages, function)(
        points,
        points if basepoint is None else basepoint,
        cupy.empty(1, "int64") if lengths is None else lengths,
        points if times is None else times,
        transform.end,
        first,
        steps,
        width,
        *points.shape[1:],
        0 if times is None else times.shape[1],
        int(basepoint is not None),
        int(lengths is not None),
        int(times is not None),
        int(tangent),
        x,
        size=x.size,
    )


def direction_of(paths: Paths, tangents: Tangents) -> Paths:
    """The tangents as paths of the same lengths and transform."""
    return paths._replace(
        points=tangents.path, basepoint=tangents.basepoint, initial=tangents.initial
    )


def fill_point_cotangents(
    cupy: Any, x_bar: Any, paths: Paths, into: Cotangents, function: str = "point_bar"
) -> None:
    """Fill `into.path` (batch, length, channels), and `into.basepoint` (batch, channels) unless
    None, from the cotangents (batch, steps, channels) of the increments of all steps.

    With function="point_bar_of_points": from those of all points of the transformed paths.
    """
    _, steps, width = x_bar.shape
    length, d = into.path.shape[1:]
    lengths, has_base = paths.lengths, paths.basepoint is not None
    stages = 0 if paths.transform is None else paths.transform.stages
    kernel = _cotangent(stages, function)
    counts = cupy.empty(1, "int64") if lengths is None else lengths
    targets = [(into.path, int(has_base), length)]
    if into.basepoint is not None:
        targets.append((into.basepoint, 0, 1))
    for target, first, points in targets:
        bar = target if target.flags.c_contiguous else cupy.empty(target.shape, target.dtype)
        sizes = steps, width, length, d, first, points, int(has_base), int(lengths is not None)
        kernel(x_bar, counts, *sizes, bar, size=bar.size)
        if bar is not target:
            target[...] = bar
