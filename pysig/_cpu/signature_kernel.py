"""Signature kernels of NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._extension import core
from pysig._plans.signature_kernel import KernelPlan, Pairs

SCHEMES = {"square": 0, "levels": 1, "finite_difference": 2}
ROWS = {"value": 0, "levels": 1, "grid": 2}


def layout_of(plan: KernelPlan) -> tuple[Any, ...]:
    """`kernel_layout` of csrc/bindings/kernel_pairs.hpp. An order above the depth is the depth."""
    order = min(plan.order, max(plan.depth, 1)) if plan.scheme == "levels" else plan.order
    return (SCHEMES[plan.scheme], order, *plan[2:])


def ordered(pairs: Pairs) -> Pairs:
    """`pairs` with orders of the paths by length, so that lanes hold pairs of similar size."""
    x, y = pairs.x, pairs.y
    if x is None:
        return pairs
    if not pairs.paired:
        return pairs._replace(x=_ordered(x, (x.lengths,)), y=y and _ordered(y, (y.lengths,)))
    keys = (x.lengths, (y or x).lengths)
    return pairs._replace(x=_ordered(x, keys), y=y and _ordered(y, keys))


def _ordered(paths: Any, keys: tuple[Any, ...]) -> Any:
    given = [key for key in keys if key is not None]
    return paths._replace(order=np.lexsort(given)) if given else paths


def signature_kernel(
    pairs: Pairs, out: Any, plan: KernelPlan, rows: str = "value", workers: int = 1
) -> None:
    """Fill `out` with the kernels of `pairs`."""
    assert out.flags.c_contiguous
    core.signature_kernel(ordered(pairs), out, layout_of(plan), ROWS[rows], workers)


def signature_kernel_jvp(
    pairs: Pairs,
    tangents_x: Any,
    tangents_y: Any,
    out: Any,
    plan: KernelPlan,
    workers: int = 1,
) -> None:
    """Fill `out` with the derivatives of the kernels."""
    assert out.flags.c_contiguous
    along: tuple[Any, Any, Any] = (tangents_x, tangents_y, None)
    if pairs.x is None:
        pairs = pairs._replace(increments=np.ascontiguousarray(pairs.increments))
        along = (None, None, np.ascontiguousarray(tangents_x))
    rows = _rows_of(pairs, out)
    core.signature_kernel_jvp(ordered(pairs), along, out, layout_of(plan), rows, workers)


def signature_kernel_vjp(
    pairs: Pairs,
    cotangent: Any,
    into_x: Any,
    into_y: Any,
    into_parameters: Any,
    plan: KernelPlan,
    workers: int = 1,
) -> None:
    """Fill `into_x`, `into_y` and `into_parameters` with gradients."""
    into = (into_x, into_y, None, into_parameters)
    if pairs.x is None:
        into = (None, None, into_x, into_parameters)
    rows = _rows_of(pairs, cotangent)
    core.signature_kernel_vjp(ordered(pairs), cotangent, into, layout_of(plan), rows, workers)


def _rows_of(pairs: Pairs, result: Any) -> int:
    """Values, or levels on a last axis."""
    return ROWS["levels" if result.ndim > len(pairs.leading) else "value"]
