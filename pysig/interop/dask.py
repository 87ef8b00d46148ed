"""Signatures of Dask arrays, chunked along the batch, along time, or both.

A path that is chunked along time is computed chunk by chunk; Chen's identity joins the chunks in a
tree. Only the last point of a chunk goes to the next one. The chunks may be NumPy or CuPy arrays,
and the result has the same kind.

Each task computes with one thread, because Dask runs several tasks at a time.
"""

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

__all__ = ["logsignature", "signature"]

Key = tuple[Any, ...]
Layer = dict[Key, Any]

#: Stages of a transform that chunks of a path can be computed with one by one.
LOCAL_STAGES = ("time", "lead_lag")


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
            return len(self.words)
        return pysig.signature_size(self.channels, self.depth, self.scalar_term)


def signature(
    path: Any,
    depth: int | None = None,
    *,
    stream: bool = False,
    basepoint: Any = None,
    inverse: bool = False,
    scalar_term: bool = False,
    words: Any = None,
    lengths: Any = None,
    transform: Any = None,
    workers: int = 1,
    split_every: int = 8,
) -> Any:
    """Signatures of a Dask array of paths, see `pysig.signature`.

    Parameters
    ----------
    path : dask.array.Array, shape (..., length, channels)
        Paths with any chunks along the batch and along time, and one chunk of channels. The chunks
        are NumPy or CuPy arrays.
    depth : int, optional
        Truncation depth, at least 1. Optional with `words`.
    stream : bool, optional
        If True, return the signatures of all prefixes.
    basepoint : bool or array_like, shape (channels,), optional
        A point in front of each path; True is the origin.
    inverse, scalar_term : bool, optional
        See `pysig.signature`.
    words : sequence of tuple of int, optional
        Return these coefficients only.
    lengths : array_like of int, shape (...), optional
        Number of points of each path; for paths with one chunk of time.
    transform : str, pysig.Time, or sequence of these, optional
        See `pysig.signature`. With several chunks of time: "time", "lead_lag", or `pysig.Time` of
        one time for each point.
    workers : int, optional
        Threads of each task.
    split_every : int, optional
        Number of chunks of time that a task joins, at least 2.

    Returns
    -------
    dask.array.Array, shape (..., size); with `stream` (..., prefixes, size)
        One chunk of coefficients; chunks along the batch as those of `path`.

    Raises
    ------
    TypeError
        If `path` is not a Dask array, or an argument has a wrong type.
    ValueError
        If the channels are in several chunks, sizes of chunks are unknown, or an option is not
        available for several chunks of time. The message states the remedy.

    Notes
    -----
    At most three tasks for a chunk: its last point, its signature, and a share of the tree of Chen
    products; with `stream` four. A worker holds one chunk and some rows of coefficients for each of
    its threads. The result equals that of `pysig.signature` up to rounding of Chen products, and
    depends on the chunks only.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import pysig
    >>> from pysig.interop import dask as sig
    >>> points = np.random.default_rng(0).normal(size=(1000, 2)).cumsum(axis=0)
    >>> path = da.from_array(points, chunks=(100, 2))
    >>> bool(np.allclose(sig.signature(path, 3).compute(), pysig.signature(points, 3)))
    True
    """
    wanted = None if words is None else tuple(tuple(word) for word in words)
    if wanted is not None and depth is None:
        depth = max(map(len, wanted), default=1)
    options = {"inverse": inverse, "scalar_term": scalar_term, "words": wanted}
    return _computed(
        path, depth, options, stream, basepoint, lengths, transform, workers, split_every
    )


def logsignature(
    path: Any,
    depth: int,
    *,
    basis: str = "words",
    stream: bool = False,
    basepoint: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int = 1,
    split_every: int = 8,
) -> Any:
    """Log-signatures of a Dask array of paths, see `pysig.logsignature`.

    Parameters
    ----------
    path, depth
        See `signature`.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        The basis of the coordinates.
    stream, basepoint, inverse, lengths, transform, workers, split_every
        See `signature`.

    Returns
    -------
    dask.array.Array, shape (..., size); with `stream` (..., prefixes, size)
        Coordinates in the basis.

    Raises
    ------
    TypeError, ValueError
        See `signature`.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import pysig
    >>> from pysig.interop import dask as sig
    >>> points = np.random.default_rng(0).normal(size=(1000, 2)).cumsum(axis=0)
    >>> path = da.from_array(points, chunks=(100, 2))
    >>> bool(np.allclose(sig.logsignature(path, 3).compute(), pysig.logsignature(points, 3)))
    True
    """
    options = {"inverse": inverse, "log": basis}
    return _computed(
        path, depth, options, stream, basepoint, lengths, transform, workers, split_every
    )


def _computed(
    path: Any,
    depth: Any,
    options: Mapping[str, Any],
    stream: bool,
    basepoint: Any,
    lengths: Any,
    transform: Any,
    workers: int,
    split_every: int,
) -> Any:
    _check_path(path)
    if not isinstance(split_every, int) or split_every < 2:
        raise ValueError(
            f"split_every: expected an integer of at least 2, received {split_every!r}."
        )
    points = path if path.dtype.kind == "f" else path.astype(np.float64)
    listed = () if transform is None else transform
    stages = tuple(listed) if isinstance(listed, (list, tuple)) else (listed,)
    plan = Plan(
        channels=pysig.transformed_shape(path.shape[-2], path.shape[-1], transform)[1],
        depth=depth,
        stages=tuple(_stage_name(stage) for stage in stages),
        workers=workers,
        **{"log": None, "inverse": False, "scalar_term": False, "words": None, **options},
    )
    # arguments are checked now, on two points, and not in a task
    tiny = np.zeros((2, path.shape[-1]), points.dtype)
    checked = [pysig.Time() if isinstance(stage, pysig.Time) else stage for stage in stages]
    _signed(tiny, plan, stream, {"basepoint": basepoint, "transform": checked or None})
    if path.numblocks[-2] == 1:
        return _by_batch(points, plan, stream, basepoint, lengths, transform)
    if lengths is not None:
        raise ValueError(
            "lengths: expected None for a path in several chunks of time, received an array. "
            "Rechunk it: path.rechunk({-2: -1})."
        )
    for stage in plan.stages:
        if stage not in (*LOCAL_STAGES, "times"):
            raise ValueError(
                f"transform: expected {', '.join(LOCAL_STAGES)} or pysig.Time for a path in "
                f"several chunks of time, received {stage!r}. Rechunk it: path.rechunk({{-2: -1}})."
            )
    return Chunked(points, plan, basepoint, stages).result(stream, split_every)


def _stage_name(stage: Any) -> Any:
    if not isinstance(stage, pysig.Time):
        return stage
    return "time" if stage.times is None else "times"


def _check_path(path: Any) -> None:
    if not isinstance(path, da.Array):
        raise TypeError(
            f"path: expected a dask.array.Array, received {type(path).__name__}. "
            "Pass other arrays to pysig.signature."
        )
    if path.ndim < 2:
        raise ValueError(
            f"path: expected shape (..., length, channels), received shape {path.shape}."
        )
    if any(np.isnan(size) for size in path.shape):
        raise ValueError(
            "path: expected chunks of known sizes, received unknown ones. "
            "Call path.compute_chunk_sizes()."
        )
    if path.numblocks[-1] != 1:
        raise ValueError(
            f"path: expected one chunk of channels, received chunks {path.chunks[-1]}. "
            "Rechunk it: path.rechunk({-1: -1})."
        )
    if 0 in path.shape[-2:]:
        raise ValueError(
            f"path: expected at least one point and one channel, received shape {path.shape}."
        )


def _signed(points: Any, plan: Plan, stream: bool, options: Mapping[str, Any]) -> Any:
    """The result of `pysig.signature` or `pysig.logsignature`."""
    common = {"stream": stream, "inverse": plan.inverse, "workers": plan.workers, **options}
    if plan.log is not None:
        return pysig.logsignature(points, plan.depth, basis=plan.log, **common)
    if plan.words is not None:
        return pysig.signature(points, None, words=plan.words, **common)
    return pysig.signature(points, plan.depth, scalar_term=plan.scalar_term, **common)


# ---- one chunk of time ----


def _by_batch(
    path: Any, plan: Plan, stream: bool, basepoint: Any, lengths: Any, transform: Any
) -> Any:
    """Each block of paths by itself."""
    rows = pysig.transformed_shape(path.shape[-2], 1, transform)[0] - 1
    rows += basepoint is not None and basepoint is not False
    columns = ((rows,), (plan.size,)) if stream else ((plan.size,),)
    ndim = path.ndim
    compute = partial(_block, plan=plan, stream=stream, basepoint=basepoint, transform=transform)
    arrays = [path]
    if lengths is not None:
        counts = da.asarray(lengths)
        counts = da.broadcast_to(counts, path.shape[:-2]).rechunk(path.chunks[:-2])
        arrays.append(counts[..., None, None])
    return da.map_blocks(
        compute,
        *arrays,
        dtype=path.dtype,
        drop_axis=[ndim - 2, ndim - 1],
        new_axis=[ndim - 2, ndim - 1] if stream else [ndim - 2],
        chunks=(*path.chunks[:-2], *columns),
        meta=meta_from_array(path._meta, ndim - 1 + stream, dtype=path.dtype),
        name=f"signature-{tokenize(path, plan, stream, basepoint, lengths, transform)}",
    )


def _block(
    points: Any, counts: Any = None, *, plan: Plan, stream: bool, basepoint: Any, transform: Any
) -> Any:
    options = {"basepoint": basepoint, "transform": transform}
    if counts is not None:
        options["lengths"] = counts[..., 0, 0]
    return _signed(points, plan, stream, options)


# ---- several chunks of time ----


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
                _last_point, (self.path.name, *row, k, 0)
            )  # fmt: skip
        if self.times is not None:
            for k in range(self.count - 1):
                self.layers[("last-time-" + self.token, k)] = (_last_time, (self.times.name, k))

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
            times = partial(_equal_times, self.starts[k] + shift, total, self.end)
        return (compute, (self.path.name, *row, k, 0), before, times, before_time, *more)

    def _totals(self, name: str, split_every: int) -> None:
        """A tree of Chen products of the signatures of the chunks."""
        compute = partial(_total, plan=self.plan)
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
                    self.layers[key] = (partial(_joined, plan=self.plan), group)
                level += 1
            self.layers[(name, *row, 0)] = (partial(_finished, plan=self.plan), keys)

    def _streams(self, name: str) -> list[int]:
        """All prefixes: the totals, the products in front of each chunk, then the chunks again."""
        sizes: list[int] = []
        factor = 2 if "lead_lag" in self.plan.stages else 1
        for k, size in enumerate(self.path.chunks[-2]):
            sizes.append(factor * (size - (k == 0 and self.base is None)))
        for row in self.rows:
            front: Any = None
            for k in range(self.count):
                prefixes = partial(_prefixes, plan=self.plan)
                self.layers[(name, *row, k, 0)] = self._chunk(row, k, prefixes, front)
                if k + 1 == self.count:
                    break
                key = ("chunk-" + name, *row, k)
                self.layers[key] = self._chunk(row, k, partial(_total, plan=self.plan))
                following = ("front-" + name, *row, k + 1)
                parts = [key] if front is None else [front, key]
                self.layers[following] = (partial(_joined, plan=self.plan), parts)
                front = following
        return sizes


def _last_point(points: Any) -> Any:
    return points[..., -1, :].copy()


def _last_time(times: Any) -> Any:
    return times[-1:].copy()


def _equal_times(start: int, total: int, end: float, count: int) -> Any:
    """Times of `count` points in equal steps from 0 to `end`; the first has number `start`."""
    return np.arange(start, start + count) * (end / max(1, total))


def _options(points: Any, before: Any, times: Any, before_time: Any, plan: Plan) -> dict[str, Any]:
    """Basepoint and transform of a chunk."""
    transform: list[Any] = list(plan.stages)
    if times is not None:
        with_base = before is not None
        if callable(times):  # equal steps
            first = times.args[0] - with_base
            count = points.shape[-2] + with_base
            stamps = _equal_times(first, times.args[1], times.args[2], count)
        else:
            front = times[:1] if before_time is None else before_time
            stamps = np.concatenate([front, times]) if with_base else times
        time = pysig.Time(_library(points).asarray(stamps))
        transform = [time if stage in ("time", "times") else stage for stage in transform]
    return {"basepoint": before, "transform": transform or None}


def _total(points: Any, before: Any, times: Any, before_time: Any, *, plan: Plan) -> Any:
    """The signature of a chunk, (..., 1, size)."""
    options = _options(points, before, times, before_time, plan)
    return pysig.signature(points, plan.depth, workers=plan.workers, **options)[..., None, :]


def _joined(rows: Sequence[Any], *, plan: Plan) -> Any:
    """The Chen product of rows (..., 1, size), in order."""
    if len(rows) == 1:
        return rows[0]
    total = rows[0][..., 0, :]
    for row in rows[1:]:
        total = pysig.algebra.combine(
            total, row[..., 0, :], plan.channels, plan.depth, workers=plan.workers
        )
    return total[..., None, :]


def _library(array: Any) -> Any:
    """NumPy or CuPy."""
    return sys.modules[type(array).__module__.partition(".")[0]]


def _with_scalar(rows: Any) -> Any:
    xp = _library(rows)
    return xp.concatenate([xp.ones((*rows.shape[:-1], 1), rows.dtype), rows], axis=-1)


def _finished(rows: Sequence[Any], *, plan: Plan) -> Any:
    """The product of the last rows, as the caller wants it: (..., size)."""
    total = _joined(rows, plan=plan)[..., 0, :]
    channels, depth = plan.channels, plan.depth
    if plan.inverse:
        total = pysig.algebra.invert(total, channels, depth, workers=plan.workers)
    if plan.log is not None:
        return pysig.signature_to_logsignature(
            total, channels, depth, basis=plan.log, workers=plan.workers
        )
    if plan.words is not None:
        return total[..., [pysig.word_index(word, channels) for word in plan.words]]
    if plan.scalar_term:
        return _with_scalar(total)
    return total


def _prefixes(
    points: Any, before: Any, times: Any, before_time: Any, front: Any, *, plan: Plan
) -> Any:
    """The results of the prefixes that end in a chunk; `front` (..., 1, size) goes before it."""
    options = _options(points, before, times, before_time, plan)
    if front is not None:
        options["initial"] = front[..., 0, :]
    if plan.words is None and not plan.scalar_term:
        return _signed(points, plan, True, options)
    rows = pysig.signature(
        points, plan.depth, stream=True, inverse=plan.inverse, workers=plan.workers, **options
    )
    if plan.words is not None:
        return rows[..., [pysig.word_index(word, plan.channels) for word in plan.words]]
    return _with_scalar(rows)
