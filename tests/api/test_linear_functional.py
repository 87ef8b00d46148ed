"""`linear_functional` that continues from a signature, against the reference, in every layout."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._combinatorics.words import words as all_words
from pysig._reference import projection as reference
from support import assert_close as close_within
from support import on_host

RTOL = {"float32": 2e-4, "float64": 1e-10}
assert_close = partial(close_within, rtol=RTOL, least=1.0)
SETTINGS = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def test_the_assertion_fails_on_wrong_answers():
    right = np.linspace(-1, 1, 5)
    assert_close(right, right, np.float64)
    for wrong in (right + 1e-9, right * np.nan, right[1:], right.astype(np.float32)):
        with pytest.raises(AssertionError):
            assert_close(wrong, right, np.float64)


@st.composite
def functional_calls(draw):
    """A path, functionals as a dense matrix with holes, options with an `initial`, tangents."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    transform = draw(st.sampled_from([None, None, "time"]))
    own = draw(st.sampled_from([1, 2]))
    channels = pysig.transformed_shape(1, own, transform)[1]
    depth = draw(st.integers(1, 3))
    batch = draw(st.sampled_from([(), (3,), (2, 2), (0,)]))
    length = draw(st.integers(1, 6))

    def uniform(*shape):
        return rng.uniform(-1, 1, size=shape).astype(dtype)

    options = {flag: draw(st.booleans()) for flag in ("stream", "inverse", "scalar_term")}
    if transform:
        options["transform"] = transform
    if draw(st.booleans()):
        options["basepoint"] = draw(st.sampled_from([True, uniform(own)]))
    if draw(st.booleans()):
        options["lengths"] = rng.integers(1, length + 1, size=batch)
    size = pysig.signature_size(channels, depth, options["scalar_term"])
    lead = draw(st.sampled_from([batch, (), (1,) * len(batch)]))
    options["initial"] = uniform(*lead, size)
    if options["scalar_term"]:
        options["initial"][..., 0] = 1
    dense = uniform(draw(st.integers(1, 3)), size) * rng.integers(0, 2, size=size)
    tangents = {"tangent": uniform(*batch, length, own)}
    for name in ("basepoint", "initial"):
        if isinstance(options.get(name), np.ndarray) and draw(st.booleans()):
            tangents[f"{name}_tangent"] = uniform(*options[name].shape)
    return uniform(*batch, length, own), dense, channels, depth, options, tangents


def for_the_reference(path, dense, channels, depth, options, tangents):
    """In float64, with all words, the empty one among them, and what is broadcast broadcast."""
    words = list(all_words(channels, depth, True))
    no_scalar = not options["scalar_term"]
    matrix = np.pad(dense.astype(np.float64), ((0, 0), (no_scalar, 0)))
    wide = {k: v for k, v in options.items() if k != "scalar_term"} | {
        k: v for k, v in tangents.items() if k != "tangent"
    }
    for name, value in wide.items():
        if isinstance(value, np.ndarray) and name != "lengths":
            wide[name] = value.astype(np.float64)
        if name.startswith("initial"):
            rows = np.concatenate([value[..., :1] * 0, value], axis=-1) if no_scalar else value
            wide[name] = np.broadcast_to(
                rows.astype(np.float64), (*path.shape[:-2], len(words))
            ).copy()
    return path.astype(np.float64), words, matrix, wide


@settings(max_examples=30, **SETTINGS)
@given(functional_calls())
def test_values_and_derivatives_agree_with_the_reference(xp, call):
    path, dense, _, depth, options, tangents = call
    exact, words, matrix, wide = for_the_reference(*call)
    moves = {k: wide.pop(k) for k in list(wide) if k.endswith("_tangent")}
    there = {
        k: xp.asarray(v) if isinstance(v, np.ndarray) else v
        for k, v in {**options, **tangents}.items()
    }
    device_moves = {k: there.pop(k) for k in list(there) if k.endswith("_tangent")}
    x, v = xp.asarray(path), there.pop("tangent")

    value = pysig.linear_functional(x, dense, depth, **there)
    expected = reference.projection(exact, words, **wide) @ matrix.T
    assert_close(on_host(value), expected, path.dtype)

    change = pysig.linear_functional_jvp(x, dense, v, depth, **there, **device_moves)
    tangent = tangents["tangent"].astype(np.float64)
    right = reference.projection_jvp(exact, words, tangent, **wide, **moves) @ matrix.T
    assert_close(on_host(change), right, path.dtype)

    rng = np.random.default_rng(path.size)
    weight = rng.uniform(-1, 1, size=expected.shape).astype(path.dtype)
    bars = pysig.linear_functional_vjp(x, dense, xp.asarray(weight), depth, **there)
    rights = reference.projection_cotangents(
        exact, words, weight.astype(np.float64) @ matrix, **wide
    )
    assert isinstance(bars, tuple)
    for name, bar, whole in zip(("path", "basepoint", "initial"), bars, rights, strict=True):
        given = path if name == "path" else options.get(name)
        if not isinstance(given, np.ndarray):
            assert bar is None
            continue
        shape = given.shape
        if name == "initial" and not options["scalar_term"]:
            whole = whole[..., 1:]
        whole = whole.reshape(-1, *shape).sum(axis=0) if bar.size != whole.size else whole
        assert_close(on_host(bar), whole.reshape(shape), path.dtype)


@settings(max_examples=25, **SETTINGS)
@given(functional_calls())
def test_a_dict_and_one_functional_are_the_same(call):
    """In a dict the depth is that of the longest word."""
    path, dense, channels, depth, options, _ = call
    words = list(all_words(channels, depth, options["scalar_term"]))
    one = dict(zip(words, map(float, dense[0]), strict=True))
    by_array = pysig.linear_functional(path, dense, depth, **options)[..., 0]
    assert_close(pysig.linear_functional(path, one, **options), by_array, path.dtype)
    weight = np.random.default_rng(0).uniform(-1, 1, by_array.shape).astype(path.dtype)
    bars = pysig.linear_functional_vjp(path, one, weight, **options)
    zero = np.zeros_like(dense[1:])
    full = np.concatenate([weight[..., None], *([weight[..., None] * 0] * len(zero))], axis=-1)
    others = pysig.linear_functional_vjp(path, dense, full, depth, **options)
    for bar, other in zip(bars, others, strict=True):
        assert (bar is None) == (other is None)
        if bar is not None:
            assert_close(bar, other, path.dtype)


def test_words_have_an_initial_in_words():
    """As for `signature(..., words=)`: each prefix must be there."""
    rng = np.random.default_rng(0)
    path, words = rng.normal(size=(4, 9, 3)), pysig.prefix_closure([(0, 2, 1), (1, 1)])
    start = rng.normal(size=(4, len(words)))
    matrix = rng.normal(size=(2, len(words)))
    values = pysig.linear_functional(path, matrix, words=words, initial=start)
    expected = pysig.signature(path, words=words, initial=start) @ matrix.T
    np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-12)
    weight = rng.normal(size=values.shape)
    bars = pysig.linear_functional_vjp(path, matrix, weight, words=words, initial=start)
    rights = pysig.signature_vjp(path, None, weight @ matrix, words=words, initial=start)
    assert bars.basepoint is None
    for bar, right in ((bars.path, rights.path), (bars.initial, rights.initial)):
        np.testing.assert_allclose(bar, right, rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match=r"^initial: expected words that hold every prefix"):
        pysig.linear_functional(path, matrix[:, :1], words=[(0, 1)], initial=start[:, :1])


@settings(max_examples=30, **SETTINGS)
@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
def test_a_path_in_two_parts(seed, cut):
    rng = np.random.default_rng(seed)
    path = rng.normal(size=(5, 10, 2))
    functional = {(): 0.5, (1,): 2.0, (0, 1): -1.0, (1, 0, 1, 1): 3.0}
    whole = pysig.linear_functional(path, functional, stream=True)
    first = pysig.signature(path[:, : cut + 1], 4)
    rest = pysig.linear_functional(path[:, cut:], functional, initial=first, stream=True)
    np.testing.assert_allclose(rest, whole[:, cut:], rtol=1e-10, atol=1e-10)


AREA = {(0, 1): 0.5, (1, 0): -0.5}


@pytest.mark.parametrize(
    ("functional", "options", "error", "words"),
    [
        (
            AREA,
            {"initial": np.zeros(5)},
            ValueError,
            r"initial: expected 6 .* received shape \(5,\)",
        ),
        (AREA, {"initial": 1.0}, ValueError, r"initial: expected 6 coefficients.*received shape"),
        (AREA, {"initial": np.zeros((3, 6))}, ValueError, r"initial: expected a shape .*\(3,"),
        (AREA, {"initial": "x"}, TypeError, "initial: "),
        ({(1,) * 64: 1.0}, {"initial": np.zeros(6)}, ValueError, r"initial: expected \d{20} "),
        (AREA, {"initial": np.zeros(6), "inverse": 1}, TypeError, "inverse: expected True"),
    ],
)
def test_errors_name_the_argument(functional, options, error, words):
    with pytest.raises(error, match=rf"^{words}"):
        pysig.linear_functional(np.zeros((4, 2)), functional, **options)


def test_tangents_go_with_arrays():
    path = np.zeros((4, 2))
    with pytest.raises(
        ValueError, match=r"^initial_tangent: expected None.*initial is not an array"
    ):
        pysig.linear_functional_jvp(path, AREA, path, initial_tangent=np.zeros(6))
    with pytest.raises(ValueError, match=r"^initial_tangent: expected 6 coefficients"):
        pysig.linear_functional_jvp(
            path, AREA, path, initial=np.zeros(6), initial_tangent=np.zeros(3)
        )
