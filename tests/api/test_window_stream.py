"""Windows of a path in chunks are those of the whole path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._api._window_stream import WindowStream
from support import TIME_UNITS, generator

SECONDS = {
    "float": lambda ticks: ticks * 0.25,
    "integer": lambda ticks: ticks,
    "date": lambda ticks: np.timedelta64(ticks, "ms"),
    "duration": lambda ticks: np.timedelta64(ticks, "s"),
}


def in_chunks(times, sizes, stream):
    """All windows and their ends, from chunks of these sizes."""
    found, moments, start, at = [], [], 0, 0
    for size in sizes:
        chunk = times[at : at + size]
        if not len(chunk):
            break
        at += size
        bounds, ends, spare = stream.advance(chunk, at >= len(times))
        assert (bounds >= 0).all()
        found += (bounds + start).tolist()
        moments += list(ends)
        start += spare
    return found, moments


@settings(max_examples=200)
@given(
    st.integers(0, 2**32),
    st.integers(1, 9),
    st.one_of(st.none(), st.integers(1, 9)),
    st.sampled_from(["full", "partial"]),
    st.sampled_from(["right", "left", "both", "neither"]),
    st.booleans(),
    st.sampled_from([None, *TIME_UNITS]),
)
def test_chunks(seed, window, stride, start, closed, previous, unit):
    rng = generator(f"chunks {seed}")
    ticks = np.cumsum(rng.integers(0, 4, int(rng.integers(1, 40))))
    sizes = [*rng.integers(1, 12, 60)]
    options = {"start": start, "include_previous": previous, "closed": closed}
    if unit is None:
        times, options["closed"] = ticks, "right"
        options |= {"window": window, "stride": stride}
        expected = pysig.window_bounds(len(ticks), **options)
    else:
        times = TIME_UNITS[unit](ticks)
        options |= {
            "window": SECONDS[unit](window),
            "stride": None if stride is None else SECONDS[unit](stride),
        }
        expected = pysig.window_bounds(len(ticks), times=times, **options)
    found, moments = in_chunks(times, sizes, WindowStream(unit is not None, **options))
    assert found == expected.tolist()
    if unit is None or stride is None:
        ends = list(expected[:, 1] - 1)
        if unit is None:
            assert moments == times[ends].tolist()
        else:
            assert set(moments) <= set(times)
    assert len(moments) == len(found)


def test_ends_on_a_grid():
    times = np.array(["2026-01-05T09:00:00", "2026-01-05T09:02:10"], "M8[s]")
    stream = WindowStream(
        True, window=np.timedelta64(90, "s"), stride=np.timedelta64(500, "ms") * 60, start="full",
        closed="right", include_previous=False,
    )  # fmt: skip
    _, ends, _ = stream.advance(times, True)
    assert ends.tolist() == (times[0] + np.array([90, 120]).astype("m8[s]")).tolist()


def test_only_the_points_of_later_windows_are_kept():
    stream = WindowStream(
        True, window=10.0, stride=None, start="partial", closed="right", include_previous=True
    )
    for first in range(0, 1000, 50):
        stream.advance(np.arange(first, first + 50) * 1.0, False)
        assert len(stream.times) <= 13
    stream = WindowStream(
        False, window=10, stride=100, start="full", closed="right", include_previous=False
    )
    stream.advance(np.arange(50), False)
    assert stream.kept == 50
    with pytest.raises(ValueError, match=r"^window: expected an integer of at least 1"):
        WindowStream(
            False, window=0, stride=None, start="full", closed="right", include_previous=False
        ).advance(np.arange(3), True)
