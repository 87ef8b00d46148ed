"""The times of `Time` as numbers in the dtype of the path."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from pysig._api import _checks
from pysig._api._ragged import RaggedPaths, sequence_of
from pysig._api._times import UNITS, Times, check_order, check_times, join_times
from pysig._backend import CUPY, NUMPY, ArrayBackend, as_array, is_cupy
from pysig._plans import transform as _transform
from pysig._plans.transform import Transform, times_after


class TimeStage(NamedTuple):
    """A stage of time with given times.

    `before` are the names of the stages before it. `absolute`: a later stage returns to the origin,
    so that times count from 0 and not from the first one. `based`: a basepoint is the first point.
    """

    times: Any
    before: list[str]
    absolute: bool
    based: bool

    def points(self, length: Any) -> Any:
        """The number of times of a path of `length` points (a number or an array)."""
        inner = Transform(_transform.code([*self.before, "time"]), None, 1.0)
        return times_after(inner, length - 1 + self.based)


def check_types(times: Any) -> None:
    """TypeError or ValueError unless `times` are times, for any path."""
    for item in sequence_of(times, 1) or [times]:
        values, _ = _read(item, not is_cupy(item))
        if not values.shape[-1]:
            raise ValueError(
                "times: expected a time for each point, of which a path has at least one, received "
                f"shape {tuple(values.shape)}."
            )


def check_stage(
    stage: TimeStage, path: Any, lengths: Any, backend: ArrayBackend
) -> tuple[Any, Any]:
    """The times (batch, points) in the dtype of the path. For paths without padding the times of
    all points, and the first one of each path.

    `lengths` (batch,), or None, are checked.
    """
    wide, starts = wide_times(stage, path, lengths, backend)
    if starts is not None:
        return backend.xp.asarray(_checks.cast(wide, path.dtype, "times")), starts
    points = stage.points(path.shape[-2])
    shape = (*path.shape[:-2], points)
    checked = _checks.broadcast(wide, "times", shape, path.dtype, backend.xp)
    return checked.reshape(prod(path.shape[:-2]), points), None


def wide_times(stage: TimeStage, path: Any, lengths: Any, backend: ArrayBackend) -> tuple[Any, Any]:
    """As `check_stage`, but of float64 or int64, and they may have to be broadcast."""
    ragged = isinstance(path, RaggedPaths)
    own = path.lengths if ragged else lengths
    items = sequence_of(stage.times, 1)
    if own is not None and (ragged or items is not None):
        counts = stage.points(own.get() if is_cupy(own) else own)
        times = _joined_times(stage, items, counts, ragged and path.uniform)
        if times is not None:
            return _separate(stage, times, counts, path, backend)
    if backend is NUMPY and is_cupy(stage.times):
        as_array(stage.times, "times", NUMPY)  # raises
    values, times = _read(stage.times, backend is NUMPY)
    points = stage.points(path.shape[-2])
    if values.shape[-1] != points:
        names = ", ".join(stage.before)
        after = f" that {names} makes of the path" if names else ""
        extra = ", the basepoint included" if stage.based else ""
        raise ValueError(
            f"times: expected a time for each of the {points} points{after}{extra}, received shape "
            f"{tuple(values.shape)}."
        )
    if times is not None:
        counts = None if lengths is None else stage.points(lengths).reshape(path.shape[:-2])
        check_order(times, counts)
    return _channel(stage, values, times, values[..., :1]), None


# ---- times as numbers ----


def _read(value: Any, host: bool) -> tuple[Any, Times | None]:
    """The values, int64 or float64, and on the host their kind."""
    if not host:
        array = _checks.as_numeric(value, "times", CUPY)
        if array.dtype.kind == "b":
            raise TypeError(f"times: expected numbers, received {_checks.describe(value)}.")
        if array.ndim < 1:
            raise ValueError(
                f"times: expected shape (..., points), a time for each point, received shape "
                f"{tuple(array.shape)}."
            )
        return array.astype(np.int64 if array.dtype.kind in "iu" else np.float64), None
    if getattr(getattr(value, "dtype", None), "kind", "") == "c":
        _checks.check_floating(value, "times")  # raises
    times = check_times(value)
    return times.values, times


def _channel(stage: TimeStage, values: Any, times: Times | None, first: Any) -> Any:
    """Seconds or numbers, since the first time unless they are absolute.

    Differences to the first time lose no digits, because integers and dates are subtracted as
    integers.
    """
    dates = times is not None and times.kind == "datetime64"
    if stage.absolute and dates:
        raise TypeError(
            "times: expected numbers or timedelta64, because a later stage returns to time 0, "
            "received datetime64. Subtract a time: times - times[0]."
        )
    wide = values.astype(np.float64) if stage.absolute else _since(values, first)
    if times is None or times.kind == "number":
        return wide
    return _seconds(wide, times.unit)


def _since(values: Any, first: Any) -> Any:
    try:
        with np.errstate(over="raise"):
            return values - first
    except FloatingPointError:
        raise ValueError(
            "times: expected times whose differences float64 holds, received larger ones. Rescale."
        ) from None


def _seconds(values: Any, unit: str) -> Any:
    finer = UNITS.index(unit) - UNITS.index("s")
    if finer >= 0:
        return values / 1000.0**finer
    return values * {"W": 604800.0, "D": 86400.0, "h": 3600.0, "m": 60.0}[unit]


# ---- times of paths of their own lengths ----


def _joined_times(
    stage: TimeStage, items: list[Any] | None, counts: Any, uniform: bool
) -> Times | None:
    """The times of all points, (total,); None if they are an array with an axis of points."""
    total = int(counts.sum())
    if items is None:
        value = stage.times.get() if is_cupy(stage.times) else stage.times
        times = check_times(value)
        if times.shape == (total,):
            return times
        if uniform:
            return None
        raise ValueError(
            f"times: expected a time for each of the {total} points, received shape "
            f"{times.shape}. Pass a list of the times of each path, or concatenate them."
        )
    parts = [check_times(item.get() if is_cupy(item) else item) for item in items]
    if len(parts) != len(counts):
        raise ValueError(
            f"times: expected times of {len(counts)} paths, received {len(parts)} arrays. Pass "
            "one for each path."
        )
    for k, (part, count) in enumerate(zip(parts, counts.tolist(), strict=True)):
        if part.shape != (count,):
            raise ValueError(
                f"times: expected a time for each of the {count} points of path {k}, received "
                f"shape {part.shape}."
            )
    return join_times(parts)


def _separate(
    stage: TimeStage, times: Times, counts: Any, path: Any, backend: ArrayBackend
) -> tuple[Any, Any]:
    """The channel (total,) with the place of the first time of each path; rows for padded paths."""
    starts = np.cumsum(counts) - counts
    _check_joined_order(times, starts, counts)
    wide = _channel(stage, times.values, times, np.repeat(times.values[starts], counts))
    if isinstance(path, RaggedPaths) and not path.uniform:
        return wide, starts
    places = np.minimum(np.arange(stage.points(path.shape[-2])), counts[:, None] - 1)
    return backend.xp.asarray(wide[starts[:, None] + places]), None


def _check_joined_order(times: Times, starts: Any, counts: Any) -> None:
    """ValueError, which names the path, for a missing time or one before the last."""
    values = times.values
    falls = values[1:] < values[:-1]
    falls[starts[1:] - 1] = False
    missing = ~np.isfinite(values) if times.kind == "number" else values == np.iinfo(np.int64).min
    for wrong in (np.flatnonzero(missing), np.flatnonzero(falls) + 1):
        if len(wrong):
            k = int(np.searchsorted(starts, wrong[0], side="right")) - 1
            inside = slice(int(starts[k]), int(starts[k] + counts[k]))
            own = Times(values[inside], times.kind, times.unit)
            check_order(own, name=f"times of path {k}")
