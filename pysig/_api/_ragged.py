"""Paths of different lengths without padding: sequences of arrays, and concatenated points with
`offsets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from pysig._api._checks import as_numeric, broadcast, cast, describe, refuse_masked
from pysig._api._device import check_device, refuse_capture
from pysig._api._memory import SMALL_RESULT_BYTES, available_memory, shortage
from pysig._api._path_checks import check_path
from pysig._backend import NUMPY, ArrayBackend, backend_of, is_cupy
from pysig._plans.paths import Paths, Rows
from pysig._plans.transform import Transform


class RaggedPaths:
    """Checked paths of their own lengths.

    `points` (total, channels) are those of all paths, one after the other, `offsets` (paths + 1,)
    the places where paths begin and end, a NumPy array on every backend. `shape` is that of the
    same paths with padding. `listed`: the paths came as a sequence, and gradients are lists.
    `rows`: the arrays of the sequence, if the CPU reads them in place.
    """

    def __init__(self, points: Any, lengths: Any, listed: bool, rows: Rows | None = None) -> None:
        self.first = points if rows is None else rows.items[0]
        self.lengths, self.listed, self.rows = lengths, listed, rows
        self.dtype, channels = self.first.dtype, int(self.first.shape[1])
        self.shape = len(lengths), int(lengths.max(initial=1)), channels
        self.ndim = 3

    @cached_property
    def offsets(self) -> Any:
        """Where paths begin and end."""
        offsets = np.zeros(len(self.lengths) + 1, np.int64)
        np.cumsum(self.lengths, out=offsets[1:])
        return offsets

    @cached_property
    def points(self) -> Any:
        """All points (total, channels)."""
        return self.first if self.rows is None else np.concatenate(self.rows.items)

    @property
    def points_shape(self) -> tuple[int, int]:
        """The shape of `points`."""
        return int(self.offsets[-1]), self.shape[2]

    @cached_property
    def uniform(self) -> bool:
        """Whether all paths have the same length."""
        return not len(self.lengths) or bool((self.lengths == self.lengths[0]).all())

    def padded(self, backend: ArrayBackend, name: str = "path") -> Any:
        """The paths (paths, length, channels), padded by zeros."""
        needed = prod(self.shape) * self.dtype.itemsize
        available = available_memory(backend) if needed > SMALL_RESULT_BYTES else None
        if available is not None and needed > available:
            raise MemoryError(
                f"{name}: {self.shape[0]} paths of different lengths, padded to the length "
                f"{self.shape[1]} of the longest, {shortage(needed, available)} Pass paths of "
                "similar lengths together."
            )
        return self.pad(self.points, backend)

    def pad(self, points: Any, backend: ArrayBackend) -> Any:
        """Points (total, channels) as (paths, length, channels)."""
        if self.uniform:
            return points.reshape(self.shape)
        target = backend.xp.zeros(self.shape, points.dtype)
        for b, (begin, end) in enumerate(pairwise(self.offsets.tolist())):
            target[b, : end - begin] = points[begin:end]
        return target

    def unpad(self, rows: Any, backend: ArrayBackend) -> Any:
        """The points (total, channels) of (paths, length, channels)."""
        if self.uniform:
            return rows
        counts = self.lengths.tolist()
        return backend.xp.concatenate([row[:n] for row, n in zip(rows, counts, strict=True)])

    def separate(self, rows: Any) -> Any:
        """Rows of all points in the layout of the argument: a list of arrays, or as they are."""
        if not self.listed:
            return rows
        return [rows[begin:end] for begin, end in pairwise(self.offsets.tolist())]


def check_points(path: Any, caller: str, offsets: Any = None, lengths: Any = None) -> Any:
    """The backend, and the paths (..., length, channels) or `RaggedPaths`."""
    if type(path) is np.ndarray and path.dtype.char in "fd" and offsets is None:
        return check_path(path)
    if isinstance(path, RaggedPaths):
        return backend_of(path.first), path
    if offsets is not None:
        backend, ragged = _concatenated(path, offsets, lengths)
    else:
        items = sequence_of(path, 2)
        if items is not None and lengths is not None:
            _refuse_lengths(items, lengths)
            items = None
        if items is None:
            return check_path(path)
        backend, ragged = _packed(items)
    refuse_capture(backend, caller, "paths of different lengths are copied")
    return backend, ragged


def _refuse_lengths(items: list[Any], lengths: Any) -> None:
    """ValueError for `lengths` beside paths that are not padded to one length."""
    if len({len(item) for item in items}) > 1:
        raise ValueError(
            "lengths: expected None, because path is a list of paths of their own lengths, "
            f"received {describe(lengths)}. Leave it out, or pad the paths to one array."
        )


def packed(path: Any, caller: str, options: Mapping[str, Any]) -> Any:
    """`path`; `RaggedPaths` for a sequence of arrays, so that several calls pack it once."""
    if type(path) is np.ndarray and path.dtype.kind != "O" and options["offsets"] is None:
        return path
    checked = check_points(path, caller, options["offsets"], options["lengths"])[1]
    return checked if isinstance(checked, RaggedPaths) else path


def listed(value: Any, name: str) -> RaggedPaths | None:
    """The paths of a sequence of arrays; None for everything else."""
    items = sequence_of(value, 2)
    return None if items is None else _packed(items, name)[1]


def first_array(path: Any) -> Any:
    """An array of the device of the call."""
    if type(path) is np.ndarray:
        return path
    if isinstance(path, RaggedPaths):
        return path.first
    return path[0] if isinstance(path, (list, tuple)) and path else path


def paths_of(array: Any, base: Any, transform: Transform | None) -> Paths:
    """`Paths` of a checked array or of checked `RaggedPaths`."""
    count = array.shape[:-2]
    if not isinstance(array, RaggedPaths):
        points = array if len(count) == 1 else array.reshape(prod(count), *array.shape[-2:])
        return Paths(points, base, None, None, None, transform)
    if array.rows is not None:
        return Paths(array.first, base, None, array.lengths, None, transform, None, array.rows)
    if array.uniform:
        return Paths(array.points.reshape(array.shape), base, transform=transform)
    starts = array.offsets[:-1].copy()
    return Paths(array.points, base, None, array.lengths, None, transform, starts)


def like_points(value: Any, name: str, ragged: RaggedPaths, backend: ArrayBackend) -> Any:
    """`value` for all points, (total, channels): a sequence like the paths, or an array."""
    total, channels = ragged.points_shape
    items = sequence_of(value, 2)
    if items is None:
        array = as_numeric(value, name, backend)
        return broadcast(array, name, (total, channels), ragged.dtype, backend.xp)
    other = _packed(items, name)[1]
    if not np.array_equal(other.offsets, ragged.offsets) or other.points.shape[1] != channels:
        raise ValueError(
            f"{name}: expected an array of the shape of each path, received arrays of other "
            f"shapes. Pass one for each of the {ragged.shape[0]} paths."
        )
    points = as_numeric(other.points, name, backend)
    return backend.xp.ascontiguousarray(cast(points, ragged.dtype, name))


# ---- sequences ----


def sequence_of(value: Any, ndim: int) -> list[Any] | None:
    """The elements of a sequence of arrays of `ndim` axes, whose first axes may differ; None for
    everything else. Nested lists of numbers are one array unless they are ragged.
    """
    if not isinstance(value, (list, tuple)):
        if not _holds_objects(value) or getattr(value, "ndim", 0) != 1:
            return None
        value = list(value)
    if not len(value):
        return None
    if len(getattr(value[0], "shape", ())) == ndim:
        return list(value)
    if any(_axes(item) != ndim for item in value):
        return None
    arrays = any(hasattr(item, "shape") for item in value)
    return list(value) if arrays or len(set(map(len, value))) > 1 else None


def _axes(item: Any) -> int:
    """The number of axes of an array or of nested lists, by their first elements."""
    if isinstance(item, (list, tuple)):
        return 1 + (_axes(item[0]) if item else 0)
    return len(getattr(item, "shape", ()))


def _holds_objects(value: Any) -> bool:
    """Whether `value` is an array or a column of objects."""
    return getattr(getattr(value, "dtype", None), "kind", "") == "O"


def _packed(items: list[Any], name: str = "path") -> tuple[ArrayBackend, RaggedPaths]:
    """Copy arrays (length, channels) to one array."""
    backend = backend_of(items[0])
    found = NUMPY.host.rows_of_list(items) if backend is NUMPY else None
    if found is not None:
        addresses, lengths = found
        return backend, RaggedPaths(None, lengths, True, Rows(addresses, items))
    items = [_item(item, f"{name}[{k}]", backend) for k, item in enumerate(items)]
    _check_channels(items, name)
    lengths = np.fromiter(map(len, items), np.int64, len(items))
    return backend, RaggedPaths(backend.xp.concatenate(items), lengths, True)


def _item(item: Any, name: str, backend: ArrayBackend) -> Any:
    """One path (length, channels) of a sequence."""
    if is_cupy(item) and backend is NUMPY:
        raise TypeError(
            f"{name}: expected a NumPy array like the first path, received a CuPy array. "
            f"Move it with cupy.asnumpy({name})."
        )
    if not is_cupy(item) and backend is not NUMPY:
        raise TypeError(
            f"{name}: expected a CuPy array like the first path, received {describe(item)}. "
            f"Move it with cupy.asarray({name})."
        )
    array = check_path(item, name)[1]
    if array.ndim != 2:
        raise ValueError(
            f"{name}: expected shape (length, channels), received shape {tuple(array.shape)}. Pass "
            "a flat list of paths."
        )
    return array


def _check_channels(items: list[Any], name: str) -> None:
    """ValueError unless all paths have the channels of the first."""
    channels = items[0].shape[1]
    for k, item in enumerate(items):
        if item.shape[1] != channels:
            raise ValueError(
                f"{name}[{k}]: expected {channels} channels, like the first path, received shape "
                f"{tuple(item.shape)}. Give all paths the same channels."
            )


# ---- offsets ----


def _concatenated(path: Any, offsets: Any, lengths: Any) -> tuple[ArrayBackend, RaggedPaths]:
    """Concatenated points (total, channels)."""
    if lengths is not None:
        raise ValueError(
            f"lengths: expected None, because offsets give the lengths, received "
            f"{describe(lengths)}. Use one of the two."
        )
    backend, points = check_path(path, least=0)
    if points.ndim != 2:
        raise ValueError(
            f"path: expected the points of all paths, (points, channels), because offsets are "
            f"given, received shape {tuple(points.shape)}. Concatenate the paths along time."
        )
    return backend, RaggedPaths(points, np.diff(check_offsets(offsets, len(points))), False)


def check_offsets(offsets: Any, total: int) -> Any:
    """The places (paths + 1,) where paths begin and end, int64 on the host."""
    refuse_masked(offsets, "offsets")
    check_device(offsets, "offsets")
    array = offsets.get() if is_cupy(offsets) else np.asarray(offsets)
    if array.dtype.kind not in "iu":
        raise TypeError(f"offsets: expected integers, received {describe(offsets)}.")
    if array.ndim != 1 or not len(array):
        raise ValueError(
            f"offsets: expected shape (paths + 1,), received shape {tuple(array.shape)}. Pass the "
            "place of the first point of each path, and the number of points."
        )
    if int(array[0]) != 0 or int(array[-1]) != total:
        raise ValueError(
            f"offsets: expected values from 0 to the number {total} of points, received values "
            f"from {array[0]} to {array[-1]}. Pass path[offsets[0]:offsets[-1]] and "
            "offsets - offsets[0]."
        )
    empty = np.flatnonzero(array[1:] <= array[:-1])
    if len(empty):
        raise ValueError(
            f"offsets: expected increasing values, received {array[empty[0]]}, then "
            f"{array[empty[0] + 1]}, at {empty[0]}. A path needs at least one point."
        )
    return np.ascontiguousarray(array, dtype=np.int64)
