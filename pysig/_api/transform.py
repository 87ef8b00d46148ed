"""The argument `transform=`: its checks, and the public class `Time`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._path_checks import check_basepoint
from pysig._api._time_channel import TimeStage, check_stage, check_types
from pysig._backend import ArrayBackend
from pysig._plans import transform as _transform
from pysig._plans.transform import STAGES, Transform, channels_after, steps_after


@dataclass(frozen=True, eq=False)
class Time:
    """Stage of `transform` that adds time as the last channel; ``"time"`` is ``Time()``.

    Parameters
    ----------
    times : array_like, shape (..., points), or sequence of array_like, optional
        The times of the points. Leading dimensions broadcast with those of the path. The points are
        those after the earlier stages of the transform. For a sequence of paths, a sequence of
        their times; with `offsets`, the times of all points. Numbers, datetime64, timedelta64 or
        columns of pandas or polars; dates and lengths of time become seconds. Times do not decrease
        along a path; ties are allowed. On a GPU this is not checked. Integers and dates are
        subtracted as integers. None: equal steps from 0 to `end` over the points within `lengths`.
    end : float, optional
        The time of the last point, if `times` is None.

    Raises
    ------
    TypeError, ValueError
        If `times` are not times with an axis of points, if `end` is not a finite number, or if both
        are given. Their number and order are checked together with the path.

    See Also
    --------
    transformed_shape : Numbers of points and channels of paths after a transform.
    signature : Signature of piecewise linear paths, truncated at `depth`.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0], [1.0], [3.0]])
    >>> pysig.signature(path, 1, transform=pysig.Time([0.0, 0.5, 4.0]))
    array([3., 4.])
    >>> pysig.signature(path, 1, transform="time")
    array([3., 1.])
    >>> times = np.array(["2024-01-01T00:00", "2024-01-01T00:01", "2024-01-01T00:02"], "M8[m]")
    >>> pysig.signature(path, 1, transform=pysig.Time(times))
    array([  3., 120.])
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
        check_types(self.times)
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
    transform: Any,
    basepoint: Any,
    path: Any,
    lengths: Any,
    backend: ArrayBackend,
    name: str = "basepoint",
) -> tuple[Any, Transform | None]:
    """Check transform and basepoint: basepoints (batch, channels) or None, transform or None.

    `lengths` (batch,), or None, are checked. A first stage "basepoint" is the same as
    `basepoint=True`. Messages call the basepoint `name`.
    """
    base = check_basepoint(basepoint, path, backend, name)
    if transform is None:
        return base, None
    stages = check_stages(transform)
    if "basepoint" in stages:
        if base is not None:
            raise ValueError(
                f'{name}: expected None or False, because "basepoint" is a stage of transform, '
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
            times = starts = None
            if stage.times is not None:
                placed = time_stage(stages, base is not None)
                times, starts = check_stage(placed, path, lengths, backend)
            largest = float(np.finfo(path.dtype).max)
            if abs(float(stage.end)) > largest:
                raise ValueError(
                    f"end: expected at most {largest:.2g}, which {path.dtype} holds, received "
                    f"{float(stage.end):.2g}. Rescale it, or pass a path of float64."
                )
            checked = checked._replace(times=times, end=float(stage.end), starts=starts)
    return base, checked


def time_stage(stages: list[str | Time], based: bool) -> TimeStage:
    """The stage of time among checked stages; `based`: a basepoint is the first point."""
    place = next(k for k, stage in enumerate(stages) if isinstance(stage, Time))
    time = stages[place]
    assert isinstance(time, Time)
    later = {_name(stage) for stage in stages[place + 1 :]}
    before = [_name(stage) for stage in stages[:place]]
    return TimeStage(time.times, before, bool({"basepoint", "reset"} & later), based)


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

    See Also
    --------
    Time : Stage of `transform` that adds time as the last channel; ``"time"`` is ``Time()``.
    signature : Signature of piecewise linear paths, truncated at `depth`.

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
