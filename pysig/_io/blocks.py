"""What readers yield: whole paths, or one chunk of a long path, within a memory budget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray


class InputError(ValueError):
    """Bad use or bad data. The message is one sentence with the place and the remedy."""


@dataclass(frozen=True)
class Block:
    """Paths that are processed together.

    Attributes
    ----------
    ids : sequence of str
        One name per path.
    points : ndarray of shape (batch, length, channels)
        The points; values beyond the length of a path are ignored.
    times : ndarray of shape (batch, length)
        The time of each point, or its index if the file has no times: int64, float64, datetime64
        or timedelta64.
    lengths : ndarray of int64 of shape (batch,), or None
        The number of points of each path; None if all count.
    begins, ends : bool
        False if a long path (then batch is 1) began in an earlier block or continues in the next.
    """

    ids: Sequence[str]
    points: NDArray[Any]
    times: NDArray[Any]
    lengths: NDArray[np.int64] | None = None
    begins: bool = True
    ends: bool = True

    @property
    def counts(self) -> NDArray[np.int64]:
        """The number of points of each path."""
        if self.lengths is not None:
            return self.lengths
        batch, length = self.points.shape[:2]
        return np.full(batch, length, dtype=np.int64)


@dataclass(frozen=True)
class Budget:
    """Bytes in memory at once: `total`, and the bytes per point and per path."""

    total: int
    point: int
    path: int

    def fits(self, batch: int, length: int) -> bool:
        """Whether `batch` paths of `length` points fit."""
        return batch * (length * self.point + self.path) <= self.total

    def batch(self, length: int) -> int:
        """The number of paths of `length` points that fit; may be 0."""
        return self.total // (length * self.point + self.path)

    @property
    def length(self) -> int:
        """The number of points of one path that are processed at once, at least 16."""
        return max(16, self.total // self.point)


class Reader(Protocol):
    """A file of paths."""

    @property
    def name(self) -> str:
        """The name of the file in messages."""

    @property
    def channels(self) -> tuple[str, ...] | None:
        """Names of the channels; None if the file has none."""

    @property
    def width(self) -> int:
        """The number of channels."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 or float64."""

    @property
    def id_name(self) -> str:
        """Name of the column of ids."""

    @property
    def time_name(self) -> str:
        """Name of the column of times."""

    @property
    def zone(self) -> str | None:
        """The time zone of dates, once a row has been read; None if they have none."""

    @property
    def has_times(self) -> bool:
        """Whether the file has times."""

    @property
    def found(self) -> str:
        """What the file has beside channels, for a message."""

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Leading dimensions of an array of paths; None if there are none."""

    @property
    def total(self) -> int | None:
        """The amount of work that `tick` counts; None if it is unknown."""

    def blocks(self, budget: Budget, tick: Callable[[int], None]) -> Iterator[Block]:
        """Yield all paths in order; tell `tick` the amount of work done since the last call."""

    def close(self) -> None:
        """Close the file."""


def file_size(path: Path) -> int | None:
    """Bytes in a regular file; None for pipes and devices, which have no size."""
    return path.stat().st_size if path.is_file() else None


class Run(NamedTuple):
    """Consecutive rows of one path: their line numbers, times and points."""

    key: str
    lines: NDArray[np.int64]
    times: NDArray[Any]
    points: NDArray[np.float64]


def collect(runs: Iterable[Run], budget: Budget) -> Iterator[Block]:
    """Gather runs, those of one path together, into blocks that fit the budget."""
    waiting: list[Run] = []
    longest = 0
    for _, group in groupby(runs, key=attrgetter("key")):
        parts: list[Run] = []
        count, begins = 0, True
        for run in group:
            parts.append(run)
            count += len(run.times)
            while count > budget.length:  # more follows, so this chunk is not the last
                path = join(parts)
                if waiting:
                    yield stack(waiting)
                    waiting, longest = [], 0
                yield stack([piece(path, slice(0, budget.length))], begins=begins, ends=False)
                parts = [piece(path, slice(budget.length, None))]
                count, begins = count - budget.length, False
        path = join(parts)
        if not begins:
            yield stack([path], begins=False)
            continue
        if waiting and not budget.fits(len(waiting) + 1, max(longest, count)):
            yield stack(waiting)
            waiting, longest = [], 0
        waiting.append(path)
        longest = max(longest, count)
    if waiting:
        yield stack(waiting)


def join(runs: Sequence[Run]) -> Run:
    """One run of all rows."""
    if len(runs) == 1:
        return runs[0]
    key, (_, lines, times, points) = runs[0].key, zip(*runs, strict=True)
    return Run(key, np.concatenate(lines), np.concatenate(times), np.concatenate(points))


def piece(run: Run, part: slice) -> Run:
    """Some rows of a run."""
    return Run(run.key, run.lines[part], run.times[part], run.points[part])


def stack(paths: Sequence[Run], *, begins: bool = True, ends: bool = True) -> Block:
    """One block of whole paths, or of one chunk, padded by repeating each last point."""
    lengths = np.array([len(path.times) for path in paths], dtype=np.int64)
    longest = int(lengths.max())
    points = np.empty((len(paths), longest, paths[0].points.shape[1]))
    times = np.empty((len(paths), longest), np.result_type(*(path.times for path in paths)))
    for k, path in enumerate(paths):
        n = lengths[k]
        points[k, :n], points[k, n:] = path.points, path.points[-1]
        times[k, :n], times[k, n:] = path.times, path.times[-1]
    equal = bool((lengths == longest).all())
    keys = [path.key for path in paths]
    return Block(keys, points, times, None if equal else lengths, begins, ends)
