"""Products of two rows: value, gradients and derivative, one call of the backend each."""

from __future__ import annotations

from typing import Any

from pysig._api.algebra._rows import check_sizes, prepare
from pysig._backend import NUMPY
from pysig._plans.layout import Plan


def _plan(name: str, channels: Any, depth: Any, scalar_term: Any) -> Plan:
    plan = check_sizes(channels, depth, scalar_term)
    if name == "product":
        return plan
    limit = NUMPY.host.build.max_shuffle_depth  # of the kernels, the same on GPUs
    if plan.depth > limit:
        raise ValueError(
            f"depth: expected at most {limit} for shuffles, which split a word of n letters in "
            f"2**n ways, received {plan.depth}. Reduce depth."
        )
    return plan


def bilinear(
    name: str,
    scalar: int,
    a: Any,
    b: Any,
    channels: Any,
    depth: Any,
    scalar_term: Any,
    workers: Any,
    out: Any,
) -> Any:
    """a * b for the product `name`; the scalar of rows that do not hold it is `scalar`."""
    plan = _plan(name, channels, depth, scalar_term)
    call = prepare({"a": a, "b": b}, dict.fromkeys("ab", (plan.size,)), workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.bilinear(
        name,
        (call.rows("a"), call.rows("b")),
        rows,
        plan=plan,
        scalar=scalar,
        workers=call.threads,
    )
    return call.finish(rows, result)


def bilinear_vjp(
    name: str,
    scalar: int,
    a: Any,
    b: Any,
    channels: Any,
    depth: Any,
    cotangent: Any,
    scalar_term: Any,
    workers: Any,
) -> tuple[Any, Any]:
    """The gradients of <cotangent, a * b>."""
    plan = _plan(name, channels, depth, scalar_term)
    given = {"a": a, "b": b, "cotangent": cotangent}
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
    out_a, out_b = call.empty(plan.size), call.empty(plan.size)
    call.backend.impl.bilinear_vjp(
        name,
        (call.rows("a"), call.rows("b")),
        call.rows("cotangent"),
        (out_a, out_b),
        plan=plan,
        scalar=scalar,
        workers=call.threads,
    )
    return call.reduced(out_a, "a"), call.reduced(out_b, "b")


def bilinear_jvp(
    name: str,
    scalar: int,
    a: Any,
    b: Any,
    channels: Any,
    depth: Any,
    tangent_a: Any,
    tangent_b: Any,
    scalar_term: Any,
    workers: Any,
    out: Any,
) -> Any:
    """The derivative of a * b along the tangents."""
    plan = _plan(name, channels, depth, scalar_term)
    given = {"a": a, "b": b, "tangent_a": tangent_a, "tangent_b": tangent_b}
    call = prepare(given, dict.fromkeys(given, (plan.size,)), workers)
    rows, result = call.target(out, plan.size)
    call.backend.impl.bilinear_jvp(
        name,
        (call.rows("a"), call.rows("b")),
        (call.rows("tangent_a"), call.rows("tangent_b")),
        rows,
        plan=plan,
        scalar=scalar,
        workers=call.threads,
    )
    return call.finish(rows, result)
