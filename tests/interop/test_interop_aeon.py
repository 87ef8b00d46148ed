"""The transformers pass the checks of aeon and sktime, and return the features of aeon.

aeon restricts NumPy, so it has an environment of its own: ``nox -s timeseries``.
"""

import doctest
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

import pysig.data

pytestmark = pytest.mark.filterwarnings("ignore")  # of these packages


@pytest.mark.parametrize(
    ("package", "checks"),
    [("aeon", "aeon.testing.estimator_checking"), ("sktime", "sktime.utils.estimator_checks")],
)
def test_all_checks_of_the_package_pass(package, checks):
    pytest.importorskip(package)
    module = pytest.importorskip(f"pysig.interop.{package}")
    check = pytest.importorskip(checks).check_estimator
    found = check(module.SignatureTransformer, raise_exceptions=False)
    assert len(found) > 20
    assert {name: result for name, result in found.items() if result != "PASSED"} == {}


def transformers():
    """Those of aeon and of pysig."""
    pytest.importorskip("aeon")
    pytest.importorskip("roughpy", reason="aeon computes signatures with RoughPy")
    from aeon.transformations.collection.signature_based import SignatureTransformer as Theirs

    from pysig.interop.aeon import SignatureTransformer as Ours

    return Theirs, Ours


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"window_name": "global", "sig_tfm": "logsignature"},
        {"window_name": "sliding", "window_length": 30, "window_step": 20, "rescaling": "post"},
        {"window_name": "expanding", "window_length": 30, "window_step": 20, "rescaling": "pre"},
        {"augmentation_list": ("addtime", "leadlag", "ir"), "depth": 2},
        {"augmentation_list": ("cumsum", "basepoint"), "depth": 3},
    ],
    ids=str,
)
def test_features_are_those_of_aeon(parameters):
    theirs, ours = transformers()
    cases = pysig.data.load("basic_motions").paths[:6].transpose(0, 2, 1)
    expected = theirs(**{"depth": 3, **parameters}).fit_transform(cases)
    found = ours(**{"depth": 3, **parameters}).fit_transform(cases)
    scale = np.abs(expected).max(axis=0)
    assert found.shape == expected.shape
    assert (np.abs(found - expected) <= 1e-9 * scale + 1e-12).all()


def test_a_pipeline_of_aeon_on_series_of_different_lengths():
    pytest.importorskip("aeon")
    from sklearn.linear_model import RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from pysig.interop.aeon import SignatureTransformer

    vowels = pysig.data.load("japanese_vowels")
    series = [path[:n].T for path, n in zip(vowels.paths, vowels.lengths, strict=True)]
    model = make_pipeline(
        SignatureTransformer(depth=2, window_depth=1), StandardScaler(), RidgeClassifier()
    )
    model.fit(series[::2], vowels.labels[::2])
    assert model.score(series[1::2], vowels.labels[1::2]) > 0.95


@pytest.mark.parametrize("package", ["aeon", "sktime"])
def test_the_examples_of_transformers_run(package):
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed (pip install 'pysig-signatures[{package}]')")
    module = pytest.importorskip(f"pysig.interop.{package}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = doctest.testmod(module)
    assert found.attempted >= 4
    assert found.failed == 0
