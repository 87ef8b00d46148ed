"""Gradients of signature kernels of CuPy arrays: the grids of signature_kernel_vjp.cu.

Pairs are processed in parts, and the rows of x in blocks, such that scratch memory keeps to its
limit. With several blocks the edges at the beginning of each block are kept from a first pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

from pysig._gpu.compile import raw_kernel
from pysig._gpu.errors import operation, refuse_capture
from pysig._gpu.increments import fill_point_cotangents
from pysig._gpu.memory import scratch_limit
from pysig._gpu.ragged import Place
from pysig._gpu.signature_kernel import PAIRED, UPPER_PAIRS, Problem, prepare
from pysig._gpu.signature_kernel_schedule import (
    THREADS,
    BackPlan,
    plan_back,
    shape_for,
)
from pysig._gpu.signature_tile import processors
from pysig._plans.paths import Cotangents, Paths
from pysig._plans.signature_kernel import KernelPlan, Pairs

CHANNELS_OF_SUM, WARPS_OF_SUM = 8, 4  # of signature_kernel_vjp.cu
MAX_GRID = 2**20


@operation
def signature_kernel_vjp(
    pairs: Pairs,
    cotangent: Any,
    into_x: Any,
    into_y: Any,
    into_parameters: Any,
    plan: KernelPlan,
    workers: int = 1,
) -> None:
    """Fill `into_x`, `into_y` and `into_parameters`; see `pysig._backend.Backend`."""
    import cupy

    with cotangent.device:
        refuse_capture(cupy, "signature_kernel_vjp")
        gradient = _Gradient(cupy, pairs, plan, cotangent)
        if pairs.x is None:
            gradient.fill_given(into_x)
            return
        gradient.fill_sums(*(into is not None for into in (into_x, into_y, into_parameters)))
        gradient.finish(pairs, into_x, into_y, into_parameters)


@dataclass(frozen=True)
class _Part:
    """Some pairs: paths x and y from `first_x` and `first_y` on."""

    first_x: int
    x_count: int
    first_y: int
    y_count: int
    paired: bool

    @property
    def count(self) -> int:
        return self.y_count if self.paired else self.x_count * self.y_count

    @property
    def x_paths(self) -> int:
        return self.y_count if self.paired else self.x_count


def _parts(problem: Problem, size: int) -> Iterator[_Part]:
    """Parts of at most `size` pairs."""
    x, y = problem.x.paths, problem.y.paths
    if problem.how == PAIRED:
        for first in range(0, y, size):
            yield _Part(0, 0, first, min(size, y - first), True)
        return
    y_count = min(size, y)
    x_count = max(1, size // y_count)
    for first_x in range(0, x, x_count):
        for first_y in range(0, y, y_count):
            last_y = min(y, first_y + y_count)
            if problem.how == UPPER_PAIRS and last_y <= first_x:
                continue
            yield _Part(first_x, min(x_count, x - first_x), first_y, last_y - first_y, False)


class _Gradient:
    """The gradient of one call: sums over pairs, in parts."""

    def __init__(self, cupy: Any, pairs: Pairs, plan: KernelPlan, cotangent: Any) -> None:
        problem = prepare(cupy, pairs, plan)
        plan = problem.plan
        self.cupy, self.problem, self.cotangent = cupy, problem, cotangent
        self.x_bars: Any = None
        self.y_bars: Any = None
        self.parameters: Any = None
        self.bar_width = plan.depth + 1 if cotangent.ndim > len(pairs.leading) else 1
        count = processors(cupy, problem.device)
        words = problem.dtype.itemsize // 4
        columns = problem.y.steps << plan.dyadic_order
        sizes = columns, problem.pairs, words, count
        self.shape = shape_for(plan, problem.channels, *sizes, back=True)
        self.back: BackPlan = plan_back(
            plan,
            self.shape,
            problem.x.steps,
            problem.y.steps,
            max(1, problem.pairs),
            scratch_limit(cupy) // problem.dtype.itemsize,
        )

    def fill_sums(self, of_x: bool, of_y: bool, of_parameters: bool) -> None:
        """The cotangents of the increments or points of both sides, without the factor `scale`."""
        x, y, channels = self.problem.x, self.problem.y, self.problem.channels
        points = self.problem.points
        if of_x or of_parameters:
            self.x_bars = self._zeros(x.paths, x.steps + points, channels)
        if of_y or (of_x and self.problem.how == UPPER_PAIRS):
            self.y_bars = self._zeros(y.paths, y.steps + points, channels)
        if of_parameters and points:
            self.parameters = self._zeros(3, x.paths, x.steps + points)
        chunks = ceil(channels / CHANNELS_OF_SUM)
        for part, first, end, z_bars in self._blocks():
            where = self._where(part, first, end)
            height = ((end - first) >> self.problem.plan.dyadic_order) + points
            bars = self._empty(part.count * height * (y.steps + points))
            self._fold(part, first, end, z_bars, bars, bars.size)
            if self.x_bars is not None:
                grid = ceil(part.x_paths * height * chunks / WARPS_OF_SUM)
                parameters = 0 if self.parameters is None else self.parameters
                arrays = bars, self.x_bars, parameters
                self._launch("sum_x", grid, 32 * WARPS_OF_SUM, *where, *arrays)
            if self.y_bars is not None:
                grid = part.y_count * ceil((y.steps + points) / 32) * chunks
                self._launch("sum_y", grid, 32 * WARPS_OF_SUM, *where, bars, self.y_bars)

    def fill_given(self, into: Any) -> None:
        """The cotangents of given increments."""
        bars = into if into.flags.c_contiguous else self.cupy.empty(into.shape, into.dtype)
        for part, first, end, z_bars in self._blocks():
            size = part.count * (end - first) * self.problem.y.steps
            self._fold(part, first, end, z_bars, bars, size)
        if bars is not into:
            into[...] = bars

    def _fold(
        self, part: _Part, first: int, end: int, z_bars: Any, bars: Any, elements: int
    ) -> None:
        grid = max(1, min(MAX_GRID, ceil(elements / THREADS)))
        self._launch("fold", grid, THREADS, *self._where(part, first, end), z_bars, bars)

    def finish(self, pairs: Pairs, into_x: Any, into_y: Any, into_parameters: Any) -> None:
        """From the sums to the gradients."""
        problem, x_bars = self.problem, self.x_bars
        factor = 4.0**-problem.plan.dyadic_order
        if into_parameters is not None:
            into_parameters[...] = 0
            if problem.points:
                sums = self.parameters.reshape(3, -1).sum(axis=1, dtype="float64")
                into_parameters[...] = sums * factor
            else:
                into_parameters[:1] = (x_bars * problem.x.rows).sum(dtype="float64") * factor
        if problem.how == UPPER_PAIRS and into_x is not None:
            x_bars = x_bars + self.y_bars
        function = "point_bar_of_points" if problem.points else "point_bar"
        for bars, paths, into in ((x_bars, pairs.x, into_x), (self.y_bars, pairs.y, into_y)):
            if into is not None:
                self._fill(bars * problem.scale, paths, into, function)

    def _fill(self, bars: Any, paths: Paths | None, into: Cotangents, function: str) -> None:
        assert paths is not None
        if paths.starts is None:
            fill_point_cotangents(self.cupy, bars, paths, into, function)
            return
        place = Place(self.cupy, paths, paths.length)
        paths = place.paths()
        path_bar = self.cupy.empty(paths.points.shape, into.path.dtype)
        fill_point_cotangents(self.cupy, bars, paths, into._replace(path=path_bar), function)
        place.gather(path_bar, into.path)

    # ---- blocks of rows ----

    def _blocks(self) -> Iterator[tuple[_Part, int, int, Any]]:
        """Parts of pairs, and blocks of rows from the last to the first, with their z_bar."""
        plan, back = self.problem.plan, self.back
        rows = self.problem.x.steps << plan.dyadic_order
        if not rows or not self.problem.y.steps:
            return
        starts = range(0, rows, back.rows)
        for part in _parts(self.problem, back.pairs):
            count = part.count
            marks: Any = 0
            if len(starts) > 1:
                marks = self._empty(count * len(starts) * back.column_values)
                self._rows(part, 0, rows, marks, back.rows, 0, 0, 0, 0)
            bars = self._empty(count * back.column_values)
            for index, first in reversed(list(enumerate(starts))):
                end = min(rows, first + back.rows)
                saved = [
                    self._empty(count * (end - first) * values)
                    for values in (back.column_values, back.row_values, back.width)
                ]
                self._rows(part, first, end, marks, 0, index, *saved)
                edges = self._empty(count * (end - first) * back.edge_values)
                weights = self.problem.weights if self.bar_width == 1 else 0
                cotangents = self.cotangent, self.bar_width, weights
                arrays = *saved[:2], bars, saved[2], edges
                self._pairs("back", part, first, end, *cotangents, *arrays)
                yield part, first, end, saved[2]

    def _rows(
        self, part: _Part, first: int, end: int, marks: Any, every: int, start: int, *saved: Any
    ) -> None:
        edges = self._empty(part.count * (end - first) * self.back.edge_values)
        marked = len(
            range(0, self.problem.x.steps << self.problem.plan.dyadic_order, self.back.rows)
        )
        self._pairs("rows", part, first, end, marks, marked, every, start, *saved, edges)

    def _pairs(self, name: str, part: _Part, first: int, end: int, *arguments: Any) -> None:
        grid = ceil(part.count * self.shape.lanes / THREADS)
        self._launch(name, grid, THREADS, *self._where(part, first, end), *arguments)

    def _where(self, part: _Part, first: int, end: int) -> tuple[int, ...]:
        sizes = part.first_x, part.x_count, part.first_y, part.y_count
        return self.problem.how, *sizes, first, end, self.back.strips

    def _launch(self, name: str, blocks: int, threads: int, *arguments: Any) -> None:
        sizes = self.problem.sizes(self.shape)
        device = self.problem.device
        kernel = raw_kernel("signature_kernel_vjp.cu", f"pysig_kernel_{name}", 0, device, *sizes)
        kernel((blocks,), (threads,), (*self.problem.arguments, *arguments))

    def _empty(self, size: int) -> Any:
        return self.cupy.empty(size, self.problem.dtype)

    def _zeros(self, *shape: int) -> Any:
        return self.cupy.zeros(shape, self.problem.dtype)
