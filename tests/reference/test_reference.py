"""The reference implementation, exactly: values derived by hand, and identities in fractions.

No tolerance in this file, except where float64 meets the fractions.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysig._combinatorics import words
from pysig._reference import tensor
from pysig._reference.signature import signature, signature_jvp, signature_vjp

F = Fraction
fractions = st.builds(F, st.integers(-6, 6), st.sampled_from([1, 2, 3, 5]))
sizes = st.sampled_from([(1, 1), (1, 5), (2, 1), (2, 4), (2, 5), (3, 3), (4, 2), (5, 2)])
few = settings(max_examples=40, deadline=None)


def exact(values):
    """An object array of Fractions."""
    return np.vectorize(F, otypes=[object])(np.asarray(values, dtype=object))


def exact_paths(channels, least=1, most=5):
    """Exact paths of `channels` channels, (length, channels)."""
    points = st.lists(fractions, min_size=channels, max_size=channels)
    return st.lists(points, min_size=least, max_size=most).map(
        lambda rows: np.array(rows, dtype=object).reshape(-1, channels)
    )


@st.composite
def exact_cases(draw, least=1, most=5):
    channels, depth = draw(sizes)
    return draw(exact_paths(channels, least, most)), depth


def combine(a, b, channels, depth):
    """Chen's product of rows, written out word by word."""
    one = [F(1), *a], [F(1), *b]
    index = {w: i for i, w in enumerate(words.words(channels, depth, True))}
    return np.array(
        [
            sum(one[0][index[w[:k]]] * one[1][index[w[k:]]] for k in range(len(w) + 1))
            for w in list(index)[1:]
        ],
        dtype=object,
    )


def coefficient(row, word, channels):
    """S[word]; 1 for the empty word."""
    return row[words.word_index(word, channels)] if word else F(1)


def shuffles(u, v):
    """All interleavings of two words, with their repetitions."""
    n = len(u) + len(v)
    for places in combinations(range(n), len(u)):
        first, second = iter(u), iter(v)
        yield tuple(next(first) if k in places else next(second) for k in range(n))


def assert_equal(actual, expected):
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.all(actual == expected), (actual, expected)


# ---- values derived by hand ----


def test_a_straight_line():
    """S[w1...wk] integrates x[w1]...x[wk] over 0 < t1 < ... < tk < 1: x[w1]...x[wk] / k!.

    x = (2, 3): level 2 is (4, 6, 6, 9) / 2!, level 3 is (8, 12, 12, 18, 12, 18, 18, 27) / 3!.
    """
    level3 = [F(8, 6), 2, 2, 3, 2, 3, 3, F(27, 6)]
    assert_equal(signature(exact([[1, 1], [3, 4]]), 3), [2, 3, 2, 3, 3, F(9, 2), *level3])


def test_an_l_shaped_path():
    """First a to the right, then b upwards: exp(a e0) (x) exp(b e1).

    The only words are 0...0 1...1, with a^i / i! * b^j / j!; a = 2, b = 3.
    """
    row = signature(exact([[0, 0], [2, 0], [2, 3]]), 3)
    nonzero = {
        (0,): 2, (1,): 3,
        (0, 0): 2, (0, 1): 6, (1, 1): F(9, 2),
        (0, 0, 0): F(4, 3), (0, 0, 1): 6, (0, 1, 1): 9, (1, 1, 1): F(9, 2),
    }  # fmt: skip
    assert_equal(row, [nonzero.get(w, 0) for w in words.words(2, 3)])


def test_a_square_run_around_once():
    """(0,0) (1,0) (1,1) (0,1) (0,0): closed, so level 1 is zero; S[01] is the integral of x dy.

    By sides: x dy is 0, then 1 * 1, then 0, then 0, so S[01] = 1; y dx is 0, 0, 1 * -1, 0, so S[10]
    = -1 (half their difference is the enclosed area, 1); x dx and y dy are zero over a closed path.
    Level 3 is known up to one integral for each word, by level 2 running along the sides:
    S[011] is the integral of S[01] dy: S[01] = y on the side upwards, hence 1/2, then -1 downwards
    with S[01] = 1: 1/2 - 1 = -1/2.
    S[001] is the integral of x^2/2 dy = 1/2 on the side upwards, 0 downwards: 1/2.
    """
    row = signature(exact([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]), 3)
    assert_equal(row[:6], [0, 0, 0, 1, -1, 0])
    assert coefficient(row, (0, 1, 1), 2) == F(-1, 2)
    assert coefficient(row, (0, 0, 1), 2) == F(1, 2)
    # Shuffles with level 1, which is zero: S[0] S[01] = 2 S[001] + S[010] = 0, and so on.
    assert coefficient(row, (0, 1, 0), 2) == -1
    assert coefficient(row, (1, 0, 0), 2) == F(1, 2)
    assert coefficient(row, (1, 0, 1), 2) == 1
    assert coefficient(row, (1, 1, 0), 2) == F(-1, 2)
    assert coefficient(row, (0, 0, 0), 2) == coefficient(row, (1, 1, 1), 2) == 0


def test_one_channel_depends_on_the_ends_alone():
    """S[0...0] = (x_end - x_start)^k / k!."""
    row = signature(exact([[1], [7], [-2], [4]]), 4)
    assert_equal(row, [3, F(9, 2), F(27, 6), F(81, 24)])


def test_three_axes_one_after_another():
    """exp(e0) (x) exp(e1) (x) exp(e2): words whose letters do not decrease, 1 / (i! j! k!)."""
    row = signature(exact([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]), 4)
    factorial = [1, 1, 2, 6, 24]
    for w, value in zip(words.words(3, 4), row, strict=True):
        counts = [w.count(letter) for letter in range(3)]
        right = F(1, factorial[counts[0]] * factorial[counts[1]] * factorial[counts[2]])
        assert value == (right if list(w) == sorted(w) else 0), w


def test_there_and_back_is_nothing():
    assert_equal(signature(exact([[0, 0], [2, 1], [3, 5], [2, 1], [0, 0]]), 4), [0] * 30)


# ---- identities ----


@few
@given(exact_cases(least=2), st.data())
def test_chen(case, data):
    path, depth = case
    cut = data.draw(st.integers(0, len(path) - 1))
    parts = signature(path[: cut + 1], depth), signature(path[cut:], depth)
    assert_equal(signature(path, depth), combine(*parts, path.shape[1], depth))


@few
@given(exact_cases())
def test_inverse_is_the_reversed_path_and_the_antipode(case):
    path, depth = case
    channels = path.shape[1]
    inverse = signature(path, depth, inverse=True)
    assert_equal(inverse, signature(path[::-1], depth))
    row = signature(path, depth)
    all_words = words.words(channels, depth)
    reverted = [(-1) ** len(w) * coefficient(row, w[::-1], channels) for w in all_words]
    assert_equal(inverse, reverted)
    assert_equal(combine(row, inverse, channels, depth), [0] * len(row))
    assert_equal(combine(inverse, row, channels, depth), [0] * len(row))


@few
@given(exact_cases(), st.data())
def test_shuffle(case, data):
    """S[u] S[v] is the sum of S[w] over all interleavings w."""
    path, depth = case
    channels = path.shape[1]
    row = signature(path, depth)
    letters = st.integers(0, channels - 1)
    u = tuple(data.draw(st.lists(letters, max_size=depth)))
    v = tuple(data.draw(st.lists(letters, max_size=depth - len(u))))
    product = coefficient(row, u, channels) * coefficient(row, v, channels)
    assert product == sum(coefficient(row, w, channels) for w in shuffles(u, v))


@few
@given(exact_cases(least=2), st.data())
def test_reparametrisation(case, data):
    """A repeated point and a point on the way change nothing."""
    path, depth = case
    at = data.draw(st.integers(0, len(path) - 2))
    share = data.draw(st.sampled_from([F(0), F(1), F(1, 3), F(5, 7)]))
    point = path[at] + share * (path[at + 1] - path[at])
    assert_equal(signature(np.insert(path, at + 1, point, axis=0), depth), signature(path, depth))


@few
@given(exact_cases(), st.data())
def test_translation(case, data):
    path, depth = case
    shift = np.array(data.draw(st.lists(fractions, min_size=path.shape[1], max_size=path.shape[1])))
    assert_equal(signature(path + shift, depth), signature(path, depth))


@few
@given(exact_cases(), fractions)
def test_scaling(case, factor):
    path, depth = case
    powers = [factor ** len(w) for w in words.words(path.shape[1], depth)]
    assert_equal(signature(path * factor, depth), signature(path, depth) * np.array(powers))


@few
@given(exact_cases())
def test_lower_depth_is_a_prefix(case):
    path, depth = case
    channels = path.shape[1]
    for lower in range(1, depth):
        width = words.signature_size(channels, lower)
        assert_equal(signature(path, lower), signature(path, depth)[:width])


@few
@given(exact_cases(least=2))
def test_the_last_letter_is_an_integral(case):
    """The definition itself: S[w i] = the integral of S[w] dx_i, piece by piece.

    Along one segment S[w] is a polynomial of time with |w| + 1 coefficients. Its values at |w| + 1
    times determine the integral (Lagrange); prefixes with added points supply them.
    """
    path, depth = case
    depth = min(depth, 3)
    channels = path.shape[1]
    whole = signature(path, depth)
    for w in words.words(channels, depth - 1):
        total = [F(0)] * channels
        for t in range(len(path) - 1):
            times = [F(k, len(w)) for k in range(len(w) + 1)]
            values = []
            for s in times:
                point = path[t] + s * (path[t + 1] - path[t])
                prefix = np.concatenate([path[: t + 1], point[None]])
                values.append(coefficient(signature(prefix, depth), w, channels))
            mean = integral_of_interpolation(times, values)
            for i in range(channels):
                total[i] += mean * (path[t + 1][i] - path[t][i])
        for i in range(channels):
            assert coefficient(whole, (*w, i), channels) == total[i]


def integral_of_interpolation(times, values):
    """The integral over [0, 1] of the polynomial through these values."""
    total = F(0)
    for j, value in enumerate(values):
        polynomial = [F(1)]  # coefficients, lowest first
        for k, other in enumerate(times):
            if k != j:
                scale = 1 / (times[j] - other)
                shifted = [F(0), *polynomial]
                polynomial = [
                    (s - other * p) * scale
                    for s, p in zip(shifted, [*polynomial, F(0)], strict=True)
                ]
        total += value * sum(c / (n + 1) for n, c in enumerate(polynomial))
    return total


# ---- options: each by its definition ----


@few
@given(exact_cases(least=2))
def test_stream_is_all_prefixes(case):
    path, depth = case
    rows = signature(path, depth, stream=True)
    assert_equal(rows, [signature(path[: n + 1], depth) for n in range(1, len(path))])


@few
@given(exact_cases(), st.data())
def test_basepoint_is_a_point_in_front(case, data):
    path, depth = case
    base = np.array(data.draw(st.lists(fractions, min_size=path.shape[1], max_size=path.shape[1])))
    longer = np.concatenate([base[None], path])
    assert_equal(signature(path, depth, basepoint=base), signature(longer, depth))
    zero = np.concatenate([base[None] * 0, path])
    assert_equal(signature(path, depth, basepoint=True), signature(zero, depth))
    assert_equal(signature(path, depth, basepoint=False), signature(path, depth))


@few
@given(exact_cases(least=2), st.data())
def test_initial_is_what_came_before(case, data):
    path, depth = case
    cut = data.draw(st.integers(0, len(path) - 1))
    before = signature(path[: cut + 1], depth)
    whole = signature(path, depth)
    assert_equal(signature(path[cut:], depth, initial=before), whole)
    inverse = signature(path[cut:], depth, initial=before, inverse=True)
    assert_equal(inverse, signature(path, depth, inverse=True))
    with_scalar = signature(path[: cut + 1], depth, scalar_term=True)
    assert_equal(
        signature(path[cut:], depth, initial=with_scalar, scalar_term=True), [F(1), *whole]
    )


@few
@given(exact_cases(), st.data())
def test_lengths_end_a_path(case, data):
    path, depth = case
    end = data.draw(st.integers(1, len(path)))
    short = signature(path[:end], depth)
    assert_equal(signature(path, depth, lengths=end), short)
    rows = signature(path, depth, lengths=end, stream=True)
    assert_equal(rows[: end - 1], signature(path[:end], depth, stream=True))
    repeated = np.broadcast_to(short, (len(path) - end, len(short)))
    assert_equal(rows[end - 1 :], repeated)


def test_batches_are_paths_side_by_side(rng):
    path = exact(rng.integers(-5, 5, (2, 3, 4, 2)))
    result = signature(path, 3)
    assert result.shape == (2, 3, 14)
    for index in np.ndindex(2, 3):
        assert_equal(result[index], signature(path[index], 3))
    assert signature(path[:0], 3).shape == (0, 3, 14)
    assert signature(path[:, :, :1], 3, stream=True).shape == (2, 3, 0, 14)


# ---- derivatives ----


@st.composite
def moving_cases(draw):
    path, depth = draw(exact_cases(least=1, most=4))
    depth = min(depth, 3)
    channels = path.shape[1]
    tangent = draw(exact_paths(channels, len(path), len(path)))
    options = {"inverse": draw(st.booleans()), "scalar_term": draw(st.booleans())}
    if draw(st.booleans()):
        options["basepoint"] = draw(exact_paths(channels, 1, 1))[0]
    if draw(st.booleans()):
        before = draw(exact_paths(channels, 3, 3))
        options["initial"] = signature(before, depth, scalar_term=options["scalar_term"])
    if draw(st.booleans()):
        options["lengths"] = draw(st.integers(1, len(path)))
    return path, tangent, depth, options


def derivative_of_polynomial(values):
    """p'(0) from p(-n), ..., p(n), exactly, for a polynomial with 2 n + 1 coefficients.

    The central difference weights: w_k = (-1)^(k+1) (n!)^2 / (k (n-k)! (n+k)!) on p(k) - p(-k).
    """
    n = len(values) // 2
    factorial = [F(1)]
    for k in range(1, 2 * n + 1):
        factorial.append(factorial[-1] * k)
    return sum(
        (-1) ** (k + 1) * factorial[n] ** 2 / (k * factorial[n - k] * factorial[n + k])
        * (values[n + k] - values[n - k])
        for k in range(1, n + 1)
    )  # fmt: skip


def test_the_difference_quotient_itself():
    for power, right in [(0, 0), (1, 1), (2, 0), (5, 0)]:
        assert derivative_of_polynomial([F(k) ** power for k in range(-3, 4)]) == right
    assert derivative_of_polynomial([F(k + 2) ** 4 for k in range(-2, 3)]) == 32


@few
@given(moving_cases())
def test_jvp_is_the_exact_difference_quotient(case):
    """Along a line every coefficient is a polynomial with depth + 1 coefficients at most: finitely
    many values give its derivative without error.
    """
    path, tangent, depth, options = case
    n = (depth + 1) // 2
    values = [signature(path + k * tangent, depth, **options) for k in range(-n, n + 1)]
    assert_equal(signature_jvp(path, depth, tangent, **options), derivative_of_polynomial(values))


@few
@given(moving_cases(), st.data())
def test_vjp_is_the_transpose_of_jvp(case, data):
    path, tangent, depth, options = case
    width = words.signature_size(path.shape[1], depth, options["scalar_term"])
    cotangent = exact(data.draw(st.lists(st.integers(-5, 5), min_size=width, max_size=width)))
    gradient = signature_vjp(path, depth, cotangent, **options)
    change = signature_jvp(path, depth, tangent, **options)
    assert (gradient * tangent).sum() == (cotangent * change).sum()


@few
@given(exact_cases(least=2), st.data())
def test_jvp_of_a_stream_is_that_of_all_prefixes(case, data):
    path, depth = case
    tangent = data.draw(exact_paths(path.shape[1], len(path), len(path)))
    rows = signature_jvp(path, depth, tangent, stream=True)
    assert_equal(
        rows, [signature_jvp(path[: n + 1], depth, tangent[: n + 1]) for n in range(1, len(path))]
    )


# ---- the reference in float64 ----


@settings(max_examples=60, deadline=None)
@given(exact_cases())
def test_float64_is_the_exact_reference_rounded(case):
    path, depth = case
    rounded = signature(path.astype(np.float64), depth)
    assert rounded.dtype == np.float64
    right = signature(exact(path.astype(np.float64)), depth).astype(np.float64)
    largest = np.abs(path.astype(np.float64)).max() * len(path) * 2
    powers = np.array([largest ** len(w) for w in words.words(path.shape[1], depth)])
    assert np.all(np.abs(rounded - right) <= 1e-14 * powers)


def test_tensor_rows_go_there_and_back():
    row = exact(np.arange(15))
    for scalar_term, width in [(True, 15), (False, 14)]:
        levels = tensor.unflatten(row[:width], 2, 3, scalar_term)
        assert [np.shape(level) for level in levels] == [(), (2,), (2, 2), (2, 2, 2)]
        assert_equal(tensor.flatten(levels, scalar_term), row[:width])
        assert levels[0] == (0 if scalar_term else 1)


@pytest.mark.parametrize("wrong", [0, 3, 13])
def test_a_wrong_reference_is_seen(wrong):
    """The identities of this file fail when one coefficient is off."""
    path = exact([[0, 0], [1, 2], [3, 1]])
    row = signature(path, 3).copy()
    row[wrong] += F(1, 1000)
    with pytest.raises(AssertionError):
        assert_equal(combine(row, signature(path[::-1], 3), 2, 3), [0] * 14)
