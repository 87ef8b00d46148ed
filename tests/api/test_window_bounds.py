"""Windows as intervals of points: of numbers of points, of lengths of time, dyadic."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference import signature_windows as reference
from support import TIME_UNITS, assert_close, generator


@settings(max_examples=200)
@given(
    st.integers(1, 30),
    st.integers(1, 35),
    st.integers(1, 8),
    st.sampled_from(["full", "partial"]),
)
def test_windows_of_points(length, window, stride, start):
    expected = reference.point_windows(length, window, stride, start)
    actual = pysig.window_bounds(length, window, stride=stride, start=start)
    assert actual.dtype == np.int64
    assert actual.tolist() == [list(pair) for pair in expected]


def test_windows_of_a_ragged_batch():
    lengths = np.array([[5], [1], [8]])
    actual = pysig.window_bounds(8, 4, stride=2, start="partial", lengths=lengths)
    assert actual.shape == (3, 1, 4, 2)
    for own, count in zip(actual[:, 0], lengths[:, 0], strict=True):
        windows = reference.point_windows(int(count), 4, 2, "partial")
        padded = windows + [(count, count)] * (4 - len(windows))
        assert own.tolist() == [list(pair) for pair in padded]


# ---- windows of times ----

LENGTHS = {
    "float": lambda ticks: ticks * 0.25,
    "integer": lambda ticks: ticks,
    "date": lambda ticks: np.timedelta64(ticks * 1000, "us"),
    "duration": lambda ticks: np.timedelta64(ticks, "s"),
}


@settings(max_examples=200)
@given(
    st.integers(0, 2**32),
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from(["full", "partial"]),
    st.sampled_from(["right", "left", "both", "neither"]),
    st.booleans(),
    st.sampled_from(list(TIME_UNITS)),
)
def test_windows_of_times(seed, window, stride, start, closed, previous, unit):
    rng = generator(f"times {seed}")
    ticks = np.cumsum(rng.integers(0, 4, int(rng.integers(1, 25))))
    lowest = -window if start == "partial" else 0
    if stride is None:
        moments = [(end - window, end) for end in ticks if end - window >= ticks[0] + lowest]
    else:
        grid = range(-10, 60)
        moments = [(ticks[0] + k * stride, ticks[0] + k * stride + window) for k in grid]
        moments = [pair for pair in moments if pair[0] >= ticks[0] + lowest]
        moments = [pair for pair in moments if ticks[0] <= pair[1] <= ticks[-1]]
    expected = [reference.time_window(ticks, *pair, closed, previous) for pair in moments]
    actual = pysig.window_bounds(
        len(ticks),
        LENGTHS[unit](window),
        stride=None if stride is None else LENGTHS[unit](stride),
        start=start,
        times=TIME_UNITS[unit](ticks),
        closed=closed,
        include_previous=previous,
    )
    assert actual.tolist() == [list(pair) for pair in expected]


def test_windows_that_follow_each_other_share_their_ends_exactly():
    """0.1 is rounded; every point is in one window."""
    times = np.arange(1000) * 0.1
    for closed in ("left", "right"):
        bounds = pysig.window_bounds(1000, 0.3, stride=0.1, times=times, closed=closed)
        assert (bounds[3:, 0] == bounds[:-3, 1]).all()


def test_windows_of_pandas(rng):
    pandas = pytest.importorskip("pandas")
    stamps = pandas.Timestamp("2026-01-05", tz="Europe/Berlin") + pandas.to_timedelta(
        np.cumsum(rng.integers(1, 5, 40)), "s"
    )
    values = pandas.Series(rng.normal(size=40), stamps)
    for closed in ("right", "both", "left", "neither"):
        counts = values.rolling("7s", closed=closed).count().fillna(0)
        bounds = pysig.window_bounds(
            40, pandas.Timedelta("7s"), times=values.index, start="partial", closed=closed
        )
        assert (bounds[:, 1] - bounds[:, 0]).tolist() == counts.tolist()


def test_integer_times_are_compared_exactly():
    start = 2**62
    times = start + np.array([0, 1, 2, 3])
    bounds = pysig.window_bounds(4, 2, times=times, start="partial")
    assert bounds.tolist() == [[0, 1], [0, 2], [1, 3], [2, 4]]


@pytest.mark.parametrize(("length", "depth"), [(1, 0), (8, 3), (13, 3), (100, 4)])
def test_dyadic_windows(rng, length, depth):
    windows = pysig.dyadic_windows(length, depth)
    assert windows.shape == (2 ** (depth + 1) - 1, 2)
    first = 0
    for level in range(depth + 1):
        own = windows[first : first + 2**level]
        first += 2**level
        assert own[0, 0] == 0
        assert own[-1, 1] == length
        assert (own[1:, 0] == own[:-1, 1]).all()
        sizes = own[:, 1] - own[:, 0]
        assert sizes.min() >= 1
        assert sizes.max() - sizes.min() <= 1
    path = rng.normal(size=(length, 2))
    rows = pysig.signature_intervals(path, 2, windows, include_previous=True)
    for k, (left, right) in enumerate(itertools.pairwise(rows[1:])):
        if k % 2 == 0:
            parent = rows[k // 2]
            joined = pysig.algebra.combine(left, right, 2, 2)
            assert_close(joined, parent, rtol=1e-13, least=1.0)
