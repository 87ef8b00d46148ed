"""`signature` of NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from pysig._cpu._extension import core
from pysig._plans.layout import Plan
from pysig._plans.transform import Transform

METHODS = {"auto": 0, "tile": 1, "cumsum": 2}

# (path, depth, workers, limit) -> the signature of a call without options, checked in the
# extension; None for what it does not take. With 0 workers only little work is done, which is never
# shared out; signatures take no more than `limit` bytes.
plain_signature = core.plain_signature


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
    """Fills `out` (batch, [rows,] plan.size): signatures of `path` (batch, length, channels)."""
    assert out.flags.c_contiguous
    assert out.dtype == path.dtype
    core.signature(
        path,
        out,
        depth=plan.depth,
        size=plan.coefficients,
        stream=stream,
        basepoint=basepoint,
        initial=initial,
        inverse=inverse,
        scalar_term=plan.scalar_term,
        lengths=lengths,
        # Lanes hold paths of similar length: a batch of unequal paths costs what its points cost.
        order=None if lengths is None else np.argsort(lengths, kind="stable"),
        transform=transform,
        method=METHODS[method],
        workers=workers,
    )
