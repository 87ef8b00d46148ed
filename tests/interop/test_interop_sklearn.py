"""Estimators: scikit-learn's own checks, pipelines, names, metadata, and numbers of pysig."""

import warnings

import numpy as np
import pytest

import pysig
import pysig.data
from support import assert_close

pytest.importorskip("sklearn")
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from pysig.interop.sklearn import (
    SignatureScaler,
    SignatureTransformer,
    WindowSignatureTransformer,
)


@parametrize_with_checks(
    [
        SignatureTransformer(),
        SignatureTransformer(2, stages=None, basepoint=True, scaling="factorial"),
        SignatureTransformer(2, basis="brackets", stages=("time", "lead_lag")),
        SignatureTransformer(words=[(0,), (0, 1)]),
        WindowSignatureTransformer(2),
        WindowSignatureTransformer(2, windows=3, scheme="expanding", basis="hall"),
        SignatureScaler(),
        SignatureScaler(statistic="max"),
    ]
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def draw_series(rng, paths=6, channels=2):
    return [rng.standard_normal((n, channels)) for n in rng.integers(2, 9, paths)]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"stages": None}, lambda p: pysig.signature(p, 3)),
        ({"depth": 2}, lambda p: pysig.signature(p, 2, transform="time")),
        ({"basis": "words"}, lambda p: pysig.logsignature(p, 3, transform="time")),
        ({"basepoint": True}, lambda p: pysig.signature(p, 3, transform="time", basepoint=True)),
        (
            {"words": [(0, 2), (1,)]},
            lambda p: pysig.signature(p, words=[(0, 2), (1,)], transform="time"),
        ),
        (
            {"words": ["S(0,time)", "1"]},
            lambda p: pysig.signature(p, words=[(0, 2), (1,)], transform="time"),
        ),
    ],
)
def test_numbers_are_those_of_pysig(rng, parameters, expected):
    paths = draw_series(rng)
    array = rng.standard_normal((5, 7, 2))
    for value in (paths, tuple(paths), array, array.astype(np.float32), array.tolist()):
        transformer = SignatureTransformer(**parameters)
        actual = transformer.fit_transform(value)
        wanted = expected(list(value) if isinstance(value, tuple) else value)
        assert np.array_equal(actual, wanted)
        assert actual.dtype == wanted.dtype
        assert np.array_equal(transformer.fit(value).transform(value), wanted)
        assert transformer.get_feature_names_out().shape == (actual.shape[1],)


def test_rows_are_paths_point_after_point(rng):
    array = rng.standard_normal((4, 5, 3))
    actual = SignatureTransformer(2, channels=3).fit_transform(array.reshape(4, 15))
    assert np.array_equal(actual, pysig.signature(array, 2, transform="time"))
    series = rng.standard_normal((4, 9))
    actual = SignatureTransformer(2).fit_transform(series)
    assert np.array_equal(actual, pysig.signature(series[:, :, None], 2, transform="time"))


def test_scaling_multiplies_levels(rng):
    paths = draw_series(rng)
    plain = SignatureTransformer(3, stages=None).fit_transform(paths)
    level = np.repeat([1, 2, 3], [2, 4, 8])
    actual = SignatureTransformer(3, stages=None, scaling="factorial").fit_transform(paths)
    assert_close(actual, plain * np.array([0, 1, 2, 6])[level], rtol=1e-15)
    actual = SignatureTransformer(3, stages=None, scaling=[1, 0.5, 4]).fit_transform(paths)
    assert_close(actual, plain * np.array([0, 1, 0.5, 4])[level], rtol=1e-15)
    log = SignatureTransformer(3, basis="words", stages=None, scaling=[1, 10, 100])
    assert_close(
        log.fit_transform(paths), pysig.logsignature(paths, 3) * [1, 1, 10, 100, 100], rtol=1e-15
    )
    words = SignatureTransformer(words=[(0, 1), (1,)], stages=None, scaling=[3, 5])
    assert_close(words.fit_transform(paths), plain[:, [3, 1]] * [5, 3], rtol=1e-15)


def test_padding_by_nan(rng):
    paths = draw_series(rng)
    padded = np.full((6, max(map(len, paths)) + 1, 2), np.nan)
    for row, path in zip(padded, paths, strict=True):
        row[: len(path)] = path
    for parameters in ({}, {"basis": "hall"}, {"stages": ("lead_lag", "time")}):
        transformer = SignatureTransformer(2, **parameters)
        expected = transformer.fit_transform(paths)
        assert_close(transformer.fit_transform(padded), expected, rtol=1e-12)
        assert_close(transformer.fit(padded).transform(padded), expected, rtol=1e-12)


@pytest.mark.parametrize("place", [(1, 2), (0, 3, 0), (2,), (1, 0, 1), (1, 5, 1)])
@pytest.mark.parametrize("missing", [np.nan, np.inf])
@pytest.mark.parametrize("points", [6, 1])
def test_missing_numbers_are_refused(rng, place, missing, points):
    """Everywhere but at the ends of paths, which may be padded by points of NaN."""
    bad = rng.standard_normal((3, 6, 2))
    bad[place] = missing
    bad = bad[:, -1:] if points == 1 else bad
    if np.isfinite(bad).all():
        bad[1] = missing
    for value in (bad, list(bad)):
        for call in (
            lambda t, x: t.fit(x),
            lambda t, x: t.fit_transform(x),
            lambda t, x: t.fit(np.zeros_like(x)).transform(x),
        ):
            with pytest.raises(ValueError, match="contains NaN or infinity"):
                call(SignatureTransformer(2), value)


def test_names_of_features(rng):
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(path, columns=["x", "y"]) for path in draw_series(rng)]
    transformer = SignatureTransformer(1).fit(frames)
    assert transformer.get_feature_names_out().tolist() == ["S(x)", "S(y)", "S(time)"]
    named = SignatureTransformer(1, stages="lead_lag", channel_names=["a", "b"]).fit(frames)
    assert named.get_feature_names_out()[:2].tolist() == ["S(lag_a)", "S(lag_b)"]
    log = SignatureTransformer(2, basis="brackets", stages=None).fit(frames)
    assert log.get_feature_names_out().tolist() == ["L(x)", "L(y)", "L[x,y]"]
    assert log.get_feature_names_out(["u", "v"]).tolist() == ["L(u)", "L(v)", "L[u,v]"]
    words = SignatureTransformer(words=["S(y,x)"], stages=None).fit(frames)
    assert words.get_feature_names_out().tolist() == ["S(y,x)"]
    assert np.array_equal(
        words.transform(frames), pysig.signature([f.to_numpy() for f in frames], words=[(1, 0)])
    )
    transformer = SignatureTransformer(1).set_output(transform="pandas")
    table = transformer.fit_transform(frames)
    assert list(table.columns) == ["S(x)", "S(y)", "S(time)"]
    polars = pytest.importorskip("polars")
    table = transformer.set_output(transform="polars").fit_transform(draw_series(rng))
    assert isinstance(table, polars.DataFrame)
    assert table.columns == ["S(0)", "S(1)", "S(time)"]


def test_basic_motions_in_a_pipeline():
    """Classification with cross-validation: depth and basis are parameters of the grid."""
    data = pysig.data.load("basic_motions")
    model = make_pipeline(
        SignatureTransformer(), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    assert cross_val_score(model, data.paths, data.labels, cv=4).mean() > 0.9
    grid = {"signaturetransformer__depth": [2, 3], "signaturetransformer__basis": [None, "words"]}
    search = GridSearchCV(model, grid, cv=3).fit(data.paths, data.labels)
    assert search.best_score_ > 0.9


def test_ragged_japanese_vowels_in_a_pipeline():
    data = pysig.data.load("japanese_vowels")
    utterances = [path[:n] for path, n in zip(data.paths, data.lengths, strict=True)]
    model = make_pipeline(
        SignatureTransformer(2, basepoint=True), StandardScaler(), RidgeClassifier()
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert cross_val_score(model, utterances, data.labels, cv=3).mean() > 0.95


def test_metadata_are_split_with_the_paths(rng):
    array, lengths = rng.standard_normal((30, 9, 2)), rng.integers(2, 10, 30)
    times = np.cumsum(rng.random((30, 9)), axis=1)
    y = np.arange(30) % 2
    transformer = SignatureTransformer(2)
    expected = pysig.signature(array, 2, lengths=lengths, transform=pysig.Time(times))
    actual = transformer.fit_transform(array, lengths=lengths, times=times)
    assert np.array_equal(actual, expected)
    actual = transformer.transform(array, lengths=lengths, times=times)
    assert np.array_equal(actual, expected)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = SignatureTransformer(2).set_transform_request(lengths=True, times=True)
        model = make_pipeline(routed, LogisticRegression())
        params = {"lengths": lengths, "times": times}
        direct = LogisticRegression().fit(expected, y).predict_proba(expected)
        actual = model.fit(array, y, **params).predict_proba(array, **params)
        assert np.array_equal(actual, direct)
        if not sklearn.__version__.startswith(("1.6.", "1.7.")):  # these score without metadata
            direct = cross_val_score(LogisticRegression(), expected, y, cv=3)
            actual = cross_val_score(model, array, y, cv=3, params=params)
            assert np.array_equal(actual, direct)


def test_times_of_ragged_paths(rng):
    paths = draw_series(rng)
    times = [np.datetime64("2024-01-01") + np.arange(len(path)).astype("m8[s]") for path in paths]
    actual = SignatureTransformer(2, stages=("time", "lead_lag")).fit_transform(paths, times=times)
    transform = (pysig.Time(times), "lead_lag")
    assert np.array_equal(actual, pysig.signature(paths, 2, transform=transform))


def test_cupy_arrays_stay_on_the_device(cupy, rng):
    array = rng.standard_normal((5, 7, 2))
    transformer = SignatureTransformer(2, scaling="factorial")
    actual = transformer.fit_transform(cupy.asarray(array))
    assert isinstance(actual, cupy.ndarray)
    assert_close(actual.get(), transformer.fit_transform(array), rtol=1e-12)


def test_clones_and_parameters(rng):
    transformer = SignatureTransformer(4, words=[(0,)], scaling=[1.0], n_jobs=1)
    copy = clone(transformer)
    assert copy.get_params() == transformer.get_params()
    assert set(transformer.get_params()) == {
        "basepoint", "basis", "channel_names", "channels", "depth", "n_jobs", "scaling", "stages",
        "words",
    }  # fmt: skip
    paths = draw_series(rng)
    one, two = (SignatureTransformer(3, n_jobs=n).fit_transform(paths) for n in (1, 2))
    assert np.array_equal(one, two)


ERRORS = [
    ({"depth": 0}, ValueError, "depth: expected"),
    ({"basis": "lyndon"}, ValueError, "basis: expected"),
    ({"basis": "words", "words": [(0,)]}, ValueError, "words: expected None, because basis"),
    ({"words": ["S(z)"]}, ValueError, "words: expected names of channels"),
    ({"words": [(5,)]}, ValueError, r"words\[0\]: expected letters"),
    ({"stages": "tme"}, ValueError, "transform: expected"),
    ({"scaling": "level"}, ValueError, 'scaling: expected None, "factorial"'),
    ({"scaling": [1.0]}, ValueError, "a factor for each of the 3 levels, received 1"),
    ({"channel_names": ["x"]}, ValueError, "channel_names: expected 2 names, received 1"),
    ({"n_jobs": 0}, ValueError, "workers: expected"),
]


@pytest.mark.parametrize(("parameters", "error", "message"), ERRORS)
def test_errors_of_parameters(rng, parameters, error, message):
    with pytest.raises(error, match=message):
        SignatureTransformer(**parameters).fit_transform(draw_series(rng))


def test_errors_of_input(rng):
    paths = draw_series(rng)
    transformer = SignatureTransformer(2).fit(paths)
    with pytest.raises(
        ValueError, match="X has 3 channels, but SignatureTransformer is expecting 2"
    ):
        transformer.transform(np.zeros((2, 4, 3)))
    with pytest.raises(ValueError, match=r"path\[1\]: expected 2 channels"):
        transformer.fit_transform([paths[0], np.zeros((3, 3))])
    with pytest.raises(ValueError, match="expected a multiple of 3 columns"):
        SignatureTransformer(channels=3).fit(np.zeros((2, 4)))
    with pytest.raises(
        ValueError, match=r"received a ragged list.*Make one 2-D array of each path"
    ):
        transformer.fit([[1.0, 2.0], [3.0]])
    with pytest.raises(ValueError, match='times: expected None, because stages have no "time"'):
        SignatureTransformer(stages=None).fit_transform(paths, times=[0.0])
    with pytest.raises(ValueError, match="input_features should have length equal"):
        transformer.get_feature_names_out(["x"])
    pandas = pytest.importorskip("pandas")
    frames = [pandas.DataFrame(path, columns=["x", "y"]) for path in paths]
    frames[2] = frames[2][["y", "x"]]
    with pytest.raises(ValueError, match=r"X\[2\]: expected the columns \['x', 'y'\]"):
        transformer.fit(frames)
