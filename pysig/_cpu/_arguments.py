"""Arguments of the extension: `Paths` with their order, and the layout of a signature."""

from __future__ import annotations

import numpy as np

from pysig._plans.layout import Plan
from pysig._plans.paths import METHODS, Options, Paths


def ordered(paths: Paths) -> Paths:
    """`paths` with an order by length: lanes hold paths of similar length, so that a ragged batch
    costs as much as its points.
    """
    if paths.lengths is None:
        return paths
    return paths._replace(order=np.argsort(paths.lengths, kind="stable"))


def layout_of(plan: Plan, options: Options) -> tuple[int, int, bool, bool, bool, int]:
    """`signature_layout` of csrc/bindings/paths.hpp."""
    method = METHODS[options.method]
    scalar = plan.scalar_term
    return plan.depth, plan.coefficients, options.stream, options.inverse, scalar, method
