"""Projections of signatures of CuPy arrays: the launches of projection.cu.

The selected words are grouped into families, a word and some words one letter longer; one launch
for each length of words. Linear functionals are sums over the columns, for parts of the batch.
"""

from __future__ import annotations

from math import ceil
from typing import Any, NamedTuple

import numpy as np

from pysig._gpu.batches import parts_of
from pysig._gpu.compile import raw_kernel, real
from pysig._gpu.errors import operation, refuse_capture
from pysig._gpu.increments import direction_of, fill_increments, fill_point_cotangents
from pysig._gpu.memory import scratch_limit
from pysig._gpu.projection_families import Families, families_of
from pysig._gpu.ragged import padded
from pysig._plans.paths import Cotangents, Options, Paths, Tangents
from pysig._plans.projection import Projection

FILE = "projection.cu"
THREADS = 128
MAX_PATHS = 2**30  # of a launch
SEGMENT = 256  # steps; rebuilding states multiplies rounding errors by about sqrt(SEGMENT)
Groups = tuple[Any, Any]  # begin and index, see pysig_projection_sum


class _Sums(NamedTuple):
    """The result of pysig_projection_sum: `rows` rows of `outputs` sums."""

    out: Any
    rows: int
    outputs: int
    group: int  # rows of a group
    stride: int = 0  # from group to group
    add: bool = False  # to `out`


class _Problem:
    """Some paths of a call. For a transform, `read` and `along` hold increments as points."""

    def __init__(
        self, cupy: Any, plan: Projection, paths: Paths, tangents: Tangents | None, stream: bool
    ) -> None:
        self.cupy, self.plan, self.paths, self.stream = cupy, plan, paths, stream
        self.batch, self.steps, self.channels = paths.batch, paths.steps, paths.channels
        self.read: Paths = paths
        self.along = None if tangents is None else direction_of(paths, tangents)
        self.length = paths.points.shape[1]
        if paths.transform is not None:
            self.read = self._increments(paths, False)
            self.along = None if self.along is None else self._increments(self.along, True)
            self.length = self.steps + 1
        self.columns = len(plan.outputs)
        self.dtype = paths.points.dtype
        self.numbers = 1 if tangents is None else 2  # values of a number
        self.device = cupy.cuda.runtime.getDevice()

    def _increments(self, paths: Paths, tangent: bool) -> Paths:
        """Increments in place of points; they are zero after the end of a path."""
        x = self.cupy.empty((self.batch, self.steps, self.channels), paths.points.dtype)
        fill_increments(self.cupy, paths, 0, x, tangent)
        return Paths(x, initial=paths.initial)

    def kernel(self, name: str, families: Families | None) -> Any:
        """A kernel of projection.cu for these families."""
        sizes = (
            ("real", real(self.dtype)),
            ("letters", families.letters if families else 0),
            ("children", families.children if families else 1),
            ("tangents", int(families is not None and self.along is not None)),
            ("increments", int(families is not None and self.paths.transform is not None)),
        )
        return raw_kernel(FILE, name, 0, self.device, *sizes)

    def lines(self) -> tuple[Any, ...]:
        """Path, tangent and basepoints as the kernels take them; a null pointer is 0."""
        points, base = self.read.points, _null(self.read.basepoint)
        if self.along is None:
            return points, *points.strides, 0, 0, 0, 0, base, 0
        tangent, tangent_base = self.along.points, _null(self.along.basepoint)
        return points, *points.strides, tangent, *tangent.strides, base, tangent_base

    def sizes(self, families: Families) -> tuple[Any, ...]:
        """The arguments of both kernels that describe families and rows."""
        return (
            families.table,
            families.count,
            self.batch,
            self.length,
            self.channels,
            self.columns,
            families.sign,
            int(self.stream),
        )

    def forward(self, families: Families, out: Any, states: Any, segment: int) -> None:
        """The columns of `families` into `out`, or their states at the ends of segments."""
        initial = _null(self.read.initial), 0 if self.along is None else _null(self.along.initial)
        starts = *initial, _null(self.read.lengths)
        self.kernel("pysig_projection", families)(
            (ceil(self.batch * families.count / THREADS),),
            (THREADS,),
            (*self.lines(), *starts, *self.sizes(families), _null(out), _null(states), segment),
        )

    def values(self, out: Any) -> None:
        """All columns: (batch, rows, columns)."""
        for column, word in enumerate(self.plan.outputs):
            if not word:
                out[..., column] = 0 if self.numbers == 2 else 1
        for families in families_of(self.cupy, self.plan):
            self.forward(families, out, None, 1)

    def sum(self, values: Any, width: int, groups: Groups, weight: Any, sums: _Sums) -> None:
        """Sums of groups of the values in each row of `width` values, see projection.cu."""
        count = sums.rows * sums.outputs
        if count:
            self.kernel("pysig_projection_sum", None)(
                (ceil(count / THREADS),),
                (THREADS,),
                (values, width, *groups, _null(weight), *sums[:-1], int(sums.add)),
            )


def _null(array: Any) -> Any:
    return 0 if array is None else array


def _limit(cupy: Any, bytes_of_path: int) -> int:
    """Paths at a time whose scratch memory keeps to its limit; at least one."""
    return min(max(1, scratch_limit(cupy) // max(1, bytes_of_path)), MAX_PATHS)


def _sparse(cupy: Any, matrix: Any, dtype: Any) -> tuple[Groups, Any]:
    """The rows of a matrix as groups of columns, with weights."""
    rows, columns = np.nonzero(matrix)
    begin = np.concatenate([[0], np.cumsum(np.count_nonzero(matrix, axis=1))])
    index = columns if len(columns) else np.zeros(1)
    weight = matrix[rows, columns] if len(columns) else np.zeros(1)
    groups = (cupy.asarray(begin.astype(np.int32)), cupy.asarray(index.astype(np.int32)))
    return groups, cupy.asarray(weight.astype(dtype))


@operation
@padded
def projection(
    paths: Paths,
    out: Any,
    plan: Projection,
    matrix: Any,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `out` (batch, [rows,] outputs): rows of `matrix` times the columns of `plan`."""
    import cupy

    if out.size == 0:
        return
    itemsize = out.dtype.itemsize
    columns, rows = len(plan.outputs), out.shape[1] if options.stream else 1
    scratch = 0  # values for each path
    if paths.transform is not None:
        scratch = paths.steps * plan.channels * (1 if tangents is None else 2)
    if matrix is not None:
        scratch += rows * columns
    with paths.points.device:
        refuse_capture(cupy, "projection")
        if matrix is not None:
            groups, weight = _sparse(cupy, matrix, out.dtype)
        for part, some in parts_of(paths, _limit(cupy, scratch * itemsize)):
            along = None if tangents is None else tangents.part(part)
            problem = _Problem(cupy, plan, some, along, options.stream)
            if matrix is None:
                problem.values(out[part])
                continue
            values = cupy.empty((some.batch, rows, columns), out.dtype)
            problem.values(values)
            count = some.batch * rows
            sums = _Sums(out[part], count, len(matrix), count)
            problem.sum(values, columns, groups, weight, sums)


@operation
@padded
def projection_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Projection,
    matrix: Any,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `into` with the gradients; that of `initial` is (batch, columns)."""
    import cupy

    steps, numbers = paths.steps, 1 if tangents is None else 2
    segment = max(1, min(SEGMENT, steps))
    with paths.points.device:
        refuse_capture(cupy, "projection_vjp")
        segments = ceil(steps / segment)
        families = (f.scratch(segments, segment, numbers) for f in families_of(cupy, plan))
        scratch = max(families, default=0)  # values for each path
        scratch += steps * plan.channels * (1 if paths.transform is None else 1 + numbers)
        if matrix is not None:
            scratch += (steps if options.stream else 1) * len(plan.outputs)
        for part, some in parts_of(paths, _limit(cupy, scratch * paths.points.dtype.itemsize)):
            along = None if tangents is None else tangents.part(part)
            problem = _Problem(cupy, plan, some, along, options.stream)
            weights = _column_cotangents(problem, cotangent[part], matrix)
            _vjp(problem, weights, segment, into.part(part))


def _column_cotangents(problem: _Problem, cotangent: Any, matrix: Any) -> Any:
    """The cotangents of the columns from those of the functionals."""
    if matrix is None:
        return cotangent
    groups, weight = _sparse(problem.cupy, matrix.T, problem.dtype)
    rows = problem.batch * (problem.steps if problem.stream else 1)
    spread = problem.cupy.empty((rows, problem.columns), problem.dtype)
    sums = _Sums(spread, rows, problem.columns, rows)
    problem.sum(cotangent, len(matrix), groups, weight, sums)
    return spread


def _vjp(problem: _Problem, weights: Any, segment: int, into: Cotangents) -> None:
    cupy = problem.cupy
    if into.initial is not None:
        into.initial[...] = 0
    x_bar = cupy.zeros((problem.batch, problem.steps, problem.channels), problem.dtype)
    for families in families_of(cupy, problem.plan):
        state_bars = _family_vjp(problem, families, weights, segment, x_bar)
        if into.initial is not None:
            results = cupy.ascontiguousarray(state_bars[..., problem.numbers - 1])
            sums = _Sums(into.initial, problem.batch, problem.columns, problem.batch, add=True)
            width = families.width * families.count
            problem.sum(results, width, families.of_column, None, sums)
    fill_point_cotangents(cupy, x_bar, problem.paths, into)


def _family_vjp(
    problem: _Problem, families: Families, weights: Any, segment: int, x_bar: Any
) -> Any:
    """Add to `x_bar`, segment by segment backwards. Returns the cotangents of the first states."""
    cupy, batch, steps = problem.cupy, problem.batch, problem.steps
    width, count, numbers = families.width, families.count, problem.numbers
    segments, threads = max(1, ceil(steps / segment)), batch * count
    states = cupy.empty((segments, threads, max(1, families.letters), numbers), problem.dtype)
    state_bars = cupy.empty((batch, width, count, numbers), problem.dtype)
    contributions = cupy.empty((batch, segment, width, count), problem.dtype)
    problem.forward(families, None, states, segment)
    kernel = problem.kernel("pysig_projection_vjp", families)
    for number in range(segments - 1, -1, -1):
        begin, end = number * segment, min(steps, (number + 1) * segment)
        kernel(
            (ceil(threads / THREADS),),
            (THREADS,),
            (
                *problem.lines(),
                _null(problem.read.lengths),
                *problem.sizes(families),
                weights,
                states[number],
                state_bars,
                int(number == segments - 1),
                begin,
                end,
                contributions,
            ),
        )
        rows, stride = batch * (end - begin), steps * problem.channels
        target = x_bar[:, begin:end]
        sums = _Sums(target, rows, problem.channels, max(1, end - begin), stride, True)
        problem.sum(contributions, width * count, families.of_channel, None, sums)
    return state_bars
