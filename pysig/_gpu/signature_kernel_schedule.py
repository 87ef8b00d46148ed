"""The cost model of signature kernels on a GPU: columns of a lane, lanes and warps of a pair, pairs
of a unit, rows of a block of gradients.

Values in registers are counted in words of 32 bits. They are estimates of what the compiler needs;
test_nvrtc.py checks that nothing spills.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pysig._gpu.schedule import SCHEDULERS, parts
from pysig._plans.signature_kernel import KernelPlan

REGISTERS = 172  # words of the values that a lane holds; addresses need about 60 more
CHANNEL_REGISTERS = 32  # words of an increment that are kept; longer ones are read for every row
MAX_UNROLLED = 32  # values of a column
MAX_COLUMNS = 4  # of a lane: exchanges then cost (P + 1) / 4 instructions a cell
MIN_LANES = 4
WARP = 32
MAX_WARPS = 8  # of a block that share a pair
THREADS = 128  # of a block whose groups are independent
FULL = 4  # warps for each scheduler that hide latencies
MIN_PAIRS = 2048  # of a part of a gradient, if it processes all rows at once
MAX_BLOCK = 64  # paths x that follow each other: filling the lanes costs 31 rows in about 64 paths


@dataclass(frozen=True)
class Shape:
    """How the cells of a pair are spread over threads, see signature_kernel.cuh."""

    columns: int  # of a lane
    lanes: int
    warps: int
    channels: int  # in registers; 0: none

    @property
    def width(self) -> int:
        """Columns of a strip."""
        return self.columns * self.lanes

    @property
    def threads(self) -> int:
        """Threads that share a unit."""
        return self.lanes * self.warps

    @property
    def sizes(self) -> tuple[tuple[str, int], ...]:
        """The -D sizes of signature_kernel.cuh."""
        return ("columns", self.columns), ("lanes", self.lanes), ("channels", self.channels)


def column_values(plan: KernelPlan) -> int:
    """Values that a cell keeps for a column."""
    if plan.scheme == "finite_difference":
        return 1
    return plan.order * max(1, plan.depth)


def row_values(plan: KernelPlan) -> int:
    """Values that a cell hands on along a row."""
    return 2 if plan.scheme == "finite_difference" else column_values(plan)


def is_unrolled(plan: KernelPlan) -> bool:
    """Whether the values of a column can be registers; else a thread keeps them in memory."""
    return column_values(plan) <= MAX_UNROLLED


def _registers(plan: KernelPlan, kept: int, columns: int, back: bool) -> int:
    """Values that a lane holds: edges A of all columns, the increments of y, and a few edges B; on
    the way back A, A_bar and B of all columns."""
    column, row = column_values(plan), row_values(plan)
    forward = columns * (column + kept) + 5 * row
    return max(forward, columns * (3 * column + 1) + 4 * row) if back else forward


@lru_cache(maxsize=1024)
def shape_for(
    plan: KernelPlan,
    channels: int,
    steps: int,
    units: int,
    words: int,
    processors: int,
    back: bool = False,
) -> Shape:
    """The shape for `steps` refined columns of y, for at most `units` units. A value has `words`
    words of 32 bits. `channels` = 0: the increments are given."""
    kept = channels if 0 < channels * words <= CHANNEL_REGISTERS else 0
    columns = MAX_COLUMNS
    while columns > 1 and words * _registers(plan, kept, columns, back) > REGISTERS:
        columns //= 2
    slots = processors * SCHEDULERS * FULL
    while columns > 1 and units * parts(steps, WARP * columns) < slots and steps > columns:
        columns //= 2
    lanes = MIN_LANES
    while lanes < WARP and lanes * columns < steps:
        lanes *= 2
    warps, strips = 1, parts(steps, lanes * columns)
    while not back and warps < min(MAX_WARPS, strips) and units * warps < slots:
        warps *= 2
    return Shape(columns, lanes, warps, kept)


def block_for(pairs: int, paths: int, processors: int) -> int:
    """Paths x of a unit: more where there are units for all schedulers."""
    slots = processors * SCHEDULERS * FULL * 4
    return max(1, min(MAX_BLOCK, paths, pairs // slots))


@dataclass(frozen=True)
class BackPlan:
    """How gradients are cut into parts of pairs and blocks of rows; sizes for each pair and row."""

    pairs: int  # of a part
    rows: int  # of a block
    strips: int
    width: int  # columns of all strips
    column_values: int  # edges A
    row_values: int  # edges B, one for each lane
    edge_values: int  # between strips


def plan_back(
    plan: KernelPlan, shape: Shape, steps_x: int, steps_y: int, pairs: int, budget: int
) -> BackPlan:
    """All rows in one block if enough pairs fit `budget` values; else blocks of about the square
    root of the number of rows, of whole segments."""
    rows = steps_x << plan.dyadic_order
    strips = max(1, parts(steps_y << plan.dyadic_order, shape.width))
    width = strips * shape.width
    column, row = column_values(plan) * width, row_values(plan) * width // shape.columns
    edge = row_values(plan)

    def values(block: int) -> int:
        """Of a pair."""
        marks = column * (parts(rows, block) if block < rows else 0)
        return block * (column + row + width + edge) + marks + column + rows * edge

    block, whole = max(1, rows), max(1, min(pairs, MIN_PAIRS))
    if values(block) * whole > budget:
        cells = 1 << plan.dyadic_order
        block = max(cells, parts(round(rows**0.5), cells) * cells)
    at_once = max(1, min(pairs, budget // values(block)))
    return BackPlan(at_once, block, strips, width, column, row, edge)
