"""`logsignature` of NumPy arrays: slices of the batch whose signatures stay in cache until the
logarithm is taken.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from pysig._cpu._extension import core
from pysig._cpu.algebra import Maps, maps_of
from pysig._cpu.signature import METHODS
from pysig._plans import basis_tables
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
    core.logsignature(
        path,
        out,
        depth=plan.depth,
        size=plan.coefficients,
        stream=stream,
        basepoint=basepoint,
        initial=initial,
        inverse=inverse,
        lengths=lengths,
        order=None if lengths is None else np.argsort(lengths, kind="stable"),
        transform=transform,
        method=METHODS[method],
        maps=maps_of(maps, out.dtype),
        workers=workers,
    )


@lru_cache(maxsize=64)
def _tables(channels: int, depth: int, basis: str, single: bool) -> tuple[Any, int]:
    """The maps to a basis as the extension takes them, and how many coordinates it has."""
    maps = basis_tables.route(channels, depth, "expanded", basis)
    count = basis_tables.coordinate_count(channels, depth, basis)
    return maps_of(maps, np.float32 if single else np.float64), count


def plain_logsignature(path: Any, depth: Any, basis: str, workers: int, limit: int) -> Any:
    """As `plain_signature`: the log-signature of a call without options but its basis."""
    return core.plain_logsignature(path, depth, _tables, basis, workers, limit)
