"""The reference algebra and log-signatures, checked by identities (exact) and by known
values.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pysig._combinatorics import hall, words
from pysig._reference import algebra, logsignature, tensor
from pysig._reference import signature_vjp as derivative
from pysig._reference.signature import signature, signature_jvp

pytestmark = pytest.mark.quick

F = Fraction
sizes = st.sampled_from([(1, 3), (2, 1), (2, 4), (3, 3), (4, 2)])
fractions = st.builds(F, st.integers(-6, 6), st.sampled_from([1, 2, 3, 5]))


def draw_row(data, width):
    return np.array([data.draw(fractions) for _ in range(width)], dtype=object)


def draw_path(data, channels, length=4):
    return draw_row(data, length * channels).reshape(length, channels)


def draw_element(data, channels, depth, scalar_term=False):
    return draw_row(data, words.signature_size(channels, depth, scalar_term))


@settings(max_examples=25, deadline=None)
@given(sizes, st.data())
def test_exp_and_log_are_inverse(size, data):
    element = draw_element(data, *size)
    assert np.all(algebra.exp(algebra.log(element, *size), *size) == element)
    assert np.all(algebra.log(algebra.exp(element, *size), *size) == element)


@settings(max_examples=25, deadline=None)
@given(sizes, st.data())
def test_chen(size, data):
    channels, depth = size
    path = draw_path(data, channels, 5)
    whole = signature(path, depth)
    parts = algebra.combine(signature(path[:3], depth), signature(path[2:], depth), *size)
    assert np.all(whole == parts)
    assert np.all(whole == algebra.append(signature(path[:4], depth), path[4] - path[3], *size))
    assert np.all(whole == algebra.prepend(path[1] - path[0], signature(path[1:], depth), *size))


@settings(max_examples=25, deadline=None)
@given(sizes, st.data())
def test_inverse(size, data):
    channels, depth = size
    element = draw_element(data, *size)
    product = algebra.combine(element, algebra.invert(element, *size), *size)
    assert np.all(product == 0)
    s = signature(draw_path(data, channels), depth)
    assert np.all(algebra.invert(s, *size) == algebra.antipode(s, *size))


@settings(max_examples=15, deadline=None)
@given(sizes, st.data())
def test_antipode_reverses_products(size, data):
    a, b = draw_element(data, *size), draw_element(data, *size)
    left = algebra.antipode(algebra.combine(a, b, *size), *size)
    right = algebra.combine(algebra.antipode(b, *size), algebra.antipode(a, *size), *size)
    assert np.all(left == right)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([(1, 2), (2, 2), (3, 1)]), st.data())
def test_shuffle_identity(size, data):
    """<a, S> <b, S> = <a sh b, S>, where a and b fit into half the depth, so that nothing is cut
    off.
    """
    channels, half = size
    depth = 2 * half
    s = np.concatenate([[F(1)], signature(draw_path(data, channels), depth)])
    pad = words.signature_size(channels, depth, True) - words.signature_size(channels, half, True)
    a, b = (
        np.concatenate([draw_element(data, channels, half, True), [F(0)] * pad]) for _ in range(2)
    )
    product = algebra.shuffle(a, b, channels, depth, True)
    assert algebra.inner(product, s, channels, depth, True) == np.sum(a * s) * np.sum(b * s)
    halves = algebra.half_shuffle(a, b, channels, depth, True) + algebra.half_shuffle(
        b, a, channels, depth, True
    )
    halves[0] = halves[0] + a[0] * b[0]
    assert np.all(halves == product)


def test_half_shuffle_is_an_integral():
    """(1 sh 2) integrated against the third channel: 1 sh 2 followed by 3."""
    a = np.zeros(words.signature_size(3, 3), object)
    b = a.copy()
    a[words.word_index((0, 1), 3)] = F(1)
    b[words.word_index((2,), 3)] = F(1)
    got = algebra.half_shuffle(a, b, 3, 3)
    assert got[words.word_index((0, 1, 2), 3)] == 1
    assert np.count_nonzero(got) == 1
    back = algebra.half_shuffle(b, a, 3, 3)
    assert {words.index_word(i, 3) for i in np.flatnonzero(back)} == {(0, 2, 1), (2, 0, 1)}


@settings(max_examples=15, deadline=None)
@given(sizes, st.data())
def test_transform_is_the_signature_of_the_mapped_path(size, data):
    channels, depth = size
    path = draw_path(data, channels)
    matrix = draw_row(data, 2 * channels).reshape(2, channels)
    mapped = algebra.map_channels(signature(path, depth), matrix, channels, depth)
    assert np.all(mapped == signature(path @ matrix.T, depth))
    factors = draw_row(data, channels)
    dilated = algebra.dilate(signature(path, depth), factors, channels, depth)
    assert np.all(dilated == signature(path * factors, depth))


@settings(max_examples=10, deadline=None)
@given(sizes, st.sampled_from(["expanded", "words", "brackets", "hall"]), st.data())
def test_every_basis_leads_back(size, basis, data):
    channels, depth = size
    s = signature(draw_path(data, channels), depth)
    rows = logsignature.signature_to_logsignature(s, channels, depth, basis)
    width = (
        words.signature_size(channels, depth)
        if basis == "expanded"
        else hall.logsignature_size(channels, depth)
    )
    assert rows.shape == (width,)
    assert np.all(logsignature.logsignature_to_signature(rows, channels, depth, basis) == s)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([(2, 4), (3, 3)]), st.data())
def test_log_of_a_signature_is_a_lie_element(size, data):
    """Dynkin: the bracketing of all words from the left multiplies level k of a Lie element by
    k.
    """
    channels, depth = size
    rows = logsignature.logsignature(draw_path(data, channels), depth, basis="expanded")
    levels = tensor.unflatten(rows, channels, depth)
    for k in range(1, depth + 1):
        total = levels[k] * 0
        for word in np.ndindex(*(channels,) * k):
            bracket = word[0]
            for letter in word[1:]:
                bracket = (bracket, letter)
            total = total + levels[k][word] * logsignature.written_out(bracket, channels)
        assert np.all(total == k * levels[k])


def test_baker_campbell_hausdorff():
    """log(exp(X) exp(Y)) up to level 5, by its published coefficients."""
    path = np.array([[F(0), F(0)], [F(1), F(0)], [F(1), F(1)]])
    got = dict(
        zip(
            hall.lyndon_set(2, 5).labels("12"),
            logsignature.logsignature(path, 5, basis="brackets"),
            strict=True,
        )
    )
    assert got == {
        "1": 1,
        "2": 1,
        "[1,2]": F(1, 2),
        "[1,[1,2]]": F(1, 12),
        "[[1,2],2]": F(1, 12),
        "[1,[1,[1,2]]]": 0,
        "[1,[[1,2],2]]": F(1, 24),
        "[[[1,2],2],2]": 0,
        "[1,[1,[1,[1,2]]]]": F(-1, 720),
        "[1,[1,[[1,2],2]]]": F(1, 180),
        "[[1,[1,2]],[1,2]]": F(1, 360),
        "[1,[[[1,2],2],2]]": F(1, 180),
        "[[1,2],[[1,2],2]]": F(1, 120),
        "[[[[1,2],2],2],2]": F(-1, 720),
    }


OPERATIONS = {
    "combine": (lambda a, b: algebra.combine(a, b, 2, 3), "aa"),
    "invert": (lambda a: algebra.invert(a, 2, 3), "a"),
    "antipode": (lambda a: algebra.antipode(a, 2, 3), "a"),
    "exp": (lambda a: algebra.exp(a, 2, 3), "a"),
    "log": (lambda a: algebra.log(a, 2, 3), "a"),
    "dilate": (lambda a, f: algebra.dilate(a, f, 2, 3), "ax"),
    "map_channels": (lambda a, m: algebra.map_channels(a, m, 2, 3), "am"),
    "shuffle": (lambda a, b: algebra.shuffle(a, b, 2, 3), "aa"),
    "half_shuffle": (lambda a, b: algebra.half_shuffle(a, b, 2, 3), "aa"),
    "inner": (lambda a, b: algebra.inner(a, b, 2, 3), "aa"),
    "append": (lambda a, x: algebra.append(a, x, 2, 3), "ax"),
    "prepend": (lambda x, a: algebra.prepend(x, a, 2, 3), "xa"),
}
SHAPES = {"a": (14,), "x": (2,), "m": (3, 2)}


@pytest.mark.parametrize("name", OPERATIONS)
def test_derivatives_by_exact_differences(name):
    """Each operation is a polynomial of the step with at most 7 coefficients: differences give its
    slope exactly.
    """
    operation, kinds = OPERATIONS[name]
    random = np.random.default_rng(len(name))

    def draw(kind):
        values = [F(int(n), 4) for n in random.integers(-5, 6, int(np.prod(SHAPES[kind])))]
        return np.array(values, object).reshape(SHAPES[kind])

    inputs, moves = [draw(k) for k in kinds], [draw(k) for k in kinds]
    steps = [F(i) for i in range(-3, 4)]
    values = [
        np.asarray(operation(*(x + h * dx for x, dx in zip(inputs, moves, strict=True))))
        for h in steps
    ]
    # Slope at 0 of the polynomial through seven equidistant points.
    weights = [F(-1, 60), F(3, 20), F(-3, 4), F(0), F(3, 4), F(-3, 20), F(1, 60)]
    slope = sum(w * v for w, v in zip(weights, values, strict=True))
    change = derivative.jvp(operation, inputs, moves)
    assert np.all(change == slope)
    cotangent = np.array([F(int(n)) for n in random.integers(-5, 6, change.size)], object)
    cotangent = cotangent.reshape(change.shape)
    gradients = derivative.vjp(operation, inputs, cotangent)
    pairing = sum(np.sum(g * dx) for g, dx in zip(gradients, moves, strict=True))
    assert pairing == np.sum(cotangent * change)


@pytest.mark.parametrize("basis", ["expanded", "words", "brackets", "hall"])
def test_logsignature_derivative_by_small_steps(basis):
    random = np.random.default_rng(1)
    path, tangent = random.normal(size=(2, 4, 2)), random.normal(size=(2, 4, 2))
    options = {"basis": basis, "basepoint": True, "stream": True}
    change = logsignature.logsignature_jvp(path, 3, tangent, **options)
    h = 1e-6
    up, down = (logsignature.logsignature(path + s * h * tangent, 3, **options) for s in (1, -1))
    np.testing.assert_allclose(change, (up - down) / (2 * h), rtol=1e-7, atol=1e-7)
    cotangent = random.normal(size=change.shape)
    gradient = logsignature.logsignature_vjp(path, 3, cotangent, **options)
    np.testing.assert_allclose(np.sum(gradient * tangent), np.sum(cotangent * change), rtol=1e-12)


def test_dual_numbers_agree_with_the_product_rule_of_the_signature():
    random = np.random.default_rng(3)
    path, tangent = random.normal(size=(4, 2)), random.normal(size=(4, 2))
    by_dual = derivative.jvp(lambda p: signature(p, 3), [path], [tangent])
    np.testing.assert_allclose(by_dual, signature_jvp(path, 3, tangent), rtol=1e-13, atol=1e-13)
