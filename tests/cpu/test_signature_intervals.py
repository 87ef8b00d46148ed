"""The operations behind windows and intervals: signatures of steps [a, b) of transformed paths."""

import importlib
import re
from pathlib import Path

import numpy as np
import pytest

import pysig
from pysig import _cpu
from pysig._api._call import SignatureCall
from pysig._api._options import DEFAULTS
from pysig._plans.intervals import MAX_DENSE_STEPS, Costs, plan_groups
from pysig._plans.paths import Cotangents, Tangents
from pysig._reference.signature import signature as signature_of
from pysig._reference.transform import stages_of, transformed
from pysig.testing import assert_identical
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


def intervals_by_reference(call, bounds, depth, options):
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
        intervals_by_reference(call, bounds, 3, options),
        dtype,
        rtol=RTOL[dtype.__name__],
    )


def test_paths_of_different_lengths(rng):
    options = {"lengths": np.array([13, 1, 7])}
    call = call_of(rng.standard_normal((3, 13, 2)), 3, options)
    bounds = bounds_of(rng, steps_of(call), 20)
    assert_close(
        computed_intervals(call, bounds),
        intervals_by_reference(call, bounds, 3, options),
        rtol=1e-13,
    )


def test_one_row_of_bounds_serves_the_batch(rng):
    call = call_of(rng.standard_normal((3, 13, 2)), 3, {})
    bounds = bounds_of(rng, [12], 20)
    assert_close(
        computed_intervals(call, bounds), intervals_by_reference(call, bounds, 3, {}), rtol=1e-13
    )


def sliding_bounds(count, window, stride=1):
    """Windows of `window` steps, (1, q, 2)."""
    start = np.arange(0, count - window + 1, stride)
    return np.stack([start, start + window], axis=-1)[None]


def time_bounds(rng, count, window):
    """Windows up to every point, of a length of time on irregular stamps."""
    times = np.sort(rng.uniform(0, count, count + 1))
    return np.stack([np.searchsorted(times, times - window), np.arange(count + 1)], axis=-1)[None]


STEPS = 300
LISTS = {
    "windows, each path its own": lambda rng: np.repeat(sliding_bounds(STEPS, 25, 2), 3, axis=0),
    "short windows": lambda rng: sliding_bounds(STEPS, 3),
    "windows": lambda rng: sliding_bounds(STEPS, 25),
    "strided windows": lambda rng: sliding_bounds(STEPS, 40, 7),
    "long windows": lambda rng: sliding_bounds(STEPS, 180),
    "tumbling windows": lambda rng: sliding_bounds(STEPS, 30, 30),
    "time windows": lambda rng: time_bounds(rng, STEPS, 30),
    "random": lambda rng: bounds_of(rng, [STEPS], 200),
    "random, each path its own": lambda rng: bounds_of(rng, [STEPS] * 3, 50),
    "nested": lambda rng: np.array([[(k, STEPS - k) for k in range(150)]]),
    "one start": lambda rng: np.array([[(5, k) for k in range(5, STEPS)]]),
    "one end": lambda rng: np.array([[(k, 290) for k in range(290)]]),
    "equal": lambda rng: np.array([[(20, 90)] * 40]),
    "none": lambda rng: np.zeros((1, 0, 2), np.int64),
}


@pytest.fixture(params=[None, 4, 13], ids=["", "groups of 4", "groups of 13"])
def max_rows(request, monkeypatch):
    """Groups of a small number of intervals, so that they share the signatures of middles."""
    if request.param is not None:
        module = importlib.import_module("pysig._cpu.signature_intervals")
        for name in ("FORWARD", "BACKWARD"):
            model = getattr(module, name)._replace(group_bytes=0)
            monkeypatch.setattr(module, name, model)
        monkeypatch.setattr(module, "MIN_ROWS", request.param)


def pieces(call, bounds, depth, options):
    """The same signatures, of every piece of the paths on its own."""
    rows = []
    for b, points in enumerate(call.paths.points):
        own = bounds[b if len(bounds) > 1 else 0]
        rows.append([pysig.signature(points[a : e + 1], depth, **options) for a, e in own])
    return np.array(rows).reshape(call.count, -1, call.plan.size)


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (2, 1), (9, 2), (5, 3), (2, 6), (18, 2)])
@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_every_scheme(rng, max_rows, make, shape):
    channels, depth = shape
    call = call_of(rng.standard_normal((3, STEPS + 1, channels)), depth, {"inverse": True})
    bounds = make(rng)
    assert_close(
        computed_intervals(call, bounds), pieces(call, bounds, depth, {"inverse": True}), rtol=1e-13
    )


@pytest.mark.parametrize("channels", [2, 5])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_same_bits_for_any_workers_and_batch(rng, max_rows, make, dtype, channels):
    path, bounds = rng.standard_normal((11, STEPS + 1, channels)).astype(dtype), make(rng)
    rows = np.resize(bounds, (11, *bounds.shape[1:])) if len(bounds) > 1 else bounds
    whole = computed_intervals(call_of(path, 3, {"workers": 3}), rows)
    assert_identical(computed_intervals(call_of(path, 3, {"workers": 1}), rows), whole)
    for part in (slice(0, 1), slice(1, 4), slice(4, 11)):
        own = rows[part] if len(bounds) > 1 else rows
        assert_identical(computed_intervals(call_of(path[part], 3, {}), own), whole[part])


@pytest.mark.parametrize("options", [{}, {"scalar_term": True, "inverse": True}], ids=["", "more"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_results_that_no_cache_holds(rng, dtype, options):
    """They are written past the caches, in whole lines, whatever the place of a row in its line."""
    call = call_of(rng.standard_normal((2, 4001, 5)).astype(dtype), 3, {"workers": 2, **options})
    bounds = sliding_bounds(4000, 17)
    whole = computed_intervals(call, bounds)
    assert whole.nbytes > 4 << 20
    exact = call_of(call.paths.points.astype(np.float64), 3, options)
    assert_close(whole, pieces(exact, bounds, 3, options), dtype, rtol=RTOL[dtype.__name__])
    few = computed_intervals(call, bounds[:, :85])  # whole groups
    assert few.nbytes < 4 << 20
    assert_identical(few, np.ascontiguousarray(whole[:, :85]))


def test_planner_and_schedule_agree_on_dense_groups():
    folder = Path(__file__).parents[2] / "csrc/include/pysig/cpu/schedules"
    text = (folder / "interval_rows.hpp").read_text()
    steps, vectors = map(
        int, re.search(r"dense_steps = (\d+), dense_vectors = (\d+)", text).groups()
    )
    assert steps == MAX_DENSE_STEPS
    assert vectors == importlib.import_module("pysig._cpu.signature_intervals").MIN_DENSE_VECTORS


def test_windows_of_a_long_path_with_drift(rng):
    """Where quotients of signatures of prefixes lose all digits."""
    steps = rng.standard_normal((1, 20_001, 2)) + 0.1
    path = np.cumsum(steps.astype(np.float32), axis=1)
    call, bounds = call_of(path, 4, {}), sliding_bounds(20_000, 50)
    some = np.arange(0, bounds.shape[1], 997)
    exact = call_of(path.astype(np.float64), 4, {})
    assert_close(
        computed_intervals(call, bounds)[:, some], pieces(exact, bounds[:, some], 4, {}), rtol=1e-5
    )


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize(
    "costs", [Costs(3, 6, 8), Costs(0, 0, 1000), Costs(9, 1e9, 50), Costs(3, 6, 8, None, 30)]
)
def test_plans_hold_every_interval_once(rng, make, costs):
    bounds = make(rng)
    flat = bounds.reshape(-1, 2)
    groups = plan_groups(bounds, costs)
    sizes = np.diff(groups.begin)
    assert (sizes <= max(costs.max_rows, costs.max_dense)).all()
    assert (sizes > 0).all()
    for listed in (groups.by_start, groups.by_end):
        assert_identical(np.sort(listed), np.arange(len(flat)))
    for g, (first, last) in enumerate(zip(groups.begin, groups.begin[1:], strict=False)):
        by_start, by_end = groups.by_start[first:last], groups.by_end[first:last]
        assert_identical(by_start[groups.stored[first:last]], by_end)
        start, end, mid, resume = (
            flat[by_start, 0],
            flat[by_end, 1],
            groups.mids[g],
            groups.resumes[g],
        )
        assert (np.diff(start) <= 0).all()
        assert (np.diff(end) >= 0).all()
        assert (start <= mid).all()
        assert ((end == mid) | (end >= resume)).all()
        assert len(set((by_start // bounds.shape[1]).tolist())) == 1


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


def derivative(call, along, bounds):
    """The derivative that the backend computes."""
    out = np.full((call.count, bounds.shape[1], call.plan.size), np.nan, call.array.dtype)
    _cpu.signature_intervals_jvp(call.paths, along, bounds, out, call.plan, call.options)
    return out


def gradients(call, cotangent, bounds):
    """The gradients that the backend computes, with that of the basepoint if there is one."""
    points, base = call.paths.points, call.paths.basepoint
    arrays = (None if a is None else np.full(a.shape, np.nan, a.dtype) for a in (points, base))
    into = Cotangents(*arrays)
    _cpu.signature_intervals_vjp(call.paths, cotangent, bounds, into, call.plan, call.options)
    return into


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (2, 1), (9, 2), (1, 3)])
@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_jvp_of_every_scheme(rng, max_rows, make, shape):
    channels, depth = shape
    path, moves = rng.standard_normal((2, 3, STEPS + 1, channels))
    call, bounds = call_of(path, depth, {"inverse": True}), make(rng)
    out = derivative(call, Tangents(moves), bounds)
    for b, own in enumerate(np.broadcast_to(bounds, (3, *bounds.shape[1:]))):
        for k in range(0, len(own), 17):
            piece = slice(own[k, 0], own[k, 1] + 1)
            alone = pysig.signature_jvp(path[b, piece], depth, moves[b, piece], inverse=True)
            assert_close(out[b, k], alone, rtol=1e-12)


def assert_adjoint(call, along, bounds, cotangent):
    """<cotangent, derivative> = <gradients, tangents>."""
    pairs = zip(along, gradients(call, cotangent, bounds), strict=True)
    paired = sum(np.sum(a * g) for a, g in pairs if a is not None)
    terms = derivative(call, along, bounds) * cotangent
    assert paired == pytest.approx(terms.sum(), rel=1e-10, abs=1e-12 * np.abs(terms).sum())


def test_the_adjoint_assertion_fails_on_wrong_answers(rng, monkeypatch):
    path, moves = rng.standard_normal((2, 1, 9, 2))
    call, bounds = call_of(path, 3, {}), sliding_bounds(8, 4)
    cotangent = rng.standard_normal((1, 5, 14))
    assert_adjoint(call, Tangents(moves), bounds, cotangent)
    right = _cpu.signature_intervals_vjp

    def wrong(paths, cotangent, bounds, into, plan, options):
        right(paths, cotangent, bounds, into, plan, options)
        into.path[0, 4, 1] *= 1 + 1e-6

    monkeypatch.setattr(_cpu, "signature_intervals_vjp", wrong)
    with pytest.raises(AssertionError):
        assert_adjoint(call, Tangents(moves), bounds, cotangent)


@pytest.mark.parametrize("shape", [(2, 4), (3, 3), (2, 1), (9, 2), (1, 3)])
@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_vjp_of_every_scheme(rng, max_rows, make, shape):
    channels, depth = shape
    path, moves = rng.standard_normal((2, 3, STEPS + 1, channels))
    call, bounds = call_of(path, depth, {"scalar_term": True, "inverse": True}), make(rng)
    cotangent = rng.standard_normal((3, bounds.shape[1], call.plan.size))
    assert_adjoint(call, Tangents(moves), bounds, cotangent)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", PATHS.values(), ids=PATHS)
def test_vjp_is_the_adjoint_of_jvp(rng, channels, options):
    path, moves = rng.standard_normal((2, 3, 13, channels))
    call = call_of(path, 3, options)
    base = call.paths.basepoint
    along = Tangents(moves, None if base is None else rng.standard_normal(base.shape))
    bounds = bounds_of(rng, steps_of(call), 10)
    assert_adjoint(call, along, bounds, rng.standard_normal((3, 10, call.plan.size)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_of_paths_of_different_lengths(rng, dtype):
    path = rng.standard_normal((3, 13, 2))
    call = call_of(path.astype(dtype), 3, {"lengths": np.array([13, 1, 7])})
    bounds = bounds_of(rng, steps_of(call), 20)
    cotangent = rng.standard_normal((3, 20, 14))
    into = gradients(call, cotangent.astype(dtype), bounds)
    exact = gradients(call_of(path, 3, {"lengths": np.array([13, 1, 7])}), cotangent, bounds)
    assert_close(into.path, exact.path, dtype, rtol=RTOL)
    assert not into.path[1].any()
    assert not into.path[2, 7:].any()


@pytest.mark.parametrize("make", LISTS.values(), ids=LISTS)
def test_same_bits_of_gradients_for_any_workers_and_batch(rng, max_rows, make):
    path, bounds = rng.standard_normal((11, STEPS + 1, 2)), make(rng)
    rows = np.resize(bounds, (11, *bounds.shape[1:])) if len(bounds) > 1 else bounds
    cotangent = rng.standard_normal((11, rows.shape[1], 14))
    whole = gradients(call_of(path, 3, {"workers": 3}), cotangent, rows).path
    for part in (slice(0, 1), slice(1, 4), slice(4, 11)):
        own = rows[part] if len(bounds) > 1 else rows
        some = gradients(call_of(path[part], 3, {"workers": 1}), cotangent[part], own).path
        assert_identical(some, whole[part])
