"""Products of two rows: value, gradients and derivative, one call of the backend each."""

from __future__ import annotations

from typing import Any

from pysig._api.algebra._rows import check_sizes, prepare
from pysig._backend import NUMPY
from pysig._plans.layout import Plan

# The coefficient of the empty word of rows that do not store it.
SCALARS = {"product": 1, "shuffle": 0, "half_shuffle": 0}
Pair = tuple[Any, Any]
Sizes = tuple[Any, Any, Any]  # channels, depth, scalar_term


def _plan(name: str, sizes: Sizes) -> Plan:
    plan = check_sizes(*sizes)
    if name == "product":
        return plan
    limit = NUMPY.host.build.max_shuffle_depth  # of the kernels, the same on GPUs
    if plan.depth > limit:
        raise ValueError(
            f"depth: expected at most {limit} for shuffles, which split a word of n letters in "
            f"2**n ways, received {plan.depth}. Reduce depth."
        )
    return plan


def bilinear(name: str, factors: Pair, sizes: Sizes, workers: Any, out: Any) -> Any:
    """The product `name` of two rows."""
    plan = _plan(name, sizes)
    given = dict(zip("ab", factors, strict=True))
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.bilinear(
        name,
        (call.rows("a"), call.rows("b")),
        rows,
        plan=plan,
        scalar=SCALARS[name],
        workers=call.threads,
    )
    return call.finish(rows, result)


def bilinear_vjp(name: str, factors: Pair, sizes: Sizes, cotangent: Any, workers: Any) -> Pair:
    """The gradients of <cotangent, a * b>."""
    plan = _plan(name, sizes)
    given = {**dict(zip("ab", factors, strict=True)), "cotangent": cotangent}
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
    out_a, out_b = call.empty(plan.size), call.empty(plan.size)
    call.backend.impl.bilinear_vjp(
        name,
        (call.rows("a"), call.rows("b")),
        call.rows("cotangent"),
        (out_a, out_b),
        plan=plan,
        scalar=SCALARS[name],
        workers=call.threads,
    )
    return call.reduced(out_a, "a"), call.reduced(out_b, "b")


def bilinear_jvp(
    name: str, factors: Pair, sizes: Sizes, tangents: Pair, workers: Any, out: Any
) -> Any:
    """The derivative of a * b along the tangents."""
    plan = _plan(name, sizes)
    given = dict(zip(("a", "b", "tangent_a", "tangent_b"), (*factors, *tangents), strict=True))
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.bilinear_jvp(
        name,
        (call.rows("a"), call.rows("b")),
        (call.rows("tangent_a"), call.rows("tangent_b")),
        rows,
        plan=plan,
        scalar=SCALARS[name],
        workers=call.threads,
    )
    return call.finish(rows, result)
