"""Times of a sliding window: kept in the form of the first ones, compared exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._times import UNITS, Times, check_order, check_times, missing, require_kind

__all__ = ["TimeForm", "push_times"]

_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class TimeForm:
    """How the times of a window are kept: "number", "datetime64" or "timedelta64" with a unit.

    Numbers are float64 if these hold the first ones exactly, else int64. Dates count nanoseconds
    if 64 bits hold the first ones, so that later times may be finer.
    """

    kind: str
    unit: str
    dtype: np.dtype[Any]
    newest: int | float = 0  # of the window, in this form
    zoned: bool = False

    def state(self) -> tuple[str, str, str, float, bool]:
        """What a pickle holds."""
        return self.kind, self.unit, self.dtype.name, self.newest, self.zoned

    @classmethod
    def of(cls, times: Times) -> TimeForm:
        """The form for the first times of a window."""
        whole = np.dtype(np.int64)
        if times.kind == "number":
            exact = times.values.dtype != whole or _size(times.values) <= 2**53
            return cls("number", "", np.dtype(np.float64) if exact else whole)
        factor = _factor(times.unit, "ns")
        finer = factor is not None and _size(times.values) * factor <= _LARGEST
        return cls(times.kind, "ns" if finer else times.unit, whole, zoned=times.zoned)

    def values(self, times: Times) -> Any:
        """`times` in this form."""
        self._check_kind(times, "times")
        if self.kind != "number":
            if _factor(times.unit, self.unit) is None:
                raise ValueError(
                    f"times: expected {self.kind} in units of {self.unit} or longer, as in the "
                    f"window, received units of {times.unit}. Use one unit for all points."
                )
            return np.ascontiguousarray(times.in_unit(self.unit).values)
        with np.errstate(invalid="ignore"):
            values = times.values.astype(self.dtype)
        if values.dtype != times.values.dtype:
            with np.errstate(invalid="ignore"):
                inexact = values.astype(times.values.dtype) != times.values
            inexact |= np.abs(times.values.astype(np.float64)) >= 2.0**63
            if inexact.any():
                raise ValueError(
                    f"times: expected numbers that {self.dtype} holds exactly, as in the window, "
                    f"received {times.values[inexact][0]}. Subtract the first time from all times."
                )
        return np.ascontiguousarray(values)

    def moment(self, value: Any) -> tuple[int | float, bool]:
        """One moment in this form, and whether it is exact; else it is the next later one."""
        if np.ndim(value) != 0:
            raise ValueError(
                f"before: expected one time, received {_checks.describe(value)}. Pass a scalar."
            )
        if value is None or isinstance(value, (str, bytes)):
            raise TypeError(
                f"before: expected a number, datetime64 or timedelta64, received "
                f"{_checks.describe(value)}. Convert a text: numpy.datetime64(before)."
            )
        moment = check_times([value], "before")
        if missing(moment.values, moment.kind).any():
            raise ValueError(f"before: expected finite times, received {value}. Pass a time.")
        self._check_kind(moment, "before")
        exact: Any = moment.values[0].item()
        if self.kind != "number":
            factor = _factor(moment.unit, self.unit)
            if factor is None:
                divisor = _factor(self.unit, moment.unit)
                assert divisor is not None
                return -(-exact // divisor), exact % divisor == 0
            return max(-_LARGEST, min(exact * factor, _LARGEST)), True
        if self.dtype == np.int64:
            whole = -int(-exact // 1)
            return max(-_LARGEST, min(whole, _LARGEST)), whole == exact
        real = float(exact)
        if real >= exact:
            return real, real == exact
        return float(np.nextafter(real, np.inf)), False

    def _check_kind(self, times: Times, name: str) -> None:
        own = Times(None, self.kind, self.unit, self.zoned)
        require_kind(times, own, name, "the times in the window")


def push_times(
    value: Any, count: int, form: TimeForm | None, *, empty: bool
) -> tuple[Any, TimeForm | None]:
    """Check the times of `count` points that are pushed; return them in the form of the window."""
    if value is None:
        if form is not None and not empty:
            raise TypeError(
                "times: expected a time for each point, as in the window, received None. "
                "Pass times."
            )
        return None, None
    times = check_times([value] if np.ndim(value) == 0 else value)
    if times.shape != (count,):
        raise ValueError(
            f"times: expected shape ({count},), a time for each point, received shape "
            f"{times.shape}."
        )
    check_order(times)
    if empty:
        form = TimeForm.of(times)
    elif form is None:
        raise TypeError(
            "times: expected None, because the points in the window have no times, received "
            "times. Pass times from the first point on."
        )
    values = form.values(times)
    if count == 0:
        return values, form
    if not empty and values[0] < form.newest:
        shown = Times(values, form.kind, form.unit).shown
        raise ValueError(
            f"times: expected times that do not decrease, received {shown(values[0])} after "
            f"{shown(form.newest)} in the window. Push points in the order of their times."
        )
    return values, replace(form, newest=values[-1].item())


def _size(values: Any) -> int:
    """The largest absolute value; the smallest integer has none in 64 bits."""
    return max((abs(int(values.max())), abs(int(values.min()))), default=0) if values.size else 0


def _factor(coarse: str, fine: str) -> int | None:
    """Units of `fine` in one of `coarse`; None if `fine` is the coarser one."""
    if UNITS.index(coarse) > UNITS.index(fine):
        return None
    return int(Times(np.ones(1, np.int64), "timedelta64", coarse).in_unit(fine).values[0])
