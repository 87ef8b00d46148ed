"""Multiply-adds of a truncated signature kernel: by signatures, and by the recursion."""

from __future__ import annotations

from typing import NamedTuple

from pysig._plans.signature_kernel import KernelPlan

# Of schedules/cost_model.hpp: the side of a tile, and bytes of the edges that are kept.
MIN_TILE, EDGE_BYTES = 8, 2**24
LANE_BYTES = 64  # of the widest vectors


class KernelSizes(NamedTuple):
    """Sizes of one call: paths, steps and pairs, and what each step or pair costs."""

    paths_x: int
    paths_y: int  # 0: the matrix of x with itself
    pairs: int
    steps_x: int
    steps_y: int
    channels: int


def features_cost(sizes: KernelSizes, coefficients: int) -> int:
    """A signature takes `coefficients` multiply-adds a step, a pair of signatures once as many."""
    signatures = sizes.paths_x * sizes.steps_x + sizes.paths_y * sizes.steps_y
    return (signatures + sizes.pairs) * coefficients


def recursion_cost(sizes: KernelSizes, depth: int, order: int) -> int:
    """A cell takes the inner product of two increments and the update of its levels.

    With order 1 a level takes 2. With order p there are p^2 terms a level, see
    docs/kernels.md; repetitions beyond the depth do not occur.
    """
    levels = 2 * depth if order == 1 else sum(3 * min(order, n) ** 2 for n in range(1, depth + 1))
    return sizes.pairs * sizes.steps_x * sizes.steps_y * (sizes.channels + levels)


def scratch_bytes(plan: KernelPlan, steps_x: int, steps_y: int, gradient: bool) -> int:
    """Bytes that one worker on the CPU needs beside the paths and the result, about.

    With M x N refined cells and p values on each edge of a cell, a value keeps p N numbers on
    lanes. A gradient keeps 2 p M N / s of them, where the side s of a tile is the smallest for
    which they are few or s^3 >= M N; see schedules/signature_kernel_vjp.hpp.
    """
    rows, columns = steps_x << plan.dyadic_order, steps_y << plan.dyadic_order
    edge = max(1, plan.order) * max(1, plan.depth) * LANE_BYTES
    if not gradient:
        return edge * columns
    side = MIN_TILE
    while 2 * edge * rows * columns > EDGE_BYTES * side and side**3 < rows * columns:
        side *= 2
    return 2 * edge * (rows * columns // side + rows + columns + side**2)
