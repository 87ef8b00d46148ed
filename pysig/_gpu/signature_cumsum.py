"""`method="cumsum"` on a GPU: level by level, running sums over blocks of time (Genet and
Inzirillo, arXiv:2501.08455).

A level is one ElementwiseKernel, a thread per word and chunk of time, which adds its chain up and
writes every row. Where words are too few to fill the card, time is cut into chunks: a
ReductionKernel adds up each chunk, `cupy.cumsum` the chunks, and the threads start from there.
Without `stream` the rows are scratch, of levels below the last only, and the last level is a
reduction: nothing of its size times time is ever stored.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from pysig._gpu.compile import elementwise_kernel, sum_kernel
from pysig._gpu.increments import fill_increments
from pysig._gpu.memory import scratch_limit
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform, steps_after

FILE = "signature_cumsum.cuh"
THREADS = 2**17  # that fill a card; fewer words than that are cut into chunks of time
LEAST_STEPS = 16  # of a chunk
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
        const ptrdiff_t row = i / size, index = i % size; out[row * (size + scalar) + scalar +
        index] = pysig_gpu::finished(&state[0] + row * size, index, d, inverse); """,
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
    """Of the rows (..., plan.coefficients): the coefficient of w is (-1)^|w| times that of the
    reversed word."""
    rows = cupy.ascontiguousarray(rows)
    out = cupy.empty(rows.shape, rows.dtype)
    if rows.size:
        _finish()(rows, plan.coefficients, plan.channels, 1, 0, out, size=rows.size)
    return out


class _Block:
    """Lower levels of some paths over a block of time: the rows, and S before the block."""

    def __init__(self, cupy: Any, rows: Any, strides: tuple[int, int, int], state: Any, d: int):
        self.cupy, self.rows, self.state, self.d = cupy, rows, state, d
        self.batch_stride, self.time_stride, self.base = strides
        self.x: Any = None

    def begin(self, x: Any) -> None:
        """The increments (batch, steps, d) of the block."""
        self.x = x

    @property
    def history(self) -> tuple[Any, ...]:
        steps = self.x.shape[1]
        return (
            self.state,
            self.x,
            self.batch_stride,
            self.time_stride,
            self.base,
            self.state.shape[1],
            steps,
            self.d,
        )

    def sums(self, level: int, words: int, chunks: int, chunk_steps: int) -> Any:
        """What each chunk adds to each word of a level: (batch, chunks, words)."""
        arange = self.cupy.arange
        t = arange(chunk_steps).reshape(-1, 1, 1, 1)
        b = arange(self.x.shape[0]).reshape(1, -1, 1, 1)
        chunk = arange(chunks).reshape(1, 1, -1, 1)
        word = arange(words).reshape(1, 1, 1, -1)
        return _sum(level)(t, b, chunk, word, self.rows, *self.history, chunk_steps, axis=0)

    def advance(self, level: int, words: int) -> None:
        """Writes the rows of a level; the levels below are there."""
        batch, steps = self.x.shape[:2]
        chunks = max(1, min(ceil(THREADS / (batch * words)), steps // LEAST_STEPS))
        chunk_steps = ceil(steps / chunks)
        chunks = ceil(steps / chunk_steps)
        added = self.state  # not read where there is one chunk
        if chunks > 1:
            added = self.cupy.cumsum(self.sums(level, words, chunks, chunk_steps), axis=1)
        _advance(level)(
            *self.history, added, words, chunks, chunk_steps, self.rows, size=batch * chunks * words
        )


def run(
    cupy: Any,
    path: Any,
    out: Any,
    plan: Plan,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
) -> None:
    """Fills `out`; see `pysig._gpu.signature`."""
    batch, length, _ = path.shape
    channels, steps = plan.channels, steps_after(transform, length - (basepoint is None))
    itemsize = path.dtype.itemsize
    low = plan.offsets[-2]  # coefficients below the last level
    # Per path and step: an increment, and without `stream` a row of the lower levels. Per path: S,
    # twice.
    per_step = itemsize * (channels + (0 if stream else low))
    per_path = itemsize * 2 * plan.coefficients
    budget = scratch_limit(cupy)
    paths = max(1, min(batch, budget // (per_path + per_step * max(1, min(steps, 32)))))
    block = max(1, min(steps, (budget - paths * per_path) // (paths * per_step)))
    for first in range(0, batch, paths):
        part = slice(first, first + paths)
        base, start, counts = (
            None if a is None else a[part] for a in (basepoint, initial, lengths)
        )
        how = None if transform is None else transform.part(part)
        _run(cupy, path[part], out[part], base, start, counts, how, plan, block, stream, inverse)


def _run(
    cupy: Any,
    path: Any,
    out: Any,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    transform: Transform | None,
    plan: Plan,
    block: int,
    stream: bool,
    inverse: bool,
) -> None:
    batch, length, _ = path.shape
    d, dtype, low, scalar = plan.channels, path.dtype, plan.offsets[-2], int(plan.scalar_term)
    steps = steps_after(transform, length - (basepoint is None))
    direct = not (stream or inverse or scalar)
    state = out if direct else cupy.empty((batch, plan.coefficients), dtype)
    state[...] = 0 if initial is None else initial
    width = plan.size if stream else low
    rows = out if stream else cupy.empty((batch, block, max(1, width)), dtype)
    levels = range(1, plan.depth + 1 if stream else plan.depth)
    for first in range(0, steps, block):
        count = min(block, steps - first)
        x = cupy.empty((batch, count, d), dtype)
        fill_increments(cupy, path, basepoint, lengths, transform, first, x)
        here = rows[:, first:] if stream else rows
        strides = (rows.shape[1] * width, width, scalar if stream else 0)
        levels_of = _Block(cupy, here, strides, state, d)
        levels_of.begin(x)
        for level in levels:
            levels_of.advance(level, plan.level_sizes[level - 1])
        if stream:
            state[...] = rows[:, first + count - 1, scalar:]
        else:
            last = levels_of.sums(plan.depth, plan.level_sizes[-1], 1, count)
            state[:, low:] += last[:, 0]
            state[:, :low] = rows[:, count - 1, :low]
    if stream:
        if scalar:
            out[..., 0] = 1
        if inverse:
            _invert()(plan.coefficients, d, scalar, out, size=batch * steps * plan.coefficients)
    elif not direct:
        _finish()(state, plan.coefficients, d, int(inverse), scalar, out, size=state.size)
        if scalar:
            out[..., 0] = 1
