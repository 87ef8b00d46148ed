"""Signature kernels against the reference implementation, closed forms and identities."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import pysig
from kernel_calls import Call, expected_kernels, kernel_calls, kernel_walks, require_kernels
from pysig._api import _memory
from pysig._reference import signature_kernel as reference
from support import assert_close, on_device, on_host

RTOL = {"float32": 1e-5, "float64": 1e-13}
SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
# Methods of a truncated kernel; the last is of all levels.
METHODS = [
    {"depth": 3, "method": "recursion"},
    {"depth": 3, "order": 2},
    {"depth": 3, "method": "features"},
    {"order": 4},
    {"order": 3, "static_kernel": pysig.kernels.RBF(2.0)},
    {"method": "finite_difference"},
]


# ---- against the reference implementation ----


@settings(max_examples=120, **SETTINGS)
@given(kernel_calls())
def test_values_agree_with_the_reference(xp, call):
    require_kernels(xp)
    x, y = (None if side is None else xp.asarray(side) for side in (call.x, call.y))
    result = call.function(x, y, call.depth, **on_device(xp, call.options))
    assert isinstance(result, xp.ndarray)
    assert_close(on_host(result), expected_kernels(call), call.x.dtype, rtol=RTOL, least=1.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("options", METHODS, ids=str)
@pytest.mark.parametrize("length", [2, 9, 70])
def test_longer_paths_agree_with_the_reference(rng, xp, dtype, options, length):
    """Sizes with whole vectors and blocks of rows, and what is left of them."""
    require_kernels(xp)
    x, y = kernel_walks(rng, 3, length, 4, dtype=dtype), kernel_walks(rng, 19, 33, 4, dtype=dtype)
    options = dict(options)
    depth = options.pop("depth", None)
    for call in (Call(x, y, depth, options, False), Call(x, None, depth, options, False)):
        there = None if call.y is None else xp.asarray(call.y)
        result = call.function(xp.asarray(call.x), there, depth, **options)
        assert_close(on_host(result), expected_kernels(call), dtype, rtol=RTOL)


@pytest.mark.parametrize("order", range(1, 17))
def test_every_order(rng, order):
    x, y = kernel_walks(rng, 2, 6, 2, scale=2.0), kernel_walks(rng, 2, 5, 2, scale=2.0)
    for depth in (None, 5):
        call = Call(x, y, depth, {"order": order, "method": "recursion"}, True)
        result = pysig.signature_kernel(x, y, depth, **call.options)
        assert_close(result, expected_kernels(call), rtol=RTOL)


def test_an_order_of_a_few_segments_is_that_of_the_tensors(rng):
    x, y = rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    for order in (1, 2, 3):
        value = pysig.signature_kernel(x, y, order=order)
        assert_close(value, reference.by_tensors(x, y, order).sum(), rtol=1e-13)


# ---- closed forms and identities ----


def bessel_series(z, order=40):
    """``sum_{n <= order} z^n / (n!)^2``, which is I_0(2 sqrt(z)) for a large order."""
    return sum(z**n / factorial(n) ** 2 for n in range(order + 1))


@pytest.mark.parametrize("z", [0.25, 3.0, -2.0])
def test_single_segments_are_bessel_functions(z):
    x, y = np.array([[0.0], [1.0]]), np.array([[0.0], [z]])
    for order in (1, 2, 7):
        value = pysig.signature_kernel(x, y, order=order)
        assert_close(value, bessel_series(z, order), rtol=1e-14, least=1.0)
    assert_close(pysig.signature_kernel(x, y, order=16), bessel_series(z), rtol=1e-13, least=1.0)


def test_one_channel_sees_the_increment_only(rng):
    x, y = kernel_walks(rng, 40, 1), kernel_walks(rng, 30, 1)
    z = ((x[-1] - x[0]) * (y[-1] - y[0])).item()
    assert_close(pysig.signature_kernel(x, y, order=8), bessel_series(z), rtol=1e-12, least=1.0)


def test_a_path_and_its_return_cancel(rng):
    x, y = kernel_walks(rng, 20, 3), kernel_walks(rng, 15, 3)
    there_and_back = np.concatenate([y, y[::-1]])
    assert abs(pysig.signature_kernel(x, there_and_back, order=12) - 1) < 1e-12


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_constant_paths_and_single_points_give_one(rng, options):
    x = kernel_walks(rng, 4, 9, 2)
    for still in (np.full((1, 7, 2), 3.0), np.ones((2, 1, 2))):
        for kernels in (
            pysig.signature_kernel_matrix(x, still, **options),
            pysig.signature_kernel_matrix(still, x, **options),
            pysig.signature_kernel_matrix(still, **options),
        ):
            np.testing.assert_array_equal(kernels, 1)


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_reversing_both_and_swapping(rng, options):
    x, y = kernel_walks(rng, 3, 12, 2), kernel_walks(rng, 4, 9, 2)
    k = pysig.signature_kernel_matrix(x, y, **options)
    if options.get("method") != "finite_difference":
        back = pysig.signature_kernel_matrix(x[:, ::-1], y[:, ::-1], **options)
        assert_close(back, k, rtol=1e-13)
    assert_close(pysig.signature_kernel_matrix(y, x, **options).T, k, rtol=1e-13)


def test_the_grid_has_the_kernels_of_prefixes(rng):
    x, y = kernel_walks(rng, 6, 2), kernel_walks(rng, 4, 2)
    for options in ({"order": 3}, {"depth": 3, "order": 2}, {"method": "finite_difference"}):
        grid = pysig.signature_kernel(x, y, grid=True, **options)
        for i, j in ((0, 2), (3, 0), (2, 3), (5, 3)):
            value = pysig.signature_kernel(x[: i + 1], y[: j + 1], **options)
            assert_close(grid[i, j], value, rtol=1e-13)


def test_levels_sum_to_the_kernel_and_weights_weigh_them(rng):
    x, y = kernel_walks(rng, 3, 12, 2), kernel_walks(rng, 4, 9, 2)
    w = np.array([0.5, 0.0, 2.0, 1.0])
    for options in ({"order": 1}, {"order": 2}, {"method": "features"}):
        levels = pysig.signature_kernel_matrix(x, y, 3, levels=True, **options)
        assert_close(
            levels.sum(axis=-1), pysig.signature_kernel_matrix(x, y, 3, **options), rtol=1e-13
        )
        np.testing.assert_array_equal(levels[..., 0], 1)
        weighted = pysig.signature_kernel_matrix(x, y, 3, weights=w, **options)
        assert_close(weighted, levels @ w, rtol=1e-13)


def test_signatures_give_the_truncated_kernel(rng):
    x, y = kernel_walks(rng, 5, 20, 3), kernel_walks(rng, 6, 30, 3)
    products = 1 + pysig.signature(x, 4) @ pysig.signature(y, 4).T
    for options in ({}, {"method": "features"}, {"method": "recursion"}, {"order": 7}):
        k = pysig.signature_kernel_matrix(x, y, 4, **options)
        assert_close(k, products, rtol=1e-13)


# ---- symmetry and positivity ----


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("more", [{}, {"normalize": True}])
@pytest.mark.parametrize("options", METHODS, ids=str)
def test_symmetric_to_the_last_bit(rng, xp, dtype, options, more):
    require_kernels(xp)
    x = xp.asarray(kernel_walks(rng, 37, 23, 3, dtype=dtype))
    gram = on_host(pysig.signature_kernel_matrix(x, **options, **more))
    np.testing.assert_array_equal(gram, gram.T)
    both = on_host(pysig.signature_kernel_matrix(x, x, **options, **more))
    assert_close(gram, both.astype(np.float64), rtol=RTOL)
    if more:
        np.testing.assert_array_equal(np.diag(gram), 1)
    if "depth" in options:
        of_levels = on_host(pysig.signature_kernel_matrix(x, normalize="levels", **options))
        np.testing.assert_array_equal(of_levels, of_levels.T)


def smallest_eigenvalue(gram):
    """Of the Gram matrix scaled to a diagonal of 1, relative to the largest one."""
    scale = 1 / np.sqrt(np.abs(np.diag(gram)))
    values = np.linalg.eigvalsh(gram * scale * scale[:, None])
    return values[0] / values[-1]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 7, 12, 16])
@pytest.mark.parametrize("scale", [1.0, 7.0, 20.0])  # z up to 0.8, 38 and 310
def test_matrices_are_positive_semi_definite(rng, dtype, order, scale):
    if dtype == np.float32:  # kernels of rougher paths are beyond float32
        scale = min(scale, 5.0)
    x = kernel_walks(rng, 30, 20, 2, dtype=dtype, scale=scale)
    least = -len(x) * np.finfo(dtype).eps
    for static in (None, pysig.kernels.RBF(1.0), pysig.kernels.Matern(1.0, 0.5)):
        gram = pysig.signature_kernel_matrix(x, order=order, static_kernel=static)
        assert np.isfinite(gram).all()
        assert smallest_eigenvalue(gram.astype(np.float64)) >= least
        by_level = pysig.signature_kernel_matrix(
            x, depth=4, order=min(order, 4), static_kernel=static, normalize="levels"
        )
        assert smallest_eigenvalue(by_level.astype(np.float64)) >= least


def test_finite_differences_are_not(rng):
    """This shows that the test above can fail, and the reason for the square scheme."""
    x = kernel_walks(rng, 30, 20, 2, scale=20.0)
    gram = pysig.signature_kernel_matrix(x, method="finite_difference")
    assert smallest_eigenvalue(gram) < -0.1


# ---- NaN, memory, arrays ----


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("options", METHODS, ids=str)
def test_nan_stays_within_its_pairs(rng, xp, options, bad):
    require_kernels(xp)
    x, y = kernel_walks(rng, 19, 11, 2), kernel_walks(rng, 6, 8, 2)
    clean = on_host(pysig.signature_kernel_matrix(xp.asarray(x), xp.asarray(y), **options))
    spoilt = x.copy()
    spoilt[7, 4, 1] = bad
    k = on_host(pysig.signature_kernel_matrix(xp.asarray(spoilt), xp.asarray(y), **options))
    others = np.arange(len(x)) != 7
    np.testing.assert_array_equal(k[others], clean[others])
    if np.isnan(bad):
        assert np.isnan(k[7]).all()
    gram = on_host(pysig.signature_kernel_matrix(xp.asarray(spoilt), **options))
    assert np.isfinite(gram[np.ix_(others, others)]).all()


def test_points_beyond_the_lengths_are_not_read(rng):
    x, y = kernel_walks(rng, 5, 9, 2), kernel_walks(rng, 3, 7, 2)
    lengths = (np.array([9, 1, 4, 2, 8]), np.array([3, 7, 1]))
    for options in METHODS:
        whole = pysig.signature_kernel_matrix(x, y, lengths=lengths, **options)
        spoilt = [
            np.where(np.arange(p.shape[1])[:, None] < n[:, None, None], p, np.nan)
            for p, n in zip((x, y), lengths, strict=True)
        ]
        again = pysig.signature_kernel_matrix(*spoilt, lengths=lengths, **options)
        np.testing.assert_array_equal(again, whole)
        for i, j in ((0, 0), (2, 1), (4, 0)):
            alone = pysig.signature_kernel(x[i, : lengths[0][i]], y[j, : lengths[1][j]], **options)
            assert_close(whole[i, j], alone, rtol=1e-13)


def test_a_result_that_does_not_fit_is_refused_before_any_work(monkeypatch, rng):
    x = kernel_walks(rng, 1000, 3, 2)
    monkeypatch.setattr(_memory, "available_memory", lambda backend: 10**6)

    def work(*arguments, **options):
        raise AssertionError("work")

    monkeypatch.setattr("pysig._cpu.signature_kernel", work)
    with pytest.raises(MemoryError, match=r"^x: .* needs 8000000 bytes, but only 1000000 are"):
        pysig.signature_kernel_matrix(x)
    with pytest.raises(MemoryError, match=r"^x: .* needs 32000000 bytes"):
        pysig.signature_kernel_matrix(x, depth=3, levels=True)
    with pytest.raises(MemoryError, match=r"^z: .* needs 8000000 bytes"):
        pysig.signature_kernel_from_increments(np.broadcast_to(1.0, (10**6, 1, 1)), order=1)
    with pytest.raises(MemoryError, match=r"^depth: .* needs .*recursion"):
        pysig.signature_kernel(x[0], x[1], 30, method="features")


def test_results_go_to_out(rng):
    x, y = kernel_walks(rng, 5, 9, 2), kernel_walks(rng, 3, 7, 2)
    k = pysig.signature_kernel_matrix(x, y, order=3)
    for out in (np.empty((5, 3)), np.empty((3, 5)).T, np.empty((5, 6))[:, ::2]):
        assert pysig.signature_kernel_matrix(x, y, order=3, out=out) is out
        np.testing.assert_array_equal(out, k)
    with pytest.raises(ValueError, match=r"^out: expected shape \(5, 3\)"):
        pysig.signature_kernel_matrix(x, y, order=3, out=np.empty((3, 5)))
    with pytest.raises(ValueError, match=r"^out: expected separate memory.*overlaps y"):
        pysig.signature_kernel_matrix(x[:3], y, order=3, out=y[:, :3, 0])


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_results_do_not_depend_on_workers_strides_or_the_type_of_the_input(rng, options):
    x, y = kernel_walks(rng, 40, 33, 3), kernel_walks(rng, 21, 30, 3)
    k = pysig.signature_kernel_matrix(x, y, workers=1, **options)
    if options.get("method") != "features":  # BLAS has threads of its own
        np.testing.assert_array_equal(pysig.signature_kernel_matrix(x, y, workers=2, **options), k)
    strided = np.empty((40, 3, 66))
    strided[:, :, ::2] = x.transpose(0, 2, 1)
    view = strided.transpose(0, 2, 1)[:, ::2]
    assert_close(pysig.signature_kernel_matrix(view, y.tolist(), **options), k, rtol=1e-14)
    whole = np.arange(6).reshape(1, 3, 2) % 3
    result = pysig.signature_kernel_matrix(whole, **options)
    assert result.dtype == np.float64


def test_float32_and_float64_together_give_float64(rng):
    x, y = kernel_walks(rng, 4, 9, 2, dtype=np.float32), kernel_walks(rng, 3, 7, 2)
    k = pysig.signature_kernel_matrix(x, y, order=3)
    assert k.dtype == np.float64
    np.testing.assert_array_equal(
        k, pysig.signature_kernel_matrix(x.astype(np.float64), y, order=3)
    )


@pytest.mark.parametrize("options", METHODS, ids=str)
def test_empty_batches(options):
    none, some = np.zeros((0, 5, 2)), np.zeros((3, 4, 2))
    assert pysig.signature_kernel_matrix(none, some, **options).shape == (0, 3)
    assert pysig.signature_kernel_matrix(some, none, **options).shape == (3, 0)
    assert pysig.signature_kernel_matrix(none, **options).shape == (0, 0)
    assert pysig.signature_kernel(none, some[0], **options).shape == (0,)
