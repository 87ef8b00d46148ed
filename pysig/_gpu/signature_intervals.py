"""Signatures of intervals of CuPy arrays, and their derivatives.

The groups of `pysig._plans.intervals` are copied to pieces of the transformed path, some at a time:
from `mid` backwards, and from `mid` to the end. The signatures of all prefixes of a piece are the
rows that the intervals of its group need, because the signature of a path that is run backwards is
the inverse, and the inverse of a signature is its antipode, which is exact. One product of two rows
makes a result. Sums of gradients are taken in the order of the plan, without atomics.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from pysig._gpu.algebra import bilinear, bilinear_jvp, bilinear_vjp
from pysig._gpu.errors import operation, refuse_capture
from pysig._gpu.interval_kernels import (
    add_kernel,
    copy_kernel,
    gather_kernel,
    load_kernel,
    store_kernel,
)
from pysig._gpu.memory import scratch_limit
from pysig._gpu.schedule import INTERVAL_PRODUCT, INTERVAL_ROW
from pysig._gpu.signature import signature
from pysig._gpu.signature_vjp import signature_jvp, signature_vjp
from pysig._plans.intervals import Costs, Groups, plan_groups
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Options, Paths, Tangents

COPIES = 4  # rows of prefixes, of both factors and of results, in scratch memory


@operation
def signature_intervals(paths: Paths, bounds: Any, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` (batch, q, plan.size) with the signatures of steps [a, b) = bounds[row, i]."""
    _run("signature_intervals", paths, None, bounds, out, plan, options)


@operation
def signature_intervals_jvp(
    paths: Paths, tangents: Tangents, bounds: Any, out: Any, plan: Plan, options: Options
) -> None:
    """Fill `out` as `signature_intervals` does, with the derivative along the tangents."""
    _run("signature_intervals_jvp", paths, tangents, bounds, out, plan, options)


def _run(
    caller: str,
    paths: Paths,
    tangents: Tangents | None,
    bounds: Any,
    out: Any,
    plan: Plan,
    options: Options,
) -> None:
    import cupy

    if not out.size:
        return
    with paths.points.device:
        refuse_capture(cupy, caller)
        points = _transformed(cupy, paths, None)
        moves = None if tangents is None else _transformed(cupy, paths, tangents)
        for slab in _slabs(cupy, paths, bounds, plan, out.dtype, COPIES):
            call = _Slab(cupy, slab, plan, points, out.dtype)
            rows = call.values() if moves is None else call.derivatives(moves)
            call.store(rows, out, options.inverse, 1 if moves is None else 0)


@operation
def signature_intervals_vjp(
    paths: Paths, cotangent: Any, bounds: Any, into: Cotangents, plan: Plan, options: Options
) -> None:
    """Fill `into` with the gradients of <cotangent, signature_intervals>."""
    import cupy

    if not paths.points.size:
        return
    with paths.points.device:
        refuse_capture(cupy, "signature_intervals_vjp")
        points = _transformed(cupy, paths, None)
        bar = cupy.zeros(points.shape, np.float64)
        for slab in _slabs(cupy, paths, bounds, plan, cotangent.dtype, 2 * COPIES):
            _Slab(cupy, slab, plan, points, cotangent.dtype).add_gradients(
                cupy.ascontiguousarray(cotangent), bar, options.inverse
            )
        # Level 1 of the prefixes holds the points without the first, which is the origin.
        wide = Cotangents(*(None if a is None else cupy.empty(a.shape, np.float64) for a in into))
        rows = cupy.ascontiguousarray(bar[:, 1:])
        level_1, stream = plan_for(paths.channels, 1), Options(stream=True)
        signature_vjp(_at_origin(cupy, paths), rows, wide, level_1, stream)
        for array, values in zip(into, wide, strict=True):
            if array is not None:
                array[...] = values.astype(array.dtype)


# ---- the transformed path, in float64 so that differences of its points are exact enough ----


def _in_double(cupy: Any, paths: Paths) -> Paths:
    points, basepoint = (None if a is None else a.astype(np.float64) for a in paths[:2])
    transform = paths.transform
    if transform is not None and transform.times is not None:
        transform = transform._replace(times=transform.times.astype(np.float64))
    return Paths(points, basepoint, None, paths.lengths, None, transform)


def _at_origin(cupy: Any, paths: Paths) -> Paths:
    """The paths with all points at the origin, for derivatives of level 1: it is affine in the
    points, and those beyond the end of a path may be NaN.
    """
    inner = _in_double(cupy, paths)
    base = None if inner.basepoint is None else cupy.zeros_like(inner.basepoint)
    return inner._replace(points=cupy.zeros_like(inner.points), basepoint=base)


def _transformed(cupy: Any, paths: Paths, tangents: Tangents | None) -> Any:
    """The transformed path or its tangent (batch, steps + 1, channels), from the origin: level 1 of
    the signatures of all prefixes.
    """
    rows = cupy.empty((paths.batch, paths.steps, paths.channels), np.float64)
    level_1, stream = plan_for(paths.channels, 1), Options(stream=True)
    if tangents is None:
        signature(_in_double(cupy, paths), rows, level_1, stream)
    else:
        wide = (None if a is None else a.astype(np.float64) for a in tangents)
        signature_jvp(_at_origin(cupy, paths), Tangents(*wide), rows, level_1, stream)
    origin = cupy.zeros((paths.batch, 1, paths.channels), np.float64)
    return cupy.concatenate([origin, rows], axis=1)


# ---- slabs of groups ----


class _Lists(NamedTuple):
    """Some groups: host arrays. A flat point is path * (steps + 1) + step."""

    mids: Any  # (groups,): flat points
    front: Any  # (groups,): steps to the front
    end: Any  # (groups,): steps to the end
    rows: Any  # (queries,): rows of the result
    of_front: Any  # (queries,): the row of the piece to the front, or -1
    of_end: Any  # (queries,): the same to the end


def _slabs(
    cupy: Any, paths: Paths, bounds: Any, plan: Plan, dtype: Any, copies: int
) -> Iterator[_Lists]:
    """Groups whose rows keep to the scratch limit, one group at least."""
    row_bytes = plan.coefficients * np.dtype(dtype).itemsize * copies
    room = max(scratch_limit(cupy) // row_bytes, 1)
    groups = plan_groups(bounds, Costs(INTERVAL_ROW, INTERVAL_PRODUCT, room, room))
    first, last = groups.begin[:-1], groups.begin[1:] - 1
    front = groups.mids - bounds.reshape(-1, 2)[groups.by_start[last], 0]
    end = bounds.reshape(-1, 2)[groups.by_end[last], 1] - groups.mids
    alone = (first == last) & (front == 0)  # one signature, of the whole piece
    rows = np.where(alone, 1, 0)
    sets = paths.batch if len(bounds) == 1 else 1
    begin = 0
    while begin < len(first):
        same = np.flatnonzero(alone[begin:] != alone[begin])
        most = int(same[0]) if len(same) else len(first) - begin
        here = slice(begin, begin + most)
        longest = np.maximum.accumulate(np.maximum(front[here], end[here]) + 1)
        points = longest * plan.channels // plan.coefficients + 1
        each = points + np.where(rows[here] > 0, 1, 2 * longest)
        fit = int(np.searchsorted(each * np.arange(1, most + 1) * sets, room, "right"))
        stop = begin + max(fit, 1)
        yield _lists(groups, front, end, bounds, paths, slice(begin, stop))
        begin = stop


def _lists(groups: Groups, front: Any, end: Any, bounds: Any, paths: Paths, part: slice) -> _Lists:
    """The lists of some groups, for every path if all have the same bounds."""
    rows, q = bounds.shape[:2]
    places = slice(int(groups.begin[part.start]), int(groups.begin[part.stop]))
    queries = groups.by_end[places]
    number = np.repeat(np.arange(part.stop - part.start), np.diff(groups.begin)[part])
    ends, mids = bounds.reshape(-1, 2)[queries], groups.mids[part]
    fronts, reach = mids[number] - ends[:, 0], ends[:, 1] - mids[number]
    width, height = (int(a[part].max(initial=0)) for a in (front, end))
    sets = np.arange(paths.batch if rows == 1 else 1)[:, None]
    path = sets if rows == 1 else queries[groups.begin[part] - places.start] // q
    count = len(mids)
    number = number + sets * count
    return _Lists(
        (mids + path * (paths.steps + 1)).ravel(),
        np.tile(front[part], len(sets)),
        np.tile(end[part], len(sets)),
        (queries + sets * q).ravel(),
        np.where(fronts > 0, number * width + fronts - 1, -1).ravel(),
        np.where(reach > 0, number * height + reach - 1, -1).ravel(),
    )


class _Piece(NamedTuple):
    """The points from `mid` on, in one direction, of all groups, and rows of their prefixes."""

    paths: Paths
    options: Options
    rows: int  # of every path
    of: Any  # (queries,): the row of every query, or -1, on the host
    sign: int
    steps: Any  # (groups,): on the host


class _Slab:
    """One slab on the device."""

    def __init__(self, cupy: Any, lists: _Lists, plan: Plan, points: Any, dtype: Any) -> None:
        self.cupy, self.lists, self.dtype = cupy, lists, dtype
        self.given = plan
        self.plan = plan_for(plan.channels, plan.depth)
        self.points, self.mids = points, cupy.asarray(lists.mids)
        # Without steps to the front, every group is one interval: no rows of prefixes.
        self.stream = bool(lists.front.max(initial=0) > 0 or len(lists.rows) > len(lists.mids))
        sides = [(lists.end, lists.of_end, 1), (lists.front, lists.of_front, -1)]
        self.pieces = [self.piece(*side) for side in sides if side[0].max(initial=0) > 0]

    def piece(self, steps: Any, of: Any, sign: int) -> _Piece:
        """The piece of every group in one direction."""
        points, lengths = self.copied(self.points, steps, sign), self.cupy.asarray(steps + 1)
        options = Options(stream=self.stream, inverse=sign < 0)
        rows = int(steps.max()) if self.stream else 1
        of = of if self.stream else np.where(of < 0, -1, np.arange(len(of)))
        return _Piece(Paths(points, lengths=lengths), options, rows, of, sign, steps)

    def copied(self, points: Any, steps: Any, sign: int) -> Any:
        """The points of a piece relative to `mid`; the last one is repeated."""
        length, channels = int(steps.max()) + 1, points.shape[2]
        target = self.cupy.empty((len(steps), length, channels), self.dtype)
        arrays = points, self.mids, self.cupy.asarray(steps)
        copy_kernel()(*arrays, length, channels, sign, target, size=target.size)
        return target

    def rows_of(self, piece: _Piece, rows: Any) -> Any:
        """The row (queries, size) of every query; zero for a trivial factor."""
        size = self.plan.size
        target = self.cupy.empty((len(piece.of), size), self.dtype)
        gather_kernel()(rows, self.cupy.asarray(piece.of), size, target, size=target.size)
        return target

    def empty_rows(self, piece: _Piece) -> Any:
        shape = (len(self.lists.mids), piece.rows, self.plan.size)
        return self.cupy.empty(shape if self.stream else shape[::2], self.dtype)

    def factor_values(self) -> list[Any]:
        """The factors of every query, that to the end first."""
        found = []
        for piece in self.pieces:
            rows = self.empty_rows(piece)
            signature(piece.paths, rows, self.plan, piece.options)
            found.append(self.rows_of(piece, rows))
        return found

    def factor_derivatives(self, moves: Any) -> list[Any]:
        """Their derivatives."""
        found = []
        for piece in self.pieces:
            rows = self.empty_rows(piece)
            along = Tangents(self.copied(moves, piece.steps, piece.sign))
            signature_jvp(piece.paths, along, rows, self.plan, piece.options)
            found.append(self.rows_of(piece, rows))
        return found

    def values(self) -> Any:
        """The result of every query (queries, size)."""
        factors = self.factor_values()
        return self.combined(factors, lambda out: self.product(factors, out))

    def derivatives(self, moves: Any) -> Any:
        """The derivative of the result of every query."""
        slopes = self.factor_derivatives(moves)
        if len(slopes) < 2:
            return self.combined(slopes, lambda out: None)
        factors = self.factor_values()

        def fill(out: Any) -> None:
            pairs = (factors[1], factors[0]), (slopes[1], slopes[0])
            bilinear_jvp("product", *pairs, out, self.plan, scalar=1)

        return self.combined(slopes, fill)

    def combined(self, factors: list[Any], fill: Any) -> Any:
        shape = (len(self.lists.rows), self.plan.size)
        if not factors:  # empty intervals alone
            return self.cupy.zeros(shape, self.dtype)
        if len(factors) == 1:
            return factors[0]
        out = self.cupy.empty(shape, self.dtype)
        fill(out)
        return out

    def product(self, factors: list[Any], out: Any) -> None:
        bilinear("product", (factors[1], factors[0]), out, self.plan, scalar=1)

    def store(self, rows: Any, out: Any, inverse: bool, scalar: int) -> None:
        """Write the rows to their places in the result."""
        width, stored = self.given.size, int(self.given.scalar_term)
        sizes = self.plan.size, width, stored, scalar, self.plan.channels, int(inverse)
        places = self.cupy.asarray(self.lists.rows)
        store_kernel()(rows, places, *sizes, out, size=len(self.lists.rows) * width)

    # ---- gradients ----

    def add_gradients(self, cotangent: Any, bar: Any, inverse: bool) -> None:
        """Add the gradients to those of the transformed path."""
        if not self.pieces:
            return
        size, stored = self.plan.size, int(self.given.scalar_term)
        weights = self.cupy.empty((len(self.lists.rows), size), self.dtype)
        places = self.cupy.asarray(self.lists.rows)
        sizes = size, self.given.size, stored, self.plan.channels, int(inverse)
        load_kernel()(cotangent, places, *sizes, weights, size=weights.size)
        bars = [weights]
        if len(self.pieces) == 2:
            factors = self.factor_values()
            bars = [self.cupy.empty(weights.shape, self.dtype) for _ in factors]
            pair, into = (factors[1], factors[0]), (bars[1], bars[0])
            bilinear_vjp("product", pair, weights, into, self.plan, scalar=1)
        for piece, own in zip(self.pieces, bars, strict=True):
            self.add_piece(piece, own, bar)

    def add_piece(self, piece: _Piece, rows_bar: Any, bar: Any) -> None:
        groups, steps = len(self.lists.mids), piece.steps
        sums = self.cupy.zeros((groups * piece.rows, self.plan.size), self.dtype)
        used = np.flatnonzero(piece.of >= 0)
        self.add_rows(rows_bar, used, piece.of[used], sums)
        into = Cotangents(self.cupy.empty(piece.paths.points.shape, self.dtype))
        shape = (groups, piece.rows, self.plan.size) if self.stream else sums.shape
        signature_vjp(piece.paths, sums.reshape(shape), into, self.plan, piece.options)
        # The points relative to `mid` have gradients whose sum is 0, so that of `mid` is complete.
        length = piece.paths.points.shape[1]
        group = np.repeat(np.arange(groups), steps + 1)
        step = np.arange(len(group)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
        points = self.lists.mids[group] + piece.sign * step
        flat = into.path.reshape(-1, into.path.shape[2])
        self.add_rows(flat, group * length + step, points, bar.reshape(-1, bar.shape[2]))

    def add_rows(self, rows: Any, sources: Any, targets: Any, sums: Any) -> None:
        """Add rows[sources[k]] to sums[targets[k]] for all k, in order."""
        order = np.argsort(targets, kind="stable")
        found, begin = np.unique(targets[order], return_index=True)
        begin = np.append(begin, len(order)).astype(np.int64)
        arrays = (self.cupy.asarray(a) for a in (sources[order], begin, found))
        width = sums.shape[1]
        add_kernel()(rows, *arrays, width, sums, size=len(found) * width)
