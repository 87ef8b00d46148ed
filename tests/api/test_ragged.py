"""Sequences of arrays and `offsets`: the numbers of padded paths with `lengths`; errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference import signature as reference
from support import assert_close, generator, on_device, on_host, parts

RTOL = {"float32": 1e-4, "float64": 1e-10}


def padded(arrays):
    """One array with NaN after the ends (integers: 0), and the lengths."""
    fill = np.nan if arrays[0].dtype.kind == "f" else 0
    lengths = np.array([len(array) for array in arrays])
    out = np.full((len(arrays), lengths.max(), *arrays[0].shape[1:]), fill, arrays[0].dtype)
    for row, array in zip(out, arrays, strict=True):
        row[: len(array)] = array
    return out, lengths


def offsets_of(arrays):
    return np.concatenate([[0], np.cumsum([len(array) for array in arrays])])


def draw_paths(rng, channels=3, paths=13, longest=30, dtype=np.float64):
    lengths = rng.integers(1, longest + 1, paths)
    return [rng.standard_normal((n, channels)).astype(dtype) for n in lengths]


def row_options(name, rng, paths, depth):
    """Options by name; arrays have a row for each path."""
    channels, dtype = paths[0].shape[1], paths[0].dtype
    if name == "basepoints":
        return {"basepoint": rng.standard_normal((len(paths), channels)).astype(dtype)}
    if name == "initial":
        size = pysig.signature_size(channels, depth)
        return {"initial": rng.standard_normal((len(paths), size)).astype(dtype)}
    return {
        "none": {},
        "basepoint": {"basepoint": True},
        "stream": {"stream": True},
        "inverse": {"inverse": True},
        "time": {"transform": "time"},
        "stages": {"transform": ("lead_lag", "reset")},
    }[name]


NAMES = ["none", "basepoint", "basepoints", "initial", "stream", "inverse", "time", "stages"]


def assert_same_gradients(actual, expected, paths):
    """`actual`, in the layout of a list, equals the rows of the padded gradient bit for bit."""
    for ours, theirs in zip(parts(actual)[1:], parts(expected)[1:], strict=True):
        assert (ours is None) == (theirs is None)
        assert ours is None or np.array_equal(on_host(ours), on_host(theirs))
    assert isinstance(parts(actual)[0], list)
    rows = on_host(parts(expected)[0])
    for ours, theirs, path in zip(parts(actual)[0], rows, paths, strict=True):
        assert ours.shape == path.shape
        assert ours.dtype == path.dtype
        assert np.array_equal(on_host(ours), theirs[: len(path)])


def test_the_assertion_fails_on_wrong_gradients(rng):
    paths = draw_paths(rng)
    expected = padded(paths)[0]
    assert_same_gradients(paths, expected, paths)
    wrong = [path.copy() for path in paths]
    wrong[3][0, 0] += 1
    for value in (wrong, paths[:-1], expected, [path.astype(np.float32) for path in paths]):
        with pytest.raises((AssertionError, ValueError)):
            assert_same_gradients(value, expected, paths)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3])
def test_equals_padded_paths(xp, rng, name, channels):
    """Bit for bit: values and derivatives of lists and of concatenated points."""
    depth = 3
    for dtype in (np.float64, np.float32):
        paths = draw_paths(rng, channels, dtype=dtype)
        options = on_device(xp, row_options(name, rng, paths, depth))
        listed = on_device(xp, paths)
        array, lengths = (xp.asarray(a) for a in padded(paths))
        flat, offsets = xp.asarray(np.concatenate(paths)), offsets_of(paths)
        expected = pysig.signature(array, depth, lengths=lengths, **options)
        for actual in (
            pysig.signature(listed, depth, **options),
            pysig.signature(tuple(listed), depth, **options),
            pysig.signature(flat, depth, offsets=offsets, **options),
        ):
            assert isinstance(actual, xp.ndarray)
            assert np.array_equal(on_host(actual), on_host(expected))
        weights = xp.asarray(rng.standard_normal(expected.shape).astype(dtype))
        tangents = [rng.standard_normal(path.shape).astype(dtype) for path in paths]
        moved = xp.asarray(np.nan_to_num(padded(tangents)[0]))
        along = on_device(xp, tangents)
        gradient = pysig.signature_vjp(array, depth, weights, lengths=lengths, **options)
        actual = pysig.signature_vjp(listed, depth, weights, **options)
        assert_same_gradients(actual, gradient, paths)
        joined = pysig.signature_vjp(flat, depth, weights, offsets=offsets, **options)
        assert np.array_equal(
            on_host(parts(joined)[0]), np.concatenate([on_host(g) for g in parts(actual)[0]])
        )
        change = pysig.signature_jvp(array, depth, moved, lengths=lengths, **options)
        for given_tangent, path, more in (
            (along, listed, {}),
            (xp.concatenate(along), flat, {"offsets": offsets}),
        ):
            actual = pysig.signature_jvp(path, depth, given_tangent, **more, **options)
            assert np.array_equal(on_host(actual), on_host(change))
        hessian = pysig.signature_hvp(array, depth, weights, moved, lengths=lengths, **options)
        actual = pysig.signature_hvp(listed, depth, weights, along, **options)
        assert_same_gradients(actual, hessian, paths)


def test_logsignatures_equal_padded_paths(xp, rng):
    paths = draw_paths(rng)
    listed, (array, lengths) = on_device(xp, paths), (xp.asarray(a) for a in padded(paths))
    tangents = [rng.standard_normal(path.shape) for path in paths]
    moved, along = xp.asarray(np.nan_to_num(padded(tangents)[0])), on_device(xp, tangents)
    for options in ({}, {"basis": "brackets"}, {"stream": True, "basepoint": True}):
        expected = pysig.logsignature(array, 3, lengths=lengths, **options)
        actual = pysig.logsignature(listed, 3, **options)
        assert np.array_equal(on_host(actual), on_host(expected))
        weights = xp.asarray(rng.standard_normal(expected.shape))
        expected = pysig.logsignature_vjp(array, 3, weights, lengths=lengths, **options)
        actual = pysig.logsignature_vjp(listed, 3, weights, **options)
        assert_same_gradients(actual, expected, paths)
        expected = pysig.logsignature_jvp(array, 3, moved, lengths=lengths, **options)
        actual = pysig.logsignature_jvp(listed, 3, along, **options)
        assert np.array_equal(on_host(actual), on_host(expected))
        expected = pysig.logsignature_hvp(array, 3, weights, moved, lengths=lengths, **options)
        actual = pysig.logsignature_hvp(listed, 3, weights, along, **options)
        assert_same_gradients(actual, expected, paths)


@pytest.mark.parametrize("words", [[(0, 1), (2,)], [(0, 0, 2)]])
def test_words_and_functionals_equal_padded_paths(xp, rng, words):
    """Words of some channels only, too, of which the others are left out."""
    paths = draw_paths(rng)
    listed, (array, lengths) = on_device(xp, paths), (xp.asarray(a) for a in padded(paths))
    flat, offsets = xp.asarray(np.concatenate(paths)), offsets_of(paths)
    expected = pysig.signature(array, words=words, lengths=lengths)
    weights = xp.asarray(rng.standard_normal(expected.shape))
    assert np.array_equal(on_host(pysig.signature(listed, words=words)), on_host(expected))
    actual = pysig.signature(flat, words=words, offsets=offsets)
    assert np.array_equal(on_host(actual), on_host(expected))
    expected = pysig.signature_vjp(array, None, weights, words=words, lengths=lengths)
    actual = pysig.signature_vjp(listed, None, weights, words=words)
    assert_same_gradients(actual, expected, paths)
    functional = dict.fromkeys(words, 0.5)
    expected = pysig.linear_functional(array, functional, lengths=lengths)
    actual = pysig.linear_functional(listed, functional)
    assert np.array_equal(on_host(actual), on_host(expected))
    actual = pysig.linear_functional(flat, functional, offsets=offsets)
    assert np.array_equal(on_host(actual), on_host(expected))
    expected = pysig.linear_functional_vjp(array, functional, 1.0, lengths=lengths)
    actual = pysig.linear_functional_vjp(listed, functional, 1.0)
    assert_same_gradients(actual, expected, paths)
    tangents = on_device(xp, [np.ones_like(path) for path in paths])
    expected = pysig.linear_functional_jvp(array, functional, xp.ones(array.shape), lengths=lengths)
    actual = pysig.linear_functional_jvp(listed, functional, tangents)
    assert np.array_equal(on_host(actual), on_host(expected))


@pytest.mark.parametrize("integers", [False, True])
@pytest.mark.parametrize("later", [(), ("reset",), ("lead_lag",)])
def test_times_of_each_path(xp, rng, integers, later):
    paths = draw_paths(rng, dtype=np.float32)
    listed, (array, lengths) = on_device(xp, paths), (xp.asarray(a) for a in padded(paths))
    flat, offsets = xp.asarray(np.concatenate(paths)), offsets_of(paths)
    steps = [rng.integers(0, 9, len(p)) if integers else rng.random(len(p)) for p in paths]
    times = [10**6 * integers + np.cumsum(step) for step in steps]
    of_array = np.nan_to_num(padded(times)[0])
    transform = (pysig.Time(xp.asarray(of_array)), *later)
    expected = pysig.signature(array, 3, lengths=lengths, transform=transform)
    for path, given_times, options in (
        (listed, on_device(xp, times), {}),
        (listed, xp.asarray(np.concatenate(times)), {}),
        (flat, xp.asarray(np.concatenate(times)), {"offsets": offsets}),
        (flat, on_device(xp, times), {"offsets": offsets}),
    ):
        stages = (pysig.Time(given_times), *later)
        actual = pysig.signature(path, 3, transform=stages, **options)
        assert np.array_equal(on_host(actual), on_host(expected))
    weights = xp.asarray(rng.standard_normal(expected.shape).astype(np.float32))
    expected = pysig.signature_vjp(array, 3, weights, lengths=lengths, transform=transform)
    stages = (pysig.Time(on_device(xp, times)), *later)
    assert_same_gradients(
        pysig.signature_vjp(listed, 3, weights, transform=stages), expected, paths
    )


def test_times_of_points_that_stages_insert(rng):
    paths = draw_paths(rng)
    for stages, counts in (
        (("lead_lag",), [2 * len(p) - 1 for p in paths]),
        (("basepoint", "lead_lag"), [2 * len(p) + 1 for p in paths]),
    ):
        times = [np.cumsum(rng.random(n)) for n in counts]
        actual = pysig.signature(paths, 2, transform=(*stages, pysig.Time(times)))
        for row, path, clock in zip(actual, paths, times, strict=True):
            alone = pysig.signature(path, 2, transform=(*stages, pysig.Time(clock)))
            assert_close(row, alone, rtol=1e-12)


def test_times_of_paths_of_one_length(rng):
    """As a matrix, as a list, concatenated, and one row for all."""
    paths = [rng.standard_normal((5, 2)) for _ in range(4)]
    times = np.cumsum(rng.random((4, 5)), axis=1)
    expected = pysig.signature(np.stack(paths), 2, transform=pysig.Time(times))
    for value in (times, list(times), times.ravel()):
        actual = pysig.signature(paths, 2, transform=pysig.Time(value))
        assert np.array_equal(actual, expected)
    expected = pysig.signature(np.stack(paths), 2, transform=pysig.Time(times[0]))
    assert np.array_equal(pysig.signature(paths, 2, transform=pysig.Time(times[0])), expected)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_agrees_with_the_reference(data):
    draw = data.draw
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    channels, depth = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(1, 20), min_size=1, max_size=20))
    rng = generator(str((channels, depth, lengths)))
    paths = [rng.standard_normal((n, channels)).astype(dtype) for n in lengths]
    actual = pysig.signature(paths, depth)
    for row, path in zip(actual, paths, strict=True):
        expected = reference.signature(path.astype(np.float64), depth)
        assert_close(row, expected, dtype, rtol=RTOL, least=1.0)


def test_one_very_long_path_needs_no_padding(rng):
    """A padded array of these paths would have 1e12 points."""
    paths = [rng.standard_normal((10**6, 1)), *rng.standard_normal((10**6, 1, 1))]
    actual = pysig.signature(paths, 2)
    assert actual.shape == (10**6 + 1, 2)
    assert_close(actual[0, 0], paths[0][-1, 0] - paths[0][0, 0], rtol=1e-9)
    assert not actual[1:].any()
    gradient = pysig.signature_vjp(paths[:1000], 2, np.ones((1000, 2)))
    assert gradient[0].shape == (10**6, 1)


def test_gpu_slabs_keep_to_the_limit(cupy, rng):
    """Every limit gives the same rows to rounding; a path beyond it is computed alone."""
    paths = [rng.standard_normal((n, 2)) for n in (3, 40, 1, 7, 7, 30, 2)]
    listed, weights = on_device(cupy, paths), rng.standard_normal((7, 6))
    expected = pysig.signature(paths, 2)
    gradient = pysig.signature_vjp(paths, 2, weights)
    for limit in (1, 1000, 5000, 10**9):
        with pysig.set_gpu_memory_limit(limit):
            actual = pysig.signature(listed, 2)
            bars = pysig.signature_vjp(listed, 2, cupy.asarray(weights))
            stream = pysig.signature(listed, 2, stream=True)
        assert_close(on_host(actual), expected, rtol=1e-12)
        assert_close(on_host(stream), pysig.signature(paths, 2, stream=True), rtol=1e-12)
        for ours, theirs in zip(bars, gradient, strict=True):
            assert_close(on_host(ours), theirs, rtol=1e-12, least=1.0)


def test_long_gradients_in_float32_are_computed_in_float64(rng):
    paths = [rng.standard_normal((n, 2)).astype(np.float32) for n in (9000, 5, 70)]
    array, lengths = padded(paths)
    weights = rng.standard_normal((3, 14)).astype(np.float32)
    expected = pysig.signature_vjp(array, 3, weights, lengths=lengths)
    assert_same_gradients(pysig.signature_vjp(paths, 3, weights), expected, paths)


# ---- forms of sequences ----


def test_forms_of_sequences(rng):
    paths = draw_paths(rng, paths=5)
    expected = pysig.signature(paths, 2)
    objects = np.empty(5, object)
    objects[:] = paths
    strided = [np.asfortranarray(np.repeat(path, 2, axis=0))[::2] for path in paths]
    mixed = [paths[0].astype(np.float32), *paths[1:]]
    for value in (
        objects,
        strided,
        [path.tolist() for path in paths],
        [*paths[:-1], paths[-1].tolist()],
    ):
        assert np.array_equal(pysig.signature(value, 2), expected)
    assert pysig.signature(mixed, 2).dtype == np.float64
    integers = [np.arange(6).reshape(3, 2) ** 2, np.ones((1, 2), np.int8)]
    assert pysig.signature(integers, 2).dtype == np.float64
    same = [path[:1] for path in paths]
    assert not pysig.signature(same, 2).any()
    assert isinstance(pysig.signature_vjp(same, 2, np.zeros((5, 12))), list)


def test_a_nested_list_of_numbers_is_one_array():
    path = [[[0.0, 0.0], [1.0, 2.0]], [[0.0, 1.0], [1.0, 1.0]]]
    gradient = pysig.signature_vjp(path, 1, np.ones((2, 2)))
    assert gradient.shape == (2, 2, 2)


def test_a_list_of_points_is_one_path():
    points = [np.array([0.0, 0.0]), np.array([1.0, 2.0])]
    assert np.array_equal(pysig.signature(points, 1), [1.0, 2.0])


def test_with_lengths_a_list_is_one_array():
    paths = [np.zeros((3, 2)), np.ones((3, 2)).cumsum(axis=0)]
    actual = pysig.signature(paths, 1, lengths=[3, 2])
    assert np.array_equal(actual, [[0.0, 0.0], [1.0, 1.0]])


def test_an_empty_table():
    offsets, points = np.array([0]), np.zeros((0, 3))
    assert pysig.signature(points, 2, offsets=offsets).shape == (0, 12)
    assert pysig.signature_vjp(points, 2, np.zeros((0, 12)), offsets=offsets).shape == (0, 3)


def test_tangents_broadcast(rng):
    paths = draw_paths(rng, 2, 4)
    flat, offsets = np.concatenate(paths), offsets_of(paths)
    expected = pysig.signature_jvp(paths, 2, [np.ones_like(path) for path in paths])
    for tangent in (np.ones(2), np.ones(flat.shape)):
        assert np.array_equal(pysig.signature_jvp(paths, 2, tangent), expected)
        assert np.array_equal(pysig.signature_jvp(flat, 2, tangent, offsets=offsets), expected)


def test_out(rng):
    paths = draw_paths(rng)
    out = np.empty((13, 12))
    assert pysig.signature(paths, 2, out=out) is out
    assert np.array_equal(out, pysig.signature(paths, 2))
    flat = np.concatenate(paths)
    with pytest.raises(ValueError, match=r"out: .* overlaps path\."):
        pysig.signature(flat, 1, offsets=[0, len(flat)], out=flat[:1])
    with pytest.raises(ValueError, match=r"out: .* overlaps path\[1\]\."):
        pysig.signature([paths[0], flat[:4]], 1, out=flat[:2])


def test_windows_of_lists_equal_padded_paths(xp, rng):
    """Windows need an axis of time: the paths are padded."""
    paths = draw_paths(rng, 2, 6)
    listed, (array, lengths) = on_device(xp, paths), (xp.asarray(a) for a in padded(paths))
    expected = pysig.signature_windows(array, 2, 4, lengths=lengths)
    assert np.array_equal(
        on_host(pysig.signature_windows(listed, 2, 4)), on_host(expected), equal_nan=True
    )
    weights = xp.asarray(rng.standard_normal(expected.shape))
    gradient = pysig.signature_windows_vjp(array, 2, 4, weights, lengths=lengths)
    actual = pysig.signature_windows_vjp(listed, 2, 4, weights)
    assert_same_gradients(actual, gradient, paths)
    along = on_device(xp, [np.ones_like(path) for path in paths])
    expected = pysig.signature_windows_jvp(array, 2, 4, xp.ones(array.shape), lengths=lengths)
    actual = pysig.signature_windows_jvp(listed, 2, 4, along)
    assert np.array_equal(on_host(actual), on_host(expected), equal_nan=True)
