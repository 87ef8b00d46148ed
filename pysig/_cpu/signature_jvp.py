"""`signature_jvp` of NumPy arrays."""

from __future__ import annotations

from typing import Any

from pysig._cpu import one_channel
from pysig._cpu._arguments import layout_of, ordered
from pysig._cpu._extension import core
from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths, Tangents

# As `fast_signature`: (path, depth, tangent, workers, limit).
fast_signature_jvp = core.fast_signature_jvp


def signature_jvp(paths: Paths, tangents: Tangents, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` as `signature` does, with the derivative along the tangents.

    A basepoint needs a tangent; that of `initial` may be None, which is zero.
    """
    if plan.channels == 1:
        one_channel.signature_jvp(paths, tangents, out, plan, options)
        return
    layout = layout_of(plan, options)
    core.signature_jvp(ordered(paths), tangents, out, layout, options.workers)
