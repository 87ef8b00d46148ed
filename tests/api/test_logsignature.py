"""Log-signatures: against the reference, against other libraries, against an evaluation in long
double.
"""

from __future__ import annotations

import functools
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig._plans import basis_tables
from pysig._reference import logsignature as reference
from support import on_host

BASES = ("expanded", "words", "brackets", "hall")
GOLDEN = json.loads(
    (
        Path(__file__).resolve().parents[1] / "reference" / "golden" / "logsignatures.json"
    ).read_text()
)
# Every (channels, depth) with at most 5000 coordinates, depth above 1.
SIZES = [
    (channels, depth)
    for channels in [*range(2, 13), 16, 17, 24, 40, 70, 99]
    for depth in range(2, 16)
    if pysig.logsignature_size(channels, depth) <= 5000
]
# The same for every number of channels: what the live peers are asked, one path each.
ALL_SIZES = [
    (channels, depth)
    for channels in range(2, 100)
    for depth in range(2, 16)
    if pysig.logsignature_size(channels, depth) <= 5000
]


def product(a, b):
    """Levels of the tensor product."""
    return [
        sum(np.multiply.outer(a[k], b[n - k]).reshape(-1) for k in range(n + 1))
        for n in range(len(a))
    ]


def horner_log(levels, sign):
    """log(1 + x), or with sign = 1 the sum of x^m / m."""
    depth, real = len(levels) - 1, levels[1].dtype.type
    x = [np.zeros(1, real), *levels[1:]]
    w = [np.full(1, real(1) / depth), *(np.zeros_like(level) for level in x[1:])]
    for m in range(depth - 1, 0, -1):
        w = [sign * level for level in product(x, w)]
        w[0] = w[0] + real(1) / m
    return np.concatenate(product(x, w)[1:])


def exact_coordinates(path, depth, basis):
    """The coordinates in long double, and the scale of the numbers that are added on the way."""
    increments = np.diff(path.astype(np.longdouble), axis=0)
    parts = []
    for values, sign in ((increments, -1), (np.abs(increments), 1)):
        total = None
        for x in values:
            step = [np.ones(1, np.longdouble)]
            for k in range(1, depth + 1):
                step.append(np.multiply.outer(step[-1], x).reshape(-1) / k)
            total = step if total is None else product(total, step)
        parts.append(horner_log(total, sign))
    for matrix in basis_tables.conversion_steps(path.shape[1], depth, "expanded", basis):
        row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        data = matrix.data.astype(np.longdouble)
        sums = [np.zeros(matrix.shape[0], np.longdouble) for _ in parts]
        np.add.at(sums[0], row, data * parts[0][matrix.indices])
        np.add.at(sums[1], row, np.abs(data) * parts[1][matrix.indices])
        parts = sums
    return parts


def fixed_path(channels, length=8, seed=0):
    random = np.random.default_rng([channels, seed])
    return np.cumsum(random.normal(size=(length, channels)), axis=0) / np.sqrt(channels)


def assert_right(got, path, depth, basis, rtol):
    expected, scale = exact_coordinates(path, depth, basis)
    got = on_host(got)
    assert got.shape == expected.shape
    assert np.all(np.abs(got - expected) <= rtol * scale)


def test_assert_close_sees_a_wrong_digit():
    path = fixed_path(2)
    values = pysig.logsignature(path, 4)
    assert_right(values, path, 4, "words", 1e-14)
    with pytest.raises(AssertionError):
        assert_right(values * (1 + 1e-8), path, 4, "words", 1e-12)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize(
    ("channels", "depth"),
    [
        pytest.param(*size, marks=[pytest.mark.sweep] if size[0] ** size[1] > 20000 else [])
        for size in SIZES
    ],
)
def test_every_size_against_long_double(channels, depth, basis):
    path = fixed_path(channels)
    assert_right(pysig.logsignature(path, depth, basis=basis), path, depth, basis, 1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("size", [(1, 3), (2, 1), (2, 3), (3, 4), (4, 3)])
def test_every_option_against_the_reference(xp, size, basis, dtype):
    channels, depth = size
    random = np.random.default_rng(depth)
    path = np.cumsum(random.uniform(-1, 1, (2, 3, 6, channels)), axis=-2).astype(dtype) / 2
    start = pysig.signature(path[..., ::-1, :].astype(np.float64), depth)
    base = random.uniform(-1, 1, (3, channels))
    lengths = np.array([[1, 2, 6], [3, 4, 5]])
    tolerance = 1e-12 if dtype == np.float64 else 2e-5
    for options in (
        {},
        {"stream": True},
        {"basepoint": True, "stream": True},
        {"basepoint": base, "inverse": True},
        {"initial": start, "lengths": lengths},
        {"lengths": lengths, "stream": True, "basepoint": base},
    ):
        expected = reference.logsignature(path.astype(np.float64), depth, basis=basis, **options)
        moved = {
            name: xp.asarray(value.astype(dtype) if value.dtype == np.float64 else value)
            if isinstance(value, np.ndarray)
            else value
            for name, value in options.items()
        }
        got = pysig.logsignature(xp.asarray(path), depth, basis=basis, **moved)
        assert isinstance(got, xp.ndarray)
        assert got.dtype == dtype
        np.testing.assert_allclose(on_host(got), expected, rtol=tolerance, atol=tolerance)
        out = xp.empty(got.shape, dtype)
        assert pysig.logsignature(xp.asarray(path), depth, basis=basis, out=out, **moved) is out
        assert np.array_equal(on_host(out), on_host(got))


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("size", [(1, 3), (2, 4), (3, 3)])
def test_conversions_and_their_derivatives(xp, size, basis):
    channels, depth = size
    random = np.random.default_rng(depth)
    path = np.cumsum(random.uniform(-1, 1, (5, 4, channels)), axis=1)
    for scalar_term in (False, True):
        options = {"basis": basis, "scalar_term": scalar_term}
        s = xp.asarray(pysig.signature(path, depth, scalar_term=scalar_term))
        rows = pysig.signature_to_logsignature(s, *size, **options)
        expected = reference.logsignature(path, depth, basis=basis)
        np.testing.assert_allclose(on_host(rows), expected, rtol=1e-11, atol=1e-12)
        back = pysig.logsignature_to_signature(rows, *size, **options)
        np.testing.assert_allclose(on_host(back), on_host(s), rtol=1e-10, atol=1e-11)
        for convert, x in (
            ("signature_to_logsignature", s),
            ("logsignature_to_signature", rows),
        ):
            value = getattr(pysig, convert)
            tangent = random.uniform(-1, 1, x.shape)
            if scalar_term and x is s:
                tangent[:, 0] = 0
            step = 1e-6
            up, down = (
                value(xp.asarray(on_host(x) + sign * step * tangent), *size, **options)
                for sign in (1, -1)
            )
            slope = (on_host(up) - on_host(down)) / (2 * step)
            jvp, vjp = getattr(pysig, f"{convert}_jvp"), getattr(pysig, f"{convert}_vjp")
            change = on_host(jvp(x, *size, xp.asarray(tangent), **options))
            np.testing.assert_allclose(change, slope, rtol=1e-5, atol=1e-6)
            cotangent = random.uniform(-1, 1, change.shape)
            gradient = on_host(vjp(x, *size, xp.asarray(cotangent), **options))
            assert gradient.shape == x.shape
            np.testing.assert_allclose(
                np.sum(gradient * tangent), np.sum(cotangent * change), rtol=1e-11, atol=1e-11
            )


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("size", [(1, 3), (2, 3), (3, 3)])
def test_derivatives_against_the_reference(size, basis):
    channels, depth = size
    random = np.random.default_rng(channels)
    path, tangent = random.uniform(-1, 1, (2, 2, 4, channels))
    for options in ({}, {"stream": True, "basepoint": True}, {"inverse": True}):
        change = pysig.logsignature_jvp(path, depth, tangent, basis=basis, **options)
        expected = reference.logsignature_jvp(path, depth, tangent, basis=basis, **options)
        np.testing.assert_allclose(change, expected, rtol=1e-11, atol=1e-12)
        cotangent = random.uniform(-1, 1, change.shape)
        gradient = pysig.logsignature_vjp(path, depth, cotangent, basis=basis, **options)
        expected = reference.logsignature_vjp(path, depth, cotangent, basis=basis, **options)
        np.testing.assert_allclose(gradient, expected, rtol=1e-11, atol=1e-12)


def test_derivatives_with_respect_to_basepoint_and_initial():
    random = np.random.default_rng(2)
    path, base = random.uniform(-1, 1, (3, 5, 2)), random.uniform(-1, 1, 2)
    start = pysig.signature(random.uniform(-1, 1, (5, 2)), 3)
    options = {"basis": "brackets", "basepoint": base, "initial": start}
    moves = [random.uniform(-1, 1, x.shape) for x in (path, base, start)]
    change = pysig.logsignature_jvp(
        path, 3, moves[0], basepoint_tangent=moves[1], initial_tangent=moves[2], **options
    )
    cotangent = random.uniform(-1, 1, change.shape)
    gradients = pysig.logsignature_vjp(path, 3, cotangent, **options)
    pairing = sum(np.sum(g * dx) for g, dx in zip(gradients, moves, strict=True))
    np.testing.assert_allclose(pairing, np.sum(cotangent * change), rtol=1e-12)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda c: f"{c['channels']}-{c['depth']}")
def test_stored_values_of_other_libraries(case):
    path, depth = np.array(case["path"]), case["depth"]
    assert set(case["values"]) >= {"words", "brackets by pysiglib"}
    for name, values in case["values"].items():
        basis = name.split()[0]
        got = pysig.logsignature(path, depth, basis=basis)
        # iisignature keeps the matrices of its Hall basis in single precision.
        rtol = 1e-6 if name == "hall" else 1e-12
        np.testing.assert_allclose(got, values, rtol=rtol, atol=rtol * np.abs(got).max())


def short_path(channels, seed):
    """A path of length about 1, so that the levels of its logarithm fall off."""
    path = fixed_path(channels, seed=seed)
    return path / np.sum(np.linalg.norm(np.diff(path, axis=0), axis=1))


def assert_same_coordinates(ours, theirs, channels, depth, rtol, level_rtol):
    """To `rtol` of the largest coordinate, and each level by itself to `level_rtol`."""
    assert np.abs(ours - theirs).max() <= rtol * np.abs(theirs).max()
    ends = [0] + [pysig.logsignature_size(channels, k) for k in range(1, depth + 1)]
    for begin, end in pairwise(ends):
        difference = np.abs(ours[begin:end] - theirs[begin:end]).max()
        assert difference <= level_rtol * np.abs(theirs[begin:end]).max()


def test_assert_same_coordinates_sees_another_order():
    ours = pysig.logsignature(short_path(3, 1), 5, basis="brackets")
    swapped = ours.copy()
    swapped[[-1, -2]] = ours[[-2, -1]]
    assert_same_coordinates(ours, ours, 3, 5, 1e-12, 1e-3)
    with pytest.raises(AssertionError):
        assert_same_coordinates(ours, swapped, 3, 5, 1e-12, 1e-3)


@pytest.mark.sweep
@pytest.mark.parametrize(("channels", "depth"), ALL_SIZES)
def test_live_iisignature(channels, depth):
    """The default basis to 1e-12; iisignature has the matrices of method H in float32."""
    iisignature = pytest.importorskip("iisignature", reason="iisignature is not installed")
    if channels == 2 and depth > 13:
        pytest.skip("iisignature 0.24 is off by 8e-11 at depth 14, by 9e-9 at 15: its own rounding")
    path = short_path(channels, 1)
    for basis, method, rtol in (("brackets", "S", 1e-12), ("hall", "SH", 1e-6)):
        prepared = iisignature.prepare(channels, depth, method)
        theirs = iisignature.logsig(path, prepared, "S")
        ours = pysig.logsignature(path, depth, basis=basis)
        assert_same_coordinates(ours, theirs, channels, depth, rtol, 1e-3)


@pytest.mark.sweep
@pytest.mark.parametrize(("channels", "depth"), [s for s in ALL_SIZES if s[0] ** s[1] < 10**5])
def test_live_pysiglib(channels, depth):
    """Methods 1 and 2 are "words" and "brackets"."""
    pysiglib = pytest.importorskip("pysiglib", reason="pysiglib is not installed")
    path = short_path(channels, 2)
    for basis, method in (("words", 1), ("brackets", 2)):
        if basis == "brackets" and channels == 2 and depth > 13:
            continue  # pysiglib 4.0.0 is off by a factor of 1e6 there, against long double
        pysiglib.prepare_log_sig(channels, depth, method)
        theirs = np.asarray(pysiglib.log_sig(path, depth, method=method)).reshape(-1)
        ours = pysig.logsignature(path, depth, basis=basis)
        assert_same_coordinates(ours, theirs, channels, depth, 1e-12, 3e-3)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([(1, 4), (2, 5), (3, 3), (7, 2)]),
    st.sampled_from(BASES),
    st.integers(0, 2**32 - 1),
    st.sampled_from([np.float32, np.float64]),
)
def test_identities(size, basis, seed, dtype):
    channels, depth = size
    random = np.random.default_rng(seed)
    path = np.cumsum(random.uniform(-1, 1, (9, 6, channels)), axis=1).astype(dtype) / 2
    tolerance = 1e-11 if dtype == np.float64 else 1e-3
    same = functools.partial(np.testing.assert_allclose, rtol=tolerance, atol=tolerance)
    rows = pysig.logsignature(path, depth, basis=basis)
    assert rows.dtype == dtype
    same(pysig.logsignature_to_signature(rows, *size, basis=basis), pysig.signature(path, depth))
    # The reversed path has the opposite logarithm; the first level is the increment.
    same(pysig.logsignature(path[:, ::-1], depth, basis=basis), -rows)
    same(pysig.logsignature(path, depth, basis=basis, inverse=True), -rows)
    same(rows[:, :channels], path[:, -1] - path[:, 0])
    # A straight line has nothing else.
    line = pysig.logsignature(path[:, [0, 5]], depth, basis=basis)
    same(line[:, channels:], 0)
    # All bases hold the same element.
    for other in BASES[1:]:
        matrix = pysig.change_of_basis(channels, depth, basis, other).toarray()
        same(rows @ matrix.T, pysig.logsignature(path, depth, basis=other))


def test_results_do_not_depend_on_workers():
    path = np.random.default_rng(0).normal(size=(700, 9, 3)).cumsum(axis=1).astype(np.float32)
    lengths = np.arange(700) % 9 + 1
    for options in ({}, {"stream": True}, {"lengths": lengths}):
        one = pysig.logsignature(path, 4, basis="hall", workers=1, **options)
        two = pysig.logsignature(path, 4, basis="hall", workers=2, **options)
        assert np.array_equal(one, two)


def test_slices_of_a_long_batch():
    """More paths than fit one slice, of different lengths, each as if it were alone."""
    path = np.random.default_rng(1).normal(size=(3000, 5, 4)).cumsum(axis=1)
    lengths = np.arange(3000) % 5 + 1
    base = np.random.default_rng(2).normal(size=(3000, 4))
    start = pysig.signature(path[::-1], 4)
    got = pysig.logsignature(path, 4, lengths=lengths, basepoint=base, initial=start)
    for b in (0, 1, 517, 1024, 2998, 2999):
        alone = pysig.logsignature(path[b, : lengths[b]], 4, basepoint=base[b], initial=start[b])
        np.testing.assert_allclose(got[b], alone, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("channels", [*range(2, 18), 24, 31, 32, 33, 63, 64])
def test_one_path_or_many(channels, dtype, rng):
    """Few rows have their words in the lanes, many have a row in each lane."""
    depth = max(n for n in range(2, 13) if pysig.signature_size(channels, n) <= 40_000)
    path = rng.normal(size=(33, 4, channels)).astype(dtype)
    rtol = 100 * np.finfo(dtype).eps
    for basis in BASES if pysig.logsignature_size(channels, depth) < 5000 else ("expanded",):
        for batch in (1, 2, 33):
            last = pysig.logsignature(path[:batch], depth, basis=basis)[-1]
            assert_right(last, path[batch - 1], depth, basis, rtol)


def test_one_point_and_empty_batches():
    for basis in BASES:
        width = pysig.logsignature_size(3, 3, basis)
        assert np.array_equal(
            pysig.logsignature(np.ones((4, 1, 3)), 3, basis=basis), np.zeros((4, width))
        )
        assert pysig.logsignature(np.ones((4, 1, 3)), 3, basis=basis, stream=True).shape == (
            4,
            0,
            width,
        )
        assert pysig.logsignature(np.ones((0, 5, 3)), 3, basis=basis).shape == (0, width)


def test_nan_stays_in_its_path():
    path = np.random.default_rng(0).normal(size=(20, 5, 2))
    path[3, 2, 1] = np.nan
    for basis in BASES:
        bad = np.isnan(pysig.logsignature(path, 4, basis=basis)).any(axis=1)
        assert bad.tolist() == [i == 3 for i in range(20)]


def test_names_and_sizes():
    assert pysig.labels(3, 2) == [",".join(map(str, w)) for w in pysig.words(3, 2)]
    assert pysig.labels(2, 1, scalar_term=True) == ["()", "0", "1"]
    assert pysig.logsignature_labels(2, 4, "hall")[-1] == "[1,[1,[0,1]]]"
    assert pysig.lyndon_words(2, 2) == [(0,), (1,), (0, 1)]
    for basis in BASES:
        names = pysig.logsignature_labels(3, 4, basis)
        assert len(names) == len(set(names)) == pysig.logsignature_size(3, 4, basis)
    assert pysig.logsignature_size(2, 100) > 10**28


def test_tables_are_shared_by_threads_and_pickled():
    basis_tables._step.cache_clear()
    basis_tables.conversion_steps.cache_clear()
    path = fixed_path(3)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda _: pysig.logsignature(path, 6, basis="hall"), range(16)))
    assert all(np.array_equal(row, rows[0]) for row in rows)
    matrix = pysig.change_of_basis(3, 4, "words", "hall")
    assert np.array_equal(pickle.loads(pickle.dumps(matrix)).toarray(), matrix.toarray())


@pytest.mark.parametrize(
    ("call", "options"),
    [
        (lambda: pysig.logsignature_vjp(np.ones((3, 2)), 3, 1.0), "channels, depth and basis"),
        (
            lambda: pysig.logsignature_hvp(np.ones((3, 2)), 3, 1.0, np.ones((3, 2))),
            "channels, depth and basis",
        ),
        (
            lambda: pysig.signature_to_logsignature_vjp(np.ones(14), 2, 3, 1.0),
            "channels, depth and basis",
        ),
        (lambda: pysig.logsignature_to_signature(1.0, 2, 3), "channels, depth and basis"),
        (
            lambda: pysig.logsignature_to_signature_vjp(np.ones(5), 2, 3, 1.0),
            "channels, depth and scalar_term",
        ),
        (
            lambda: pysig.signature_to_logsignature_jvp(np.ones(14), 2, 3, 1.0),
            "channels, depth and scalar_term",
        ),
    ],
)
def test_messages_say_what_the_last_axis_really_follows_from(call, options):
    with pytest.raises(ValueError, match=rf"The last axis follows from {options}\.$"):
        call()


ERRORS = [
    (lambda: pysig.logsignature(np.ones((3, 2)), 2, basis="lyndon"), ValueError, "basis: "),
    (lambda: pysig.logsignature(np.ones(3), 2), ValueError, "path: "),
    (lambda: pysig.logsignature(np.ones((3, 2)), 0), ValueError, "depth: "),
    (lambda: pysig.logsignature(np.ones((3, 2)), 200), MemoryError, "depth: "),
    (lambda: pysig.logsignature(np.ones((3, 2)), 2, method="bch"), ValueError, "method: "),
    (lambda: pysig.logsignature(np.ones((3, 2)), 2, out=np.ones(4)), ValueError, "out: "),
    (lambda: pysig.signature_to_logsignature(np.ones(5), 2, 2), ValueError, "signature: "),
    (lambda: pysig.logsignature_to_signature(np.ones(4), 2, 2), ValueError, "logsignature: "),
    (
        lambda: pysig.logsignature_vjp(np.ones((3, 2)), 2, np.ones(4)),
        ValueError,
        "cotangent: ",
    ),
    (lambda: pysig.change_of_basis(2, 2, "words", "x"), ValueError, "target: "),
    (lambda: pysig.lyndon_words(2.5, 2), TypeError, "channels: "),
]


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors_name_the_argument(number):
    call, error, text = ERRORS[number]
    with pytest.raises(error, match=text):
        call()
