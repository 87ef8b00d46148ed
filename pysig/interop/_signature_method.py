"""The signature method of aeon and sktime: augmentations, windows, signatures, scaling.

The augmentations are computed on whole batches, and all windows of a batch by one call of pysig.
Features have the order that aeon gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import factorial
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

import pysig

# A call for each window of all series takes half the time of intervals for 15 windows of 100
# points, because the windows are read in place. Many windows share work in one call of intervals.
MAX_CALLS = 64


class Batch(NamedTuple):
    """Paths (n, length, channels) of float64; `counts` (n,) are their numbers of points.

    Points after the end of a path repeat the last one.
    """

    points: Any
    counts: Any

    @property
    def last(self) -> Any:
        """The last point of each path, (n, 1, channels)."""
        return np.take_along_axis(self.points, (self.counts - 1)[:, None, None], axis=1)


class Method(NamedTuple):
    """The parameters of the transformer."""

    augmentation_list: Any
    window_name: Any
    window_depth: Any
    window_length: Any
    window_step: Any
    rescaling: Any
    sig_tfm: Any
    depth: Any

    def features(self, paths: Any, workers: int | None) -> Any:
        """The features (n, windows * size) of a list of paths (length, channels), or an array."""
        self._check()
        batch = batch_of(paths)
        for name in self._augmentations():
            batch = AUGMENTATIONS[name](batch)
        points = batch.points
        if self.rescaling == "pre":
            points = points * factorial(self.depth) ** (1 / self.depth)
        rows = self._rows(points, self._bounds(batch.counts), workers)
        if self.rescaling == "post":
            channels = points.shape[-1]
            sizes = [channels**k for k in range(1, self.depth + 1)]
            rows *= np.repeat([float(factorial(k)) for k in range(1, self.depth + 1)], sizes)
        return rows.reshape(len(rows), -1)

    def _rows(self, points: Any, bounds: Any, workers: int | None) -> Any:
        """The results (n, windows, size)."""
        depth, name, options = self.depth, self.sig_tfm, {}
        if name == "logsignature":
            options["basis"] = "hall"
        if len(bounds) > 1 or bounds.shape[1] > MAX_CALLS:
            intervals = getattr(pysig, f"{name}_intervals")
            return intervals(points, depth, bounds, workers=workers, **options)
        count, _, channels = points.shape
        size = getattr(pysig, f"{name}_size")(channels, depth)
        rows = np.empty((count, bounds.shape[1], size))
        compute = getattr(pysig, name)
        for k, (begin, end) in enumerate(bounds[0].tolist()):
            window = points[:, begin:end]
            compute(window, depth, workers=workers, out=rows[:, k], **options)
        return rows

    def _check(self) -> None:
        """Raise ValueError for a parameter that is not one of its values."""
        choices = {
            "window_name": ("global", "sliding", "expanding", "dyadic"),
            "rescaling": (None, "pre", "post"),
            "sig_tfm": ("signature", "logsignature"),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(
                    f"{name}: expected one of {', '.join(map(repr, allowed))}, received {value!r}."
                )
        _check_integer(self.depth, "depth", 1)
        if self.rescaling == "post" and self.sig_tfm == "logsignature":
            raise ValueError(
                'rescaling: expected None or "pre" for log-signatures, received "post". '
                "Standardise the features instead."
            )

    def _augmentations(self) -> Sequence[str]:
        names = self.augmentation_list
        names = () if names is None else (names,) if isinstance(names, str) else tuple(names)
        for name in names:
            if name not in AUGMENTATIONS:
                raise ValueError(
                    f"augmentation_list: expected {', '.join(map(repr, AUGMENTATIONS))}, received "
                    f"{name!r}."
                )
        return names

    def _bounds(self, counts: Any) -> Any:
        """The windows (n or 1, windows, 2) of paths of these numbers of points."""
        if (counts == counts[0]).all():
            counts = counts[:1]
        if self.window_name == "global":
            return np.stack([np.zeros_like(counts), counts], axis=-1)[:, None]
        if self.window_name == "dyadic":
            return self._dyadic(counts)
        window = _check_integer(self.window_length, "window_length", 1)
        step = _check_integer(self.window_step, "window_step", 1)
        numbers = (counts - window) // step + 1
        if numbers.min() < 1:
            raise ValueError(
                f"window_length: expected at most {counts.min()}, the number of points of the "
                f"shortest augmented series, received {window}. Take shorter windows."
            )
        if (numbers != numbers[0]).any():
            raise ValueError(
                f"window_name: expected 'global' or 'dyadic' for series that have different "
                f"numbers of windows, received {self.window_name!r}."
            )
        ends = window + step * np.arange(int(numbers[0]), dtype=np.int64)
        begins = ends - window if self.window_name == "sliding" else np.zeros_like(ends)
        return np.stack([begins, ends], axis=-1)[None]

    def _dyadic(self, counts: Any) -> Any:
        """The whole path, its halves, and so on: from ``k n >> j`` to ``(k + 1) n >> j``."""
        depth = _check_integer(self.window_depth, "window_depth", 0)
        most = int(counts.min()).bit_length() - 1
        if depth > most:
            raise ValueError(
                f"window_depth: expected at most {most} for series of {counts.min()} augmented "
                f"points, received {depth}. Take a smaller one."
            )
        bounds = []
        for level in range(depth + 1):
            moments = (np.arange((1 << level) + 1) * counts[:, None]) >> level
            bounds.append(np.stack([moments[:, :-1], moments[:, 1:]], axis=-1))
        return np.concatenate(bounds, axis=1)


def batch_of(paths: Any) -> Batch:
    """The paths as one array; those of a list are padded."""
    if not isinstance(paths, list):
        points = np.ascontiguousarray(paths, dtype=np.float64)
        return Batch(points, np.full(len(points), points.shape[1], np.int64))
    counts = np.fromiter(map(len, paths), np.int64, len(paths))
    points = np.empty((len(paths), int(counts.max()), paths[0].shape[1]))
    for row, path in zip(points, paths, strict=True):
        row[: len(path)] = path
        row[len(path) :] = path[-1]
    return Batch(points, counts)


def _check_integer(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, received {value!r}.")
    return int(value)


# ---- augmentations, with the order of channels and points of aeon ----


def _add_time(batch: Batch) -> Batch:
    """Time from 0 to 1 as the first channel."""
    points, counts = batch
    steps = np.minimum(np.arange(points.shape[1]), counts[:, None] - 1)
    times = steps / np.maximum(counts - 1, 1)[:, None]
    return Batch(np.concatenate([times[..., None], points], axis=2), counts)


def _origin(batch: Batch) -> Batch:
    """The origin in front."""
    points, counts = batch
    zeros = np.zeros((len(points), 1, points.shape[2]))
    return Batch(np.concatenate([zeros, points], axis=1), counts + 1)


def _lead_lag(batch: Batch) -> Batch:
    """The lead in front of the lag."""
    twice = np.repeat(batch.points, 2, axis=1)
    return Batch(np.concatenate([twice[:, 1:], twice[:, :-1]], axis=2), 2 * batch.counts - 1)


def _invisibility_reset(batch: Batch) -> Batch:
    """A first channel that is 1 until the path ends; it falls to 0, then the path to the origin."""
    points, counts = batch
    n, length, channels = points.shape
    found = np.zeros((n, length + 2, channels + 1))
    found[:, :length, 1:] = points
    found[:, length:, 1:] = batch.last
    places = np.arange(length + 2)
    found[..., 0] = places < counts[:, None]
    found[places > counts[:, None]] = 0
    return Batch(found, counts + 2)


def _cumulative_sum(batch: Batch) -> Batch:
    """Sums of the points until each."""
    inside = np.arange(batch.points.shape[1]) < batch.counts[:, None]
    return Batch(np.cumsum(batch.points * inside[..., None], axis=1), batch.counts)


AUGMENTATIONS: dict[str, Callable[[Batch], Batch]] = {
    "leadlag": _lead_lag,
    "ir": _invisibility_reset,
    "addtime": _add_time,
    "cumsum": _cumulative_sum,
    "basepoint": _origin,
}
