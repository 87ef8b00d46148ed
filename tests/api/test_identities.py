"""Identities that `pysig.signature` keeps in floating point, and what it keeps to the last bit."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig.testing import assert_identical, assert_signatures_close, running_scales
from support import on_host

METHODS = ["tile", "cumsum"]
DTYPES = [np.float32, np.float64]
# Few sizes, so that a GPU compiles few kernels.
SIZES = [(1, 3), (2, 3), (2, 8), (3, 4), (5, 3), (11, 2)]
some = settings(max_examples=25, deadline=None)


def walk(rng, *shape, dtype=np.float64):
    steps = rng.standard_normal(shape) / np.sqrt(shape[-2])
    return steps.cumsum(axis=-2).astype(dtype)


@st.composite
def identity_cases(draw):
    """A batch of paths, a depth, a method."""
    channels, depth = draw(st.sampled_from(SIZES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    batch, length = draw(st.integers(1, 9)), draw(st.integers(2, 25))
    path = walk(rng, batch, length, channels, dtype=draw(st.sampled_from(DTYPES)))
    return path, depth, draw(st.sampled_from(METHODS))


def assert_agree(actual, expected, path, depth, factor=1):
    """Within `factor` times the tolerance of a comparison with the reference: both sides err."""
    rtol = factor * {"float32": 1e-5, "float64": 1e-13}[path.dtype.name]
    scale = running_scales(path, depth)
    channels = path.shape[-1]
    assert_signatures_close(actual, on_host(expected), channels, depth, scale=scale, rtol=rtol)


@some
@given(case=identity_cases(), data=st.data())
def test_chen(xp, case, data):
    """The signature of the first part, continued along the second."""
    path, depth, method = case
    cut = data.draw(st.integers(0, path.shape[1] - 1))
    x = xp.asarray(path)
    before = pysig.signature(x[:, : cut + 1], depth, method=method)
    continued = pysig.signature(x[:, cut:], depth, initial=before, method=method)
    assert_agree(continued, pysig.signature(x, depth, method=method), path, depth, 2)


@some
@given(case=identity_cases())
def test_the_inverse_is_the_signature_of_the_reversed_path(xp, case):
    path, depth, method = case
    x = xp.asarray(path)
    inverse = pysig.signature(x, depth, inverse=True, method=method)
    assert_agree(inverse, pysig.signature(x[:, ::-1], depth, method=method), path, depth, 2)


@some
@given(case=identity_cases())
def test_there_and_back_is_nothing(xp, case):
    path, depth, method = case
    both = np.concatenate([path, path[:, ::-1]], axis=1)
    result = pysig.signature(xp.asarray(both), depth, method=method)
    assert_agree(result, np.zeros(result.shape), both, depth)
    x = xp.asarray(path)
    inverse = pysig.signature(x, depth, inverse=True, method=method)
    result = pysig.signature(x, depth, initial=inverse, method=method)
    assert_agree(result, np.zeros(result.shape), both, depth, 2)


@some
@given(case=identity_cases(), data=st.data())
def test_a_point_on_the_way_changes_nothing(xp, case, data):
    path, depth, method = case
    at = data.draw(st.integers(0, path.shape[1] - 2))
    share = path.dtype.type(data.draw(st.sampled_from([0, 1, 0.5, 0.25])))
    point = path[:, at] + share * (path[:, at + 1] - path[:, at])
    longer = np.insert(path, at + 1, point, axis=1)
    result = pysig.signature(xp.asarray(longer), depth, method=method)
    # The point is rounded: it lies beside the line by half a unit in the last place.
    expected = pysig.signature(xp.asarray(path), depth, method=method)
    assert_agree(result, expected, longer, depth, 2)


@some
@given(case=identity_cases())
def test_translation(xp, case):
    """Where the sums of points and shift are exact: the same to the last bit."""
    path, depth, method = case
    path = np.round(path * 256) / 256
    moved = path + path.dtype.type(64)
    assert_identical(
        pysig.signature(xp.asarray(moved), depth, method=method),
        pysig.signature(xp.asarray(path), depth, method=method),
    )


@some
@given(case=identity_cases(), data=st.data())
def test_shuffle(xp, case, data):
    """S[u] S[v] is the sum over all interleavings of u and v."""
    path, depth, method = case
    channels = path.shape[-1]
    row = on_host(pysig.signature(xp.asarray(path), depth, method=method)).astype(np.float64)
    letters = st.integers(0, channels - 1)
    u = data.draw(st.lists(letters, min_size=1, max_size=depth - 1))
    v = data.draw(st.lists(letters, min_size=1, max_size=depth - len(u)))
    n = len(u) + len(v)
    total = 0
    for places in itertools.combinations(range(n), len(u)):
        first, second = iter(u), iter(v)
        word = [next(first) if k in places else next(second) for k in range(n)]
        total += row[:, pysig.word_index(word, channels)]
    product = row[:, pysig.word_index(u, channels)] * row[:, pysig.word_index(v, channels)]
    count = len(list(itertools.combinations(range(n), len(u))))
    scale = running_scales(path, depth)
    bound = count * scale[:, n - 1] + scale[:, len(u) - 1] * scale[:, len(v) - 1]
    assert (np.abs(total - product) <= {4: 1e-5, 8: 1e-13}[path.itemsize] * bound).all()


@some
@given(case=identity_cases())
def test_a_stream_ends_with_the_signature(xp, case):
    path, depth, method = case
    x = xp.asarray(path)
    rows = pysig.signature(x, depth, stream=True, method=method)
    assert_agree(rows[:, -1], pysig.signature(x, depth, method=method), path, depth, 2)
    for n in {1, path.shape[1] // 2} - {0}:
        part = pysig.signature(x[:, : n + 1], depth, method=method)
        assert_agree(rows[:, n - 1], part, path[:, : n + 1], depth, 2)


@some
@given(case=identity_cases())
def test_methods_differ_by_rounding(xp, case):
    path, depth, _ = case
    x = xp.asarray(path)
    tile, cumsum = (pysig.signature(x, depth, method=method) for method in METHODS)
    assert_agree(tile, cumsum, path, depth, 2)


# ---- to the last bit ----

LARGE = [
    ((64, 100, 5), 4, {}),
    ((3, 60, 2), 12, {}),
    ((1, 20_000, 3), 4, {}),
    ((2, 5000, 2), 6, {"inverse": True, "scalar_term": True}),
    ((1, 60, 40), 3, {}),
    ((7, 50, 3), 6, {"stream": True}),
    ((1, 300, 4), 5, {"stream": True, "basepoint": True}),
    ((50, 200, 4), 4, {"lengths": True}),
    ((20_000, 9, 1), 6, {}),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("shape", "depth", "options"), LARGE)
def test_the_number_of_workers_changes_no_bit(shape, depth, options, method, dtype, rng):
    path = walk(rng, *shape, dtype=dtype)
    if "lengths" in options:
        options = {"lengths": rng.integers(1, shape[1] + 1, shape[0])}
    one = pysig.signature(path, depth, method=method, workers=1, **options)
    for workers in (2, 3, 8):
        result = pysig.signature(path, depth, method=method, workers=workers, **options)
        assert_identical(result, one)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("options", [{}, {"stream": True}, {"scalar_term": True, "inverse": True}])
def test_out_changes_no_bit(xp, method, options, rng):
    x = xp.asarray(walk(rng, 5, 12, 3))
    plain = pysig.signature(x, 4, method=method, **options)
    out = xp.full(plain.shape, xp.nan, plain.dtype)
    assert pysig.signature(x, 4, method=method, out=out, **options) is out
    assert_identical(out, plain)
    wide = xp.full((*plain.shape[:-1], 2 * plain.shape[-1]), 7.0, plain.dtype)
    pysig.signature(x, 4, method=method, out=wide[..., ::2], **options)
    assert_identical(wide[..., ::2], plain)
    assert (on_host(wide)[..., 1::2] == 7).all()
    assert_identical(pysig.signature(x, 4, method=method, **options), plain)  # and again


@pytest.mark.parametrize("method", METHODS)
def test_strides_change_no_bit(xp, method, rng):
    path = walk(rng, 5, 12, 3)
    plain = pysig.signature(xp.asarray(path), 4, method=method)
    backwards = xp.asarray(path[:, ::-1, ::-1].copy())[:, ::-1, ::-1]
    spread = xp.asarray(path.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2))
    assert_identical(pysig.signature(backwards, 4, method=method), plain)
    assert_identical(pysig.signature(spread[::2, ::2, ::2], 4, method=method), plain)


# ---- NaN and infinity ----


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("channels", "depth"), [(2, 3), (2, 8), (3, 4), (5, 3), (11, 2)])
def test_a_bad_point_reaches_the_words_with_its_channel(xp, method, channels, depth, bad, rng):
    """Of its own path, from its own time on; nothing else changes by a bit."""
    clean = walk(rng, 7, 30, channels)
    b, t, c = rng.integers(7), rng.integers(1, 30), rng.integers(channels)
    dirty = clean.copy()
    dirty[b, t, c] = bad
    sees = np.array([int(c) in word for word in pysig.words(channels, depth)])
    for stream in (False, True):
        options = {"stream": stream, "method": method}
        before = on_host(pysig.signature(xp.asarray(clean), depth, **options))
        after = on_host(pysig.signature(xp.asarray(dirty), depth, **options))
        others = np.arange(7) != b
        assert_identical(after[others], before[others])
        assert_identical(after[b][..., ~sees], before[b][..., ~sees])
        if stream:
            assert_identical(after[b, : t - 1], before[b, : t - 1])
            assert not np.isfinite(after[b, t - 1 :][:, sees]).any()
        else:
            assert not np.isfinite(after[b, sees]).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("stream", [False, True])
def test_one_channel_does_not_lose_a_bad_point_on_the_way(xp, stream, bad):
    """Its signature depends on the ends alone, but infinity minus infinity is not zero."""
    path = np.zeros((3, 40, 1))
    path[1, 20] = bad
    result = on_host(pysig.signature(xp.asarray(path), 3, stream=stream))
    assert (result[[0, 2]] == 0).all()
    if stream:
        assert (result[1, :19] == 0).all()
        assert not np.isfinite(result[1, 19:]).any()
    else:
        assert not np.isfinite(result[1]).any()


@pytest.mark.parametrize("method", METHODS)
def test_a_bad_point_in_a_chunk_of_a_long_path(method, rng):
    """Chunks of time are joined by products, where NaN must not be multiplied into other words."""
    path = walk(rng, 1, 5000, 3)
    path[0, 2345, 1] = np.nan
    result = pysig.signature(path, 3, method=method)[0]
    sees = np.array([1 in word for word in pysig.words(3, 3)])
    assert np.isnan(result[sees]).all()
    assert np.isfinite(result[~sees]).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_bad_initial_value_reaches_the_words_that_continue_it(xp, method, rng):
    path = walk(rng, 2, 6, 2)
    before = on_host(pysig.signature(xp.asarray(path), 3)).copy()
    before[1, pysig.word_index((0, 1), 2)] = np.nan
    result = on_host(
        pysig.signature(xp.asarray(path), 3, initial=xp.asarray(before), method=method)
    )
    sees = np.array([word[:2] == (0, 1) for word in pysig.words(2, 3)])
    assert np.isnan(result[1, sees]).all()
    assert np.isfinite(result[1, ~sees]).all()
    assert np.isfinite(result[0]).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("basepoint", [None, True])
@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_behind_the_end_is_not_read(xp, method, stream, basepoint, channels, rng):
    path = walk(rng, 9, 20, channels)
    lengths = rng.integers(1, 21, 9)
    lengths[0], lengths[1] = 1, 20
    options = {"lengths": lengths, "stream": stream, "basepoint": basepoint, "method": method}
    zeros, dirty = path.copy(), path.copy()
    for b, n in enumerate(lengths):
        zeros[b, n:], dirty[b, n:] = 0, np.nan
    result = pysig.signature(xp.asarray(dirty), 3, **options)
    assert_identical(result, pysig.signature(xp.asarray(zeros), 3, **options))
    if stream:
        for b, n in enumerate(lengths):
            last = n - 1 + (basepoint is True)
            rows = on_host(result)[b]
            wanted = rows[last - 1] if last else np.zeros(rows.shape[-1])
            assert_identical(rows[last:], np.broadcast_to(wanted, rows[last:].shape).copy())
