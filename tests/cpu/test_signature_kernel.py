"""The backend of signature kernels: lanes, strips, tiles of gradients, rounds of sums.

tests/api/test_signature_kernel*.py test the public functions.
"""

from __future__ import annotations

import numpy as np
import pytest

from pysig import _cpu
from pysig._plans import signature_kernel as plans
from pysig._plans.paths import Cotangents, Paths, Tangents
from pysig._plans.signature_kernel import KernelPlan, Pairs, StaticKernel
from pysig._plans.transform import Transform, code, names
from pysig._reference import signature_kernel as reference
from pysig.testing import assert_identical
from support import assert_close

RTOL = {"float64": 1e-12, "float32": 2e-5}
KAPPAS = {
    StaticKernel(0, (0.7, 0.0, 0.0)): reference.linear(0.7),
    StaticKernel(plans.RBF, (0.8, 0.0, 0.0)): reference.rbf(0.8),
    StaticKernel(plans.MATERN_12, (0.8, 0.0, 0.0)): reference.matern(0.8, 0.5),
    StaticKernel(plans.MATERN_32, (0.8, 0.0, 0.0)): reference.matern(0.8, 1.5),
    StaticKernel(plans.MATERN_52, (0.8, 0.0, 0.0)): reference.matern(0.8, 2.5),
    StaticKernel(plans.RATIONAL_QUADRATIC, (0.8, 1.3, 0.0)): reference.rational_quadratic(0.8, 1.3),
    StaticKernel(plans.POLYNOMIAL, (3.0, 0.5, 0.7)): reference.polynomial(3, 0.5, 0.7),
    StaticKernel(): None,
}
PLANS = {
    **{f"order {p}": KernelPlan("square", p) for p in (1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16)},
    **{f"order {p}, refined {k}": KernelPlan("square", p, 0, k)
       for p, k in ((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (9, 1))},
    **{f"depth {n} of order {p}": KernelPlan("levels", p, n)
       for n, p in ((1, 1), (2, 1), (3, 1), (6, 1), (8, 1), (4, 2), (5, 5), (3, 9))},
    "depth 3, refined": KernelPlan("levels", 1, 3, 1),
    "depth 3, weighted": KernelPlan("levels", 2, 3, 0, StaticKernel(), (0.5, 2.0, 0.0, 1.5)),
    **{f"differences {k}": KernelPlan("finite_difference", 0, 0, k) for k in range(4)},
    **{f"static {k}": KernelPlan("square", 3, 0, 1, kappa) for k, kappa in enumerate(KAPPAS)},
    **{f"static {k}, depth": KernelPlan("levels", 2, 3, 0, kappa)
       for k, kappa in enumerate(KAPPAS)},
}  # fmt: skip
FEW = [
    *("order 1", "order 4", "order 9", "order 2, refined 1", "depth 3 of order 1"),
    *("depth 4 of order 2", "differences 2", "static 1", "static 2", "static 6, depth"),
]


def walks(rng, *shape, dtype=np.float64):
    return (rng.standard_normal(shape).cumsum(1) / np.sqrt(shape[1] * shape[2])).astype(dtype)


def value(pairs, plan, rows="value", workers=1):
    side = pairs.x.points if pairs.x is not None else pairs.increments
    more = {"value": (), "levels": (plan.depth + 1,)}
    more["grid"] = tuple(n + 1 for n in pairs.steps)
    out = np.full(pairs.leading + more[rows], np.nan, side.dtype)
    _cpu.signature_kernel(pairs, out, plan, rows, workers)
    return out


def plan_options(plan):
    """The arguments of the reference implementation."""
    return {
        "depth": plan.depth or None,
        "order": plan.order,
        "dyadic_order": plan.dyadic_order,
        "weights": plan.weights,
        "finite": plan.scheme == "finite_difference",
    }


def expected(x, y, plan, paired=False, rows="value"):
    kappa = KAPPAS[plan.static]
    options = plan_options(plan)
    x, y = np.asarray(x), np.asarray(y)  # complex numbers are kept
    return reference.signature_kernel(x, y, kappa=kappa, paired=paired, rows=rows, **options)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_grids_and_levels(rng, name, dtype):
    plan = PLANS[name]
    x, y = walks(rng, 2, 7, 3, dtype=dtype), walks(rng, 3, 5, 3, dtype=dtype)
    pairs = Pairs(Paths(x), Paths(y))
    exact = x.astype(np.float64), y.astype(np.float64)
    assert_close(value(pairs, plan), expected(*exact, plan), rtol=RTOL, least=1.0)
    grid = expected(*exact, plan, rows="grid")
    assert_close(value(pairs, plan, "grid"), grid, rtol=RTOL, least=1.0)
    if plan.depth:
        levels = expected(*exact, plan, rows="levels")
        assert_close(value(pairs, plan, "levels"), levels, rtol=RTOL, least=1.0)
    paired = Pairs(Paths(x), Paths(y[:2]), None, True)
    assert_close(value(paired, plan), np.diagonal(expected(*exact, plan)), rtol=RTOL, least=1.0)


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("shape", [(20, 19, 5, 5, 2), (1, 1, 150, 170, 1), (3, 37, 9, 33, 9)])
def test_lanes_and_strips(rng, name, shape):
    """More pairs than lanes, and longer paths than strips, agree with one pair at a time."""
    plan = PLANS[name]
    n_x, n_y, length_x, length_y, d = shape
    x, y = walks(rng, n_x, length_x, d), walks(rng, n_y, length_y, d)
    whole = value(Pairs(Paths(x), Paths(y)), plan)
    assert_identical(whole, value(Pairs(Paths(x), Paths(y)), plan, workers=3))
    assert_close(value(Pairs(Paths(y), Paths(x)), plan).T, whole, rtol=1e-12)
    for i, j in sorted({(0, 0), (n_x - 1, n_y - 1), (n_x // 2, n_y // 3)}):
        one = expected(x[i : i + 1], y[j : j + 1], plan)
        assert_close(whole[i : i + 1, j : j + 1], one, rtol=1e-12)


@pytest.mark.parametrize("name", [*FEW, "depth 3, weighted"])
@pytest.mark.parametrize("rows", ["value", "grid"])
def test_a_symmetric_matrix_is_symmetric_to_the_bit(rng, name, rows):
    plan = PLANS[name]
    x = walks(rng, 19, 8, 3)
    both = value(Pairs(Paths(x)), plan, rows)
    assert_identical(both, np.moveaxis(both, (0, 1), (1, 0)).swapaxes(-1, -2)
                     if rows == "grid" else both.T)  # fmt: skip
    assert_close(both, value(Pairs(Paths(x), Paths(x)), plan, rows), rtol=1e-13)


def ragged(rng, batch, length, d, transform=None, base=False):
    points = walks(rng, batch, length, d)
    lengths = rng.integers(1, length + 1, batch)
    lengths[0] = length
    basepoint = rng.standard_normal((batch, d)) if base else None
    how = None if transform is None else Transform(code(transform), None, 1.0)
    for path, n in zip(points, lengths, strict=True):
        path[n:] = np.nan  # never read
    return Paths(points, basepoint, None, lengths, None, how)


OPTIONS = [
    (None, False),
    (None, True),
    (["lead_lag"], False),
    (["time", "lead_lag"], True),
    (["basepoint", "time"], False),
    (["reset"], True),
    (["lead_lag", "reset"], False),
]


def of_paths(x, y, plan, paired, rows="value"):
    """The reference implementation with the options of `Paths`."""
    return reference.signature_kernel(
        np.nan_to_num(x.points),
        np.nan_to_num(y.points),
        kappa=KAPPAS[plan.static],
        paired=paired,
        lengths=(x.lengths, y.lengths),
        basepoint=(x.basepoint, y.basepoint),
        transform=names(x.transform.stages) if x.transform else None,
        rows=rows,
        **plan_options(plan),
    )


@pytest.mark.parametrize("name", ["order 3", "depth 4 of order 2", "static 1", "static 6, depth"])
@pytest.mark.parametrize(("transform", "base"), OPTIONS)
@pytest.mark.parametrize("paired", [False, True])
def test_ragged_transformed_paths(rng, name, transform, base, paired):
    plan = PLANS[name]
    x = ragged(rng, 6, 6, 2, transform, base)
    y = ragged(rng, 6, 4, 2, transform, base)
    pairs = Pairs(x, y, None, paired)
    assert_close(value(pairs, plan), of_paths(x, y, plan, paired), rtol=1e-12)
    assert_close(value(pairs, plan, "grid"), of_paths(x, y, plan, paired, "grid"), rtol=1e-12)


@pytest.mark.parametrize("name", FEW)
def test_increments_that_are_given(rng, name):
    plan = PLANS[name]._replace(static=StaticKernel())
    z = rng.standard_normal((11, 6, 14)).swapaxes(1, 2) / 4
    for given in (z, np.ascontiguousarray(z), z[::2, ::3]):
        right = reference.kernel_of_increments(given, **plan_options(plan))
        assert_close(value(Pairs(None, None, given, True), plan), right, rtol=1e-12)


def test_a_fine_refinement_is_that_of_the_increments(rng):
    x, y = walks(rng, 3, 4, 2), walks(rng, 3, 5, 2)
    plan = KernelPlan("square", 2, 0, 4)
    z = np.einsum("bic,bjc->bij", np.diff(x, axis=1), np.diff(y, axis=1))
    pairs = Pairs(None, None, reference.refined(z, 4), True)
    fine = value(Pairs(Paths(x), Paths(y), None, True), plan)
    assert_close(fine, value(pairs, plan._replace(dyadic_order=0)), rtol=1e-13)
    check_duality(rng, Pairs(Paths(x), Paths(y)), plan)


@pytest.mark.parametrize("name", FEW)
def test_paths_of_one_point_and_empty_batches(name):
    plan = PLANS[name]
    x, y = np.ones((2, 1, 3)), np.zeros((3, 4, 3))
    assert (value(Pairs(Paths(x), Paths(y)), plan) == 1).all()
    assert (value(Pairs(Paths(y), Paths(x)), plan, "grid") == 1).all()
    assert value(Pairs(Paths(x[:0]), Paths(y)), plan).shape == (0, 3)
    assert value(Pairs(Paths(y), Paths(x[:0])), plan).shape == (3, 0)
    assert value(Pairs(Paths(x[:0])), plan).shape == (0, 0)


def test_nan_and_infinity_stay_within_their_pairs(rng):
    x, y = walks(rng, 5, 6, 2), walks(rng, 9, 7, 2)
    plan = PLANS["order 4"]
    right = value(Pairs(Paths(x), Paths(y)), plan)
    x[1, 2, 0], y[3, 3, 1] = np.nan, np.inf
    k = value(Pairs(Paths(x), Paths(y)), plan)
    good = np.ones(k.shape, bool)
    good[1], good[:, 3] = False, False
    assert_identical(k[good], right[good])
    assert not np.isfinite(k[~good]).any()


@pytest.mark.parametrize(
    "name", ["differences 3", "order 1, refined 2", "order 4", "depth 4 of order 2"]
)
def test_float32_loses_nothing_on_long_paths(rng, name):
    """Roundings must not add up over the area of the cells."""
    plan = PLANS[name]
    x, y = (rng.standard_normal((4, 256, 5)).cumsum(1) / np.sqrt(256 * 5) for _ in range(2))
    x, y = x.astype(np.float32), y.astype(np.float32)
    right = value(Pairs(Paths(x.astype(np.float64)), Paths(y.astype(np.float64))), plan)
    assert_close(value(Pairs(Paths(x), Paths(y)), plan), right, rtol=3e-6)


@pytest.mark.parametrize("scale", [1.0, 4.0])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 7, 10])
def test_matrices_are_positive_semi_definite(rng, order, scale):
    x = scale * walks(rng, 25, 20, 2) * np.sqrt(2)
    k = value(Pairs(Paths(x)), KernelPlan("square", order))
    k /= np.sqrt(np.outer(np.diag(k), np.diag(k)))
    values = np.linalg.eigvalsh(k)
    assert values[0] >= -len(k) * np.finfo(float).eps * values[-1]


# ---- derivatives ----


def jvp(pairs, tangents, plan, levels=False, workers=1):
    side = pairs.x.points if pairs.x is not None else pairs.increments
    out = np.full(pairs.leading + (plan.depth + 1,) * levels, np.nan, side.dtype)
    _cpu.signature_kernel_jvp(pairs, *tangents, out, plan, workers)
    return out


def vjp(pairs, cotangent, plan, workers=1):
    """Gradients of x, y (None: symmetric) and the parameters; of increments and None."""
    if pairs.x is None:
        into = np.full(pairs.increments.shape, np.nan, pairs.increments.dtype), None
    else:
        into = tuple(
            side and Cotangents(np.full(side.points.shape, np.nan, side.points.dtype),
                                None if side.basepoint is None else np.empty_like(side.basepoint))
            for side in (pairs.x, pairs.y)
        )  # fmt: skip
    parameters = np.full(3, np.nan)
    _cpu.signature_kernel_vjp(pairs, cotangent, *into, parameters, plan, workers)
    return *into, parameters


@pytest.mark.parametrize("name", PLANS)
def test_derivatives_agree_with_the_reference(rng, name):
    plan = PLANS[name]
    x, y = walks(rng, 2, 4, 2), walks(rng, 2, 3, 2)
    pairs = Pairs(Paths(x), Paths(y))
    tangents = rng.standard_normal(x.shape), rng.standard_normal(y.shape)

    def f(a, b):
        return expected(a, b, plan)

    along = reference.derivative(f, (x, y), tangents)
    found = jvp(pairs, [Tangents(t) for t in tangents], plan)
    assert_close(found, along, rtol=1e-11)
    weights = rng.standard_normal((2, 2))
    bar = reference.gradient(f, (x, y), weights)
    into_x, into_y, _ = vjp(pairs, weights, plan)
    assert_close(into_x.path, bar[0], rtol=1e-11)
    assert_close(into_y.path, bar[1], rtol=1e-11)


def dot(cotangents, tangents):
    pairs = zip(cotangents, tangents, strict=True)
    return sum((a * b).sum() for a, b in pairs if a is not None and b is not None)


def tangents_of(rng, paths):
    base = None if paths.basepoint is None else rng.standard_normal(paths.basepoint.shape)
    return Tangents(rng.standard_normal(paths.points.shape), base)


def check_duality(rng, pairs, plan, levels=False):
    """<cotangent, jvp> = <vjp, tangents>; for each side alone, too."""
    sides = [pairs.x] if pairs.y is None else [pairs.x, pairs.y]
    t = [tangents_of(rng, side) for side in sides]
    cotangent = rng.standard_normal(pairs.leading + (plan.depth + 1,) * levels)
    for which in ([0, 1], [0], [1]) if len(sides) == 2 else ([0],):
        along = [t[k] if k in which else None for k in range(len(sides))] + [None] * (
            2 - len(sides)
        )
        forward = (cotangent * jvp(pairs, along, plan, levels)).sum()
        into = vjp(pairs, cotangent, plan)
        backward = sum(dot(into[k], t[k]) for k in which)
        size = sum(np.abs(into[k].path).sum() for k in which)
        assert abs(forward - backward) <= 1e-12 * max(size, 1)


@pytest.mark.parametrize("name", [*FEW, "depth 3, weighted"])
@pytest.mark.parametrize("form", ["matrix", "symmetric", "paired"])
def test_gradients_are_dual_to_derivatives(rng, name, form):
    plan = PLANS[name]
    x, y = Paths(walks(rng, 21, 11, 3)), Paths(walks(rng, 21, 14, 3))
    pairs = {
        "matrix": Pairs(x, y), "symmetric": Pairs(x), "paired": Pairs(x, y, None, True),
    }[form]  # fmt: skip
    check_duality(rng, pairs, plan)
    if plan.depth:
        check_duality(rng, pairs, plan, levels=True)


@pytest.mark.parametrize("name", ["order 3", "static 1", "static 6, depth"])
@pytest.mark.parametrize(("transform", "base"), OPTIONS)
@pytest.mark.parametrize("form", ["matrix", "symmetric", "paired"])
def test_gradients_of_ragged_transformed_paths(rng, name, transform, base, form):
    plan = PLANS[name]
    x = ragged(rng, 7, 6, 2, transform, base)
    y = ragged(rng, 7, 5, 2, transform, base)
    x, y = (p._replace(points=np.nan_to_num(p.points)) for p in (x, y))
    pairs = {
        "matrix": Pairs(x, y), "symmetric": Pairs(x), "paired": Pairs(x, y, None, True),
    }[form]  # fmt: skip
    check_duality(rng, pairs, plan)
    into = vjp(pairs, np.ones(pairs.leading), plan)
    for bar, n in zip(into[0].path, x.lengths, strict=True):
        assert (bar[n:] == 0).all()


@pytest.mark.parametrize("name", FEW)
@pytest.mark.parametrize("shape", [(40, 3, 6, 5), (3, 40, 5, 7), (1, 1, 90, 110), (18, 33, 35, 20)])
def test_rounds_and_tiles_of_gradients(rng, name, shape):
    plan = PLANS[name]
    n_x, n_y, length_x, length_y = shape
    x, y = Paths(walks(rng, n_x, length_x, 2)), Paths(walks(rng, n_y, length_y, 2))
    check_duality(rng, Pairs(x, y), plan)
    cotangent = rng.standard_normal((n_x, n_y))
    once = vjp(Pairs(x, y), cotangent, plan)
    again = vjp(Pairs(x, y), cotangent, plan, workers=3)
    for a, b in zip(once[:2], again[:2], strict=True):
        assert_identical(a.path, b.path)
    assert_identical(once[2], again[2])


@pytest.mark.parametrize("name", FEW)
def test_derivatives_of_given_increments(rng, name):
    plan = PLANS[name]._replace(static=StaticKernel())
    z, t = rng.standard_normal((2, 9, 13, 11)) / 4
    right = reference.derivative(
        lambda a: reference.kernel_of_increments(a, **plan_options(plan)), (z,), (t,)
    )
    pairs = Pairs(None, None, z, True)
    assert_close(jvp(pairs, (t, None), plan), right, rtol=1e-11)
    strided = Pairs(None, None, np.ascontiguousarray(z.swapaxes(1, 2)).swapaxes(1, 2), True)
    assert_identical(jvp(strided, (t, None), plan), jvp(pairs, (t, None), plan))
    cotangent = rng.standard_normal(9)
    into, _, _ = vjp(pairs, cotangent, plan)
    assert_close((into * t).sum(axis=(1, 2)), cotangent * right, rtol=1e-11)


@pytest.mark.parametrize("kappa", [k for k in KAPPAS if k.parameters[0] != 1.0])
@pytest.mark.parametrize("symmetric", [False, True])
def test_gradients_of_parameters(rng, kappa, symmetric):
    x, y = Paths(walks(rng, 9, 6, 2)), Paths(walks(rng, 11, 7, 2))
    pairs = Pairs(x) if symmetric else Pairs(x, y)
    cotangent = rng.standard_normal(pairs.leading)
    plan = KernelPlan("square", 3, 0, 1, kappa)
    found = vjp(pairs, cotangent, plan)[2]
    for k, p in enumerate(kappa.parameters):
        if p == 0 or (kappa.kind == plans.POLYNOMIAL and k == 0):
            assert found[k] == 0
            continue
        values = []
        for step in (1e-5, -1e-5):
            moved = [q + step * (n == k) for n, q in enumerate(kappa.parameters)]
            at = plan._replace(static=StaticKernel(kappa.kind, tuple(moved)))
            values.append((cotangent * value(pairs, at)).sum())
        right = (values[0] - values[1]) / 2e-5
        assert abs(found[k] - right) <= 1e-7 * max(1, abs(right), np.abs(cotangent).sum())


@pytest.mark.parametrize("name", FEW)
def test_gradients_in_float32(rng, name):
    plan = PLANS[name]
    x, y = walks(rng, 6, 30, 3), walks(rng, 10, 40, 3)
    cotangent = rng.standard_normal((6, 10))
    right = vjp(Pairs(Paths(x), Paths(y)), cotangent, plan)
    single = (Paths(x.astype(np.float32)), Paths(y.astype(np.float32)))
    found = vjp(Pairs(*single), cotangent.astype(np.float32), plan)
    for a, b in zip(found[:2], right[:2], strict=True):
        assert_close(a.path, b.path, np.float32, rtol=5e-5)
