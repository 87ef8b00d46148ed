"""`Time` with dates, lengths of time, columns of tables, and its errors."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

import pysig
from support import assert_close

PATH = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0], [3.0, 5.0]])
SECONDS = np.array([0.0, 60.0, 60.0, 3600.0])  # a tie


def dates(unit):
    return np.datetime64("2024-03-01T12:00", "s") + SECONDS.astype("m8[s]").astype(f"m8[{unit}]")


def in_seconds(depth=3):
    return pysig.signature(PATH, depth, transform=pysig.Time(SECONDS))


def forms():
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    stamps = dates("ns")
    index = pandas.DatetimeIndex(stamps)
    yield "DatetimeIndex", index
    yield "Series", pandas.Series(index)
    yield "time zone", index.tz_localize("UTC").tz_convert("America/New_York")
    yield "Series with time zone", pandas.Series(index.tz_localize("Europe/Berlin"))
    yield "TimedeltaIndex", index - index[0]
    yield "list of Timestamp", list(index)
    yield "polars", polars.Series(stamps)
    yield "datetime", [datetime.datetime(2024, 3, 1) + datetime.timedelta(0, s) for s in SECONDS]
    yield "timedelta", [datetime.timedelta(0, s) for s in SECONDS]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_are_seconds(unit):
    for times in (dates(unit), dates(unit) - dates(unit)[0]):
        actual = pysig.signature(PATH, 3, transform=pysig.Time(times))
        assert np.array_equal(actual, in_seconds())


@pytest.mark.parametrize(("unit", "seconds"), [("m", 60), ("h", 3600), ("D", 86400), ("W", 604800)])
def test_coarse_units_are_seconds(unit, seconds):
    times = np.array([0, 1, 3, 3]).astype(f"m8[{unit}]")
    actual = pysig.signature(PATH, 1, transform=pysig.Time(times))
    assert actual[2] == 3 * seconds


def test_columns_of_tables():
    for name, times in forms():
        actual = pysig.signature(PATH, 3, transform=pysig.Time(times))
        assert np.array_equal(actual, in_seconds()), name


def test_nanoseconds_are_exact():
    """Differences of 64 ns after 54 years: float64 rounds the stamps to 256 ns."""
    stamps = np.array([1704067200000000100, 1704067200000000164], np.int64)
    path = np.zeros((2, 1))
    for times, unit in ((stamps, 1.0), (stamps.astype("M8[ns]"), 1e-9)):
        actual = pysig.signature(path, 1, transform=pysig.Time(times))
        assert actual[1] == 64 * unit
    ragged = [np.zeros((2, 1)), np.zeros((1, 1))]
    times = [stamps.astype("M8[ns]"), stamps[:1].astype("M8[ns]")]
    actual = pysig.signature(ragged, 1, transform=pysig.Time(times))
    assert actual[0, 1] == 64e-9


def test_lists_of_dates_in_several_units(rng):
    paths = [rng.standard_normal((n, 2)) for n in (3, 5)]
    times = [np.arange(3).astype("M8[s]"), (1000 * np.arange(5)).astype("M8[ms]")]
    actual = pysig.signature(paths, 2, transform=pysig.Time(times))
    for row, path in zip(actual, paths, strict=True):
        alone = pysig.signature(path, 2, transform=pysig.Time(np.arange(len(path))))
        assert_close(row, alone, rtol=1e-14)


def test_lists_of_times_of_padded_paths(rng):
    array, lengths = rng.standard_normal((2, 5, 2)), [3, 5]
    times = [np.cumsum(rng.random(n)) for n in lengths]
    actual = pysig.signature(array, 2, lengths=lengths, transform=pysig.Time(times))
    paths = [array[0, :3], array[1]]
    assert np.array_equal(actual, pysig.signature(paths, 2, transform=pysig.Time(times)))


def test_lengths_of_time_return_to_the_origin():
    times = dates("ms") - dates("ms")[0]
    actual = pysig.signature(PATH, 2, transform=(pysig.Time(times), "reset"))
    wanted = pysig.signature(PATH, 2, transform=(pysig.Time(SECONDS), "reset"))
    assert np.array_equal(actual, wanted)
    with pytest.raises(TypeError, match=r"returns to time 0, received datetime64\. Subtract"):
        pysig.signature(PATH, 2, transform=(pysig.Time(dates("ms")), "reset"))


def test_times_after_the_end_do_not_count(rng):
    array, lengths = rng.standard_normal((2, 4, 1)), np.array([2, 4])
    times = np.array([[0.0, 1.0, np.nan, -5.0], [0.0, 1.0, 2.0, 3.0]])
    actual = pysig.signature(array, 2, lengths=lengths, transform=pysig.Time(times))
    alone = pysig.signature(array[0, :2], 2, transform=pysig.Time(times[0, :2]))
    assert_close(actual[0], alone, rtol=1e-14)
    double = np.array([[0.0, 1.0, 1.0, -1, np.nan, 0, 0], np.arange(7.0)])
    pysig.signature(array, 2, lengths=lengths, transform=("lead_lag", pysig.Time(double)))


ERRORS = [
    ([3.0, 2.0, 1.0, 0.0], ValueError, r"do not decrease, received 2.0 after 3.0 at index 1. Sort"),
    ([0.0, np.nan, 1.0, 2.0], ValueError, "finite times, received nan at index 1"),
    ([0.0, 1.0, np.inf, np.inf], ValueError, "finite times, received inf at index 2"),
    ([0.0, None, 1.0, 2.0], ValueError, "finite times, received nan at index 1"),
    ([3, 2, 1, 0], ValueError, "received 2 after 3 at index 1"),
    (
        np.array(["2024-01-02", "2024-01-01"] * 2, "M8[D]"),
        ValueError,
        "2024-01-01 after 2024-01-02",
    ),
    (np.array(["2024-01-02", "NaT"] * 2, "M8[D]"), ValueError, "received NaT at index 1"),
    (np.array(["2024", "2025", "2026", "2027"]), TypeError, r"datetime64\[ns\]"),
    (np.array([0, 1, 2, 3], "m8[M]"), TypeError, "a unit of a fixed length"),
    ([True, False, True, True], TypeError, "numbers, datetime64 or timedelta64"),
]


@pytest.mark.parametrize(("times", "error", "message"), ERRORS)
def test_errors(times, error, message):
    with pytest.raises(error, match=f"^times: .*{message}"):
        pysig.signature(PATH, 1, transform=pysig.Time(times))
    with pytest.raises(error, match=f"^times.*: .*{message}"):
        pysig.signature([PATH, PATH[:1]], 1, transform=pysig.Time([times, times[:1]]))


def test_errors_name_the_path():
    paths = [np.zeros((2, 1)), np.zeros((3, 1))]
    with pytest.raises(ValueError, match=r"^times of path 1: .* received 1 after 2 at index 2\."):
        pysig.signature(paths, 1, transform=pysig.Time([[5, 6], [0, 2, 1]]))
    times = [np.arange(2).astype("M8[s]"), np.arange(3)]
    with pytest.raises(TypeError, match="datetime64, as of the first path, received numbers"):
        pysig.signature(paths, 1, transform=pysig.Time(times))


def test_times_of_the_other_device_are_refused(cupy):
    with pytest.raises(TypeError, match="times: expected a NumPy array like path"):
        pysig.signature(PATH, 1, transform=pysig.Time(cupy.asarray(SECONDS)))
    with pytest.raises(TypeError, match="times: expected a CuPy array like path"):
        pysig.signature(cupy.asarray(PATH), 1, transform=pysig.Time(SECONDS))
