"""Windows as half-open intervals of points: their bounds, from numbers of points or from times."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._memory import available_memory, shortage
from pysig._api._times import Times, check_duration, check_order, check_times
from pysig._backend import NUMPY

STARTS = ("full", "partial")
# For each value of `closed`: the side of searchsorted for the first point, and for the end.
SIDES = {
    "right": ("right", "right"),
    "left": ("left", "left"),
    "both": ("left", "right"),
    "neither": ("right", "left"),
}


@dataclass(frozen=True)
class WindowRule:
    """The checked arguments of windows. `times` None: `window` and `stride` count points.

    `stride` None: a window ends at each point.
    """

    window: Any
    stride: Any
    start: str
    times: Times | None
    closed: str
    include_previous: bool


def check_rule(
    length: int, window: Any, stride: Any, start: Any, times: Any, closed: Any, previous: Any
) -> WindowRule:
    """Check the arguments of windows, except for the order of times."""
    _check_choice(start, "start", STARTS)
    _check_choice(closed, "closed", tuple(SIDES))
    previous = _checks.check_flag(previous, "include_previous")
    if times is None:
        if closed != "right":
            raise ValueError(
                f'closed: expected "right" for windows of a number of points, received "{closed}". '
                "Pass times= for windows of a length of time."
            )
        window = _check_points(window, "window")
        stride = 1 if stride is None else _check_points(stride, "stride")
        return WindowRule(window, stride, start, None, closed, previous)
    checked = check_length_of_times(check_times(times), length)
    checked, window_length = check_duration(window, "window", checked)
    stride_length = None
    if stride is not None:
        unit = checked.unit
        checked, stride_length = check_duration(stride, "stride", checked)
        if checked.unit != unit or isinstance(stride_length, float):
            checked, window_length = check_duration(window, "window", checked)
    return WindowRule(window_length, stride_length, start, checked, closed, previous)


def check_length_of_times(times: Times, length: int) -> Times:
    """Raise ValueError unless there is a time for each point."""
    if times.shape[-1] != length:
        raise ValueError(
            f"times: expected a time for each of the {length} points, received shape {times.shape}."
        )
    return times


def check_paths_of_times(times: Times, batch: tuple[int, ...]) -> None:
    if broadcasts(times.shape[:-1], batch):
        return
    raise ValueError(
        f"times: expected a shape that broadcasts to {(*batch, times.shape[-1])}, received "
        f"{times.shape}."
    )


def broadcasts(shape: tuple[int, ...], batch: tuple[int, ...]) -> bool:
    """Whether an array of this shape broadcasts to `batch`."""
    try:
        return np.broadcast_shapes(shape, batch) == batch
    except ValueError:
        return False


def _check_choice(value: Any, name: str, choices: tuple[str, ...]) -> None:
    if not isinstance(value, str) or value not in choices:
        expected = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"{name}: expected one of {expected}, received {_checks.describe(value)}.")


def _check_points(value: Any, name: str) -> int:
    """A number of points, at least 1."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(
            f"{name}: expected a number of points, an integer, because times are not given, "
            f"received {_checks.describe(value)}. Pass times= for windows of a length of time."
        )
    return _checks.check_integer(value, name, 1)


def bounds_of(rule: WindowRule, length: int, batch: tuple[int, ...], lengths: Any) -> Any:
    """The windows (paths or 1, windows, 2) of a batch of that shape; `lengths` (paths,) or None.

    A path with fewer windows than another one has empty windows at its end.
    """
    if rule.times is None:
        counts = np.array([length]) if lengths is None else lengths
        return _of_points(rule, counts, length)
    times = rule.times
    check_paths_of_times(times, batch)
    if lengths is None:
        check_order(times)
        lengths = np.array([length])
    else:
        check_order(times, lengths.reshape(batch))
    alone = prod(times.shape[:-1]) == 1
    rows = times.values.reshape(-1, length)
    if not alone:
        rows = np.broadcast_to(times.values, (*batch, length)).reshape(-1, length)
    return _of_times(rule, rows, lengths)


# ---- windows of a number of points ----


def _of_points(rule: WindowRule, counts: Any, length: int) -> Any:
    window, stride = rule.window, rule.stride
    first = window if rule.start == "full" else (window - 1) % stride + 1
    number = max((length - first) // stride + 1, 0)
    check_room(number * len(counts))
    ends = first + stride * np.arange(number, dtype=np.int64)
    bounds = np.empty((len(counts), number, 2), np.int64)
    bounds[..., 1] = ends
    bounds[..., 0] = np.maximum(ends - window - rule.include_previous, 0)
    return _emptied(bounds, ends[None] > counts[:, None], counts)


def _emptied(bounds: Any, beyond: Any, counts: Any) -> Any:
    """Windows beyond the end of a path become empty, at its end."""
    np.copyto(bounds, counts[:, None, None], where=beyond[..., None])
    return bounds


def check_room(number: int) -> None:
    """Raise MemoryError unless the bounds of this number of windows fit."""
    needed = 16 * number
    available = available_memory(NUMPY) if needed > 2**20 else None
    if needed > (2**63 - 1 if available is None else available):
        raise MemoryError(
            f"window: the list of {number} windows {shortage(needed, available)} "
            "Take a larger stride."
        )


# ---- windows of a length of time ----


def _of_times(rule: WindowRule, rows: Any, lengths: Any) -> Any:
    """The windows of each row of times."""
    count = max(len(rows), len(lengths))
    check_room(sum(_at_most(rule, rows, lengths, k) for k in range(count)))
    found = [_of_row(rule, _row(rows, lengths, k)) for k in range(count)]
    number = max((len(own) for own in found), default=0)
    check_room(number * count)
    bounds = np.empty((count, number, 2), np.int64)
    for k, own in enumerate(found):
        bounds[k, : len(own)] = own
        bounds[k, len(own) :] = lengths[k if len(lengths) > 1 else 0]
    return bounds


def _row(rows: Any, lengths: Any, k: int) -> Any:
    """The times of path k, relative to the first one if they are integers."""
    times = rows[k if len(rows) > 1 else 0][: lengths[k if len(lengths) > 1 else 0]]
    if times.dtype != np.int64:
        return times
    if int(times[-1]) - int(times[0]) >= 2**62:
        raise ValueError(
            "times: expected a span below 2**62 units, received a longer one. Use a coarser unit."
        )
    return times - times[0]


def _at_most(rule: WindowRule, rows: Any, lengths: Any, k: int) -> int:
    """An upper bound on the number of windows of path k."""
    times = _row(rows, lengths, k)
    if rule.stride is None:
        return len(times)
    span = float(times[-1]) - float(times[0]) + float(rule.window)
    return int(min(span / float(rule.stride), 2.0**62)) + 2


def _of_row(rule: WindowRule, times: Any) -> Any:
    """The windows (windows, 2) of one path."""
    if rule.stride is None:
        begins, ends = every_point(rule, times, times[0])
    else:
        _, begins, ends = grid(rule, times[0], times[-1])
    return points_between(rule, times, begins, ends)


def points_between(rule: WindowRule, times: Any, begins: Any, ends: Any) -> Any:
    """The points (windows, 2) between moments."""
    left, right = SIDES[rule.closed]
    bounds = np.empty((len(ends), 2), np.int64)
    bounds[:, 0] = np.searchsorted(times, begins, left)  # type: ignore[call-overload]
    bounds[:, 1] = np.searchsorted(times, ends, right)  # type: ignore[call-overload]
    if rule.include_previous:
        bounds[:, 0] = np.maximum(bounds[:, 0] - 1, 0)
    return bounds


def every_point(rule: WindowRule, times: Any, first: Any) -> tuple[Any, Any]:
    """Begin and end of windows that end at points, of a path whose first time is `first`."""
    window = min(rule.window, 2**62) if times.dtype == np.int64 else rule.window
    begins = times - window
    if rule.start == "full":
        whole = begins >= first
        return begins[whole], times[whole]
    return begins, times


def grid(rule: WindowRule, first: Any, last: Any, done: int = 0) -> tuple[int, Any, Any]:
    """Begin and end of windows every `stride` from the first time on, without the first `done`.

    Also returns how many there are, with those. The moments are g[j] = first + j * stride. If the
    window is a multiple m of the stride up to rounding, window k is from g[k] to g[k + m], so that
    the end of one is the begin of another.
    """
    window, stride = rule.window, rule.stride
    if isinstance(first, np.integer):  # times relative to the first one
        window, stride = min(window, 2**62), min(stride, 2**62)
        back, number = window // stride, (int(last) - window) // stride + 1
        multiple = back * stride == window
    else:
        back, number = round(window / stride), int((last - first - window) / stride) + 2
        multiple = abs(back * stride - window) <= 4 * np.finfo(np.float64).eps * window
        back = back if multiple else int(window / stride)
    lowest = done - (0 if rule.start == "full" else back)
    k = np.arange(lowest, max(number, lowest), dtype=np.int64)
    begins = first + k * stride
    ends = first + ((k + back) * stride if multiple else window + k * stride)
    reached = ends <= last
    inside = reached & (ends >= first)
    return done + int(reached.sum()), begins[inside], ends[inside]
