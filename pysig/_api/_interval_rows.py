"""Signatures of intervals of points, in one of two ways. `_joined_rows` adds a third one.

*Direct*: the backend computes intervals of segments of the transformed path and shares work between
them. It applies where the transform of a window is a part of the transform of the path:

- no transform, or lead-lag, whose point k becomes the points 2k - 1 and 2k;
- `Time` with given times, of which only differences count;
- `Time` without times, which restarts in each window of n points: with the time k 2^-e of point k,
  a word with j letters of time is too small by c^j, c = end 2^e / (n - 1) (with lead-lag before
  time, 2n - 1 points instead of n). Multiplying by c^j corrects it. k 2^-e is exact.

*Gathered*: the points of each window are copied, and the signature of each copy is computed. It
applies to every option, in slabs of bounded memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pysig._api import _gather
from pysig._backend import ArrayBackend
from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.transform import STAGES, Transform, names

# Ratio of the largest to the least power of time in windows of different lengths, for each dtype:
# beyond it small windows would underflow before the correction by c^j.
MAX_RATIO = {"float32": 1e20, "float64": 1e200}


@dataclass(frozen=True)
class Operation:
    """What is computed of each path: value, derivative and gradient, of `size` columns.

    `trivial` is the row of a path that stands still.
    """

    value: Callable[[Paths, Any], None]
    jvp: Callable[[Paths, Tangents, Any], None]
    vjp: Callable[[Paths, Any, Cotangents], None]
    trivial: Any


def signature_operation(backend: ArrayBackend, plan: Plan, options: Options) -> Operation:
    """Signatures of `plan`."""
    impl = backend.impl
    trivial = np.zeros(plan.size)
    trivial[: plan.scalar_term] = 1.0
    return Operation(
        lambda paths, out: impl.signature(paths, out, plan, options),
        lambda paths, tangents, out: impl.signature_jvp(paths, tangents, out, plan, options),
        lambda paths, bar, into: impl.signature_vjp(paths, bar, into, plan, options),
        trivial,
    )


@dataclass(frozen=True)
class IntervalRows:
    """Signatures of the intervals `bounds` (paths or 1, q, 2) of points.

    `times`: those of a `Time` stage, (paths, points) in float64, not rounded; None without them.
    `middle`: leave out segments that basepoint and reset add at the ends.
    """

    backend: ArrayBackend
    paths: Paths
    bounds: Any
    times: Any
    plan: Plan
    options: Options
    middle: bool = False

    @cached_property
    def stages(self) -> list[str]:
        """The stages of the transform."""
        transform = self.paths.transform
        return [] if transform is None else names(transform.stages)

    @cached_property
    def doubled(self) -> int:
        """Segments of the transformed path for each one of the path: 2 with lead-lag."""
        return 2 if "lead_lag" in self.stages else 1

    @cached_property
    def restarts(self) -> bool:
        """Whether time restarts in each window."""
        return "time" in self.stages and self.times is None

    @cached_property
    def point_counts(self) -> Any:
        """The points of each window (paths or 1, q)."""
        return self.bounds[..., 1] - self.bounds[..., 0]

    @cached_property
    def direct(self) -> bool:
        """Whether the transform of a window is a part of the transform of the path."""
        if not hasattr(self.backend.impl, "signature_intervals"):
            return False
        added = self.paths.basepoint is not None or set(self.stages) & {"basepoint", "reset"}
        if added and not self.middle:
            return False
        return not self.restarts or self._corrects_time

    @property
    def _corrects_time(self) -> bool:
        """Whether the correction by c^j loses no digits."""
        dtype = self.paths.points.dtype
        moving = self.point_counts[self.point_counts > 1]
        if not moving.size:
            return True
        ratio = (int(moving.max()) - 1) / (int(moving.min()) - 1)
        exact = 2 ** (np.finfo(dtype).nmant + 1)
        return bool(self.time_points <= exact and ratio**self.plan.depth <= MAX_RATIO[dtype.name])

    @property
    def time_points(self) -> int:
        """Points of the path where time is counted."""
        points = int(self.paths.points.shape[1])
        before = self.stages[: self.stages.index("time")]
        return 2 * points - 1 if "lead_lag" in before else points

    @cached_property
    def needs_double(self) -> bool:
        """Whether float32 would round the times: their differences are small beside themselves."""
        return self.direct and self.times is not None and self.paths.points.dtype == np.float32

    # ---- the direct way ----

    @cached_property
    def step_bounds(self) -> Any:
        """The intervals as segments of the transformed path."""
        rows = np.empty(self.bounds.shape, np.int64)
        begin, end = rows[..., 0], rows[..., 1]
        np.subtract(self.bounds[..., 1], 1, out=end)
        np.maximum(end, 0, out=end)
        np.minimum(self.bounds[..., 0], end, out=begin)  # windows of at most one point
        if self.doubled != 1:
            rows *= self.doubled
        return rows

    @cached_property
    def _exponent(self) -> int:
        """e of the time k 2^-e: the longest window lasts between 1/2 and 1."""
        longest = self.doubled * max(int(self.point_counts.max(initial=2)) - 1, 1)
        return (longest - 1).bit_length()

    def _direct_paths(self, rows: slice, dtype: Any) -> Paths:
        points = self.paths.points[rows].astype(dtype, copy=False)
        transform = self.paths.transform
        if "time" in self.stages:
            times = self._direct_times(rows)
            xp = self.backend.xp
            transform = Transform(
                self.paths.transform.stages,  # type: ignore[union-attr]
                xp.ascontiguousarray(times.astype(dtype, copy=False)),
                1.0,
            )
        return Paths(points, transform=transform)

    def _direct_times(self, rows: slice) -> Any:
        if self.times is not None:
            return self.times[rows]
        clock = np.arange(self.time_points) * 2.0**-self._exponent
        count = len(range(*rows.indices(self.paths.batch)))
        wide = np.ascontiguousarray(np.broadcast_to(clock, (count, len(clock))))
        return self.backend.xp.asarray(wide)

    @cached_property
    def _time_letters(self) -> Any:
        """For each column the letters of its word that are time."""
        channels = int(self.paths.points.shape[2])
        flags = np.zeros(channels, np.int64)
        for stage in self.stages:
            flags = np.concatenate([flags, flags if stage == "lead_lag" else [1]])
        level, levels = np.zeros(1, np.int64), []
        for _ in range(self.plan.depth):
            level = np.add.outer(level, flags).reshape(-1)
            levels.append(level)
        front = [np.zeros(1, np.int64)] if self.plan.scalar_term else []
        return np.concatenate([*front, *levels])

    def correct(self, rows: slice, some: slice, values: Any) -> None:
        """Multiply by c^j where time restarts; values (paths, q, columns)."""
        if not (self.direct and self.restarts) or not values.size:
            return
        own = self.point_counts[rows if len(self.bounds) > 1 else slice(None), some]
        first = (
            self.stages.index("time") < self.stages.index("lead_lag")
            if ("lead_lag" in self.stages)
            else True
        )
        steps = np.maximum(own - 1, 1) * (1 if first else 2)
        end = self.paths.transform.end  # type: ignore[union-attr]
        factor = end * 2.0**self._exponent / steps
        powers = factor[..., None] ** np.arange(self.plan.depth + 1)
        xp = self.backend.xp
        if (steps == steps[0, 0]).all():
            values *= xp.asarray(powers[0, 0][self._time_letters].astype(values.dtype))
        else:
            letters = xp.asarray(self._time_letters)
            table = xp.asarray(powers.astype(values.dtype))
            values *= (
                table.reshape(-1, powers.shape[-1]).T[letters].T.reshape(*powers.shape[:2], -1)
            )

    # ---- both ways ----

    def _part(self, rows: slice, some: slice) -> Any:
        return (rows if len(self.bounds) > 1 else slice(None)), some

    def value(self, rows: slice, some: slice, out: Any) -> None:
        """Fill `out` (paths, q, columns), contiguous, with the signatures."""
        if not self.direct:
            self._pieces(rows, some).value(out)
            return
        xp, dtype = self.backend.xp, np.dtype(np.float64) if self.needs_double else out.dtype
        target = out if dtype == out.dtype else xp.empty(out.shape, dtype)
        steps = np.ascontiguousarray(self.step_bounds[self._part(rows, some)])
        paths = self._direct_paths(rows, dtype)
        self.backend.impl.signature_intervals(paths, steps, target, self.plan, self.options)
        self.correct(rows, some, target)
        if target is not out:
            out[...] = target

    def jvp(self, rows: slice, some: slice, tangents: Tangents, out: Any) -> None:
        """Fill `out` with the derivatives along the tangents of these rows."""
        if not self.direct:
            self._pieces(rows, some).jvp(tangents, out)
            return
        xp, dtype = self.backend.xp, np.dtype(np.float64) if self.needs_double else out.dtype
        target = out if dtype == out.dtype else xp.empty(out.shape, dtype)
        steps = np.ascontiguousarray(self.step_bounds[self._part(rows, some)])
        paths = self._direct_paths(rows, dtype)
        along = Tangents(tangents.path.astype(dtype, copy=False))
        impl, plan, options = self.backend.impl, self.plan, self.options
        impl.signature_intervals_jvp(paths, along, steps, target, plan, options)
        self.correct(rows, some, target)
        if target is not out:
            out[...] = target

    def vjp(self, rows: slice, some: slice, cotangent: Any, into: Cotangents) -> None:
        """Add the gradients of these rows to `into`, in the dtype of `cotangent`."""
        if not self.direct:
            self._pieces(rows, some, cotangent.dtype).vjp(cotangent, into)
            return
        xp, dtype = self.backend.xp, cotangent.dtype
        if self.restarts:
            cotangent = cotangent.copy()
            self.correct(rows, some, cotangent)
        steps = np.ascontiguousarray(self.step_bounds[self._part(rows, some)])
        paths = self._direct_paths(rows, dtype)
        target = Cotangents(xp.empty(paths.points.shape, dtype))
        impl, plan, options = self.backend.impl, self.plan, self.options
        impl.signature_intervals_vjp(paths, cotangent, steps, target, plan, options)
        into.path[...] += target.path

    def _pieces(self, rows: slice, some: slice, dtype: Any = None) -> _gather.Pieces:
        operation = signature_operation(self.backend, self.plan, self.options)
        return self.pieces(operation, rows, some, dtype)

    def pieces(
        self, operation: Operation, rows: slice, some: slice, dtype: Any = None
    ) -> _gather.Pieces:
        """The windows of these rows as copies, for any operation."""
        paths = self.paths.part(rows)
        times = None if self.times is None else self.times[rows]
        bounds = self.bounds[self._part(rows, some)]
        count = len(range(*rows.indices(self.paths.batch)))
        bounds = np.broadcast_to(bounds, (count, *bounds.shape[1:]))
        dtype = paths.points.dtype if dtype is None else dtype
        return _gather.Pieces(self.backend, operation, paths, bounds, times, dtype)


assert set(STAGES) == {"time", "lead_lag", "basepoint", "reset"}  # those that `direct` knows
