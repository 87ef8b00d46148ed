"""The cost model of GPUs: shapes of word tiles, chunks of time, the choice of the method.

All constants that decide between plans are in this file. Instructions were counted in the machine
code of ptxas 13 for sm_90. Cycles are estimates from the published latencies of that machine, not
measurements.

A *chunk* is a part of the time of a path; one group of threads processes one (path, chunk) pair.
A *stage* is the steps whose increments are in shared memory together. A *segment* is the steps
over which a gradient rebuilds states from one stored state.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product

MAX_THREADS = 128  # of a block
MAX_CHANNELS = 4096  # more do not fit the staging of a block; the running sums take over
# Values of a tile in the registers of a thread, by the bytes of a value. A step needs 40 to 70
# registers more, and a thread has 255. With these limits no shape spills (test_nvrtc.py checks the
# log of the compiler), and three or more warps fit each scheduler.
COEFFICIENTS = {4: 88, 8: 44}
SMALL_TILE_COST = 1.15  # largest relative cost at which a smaller tile, more threads, is taken
SCRATCH = 64 * 2**20  # bytes for the signatures of chunks

SCHEDULERS = 4  # of a multiprocessor, each issues an instruction per cycle
STEP_LATENCY = 40  # cycles of a step of a warp that is alone: at least, and for each level
LETTER_LATENCY = 8
LAUNCH = 5000  # cycles of a launch, until its first step
JOIN_LATENCY = 700  # cycles of one factor of Chen's product, with its reads from the L2 cache
MIN_CHUNK_STEPS = 8  # of a chunk
MIN_RADIX, MAX_RADIX = 2, 16  # factors of one join, about
INTERVAL_ROW, INTERVAL_PRODUCT = 2.0, 4.0  # in steps: rows written and read again, by memory

# Gradients.
MAX_BACK_CHANNELS = 32  # with more, most work is matrix products: running sums call a library
# Values of 32 bits of a tile and its chains; a step needs up to 110 registers more.
BACK_REGISTERS = 140
BACK_BYTES = 320  # shared memory of a thread for the cotangents of increments
BACK_STEPS = 16  # of a stage
BACK_LATENCY = 100  # cycles of a step of a warp that is alone: at least, and for each level
BACK_LETTER_LATENCY = 50
SEGMENT = 512  # steps; rebuilding states multiplies rounding errors by about sqrt(SEGMENT)
LANES = 8  # threads that share one coefficient of a cotangent at the end of a chunk


def parts(whole: int, part: int) -> int:
    """ceil(whole / part) in exact integers."""
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
        """Values that a thread holds, without its prefixes."""
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
        return parts(self.count, MAX_THREADS)

    @cached_property
    def vector(self) -> int:
        """Values of one load from shared memory, at most 16 bytes."""
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
    def stage_values(self) -> int:
        """Shared values of a stage of a pair: an odd number of vectors, against bank conflicts."""
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
        """The -D sizes of signature_tile.cu."""
        names = ("channels", "depth", "letters", "rows", "columns", "tiles", "steps", "row")
        sizes = tuple((name, getattr(self, name)) for name in names)
        return (*sizes, ("stage_values", self.stage_values))


def pairs_per_block(tile: Tile, pairs: int, processors: int) -> int:
    """(path, chunk) pairs of a block: as many as fit, unless multiprocessors were idle."""
    return max(1, min(MAX_THREADS // tile.tiles, parts(pairs, processors)))


@lru_cache(maxsize=1024)
def tile_for(channels: int, depth: int, itemsize: int) -> Tile:
    """The tile of the fewest instructions per coefficient, or a smaller, hardly slower one."""
    sizes = range(1, min(channels, 16) + 1)
    shapes: list[tuple[int, int, int]] = []
    for letters in range(1, depth + 1):
        if letters > 2 and 2 * channels ** (letters - 1) > 2 * COEFFICIENTS[itemsize]:
            break
        rows = sizes if letters > 1 else (1,)
        columns = sizes if letters < 3 else (channels,)
        shapes += [(letters, i, j) for i, j in product(rows, columns)]
    tiles = [Tile(channels, depth, itemsize, *shape) for shape in shapes]
    fitting = [t for t in tiles if t.coefficients <= COEFFICIENTS[itemsize]]
    least = min(t.issue * t.count for t in fitting)
    good = [t for t in fitting if t.issue * t.count <= SMALL_TILE_COST * least]
    return min(good, key=lambda t: (t.coefficients, t.issue * t.count))


@dataclass(frozen=True)
class ChunkPlan:
    """How a batch is spread over the device."""

    count: int  # chunks of a path
    steps: int  # of a chunk
    pairs_per_block: int
    radix: int  # chunks that one join multiplies


def _join_cycles(chunks: int, radix: int, factor: float) -> float:
    cycles = 0.0
    while chunks > 1:
        cycles += LAUNCH + (min(radix, chunks) - 1) * factor
        chunks = parts(chunks, radix)
    return cycles


def radix_for(chunks: int) -> int:
    """Factors of one join: joins of equal size, each of about MAX_RADIX factors at most."""
    joins = 1
    while MAX_RADIX**joins < chunks:
        joins += 1
    radix: int = max(MIN_RADIX, round(chunks ** (1 / joins)))
    while radix**joins < chunks:
        radix += 1
    return radix


@lru_cache(maxsize=4096)
def plan_chunks(tile: Tile, batch: int, steps: int, processors: int, divisible: bool) -> ChunkPlan:
    """The chunks of time of the fewest cycles, steps in sequence plus joins, whose signatures fit
    SCRATCH."""
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
        and chunks * MIN_CHUNK_STEPS <= steps
        and batch * chunks * size * tile.itemsize * (1 + 1 / MIN_RADIX) <= SCRATCH
    ):
        if cycles(chunks) < cycles(best):
            best = chunks
        chunks *= 2
    each = max(1, parts(steps, best))
    best = max(1, parts(steps, each))
    return ChunkPlan(best, each, pairs_per_block(tile, batch * best, processors), radix_for(best))


# ---- gradients ----


@dataclass(frozen=True)
class BackTile(Tile):
    """Shape of a tile of signature_vjp.cu: `columns` are all `channels`."""

    @cached_property
    def coefficients(self) -> int:
        """Values that a thread holds: states and their cotangents (of the longest words the
        cotangents only), the chains of all shorter words, the cotangent of an increment."""
        lower, width = self.depth - self.letters, 1
        for k in range(1, self.letters):
            width *= self.rows if k == 1 else self.channels
            lower += width
        chains = sum(range(2, self.depth)) + 2 * (self.rows if self.letters == 2 else self.channels)
        increment = self.channels + (self.rows if self.row_blocks > 1 else 0)
        return width * self.channels + 2 * lower + chains + increment

    @cached_property
    def line(self) -> int:
        """Shared values of a line, of one thread and step: odd, against bank conflicts."""
        return self.channels | 1

    @cached_property
    def pitch(self) -> int:
        """Shared values of a step: among the banks, steps begin where the step before ends."""
        lines, banks = self.tiles * self.line, 128 // self.itemsize
        return lines if self.tiles < 16 else lines + (self.channels - lines) % banks

    @cached_property
    def steps(self) -> int:
        """Steps of a stage: a thread fetches 32 bytes ahead where few threads share a path, else
        16; the shared memory of the lines is bounded."""
        ahead = (32 if self.tiles < 16 else 16) // self.itemsize
        fetched = ahead * self.tiles // self.channels
        written = BACK_BYTES // (self.line * self.itemsize)
        return max(1, min(BACK_STEPS, fetched, written))

    @cached_property
    def bars(self) -> int:
        """Shared values of the lines of a stage of one pair."""
        return self.steps * self.pitch

    @cached_property
    def issue(self) -> int:
        """Instructions of one step of a thread, with its share of the sums of the lines."""

        def node(reach: int) -> int:  # horner.hpp's retreat and extend_adjoint
            return 6 * reach - 4

        prefixes = self.depth - self.letters
        words = sum(node(self.depth - k) for k in range(prefixes))
        words -= self.depth if prefixes else 0  # the empty word has no cotangent
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
        """The -D sizes of signature_vjp.cu."""
        return (
            *super().sizes,
            *((name, getattr(self, name)) for name in ("line", "pitch", "bars")),
        )


@lru_cache(maxsize=1024)
def back_tile_for(channels: int, depth: int, itemsize: int) -> BackTile | None:
    """As `tile_for`; None where no tile fits the registers, or running sums are better."""
    if not 1 < channels <= MAX_BACK_CHANNELS or depth < 2:
        return None
    limit = BACK_REGISTERS * 4 // itemsize
    fitting = []
    for letters in range(2, depth + 1):
        if channels ** (letters - 1) > limit:
            break
        tiles = (
            BackTile(channels, depth, itemsize, letters, rows, channels)
            for rows in range(1, min(channels, 16) + 1)
        )
        fitting += [t for t in tiles if t.coefficients <= limit]
    if not fitting:
        return None
    least = min(t.issue * t.count for t in fitting)
    good = [t for t in fitting if t.issue * t.count <= SMALL_TILE_COST * least]
    return min(good, key=lambda t: (t.coefficients, t.issue * t.count))


@dataclass(frozen=True)
class BackChunkPlan:
    """How the gradients of a batch are spread over the device; segments divide chunks."""

    count: int  # chunks of a path
    steps: int  # of a chunk
    segments: int  # of a path
    segment_steps: int
    pairs_per_block: int


def _equal_chunks(
    tile: BackTile, batch: int, steps: int, chunks: int, processors: int
) -> BackChunkPlan:
    """About `chunks` chunks, of whole stages and segments of equal size."""
    each = max(1, parts(steps, chunks))
    in_chunk = parts(each, SEGMENT)
    segment = parts(parts(each, in_chunk), tile.steps) * tile.steps
    each = in_chunk * segment
    chunks = max(1, parts(steps, each))
    pairs = pairs_per_block(tile, batch * chunks, processors)
    return BackChunkPlan(chunks, each, chunks * in_chunk, segment, pairs)


@lru_cache(maxsize=4096)
def plan_back_chunks(
    tile: BackTile, batch: int, steps: int, processors: int, scratch: int = SCRATCH
) -> BackChunkPlan:
    """The chunks of time of the fewest cycles, whose scratch memory fits `scratch` bytes: steps in
    sequence, plus products of the signatures of segments and contractions with them."""
    slots = processors * SCHEDULERS
    lower = sum(tile.channels**k for k in range(1, tile.depth))
    words, size = tile.channels ** (tile.depth - 1), lower + tile.channels**tile.depth
    latency = max(BACK_LATENCY + BACK_LETTER_LATENCY * tile.depth, tile.issue)
    product = 2.5 * (tile.depth - 1) ** 2 * batch * words / 32 / slots
    # Terms by LANES threads at a time, and their sum.
    pull = batch * (4 * tile.depth * size + 40 * LANES * lower) / 32 / slots
    longest = 8 * size / tile.channels / LANES

    def cycles(plan: BackChunkPlan) -> float:
        warps = max(1.0, batch * plan.count * tile.count / 32 / slots)
        walk = plan.steps * max(latency, tile.issue * warps)
        chain = LAUNCH + plan.segments * max(JOIN_LATENCY, product)
        links = (chain if plan.segments > 1 else 0) + (chain if plan.count > 1 else 0)
        ends = LAUNCH + max(longest, pull * plan.count) if plan.count > 1 else 0
        return walk + links + ends

    best, chunks = _equal_chunks(tile, batch, steps, 1, processors), 2
    while (
        chunks * MIN_CHUNK_STEPS <= steps and batch * chunks * 4 * lower * tile.itemsize <= scratch
    ):
        plan = _equal_chunks(tile, batch, steps, chunks, processors)
        if cycles(plan) < cycles(best):
            best = plan
        chunks *= 2
    return best


def method_for(channels: int, depth: int, stream: bool) -> str:
    """Tiles where each coefficient is written once; running sums where every prefix is written.

    With `stream` the bandwidth of the memory bounds both methods. Running sums write whole lines,
    in parallel over time; a tile would scatter its few words of every row. One channel has one
    word per level: nothing to tile.
    """
    return "cumsum" if stream or channels == 1 or channels > MAX_CHANNELS else "tile"
