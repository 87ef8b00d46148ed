"""Signatures of intervals of NumPy arrays: each interval is gathered as a path of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pysig._cpu.signature import signature
from pysig._cpu.signature_jvp import signature_jvp
from pysig._cpu.signature_vjp import signature_vjp
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Options, Paths, Tangents

SLAB_BYTES = 16 << 20  # points of the intervals that are gathered at once


def signature_intervals(paths: Paths, bounds: Any, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` (batch, q, plan.size) with the signatures of steps [a, b) = bounds[row, i]."""
    points = _transformed(paths)
    for row, some, steps, lengths in _slabs(bounds, paths):
        pieces = Paths(np.ascontiguousarray(points[row][steps]), lengths=lengths)
        target = np.empty((len(lengths), plan.size))
        signature(pieces, target, plan, options)
        out[row, some] = target


def signature_intervals_jvp(
    paths: Paths, tangents: Tangents, bounds: Any, out: Any, plan: Plan, options: Options
) -> None:
    """Fill `out` as `signature_intervals` does, with the derivative along the tangents."""
    points, moves = _transformed(paths), _transformed(paths, tangents)
    for row, some, steps, lengths in _slabs(bounds, paths):
        pieces = Paths(np.ascontiguousarray(points[row][steps]), lengths=lengths)
        target = np.empty((len(lengths), plan.size))
        along = Tangents(np.ascontiguousarray(moves[row][steps]))
        signature_jvp(pieces, along, target, plan, options)
        out[row, some] = target


def signature_intervals_vjp(
    paths: Paths, cotangent: Any, bounds: Any, into: Cotangents, plan: Plan, options: Options
) -> None:
    """Fill `into` with the gradients of <cotangent, signature_intervals>."""
    points = _transformed(paths)
    bar = np.zeros(points.shape)
    for row, some, steps, lengths in _slabs(bounds, paths):
        pieces = Paths(np.ascontiguousarray(points[row][steps]), lengths=lengths)
        target = Cotangents(np.empty(pieces.points.shape))
        own = np.ascontiguousarray(cotangent[row, some], np.float64)
        signature_vjp(pieces, own, target, plan, options)
        np.add.at(bar[row], steps, target.path)
    # Level 1 of the prefixes holds the points without the first, which is the origin.
    whole, stream = _in_double(paths), Options(stream=True)
    wide = Cotangents(*(None if a is None else np.empty(a.shape) for a in into))
    level_1 = plan_for(plan.channels, 1)
    signature_vjp(whole, np.ascontiguousarray(bar[:, 1:]), wide, level_1, stream)
    for array, values in zip(into, wide, strict=True):
        if array is not None:
            array[...] = values


def _in_double(paths: Paths) -> Paths:
    points, basepoint = (None if a is None else np.asarray(a, np.float64) for a in paths[:2])
    transform = paths.transform
    if transform is not None and transform.times is not None:
        transform = transform._replace(times=np.asarray(transform.times, np.float64))
    return Paths(points, basepoint, None, paths.lengths, None, transform)


def _transformed(paths: Paths, tangents: Tangents | None = None) -> Any:
    """The transformed path, or its tangent, from the origin: level 1 of all prefixes."""
    out = np.zeros((paths.batch, paths.steps + 1, paths.channels))
    inner, stream = _in_double(paths), Options(stream=True)
    rows = np.empty((paths.batch, paths.steps, paths.channels))
    level_1 = plan_for(paths.channels, 1)
    if tangents is None:
        signature(inner, rows, level_1, stream)
    else:
        wide = (None if a is None else np.asarray(a, np.float64) for a in tangents)
        signature_jvp(inner, Tangents(*wide), rows, level_1, stream)
    out[:, 1:] = rows
    return out


def _slabs(bounds: Any, paths: Paths) -> Iterator[tuple[int, Any, Any, Any]]:
    """Intervals of similar length: the path, their numbers, their points and how many."""
    for row in range(paths.batch):
        own = bounds[row if len(bounds) > 1 else 0]
        points = own[:, 1] - own[:, 0] + 1
        order = np.argsort(points, kind="stable")
        begin = 0
        while begin < len(order):
            width = points[order[begin:]] * np.arange(1, len(order) - begin + 1)
            fit = int(np.searchsorted(width, SLAB_BYTES // (8 * paths.channels), "right"))
            some = order[begin : begin + max(fit, 1)]
            begin += len(some)
            steps = own[some, :1] + np.arange(points[some[-1]])
            yield row, some, np.minimum(steps, paths.steps), points[some]
