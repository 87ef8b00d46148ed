"""Static kernels as objects: checks, pickles, parameters, and the median heuristic."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

import pysig
from kernel_calls import STATIC, kappa_of
from support import assert_close

K = pysig.kernels


@pytest.mark.parametrize("kernel", STATIC[1:], ids=str)
def test_kernels_are_values(kernel):
    again = pickle.loads(pickle.dumps(kernel))
    assert again == kernel == copy.deepcopy(kernel)
    assert hash(again) == hash(kernel)
    assert eval(repr(kernel), vars(K)) == kernel
    assert again.__dask_tokenize__() == kernel.__dask_tokenize__()
    with pytest.raises(FrozenInstanceError):
        kernel.bandwidth = 3.0


def test_tokens_tell_kernels_apart():
    tokens = {kernel.__dask_tokenize__() for kernel in STATIC[1:]}
    assert len(tokens) == len(STATIC) - 1


def test_parameters_are_set_in_place():
    kernel = K.RBF(1.0)
    assert kernel.get_params() == {"bandwidth": 1.0} == kernel.get_params(deep=False)
    assert kernel.set_params(bandwidth=2.5) is kernel
    assert kernel.bandwidth == 2.5
    with pytest.raises(ValueError, match=r"^bandwidth: expected a positive finite number"):
        kernel.set_params(bandwidth=-1.0)
    assert kernel.bandwidth == 2.5
    with pytest.raises(ValueError, match=r"^gamma: expected a parameter of RBF \(bandwidth\)"):
        kernel.set_params(gamma=1.0)


def test_scikit_learn_searches_over_parameters_of_a_kernel(rng):
    sklearn = pytest.importorskip("sklearn")
    from sklearn.base import BaseEstimator, ClassifierMixin, clone
    from sklearn.model_selection import GridSearchCV

    assert sklearn

    class Nearest(ClassifierMixin, BaseEstimator):
        def __init__(self, kernel=None):
            self.kernel = kernel

        def fit(self, x, y):
            self.x_, self.y_, self.classes_ = x, y, np.unique(y)
            return self

        def predict(self, x):
            gram = pysig.signature_kernel_matrix(x, self.x_, order=2, static_kernel=self.kernel)
            return self.y_[gram.argmax(axis=1)]

    x, y = rng.normal(size=(12, 5, 2)), np.arange(12) % 2
    estimator = Nearest(K.RBF(1.0))
    assert clone(estimator).kernel == estimator.kernel
    grid = {"kernel__bandwidth": [0.5, 2.0, 8.0]}
    search = GridSearchCV(estimator, grid, cv=2).fit(x, y)
    assert search.best_estimator_.kernel.bandwidth in grid["kernel__bandwidth"]
    assert estimator.kernel.bandwidth == 1.0


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: K.RBF(0.0), ValueError, "bandwidth: expected a positive finite number, received "),
        (lambda: K.RBF(-1), ValueError, "bandwidth: expected a positive finite number, received "),
        (lambda: K.RBF(np.nan), ValueError, "bandwidth: expected a positive finite number"),
        (lambda: K.RBF(np.inf), ValueError, "bandwidth: expected a positive finite number"),
        (lambda: K.RBF("1"), TypeError, "bandwidth: expected a positive number, received str"),
        (lambda: K.RBF(True), TypeError, "bandwidth: expected a positive number, received bool"),
        (lambda: K.Matern(-2.0), ValueError, "bandwidth: expected a positive finite number"),
        (lambda: K.Matern(1.0, 1.0), ValueError, "nu: expected 0.5, 1.5 or 2.5, received float 1"),
        (lambda: K.RationalQuadratic(1.0, 0), ValueError, "alpha: expected a positive finite"),
        (lambda: K.Linear(0), ValueError, "scale: expected a positive finite number"),
        (lambda: K.Polynomial(0), ValueError, "degree: expected an integer of at least 1"),
        (lambda: K.Polynomial(1.5), TypeError, "degree: expected an integer, received float"),
        (lambda: K.Polynomial(2, -1.0), ValueError, "gamma: expected a non-negative finite"),
        (lambda: K.Polynomial(2, 1.0, 0.0), ValueError, "scale: expected a positive finite"),
    ],
)
def test_parameters_are_checked(make, error, says):
    with pytest.raises(error, match=f"^{says}"):
        make()


@pytest.mark.parametrize("kernel", STATIC[1:], ids=str)
def test_values_of_points(kernel, rng):
    """Two segments between single points: the kernel of order 1 and depth 1 is 1 + z."""
    a, b = rng.normal(size=(2, 2, 3))
    kappa = kappa_of(kernel)
    z = kappa(a[1], b[1]) - kappa(a[1], b[0]) - kappa(a[0], b[1]) + kappa(a[0], b[0])
    k = pysig.signature_kernel(a, b, 1, order=1, static_kernel=kernel)
    assert_close(k, 1 + z, rtol=1e-14, least=1.0)


# ---- the median heuristic ----


def all_distances(points):
    return np.linalg.norm(points[:, None] - points[None], axis=2)[np.triu_indices(len(points), 1)]


def test_the_median_of_distances(rng, xp):
    paths = rng.normal(size=(3, 7, 2))
    right = np.median(all_distances(paths.reshape(-1, 2)))
    assert_close(np.float64(K.median_bandwidth(xp.asarray(paths))), right, rtol=1e-14)
    single = K.median_bandwidth(xp.asarray(paths.astype(np.float32)))
    assert isinstance(single, float)
    assert abs(single - right) < 1e-6


def test_points_beyond_the_lengths_do_not_count(rng):
    paths, lengths = rng.normal(size=(3, 7, 2)), np.array([2, 7, 4])
    points = np.concatenate([p[:n] for p, n in zip(paths, lengths, strict=True)])
    for p, n in zip(paths, lengths, strict=True):
        p[n:] = np.nan
    right = np.median(all_distances(points))
    assert_close(np.float64(K.median_bandwidth(paths, lengths=lengths)), right, rtol=1e-14)


def test_many_points_are_sampled_evenly(rng):
    paths = rng.normal(size=(50, 100, 2))
    whole = np.median(all_distances(paths.reshape(-1, 2)[::7]))
    sample = K.median_bandwidth(paths)
    assert abs(sample - whole) < 0.05 * whole
    assert sample == K.median_bandwidth(paths)
    assert sample != K.median_bandwidth(paths, max_points=10)


@pytest.mark.parametrize(
    ("paths", "options", "error", "says"),
    [
        (np.zeros((1, 1, 2)), {}, ValueError, "paths: expected at least two points, received 1"),
        (np.zeros((2, 3, 2)), {}, ValueError, "paths: expected points at different places"),
        (np.full((2, 3, 2), np.nan), {}, ValueError, "paths: expected finite points"),
        (np.zeros(3), {}, ValueError, r"paths: expected shape \(\.\.\., length, channels\)"),
        (np.eye(3), {"max_points": 1}, ValueError, "max_points: expected an integer of at least 2"),
        (np.eye(3), {"lengths": 9}, ValueError, "lengths: expected integers from 1 to the length"),
    ],
)
def test_bad_input_of_the_median(paths, options, error, says):
    with pytest.raises(error, match=f"^{says}"):
        K.median_bandwidth(paths, **options)
