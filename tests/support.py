"""Helpers of several test files. Import them by name: ``from support import assert_close``.

Helpers with one user stay in that user's file; tests/package/test_tests.py fails if two files
define a helper of the same name. tests/package/test_support.py tests the assertions below with
wrong answers.
"""

from __future__ import annotations

import zlib

import numpy as np

import pysig

# Whole numbers as times of each kind.
TIME_UNITS = {
    "float": lambda ticks: ticks * 0.25,
    "integer": lambda ticks: ticks,
    "date": lambda ticks: np.datetime64("2026-01-05T09:00:00", "ms") + ticks.astype("m8[ms]"),
    "duration": lambda ticks: ticks.astype("m8[s]"),
}

RUN_SEED = 0  # of all random numbers of a run; `pytest --explore` draws a fresh one


def generator(name):
    """A random generator that depends on `name` and the seed of the run only."""
    return np.random.default_rng([zlib.crc32(name.encode()), RUN_SEED])


def assert_close(actual, expected, dtype=None, *, rtol, least=0.0):
    """Within `rtol` of the largest entry of `expected`, or of `least`; NaN fails.

    The terms of one entry of a derivative are as large as the largest entry, though the entry
    itself may cancel to nothing. `rtol` is a number, or a number for each dtype by name. `dtype`
    is checked if it is given; "same" is that of `expected`.
    """
    expected = np.asarray(expected)
    assert actual.shape == expected.shape
    if dtype is not None:
        assert actual.dtype == (expected.dtype if isinstance(dtype, str) else dtype)
    if expected.size:
        bound = rtol[actual.dtype.name] if isinstance(rtol, dict) else rtol
        scale = max(np.abs(expected).max(), least)
        worst = np.abs(actual.astype(np.float64) - expected).max()
        assert worst <= bound * scale, f"off by {worst:.2g}, scale {scale:.2g}"


def on_host(array):
    """A NumPy array of the same values."""
    return array.get() if hasattr(array, "get") else np.asarray(array)


def on_device(xp, value):
    """Options, or an array, with all NumPy arrays in the library `xp`."""
    if isinstance(value, dict):
        return {name: on_device(xp, option) for name, option in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(on_device(xp, stage) for stage in value)
    if isinstance(value, pysig.Time):
        return value if value.times is None else pysig.Time(on_device(xp, value.times), value.end)
    return xp.asarray(value) if isinstance(value, np.ndarray) else value


def parts(result):
    """Path, basepoint and initial of a gradient."""
    return result if isinstance(result, tuple) else (result, None, None)


def doubled(options):
    """The same options in float64."""
    return {
        name: value.astype(np.float64)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f"
        else value
        for name, value in options.items()
    }


def antipode(rows, channels, depth, scalar_term=False):
    """The coefficient of w is (-1)^|w| times that of the reversed word."""
    words = pysig.words(channels, depth, scalar_term)
    places = [pysig.word_index(w[::-1], channels, scalar_term) if w else 0 for w in words]
    return rows[..., places] * np.array([(-1) ** len(w) for w in words])


def read_only(array):
    """A copy that cannot be written to."""
    array = array.copy()
    array.flags.writeable = False
    return array


def misaligned(array):
    """A copy that begins one byte beyond an aligned address."""
    buffer = np.empty(array.nbytes + 1, np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape) if array.nbytes else array.copy()
    view[...] = array
    assert not array.nbytes or not view.flags.aligned
    return view
