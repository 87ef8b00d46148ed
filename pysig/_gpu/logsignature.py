"""`logsignature` of CuPy arrays: signatures, then their logarithms, for parts of the batch whose
signatures keep to the scratch limit."""

from __future__ import annotations

from typing import Any

from pysig._gpu.algebra import Maps
from pysig._gpu.algebra_series import fill_series
from pysig._gpu.batches import parts_of
from pysig._gpu.errors import operation, refuse_capture
from pysig._gpu.memory import scratch_limit
from pysig._gpu.ragged import padded
from pysig._gpu.signature import fill_signatures
from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths

COPIES = 3  # of the signature: itself, its logarithm, the inner series


@operation
@padded
def logsignature(paths: Paths, out: Any, plan: Plan, maps: Maps, options: Options) -> None:
    """Fill `out` (batch, [rows,] width): the maps applied to the logarithms of the signatures."""
    import cupy

    if not out.size:
        return
    rows = out.shape[1] if options.stream else 1
    with paths.points.device:
        refuse_capture(cupy, "logsignature")
        bytes_of_path = COPIES * rows * plan.size * out.dtype.itemsize
        for part, some in parts_of(paths, max(1, scratch_limit(cupy) // bytes_of_path)):
            signatures = cupy.empty((some.batch * rows, plan.size), out.dtype)
            shape = some.batch, *out.shape[1:-1], plan.size
            fill_signatures(some, signatures.reshape(shape), plan, options)
            target = out[part].reshape(some.batch * rows, out.shape[-1])
            fill_series("log", signatures, target, plan, ((), maps))
