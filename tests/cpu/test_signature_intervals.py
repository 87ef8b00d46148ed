"""The operations behind windows and intervals: signatures of steps [a, b) of transformed paths."""

import numpy as np
import pytest

import pysig
from pysig import _cpu
from pysig._api._call import SignatureCall
from pysig._api._options import DEFAULTS
from pysig._plans.paths import Cotangents, Tangents
from pysig._reference.signature import signature as signature_of
from pysig._reference.transform import stages_of, transformed
from support import assert_close

RTOL = {"float64": 1e-13, "float32": 1e-5}
DTYPES = [np.float64, np.float32]
PATHS = {
    "plain": {},
    "basepoint": {"basepoint": True},
    "inverse": {"inverse": True},
    "scalar": {"scalar_term": True, "inverse": True},
    "lead-lag": {"transform": "lead_lag"},
    "time": {"transform": [pysig.Time(np.cumsum(np.arange(13.0))), "reset"]},
}


def call_of(path, depth, options):
    """The checked call of `signature`, which holds paths, plan and options."""
    return SignatureCall("signature", path, depth, {**DEFAULTS, **options})


def bounds_of(rng, counts, queries):
    """Random intervals (batch, queries, 2) of `counts` steps, some of them empty."""
    ends = np.asarray(counts)[:, None, None] + 1
    return np.sort(rng.integers(0, ends, (len(counts), queries, 2)))


def steps_of(call):
    """Steps of each transformed path."""
    counts = call.paths.lengths
    if counts is None:
        return [call.paths.steps] * call.count
    full = call.paths.points.shape[1]
    return [call.paths.steps - (full - int(n)) for n in counts]


def computed_intervals(call, bounds):
    """The result of the backend."""
    out = np.full((call.count, bounds.shape[1], call.plan.size), np.nan, call.array.dtype)
    _cpu.signature_intervals(call.paths, bounds, out, call.plan, call.options)
    return out


def expected(call, bounds, depth, options):
    """Signatures of the pieces of the transformed paths, by the reference implementation."""
    base, lengths = call.paths.basepoint, call.paths.lengths
    finish = {name: options[name] for name in ("inverse", "scalar_term") if name in options}
    rows = []
    for b, points in enumerate(call.paths.points.astype(np.float64)):
        points = points[: None if lengths is None else lengths[b]]
        points = points if base is None else np.concatenate([base[b][None], points])
        whole = transformed(points, stages_of(options.get("transform")), (call.count,), (b,), False)
        own = bounds[b if len(bounds) > 1 else 0]
        rows.append([signature_of(whole[a : e + 1], depth, **finish) for a, e in own])
    return np.array(rows)


@pytest.mark.parametrize("options", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_intervals_equal_signatures_of_the_pieces(rng, options, dtype):
    path = rng.standard_normal((3, 13, 2)).astype(dtype)
    call = call_of(path, 3, options)
    bounds = bounds_of(rng, steps_of(call), 20)
    assert_close(
        computed_intervals(call, bounds),
        expected(call, bounds, 3, options),
        dtype,
        rtol=RTOL[dtype.__name__],
    )


def test_paths_of_different_lengths(rng):
    options = {"lengths": np.array([13, 1, 7])}
    call = call_of(rng.standard_normal((3, 13, 2)), 3, options)
    bounds = bounds_of(rng, steps_of(call), 20)
    assert_close(computed_intervals(call, bounds), expected(call, bounds, 3, options), rtol=1e-13)


def test_one_row_of_bounds_serves_the_batch(rng):
    call = call_of(rng.standard_normal((3, 13, 2)), 3, {})
    bounds = bounds_of(rng, [12], 20)
    assert_close(computed_intervals(call, bounds), expected(call, bounds, 3, {}), rtol=1e-13)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", PATHS.values(), ids=PATHS)
def test_jvp_equals_that_of_the_pieces(rng, channels, options):
    """The derivative by central differences, which have an error of the step squared."""
    path, moves = rng.standard_normal((2, 3, 13, channels))
    call = call_of(path, 3, options)
    bounds, step = bounds_of(rng, steps_of(call), 10), 1e-4
    base = call.paths.basepoint
    along = Tangents(moves, None if base is None else np.zeros_like(base))
    out = np.full((3, 10, call.plan.size), np.nan)
    _cpu.signature_intervals_jvp(call.paths, along, bounds, out, call.plan, call.options)
    ahead, behind = (call_of(path + sign * step * moves, 3, options) for sign in (1, -1))
    difference = (computed_intervals(ahead, bounds) - computed_intervals(behind, bounds)) / (
        2 * step
    )
    assert_close(out, difference, rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", PATHS.values(), ids=PATHS)
def test_vjp_is_the_adjoint_of_jvp(rng, channels, options):
    path, moves = rng.standard_normal((2, 3, 13, channels))
    call = call_of(path, 3, options)
    base = call.paths.basepoint
    along = Tangents(moves, None if base is None else rng.standard_normal(base.shape))
    bounds = bounds_of(rng, steps_of(call), 10)
    out = np.full((3, 10, call.plan.size), np.nan)
    _cpu.signature_intervals_jvp(call.paths, along, bounds, out, call.plan, call.options)
    cotangent = rng.standard_normal(out.shape)
    into = Cotangents(*(None if a is None else np.full(a.shape, np.nan) for a in along))
    _cpu.signature_intervals_vjp(call.paths, cotangent, bounds, into, call.plan, call.options)
    pairs = zip(along, into, strict=True)
    paired = sum(np.sum(a * g) for a, g in pairs if a is not None)
    assert paired == pytest.approx(np.sum(cotangent * out), rel=1e-11)
