"""Signature kernels of CuPy arrays: the grid of signature_kernel.cu."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from pysig._gpu.compile import raw_kernel, real
from pysig._gpu.errors import operation, refuse_capture
from pysig._gpu.increments import direction_of, fill_increments, fill_points
from pysig._gpu.memory import device_tables, scratch_limit
from pysig._gpu.ragged import Place
from pysig._gpu.signature_kernel_schedule import (
    THREADS,
    Shape,
    block_for,
    is_unrolled,
    row_values,
    shape_for,
)
from pysig._gpu.signature_tile import processors
from pysig._plans.paths import Paths, Tangents
from pysig._plans.signature_kernel import LINEAR, KernelPlan, Pairs
from pysig._plans.transform import steps_after

SCHEMES = {"square": 0, "levels": 1, "finite_difference": 2}
RESULTS = ("value", "levels", "grid")
ALL_PAIRS, UPPER_PAIRS, PAIRED = range(3)


@dataclass(frozen=True)
class Side:
    """One side of all pairs, as the kernels read it."""

    rows: Any  # increments (paths, steps, channels), or points (paths, steps + 1, channels)
    tangents: Any  # of the same shape, or None
    counts: Any  # (paths,) own steps, or None
    paths: int
    steps: int

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The arguments of a kernel."""
        arrays = (0 if a is None else a for a in (self.rows, self.tangents, self.counts))
        return *arrays, self.paths, self.steps


@dataclass(frozen=True)
class Problem:
    """The pairs of a call, prepared for the kernels."""

    x: Side
    y: Side
    channels: int  # 0: given increments
    how: int
    plan: KernelPlan
    dtype: np.dtype[Any]
    device: int

    @property
    def scale(self) -> float:
        """The factor of the increments of a refined cell."""
        own = self.plan.static.parameters[0] if self.kind == LINEAR else 1.0
        return float(own / 4**self.plan.dyadic_order)

    @property
    def weights(self) -> Any:
        """Those of the levels on the device, or 0: a null pointer."""
        if self.plan.weights is None:
            return 0
        return _weights(self.plan.weights, self.dtype.char, self.device)

    @property
    def kind(self) -> int:
        """STATIC of signature_kernel.cuh."""
        return self.plan.static.kind if self.channels else -1

    @property
    def points(self) -> bool:
        """Whether the static kernel needs points, not increments."""
        return self.kind > LINEAR

    @property
    def tangent(self) -> bool:
        """Whether numbers are dual."""
        moved = self.channels and any(self.plan.static.tangents)
        return bool(moved) or self.x.tangents is not None or self.y.tangents is not None

    @property
    def pairs(self) -> int:
        """Pairs that are computed, about."""
        return self.x.paths if self.how == PAIRED else self.x.paths * self.y.paths

    def sizes(self, shape: Shape) -> tuple[tuple[str, int | str], ...]:
        """The -D sizes of signature_kernel.cuh."""
        plan = self.plan
        return (
            ("real", real(self.dtype)),
            ("scheme", SCHEMES[plan.scheme]),
            ("order", plan.order),
            ("depth", plan.depth),
            ("unrolled", int(is_unrolled(plan))),
            ("static", self.kind),
            ("refined", plan.dyadic_order),
            ("tangent", int(self.tangent)),
            *shape.sizes,
        )

    @property
    def arguments(self) -> tuple[Any, ...]:
        """The first arguments of the kernels."""
        static = self.plan.static
        numbers = map(np.float64, (self.scale, *static.parameters, *static.tangents))
        return *self.x.arguments, *self.y.arguments, self.channels, *numbers


@lru_cache(maxsize=64)
def _weights(weights: tuple[float, ...], kind: str, device: int) -> Any:
    import cupy

    return device_tables(cupy, np.asarray(weights, kind))[0]


def prepare(
    cupy: Any, pairs: Pairs, plan: KernelPlan, tangents_x: Any = None, tangents_y: Any = None
) -> Problem:
    """Increments or points of all paths, in memory."""
    if plan.scheme == "levels":  # higher powers belong to higher levels
        plan = plan._replace(order=min(plan.order, plan.depth))
    if pairs.increments is not None:
        z, moves = pairs.increments, tangents_x
        batch, m, n = z.shape
        rows, moves = (None if a is None else cupy.ascontiguousarray(a) for a in (z, moves))
        x, y = Side(rows, moves, None, batch, m), Side(None, None, None, batch, n)
        return Problem(x, y, 0, PAIRED, plan, z.dtype, z.device.id)
    assert pairs.x is not None
    of_points = plan.static.kind != LINEAR
    x = _side(cupy, pairs.x, tangents_x, of_points)
    y = x if pairs.y is None else _side(cupy, pairs.y, tangents_y, of_points)
    how = PAIRED if pairs.paired else UPPER_PAIRS if pairs.y is None else ALL_PAIRS
    points = pairs.x.points
    return Problem(x, y, pairs.x.channels, how, plan, points.dtype, points.device.id)


def _side(cupy: Any, paths: Paths, tangents: Tangents | None, of_points: bool) -> Side:
    if paths.starts is not None:
        place = Place(cupy, paths, paths.length)
        paths = place.paths()
        if tangents is not None:
            tangents = tangents._replace(path=place.spread(tangents.path))
    paths = paths._replace(points=cupy.ascontiguousarray(paths.points))

    def filled(some: Paths, moves: bool) -> Any:
        shape = paths.batch, paths.steps + of_points, paths.channels
        rows = cupy.empty(shape, paths.points.dtype)
        if not rows.size:
            pass
        elif of_points:
            fill_points(cupy, some, rows, moves)
        else:
            fill_increments(cupy, some, 0, rows, moves)
        return rows

    moves = None if tangents is None else filled(direction_of(paths, tangents), True)
    counts = paths.lengths
    if counts is not None:
        counts = steps_after(paths.transform, counts - (paths.basepoint is None))
    return Side(filled(paths, False), moves, counts, paths.batch, paths.steps)


@operation
def signature_kernel(
    pairs: Pairs, out: Any, plan: KernelPlan, rows: str = "value", workers: int = 1
) -> None:
    """Fill `out`; see `pysig._backend.Backend`."""
    import cupy

    if not out.size:
        return
    with out.device:
        refuse_capture(cupy, "signature_kernel")
        _run(cupy, prepare(cupy, pairs, plan), out, rows)


@operation
def signature_kernel_jvp(
    pairs: Pairs,
    tangents_x: Any,
    tangents_y: Any,
    out: Any,
    plan: KernelPlan,
    workers: int = 1,
) -> None:
    """Fill `out`; see `pysig._backend.Backend`."""
    import cupy

    if not out.size:
        return
    with out.device:
        refuse_capture(cupy, "signature_kernel_jvp")
        problem = prepare(cupy, pairs, plan, tangents_x, tangents_y)
        if problem.tangent:
            _run(cupy, problem, out, "levels" if out.ndim > len(pairs.leading) else "value")
        else:
            out[...] = 0


def _run(cupy: Any, problem: Problem, out: Any, rows: str) -> None:
    plan, x, y = problem.plan, problem.x, problem.y
    count = processors(cupy, problem.device)
    block = 1 if problem.how == PAIRED else block_for(problem.pairs, x.paths, count)
    units = y.paths if problem.how == PAIRED else y.paths * ceil(x.paths / block)
    words = problem.dtype.itemsize // 4 * (1 + problem.tangent)
    steps = y.steps << plan.dyadic_order
    shape = shape_for(plan, problem.channels, steps, units, words, count)
    result = RESULTS.index(rows)
    sizes = (*problem.sizes(shape), ("warps", shape.warps), ("result", result))
    kernel = raw_kernel("signature_kernel.cu", "pysig_signature_kernel", 0, problem.device, *sizes)
    edge_rows, at_once, edges = 0, units, 0
    if steps > shape.width:
        edge_rows = block * ((x.steps << plan.dyadic_order) + 1)
        each = shape.warps * edge_rows * row_values(plan) * (1 + problem.tangent)
        at_once = max(1, min(units, scratch_limit(cupy) // (each * problem.dtype.itemsize)))
        edges = cupy.empty(at_once * each, problem.dtype)
    element = (1, plan.depth + 1, (x.steps + 1) * (y.steps + 1))[result]
    strides = (element, 0) if problem.how == PAIRED else (y.paths * element, element)
    groups = THREADS // shape.threads if shape.warps == 1 else 1
    for first in range(0, units, at_once):
        end = min(units, first + at_once)
        arguments = problem.how, block, out, *strides, problem.weights, edges, edge_rows, first, end
        kernel(
            (ceil((end - first) / groups),),
            (groups * shape.threads,),
            (*problem.arguments, *arguments),
        )
