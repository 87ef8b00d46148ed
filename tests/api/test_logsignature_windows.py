"""Log-signatures of windows and intervals: the logarithm of their signatures, with derivatives."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import pysig
from pysig._api import _gather, _intervals
from support import assert_close, on_host

BASES = ["words", "brackets", "hall", "expanded"]
BOUNDS = np.array([[0, 9], [3, 7], [2, 2], [5, 6], [4, 9]])


@pytest.fixture
def path(rng):
    return rng.normal(size=(2, 9, 2)).cumsum(axis=-2)


def logarithm(rows, basis):
    return pysig.signature_to_logsignature(rows, 2, 3, basis=basis)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("options", [{}, {"basepoint": True, "inverse": True}])
def test_values(xp, path, basis, options):
    array = xp.asarray(path)
    for name, argument in (("intervals", BOUNDS), ("windows", 4)):
        rows = getattr(pysig, f"signature_{name}")(path, 3, argument, **options)
        compute = getattr(pysig, f"logsignature_{name}")
        actual = compute(array, 3, argument, basis=basis, **options)
        assert_close(on_host(actual), logarithm(rows, basis), np.float64, rtol=1e-13)
        if xp is np:
            out = np.empty_like(actual)
            assert compute(path, 3, argument, basis=basis, out=out, **options) is out
            assert np.array_equal(out, actual)


@pytest.mark.parametrize("basis", ["words", "expanded"])
def test_derivatives(xp, rng, path, basis):
    array, tangent = xp.asarray(path), rng.normal(size=path.shape)
    for name, argument in (("intervals", BOUNDS), ("windows", 4)):
        rows = getattr(pysig, f"signature_{name}")(path, 3, argument)
        change = getattr(pysig, f"signature_{name}_jvp")(path, 3, argument, tangent)
        expected = pysig.signature_to_logsignature_jvp(rows, 2, 3, change, basis=basis)
        compute = getattr(pysig, f"logsignature_{name}_jvp")
        actual = compute(array, 3, argument, xp.asarray(tangent), basis=basis)
        assert_close(on_host(actual), expected, np.float64, rtol=1e-12)
        weights = rng.normal(size=expected.shape)
        bar = pysig.signature_to_logsignature_vjp(rows, 2, 3, weights, basis=basis)
        expected = getattr(pysig, f"signature_{name}_vjp")(path, 3, argument, bar)
        compute = getattr(pysig, f"logsignature_{name}_vjp")
        actual = compute(array, 3, argument, xp.asarray(weights), basis=basis)
        assert_close(on_host(actual), expected, np.float64, rtol=1e-12)


@pytest.mark.parametrize("fit", [1, 2, 7])
def test_slabs_do_not_change_results(rng, path, monkeypatch, fit):
    """Windows are computed some at a time: of some paths, or of a part of one path."""
    whole = pysig.logsignature_windows(path, 3, 4)
    weights = rng.normal(size=whole.shape)
    gradient = pysig.logsignature_windows_vjp(path, 3, 4, weights)
    moved = pysig.logsignature_windows_jvp(path, 3, 4, path)
    base = rng.normal(size=2)
    based = pysig.logsignature_windows_vjp(path, 3, 4, weights, basepoint=base)
    monkeypatch.setattr(_intervals, "SLAB_BYTES", fit * 14 * 8)
    monkeypatch.setattr(_gather, "SLAB_BYTES", fit * 14 * 8)
    assert_close(pysig.logsignature_windows(path, 3, 4), whole, rtol=1e-14)
    actual = pysig.logsignature_windows_vjp(path, 3, 4, weights)
    assert_close(actual, gradient, rtol=1e-14)
    assert_close(pysig.logsignature_windows_jvp(path, 3, 4, path), moved, rtol=1e-14)
    actual = pysig.logsignature_windows_vjp(path, 3, 4, weights, basepoint=base)
    assert_close(actual.path, based.path, rtol=1e-14)
    assert_close(actual.basepoint, based.basepoint, rtol=1e-13)


def test_long_windows_of_float32_have_gradients_of_float64(rng):
    length = 9000
    path = (rng.normal(size=(length, 2)) / 100).cumsum(axis=0).astype(np.float32)
    weights = rng.normal(size=3).astype(np.float32)
    actual = pysig.logsignature_intervals_vjp(path, 2, [(0, length)], weights[None])
    assert actual.dtype == np.float32
    expected = pysig.logsignature_vjp(path.astype(np.float64), 2, weights)
    assert_close(actual, expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["windows", "intervals"])
def test_options_and_errors(path, name):
    argument = 3 if name == "windows" else BOUNDS
    for suffix in ("", "_vjp", "_jvp"):
        options = inspect.signature(getattr(pysig, f"logsignature_{name}{suffix}")).parameters
        assert "scalar_term" not in options
        assert options["basis"].default == "words"
    compute = getattr(pysig, f"logsignature_{name}")
    with pytest.raises(ValueError, match=r"^basis: expected one of"):
        compute(path, 3, argument, basis="lyndon")
    with pytest.raises(TypeError, match="unexpected keyword argument 'words'"):
        compute(path, 3, argument, words=[(0,)])
    with pytest.raises(TypeError, match=r"^depth: expected an integer.*Pass it\."):
        compute(path, None, argument)
