"""A disjoint sparse table of signatures: the product of any range of leaves is one product of rows.

Leaves 0, 1, ... are the signatures of equal parts of a path. Level l has blocks of 2^l leaves, and
a row T_l[i] for each leaf i:

- in a block of odd number, the product from the begin of the block to leaf i;
- in a block of even number, the product from leaf i to the end of the block, once that is complete.

For a < b and the highest bit l of a xor (b - 1), leaves a and b - 1 are in neighbouring blocks, an
even one and an odd one. So the product of the leaves [a, b) is T_l[a] ⊗ T_l[b-1]. Rows of level l
are such products of lower levels; appending a leaf adds one row a level on average.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pysig._backend import ArrayBackend
from pysig._plans.layout import Plan

SLAB_BYTES = 16 << 20  # of the rows that are multiplied at once


def level_count(leaves: int) -> int:
    """Levels of the table of this number of leaves."""
    return max((leaves - 1).bit_length(), 1) if leaves else 0


def highest_bit(numbers: Any) -> Any:
    """The place of the highest bit of positive integers."""
    return np.frexp(numbers.astype(np.float64))[1] - 1


@dataclass
class ProductTable:
    """The table for `count` paths; `levels[l]` is (count, capacity, size)."""

    backend: ArrayBackend
    plan: Plan
    dtype: Any
    count: int
    workers: int
    leaves: int = 0
    levels: list[Any] = field(default_factory=list)

    @property
    def nbytes(self) -> int:
        """Bytes of the rows."""
        return sum(int(level.nbytes) for level in self.levels)

    @property
    def _capacity(self) -> int:
        return int(self.levels[0].shape[1]) if self.levels else 0

    def append(self, rows: Any) -> None:
        """Append leaves (count, new, size)."""
        old, new = self.leaves, self.leaves + rows.shape[1]
        if new == old:
            return
        known = len(self.levels)
        self._reserve(new)
        self.levels[0][:, old:new] = rows
        self.leaves = new
        for level in range(1, len(self.levels)):
            self._extend(level, old if level < known else 0, new)

    def _reserve(self, leaves: int) -> None:
        """Make room: exactly, if the table is empty, else by a factor, so that appending many times
        costs as much as appending once.
        """
        capacity = self._capacity
        if capacity < leaves:
            capacity = leaves if not capacity else max(leaves, capacity + capacity // 2)
            self.levels = [self._grown(level, capacity) for level in self.levels]
        xp, shape = self.backend.xp, (self.count, capacity, self.plan.size)
        while len(self.levels) < level_count(leaves):
            self.levels.append(xp.zeros(shape, self.dtype))

    def _grown(self, level: Any, capacity: int) -> Any:
        xp = self.backend.xp
        wider = xp.zeros((self.count, capacity, self.plan.size), self.dtype)
        wider[:, : self.leaves] = level[:, : self.leaves]
        return wider

    def _extend(self, level: int, old: int, new: int) -> None:
        """Fill the rows of a level that leaves old, ..., new - 1 complete: those of even blocks
        whose last leaf is new, and of new leaves in odd blocks.
        """
        block = 1 << level
        first = old >> level << level
        begins = np.arange(first, new, block)
        begins = begins[((begins >> level) % 2 == 0) & (begins + block <= new)]
        suffixes = (begins[:, None] + np.arange(block)).reshape(-1)
        ends = np.repeat(begins + block, block)
        self._fill(level, suffixes, suffixes, ends)
        prefixes = np.arange(old, new)
        prefixes = prefixes[(prefixes >> level) % 2 == 1]
        self._fill(level, prefixes, prefixes >> level << level, prefixes + 1)

    def _fill(self, level: int, places: Any, begins: Any, ends: Any) -> None:
        """T_level[places] = the products of leaves [begins, ends), from lower levels."""
        row = max(self.count, 1) * self.plan.size * np.dtype(self.dtype).itemsize
        each = max(SLAB_BYTES // row, 1)
        for at in range(0, len(places), each):
            some = slice(at, at + each)
            paths = np.repeat(np.arange(self.count), len(places[some]))
            rows = self.products(
                paths, np.tile(begins[some], self.count), np.tile(ends[some], self.count)
            )
            index = paths * self._capacity + np.tile(places[some], self.count)
            self._flat(level)[self.backend.xp.asarray(index)] = rows

    def _flat(self, level: int) -> Any:
        return self.levels[level].reshape(-1, self.plan.size)

    def _rows(self, level: int, paths: Any, leaves: Any) -> Any:
        """Copies of some rows of a level."""
        index = self.backend.xp.asarray(paths * self._capacity + leaves)
        rows = self._flat(level)[index]
        return self.backend.xp.ascontiguousarray(rows)

    def products(self, paths: Any, begins: Any, ends: Any) -> Any:
        """The products of the leaves [begins[k], ends[k]) of path paths[k], at least one each."""
        xp = self.backend.xp
        out = xp.empty((len(paths), self.plan.size), self.dtype)
        single = np.flatnonzero(ends - begins == 1)
        if len(single):
            out[xp.asarray(single)] = self._rows(0, paths[single], begins[single])
        level = np.where(ends - begins > 1, highest_bit(begins ^ (ends - 1) | 1), -1)
        for own in np.unique(level[level >= 0]).tolist():
            some = np.flatnonzero(level == own)
            left = self._rows(own, paths[some], begins[some])
            right = self._rows(own, paths[some], ends[some] - 1)
            rows = xp.empty(left.shape, self.dtype)
            self.multiply(left, right, rows)
            out[xp.asarray(some)] = rows
        return out

    def multiply(self, left: Any, right: Any, out: Any) -> None:
        """Chen products of rows."""
        impl = self.backend.impl
        impl.bilinear("product", (left, right), out, self.plan, 1, self.workers)
