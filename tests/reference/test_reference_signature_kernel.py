"""The reference implementation of signature kernels, against other definitions of the same."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest

from pysig._reference import signature_kernel as reference
from pysig._reference.signature import signature
from support import assert_close

KAPPAS = {
    "linear": reference.linear(0.7),
    "rbf": reference.rbf(1.3),
    "matern 1/2": reference.matern(0.8, 0.5),
    "matern 3/2": reference.matern(0.8, 1.5),
    "matern 5/2": reference.matern(1.7, 2.5),
    "rational quadratic": reference.rational_quadratic(1.1, 0.6),
    "polynomial": reference.polynomial(3, 0.4, 0.9),
}


def bessel(z, order=30):
    """``sum_{n <= order} z^n / (n!)^2``: I_0(2 sqrt(z)) for a large order."""
    return sum(z**n / factorial(n) ** 2 for n in range(order + 1))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_square_scheme_is_the_inner_product_of_tensors(rng, order):
    x, y = rng.normal(size=(3, 2)), rng.normal(size=(4, 2))
    z = reference.increments(x, y)
    terms = reference.by_tensors(x, y, order)
    assert_close(reference.square(z, order)[-1, -1], terms.sum(), rtol=1e-13)
    prefix = reference.by_tensors(x[:2], y[:3], order).sum()
    assert_close(reference.square(z, order)[1, 2], prefix, rtol=1e-13)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("depth", [1, 3, 5])
def test_levels_are_tensors_and_index_sets(rng, order, depth):
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
    z = reference.increments(x, y)
    terms = reference.by_tensors(x, y, order, depth)
    assert_close(reference.levels(z, order, depth)[-1, -1], terms, rtol=1e-13)
    assert_close(reference.by_indices(z, order, depth), terms, rtol=1e-13)


def test_an_order_of_at_least_the_depth_gives_signatures(rng):
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(5, 3))
    expected = 1 + signature(x, 4) @ signature(y, 4)
    for order in (4, 7):
        levels = reference.levels(reference.increments(x, y), order, 4)[-1, -1]
        assert_close(levels.sum(), expected, rtol=1e-13)


@pytest.mark.parametrize("z", [0.3, 2.0, -1.5])
def test_single_segments(z):
    for order in (1, 2, 5, 16):
        value = reference.square(np.array([[z]]), order)[-1, -1]
        assert abs(value - bessel(z, order)) <= 1e-14 * bessel(abs(z))


def test_one_channel_sees_total_increments_only(rng):
    x, y = rng.normal(size=(7, 1)), rng.normal(size=(9, 1))
    total = (x[-1] - x[0]).item() * (y[-1] - y[0]).item()
    value = reference.square(reference.increments(x, y), 16)[-1, -1]
    assert abs(value - bessel(total)) <= 1e-12 * bessel(abs(total))


def test_finite_differences_converge_to_high_orders(rng):
    x, y = rng.normal(size=(2, 5, 3)) / 3
    z = reference.increments(x, y)
    exact = reference.square(z, 12)[-1, -1]
    errors = [
        abs(reference.finite_difference(reference.refined(z, k))[-1, -1] - exact) for k in range(4)
    ]
    assert errors[3] < 1e-4 * exact
    assert errors[3] < errors[2] / 3 < errors[1] / 9


def test_refinement_changes_high_orders_only(rng):
    """A segment in two halves: exp_P(v/2) ⊗ exp_P(v/2) is exp_P(v) up to level P."""
    x, y = rng.normal(size=(2, 4, 2))
    z = reference.increments(x, y)
    whole, halves = (reference.levels(reference.refined(z, k), 3, 5)[-1, -1] for k in (0, 1))
    assert_close(halves[:4], whole[:4], rtol=1e-13)
    assert abs(halves[4] - whole[4]) > 1e-6


@pytest.mark.parametrize("name", KAPPAS)
def test_gradients_are_differences(rng, name):
    x, y = rng.normal(size=(1, 4, 2)), rng.normal(size=(2, 3, 2))
    cotangent = rng.normal(size=(1, 2))

    def value(x, y):
        return reference.signature_kernel(x, y, order=3, kappa=KAPPAS[name])

    gradients = reference.gradient(value, (x, y), cotangent)
    for which, bar in enumerate(gradients):
        step = rng.normal(size=bar.shape)
        ends = []
        for h in (1e-4, -1e-4):
            moved = [x, y]
            moved[which] = moved[which] + h * step
            ends.append((cotangent * value(*moved)).sum())
        difference = (ends[0] - ends[1]) / 2e-4
        assert abs(difference - (bar * step).sum()) <= 1e-6 * max(1, abs(difference))


def test_short_paths_stand_still_after_their_end(rng):
    x, y = rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 4, 2))
    lengths = (np.array([3, 1]), np.array([4, 2]))
    options = {"order": 4, "lengths": lengths, "transform": "lead_lag"}
    values = reference.signature_kernel(x, y, **options)
    alone = reference.signature_kernel(x[:1, :3], y[1:, :2], order=4, transform="lead_lag")
    assert_close(values[:1, 1:], alone, rtol=1e-14)
    np.testing.assert_array_equal(values[1], 1)
    grid = reference.signature_kernel(x, y, rows="grid", **options)
    assert grid.shape == (2, 2, 9, 7)
    np.testing.assert_array_equal(grid[0, 1, 5:, 3:], values[0, 1])
