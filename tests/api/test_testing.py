"""The assertion helpers see wrong answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pysig
from pysig import testing
from pysig.testing import assert_identical, assert_signatures_close

pytestmark = pytest.mark.quick

DTYPES = [np.float32, np.float64]
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-13}


def example_rows(dtype, scalar_term=False, batch=(2, 3)):
    path = np.random.default_rng(1).standard_normal((*batch, 6, 2))
    return pysig.signature(path, 4, scalar_term=scalar_term).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scalar_term", [False, True])
@settings(deadline=None)
@given(data=st.data())
def test_one_coefficient_off_by_ten_tolerances_is_seen(dtype, scalar_term, data):
    right = example_rows(dtype, scalar_term).astype(np.float64)
    assert_signatures_close(right.astype(dtype), right, 2, 4, scalar_term=scalar_term)
    row = data.draw(st.tuples(st.integers(0, 1), st.integers(0, 2)), "row")
    place = data.draw(st.integers(0, right.shape[-1] - 1), "place")
    wrong = right.copy()
    words = pysig.words(2, 4, scalar_term)
    level = [len(word) == len(words[place]) for word in words]
    scale = np.abs(right[row][level]).max()
    wrong[(*row, place)] += 10 * TOLERANCE[dtype] * scale
    with pytest.raises(AssertionError, match="scalar" if words[place] == () else "word"):
        assert_signatures_close(wrong.astype(dtype), right, 2, 4, scalar_term=scalar_term)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 0.0])
def test_a_lost_coefficient_is_seen(value):
    right = example_rows(np.float64)
    wrong = right.copy()
    wrong[1, 2, 17] = value
    for one, other in [(wrong, right), (right, wrong)]:
        with pytest.raises(AssertionError, match=r"level 4: word \(0, 0, 1, 1\) of row \(1, 2\)"):
            assert_signatures_close(one, other, 2, 4)
        with pytest.raises(AssertionError, match=r"1 of 180 numbers differ, first at \(1, 2, 17\)"):
            assert_identical(one, other)
    assert_signatures_close(wrong, wrong.copy(), 2, 4)
    assert_identical(wrong, wrong.copy())


@pytest.mark.parametrize("scale", [None, np.ones(4), np.ones((2, 3, 4))])
def test_infinity_of_the_other_sign_is_seen(scale):
    right = example_rows(np.float64)
    right[0, 0, 3] = np.inf
    wrong = right.copy()
    wrong[0, 0, 3] = -np.inf
    with pytest.raises(AssertionError, match=r"word \(0, 1\)"):
        assert_signatures_close(wrong, right, 2, 4, scale=scale)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_level_with_nan_is_still_compared_elsewhere(bad):
    """The scale is that of the finite coefficients; with a scale of NaN every comparison passes."""
    right = example_rows(np.float64)
    right[0, 0, 3] = bad
    wrong = right.copy()
    wrong[0, 0, 5] += 1e-11
    with pytest.raises(AssertionError, match=r"level 2: word \(1, 1\)"):
        assert_signatures_close(wrong, right, 2, 4)
    assert np.isfinite(testing.level_scales(right, 2, 4)).all()
    with pytest.raises(ValueError, match="scale"):
        assert_signatures_close(wrong, right, 2, 4, scale=np.array([1, bad, 1, 1]))


def test_swapped_words_are_seen():
    right = example_rows(np.float64)
    wrong = right.copy()
    wrong[..., [3, 4]] = right[..., [4, 3]]
    with pytest.raises(AssertionError, match="level 2"):
        assert_signatures_close(wrong, right, 2, 4)


def test_swapped_rows_are_seen():
    right = example_rows(np.float64)
    with pytest.raises(AssertionError, match="row"):
        assert_signatures_close(right[::-1].copy(), right, 2, 4)


def test_a_wrong_shape_is_seen():
    right = example_rows(np.float64)
    for wrong in (right[0], right[..., :-1], right[None], np.zeros((0, 3, 30))):
        with pytest.raises(AssertionError, match="shape"):
            assert_signatures_close(wrong, right, 2, 4)
        with pytest.raises(AssertionError, match="shape"):
            assert_identical(wrong, right)
    with pytest.raises(ValueError, match="expected a last axis of 31 coefficients"):
        assert_signatures_close(right, right, 2, 4, scalar_term=True)
    with pytest.raises(ValueError, match="expected a last axis of 39 coefficients"):
        testing.level_scales(right, 3, 3)


def test_a_wrong_dtype_is_seen():
    right = example_rows(np.float64)
    with pytest.raises(TypeError, match="float16"):
        assert_signatures_close(right.astype(np.float16), right, 2, 4)
    with pytest.raises(AssertionError, match="level"):  # float32 is not good for 1e-13
        assert_signatures_close(right.astype(np.float32).astype(np.float64), right, 2, 4)
    with pytest.raises(AssertionError, match="dtype"):
        assert_identical(right.astype(np.float32), right)


def test_the_last_bit_and_the_sign_of_zero_count_in_identity():
    right = example_rows(np.float64)
    wrong = right.copy()
    wrong[0, 1, 2] = np.nextafter(wrong[0, 1, 2], np.inf)
    with pytest.raises(AssertionError, match="1 of 180"):
        assert_identical(wrong, right)
    with pytest.raises(AssertionError, match="1 of 2"):
        assert_identical(np.array([0.0, -0.0]), np.array([0.0, 0.0]))


def test_a_level_of_zeros_has_no_tolerance():
    """A path that stands still: nothing was added, so nothing may be left."""
    right = np.zeros(6)
    with pytest.raises(AssertionError, match="level 2"):
        assert_signatures_close(np.array([0, 0, 0, 1e-290, 0, 0]), right, 2, 2)
    assert_signatures_close(np.array([0, 0, 0, 1e-300, 0, 0]), right, 2, 2)


def test_a_level_is_compared_at_its_scale():
    """An error that is nothing beside level 1 is everything in level 3."""
    path = np.array([[0.0, 0.0], [1e-3, 0.0], [1e-3, 1e-3]])
    right = pysig.signature(path, 3)
    wrong = right.copy()
    wrong[-1] += 1e-15
    assert np.allclose(wrong, right, rtol=0, atol=1e-13)
    with pytest.raises(AssertionError, match="level 3"):
        assert_signatures_close(wrong, right, 2, 3)


def test_the_running_scale_is_what_a_returning_path_needs(rng):
    path = rng.standard_normal((40, 2)).cumsum(axis=0)
    there_and_back = np.concatenate([path, path[::-1]])
    result = pysig.signature(there_and_back, 3)
    scale = testing.running_scales(there_and_back, 3)
    nothing = np.zeros(14)
    assert_signatures_close(result, nothing, 2, 3, scale=scale)
    # At a cut, the terms hold the prefix itself: nothing on the way was larger than the scale.
    prefixes = testing.level_scales(pysig.signature(path, 3, stream=True), 2, 3)
    assert np.all(scale >= prefixes.max(axis=0) * (1 - 1e-12))
    with pytest.raises(AssertionError):
        assert_signatures_close(result + 1e-12 * scale[1], nothing, 2, 3, scale=scale)


def test_the_running_scale_sees_the_initial_value():
    start = np.array([5.0, 0.0, 12.5, 0.0, 0.0, 0.0])
    path = np.array([[0.0, 0.0], [-5.0, 0.0]])
    scale = testing.running_scales(path, 2, initial=start)
    np.testing.assert_array_equal(scale, [10.0, 50.0])  # 12.5 + 5 * 5 + 25 / 2
    assert testing.running_scales(path[:1], 2).tolist() == [0.0, 0.0]


def test_the_running_scale_of_every_option():
    """Steps after the end are none, a basepoint is one more; a row per prefix."""
    path = np.array([[1.0], [2.0], [9.0]])
    rows = testing.running_scales(path, 1, stream=True, basepoint=True)
    assert rows.tolist() == [[1.0], [2.0], [9.0]]
    assert testing.running_scales(path, 1, lengths=2).tolist() == [1.0]
    rows = testing.running_scales(path, 1, stream=True, lengths=2, basepoint=np.array([-1.0]))
    assert rows.tolist() == [[2.0], [3.0], [3.0]]
    rows = testing.running_scales(path, 1, stream=True, initial=np.array([-4.0]))
    assert rows.tolist() == [[5.0], [12.0]]
    known = pysig.signature(path, 3, stream=True, scalar_term=True, inverse=True)
    options = {"scalar_term": True, "inverse": True}
    np.testing.assert_allclose(
        testing.running_scales(path, 3, prefixes=known, **options),
        testing.running_scales(path, 3),
        rtol=1e-14,
    )


def test_cupy_arrays_are_compared_on_the_host(cupy):
    right = example_rows(np.float64)
    assert_signatures_close(cupy.asarray(right), right, 2, 4)
    assert_identical(cupy.asarray(right), cupy.asarray(right))
    with pytest.raises(AssertionError, match="level 1"):
        assert_signatures_close(cupy.asarray(right + 1), right, 2, 4)
