"""Arrays of other libraries that are accepted because nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest

import pysig

PATH = np.array([[0.0, 1.0], [2.0, 0.0], [1.0, 1.0]])
EXPECTED = pysig.signature(PATH, 2)


class Interface:
    """An array that has `__array_interface__` only."""

    def __init__(self, array):
        self.array = array

    @property
    def __array_interface__(self):
        return self.array.__array_interface__


class Capsule:
    """An array that has DLPack only; `device` is that of its claim."""

    def __init__(self, array, device=1):
        self.array, self.device = array, device

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return (self.device, 0)


@pytest.mark.parametrize(
    "path",
    [
        np.ma.array(PATH),
        np.ma.array(PATH, mask=np.zeros(PATH.shape, bool)),
        Interface(PATH),
        Capsule(PATH.copy()),
        memoryview(PATH),
    ],
)
def test_accepted_arrays(path):
    assert np.array_equal(pysig.signature(path, 2), EXPECTED)
    assert type(pysig.signature(path, 2)) is np.ndarray
    gradient = pysig.signature_vjp(path, 2, np.ones(6))
    assert np.array_equal(gradient, pysig.signature_vjp(PATH, 2, np.ones(6)))
    assert np.array_equal(pysig.logsignature(path, 2), pysig.logsignature(PATH, 2))


def test_options_without_masked_numbers():
    paths = np.stack([PATH, PATH])
    expected = pysig.signature(paths, 2, lengths=[2, 3], basepoint=[1.0, 1.0])
    lengths, basepoint = np.ma.array([2, 3]), np.ma.array([1.0, 1.0])
    assert np.array_equal(pysig.signature(paths, 2, lengths=lengths, basepoint=basepoint), expected)


@pytest.mark.parametrize(
    "dtypes", [("Float64", "Float64"), ("Int64", "Float64"), ("Int64", "Int64")]
)
def test_nullable_columns(dtypes):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(PATH.astype(int), columns=["x", "y"])
    frame = frame.astype(dict(zip(frame.columns, dtypes, strict=True)))
    assert np.array_equal(pysig.signature(frame, 2), EXPECTED)
    assert np.array_equal(pysig.signature([frame, frame[:2]], 2)[0], EXPECTED)
    frame.iloc[1, 0] = pandas.NA
    with pytest.raises(TypeError, match=r"path: .*It holds NAType <NA> at \[1, 0\]"):
        pysig.signature(frame, 2)


def test_large_integers_of_nullable_columns_are_refused():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": [2**60, 2**60 + 1]}, dtype="Int64")
    with pytest.raises(ValueError, match=r"path: expected integers up to 2\*\*53"):
        pysig.signature(frame, 2)


def test_texts_of_columns_are_not_numbers():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": ["1", "2"]}, dtype=object)
    with pytest.raises(TypeError, match="It holds str '1'"):
        pysig.signature(frame, 2)


def test_polars_frames():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"x": PATH[:, 0], "y": PATH[:, 1]})
    assert np.array_equal(pysig.signature(frame, 2), EXPECTED)


def test_arrays_of_other_devices_are_refused():
    with pytest.raises(TypeError, match=r"path: .*received Capsule on another device.*from_dlpack"):
        pysig.signature(Capsule(PATH, device=2), 2)


def test_a_transposed_path_is_hinted_at():
    """300 channels of 100 points, the wrong way round: channels are more than points."""
    path = np.zeros((3, 1000))
    for call in (pysig.signature, pysig.logsignature):
        with pytest.raises(
            MemoryError, match=r"3 points of 1000 channels.*path\.swapaxes\(-1, -2\)"
        ):
            call(path, 5)
        with pytest.raises(MemoryError) as caught:
            call(np.zeros((2000, 1000)), 5)
        assert "swapaxes" not in str(caught.value)
