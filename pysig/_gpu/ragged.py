"""Paths without padding on a GPU: copied to padded paths, some at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from inspect import signature as parameters_of
from typing import Any, ParamSpec

from pysig._gpu.compile import elementwise_kernel
from pysig._gpu.memory import scratch_limit
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.transform import times_after

P = ParamSpec("P")
FILE = "ragged.cuh"
COPIES = 4  # of the points: these, a tangent, a gradient, and the scratch memory of an operation


def padded(function: Callable[P, None]) -> Callable[P, None]:
    """Decorate an operation of padded paths: it takes paths without padding, too.

    The memory of padding keeps to the scratch limit, unless one path needs more.
    """
    parameters = parameters_of(function)

    @wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        paths: Any = arguments[0]
        if paths.starts is None:
            function(*arguments, **options)
            return
        import cupy

        bound = parameters.bind(*arguments, **options).arguments
        with paths.points.device:
            for rows in _slabs(cupy, paths):
                _run_slab(cupy, function, bound, paths, rows)

    return run


def _slabs(cupy: Any, paths: Paths) -> Iterator[slice]:
    """Consecutive paths whose padded points keep to the limit, one path at least."""
    limit = scratch_limit(cupy)
    width = paths.points.shape[1] * paths.points.dtype.itemsize * COPIES
    begin, longest = 0, 0
    for b, length in enumerate(paths.lengths.tolist()):
        longest = max(longest, length)
        if b > begin and (b + 1 - begin) * longest * width > limit:
            yield slice(begin, b)
            begin, longest = b, length
    if begin < paths.batch:
        yield slice(begin, paths.batch)


def _run_slab(
    cupy: Any, function: Callable[..., None], bound: dict[str, Any], paths: Paths, rows: slice
) -> None:
    """Apply `function` to some paths. With a stream all have the rows of the longest path."""
    options = bound.get("options")
    part, points = paths.part(rows), paths.points_of(rows)
    stream = options is not None and options.stream
    place = Place(cupy, part, paths.length if stream else part.length)
    here = {**bound, "paths": place.paths()}
    for name in ("out", "cotangent"):
        if name in bound:
            here[name] = bound[name][rows]
    if bound.get("tangents") is not None:
        along: Tangents = bound["tangents"].part(rows, points)
        here["tangents"] = along._replace(path=place.spread(along.path))
    if "into" not in bound:
        function(**here)
        return
    into: Cotangents = bound["into"].part(rows, points)
    path_bar = cupy.empty(here["paths"].points.shape, into.path.dtype)
    function(**{**here, "into": into._replace(path=path_bar)})
    place.gather(path_bar, into.path)


class Place:
    """Where the points of paths are, with and without padding."""

    def __init__(self, cupy: Any, ragged: Paths, length: int) -> None:
        self.cupy, self.ragged, self.length = cupy, ragged, length
        self.starts, self.lengths = cupy.asarray(ragged.starts), cupy.asarray(ragged.lengths)

    def paths(self) -> Paths:
        """The paths with padding."""
        transform = self.ragged.transform
        if transform is not None and transform.starts is not None:
            based = self.ragged.basepoint is not None
            counts = times_after(transform, self.ragged.lengths - 1 + based)
            places = self.cupy.asarray(transform.starts), self.cupy.asarray(counts)
            longest = times_after(transform, self.length - 1 + based)
            times = self._spread(transform.times[:, None], *places, longest)
            transform = transform._replace(times=times[:, :, 0], starts=None)
        points = self.spread(self.ragged.points)
        return self.ragged._replace(
            points=points, lengths=self.lengths, transform=transform, starts=None
        )

    def spread(self, points: Any) -> Any:
        """Points (total, channels) as (batch, length, channels); the last point is repeated."""
        return self._spread(points, self.starts, self.lengths, self.length)

    def _spread(self, points: Any, starts: Any, lengths: Any, length: int) -> Any:
        points, channels = self.cupy.ascontiguousarray(points), points.shape[1]
        target = self.cupy.empty((len(starts), length, channels), points.dtype)
        _spread_kernel()(points, starts, lengths, length, channels, target, size=target.size)
        return target

    def gather(self, padded_rows: Any, target: Any) -> None:
        """Copy (batch, length, channels) to points (total, channels), without the padding."""
        sizes = self.length, target.shape[1]
        arrays = padded_rows, self.starts, self.lengths
        _gather_kernel()(*arrays, *sizes, target, size=padded_rows.size)


def _spread_kernel() -> Any:
    return elementwise_kernel(
        "raw T points, raw int64 starts, raw int64 lengths, int64 length, int64 channels",
        "raw T target",
        """
        const pysig_gpu::padded_element e(i, length, channels);
        const pysig_gpu::i64 last = lengths[e.path] - 1;
        const pysig_gpu::i64 point = starts[e.path] + (e.point < last ? e.point : last);
        target[i] = points[point * channels + e.channel];
        """,
        "pysig_spread",
        FILE,
    )


def _gather_kernel() -> Any:
    return elementwise_kernel(
        "raw T rows, raw int64 starts, raw int64 lengths, int64 length, int64 channels",
        "raw T target",
        """
        const pysig_gpu::padded_element e(i, length, channels);
        if (e.point < lengths[e.path])
            target[(starts[e.path] + e.point) * channels + e.channel] = rows[i];
        """,
        "pysig_gather",
        FILE,
    )
