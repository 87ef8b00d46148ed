"""Derivatives of CuPy arrays against those of NumPy arrays, which agree with the reference."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from support import assert_close as close_within
from support import on_device, parts

RTOL = {"float32": 1e-4, "float64": 1e-10}
assert_close = partial(close_within, dtype="same", rtol=RTOL)


def test_the_assertion_fails_on_wrong_answers():
    right = np.linspace(-1, 1, 5)
    assert_close(right, right)
    for wrong in (right + 1e-9, right * np.nan, right[1:], right.astype(np.float32)):
        with pytest.raises(AssertionError):
            assert_close(wrong, right)


@st.composite
def gpu_hvp_calls(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    channels, depth = draw(st.sampled_from([(1, 3), (2, 1), (2, 2), (2, 4), (3, 3), (5, 2)]))
    batch = draw(st.sampled_from([(), (3,), (2, 2), (0,)]))
    length = draw(st.integers(1, 9))

    def normal(*shape):
        return rng.normal(size=shape).astype(dtype)

    options = {"scalar_term": draw(st.booleans())}
    for flag in ("stream", "inverse"):
        options[flag] = draw(st.booleans())
    if draw(st.booleans()):
        options["basepoint"] = draw(st.sampled_from([True, normal(channels)]))
    size = pysig.signature_size(channels, depth, options["scalar_term"])
    if draw(st.booleans()):
        options["initial"] = normal(*batch, size)
        if options["scalar_term"]:
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


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(gpu_hvp_calls(), st.sampled_from([None, 2000]))
def test_derivatives_are_those_of_numpy(cupy, call, limit):
    path, depth, options, cotangent, tangent, tangents = call
    there = on_device(cupy, options)
    moves = on_device(cupy, tangents)
    p, w, v = (cupy.asarray(a) for a in (path, cotangent, tangent))
    with pysig.set_gpu_memory_limit(limit):
        pairs = [
            (
                pysig.signature_jvp(p, depth, v, **there, **moves),
                pysig.signature_jvp(path, depth, tangent, **options, **tangents),
            ),
            *(
                (
                    pysig.signature_vjp(p, depth, w, method=method, **there),
                    pysig.signature_vjp(path, depth, cotangent, **options),
                )
                for method in ("auto", "cumsum")
            ),
            (
                pysig.signature_hvp(p, depth, w, v, **there, **moves),
                pysig.signature_hvp(path, depth, cotangent, tangent, **options, **tangents),
            ),
        ]
    for actual, expected in pairs:
        for got, right in zip(parts(actual), parts(expected), strict=True):
            assert (got is None) == (right is None)
            if got is not None:
                assert isinstance(got, cupy.ndarray)
                assert_close(cupy.asnumpy(got), right)


def test_what_lies_beyond_the_lengths_is_not_read(cupy):
    rng = np.random.default_rng(0)
    path = rng.normal(size=(3, 6, 2))
    path[0, 4:] = np.nan
    cotangent = rng.normal(size=(3, 14))
    lengths = np.array([4, 6, 1])
    got = pysig.signature_vjp(cupy.asarray(path), 3, cupy.asarray(cotangent), lengths=lengths)
    assert_close(cupy.asnumpy(got), pysig.signature_vjp(path, 3, cotangent, lengths=lengths))


def test_arrays_of_two_devices_are_refused(cupy):
    path = cupy.zeros((4, 2))
    with pytest.raises(TypeError, match="cotangent: expected a CuPy array"):
        pysig.signature_vjp(path, 2, np.zeros(6))
    with pytest.raises(TypeError, match='cupy arrays, received "tile"'):
        pysig.signature_jvp(path, 2, path, method="tile")
