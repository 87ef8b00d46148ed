"""Gradients and derivatives of signature kernels of CuPy arrays against the reference: every scheme
and form of pairs, every cut of the work."""

import sys

import numpy as np
import pytest

import pysig
from kernel_cases import DIFFERENCE, GRADED, SQUARE, STATICS, Case
from pysig._gpu import signature_kernel_jvp
from pysig._gpu import signature_kernel_schedule as schedule

GRADIENTS = sys.modules["pysig._gpu.signature_kernel_vjp"]  # a module, not the function


@pytest.mark.parametrize("how", ["all", "paired", "self"])
@pytest.mark.parametrize(
    "plan",
    [SQUARE._replace(dyadic_order=1), GRADED._replace(weights=(1.0, 2.0, 0.5, 0.3)), DIFFERENCE],
    ids=lambda plan: plan.scheme,
)
def test_derivatives_of_all_forms_of_pairs(cupy, rng, plan, how):
    case = Case(cupy, rng, plan, (2, 4), (3, 3), how=how, lengths=True)
    case.check_gradients(rng)
    case.check_derivative(rng)
    if how != "self":
        case.check_derivative(rng, fixed=True)


def test_derivatives_of_levels(cupy, rng):
    case = Case(cupy, rng, GRADED)
    case.check_gradients(rng, "levels")
    case.check_derivative(rng, "levels")


def test_no_tangents_give_zero(cupy, rng):
    case = Case(cupy, rng, SQUARE)
    out = cupy.empty((2, 3))
    signature_kernel_jvp(case.pairs, None, None, out, SQUARE)
    assert not out.get().any()


@pytest.mark.parametrize("static", [STATICS[0], STATICS[1]], ids=lambda static: static.kind)
@pytest.mark.parametrize("how", ["all", "paired", "self"])
def test_gradients_in_parts_and_blocks(cupy, rng, monkeypatch, how, static):
    """Blocks of rows, several strips, a few pairs at a time."""
    plan = SQUARE._replace(dyadic_order=1, static=static)
    case = Case(cupy, rng, plan, (3, 7), (3, 6), how=how, lengths=True)
    shape = schedule.Shape(1, 4, 1, 2)
    monkeypatch.setattr(GRADIENTS, "shape_for", lambda *sizes, back: shape)
    for limit in (1, 60_000, None):
        with pysig.set_gpu_memory_limit(limit):
            case.check_gradients(np.random.default_rng(5))
