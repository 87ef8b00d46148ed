"""Signatures of intervals of CuPy arrays against those of NumPy arrays, whose tests have the
reference implementation.
"""

import numpy as np
import pytest

import pysig
from pysig import _cpu, _gpu
from pysig._api._call import SignatureCall
from pysig._api._options import DEFAULTS
from pysig._plans.paths import Cotangents, Tangents
from pysig.testing import assert_identical
from support import assert_close, on_device

RTOL = {"float64": 1e-13, "float32": 1e-5}
DTYPES = [np.float64, np.float32]
OPTIONS = {
    "plain": {},
    "basepoint": {"basepoint": True, "inverse": True},
    "lengths": {"lengths": np.array([40, 1, 33]), "scalar_term": True},
    "lead-lag": {"transform": ["lead_lag", "reset"], "inverse": True, "scalar_term": True},
    "times": {"transform": pysig.Time(np.cumsum(np.arange(41.0)))},
}


def strided_bounds(count, window, stride=1):
    start = np.arange(0, count - window + 1, stride)
    return np.stack([start, start + window], axis=-1)[None]


LISTS = {
    "windows": lambda rng: strided_bounds(40, 12),
    "strided windows": lambda rng: strided_bounds(40, 9, 4),
    "long windows": lambda rng: strided_bounds(40, 31),
    "single": lambda rng: strided_bounds(40, 2, 5),
    "one start": lambda rng: np.array([[(5, k) for k in range(5, 41)]]),
    "random": lambda rng: np.sort(rng.integers(0, 41, (1, 60, 2))),
    "empty": lambda rng: np.array([[(3, 3), (0, 0), (40, 40)]]),
    "none": lambda rng: np.zeros((1, 0, 2), np.int64),
}


def call_for(path, depth, options):
    return SignatureCall("signature", path, depth, {**DEFAULTS, **options})


def both(cupy, path, depth, options):
    """The same call on the host, in float64, and on the device."""
    on_gpu = call_for(cupy.asarray(path), depth, on_device(cupy, options))
    return call_for(path.astype(np.float64), depth, options), on_gpu


def results(backend, call, bounds):
    out = call.backend.xp.empty((call.count, bounds.shape[1], call.plan.size), call.array.dtype)
    backend.signature_intervals(call.paths, bounds, out, call.plan, call.options)
    return out


def inside(call, bounds):
    """The bounds clipped to the steps of every path, as the public functions do."""
    if call.paths.lengths is None:
        return bounds
    steps = call.paths.steps - call.paths.points.shape[1] + call.paths.lengths
    return np.minimum(bounds, np.asarray(steps)[:, None, None])


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("limit", [None, 30_000], ids=["", "small slabs"])
def test_values(cupy, rng, make, dtype, limit):
    path = rng.standard_normal((3, 41, 3)).cumsum(axis=1).astype(dtype) / 6
    host, device = both(cupy, path, 3, {})
    bounds = make(rng)
    with pysig.set_gpu_memory_limit(limit):
        actual = results(_gpu, device, bounds)
    assert_close(actual.get(), results(_cpu, host, bounds), dtype, rtol=RTOL)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_options_and_derivatives(cupy, rng, options, channels):
    path, moves = rng.standard_normal((2, 3, 41, channels))
    host, device = both(cupy, path, 3, options)
    bounds = inside(host, np.sort(rng.integers(0, 41, (3, 25, 2))))
    expected = results(_cpu, host, bounds)
    assert_close(results(_gpu, device, bounds).get(), expected, rtol=1e-13)

    base = host.paths.basepoint
    along = Tangents(moves, None if base is None else rng.standard_normal(base.shape))
    _cpu.signature_intervals_jvp(host.paths, along, bounds, expected, host.plan, host.options)
    out = cupy.empty(expected.shape)
    wide = Tangents(*(None if a is None else cupy.asarray(a) for a in along))
    _gpu.signature_intervals_jvp(device.paths, wide, bounds, out, device.plan, device.options)
    assert_close(out.get(), expected, rtol=1e-12)

    cotangent = rng.standard_normal(expected.shape)
    into = Cotangents(*(None if a is None else np.empty(a.shape) for a in along))
    _cpu.signature_intervals_vjp(host.paths, cotangent, bounds, into, host.plan, host.options)
    bars = Cotangents(*(None if a is None else cupy.empty(a.shape) for a in along))
    weights = cupy.asarray(cotangent)
    _gpu.signature_intervals_vjp(device.paths, weights, bounds, bars, device.plan, device.options)
    for bar, other in zip(bars, into, strict=True):
        assert (bar is None) == (other is None)
        if bar is not None:
            assert_close(bar.get(), other, rtol=1e-12)


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_gradients_of_every_scheme(cupy, rng, make):
    path, bounds = rng.standard_normal((2, 41, 2)), make(rng)
    host, device = both(cupy, path, 3, {})
    cotangent = rng.standard_normal((2, bounds.shape[1], host.plan.size))
    into, bar = Cotangents(np.empty(path.shape)), Cotangents(cupy.empty(path.shape))
    _cpu.signature_intervals_vjp(host.paths, cotangent, bounds, into, host.plan, host.options)
    weights = cupy.asarray(cotangent)
    with pysig.set_gpu_memory_limit(60_000):
        _gpu.signature_intervals_vjp(
            device.paths, weights, bounds, bar, device.plan, device.options
        )
    assert_close(bar.path.get(), into.path, rtol=1e-12)


def test_float32_far_from_the_origin(cupy, rng):
    """Pieces are copied relative to a point of theirs."""
    path = (rng.standard_normal((1, 41, 2)).cumsum(axis=1) + 1000).astype(np.float32)
    host, device = both(cupy, path, 4, {})
    bounds = strided_bounds(40, 12)
    assert_close(results(_gpu, device, bounds).get(), results(_cpu, host, bounds), rtol=1e-5)


def test_same_bits_every_time(cupy, rng):
    path, bounds = rng.standard_normal((2, 41, 2)), strided_bounds(40, 12)
    device = call_for(cupy.asarray(path), 3, {})
    cotangent = cupy.asarray(rng.standard_normal((2, bounds.shape[1], device.plan.size)))
    once, again = (Cotangents(cupy.empty(path.shape)) for _ in range(2))
    for bar in (once, again):
        _gpu.signature_intervals_vjp(
            device.paths, cotangent, bounds, bar, device.plan, device.options
        )
    assert_identical(once.path.get(), again.path.get())
