"""Windows as half-open intervals of points: their bounds, from numbers of points or from times."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._memory import available_memory, shortage
from pysig._api._ragged import sequence_of
from pysig._api._times import Times, check_duration, check_order, check_times, join_times
from pysig._backend import NUMPY

STARTS = ("full", "partial")
BYTES = 48  # of a window while its bounds are computed; they take 16 of these
LARGEST = 2**62
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
    length: int,
    window: Any,
    stride: Any,
    start: Any,
    times: Any,
    closed: Any,
    previous: Any,
    lengths: Any = None,
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
    checked = times_of_points(times, length, lengths)
    checked, window_length = check_duration(window, "window", checked)
    stride_length = None
    if stride is not None:
        unit = checked.unit
        checked, stride_length = check_duration(stride, "stride", checked)
        if checked.unit != unit or isinstance(stride_length, float):
            checked, window_length = check_duration(window, "window", checked)
    return WindowRule(window_length, stride_length, start, checked, closed, previous)


def times_of_points(value: Any, length: int, lengths: Any) -> Times:
    """Check the types of times, one for each point. Those of paths of different lengths, a
    sequence or concatenated, are padded with the last one of each path.
    """
    if lengths is None or np.ndim(lengths) != 1:
        return check_length_of_times(check_times(value), length)
    items, counts = sequence_of(value, 1), np.asarray(lengths)
    if items is None:
        times = check_times(value)
        if times.shape != (counts.sum(),) or times.shape == (length,):
            return check_length_of_times(times, length)
    else:
        parts = [check_times(item) for item in items]
        if len({part.shape for part in parts}) == 1 and parts[0].shape == (length,):
            counts = np.full(len(parts), length)
        if [part.shape for part in parts] != [(count,) for count in counts.tolist()]:
            expected, shapes = _checks.describe(counts.tolist()), [part.shape for part in parts]
            raise ValueError(
                f"times: expected times of paths of these lengths: {expected}, received shapes "
                f"{_checks.describe(shapes)}. Pass a time for each point of each path."
            )
        times = join_times(parts)
    places = np.minimum(np.arange(length), counts[:, None] - 1)
    places += (np.cumsum(counts) - counts)[:, None]
    return replace(times, values=times.values[places])


def check_length_of_times(times: Times, length: int) -> Times:
    """Raise ValueError unless there is a time for each point."""
    if times.shape[-1] != length:
        raise ValueError(
            f"times: expected a time for each of the {length} points, received shape "
            f"{times.shape}. Pass one time for each point."
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


def bounds_of(
    rule: WindowRule,
    length: int,
    batch: tuple[int, ...],
    lengths: Any,
    check: Callable[[int], None] = lambda number: None,
) -> Any:
    """The windows (paths or 1, windows, 2) of a batch of that shape; `lengths` (paths,) or None.

    A path with fewer windows than another one has empty windows at its end. `check` raises an error
    if this number of windows is too large; it is called before the work if the number is known.
    """
    if rule.times is None:
        counts = np.array([length]) if lengths is None else lengths
        check(points_grid(rule, length)[0])
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


def points_grid(rule: WindowRule, length: int) -> tuple[int, int, int]:
    """The number of windows of a path of this length, the end of the first, and the stride."""
    window, stride = rule.window, rule.stride
    first = window if rule.start == "full" else (window - 1) % stride + 1
    number = max((length - first) // stride + 1, 0)
    return number, min(first, LARGEST), min(stride, LARGEST)


def _of_points(rule: WindowRule, counts: Any, length: int) -> Any:
    number, first, stride = points_grid(rule, length)
    check_room(number * len(counts))
    ends = first + stride * np.arange(number, dtype=np.int64)
    bounds = np.empty((len(counts), number, 2), np.int64)
    bounds[..., 1] = ends
    bounds[..., 0] = np.maximum(ends - min(rule.window, LARGEST) - rule.include_previous, 0)
    return _emptied(bounds, ends[None] > counts[:, None], counts)


def _emptied(bounds: Any, beyond: Any, counts: Any) -> Any:
    """Windows beyond the end of a path become empty, at its end."""
    np.copyto(bounds, counts[:, None, None], where=beyond[..., None])
    return bounds


def check_room(number: int, name: str = "window", advice: str = "Take a larger stride.") -> None:
    """Raise MemoryError unless the bounds of this number of windows fit."""
    needed, what = BYTES * number, "intervals" if name == "intervals" else "windows"
    available = available_memory(NUMPY) if needed > 2**20 else None
    if needed > (2**63 - 1 if available is None else available):
        raise MemoryError(
            f"{name}: the list of {_checks.integer_text(number)} {what} "
            f"{shortage(needed, available)} {advice}"
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
    if int(times[-1]) - int(times[0]) >= LARGEST:
        raise ValueError(
            "times: expected a span below 2**62 units, received a longer one. Use a coarser unit."
        )
    return times - times[0]


def _at_most(rule: WindowRule, rows: Any, lengths: Any, k: int) -> int:
    """An upper bound on the number of windows of path k."""
    times = _row(rows, lengths, k)
    if rule.stride is None:
        return len(times)
    stride = min(rule.stride, LARGEST) if times.dtype == np.int64 else rule.stride
    return int(min((float(times[-1]) - float(times[0])) / float(stride), 2.0**62)) + 3


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
    window = min(rule.window, LARGEST) if times.dtype == np.int64 else rule.window
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
        window, stride = min(window, LARGEST), min(stride, LARGEST)
        back, number = window // stride, (int(last) - window) // stride + 1
        multiple = back * stride == window
    else:
        back, number = _quotient(window, stride), _quotient(last - first - window, stride) + 2
        multiple = abs(back * stride - window) <= 4 * np.finfo(np.float64).eps * window
        back = back if multiple else int(min(window / stride, 2.0**62))
    lowest = done - (0 if rule.start == "full" else back)
    check_room(max(number - lowest, 0))
    k = np.arange(lowest, max(number, lowest), dtype=np.int64)
    begins = first + k * stride
    ends = first + ((k + back) * stride if multiple else window + k * stride)
    reached = ends <= last
    inside = reached & (ends >= first)
    return done + int(reached.sum()), begins[inside], ends[inside]


def _quotient(numerator: Any, stride: Any) -> int:
    """The nearest integer of a quotient, within 64 bits."""
    with np.errstate(over="ignore"):
        return round(max(min(float(numerator) / float(stride), 2.0**62), -(2.0**62)))
