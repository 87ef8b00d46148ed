"""`logsignature_hvp`: reference, exact differences, symmetry, float32, edges, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._reference import logsignature as reference
from support import on_host

BASES = ("expanded", "words", "brackets", "hall")
RTOL = {"float32": 2e-4, "float64": 1e-10}
# Central differences over one and two steps, exact for polynomials up to the fourth power. Along a
# line a gradient is a polynomial of the step with the highest power depth - 1.
STENCIL = ((1, 2 / 3), (-1, -2 / 3), (2, -1 / 12), (-2, 1 / 12))


def on_hosts(result):
    return (
        [on_host(a) for a in result if a is not None]
        if isinstance(result, tuple)
        else [on_host(result)]
    )


def assert_all_close(actual, expected, dtype):
    """Within a tolerance of the largest number: single entries may cancel."""
    assert len(actual) == len(expected)
    for got, right in zip(actual, expected, strict=True):
        assert got.shape == right.shape
        assert got.dtype == dtype
        if right.size:
            worst = np.abs(got - right).max()
            assert worst <= RTOL[np.dtype(dtype).name] * max(np.abs(right).max(), 1e-3)


def test_the_assertion_fails_on_wrong_answers():
    right = np.linspace(-1, 1, 5)
    assert_all_close([right], [right], np.float64)
    for wrong in (right + 1e-9, right * np.nan, right[1:], right.astype(np.float32)):
        with pytest.raises(AssertionError):
            assert_all_close([wrong], [right], np.float64)


@st.composite
def hvp_calls(draw):
    """A path with options, a cotangent, and tangents: of the path first."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    channels, depth = draw(st.sampled_from([(1, 3), (2, 1), (2, 2), (2, 4), (3, 3), (4, 3)]))
    batch = draw(st.sampled_from([(), (3,), (2, 2), (0,), (9,)]))
    length = draw(st.integers(1, 6))

    def uniform(*shape):
        return (rng.uniform(-1, 1, size=shape) / 2).astype(dtype)

    options = {"basis": draw(st.sampled_from(BASES))}
    for flag in ("stream", "inverse"):
        options[flag] = draw(st.booleans())
    if draw(st.booleans()):
        options["basepoint"] = draw(st.sampled_from([True, uniform(channels)]))
    transform = draw(st.sampled_from([None, None, "time", "lead_lag"]))
    if transform is not None:
        options["transform"] = transform
        depth = min(depth, 3)
    whole = {"time": channels + 1, "lead_lag": 2 * channels}.get(transform, channels)
    if draw(st.booleans()):
        options["initial"] = uniform(*batch, pysig.signature_size(whole, depth))
    if draw(st.booleans()):
        options["lengths"] = rng.integers(1, length + 1, size=batch)
    path = uniform(*batch, length, channels)
    value = pysig.logsignature(path, depth, **options)
    tangents = {"tangent": uniform(*path.shape)} | {
        f"{name}_tangent": uniform(*options[name].shape)
        for name in ("basepoint", "initial")
        if isinstance(options.get(name), np.ndarray) and draw(st.booleans())
    }
    return path, depth, options, uniform(*value.shape), tangents


def exact_difference(path, depth, options, cotangent, tangents):
    """The derivative of the gradient, in float64."""
    wide = {
        name: value.astype(np.float64)
        if isinstance(value, np.ndarray) and name != "lengths"
        else value
        for name, value in options.items()
    }
    total = None
    for steps, weight in STENCIL:
        moved = dict(wide)
        for name in ("basepoint", "initial"):
            if f"{name}_tangent" in tangents:
                moved[name] = wide[name] + steps * tangents[f"{name}_tangent"].astype(np.float64)
        at = path.astype(np.float64) + steps * tangents["tangent"].astype(np.float64)
        terms = [
            weight * a for a in on_hosts(pysig.logsignature_vjp(at, depth, cotangent, **moved))
        ]
        total = terms if total is None else [a + b for a, b in zip(total, terms, strict=True)]
    return total


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(hvp_calls())
def test_it_is_the_derivative_of_the_gradient(xp, call):
    path, depth, options, cotangent, tangents = call
    there = {
        name: xp.asarray(value) if isinstance(value, np.ndarray) else value
        for name, value in {**options, **tangents}.items()
    }
    got = pysig.logsignature_hvp(
        xp.asarray(path), depth, xp.asarray(cotangent), there.pop("tangent"), **there
    )
    arrays = [isinstance(options.get(name), np.ndarray) for name in ("basepoint", "initial")]
    assert isinstance(got, tuple) == any(arrays)
    assert all(isinstance(a, xp.ndarray) for a in (got if any(arrays) else (got,)) if a is not None)
    assert_all_close(
        on_hosts(got), exact_difference(path, depth, options, cotangent, tangents), path.dtype
    )


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("size", [(1, 3), (2, 4), (3, 3)])
def test_agrees_with_the_reference(xp, size, basis):
    channels, depth = size
    rng = np.random.default_rng([channels, len(basis)])
    path, tangent = rng.uniform(-1, 1, (2, 2, 3, channels))
    for options in ({}, {"stream": True, "basepoint": True}, {"inverse": True, "lengths": [2, 3]}):
        value = pysig.logsignature(path, depth, basis=basis, **options)
        cotangent = rng.uniform(-1, 1, value.shape)
        expected = reference.logsignature_hvp(
            path, depth, cotangent, tangent, basis=basis, **options
        )
        got = pysig.logsignature_hvp(
            *(xp.asarray(path), depth, xp.asarray(cotangent), xp.asarray(tangent)),
            basis=basis,
            **options,
        )
        assert_all_close([on_host(got)], [expected], np.float64)


def test_the_reference_is_exact_and_symmetric():
    """In Fractions: w . H v = v . H w to the last digit, for depths of both parities."""
    rng = np.random.default_rng(0)
    from fractions import Fraction

    def fractions(*shape):
        numbers = rng.integers(-4, 5, size=shape)
        return np.array([Fraction(int(n), 4) for n in numbers.flat], object).reshape(shape)

    for depth in (1, 2, 3, 4):
        path, v, w = fractions(3, 2), fractions(3, 2), fractions(3, 2)
        cotangent = fractions(pysig.logsignature_size(2, depth))
        along = [
            (other * reference.logsignature_hvp(path, depth, cotangent, move)).sum()
            for move, other in ((v, w), (w, v))
        ]
        assert along[0] == along[1]
        assert (along[0] == 0) == (depth == 1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(BASES))
def test_the_hessian_is_symmetric(seed, basis):
    rng = np.random.default_rng(seed)
    path, base, start = (rng.normal(size=s) for s in ((5, 6, 2), (2,), (5, 30)))
    options = {"basis": basis, "basepoint": base, "initial": start, "stream": True}
    cotangent = rng.normal(size=pysig.logsignature(path, 4, **options).shape)
    ones, others = ([rng.normal(size=a.shape) for a in (path, base, start)] for _ in range(2))
    forms = []
    for (v, vb, vi), w in ((ones, others), (others, ones)):
        hv = pysig.logsignature_hvp(
            path, 4, cotangent, v, basepoint_tangent=vb, initial_tangent=vi, **options
        )
        forms.append([np.sum(a * b) for a, b in zip(hv, w, strict=True)])
    scale = sum(abs(term) for term in forms[0])
    assert sum(forms[0]) == pytest.approx(sum(forms[1]), rel=0, abs=1e-9 * scale)


def test_results_do_not_depend_on_workers():
    rng = np.random.default_rng(1)
    path, tangent = rng.normal(size=(2, 300, 9, 3))
    cotangent = rng.normal(size=(300, pysig.logsignature_size(3, 4)))
    one, two = (
        pysig.logsignature_hvp(path, 4, cotangent, tangent, basis="hall", workers=workers)
        for workers in (1, 2)
    )
    np.testing.assert_array_equal(one, two)


def test_nan_stays_in_its_path():
    rng = np.random.default_rng(2)
    path, tangent = rng.normal(size=(2, 20, 5, 2))
    cotangent = rng.normal(size=8)
    clean = pysig.logsignature_hvp(path, 4, cotangent, tangent)
    path[3, 2, 1] = np.nan
    dirty = pysig.logsignature_hvp(path, 4, cotangent, tangent)
    assert np.isnan(dirty[3]).any()
    np.testing.assert_array_equal(np.delete(dirty, 3, 0), np.delete(clean, 3, 0))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((np.zeros((4, 2)), 2, np.zeros(5), np.zeros((4, 2))), {}, ValueError, "cotangent: "),
        ((np.zeros((4, 2)), 2, np.zeros(3), np.zeros((3, 2))), {}, ValueError, "tangent: "),
        ((np.zeros(4), 2, np.zeros(3), np.zeros(4)), {}, ValueError, "path: "),
        ((np.zeros((4, 2)), 0, np.zeros(3), np.zeros((4, 2))), {}, ValueError, "depth: "),
        (
            (np.zeros((4, 2)), 2, np.zeros(3), np.zeros((4, 2))),
            {"basis": "lyndon"},
            ValueError,
            "basis: ",
        ),
        (
            (np.zeros((4, 2)), 2, np.zeros(3), np.zeros((4, 2))),
            {"initial_tangent": np.zeros(6)},
            ValueError,
            "initial_tangent: expected None",
        ),
    ],
)
def test_errors_name_the_argument(arguments, options, error, words):
    with pytest.raises(error, match=rf"^{words}"):
        pysig.logsignature_hvp(*arguments, **options)
