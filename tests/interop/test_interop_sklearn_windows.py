"""`WindowSignatureTransformer` and `SignatureScaler`."""

import doctest
import importlib
from itertools import pairwise

import numpy as np
import pytest

import pysig
from support import assert_close

pytest.importorskip("sklearn")
from sklearn.pipeline import make_pipeline

from pysig.interop.sklearn import (
    SignatureScaler,
    SignatureTransformer,
    WindowSignatureTransformer,
)


def series(rng, lengths=(9, 5, 2, 1, 6)):
    return [rng.standard_normal((n, 2)) for n in lengths]


def parts_of(path, count):
    """Parts of equal numbers of steps; neighbours share a point."""
    ends = np.rint(np.linspace(0, len(path) - 1, count + 1)).astype(int)
    return [path[a : b + 1] for a, b in pairwise(ends.tolist())]


def windows_of(path, scheme, count):
    if scheme == "dyadic":
        return [part for level in range(count + 1) for part in parts_of(path, 2**level)]
    parts = parts_of(path, count)
    if scheme == "consecutive":
        return parts
    ends = np.cumsum([len(part) - 1 for part in parts]) + 1
    return [path[:end] for end in ends]


FUNCTIONS = {
    "signature": ({}, lambda p: pysig.signature(p, 2, transform="time")),
    "logsignature": ({"basis": "words"}, lambda p: pysig.logsignature(p, 2, transform="time")),
    "words": (
        {"words": ["S(1,time)"], "stages": "time"},
        lambda p: pysig.signature(p, words=[(1, 2)], transform="time"),
    ),
    "lead-lag": (
        {"stages": "lead_lag", "scaling": "factorial"},
        lambda p: pysig.signature(p, 2, transform="lead_lag") * np.repeat([1, 2], [4, 16]),
    ),
}


@pytest.mark.parametrize(("scheme", "count"), [("dyadic", 2), ("consecutive", 3), ("expanding", 3)])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_windows_are_signatures_of_parts(rng, scheme, count, function):
    parameters, compute = FUNCTIONS[function]
    paths = series(rng)
    transformer = WindowSignatureTransformer(2, windows=count, scheme=scheme, **parameters)
    actual = transformer.fit_transform(paths)
    expected = np.array(
        [np.concatenate([compute(part) for part in windows_of(p, scheme, count)]) for p in paths]
    )
    assert_close(actual, expected, rtol=1e-12)
    assert transformer.get_feature_names_out().shape == (actual.shape[1],)
    array = rng.standard_normal((3, 8, 2))
    assert_close(transformer.transform(array), transformer.transform(list(array)), rtol=1e-12)


def test_padded_paths_and_lengths(rng):
    paths = series(rng)
    padded = np.full((5, 9, 2), np.nan)
    for row, path in zip(padded, paths, strict=True):
        row[: len(path)] = path
    transformer = WindowSignatureTransformer(2)
    expected = transformer.fit_transform(paths)
    assert_close(transformer.fit_transform(padded), expected, rtol=1e-12)
    actual = transformer.transform(np.nan_to_num(padded), lengths=[9, 5, 2, 1, 6])
    assert_close(actual, expected, rtol=1e-12)


def test_names_of_windows(rng):
    transformer = WindowSignatureTransformer(1, windows=1, channel_names=["x", "y"]).fit(
        series(rng)
    )
    names = transformer.get_feature_names_out().tolist()
    assert names[:4] == ["w0__S(x)", "w0__S(y)", "w0__S(time)", "w1__S(x)"]
    assert len(names) == 9


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"scheme": "sliding"}, 'scheme: expected "dyadic", "consecutive" or "expanding"'),
        ({"windows": -1}, "windows: expected an integer of at least 0, received -1"),
        ({"windows": 0, "scheme": "expanding"}, "windows: expected an integer of at least 1"),
        ({"windows": 2.0}, "windows: expected an integer"),
    ],
)
def test_errors_of_windows(rng, parameters, message):
    with pytest.raises((TypeError, ValueError), match=message):
        WindowSignatureTransformer(2, **parameters).fit(series(rng))


# ---- scaler ----


@pytest.mark.parametrize("statistic", ["rms", "max"])
@pytest.mark.parametrize("basis", [None, "words"])
def test_levels_have_size_one(rng, statistic, basis):
    features = SignatureTransformer(3, basis=basis, stages=None).fit_transform(
        rng.standard_normal((20, 9, 2))
    )
    counts = [2, 4, 8] if basis is None else [2, 1, 2]
    levels = np.repeat([1, 2, 3], counts)
    for scaler in (
        SignatureScaler(3, basis=basis, statistic=statistic),
        SignatureScaler(levels=levels, statistic=statistic),
    ):
        scaled = scaler.fit_transform(features)
        assert np.array_equal(scaler.levels_, levels)
        assert_close(scaler.inverse_transform(scaled), features, rtol=1e-14)
        for level in (1, 2, 3):
            part = scaled[:, levels == level]
            size = np.abs(part).max() if statistic == "max" else np.sqrt(np.square(part).mean())
            assert_close(size, 1.0, rtol=1e-12)
            ratio = features[:, levels == level] / part
            assert_close(ratio, np.full_like(ratio, ratio[0, 0]), rtol=1e-12)


def test_levels_are_read_from_names(rng):
    pytest.importorskip("pandas")
    model = make_pipeline(
        WindowSignatureTransformer(2, windows=1, channel_names=["x", "a,b"], basis="brackets"),
        SignatureScaler(),
    ).set_output(transform="pandas")
    table = model.fit_transform(series(rng))
    assert model[-1].levels_.tolist() == [1, 1, 1, 2, 2, 2] * 3
    assert 'w0__L[x,"a,b"]' in table.columns


def test_batches_add_up(rng):
    features = rng.standard_normal((20, 6))
    for statistic in ("rms", "max"):
        whole = SignatureScaler(2, statistic=statistic).fit(features)
        steps = SignatureScaler(2, statistic=statistic)
        for part in np.array_split(features, 3):
            steps.partial_fit(part)
        assert_close(steps.scale_, whole.scale_, rtol=1e-14)
        assert steps.n_samples_seen_ == 20
    assert np.array_equal(SignatureScaler(2).fit_transform(np.zeros((3, 6))), np.zeros((3, 6)))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"statistic": "mean"}, "statistic: expected 'rms' or 'max', received 'mean'"),
        ({"depth": 3}, "depth: expected the depth of signatures of 6 coefficients, received 3"),
        ({"levels": [1, 2]}, r"levels: expected a level for each of the 6 columns"),
    ],
)
def test_errors_of_the_scaler(parameters, message):
    with pytest.raises(ValueError, match=message):
        SignatureScaler(**parameters).fit(np.zeros((2, 6)))


@pytest.mark.parametrize("name", ["_sklearn_transformer", "_sklearn_windows", "_sklearn_scaler"])
def test_examples(name):
    found = doctest.testmod(importlib.import_module(f"pysig.interop.{name}"))
    assert found.attempted > 0
    assert found.failed == 0
