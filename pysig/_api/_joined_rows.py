"""Signatures of windows to which a basepoint or a reset adds segments at the ends.

The added segments depend on the first or the last point of a window alone. A window of one point
has these segments and no others: first h segments of a head, then t of a tail. So

    S(window) = head(first point) ⊗ S(segments of the window) ⊗ tail(last point),

where heads and tails are intervals [0, h) and [h, h + t) of transformed paths of one point, and the
middle is computed as without basepoint, with work shared between windows. Inverses are multiplied
in the opposite order.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from pysig._api import _gather
from pysig._api._interval_rows import IntervalRows, Operation
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.transform import Transform, code

# Mean number of points of a window from which on joining is cheaper than a signature of each.
# Measured with 3 channels, depth 4, float32, one thread (AVX2), microseconds a window with
# basepoint, joined and by itself: 1.4 and 0.9 for 16 points, 1.3 and 1.2 for 32, 1.3 and 3.3 for
# 100; with reset 2.6 and 2.0 for 32, 2.8 and 5.0 for 100.
MIN_POINTS = 40


class _End(NamedTuple):
    """The heads or the tails of some windows: paths of one point, and the interval of segments."""

    rows: Any  # (m,): the path of a window
    index: Any  # (m,): its first or last point, in the points of all paths
    paths: Paths
    steps: Any  # (1, 1, 2)
    empty: Any  # windows without points, which have no ends


@dataclass(frozen=True)
class JoinedRows:
    """As `IntervalRows`, for windows with segments added at their ends. `whole` has all options."""

    whole: IntervalRows

    @cached_property
    def added(self) -> tuple[int, int]:
        """Segments of heads and of tails."""
        head, tail = int(self.whole.paths.basepoint is not None), 0
        for stage in self.whole.stages:
            if stage == "lead_lag":
                head, tail = 2 * head, 2 * tail
            head += stage == "basepoint"
            tail += 2 * (stage == "reset")
        return head, tail

    @cached_property
    def middle(self) -> IntervalRows:
        """The segments of windows, without those at the ends."""
        whole = self.whole
        transform = whole.paths.transform
        if transform is not None:
            stages = [stage for stage in whole.stages if stage != "basepoint"]
            transform = transform._replace(stages=code(stages)) if stages else None
        paths = Paths(whole.paths.points, transform=transform)
        plan = plan_for(whole.plan.channels, whole.plan.depth)
        return IntervalRows(
            whole.backend, paths, whole.bounds, whole.times, plan, whole.options, True
        )

    @cached_property
    def applies(self) -> bool:
        """Whether the ends of a window depend on its first and last point alone, and joining them
        is cheaper than a signature of each window.
        """
        whole, stages = self.whole, self.whole.stages
        if not any(self.added) or not self.middle.direct:
            return False
        if whole.restarts:
            late = "basepoint" in stages and stages.index("basepoint") > stages.index("time")
            if whole.paths.basepoint is not None or "reset" in stages or not late:
                return False
        counts = whole.point_counts
        return bool(counts.sum() > MIN_POINTS * counts.size)

    direct = True

    @property
    def point_counts(self) -> Any:
        """The points of each window (paths or 1, q)."""
        return self.whole.point_counts

    @property
    def doubled(self) -> int:
        """Segments of the transformed path for each one of the path."""
        return self.whole.doubled

    @property
    def needs_double(self) -> bool:
        """Whether float32 would round the times."""
        return self.middle.needs_double

    def pieces(self, operation: Operation, rows: slice, some: slice, dtype: Any = None) -> Any:
        """The windows of these rows as copies, for any operation."""
        return self.whole.pieces(operation, rows, some, dtype)

    # ---- values and derivatives ----

    def value(self, rows: slice, some: slice, out: Any) -> None:
        """Fill `out` (paths, q, columns) with the signatures."""
        dtype = np.dtype(np.float64) if self.needs_double else out.dtype
        factors, _ = self._factors(rows, some, dtype)
        product = factors[0]
        for factor in factors[1:]:
            product = self._product(product, factor)
        self._store(product, out, 1.0)

    def jvp(self, rows: slice, some: slice, tangents: Tangents, out: Any) -> None:
        """Fill `out` with the derivatives along the tangents of these rows."""
        dtype = np.dtype(np.float64) if self.needs_double else out.dtype
        factors, ends = self._factors(rows, some, dtype)
        changes = [
            self._middle_jvp(rows, some, tangents, out, dtype)
            if end is None
            else self._end_jvp(end, tangents, dtype)
            for end in ends
        ]
        product, change = factors[0], changes[0]
        xp, impl = self.whole.backend.xp, self.whole.backend.impl
        for factor, move in zip(factors[1:], changes[1:], strict=True):
            moved = xp.empty(product.shape, dtype)
            pairs, plan = ((product, factor), (change, move)), self.middle.plan
            impl.bilinear_jvp("product", *pairs, moved, plan, 1, self.whole.options.workers)
            product, change = self._product(product, factor), moved
        self._store(change, out, 0.0)

    def vjp(self, rows: slice, some: slice, cotangent: Any, into: Cotangents) -> None:
        """Add the gradients of these rows to `into`."""
        xp, dtype = self.whole.backend.xp, cotangent.dtype
        factors, ends = self._factors(rows, some, dtype)
        bar = cotangent.reshape(-1, cotangent.shape[-1])
        bar = xp.ascontiguousarray(bar[:, int(self.whole.plan.scalar_term) :])
        prefixes = [factors[0]]
        for factor in factors[1:-1]:
            prefixes.append(self._product(prefixes[-1], factor))
        bars = []
        for prefix, factor in zip(prefixes[::-1], factors[:0:-1], strict=True):
            left, right = xp.empty(bar.shape, dtype), xp.empty(bar.shape, dtype)
            pair, both, plan = (prefix, factor), (left, right), self.middle.plan
            impl, workers = self.whole.backend.impl, self.whole.options.workers
            impl.bilinear_vjp("product", pair, bar, both, plan, 1, workers)
            bars.append(right)
            bar = left
        for end, own in zip(ends, [bar, *bars[::-1]], strict=True):
            if end is None:
                wide = own.reshape(*cotangent.shape[:-1], own.shape[-1])
                self.middle.vjp(rows, some, wide, Cotangents(into.path))
            else:
                self._add_end(end, own, into)

    # ---- factors ----

    def _factors(self, rows: slice, some: slice, dtype: Any) -> tuple[list[Any], list[Any]]:
        """The factors (m, size) of the windows in order, with their ends; None: the middle."""
        xp, plan = self.whole.backend.xp, self.middle.plan
        bounds = self._bounds(rows, some)
        middle = xp.empty((*bounds.shape[:2], plan.size), dtype)
        self.middle.value(rows, some, middle)
        factors: list[Any] = [middle.reshape(-1, plan.size)]
        ends: list[Any] = [None]
        head, tail = self.added
        if head:
            end = self._end(rows, bounds, 0, (0, head), dtype)
            factors, ends = [self._end_value(end, dtype), *factors], [end, *ends]
        if tail:
            end = self._end(rows, bounds, 1, (head, head + tail), dtype)
            factors, ends = [*factors, self._end_value(end, dtype)], [*ends, end]
        if self.whole.options.inverse:
            factors, ends = factors[::-1], ends[::-1]
        return factors, ends

    def _bounds(self, rows: slice, some: slice) -> Any:
        own = self.whole.bounds[rows if len(self.whole.bounds) > 1 else slice(None), some]
        count = len(range(*rows.indices(self.whole.paths.batch)))
        return np.broadcast_to(own, (count, *own.shape[1:]))

    def _end(self, rows: slice, bounds: Any, side: int, steps: tuple[int, int], dtype: Any) -> _End:
        """The heads (side 0) or tails (1) of windows (paths, q, 2)."""
        points = bounds[..., side] - side
        whole = self.whole
        xp, length = whole.backend.xp, whole.paths.points.shape[1]
        own = np.repeat(np.arange(points.shape[0]), points.shape[1])
        places = np.clip(points.reshape(-1), 0, length - 1)  # of windows without points, any
        index, first = own * length + places, rows.indices(whole.paths.batch)[0]
        flat = xp.ascontiguousarray(whole.paths.points[rows]).reshape(
            -1, whole.paths.points.shape[2]
        )
        base, transform = whole.paths.basepoint, whole.paths.transform
        if base is not None:
            base = base[xp.asarray(own + first)].astype(dtype, copy=False)
        if whole.times is not None:
            assert transform is not None
            transform = Transform(transform.stages, self._times(own + first, places, dtype), 1.0)
        chosen = xp.ascontiguousarray(flat[xp.asarray(index)].astype(dtype, copy=False))
        paths = Paths(chosen[:, None], base, transform=transform)
        empty = np.flatnonzero((bounds[..., 0] == bounds[..., 1]).reshape(-1))
        return _End(own, index, paths, np.array([[steps]], np.int64), empty)

    def _times(self, rows: Any, places: Any, dtype: Any) -> Any:
        """The times of single points (m, 1)."""
        times, xp = self.whole.times, self.whole.backend.xp
        stages = self.whole.stages
        twice = 2 if "lead_lag" in stages[: stages.index("time")] else 1
        index = rows * times.shape[1] + twice * places
        found = xp.ascontiguousarray(times).reshape(-1)[xp.asarray(index)]
        return found.astype(dtype, copy=False).reshape(-1, 1)

    @property
    def _single(self) -> tuple[Plan, Options]:
        return self.middle.plan, self.whole.options

    def _end_value(self, end: _End, dtype: Any) -> Any:
        impl = self.whole.backend.impl
        out = self.whole.backend.xp.empty((len(end.rows), 1, self.middle.plan.size), dtype)
        impl.signature_intervals(end.paths, end.steps, out, *self._single)
        return self._cleared(end, out[:, 0])

    def _cleared(self, end: _End, rows: Any) -> Any:
        """Zeros, the unit or no change, for windows without points."""
        if len(end.empty):
            rows[self.whole.backend.xp.asarray(end.empty)] = 0.0
        return rows

    def _middle_jvp(
        self, rows: slice, some: slice, tangents: Tangents, like: Any, dtype: Any
    ) -> Any:
        size = self.middle.plan.size
        change = self.whole.backend.xp.empty((*like.shape[:-1], size), dtype)
        self.middle.jvp(rows, some, Tangents(tangents.path), change)
        return change.reshape(-1, size)

    def _end_jvp(self, end: _End, tangents: Tangents, dtype: Any) -> Any:
        xp, impl = self.whole.backend.xp, self.whole.backend.impl
        flat = xp.ascontiguousarray(tangents.path).reshape(-1, tangents.path.shape[2])
        moves = flat[xp.asarray(end.index)].astype(dtype, copy=False)
        base = tangents.basepoint
        if base is not None:
            base = base[xp.asarray(end.rows)].astype(dtype, copy=False)
        out = xp.empty((len(end.rows), 1, self.middle.plan.size), dtype)
        along = Tangents(xp.ascontiguousarray(moves[:, None]), base)
        impl.signature_intervals_jvp(end.paths, along, end.steps, out, *self._single)
        return self._cleared(end, out[:, 0])

    def _add_end(self, end: _End, bar: Any, into: Cotangents) -> None:
        """Add the gradients of heads or tails."""
        xp, impl = self.whole.backend.xp, self.whole.backend.impl
        base = None if into.basepoint is None else xp.empty(end.paths.basepoint.shape, bar.dtype)
        target = Cotangents(xp.empty(end.paths.points.shape, bar.dtype), base)
        weights = self._cleared(end, bar)[:, None]
        impl.signature_intervals_vjp(end.paths, weights, end.steps, target, *self._single)
        everything = np.arange(len(end.rows))
        flat = into.path.reshape(-1, into.path.shape[-1])
        _gather.add_rows(self.whole.backend, flat, end.index, target.path[:, 0], everything)
        if base is not None:
            _gather.add_rows(self.whole.backend, into.basepoint, end.rows, base, everything)

    # ---- products ----

    def _product(self, left: Any, right: Any) -> Any:
        out = self.whole.backend.xp.empty(left.shape, left.dtype)
        impl, workers = self.whole.backend.impl, self.whole.options.workers
        impl.bilinear("product", (left, right), out, self.middle.plan, 1, workers)
        return out

    def _store(self, rows: Any, out: Any, scalar: float) -> None:
        """Put rows without the scalar term into `out`."""
        front = int(self.whole.plan.scalar_term)
        out[..., :front] = scalar
        out[..., front:] = rows.reshape(*out.shape[:-1], self.middle.plan.size)
