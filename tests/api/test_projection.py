"""`signature(..., words=...)` and `linear_functional` against the reference, which gathers from all
words: random sets of words, options, dtypes, derivatives."""

from __future__ import annotations

import pickle
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pysig
from pysig._api._words_argument import check_words
from pysig._combinatorics import word_trees
from pysig._plans.projection import Projection, projection_for
from pysig._reference import projection as reference

RTOL = {"float32": 2e-5, "float64": 1e-13}


def assert_scaled(actual, expected, scale, dtype):
    """Each within rounding of the numbers that were added up: `scale`, an array like them."""
    assert actual.shape == expected.shape
    assert actual.dtype == dtype
    bound = RTOL[np.dtype(dtype).name] * np.abs(scale)
    np.testing.assert_array_less(np.abs(actual - expected), bound + 1e-300)


def test_the_assertion_fails_on_wrong_answers():
    right = np.linspace(-1, 1, 5)
    assert_scaled(right, right, right**0, np.float64)
    for wrong in (right + 1e-12, right * np.nan, right[1:], right.astype(np.float32)):
        with pytest.raises(AssertionError):
            assert_scaled(wrong, right, right**0, np.float64)


def length_of(path):
    """Of each path: no coefficient of level k exceeds length^k / k!, nor do terms of its sums."""
    steps = np.abs(np.diff(path, axis=-2)).sum(axis=-1) if path.shape[-2] > 1 else np.zeros(1)
    return float(steps.sum(axis=-1).max(initial=0.0))


@st.composite
def word_sets(draw, channels, most=8, longest=5):
    """Distinct words; some sets hold all factors of their words, others do not."""
    letters = st.integers(0, channels - 1)
    words = draw(
        st.lists(
            st.lists(letters, max_size=longest).map(tuple), min_size=1, max_size=most, unique=True
        )
    )
    kind = draw(st.sampled_from(["as drawn", "prefixes", "factors"]))
    if kind == "prefixes":
        words = list(pysig.prefix_closure(words))
    elif kind == "factors":
        words = sorted(word_trees.factor_closure(words))
    return tuple(words)


@st.composite
def projection_calls(draw, longest_path=40):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    own = draw(st.integers(1, 4))
    transform = draw(
        st.sampled_from([None, None, "time", "lead_lag", ("basepoint", "time"), "reset"])
    )
    channels = pysig.transformed_shape(1, own, transform)[1]
    words = draw(
        word_sets(channels, longest=5 if channels <= 4 else 4)
    )  # the reference takes all words
    batch = draw(st.sampled_from([(), (1,), (3,), (2, 2), (17,), (0,)]))
    length = draw(st.integers(1, longest_path))
    path = rng.normal(size=(*batch, length, own)) / np.sqrt(length)
    options = {flag: draw(st.booleans()) for flag in ("stream", "inverse")}
    options["scalar_term"] = () not in words and draw(st.booleans())
    if transform is not None:
        options["transform"] = transform
    if "basepoint" not in (transform or ()) and draw(st.booleans()):
        options["basepoint"] = draw(
            st.sampled_from([True, rng.normal(size=own), rng.normal(size=(*batch, own))])
        )
    if draw(st.booleans()):
        options["lengths"] = rng.integers(1, length + 1, size=batch)
    columns = len(words) + options["scalar_term"]
    if Projection(channels, words, options["inverse"]).missing is None and draw(st.booleans()):
        options["initial"] = rng.normal(size=(*batch, columns)) / 2
        for k, word in enumerate([(), *words] if options["scalar_term"] else words):
            if word == ():
                options["initial"][..., k] = 1
    return path, words, options, rng


def in_dtype(dtype, path, options):
    """As an array of the dtype and the options that go with it, and both in float64 again."""
    path = path.astype(dtype)
    options = {
        k: v.astype(dtype) if isinstance(v, np.ndarray) and v.dtype == np.float64 else v
        for k, v in options.items()
    }
    exact = {
        k: v.astype(np.float64) if isinstance(v, np.ndarray) and v.dtype == dtype else v
        for k, v in options.items()
    }
    return path, options, path.astype(np.float64), exact


def scale_of(path, words, options):
    """The largest terms: with an `initial` and a path of length r, (1 + r)^k at level k."""
    twice = 2 if "transform" in options else 1  # a lag is as long again, and so on
    reach = 1 + twice * (1 + length_of(path) + 2 * float(np.abs(path).max(initial=0)))
    if isinstance(options.get("basepoint"), np.ndarray):
        reach += float(np.abs(options["basepoint"]).max(initial=0)) * 2
    start = float(np.abs(options.get("initial", np.ones(1))).max(initial=1))
    letters = [len(word) for word in words]
    return start * (2 * reach) ** np.array([0, *letters] if options["scalar_term"] else letters)


SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@settings(max_examples=120, **SETTINGS)
@given(projection_calls(), st.sampled_from([np.float32, np.float64]), st.sampled_from([1, 2]))
def test_values_agree_with_the_reference(call, dtype, workers):
    path, words, options, _ = call
    path, options, exact, wide = in_dtype(dtype, path, options)
    actual = pysig.signature(path, words=words, workers=workers, **options)
    expected = reference.projection(exact, words, **wide)
    scale = np.broadcast_to(scale_of(exact, words, wide), expected.shape)
    assert_scaled(actual, expected, scale, dtype)
    out = np.empty((*actual.shape[:-1], 2 * actual.shape[-1]), dtype)[..., ::2]
    assert pysig.signature(path, words=words, out=out, **options) is out
    np.testing.assert_array_equal(out, actual)


@settings(max_examples=60, **SETTINGS)
@given(projection_calls(longest_path=7), st.sampled_from([np.float32, np.float64]))
def test_derivatives_agree_with_the_reference(call, dtype):
    path, words, options, rng = call
    path, options, exact, wide = in_dtype(dtype, path, options)
    tangent = rng.normal(size=path.shape).astype(dtype)
    moves = {
        f"{name}_tangent": rng.normal(size=options[name].shape).astype(dtype)
        for name in ("basepoint", "initial")
        if isinstance(options.get(name), np.ndarray)
    }
    for k, word in enumerate([(), *words] if options["scalar_term"] else words):
        if word == () and "initial_tangent" in moves:
            moves["initial_tangent"][..., k] = 0
    scale = 10 * scale_of(exact, words, wide)
    actual = pysig.signature_jvp(path, None, tangent, words=words, **moves, **options)
    expected = reference.projection_jvp(exact, words, tangent, **moves, **wide)
    assert_scaled(actual, expected, np.broadcast_to(scale, expected.shape), dtype)

    cotangent = rng.normal(size=actual.shape).astype(dtype)
    gradients = pysig.signature_vjp(path, None, cotangent, words=words, **options)
    gradients = gradients if isinstance(gradients, tuple) else (gradients, None, None)
    base, start = options.get("basepoint"), options.get("initial")
    expected = reference.projection_cotangents(exact, words, cotangent, **wide)
    total = scale.sum() * max(1, path.shape[-2]) * (path.size + 1)
    for actual_bar, bar, value in zip(gradients, expected, (path, base, start), strict=True):
        if not isinstance(value, np.ndarray):
            assert actual_bar is None
            continue
        bar = bar.reshape(-1, *value.shape).sum(axis=0) if bar.shape != value.shape else bar
        if value is start:  # the empty word is not read
            named = [(), *words] if options["scalar_term"] else list(words)
            bar = bar * np.array([word != () for word in named])
        assert_scaled(actual_bar, bar, np.full(bar.shape, total), dtype)


@settings(max_examples=25, **SETTINGS)
@given(projection_calls(longest_path=9))
def test_second_derivatives_are_differences_of_gradients(call):
    path, words, options, rng = call
    options = {k: v for k, v in options.items() if k not in ("initial", "basepoint")}
    tangent = rng.normal(size=path.shape)
    value = pysig.signature(path, words=words, **options)
    cotangent = rng.normal(size=value.shape)

    def gradient(step):
        return pysig.signature_vjp(path + step * tangent, None, cotangent, words=words, **options)

    actual = pysig.signature_hvp(path, None, cotangent, tangent, words=words, **options)
    # The gradient is a quartic polynomial of the step: Richardson's rule is exact for that.
    expected = (8 * (gradient(1) - gradient(-1)) - (gradient(2) - gradient(-2))) / 12
    scale = max(1.0, *(np.abs(gradient(s)).max(initial=0) for s in (-2, -1, 1, 2)))
    np.testing.assert_allclose(actual, expected, atol=1e-11 * scale, rtol=0)


def test_long_paths_of_float32_are_differentiated_in_float64(rng):
    """As gradients of all words are: the same call on float64 arrays, rounded."""
    path = (rng.normal(size=(2, 9000, 2)) / 95).cumsum(axis=1).astype(np.float32)
    words = pysig.prefix_closure([(0, 1, 1), (1, 0)])
    initial = np.float32(rng.normal(size=(2, len(words))))
    single = {"initial": initial, "basepoint": path[0, 0] + 1}
    weights, tangent = (np.float32(rng.normal(size=n)) for n in ((2, len(words)), path.shape))

    def in_words(dtype, differentiate, *more):
        options = {name: value.astype(dtype) for name, value in single.items()}
        arrays = [value.astype(dtype) for value in (path, weights, *more)]
        return differentiate(arrays[0], None, *arrays[1:], words=words, **options)

    def functional(dtype):
        matrix = np.stack([weights[0], weights[1]]).astype(dtype)
        arguments = path.astype(dtype), matrix, np.ones((2, 2), dtype)
        return (pysig.linear_functional_vjp(*arguments, words=words),)

    for call in (
        lambda dtype: in_words(dtype, pysig.signature_vjp),
        lambda dtype: in_words(dtype, pysig.signature_hvp, tangent),
        functional,
    ):
        for a, b in zip(call(np.float32), call(np.float64), strict=True):
            assert a.dtype == np.float32
            assert np.array_equal(a, b.astype(np.float32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("batch", [1, 3, 40])
def test_long_paths_are_those_of_the_whole_signature(batch, dtype):
    """Chunks of time and segments, in a set of words that chunks can be joined in, and one not."""
    rng = np.random.default_rng(batch)
    path = (rng.normal(size=(batch, 1700, 3)) / 40).cumsum(axis=1).astype(dtype)
    columns = list(pysig.words(3, 4))
    for words in (pysig.anisotropic_words([2, 1, 1], 4), [(0, 1, 2, 0), (2, 2, 1), (1,)]):
        places = [columns.index(word) for word in words]
        expected = pysig.signature(path, 4)
        actual = pysig.signature(path, words=words)
        tolerance = 1e-4 if dtype == np.float32 else 1e-12
        for w, k in enumerate(places):
            assert np.abs(actual[:, w] - expected[:, k]).max() < tolerance
        cotangent = rng.normal(size=actual.shape).astype(dtype)
        spread = np.zeros_like(expected)
        spread[:, places] = cotangent
        bar = pysig.signature_vjp(path, None, cotangent, words=words)
        expected = pysig.signature_vjp(path, 4, spread)
        assert np.abs(bar - expected).max() < 20 * tolerance * np.abs(expected).max()


@settings(max_examples=40, **SETTINGS)
@given(projection_calls(longest_path=9), st.integers(1, 3))
def test_linear_functionals_agree_with_the_reference(call, many):
    path, words, options, rng = call
    options = {k: v for k, v in options.items() if k not in ("initial", "scalar_term")}
    coefficients = rng.normal(size=(many, len(words)))
    functionals = [dict(zip(words, row, strict=True)) for row in coefficients]
    values = [reference.linear_functional(path, f, **options) for f in functionals]
    expected = np.stack(values, axis=-1)
    size = float(np.abs(coefficients).sum() * max(scale_of(path, words, options | NO_SCALAR)))
    scale = np.full(expected.shape, size)
    assert_scaled(pysig.linear_functional(path, functionals, **options), expected, scale, "float64")
    by_words = pysig.linear_functional(path, coefficients, words=words, **options)
    np.testing.assert_array_equal(by_words, pysig.linear_functional(path, functionals, **options))
    one = pysig.linear_functional(path, functionals[0], **options)
    assert_scaled(one, expected[..., 0], scale[..., 0], "float64")

    # By the whole signature: the layout that it has, and its derivatives.
    channels = pysig.transformed_shape(*path.shape[-2:], options.get("transform"))[1]
    depth = max(1, *(len(word) for word in words), 1)
    dense = np.zeros((many, pysig.signature_size(channels, depth, True)))
    for k, word in enumerate(words):
        dense[:, pysig.word_index(word, channels, True)] = coefficients[:, k]
    laid_out = pysig.linear_functional(path, dense, depth, scalar_term=True, **options)
    assert_scaled(laid_out, expected, scale, "float64")
    tangent, whole = rng.normal(size=path.shape), {"scalar_term": True, **options}
    change = pysig.signature_jvp(path, depth, tangent, **whole) @ dense.T
    actual = pysig.linear_functional_jvp(path, functionals, tangent, **options)
    assert_scaled(actual, change, 10 * scale, "float64")
    weight = rng.normal(size=expected.shape)
    bar = pysig.linear_functional_vjp(path, functionals, weight, **options)
    expected_bar = pysig.signature_vjp(path, depth, weight @ dense, **whole)
    for a, b in zip(
        *(x if isinstance(x, tuple) else (x,) for x in (bar, expected_bar)), strict=True
    ):
        assert (a is None) == (b is None)
        if a is not None:
            assert_scaled(a, b, np.full(b.shape, 100 * size * (path.size + 1)), "float64")
    bar = pysig.linear_functional_vjp(path, functionals[0], weight[..., 0], **options)
    pairing = pysig.linear_functional_jvp(path, functionals[0], tangent, **options)
    bar = bar[0] if isinstance(bar, tuple) else bar
    np.testing.assert_allclose(
        (bar * tangent).sum(), (weight[..., 0] * pairing).sum(), atol=1e-9 * size * (path.size + 1)
    )


NO_SCALAR = {"scalar_term": False}


def test_of_one_path_only_what_sees_nan_is_nan():
    path = np.random.default_rng(0).normal(size=(20, 9, 3))
    path[4, 5, 2] = np.nan
    values = pysig.signature(path, words=[(0, 1), (1, 2), (2,), (1, 1, 0)])
    assert np.isnan(values[4]).tolist() == [False, True, True, False]
    assert np.isfinite(np.delete(values, 4, axis=0)).all()


def test_results_do_not_depend_on_the_workers():
    path = np.random.default_rng(1).normal(size=(3, 4000, 4))
    words = pysig.words(4, 4)
    functional = {word: 1.0 / (1 + k) for k, word in enumerate(words)}
    for stream in (False, True):
        short = path[:, :90] if stream else path
        alone = pysig.signature(short, words=words, stream=stream, workers=1)
        crowd = pysig.signature(short, words=words, stream=stream, workers=7)
        np.testing.assert_array_equal(alone, crowd)
        args = (short, functional, np.ones(alone.shape[:-1]))
        alone = pysig.linear_functional_vjp(*args, stream=stream, workers=1)
        crowd = pysig.linear_functional_vjp(*args, stream=stream, workers=7)
        np.testing.assert_array_equal(alone, crowd)


# ---- sets of words ----


@given(
    st.lists(st.fractions(Fraction(1, 3), 3, max_denominator=6), min_size=1, max_size=3),
    st.fractions(Fraction(1, 2), 2, max_denominator=4),
)
def test_weighted_truncation_takes_the_words_up_to_the_bound(weights, bound):
    actual = pysig.anisotropic_words(weights, bound)
    most = int(bound / min(weights))
    everything = (w for n in range(1, most + 1) for w in product(range(len(weights)), repeat=n))
    assert list(actual) == [w for w in everything if sum(weights[i] for i in w) <= bound]


def test_equal_weights_truncate_by_length():
    assert list(pysig.anisotropic_words([1.0] * 3, 4)) == pysig.words(3, 4)


@given(st.integers(1, 3).flatmap(word_sets))
def test_the_tree_is_the_closure_depth_first(words):
    tree = word_trees.tree_of(word_trees.prefix_closure(words))
    prefixes = {word[:k] for word in words for k in range(len(word) + 1)}
    assert set(tree.words) == prefixes
    assert len(tree.words) == len(prefixes)
    for n, word in enumerate(tree.words):
        below = [w for w in tree.words if w[: len(word)] == word]
        assert list(tree.words[n : n + len(below)]) == sorted(below, key=tree.words.index)
        assert set(tree.words[n : n + len(below)]) == set(below)
        assert tree.height[n] == max(len(w) - len(word) for w in below)
        assert tree.words[tree.parent[n]] == word[:-1]
    factors = word_trees.tree_of(word_trees.factor_closure(words))
    assert set(factors.words) == {
        w[a:b] for w in words for a in range(len(w) + 1) for b in range(a, len(w) + 1)
    } | {()}
    assert [factors.words[n] for n in factors.suffix] == [word[1:] for word in factors.words]
    assert factors.cost >= tree.cost >= len(tree.words) - 1


def test_a_projection_is_found_again_and_can_be_pickled():
    words = check_words([(0, 1), (1, 1, 0)], 2, None)
    assert check_words([[0, 1], [1, 1, 0]], 2, None) is words
    plan = projection_for(2, words, True, False)
    assert projection_for(2, words, True, False) is plan
    copy = pickle.loads(pickle.dumps(plan))
    assert copy == plan
    assert copy.prefixes.words == plan.prefixes.words


def test_labels_follow_the_words():
    words = ((1, 0), (0,), (0, 0, 1))
    assert pysig.labels(2, words=words) == ["1,0", "0", "0,0,1"]
    assert pysig.labels(2, words=words, scalar_term=True)[0] == "()"
    assert pysig.labels(2, words=pysig.words(2, 3)) == pysig.labels(2, 3)


# ---- errors ----

PATH = np.zeros((5, 2))


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (TypeError, "words: expected a sequence of words", {"words": "01"}),
        (TypeError, "words: expected a sequence of words", {"words": 3}),
        (TypeError, r"words\[0\]: expected a sequence of 0-based letters", {"words": [0, 1]}),
        (ValueError, "words: expected at least one word", {"words": []}),
        (ValueError, r"words\[0\]: expected letters from 0 to 1", {"words": [(0, 2)]}),
        (ValueError, r"words\[1\]: .* more than once: it is words\[0\]", {"words": [(0,), (0,)]}),
        (ValueError, r"words\[0\]: expected at most 64 letters", {"words": [(0,) * 65]}),
        (ValueError, "words: expected at most depth=1 letters", {"words": [(0, 1)], "depth": 1}),
        (ValueError, 'method: expected "auto"', {"words": [(0,)], "method": "tile"}),
        (ValueError, "expected no empty word", {"words": [()], "scalar_term": True}),
        (ValueError, "prefix_closure", {"words": [(0, 1)], "initial": np.zeros(1)}),
        (ValueError, "initial: expected a shape", {"words": [(0,)], "initial": np.zeros(2)}),
        (ValueError, "out: expected shape", {"words": [(0,)], "out": np.zeros(2)}),
        (TypeError, "depth: expected an integer", {}),
    ],
)
def test_errors_name_the_argument(error, message, call):
    with pytest.raises(error, match=message):
        pysig.signature(PATH, **call)


@pytest.mark.parametrize(
    ("error", "message", "functional", "options"),
    [
        (TypeError, "depth: expected the depth of the functional", np.zeros(2), {}),
        (ValueError, "functional: expected 6 coefficients", np.zeros(5), {"depth": 2}),
        (ValueError, "functional: expected a dict", np.zeros((1, 1, 2)), {"depth": 1}),
        (ValueError, "depth: expected None", {(0,): 1.0}, {"depth": 2}),
        (TypeError, "functional: expected a real number", {(0,): "1"}, {}),
        (TypeError, "functional: expected a dict of words", [{(0,): 1.0}, 2.0], {}),
        (ValueError, "functional: expected letters from 0 to 1", {(5,): 1.0}, {}),
    ],
)
def test_errors_of_functionals_name_the_argument(error, message, functional, options):
    with pytest.raises(error, match=message):
        pysig.linear_functional(PATH, functional, **options)


@pytest.mark.parametrize(
    ("error", "message", "arguments"),
    [
        (TypeError, "weights: expected a sequence", (3, 1)),
        (ValueError, "weights: expected positive", ([1, 0], 1)),
        (ValueError, "weights: expected one for each channel", ([], 1)),
        (ValueError, "bound: expected finite", ([1], np.inf)),
        (TypeError, "bound: expected real", ([1], "1")),
        (ValueError, "bound: expected at most 64 times", ([1, 0.01], 1)),
        (MemoryError, "bound: expected a bound that at most 4000000 words meet", ([1, 1], 64)),
        (MemoryError, "bound: expected a bound", ([1] * 50, 4)),
    ],
)
def test_errors_of_weights_name_the_argument(error, message, arguments):
    with pytest.raises(error, match=message):
        pysig.anisotropic_words(*arguments)
