"""`signature_vjp` on a GPU by tiles: the grid of signature_vjp.cu, and what the ways back of
chunks of time need to know of each other (signature_vjp_link.cu).

Only levels below the top are ever computed on the way forward: the signatures of all pieces of
the paths. A path of one piece that starts at the trivial signature needs no more.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from pysig._gpu.compile import raw_kernel, real
from pysig._gpu.increments import fill_point_adjoints
from pysig._gpu.memory import scratch_limit
from pysig._gpu.schedule import (
    LANES,
    SCRATCH,
    BackRide,
    BackTile,
    Ride,
    back_ride_for,
    back_tile_for,
    side_for,
    tile_for,
)
from pysig._gpu.signature_cumsum import antipode
from pysig._gpu.signature_tile import (
    MOST_BLOCKS,
    MOST_RIDES,
    launch,
    path_arguments,
    processors,
)
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform, steps_after

LINK_THREADS = 128
LINK_BLOCKS = 2**20
BLOCKS_AT_ONCE = 32  # of tiles, whose findings wait to be added up, if the scratch has room


def can(plan: Plan, stream: bool, itemsize: int) -> bool:
    """Whether there are tiles for it."""
    return not stream and back_tile_for(plan.channels, plan.depth, itemsize) is not None


def run(
    cupy: Any,
    path: Any,
    cotangent: Any,
    bars: tuple[Any, Any, Any],
    plan: Plan,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
) -> None:
    """Fills `bars`; see `pysig._gpu.signature_vjp.signature_vjp`. All arrays but `path` are
    contiguous."""
    batch, length, _ = path.shape
    steps = steps_after(transform, length - (basepoint is None))
    device = cupy.cuda.runtime.getDevice()
    tile = back_tile_for(plan.channels, plan.depth, path.dtype.itemsize)
    assert tile is not None
    budget = scratch_limit(cupy)
    ride = back_ride_for(tile, batch, steps, processors(cupy, device), min(SCRATCH, budget // 2))
    rest, block = _bytes_of_a_path(plan, tile, ride, steps, inverse)
    waiting = min(tile.blocks, BLOCKS_AT_ONCE) if tile.blocks > 1 else 0
    most = budget // max(1, rest + waiting * block)
    paths = max(1, min(batch, MOST_RIDES // ride.pieces, most))
    room = (budget - paths * rest) // max(1, paths * block)
    blocks = max(1, min(tile.blocks, MOST_BLOCKS, room))
    for first in range(0, batch, paths):
        part = slice(first, first + paths)
        points, rows, base, start, counts = (
            a if a is None or paths == batch else a[part]
            for a in (path, cotangent, basepoint, initial, lengths)
        )
        how = None if transform is None else transform.part(part)
        call = _Call(cupy, points, rows, base, start, counts, how, plan, tile, ride, steps, device)
        call.run(inverse, blocks, tuple(None if a is None else a[part] for a in bars))


def _bytes_of_a_path(
    plan: Plan, tile: BackTile, ride: BackRide, steps: int, inverse: bool
) -> tuple[int, int]:
    """Scratch memory of one path: what it takes anyway, and what a block of tiles finds."""
    rows = 2 * ride.pieces + 2 * ride.chunks + 1  # signatures, states; rests, adjoints
    copies = 1 + plan.scalar_term if inverse else 0  # of the cotangent
    coefficients = rows * plan.offsets[-2] + copies * plan.coefficients
    block = steps * plan.channels * tile.itemsize
    return coefficients * tile.itemsize + block, block


class _Call:
    """Some paths of one call."""

    def __init__(
        self,
        cupy: Any,
        path: Any,
        cotangent: Any,
        basepoint: Any,
        initial: Any,
        lengths: Any,
        transform: Transform | None,
        plan: Plan,
        tile: BackTile,
        ride: BackRide,
        steps: int,
        device: int,
    ) -> None:
        self.cupy, self.path, self.cotangent = cupy, path, cotangent
        self.basepoint, self.initial, self.lengths = basepoint, initial, lengths
        self.transform, self.plan, self.tile, self.ride = transform, plan, tile, ride
        self.steps, self.device, self.paths = steps, device, len(path)
        self.lower = plan.offsets[-2]

    def run(self, inverse: bool, blocks: int, bars: tuple[Any, ...]) -> None:
        """Fills the bars; so many blocks of tiles at once."""
        path_bar, basepoint_bar, initial_bar = bars
        cotangent = self.cotangent[:, int(self.plan.scalar_term) :]
        if inverse:  # the antipode is its own adjoint
            cotangent = antipode(self.cupy, cotangent, self.plan)
        width = cotangent.strides[0] // cotangent.itemsize
        signatures = self._signatures()
        states, lower_bars, lower_width = signatures, cotangent, width
        if self.ride.pieces > 1 or self.initial is not None:
            states = self._states(signatures)
        if self.ride.chunks > 1 or initial_bar is not None:
            rests = self._empty(self.paths, self.ride.chunks + 1, self.lower)
            in_chunk = self.ride.pieces // self.ride.chunks
            self._link(
                "rests", self._words, signatures, rests, self.paths, self.ride.pieces, in_chunk
            )
            if initial_bar is not None:
                self._bars(cotangent, width, rests, initial_bar, 1)
            if self.ride.chunks > 1:
                lower_bars = self._empty(self.paths * self.ride.chunks, self.lower)
                lower_width = self.lower
                self._bars(cotangent, width, rests[:, 1:], lower_bars, self.ride.chunks)
        x_bar = self._back(states, lower_bars, lower_width, cotangent, width, blocks)
        fill_point_adjoints(
            self.cupy,
            x_bar,
            self.lengths,
            self.transform,
            path_bar,
            basepoint_bar,
            self.basepoint is not None,
        )

    def _empty(self, *shape: int) -> Any:
        return self.cupy.empty(shape, self.path.dtype)

    # ---- the way forward ----

    def _signatures(self) -> Any:
        """Of the pieces, levels below the top: (paths * pieces, lower)."""
        pieces = self.ride.pieces
        tile = tile_for(self.plan.channels, self.plan.depth - 1, self.tile.itemsize)
        rides = self.paths * pieces
        side = side_for(tile, rides, processors(self.cupy, self.device))
        target = self._empty(rides, self.lower)
        launch(
            self.path,
            target,
            self.basepoint,
            None,
            self.lengths,
            self.transform,
            tile,
            Ride(pieces, self.ride.piece_steps, side, 1),
            stream=False,
            inverse=False,
            scalar=False,
            device=self.device,
        )
        return target

    # ---- signature_vjp_link.cu ----

    @property
    def _words(self) -> int:
        return self.paths * self.plan.level_sizes[-2]

    def _link(self, name: str, threads: int, *arguments: Any) -> None:
        sizes = (
            ("real", real(self.path.dtype)),
            ("channels", self.plan.channels),
            ("depth", self.plan.depth),
            ("lanes", LANES),
        )
        kernel = raw_kernel("signature_vjp_link.cu", f"pysig_link_{name}", 0, self.device, *sizes)
        blocks = max(1, min(LINK_BLOCKS, ceil(threads / LINK_THREADS)))
        kernel((blocks,), (LINK_THREADS,), arguments)

    def _states(self, signatures: Any) -> Any:
        states = self._empty(*signatures.shape)
        initial = 0 if self.initial is None else self.initial
        self._link("states", self._words, signatures, initial, states, self.paths, self.ride.pieces)
        return states

    def _bars(self, cotangent: Any, width: int, rests: Any, bars: Any, count: int) -> None:
        """`count` rows of bars for each path, from as many of its rests."""
        spacing, size = rests.strides[0] // rests.itemsize, bars.shape[1]
        arguments = cotangent, width, rests, spacing, bars, self.paths, count, size
        self._link("bars", bars.size * LANES, *arguments)

    # ---- the way back ----

    def _back(
        self,
        states: Any,
        lower_bars: Any,
        lower_width: int,
        cotangent: Any,
        width: int,
        blocks: int,
    ) -> Any:
        """The adjoints of the increments: (paths, steps, channels)."""
        tile, ride = self.tile, self.ride
        sizes = (
            ("real", real(self.path.dtype)),
            ("stages", 0 if self.transform is None else self.transform.stages),
            ("path_channels", self.path.shape[2]),
            *tile.sizes,
        )
        shared = ride.side * (tile.ride + tile.bars) * tile.itemsize
        kernel = raw_kernel("signature_vjp.cu", "pysig_signature_vjp", shared, self.device, *sizes)
        x_bar = self._empty(self.paths, self.steps, tile.channels)
        found = x_bar if tile.blocks == 1 else self._empty(blocks, *x_bar.shape)
        rides = self.paths * ride.chunks
        for first in range(0, tile.blocks, blocks):
            count = min(blocks, tile.blocks - first)
            kernel(
                (ceil(rides / ride.side), count),
                (ride.side * tile.tiles,),
                (
                    *path_arguments(self.path, self.basepoint, self.lengths, self.transform),
                    states,
                    lower_bars,
                    lower_width,
                    cotangent,
                    width,
                    found,
                    self.paths,
                    ride.chunks,
                    ride.steps,
                    ride.pieces,
                    ride.piece_steps,
                    first * tile.tiles,
                    tile.count,
                ),
                shared_mem=shared,
            )
            if tile.blocks > 1:
                self._link("sum", x_bar.size, found, count, x_bar, x_bar.size, int(first > 0))
        return x_bar
