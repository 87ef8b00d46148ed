"""MMD, HSIC and scores: definitions, exact levels of the tests, and errors."""

from __future__ import annotations

from itertools import combinations, permutations

import numpy as np
import pytest

import pysig
from kernel_calls import kernel_walks, require_kernels
from support import assert_close, on_host


def off_diagonal(gram):
    return gram[~np.eye(len(gram), dtype=bool)].mean()


OPTIONS = [
    {"order": 3},
    {"depth": 3},
    {"depth": 3, "order": 1, "normalize": "levels"},
    {"order": 2, "static_kernel": pysig.kernels.RBF(1.0), "normalize": True},
    {"order": 2, "basepoint": True, "transform": "time"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_statistics_are_means_of_kernels(rng, xp, options):
    require_kernels(xp)
    x, y = kernel_walks(rng, 7, 6, 2), kernel_walks(rng, 5, 8, 2)
    there = xp.asarray(x), xp.asarray(y)
    xx, yy = (pysig.signature_kernel_matrix(p, **options) for p in (x, y))
    xy = pysig.signature_kernel_matrix(x, y, **options)
    unbiased = off_diagonal(xx) + off_diagonal(yy) - 2 * xy.mean()
    biased = xx.mean() + yy.mean() - 2 * xy.mean()
    close = {"rtol": 1e-12, "least": 1.0}
    assert_close(on_host(pysig.mmd(*there, **options)), unbiased, np.float64, **close)
    value = on_host(pysig.mmd(*there, unbiased=False, **options))
    assert_close(value, biased, np.float64, **close)
    assert biased >= 0
    scores = off_diagonal(xx) - 2 * xy.mean(axis=0)
    assert_close(on_host(pysig.signature_score(*there, **options)), scores, np.float64, **close)
    one = on_host(pysig.signature_score(there[0], there[1][2], **options))
    assert_close(one, scores[2], **close)
    expected = on_host(pysig.expected_signature_score(*there, **options))
    assert_close(expected, scores.mean(), np.float64, **close)


def test_float32_is_kept(rng):
    x, y = (kernel_walks(rng, 4, 5, 2).astype(np.float32) for _ in range(2))
    for function in (pysig.mmd, pysig.hsic, pysig.signature_score, pysig.expected_signature_score):
        assert function(x, y, order=2).dtype == np.float32


def test_lengths_and_pairs_of_basepoints_go_to_their_side(rng):
    x, y = kernel_walks(rng, 5, 6, 2), kernel_walks(rng, 4, 8, 2)
    lengths = (rng.integers(1, 7, 5), rng.integers(1, 9, 4))
    bases = (np.ones(2), None)
    options = {"order": 3, "static_kernel": pysig.kernels.RBF(1.0)}
    xx = pysig.signature_kernel_matrix(x, lengths=lengths[0], basepoint=bases[0], **options)
    yy = pysig.signature_kernel_matrix(y, lengths=lengths[1], **options)
    xy = pysig.signature_kernel_matrix(x, y, lengths=lengths, basepoint=bases, **options)
    right = off_diagonal(xx) + off_diagonal(yy) - 2 * xy.mean()
    value = pysig.mmd(x, y, lengths=lengths, basepoint=bases, **options)
    assert_close(value, right, rtol=1e-12, least=1.0)


def test_one_order_for_all_matrices(rng):
    """The orders of x alone and of y alone differ; the statistic has that of both."""
    x, y = kernel_walks(rng, 6, 8, 2) / 10, kernel_walks(rng, 6, 8, 2) * 3
    order = pysig.signature_kernel_order(x, y)
    assert order > pysig.signature_kernel_order(x)
    np.testing.assert_array_equal(pysig.mmd(x, y), pysig.mmd(x, y, order=order))


# ---- MMD test ----


@pytest.mark.parametrize("unbiased", [True, False])
def test_statistics_of_permutations_are_those_of_the_divisions(rng, unbiased, xp):
    require_kernels(xp)
    x, y = kernel_walks(rng, 3, 5, 2), kernel_walks(rng, 2, 5, 2)
    options = {"order": 3, "unbiased": unbiased}
    result = pysig.mmd_test(xp.asarray(x), xp.asarray(y), n_permutations=200, seed=3, **options)
    assert isinstance(result, pysig.MMDResult)
    assert_close(np.float64(result.statistic), pysig.mmd(x, y, **options), rtol=1e-12, least=1.0)
    pooled, rows = np.concatenate([x, y]), set(range(5))
    every = np.array(
        [
            pysig.mmd(pooled[list(first)], pooled[sorted(rows - set(first))], **options)
            for first in combinations(range(5), 3)
        ]
    )
    assert result.null.shape == (200,)
    distance = np.abs(result.null[:, None] - every)
    assert distance.min(axis=1).max() <= 1e-12
    assert distance.min(axis=0).max() <= 1e-12  # each of the ten divisions was drawn
    count = (result.null >= result.statistic - 1e-12).sum()
    assert result.pvalue == (1 + count) / 201


def test_a_seed_repeats_a_test(rng):
    x, y = kernel_walks(rng, 8, 5, 2), kernel_walks(rng, 9, 5, 2)
    first = pysig.mmd_test(x, y, order=2, seed=7, n_permutations=50)
    again = pysig.mmd_test(x, y, order=2, seed=np.random.default_rng(7), n_permutations=50)
    other = pysig.mmd_test(x, y, order=2, seed=8, n_permutations=50)
    np.testing.assert_array_equal(first.null, again.null)
    assert not np.array_equal(first.null, other.null)


def test_permutations_in_blocks(rng, monkeypatch):
    x, y = kernel_walks(rng, 8, 5, 2), kernel_walks(rng, 9, 5, 2)
    whole = pysig.mmd_test(x, y, order=2, seed=7, n_permutations=50)
    monkeypatch.setattr("pysig._api._kernel_statistics.BLOCK_BYTES", 8 * 17 * 7)
    parts = pysig.mmd_test(x, y, order=2, seed=7, n_permutations=50)
    assert_close(parts.null, whole.null, rtol=1e-12)


@pytest.mark.parametrize("unbiased", [True, False])
def test_the_level_of_the_mmd_test_is_exact(rng, unbiased):
    """1000 repetitions of the null hypothesis: 5 % +- 1.5 % of the p-values are at most 5 %."""
    x, y = kernel_walks(rng, 1000, 8, 6, 2), kernel_walks(rng, 1000, 7, 6, 2)
    values = [
        pysig.mmd_test(
            p, q, depth=2, n_permutations=99, seed=k, unbiased=unbiased, workers=1
        ).pvalue
        for k, (p, q) in enumerate(zip(x, y, strict=True))
    ]
    assert 0.035 <= np.mean(np.array(values) <= 0.05) <= 0.065
    assert 0.45 <= np.mean(values) <= 0.55


def test_the_mmd_test_finds_differences(rng):
    x, y = (
        kernel_walks(rng, 40, 12, 2),
        kernel_walks(rng, 40, 12, 2) + np.linspace(0, 1, 12)[:, None],
    )
    assert pysig.mmd_test(x, y, order=3, seed=0).pvalue == 0.001


def test_equal_statistics_count(rng):
    """All paths are the same: every division has the statistic of the samples."""
    x = np.repeat(kernel_walks(rng, 1, 6, 2), 6, axis=0)
    assert pysig.mmd_test(x, x[:4], order=3, seed=0, n_permutations=99).pvalue == 1.0
    assert pysig.hsic_test(x, x, order=3, seed=0, n_permutations=99).pvalue == 1.0


# ---- HSIC ----


def centred_criterion(k, m):
    n = len(k)
    h = np.eye(n) - 1 / n
    return np.trace(h @ k @ h @ m) / n**2


def criterion_by_indices(k, m):
    """Means of k[i, j] (m[i, j] + m[q, r] - 2 m[i, q]) over distinct indices."""
    tuples = list(permutations(range(len(k)), 4))
    return np.mean([k[i, j] * (m[i, j] + m[q, r] - 2 * m[i, q]) for i, j, q, r in tuples])


def test_the_criterion_is_that_of_the_definition(rng, xp):
    require_kernels(xp)
    x, y = kernel_walks(rng, 6, 5, 2), kernel_walks(rng, 6, 7, 3)
    there = xp.asarray(x), xp.asarray(y)
    k, m = (pysig.signature_kernel_matrix(p, order=3) for p in (x, y))
    value = on_host(pysig.hsic(*there, order=3))
    assert_close(value, criterion_by_indices(k, m), np.float64, rtol=1e-11, least=1.0)
    value = on_host(pysig.hsic(*there, order=3, unbiased=False))
    assert_close(value, centred_criterion(k, m), np.float64, rtol=1e-11, least=1.0)
    assert value >= 0


def test_each_side_has_its_options(rng):
    x, y = kernel_walks(rng, 6, 5, 2), kernel_walks(rng, 6, 7, 3)
    lengths = (rng.integers(1, 6, 6), rng.integers(1, 8, 6))
    kernels = (pysig.kernels.RBF(0.7), pysig.kernels.Matern(2.0))
    k, m = (
        pysig.signature_kernel_matrix(p, order=2, lengths=n, static_kernel=kernel)
        for p, n, kernel in zip((x, y), lengths, kernels, strict=True)
    )
    value = pysig.hsic(x, y, order=2, lengths=lengths, static_kernel=kernels, unbiased=False)
    assert_close(value, centred_criterion(k, m), rtol=1e-11, least=1.0)


@pytest.mark.parametrize("unbiased", [True, False])
def test_permutations_of_the_pairs(rng, unbiased, xp):
    require_kernels(xp)
    x, y = kernel_walks(rng, 4, 5, 2), kernel_walks(rng, 4, 5, 2)
    options = {"order": 2, "unbiased": unbiased}
    result = pysig.hsic_test(xp.asarray(x), xp.asarray(y), n_permutations=400, seed=0, **options)
    assert isinstance(result, pysig.HSICResult)
    assert_close(np.float64(result.statistic), pysig.hsic(x, y, **options), rtol=1e-10, least=1.0)
    every = np.array([pysig.hsic(x, y[list(p)], **options) for p in permutations(range(4))])
    distance = np.abs(result.null[:, None] - every)
    assert distance.min(axis=1).max() <= 1e-11
    assert distance.min(axis=0).max() <= 1e-11


def test_the_level_of_the_hsic_test_is_exact(rng):
    x, y = kernel_walks(rng, 500, 8, 5, 2), kernel_walks(rng, 500, 8, 5, 2)
    values = [
        pysig.hsic_test(p, q, depth=2, n_permutations=49, seed=k, workers=1).pvalue
        for k, (p, q) in enumerate(zip(x, y, strict=True))
    ]
    assert 0.02 <= np.mean(np.array(values) <= 0.04) <= 0.06
    assert 0.45 <= np.mean(values) <= 0.55


def test_the_hsic_test_finds_dependence(rng):
    x, noise = kernel_walks(rng, 40, 12, 2), kernel_walks(rng, 40, 12, 2)
    assert pysig.hsic_test(x, x + noise, order=3, seed=0).pvalue == 0.001


# ---- errors ----

X, Y = np.zeros((5, 4, 2)), np.zeros((6, 3, 2))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: pysig.mmd(X[:1], Y), ValueError, "x: expected at least 2 paths for mmd, received"),
        (lambda: pysig.mmd(X, Y[:1]), ValueError, "y: expected at least 2 paths for mmd, received"),
        (
            lambda: pysig.mmd(X[:0], Y, unbiased=False),
            ValueError,
            "x: expected at least one path, received none",
        ),
        (lambda: pysig.mmd(X, Y, unbiased=1), TypeError, "unbiased: expected True or False"),
        (lambda: pysig.mmd_test(X, Y, n_permutations=0), ValueError, "n_permutations: expected"),
        (lambda: pysig.mmd_test(X, Y, seed="a"), TypeError, "seed: expected an integer, a numpy"),
        (lambda: pysig.mmd_test(X, Y[:1]), ValueError, "y: expected at least 2 paths for mmd_t"),
        (lambda: pysig.mmd(X, Y[..., :1]), ValueError, "y: expected 2 channels like x"),
        (lambda: pysig.hsic(X, Y), ValueError, "y: expected as many paths as x, 5, received 6"),
        (lambda: pysig.hsic(X[:3], Y[:3]), ValueError, "x: expected at least 4 paths for hsic"),
        (lambda: pysig.hsic_test(X, X, n_permutations=1.5), TypeError, "n_permutations: expected"),
        (lambda: pysig.hsic(X, Y[0, 0]), ValueError, r"y: expected shape \(\.\.\., length, chan"),
        (lambda: pysig.signature_score(X[:1], Y), ValueError, "sample: expected at least 2 paths"),
        (lambda: pysig.expected_signature_score(X, Y[:0]), ValueError, "other: expected at least"),
    ],
)
def test_errors_name_the_argument(call, error, says):
    with pytest.raises(error, match=f"^{says}"):
        call()


def test_options_of_single_kernels_are_refused():
    for function in (pysig.mmd, pysig.hsic, pysig.signature_score):
        with pytest.raises(TypeError, match="unexpected keyword argument 'levels'"):
            function(X, X, levels=True)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_a_sample_that_is_not_finite_has_no_p_value(rng, bad):
    x, y = rng.normal(size=(7, 6, 2)), rng.normal(size=(7, 6, 2))
    x[2] = x[2] * bad
    for test in (pysig.mmd_test, pysig.hsic_test):
        with np.errstate(all="ignore"):
            result = test(x, y, order=3, seed=0, n_permutations=19)
        assert np.isnan(result.pvalue)


def test_permutations_that_do_not_fit_are_refused(rng):
    x = rng.normal(size=(4, 5, 2))
    for test in (pysig.mmd_test, pysig.hsic_test):
        with pytest.raises(MemoryError, match=r"n_permutations: .*bytes.*Take fewer"):
            test(x, x, order=2, n_permutations=10**18)


def test_the_second_paths_of_pairs_are_needed(rng):
    with pytest.raises(TypeError, match="y: expected an array of paths, received None"):
        pysig.signature_kernel(rng.normal(size=(5, 2)), None)
