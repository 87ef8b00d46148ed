"""Windows as copies: the points of each window become a path of its own, in a ragged batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pysig._backend import ArrayBackend
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.transform import names

if TYPE_CHECKING:
    from pysig._api._interval_rows import Operation

SLAB_BYTES = 16 << 20  # of the copies, or of the results, of the windows that are computed at once


class Slab(NamedTuple):
    """Some windows of similar length, on the host."""

    place: Any  # (m,): the row of the result
    row: Any  # (m,): the path
    begin: Any  # (m,): its first point
    counts: Any  # (m,): its points, at least 1


@dataclass(frozen=True)
class Pieces:
    """The windows `bounds` (paths, q, 2) of `paths`, computed in `dtype`."""

    backend: ArrayBackend
    operation: Operation
    paths: Paths
    bounds: Any
    times: Any  # (paths, points) or None
    dtype: Any

    def value(self, out: Any) -> None:
        """Fill `out` (paths, q, columns), contiguous."""
        rows = self._trivial(out, self.operation.trivial)
        for slab in self._slabs():
            target = self.backend.xp.empty((len(slab.place), rows.shape[1]), out.dtype)
            self.operation.value(self._paths_of(slab), target)
            rows[self._index(slab.place)] = target

    def jvp(self, tangents: Tangents, out: Any) -> None:
        """Fill `out` with the derivatives along tangents of `paths`."""
        rows = self._trivial(out, self.operation.trivial * 0)
        moves = self._flat(tangents.path)
        for slab in self._slabs():
            base = tangents.basepoint
            base = None if base is None else base[self._index(slab.row)]
            along = Tangents(moves[self._point_index(slab)], base)
            target = self.backend.xp.empty((len(slab.place), rows.shape[1]), out.dtype)
            self.operation.jvp(self._paths_of(slab), along, target)
            rows[self._index(slab.place)] = target

    def vjp(self, cotangent: Any, into: Cotangents) -> None:
        """Add the gradients to `into`, contiguous arrays of `dtype`."""
        xp = self.backend.xp
        assert into.path.flags.c_contiguous
        weights = cotangent.reshape(-1, cotangent.shape[-1])
        base_bar = into.basepoint
        points_bar = into.path.reshape(-1, into.path.shape[-1])
        for slab in self._slabs():
            paths = self._paths_of(slab)
            bars = [xp.empty(paths.points.shape, self.dtype), None]
            if base_bar is not None:
                bars[1] = xp.empty((len(slab.row), base_bar.shape[1]), self.dtype)
            target = Cotangents(*bars)
            self.operation.vjp(paths, weights[self._index(slab.place)], target)
            index, used = self._host_point_index(slab)
            values = target.path.reshape(-1, points_bar.shape[1])
            add_rows(self.backend, points_bar, index[used], values, np.flatnonzero(used))
            if base_bar is not None:
                add_rows(self.backend, base_bar, slab.row, bars[1], np.arange(len(slab.row)))

    def _trivial(self, out: Any, trivial: Any) -> Any:
        """The rows of `out`, those of empty windows filled."""
        rows = out.reshape(-1, out.shape[-1])
        if (self.bounds[..., 0] == self.bounds[..., 1]).any():
            rows[...] = self.backend.xp.asarray(trivial.astype(out.dtype))
        return rows

    # ---- copies ----

    def _slabs(self) -> Iterator[Slab]:
        """All windows that have points, by their number of points, so that little is padded."""
        begin, end = self.bounds[..., 0].reshape(-1), self.bounds[..., 1].reshape(-1)
        counts, queries = end - begin, self.bounds.shape[1]
        order = np.argsort(counts, kind="stable")
        order = order[np.searchsorted(counts[order], 1) :]
        channels, columns = self.paths.points.shape[2], len(self.operation.trivial)
        itemsize = np.dtype(self.dtype).itemsize
        while len(order):
            number = np.arange(1, len(order) + 1)
            needed = number * np.maximum(counts[order] * channels, columns) * itemsize
            fit = max(int(np.searchsorted(needed, SLAB_BYTES, "right")), 1)
            some, order = order[:fit], order[fit:]
            yield Slab(some, some // queries, begin[some], counts[some])

    def _index(self, host: Any) -> Any:
        return self.backend.xp.asarray(host)

    def _flat(self, array: Any) -> Any:
        return self.backend.xp.ascontiguousarray(array).reshape(-1, array.shape[-1])

    @cached_property
    def _points(self) -> Any:
        return self._flat(self.paths.points)

    @cached_property
    def _stages(self) -> list[str]:
        transform = self.paths.transform
        return [] if transform is None else names(transform.stages)

    def _host_point_index(self, slab: Slab) -> tuple[Any, Any]:
        """Rows of all points, and whether they belong to the window; its last point fills up."""
        place = np.arange(int(slab.counts.max()))
        last = np.minimum(place, slab.counts[:, None] - 1)
        index = (slab.row * self.paths.points.shape[1] + slab.begin)[:, None] + last
        used = place < slab.counts[:, None]
        return index.reshape(-1), used.reshape(-1)

    def _point_index(self, slab: Slab) -> Any:
        index, _ = self._host_point_index(slab)
        return self._index(index.reshape(len(slab.row), -1))

    def _paths_of(self, slab: Slab) -> Paths:
        xp, base, transform = self.backend.xp, self.paths.basepoint, self.paths.transform
        points = self._points[self._point_index(slab)].astype(self.dtype, copy=False)
        if base is not None:
            base = base[self._index(slab.row)].astype(self.dtype, copy=False)
        if self.times is not None:
            assert transform is not None
            transform = transform._replace(times=self._times_of(slab))
        lengths = xp.asarray(np.ascontiguousarray(slab.counts))
        return Paths(xp.ascontiguousarray(points), base, None, lengths, None, transform)

    def _times_of(self, slab: Slab) -> Any:
        """The times of the points of windows, lead-lag before time doubles them."""
        stages, xp = self._stages, self.backend.xp
        place = stages.index("time")
        twice = 2 if "lead_lag" in stages[:place] else 1
        own = np.arange(twice * (int(slab.counts.max()) - 1) + 1)
        last = np.minimum(own, twice * (slab.counts[:, None] - 1))
        index = slab.row[:, None] * self.times.shape[1] + twice * slab.begin[:, None] + last
        times = xp.ascontiguousarray(self.times).reshape(-1)[self._index(index)]
        if not {"basepoint", "reset"} & set(stages[place + 1 :]):
            # Only differences matter; those to the first time lose no digits in rounding.
            times = times - times[:, :1]
        return xp.ascontiguousarray(times.astype(self.dtype, copy=False))


def add_rows(backend: ArrayBackend, target: Any, index: Any, values: Any, taken: Any) -> None:
    """target[index[k]] += values[taken[k]] for k in order, without atomics.

    Entries are added in rounds: round r adds the r-th entry of each row of the target.
    """
    xp = backend.xp
    order = np.argsort(index, kind="stable")
    rows = index[order]
    new = np.ones(len(rows), bool)
    new[1:] = rows[1:] != rows[:-1]
    begins = np.flatnonzero(new)
    ends = np.append(begins[1:], len(rows))
    if len(rows) and len(begins) < int((ends - begins).max()):  # many entries for few rows
        for begin, end in zip(begins, ends, strict=True):
            some = values[xp.asarray(taken[order[begin:end]])]
            target[int(rows[begin])] += some.sum(axis=0)
        return
    rank = np.arange(len(rows)) - np.repeat(begins, ends - begins)
    by_rank = np.argsort(rank, kind="stable")
    cuts = np.searchsorted(rank[by_rank], np.arange(int(rank.max(initial=-1)) + 2))
    for begin, end in pairwise(cuts):
        some = by_rank[begin:end]
        where = xp.asarray(rows[some])
        target[where] = target[where] + values[xp.asarray(taken[order[some]])]
