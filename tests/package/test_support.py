"""The assertions of tests/support.py fail on wrong answers; its arrays are what they say."""

import numpy as np
import pytest

import support

pytestmark = pytest.mark.quick


def test_assert_close_fails_on_wrong_answers():
    right = np.linspace(-1, 1, 5)
    support.assert_close(right, right, np.float64, rtol=1e-12)
    support.assert_close(right.astype(np.float32), right, rtol={"float32": 1e-6, "float64": 0})
    support.assert_close(right + 1e-9, right, rtol=1e-12, least=1e4)
    for wrong in (right + 1e-9, right * np.nan, right[1:], right.astype(np.float32), right * 0):
        with pytest.raises(AssertionError):
            support.assert_close(wrong, right, "same", rtol=1e-12)


def test_the_antipode_reverses_words_and_changes_signs():
    row = np.arange(1.0, 7.0)  # x, y, xx, xy, yx, yy
    assert support.antipode(row, 2, 2).tolist() == [-1, -2, 3, 5, 4, 6]
    assert support.antipode(np.append(1, row), 2, 2, True).tolist() == [1, -1, -2, 3, 5, 4, 6]


def test_forms_of_arrays():
    array = np.arange(6.0).reshape(2, 3)
    for form in (support.read_only, support.misaligned, support.on_host):
        np.testing.assert_array_equal(form(array), array)
    assert not support.read_only(array).flags.writeable
    assert not support.misaligned(array).flags.aligned


def test_a_generator_depends_on_its_name():
    one, same, other = (support.generator(name).random() for name in "aab")
    assert one == same != other
