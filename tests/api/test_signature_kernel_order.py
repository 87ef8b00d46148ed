"""The choice of order and of method of signature kernels, and kernels of given increments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from kernel_calls import STATIC, kernel_walks, require_kernels
from pysig._api._kernel_call import KernelCall
from pysig._api._kernel_features import Features
from pysig._api._options import KERNEL_DEFAULTS
from pysig._reference import signature_kernel as reference
from support import assert_close, on_host

RTOL = {"float32": 1e-5, "float64": 1e-13}
SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_order_is_the_smallest_that_reaches_the_tolerance(rng, dtype):
    x, y = kernel_walks(rng, 20, 30, 3, dtype=dtype), kernel_walks(rng, 9, 25, 3, dtype=dtype)
    grams = {
        order: pysig.signature_kernel_matrix(x.astype(np.float64), y, order=order)
        for order in range(1, 12)
    }
    squares = [np.sqrt(pysig.signature_kernel(p.astype(np.float64), p, order=11)) for p in (x, y)]
    for rtol in (1e-1, 1e-3, 1e-6):
        order = pysig.signature_kernel_order(x, y, rtol=rtol)
        error = np.abs(grams[order] - grams[11]) / np.multiply.outer(*squares)
        assert error.max() <= 1.5 * rtol
        k = pysig.signature_kernel_matrix(x, y, rtol=rtol)
        np.testing.assert_array_equal(k, pysig.signature_kernel_matrix(x, y, order=order))
    chosen = [pysig.signature_kernel_order(x, y, rtol=10.0**-k) for k in range(1, 11)]
    assert chosen == sorted(chosen)
    assert chosen[0] < chosen[-1]
    default = 1e-4 if dtype == np.float32 else 1e-8
    assert pysig.signature_kernel_order(x, y) == pysig.signature_kernel_order(x, y, rtol=default)


def test_the_pilot_finds_the_roughest_path(rng):
    x = kernel_walks(rng, 500, 12, 2, scale=0.1)
    calm = pysig.signature_kernel_order(x)
    x[321] *= 30
    assert pysig.signature_kernel_order(x) > calm


def test_a_tolerance_of_a_truncated_kernel(rng):
    x = kernel_walks(rng, 6, 12, 2)
    order = pysig.signature_kernel_order(x, depth=6, rtol=1e-2)
    assert 1 <= order < 6
    k = pysig.signature_kernel_matrix(x, depth=6, rtol=1e-2)
    np.testing.assert_array_equal(k, pysig.signature_kernel_matrix(x, depth=6, order=order))
    assert pysig.signature_kernel_order(x, depth=3, rtol=1e-15) == 3


def test_a_tolerance_that_no_order_reaches(rng):
    x = kernel_walks(rng, 4, 5, 2, scale=100.0)
    with pytest.raises(ValueError, match=r"^rtol: expected at least .*order 15.*Raise dyadic"):
        pysig.signature_kernel_matrix(x)
    assert np.isfinite(pysig.signature_kernel_matrix(x, order=8)).all()


def test_pairs_that_are_not_finite_do_not_choose_the_order(rng):
    x = kernel_walks(rng, 6, 12, 2)
    order = pysig.signature_kernel_order(x)
    assert pysig.signature_kernel_order(np.concatenate([x, x[:1] * np.nan])) == order


def engine_of(x, y, depth, **options):
    given = {**KERNEL_DEFAULTS, **options}
    return KernelCall("signature_kernel_matrix", x, y, depth, given, paired=False).engine


def test_auto_takes_signatures_where_they_cost_less():
    many, long = np.zeros((100, 50, 3)), np.zeros((2, 2000, 3))
    wide = np.zeros((4, 20, 30))
    assert isinstance(engine_of(many, None, 4), Features)
    assert isinstance(engine_of(long, None, 8), Features)
    assert not isinstance(engine_of(wide, None, 5), Features)
    assert not isinstance(engine_of(many, None, 16), Features)
    assert not isinstance(engine_of(many, None, 4, order=2), Features)
    assert not isinstance(engine_of(many, None, 4, static_kernel=STATIC[2]), Features)
    assert not isinstance(engine_of(many, None, None, order=4), Features)


def test_features_in_several_blocks(rng, monkeypatch):
    x, y = kernel_walks(rng, 11, 9, 2), kernel_walks(rng, 7, 8, 2)
    options = {"method": "features", "lengths": None}
    cases = [(x, y, {}), (x, None, {}), (x, y, {"levels": True}), (x, None, {"levels": True})]
    whole = [pysig.signature_kernel_matrix(p, q, 4, **options, **o) for p, q, o in cases]
    monkeypatch.setattr("pysig._api._kernel_features.BLOCK_BYTES", 4 * 8 * 30)
    for (p, q, more), k in zip(cases, whole, strict=True):
        again = pysig.signature_kernel_matrix(p, q, 4, **options, **more)
        assert_close(again, k, rtol=1e-14)
        if q is None:
            np.testing.assert_array_equal(again, again.swapaxes(0, 1))


def test_normalised_levels_in_several_blocks(rng, monkeypatch):
    x, y = kernel_walks(rng, 11, 9, 2), kernel_walks(rng, 7, 8, 2)
    options = {"normalize": "levels", "order": 1}
    whole = [pysig.signature_kernel_matrix(x, q, 4, **options) for q in (y, None)]
    pairs = pysig.signature_kernel(x[:7], y, 4, **options)
    monkeypatch.setattr("pysig._api._kernel_normalize.BLOCK_BYTES", 3 * 8 * 5 * 7)
    for q, k in zip((y, None), whole, strict=True):
        again = pysig.signature_kernel_matrix(x, q, 4, **options)
        assert_close(again, k, rtol=1e-14)
    np.testing.assert_array_equal(again, again.T)
    assert_close(np.diag(whole[0][:7]), pairs, rtol=1e-14)


# ---- given increments ----


@settings(max_examples=40, **SETTINGS)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_increments_of_a_kernel_of_the_user(xp, seed, single):
    require_kernels(xp)
    rng = np.random.default_rng(seed)
    dtype = np.float32 if single else np.float64
    z = rng.normal(size=(*rng.integers(1, 4, rng.integers(0, 3)), *rng.integers(0, 6, 2))) / 2
    z = z.astype(dtype)
    depth = [None, 1, 3][rng.integers(3)]
    options = {"dyadic_order": int(rng.integers(3)), "order": int(rng.integers(1, 5))}
    if depth is None and rng.integers(2):
        options = {"method": "finite_difference", "dyadic_order": options["dyadic_order"]}
    rows = "value"
    if depth is not None:
        options["weights"] = rng.uniform(size=depth + 1)
        rows = ["value", "levels"][rng.integers(2)]
    if rows == "value" and rng.integers(2):
        rows = "grid"
    right = reference.kernel_of_increments(
        z.astype(np.float64), depth, order=options.get("order"), rows=rows,
        dyadic_order=options["dyadic_order"], weights=options.get("weights"),
        finite="method" in options,
    )  # fmt: skip
    if rows == "levels":
        right = right * options["weights"]
    flags = {} if rows == "value" else {rows: True}
    k = pysig.signature_kernel_from_increments(xp.asarray(z), depth, **options, **flags)
    assert_close(on_host(k), right, dtype, rtol=RTOL, least=1.0)


def test_increments_of_the_paths_give_the_kernel_of_the_paths(rng):
    x, y = kernel_walks(rng, 5, 9, 2), kernel_walks(rng, 3, 7, 2)
    z = np.einsum("imc,jnc->ijmn", np.diff(x, axis=1), np.diff(y, axis=1))
    assert_close(
        pysig.signature_kernel_from_increments(z, order=3),
        pysig.signature_kernel_matrix(x, y, order=3),
        rtol=1e-13,
    )
