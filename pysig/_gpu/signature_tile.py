"""`method="tile"` on a GPU: the grid of signature_tile.cu, and for chunks of time the joins of
signature_join.cu."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from pysig._gpu.batches import parts_of
from pysig._gpu.compile import raw_kernel, real
from pysig._gpu.errors import is_capturing
from pysig._gpu.schedule import ChunkPlan, Tile, plan_chunks, tile_for
from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths
from pysig._plans.transform import NO_TRANSFORM

MAX_PAIRS = 2**31 - 1  # a kernel counts (path, chunk) pairs in 32 bits
MAX_BLOCKS = 65535  # of tiles, the second axis of a grid
JOIN_THREADS = 128
MAX_JOIN_BLOCKS = 2**20


@lru_cache(maxsize=64)
def processors(cupy: Any, device: int) -> int:
    """Multiprocessors of a device."""
    return int(cupy.cuda.runtime.getDeviceProperties(device)["multiProcessorCount"])


def run(cupy: Any, paths: Paths, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out`; see `pysig._gpu.signature`."""
    device = cupy.cuda.runtime.getDevice()
    tile = tile_for(plan.channels, plan.depth, out.dtype.itemsize)
    problem = tile, paths.batch, paths.steps, processors(cupy, device)
    chunks = plan_chunks(*problem, not options.stream)
    if chunks.count > 1 and is_capturing(cupy):  # no scratch memory for signatures of chunks
        chunks = plan_chunks(*problem, False)
    for part, some in parts_of(paths, MAX_PAIRS // chunks.count):
        rows = out if some is paths else out[part]
        if chunks.count == 1:
            launch(some, rows, tile, chunks, options, plan.scalar_term)
            continue
        parts = cupy.empty((some.batch * chunks.count, plan.coefficients), out.dtype)
        launch(some, parts, tile, chunks, Options())
        _join(cupy, parts, rows, plan, chunks, options.inverse)


def path_arguments(paths: Paths, *between: Any) -> tuple[Any, ...]:
    """The first arguments of a kernel that reads paths; `between` go before `lengths`."""
    points, transform = paths.points, paths.transform or NO_TRANSFORM
    times = transform.times
    # The integer 0 is a null pointer in every version of CuPy; None is one in some.
    arrays = (0 if a is None else a for a in (paths.basepoint, *between, paths.lengths, times))
    width = 0 if times is None else times.shape[1]
    return points, *points.strides, points.shape[1], *arrays, width, np.float64(transform.end)


def path_sizes(paths: Paths) -> tuple[tuple[str, int | str], ...]:
    """The -D sizes of a kernel that reads paths."""
    return (
        ("real", real(paths.points.dtype)),
        ("stages", 0 if paths.transform is None else paths.transform.stages),
        ("path_channels", paths.points.shape[2]),
    )


def launch(
    paths: Paths,
    target: Any,
    tile: Tile,
    chunks: ChunkPlan,
    options: Options,
    scalar_term: bool = False,
) -> None:
    """Fill `target` with signatures: a row for each (path, chunk) pair, or for each step of a path
    with `options.stream`."""
    pairs = paths.batch * chunks.count
    sizes = (
        *path_sizes(paths),
        ("stream", int(options.stream)),
        ("inverse", int(options.inverse)),
        *tile.sizes,
    )
    shared = 2 * chunks.pairs_per_block * tile.stage_values * tile.itemsize
    device = target.device.id
    kernel = raw_kernel("signature_tile.cu", "pysig_signature_tile", shared, device, *sizes)
    arguments = path_arguments(paths, paths.initial)
    for first in range(0, tile.blocks, MAX_BLOCKS):
        kernel(
            (ceil(pairs / chunks.pairs_per_block), min(MAX_BLOCKS, tile.blocks - first)),
            (chunks.pairs_per_block * tile.tiles,),
            (
                *arguments,
                target,
                target.shape[-1],
                int(scalar_term),
                pairs,
                chunks.count,
                chunks.steps,
                first * tile.tiles,
                tile.count,
            ),
            shared_mem=shared,
        )


def _join(cupy: Any, parts: Any, out: Any, plan: Plan, chunks: ChunkPlan, inverse: bool) -> None:
    """The signatures of chunks, (batch * chunks, coefficients), joined into `out`."""
    sizes = (("real", real(out.dtype)), ("channels", plan.channels), ("depth", plan.depth))
    kernel = raw_kernel("signature_join.cu", "pysig_signature_join", 0, out.device.id, *sizes)
    words, batch, count = plan.level_sizes[-1], len(out), chunks.count
    while count > 1:
        groups = ceil(count / chunks.radix)
        last = groups == 1
        target = out if last else cupy.empty((batch * groups, plan.coefficients), out.dtype)
        blocks = min(MAX_JOIN_BLOCKS, ceil(batch * groups * words / JOIN_THREADS))
        kernel(
            (blocks,),
            (JOIN_THREADS,),
            (
                parts,
                target,
                plan.size if last else plan.coefficients,
                int(plan.scalar_term and last),
                int(inverse and last),
                batch,
                count,
                chunks.radix,
            ),
        )
        parts, count = target, groups
