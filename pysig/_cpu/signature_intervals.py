"""Signatures of intervals of NumPy arrays, and their derivatives."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pysig._cpu._arguments import layout_of
from pysig._cpu._extension import core
from pysig._cpu.one_channel import powers, quiet, shifted_up, signs
from pysig._cpu.signature import signature
from pysig._cpu.signature_jvp import signature_jvp
from pysig._cpu.signature_vjp import signature_vjp
from pysig._plans.intervals import Costs, middles_of, plan_groups
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Options, Paths, Tangents


class _Model(NamedTuple):
    """Costs in steps of recomputation, measured on processors with AVX2 and AVX-512."""

    row: float  # of a step whose row is needed
    product: float  # of as many multiply-adds of a product as a step has
    group_bytes: int  # of the rows of a group: within the second-level cache, or beyond


# A step between rows is a fraction of a step that writes one; backwards both cost the same.
FORWARD = _Model(2.5, 2.5, 3 << 18)
BACKWARD = _Model(0.5, 0.7, 5 << 19)
TABLE_BYTES = 16 << 20  # of the rows of a group of arbitrary intervals
MIN_ROWS = 16  # of a group, whatever their size
MIN_DENSE_VECTORS = 4  # of a row, so that a vector of words costs less than a vector of groups


@quiet
def signature_intervals(paths: Paths, bounds: Any, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` (batch, q, plan.size) with the signatures of steps [a, b) = bounds[row, i]."""
    assert out.flags.c_contiguous
    if plan.channels == 1:
        power = powers(_increments(_transformed(paths), bounds), plan.depth)
        _store(power, out, plan, options)
        return
    _run(paths, None, np.ascontiguousarray(bounds), out, plan, options)


def _run(
    paths: Paths,
    tangents: Tangents | None,
    bounds: Any,
    out: Any,
    plan: Plan,
    options: Options,
) -> None:
    """The signatures, or their derivatives along the tangents."""
    inner = paths._replace(initial=None)
    costs = _costs(plan, FORWARD, 1 if tangents is None else 2)
    if tangents is None:
        costs = costs._replace(max_dense=_max_dense(plan, out.dtype))
    groups, middle_bounds = middles_of(plan_groups(bounds, costs), bounds)
    middles: list[Any] = [None, None, None]
    if middle_bounds is not None:
        plain, bare = plan_for(plan.channels, plan.depth), Options(workers=options.workers)
        shape = (paths.batch, middle_bounds.shape[1], plain.size)
        for k, along in enumerate([None] if tangents is None else [None, tangents]):
            middles[k] = np.empty(shape, out.dtype)
            _run(inner, along, middle_bounds, middles[k], plain, bare)
    layout = layout_of(plan, options._replace(stream=False))
    core.signature_intervals(
        inner, bounds, groups, tuple(middles), out, tangents, layout, options.workers
    )


def _costs(plan: Plan, model: _Model, numbers: int = 1) -> Costs:
    """A product has sum (k - 1) d^k multiply-adds. `numbers`: stored for each coefficient."""
    terms = sum(k * size for k, size in enumerate(plan.level_sizes))
    row_bytes = plan.coefficients * core.vector_bits() // 8 * numbers
    max_rows = max(MIN_ROWS, model.group_bytes // row_bytes)
    table = max(max_rows, TABLE_BYTES // row_bytes)
    return Costs(model.row, model.product * terms / plan.coefficients, max_rows, max_table=table)


def _max_dense(plan: Plan, dtype: Any) -> int:
    """Intervals of a group with words in the lanes, 0 if rows are too short for them."""
    row_bytes = plan.coefficients * int(dtype.itemsize)
    if 8 * row_bytes < MIN_DENSE_VECTORS * core.vector_bits():
        return 0
    return max(MIN_ROWS, FORWARD.group_bytes // row_bytes)


@quiet
def signature_intervals_jvp(
    paths: Paths, tangents: Tangents, bounds: Any, out: Any, plan: Plan, options: Options
) -> None:
    """Fill `out` as `signature_intervals` does, with the derivative along the tangents."""
    assert out.flags.c_contiguous
    if plan.channels == 1:
        points, moves = _transformed(paths), _transformed(paths, tangents)
        power = powers(_increments(points, bounds), plan.depth)
        _store(shifted_up(power) * _increments(moves, bounds)[..., None], out, plan, options)
        return
    _run(paths, tangents._replace(initial=None), np.ascontiguousarray(bounds), out, plan, options)


@quiet
def signature_intervals_vjp(
    paths: Paths, cotangent: Any, bounds: Any, into: Cotangents, plan: Plan, options: Options
) -> None:
    """Fill `into` with the gradients of <cotangent, signature_intervals>."""
    bounds, cotangent = np.ascontiguousarray(bounds), np.ascontiguousarray(cotangent)
    if plan.channels > 1:
        _run_vjp(paths._replace(initial=None), cotangent, bounds, into, plan, options)
        return
    points = _transformed(paths)
    bar = np.zeros(points.shape)
    slope = shifted_up(powers(_increments(points, bounds), plan.depth))
    slope *= signs(plan.depth, options.inverse)
    x_bar = (slope[..., 1:] * cotangent[..., int(plan.scalar_term) :]).sum(axis=-1)
    for end, sign in ((0, -1), (1, 1)):
        rows = np.arange(paths.batch)[:, None]
        np.add.at(bar[..., 0], (rows, bounds[..., end]), sign * x_bar)
    _fill_points(paths, bar, into)


def _run_vjp(
    paths: Paths, cotangent: Any, bounds: Any, into: Cotangents, plan: Plan, options: Options
) -> None:
    """The gradients, through the signatures of the middles as well."""
    groups, middle_bounds = middles_of(plan_groups(bounds, _costs(plan, BACKWARD)), bounds)
    layout = layout_of(plan, options._replace(stream=False))
    plain, bare = plan_for(plan.channels, plan.depth), Options(workers=options.workers)
    value = bar = None
    if middle_bounds is not None:
        value = np.empty((paths.batch, middle_bounds.shape[1], plain.size), cotangent.dtype)
        bar = np.zeros_like(value)
        _run(paths, None, middle_bounds, value, plain, bare)
    core.signature_intervals_vjp(
        paths, bounds, groups, (value, None, bar), cotangent, into, layout, options.workers
    )
    if middle_bounds is not None:
        more = Cotangents(*(None if a is None else np.empty_like(a) for a in into))
        _run_vjp(paths, bar, middle_bounds, more, plain, bare)
        for sums, terms in zip(into, more, strict=True):
            if sums is not None:
                sums += terms


def _fill_points(paths: Paths, bar: Any, into: Cotangents) -> None:
    """Gradients from those of the points of the transformed paths."""
    # Level 1 of the prefixes holds the points without the first, which is the origin.
    whole, stream = _in_double(paths), Options(stream=True)
    wide = Cotangents(*(None if a is None else np.empty(a.shape) for a in into))
    level_1 = plan_for(paths.channels, 1)
    signature_vjp(whole, np.ascontiguousarray(bar[:, 1:]), wide, level_1, stream)
    for array, values in zip(into, wide, strict=True):
        if array is not None:
            array[...] = values


def _increments(points: Any, bounds: Any) -> Any:
    """From the start to the end of every interval (batch, q), for one channel."""
    ends = np.broadcast_to(bounds, (len(points), *bounds.shape[1:]))
    first, last = (np.take_along_axis(points[..., 0], ends[..., end], axis=1) for end in (0, 1))
    return last - first


def _store(series: Any, out: Any, plan: Plan, options: Options) -> None:
    """Series with their scalars to rows of the result."""
    out[...] = (series * signs(plan.depth, options.inverse))[..., int(not plan.scalar_term) :]


def _in_double(paths: Paths) -> Paths:
    points, basepoint = (
        None if a is None else np.asarray(a, np.float64) for a in (paths.points, paths.basepoint)
    )
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
