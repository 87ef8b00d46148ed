"""Signature kernels of CuPy arrays against the reference: every scheme, static kernel and form of
pairs, every cut of the work."""

import sys

import numpy as np
import pytest

from kernel_cases import DIFFERENCE, GRADED, RTOL, SQUARE, STATICS, Case, assert_close, options_of
from pysig._gpu import signature_kernel, signature_kernel_jvp, signature_kernel_vjp
from pysig._gpu import signature_kernel_schedule as schedule
from pysig._plans.paths import Cotangents
from pysig._plans.signature_kernel import KernelPlan, Pairs
from pysig._reference import signature_kernel as reference

LAUNCHER = sys.modules["pysig._gpu.signature_kernel"]  # the package has a function of that name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_assertion_fails_on_wrong_answers(dtype):
    right = np.linspace(-1, 1, 7)
    assert_close(right.astype(dtype), right)
    for wrong in (right[:-1], right + 3 * RTOL[np.dtype(dtype).name], right * 0, right * np.nan):
        with pytest.raises(AssertionError):
            assert_close(wrong.astype(dtype), right)


# ---- values ----


@pytest.mark.parametrize("how", ["all", "paired", "self"])
@pytest.mark.parametrize("plan", [SQUARE, GRADED, DIFFERENCE], ids=lambda plan: plan.scheme)
def test_kernels_of_all_forms_of_pairs(cupy, rng, plan, how):
    Case(cupy, rng, plan, how=how).check_value()
    Case(cupy, rng, plan, (4, 1), (2, 6), how=how).check_value()


@pytest.mark.parametrize("how", ["all", "paired", "self"])
@pytest.mark.parametrize("plan", [SQUARE, GRADED, DIFFERENCE], ids=lambda plan: plan.scheme)
def test_kernels_of_all_prefixes(cupy, rng, plan, how):
    Case(
        cupy, rng, plan._replace(dyadic_order=1), (2, 4), (2, 5), how=how, lengths=True
    ).check_value("grid")


@pytest.mark.parametrize("order", [1, 2, 3])
def test_levels_and_weights(cupy, rng, order):
    case = Case(cupy, rng, KernelPlan("levels", order, 3))
    case.check_value("levels")
    case.plan = case.plan._replace(weights=(0.5, 1.0, 0.0, 3.0))
    case.check_value()
    case.check_value("grid")


@pytest.mark.parametrize("static", STATICS, ids=lambda static: static.kind)
def test_static_kernels(cupy, rng, static):
    case = Case(cupy, rng, SQUARE._replace(static=static), lengths=True)
    case.check_value()
    case.check_gradients(rng)
    case.check_derivative(rng)


@pytest.mark.parametrize("dyadic_order", [1, 2, 3])
def test_refined_static_kernels(cupy, rng, dyadic_order):
    plan = SQUARE._replace(static=STATICS[1], dyadic_order=dyadic_order)
    Case(cupy, rng, plan, (2, 4), (2, 4)).check_value()


@pytest.mark.parametrize(
    ("plan", "channels"),
    [
        (KernelPlan("square", 1), 1),
        (KernelPlan("square", 8), 3),
        (KernelPlan("square", 16), 2),
        (KernelPlan("levels", 16, 16), 1),
        (KernelPlan("levels", 1, 40), 2),
        (KernelPlan("square", 2), 40),
    ],
    ids=str,
)
def test_orders_and_channels(cupy, rng, plan, channels):
    """With edges and increments in registers, and in memory."""
    Case(cupy, rng, plan, (2, 4), (2, 5), channels=channels, scale=0.5 / channels).check_value()


@pytest.mark.parametrize(
    "stages", [("time",), ("lead_lag",), ("basepoint", "reset"), ("lead_lag", "time", "reset")]
)
@pytest.mark.parametrize(
    "static", [STATICS[0], STATICS[1], STATICS[6]], ids=lambda static: static.kind
)
def test_transforms_and_base_points(cupy, rng, stages, static):
    plan = KernelPlan("square", 2, static=static)
    case = Case(cupy, rng, plan, (2, 3), (2, 4), basepoint=True, lengths=True, stages=stages)
    case.check_value()
    case.check_gradients(rng)


def test_float32(cupy, rng):
    case = Case(cupy, rng, KernelPlan("square", 4), (3, 30), (3, 40), dtype=np.float32, scale=0.1)
    case.check_value()
    case = Case(cupy, rng, SQUARE._replace(static=STATICS[1]), dtype=np.float32)
    case.check_value()
    case.check_gradients(rng)


def test_paths_without_padding(cupy, rng):
    case = Case(cupy, rng, SQUARE, (3, 5), (2, 6), lengths=True)
    right, bar = case.value(), rng.standard_normal((3, 2))
    padded_bars = case.gradients(bar)
    case.flat = True
    assert (case.value() == right).all()
    flat_bars = [Cotangents(cupy.empty(case.paths(side).points.shape)) for side in (0, 1)]
    signature_kernel_vjp(case.pairs, cupy.asarray(bar), *flat_bars, None, SQUARE)
    for side in (0, 1):
        rows = zip(padded_bars[side], case.counts[side], strict=True)
        expected = np.concatenate([row[:own] for row, own in rows])
        assert (flat_bars[side].path.get() == expected).all()


def test_one_point_has_the_kernel_1(cupy, rng):
    case = Case(cupy, rng, SQUARE, (3, 1), (2, 4))
    assert (case.value() == 1).all()
    x_bar, y_bar, parameters = case.gradients(np.ones((3, 2)))
    assert not x_bar.any()
    assert not y_bar.any()
    assert not parameters.any()


def test_nan_stays_in_its_pairs(cupy, rng):
    case = Case(cupy, rng, SQUARE, (3, 4), (2, 4))
    right = case.value()
    case.points[0][1, 2, 0] = np.nan
    value = case.value()
    assert np.isnan(value[1]).all()
    assert (value[[0, 2]] == right[[0, 2]]).all()


# ---- given increments ----


@pytest.mark.parametrize(
    "plan", [SQUARE, GRADED._replace(dyadic_order=1), DIFFERENCE], ids=lambda p: p.scheme
)
def test_given_increments(cupy, rng, plan):
    z = rng.standard_normal((3, 5, 4)) / 4
    turned = cupy.asarray(np.ascontiguousarray(z.swapaxes(1, 2))).swapaxes(1, 2)

    def expected(z, rows="value"):
        return reference.kernel_of_increments(z, rows=rows, **options_of(plan))

    for some in (cupy.asarray(z), turned):
        pairs, out = Pairs(None, None, some, True), cupy.empty(3)
        signature_kernel(pairs, out, plan)
        assert_close(out.get(), expected(z))
        grid = cupy.empty((3, 6, 5))
        signature_kernel(pairs, grid, plan, "grid")
        assert_close(grid.get(), expected(z, "grid"))
        bar, cotangent = cupy.empty(z.shape), rng.standard_normal(3)
        signature_kernel_vjp(pairs, cupy.asarray(cotangent), bar, None, None, plan)
        assert_close(bar.get(), reference.gradient(expected, [z], cotangent)[0])
        moves = rng.standard_normal(z.shape)
        signature_kernel_jvp(pairs, cupy.asarray(moves), None, out, plan)
        assert_close(out.get(), reference.derivative(expected, [z], [moves]))


# ---- cuts of the work ----


@pytest.mark.parametrize(
    ("columns", "lanes", "warps"), [(1, 4, 1), (2, 4, 1), (4, 8, 1), (1, 32, 2)]
)
def test_strips_and_warps_do_not_change_results(cupy, rng, monkeypatch, columns, lanes, warps):
    case = Case(cupy, rng, SQUARE, (2, 20), (2, 70), scale=0.1)
    right = case.value()
    shape = schedule.Shape(columns, lanes, warps, 2)
    monkeypatch.setattr(LAUNCHER, "shape_for", lambda *sizes: shape)
    assert (case.value() == right).all()


def test_paths_that_follow_each_other_do_not_change_results(cupy, rng, monkeypatch):
    case = Case(cupy, rng, SQUARE, (7, 5), (3, 9), lengths=True)
    right = case.value()
    for block in (2, 3, 7):
        monkeypatch.setattr(LAUNCHER, "block_for", lambda *sizes, block=block: block)
        assert (case.value() == right).all()


def test_results_are_the_same_every_time(cupy, rng):
    case = Case(cupy, rng, SQUARE, (3, 20), (4, 30))
    bar = rng.standard_normal((3, 4))
    first, again = case.gradients(bar), case.gradients(bar)
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    square = Case(cupy, rng, SQUARE, (5, 9), how="self").value()
    assert (square == square.T).all()


def test_scratch_memory_cannot_be_captured(cupy, rng):
    case = Case(cupy, rng, SQUARE)
    pairs, out = case.pairs, cupy.empty((2, 3))
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        stream.begin_capture()
        try:
            with pytest.raises(RuntimeError, match="signature_kernel: cannot be captured"):
                signature_kernel(pairs, out, SQUARE)
        finally:
            stream.end_capture()
