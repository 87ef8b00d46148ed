"""The order of a signature kernel for a tolerance, found on a few pairs of paths."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from pysig._api._kernel_paths import take_rows
from pysig._api._kernel_plan import Choice
from pysig._backend import ArrayBackend
from pysig._plans.paths import Paths
from pysig._plans.signature_kernel import MAX_ORDER, KernelPlan, Pairs
from pysig._plans.transform import Transform

START = 4  # the first order that is tried; smooth data need about this for float32
BLOCK_BYTES = 2**22  # of points at a time
PILOT_PATHS = 32  # of each side, half of them the roughest, half spread evenly


def choose_order(
    x: Paths, y: Paths | None, choice: Choice, backend: ArrayBackend, workers: int
) -> int:
    """The smallest order P with ``|K_P - K_{P+1}| <= rtol sqrt(Kxx Kyy)`` on the pilot pairs.

    These are chosen paths with themselves, and chosen paths of x with those of y, all of finite
    points. In float64.
    """
    plan, rtol = choice.plan, choice.rtol
    assert rtol is not None
    chosen = [_chosen(side, backend) for side in (x, y) if side is not None]
    if not chosen or any(side.batch == 0 for side in chosen):
        return 1
    pilots = [Pairs(side, side, paired=True) for side in chosen]
    first, second = chosen[0], chosen[-1]
    count = max(first.batch, second.batch)
    left, right = np.arange(count) % first.batch, np.arange(count) % second.batch
    if y is None:
        right = (right + 1) % second.batch  # not with itself
    pilots.append(Pairs(_rows(first, left, backend), _rows(second, right, backend), paired=True))
    values: dict[int, list[Any]] = {}

    def kernels(order: int) -> list[Any]:
        if order not in values:
            values[order] = [
                _values(p, plan._replace(order=order), backend, workers) for p in pilots
            ]
        return values[order]

    def error(order: int) -> float:
        here, above = kernels(order), kernels(order + 1)
        squares = above[0], above[len(chosen) - 1]
        scales = [*above[: len(chosen)], np.sqrt(squares[0][left] * squares[1][right])]
        return max(_error(*parts) for parts in zip(here, above, scales, strict=True))

    top = MAX_ORDER - 1 if plan.scheme == "square" else min(plan.depth, MAX_ORDER) - 1
    order = min(START, top)
    while 0 < order <= top and error(order) > rtol:
        order += 1
    if 0 < order <= top:
        while order > 1 and error(order - 1) <= rtol:
            order -= 1
        return order
    if plan.scheme == "levels":
        return min(plan.depth, MAX_ORDER)
    reached = error(top)
    shown = f"at least {reached:.1e}, the error that order {top} has for these paths"
    if not reached < 1:
        shown = "paths that an order reaches: these are too rough or too large"
    raise ValueError(
        f"rtol: expected {shown}, received {'' if choice.given_rtol else 'the default '}{rtol}. "
        "Raise dyadic_order, rescale the paths, choose a static kernel of bounded size such as "
        "RBF, or pass order to fix it."
    )


def _error(here: Any, above: Any, scale: Any) -> float:
    """The largest relative difference; infinite where a kernel of finite points is not finite."""
    with np.errstate(all="ignore"):
        errors = abs(here - above) / scale
    return float(np.max(np.where(np.isfinite(errors), errors, np.inf), initial=0.0))


def _values(pairs: Pairs, plan: KernelPlan, backend: ArrayBackend, workers: int) -> Any:
    out = backend.xp.empty(pairs.leading, np.float64)
    backend.impl.signature_kernel(pairs, out, plan, "value", workers)
    return out.get() if hasattr(out, "get") else out


def _chosen(paths: Paths, backend: ArrayBackend) -> Paths:
    """At most PILOT_PATHS paths of finite points: the roughest ones, and some spread evenly."""
    count, xp = paths.batch, backend.xp
    roughness = xp.empty(count, np.float64)
    each = max(1, BLOCK_BYTES // max(1, 8 * prod(paths.points.shape[1:])))
    for first in range(0, count, each):
        part = slice(first, first + each)
        with np.errstate(all="ignore"):
            points = paths.points[part].astype(np.float64)
            steps = points[:, 1:] - points[:, :-1]
            sizes = (steps * steps + steps * 0).sum(axis=2)  # NaN at infinity, too
            if paths.lengths is not None:
                inside = xp.arange(1, steps.shape[1] + 1)[None] < paths.lengths[part, None]
                sizes = xp.where(inside, sizes, xp.zeros_like(sizes))
            starts = points[:, :1] if paths.basepoint is None else paths.basepoint[part, None]
            roughness[part] = sizes.sum(axis=1) + ((starts + points[:, :1]) * 0).sum(axis=(1, 2))
    on_host = roughness.get() if hasattr(roughness, "get") else roughness
    finite = np.flatnonzero(~np.isnan(on_host))
    on_host, count = on_host[finite], len(finite)
    if count <= PILOT_PATHS:
        return _rows(paths, finite, backend)
    half = PILOT_PATHS // 2
    roughest = np.argsort(-on_host, kind="stable")[:half]
    spread = np.linspace(0, count - 1, half).astype(np.int64)
    return _rows(paths, finite[np.unique(np.concatenate([roughest, spread]))], backend)


def _rows(paths: Paths, rows: Any, backend: ArrayBackend) -> Paths:
    """Some paths, in float64."""
    part = take_rows(paths, rows, backend.xp)

    def double(value: Any) -> Any:
        single = getattr(value, "dtype", None) == np.float32
        return value.astype(np.float64) if single else value

    transform = part.transform
    if isinstance(transform, Transform):
        transform = transform._replace(times=double(transform.times))
    points, base = double(part.points), double(part.basepoint)
    return Paths(points, base, lengths=part.lengths, transform=transform)
