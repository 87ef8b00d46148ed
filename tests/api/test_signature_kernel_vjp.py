"""Derivatives of signature kernels: the reference, differences, and adjointness."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import pysig
from kernel_calls import (
    STATIC,
    expected_kernels,
    kernel_calls,
    kernel_walks,
    require_kernels,
)
from pysig._reference import signature_kernel as reference
from support import assert_close, on_device, on_host

RTOL = {"float32": 1e-4, "float64": 1e-10}
SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def moving_arrays(call):
    """The differentiable arrays of a call, by name, in float64."""
    found = {"x": call.x}
    if call.y is not None:
        found["y"] = call.y
    base = call.options["basepoint"]
    if isinstance(base, tuple):
        for name, part in zip(("base_x", "base_y"), base, strict=True):
            if isinstance(part, np.ndarray):
                found[name] = part
    elif isinstance(base, np.ndarray):
        found["base"] = base
    found["numbers"] = call.numbers()
    return {name: np.asarray(value, np.float64) for name, value in found.items()}


def kernel_of(call, names):
    """The reference of a call as a function of its differentiable arrays."""

    def value(*given):
        named = dict(zip(names, given, strict=True))
        bases = call.bases()
        if "base" in named:
            bases = [named["base"]] * 2
        bases = [named.get("base_x", bases[0]), named.get("base_y", bases[1])]
        with np.errstate(invalid="ignore"):
            return expected_kernels(call, named["x"], named.get("y"), bases, named["numbers"])

    return value


def gradients_by_name(call, gradients):
    """`SignatureKernelCotangents` with the names of `arrays`."""
    found = {"x": gradients.x, "y": gradients.y}
    base = gradients.basepoint
    if isinstance(base, tuple):
        found |= dict(zip(("base_x", "base_y"), base, strict=True))
    else:
        found["base"] = base
    static = call.options["static_kernel"] or pysig.kernels.Linear()
    assert list(gradients.parameters) == list(static.GRADIENTS)
    found["numbers"] = np.array([float(v) for v in gradients.parameters.values()])
    return {name: on_host(value) for name, value in found.items() if value is not None}


def derivative_options(call, xp):
    return {k: v for k, v in on_device(xp, call.options).items() if k != "grid"}


@settings(max_examples=80, **SETTINGS)
@given(kernel_calls(derivatives=True, smooth=True))
def test_gradients_agree_with_the_reference(xp, call):
    require_kernels(xp, "signature_kernel_vjp")
    at = moving_arrays(call)
    value = kernel_of(call, list(at))
    shape = value(*at.values()).shape
    cotangent = np.random.default_rng(0).normal(size=shape).astype(call.x.dtype)
    rights = reference.gradient(value, list(at.values()), cotangent.astype(np.float64))
    function = pysig.signature_kernel_vjp if call.paired else pysig.signature_kernel_matrix_vjp
    x, y = (None if side is None else xp.asarray(side) for side in (call.x, call.y))
    result = function(x, y, xp.asarray(cotangent), call.depth, **derivative_options(call, xp))
    assert isinstance(result, pysig.SignatureKernelCotangents)
    bars = gradients_by_name(call, result)
    assert set(bars) == set(at)
    for (name, array), right in zip(at.items(), rights, strict=True):
        assert bars[name].shape == array.shape
        assert bars[name].dtype == (np.float64 if name == "numbers" else call.x.dtype)
        rtol = RTOL[call.x.dtype.name]
        assert_close(bars[name], right, rtol=rtol, least=1.0)


@settings(max_examples=80, **SETTINGS)
@given(kernel_calls(derivatives=True, smooth=True))
def test_derivatives_along_tangents_agree_with_the_reference(xp, call):
    require_kernels(xp, "signature_kernel_jvp")
    at = moving_arrays(call)
    rng = np.random.default_rng(0)
    moves = {name: rng.normal(size=value.shape) for name, value in at.items()}
    static = call.options["static_kernel"] or pysig.kernels.Linear()
    numbers = dict(zip(static.GRADIENTS, moves["numbers"].tolist(), strict=True))
    if rng.integers(3) == 0:
        moves["numbers"] *= 0
        numbers = None
    constant = rng.integers(3) == 0 and call.y is not None
    if constant:
        moves["x"] *= 0
        moves.update({n: v * 0 for n, v in moves.items() if n == "base_x"})
    moves = {n: v.astype(np.float64 if n == "numbers" else call.x.dtype) for n, v in moves.items()}
    wide = [moves[name].astype(np.float64) for name in at]
    right = reference.derivative(kernel_of(call, list(at)), list(at.values()), wide)

    def there(name):
        return xp.asarray(moves[name]) if name in moves else None

    base = there("base")
    if "base_x" in moves or "base_y" in moves:
        base = (there("base_x"), there("base_y"))
    given = derivative_options(call, xp) | {
        "basepoint_tangent": base,
        "parameters_tangent": numbers,
    }
    function = pysig.signature_kernel_jvp if call.paired else pysig.signature_kernel_matrix_jvp
    x, y = (None if side is None else xp.asarray(side) for side in (call.x, call.y))
    along = None if constant and base is None else there("x")
    change = function(x, y, along, there("y"), call.depth, **given)
    assert_close(on_host(change), right, call.x.dtype, rtol=RTOL, least=1.0)


@pytest.mark.parametrize("static", STATIC, ids=str)
@pytest.mark.parametrize(
    "options",
    [{"order": 3}, {"depth": 2, "normalize": True}, {"depth": 2, "levels": True}],
    ids=str,
)
def test_only_parameters_move(xp, rng, static, options):
    """Each parameter alone, dual to its gradient."""
    require_kernels(xp, "signature_kernel_jvp")
    x, y = (xp.asarray(rng.normal(size=(n, 6, 2)).cumsum(axis=1) / 2) for n in (3, 4))
    options = {**options, "static_kernel": static}
    for second in (y, None):
        change = pysig.signature_kernel_matrix_jvp(x, second, None, **options)
        assert not on_host(change).any()
        cotangent = rng.normal(size=change.shape)
        bars = pysig.signature_kernel_matrix_vjp(x, second, xp.asarray(cotangent), **options)
        for name in type(static or pysig.kernels.Linear()).GRADIENTS:
            change = pysig.signature_kernel_matrix_jvp(
                x, second, None, parameters_tangent={name: 2.0}, **options
            )
            forward = (on_host(change) * cotangent).sum()
            scale = np.abs(on_host(change) * cotangent).sum()
            assert abs(forward - 2 * float(bars.parameters[name])) <= 1e-11 * max(scale, 1)


def test_errors_of_parameters_that_move(rng):
    x, kernel = rng.normal(size=(2, 3, 1)), pysig.kernels.RBF()
    for tangent, error, message in [
        ([1.0], TypeError, r"parameters_tangent: expected a dict of numbers .* received list"),
        ({"scale": 1.0}, ValueError, "names among bandwidth of RBF, received 'scale'"),
        ({"bandwidth": "1"}, TypeError, r"parameters_tangent\['bandwidth'\]: expected a number"),
        ({"bandwidth": np.ones(2)}, TypeError, "expected a number"),
    ]:
        with pytest.raises(error, match=message):
            pysig.signature_kernel_matrix_jvp(
                x, None, x, order=2, static_kernel=kernel, parameters_tangent=tangent
            )
    moves = {"bandwidth": np.array(0.5, np.float32)}
    pysig.signature_kernel_matrix_jvp(
        x, None, x, order=2, static_kernel=kernel, parameters_tangent=moves
    )


@pytest.mark.parametrize("static", STATIC[1:], ids=str)
@pytest.mark.parametrize(
    "options", [{"order": 4}, {"depth": 3, "order": 2}, {"order": 2, "dyadic_order": 1}], ids=str
)
def test_gradients_are_differences(rng, static, options):
    """Richardson's extrapolation of central differences, whose error is of order h^4."""
    x, y = kernel_walks(rng, 2, 7, 2), kernel_walks(rng, 3, 5, 2)
    cotangent = rng.normal(size=(2, 3))
    options = {**options, "static_kernel": static}

    def value(x, y, static=static):
        given = {**options, "static_kernel": static}
        return (cotangent * pysig.signature_kernel_matrix(x, y, **given)).sum()

    def difference(move):
        slopes = [(move(h) - move(-h)) / (2 * h) for h in (8e-4, 4e-4, 2e-4)]
        first = [(4 * b - a) / 3 for a, b in pairwise(slopes)]
        return (16 * first[1] - first[0]) / 15

    bars = pysig.signature_kernel_matrix_vjp(x, y, cotangent, **options)
    v, w = rng.normal(size=x.shape), rng.normal(size=y.shape)
    scale = max(np.abs(bars.x).sum(), 1.0)
    assert abs(difference(lambda h: value(x + h * v, y)) - (bars.x * v).sum()) <= 1e-8 * scale
    assert abs(difference(lambda h: value(x, y + h * w)) - (bars.y * w).sum()) <= 1e-8 * scale
    for name, bar in bars.parameters.items():
        at = getattr(static, name)
        if at == 0:  # gamma of a polynomial, whose values below 0 are refused
            continue
        given = static.get_params()

        def moved(h, name=name, at=at, given=given):
            return value(x, y, type(static)(**{**given, name: at + h}))

        assert abs(difference(moved) - float(bar)) <= 1e-8 * scale


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("method", ["order", "levels", "features"])
@pytest.mark.parametrize("length", [2, 40, 300])
def test_gradients_and_derivatives_are_adjoint(rng, xp, dtype, method, length):
    """<cotangent, J v> = <J^T cotangent, v>, at lengths with several stored rows."""
    require_kernels(xp, "signature_kernel_vjp")
    options = {
        "order": {"order": 3},
        "levels": {"depth": 3, "order": 1},
        "features": {"depth": 3, "method": "features"},
    }[method]
    x, y = (kernel_walks(rng, n, length, 3).astype(dtype) for n in (3, 18))
    v, w = (kernel_walks(rng, n, length, 3).astype(dtype) for n in (3, 18))
    cotangent = rng.normal(size=(3, 18)).astype(dtype)
    there = [xp.asarray(array) for array in (x, y, v, w, cotangent)]
    change = on_host(pysig.signature_kernel_matrix_jvp(*there[:4], **options))
    bars = pysig.signature_kernel_matrix_vjp(*there[:2], there[4], **options)
    left = (change.astype(np.float64) * cotangent).sum()
    right = sum(
        (on_host(bar).astype(np.float64) * t).sum() for bar, t in ((bars.x, v), (bars.y, w))
    )
    scale = np.abs(change).sum()
    assert abs(left - right) <= {"float32": 1e-4, "float64": 1e-12}[np.dtype(dtype).name] * scale


def test_a_symmetric_matrix_moves_on_both_sides(rng):
    x, cotangent = kernel_walks(rng, 5, 8, 2), rng.normal(size=(5, 5))
    for options in ({"order": 3}, {"depth": 3}, {"order": 3, "normalize": True}):
        alone = pysig.signature_kernel_matrix_vjp(x, None, cotangent, **options)
        both = pysig.signature_kernel_matrix_vjp(x, x, cotangent, **options)
        assert alone.y is None
        assert_close(alone.x, both.x + both.y, rtol=1e-12)
        assert_close(alone.parameters["scale"], both.parameters["scale"], rtol=1e-12, least=1.0)


def test_points_beyond_the_lengths_have_gradient_zero(rng):
    x, y = kernel_walks(rng, 3, 9, 2), kernel_walks(rng, 2, 7, 2)
    lengths = (np.array([9, 1, 4]), np.array([3, 7]))
    spoilt = x.copy()
    spoilt[2, 4:] = np.nan
    for options in ({"order": 3}, {"depth": 2}):
        bars = pysig.signature_kernel_matrix_vjp(
            spoilt, y, np.ones((3, 2)), lengths=lengths, **options
        )
        assert np.isfinite(bars.x).all()
        for bar, counts in ((bars.x, lengths[0]), (bars.y, lengths[1])):
            for row, count in zip(bar, counts, strict=True):
                np.testing.assert_array_equal(row[count:], 0)


def test_an_empty_batch_has_gradient_zero():
    bars = pysig.signature_kernel_matrix_vjp(
        np.zeros((0, 4, 2)), np.zeros((3, 5, 2)), np.zeros((0, 3)), order=2
    )
    assert bars.x.shape == (0, 4, 2)
    np.testing.assert_array_equal(bars.y, np.zeros((3, 5, 2)))


@pytest.mark.parametrize("options", [{"order": 3}, {"depth": 3}, {"depth": 4, "order": 2}])
def test_increments(rng, xp, options):
    require_kernels(xp, "signature_kernel_vjp")
    z = rng.normal(size=(2, 3, 4, 5)) / 3
    cotangent, v = rng.normal(size=(2, 3)), rng.normal(size=z.shape)
    depth, order = options.get("depth"), options.get("order")

    def value(z):
        return reference.kernel_of_increments(z, depth, order=order)

    there = xp.asarray(z)
    bar = pysig.signature_kernel_from_increments_vjp(there, xp.asarray(cotangent), **options)
    change = pysig.signature_kernel_from_increments_jvp(there, xp.asarray(v), **options)
    right = reference.derivative(value, [z], [v])
    assert_close(on_host(change), right, np.float64, rtol=1e-12)
    assert abs((cotangent * right).sum() - (on_host(bar) * v).sum()) <= 1e-12 * np.abs(right).sum()
    if depth is not None:
        levels = {"levels": True, **options}
        weight = rng.normal(size=(2, 3, depth + 1))
        bar = pysig.signature_kernel_from_increments_vjp(there, xp.asarray(weight), **levels)
        change = on_host(pysig.signature_kernel_from_increments_jvp(there, xp.asarray(v), **levels))
        assert_close(change.sum(axis=-1), right, rtol=1e-12)
        total = (weight * change).sum()
        assert abs(total - (on_host(bar) * v).sum()) <= 1e-12 * np.abs(change).sum()


def test_float32_gradients_of_long_paths_by_signatures(rng):
    """Beyond 8192 points they are computed in float64, as those of signatures."""
    x = kernel_walks(rng, 2, 9000, 2).astype(np.float32)
    y = kernel_walks(rng, 2, 10, 2).astype(np.float32)
    c = np.ones((2, 2), np.float32)
    options = {"depth": 2, "method": "features", "basepoint": np.zeros(2, np.float32)}
    bars = pysig.signature_kernel_matrix_vjp(x, y, c, **options)
    right = pysig.signature_kernel_matrix_vjp(x.astype(float), y.astype(float), c, **options)
    assert bars.x.dtype == np.float32
    assert bars.basepoint.dtype == np.float32
    assert_close(bars.x, right.x, rtol=1e-5)


def test_lists_of_paths_of_different_lengths(rng):
    """Values, gradients and tangents in the layout of the argument."""
    x = [kernel_walks(rng, n, 2) for n in (5, 1, 8)]
    y = kernel_walks(rng, 2, 6, 2)
    padded = np.zeros((3, 8, 2))
    for row, path in zip(padded, x, strict=True):
        row[: len(path)] = path
    lengths, cotangent = np.array([5, 1, 8]), rng.normal(size=(3, 2))
    for options in ({"order": 3}, {"depth": 3}, {"order": 2, "basepoint": np.ones(2)}):
        both = {**options, "lengths": (lengths, None)}
        k = pysig.signature_kernel_matrix(x, y, **options)
        np.testing.assert_array_equal(k, pysig.signature_kernel_matrix(padded, y, **both))
        bars = pysig.signature_kernel_matrix_vjp(x, y, cotangent, **options)
        whole = pysig.signature_kernel_matrix_vjp(padded, y, cotangent, **both)
        assert [bar.shape for bar in bars.x] == [path.shape for path in x]
        for bar, row in zip(bars.x, whole.x, strict=True):
            np.testing.assert_array_equal(bar, row[: len(bar)])
        np.testing.assert_array_equal(bars.y, whole.y)
        moves = [rng.normal(size=path.shape) for path in x]
        change = pysig.signature_kernel_matrix_jvp(x, y, moves, None, **options)
        total = sum((bar * move).sum() for bar, move in zip(bars.x, moves, strict=True))
        assert abs(total - (cotangent * change).sum()) <= 1e-12 * np.abs(change).sum()
    gram = pysig.signature_kernel_matrix(x, order=3)
    np.testing.assert_array_equal(np.diag(gram), pysig.signature_kernel(x, x, order=3))
