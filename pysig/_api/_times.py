"""Times of points: one rule for numbers, dates and lengths of time.

Integers and dates are kept as integers, so that differences are exact. Times do not decrease along
a path; ties are allowed. NaN and NaT are refused.
"""

from __future__ import annotations

import datetime
import sys
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._backend import is_cupy

# Units of a fixed length. Years and months have none, attoseconds do not fit into 64 bits.
UNITS = ("W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs")
_KINDS = {"M": "datetime64", "m": "timedelta64"}


@dataclass(frozen=True)
class Times:
    """Checked times (..., points): int64 or float64 on the host.

    `kind`: "number", "datetime64" or "timedelta64". `unit`: the unit of the last two, else "".
    `zoned`: dates had a time zone; the values are in UTC.
    """

    values: Any
    kind: str
    unit: str
    zoned: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(self.values.shape)

    def shown(self, value: Any) -> str:
        """One time, for messages and results."""
        if self.kind == "number":
            return str(value)
        shown = np.array(int(value), np.int64).view(f"{self.kind}[{self.unit}]")
        return f"{shown}Z" if self.zoned else str(shown)

    def in_unit(self, unit: str) -> Times:
        """The same times in a finer unit."""
        if unit == self.unit:
            return self
        factor = _factor(self.unit, unit)
        largest = int(np.abs(self.values).max(initial=0))
        if largest * factor > 2**63 - 1:
            raise ValueError(
                f"times: expected times that 64 bits hold in units of {unit}, received larger "
                "ones. Round the lengths of time to a coarser unit."
            )
        return replace(self, values=self.values * factor, unit=unit)


def check_times(value: Any, name: str = "times") -> Times:
    """Check the types of times; the order and missing times are checked by `check_order`."""
    _checks.refuse_masked(value, name)
    array = _host_array(value, name)
    if array.ndim < 1:
        raise ValueError(
            f"{name}: expected shape (..., points), a time for each point, received shape "
            f"{tuple(array.shape)}. Pass one time for each point."
        )
    return _of_array(array, value, name)


def require_kind(times: Times, expected: Times, name: str, owner: str) -> None:
    """TypeError unless both are numbers, lengths of time, or dates with or without a zone."""
    if times.kind != expected.kind:
        raise TypeError(
            f"{name}: expected {noun(expected)}, as {owner}, received {noun(times)}. "
            "Use one unit for both."
        )
    if times.zoned != expected.zoned:
        pair = ("with", "without") if expected.zoned else ("without", "with")
        remedy = "Give them a zone." if expected.zoned else "Give both a zone, or remove it."
        raise TypeError(
            f"{name}: expected dates {pair[0]} a time zone, as {owner}, received dates {pair[1]} "
            f"one. {remedy}"
        )


def check_order(times: Times, lengths: Any = None, name: str = "times") -> None:
    """Raise ValueError at the first time that is missing or smaller than the one before it.

    `lengths` (...) are the numbers of points that count; later times are not looked at.
    """
    counted: Any = True
    if lengths is not None:
        counted = np.arange(times.shape[-1]) < np.asarray(lengths)[..., None]
        counted = np.broadcast_to(counted, np.broadcast_shapes(counted.shape, times.shape))
    values = np.broadcast_to(times.values, np.broadcast_shapes(np.shape(counted), times.shape))
    lost = missing(values, times.kind) & counted
    if lost.any():
        index = _first(lost)
        shown = "NaT" if times.kind != "number" else str(values[index])
        raise ValueError(
            f"{name}: expected finite times, received {shown} at index {_place(index)}. "
            "Drop these points."
        )
    later = values[..., 1:] < values[..., :-1]
    falls = later & (counted if counted is True else counted[..., 1:])
    if falls.any():
        before = _first(falls)
        index = (*before[:-1], before[-1] + 1)
        raise ValueError(
            f"{name}: expected times that do not decrease, received {times.shown(values[index])} "
            f"after {times.shown(values[before])} at index {_place(index)}. Sort the points by "
            "time."
        )


def check_duration(value: Any, name: str, times: Times) -> tuple[Times, Any]:
    """Check a positive length of time; return times and it in a unit that holds both exactly."""
    if times.kind == "number":
        times, length = _number_duration(value, name, times)
    else:
        times, length = _unit_duration(value, name, times)
    if not length > 0:
        raise ValueError(
            f"{name}: expected a positive length of time, received {_checks.describe(value)}."
        )
    return times, length


def check_moments(value: Any, name: str, times: Times) -> tuple[Times, Any]:
    """Check an array of moments of the kind of `times`; return both in a common unit."""
    _checks.refuse_masked(value, name)
    array = _host_array(value, name)
    moments = _of_array(array, value, name)
    require_kind(moments, times, name, "times are")
    number = moments.kind == "number"
    lost = np.isnan(moments.values) if number else missing(moments.values, moments.kind)
    if lost.any():
        index = _first(lost)
        raise ValueError(
            f"{name}: expected times, received a missing one at index {_place(index)}. Drop it, or "
            "pass the first or last time."
        )
    if number:
        if times.values.dtype == np.int64:
            moments = _whole(moments)
        if times.values.dtype != moments.values.dtype:
            times, moments = _as_floats(times, "times"), _as_floats(moments, name)
        return times, moments.values
    unit = max(times.unit, moments.unit, key=UNITS.index)
    return times.in_unit(unit), moments.in_unit(unit).values


def join_times(parts: list[Times], name: str = "times") -> Times:
    """Concatenate times of one kind, in a unit that holds all of them exactly."""
    kind = parts[0].kind
    for part in parts[1:]:
        require_kind(part, parts[0], name, "of the first path")
    if kind == "number":
        if len({part.values.dtype for part in parts}) > 1:
            parts = [_as_floats(part, name) for part in parts]
        return Times(np.concatenate([part.values for part in parts]), kind, "")
    unit = max((part.unit for part in parts), key=UNITS.index)
    values = [part.in_unit(unit).values for part in parts]
    return Times(np.concatenate(values), kind, unit, parts[0].zoned)


# ---- arrays ----


def _host_array(value: Any, name: str) -> Any:
    if is_cupy(value):
        return value.get()
    _checks.refuse_tensor(value, name)
    if getattr(getattr(value, "dtype", None), "tz", None) is not None:  # pandas, with a time zone
        return np.asarray(value, dtype="datetime64[ns]")  # in UTC
    try:
        return np.asarray(value)
    except ValueError as error:  # ragged nested lists
        raise ValueError(
            f"{name}: expected an array of times, received a ragged {type(value).__name__} "
            f"({error})."
        ) from None


def _of_array(array: Any, given: Any, name: str) -> Times:
    kind, zoned = array.dtype.kind, has_zone(given)
    if kind == "O":
        array, zoned = _of_objects(array, name)
        kind = array.dtype.kind
    if kind in _KINDS:
        return replace(_of_dates(array, name), zoned=zoned)
    if kind == "u" and array.size and int(array.max()) > 2**63 - 1:
        raise ValueError(f"{name}: expected integers that 64 bits hold, received {array.max()}.")
    if kind in "iu":
        return Times(array.astype(np.int64), "number", "")
    if kind == "f":
        return Times(array.astype(np.float64), "number", "")
    remedy = f"Convert texts: numpy.array({name}, 'datetime64[ns]')." if kind in "US" else ""
    raise TypeError(
        f"{name}: expected numbers, datetime64 or timedelta64, received "
        f"{_checks.describe(given)}. {remedy}".rstrip()
    )


def has_zone(value: Any) -> bool:
    """Whether a column of pandas, polars or Arrow holds dates with a time zone."""
    dtype = getattr(value, "dtype", getattr(value, "type", None))
    dtype = getattr(dtype, "pyarrow_dtype", dtype)
    return getattr(dtype, "tz", getattr(dtype, "time_zone", None)) is not None


def _of_dates(array: Any, name: str) -> Times:
    unit, _ = np.datetime_data(array.dtype)
    if unit == "generic" and np.isnat(array).all():
        array, unit = array.astype(f"{_KINDS[array.dtype.kind]}[s]"), "s"
    kind = _KINDS[array.dtype.kind]
    if array.dtype.kind == "M" and unit in ("Y", "M"):  # dates of the calendar
        array, unit = array.astype("datetime64[D]"), "D"
    if unit not in UNITS:
        raise TypeError(
            f"{name}: expected a unit of a fixed length, such as s or ns, received {array.dtype}. "
            f"Convert it: .astype('{kind}[s]')."
        )
    # The conversion removes steps of several units, and another order of bytes.
    return Times(array.astype(f"{kind}[{unit}]", copy=False).view(np.int64), kind, unit)


def _of_objects(array: Any, name: str) -> tuple[Any, bool]:
    """Convert objects: dates, lengths of time or numbers; and whether dates have a zone."""
    items = [item for item in array.ravel() if item is not None]
    if items and all(isinstance(item, datetime.timedelta) for item in items):
        return _each(array, _timedelta).astype("timedelta64[ns]"), False
    dates = [item for item in items if isinstance(item, datetime.date)]
    if items and len(dates) == len(items):
        if not any(isinstance(item, datetime.datetime) for item in items):
            return array.astype("datetime64[D]"), False
        return _each(array, _datetime).astype("datetime64[ns]"), _zone_of(dates, name)
    if items and all(isinstance(item, Real) and not isinstance(item, bool) for item in items):
        return array.astype(np.float64), False
    item = next((item for item in items if not isinstance(item, (Real, datetime.date))), None)
    raise TypeError(
        f"{name}: expected numbers, datetime64 or timedelta64, received objects such as "
        f"{_checks.describe(item)}. Convert them to one of these."
    )


def _zone_of(dates: list[Any], name: str) -> bool:
    """Whether dates have a time zone; TypeError if only some have one."""
    known = [item for item in dates if item == item]  # NaT differs from itself
    zones = [getattr(item, "tzinfo", None) is not None for item in known]
    if len(set(zones)) > 1:
        pair = known[zones.index(False)], known[zones.index(True)]
        raise TypeError(
            f"{name}: expected dates with a time zone or without one, received both: {pair[0]} and "
            f"{pair[1]}. Give all of them a zone, or none."
        )
    return any(zones)


def _each(array: Any, convert: Any) -> Any:
    flat = [convert(item) for item in array.ravel()]
    return np.array(flat).reshape(array.shape)


def _datetime(item: Any) -> Any:
    """datetime, or a subclass of pandas, as datetime64; a time zone is converted to UTC."""
    if item is None:
        return np.datetime64("NaT", "ns")
    if hasattr(item, "to_datetime64"):
        return item.to_datetime64()
    if getattr(item, "tzinfo", None) is not None:
        item = item.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return np.datetime64(item)


def _timedelta(item: Any) -> Any:
    if item is None:
        return np.timedelta64("NaT", "ns")
    return item.to_timedelta64() if hasattr(item, "to_timedelta64") else np.timedelta64(item)


# ---- lengths of time ----


def _number_duration(value: Any, name: str, times: Times) -> tuple[Times, Any]:
    if isinstance(value, (np.timedelta64, datetime.timedelta)):
        raise TypeError(
            f"{name}: expected a number, because times are numbers, received "
            f"{_checks.describe(value)}. Use one unit for both."
        )
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(
            f"{name}: expected a length of time, as a number, received {_checks.describe(value)}."
        )
    number: Any = value
    if not -np.inf < number < np.inf:
        raise ValueError(f"{name}: expected a finite length of time, received {value}.")
    if times.values.dtype == np.int64:
        if number == int(number):
            return times, int(number)
        times = _as_floats(times, "times")
    try:
        return times, float(number)
    except OverflowError:
        raise ValueError(
            f"{name}: expected a length of time up to {sys.float_info.max:.2g}, received "
            f"{_checks.describe(value)}. Pass at most the span of the times."
        ) from None


def _whole(moments: Times) -> Times:
    """Moments that are integers or infinite, as integers; other ones as they are."""
    if moments.values.dtype == np.int64 or not np.isinf(moments.values).any():
        return moments
    endless = np.isinf(moments.values)
    finite = np.where(endless, 0.0, moments.values)
    if ((np.abs(finite) > 2**53) | (finite != np.rint(finite))).any():
        return moments
    ends = np.where(moments.values > 0, 2**63 - 1, 1 - 2**63)
    return replace(moments, values=np.where(endless, ends, finite.astype(np.int64)))


def _as_floats(times: Times, name: str) -> Times:
    """Integer times beside fractions."""
    largest = int(np.abs(times.values).max(initial=0)) if times.values.dtype == np.int64 else 0
    if largest > 2**53:
        raise ValueError(
            f"{name}: expected integers up to 2**53 beside fractions, received {largest}. Subtract "
            "the first time, or use integers everywhere."
        )
    return Times(times.values.astype(np.float64), times.kind, times.unit)


def _unit_duration(value: Any, name: str, times: Times) -> tuple[Times, int]:
    if hasattr(value, "to_timedelta64"):
        value = value.to_timedelta64()
    if isinstance(value, datetime.timedelta):
        value = np.timedelta64(value)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if not isinstance(value, np.timedelta64):
        raise TypeError(
            f"{name}: expected timedelta64, because times are {times.kind}, received "
            f"{_checks.describe(value)}. Pass for example numpy.timedelta64(60, 's')."
        )
    if np.isnat(value):
        raise ValueError(f"{name}: expected a length of time, received NaT.")
    unit, step = np.datetime_data(value.dtype)
    if unit not in UNITS:
        raise TypeError(
            f"{name}: expected a unit of a fixed length, such as s or ns, received {value.dtype}. "
            "Pass for example numpy.timedelta64(60, 's')."
        )
    count = int(value.astype(np.int64)) * step
    if times.unit != unit:
        finest = max(times.unit, unit, key=UNITS.index)
        count *= _factor(unit, finest)
        times = times.in_unit(finest)
    return times, count


def _factor(coarse: str, fine: str) -> int:
    """Units of `fine` in one of `coarse`."""
    thousands = 1000 ** max(UNITS.index(fine) - UNITS.index("s"), 0)
    seconds = {"W": 604800, "D": 86400, "h": 3600, "m": 60}
    if coarse in seconds:
        return seconds[coarse] * int(thousands) // seconds.get(fine, 1)
    difference = UNITS.index(fine) - UNITS.index(coarse)
    return int(1000**difference)


# ---- messages ----


def missing(values: Any, kind: str) -> Any:
    """Where times are NaN, infinite or NaT."""
    if kind == "number":
        return ~np.isfinite(values)
    return values == np.iinfo(np.int64).min


def _first(flags: Any) -> tuple[int, ...]:
    return tuple(int(k) for k in np.unravel_index(int(flags.argmax()), flags.shape))


def _place(index: tuple[int, ...]) -> str:
    return str(index[0]) if len(index) == 1 else str(index)


def noun(times: Times) -> str:
    """What times are, for messages."""
    return "numbers" if times.kind == "number" else times.kind
