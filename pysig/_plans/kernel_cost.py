"""Multiply-adds of a truncated signature kernel: by signatures, and by the recursion."""

from __future__ import annotations

from typing import NamedTuple


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
