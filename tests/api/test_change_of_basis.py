"""`pysig.change_of_basis`: products with arrays, and conversions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import pysig

CASES = [(2, 6, "brackets", "words"), (3, 4, "expanded", "hall"), (3, 4, "hall", "expanded")]


@pytest.fixture(params=CASES, ids=str)
def matrix(request):
    return pysig.change_of_basis(*request.param)


def test_matrices_change_coordinates():
    path = np.random.default_rng(0).standard_normal((9, 3))
    brackets, words = (pysig.logsignature(path, 4, basis=basis) for basis in ("brackets", "words"))
    matrix = pysig.change_of_basis(3, 4, "brackets", "words")
    np.testing.assert_allclose(matrix @ brackets, words, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose((matrix @ brackets[:, None])[:, 0], matrix @ brackets)
    batch = np.stack([brackets, 2 * brackets])
    np.testing.assert_allclose(batch @ matrix.transposed, [words, 2 * words], atol=1e-13)


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.int64, np.float32, np.float64, complex])
def test_products_with_arrays(matrix, dtype):
    random = np.random.default_rng(1)
    rows, columns = matrix.shape
    dense = matrix.toarray().astype(np.float64)
    for shape in [(columns,), (columns, 1), (columns, 5), (columns, 0)]:
        x = random.integers(0, 9, shape).astype(dtype)
        assert np.array_equal(matrix @ x, dense @ x)
    for shape in [(rows,), (1, rows), (5, rows), (0, rows)]:
        x = random.integers(0, 9, shape).astype(dtype)
        assert np.array_equal(x @ matrix, x @ dense)
        assert (x @ matrix).flags.c_contiguous


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.float32, np.float32), (np.float64, np.float64), (np.int32, np.int64), (bool, np.int64)],
)
def test_dtypes_of_products(matrix, dtype, expected):
    assert (matrix @ np.ones(matrix.shape[1], dtype)).dtype == expected
    assert (np.ones(matrix.shape[0], dtype) @ matrix).dtype == expected


def test_integers_and_fractions_stay_exact():
    """Beyond int64, and for objects, the product consists of Python numbers."""
    matrix = pysig.change_of_basis(2, 6, "brackets", "words")
    dense = matrix.toarray().astype(object)
    size = matrix.shape[1]
    large = np.arange(size) + 2**62
    assert (matrix @ large).tolist() == (dense @ large.astype(object)).tolist()
    unsigned = np.full(size, 2**64 - 1, np.uint64)
    assert (matrix @ unsigned).tolist() == (dense @ unsigned.astype(object)).tolist()
    thirds = np.array([Fraction(k, 3) for k in range(size)])
    assert (matrix @ thirds).tolist() == (dense @ thirds).tolist()
    assert (thirds @ matrix).tolist() == (thirds @ dense).tolist()


def test_lists_of_numbers_are_arrays():
    matrix = pysig.change_of_basis(2, 3, "brackets", "hall")
    assert (matrix @ [1, 2, 3, 4, 5]).tolist() == [1, 2, 3, 4, -5]
    assert ([1, 2, 3, 4, 5] @ matrix).tolist() == [1, 2, 3, 4, -5]


def test_products_of_matrices():
    there = pysig.change_of_basis(3, 4, "words", "hall")
    back = pysig.change_of_basis(3, 4, "hall", "words")
    assert np.array_equal(there @ back, np.eye(len(there.toarray()), dtype=np.int64))


def test_conversion_to_numpy(matrix):
    dense = matrix.toarray()
    assert np.array_equal(np.asarray(matrix), dense)
    assert np.asarray(matrix, np.float32).dtype == np.float32
    assert np.asarray(matrix).dtype == dense.dtype == np.int64


def test_conversion_to_scipy(matrix):
    sparse = pytest.importorskip("scipy.sparse")
    converted = sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), matrix.shape)
    assert np.array_equal(converted.toarray(), matrix.toarray())


@pytest.mark.parametrize(
    ("other", "error", "words"),
    [
        (np.ones(4), ValueError, r"inner dimension of 5, received shape \(4,\)"),
        (np.ones((4, 5)), ValueError, r"inner dimension of 5, received shape \(4, 5\)"),
        (np.ones((1, 5, 1)), TypeError, "one or two axes, received ndarray with 3 axes"),
        (1.0, TypeError, "received float with 0 axes"),
        (np.array(["a"] * 5), TypeError, "dtype <U1"),
        (pysig.change_of_basis(2, 2, "words", "hall"), ValueError, r"received shape \(3, 3\)"),
    ],
)
def test_other_operands_are_refused(other, error, words):
    with pytest.raises(error, match=words):
        pysig.change_of_basis(2, 3, "brackets", "hall") @ other
