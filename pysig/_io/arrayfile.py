"""Reading `.npy` and `.npz`: an array (..., length, channels), read in blocks."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pysig._io.blocks import Block, Budget, InputError

#: Arrays that may lie beside the paths in an `.npz`.
COMPANIONS = ("lengths", "ids", "times", "channels")


class ArrayReader:
    """Paths of one `.npy` or `.npz` file.

    A `.npy` is memory-mapped, so only the current block is in memory. An `.npz` is loaded whole,
    because its members may be compressed.
    """

    id_name = "id"
    time_name = "time"
    zone: str | None = None  # NumPy has none

    def __init__(
        self, path: Path, name: str, key: str | None = None, allow_nan: bool = False
    ) -> None:
        self.name = name
        self.allow_nan = allow_nan
        arrays = load(path, name, key)
        paths = arrays.pop("paths")
        self._check(paths)
        if paths.dtype.kind in "iu":
            self.dtype = np.dtype(np.float64)
        else:
            self.dtype = paths.dtype.newbyteorder("=")
        self.width = int(paths.shape[-1])
        self.shape: tuple[int, ...] | None = paths.shape[:-2]
        self.path = path
        self.mapped = isinstance(paths, np.memmap) and paths.flags.c_contiguous
        self.paths = paths.reshape(-1, *paths.shape[-2:])
        self.total: int | None = self.paths.nbytes
        count, length = self.paths.shape[:2]
        self.lengths = self._lengths(arrays.get("lengths"), count, length)
        self.ids = self._names(arrays.get("ids"), "ids", count) or [str(k) for k in range(count)]
        self.has_times = "times" in arrays
        self.found = "times of the points" if self.has_times else "no times"
        self.times = self._times(arrays.get("times"), count, length)
        names = self._names(arrays.get("channels"), "channels", self.width)
        self.channels = tuple(names) if names is not None else None

    def close(self) -> None:
        """Nothing to close: the mapping lives as long as its array."""

    def _check(self, paths: NDArray[Any]) -> None:
        kind, size = paths.dtype.kind, paths.dtype.itemsize
        if kind not in "iu" and not (kind == "f" and size in (4, 8)):
            raise InputError(
                f"{self.name}: an array of {paths.dtype}; "
                "expected float32, float64 or integers: convert it and save it again"
            )
        if paths.ndim < 2:
            raise InputError(
                f"{self.name}: an array of shape {paths.shape}; expected (..., length, channels)"
                + (f": one channel is shape ({len(paths)}, 1)" if paths.ndim == 1 else "")
            )
        if 0 in paths.shape[-2:]:
            raise InputError(
                f"{self.name}: an array of shape {paths.shape}; "
                "expected (..., length, channels) with at least one point and one channel"
            )

    def _lengths(self, lengths: Any, count: int, length: int) -> NDArray[np.int64] | None:
        if lengths is None:
            return None
        if lengths.dtype.kind not in "iu" or lengths.size != count:
            raise InputError(
                f"{self.name}, 'lengths': {lengths.size} values of {lengths.dtype}; "
                f"expected {count} integers, one per path"
            )
        counts: NDArray[np.int64] = lengths.reshape(-1).astype(np.int64)
        wrong = np.flatnonzero((counts < 1) | (counts > length))
        if wrong.size:
            raise InputError(
                f"{self.name}, 'lengths': {counts[wrong[0]]} for path {wrong[0]}; "
                f"expected 1 to {length}, the points in the array"
            )
        return counts

    def _names(self, names: Any, what: str, count: int) -> list[str] | None:
        if names is None:
            return None
        texts = [str(name) for name in names.reshape(-1).tolist()]
        if len(texts) != count:
            raise InputError(f"{self.name}, {what!r}: {len(texts)} names; expected {count}")
        if len(set(texts)) != count:
            raise InputError(
                f"{self.name}, {what!r}: a name comes twice; expected {count} different ones"
            )
        return texts

    def _times(self, times: Any, count: int, length: int) -> NDArray[Any]:
        if times is None:
            return np.broadcast_to(np.arange(float(length)), (count, length))
        if times.dtype.kind not in "iufmM" or times.size not in (length, count * length):
            raise InputError(
                f"{self.name}, 'times': shape {times.shape} of {times.dtype}; expected numbers or "
                f"dates, {length} for all paths or {length} for each"
            )
        to = {"f": np.float64, "m": "timedelta64[ns]", "M": "datetime64[ns]"}
        table: NDArray[Any] = times.astype(to.get(times.dtype.kind, np.int64)).reshape(-1, length)
        table = np.broadcast_to(table, (count, length))
        right = table[:, 1:] >= table[:, :-1]  # false for NaN and NaT
        if self.lengths is not None:
            right |= np.arange(1, length) >= self.lengths[:, None]
        if not right.all():
            path, point = np.argwhere(~right)[0]
            raise InputError(
                f"{self.name}, 'times': path {path} has {table[path, point]}, "
                f"then {table[path, point + 1]}; times must not decrease"
            )
        return table

    def blocks(self, budget: Budget, tick: Callable[[int], None]) -> Iterator[Block]:
        """Yield all paths in C order of the leading dimensions."""
        count, length = self.paths.shape[:2]
        batch = budget.batch(length)
        for start in range(0, count, max(1, batch)):
            if batch > 0:
                part = slice(start, start + batch)
                lengths = None if self.lengths is None else self.lengths[part]
                longest = length if lengths is None else int(lengths.max())
                yield self._block(part, slice(0, longest), lengths)
            else:
                counts = length if self.lengths is None else int(self.lengths[start])
                for first in range(0, counts, budget.length):
                    last = min(first + budget.length, counts)
                    yield self._block(
                        slice(start, start + 1),
                        slice(first, last),
                        None,
                        begins=first == 0,
                        ends=last == counts,
                    )
            tick(self.paths[start : start + max(1, batch)].nbytes)
            if self.mapped:  # a new mapping: the old one gives back the pages that were read
                stored = np.load(self.path, mmap_mode="r", allow_pickle=False)
                self.paths = stored.reshape(self.paths.shape)

    def _block(
        self,
        part: slice,
        chunk: slice,
        lengths: NDArray[np.int64] | None,
        *,
        begins: bool = True,
        ends: bool = True,
    ) -> Block:
        points = np.asarray(self.paths[part, chunk], dtype=self.dtype)
        if not self.allow_nan:
            bad = ~np.isfinite(points)
            if lengths is not None:
                bad &= (np.arange(points.shape[1]) < lengths[:, None])[:, :, None]
            if bad.any():
                path, point, channel = np.argwhere(bad)[0]
                raise InputError(
                    f"{self.name}: {points[path, point, channel]} at path {part.start + path}, "
                    f"point {chunk.start + point}, channel {channel} (counted from 0); "
                    "give --allow-nan to let it through"
                )
        return Block(self.ids[part], points, self.times[part, chunk], lengths, begins, ends)


def load(path: Path, name: str, key: str | None) -> dict[str, NDArray[Any]]:
    """The array of paths, called `paths`, and for `.npz` its companions."""
    try:
        with path.open("rb") as file:
            start = file.read(len(np.lib.format.MAGIC_PREFIX))
            if start[:2] == b"PK":
                file.seek(0)
                with np.load(file, allow_pickle=False) as stored:
                    return members(stored, name, key)
        if start != np.lib.format.MAGIC_PREFIX:
            raise InputError(f"{name}: neither a .npy nor an .npz file")
        paths = np.load(path, mmap_mode="r", allow_pickle=False)
    except InputError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{name}: not a readable array ({error})") from None
    if key is not None:
        raise InputError(f"{name}: --key {key}: this is one array, not an .npz of several")
    return {"paths": paths}


def members(stored: Any, name: str, key: str | None) -> dict[str, NDArray[Any]]:
    """The array of paths of an `.npz`: called `key`, or the only one that is not a companion."""
    known = ", ".join(map(repr, stored.files)) or "none"
    if key is None:
        candidates = [member for member in stored.files if member not in COMPANIONS]
        if len(candidates) != 1:
            raise InputError(
                f"{name}: give --key to say which array holds the paths; the arrays are {known}"
            )
        key = candidates[0]
    if key not in stored.files:
        raise InputError(f"{name}: --key {key}: no such array; the arrays are {known}")
    beside = [member for member in COMPANIONS if member in stored.files and member != key]
    return {**{member: stored[member] for member in beside}, "paths": stored[key]}
