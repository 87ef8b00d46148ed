"""Derivatives of signatures: reference implementation, differences, adjointness, long paths."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference import signature as reference
from support import assert_close as close_within
from support import doubled, parts

RTOL = {"float32": 1e-4, "float64": 1e-10}
assert_close = partial(close_within, rtol=RTOL)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_assertion_fails_on_wrong_answers(dtype):
    right = np.linspace(-1, 1, 7).astype(dtype)
    assert_close(right, right.astype(np.float64))
    for wrong in (right[:-1], right + 3 * RTOL[right.dtype.name], right * 0, right * np.nan):
        with pytest.raises(AssertionError):
            assert_close(wrong.astype(dtype), right.astype(np.float64))


@st.composite
def vjp_calls(
    draw, most=340, dtypes=(np.float32, np.float64), min_length=1, batches=((), (3,), (2, 5))
):
    """A path with options, and a cotangent and tangents for it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from(dtypes))
    channels = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 13, 21]))
    depths = [n for n in range(1, 9) if n <= 2 or pysig.signature_size(channels, n) <= most]
    depth = draw(st.sampled_from(depths))
    batch = draw(st.sampled_from(batches))
    length = draw(st.integers(min_length, 7))
    scalar_term = draw(st.booleans())
    options = {"scalar_term": scalar_term}
    for flag in ("stream", "inverse"):
        if draw(st.booleans()):
            options[flag] = True

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    base = draw(st.sampled_from([None, True, "array", "one"]))
    if base is not None:
        options["basepoint"] = {"array": normal(*batch, channels), "one": normal(channels)}.get(
            base, True
        )
    size = pysig.signature_size(channels, depth, scalar_term)
    start = draw(st.sampled_from([None, "array", "one"]))
    if start is not None:
        shape = batch if start == "array" else ()
        options["initial"] = normal(*shape, size)
        if scalar_term:
            options["initial"][..., 0] = 1
    if draw(st.booleans()):
        options["lengths"] = rng.integers(1, length + 1, size=batch)
    path = normal(*batch, length, channels)
    value = pysig.signature(path, depth, **options)
    tangents = {
        f"{name}_tangent": normal(*options[name].shape)
        for name in ("basepoint", "initial")
        if isinstance(options.get(name), np.ndarray) and draw(st.booleans())
    }
    return path, depth, options, normal(*value.shape), normal(*path.shape), tangents


def summed(gradient, shape):
    """The adjoint of broadcasting `shape` to that of `gradient`."""
    return gradient.reshape(-1, *shape).sum(axis=0) if gradient.ndim > len(shape) else gradient


def test_the_reference_of_cotangents_agrees_with_differences():
    rng = np.random.default_rng(5)
    path, base, start = rng.normal(size=(4, 2)), rng.normal(size=2), rng.normal(size=14)
    cotangent = rng.normal(size=(4, 14))
    options = {"stream": True, "inverse": True}

    def value(p, b, s):
        out = pysig.signature(p, 3, basepoint=b, initial=s, **options)
        return (out * cotangent).sum()

    gradients = reference.signature_cotangents(
        path, 3, cotangent, basepoint=base, initial=start, **options
    )
    for k, gradient in enumerate(gradients):
        for index in np.ndindex(*gradient.shape):
            moved = []
            for sign in (1, -1):
                arguments = [path.copy(), base.copy(), start.copy()]
                arguments[k][index] += sign * 1e-5
                moved.append(value(*arguments))
            assert gradient[index] == pytest.approx(
                (moved[0] - moved[1]) / 2e-5, rel=1e-7, abs=1e-7
            )


@settings(max_examples=150, deadline=None)
@given(vjp_calls(most=120))
def test_vjp_agrees_with_the_reference(call):
    path, depth, options, cotangent, _, _ = call
    expected = reference.signature_cotangents(path, depth, cotangent, **doubled(options))
    actual = pysig.signature_vjp(path, depth, cotangent, **options)
    arrays = [isinstance(options.get(name), np.ndarray) for name in ("basepoint", "initial")]
    assert isinstance(actual, tuple) == any(arrays)
    for got, right, name in zip(
        parts(actual), expected, ("path", "basepoint", "initial"), strict=True
    ):
        assert (got is None) == (right is None)
        if got is not None:
            assert got.dtype == path.dtype
            shape = path.shape if name == "path" else options[name].shape
            assert_close(got, summed(right, shape))


@settings(max_examples=150, deadline=None)
@given(vjp_calls())
def test_jvp_agrees_with_the_reference(call):
    path, depth, options, _, tangent, tangents = call
    expected = reference.signature_jvp(
        path, depth, tangent, **doubled(options), **doubled(tangents)
    )
    actual = pysig.signature_jvp(path, depth, tangent, **options, **tangents)
    assert actual.dtype == path.dtype
    assert_close(actual, expected)


@settings(max_examples=60, deadline=None)
@given(vjp_calls(dtypes=[np.float64], batches=((), (3,), (9,), (17,)), most=3000, min_length=2))
def test_vjp_is_the_adjoint_of_jvp(call):
    path, depth, options, cotangent, tangent, tangents = call
    forward = pysig.signature_jvp(path, depth, tangent, **options, **tangents)
    backward = parts(pysig.signature_vjp(path, depth, cotangent, **options))
    moves = [tangent, *(tangents.get(f"{name}_tangent") for name in ("basepoint", "initial"))]
    terms = [(b * m).sum() for b, m in zip(backward, moves, strict=True) if m is not None]
    scale = sum(np.abs(b * m).sum() for b, m in zip(backward, moves, strict=True) if m is not None)
    assert sum(terms) == pytest.approx((forward * cotangent).sum(), rel=0, abs=1e-11 * scale)


@settings(max_examples=60, deadline=None)
@given(vjp_calls(dtypes=[np.float64], most=600))
def test_hvp_is_the_derivative_of_vjp(call):
    path, depth, options, cotangent, tangent, tangents = call
    step = 1e-5
    scale = np.abs(tangent).max() if tangent.size else 1.0

    def gradient(sign):
        moved = dict(options)
        for name in ("basepoint", "initial"):
            if f"{name}_tangent" in tangents:
                change = sign * step * tangents[f"{name}_tangent"]
                if name == "initial" and options.get("scalar_term"):
                    change[..., 0] = 0  # the scalar is constant
                moved[name] = options[name] + change
        return parts(pysig.signature_vjp(path + sign * step * tangent, depth, cotangent, **moved))

    actual = parts(pysig.signature_hvp(path, depth, cotangent, tangent, **options, **tangents))
    here = parts(pysig.signature_vjp(path, depth, cotangent, **options))
    for got, up, down, size in zip(actual, gradient(1), gradient(-1), here, strict=True):
        assert (got is None) == (up is None)
        if got is not None:
            difference = (up - down) / (2 * step)
            # Third derivatives times the square of the step, and rounding over the step.
            most = max(np.abs(difference).max(), np.abs(size).max() * scale, 1.0)
            assert np.abs(got - difference).max() <= 1e-6 * most


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("batch", "length", "channels", "depth"),
    [
        (9, 40, 5, 4),
        (3, 33, 8, 3),
        (1, 700, 3, 5),
        (2, 3000, 2, 6),
        (20, 9, 23, 2),
        (1, 70, 45, 2),
        (5, 1500, 2, 3),
    ],
)
def test_every_schedule_agrees_with_the_same_in_float64(batch, length, channels, depth, dtype):
    """Lane groups, chunks, segments, tiles against directional derivatives of the reference."""
    rng = np.random.default_rng(length)
    path = rng.normal(size=(batch, length, channels)).cumsum(axis=1) / np.sqrt(length)
    path = path.astype(dtype)
    tangent = rng.normal(size=path.shape).cumsum(axis=1).astype(dtype) / np.sqrt(length)
    cotangent = rng.normal(size=(batch, pysig.signature_size(channels, depth))).astype(dtype)
    forward = pysig.signature_jvp(path, depth, tangent)
    assert_close(forward, reference.signature_jvp(path, depth, tangent))
    gradient = pysig.signature_vjp(path, depth, cotangent).astype(np.float64)
    exact = pysig.signature_jvp(path.astype(np.float64), depth, tangent.astype(np.float64))
    scale = np.abs(gradient * tangent).sum(axis=(1, 2))
    error = (gradient * tangent).sum(axis=(1, 2)) - (exact * cotangent).sum(axis=1)
    assert (np.abs(error) <= RTOL[np.dtype(dtype).name] * scale).all()


@pytest.mark.parametrize(
    ("length", "channels", "depth"),
    [(1500, 2, 1), (1500, 3, 2), (900, 4, 3), (900, 5, 4), (300, 24, 2), (400, 3, 6), (150, 13, 3)],
)
def test_chunks_of_a_path_agree_with_the_whole(length, channels, depth, rng):
    """One path, or three, are cut into chunks of time; 64 fill the lanes whole."""
    size = pysig.signature_size(channels, depth)
    path = rng.normal(size=(length, channels)).cumsum(axis=0) / np.sqrt(length)
    cotangent, tangent = rng.normal(size=size), rng.normal(size=path.shape)
    options = {
        "basepoint": rng.normal(size=channels),
        "initial": pysig.signature(rng.normal(size=(4, channels)), depth),
        "inverse": bool(rng.integers(2)),
        "lengths": length - int(rng.integers(length // 3)),
    }
    whole = {k: np.stack([v] * 64) if np.ndim(v) else v for k, v in options.items()}
    for function, extra in ((pysig.signature_vjp, ()), (pysig.signature_hvp, (tangent,))):
        arguments = [np.stack([v] * 64) for v in (cotangent, *extra)]
        expected = function(np.stack([path] * 64), depth, *arguments, **whole)
        several = {k: v[:3] if np.ndim(v) else v for k, v in whole.items()}
        found = function(path, depth, cotangent, *extra, **options)
        among = function(np.stack([path] * 3), depth, *(a[:3] for a in arguments), **several)
        for one, some, right in zip(found, among, expected, strict=True):
            assert_close(one, right[0], rtol=1e-11)
            assert_close(some[-1], right[0], rtol=1e-11)


@pytest.mark.parametrize("options", [{}, {"stream": True}, {"transform": "lead_lag"}])
@pytest.mark.parametrize("ragged", [False, True])
def test_a_large_batch_agrees_with_its_paths(options, ragged, rng):
    """Cut into slices, each computed by one worker; a few paths are not."""
    batch, length = 150, 300
    channels, depth = (3, 2) if "transform" in options else (6, 2 if options.get("stream") else 3)
    path = rng.normal(size=(batch, length, channels)).cumsum(axis=1) / np.sqrt(length)
    head = {k: v for k, v in options.items() if k != "stream"}
    options = {**options, "scalar_term": True, "inverse": bool(rng.integers(2))}
    rows = {
        "basepoint": rng.normal(size=(batch, channels)),
        "initial": pysig.signature(path[:, :4], depth, scalar_term=True, **head),
    }
    if ragged:
        rows["lengths"] = rng.integers(1, length + 1, size=batch)
    tangent = rng.normal(size=path.shape)
    cotangent = rng.normal(size=pysig.signature(path, depth, **rows, **options).shape)
    for function, extra in ((pysig.signature_vjp, ()), (pysig.signature_hvp, (tangent,))):
        for workers in (1, 2):
            found = function(path, depth, cotangent, *extra, **rows, **options, workers=workers)
            for first in (0, 61, batch - 3):
                some = slice(first, first + 3)
                few = {k: v[some] for k, v in rows.items()}
                right = function(
                    path[some], depth, cotangent[some], *(e[some] for e in extra), **few, **options
                )
                for a, b in zip(found, right, strict=True):
                    assert_close(a[some], b, rtol=1e-11)


def long_path_gradient(path, depth, cotangent):
    """The gradient from all prefixes and suffixes at once, in long double: for the step x_t,
    <cotangent, S(before) (x) d exp(x_t) (x) S(after)>, level by level, vectorised over time.
    """
    wide = np.longdouble
    x = np.diff(path.astype(wide), axis=0)
    steps, channels = x.shape

    def outer(a, b):
        return np.einsum("ta,tb->tab", a, b).reshape(len(a), -1)

    def product(a, b):
        return [sum(outer(a[k], b[n - k]) for k in range(n + 1)) for n in range(depth + 1)]

    def exponential(v):
        levels = [np.ones((len(v), 1), wide)]
        for k in range(1, depth + 1):
            levels.append(outer(levels[-1], v) / k)
        return levels

    def prefixes(v):  # before each step, level by level by running sums
        step, levels = exponential(v), [np.ones((len(v), 1), wide)]
        for n in range(1, depth + 1):
            growth = sum(outer(levels[k], step[n - k]) for k in range(n))
            levels.append(np.concatenate([0 * growth[:1], np.cumsum(growth, axis=0)[:-1]]))
        return levels

    before = prefixes(x)
    after = [  # the signature of what follows is the antipode of that of its way back
        (-1) ** k
        * np.transpose(level[::-1].reshape(steps, *(channels,) * k), (0, *range(k, 0, -1))).reshape(
            steps, -1
        )
        for k, level in enumerate(prefixes(-x[::-1]))
    ]
    step, x_bar = exponential(x), np.zeros_like(x)
    offsets = np.cumsum([0, *(channels**k for k in range(1, depth + 1))])
    for c in range(channels):
        unit = np.zeros_like(x)
        unit[:, c] = 1
        moved = [np.zeros((steps, 1), wide)]
        for k in range(1, depth + 1):
            moved.append((outer(moved[-1], x) + outer(step[k - 1], unit)) / k)
        total = product(product(before, moved), after)
        for k in range(1, depth + 1):
            x_bar[:, c] += total[k] @ cotangent[offsets[k - 1] : offsets[k]].astype(wide)
    zero = np.zeros((1, channels), wide)
    return np.concatenate([zero, x_bar]) - np.concatenate([x_bar, zero])


def test_the_gradient_of_long_paths_agrees_with_the_reference_on_short_ones():
    rng = np.random.default_rng(1)
    path, cotangent = rng.normal(size=(6, 3)), rng.normal(size=39)
    expected = reference.signature_vjp(path, 3, cotangent)
    assert_close(long_path_gradient(path, 3, cotangent).astype(np.float64), expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [1, 9])
def test_a_path_of_100000_points(dtype, batch):
    rng = np.random.default_rng(batch)
    steps = rng.normal(size=(batch, 100_000, 2)) / np.sqrt(100_000)
    path = steps.cumsum(axis=1).astype(dtype)
    cotangent = rng.normal(size=(batch, 14)).astype(dtype)
    gradient = pysig.signature_vjp(path, 3, cotangent)
    for b in {0, batch - 1}:
        expected = long_path_gradient(path[b], 3, cotangent[b]).astype(np.float64)
        assert_close(gradient[b], expected)
        # A point between the ends gets the difference of what two increments want: much less.
        assert_close(gradient[b, 1:-1], expected[1:-1])


@pytest.mark.parametrize("times", [False, True])
def test_long_paths_of_float32_are_differentiated_in_float64(times, rng):
    """With every option that has arrays of its own: as the same call on float64 arrays."""
    path = (rng.normal(size=(2, 9000, 2)) / 95).cumsum(axis=1).astype(np.float32)
    clock = np.sort(rng.integers(0, 2**14, 9001)).astype(np.float32)  # differences are exact
    channels = 3 if times else 2
    initial = rng.normal(size=pysig.signature_size(channels, 2, True)).astype(np.float32)
    initial[0] = 1
    basepoint, tangent = path[0, 0] + 1, rng.normal(size=path.shape).astype(np.float32)
    options = {
        "initial": initial,
        "basepoint": basepoint,
        "scalar_term": True,
        "transform": pysig.Time(clock) if times else None,
    }
    wide = {k: v.astype(np.float64) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    if times:
        wide["transform"] = pysig.Time(clock.astype(np.float64))
    cotangent = rng.normal(size=(2, len(initial))).astype(np.float32)
    for differentiate, extra in ((pysig.signature_vjp, ()), (pysig.signature_hvp, (tangent,))):
        found = differentiate(path, 2, cotangent, *extra, **options)
        more = tuple(np.float64(x) for x in extra)
        expected = differentiate(np.float64(path), 2, np.float64(cotangent), *more, **wide)
        for a, b in zip(found, expected, strict=True):
            assert a.dtype == np.float32
            assert np.array_equal(a, b.astype(np.float32))


@pytest.mark.parametrize("options", [{}, {"stream": True}, {"lengths": "some"}])
@pytest.mark.parametrize(
    ("batch", "length", "channels", "depth"),
    [(1, 1500, 4, 4), (40, 50, 5, 4), (2, 60, 30, 3), (300, 300, 6, 2)],
)
def test_results_do_not_depend_on_workers(batch, length, channels, depth, options):
    rng = np.random.default_rng(0)
    path = rng.normal(size=(batch, length, channels)).astype(np.float32)
    tangent = rng.normal(size=path.shape).astype(np.float32)
    if options.get("lengths") == "some":
        options = {"lengths": rng.integers(1, length + 1, size=batch)}
    if options.get("stream") and channels == 30:
        path, tangent = path[:, :4], tangent[:, :4]
    initial = rng.normal(size=pysig.signature_size(channels, depth)).astype(np.float32)
    value = pysig.signature(path, depth, **options)
    cotangent = rng.normal(size=value.shape).astype(np.float32)
    results = [
        [
            *pysig.signature_vjp(
                path, depth, cotangent, initial=initial, workers=workers, **options
            )[::2],
            pysig.signature_jvp(path, depth, tangent, initial=initial, workers=workers, **options),
            *pysig.signature_hvp(
                path, depth, cotangent, tangent, initial=initial, workers=workers, **options
            )[::2],
        ]
        for workers in (1, 2, 3)
    ]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("channels", [1, 3])
def test_trivial_paths_and_empty_batches(channels):
    size = pysig.signature_size(channels, 2)
    for options in ({}, {"stream": True}, {"basepoint": True}):
        for shape in ((0, 4, channels), (3, 1, channels), (1, channels)):
            path = np.zeros(shape)
            value = pysig.signature(path, 2, **options)
            assert pysig.signature_jvp(path, 2, path, **options).shape == value.shape
            gradient = pysig.signature_vjp(path, 2, value + 1, **options)
            assert gradient.shape == path.shape
            if "basepoint" not in options:
                assert not gradient.any()
    initial = np.arange(1.0, size + 1)
    gradient = pysig.signature_vjp(np.zeros((1, channels)), 2, initial, initial=initial)
    np.testing.assert_array_equal(gradient.initial, initial)


def test_what_is_not_read_has_no_say():
    """Points beyond the lengths may be NaN, in the path and in the tangent."""
    rng = np.random.default_rng(3)
    path, tangent = rng.normal(size=(2, 9, 6, 3))
    lengths = rng.integers(1, 6, size=9)
    clean = [
        np.where(np.arange(6)[:, None] < lengths[:, None, None], a, 0.0) for a in (path, tangent)
    ]
    dirty = [
        np.where(np.arange(6)[:, None] < lengths[:, None, None], a, np.nan) for a in (path, tangent)
    ]
    cotangent = rng.normal(size=(9, 39))
    for function in (
        lambda p, _: pysig.signature_vjp(p, 3, cotangent, lengths=lengths),
        lambda p, v: pysig.signature_jvp(p, 3, v, lengths=lengths),
        lambda p, v: pysig.signature_hvp(p, 3, cotangent, v, lengths=lengths),
    ):
        np.testing.assert_array_equal(function(*dirty), function(*clean))


def test_nan_stays_in_its_path():
    rng = np.random.default_rng(4)
    path = rng.normal(size=(20, 30, 3))
    cotangent = rng.normal(size=(20, 39))
    clean = pysig.signature_vjp(path, 3, cotangent)
    path[7, 11, 1] = np.nan
    gradient = pysig.signature_vjp(path, 3, cotangent)
    assert np.isnan(gradient[7]).any()
    np.testing.assert_array_equal(np.delete(gradient, 7, 0), np.delete(clean, 7, 0))


def test_strided_views_and_broadcast_cotangents():
    rng = np.random.default_rng(6)
    wide = rng.normal(size=(4, 3, 20, 2))
    path = wide[:, ::2, ::-3, ::-1]
    cotangent = rng.normal(size=14)
    np.testing.assert_array_equal(
        pysig.signature_vjp(path, 3, cotangent),
        pysig.signature_vjp(path.copy(), 3, np.broadcast_to(cotangent, (4, 2, 14))),
    )
    np.testing.assert_array_equal(
        pysig.signature_jvp(path, 3, path), pysig.signature_jvp(path.copy(), 3, path.copy())
    )


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((np.zeros((4, 2)), 2, np.zeros(5)), {}, ValueError, r"cotangent: .*\(6,\).*\(5,\)"),
        ((np.zeros((4, 2)), 2, "x"), {}, TypeError, "cotangent"),
        ((np.zeros(4), 2, np.zeros(6)), {}, ValueError, "path"),
        ((np.zeros((4, 2)), 0, np.zeros(6)), {}, ValueError, "depth"),
        ((np.zeros((4, 2)), 2, np.zeros(6)), {"stream": 1}, TypeError, "stream"),
        ((np.zeros((4, 2)), 2, np.zeros(6)), {"initial": np.zeros(3)}, ValueError, "initial"),
        ((np.zeros((4, 2)), 2, np.zeros(6)), {"method": "cumsum"}, TypeError, "numpy.*cumsum"),
    ],
)
def test_vjp_errors_name_the_argument(arguments, options, error, words):
    with pytest.raises(error, match=words):
        pysig.signature_vjp(*arguments, **options)


def test_tangents_go_with_arrays():
    path = np.zeros((4, 2))
    for name in ("basepoint", "initial"):
        with pytest.raises(ValueError, match=f"{name}_tangent: expected None.*received"):
            pysig.signature_jvp(path, 2, path, **{f"{name}_tangent": np.zeros(2)})
    with pytest.raises(ValueError, match="basepoint_tangent"):
        pysig.signature_jvp(path, 2, path, basepoint=True, basepoint_tangent=np.zeros(2))
    with pytest.raises(ValueError, match=r"tangent: .*\(4, 2\).*\(3, 2\)"):
        pysig.signature_jvp(path, 2, np.zeros((3, 2)))
