"""Queries of an index: products of leaves, and the segments in front of and behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pysig._api._product_table import ProductTable
from pysig._plans.paths import Options, Paths

# Of the pieces and results of the queries that are computed at once. 1 to 4 MiB take 10 us a query
# (5 channels, depth 4, float32, 1e5 points, one thread); 16 MiB leave the cache and take 16 us.
SLAB_BYTES = 4 << 20


@dataclass(frozen=True)
class Query:
    """Queries on `points` (paths, capacity, channels)."""

    table: ProductTable
    points: Any
    leaf: int

    def fill(self, bounds: Any, out: Any) -> None:
        """Fill `out` (paths * q, size) with the signatures of bounds (paths, q, 2) of points."""
        count, queries = bounds.shape[:2]
        paths = np.repeat(np.arange(count), queries)
        begins = bounds[..., 0].reshape(-1)
        ends = np.maximum(bounds[..., 1].reshape(-1) - 1, begins)  # segments [begin, end)
        piece = (2 * self.leaf + 1) * self.points.shape[2] + self.table.plan.size
        each = max(SLAB_BYTES // (piece * np.dtype(self.table.dtype).itemsize), 1)
        for at in range(0, len(paths), each):
            some = slice(at, at + each)
            self._fill(paths[some], begins[some], ends[some], out[some])

    def _fill(self, paths: Any, begins: Any, ends: Any, out: Any) -> None:
        """Head ⊗ leaves ⊗ tail, each of which may be missing."""
        first = -(-begins // self.leaf)
        last = np.maximum(ends // self.leaf, first)
        has_leaves = last > first
        head_ends = np.where(has_leaves, first * self.leaf, ends)
        out[...] = 0
        xp = self.table.backend.xp
        some = np.flatnonzero(has_leaves)
        if len(some):
            out[xp.asarray(some)] = self.table.products(paths[some], first[some], last[some])
        some = np.flatnonzero(head_ends > begins)
        if len(some):
            heads = self._pieces(paths[some], begins[some], head_ends[some])
            joined = has_leaves[some]
            index = xp.asarray(some)
            if joined.any():
                rows = xp.empty(heads.shape, heads.dtype)
                self.table.multiply(heads, xp.ascontiguousarray(out[index]), rows)
                heads = rows  # a row of zeros is the unit
            out[index] = heads
        tails = np.where(has_leaves, last * self.leaf, ends)
        some = np.flatnonzero(ends > tails)
        if len(some):
            index = xp.asarray(some)
            before = xp.ascontiguousarray(out[index])
            out[index] = self._pieces(paths[some], tails[some], ends[some], before)

    def leaves(self, first: int, end: int) -> Iterator[Any]:
        """The signatures (paths, some, size) of leaves first, ..., end - 1, in slabs."""
        count, channels = len(self.points), self.points.shape[2]
        piece = (self.leaf + 1) * channels + self.table.plan.size
        itemsize = np.dtype(self.table.dtype).itemsize
        each = max(SLAB_BYTES // max(piece * itemsize * count, 1), 1)
        for at in range(first, end, each):
            some = np.arange(at, min(at + each, end))
            paths, begins = np.repeat(np.arange(count), len(some)), np.tile(some, count) * self.leaf
            rows = self._pieces(paths, begins, begins + self.leaf)
            yield rows.reshape(count, len(some), self.table.plan.size)

    def _pieces(self, paths: Any, begins: Any, ends: Any, initial: Any = None) -> Any:
        """Signatures of the segments [begins[k], ends[k]), continued from `initial`."""
        table, xp = self.table, self.table.backend.xp
        lengths = ends - begins + 1
        place = np.minimum(np.arange(int(lengths.max(initial=1))), lengths[:, None] - 1)
        index = (paths * self.points.shape[1] + begins)[:, None] + place
        points = self.points.reshape(-1, self.points.shape[2])[xp.asarray(index)]
        ragged = None if (lengths == lengths[:1]).all() else xp.asarray(lengths)
        pieces = Paths(xp.ascontiguousarray(points), None, initial, ragged)
        out = xp.empty((len(paths), table.plan.size), table.dtype)
        table.backend.impl.signature(pieces, out, table.plan, Options(workers=table.workers))
        return out
