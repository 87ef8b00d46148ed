"""`SignatureKernel` in support vector machines and Gaussian processes, and `MMDTest`."""

import doctest
import importlib
import pickle

import numpy as np
import pytest

import pysig
import pysig.data
from support import assert_close

pytest.importorskip("sklearn")
from sklearn.base import clone
from sklearn.decomposition import KernelPCA
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC, SVR
from sklearn.utils import check_random_state
from sklearn.utils.estimator_checks import parametrize_with_checks

from pysig.interop.sklearn import MMDTest, SignatureKernel, path_objects

K = pysig.kernels


@parametrize_with_checks(
    [MMDTest(n_permutations=9), MMDTest(SignatureKernel(2, stages=None), unbiased=False)]
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def drawn_series(rng, count=6, channels=2):
    return [rng.standard_normal((n, channels)) / 2 for n in rng.integers(2, 9, count)]


def filled_with_nan(paths, value=np.nan):
    whole = np.full((len(paths), max(map(len, paths)) + 1, paths[0].shape[1]), value)
    for row, path in zip(whole, paths, strict=True):
        row[: len(path)] = path
    return whole


PARAMETERS = [
    {},
    {"depth": 2, "normalize": False, "stages": None},
    {"depth": None, "order": 3, "static_kernel": K.RBF(1.3)},
    {"depth": 3, "normalize": "levels", "weights": [1.0, 2.0, 1.0, 0.5]},
    {"depth": 2, "static_kernel": K.RationalQuadratic(1.2, 0.7), "stages": "basepoint"},
    {"depth": 2, "order": 1, "dyadic_order": 1, "stages": ("time", "lead_lag"), "n_jobs": 1},
]


def kernels_of_pysig(parameters, x, y=None, function=pysig.signature_kernel_matrix):
    kernel = SignatureKernel(**parameters)
    options = {"order": kernel.order, "static_kernel": kernel.static_kernel}
    options |= {"normalize": kernel.normalize, "weights": kernel.weights}
    options |= {"dyadic_order": kernel.dyadic_order, "transform": kernel.stages}
    return function(x, y, kernel.depth, **options)


@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_numbers_are_those_of_pysig(rng, parameters):
    kernel = SignatureKernel(**parameters)
    paths, others = drawn_series(rng), drawn_series(rng, 4)
    for x, y in ((paths, others), (rng.normal(size=(5, 7, 2)) / 2, rng.normal(size=(3, 4, 2)) / 2)):
        assert np.array_equal(kernel(x), kernels_of_pysig(parameters, x))
        assert np.array_equal(kernel(x, x), kernels_of_pysig(parameters, x))
        assert np.array_equal(kernel(x, y), kernels_of_pysig(parameters, x, y))
        assert_close(kernel.diag(x), np.diag(kernel(x)), rtol=1e-12)
    assert_close(kernel(filled_with_nan(paths)), kernels_of_pysig(parameters, paths), rtol=1e-12)
    assert_close(
        kernel(filled_with_nan(paths), others),
        kernels_of_pysig(parameters, paths, others),
        rtol=1e-12,
    )
    assert_close(kernel.diag(filled_with_nan(paths)), np.diag(kernel(paths)), rtol=1e-12)
    assert np.array_equal(kernel(path_objects(paths)), kernel(paths))
    assert np.array_equal(kernel(list(path_objects(paths)), others), kernel(paths, others))
    array = rng.normal(size=(5, 4, 3))
    rows = SignatureKernel(**parameters, channels=3)
    assert np.array_equal(rows(array.reshape(5, 12)), kernel(array))
    assert np.array_equal(rows(array.reshape(5, 12).tolist()), kernel(array))
    assert np.array_equal(kernel(array.tolist()), kernel(array))
    assert kernel(array.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    "static",
    [
        K.Linear(0.7),
        K.RBF(1.3),
        K.Matern(1.2, 1.5),
        K.RationalQuadratic(1.1, 0.6),
        K.Polynomial(2, 0.5, 0.8),
    ],
    ids=str,
)
@pytest.mark.parametrize("normalize", [True, False, "levels"])
def test_gradients_by_logarithms_of_parameters(rng, static, normalize):
    paths = drawn_series(rng)
    kernel = SignatureKernel(3, static_kernel=static, normalize=normalize)
    gram, gradient = kernel(paths, eval_gradient=True)
    assert np.array_equal(gram, kernel(paths))
    assert gradient.shape == (6, 6, kernel.n_dims)
    assert kernel.n_dims == len(static.GRADIENTS)
    for k, theta in enumerate(kernel.theta):
        h = 1e-3
        at = []
        for step in (h, -h, 2 * h, -2 * h):
            moved = kernel.theta.copy()
            moved[k] = theta + step
            at.append(kernel.clone_with_theta(moved)(paths))
        difference = (8 * (at[0] - at[1]) - (at[2] - at[3])) / (12 * h)
        np.testing.assert_allclose(gradient[..., k], difference, rtol=1e-8, atol=1e-9)
        if normalize == "levels" and isinstance(static, K.Linear):  # the scale cancels
            assert np.abs(gradient[..., k]).max() < 1e-14
        else:
            assert np.abs(gradient[..., k]).max() > 1e-3


def test_hyperparameters_are_those_of_scikit_learn():
    kernel = SignatureKernel(static_kernel=K.RationalQuadratic(2.0, 0.5))
    assert [h.name for h in kernel.hyperparameters] == [
        "static_kernel__bandwidth",
        "static_kernel__alpha",
    ]
    assert_close(np.exp(kernel.theta), np.array([2.0, 0.5]), rtol=1e-15)
    assert_close(np.exp(kernel.bounds), np.array([[1e-3, 1e3]] * 2), rtol=1e-12)
    other = kernel.clone_with_theta(np.log([3.0, 0.25]))
    assert other.static_kernel == K.RationalQuadratic(np.exp(np.log(3.0)), 0.25)
    assert kernel.static_kernel == K.RationalQuadratic(2.0, 0.5)  # not changed in place
    assert other != kernel
    assert clone(kernel) == kernel
    assert pickle.loads(pickle.dumps(kernel)) == kernel
    some = kernel.set_params(static_bounds={"alpha": "fixed", "bandwidth": (0.1, 10)})
    assert some.n_dims == 1
    assert_close(np.exp(some.bounds), np.array([[0.1, 10.0]]), rtol=1e-12)
    assert some(np.zeros((2, 3, 1)), eval_gradient=True)[1].shape == (2, 2, 1)
    for fixed in (
        SignatureKernel(),
        SignatureKernel(static_kernel=K.RBF(), static_bounds="fixed"),
    ):
        assert fixed.n_dims == 0
        assert fixed(np.zeros((2, 3, 1)), eval_gradient=True)[1].shape == (2, 2, 0)
    zero = SignatureKernel(static_kernel=K.Polynomial(2, 0.0, 1.0))
    assert zero.n_dims == 1
    assert not kernel.is_stationary()
    assert not kernel.requires_vector_input
    assert repr(SignatureKernel(2, static_kernel=K.RBF(2.0))) == (
        "SignatureKernel(depth=2, static_kernel=RBF(bandwidth=2.0))"
    )
    summed = 2.0 * kernel + WhiteKernel(0.1)
    assert summed.n_dims == 3
    assert not summed.requires_vector_input
    names = [h.name for h in summed.hyperparameters]
    assert names == ["k1__k1__constant_value", "k1__k2__static_kernel__bandwidth",
                     "k1__k2__static_kernel__alpha", "k2__noise_level"]  # fmt: skip


def test_parameters_are_nested():
    model = SVC(kernel=SignatureKernel(static_kernel=K.RBF(2.0)))
    assert model.get_params()["kernel__static_kernel__bandwidth"] == 2.0
    copy = clone(model).set_params(kernel__static_kernel__bandwidth=3.0, kernel__depth=2)
    assert copy.kernel.static_kernel == K.RBF(3.0)
    assert copy.kernel.depth == 2
    assert model.kernel.static_kernel == K.RBF(2.0)
    shared = K.RBF(1.0)
    SignatureKernel(static_kernel=shared).set_params(static_kernel__bandwidth=5.0)
    assert shared == K.RBF(1.0)
    changed = SignatureKernel(static_kernel=shared).set_params(
        static_kernel__bandwidth=5.0, static_kernel=K.Matern()
    )
    assert changed.static_kernel == K.Matern(5.0)
    for name in ("static_kernel__alpha", "nonsense", "static_kernel__"):
        with pytest.raises(ValueError, match="Invalid parameter"):
            SignatureKernel(static_kernel=K.RBF()).set_params(**{name: 1.0})
    with pytest.raises(ValueError, match="Invalid parameter 'static_kernel__scale'"):
        SignatureKernel().set_params(static_kernel__scale=1.0)


def test_basic_motions_by_a_support_vector_machine():
    data = pysig.data.load("basic_motions")
    paths = data.paths[:, ::2] / data.paths.std()
    model = SVC(kernel=SignatureKernel(2), C=10)
    assert cross_val_score(model, paths, data.labels, cv=4).mean() > 0.85
    grid = {"kernel__static_kernel__bandwidth": [1.0, 3.0], "C": [10, 100]}
    model = SVC(kernel=SignatureKernel(2, static_kernel=K.RBF()))
    search = GridSearchCV(model, grid, cv=2).fit(paths[::2], data.labels[::2])
    assert search.best_score_ > 0.8
    assert search.best_estimator_.kernel.static_kernel.bandwidth in (1.0, 3.0)


def test_ragged_japanese_vowels():
    data = pysig.data.load("japanese_vowels")
    utterances = [path[:n] for path, n in zip(data.paths, data.lengths, strict=True)]
    some = slice(None, None, 3)
    model = SVC(kernel=SignatureKernel(2, stages=("basepoint", "time")), C=100)
    score = cross_val_score(model, utterances[some], data.labels[some], cv=3).mean()
    assert score > 0.9
    model.fit(utterances[some], data.labels[some])
    rows = filled_with_nan([np.asarray(u, float) for u in utterances[:5]])
    assert (model.predict(rows) == model.predict(utterances[:5])).all()


def test_gaussian_processes_learn_the_bandwidth(rng):
    """Regression on rows and on ragged paths; the likelihood rises, the gradient is right."""
    paths = rng.standard_normal((60, 8, 2)).cumsum(axis=1) / 3
    paths -= paths[:, :1]
    target = np.sin(paths[:, -1, 0]) + 0.5 * paths[:, 4, 1]
    start = SignatureKernel(2, static_kernel=K.RBF(5.0), channels=2)
    kernel = start + WhiteKernel(0.01)
    for x in (paths.reshape(60, 16), path_objects(paths), path_objects(list(paths))):
        model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=0)
        model.fit(x[:40], target[:40])
        first = model.log_marginal_likelihood(kernel.theta)
        assert model.log_marginal_likelihood_value_ > first + 50
        assert 1 < model.kernel_.k1.static_kernel.bandwidth < 2
        assert model.score(x[40:], target[40:]) > 0.7
        mean, deviation = model.predict(x[40:], return_std=True)
        assert mean.shape == deviation.shape == (20,)
        assert (deviation > 0).all()
        assert model.sample_y(x[40:], 3, random_state=0).shape == (20, 3)
    assert start.static_kernel == K.RBF(5.0)
    theta = kernel.theta
    _, gradient = model.log_marginal_likelihood(theta, eval_gradient=True)
    for k in range(len(theta)):
        h = np.zeros(len(theta))
        h[k] = 1e-5
        likelihood = model.log_marginal_likelihood
        difference = (likelihood(theta + h) - likelihood(theta - h)) / 2e-5
        assert gradient[k] == pytest.approx(difference, rel=1e-4, abs=1e-5)


def test_gaussian_process_classification_of_shipped_data():
    data = pysig.data.load("basic_motions")
    two = np.isin(data.labels, ["Walking", "Standing", "walking", "standing"])
    paths, labels = data.paths[two, ::4] / data.paths.std(), data.labels[two]
    assert len(set(labels)) == 2
    kernel = SignatureKernel(2, static_kernel=K.RBF(3.0))
    model = GaussianProcessClassifier(kernel, random_state=0)
    train, test = path_objects(paths[::2]), path_objects(paths[1::2])
    assert model.fit(train, labels[::2]).score(test, labels[1::2]) > 0.9
    assert model.kernel_.static_kernel != kernel.static_kernel
    grid = {"kernel__static_kernel__bandwidth": [1.0, 3.0]}
    search = GridSearchCV(GaussianProcessClassifier(kernel, optimizer=None), grid, cv=2)
    assert search.fit(train, labels[::2]).best_score_ > 0.8


def test_other_kernel_methods_take_rows(rng):
    paths = rng.standard_normal((20, 6, 2)).cumsum(axis=1)
    rows, y = paths.reshape(20, 12), paths[:, -1, 0]
    kernel = SignatureKernel(2, channels=2)
    gram = kernel(paths)
    direct = KernelRidge(kernel="precomputed").fit(gram, y).predict(gram)
    assert_close(KernelRidge(kernel=kernel).fit(rows, y).predict(rows), direct, rtol=1e-9)
    assert KernelPCA(2, kernel=kernel).fit_transform(rows).shape == (20, 2)
    assert np.isfinite(SVR(kernel=kernel).fit(list(paths), y).predict(list(paths))).all()


def test_errors_of_kernels(rng):
    paths = drawn_series(rng)
    for kernel, x, y, error, message in [
        (SignatureKernel(None), paths, None, ValueError, "order: expected .*because depth is None"),
        (SignatureKernel(0), paths, None, ValueError, "depth: expected"),
        (SignatureKernel(2, static_kernel="rbf"), paths, None, TypeError, "static_kernel: expect"),
        (SignatureKernel(2, stages="lag"), paths, None, ValueError, "transform: expected"),
        (SignatureKernel(2, n_jobs=0), paths, None, ValueError, "workers: expected"),
        (SignatureKernel(2, weights=[1.0]), paths, None, ValueError, "weights: expected"),
        (SignatureKernel(), paths, np.zeros((2, 4, 3)), ValueError, "X has 2 channels, but Y has"),
        (SignatureKernel(), np.full((2, 3, 1), np.nan), None, ValueError, "NaN or infinity"),
        (SignatureKernel(), [*paths, np.full((3, 2), np.inf)], None, ValueError, r"X\[6\].*NaN"),
        (SignatureKernel(), np.zeros(3), None, ValueError, "Expected 2D array"),
        (SignatureKernel(), [], None, ValueError, "Expected 2D array"),
        (SignatureKernel(channels=3), np.zeros((2, 4)), None, ValueError, "a multiple of 3 colu"),
        (SignatureKernel(channels=0), np.zeros((2, 4)), None, ValueError, "channels: expected"),
        (SignatureKernel(), np.zeros((2, 0, 1)), None, ValueError, "at least|minimum of 1"),
        (SignatureKernel(), [[1.0, 2.0], [3.0]], None, ValueError, "Make one 2-D array of each"),
        (SignatureKernel(), "abc", None, ValueError, "could not convert string"),
        (SignatureKernel(), np.zeros((2, 2), complex), None, ValueError, "Complex data not supp"),
    ]:
        with pytest.raises(error, match=message):
            kernel(x, y)
    with pytest.raises(ValueError, match="Gradient can only be evaluated when Y is None"):
        SignatureKernel()(paths, paths, eval_gradient=True)
    for bounds in ("fix", (1.0,), (-1.0, 2.0), (2.0, 1.0), {"scale": (1, 2)}, 3.0):
        with pytest.raises(ValueError, match="static_bounds: expected"):
            assert SignatureKernel(static_kernel=K.RBF(), static_bounds=bounds).theta
    with pytest.raises(ValueError, match=r"X: expected shape \(n, length, channels\)"):
        path_objects(np.zeros((3, 4)))


def test_cupy_arrays_stay_on_the_device(cupy, rng):
    array = rng.standard_normal((5, 7, 2))
    kernel = SignatureKernel(2, static_kernel=K.RBF())
    gram, gradient = kernel(cupy.asarray(array), eval_gradient=True)
    assert isinstance(gram, cupy.ndarray)
    right, slope = kernel(array, eval_gradient=True)
    assert_close(gram.get(), right, rtol=1e-11)
    assert_close(gradient.get(), slope, rtol=1e-10)


# ---- the test of two samples ----


def test_the_test_is_that_of_pysig(rng):
    paths = drawn_series(rng, 20)
    labels = np.where(np.arange(20) % 3 == 0, "b", "a")
    kernel = SignatureKernel(2, static_kernel=K.RBF())
    for x in (paths, filled_with_nan(paths), path_objects(paths)):
        for seed in (0, check_random_state(0)):
            test = MMDTest(kernel, n_permutations=99, random_state=seed).fit(x, labels)
            groups = [[p for p, k in zip(paths, labels, strict=True) if k == c] for c in "ab"]
            own = int(check_random_state(0).randint(2**31 - 1))
            expected = pysig.mmd_test(
                *groups, 2, n_permutations=99, seed=own,
                static_kernel=K.RBF(), transform="time", normalize=True,
            )  # fmt: skip
            assert test.classes_.tolist() == ["a", "b"]
            assert test.pvalue_ == expected.pvalue
            assert test.statistic_ == pytest.approx(expected.statistic, rel=1e-10)
            assert_close(test.null_distribution_, expected.null, rtol=1e-9)
    one, two = (
        MMDTest(n_permutations=9, random_state=np.random.default_rng(3)).fit(paths, labels)
        for _ in range(2)
    )
    assert np.array_equal(one.null_distribution_, two.null_distribution_)
    assert test.n_channels_ == 2
    assert clone(MMDTest(kernel)).get_params()["kernel__depth"] == 2


def test_shipped_data_tell_activities_apart():
    data = pysig.data.load("basic_motions")
    first = np.flatnonzero(data.labels == data.labels[0])
    rest = np.flatnonzero(data.labels != data.labels[0])[: len(first)]
    paths = data.paths / data.paths.std()
    kernel = SignatureKernel(2)
    both = np.concatenate([first, rest])
    test = MMDTest(kernel, random_state=0).fit(paths[both], data.labels[both] == data.labels[0])
    assert test.pvalue_ == 0.001
    halves = np.arange(len(first)) % 2
    assert MMDTest(kernel, random_state=0).fit(paths[first], halves).pvalue_ > 0.05


def test_errors_of_the_test(rng):
    paths, labels = drawn_series(rng, 8), [0, 1] * 4
    for test, x, y, error, message in [
        (MMDTest(), paths, None, ValueError, "requires y to be passed"),
        (MMDTest(), paths, labels[:-1], ValueError, "inconsistent numbers of samples"),
        (MMDTest(), paths, [0] * 8, ValueError, "labels of 2 classes, received 1 class"),
        (MMDTest(), paths, list(range(8)), ValueError, "labels of 2 classes, received 8 classes"),
        (MMDTest(), paths, np.linspace(0, 1, 8), ValueError, "Unknown label type"),
        (MMDTest(), paths[:2], [0, 1], ValueError, "at least 2 paths"),
        (MMDTest("rbf"), paths, labels, TypeError, "kernel: expected a SignatureKernel"),
        (MMDTest(SignatureKernel), paths, labels, TypeError, "kernel: expected a SignatureKernel"),
        (MMDTest(n_permutations=0), paths, labels, ValueError, "n_permutations: expected"),
        (MMDTest(unbiased="no"), paths, labels, (TypeError, ValueError), "unbiased: expected"),
        (MMDTest(random_state="x"), paths, labels, ValueError, "cannot be used to seed"),
        (MMDTest(), [p * np.nan for p in paths], labels, ValueError, "contains NaN"),
    ]:
        with pytest.raises(error, match=message):
            test.fit(x, y)


@pytest.mark.parametrize("module", ["_sklearn_input", "_sklearn_kernel", "_sklearn_mmd"])
def test_the_examples_run(module):
    found = doctest.testmod(importlib.import_module(f"pysig.interop.{module}"))
    assert found.attempted
    assert found.failed == 0
