"""The checked call of windows and intervals: signatures, selected words, and log-signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._call import PathCall
from pysig._api._gather import SLAB_BYTES
from pysig._api._gradients import MAX_SINGLE_STEPS
from pysig._api._interval_rows import IntervalRows, Operation
from pysig._api._joined_rows import JoinedRows
from pysig._api._memory import SMALL_RESULT_BYTES, available_memory, check_memory, shortage
from pysig._api._time_channel import wide_times
from pysig._api._words_argument import check_words
from pysig._api.bases import check_basis
from pysig._api.transform import Time, check_stages, time_stage
from pysig._backend import NUMPY
from pysig._combinatorics.words import Word, word_index
from pysig._plans import basis_tables
from pysig._plans.layout import Plan, plan_for
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.projection import Projection, projection_for

# Multiply-adds of a signature of a window by shared work, for each coefficient and level.
DIRECT_COST = 2.0

# (length, batch, lengths on the host, check of their number) -> the intervals (paths or 1, q, 2).
Bounds = Callable[[int, tuple[int, ...], Any, Callable[[int], None]], Any]


def refuse_untimed(options: Mapping[str, Any]) -> None:
    """ValueError for given times beside a point in front of each window, which has no time."""
    base, transform = options["basepoint"], options["transform"]
    if transform is None or base is None or base is False:
        return
    if any(
        isinstance(stage, Time) and stage.times is not None for stage in check_stages(transform)
    ):
        raise ValueError(
            "transform: expected no pysig.Time(times) beside basepoint=, which has no time in a "
            "window, received both. Append the times to both as a channel; for a point of zeros at "
            'time 0 pass transform=[pysig.Time(times), "basepoint"].'
        )


class IntervalsCall(PathCall):
    """A checked call for intervals of points.

    `argument` is the argument that gives the number of intervals, for messages. With `basis`,
    results are log-signatures.
    """

    pads = True
    plan: Plan

    def __init__(
        self,
        path: Any,
        depth: Any,
        options: Mapping[str, Any],
        find: Bounds,
        argument: str,
        basis: Any = None,
        allocates: bool = True,
    ) -> None:
        self.basis = None if basis is None else check_basis(basis)
        self.allocates = allocates
        refuse_untimed(options)
        super().__init__("signature_windows, signature_intervals", path, options)
        self.argument = argument
        self.scalar_column = None
        self.check_rows()
        self.words = self._check_words(options["words"], depth)
        depth = self._depth(depth)
        channels, itemsize = self.paths.channels, self.array.dtype.itemsize
        check_memory(channels, depth, 1, self.scalar_term, itemsize, self.backend)
        self.plan = plan_for(channels, depth, self.scalar_term)
        self.own_shape = (self._width(),)
        self.times = self._wide_times(options["transform"])
        lengths = self.paths.lengths
        host = None if lengths is None else lengths.get() if self.on_gpu else lengths
        self.bounds = find(self.array.shape[-2], self.batch, host, self.check_number)
        self.check_number(int(self.bounds.shape[1]))

    @property
    def on_gpu(self) -> bool:
        """Whether arrays are CuPy's."""
        return self.backend is not NUMPY

    # ---- checks ----

    def _depth(self, depth: Any) -> int:
        if self.words is not None and depth is None:
            return max(1, *map(len, self.words))
        return _checks.check_depth(depth, words=self.basis is None)

    def _check_words(self, words: Any, depth: Any) -> tuple[Word, ...] | None:
        if words is None:
            return None
        checked = check_words(words, self.paths.channels, depth)
        if self.scalar_term and () in checked:
            raise ValueError(
                "words: expected no empty word with scalar_term=True, which puts it in front "
                "already."
            )
        return checked

    def _width(self) -> int:
        if self.words is not None:
            return len(self.words) + self.scalar_term
        if self.basis is None:
            return self.plan.size
        size = self.plan.channels, self.plan.depth
        self.maps = basis_tables.conversion_steps(*size, "expanded", self.basis)
        return basis_tables.coordinate_count(*size, self.basis)

    def _wide_times(self, transform: Any) -> Any:
        """The times of a `Time` stage as (paths, points) of float64; None without them."""
        checked = self.paths.transform
        if checked is None or checked.times is None:
            return None
        stages = check_stages(transform)
        place = next(k for k, stage in enumerate(stages) if isinstance(stage, Time))
        before = [stage for stage in stages[:place] if stage in ("basepoint", "reset")]
        if before:
            raise ValueError(
                "transform: expected pysig.Time(times) before basepoint and reset, which add "
                f"points to each window, received it after {before[0]}. Put it first, or leave "
                "times out."
            )
        stage = time_stage(stages, False)
        wide, _ = wide_times(stage, self.array, self.lengths, self.backend)
        points = checked.times.shape[1]
        rows = self.backend.xp.broadcast_to(wide.astype(np.float64), (*self.batch, points))
        return self.backend.xp.ascontiguousarray(rows).reshape(self.count, points)

    def check_number(self, number: int) -> None:
        """Take the number of intervals. Raise MemoryError if a new result does not fit."""
        self.queries, self.rows = number, (number,)
        if not self.allocates:
            return
        needed = prod(self.out_shape) * self.array.dtype.itemsize
        if needed <= SMALL_RESULT_BYTES:
            return
        available = available_memory(self.backend)
        if needed <= (2**63 - 1 if available is None else available):
            return
        remedy = "Take a larger stride" if self.argument == "window" else "Pass fewer at a time"
        raise MemoryError(
            f"{self.argument}: the output of shape {self.out_shape} {shortage(needed, available)} "
            f"{remedy}, or a smaller depth."
        )

    def advice(self, array: Any, shape: tuple[int, ...]) -> str:
        """The advice if a cotangent has a scalar term unexpectedly, or lacks it."""
        width = self.own_shape[0]
        if shape[-1:] != (width,) or array.shape[-1:] != (width + (-1 if self.scalar_term else 1),):
            return ""
        if self.scalar_term:
            return " It has no scalar in front: leave scalar_term out."
        return " If it has the scalar in front, pass scalar_term=True."

    # ---- work ----

    @cached_property
    def interval_rows(self) -> IntervalRows | JoinedRows:
        """Signatures of the intervals, without selection or logarithm."""
        rows = IntervalRows(
            self.backend, self.paths, self.bounds, self.times, self.plan, self.options
        )
        joined = JoinedRows(rows)
        return joined if joined.applies else rows

    @cached_property
    def projection(self) -> Projection | None:
        """The projection onto the words, if copies of windows are projected."""
        if self.words is None or self.plan.channels == 1:
            return None
        inverse = self.options.inverse
        projection = projection_for(self.plan.channels, self.words, inverse, self.scalar_term)
        if not self.interval_rows.direct:
            return projection
        counts = self.interval_rows.point_counts
        steps = float(counts.sum()) / max(counts.size, 1) * self.interval_rows.doubled
        shared = DIRECT_COST * self.plan.depth * self.plan.size
        return projection if steps * projection.prefixes.cost < shared else None

    @property
    def reads(self) -> bool:
        """Whether a result is not the signature itself."""
        return self.words is not None or self.basis is not None

    @cached_property
    def sources(self) -> Any:
        """The column of the signature for each column of the result; -1: the empty word."""
        assert self.words is not None
        words = ((), *self.words) if self.scalar_term else self.words
        channels, scalar = self.plan.channels, self.scalar_term
        return np.array([word_index(w, channels, scalar) if w else scalar - 1 for w in words])

    def slabs(self) -> Iterator[tuple[slice, slice]]:
        """Paths and intervals whose signatures take bounded memory."""
        queries, batch = self.queries, self.count
        own = self.interval_rows
        scratch = self.reads or own.needs_double or isinstance(own, JoinedRows)
        if not scratch or self.projection is not None:
            yield slice(0, batch), slice(0, queries)
            return
        fit = max(SLAB_BYTES // (self.plan.size * 8), 1)
        if fit >= queries:
            each = max(fit // max(queries, 1), 1)
            for first in range(0, batch, each):
                yield slice(first, min(first + each, batch)), slice(0, queries)
            return
        for row in range(batch):
            for first in range(0, queries, fit):
                yield slice(row, row + 1), slice(first, min(first + fit, queries))

    def fill(self, out: Any) -> None:
        """Compute the result into `out` (paths, intervals, columns)."""
        if not out.size:
            return
        for rows, some in self.slabs():
            target = out[rows, some]
            if self.projection is not None:
                self._projected(rows, some).value(target)
            elif not self.reads:
                self.interval_rows.value(rows, some, target)
            else:
                self._read(self._signatures(rows, some), target)

    def fill_jvp(self, tangents: Tangents, out: Any) -> None:
        """Compute the derivative of the result into `out`."""
        if not out.size:
            return
        for rows, some in self.slabs():
            target, along = out[rows, some], tangents.part(rows)
            if self.projection is not None:
                self._projected(rows, some).jvp(along, target)
            elif not self.reads:
                self.interval_rows.jvp(rows, some, along, target)
            else:
                change = self._empty(target, self.array.dtype)
                self.interval_rows.jvp(rows, some, along, change)
                self._read_jvp(rows, some, change, target)

    @property
    def gradient_dtype(self) -> Any:
        """float64 where float32 would lose digits, see `_gradients`."""
        longest = int(self.interval_rows.point_counts.max(initial=0))
        double = longest > MAX_SINGLE_STEPS or self.interval_rows.needs_double
        return np.dtype(np.float64) if double else self.array.dtype

    def fill_gradients(self, weights: Any, into: Cotangents, tangents: Tangents | None) -> None:
        """Compute gradients into `into` from the checked cotangent."""
        xp, dtype = self.backend.xp, self.gradient_dtype
        for array in into:
            if array is not None:
                array[...] = 0
        if not weights.size:
            return
        for rows, some in self.slabs():
            part, own = into.part(rows), weights[rows, some]
            if dtype != self.array.dtype:
                part = part._replace(path=xp.zeros(part.path.shape, dtype))
            if self.projection is not None:
                self._projected(rows, some, dtype).vjp(own, part)
            else:
                self.interval_rows.vjp(rows, some, self._unread(rows, some, own), part)
            if dtype != self.array.dtype:
                into.path[rows] += part.path.astype(self.array.dtype)

    # ---- selection and logarithm ----

    def _empty(self, like: Any, dtype: Any) -> Any:
        return self.backend.xp.empty((*like.shape[:2], self.plan.size), dtype)

    def _signatures(self, rows: slice, some: slice, dtype: Any = None) -> Any:
        shape = (len(range(*rows.indices(self.count))), len(range(*some.indices(self.queries))))
        own = self.array.dtype
        values = self.backend.xp.empty((*shape, self.plan.size), own)
        self.interval_rows.value(rows, some, values)
        return values.astype(own if dtype is None else dtype, copy=False)

    def _flat(self, rows: Any) -> Any:
        return self.backend.xp.ascontiguousarray(rows).reshape(-1, rows.shape[-1])

    def _select(self, values: Any, target: Any, empty: float) -> None:
        for column, source in enumerate(self.sources.tolist()):
            target[..., column] = empty if source < 0 else values[..., source]

    def _read(self, values: Any, target: Any) -> None:
        if self.words is not None:
            self._select(values, target, 1.0)
            return
        rows = target.reshape(-1, target.shape[-1])
        impl, around = self.backend.impl, ((), self.maps)
        impl.series("log", self._flat(values), rows, self.plan, around, self.options.workers)

    def _read_jvp(self, rows: slice, some: slice, change: Any, target: Any) -> None:
        if self.words is not None:
            self._select(change, target, 0.0)
            return
        values, out = self._signatures(rows, some), target.reshape(-1, target.shape[-1])
        pair, around = (self._flat(values), self._flat(change)), ((), self.maps)
        impl, workers = self.backend.impl, self.options.workers
        impl.series_jvp("log", *pair, out, self.plan, around, workers)

    def _unread(self, rows: slice, some: slice, weights: Any) -> Any:
        """The cotangent of signatures from that of the result."""
        if not self.reads:
            return weights
        dtype = weights.dtype
        gradient = self.backend.xp.zeros((*weights.shape[:2], self.plan.size), dtype)
        if self.words is not None:
            for column, source in enumerate(self.sources.tolist()):
                if source >= 0:
                    gradient[..., source] += weights[..., column]
            return gradient
        values = self._flat(self._signatures(rows, some, dtype))
        flat, out = self._flat(weights), gradient.reshape(-1, self.plan.size)
        impl, around = self.backend.impl, ((), self.maps)
        impl.series_vjp("log", values, flat, out, self.plan, around, self.options.workers)
        return gradient

    def _projected(self, rows: slice, some: slice, dtype: Any = None) -> Any:
        plan, impl, options = self.projection, self.backend.impl, self.options
        assert plan is not None

        def value(paths: Paths, out: Any) -> None:
            impl.projection(paths, out, plan, None, options)

        def jvp(paths: Paths, tangents: Tangents, out: Any) -> None:
            impl.projection(paths, out, plan, None, options, tangents)

        def vjp(paths: Paths, cotangent: Any, into: Cotangents) -> None:
            impl.projection_vjp(paths, cotangent, into, plan, None, options)

        trivial = np.array([0.0 if word else 1.0 for word in plan.outputs])
        operation = Operation(value, jvp, vjp, trivial)
        return self.interval_rows.pieces(operation, rows, some, dtype)
