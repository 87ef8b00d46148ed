"""Windows and intervals against the signature of each slice: values and derivatives."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._api import _joined_rows
from pysig._reference import signature_windows as reference
from support import TIME_UNITS, assert_close, generator, on_device, on_host

TOLERANCE = {"float32": 1e-5, "float64": 1e-13}
LETTERS = [(0,), (1, 0), (0, 0, 1)]


def times_of(rng, length, ties=True):
    """Irregular times that do not decrease."""
    gaps = rng.exponential(size=length)
    if ties:
        gaps[rng.random(length) < 0.3] = 0.0
    return np.cumsum(gaps) + rng.normal() * 100


TRANSFORMS = {
    "none": lambda rng, length: None,
    "lead_lag": lambda rng, length: "lead_lag",
    "time": lambda rng, length: "time",
    "end": lambda rng, length: pysig.Time(end=3.0),
    "times": lambda rng, length: pysig.Time(times_of(rng, length)),
    "counts": lambda rng, length: pysig.Time(np.arange(length) * 3),
    "time, lead_lag": lambda rng, length: ["time", "lead_lag"],
    "lead_lag, time": lambda rng, length: ["lead_lag", "time"],
    "times, lead_lag": lambda rng, length: [pysig.Time(times_of(rng, length)), "lead_lag"],
    "lead_lag, times": lambda rng, length: ["lead_lag", pysig.Time(times_of(rng, 2 * length - 1))],
    "basepoint": lambda rng, length: "basepoint",
    "lead_lag, basepoint": lambda rng, length: ["lead_lag", "basepoint"],
    "reset": lambda rng, length: "reset",
    "times, reset": lambda rng, length: [pysig.Time(times_of(rng, length)), "reset"],
    "time, reset, lead_lag": lambda rng, length: ["time", "reset", "lead_lag"],
    "reset, time": lambda rng, length: ["reset", "time"],
}


def joined(always):
    """Join the ends of windows, which basepoint and reset add, always or never."""
    return mock.patch.object(_joined_rows, "MIN_POINTS", -1 if always else 2**40)


def random_bounds(rng, batch, length, count):
    return np.sort(rng.integers(0, length + 1, (*batch, count, 2)), axis=-1)


def slow_walk(rng, shape, dtype=np.float64):
    return (rng.standard_normal(shape) / 4).cumsum(axis=-2).astype(dtype)


def case(seed, dtype=np.float64):
    """Path, depth, bounds and options."""
    rng = generator(f"windows {seed}")
    batch = [(), (2,), (2, 1)][rng.integers(3)]
    length, channels = int(rng.integers(1, 12)), int(rng.integers(1, 4))
    path = slow_walk(rng, (*batch, length, channels), dtype)
    lead = batch if rng.random() < 0.5 else ()
    bounds = random_bounds(rng, lead, length, int(rng.integers(0, 7)))
    transform = list(TRANSFORMS.values())[rng.integers(len(TRANSFORMS))](rng, length)
    base = [None, True, rng.normal(size=channels)][rng.integers(3)]
    stages = transform if isinstance(transform, list) else [transform]
    if "basepoint" in stages or any(getattr(stage, "times", None) is not None for stage in stages):
        base = None
    options = {
        "basepoint": base,
        "inverse": bool(rng.integers(2)),
        "scalar_term": bool(rng.integers(2)),
        "lengths": rng.integers(1, length + 1, batch) if rng.random() < 0.3 else None,
        "transform": transform,
    }
    return rng, path, int(rng.integers(1, 4)), bounds, options


def largest(path, depth, bounds, options):
    """The scale of a comparison: that of the largest coefficient, at least 1."""
    expected = reference.signature_intervals(path, depth, bounds, **options)
    return expected, max(1.0, np.abs(expected).max(initial=0.0))


@settings(max_examples=150)
@given(st.integers(0, 2**32), st.sampled_from([np.float32, np.float64]), st.booleans())
def test_intervals_are_the_signatures_of_slices(seed, dtype, always):
    _, path, depth, bounds, options = case(seed, dtype)
    expected, scale = largest(path.astype(np.float64), depth, bounds, options)
    with joined(always):
        actual = pysig.signature_intervals(path, depth, bounds, **options)
        out = np.full_like(actual, np.nan)
        assert pysig.signature_intervals(path, depth, bounds, **options, out=out) is out
    assert_close(actual, expected, dtype, rtol=TOLERANCE, least=scale)
    assert np.array_equal(out, actual)


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("always", [False, True])
def test_each_transform_is_applied_within_a_window(xp, rng, transform, always):
    channels, depth = 2, 3 if xp is np or transform in ("none", "lead_lag", "basepoint") else 1
    path = slow_walk(rng, (2, 9, channels))
    bounds = random_bounds(rng, (2,), 9, 6)
    stages = TRANSFORMS[transform](rng, 9)
    expected = reference.signature_intervals(path, depth, bounds, transform=stages)
    options = on_device(xp, {"transform": stages})
    with joined(always):
        actual = on_host(pysig.signature_intervals(xp.asarray(path), depth, bounds, **options))
    assert_close(actual, expected, np.float64, rtol=1e-13, least=1.0)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.booleans())
def test_gradients_of_intervals(seed, always):
    rng, path, depth, bounds, options = case(seed)
    values = reference.signature_intervals(path, depth, bounds, **options)
    cotangent = rng.normal(size=values.shape)
    path_bar, base_bar = reference.signature_intervals_vjp(
        path, depth, bounds, cotangent, **options
    )
    with joined(always):
        actual = pysig.signature_intervals_vjp(path, depth, bounds, cotangent, **options)
    if isinstance(options["basepoint"], np.ndarray):
        assert_close(actual.basepoint, base_bar.reshape(-1, path.shape[-1]).sum(axis=0),
                     rtol=1e-12, least=1.0)  # fmt: skip
        assert actual.initial is None
        actual = actual.path
    assert_close(actual, path_bar, np.float64, rtol=1e-12, least=1.0)


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.booleans())
def test_derivatives_of_intervals(seed, always):
    rng, path, depth, bounds, options = case(seed)
    tangent, moves = rng.normal(size=path.shape), None
    if isinstance(options["basepoint"], np.ndarray):
        moves = rng.normal(size=path.shape[-1:])
    expected = reference.signature_intervals_jvp(path, depth, bounds, tangent, moves, **options)
    with joined(always):
        actual = pysig.signature_intervals_jvp(
            path, depth, bounds, tangent, basepoint_tangent=moves, **options
        )
    assert_close(actual, expected, np.float64, rtol=1e-12, least=1.0)


@pytest.mark.parametrize("always", [False, True])
@pytest.mark.parametrize("options", [{}, {"basepoint": True}, {"transform": "reset"}])
def test_derivatives_on_each_backend(xp, rng, options, always):
    path, bounds = slow_walk(rng, (2, 8, 2)), random_bounds(rng, (2,), 8, 5)
    weights, tangent = rng.normal(size=(2, 5, 1)), rng.normal(size=path.shape)
    depth = 1 if "transform" in options else 3
    if "transform" in options:
        weights = weights * np.ones(pysig.signature_size(3, 1))
    else:
        weights = weights * rng.normal(size=pysig.signature_size(2, 3))
    path_bar, _ = reference.signature_intervals_vjp(path, depth, bounds, weights, **options)
    moved = reference.signature_intervals_jvp(path, depth, bounds, tangent, **options)
    arrays = (xp.asarray(path), depth, bounds)
    with joined(always):
        actual = pysig.signature_intervals_vjp(*arrays, xp.asarray(weights), **options)
        assert_close(on_host(actual), path_bar, np.float64, rtol=1e-12)
        actual = pysig.signature_intervals_jvp(*arrays, xp.asarray(tangent), **options)
        assert_close(on_host(actual), moved, np.float64, rtol=1e-12)


# ---- words ----


@pytest.mark.parametrize(
    "options", [{}, {"scalar_term": True, "inverse": True}, {"basepoint": True}]
)
def test_words_are_columns_of_the_signature(xp, rng, options):
    path, bounds = slow_walk(rng, (2, 9, 2)), random_bounds(rng, (), 9, 6)
    words = [*LETTERS] if options.get("scalar_term") else [(), *LETTERS]
    every = reference.signature_intervals(path, 3, bounds, **{**options, "scalar_term": True})
    columns = [pysig.word_index(word, 2, True) if word else 0 for word in words]
    expected = every[..., [0, *columns] if options.get("scalar_term") else columns]
    array = xp.asarray(path)
    actual = pysig.signature_intervals(array, None, bounds, words=words, **options)
    assert_close(on_host(actual), expected, np.float64, rtol=1e-13)
    weights = rng.normal(size=expected.shape)
    full = np.zeros_like(every)
    full[..., [0, *columns] if options.get("scalar_term") else columns] = weights
    path_bar, _ = reference.signature_intervals_vjp(
        path, 3, bounds, full, **{**options, "scalar_term": True}
    )
    actual = pysig.signature_intervals_vjp(
        array, 3, bounds, xp.asarray(weights), words=words, **options
    )
    assert_close(on_host(actual), path_bar, np.float64, rtol=1e-12)
    moved = pysig.signature_intervals_jvp(array, None, bounds, array, words=words, **options)
    expected = reference.signature_intervals_jvp(
        path, 3, bounds, path, **{**options, "scalar_term": True}
    )[..., [0, *columns] if options.get("scalar_term") else columns]
    assert_close(on_host(moved), expected, np.float64, rtol=1e-12)


@pytest.mark.parametrize("window", [2, 60])
@pytest.mark.parametrize("channels", [1, 3])
def test_words_of_short_and_long_windows(rng, window, channels):
    """Copies are projected where that is cheaper than signatures of windows that share work."""
    path, words = slow_walk(rng, (80, channels)), [(0,), (0, 0), (channels - 1, 0, 0)]
    full = pysig.signature_windows(path, 3, window)
    actual = pysig.signature_windows(path, None, window, words=words)
    columns = [pysig.word_index(word, channels) for word in words]
    assert_close(actual, full[..., columns], np.float64, rtol=1e-13)


# ---- windows of points ----


@settings(max_examples=60)
@given(st.integers(0, 2**32))
def test_signatures_of_windows(seed):
    rng, path, depth, _, options = case(seed)
    window, stride = int(rng.integers(1, 14)), int(rng.integers(1, 5))
    own = {"start": ["full", "partial"][rng.integers(2)], "stride": stride}
    bounds = pysig.window_bounds(path.shape[-2], window, lengths=options["lengths"], **own)
    expected, scale = largest(path, depth, bounds, options)
    actual = pysig.signature_windows(path, depth, window, **own, **options)
    assert_close(actual, expected, np.float64, rtol=1e-13, least=scale)
    weights = rng.normal(size=expected.shape)
    gradient = pysig.signature_windows_vjp(path, depth, window, weights, **own, **options)
    path_bar, _ = reference.signature_intervals_vjp(path, depth, bounds, weights, **options)
    gradient = gradient[0] if isinstance(gradient, tuple) else gradient
    assert_close(gradient, path_bar, np.float64, rtol=1e-12, least=1.0)
    moved = pysig.signature_windows_jvp(path, depth, window, path, **own, **options)
    expected = reference.signature_intervals_jvp(path, depth, bounds, path, **options)
    assert_close(moved, expected, np.float64, rtol=1e-12, least=1.0)


def test_a_window_longer_than_the_path():
    path = np.zeros((5, 2))
    assert pysig.signature_windows(path, 2, 6).shape == (0, 6)
    assert pysig.signature_windows_vjp(path, 2, 6, np.zeros((0, 6))).tolist() == path.tolist()
    assert pysig.signature_windows(np.zeros((0, 5, 2)), 2, 2).shape == (0, 4, 6)


def test_points_beyond_lengths_are_not_read(rng):
    path = slow_walk(rng, (2, 9, 2))
    path[0, 6:] = np.nan
    lengths, times = np.array([6, 9]), np.arange(9.0) * np.ones((2, 1))
    times[0, 6:] = np.nan
    for options in ({}, {"times": times}):
        actual = pysig.signature_windows(
            path, 2, 3 if not options else 2.0, lengths=lengths, closed="right", **options
        )
        assert np.isfinite(actual).all()
    assert not pysig.signature_windows(path, 2, 3, lengths=lengths)[0, 4:].any()


def test_results_do_not_depend_on_workers_or_the_split_of_a_batch(rng):
    path = slow_walk(rng, (6, 300, 3), np.float32)
    options = {"stride": 3, "start": "partial"}
    one = pysig.signature_windows(path, 4, 50, workers=1, **options)
    assert np.array_equal(one, pysig.signature_windows(path, 4, 50, workers=3, **options))
    alone = np.stack([pysig.signature_windows(row, 4, 50, **options) for row in path])
    assert np.array_equal(one, alone)


# ---- times ----


def test_windows_of_times_of_each_path(rng):
    times = np.stack([times_of(rng, 12), times_of(rng, 12)])
    path, lengths = slow_walk(rng, (2, 12, 2)), np.array([9, 12])
    options = {"stride": 0.7, "times": times, "lengths": lengths}
    bounds = pysig.window_bounds(12, 2.5, **options)
    for k in range(2):
        own = pysig.window_bounds(lengths[k], 2.5, stride=0.7, times=times[k, : lengths[k]])
        assert np.array_equal(bounds[k, : len(own)], own)
        assert (bounds[k, len(own) :] == lengths[k]).all()
    expected = reference.signature_intervals(path, 2, bounds, lengths=lengths)
    assert_close(pysig.signature_windows(path, 2, 2.5, **options), expected, rtol=1e-13)


@settings(max_examples=50)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from(list(TIME_UNITS)))
def test_intervals_of_times(seed, previous, unit):
    rng = generator(f"moments {seed}")
    length = int(rng.integers(1, 12))
    ticks = np.cumsum(rng.integers(0, 3, length))
    moments = np.sort(rng.integers(-3, int(ticks[-1]) + 4, (5, 2)), axis=1)
    path = slow_walk(rng, (length, 2))
    bounds = [reference.time_window(ticks, *pair, "left", previous) for pair in moments]
    bounds = [(a, e) if e > a else (e, e) for a, e in bounds]
    actual = pysig.signature_intervals(
        path,
        2,
        TIME_UNITS[unit](moments),
        times=TIME_UNITS[unit](ticks),
        include_previous=previous,
    )
    expected = reference.signature_intervals(path, 2, bounds)
    assert_close(actual, expected, rtol=1e-13, least=1.0)


def test_neighbours_multiply_with_the_point_before(rng):
    path, times = slow_walk(rng, (20, 2)), times_of(rng, 20)
    cuts = np.linspace(times[0] - 1, times[-1] + 1, 5)
    intervals = np.stack([cuts[:-1], cuts[1:]], axis=1)
    parts = pysig.signature_intervals(path, 3, intervals, times=times, include_previous=True)
    whole = pysig.algebra.combine(parts, None, 2, 3)
    assert_close(whole, pysig.signature(path, 3), rtol=1e-13)


# ---- long paths ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["points", "times", "random"])
@pytest.mark.parametrize("length", [20_000, pytest.param(1_000_000, marks=pytest.mark.sweep)])
def test_windows_of_a_long_path_with_drift(rng, length, kind, dtype):
    """A tenth as many windows as points; some of them against the signature of their slice."""
    path = (rng.standard_normal((length, 3)) * 0.1 + 0.1).cumsum(axis=0).astype(dtype)
    if kind == "points":
        rows = pysig.signature_windows(path, 3, 60, stride=10)
        bounds = pysig.window_bounds(length, 60, stride=10)
    elif kind == "times":
        times = times_of(rng, length)
        rows = pysig.signature_windows(path, 3, 50.0, stride=10.0, times=times)
        bounds = pysig.window_bounds(length, 50.0, stride=10.0, times=times)
    else:
        begins = rng.integers(0, length - 500, length // 10)
        bounds = np.stack([begins, begins + rng.integers(2, 500, length // 10)], axis=1)
        rows = pysig.signature_intervals(path, 3, bounds)
    assert len(rows) == len(bounds) > length // 20
    for k in (*rng.choice(len(bounds), 60, replace=False), 0, len(bounds) - 1):
        begin, end = bounds[k]
        expected = pysig.signature(path[begin:end].astype(np.float64), 3)
        sizes = np.split(np.arange(len(expected)), [3, 12])
        for level in sizes:
            assert_close(rows[k, level], expected[level], dtype, rtol=TOLERANCE, least=1e-300)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("stage", ["time", "times"])
def test_time_of_a_window_far_from_the_begin_keeps_its_digits(rng, dtype, stage):
    length = 20_000
    path = (rng.standard_normal((length, 1)) * 0.1).cumsum(axis=0).astype(dtype)
    times = times_of(rng, length, ties=False)
    bounds = np.array([[length - 50, length], [length - 7, length - 2], [length - 2000, length]])
    transform = "time" if stage == "time" else pysig.Time(times)
    actual = pysig.signature_intervals(path, 3, bounds, transform=transform)
    for row, (a, e) in zip(actual, bounds, strict=True):
        own = "time" if stage == "time" else pysig.Time(times[a:e])
        expected = pysig.signature(path[a:e].astype(np.float64), 3, transform=own)
        assert_close(row, expected, dtype, rtol={"float32": 3e-6, "float64": 1e-13})


def test_a_cotangent_is_not_changed(rng):
    path, weights = slow_walk(rng, (9, 2)), rng.normal(size=(6, pysig.signature_size(3, 2)))
    before = weights.copy()
    for transform in ("time", "reset"):
        pysig.signature_windows_vjp(path, 2, 4, weights, transform=transform)
        with joined(True):
            pysig.signature_windows_vjp(path, 2, 4, weights, transform=transform)
    assert np.array_equal(weights, before)
