"""Errors of signature kernels: one clear message for each, and nothing computed before."""

from __future__ import annotations

import numpy as np
import pytest

import pysig
from kernel_calls import STATIC
from pysig._backend import CAPABILITIES

X, Y = np.zeros((3, 5, 2)), np.zeros((4, 6, 2))
RBF = pysig.kernels.RBF(1.0)


def test_the_trap_works(no_kernels):
    with pytest.raises(AssertionError, match="work"):
        pysig.signature_kernel_matrix(X, Y, order=2)
    with pytest.raises(AssertionError, match="work"):
        pysig.signature_kernel_matrix(X, Y, 2, method="features")


OPTIONS = [
    ({"order": 0}, ValueError, "order: expected an integer of at least 1, received 0"),
    ({"depth": 17}, ValueError, "depth: expected at most 16 without order or rtol"),
    ({"order": 17}, ValueError, "order: expected an integer from 1 to 16, received 17"),
    ({"order": 2.0}, TypeError, "order: expected an integer, received float"),
    ({"order": True}, TypeError, "order: expected an integer, received bool"),
    ({"order": 2, "rtol": 1e-3}, ValueError, "rtol: expected None, because order is given"),
    ({"rtol": 0.0}, ValueError, "rtol: expected a number between 0 and 1, received 0"),
    ({"rtol": np.nan}, ValueError, "rtol: expected a number between 0 and 1, received nan"),
    ({"rtol": "a"}, TypeError, "rtol: expected a number, received str"),
    ({"depth": 0}, ValueError, "depth: expected an integer of at least 1, received 0"),
    ({"depth": 2.5}, TypeError, "depth: expected an integer, received float"),
    ({"dyadic_order": -1}, ValueError, "dyadic_order: expected an integer of at least 0"),
    ({"dyadic_order": 11}, ValueError, "dyadic_order: expected at most 10, received 11"),
    ({"static_kernel": "rbf"}, TypeError, "static_kernel: expected a kernel of pysig.kernels"),
    ({"static_kernel": pysig.kernels.RBF}, TypeError, r"static_kernel: .*with parentheses"),
    ({"weights": [1, 1]}, ValueError, "weights: expected None, because depth is None"),
    ({"depth": 2, "weights": [1, 1]}, ValueError, r"weights: expected shape \(3,\)"),
    ({"depth": 1, "weights": [1, -1]}, ValueError, "weights: expected non-negative .*received -1"),
    ({"depth": 1, "weights": [1, np.nan]}, ValueError, "weights: expected non-neg.*received nan"),
    ({"depth": 1, "weights": ["a", "b"]}, TypeError, "weights: expected float32, float64"),
    ({"depth": 1, "weights": [[1], [1, 2]]}, ValueError, "weights: expected an array"),
    ({"levels": True}, ValueError, "levels: expected False, because depth is None"),
    ({"levels": 1, "depth": 2}, TypeError, "levels: expected True or False, received int"),
    ({"grid": 1}, TypeError, "grid: expected True or False, received int"),
    ({"normalize": "levels"}, ValueError, "normalize: expected False, because depth is None"),
    ({"normalize": "yes"}, ValueError, "normalize: expected True, False or 'levels'"),
    ({"grid": True, "normalize": True}, ValueError, "grid: expected False together with normal"),
    ({"grid": True, "depth": 2, "levels": True}, ValueError, "grid: expected False together"),
    ({"method": "pde"}, ValueError, "method: expected one of 'auto', 'features', 'recursion', "),
    ({"method": "features"}, ValueError, "depth: expected an integer with method="),
    ({"method": "features", "depth": 2, "order": 2}, ValueError, "order: expected None, because"),
    ({"method": "features", "depth": 2, "rtol": 0.1}, ValueError, "rtol: expected None, because"),
    ({"method": "features", "depth": 2, "grid": True}, ValueError, "grid: expected False with"),
    ({"method": "features", "depth": 2, "dyadic_order": 1}, ValueError, "dyadic_order: expected 0"),
    (
        {"method": "features", "depth": 2, "static_kernel": RBF},
        ValueError,
        "method: expected ",
    ),
    ({"method": "finite_difference", "order": 2}, ValueError, "order: expected None, because fini"),
    ({"method": "finite_difference", "rtol": 0.1}, ValueError, "rtol: expected None, because fin"),
    ({"method": "finite_difference", "depth": 2}, ValueError, "depth: expected None, because fin"),
    ({"workers": 0}, ValueError, "workers: expected a positive integer"),
    ({"transform": "log"}, ValueError, "transform: expected "),
    ({"basepoint": np.zeros(3)}, ValueError, "basepoint: expected a shape that broadcasts"),
    (
        {"basepoint": (True, np.zeros(3))},
        ValueError,
        r"basepoint\[1\]: expected a shape that broadc",
    ),
    ({"lengths": [5, 5, 5]}, TypeError, r"lengths: expected a tuple \(lengths_x, lengths_y\)"),
    ({"lengths": (5, 7)}, ValueError, "lengths: expected integers from 1 to the length 6 of y"),
    ({"lengths": ([5, 5], None)}, ValueError, "lengths: expected a shape that broadcasts"),
]


@pytest.mark.parametrize(("options", "error", "says"), OPTIONS, ids=str)
def test_bad_options(no_kernels, options, error, says):
    with pytest.raises(error, match=f"^{says}"):
        pysig.signature_kernel_matrix(X, Y, **options)
    derived = {k: v for k, v in options.items() if k != "grid"}
    if "grid" not in options:
        with pytest.raises(error, match=f"^{says}"):
            pysig.signature_kernel_matrix_vjp(X, Y, np.zeros((3, 4)), **derived)
        with pytest.raises(error, match=f"^{says}"):
            pysig.signature_kernel_matrix_jvp(X, Y, X, None, **derived)


PATHS = [
    (np.zeros((3, 5, 3)), Y, ValueError, "y: expected 3 channels like x, received shape"),
    (np.zeros((3, 0, 2)), Y, ValueError, "x: expected at least one point"),
    (X, np.zeros((4, 0, 2)), ValueError, "y: expected at least one point"),
    (X, np.zeros((4, 5, 0)), ValueError, "y: expected at least one channel"),
    (
        X[0],
        Y,
        ValueError,
        r"x: expected shape \(paths, length, channels\), received",
    ),
    (X, Y[None], ValueError, r"y: expected shape \(paths, length, channels\)"),
    (X.astype(complex), Y, TypeError, "x: expected float32, float64 or integers"),
    (X, Y.astype(str), TypeError, "y: expected float32, float64 or integers"),
    (X, [[[1.0], [2.0]], [[1.0]]], ValueError, "y: expected 2 channels like x, received shape"),
    (X, [np.eye(2), np.eye(3)], ValueError, r"y\[1\]: expected 2 channels, like the first path"),
    ([np.eye(2), np.eye(2)[0]], Y, ValueError, r"x\[1\]: expected shape"),
    (np.ma.masked_array(X, X == 0), Y, TypeError, "x: expected "),
]


@pytest.mark.parametrize(("x", "y", "error", "says"), PATHS)
def test_bad_paths(no_kernels, x, y, error, says):
    with pytest.raises(error, match=f"^{says}"):
        pysig.signature_kernel_matrix(x, y, order=2)


def test_batches_that_do_not_broadcast(no_kernels):
    with pytest.raises(ValueError, match=r"^y: expected batch axes that broadcast with \(3"):
        pysig.signature_kernel(X, Y, order=2)


def test_arrays_of_two_devices_are_not_mixed(cupy):
    there = cupy.asarray(Y)
    with pytest.raises(TypeError, match=r"^y: expected a NumPy array like x, received a CuPy"):
        pysig.signature_kernel_matrix(X, there)
    if "cupy" in CAPABILITIES["signature_kernel"]:
        with pytest.raises(TypeError, match=r"^y: expected a CuPy array like x, received a NumPy"):
            pysig.signature_kernel_matrix(there, Y)


def test_cotangents_and_tangents(no_kernels):
    vjp, jvp = pysig.signature_kernel_matrix_vjp, pysig.signature_kernel_matrix_jvp
    with pytest.raises(ValueError, match=r"^cotangent: expected a shape that broadcasts to \(3, 4"):
        vjp(X, Y, np.zeros((4, 3)), order=2)
    with pytest.raises(ValueError, match=r"^cotangent: .*without the last axis"):
        vjp(X, Y, 1.0, 2, levels=True)
    with pytest.raises(ValueError, match=r"^tangent_y: expected a shape that broadcasts"):
        jvp(X, Y, None, X, order=2)
    with pytest.raises(ValueError, match=r"^tangent_y: expected None, because y is None"):
        jvp(X, None, X, X, order=2)
    with pytest.raises(ValueError, match=r"^basepoint_tangent: expected None, because the b"):
        jvp(X, Y, X, None, order=2, basepoint=True, basepoint_tangent=np.zeros(2))
    with pytest.raises(TypeError, match="unexpected keyword argument 'grid'"):
        vjp(X, Y, 1.0, grid=True)
    with pytest.raises(TypeError, match="unexpected keyword argument 'degree'"):
        pysig.signature_kernel(X, X, degree=2)


@pytest.mark.parametrize(
    ("z", "options", "error", "says"),
    [
        (np.zeros(3), {"order": 2}, ValueError, r"z: expected shape \(\.\.\., steps_x, steps_y\)"),
        (np.eye(3), {}, ValueError, "order: expected an integer from 1 to 16, received None"),
        (np.eye(3), {"order": 20}, ValueError, "order: expected an integer from 1 to 16, rece"),
        (np.eye(3), {"method": "features", "depth": 2}, ValueError, "method: expected "),
        (np.eye(3), {"levels": True, "order": 2}, ValueError, "levels: expected False, because"),
        (np.eye(3) * 1j, {"order": 2}, TypeError, "z: expected float32, float64 or integers"),
    ],
)
def test_bad_increments(no_kernels, z, options, error, says):
    with pytest.raises(error, match=f"^{says}"):
        pysig.signature_kernel_from_increments(z, **options)


def test_the_order_is_of_a_tolerance():
    with pytest.raises(ValueError, match=r"^rtol: expected a number together with depth"):
        pysig.signature_kernel_order(X, depth=3)


def test_messages_name_own_kernels():
    with pytest.raises(TypeError, match="signature_kernel_from_increments"):
        pysig.signature_kernel(X, X, static_kernel=lambda a, b: 1.0)
    assert STATIC[0] is None
