"""`logsignature` of NumPy arrays: slices of the batch whose signatures stay in cache until the
logarithm is taken.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from pysig._cpu._arguments import layout_of, ordered
from pysig._cpu._extension import core
from pysig._cpu.algebra import Maps, maps_of
from pysig._plans import basis_tables
from pysig._plans.layout import Plan
from pysig._plans.paths import Options, Paths


def logsignature(paths: Paths, out: Any, plan: Plan, maps: Maps, options: Options) -> None:
    """Fill `out` (batch, [rows,] width): the maps applied to the logarithms of the signatures."""
    layout = layout_of(plan, options)
    core.logsignature(ordered(paths), out, layout, maps_of(maps, out.dtype), options.workers)


@lru_cache(maxsize=64)
def _tables(channels: int, depth: int, basis: str, single: bool) -> tuple[Any, int]:
    """The maps to a basis in the form of the extension, and the number of its coordinates."""
    maps = basis_tables.conversion_steps(channels, depth, "expanded", basis)
    count = basis_tables.coordinate_count(channels, depth, basis)
    return maps_of(maps, np.float32 if single else np.float64), count


def fast_logsignature(path: Any, depth: Any, basis: str, workers: int, limit: int) -> Any:
    """As `fast_signature`: the log-signature of a call without options but its basis."""
    return core.fast_logsignature(path, depth, _tables, basis, workers, limit)
