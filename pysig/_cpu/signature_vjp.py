"""Derivatives of `signature` of NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu import one_channel
from pysig._cpu._extension import core
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform

# As `plain_signature`: (path, depth, tangent, workers, limit), and (path, depth, cotangent,
# most_single, workers, limit), which does not take float32 of more than `most_single` points.
plain_signature_jvp, plain_signature_vjp = core.plain_signature_jvp, core.plain_signature_vjp


def _options(
    plan: Plan,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
) -> dict[str, Any]:
    return {
        "depth": plan.depth,
        "size": plan.coefficients,
        "stream": stream,
        "basepoint": basepoint,
        "initial": initial,
        "inverse": inverse,
        "scalar_term": plan.scalar_term,
        "lengths": lengths,
        "order": None if lengths is None else np.argsort(lengths, kind="stable"),
        "transform": transform,
    }


def signature_jvp(
    path: Any,
    tangent: Any,
    out: Any,
    *,
    plan: Plan,
    stream: bool,
    basepoint: Any,
    basepoint_tangent: Any,
    initial: Any,
    initial_tangent: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
    method: str,
    workers: int,
) -> None:
    """Fills `out` as `signature` does, with the derivative along the tangents.

    A tangent of `basepoint` goes with a basepoint; one of `initial` may be None, which is zero.
    """
    options = _options(plan, stream, basepoint, initial, inverse, lengths, transform)
    call = one_channel.signature_jvp if plan.channels == 1 else core.signature_jvp
    call(
        path,
        tangent,
        out,
        basepoint_tangent=basepoint_tangent,
        initial_tangent=initial_tangent,
        workers=workers,
        **options,
    )


def signature_vjp(
    path: Any,
    cotangent: Any,
    path_bar: Any,
    basepoint_bar: Any,
    initial_bar: Any,
    *,
    plan: Plan,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
    method: str,
    workers: int,
    tangent: Any = None,
    basepoint_tangent: Any = None,
    initial_tangent: Any = None,
) -> None:
    """Fills `path_bar`, and `basepoint_bar` and `initial_bar` unless None, with cotangents.

    With `tangent` and those of `basepoint` and `initial`: with their derivatives along them.
    """
    options = _options(plan, stream, basepoint, initial, inverse, lengths, transform)
    call = one_channel.signature_vjp if plan.channels == 1 else core.signature_vjp
    call(
        path,
        cotangent,
        path_bar,
        basepoint_bar,
        initial_bar,
        tangent=tangent,
        basepoint_tangent=basepoint_tangent,
        initial_tangent=initial_tangent,
        workers=workers,
        **options,
    )
