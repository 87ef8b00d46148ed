"""Times: numbers, dates and lengths of time, and each error about them."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pytest

import pysig
from pysig._api._times import UNITS, check_duration, check_moments, check_order, check_times

SECOND = np.timedelta64(1, "s")
UTC = datetime.timezone.utc


def bounds(times, window, **options):
    return pysig.window_bounds(len(times), window, times=times, **options).tolist()


@pytest.mark.parametrize(
    ("given", "kind", "unit", "values"),
    [
        ([1, 2], "number", "", [1, 2]),
        (np.array([1, 2], np.uint8), "number", "", [1, 2]),
        ([1.5, 2], "number", "", [1.5, 2.0]),
        (np.array([1, 2.5], object), "number", "", [1.0, 2.5]),
        (np.array([1, 2], ">i4"), "number", "", [1, 2]),
        (np.array([3, 4], "M8[s]"), "datetime64", "s", [3, 4]),
        (np.array([3, 4], "M8[10s]"), "datetime64", "s", [30, 40]),
        (np.array([3, 4], ">M8[s]"), "datetime64", "s", [3, 4]),
        (np.array(["1970-02", "1970-03"], "M8[M]"), "datetime64", "D", [31, 59]),
        (np.array([3, 4], "m8[ms]"), "timedelta64", "ms", [3, 4]),
        ([datetime.date(1970, 1, 2)], "datetime64", "D", [1]),
        ([datetime.datetime(1970, 1, 1, 0, 0, 1)], "datetime64", "ns", [10**9]),
        ([datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)], "datetime64", "ns", [10**9]),
        ([datetime.timedelta(seconds=2)], "timedelta64", "ns", [2 * 10**9]),
    ],
)
def test_kinds_of_times(given, kind, unit, values):
    times = check_times(given)
    assert (times.kind, times.unit) == (kind, unit)
    assert times.values.tolist() == values
    assert times.values.dtype == (np.float64 if isinstance(values[0], float) else np.int64)


def test_columns_of_pandas():
    pandas = pytest.importorskip("pandas")
    stamps = pandas.date_range("2026-03-29", periods=4, freq="h", tz="Europe/Berlin")
    expected = np.array(["2026-03-28T23", "2026-03-29T00"], "M8[ns]").astype(np.int64).tolist()
    for column in (stamps, pandas.Series(stamps), list(stamps)):
        times = check_times(column)
        assert (times.kind, times.unit) == ("datetime64", "ns")
        assert times.values[:2].tolist() == expected
    durations = stamps - stamps[0]
    assert check_times(durations).kind == "timedelta64"
    assert bounds(durations, pandas.Timedelta("1h")) == [[1, 2], [2, 3], [3, 4]]


def test_columns_of_polars():
    polars = pytest.importorskip("polars")
    column = polars.Series([datetime.datetime(2026, 1, 1), datetime.datetime(2026, 1, 2)])
    assert check_times(column).kind == "datetime64"


@pytest.mark.parametrize("coarse", UNITS)
@pytest.mark.parametrize("fine", UNITS)
def test_units_are_converted_exactly(coarse, fine):
    if UNITS.index(fine) < UNITS.index(coarse):
        return
    times = check_times(np.array([0, 3], f"m8[{coarse}]"))
    try:
        expected = np.array([0, 3], f"m8[{coarse}]").astype(f"m8[{fine}]").astype(np.int64)
    except OverflowError:
        return
    assert times.in_unit(fine).values.tolist() == expected.tolist()


def test_lengths_of_time_in_other_units():
    times = np.array([0, 1, 2], "m8[s]")
    assert bounds(times, np.timedelta64(1500, "ms"), start="partial") == [[0, 1], [0, 2], [1, 3]]
    fine = times.astype("m8[ns]")
    assert bounds(fine, datetime.timedelta(seconds=1)) == [[1, 2], [2, 3]]
    assert bounds(times.astype("m8[ms]") + 0, np.array(SECOND)) == [[1, 2], [2, 3]]


def test_fractions_beside_integers():
    assert bounds([0, 1, 2, 3], 1.5, start="partial") == [[0, 1], [0, 2], [1, 3], [2, 4]]
    assert bounds([0.0, 1.0], 1, closed="both") == [[0, 2]]
    assert bounds([0, 1, 2, 3], np.array(2.0), closed="both") == [[0, 3], [1, 4]]


def test_the_first_wrong_time_is_named():
    with pytest.raises(ValueError, match=r"^times: expected finite.*nan at index 2\. Drop"):
        bounds([0.0, 1.0, np.nan, 0.5], 1.0)
    with pytest.raises(ValueError, match=r"received NaT at index \(1, 0\)"):
        check_order(check_times(np.array([[0, 1], ["NaT", 3]], "M8[s]")))
    with pytest.raises(ValueError, match=r"received 1\.0 after 3\.0 at index 2\. Sort"):
        bounds([0.0, 3.0, 1.0], 1.0)
    message = "received 1970-01-01T00:00:01 after 1970-01-01T00:00:03 at index (0, 2)"
    with pytest.raises(ValueError, match=re.escape(message)):
        check_order(check_times(np.array([[0, 3, 1]], "M8[s]")))
    check_order(check_times([[0.0, 3.0, 1.0, np.nan]]), np.array([2]))
    check_order(check_times([1.0, 1.0]))


ERRORS = [
    (True, 1, ValueError, "times: expected shape"),
    ([True, False], 1, TypeError, "times: expected numbers, datetime64 or timedelta64, received"),
    (["2026-01-01"], 1, TypeError, r"Convert texts: numpy\.array\(times, 'datetime64\[ns\]'\)"),
    ([1, "x"], 1, TypeError, "Convert texts|received objects"),
    ([None, "x"], 1, TypeError, "received objects such as str 'x'"),
    ([[1, 2], [3]], 1, ValueError, "ragged list"),
    (3.0, 1, ValueError, "times: expected shape"),
    (np.ma.masked_array([1, 2], [True, False]), 1, TypeError, "times: .*masked array"),
    (np.array([1, 2], "m8[Y]"), SECOND, TypeError, "times: expected a unit of a fixed length"),
    (np.array([1, 2], "m8"), SECOND, TypeError, "times: expected a unit of a fixed length"),
    (np.array([2**63], np.uint64), 1, ValueError, "times: expected integers that 64 bits hold"),
    ([1j], 1, TypeError, "times: expected numbers"),
    ([0.0], SECOND, TypeError, "window: expected a number, because times are numbers"),
    ([0.0], datetime.timedelta(1), TypeError, "Use one unit for both"),
    ([0.0], "60s", TypeError, "window: expected a length of time, as a number"),
    ([0.0], True, TypeError, "window: expected a length of time, as a number"),
    ([0.0], np.nan, ValueError, "window: expected a finite length of time"),
    ([0.0], np.inf, ValueError, "window: expected a finite length of time"),
    ([0.0], 0.0, ValueError, "window: expected a positive length of time"),
    ([0], -1, ValueError, "window: expected a positive length of time"),
    ([2**60], 0.5, ValueError, r"times: expected integers up to 2\*\*53 beside fractions"),
    (np.array([0], "M8[s]"), 1, TypeError, "window: expected timedelta64, because times are date"),
    (np.array([0], "M8[s]"), -SECOND, ValueError, "window: expected a positive length of time"),
    (np.array([0], "M8[s]"), np.timedelta64("NaT"), ValueError, "received NaT"),
    (np.array([0], "M8[s]"), np.timedelta64(1, "M"), TypeError, "window: expected a unit of a"),
    (np.array([2**62], "m8[s]"), np.timedelta64(1, "ms"), ValueError, "that 64 bits hold in units"),
    (np.array([-(2**62), 2**62]), 1, ValueError, r"times: expected a span below 2\*\*62"),
]


@pytest.mark.parametrize(("times", "window", "error", "message"), ERRORS)
def test_errors_of_times(times, window, error, message):
    length = len(times) if hasattr(times, "__len__") else 1
    with pytest.raises(error, match=message):
        pysig.window_bounds(length, window, times=times)


def test_errors_of_moments():
    times = check_times([0, 1, 2])
    with pytest.raises(
        TypeError, match=r"^intervals: expected numbers, as times are, received time"
    ):
        check_moments(np.array([[0, 1]], "m8[s]"), "intervals", times)
    with pytest.raises(ValueError, match=r"received a missing one at index \(0, 1\)"):
        check_moments([[0.0, np.nan]], "intervals", times)
    times, moments = check_moments([[0.5, 2]], "intervals", times)
    assert times.values.dtype == moments.dtype == np.float64
    with pytest.raises(ValueError, match=r"^intervals: expected integers up to 2\*\*53 beside"):
        check_moments([[0, 2**60]], "intervals", times)


def test_strides_change_the_unit_of_windows_too():
    times, window = check_duration(
        np.timedelta64(2, "s"), "window", check_times(np.array([0], "m8[s]"))
    )
    assert (times.unit, window) == ("s", 2)
    found = bounds(np.array([0, 1, 2, 3], "m8[s]"), 2 * SECOND, stride=np.timedelta64(1500, "ms"))
    assert found == [[1, 3]]
    assert bounds([0, 1, 2, 3], 1, stride=0.5) == [[1, 2], [1, 2], [2, 3], [2, 3], [3, 4]]
