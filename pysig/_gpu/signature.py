"""`signature` of CuPy arrays: which method."""

from __future__ import annotations

from typing import Any

from pysig._gpu import signature_cumsum, signature_tile
from pysig._gpu.errors import explained
from pysig._gpu.schedule import MOST_CHANNELS, method_for
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform


def signature(
    path: Any,
    out: Any,
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
) -> None:
    """Fills `out` (batch, [rows,] plan.size) with the signatures of `path` (batch, length,
    channels).

    Everything is queued on the current stream of the arrays' device and nothing waits for it.
    `workers` is for CPUs.
    """
    import cupy

    if not out.size:
        return
    asked, tileable = method, 1 < plan.channels <= MOST_CHANNELS
    if method == "auto":
        method = method_for(plan.channels, plan.depth, stream)
    if method == "cumsum" or not tileable:
        capturing = cupy.cuda.get_current_stream().is_capturing()
        method = "tile" if capturing and asked == "auto" and tileable else "cumsum"
        if capturing and method == "cumsum":
            raise RuntimeError(
                "signature: running sums cannot be captured into a CUDA graph, since their scratch "
                'memory goes back to CuPy\'s pool after the call. Use method="tile" with 2 to '
                f"{MOST_CHANNELS} channels."
            )
    run = signature_tile.run if method == "tile" else signature_cumsum.run
    with explained(cupy, "signature"), path.device:
        run(cupy, path, out, plan, stream, basepoint, initial, inverse, lengths, transform)
