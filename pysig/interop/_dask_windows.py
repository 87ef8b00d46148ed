"""Windows of Dask arrays of paths.

A window belongs to the chunk of time that holds its last point. Points of earlier chunks, from the
begin of the first of these windows on, go to the task of that chunk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import dask.array as da
import numpy as np
from dask.array.utils import meta_from_array
from dask.base import tokenize
from dask.highlevelgraph import HighLevelGraph

import pysig
from pysig.interop._dask_checks import check_arguments, check_path, listed_stages
from pysig.interop._dask_graph import Key, Layer, Plan, library

POINTS = ("basepoint", "lengths", "transform")  # options that say how points are read
LOGSIGNATURE = {**dict.fromkeys(POINTS), "inverse": False, "workers": 1}
SIGNATURE = {**LOGSIGNATURE, "scalar_term": False, "words": None}


def signature_windows(
    path: Any,
    depth: int | None,
    window: Any,
    *,
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    **options: Any,
) -> Any:
    """Signatures of windows of a Dask array of paths, see `pysig.signature_windows`.

    Parameters
    ----------
    path : dask.array.Array, shape (..., length, channels)
        Paths with any chunks along the batch and along time, and one chunk of channels.
    depth : int
        Truncation depth, at least 1. None with `words`.
    window, stride, start
        See `pysig.signature_windows`.
    times : array_like or dask.array.Array, shape (length,), optional
        Times of the points of all paths. They are computed at once, because they say which points
        belong to a window.
    closed, include_previous
        See `pysig.signature_windows`.
    **options
        `inverse`, `scalar_term` and `words` as of `pysig.signature_windows`; `basepoint`, True or
        an array (channels,); `lengths`, for paths with one chunk of time and windows of a number of
        points; any `transform`, since one task computes a window, with one time for each point in
        `pysig.Time`; `workers`, the threads of each task, 1 by default.

    Returns
    -------
    dask.array.Array, shape (..., windows, size)
        One chunk of windows for each chunk of time in which windows end; chunks along the batch as
        those of `path`.

    Raises
    ------
    TypeError, ValueError
        See `signature`, and if arguments of windows are invalid. The message states the remedy.

    See Also
    --------
    pysig.signature_windows : The function of arrays.

    Notes
    -----
    At most two tasks for a chunk: a copy of the points that windows of later chunks begin with, and
    the windows themselves. A task holds its chunk and the points that its windows reach back, so
    chunks should be longer than windows. The graph holds 16 bytes for each window of a length of
    time, and nothing for windows of a number of points.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> import pysig
    >>> from pysig.interop import dask as sig
    >>> points = np.random.default_rng(0).normal(size=(1000, 2)).cumsum(axis=0)
    >>> path = da.from_array(points, chunks=(100, 2))
    >>> lazy = sig.signature_windows(path, 3, 50, stride=10)
    >>> lazy.shape
    (96, 14)
    >>> bool(np.allclose(lazy, pysig.signature_windows(points, 3, 50, stride=10)))
    True
    """
    rule = Rule(window, stride, start, times, closed, include_previous)
    return _computed(path, depth, rule, _checked("signature_windows", options, SIGNATURE))


def logsignature_windows(
    path: Any,
    depth: int,
    window: Any,
    *,
    basis: str = "words",
    stride: Any = None,
    start: str = "full",
    times: Any = None,
    closed: str = "right",
    include_previous: bool = False,
    **options: Any,
) -> Any:
    """Log-signatures of windows of a Dask array of paths, see `pysig.logsignature_windows`.

    Parameters
    ----------
    path, depth, window
        See `signature_windows`.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        The basis of the coordinates.
    stride, start, times, closed, include_previous
        See `signature_windows`.
    **options
        `basepoint`, `inverse`, `lengths`, `transform` and `workers` as of `signature_windows`.

    Returns
    -------
    dask.array.Array, shape (..., windows, size)
        Coordinates in the basis, with chunks as those of `signature_windows`.

    Raises
    ------
    TypeError, ValueError
        See `signature_windows`.

    See Also
    --------
    pysig.logsignature_windows : The function of arrays.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from pysig.interop import dask as sig
    >>> path = da.from_array(np.arange(40.0).reshape(20, 2), chunks=(10, 2))
    >>> sig.logsignature_windows(path, 2, 5).shape
    (16, 3)
    """
    rule = Rule(window, stride, start, times, closed, include_previous)
    given = _checked("logsignature_windows", options, LOGSIGNATURE)
    return _computed(path, depth, rule, {**given, "log": basis})


class Rule(NamedTuple):
    """The arguments of windows, see `pysig.window_bounds`."""

    window: Any
    stride: Any
    start: str
    times: Any
    closed: str
    include_previous: bool

    def bounds(self, length: int) -> PointWindows | TimeWindows:
        """The checked windows of a path."""
        if self.times is None:
            pysig.window_bounds(1, **self._asdict())  # checks the arguments
            return PointWindows.of(length, self)
        times = self.times.compute() if isinstance(self.times, da.Array) else self.times
        if np.shape(times) != (length,):
            raise ValueError(
                f"times: expected shape {(length,)}, a time for each point, received shape "
                f"{np.shape(times)}. Call the function for each path with its times."
            )
        return TimeWindows(pysig.window_bounds(length, **{**self._asdict(), "times": times}))


@dataclass(frozen=True)
class PointWindows:
    """Windows of a number of points: ends are ``first + k * stride``, reaching back `reach`."""

    first: int
    count: int
    stride: int
    reach: int

    @classmethod
    def of(cls, length: int, rule: Rule) -> PointWindows:
        """The windows of `pysig.window_bounds`."""
        window, stride = int(rule.window), 1 if rule.stride is None else int(rule.stride)
        first = window if rule.start == "full" else (window - 1) % stride + 1
        count = max((length - first) // stride + 1, 0)
        return cls(first, count, stride, window + bool(rule.include_previous))

    def until(self, points: int) -> int:
        """The number of windows that end within the first `points` points."""
        return min(max((points - self.first) // self.stride + 1, 0), self.count)

    def part(self, begin: int, end: int) -> PointWindows:
        """The windows from number `begin` to `end`."""
        return replace(self, first=self.first + begin * self.stride, count=end - begin)

    def least(self) -> int:
        """The first point of these windows."""
        return max(self.first - self.reach, 0)

    def intervals(self, shift: int) -> Any:
        """Intervals of points that are counted from `shift` on."""
        ends = self.first + self.stride * np.arange(self.count, dtype=np.int64)
        return np.stack([np.maximum(ends - self.reach, 0), ends], axis=1) - shift


@dataclass(frozen=True)
class TimeWindows:
    """Windows of a length of time, as intervals of points (windows, 2) in order of their ends."""

    bounds: Any

    @property
    def count(self) -> int:
        return len(self.bounds)

    def until(self, points: int) -> int:
        """The number of windows that end within the first `points` points."""
        return int(np.searchsorted(self.bounds[:, 1], points, side="right"))

    def part(self, begin: int, end: int) -> TimeWindows:
        """The windows from number `begin` to `end`."""
        return TimeWindows(self.bounds[begin:end])

    def least(self) -> int:
        """The first point of these windows."""
        return int(self.bounds[:, 0].min())

    def intervals(self, shift: int) -> Any:
        """Intervals of points that are counted from `shift` on."""
        return self.bounds - shift


@dataclass(frozen=True)
class Task:
    """What the task of a chunk computes. Points and times are counted from `shift` on."""

    plan: Plan
    windows: PointWindows | TimeWindows
    shift: int
    rule: Rule
    points: dict[str, Any]  # options that say how points are read

    def __call__(self, pieces: list[Any], lengths: Any = None) -> Any:
        """The windows of the points in `pieces`, which follow each other."""
        points = pieces[0]
        if len(pieces) > 1:
            points = library(points).concatenate(pieces, axis=-2)
        plan = self.plan
        options: dict[str, Any] = {
            "depth": plan.depth if plan.words is None else None,
            **self.points,
            "inverse": plan.inverse,
            "workers": plan.workers,
        }
        name = "signature"
        if plan.log is None:
            options |= {"scalar_term": plan.scalar_term, "words": plan.words}
        else:
            name = "logsignature"
            options["basis"] = plan.log
        if lengths is not None:
            windows = getattr(pysig, f"{name}_windows")
            options["lengths"] = lengths
            return windows(points, **self.rule._asdict(), **options)
        intervals = self.windows.intervals(self.shift)
        return getattr(pysig, f"{name}_intervals")(points, intervals=intervals, **options)


def _checked(
    caller: str, options: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """The options with defaults; TypeError for other names."""
    for name in options:
        if name not in defaults:
            raise TypeError(
                f"{caller}() got an unexpected keyword argument {name!r}. "
                f"The options are {', '.join(defaults)}."
            )
    return {**defaults, **options}


def _computed(path: Any, depth: Any, rule: Rule, options: dict[str, Any]) -> Any:
    check_path(path)
    points = {name: options.pop(name) for name in POINTS}
    plan, array = check_arguments(path, depth, False, points, options, options.pop("workers"))
    windows = rule.bounds(path.shape[-2])
    lengths = points["lengths"]
    if lengths is not None:
        _check_lengths(path, rule)
        lengths = da.broadcast_to(da.asarray(lengths), path.shape[:-2]).rechunk(path.chunks[:-2])
    return WindowGraph(array, plan, windows, rule, {**points, "lengths": lengths}).result()


def _check_lengths(path: Any, rule: Rule) -> None:
    if path.numblocks[-2] > 1:
        raise ValueError(
            "lengths: expected None for a path in several chunks of time, received an array. "
            "Rechunk it: path.rechunk({-2: -1})."
        )
    if rule.times is not None:
        raise ValueError(
            "lengths: expected None for windows of a length of time, received an array. Compute "
            "the paths one by one, or pass a number of points as window."
        )


class WindowGraph:
    """The graph: a task for each chunk in which windows end, and for points that it needs."""

    def __init__(
        self, path: Any, plan: Plan, windows: Any, rule: Rule, points: dict[str, Any]
    ) -> None:
        self.path, self.plan, self.windows, self.rule, self.points = (
            path, plan, windows, rule, points
        )  # fmt: skip
        self.starts = np.cumsum([0, *path.chunks[-2]]).tolist()
        self.token = tokenize(path, plan, windows, rule, points)
        self.rows = list(product(*(range(n) for n in path.numblocks[:-2])))
        self.layers: Layer = {}
        self.transform = _listed(points["transform"], path.shape[-2])

    def result(self) -> Any:
        """The array of results."""
        path, lengths = self.path, self.points["lengths"]
        name = f"signature-windows-{self.token}"
        done, sizes = 0, list[int]()
        for k in range(path.numblocks[-2]):
            upto = self.windows.until(self.starts[k + 1])
            if upto > done or (k + 1 == path.numblocks[-2] and not sizes):
                self._chunk(name, k, len(sizes), self.windows.part(done, upto))
                sizes.append(upto - done)
            done = upto
        dependencies = [path] if lengths is None else [path, lengths]
        graph = HighLevelGraph.from_collections(name, self.layers, dependencies=dependencies)
        chunks = (*path.chunks[:-2], tuple(sizes), (self.plan.size,))
        meta = meta_from_array(path._meta, path.ndim, dtype=path.dtype)
        return da.Array(graph, name, chunks, meta=meta)

    def _chunk(self, name: str, k: int, place: int, windows: Any) -> None:
        """The tasks of the windows that end in chunk k, for all rows of blocks."""
        shift = self.starts[k]
        if windows.count:
            shift = min(shift, windows.least())
        first = int(np.searchsorted(self.starts, shift, side="right")) - 1
        first = min(first, k)
        stop = self.starts[k + 1]
        task = Task(
            self.plan, windows, shift, self.rule._replace(times=None),
            {**self.points, "lengths": None, "transform": self._stages(shift, stop)},
        )  # fmt: skip
        for row in self.rows:
            pieces: list[Key] = [(self.path.name, *row, j, 0) for j in range(first, k + 1)]
            if shift > self.starts[first]:
                key = ("tail-" + self.token, *row, k)
                self.layers[key] = (partial(tail, begin=shift - self.starts[first]), pieces[0])
                pieces[0] = key
            lengths = self.points["lengths"]
            more = () if lengths is None else ((lengths.name, *row),)
            self.layers[(name, *row, place, 0)] = (task, pieces, *more)

    def _stages(self, begin: int, end: int) -> Any:
        """The transform, with the times of some points."""
        stages = [
            pysig.Time(stage.times[begin:end])
            if isinstance(stage, pysig.Time) and stage.times is not None
            else stage
            for stage in self.transform
        ]
        return stages or None


def _listed(transform: Any, length: int) -> list[Any]:
    """The stages; times are arrays of the host, one for each point."""
    stages = []
    for stage in listed_stages(transform):
        if isinstance(stage, pysig.Time) and stage.times is not None:
            times = np.asarray(stage.times)
            if times.shape != (length,):
                raise ValueError(
                    f"times: expected shape {(length,)}, a time for each point, received shape "
                    f"{times.shape}."
                )
            stage = pysig.Time(times)
        stages.append(stage)
    return stages


def tail(points: Any, begin: int) -> Any:
    """A copy of the points from `begin` on, which does not keep the chunk."""
    return points[..., begin:, :].copy()
