"""`signature_vjp` on a GPU by tiles: the grid of signature_vjp.cu, and the links between segments
and chunks of time (signature_vjp_link.cu).

Forwards, only levels below the top are computed: the signatures of all segments of the paths. These
suffice for a path of one segment that starts from the trivial signature.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from pysig._gpu.batches import parts_of
from pysig._gpu.compile import raw_kernel, real
from pysig._gpu.increments import fill_point_cotangents
from pysig._gpu.memory import scratch_limit
from pysig._gpu.schedule import (
    LANES,
    SCRATCH,
    BackChunkPlan,
    BackTile,
    ChunkPlan,
    back_tile_for,
    pairs_per_block,
    plan_back_chunks,
    tile_for,
)
from pysig._gpu.signature_cumsum import antipode
from pysig._gpu.signature_tile import (
    MAX_BLOCKS,
    MAX_PAIRS,
    launch,
    path_arguments,
    path_sizes,
    processors,
)
from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths

LINK_THREADS = 128
MAX_LINK_BLOCKS = 2**20
BLOCKS_AT_ONCE = 32  # of tiles, whose results wait for their sum, if the scratch memory suffices


def has_tiles(plan: Plan, stream: bool, itemsize: int) -> bool:
    """Whether there are tiles for it."""
    return not stream and back_tile_for(plan.channels, plan.depth, itemsize) is not None


def run(
    cupy: Any, paths: Paths, cotangent: Any, into: Cotangents, plan: Plan, options: Options
) -> None:
    """Fill `into`; see `pysig._gpu.signature_vjp`. All arrays but the points are contiguous."""
    batch, steps = paths.batch, paths.steps
    device = cupy.cuda.runtime.getDevice()
    tile = back_tile_for(plan.channels, plan.depth, paths.points.dtype.itemsize)
    assert tile is not None
    budget = scratch_limit(cupy)
    scratch = min(SCRATCH, budget // 2)
    chunks = plan_back_chunks(tile, batch, steps, processors(cupy, device), scratch)
    fixed, block = _bytes_of_a_path(plan, tile, chunks, steps, options.inverse)
    waiting = min(tile.blocks, BLOCKS_AT_ONCE) if tile.blocks > 1 else 0
    limit = budget // max(1, fixed + waiting * block)
    size = max(1, min(batch, MAX_PAIRS // chunks.segments, limit))
    room = (budget - size * fixed) // max(1, size * block)
    blocks = max(1, min(tile.blocks, MAX_BLOCKS, room))
    for part, some in parts_of(paths, size):
        whole = some is paths
        rows = cotangent if whole else cotangent[part]
        gradient = _Gradient(cupy, some, plan, tile, chunks)
        gradient.fill(rows, into if whole else into.part(part), options.inverse, blocks)


def _bytes_of_a_path(
    plan: Plan, tile: BackTile, chunks: BackChunkPlan, steps: int, inverse: bool
) -> tuple[int, int]:
    """Scratch memory of one path: what it always takes, and the x_bar of one block of tiles."""
    rows = 2 * chunks.segments + 2 * chunks.count + 1  # signatures, states; rests, cotangents
    copies = 1 + plan.scalar_term if inverse else 0  # of the cotangent
    coefficients = rows * plan.offsets[-2] + copies * plan.coefficients
    block = steps * plan.channels * tile.itemsize
    return coefficients * tile.itemsize + block, block


class _Gradient:
    """The gradients of some paths, whose scratch memory fits the limit."""

    def __init__(
        self, cupy: Any, paths: Paths, plan: Plan, tile: BackTile, chunks: BackChunkPlan
    ) -> None:
        self.cupy, self.paths, self.plan, self.tile, self.chunks = cupy, paths, plan, tile, chunks
        self.dtype, self.device = paths.points.dtype, paths.points.device.id
        self.lower = plan.offsets[-2]  # coefficients below the top level

    def fill(self, cotangent: Any, into: Cotangents, inverse: bool, blocks: int) -> None:
        """Fill `into`; `blocks` of the blocks of tiles are computed at once."""
        batch, chunks = self.paths.batch, self.chunks
        cotangent = cotangent[:, int(self.plan.scalar_term) :]
        if inverse:  # the antipode is its own adjoint
            cotangent = antipode(self.cupy, cotangent, self.plan)
        signatures = self._signatures()
        states, lower_bars = signatures, cotangent
        if chunks.segments > 1 or self.paths.initial is not None:
            states = self._states(signatures)
        if chunks.count > 1 or into.initial is not None:
            rests = self._rests(signatures)
            if into.initial is not None:
                self._bars(cotangent, rests, into.initial, 1)
            if chunks.count > 1:
                lower_bars = self._empty(batch * chunks.count, self.lower)
                self._bars(cotangent, rests[:, 1:], lower_bars, chunks.count)
        x_bar = self._back(states, lower_bars, cotangent, blocks)
        fill_point_cotangents(self.cupy, x_bar, self.paths, into)

    def _empty(self, *shape: int) -> Any:
        return self.cupy.empty(shape, self.dtype)

    # ---- forwards ----

    def _signatures(self) -> Any:
        """Of the segments, levels below the top: (batch * segments, lower)."""
        segments = self.chunks.segments
        tile = tile_for(self.plan.channels, self.plan.depth - 1, self.tile.itemsize)
        pairs = self.paths.batch * segments
        per_block = pairs_per_block(tile, pairs, processors(self.cupy, self.device))
        target = self._empty(pairs, self.lower)
        chunks = ChunkPlan(segments, self.chunks.segment_steps, per_block, 1)
        launch(self.paths._replace(initial=None), target, tile, chunks, Options())
        return target

    # ---- signature_vjp_link.cu ----

    @property
    def _words(self) -> int:
        return self.paths.batch * self.plan.level_sizes[-2]

    def _link(self, name: str, threads: int, *arguments: Any) -> None:
        sizes = (
            ("real", real(self.dtype)),
            ("channels", self.plan.channels),
            ("depth", self.plan.depth),
            ("lanes", LANES),
        )
        kernel = raw_kernel("signature_vjp_link.cu", f"pysig_link_{name}", 0, self.device, *sizes)
        blocks = max(1, min(MAX_LINK_BLOCKS, ceil(threads / LINK_THREADS)))
        kernel((blocks,), (LINK_THREADS,), arguments)

    def _states(self, signatures: Any) -> Any:
        states = self._empty(*signatures.shape)
        initial = 0 if self.paths.initial is None else self.paths.initial
        sizes = self.paths.batch, self.chunks.segments
        self._link("states", self._words, signatures, initial, states, *sizes)
        return states

    def _rests(self, signatures: Any) -> Any:
        batch, segments, count = self.paths.batch, self.chunks.segments, self.chunks.count
        rests = self._empty(batch, count + 1, self.lower)
        self._link("rests", self._words, signatures, rests, batch, segments, segments // count)
        return rests

    def _bars(self, cotangent: Any, rests: Any, bars: Any, count: int) -> None:
        """`count` rows of bars for each path, from as many of its rests."""
        width, spacing = _row_stride(cotangent), _row_stride(rests)
        arguments = cotangent, width, rests, spacing, bars, self.paths.batch, count, bars.shape[1]
        self._link("bars", bars.size * LANES, *arguments)

    # ---- backwards ----

    def _back(self, states: Any, lower_bars: Any, cotangent: Any, blocks: int) -> Any:
        """The cotangents of the increments: (batch, steps, channels)."""
        tile, chunks, batch = self.tile, self.chunks, self.paths.batch
        shared = chunks.pairs_per_block * (tile.stage_values + tile.bars) * tile.itemsize
        sizes = (*path_sizes(self.paths), *tile.sizes)
        kernel = raw_kernel("signature_vjp.cu", "pysig_signature_vjp", shared, self.device, *sizes)
        x_bar = self._empty(batch, self.paths.steps, tile.channels)
        found = x_bar if tile.blocks == 1 else self._empty(blocks, *x_bar.shape)
        bars = lower_bars, _row_stride(lower_bars), cotangent, _row_stride(cotangent)
        arguments = *path_arguments(self.paths), states, *bars, found, batch
        for first in range(0, tile.blocks, blocks):
            count = min(blocks, tile.blocks - first)
            kernel(
                (ceil(batch * chunks.count / chunks.pairs_per_block), count),
                (chunks.pairs_per_block * tile.tiles,),
                (
                    *arguments,
                    chunks.count,
                    chunks.steps,
                    chunks.segments,
                    chunks.segment_steps,
                    first * tile.tiles,
                    tile.count,
                ),
                shared_mem=shared,
            )
            if tile.blocks > 1:
                self._link("sum", x_bar.size, found, count, x_bar, x_bar.size, int(first > 0))
        return x_bar


def _row_stride(rows: Any) -> int:
    """Values from one row to the next."""
    return int(rows.strides[0] // rows.itemsize)
