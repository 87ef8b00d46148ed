"""`transform=`: a reference by hand; signatures and derivatives of transformed paths."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from itertools import permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference import signature as reference
from pysig._reference.transform import transformed
from pysig.testing import assert_signatures_close, running_scales
from support import antipode, doubled, on_device, on_host

STAGES = ("time", "lead_lag", "basepoint", "reset")
CHAINS = [chain for n in range(1, 5) for chain in permutations(STAGES, n)]
# Every GPU chain of a size is a kernel of its own: few, which meet all stages inside and outside.
GPU_CHAINS = [
    ("time",),
    ("lead_lag",),
    ("reset",),
    ("lead_lag", "time"),
    ("time", "lead_lag", "basepoint"),
    ("reset", "time", "basepoint", "lead_lag"),
    ("lead_lag", "basepoint", "reset", "time"),
]
settings.register_profile(
    "transforms",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
PROFILE = settings.get_profile("transforms")


# ---- reference, by hand ----

PATH = np.array([[1.0, 10.0], [2.0, 20.0], [5.0, 50.0]])


@pytest.mark.parametrize(
    ("stage", "points"),
    [
        ("time", [[1, 10, 0], [2, 20, 0.5], [5, 50, 1]]),
        (pysig.Time(end=4), [[1, 10, 0], [2, 20, 2], [5, 50, 4]]),
        (pysig.Time([3, 4, 9]), [[1, 10, 3], [2, 20, 4], [5, 50, 9]]),
        (
            "lead_lag",  # the past first, the present second; the present moves first
            [[1, 10, 1, 10], [1, 10, 2, 20], [2, 20, 2, 20], [2, 20, 5, 50], [5, 50, 5, 50]],
        ),
        ("basepoint", [[0, 0], [1, 10], [2, 20], [5, 50]]),
        ("reset", [[1, 10, 1], [2, 20, 1], [5, 50, 1], [5, 50, 0], [0, 0, 0]]),
    ],
)
def test_every_stage_by_hand(stage, points):
    np.testing.assert_array_equal(transformed(PATH, [stage]), points)
    by_hand = pysig.signature(np.array(points, float), 3)
    np.testing.assert_allclose(pysig.signature(PATH, 3, transform=stage), by_hand, rtol=1e-13)
    shape = (len(points), len(points[0]))
    name = "time" if isinstance(stage, pysig.Time) else stage
    assert pysig.transformed_shape(3, 2, name) == shape


def test_stages_are_applied_in_their_order():
    first = transformed(PATH, ["time", "basepoint"])
    np.testing.assert_array_equal(first[:2], [[0, 0, 0], [1, 10, 0]])
    np.testing.assert_array_equal(transformed(PATH, ["basepoint", "time"])[1], [1, 10, 1 / 3])
    assert transformed(PATH, ["time", "lead_lag"]).shape == (5, 6)
    assert transformed(PATH, ["lead_lag", "time"]).shape == (5, 5)


def test_lead_lag_sees_the_quadratic_variation_exactly():
    path = np.vectorize(Fraction, otypes=[object])(np.array([[0], [3], [1], [4]], dtype=object))
    s = reference.signature(path, 2, transform="lead_lag")
    area = s[pysig.word_index((1, 0), 2)] - s[pysig.word_index((0, 1), 2)]
    assert area == 9 + 4 + 9


def test_time_makes_the_clock_visible():
    fast = np.array([[0.0], [1.0], [1.0], [1.0]])
    slow = np.array([[0.0], [0.0], [0.0], [1.0]])
    np.testing.assert_array_equal(pysig.signature(fast, 3), pysig.signature(slow, 3))
    seen = [pysig.signature(p, 3, transform="time") for p in (fast, slow)]
    assert np.abs(seen[0] - seen[1]).max() > 0.1


def test_reset_makes_the_end_point_visible():
    s = pysig.signature(PATH, 2, transform="reset")
    assert s[2] == -1.0  # the channel that was switched off
    np.testing.assert_allclose(s[:2], -PATH[0])  # what is left of the way there and back
    moved = pysig.signature(PATH + 1, 2, transform="reset")
    assert np.abs(moved - s).max() > 0.5


# ---- signatures ----


@st.composite
def transform_cases(draw, on_gpu=False, few=False):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    chain = draw(st.sampled_from(GPU_CHAINS if on_gpu else CHAINS))
    channels = 1 if on_gpu or few else draw(st.sampled_from([1, 1, 2, 3, 5]))
    width = pysig.transformed_shape(1, channels, chain)[1]
    most = 150 if few else 800
    depth = (
        2
        if on_gpu
        else draw(
            st.sampled_from(
                [n for n in range(1, 6) if n == 1 or pysig.signature_size(width, n) < most]
            )
        )
    )
    batch = draw(
        st.sampled_from([(), (3,), (2, 2)] if few or on_gpu else [(), (1,), (3, 4), (17,)])
    )
    length = draw(st.integers(1, 5) if few else st.one_of(st.integers(1, 8), st.integers(1, 60)))
    path = (rng.normal(size=(*batch, length, channels)) / np.sqrt(length)).astype(dtype)
    options = {"scalar_term": draw(st.booleans()), "stream": draw(st.booleans())}
    options["inverse"] = draw(st.booleans())
    based = draw(st.booleans()) and "basepoint" not in chain
    if based:
        options["basepoint"] = draw(
            st.sampled_from([True, rng.normal(size=(*batch, channels)).astype(dtype)])
        )
    if draw(st.booleans()):
        options["lengths"] = rng.integers(1, length + 1, size=batch)
    if draw(st.booleans()):
        size = pysig.signature_size(width, depth, options["scalar_term"])
        options["initial"] = rng.normal(size=(*batch, size)).astype(dtype)
        if options["scalar_term"]:
            options["initial"][..., 0] = 1
    stages = list(chain)
    if "time" in chain and draw(st.booleans()):
        place = chain.index("time")
        points = pysig.transformed_shape(length + based, channels, chain[:place])[0]
        shape = draw(st.sampled_from([(points,), (*batch, points)]))
        times = rng.uniform(0, 1, size=shape).cumsum(axis=-1)
        stages[place] = pysig.Time(times.astype(dtype))
    options["transform"] = draw(st.sampled_from([stages, tuple(stages)]))
    if len(stages) == 1 and draw(st.booleans()):
        options["transform"] = stages[0]
    return path, depth, options


def assert_transformed(actual, path, depth, *, stream, inverse, **options):
    """Compare with the reference; inverses by the antipode, because `initial` is rounded."""
    width = pysig.transformed_shape(1, path.shape[-1], options["transform"])[1]
    scalar_term = options["scalar_term"]
    options = doubled(options)
    prefixes = reference.signature(path, depth, stream=True, **options)
    if stream:
        expected = prefixes
    elif prefixes.shape[-2]:
        expected = prefixes[..., -1, :]
    else:
        expected = reference.signature(path, depth, **options)
    if inverse:
        expected = antipode(expected, width, depth, scalar_term)
    scale = running_scales(path, depth, stream=stream, prefixes=prefixes, **options)
    assert_signatures_close(actual, expected, width, depth, scale=scale, scalar_term=scalar_term)


@settings(PROFILE, max_examples=150)
@given(data=st.data())
def test_signatures_agree_with_the_reference(xp, data):
    path, depth, options = data.draw(transform_cases(on_gpu=xp is not np))
    given_options = on_device(xp, options)
    for method in ("tile", "cumsum", "auto"):
        actual = pysig.signature(xp.asarray(path), depth, method=method, workers=2, **given_options)
        assert actual.dtype == path.dtype
        assert_transformed(on_host(actual), path, depth, **options)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("batch", "length", "channels"),
    [(1, 3000, 2), (3, 1000, 4), (40, 60, 2), (1, 200, 17), (2, 9, 30)],
)
def test_every_schedule(batch, length, channels, dtype, rng):
    """Chunks of time, letters in lanes, wide tiles: against the path transformed by hand."""
    path = (rng.normal(size=(batch, length, channels)) / np.sqrt(length)).astype(dtype)
    lengths = rng.integers(length // 2, length + 1, size=batch)
    for chain in (["time"], ["lead_lag"], ["time", "lead_lag", "reset"], ["lead_lag", "basepoint"]):
        for depth in (2, 3 if channels < 10 else 2):
            actual = pysig.signature(path, depth, transform=chain, lengths=lengths)
            points = [
                transformed(p[:n], chain) for p, n in zip(path.astype(float), lengths, strict=True)
            ]
            expected = np.stack([pysig.signature(p, depth, method="cumsum") for p in points])
            width = pysig.transformed_shape(1, channels, chain)[1]
            rtol = 1e-4 if dtype is np.float32 else 1e-11
            assert_signatures_close(actual, expected, width, depth, rtol=rtol)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("batch", "length", "channels"),
    [(37, 60, 1), (20, 41, 2), (3, 500, 3), (64, 33, 5), (5, 9, 11)],
)
@pytest.mark.parametrize("times", [False, True])
def test_a_channel_of_time_is_a_channel(batch, length, channels, dtype, times, rng):
    """Bit by bit the increments of a path that has the times, and its derivatives."""
    path = rng.normal(size=(batch, length, channels)).astype(dtype)
    lengths = rng.integers(1, length + 1, size=batch)
    clocks = np.sort(rng.uniform(size=(batch, length)), axis=1).astype(dtype)
    clocks -= clocks[:, :1]
    if not times:
        steps = np.maximum(lengths - 1, 1).astype(dtype)[:, None]
        clocks = np.arange(length).astype(dtype) / steps
    whole = np.concatenate([path, clocks[..., None]], axis=-1)
    stage = pysig.Time(clocks) if times else "time"
    found = pysig.signature(path, 3, transform=stage, lengths=lengths)
    np.testing.assert_array_equal(found, pysig.signature(whole, 3, lengths=lengths))
    cotangent = rng.normal(size=found.shape).astype(dtype)
    gradient = pysig.signature_vjp(path, 3, cotangent, transform=stage, lengths=lengths)
    expected = pysig.signature_vjp(whole, 3, cotangent, lengths=lengths)[..., :-1]
    scale = np.abs(expected).max()
    assert np.abs(gradient - expected).max() <= 20 * np.finfo(dtype).eps * scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(37, 500, 3), (3, 501, 5), (16, 150, 1), (1, 3001, 2)])
@pytest.mark.parametrize("stage", ["time", "lead_lag"])
@pytest.mark.parametrize("basepoint", [False, True])
def test_points_may_lie_anywhere(shape, dtype, stage, basepoint, rng):
    """Those that lie one after the other are read in another way than those that do not."""
    path = (rng.normal(size=shape) / np.sqrt(shape[1])).astype(dtype)
    apart = np.repeat(path, 2, axis=-1)[..., ::2]
    for lengths in (None, rng.integers(1, shape[1] + 1, size=shape[0])):
        options = {"transform": stage, "basepoint": basepoint, "lengths": lengths}
        value = pysig.signature(path, 3, **options)
        np.testing.assert_array_equal(value, pysig.signature(apart, 3, **options))
        cotangent = rng.normal(size=value.shape).astype(dtype)
        np.testing.assert_array_equal(
            pysig.signature_vjp(path, 3, cotangent, **options),
            pysig.signature_vjp(apart, 3, cotangent, **options),
        )


def test_time_adds_up(xp):
    """However many steps it has: equal increments, each rounded alike, would not."""
    for length in (1000, 70_000, 300_000):
        path = xp.zeros((1, length, 1), xp.float32)
        found = pysig.signature(path, 4, transform="time")
        powers = [float(found[0, 2 ** (k + 1) - 3]) * factorial(k) for k in range(1, 5)]
        np.testing.assert_allclose(powers, 1, rtol=3e-6)


def test_logsignatures(xp, rng):
    path = rng.normal(size=(5, 9, 2))
    chain, lengths = ["lead_lag", "time"], np.array([9, 3, 1, 8, 5])
    times = rng.uniform(size=(5, 17)).cumsum(axis=-1)
    for stages in (chain, ["lead_lag", pysig.Time(times)]):
        options = on_device(xp, {"transform": stages, "lengths": lengths})
        x = xp.asarray(path)
        for stream in (False, True):
            s = pysig.signature(x, 3, stream=stream, **options)
            expected = on_host(pysig.signature_to_logsignature(s, 5, 3, basis="brackets"))
            actual = on_host(pysig.logsignature(x, 3, basis="brackets", stream=stream, **options))
            np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


# ---- derivatives ----


def assert_close_to_terms(actual, expected, terms):
    """Against the largest entry, or that of the terms, which cancel on closed paths."""
    assert actual.shape == expected.shape
    if expected.size:
        rtol = 1e-4 if terms.dtype == np.float32 else 1e-10
        scale = max(np.abs(expected).max(), np.abs(terms).max(initial=0))
        assert np.abs(actual - expected).max() <= rtol * scale


def test_the_assertion_fails_on_wrong_answers():
    right = np.linspace(-1, 1, 5)
    assert_close_to_terms(right, right, right)
    for wrong in (right + 1e-9, right * np.nan, right[1:]):
        with pytest.raises(AssertionError):
            assert_close_to_terms(wrong, right, right)


@settings(PROFILE, max_examples=60)
@given(data=st.data())
def test_derivatives_agree_with_the_reference(xp, data):
    path, depth, options = data.draw(transform_cases(on_gpu=xp is not np, few=True))
    value = pysig.signature(path, depth, **options)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    cotangent, tangent = (rng.normal(size=a.shape).astype(path.dtype) for a in (value, path))
    x, given_options, wide = xp.asarray(path), on_device(xp, options), doubled(options)
    bars = reference.signature_cotangents(path, depth, cotangent, **wide)
    found = pysig.signature_vjp(x, depth, xp.asarray(cotangent), **given_options)
    found = found if isinstance(found, tuple) else (found, None, None)
    for got, right in zip(found, bars, strict=True):
        assert (got is None) == (right is None)
        if right is not None:
            assert_close_to_terms(on_host(got), right, cotangent)
    moved = pysig.signature_jvp(x, depth, xp.asarray(tangent), **given_options)
    assert_close_to_terms(
        on_host(moved), reference.signature_jvp(path, depth, tangent, **wide), tangent
    )


def test_a_hessian_vector_product_is_the_derivative_of_the_gradient(xp, rng):
    for chain in GPU_CHAINS:
        path, tangent = rng.normal(size=(2, 2, 6, 1))
        width = pysig.transformed_shape(1, 1, chain)[1]
        cotangent = xp.asarray(rng.normal(size=(2, pysig.signature_size(width, 2))))

        def gradient(p, chain=chain, cotangent=cotangent):
            return on_host(pysig.signature_vjp(xp.asarray(p), 2, cotangent, transform=chain))

        arguments = xp.asarray(path), 2, cotangent, xp.asarray(tangent)
        actual = on_host(pysig.signature_hvp(*arguments, transform=chain))
        # Depth 2 is quadratic in the points: central differences are exact but for rounding.
        difference = (gradient(path + tangent) - gradient(path - tangent)) / 2
        np.testing.assert_allclose(actual, difference, rtol=1e-10, atol=1e-10)


# ---- numbers and argument checks ----


def test_nan_goes_where_it_is_seen_however_many_paths_there_are():
    path = np.array([[0.0, 0, 0], [1, 2, np.nan], [1, 1, 1]])
    for chain in ("lead_lag", ("time", "lead_lag"), ("lead_lag", "time")):
        for depth in (2, 3):
            alone = pysig.signature(path, depth, transform=chain, method="cumsum")
            for batch in (1, 2, 3, 8, 17):
                paths = np.broadcast_to(path, (batch, 3, 3))
                s = pysig.signature(paths, depth, transform=chain, method="tile")
                assert (np.isnan(s) == np.isnan(alone)).all()


def test_integer_times_are_subtracted_as_integers():
    times = np.array([1700000000000000000, 1700000000000000100, 1700000000000000300])
    rows = pysig.signature(np.zeros((3, 1)), 1, transform=pysig.Time(times), stream=True)
    np.testing.assert_array_equal(rows[:, 1], [100.0, 300.0])


def test_times_of_this_century_survive_float32():
    start, seconds = 1.7e9, np.array([0.0, 1.0, 1.5, 4.0])
    path = np.zeros((4, 1), np.float32)
    s = pysig.signature(path, 1, transform=pysig.Time(start + seconds))
    assert s[1] == 4.0


@pytest.mark.skipif(sys.platform != "linux", reason="counts resident memory as Linux does")
def test_nothing_of_the_transformed_size_is_stored():
    """A million points: lead-lag with time would be 48 MB. The same measure sees them if they are
    made by hand.
    """
    program = """
import re, numpy as np, pysig
path = np.random.default_rng(0).normal(size=(1_000_000, 1))
chain = ["lead_lag", "time"]
pysig.signature(path[:1000], 2, transform=chain)
peak = lambda: int(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1])
before = peak()
pysig.signature(path, 2, transform=chain)
pysig.signature(path.astype(np.float32), 2, transform=chain, workers=2)
after = peak()
twice = np.repeat(path, 2, axis=0)
pysig.signature(np.concatenate([twice[:-1], twice[1:], twice[1:]], axis=1), 2)
print(after - before, peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fused, by_hand = map(int, done.stdout.split())
    assert fused < 16_000  # kB: the path in float32, and some scratch
    assert by_hand > 40_000


def test_equals_pysiglib(rng):
    pysiglib = pytest.importorskip("pysiglib", reason="pysiglib is not installed")
    path = rng.normal(size=(4, 7, 3))
    for theirs, ours in [
        ({"time_aug": True}, "time"),
        ({"time_aug": True, "end_time": 2.5}, pysig.Time(end=2.5)),
        ({"lead_lag": True}, "lead_lag"),
        ({"lead_lag": True, "time_aug": True}, ("lead_lag", "time")),
    ]:
        expected = pysiglib.sig(path, 3, **theirs)
        np.testing.assert_allclose(
            pysig.signature(path, 3, transform=ours), expected, rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize(
    ("transform", "error", "words"),
    [
        ("lag", ValueError, "transform: expected .*lead_lag.*received str 'lag'"),
        (3, TypeError, "transform: expected .*received int 3"),
        (["time", None], TypeError, "received NoneType None"),
        (["time", pysig.Time()], ValueError, "at most once.*time.*2 times"),
        (pysig.Time([0.0, 1.0]), ValueError, "times: expected a time for each of the 3 points"),
        (["lead_lag", pysig.Time([0.0, 1.0, 2.0])], ValueError, "each of the 5 points.*lead_lag"),
        (pysig.Time([[0.0, 1, 2]] * 2), ValueError, "times: expected a shape that broadcasts"),
        (pysig.Time(np.arange(6)), ValueError, "each of the 3 points, received shape"),
        (
            pysig.Time(np.array([-1e308, 0.0, 1e308])),
            ValueError,
            "times: expected times whose differences float64 holds",
        ),
    ],
)
def test_bad_transforms(transform, error, words):
    with pytest.raises(error, match=words):
        pysig.signature(PATH, 2, transform=transform)
    with pytest.raises(error, match=words):
        pysig.signature_vjp(PATH, 2, np.zeros(1), transform=transform)


def test_two_basepoints_are_refused():
    with pytest.raises(ValueError, match="basepoint: expected None"):
        pysig.signature(PATH, 2, transform="basepoint", basepoint=[0.0, 0.0])


@pytest.mark.parametrize("end", [float("inf"), float("nan"), 10**400])
def test_the_end_of_time_is_finite(end):
    with pytest.raises(ValueError, match="end: expected a finite number"):
        pysig.Time(end=end)


@pytest.mark.parametrize(
    ("times", "error", "words"),
    [
        (1.0, ValueError, r"times: expected shape \(\.\.\., points\), .*received shape \(\)"),
        (["a", "b", "c"], TypeError, "times: expected numbers, datetime64"),
        ([True, False, True], TypeError, "times: expected numbers"),
        ([[0.0, [1.0]], [2.0, 3.0]], ValueError, "times: expected an array"),
        (np.zeros(3, complex), TypeError, r"times: .*pass times\.real"),
    ],
)
def test_bad_times_are_refused_before_there_is_a_path(times, error, words):
    with pytest.raises(error, match=f"^{words}"):
        pysig.Time(times)


def test_bad_times_of_an_object():
    with pytest.raises(TypeError, match="end: expected a number"):
        pysig.Time(end="1")
    for digits in (400, 5000):  # of the second Python itself prints no digits
        for end in (10**digits, -(10**digits)):
            with pytest.raises(ValueError, match="end: expected a finite number") as caught:
                pysig.Time(end=end)
            assert len(str(caught.value)) < 120
    with pytest.raises(TypeError, match="end: expected a number, received tuple of long integers"):
        pysig.Time(end=(10**5000,))
    with pytest.raises(ValueError, match=r"end: expected 1\.0, since times are given"):
        pysig.Time([0.0, 1.0], end=2)


def test_an_empty_sequence_is_not_a_transform():
    np.testing.assert_array_equal(
        pysig.signature(PATH, 2, transform=[]), pysig.signature(PATH, 2, transform=None)
    )
    assert pysig.transformed_shape(3, 2, None) == (3, 2) == pysig.transformed_shape(3, 2, ())
