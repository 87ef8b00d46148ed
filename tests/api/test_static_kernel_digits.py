"""Digits of static kernels: wide and tiny bandwidths, large exponents; against decimal numbers.

A kernel of one segment each, of order 1 and depth 1, is ``1 + z`` with z the double difference of
the static kernel; its level 1 is z, which is tiny for a wide bandwidth.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

import numpy as np
import pytest

import pysig
from kernel_calls import require_kernels
from support import on_host

K = pysig.kernels
BANDWIDTHS = [0.5, 1.0, 3.0, 30.0, 1e4, 1e8]


def kernels_of(b):
    return [
        K.RBF(b),
        K.Matern(b, 0.5),
        K.Matern(b, 1.5),
        K.Matern(b, 2.5),
        K.RationalQuadratic(b, 0.6),
        K.RationalQuadratic(b, 1e3),
        K.RationalQuadratic(b, 1e9),
        K.RationalQuadratic(b, 1e22),
        K.Polynomial(3, 1.0, 1 / b**2),
        K.Polynomial(4, b, 1.0),
    ]


def exact_kappa(kernel, p, q, moved=None):
    """The value at two points of decimal numbers; `moved`: parameters in place of its own."""
    own = {**kernel.get_params(), **(moved or {})}
    own = {name: Decimal(value) for name, value in own.items()}
    if isinstance(kernel, K.Polynomial):
        inner = sum(a * b for a, b in zip(p, q, strict=True))
        return (own["scale"] * inner + own["gamma"]) ** kernel.degree
    squares = sum((a - b) ** 2 for a, b in zip(p, q, strict=True)) / own["bandwidth"] ** 2
    if isinstance(kernel, K.RBF):
        return (-squares / 2).exp()
    if isinstance(kernel, K.RationalQuadratic):
        return (-own["alpha"] * (1 + squares / (2 * own["alpha"])).ln()).exp()
    u = (2 * own["nu"] * squares).sqrt()
    factor = {0.5: 1, 1.5: 1 + u, 2.5: 1 + u + u * u / 3}[kernel.nu]
    return factor * (-u).exp()


def decimals(points):
    return [[Decimal(float(c)) for c in point] for point in points]


def exact_second_difference(kernel, a, b, moved=None):
    """z, and the size of the terms that cancel in it: each near 0, or near the value at s = 0."""
    corners = [exact_kappa(kernel, p, q, moved) for p in a for q in b]
    start = kernel.gamma**kernel.degree if isinstance(kernel, K.Polynomial) else 1
    sizes = [min(abs(k), abs(k - Decimal(start))) for k in corners]
    if isinstance(kernel, K.Polynomial):
        sizes = [abs(k - Decimal(start)) + abs(k) * Decimal("1e-300") for k in corners]
    return corners[3] - corners[2] - corners[1] + corners[0], max(sizes)


def segments(rng, dtype):
    return [rng.normal(size=(12, 2, 2)).astype(dtype) + shift for shift in (dtype(0), dtype(0.5))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("b", BANDWIDTHS)
def test_differences_keep_their_digits(rng, dtype, b):
    x, y = segments(rng, dtype)
    for kernel in kernels_of(b):
        z = pysig.signature_kernel(x, y, 1, order=1, static_kernel=kernel, levels=True)[:, 1]
        check_differences(kernel, x, y, z, np.finfo(dtype).eps)


def check_differences(kernel, x, y, z, eps):
    with localcontext(prec=80):
        for p, q, found in zip(x, y, z, strict=True):
            right, size = exact_second_difference(kernel, decimals(p), decimals(q))
            assert abs(Decimal(float(found)) - right) <= 24 * Decimal(float(eps)) * size, kernel


def test_the_check_of_differences_sees_lost_digits(rng):
    x, y = segments(rng, np.float64)
    kernel = K.RBF(1e4)
    z = pysig.signature_kernel(x, y, 1, order=1, static_kernel=kernel, levels=True)[:, 1]
    with pytest.raises(AssertionError):
        check_differences(kernel, x, y, z * (1 + 1e-12), 2**-52)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_differences_on_each_backend(rng, xp, dtype):
    require_kernels(xp)
    x, y = segments(rng, dtype)
    for kernel in (K.RBF(1e4), K.Matern(1e4, 2.5), K.RationalQuadratic(30.0, 1e9)):
        there = [xp.asarray(side) for side in (x, y)]
        z = pysig.signature_kernel(*there, 1, order=1, static_kernel=kernel, levels=True)[:, 1]
        check_differences(kernel, x, y, on_host(z), np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("b", BANDWIDTHS)
def test_gradients_by_parameters_keep_their_digits(rng, dtype, b):
    x, y = segments(rng, dtype)
    eps, h = Decimal(float(np.finfo(dtype).eps)), Decimal("1e-25")
    for kernel in kernels_of(b):
        names = kernel.GRADIENTS
        found = [
            pysig.signature_kernel_vjp(p, q, 1.0, 1, order=1, static_kernel=kernel).parameters
            for p, q in zip(x, y, strict=True)
        ]
        with localcontext(prec=160):
            for p, q, gradients in zip(x, y, found, strict=True):
                a, c = decimals(p), decimals(q)
                for name in names:
                    value = Decimal(getattr(kernel, name))
                    ends = [{name: value * (1 + s * h)} for s in (1, -1)]

                    def slope(f, ends=ends, step=2 * h * value):
                        return (f(ends[0]) - f(ends[1])) / step

                    right = slope(
                        lambda moved, a=a, c=c, k=kernel: exact_second_difference(k, a, c, moved)[0]
                    )
                    terms = [
                        slope(lambda moved, u=u, v=v, k=kernel: exact_kappa(k, u, v, moved))
                        for u in a
                        for v in c
                    ]
                    if isinstance(kernel, K.Polynomial) and name == "gamma":
                        at_zero = kernel.degree * Decimal(kernel.gamma) ** (kernel.degree - 1)
                        terms = [term - at_zero for term in terms]
                    size = max(map(abs, terms))
                    tiny = Decimal(float(np.finfo(dtype).tiny)) / eps
                    error = abs(Decimal(float(gradients[name])) - right)
                    assert error <= 48 * eps * size + tiny, (kernel, name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_by_points_keep_their_digits(rng, dtype):
    """A wide kernel is linear: its gradient is that of the inner product over b^2."""
    x, y = segments(rng, dtype)
    for b in (1e4, 1e6):
        linear = pysig.signature_kernel_vjp(x, y, 1.0, 1, order=1).x / b**2
        for kernel in (K.RBF(b), K.RationalQuadratic(b, 2.0), K.RationalQuadratic(b, 1e20)):
            bar = pysig.signature_kernel_vjp(x, y, 1.0, 1, order=1, static_kernel=kernel).x
            bound = max(60 * np.finfo(dtype).eps, 100 / b**2)
            assert np.abs(bar - linear).max() <= bound * np.abs(linear).max()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("b", [1e-300, 1e-160, 1e-30, 1e-19, 1e-7, 1e30, 1e200])
def test_no_bandwidth_gives_nan(rng, dtype, b):
    x = rng.normal(size=(3, 4, 2)).astype(dtype)
    kernels = [K.RBF(b), *(K.Matern(b, nu) for nu in (0.5, 1.5, 2.5))]
    kernels += [K.RationalQuadratic(b, alpha) for alpha in (1e-300, 1e-3, 1.0, 1e20, 1e300)]
    for kernel in kernels:
        k = pysig.signature_kernel_matrix(x, order=3, static_kernel=kernel)
        assert np.isfinite(k).all(), kernel
        gradients = pysig.signature_kernel_matrix_vjp(x, None, 1.0, order=3, static_kernel=kernel)
        assert np.isfinite(gradients.x).all(), kernel
        along = pysig.signature_kernel_matrix_jvp(x, None, x, order=3, static_kernel=kernel)
        assert np.isfinite(along).all(), kernel


def test_a_large_exponent_is_a_gaussian_kernel(rng):
    x = rng.normal(size=(4, 6, 2))
    right = pysig.signature_kernel_matrix(x, order=4, static_kernel=K.RBF(1.3))
    for alpha in (1e17, 1e100, 1e300):
        k = pysig.signature_kernel_matrix(x, order=4, static_kernel=K.RationalQuadratic(1.3, alpha))
        np.testing.assert_allclose(k, right, rtol=1e-13)
