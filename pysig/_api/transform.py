"""The argument `transform=`: its checks, and the public class `Time`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from itertools import takewhile
from math import prod
from numbers import Real
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._path_checks import check_basepoint
from pysig._api._ragged import RaggedPaths, sequence_of
from pysig._backend import CUPY, ArrayBackend, backend_of, is_cupy
from pysig._plans import transform as _transform
from pysig._plans.transform import (
    STAGES,
    Transform,
    channels_after,
    steps_after,
    times_after,
)


@dataclass(frozen=True, eq=False)
class Time:
    """Stage of `transform` that adds time as the last channel; ``"time"`` is ``Time()``.

    Parameters
    ----------
    times : array_like, shape (..., points), or sequence of array_like, optional
        The times of the points. Leading dimensions broadcast with those of the path. The points are
        those after the earlier stages of the transform. For a sequence of paths, a sequence of
        their times; with `offsets`, the times of all points. None: equal steps from 0 to `end` over
        the points within `lengths`.
    end : float, optional
        The time of the last point, if `times` is None.

    Raises
    ------
    TypeError, ValueError
        If `times` are not real numbers with an axis of points, if `end` is not a finite number, or
        if both are given. The number of times is checked together with the path.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0], [1.0], [3.0]])
    >>> pysig.signature(path, 1, transform=pysig.Time([0.0, 0.5, 4.0]))
    array([3., 4.])
    >>> pysig.signature(path, 1, transform="time")
    array([3., 1.])
    """

    times: Any = None
    end: float = 1.0

    def __post_init__(self) -> None:
        end: Any = self.end
        if isinstance(end, bool) or not isinstance(end, Real):
            raise TypeError(f"end: expected a number, received {_checks.describe(self.end)}.")
        largest: Any = sys.float_info.max
        if not -largest <= end <= largest:
            raise ValueError(
                f"end: expected a finite number, received {_checks.describe(self.end)}."
            )
        if self.times is None:
            return
        for times in sequence_of(self.times, 1) or [self.times]:
            _as_times(times, backend_of(times))
        if self.end != 1.0:
            raise ValueError(
                f"end: expected 1.0, since times are given, received {_checks.describe(self.end)}. "
                "Leave one out."
            )


def check_stages(transform: Any) -> list[str | Time]:
    """Convert `transform` to a list of stages: names and at most one `Time`, each once."""
    listed = transform if isinstance(transform, (list, tuple)) else [transform]
    stages = [Time() if isinstance(stage, str) and stage == "time" else stage for stage in listed]
    for stage in stages:
        if not isinstance(stage, Time) and not (isinstance(stage, str) and stage in STAGES):
            expected = ", ".join(f'"{name}"' for name in STAGES)
            raise (ValueError if isinstance(stage, str) else TypeError)(
                f"transform: expected {expected}, pysig.Time(...), or a sequence of these, "
                f"received {_checks.describe(stage)}."
            )
    names = [_name(stage) for stage in stages]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(
                f'transform: expected each stage at most once, received "{name}" '
                f"{names.count(name)} times. Transform the path itself for more."
            )
    return stages


def check_transform(
    transform: Any, basepoint: Any, path: Any, backend: ArrayBackend
) -> tuple[Any, Transform | None]:
    """Check transform and basepoint: basepoints (batch, channels) or None, transform or None.

    A first stage "basepoint" is the same as `basepoint=True`.
    """
    base = check_basepoint(basepoint, path, backend)
    if transform is None:
        return base, None
    stages = check_stages(transform)
    if "basepoint" in stages:
        if base is not None:
            raise ValueError(
                'basepoint: expected None or False, because "basepoint" is a stage of transform, '
                f"received {_checks.describe(basepoint)}. Use one of the two."
            )
        if stages[0] == "basepoint":
            base = check_basepoint(True, path, backend)
            stages = stages[1:]
    if not stages:
        return base, None
    checked = Transform(_transform.code([_name(stage) for stage in stages]), None, 1.0)
    for stage in stages:
        if isinstance(stage, Time):
            times, starts = _check_times(stage, stages, base is not None, path, backend)
            largest = float(np.finfo(path.dtype).max)
            if abs(float(stage.end)) > largest:
                raise ValueError(
                    f"end: expected at most {largest:.2g}, which {path.dtype} holds, received "
                    f"{float(stage.end):.2g}. Rescale it, or pass a path of float64."
                )
            checked = checked._replace(times=times, end=float(stage.end), starts=starts)
    return base, checked


def transformed_shape(length: int, channels: int, transform: Any) -> tuple[int, int]:
    """Numbers of points and channels of paths after a transform.

    Parameters
    ----------
    length, channels : int
        Numbers of points and channels before the transform, both at least 1.
    transform : str, Time, sequence of these, or None
        See `signature`.

    Returns
    -------
    tuple of int
        ``(points, channels)``. With `stream` a signature has ``points - 1`` rows of
        ``signature_size(channels, depth)`` coefficients.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; the message names it.

    Examples
    --------
    >>> import pysig
    >>> pysig.transformed_shape(100, 5, "lead_lag")
    (199, 10)
    >>> pysig.transformed_shape(100, 5, ("time", "reset"))
    (102, 7)
    """
    length = _checks.check_integer(length, "length", 1)
    channels = _checks.check_integer(channels, "channels", 1)
    if transform is None:
        return length, channels
    stages = check_stages(transform)
    checked = Transform(_transform.code([_name(stage) for stage in stages]), None, 1.0)
    return steps_after(checked, length - 1) + 1, channels_after(checked, channels)


def _name(stage: str | Time) -> str:
    return "time" if isinstance(stage, Time) else stage


def _as_times(times: Any, backend: ArrayBackend) -> Any:
    """Check that `times` is an array of real numbers with an axis of points."""
    array = _checks.as_numeric(times, "times", backend)
    if array.dtype.kind == "b":
        raise TypeError(f"times: expected numbers, received {_checks.describe(times)}.")
    if array.ndim < 1:
        raise ValueError(
            f"times: expected shape (..., points), a time for each point, received shape "
            f"{tuple(array.shape)}."
        )
    return array


def _since(times: Any, first: Any) -> Any:
    try:
        with np.errstate(over="raise"):
            return times - first
    except FloatingPointError:
        raise ValueError(
            "times: expected times whose differences float64 holds, received larger ones. Rescale."
        ) from None


def _check_times(
    time: Time, stages: list[str | Time], based: bool, path: Any, backend: ArrayBackend
) -> tuple[Any, Any]:
    """Check the times: None, or (batch, points) in the dtype of the path. For paths without padding
    the times of all points, and the first one of each path.
    """
    if time.times is None:
        return None, None
    batch, length = path.shape[:-2], path.shape[-2]
    before = [_name(stage) for stage in takewhile(lambda stage: stage is not time, stages)]
    inner = Transform(_transform.code(before), None, 1.0)
    points = steps_after(inner, length - 1 + based) + 1
    later = {_name(stage) for stage in stages[len(before) + 1 :]}
    absolute = bool({"basepoint", "reset"} & later)
    if isinstance(path, RaggedPaths):
        counts = times_after(inner, path.lengths - 1 + based)
        joined = _joined_times(time.times, counts, path, backend)
        if joined is not None:
            return _ragged_times(joined, counts, absolute, path, backend)
    array = _as_times(time.times, backend)
    if array.shape[-1] != points:
        after = f" that {', '.join(before)} makes of the path" if before else ""
        extra = ", the basepoint included" if based else ""
        raise ValueError(
            f"times: expected a time for each of the {points} points{after}{extra}, received shape "
            f"{tuple(array.shape)}."
        )
    wide = _wide(array, absolute)
    if not absolute:
        wide = _since(wide, wide[..., :1])
    xp = backend.xp
    checked = _checks.broadcast(wide, "times", (*batch, points), path.dtype, xp)
    assert backend is CUPY or checked.flags.c_contiguous
    return checked.reshape(prod(batch), points), None


def _wide(array: Any, absolute: bool) -> Any:
    """Times in the dtype of exact differences.

    Unless they are `absolute`, only differences matter. Those to the first time lose no digits.
    """
    exact = array.dtype.kind in "iu" and not absolute
    return array.astype(np.int64 if exact else np.float64)


def _joined_times(times: Any, counts: Any, path: RaggedPaths, backend: ArrayBackend) -> Any:
    """The times of all points, (total,); None if they are an array with an axis of points."""
    items = sequence_of(times, 1)
    if items is None:
        array = _as_times(times, backend)
        total = int(counts.sum())
        if array.ndim == 1 and len(array) == total:
            return array
        if path.uniform:
            return None
        raise ValueError(
            f"times: expected a time for each of the {total} points, received shape "
            f"{tuple(array.shape)}. Pass a list of the times of each path, or concatenate them."
        )
    arrays = [_as_times(item, backend) for item in items]
    if len(arrays) != len(counts):
        raise ValueError(
            f"times: expected times of {len(counts)} paths, received {len(arrays)} arrays. Pass "
            "one for each path."
        )
    for k, (array, count) in enumerate(zip(arrays, counts.tolist(), strict=True)):
        if array.shape != (count,):
            raise ValueError(
                f"times: expected a time for each of the {count} points of path {k}, received "
                f"shape {tuple(array.shape)}."
            )
    return backend.xp.concatenate(arrays)


def _ragged_times(
    times: Any, counts: Any, absolute: bool, path: RaggedPaths, backend: ArrayBackend
) -> tuple[Any, Any]:
    """Times (total,) in the dtype of the path, and the first one of each path. They are computed on
    the host.
    """
    starts = np.cumsum(counts) - counts
    wide = _wide(times.get() if is_cupy(times) else times, absolute)
    if not absolute:
        wide = _since(wide, np.repeat(wide[starts], counts))
    checked = backend.xp.asarray(_checks.cast(wide, path.dtype, "times"))
    if path.uniform:
        return checked.reshape(len(counts), -1), None
    return checked, starts
