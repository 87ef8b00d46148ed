"""`signature_vjp` and `signature_hvp` of NumPy arrays."""

from __future__ import annotations

from typing import Any

from pysig._cpu import one_channel
from pysig._cpu._arguments import layout_of, ordered
from pysig._cpu._extension import core
from pysig._plans.layout import Plan
from pysig._plans.paths import Cotangents, Options, Paths, Tangents

# As `fast_signature`: (path, depth, cotangent, max_single, workers, limit); declines float32 of
# more than `max_single` points.
fast_signature_vjp = core.fast_signature_vjp


def signature_vjp(
    paths: Paths,
    cotangent: Any,
    into: Cotangents,
    plan: Plan,
    options: Options,
    tangents: Tangents | None = None,
) -> None:
    """Fill `into` with the gradients; with `tangents`, with their derivatives along them."""
    if plan.channels == 1:
        one_channel.signature_vjp(paths, cotangent, into, plan, options, tangents)
        return
    layout = layout_of(plan, options)
    core.signature_vjp(ordered(paths), cotangent, into, tangents, layout, options.workers)
