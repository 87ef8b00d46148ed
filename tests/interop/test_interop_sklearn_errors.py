"""Input and parameters of estimators that cannot be right: one message with a way out."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn")

from pysig.interop import _sklearn_windows
from pysig.interop.sklearn import SignatureTransformer, WindowSignatureTransformer

PATH = np.random.default_rng(0).normal(size=(6, 2))
PATHS = PATH[None]

INPUT = [
    (None, TypeError, r"^X: expected an array \(n, length, channels\).*received NoneType None. Pa"),
    ("x", TypeError, r"^X: expected an array .*received str 'x'. Pass the paths"),
    ({}, TypeError, r"^X: expected an array .*received dict"),
    ([], ValueError, r"^X: expected an array .*received an empty list. Pass a path"),
    ((), ValueError, r"^X: expected an array .*received an empty tuple"),
    (3, ValueError, r"^X: expected an array .*received shape \(\)\. Reshape your data"),
    (
        np.zeros(5),
        ValueError,
        r"^X: .*received shape \(5,\)\. Reshape .* X\[None, :, None\] is one",
    ),
    ([1, 2, 3], ValueError, r"^X: expected an array .*received shape \(3,\)"),
    ([None], ValueError, r"^X: expected an array .*received shape \(1,\)"),
    (np.zeros((2, 3, 2, 2)), ValueError, r"^X: .*received shape \(2, 3, 2, 2\)"),
    (np.zeros((3, 0, 2)), ValueError, r"^X: expected at least one point.*Drop empty paths"),
    (np.zeros((3, 4, 0)), ValueError, r"^X: expected at least one point and one channel"),
    ([PATH, None], ValueError, r"^X\[1\]: expected an array \(length, channels\).*NoneType None"),
    ([PATH, np.zeros((3, 3))], ValueError, r"^(X|path)\[1\]: expected 2 channels"),
    (np.ma.masked_array(PATHS, PATHS > 0), TypeError, "^X: expected an array without masked"),
]


@pytest.mark.parametrize("kind", [SignatureTransformer, WindowSignatureTransformer])
@pytest.mark.parametrize(("X", "error", "message"), INPUT)
def test_input_that_is_not_paths(kind, X, error, message):
    for call in (kind(2).fit, kind(2).fit_transform, kind(2).fit(PATHS).transform):
        with pytest.raises(error, match=message):
            call(X)


def test_the_advice_for_one_axis_works():
    series = np.arange(5.0)
    found = SignatureTransformer(1, stages=None).fit_transform(series[None, :, None])
    assert found.tolist() == [[4.0]]


PARAMETERS = [
    ({"depth": 60}, MemoryError, r"^depth: the output of depth 60 .* largest depth that fits"),
    ({"words": 3}, TypeError, "^words: expected a sequence, received int 3. Pass a list"),
    ({"words": "S(0)"}, TypeError, "^words: expected a sequence, received str"),
    ({"words": ["S(q)"]}, ValueError, "^words: expected names of channels"),
    ({"channel_names": "ab"}, TypeError, "^channel_names: expected a sequence, received str"),
    ({"channel_names": 3}, TypeError, "^channel_names: expected a sequence, received int"),
    ({"scaling": [1, "a"]}, TypeError, "^scaling: expected float32, float64 or integers"),
    ({"basis": "words", "words": [(0,)]}, ValueError, "^words: expected None.*Leave one out"),
]


@pytest.mark.parametrize(("parameters", "error", "message"), PARAMETERS)
def test_parameters(parameters, error, message):
    with pytest.raises(error, match=message):
        SignatureTransformer(**parameters).fit(PATHS)


@pytest.mark.parametrize("channels", [0, None, "x"])
def test_channels_of_rows(channels):
    with pytest.raises((TypeError, ValueError), match=r"^channels: expected an integer"):
        SignatureTransformer(2, channels=channels).fit(PATH)


@pytest.mark.parametrize("windows", [-1, 1.5, True, None, "x"])
@pytest.mark.parametrize("scheme", ["dyadic", "consecutive", "expanding"])
def test_numbers_of_windows(windows, scheme):
    transformer = WindowSignatureTransformer(2, windows=windows, scheme=scheme)
    with pytest.raises((TypeError, ValueError), match=r"^windows: expected an integer"):
        transformer.fit(PATHS)


@pytest.mark.parametrize("windows", [48, 62, 10**30])
@pytest.mark.parametrize("scheme", ["dyadic", "consecutive", "expanding"])
def test_too_many_windows_are_refused_before_work(windows, scheme):
    windows = windows if scheme == "dyadic" else max(windows, 2**48)
    transformer = WindowSignatureTransformer(2, windows=windows, scheme=scheme)
    for call in (transformer.fit, transformer.fit_transform):
        with pytest.raises(
            MemoryError, match=r"^windows: .*needs .* available. Reduce windows or d"
        ):
            call(PATHS)


def test_too_many_windows_of_many_paths_are_refused(monkeypatch):
    transformer = WindowSignatureTransformer(2, windows=4).fit(PATHS)
    monkeypatch.setattr(_sklearn_windows, "available_memory", lambda backend: 10**5)
    paths = np.zeros((10_000, 5, 2))
    with pytest.raises(MemoryError, match=r"^windows: the features of all windows needs"):
        transformer.transform(paths)
