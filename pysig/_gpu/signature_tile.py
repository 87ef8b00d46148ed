"""`method="tile"` on a GPU: the grid of signature_tile.cu, and the joins of signature_join.cu
for chunks of time."""

from __future__ import annotations

from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np

from pysig._gpu.compile import raw_kernel, real
from pysig._gpu.schedule import Ride, Tile, ride_for, tile_for
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform, steps_after

MOST_RIDES = 2**31 - 1  # a kernel counts paths x chunks in 32 bits
MOST_BLOCKS = 65535  # of tiles, the second axis of a grid
JOIN_THREADS = 128
JOIN_BLOCKS = 2**20


@lru_cache(maxsize=64)
def processors(cupy: Any, device: int) -> int:
    return int(cupy.cuda.runtime.getDeviceProperties(device)["multiProcessorCount"])


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
    device = cupy.cuda.runtime.getDevice()
    tile = tile_for(plan.channels, plan.depth, path.dtype.itemsize)
    steps = steps_after(transform, length - (basepoint is None))
    ride = ride_for(tile, batch, steps, processors(cupy, device), not stream)
    if ride.chunks > 1 and cupy.cuda.get_current_stream().is_capturing():
        # A graph that is replayed later must not write to scratch memory, which by then may be
        # someone else's.
        ride = ride_for(tile, batch, steps, processors(cupy, device), False)
    most = MOST_RIDES // ride.chunks
    for first in range(0, batch, most):
        part = slice(first, first + most)
        points, rows, base, start, counts = (
            a if a is None or batch <= most else a[part]
            for a in (path, out, basepoint, initial, lengths)
        )
        how = None if transform is None else transform.part(part)
        _run(
            cupy, points, rows, base, start, counts, how, plan, tile, ride, stream, inverse, device
        )


def _run(
    cupy: Any,
    path: Any,
    out: Any,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    transform: Transform | None,
    plan: Plan,
    tile: Tile,
    ride: Ride,
    stream: bool,
    inverse: bool,
    device: int,
) -> None:
    whole = ride.chunks == 1
    rides = len(path) * ride.chunks
    target = out if whole else cupy.empty((rides, plan.coefficients), path.dtype)
    launch(
        path,
        target,
        basepoint,
        initial,
        lengths,
        transform,
        tile,
        ride,
        stream=stream,
        inverse=inverse and whole,
        scalar=plan.scalar_term and whole,
        device=device,
    )
    if not whole:
        _join(cupy, target, out, plan, len(path), ride, inverse, device)


def path_arguments(
    path: Any, basepoint: Any, lengths: Any, transform: Transform | None, *between: Any
) -> tuple[Any, ...]:
    """The first arguments of a kernel that reads paths; `between` stand before `lengths`."""
    _, times, end = (0, None, 0.0) if transform is None else transform
    # CuPy hands None over as no argument at all; a null pointer is the integer 0.
    arrays = (0 if a is None else a for a in (basepoint, *between, lengths, times))
    width = 0 if times is None else times.shape[1]
    return path, *path.strides, path.shape[1], *arrays, width, np.float64(end)


def launch(
    path: Any,
    target: Any,
    basepoint: Any,
    initial: Any,
    lengths: Any,
    transform: Transform | None,
    tile: Tile,
    ride: Ride,
    *,
    stream: bool,
    inverse: bool,
    scalar: bool,
    device: int,
) -> None:
    """Fills `target` with the signatures of all rides, a row for each, or (`stream`) for each step
    of a path."""
    rides = len(path) * ride.chunks
    sizes = (
        ("real", real(path.dtype)),
        ("stream", int(stream)),
        ("inverse", int(inverse)),
        ("stages", 0 if transform is None else transform.stages),
        ("path_channels", path.shape[2]),
        *tile.sizes,
    )
    shared = 2 * ride.side * tile.ride * tile.itemsize
    kernel = raw_kernel("signature_tile.cu", "pysig_signature_tile", shared, device, *sizes)
    for first in range(0, tile.blocks, MOST_BLOCKS):
        kernel(
            (ceil(rides / ride.side), min(MOST_BLOCKS, tile.blocks - first)),
            (ride.side * tile.tiles,),
            (
                *path_arguments(path, basepoint, lengths, transform, initial),
                target,
                target.shape[-1],
                int(scalar),
                rides,
                ride.chunks,
                ride.steps,
                first * tile.tiles,
                tile.count,
            ),
            shared_mem=shared,
        )


def _join(
    cupy: Any, parts: Any, out: Any, plan: Plan, batch: int, ride: Ride, inverse: bool, device: int
) -> None:
    """Signatures of chunks (batch * chunks, size) into `out`."""
    sizes = (("real", real(out.dtype)), ("channels", plan.channels), ("depth", plan.depth))
    kernel = raw_kernel("signature_join.cu", "pysig_signature_join", 0, device, *sizes)
    words = plan.level_sizes[-1]
    chunks = ride.chunks
    while chunks > 1:
        groups = ceil(chunks / ride.radix)
        last = groups == 1
        target = out if last else cupy.empty((batch * groups, plan.coefficients), out.dtype)
        blocks = min(JOIN_BLOCKS, ceil(batch * groups * words / JOIN_THREADS))
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
                chunks,
                ride.radix,
            ),
        )
        parts, chunks = target, groups
