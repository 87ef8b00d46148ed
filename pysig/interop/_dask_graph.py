"""The graph of a Dask array of paths in several chunks of time, and its tasks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.array.utils import meta_from_array
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

import pysig

Key = tuple[Any, ...]
Layer = dict[Key, Any]


class Plan(NamedTuple):
    """What to compute. All chunks of a path have the same plan."""

    channels: int  # after the transform
    depth: int
    stages: tuple[str, ...]  # "times": those of pysig.Time
    log: str | None  # the basis of a log-signature
    inverse: bool
    scalar_term: bool
    words: tuple[tuple[int, ...], ...] | None
    workers: int

    @property
    def size(self) -> int:
        """The number of coefficients of a result."""
        if self.log is not None:
            return pysig.logsignature_size(self.channels, self.depth, self.log)
        if self.words is not None:
            return len(self.words) + self.scalar_term
        return pysig.signature_size(self.channels, self.depth, self.scalar_term)


def signed(points: Any, plan: Plan, stream: bool, options: Mapping[str, Any]) -> Any:
    """The result of `pysig.signature` or `pysig.logsignature`."""
    common = {"stream": stream, "inverse": plan.inverse, "workers": plan.workers, **options}
    if plan.log is not None:
        return pysig.logsignature(points, plan.depth, basis=plan.log, **common)
    common["scalar_term"] = plan.scalar_term
    if plan.words is not None:
        return pysig.signature(points, None, words=plan.words, **common)
    return pysig.signature(points, plan.depth, **common)


class Chunked:
    """The graph of a path in several chunks of time.

    Chunk k of row r begins at the last point of chunk k - 1, which is its basepoint.
    """

    def __init__(self, path: Any, plan: Plan, basepoint: Any, stages: Sequence[Any]) -> None:
        sizes = [size for size in path.chunks[-2] if size]
        if len(sizes) < len(path.chunks[-2]):
            path = path.rechunk({path.ndim - 2: tuple(sizes)})
        self.path, self.plan = path, plan
        self.base = None if basepoint is None or basepoint is False else basepoint
        self.token = tokenize(path, plan, basepoint, stages)
        self.rows = list(product(*(range(n) for n in path.numblocks[:-2])))
        self.count = path.numblocks[-2]
        self.starts = np.cumsum([0, *path.chunks[-2]]).tolist()
        self.layers: Layer = {}
        self.dependencies = [path]
        self.times = next((s.times for s in stages if isinstance(s, pysig.Time)), None)
        if self.times is not None:
            self.times = da.asarray(self.times)
            if self.times.shape != path.shape[-2:-1]:
                raise ValueError(
                    f"times: expected shape {path.shape[-2:-1]}, a time for each point, received "
                    f"shape {self.times.shape}."
                )
            self.times = self.times.rechunk((path.chunks[-2],))
            self.dependencies.append(self.times)
        self.end = next((s.end for s in stages if isinstance(s, pysig.Time)), 1.0)

    def result(self, stream: bool, split_every: int) -> Any:
        """The array of results."""
        path, plan = self.path, self.plan
        self._boundaries()
        name = f"signature-{'prefixes' if stream else 'whole'}-{self.token}-{split_every}"
        rows: list[int] = []
        if stream:
            rows = self._streams(name)
        else:
            self._totals(name, split_every)
        chunks = (*path.chunks[:-2], *((tuple(rows),) if stream else ()), (plan.size,))
        graph = HighLevelGraph.from_collections(name, self.layers, dependencies=self.dependencies)
        meta = meta_from_array(path._meta, path.ndim - 1 + stream, dtype=path.dtype)
        return da.Array(graph, name, chunks, meta=meta)

    def _boundaries(self) -> None:
        """The last point, and the last time, of each chunk but the last one."""
        for row, k in product(self.rows, range(self.count - 1)):
            self.layers[("last-" + self.token, *row, k)] = (
                last_point, (self.path.name, *row, k, 0)
            )  # fmt: skip
        if self.times is not None:
            for k in range(self.count - 1):
                self.layers[("last-time-" + self.token, k)] = (last_time, (self.times.name, k))

    def _chunk(self, row: Key, k: int, compute: Callable[..., Any], *more: Any) -> tuple[Any, ...]:
        """The task of a chunk: points, basepoint, times, time of the basepoint."""
        before: Any = self.base if k == 0 else ("last-" + self.token, *row, k - 1)
        times: Any = None
        before_time: Any = None
        if self.times is not None:
            times = (self.times.name, k)
            before_time = None if k == 0 else ("last-time-" + self.token, k - 1)
        elif "time" in self.plan.stages:  # points are numbered from the basepoint on
            shift = int(self.base is not None)
            total = self.starts[-1] - 1 + shift
            times = partial(equal_times, self.starts[k] + shift, total, self.end)
        return (compute, (self.path.name, *row, k, 0), before, times, before_time, *more)

    def _totals(self, name: str, split_every: int) -> None:
        """A tree of Chen products of the signatures of the chunks."""
        compute = partial(total, plan=self.plan)
        for row in self.rows:
            keys: list[Key] = []
            for k in range(self.count):
                keys.append(("chunk-" + name, *row, k))
                self.layers[keys[-1]] = self._chunk(row, k, compute)
            level = 0
            while len(keys) > split_every:
                groups = [keys[i : i + split_every] for i in range(0, len(keys), split_every)]
                keys = [("join-" + name, level, *row, i) for i in range(len(groups))]
                for key, group in zip(keys, groups, strict=True):
                    self.layers[key] = (partial(joined, plan=self.plan), group)
                level += 1
            self.layers[(name, *row, 0)] = (partial(finished, plan=self.plan), keys)

    def _streams(self, name: str) -> list[int]:
        """All prefixes: the totals, the products in front of each chunk, then the chunks again."""
        sizes: list[int] = []
        factor = 2 if "lead_lag" in self.plan.stages else 1
        for k, size in enumerate(self.path.chunks[-2]):
            sizes.append(factor * (size - (k == 0 and self.base is None)))
        for row in self.rows:
            front: Any = None
            for k in range(self.count):
                compute = partial(prefixes, plan=self.plan)
                self.layers[(name, *row, k, 0)] = self._chunk(row, k, compute, front)
                if k + 1 == self.count:
                    break
                key = ("chunk-" + name, *row, k)
                self.layers[key] = self._chunk(row, k, partial(total, plan=self.plan))
                following = ("front-" + name, *row, k + 1)
                parts = [key] if front is None else [front, key]
                self.layers[following] = (partial(joined, plan=self.plan), parts)
                front = following
        return sizes


def last_point(points: Any) -> Any:
    return points[..., -1, :].copy()


def last_time(times: Any) -> Any:
    return times[-1:].copy()


def equal_times(start: int, total: int, end: float, count: int) -> Any:
    """Times of `count` points in equal steps from 0 to `end`; the first has number `start`."""
    return np.arange(start, start + count) * (end / max(1, total))


def given_options(
    points: Any, before: Any, times: Any, before_time: Any, plan: Plan
) -> dict[str, Any]:
    """Basepoint and transform of a chunk."""
    transform: list[Any] = list(plan.stages)
    if times is not None:
        with_base = before is not None
        if callable(times):  # equal steps
            first = times.args[0] - with_base
            count = points.shape[-2] + with_base
            stamps = equal_times(first, times.args[1], times.args[2], count)
        else:
            front = times[:1] if before_time is None else before_time
            stamps = np.concatenate([front, times]) if with_base else times
        time = pysig.Time(library(points).asarray(stamps))
        transform = [time if stage in ("time", "times") else stage for stage in transform]
    return {"basepoint": before, "transform": transform or None}


def total(points: Any, before: Any, times: Any, before_time: Any, *, plan: Plan) -> Any:
    """The signature of a chunk, (..., 1, size)."""
    given = given_options(points, before, times, before_time, plan)
    return pysig.signature(points, plan.depth, workers=plan.workers, **given)[..., None, :]


def joined(rows: Sequence[Any], *, plan: Plan) -> Any:
    """The Chen product of rows (..., 1, size), in order."""
    if len(rows) == 1:
        return rows[0]
    total = rows[0][..., 0, :]
    for row in rows[1:]:
        total = pysig.algebra.combine(
            total, row[..., 0, :], plan.channels, plan.depth, workers=plan.workers
        )
    return total[..., None, :]


def library(array: Any) -> Any:
    """NumPy or CuPy."""
    return sys.modules[type(array).__module__.partition(".")[0]]


def with_scalar(rows: Any) -> Any:
    xp = library(rows)
    return xp.concatenate([xp.ones((*rows.shape[:-1], 1), rows.dtype), rows], axis=-1)


def chosen(rows: Any, plan: Plan) -> Any:
    """The coefficients that the caller wants of rows of signatures."""
    if plan.words is not None:
        rows = rows[..., [pysig.word_index(word, plan.channels) for word in plan.words]]
    return with_scalar(rows) if plan.scalar_term else rows


def finished(rows: Sequence[Any], *, plan: Plan) -> Any:
    """The product of the last rows, as the caller wants it: (..., size)."""
    total = joined(rows, plan=plan)[..., 0, :]
    channels, depth = plan.channels, plan.depth
    if plan.inverse:
        total = pysig.algebra.invert(total, channels, depth, workers=plan.workers)
    if plan.log is not None:
        return pysig.signature_to_logsignature(
            total, channels, depth, basis=plan.log, workers=plan.workers
        )
    return chosen(total, plan)


def prefixes(
    points: Any, before: Any, times: Any, before_time: Any, front: Any, *, plan: Plan
) -> Any:
    """The results of the prefixes that end in a chunk; `front` (..., 1, size) goes before it."""
    given = given_options(points, before, times, before_time, plan)
    if front is not None:
        given["initial"] = front[..., 0, :]
    if plan.words is None and not plan.scalar_term:
        return signed(points, plan, True, given)
    rows = pysig.signature(
        points, plan.depth, stream=True, inverse=plan.inverse, workers=plan.workers, **given
    )
    return chosen(rows, plan)
