"""Signature kernels through the C functions of the library: the reference implementation, gradients
and messages."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import pysig
from kernel_cases import KAPPAS
from pysig._plans.signature_kernel import MATERN_32, RBF, KernelPlan, StaticKernel
from pysig._reference import signature_kernel as reference
from pysig.testing import assert_identical
from support import assert_close

pytestmark = pytest.mark.skipif(
    os.name == "nt", reason="on Windows get_library() is what a linker takes, not what ctypes takes"
)
RTOL = {"float32": 1e-5, "float64": 1e-11}
I64, REALS = ctypes.c_int64, {"float32": "f32", "float64": "f64"}
SMALL = ("order", "depth", "dyadic_order", "finite_difference", "static_kernel", "workers")


PROGRAMS = Path(__file__).parent / "programs"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]


class Options(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_size_t),
        ("x_batch", I64),
        ("y_batch", I64),
        *((name, ctypes.c_int) for name in SMALL),
        ("parameters", ctypes.c_double * 3),
        *(
            field
            for name in ("weights", "x_lengths", "y_lengths")
            for field in ((name, ctypes.c_void_p), (f"{name}_size", I64))
        ),
    ]


@pytest.fixture(scope="module")
def library():
    loaded = ctypes.CDLL(pysig.get_library())
    loaded.pysig_last_error.restype = ctypes.c_char_p
    return loaded


def arguments(array):
    if array is None:
        return None, I64(0)
    return ctypes.c_void_p(array.ctypes.data), I64(array.size)


def c_options(library, plan, x, y, weights=None, lengths=None):
    options = Options()
    assert library.pysig_kernel_options_init(ctypes.byref(options), ctypes.sizeof(options)) == 0
    assert (options.x_batch, options.y_batch, options.workers) == (1, 1, 1)
    options.x_batch = len(x)
    options.y_batch = 1 if y is None else len(y)
    options.order, options.depth, options.dyadic_order = plan[1:4]
    options.finite_difference = plan.scheme == "finite_difference"
    options.static_kernel = plan.static.kind
    options.parameters[:] = plan.static.parameters
    if weights is not None:
        options.weights, options.weights_size = weights.ctypes.data, weights.size
    if lengths is not None:
        options.x_lengths, options.x_lengths_size = lengths.ctypes.data, lengths.size
    return options


PLANS = [
    KernelPlan("square", 4),
    KernelPlan("square", 2, 0, 1, StaticKernel(RBF, (0.8, 0.0, 0.0))),
    KernelPlan("levels", 2, 3, 0, StaticKernel(MATERN_32, (1.1, 0.0, 0.0))),
    KernelPlan("levels", 3, 3, weights=(1.0, 0.5, 2.0, 0.0)),
    KernelPlan("finite_difference", 0),
]


def reference_of(plan, lengths):
    """The matrix of (x, y, parameters) or (x, parameters) by the reference implementation."""

    def matrix(*arrays):
        x, parameters = arrays[0], arrays[-1]
        return reference.signature_kernel(
            x,
            arrays[1] if len(arrays) == 3 else x,
            plan.depth or None,
            kappa=KAPPAS[plan.static.kind](parameters),
            lengths=(lengths, None),
            order=plan.order,
            dyadic_order=plan.dyadic_order,
            weights=plan.weights,
            finite=plan.scheme == "finite_difference",
        )

    return matrix


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("plan", PLANS, ids=str)
@pytest.mark.parametrize("form", ["", "symmetric", "lengths"])
def test_c_agrees_with_the_reference(library, rng, plan, dtype, form):
    x = (rng.standard_normal((3, 5, 2)) / 2).cumsum(axis=1).astype(dtype)
    y = None if form == "symmetric" else (rng.standard_normal((2, 4, 2)) / 2).astype(dtype)
    lengths = rng.integers(1, 6, 3) if form == "lengths" else None
    weights = None if plan.weights is None else np.array(plan.weights)
    options = c_options(library, plan, x, y, weights, lengths)
    matrix = np.empty((3, 3 if y is None else 2), dtype)
    name = REALS[np.dtype(dtype).name]
    kernel = getattr(library, f"pysig_signature_kernel_matrix_{name}")
    given = (*arguments(x), *arguments(y), I64(2), ctypes.byref(options))
    assert kernel(*given, *arguments(matrix)) == 0
    inputs = [a.astype(np.float64) for a in (x, y) if a is not None]
    inputs.append(np.array(plan.static.parameters))
    expected = reference_of(plan, lengths)
    assert_close(matrix, expected(*inputs), rtol=RTOL)
    if y is None:
        assert (matrix == matrix.T).all()

    cotangent = rng.standard_normal(matrix.shape).astype(dtype)
    x_bar, y_bar = np.empty_like(x), None if y is None else np.empty_like(y)
    parameters = np.empty(3)
    gradient = getattr(library, f"pysig_signature_kernel_matrix_vjp_{name}")
    outputs = (*arguments(cotangent), *arguments(x_bar), *arguments(y_bar), *arguments(parameters))
    assert gradient(*given, *outputs) == 0
    found = [a for a in (x_bar, y_bar) if a is not None] + [parameters.astype(dtype)]
    right = reference.gradient(expected, inputs, cotangent.astype(np.float64))
    for actual, bar in zip(found, right, strict=True):
        assert_close(actual, bar, rtol=RTOL)


def test_a_wrong_option_is_named(library, rng):
    x, out = rng.standard_normal((2, 4, 3)), np.empty((2, 2))
    options = c_options(library, PLANS[0], x, None)
    options.order = 17
    kernel = library.pysig_signature_kernel_matrix_f64
    given = (*arguments(x), None, I64(0), I64(3), ctypes.byref(options), *arguments(out))
    assert kernel(*given) == 1
    assert library.pysig_last_error() == b"pysig: order: expected 0 to 16, received 17."


def test_the_defaults_are_those_of_no_options(library, rng):
    x, given = rng.standard_normal((1, 4, 3)), np.empty((2, 1, 1))
    options = Options()
    library.pysig_kernel_options_init(ctypes.byref(options), ctypes.sizeof(options))
    for out, some in zip(given, (None, ctypes.byref(options)), strict=True):
        call = (*arguments(x), None, I64(0), I64(3), some, *arguments(out))
        assert library.pysig_signature_kernel_matrix_f64(*call) == 0
    assert_identical(given[0], given[1])


@pytest.mark.skipif(shutil.which("c++") is None, reason="not installed: c++")
def test_identities_in_cpp(tmp_path):
    """The program kernel_identities.cpp with the kernels of the library; it sees a wrong number."""
    path = Path(pysig.get_library())
    command = ["c++", "-std=c++17", *WARNINGS, "-DPYSIG_COMPILED", f"-I{pysig.get_include()}"]
    command += [PROGRAMS / "kernel_identities.cpp", path, f"-Wl,-rpath,{path.parent}", "-pthread"]
    done = subprocess.run([*command, "-o", "program"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for seed in "12":
        done = subprocess.run([tmp_path / "program", seed], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
        assert done.stdout.endswith("ok\n")
    done = subprocess.run([tmp_path / "program", "1", "wrong"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "FAILED: the kernel of (y, x)" in done.stdout
