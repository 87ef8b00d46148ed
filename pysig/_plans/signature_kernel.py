"""The plan of signature kernels, and the pairs of paths of one call.

Codes of static kernels are those of csrc/include/pysig/algebra/static_kernel.hpp.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pysig._plans.paths import Paths

MAX_ORDER = 16  # of the schemes "square" and "levels"

LINEAR, RBF, MATERN_12, MATERN_32, MATERN_52, RATIONAL_QUADRATIC, POLYNOMIAL = range(7)


class StaticKernel(NamedTuple):
    """A kernel of points. With r = |x - y| and parameters (p, q, s), the values are

        LINEAR               p <x, y>
        RBF                  exp(-r^2 / (2 p^2))
        MATERN_12            exp(-u), u = r / p
        MATERN_32            (1 + u) exp(-u), u = sqrt(3) r / p
        MATERN_52            (1 + u + u^2 / 3) exp(-u), u = sqrt(5) r / p
        RATIONAL_QUADRATIC   (1 + r^2 / (2 q p^2))^(-q)
        POLYNOMIAL           (s <x, y> + q)^p, with a whole number p >= 1

    A parameter that a kernel lacks is 0, and its gradient is 0, as that of the power p.
    Derivatives along directions move the parameters along `tangents`.
    """

    kind: int = LINEAR
    parameters: tuple[float, float, float] = (1.0, 0.0, 0.0)
    tangents: tuple[float, float, float] = (0.0, 0.0, 0.0)


class KernelPlan(NamedTuple):
    """What is computed of each pair."""

    scheme: str = "square"  # or "levels" or "finite_difference"
    order: int = 1  # P, 1 to MAX_ORDER; 0 for finite differences
    depth: int = 0  # N for "levels", else 0: untruncated
    dyadic_order: int = 0  # every segment is cut into 2^dyadic_order equal parts
    static: StaticKernel = StaticKernel()
    weights: tuple[float, ...] | None = None  # of the levels 0 to N of "levels"; None: all 1


class Pairs(NamedTuple):
    """The pairs of paths of one call, in one of four forms:

        x, y, paired            row b of x with row b of y; leading axes (batch,)
        x, y                    all pairs; leading axes (batch_x, batch_y)
        x                       all pairs of x with itself; leading axes (batch_x, batch_x)
        increments, paired      given z, without paths; leading axes (batch,)

    `initial` of paths is None. Both paths have the same channels after their transforms.
    """

    x: Paths | None
    y: Paths | None = None
    increments: Any = None  # (batch, steps_x, steps_y), any strides
    paired: bool = False

    @property
    def leading(self) -> tuple[int, ...]:
        """The leading axes of a result."""
        if self.x is None:
            return (int(self.increments.shape[0]),)
        if self.paired:
            return (self.x.batch,)
        return self.x.batch, (self.y or self.x).batch

    @property
    def steps(self) -> tuple[int, int]:
        """Increments of the transformed paths of both sides."""
        if self.x is None:
            return int(self.increments.shape[1]), int(self.increments.shape[2])
        return self.x.steps, (self.y or self.x).steps
