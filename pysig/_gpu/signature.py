"""`signature` of CuPy arrays: the choice of the method."""

from __future__ import annotations

from typing import Any

from pysig._gpu import signature_cumsum, signature_tile
from pysig._gpu.errors import is_capturing, operation
from pysig._gpu.ragged import padded
from pysig._gpu.schedule import MAX_CHANNELS, method_for
from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths


@operation
@padded
def signature(paths: Paths, out: Any, plan: Plan, options: Options) -> None:
    """Fill `out` (batch, [rows,] plan.size) with the signatures of `paths`.

    All work is queued on the current stream of the arrays' device; nothing waits for it.
    `options.workers` is for CPUs.
    """
    fill_signatures(paths, out, plan, options)


def fill_signatures(paths: Paths, out: Any, plan: Plan, options: Options) -> None:
    """As `signature`, for other operations, which explain errors under their own names."""
    import cupy

    if not out.size:
        return
    with paths.points.device:
        method = _method(cupy, plan, options)
        run = signature_tile.run if method == "tile" else signature_cumsum.run
        run(cupy, paths, out, plan, options)


def _method(cupy: Any, plan: Plan, options: Options) -> str:
    """ "tile" or "cumsum"; a stream that captures takes no scratch memory, so only tiles."""
    method, tileable = options.method, 1 < plan.channels <= MAX_CHANNELS
    if method == "auto":
        method = method_for(plan.channels, plan.depth, options.stream)
    if method == "tile" and tileable:
        return "tile"
    if not is_capturing(cupy):
        return "cumsum"
    if options.method == "auto" and tileable:
        return "tile"
    raise RuntimeError(
        "signature: running sums cannot be captured into a CUDA graph, since their scratch "
        'memory goes back to CuPy\'s pool after the call. Use method="tile" with 2 to '
        f"{MAX_CHANNELS} channels."
    )
