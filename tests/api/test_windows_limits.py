"""Windows and intervals at the ends of what 64 bits and memory hold, refused before any work."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pytest

import pysig
from pysig._api import _index, _intervals, _memory, _windows

PATH = np.random.default_rng(3).normal(size=(6, 2)).cumsum(axis=0)
MANY = np.broadcast_to(np.zeros(2), (2**40, 2))
ROWS = np.broadcast_to(np.array([0, 3]), (2**40, 2))


@pytest.fixture
def little_memory(monkeypatch):
    for module in (_windows, _intervals, _memory, _index):
        monkeypatch.setattr(module, "available_memory", lambda backend: 2**32)


@pytest.mark.parametrize("size", [2**62, 2**63, 2**200])
def test_windows_and_strides_beyond_64_bits(size):
    whole = pysig.signature(PATH, 2)
    assert pysig.signature_windows(PATH, 2, size).shape == (0, 6)
    np.testing.assert_allclose(pysig.signature_windows(PATH, 2, size, start="partial")[-1], whole)
    assert pysig.window_bounds(6, 2, stride=size).tolist() == [[0, 2]]
    times = np.arange(6)
    wide = {"times": times, "start": "partial"}
    assert pysig.window_bounds(6, size, **wide).tolist() == [[0, k] for k in range(1, 7)]
    assert pysig.window_bounds(6, 2, stride=size, times=times).tolist() == [[1, 3]]
    assert pysig.window_bounds(6, size, stride=size, **wide).tolist() == [[0, 1]]


def test_a_long_window_has_few_windows():
    bounds = pysig.window_bounds(3, 1e12, stride=1.0, times=[0.0, 1.0, 2.0], start="partial")
    assert bounds.tolist() == [[0, 1], [0, 2], [0, 3]]


def test_a_length_of_time_beyond_float64():
    with pytest.raises(ValueError, match=r"^window: expected a length of time up to 1\.8e\+308"):
        pysig.window_bounds(2, 10**400, times=[0.0, 1.0])


REFUSED = [
    (lambda: pysig.dyadic_windows(2**40, 29), "^depth: the list of 1073741824 windows.* Reduce"),
    (lambda: pysig.window_bounds(2**62, 2), "^window: the list of .* Take a larger stride"),
    (lambda: pysig.signature_windows(MANY, 3, 2), "^window: the output of shape"),
    (lambda: pysig.logsignature_windows(MANY, 3, 2), "^window: the output of shape"),
    (lambda: pysig.signature_windows_vjp(MANY, 1, 2, np.ones(2)), "^window: the output of shape"),
    (lambda: pysig.signature_windows_jvp(MANY, 1, 2, np.ones(2)), "^window: the output of shape"),
    (lambda: pysig.signature_intervals(PATH, 1, ROWS), "^intervals: the list of 1099511627776 int"),
    (
        lambda: pysig.signature_intervals_vjp(PATH, 7, ROWS[: 2**24], np.ones(254)),
        r"^intervals: the output of shape \(16777216, 254\)",
    ),
    (
        lambda: pysig.window_bounds(2, 1.0, times=[0.0, 1e300], stride=5e-324),
        "^window: the list of",
    ),
    (
        lambda: pysig.window_bounds(9, 2, lengths=np.broadcast_to(np.int64(9), (2**40,))),
        "^lengths: an array of shape",
    ),
    (lambda: pysig.SignatureIndex(PATH, 2).query(ROWS), "^intervals: the list of"),
    (
        lambda: pysig.SignatureIndex(PATH, 7).query(ROWS[: 2**24]),
        r"^intervals: the output of shape \(16777216, 254\)",
    ),
]


@pytest.mark.parametrize(("call", "message"), REFUSED)
def test_large_calls_are_refused_before_work(little_memory, call, message):
    with pytest.raises(MemoryError, match=message):
        call()


@pytest.mark.parametrize(("length", "depth"), [(5, 2), (1, 0), (37, 5), (2**62, 4), (2**61 + 7, 6)])
def test_dyadic_windows_are_exact(length, depth):
    expected = [
        [j * length >> level, (j + 1) * length >> level]
        for level in range(depth + 1)
        for j in range(2**level)
    ]
    assert pysig.dyadic_windows(length, depth).tolist() == expected


@pytest.mark.parametrize("function", [pysig.dyadic_windows, pysig.window_bounds])
def test_a_length_that_no_path_has(function):
    with pytest.raises(ValueError, match=r"^length: expected at most 2\*\*62, received"):
        function(2**63, 3)


def test_infinite_ends_of_intervals():
    expected = pysig.signature_intervals(PATH, 2, [(0, 3), (2, 6), (0, 6)])
    inf = np.inf
    for times in (np.arange(6.0), np.arange(6), np.arange(6) + 2**60):
        first = float(times[0])
        rows = [(-inf, first + 3), (first + 2, inf), (-inf, inf)]
        if first:
            rows = [(-inf, inf)]
        found = pysig.signature_intervals(PATH, 2, rows, times=times)
        np.testing.assert_array_equal(found, expected[-len(rows) :])
    found = pysig.signature_intervals(PATH, 2, [(1.5, inf)], times=np.arange(6))
    np.testing.assert_allclose(found[0], expected[1], atol=1e-13)


def test_intervals_of_a_batch_for_one_path():
    with pytest.raises(ValueError, match=r"^intervals: .*there is one path.*reshape\(-1, 2\)"):
        pysig.signature_intervals(PATH, 1, np.zeros((3, 2, 2), int))


# ---- dates with and without a time zone ----

UTC = datetime.timezone.utc
NAIVE = [datetime.datetime(2026, 1, 5, 0, 0, k) for k in range(6)]
ZONED = [time.replace(tzinfo=UTC) for time in NAIVE]


ZONE_EXPECTED = r"^intervals: expected dates with a time zone"


def timed_index(times):
    return pysig.SignatureIndex(PATH, 1, times=times)


def sliding(times):
    window = pysig.SlidingSignature(2, 1)
    window.push(PATH, times=times)
    return window


MIXED = {
    "intervals": lambda a, b: pysig.signature_intervals(PATH, 1, [(b[0], b[3])], times=a),
    "query": lambda a, b: timed_index(a).query([(b[0], b[3])]),
    "append": lambda a, b: timed_index(a).append(PATH, times=[b[5]] * 6),
    "push": lambda a, b: sliding(a).push(PATH, times=[b[5]] * 6),
    "evict": lambda a, b: sliding(a).evict(before=b[2]),
    "Time": lambda a, b: pysig.signature([PATH, PATH[:5]], 1, transform=pysig.Time([a, b[:5]])),
    "times of paths": lambda a, b: pysig.signature_windows(
        [PATH, PATH[:5]], 1, np.timedelta64(1, "s"), times=[a, b[:5]]
    ),
    "one column": lambda a, b: pysig.window_bounds(
        6, np.timedelta64(1, "s"), times=[*a[:3], *b[3:]]
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_dates_with_and_without_a_time_zone_do_not_mix(name):
    call = MIXED[name]
    for pair in ((NAIVE, ZONED), (ZONED, NAIVE)):
        with pytest.raises(
            TypeError, match=r"^(times|intervals|before): expected dates with.*zone"
        ):
            call(*pair)
    if name not in ("append", "push"):
        call(ZONED, ZONED)
    call(NAIVE, NAIVE)


def test_columns_with_a_time_zone():
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    arrow = pytest.importorskip("pyarrow")
    column = pandas.Series(pandas.to_datetime(ZONED))
    columns = {
        "series": column,
        "index": pandas.DatetimeIndex(column),
        "arrow dtype": column.astype(pandas.ArrowDtype(arrow.timestamp("us", "UTC"))),
        "polars": polars.Series(NAIVE).dt.replace_time_zone("UTC"),
        "arrow": arrow.array(ZONED, arrow.timestamp("us", "UTC")),
    }
    expected = pysig.signature_intervals(PATH, 2, [(1, 4)])
    for times in columns.values():
        found = pysig.signature_intervals(PATH, 2, [(ZONED[1], ZONED[4])], times=times)
        np.testing.assert_array_equal(found, expected)
        with pytest.raises(TypeError, match=ZONE_EXPECTED):
            pysig.signature_intervals(PATH, 2, [(NAIVE[1], NAIVE[4])], times=times)


def test_an_index_of_dates_with_a_zone_is_saved_with_it(tmp_path):
    timed_index(ZONED).save(tmp_path / "index")
    read = pysig.SignatureIndex.load(tmp_path / "index")
    assert read.query([(ZONED[0], ZONED[3])]).shape == (1, 2)
    with pytest.raises(TypeError, match=ZONE_EXPECTED):
        read.query([(NAIVE[0], NAIVE[3])])


def test_dates_beside_days_keep_their_time():
    times = [datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1, 12)]
    assert pysig.signature(PATH[:2], 1, transform=pysig.Time(times))[-1] == 43200.0


@pytest.mark.parametrize("before", [np.datetime64("NaT"), None, "2026-01-05", "NaT"])
def test_evict_before_no_time(before):
    with pytest.raises((TypeError, ValueError), match=r"^before: expected .* (Pass|Convert)"):
        sliding(NAIVE).evict(before=before)


# ---- times and paths of their own lengths ----

PATHS = [PATH, PATH[:3], PATH[:4]]
CLOCKS = [np.arange(6.0), np.arange(3.0) / 2, np.arange(4.0) * 2]


def windows_at(path, times, **options):
    return pysig.signature_windows(path, 2, 2.0, times=times, start="partial", **options)


def test_times_of_paths_of_different_lengths():
    found = windows_at(PATHS, CLOCKS)
    rows = pysig.signature_intervals(PATHS, 2, [(0.0, 2.0)], times=CLOCKS)
    for k, (path, times) in enumerate(zip(PATHS, CLOCKS, strict=True)):
        np.testing.assert_allclose(found[k, : len(path)], windows_at(path, times), atol=1e-13)
        own = pysig.signature_intervals(path, 2, [(0.0, 2.0)], times=times)
        np.testing.assert_allclose(rows[k], own, atol=1e-13)
    bounds = pysig.window_bounds(6, 2.0, times=CLOCKS, lengths=[6, 3, 4], start="partial")
    assert bounds.shape == (3, 6, 2)
    nested = [times.tolist() for times in CLOCKS]
    np.testing.assert_array_equal(windows_at(PATHS, nested), found)
    joined = np.concatenate(CLOCKS)
    np.testing.assert_array_equal(windows_at(PATHS, joined), found)
    same = [PATH, PATH + 1]
    np.testing.assert_array_equal(
        windows_at(same, [CLOCKS[0], CLOCKS[0]]), windows_at(np.stack(same), CLOCKS[0])
    )


@pytest.mark.parametrize("times", [CLOCKS[:2], [*CLOCKS[:2], CLOCKS[1]]])
def test_times_that_do_not_fit_paths(times):
    with pytest.raises(ValueError, match=r"^times: .*lengths: list \[6, 3, 4\].* Pass a time for"):
        windows_at(PATHS, times)


@pytest.mark.parametrize("compute", [pysig.signature, pysig.signature_windows])
def test_lengths_beside_paths_of_different_lengths(compute):
    arguments = (1,) if compute is pysig.signature else (1, 2)
    message = r"^lengths: expected None, because path is a list.*list \[6, 3, 4\]. Leave it out"
    with pytest.raises(ValueError, match=message):
        compute(PATHS, *arguments, lengths=[6, 3, 4])


def test_the_way_out_for_times_beside_a_basepoint():
    times = np.arange(6.0)
    with pytest.raises(ValueError, match=re.escape('[pysig.Time(times), "basepoint"]')):
        pysig.signature_windows(PATH, 2, 3, basepoint=True, transform=pysig.Time(times))
    stages = [pysig.Time(times), "basepoint"]
    found = pysig.signature_windows(PATH, 2, 3, transform=stages)
    clocked = np.column_stack([PATH, times])
    expected = pysig.signature_windows(clocked, 2, 3, basepoint=np.zeros(3))
    np.testing.assert_allclose(found, expected, atol=1e-13)
