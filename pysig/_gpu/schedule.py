"""The cost model: shapes of word tiles, chunks of time, which method.

All constants that decide between plans stand here. They were counted in the machine code that
ptxas 13 makes for sm_90; cycles are estimates from the published latencies of that machine, not
measurements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

THREADS = 128  # most threads of a block
MOST_CHANNELS = 4096  # more do not fit the staging of a block; the running sums take over
# Registers for the coefficients of a tile. The steps need some 40 to 70 beside them, a thread has
# 255: with 88 values of 32 bits or 44 of 64, no shape spills (test_nvrtc.py reads it in the log)
# and three or more warps of a scheduler fit.
COEFFICIENTS = {4: 88, 8: 44}
SMALL = 1.15  # a smaller tile is taken if it costs at most this much more: more threads
SCRATCH = 64 * 2**20  # bytes for the signatures of chunks

SCHEDULERS = 4  # of a multiprocessor, each issues an instruction per cycle
STEP_LATENCY = 40  # cycles that a step takes a lone warp at least, and for each letter of depth
LETTER_LATENCY = 8
LAUNCH = 5000  # cycles of a launch, with the time until its first step
JOIN_LATENCY = 700  # cycles of one factor of Chen's product, its reads from the L2 cache included
LEAST_STEPS = 8  # of a chunk
SHORTEST_JOIN = 2
RADIX = 16  # factors of one join at most, about

# The way back.
MOST_BACK = 32  # channels; more are matrix products, which the running sums hand to a library
# Values of 32 bits that a tile and its chains may take there: up to 110 registers come beside them.
BACK_REGISTERS = 140
BACK_BYTES = 320  # shared memory of a thread for what its words want of the increments
BACK_STEPS = 16  # of a stage
BACK_LATENCY = 100  # cycles that a step takes a lone warp at least, and for each letter of depth
BACK_LETTER_LATENCY = 50
PIECE = 512  # steps over which states are rebuilt: costs about the square root of it in roundings
LANES = 8  # that share one coefficient of the adjoint at the end of a chunk


def parts(whole: int, part: int) -> int:
    """How many parts cover the whole: exact, however large."""
    return -(-whole // part)


@dataclass(frozen=True)
class Tile:
    """Shape of a word tile, see signature_tile.cu: the last `letters` letters, the first of them
    in blocks of `rows`, the last of them in blocks of `columns`."""

    channels: int
    depth: int
    itemsize: int
    letters: int
    rows: int
    columns: int

    @cached_property
    def row_blocks(self) -> int:
        return parts(self.channels, self.rows) if self.letters > 1 else 1

    @cached_property
    def column_blocks(self) -> int:
        return parts(self.channels, self.columns)

    @cached_property
    def coefficients(self) -> int:
        """Values that a thread holds, but for its prefixes."""
        width, total = 1, 0
        for k in range(1, self.letters + 1):
            last, first = k == self.letters, k == 1
            width *= self.columns if last else self.rows if first else self.channels
            total += width
        return total

    @cached_property
    def count(self) -> int:
        """Tiles of a path."""
        prefixes: int = self.channels ** (self.depth - self.letters)
        return self.row_blocks * self.column_blocks * prefixes

    @cached_property
    def tiles(self) -> int:
        """Tiles that share a block."""
        return parts(self.count, self.blocks)

    @cached_property
    def blocks(self) -> int:
        """Blocks over which the tiles of a path are spread."""
        return parts(self.count, THREADS)

    @cached_property
    def vector(self) -> int:
        """Values that one load from shared memory brings, 16 bytes at most."""
        return (
            min(self.channels, 16 // self.itemsize) if self.channels != 3 else 16 // self.itemsize
        )

    @cached_property
    def steps(self) -> int:
        """Steps of a stage: a thread fetches 4 values ahead, 8 where few threads share a path."""
        ahead = 8 if self.tiles < 16 else 4
        return max(1, min(64, ahead * self.tiles // self.channels))

    @cached_property
    def row(self) -> int:
        """Shared values of an increment: whole blocks of letters, whole vectors."""
        letters = max(
            self.channels,
            self.row_blocks * self.rows if self.letters > 1 else 0,
            self.column_blocks * self.columns,
        )
        return -(-letters // self.vector) * self.vector

    @cached_property
    def ride(self) -> int:
        """Shared values of a stage of one path: an odd number of vectors, so that paths of one
        warp meet in different banks."""
        values = self.steps * self.row
        return values + (0 if values // self.vector % 2 else self.vector)

    @cached_property
    def issue(self) -> int:
        """Instructions of one step of a thread: multiply-adds, the products by 1/r, loads from
        shared memory, the loop."""

        def node(reach: int) -> int:  # horner.hpp's extend
            return max(1, 2 * (reach - 1))

        prefix = sum(node(reach) for reach in range(self.letters + 1, self.depth + 1))
        width, words = 1, 0
        for k in range(1, self.letters + 1):
            last, first = k == self.letters, k == 1
            width *= self.columns if last else self.rows if first else self.channels
            words += width * node(self.letters - k + 1)
        read = self.columns + (self.rows if self.letters > 1 and self.row_blocks > 1 else 0)
        loads = self.depth - self.letters + parts(read, self.vector)
        return prefix + words + loads + 4

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """What signature_tile.cu wants as -D."""
        names = ("channels", "depth", "letters", "rows", "columns", "tiles", "steps", "row", "ride")
        return tuple((name, getattr(self, name)) for name in names)


def side_for(tile: Tile, rides: int, processors: int) -> int:
    """Rides side by side in a block: as many as its threads hold, unless processors went idle."""
    return max(1, min(THREADS // tile.tiles, parts(rides, processors)))


@lru_cache(maxsize=1024)
def tile_for(channels: int, depth: int, itemsize: int) -> Tile:
    """The tile that costs the fewest instructions per coefficient, or a smaller one that costs
    hardly more."""
    some = range(1, min(channels, 16) + 1)
    shapes: list[tuple[int, int, int]] = []
    for letters in range(1, depth + 1):
        if letters > 2 and 2 * channels ** (letters - 1) > 2 * COEFFICIENTS[itemsize]:
            break
        rows = some if letters > 1 else (1,)
        columns = some if letters < 3 else (channels,)
        shapes += [(letters, i, j) for i, j in product(rows, columns)]
    tiles = [Tile(channels, depth, itemsize, *shape) for shape in shapes]
    fitting = [t for t in tiles if t.coefficients <= COEFFICIENTS[itemsize]]
    least = min(t.issue * t.count for t in fitting)
    good = [t for t in fitting if t.issue * t.count <= SMALL * least]
    return min(good, key=lambda t: (t.coefficients, t.issue * t.count))


@dataclass(frozen=True)
class Ride:
    """How a batch is spread over the card: chunks of time, their steps, paths side by side in a
    block, radix of the joins."""

    chunks: int
    steps: int
    side: int
    radix: int


def _join_cycles(chunks: int, radix: int, factor: float) -> float:
    cycles = 0.0
    while chunks > 1:
        cycles += LAUNCH + (min(radix, chunks) - 1) * factor
        chunks = parts(chunks, radix)
    return cycles


def radix_for(chunks: int) -> int:
    """Factors of one join: equal joins, each of about RADIX factors at most."""
    joins = 1
    while RADIX**joins < chunks:
        joins += 1
    radix: int = max(SHORTEST_JOIN, round(chunks ** (1 / joins)))
    while radix**joins < chunks:
        radix += 1
    return radix


@lru_cache(maxsize=4096)
def ride_for(tile: Tile, batch: int, steps: int, processors: int, divisible: bool) -> Ride:
    """The chunks of time that take the fewest cycles: steps in sequence against joins, while the
    scratch stays small."""
    slots = processors * SCHEDULERS
    size = sum(tile.channels**k for k in range(1, tile.depth + 1))
    words = tile.channels**tile.depth
    latency = STEP_LATENCY + LETTER_LATENCY * tile.depth
    # Index, load and multiply-add of every pair of prefix and suffix.
    factor_issue = 2.5 * tile.depth**2

    def cycles(chunks: int) -> float:
        warps = max(1.0, batch * chunks * tile.count / 32 / slots)
        factor = max(
            JOIN_LATENCY, factor_issue * batch * chunks / radix_for(chunks) * words / 32 / slots
        )
        joins = _join_cycles(chunks, radix_for(chunks), factor)
        return parts(steps, chunks) * max(latency, tile.issue * warps) + joins

    best, chunks = 1, 2
    while (
        divisible
        and chunks * LEAST_STEPS <= steps
        and batch * chunks * size * tile.itemsize * (1 + 1 / SHORTEST_JOIN) <= SCRATCH
    ):
        if cycles(chunks) < cycles(best):
            best = chunks
        chunks *= 2
    each = max(1, parts(steps, best))
    best = max(1, parts(steps, each))
    return Ride(best, each, side_for(tile, batch * best, processors), radix_for(best))


# ---- the way back ----


@dataclass(frozen=True)
class BackTile(Tile):
    """Shape of a tile of signature_vjp.cu: `columns` are all `channels`."""

    @cached_property
    def coefficients(self) -> int:
        """Values that a thread holds: states and adjoints, those of the longest words but once; the
        chains of all words above; what is wanted of an increment."""
        lower, width = self.depth - self.letters, 1
        for k in range(1, self.letters):
            width *= self.rows if k == 1 else self.channels
            lower += width
        chains = sum(range(2, self.depth)) + 2 * (self.rows if self.letters == 2 else self.channels)
        wanted = self.channels + (self.rows if self.row_blocks > 1 else 0)
        return width * self.channels + 2 * lower + chains + wanted

    @cached_property
    def line(self) -> int:
        """Shared values of a thread and step: an odd number, so that the threads of a warp write to
        different banks."""
        return self.channels | 1

    @cached_property
    def pitch(self) -> int:
        """Shared values of a step: so many that the columns of one step begin, among the banks,
        where those of the step before end."""
        lines, banks = self.tiles * self.line, 128 // self.itemsize
        return lines if self.tiles < 16 else lines + (self.channels - lines) % banks

    @cached_property
    def steps(self) -> int:
        """Steps of a stage: a thread fetches 32 bytes ahead where few threads share a path, else
        16; bounded by the shared memory of their lines."""
        ahead = (32 if self.tiles < 16 else 16) // self.itemsize
        fetched = ahead * self.tiles // self.channels
        written = BACK_BYTES // (self.line * self.itemsize)
        return max(1, min(BACK_STEPS, fetched, written))

    @cached_property
    def bars(self) -> int:
        """Shared values of the lines of a stage of one path."""
        return self.steps * self.pitch

    @cached_property
    def issue(self) -> int:
        """Instructions of one step of a thread, and of its share of the sums of the lines."""

        def node(reach: int) -> int:  # horner.hpp's retreat and extend_adjoint
            return 6 * reach - 4

        prefixes = self.depth - self.letters
        words = sum(node(self.depth - k) for k in range(prefixes))
        words -= self.depth if prefixes else 0  # nothing is wanted of the empty word
        width = 1
        for k in range(1, self.letters):
            width *= self.rows if k == 1 else self.channels
            words += width * node(self.letters - k + 1)
        words += 2 * width * self.channels
        apart = self.rows if self.row_blocks > 1 else 0  # first letters, added to the line later
        memory = (
            3 * prefixes + self.channels + parts(self.channels + apart, self.vector) + 2 * apart
        )
        return words + memory + 8 + 2 * self.channels

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """What signature_vjp.cu wants as -D."""
        return (
            *super().sizes,
            *((name, getattr(self, name)) for name in ("line", "pitch", "bars")),
        )


@lru_cache(maxsize=1024)
def back_tile_for(channels: int, depth: int, itemsize: int) -> BackTile | None:
    """As tile_for; None where no tile fits the registers, or running sums are better."""
    if not 1 < channels <= MOST_BACK or depth < 2:
        return None
    most = BACK_REGISTERS * 4 // itemsize
    fitting = []
    for letters in range(2, depth + 1):
        if channels ** (letters - 1) > most:
            break
        tiles = (
            BackTile(channels, depth, itemsize, letters, rows, channels)
            for rows in range(1, min(channels, 16) + 1)
        )
        fitting += [t for t in tiles if t.coefficients <= most]
    if not fitting:
        return None
    least = min(t.issue * t.count for t in fitting)
    good = [t for t in fitting if t.issue * t.count <= SMALL * least]
    return min(good, key=lambda t: (t.coefficients, t.issue * t.count))


@dataclass(frozen=True)
class BackRide:
    """How a batch is spread over the card on the way back: chunks of time, their steps; the pieces
    of a path, a whole number of which is a chunk, their steps; rides side by side in a block."""

    chunks: int
    steps: int
    pieces: int
    piece_steps: int
    side: int


def _back_ride(tile: BackTile, batch: int, steps: int, chunks: int, processors: int) -> BackRide:
    """With about so many chunks, of whole stages and pieces of equal size."""
    each = max(1, parts(steps, chunks))
    in_chunk = parts(each, PIECE)
    piece = parts(parts(each, in_chunk), tile.steps) * tile.steps
    each = in_chunk * piece
    chunks = max(1, parts(steps, each))
    side = side_for(tile, batch * chunks, processors)
    return BackRide(chunks, each, chunks * in_chunk, piece, side)


@lru_cache(maxsize=4096)
def back_ride_for(
    tile: BackTile, batch: int, steps: int, processors: int, scratch: int = SCRATCH
) -> BackRide:
    """The chunks of time that take the fewest cycles: steps in sequence against products of the
    signatures of pieces, and contractions with them, while these take `scratch` bytes at most."""
    slots = processors * SCHEDULERS
    lower = sum(tile.channels**k for k in range(1, tile.depth))
    words, size = tile.channels ** (tile.depth - 1), lower + tile.channels**tile.depth
    latency = max(BACK_LATENCY + BACK_LETTER_LATENCY * tile.depth, tile.issue)
    product = 2.5 * (tile.depth - 1) ** 2 * batch * words / 32 / slots
    # Terms by LANES threads at a time, and their sum.
    pull = batch * (4 * tile.depth * size + 40 * LANES * lower) / 32 / slots
    longest = 8 * size / tile.channels / LANES

    def cycles(ride: BackRide) -> float:
        warps = max(1.0, batch * ride.chunks * tile.count / 32 / slots)
        walk = ride.steps * max(latency, tile.issue * warps)
        chain = LAUNCH + ride.pieces * max(JOIN_LATENCY, product)
        links = (chain if ride.pieces > 1 else 0) + (chain if ride.chunks > 1 else 0)
        ends = LAUNCH + max(longest, pull * ride.chunks) if ride.chunks > 1 else 0
        return walk + links + ends

    best, chunks = _back_ride(tile, batch, steps, 1, processors), 2
    while chunks * LEAST_STEPS <= steps and batch * chunks * 4 * lower * tile.itemsize <= scratch:
        ride = _back_ride(tile, batch, steps, chunks, processors)
        if cycles(ride) < cycles(best):
            best = ride
        chunks *= 2
    return best


def method_for(channels: int, depth: int, stream: bool) -> str:
    """Tiles where each coefficient is written once; running sums where every prefix is written
    anyway.

    With `stream` both methods are bound by the memory that the rows take. The running sums write
    it in whole lines and in parallel over time; a tile would write its few words of every row
    apart from its neighbours'. One channel has one word per level: nothing to tile.
    """
    return "cumsum" if stream or channels == 1 or channels > MOST_CHANNELS else "tile"
