"""`method="cumsum"` on a GPU: level by level, running sums over blocks of time (Genet and
Inzirillo, arXiv:2501.08455).

A level is one ElementwiseKernel with a thread per word and chunk of time, which adds the growth of
its word and writes every row. Where words are too few to fill the device, time is cut into chunks:
a ReductionKernel adds the growth within each chunk, `cupy.cumsum` scans the chunks, and each thread
starts from the sum of the chunks before. Without `stream` the rows are scratch memory for the
levels below the last, and the last level is a reduction, which stores nothing over time.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import Any

from pysig._gpu.batches import parts_of
from pysig._gpu.compile import elementwise_kernel, sum_kernel
from pysig._gpu.increments import fill_increments
from pysig._gpu.memory import scratch_limit
from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths

FILE = "signature_cumsum.cuh"
THREADS = 2**17  # fill a device; with fewer words, time is cut into chunks
MIN_CHUNK_STEPS = 16  # of a chunk
HISTORY = (
    "raw T start, raw T x, int64 batch, int64 time, int64 base, int64 size, int64 steps, int64 d"
)
MAKE = "pysig_gpu::history<T>{&rows[0], batch, time, base, &start[0], size, &x[0], steps, d}"


def _advance(level: int) -> Any:
    return elementwise_kernel(
        f"{HISTORY}, raw T added, int64 words, int64 chunks, int64 chunk_steps",
        "raw T rows",
        f"pysig_gpu::run_chunk({MAKE}, &rows[0], &added[0], i, words, chunks, chunk_steps)",
        f"pysig_level_{level}",
        FILE,
        ("level", level),
    )


def _sum(level: int) -> Any:
    return sum_kernel(
        "int64 t, int64 b, int64 chunk, int64 word, raw T rows, " + HISTORY + ", int64 chunk_steps",
        "T total",
        f"pysig_gpu::term({MAKE}, t, b, chunk, word, chunk_steps)",
        f"pysig_sum_level_{level}",
        FILE,
        ("level", level),
    )


def _finish() -> Any:
    return elementwise_kernel(
        "raw T state, int64 size, int64 d, int64 inverse, int64 scalar",
        "raw T out",
        """
        const ptrdiff_t row = i / size, index = i % size;
        out[row * (size + scalar) + scalar + index] =
            pysig_gpu::finished(&state[0] + row * size, index, d, inverse);
        """,
        "pysig_finish",
        FILE,
    )


def _invert() -> Any:
    return elementwise_kernel(
        "int64 size, int64 d, int64 scalar",
        "raw T out",
        "pysig_gpu::invert(&out[0] + i / size * (size + scalar) + scalar, i % size, d)",
        "pysig_invert",
        FILE,
    )


def antipode(cupy: Any, rows: Any, plan: Plan) -> Any:
    """The antipode of rows (..., plan.coefficients): out[w] = (-1)^|w| rows[reversed w]."""
    rows = cupy.ascontiguousarray(rows)
    out = cupy.empty(rows.shape, rows.dtype)
    if rows.size:
        _finish()(rows, plan.coefficients, plan.channels, 1, 0, out, size=rows.size)
    return out


class _Levels:
    """Levels of some paths over a block of time: the rows, and S before the block.

    `strides`: of `rows`, for paths and for steps, and the offset of level 1 in a row. x: the
    increments (batch, steps, d).
    """

    def __init__(
        self, cupy: Any, rows: Any, strides: tuple[int, int, int], state: Any, x: Any
    ) -> None:
        self.cupy, self.rows, self.x = cupy, rows, x
        self.history = (state, x, *strides, state.shape[1], *x.shape[1:])

    def sums(self, level: int, words: int, chunks: int, chunk_steps: int) -> Any:
        """The growth of each word of a level in each chunk: (batch, chunks, words)."""
        arange = self.cupy.arange
        t = arange(chunk_steps).reshape(-1, 1, 1, 1)
        b = arange(self.x.shape[0]).reshape(1, -1, 1, 1)
        chunk = arange(chunks).reshape(1, 1, -1, 1)
        word = arange(words).reshape(1, 1, 1, -1)
        return _sum(level)(t, b, chunk, word, self.rows, *self.history, chunk_steps, axis=0)

    def advance(self, level: int, words: int) -> None:
        """Write the rows of a level, given the levels below."""
        batch, steps = self.x.shape[:2]
        chunks = max(1, min(ceil(THREADS / (batch * words)), steps // MIN_CHUNK_STEPS))
        chunk_steps = ceil(steps / chunks)
        chunks = ceil(steps / chunk_steps)
        added = self.x  # not read by a single chunk
        if chunks > 1:
            added = self.cupy.cumsum(self.sums(level, words, chunks, chunk_steps), axis=1)
        _advance(level)(
            *self.history, added, words, chunks, chunk_steps, self.rows, size=batch * chunks * words
        )


def run(cupy: Any, paths: Paths, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out`; see `pysig._gpu.signature`."""
    batch, steps, itemsize = paths.batch, paths.steps, out.dtype.itemsize
    low = plan.offsets[-2]  # coefficients below the last level
    # Per path and step: an increment, and without `stream` a row of the lower levels. Per path: S,
    # twice.
    per_step = itemsize * (plan.channels + (0 if options.stream else low))
    per_path = itemsize * 2 * plan.coefficients
    budget = scratch_limit(cupy)
    size = max(1, min(batch, budget // (per_path + per_step * max(1, min(steps, 32)))))
    block = max(1, min(steps, (budget - size * per_path) // (size * per_step)))
    for part, some in parts_of(paths, size):
        if options.stream:
            _all_prefixes(cupy, some, out[part], plan, block, options.inverse)
        else:
            _whole_paths(cupy, some, out[part], plan, block, options.inverse)


def _blocks(cupy: Any, paths: Paths, block: int, channels: int) -> Iterator[tuple[int, int, Any]]:
    """First step, number of steps and increments of each block of time."""
    for first in range(0, paths.steps, block):
        count = min(block, paths.steps - first)
        x = cupy.empty((paths.batch, count, channels), paths.points.dtype)
        fill_increments(cupy, paths, first, x)
        yield first, count, x


def _all_prefixes(cupy: Any, paths: Paths, out: Any, plan: Plan, block: int, inverse: bool) -> None:
    """Every level at every step: the rows are `out`."""
    batch, steps, scalar = paths.batch, paths.steps, int(plan.scalar_term)
    state = cupy.empty((batch, plan.coefficients), out.dtype)
    state[...] = 0 if paths.initial is None else paths.initial
    strides = out.shape[1] * plan.size, plan.size, scalar
    for first, count, x in _blocks(cupy, paths, block, plan.channels):
        levels = _Levels(cupy, out[:, first:], strides, state, x)
        for level in range(1, plan.depth + 1):
            levels.advance(level, plan.level_sizes[level - 1])
        state[...] = out[:, first + count - 1, scalar:]
    if scalar:
        out[..., 0] = 1
    if inverse:
        size = batch * steps * plan.coefficients
        _invert()(plan.coefficients, plan.channels, scalar, out, size=size)


def _whole_paths(cupy: Any, paths: Paths, out: Any, plan: Plan, block: int, inverse: bool) -> None:
    """The last step only: the rows are scratch, without the last level, which is a reduction."""
    batch, low, scalar = paths.batch, plan.offsets[-2], int(plan.scalar_term)
    direct = not (inverse or scalar)
    state = out if direct else cupy.empty((batch, plan.coefficients), out.dtype)
    state[...] = 0 if paths.initial is None else paths.initial
    rows = cupy.empty((batch, block, max(1, low)), out.dtype)
    strides = rows.shape[1] * low, low, 0
    for _, count, x in _blocks(cupy, paths, block, plan.channels):
        levels = _Levels(cupy, rows, strides, state, x)
        for level in range(1, plan.depth):
            levels.advance(level, plan.level_sizes[level - 1])
        last = levels.sums(plan.depth, plan.level_sizes[-1], 1, count)
        state[:, low:] += last[:, 0]
        state[:, :low] = rows[:, count - 1, :low]
    if direct:
        return
    sizes = plan.coefficients, plan.channels, int(inverse), scalar
    _finish()(state, *sizes, out, size=state.size)
    if scalar:
        out[..., 0] = 1
