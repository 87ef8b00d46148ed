"""Power series of rows of CuPy arrays.

Horner schemes, as in csrc/include/pysig/cpu/kernels/algebra.hpp:
    w_N = c_N,    w_m = c_m + s_m x (x) w_{m+1},    f(x) = w_0.
Level 0 of x is 0, so w_m is needed up to level N - m only. Derivatives are products and their
adjoints.
"""

from __future__ import annotations

from typing import Any

from pysig._gpu.algebra import (
    Maps,
    Rows,
    Term,
    apply_all,
    deliver,
    launch,
    transposed,
    without_scalar,
)
from pysig._gpu.errors import operation
from pysig._plans.layout import Plan, plan_for


def _constant(f: str, m: int) -> float:
    if f == "log":
        return 1 / m if m else 0.0
    return 1.0


def _factor(f: str, m: int) -> float:
    if f == "exp":
        return 1 / (m + 1)
    return 1.0 if f == "log" and m == 0 else -1.0


def _horner(f: str, x: Rows, plan: Plan) -> list[Rows]:
    """w_1, w_2, ..., w_N; w_m has the levels up to N - m."""
    import cupy

    count, dtype = len(x.data), x.data.dtype
    w = [Rows(cupy.zeros((count, 1), dtype), False, _constant(f, plan.depth))]
    for m in range(plan.depth - 1, 0, -1):
        lower = plan_for(plan.channels, plan.depth - m)
        level = cupy.empty((count, lower.size), dtype)
        launch("product", x, w[0], level, lower, Term(factor=_factor(f, m)))
        w.insert(0, Rows(level, False, _constant(f, m)))
    return w


def _fill_scalar(f: str, out: Any, plan: Plan, value: float | None = None) -> Any:
    """`out` if it has no scalar, else scratch rows that `deliver` copies behind the scalar."""
    import cupy

    if not plan.scalar_term:
        return out
    out[:, 0] = _constant(f, 0) if value is None else value
    return cupy.empty((len(out), plan.coefficients), out.dtype)


def _series(f: str, x: Any, out: Any, plan: Plan) -> None:
    """out = f(x), rows without scalar."""
    tensor = Rows(x, False, 0)
    launch("product", tensor, _horner(f, tensor, plan)[0], out, plan, Term(factor=_factor(f, 0)))


def _series_vjp(f: str, x: Any, g: Any, out: Any, plan: Plan) -> None:
    """The gradient of <g, f(x)>, rows without scalar."""
    import cupy

    tensor, gradient = Rows(x, False, 0), Rows(g, False, 0)
    for m, w in enumerate(_horner(f, tensor, plan)):
        reach = plan_for(plan.channels, plan.depth - m)  # of w_m, whose gradient is `gradient`
        factor = _factor(f, m)
        part = out if m == 0 else cupy.empty((len(out), reach.size), out.dtype)
        launch("left", gradient, w, part, reach, Term(factor=factor))
        if m:
            out[:, : reach.size] += part
        if m + 1 < plan.depth:
            lower = plan_for(plan.channels, plan.depth - m - 1)
            below = cupy.empty((len(out), lower.size), out.dtype)
            launch("right", gradient, tensor, below, lower, Term(factor=factor, depth=reach.depth))
            gradient = Rows(below, False, 0)


def _horner_moves(f: str, x: Rows, dx: Rows, w: list[Rows], plan: Plan) -> list[Rows]:
    """The derivatives of w_1, ..., w_N along dx."""
    import cupy

    count, dtype = max(len(x.data), len(dx.data)), x.data.dtype
    moves = [Rows(cupy.zeros((count, 1), dtype), False, 0)]
    for m in range(plan.depth - 1, 0, -1):
        lower = plan_for(plan.channels, plan.depth - m)
        level = cupy.empty((count, lower.size), dtype)
        launch("product", dx, w[m], level, lower, Term(factor=_factor(f, m)))
        launch("product", x, moves[0], level, lower, Term(factor=_factor(f, m), add=True))
        moves.insert(0, Rows(level, False, 0))
    return moves


def _series_jvp(f: str, x: Any, dx: Any, out: Any, plan: Plan) -> None:
    """The derivative of f(x) along dx, rows without scalar."""
    tensor, move = Rows(x, False, 0), Rows(dx, False, 0)
    w = _horner(f, tensor, plan)
    moves = _horner_moves(f, tensor, move, w, plan)
    launch("product", move, w[0], out, plan, Term(factor=_factor(f, 0)))
    launch("product", tensor, moves[0], out, plan, Term(factor=_factor(f, 0), add=True))


def _series_hvp(f: str, x: Any, g: Any, dx: Any, out: Any, plan: Plan) -> None:
    """The derivative along dx of the result of `_series_vjp`, rows without scalar, by the product
    rule; `moved` is the derivative of the gradient at w_m.
    """
    import cupy

    tensor, move, gradient = (Rows(rows, False, 0) for rows in (x, dx, g))
    w = _horner(f, tensor, plan)
    moves = _horner_moves(f, tensor, move, w, plan)
    moved: Rows | None = None
    for m in range(plan.depth):
        reach = plan_for(plan.channels, plan.depth - m)
        factor = _factor(f, m)
        part = out if m == 0 else cupy.empty((len(out), reach.size), out.dtype)
        launch("left", gradient, moves[m], part, reach, Term(factor=factor))
        if moved is not None:
            launch("left", moved, w[m], part, reach, Term(factor=factor, add=True))
            out[:, : reach.size] += part
        if m + 1 < plan.depth:
            lower = plan_for(plan.channels, plan.depth - m - 1)
            here = Term(factor=factor, depth=reach.depth)
            below, change = (cupy.empty((len(out), lower.size), out.dtype) for _ in range(2))
            launch("right", gradient, tensor, below, lower, here)
            launch("right", gradient, move, change, lower, here)
            if moved is not None:
                launch("right", moved, tensor, change, lower, here._replace(add=True))
            gradient, moved = Rows(below, False, 0), Rows(change, False, 0)


@operation
def series(
    name: str,
    a: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """out = after(f(before(a))) for f = "exp", "log" or "inverse"; maps = (before, after)."""
    with out.device:
        fill_series(name, a, out, plan, maps)


def fill_series(name: str, a: Any, out: Any, plan: Plan, maps: tuple[Maps, Maps]) -> None:
    """As `series`, on the current device."""
    before, after = maps
    x = apply_all(before, without_scalar(a, plan))
    inner = _inner(name, out, plan, after)
    _series(name, x, inner, plan_for(plan.channels, plan.depth))
    deliver(after, inner, out, plan)


@operation
def series_jvp(
    name: str,
    a: Any,
    tangent: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """The derivative of after(f(before(a))) along the tangent."""
    before, after = maps
    with out.device:
        x, dx = (apply_all(before, without_scalar(rows, plan)) for rows in (a, tangent))
        inner = _inner(name, out, plan, after, 0)
        _series_jvp(name, x, dx, inner, plan_for(plan.channels, plan.depth))
        deliver(after, inner, out, plan)


@operation
def series_vjp(
    name: str,
    a: Any,
    cotangent: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """The gradient of <cotangent, after(f(before(a)))> at a."""
    _series_back(name, a, cotangent, None, out, plan, maps)


@operation
def series_hvp(
    name: str,
    a: Any,
    cotangent: Any,
    tangent: Any,
    out: Any,
    plan: Plan,
    maps: tuple[Maps, Maps] = ((), ()),
    workers: int = 1,
) -> None:
    """The derivative along the tangent of the gradient that `series_vjp` computes."""
    _series_back(name, a, cotangent, tangent, out, plan, maps)


def _inner(name: str, out: Any, plan: Plan, maps: Maps, scalar: float | None = None) -> Any:
    """Where the series goes: to scratch rows if maps follow, else to `out` without its scalar."""
    import cupy

    if maps:
        return cupy.empty((len(out), plan.coefficients), out.dtype)
    return _fill_scalar(name, out, plan, scalar)


def _series_back(
    name: str, a: Any, g: Any, da: Any, out: Any, plan: Plan, maps: tuple[Maps, Maps]
) -> None:
    """The gradient, or with `da` its derivative along that."""
    before, after = maps
    with out.device:
        x = apply_all(before, without_scalar(a, plan))
        y = apply_all(transposed(after), g if after else without_scalar(g, plan))
        inner = _inner(name, out, plan, before, 0)
        tensors = plan_for(plan.channels, plan.depth)
        if da is None:
            _series_vjp(name, x, y, inner, tensors)
        else:
            dx = apply_all(before, without_scalar(da, plan))
            _series_hvp(name, x, y, dx, inner, tensors)
        deliver(transposed(before), inner, out, plan)
