"""`pysig.algebra` against the reference implementation and identities, on every array library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig import algebra
from pysig._reference import algebra as reference
from pysig._reference import signature_vjp as derivative
from support import on_host

SIZES = [(1, 3), (2, 4), (3, 3), (5, 2), (17, 1)]
RTOL = {np.float32: 2e-5, np.float64: 1e-12}


class Product:
    """One operation: its call, the call of the reference, and the shapes of its arguments."""

    def __init__(self, name, kinds):
        self.name, self.kinds = name, kinds
        self.value = getattr(algebra, name)
        self.vjp = getattr(algebra, f"{name}_vjp")
        self.jvp = getattr(algebra, f"{name}_jvp")
        self.reference = getattr(reference, name)

    def shapes(self, channels, depth, scalar_term):
        size = pysig.signature_size(channels, depth, scalar_term)
        own = {"a": (size,), "x": (channels,), "m": (2, channels)}
        return [own[kind] for kind in self.kinds]


CASES = [
    Product("combine", "aa"),
    Product("invert", "a"),
    Product("antipode", "a"),
    Product("exp", "a"),
    Product("log", "a"),
    Product("dilate", "ax"),
    Product("map_channels", "am"),
    Product("shuffle", "aa"),
    Product("half_shuffle", "aa"),
    Product("inner", "aa"),
    Product("append", "ax"),
    Product("prepend", "xa"),
]
IGNORE_SCALAR = {"exp": 0, "log": 1, "invert": 1}  # the scalar counts as this whatever is stored


def close(got, expected, dtype=np.float64):
    expected = np.asarray(expected, np.float64)
    got = on_host(got)
    assert got.shape == expected.shape
    scale = np.abs(expected).max(initial=0)
    np.testing.assert_allclose(got, expected, rtol=RTOL[dtype], atol=RTOL[dtype] * scale)


def draw(random, shape, dtype, case, kind, scalar_term):
    values = random.uniform(-1, 1, shape).astype(dtype)
    if scalar_term and kind == "a" and case.name in IGNORE_SCALAR:
        values[..., 0] = IGNORE_SCALAR[case.name]
    return values


def each(function, arrays, owns):
    """Apply the reference implementation to every row of the broadcast batch."""
    batch = np.broadcast_shapes(
        *(a.shape[: a.ndim - own] for a, own in zip(arrays, owns, strict=True))
    )
    wide = [
        np.broadcast_to(a, (*batch, *a.shape[a.ndim - own :])).astype(np.float64)
        for a, own in zip(arrays, owns, strict=True)
    ]
    rows = [function(*(w[index] for w in wide)) for index in np.ndindex(*batch)]
    return np.array(rows).reshape(*batch, *np.shape(rows[0]))


def test_close_sees_a_wrong_digit():
    good = np.array([1.0, 1e-3])
    close(good, good)
    with pytest.raises(AssertionError):
        close(good + np.array([0, 1e-9]), good)
    with pytest.raises(AssertionError):
        close(good[:1], good)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scalar_term", [False, True])
@pytest.mark.parametrize(("channels", "depth"), SIZES)
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_values_against_the_reference(xp, case, channels, depth, scalar_term, dtype):
    random = np.random.default_rng([channels, scalar_term])
    shapes = case.shapes(channels, depth, scalar_term)
    owns = [len(s) for s in shapes]
    leads = [(3, 1), (4,)] if len(shapes) == 2 else [(3, 7)]
    arrays = [
        draw(random, (*lead, *s), dtype, case, kind, scalar_term)
        for lead, s, kind in zip(leads, shapes, case.kinds, strict=True)
    ]
    expected = each(lambda *rows: case.reference(*rows, channels, depth, scalar_term), arrays, owns)
    inputs = [xp.asarray(a) for a in arrays]
    got = case.value(*inputs, channels, depth, scalar_term=scalar_term)
    assert isinstance(got, xp.ndarray)
    assert got.dtype == dtype
    close(got, expected, dtype)
    out = xp.empty(got.shape, dtype)
    again = case.value(*inputs, channels, depth, scalar_term=scalar_term, out=out)
    assert again is out
    assert np.array_equal(on_host(out), on_host(got))


@pytest.mark.parametrize("scalar_term", [False, True])
@pytest.mark.parametrize(("channels", "depth"), [(1, 3), (2, 3), (3, 2)])
@pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)
def test_derivatives_against_the_reference(xp, case, channels, depth, scalar_term):
    random = np.random.default_rng([channels, scalar_term, 7])
    shapes = case.shapes(channels, depth, scalar_term)
    owns = [len(s) for s in shapes]
    leads = [(2, 1), (2,)] if len(shapes) == 2 else [(2, 2)]
    # The scalar of a series is a constant.
    still = slice(None, int(scalar_term and case.name in IGNORE_SCALAR))

    def rows():
        return [
            draw(random, (*lead, *s), np.float64, case, kind, scalar_term)
            for lead, s, kind in zip(leads, shapes, case.kinds, strict=True)
        ]

    def slope(moves):
        inputs, tangents = map(xp.asarray, arrays), map(xp.asarray, moves)
        return on_host(case.jvp(*inputs, channels, depth, *tangents, scalar_term=scalar_term))

    def reference_slope(*both):
        inputs, moves = both[: len(arrays)], both[len(arrays) :]
        return derivative.jvp(
            lambda *x: case.reference(*x, channels, depth, scalar_term), inputs, moves
        )

    arrays, tangents = rows(), rows()
    tangents[0][..., still] = 0
    expected = each(reference_slope, arrays + tangents, owns * 2)
    close(slope(tangents), expected)

    # The gradients are the adjoint of the derivative, also where arguments are broadcast.
    cotangent = random.uniform(-1, 1, expected.shape)
    gradients = case.vjp(
        *map(xp.asarray, arrays), channels, depth, xp.asarray(cotangent), scalar_term=scalar_term
    )
    gradients = gradients if isinstance(gradients, tuple) else (gradients,)
    assert [g.shape for g in gradients] == [a.shape for a in arrays]
    for which, gradient in enumerate(gradients):
        moves = [np.zeros_like(a) for a in arrays]
        moves[which] = random.uniform(-1, 1, arrays[which].shape)
        if which == 0:
            moves[0][..., still] = 0
        terms = on_host(gradient) * moves[which]
        difference = np.sum(terms) - np.sum(slope(moves) * cotangent)
        assert abs(difference) < 1e-12 * (np.sum(np.abs(terms)) + 1)


@pytest.mark.parametrize(("name", "scalar"), [("exp", 0), ("log", 1), ("invert", 1)])
def test_the_scalar_of_a_series_is_checked(name, scalar):
    rows = np.random.default_rng(0).uniform(-1, 1, (3, pysig.signature_size(2, 3, True)))
    rows[:, 0] = scalar
    operation = getattr(algebra, name)
    assert np.all(operation(rows, 2, 3, scalar_term=True)[:, 0] == (0 if name == "log" else 1))
    wrong = rows.copy()
    wrong[1, 0] = 0.5
    says = rf"^a: expected {scalar} as its first entry, .*received 0\.5\. Pass a "
    with pytest.raises(ValueError, match=says):
        operation(wrong, 2, 3, scalar_term=True)
    with pytest.raises(ValueError, match=says):
        getattr(algebra, f"{name}_vjp")(wrong, 2, 3, rows, scalar_term=True)
    with pytest.raises(ValueError, match=says):
        getattr(algebra, f"{name}_jvp")(wrong, 2, 3, rows, scalar_term=True)
    without = operation(wrong[:, 1:], 2, 3)  # rows that do not store it
    assert np.array_equal(without, operation(rows, 2, 3, scalar_term=True)[:, 1:])


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from([(1, 4), (2, 5), (3, 4), (6, 2)]),
    st.integers(1, 20),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2]),
)
def test_identities_of_signatures(size, batch, seed, workers):
    channels, depth = size
    random = np.random.default_rng(seed)
    path = np.cumsum(random.uniform(-1, 1, (batch, 7, channels)), axis=1) / 2
    first, second = pysig.signature(path[:, :4], depth), pysig.signature(path[:, 3:], depth)
    whole = pysig.signature(path, depth)
    options = {"workers": workers}
    scale = np.abs(whole).max()

    def same(x, y):
        np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-11 * scale)

    same(algebra.combine(first, second, *size, **options), whole)
    same(algebra.combine(whole, algebra.invert(second, *size, **options), *size), first)
    same(algebra.invert(whole, *size, **options), algebra.antipode(whole, *size))
    same(algebra.exp(algebra.log(whole, *size, **options), *size, **options), whole)
    pieces = np.stack([pysig.signature(path[:, i : i + 2], depth) for i in range(6)], axis=1)
    same(algebra.combine(pieces, None, *size, **options), whole)
    same(algebra.append(pysig.signature(path[:, :6], depth), path[:, 6] - path[:, 5], *size), whole)
    same(
        algebra.prepend(path[:, 1] - path[:, 0], pysig.signature(path[:, 1:], depth), *size), whole
    )
    a, b = random.uniform(-1, 1, (2, batch, whole.shape[1]))
    levels = np.repeat(np.arange(1, depth + 1), channels ** np.arange(1, depth + 1))
    a, b = np.where(levels <= depth // 2, a, 0), np.where(levels <= depth - depth // 2, b, 0)
    left = algebra.inner(algebra.shuffle(a, b, *size, **options), whole, *size)
    right = algebra.inner(a, whole, *size) * algebra.inner(b, whole, *size)
    np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1, -2, -3])
@pytest.mark.parametrize("length", [0, 1, 2, 3, 7, 8])
def test_combine_along_an_axis(xp, axis, length):
    channels, depth = 2, 3
    random = np.random.default_rng(length)
    size = pysig.signature_size(channels, depth)
    shape = [3, 4, size]
    shape[axis] = length
    rows, tangent = random.uniform(-1, 1, (2, *shape))
    moved = np.moveaxis(rows, axis, 0)
    unit = np.zeros(moved.shape[1:])

    def product(factors):
        total = unit
        for factor in factors:
            total = algebra.combine(total, factor, channels, depth)
        return total

    got = algebra.combine(xp.asarray(rows), None, channels, depth, axis=axis)
    close(got, product(moved))
    change = algebra.combine_jvp(
        xp.asarray(rows), None, channels, depth, xp.asarray(tangent), axis=axis
    )
    expected = np.zeros_like(unit)
    total = unit
    for factor, move in zip(moved, np.moveaxis(tangent, axis, 0), strict=True):
        expected = algebra.combine_jvp(total, factor, channels, depth, expected, move)
        total = algebra.combine(total, factor, channels, depth)
    close(change, expected)
    cotangent = random.uniform(-1, 1, unit.shape)
    gradient = algebra.combine_vjp(
        xp.asarray(rows), None, channels, depth, xp.asarray(cotangent), axis=axis
    )
    assert gradient.shape == rows.shape
    np.testing.assert_allclose(
        np.sum(on_host(gradient) * tangent), np.sum(cotangent * expected), rtol=1e-11, atol=1e-12
    )


def test_results_do_not_depend_on_workers_or_neighbours():
    random = np.random.default_rng(5)
    a, b = random.normal(size=(2, 300, pysig.signature_size(3, 5))).astype(np.float32)
    one = algebra.combine(a, b, 3, 5, workers=1)
    assert np.array_equal(one, algebra.combine(a, b, 3, 5, workers=2))
    assert np.array_equal(one[17:42], algebra.combine(a[17:42], b[17:42], 3, 5))
    assert np.array_equal(algebra.log(a, 3, 5, workers=2)[7], algebra.log(a[7], 3, 5, workers=1))


def test_nan_stays_in_its_row():
    rows = np.ones((20, pysig.signature_size(2, 4)))
    rows[3, 5] = np.nan
    for result in (
        algebra.combine(rows, rows, 2, 4),
        algebra.log(rows, 2, 4),
        algebra.shuffle(rows, rows, 2, 4),
    ):
        bad = np.isnan(result).any(axis=1)
        assert bad.tolist() == [i == 3 for i in range(20)]


def test_one_channel_has_as_many_levels_as_wanted():
    path = np.array([[0.0], [0.75]])
    s = pysig.signature(path, 150)
    expected = np.zeros(150)
    expected[0] = 0.75
    np.testing.assert_allclose(algebra.log(s, 1, 150), expected, atol=1e-13)
    np.testing.assert_allclose(algebra.exp(expected, 1, 150), s, rtol=1e-12, atol=1e-300)
    assert np.array_equal(pysig.logsignature(path, 150, basis="brackets"), [0.75])


def test_the_deepest_shuffle():
    """Words of one channel: n letters are split in 2**n - 2 ways between two words with letters."""
    ones = np.ones(24)
    expected = np.exp2(np.arange(1, 25)) - 2
    assert np.array_equal(algebra.shuffle(ones, ones, 1, 24), expected)


def test_empty_batches_lists_and_integers():
    size = pysig.signature_size(2, 2)
    assert algebra.combine(np.empty((0, size)), np.empty((0, size)), 2, 2).shape == (0, size)
    assert algebra.shuffle(np.empty((3, 0, size)), np.ones(size), 2, 2).shape == (3, 0, size)
    assert algebra.log(np.empty((0, size)), 2, 2).shape == (0, size)
    got = algebra.combine([1, 0], [0, 1], 1, 2)
    assert got.dtype == np.float64
    assert got.tolist() == [1, 1]
    mixed = algebra.combine(np.ones(size, np.float32), np.ones(size), 2, 2)
    assert mixed.dtype == np.float64


ERRORS = [
    (lambda: algebra.combine(np.ones(5), np.ones(6), 2, 2), ValueError, r"a: .*\(\.\.\., 6\)"),
    (lambda: algebra.combine(np.ones(6), np.ones((2, 5)), 2, 2), ValueError, "b: "),
    (
        lambda: algebra.combine(np.ones((3, 6)), np.ones((2, 6)), 2, 2),
        ValueError,
        "broadcast",
    ),
    (lambda: algebra.log(np.ones(6), 2.0, 2), TypeError, "channels: "),
    (lambda: algebra.log(np.ones(6), 2, 0), ValueError, "depth: "),
    (lambda: algebra.log(np.ones(6, complex), 2, 2), TypeError, "a: "),
    (lambda: algebra.log(np.ones(6), 2, 2, scalar_term=1), TypeError, "scalar_term: "),
    (lambda: algebra.log(np.ones(6), 2, 2, out=np.ones(5)), ValueError, "out: "),
    (lambda: algebra.log(np.ones(6), 2, 2, workers=0), ValueError, "workers: "),
    (lambda: algebra.exp(np.ones(6), 2, 200), MemoryError, "depth: "),
    (lambda: algebra.shuffle(np.ones(25), np.ones(25), 1, 25), ValueError, "at most 24"),
    (lambda: algebra.dilate(np.ones(6), [1.0], 2, 2), ValueError, "factors: "),
    (lambda: algebra.map_channels(np.ones(6), np.ones((2, 3)), 2, 2), ValueError, "matrix: "),
    (lambda: algebra.map_channels(np.ones(6), np.ones((0, 2)), 2, 2), ValueError, "matrix: "),
    (
        lambda: algebra.map_channels_vjp(np.ones(6), np.ones((1, 2)), 2, 2, np.ones(6)),
        ValueError,
        "cotangent: ",
    ),
    (
        lambda: algebra.map_channels_jvp(
            np.ones(6), np.ones((1, 2)), 2, 2, np.ones(6), np.ones((2, 2))
        ),
        ValueError,
        "tangent_matrix: ",
    ),
    (lambda: algebra.append(np.ones(6), np.ones(3), 2, 2), ValueError, "x: "),
    (lambda: algebra.combine(np.ones((3, 6)), None, 2, 2, axis=1), ValueError, "axis: "),
    (lambda: algebra.combine(np.ones((3, 6)), None, 2, 2, axis=0.0), TypeError, "axis: "),
    (
        lambda: algebra.combine_vjp(np.ones((3, 6)), None, 2, 2, np.ones(5)),
        ValueError,
        "cotangent: ",
    ),
    (
        lambda: algebra.combine_jvp(np.ones((3, 6)), None, 2, 2, np.ones((2, 6))),
        ValueError,
        "tangent_a: ",
    ),
]


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors_name_the_argument(number):
    call, error, text = ERRORS[number]
    with pytest.raises(error, match=text):
        call()


def test_out_must_not_overlap_an_input():
    rows = np.ones((4, 6))
    with pytest.raises(ValueError, match=r"out: .*overlaps a"):
        algebra.log(rows, 2, 2, out=rows)
    strided = np.ones((4, 12))[:, ::2]
    result = algebra.log(rows, 2, 2, out=strided)
    assert result is strided
    assert np.array_equal(strided, algebra.log(rows, 2, 2))


OVERLAPPING = {
    "exp": lambda a, out: algebra.exp(a, 2, 2, out=out),
    "exp_jvp": lambda a, out: algebra.exp_jvp(np.ones(6), 2, 2, a, out=out),
    "combine": lambda a, out: algebra.combine(np.ones(6), a, 2, 2, out=out),
    "shuffle": lambda a, out: algebra.shuffle(a, np.ones(6), 2, 2, out=out),
    "antipode": lambda a, out: algebra.antipode(a, 2, 2, out=out),
    "dilate": lambda a, out: algebra.dilate(a, [1.0, 2.0], 2, 2, out=out),
    "append": lambda a, out: algebra.append(a, [1.0, 2.0], 2, 2, out=out),
    "prepend": lambda a, out: algebra.prepend([1.0, 2.0], a, 2, 2, out=out),
    "map_channels": lambda a, out: algebra.map_channels(a, np.eye(2), 2, 2, out=out),
    "inner": lambda a, out: algebra.inner(a, np.ones(6), 2, 2, out=out[:1].reshape(())),
}


@pytest.mark.parametrize("name", OVERLAPPING)
def test_out_must_not_overlap_an_input_that_is_a_buffer(name):
    memory = np.arange(8.0)
    before = memory.copy()
    with pytest.raises(ValueError, match=r"^out: expected separate memory"):
        OVERLAPPING[name](memoryview(memory)[:6], memory[1:7])
    assert np.array_equal(memory, before)
