"""`signature` of NumPy arrays."""

from __future__ import annotations

from typing import Any

from pysig._cpu._arguments import layout_of, ordered
from pysig._cpu._extension import core
from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths

# (path, depth, workers, limit) -> the signature of a call without options, checked in the
# extension, or None. Declines anything it cannot accept at once, results of more than `limit`
# bytes and, with `workers=0`, every call large enough for a second thread.
fast_signature = core.fast_signature
rows_of_list = core.rows_of_list


def signature(paths: Paths, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` (batch, [rows,] plan.size) with the signatures of `paths`."""
    assert out.flags.c_contiguous
    assert out.dtype == paths.points.dtype
    core.signature(ordered(paths), out, layout_of(plan, options), options.workers)
