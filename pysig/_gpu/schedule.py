"""P2. The cost model: shapes of word tiles, chunks of time, which method.

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
    side = max(1, min(THREADS // tile.tiles, parts(batch * best, processors)))
    return Ride(best, each, side, radix_for(best))


def method_for(channels: int, depth: int, stream: bool) -> str:
    """Tiles where each coefficient is written once; running sums where every prefix is written
    anyway.

    With `stream` both methods are bound by the memory that the rows take. The running sums write
    it in whole lines and in parallel over time; a tile would write its few words of every row
    apart from its neighbours'. One channel has one word per level: nothing to tile.
    """
    return "cumsum" if stream or channels == 1 or channels > MOST_CHANNELS else "tile"
