"""Projections of signatures of CuPy arrays: the launches of projection.cu.

The words that are asked for are cut into families, a word and some words one letter longer; one
launch for each length of words. Linear functionals are sums over the columns, slice by slice of the
batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

import numpy as np

from pysig._combinatorics.words import Word
from pysig._gpu.compile import raw_kernel, real
from pysig._gpu.increments import fill_increments, fill_point_adjoints
from pysig._gpu.memory import scratch_limit
from pysig._plans.projection import Projection
from pysig._plans.transform import Transform, steps_after

FILE = "projection.cu"
MOST_CHILDREN = 4  # of a thread: they share the chain of their prefix, and its registers
THREADS = 128
SEGMENT = 256  # steps: rebuilding states costs the square root of this many roundings


class _Families:
    """The words of one length among those that are asked for, on a device."""

    def __init__(self, cupy: Any, plan: Projection, letters: int, words: dict[Word, int]) -> None:
        """`words`: the words of the signature, of letters + 1 letters, and their columns."""
        siblings: dict[Word, list[Word]] = {}
        for word in sorted(words):
            siblings.setdefault(word[:-1], []).append(word)
        most = max(map(len, siblings.values()))  # a power of two: few kernels to compile
        most = min(MOST_CHILDREN, 1 << (most - 1).bit_length())
        rows = [
            (prefix, below[k : k + most])
            for prefix, below in siblings.items()
            for k in range(0, len(below), most)
        ]
        self.letters, self.children, self.width = letters, most, letters + most
        self.count, self.sign = len(rows), -1 if plan.inverse and letters % 2 == 0 else 1
        start = {word: k for k, word in enumerate(plan.outputs)}
        table = np.full((len(rows), 1 + 2 * self.width + most), -1, np.int32)
        for row, (prefix, below) in zip(table, rows, strict=True):
            used = [*(prefix[: k + 1] for k in range(letters)), *below]
            row[0] = len(below)
            row[1 : 1 + len(used)] = [word[-1] for word in used]
            row[1 + self.width :][: len(used)] = [start.get(word, -1) for word in used]
            row[1 + 2 * self.width :][: len(below)] = [words[word] for word in below]
        self.table = cupy.asarray(table)
        # Which letters of which families are a channel's, and whose adjoints belong to a column.
        slots = table[:, 1 : 1 + self.width].T.ravel()  # (letter, family)
        self.of_channel = _grouped(cupy, slots, plan.channels)
        columns = table[:, 1 + self.width : 1 + 2 * self.width].T.ravel()
        self.of_column = _grouped(cupy, columns, len(plan.outputs))

    def scratch(self, segments: int, segment: int, numbers: int) -> int:
        """Values for each path, of numbers of so many parts."""
        kept = (segments * self.letters + self.width) * numbers
        return self.count * (kept + self.width * (1 + segment))


def _grouped(cupy: Any, groups: Any, count: int) -> tuple[Any, Any]:
    """Places by group: those of group j are index[begin[j] : begin[j + 1]]; -1 belongs to none."""
    order = np.argsort(groups, kind="stable")
    begin = np.searchsorted(groups[order], np.arange(count + 1))
    return cupy.asarray(begin.astype(np.int32)), cupy.asarray(order.astype(np.int32))


def _families(cupy: Any, plan: Projection) -> list[_Families]:
    """For each length of words; made once for a device."""
    device = cupy.cuda.runtime.getDevice()
    if device not in plan.kept:
        by_length: dict[int, dict[Word, int]] = {}
        for column, word in enumerate(plan.outputs):
            read = word[::-1] if plan.inverse else word
            by_length.setdefault(len(word), {})[read] = column
        plan.kept[device] = [
            _Families(cupy, plan, length - 1, words)
            for length, words in sorted(by_length.items())
            if length
        ]
    found: list[_Families] = plan.kept[device]
    return found


class _Launch:
    """What all launches of a call share: the arrays of some paths."""

    def __init__(self, cupy: Any, plan: Projection, stream: bool, arrays: dict[str, Any]) -> None:
        self.cupy, self.plan, self.stream = cupy, plan, stream
        self.path, self.tangent = arrays["path"], arrays["tangent"]
        self.basepoint, self.initial = arrays["basepoint"], arrays["initial"]
        self.lengths = arrays["lengths"]
        self.moves = (arrays["basepoint_tangent"], arrays["initial_tangent"])
        self.batch, self.length, self.channels = self.path.shape
        self.steps = self.length - (self.basepoint is None)
        self.transform = arrays["transform"]
        if self.transform is not None:
            self._make_ready()
        self.columns = len(plan.outputs)
        self.numbers = 1 if self.tangent is None else 2

    def _make_ready(self) -> None:
        """Increments of the transformed paths in place of points; they are zero after the end."""
        own = self.basepoint, self.moves[0]
        self.steps, self.channels = steps_after(self.transform, self.steps), self.plan.channels
        ready: list[Any] = []
        for points, base in zip((self.path, self.tangent), own, strict=True):
            if points is None:
                ready.append(None)
                continue
            x = self.cupy.empty((self.batch, self.steps, self.channels), points.dtype)
            moves = points is self.tangent
            fill_increments(
                self.cupy, points, base, self.lengths, self.transform, 0, x, moves=moves
            )
            ready.append(x)
        self.path, self.tangent = ready
        self.length, self.basepoint, self.lengths = self.steps + 1, None, None
        self.moves = (None, self.moves[1])

    def kernel(self, name: str, families: _Families | None) -> Any:
        sizes = (
            ("real", real(self.path.dtype)),
            ("letters", families.letters if families else 0),
            ("children", families.children if families else 1),
            ("moves", 0 if self.tangent is None or families is None else 1),
            ("ready", 0 if self.transform is None or families is None else 1),
        )
        return raw_kernel(FILE, name, 0, self.cupy.cuda.runtime.getDevice(), *sizes)

    def lines(self) -> tuple[Any, ...]:
        """Path, tangent and basepoints as the kernels take them; a null pointer is 0."""
        moves = (0, 0, 0, 0) if self.tangent is None else (self.tangent, *self.tangent.strides)
        return (self.path, *self.path.strides, *moves, _null(self.basepoint), _null(self.moves[0]))

    def sizes(self, families: _Families) -> tuple[Any, ...]:
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

    def forward(self, families: _Families, out: Any, states: Any, segment: int) -> None:
        """The columns of `families` into `out`, or their states at the ends of segments."""
        starts = (_null(self.initial), _null(self.moves[1]), _null(self.lengths))
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
        for families in _families(self.cupy, self.plan):
            self.forward(families, out, None, 1)

    def sum(
        self,
        values: Any,
        width: int,
        which: tuple[Any, Any],
        weight: Any,
        out: Any,
        rows: int,
        outputs: int,
        group: int,
        stride: int,
        more: bool,
    ) -> None:
        """Sums of values into rows of `out`, see projection.cu."""
        if rows * outputs == 0:
            return
        self.kernel("pysig_projection_sum", None)(
            (ceil(rows * outputs / THREADS),),
            (THREADS,),
            (values, width, *which, _null(weight), out, rows, outputs, group, stride, int(more)),
        )


def _null(array: Any) -> Any:
    return 0 if array is None else array


def _slices(cupy: Any, batch: int, bytes_each: int) -> Iterator[slice]:
    """Of the batch, so that scratch memory stays within its limit; one path at least."""
    most = min(max(1, scratch_limit(cupy) // max(1, bytes_each)), 2**30)
    for first in range(0, batch, most):
        yield slice(first, first + most)


def _part(arrays: dict[str, Any], part: slice) -> dict[str, Any]:
    return {
        k: None if a is None else a.part(part) if isinstance(a, Transform) else a[part]
        for k, a in arrays.items()
    }


def _sparse(cupy: Any, matrix: Any, dtype: Any) -> tuple[tuple[Any, Any], Any]:
    rows, columns = np.nonzero(matrix)
    begin = np.concatenate([[0], np.cumsum(np.count_nonzero(matrix, axis=1))])
    index = columns if len(columns) else np.zeros(1)
    weight = matrix[rows, columns] if len(columns) else np.zeros(1)
    which = (cupy.asarray(begin.astype(np.int32)), cupy.asarray(index.astype(np.int32)))
    return which, cupy.asarray(weight.astype(dtype))


def projection(
    path: Any,
    out: Any,
    *,
    plan: Projection,
    matrix: Any,
    stream: bool,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    transform: Transform | None,
    workers: int,
    tangent: Any = None,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
) -> None:
    """Fills `out` as that of `pysig._cpu.projection` does."""
    import cupy

    arrays = {
        "path": path,
        "tangent": tangent,
        "basepoint": basepoint,
        "basepoint_tangent": basepoint_tangent,
        "initial": initial,
        "initial_tangent": initial_tangent,
        "lengths": lengths,
        "transform": transform,
    }
    if out.size == 0:
        return
    columns, rows = len(plan.outputs), out.shape[1] if stream else 1
    each = 0  # values of scratch for each path
    if transform is not None:
        steps = steps_after(transform, path.shape[1] - (basepoint is None))
        each = steps * plan.channels * (1 if tangent is None else 2)
    if matrix is None:
        for part in _slices(cupy, len(path), each * path.dtype.itemsize):
            _Launch(cupy, plan, stream, _part(arrays, part)).values(out[part])
        return
    which, weight = _sparse(cupy, matrix, path.dtype)
    for part in _slices(cupy, len(path), (each + rows * columns) * path.dtype.itemsize):
        call = _Launch(cupy, plan, stream, _part(arrays, part))
        values = cupy.empty((call.batch, rows, columns), path.dtype)
        call.values(values)
        count = call.batch * rows
        call.sum(values, columns, which, weight, out[part], count, len(matrix), count, 0, False)


def projection_vjp(
    path: Any,
    cotangent: Any,
    path_bar: Any,
    basepoint_bar: Any,
    initial_bar: Any,
    *,
    plan: Projection,
    matrix: Any,
    stream: bool,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    transform: Transform | None,
    workers: int,
    tangent: Any = None,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
) -> None:
    """Fills the gradients as that of `pysig._cpu.projection` does."""
    import cupy

    arrays = {
        "path": path,
        "tangent": tangent,
        "basepoint": basepoint,
        "basepoint_tangent": basepoint_tangent,
        "initial": initial,
        "initial_tangent": initial_tangent,
        "lengths": lengths,
        "transform": transform,
        "cotangent": cotangent,
        "path_bar": path_bar,
        "basepoint_bar": basepoint_bar,
        "initial_bar": initial_bar,
    }
    steps = steps_after(transform, path.shape[1] - (basepoint is None))
    segment = max(1, min(SEGMENT, steps))
    numbers = 1 if tangent is None else 2
    scratch = [f.scratch(ceil(steps / segment), segment, numbers) for f in _families(cupy, plan)]
    arrays_of_steps = 1 if transform is None else 1 + numbers
    values = max(scratch, default=0) + steps * plan.channels * arrays_of_steps
    if matrix is not None:
        values += (steps if stream else 1) * len(plan.outputs)
    for part in _slices(cupy, len(path), values * path.dtype.itemsize):
        some = _part(arrays, part)
        _vjp(_Launch(cupy, plan, stream, some), matrix, segment, some)


def _vjp(call: _Launch, matrix: Any, segment: int, arrays: dict[str, Any]) -> None:
    cupy, dtype = call.cupy, call.path.dtype
    weights = arrays["cotangent"]
    if matrix is not None:  # of functionals: that of the columns
        which, weight = _sparse(cupy, matrix.T, dtype)
        rows = call.batch * (call.steps if call.stream else 1)
        spread = cupy.empty((rows, call.columns), dtype)
        call.sum(weights, len(matrix), which, weight, spread, rows, call.columns, rows, 0, False)
        weights = spread
    if arrays["initial_bar"] is not None:
        arrays["initial_bar"][...] = 0
    x_bar = cupy.zeros((call.batch, call.steps, call.channels), dtype)
    for families in _families(cupy, call.plan):
        _family_vjp(call, families, weights, segment, x_bar, arrays["initial_bar"])
    bars = arrays["path_bar"], arrays["basepoint_bar"], arrays["basepoint"] is not None
    fill_point_adjoints(cupy, x_bar, arrays["lengths"], call.transform, *bars)


def _family_vjp(
    call: _Launch, families: _Families, weights: Any, segment: int, x_bar: Any, initial_bar: Any
) -> None:
    cupy, dtype = call.cupy, call.path.dtype
    batch, steps, width = call.batch, call.steps, families.width
    segments = max(1, ceil(steps / segment))
    threads = batch * families.count
    states = cupy.empty((segments, threads, max(1, families.letters), call.numbers), dtype)
    adjoints = cupy.empty((batch, width, families.count, call.numbers), dtype)
    wishes = cupy.empty((batch, segment, width, families.count), dtype)
    call.forward(families, None, states, segment)
    kernel = call.kernel("pysig_projection_vjp", families)
    for number in range(segments - 1, -1, -1):
        begin, end = number * segment, min(steps, (number + 1) * segment)
        kernel(
            (ceil(threads / THREADS),),
            (THREADS,),
            (
                *call.lines(),
                _null(call.lengths),
                *call.sizes(families),
                weights,
                states[number],
                adjoints,
                int(number == segments - 1),
                begin,
                end,
                wishes,
            ),
        )
        call.sum(
            wishes,
            width * families.count,
            families.of_channel,
            None,
            x_bar[:, begin:end],
            batch * (end - begin),
            call.channels,
            max(1, end - begin),
            steps * call.channels,
            True,
        )
    if initial_bar is not None:
        wanted = cupy.ascontiguousarray(adjoints[..., call.numbers - 1])
        call.sum(
            wanted,
            width * families.count,
            families.of_column,
            None,
            initial_bar,
            batch,
            call.columns,
            batch,
            0,
            True,
        )
