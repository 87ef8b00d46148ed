"""Projections of CuPy arrays against those of NumPy arrays, which agree with the reference."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._api._words_argument import check_words
from pysig._plans.projection import projection_for
from support import assert_close as close_within
from support import on_device, parts

RTOL = {"float32": 1e-4, "float64": 1e-11}
assert_close = partial(close_within, dtype="same", rtol=RTOL, least=1.0)
# A length of words, with the most siblings among them, is a separate kernel, which takes a second
# to compile: few sets, which have all shapes; the last one holds its prefixes.
CHANNELS = 3
SETS = [
    [(2, 1, 0, 0), (0,), (2, 1, 0, 1), ()],
    [(1,), (0,), (1, 0), (0, 1), (2,)],
]


def test_the_assertion_fails_on_wrong_answers():
    right = np.linspace(-1, 1, 5)
    assert_close(right, right)
    for wrong in (right + 1e-9, right * np.nan, right[1:], right.astype(np.float32)):
        with pytest.raises(AssertionError):
            assert_close(wrong, right)


@st.composite
def gpu_projection_calls(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    words = draw(st.sampled_from(SETS))
    batch = draw(st.sampled_from([(), (3,), (2, 2), (0,)]))
    length = draw(st.integers(1, 9))

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    options = {flag: draw(st.booleans()) for flag in ("stream", "inverse")}
    options["scalar_term"] = () not in words and draw(st.booleans())
    if draw(st.booleans()):
        options["basepoint"] = draw(st.sampled_from([True, normal(CHANNELS)]))
    if draw(st.booleans()):
        options["lengths"] = rng.integers(1, length + 1, size=batch)
    if words is SETS[-1] and draw(st.booleans()):
        options["initial"] = normal(*batch, len(words) + options["scalar_term"])
        if options["scalar_term"]:
            options["initial"][..., 0] = 1
    path = normal(*batch, length, CHANNELS)
    value = pysig.signature(path, words=words, **options)
    tangents = {
        f"{name}_tangent": normal(*options[name].shape)
        for name in ("basepoint", "initial")
        if isinstance(options.get(name), np.ndarray) and draw(st.booleans())
    }
    return path, words, options, normal(*value.shape), normal(*path.shape), tangents


SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@settings(max_examples=60, **SETTINGS)
@given(gpu_projection_calls(), st.sampled_from([None, 3000]))
def test_projections_and_derivatives_are_those_of_numpy(cupy, call, limit):
    path, words, options, cotangent, tangent, tangents = call
    device, moves = on_device(cupy, options), on_device(cupy, tangents)
    p, w, v = (cupy.asarray(a) for a in (path, cotangent, tangent))
    with pysig.set_gpu_memory_limit(limit):
        value = pysig.signature(p, words=words, **device)
        change = pysig.signature_jvp(p, None, v, words=words, **moves, **device)
        bars = pysig.signature_vjp(p, None, w, words=words, **device)
        seconds = pysig.signature_hvp(p, None, w, v, words=words, **moves, **device)
    assert isinstance(value, cupy.ndarray)
    assert_close(value.get(), pysig.signature(path, words=words, **options))
    expected = pysig.signature_jvp(path, None, tangent, words=words, **tangents, **options)
    assert_close(change.get(), expected)
    expected = pysig.signature_vjp(path, None, cotangent, words=words, **options)
    for actual, bar in zip(parts(bars), parts(expected), strict=True):
        assert (actual is None) == (bar is None)
        if bar is not None:
            assert_close(actual.get(), bar)
    expected = pysig.signature_hvp(
        path, None, cotangent, tangent, words=words, **tangents, **options
    )
    for actual, bar in zip(parts(seconds), parts(expected), strict=True):
        if bar is not None:
            assert_close(actual.get(), bar)


@settings(max_examples=20, **SETTINGS)
@given(gpu_projection_calls(), st.sampled_from([None, 500]))
def test_linear_functionals_are_those_of_numpy(cupy, call, limit):
    path, words, options, _, tangent, _ = call
    options = {k: v for k, v in options.items() if k not in ("initial", "scalar_term")}
    device = on_device(cupy, options)
    p, v = cupy.asarray(path), cupy.asarray(tangent)
    rng = np.random.default_rng(path.size)
    matrix = rng.normal(size=(2, len(words))) * [[1.0], [0.0]]
    one = dict(zip(words, matrix[0], strict=True))
    for functional, more in ((one, {}), (matrix, {"words": words})):
        expected = pysig.linear_functional(path, functional, **more, **options)
        weight = rng.normal(size=expected.shape).astype(path.dtype)
        with pysig.set_gpu_memory_limit(limit):
            value = pysig.linear_functional(p, functional, **more, **device)
            change = pysig.linear_functional_jvp(p, functional, v, **more, **device)
            bar = pysig.linear_functional_vjp(p, functional, cupy.asarray(weight), **more, **device)
        assert_close(value.get(), expected)
        expected = pysig.linear_functional_jvp(path, functional, tangent, **more, **options)
        assert_close(change.get(), expected)
        expected = pysig.linear_functional_vjp(path, functional, weight, **more, **options)
        assert_close(parts(bar)[0].get(), parts(expected)[0])


def test_a_functional_may_live_on_either_device(cupy):
    path = cupy.asarray(np.random.default_rng(0).normal(size=(4, 6, 2)))
    functional = np.array([0.5, 0.0, 0.0, 1.0, -1.0, 0.0])
    here = pysig.linear_functional(path, functional, 2)
    np.testing.assert_array_equal(
        pysig.linear_functional(path, cupy.asarray(functional), 2).get(), here.get()
    )


def test_segments_of_long_paths(cupy):
    """More steps than a segment has; strided input; the whole of the signature agrees."""
    points = np.random.default_rng(1).normal(size=(2, 601, 3)).cumsum(axis=1) / 25
    words = [(2, 1), (0,), (2, 1, 0, 1)]
    places = [pysig.word_index(word, 3) for word in words]
    path = cupy.asarray(points)[:, ::-1, ::-1]
    mirrored = points[:, ::-1, ::-1]
    assert_close(pysig.signature(path, words=words).get(), pysig.signature(mirrored, 4)[:, places])
    weight = np.array([[1.0, -2.0, 1.0], [0.5, 3.0, -1.0]])
    spread = np.zeros((2, pysig.signature_size(3, 4)))
    spread[:, places] = weight
    bar = pysig.signature_vjp(path, None, cupy.asarray(weight), words=words)
    assert_close(bar.get(), pysig.signature_vjp(mirrored, 4, spread))


def test_many_siblings_are_cut_into_families(cupy):
    path = np.random.default_rng(2).normal(size=(2, 5, 19))
    words = [(3, c) for c in range(19)]
    assert_close(
        pysig.signature(cupy.asarray(path), words=words).get(), pysig.signature(path, words=words)
    )


def test_tables_on_a_device_are_kept_and_not_pickled(cupy):
    words = ((0, 1), (1, 1))
    pysig.signature(cupy.zeros((1, 3, 2)), words=words)
    plan = projection_for(2, check_words(words, 2, None), False, False)
    assert plan.kept
    assert not pickle.loads(pickle.dumps(plan)).kept


def test_transformed_paths(cupy):
    """Increments are made before; values and all derivatives, ragged."""
    rng = np.random.default_rng(3)
    path, tangent, base = (rng.normal(size=s) for s in ((3, 6, 1), (3, 6, 1), (3, 1)))
    options = {
        "words": [(1, 0, 2), (3,)],
        "lengths": np.array([6, 1, 3]),
        "transform": ("lead_lag", pysig.Time(end=2.0), "reset"),
    }
    for stream, where in ((False, {"basepoint": base}), (True, {})):
        here = {**options, **where, "stream": stream}
        device = {k: cupy.asarray(v) if isinstance(v, np.ndarray) else v for k, v in here.items()}
        value = pysig.signature(path, **here)
        assert_close(pysig.signature(cupy.asarray(path), **device).get(), value)
        moves = (tangent, cupy.asarray(tangent))
        change = pysig.signature_jvp(path, None, moves[0], **here)
        actual = pysig.signature_jvp(cupy.asarray(path), None, moves[1], **device)
        assert_close(actual.get(), change)
        weight = rng.normal(size=value.shape)
        bars = parts(pysig.signature_vjp(path, None, weight, **here))
        actual = pysig.signature_vjp(cupy.asarray(path), None, cupy.asarray(weight), **device)
        for bar, other in zip(bars, parts(actual), strict=True):
            assert (bar is None) == (other is None)
            if bar is not None:
                assert_close(other.get(), bar)
