"""`logsignature` of CuPy arrays: slices of the batch whose signatures fit the scratch limit,
then their logarithms.
"""

from __future__ import annotations

from typing import Any

from pysig._gpu.algebra import Maps
from pysig._gpu.algebra_series import series
from pysig._gpu.memory import scratch_limit
from pysig._gpu.signature import signature
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform


def logsignature(
    path: Any,
    out: Any,
    *,
    plan: Plan,
    maps: Maps,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    lengths: Any,
    transform: Transform | None,
    method: str,
    workers: int,
) -> None:
    """Fills `out` (batch, [rows,] width): the maps applied to the logarithms of the signatures of
    `path`.
    """
    import cupy

    if not out.size:
        return
    rows = out.shape[1] if stream else 1
    with path.device:
        # Signature, logarithm and the inner series: about three times the signature.
        need = 3 * rows * plan.size * out.dtype.itemsize
        slice_ = max(1, min(len(path), scratch_limit(cupy) // need))
        for first in range(0, len(path), slice_):
            part = slice(first, first + slice_)
            piece = path[part]
            signatures = cupy.empty((len(piece) * rows, plan.size), out.dtype)
            signature(
                piece,
                signatures.reshape(len(piece), *out.shape[1:-1], plan.size),
                plan=plan,
                stream=stream,
                basepoint=None if basepoint is None else basepoint[part],
                initial=None if initial is None else initial[part],
                inverse=inverse,
                lengths=None if lengths is None else lengths[part],
                transform=None if transform is None else transform.part(part),
                method=method,
                workers=workers,
            )
            target = out[part].reshape(len(piece) * rows, out.shape[-1])
            series("log", signatures, target, plan=plan, after=maps, workers=workers)
