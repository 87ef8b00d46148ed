"""Sparse matrices of exact integers: the changes of basis of log-signatures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from pysig._combinatorics import expansion
from pysig._combinatorics.expansion import Rows


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A sparse matrix of exact integers in compressed sparse rows.

    ``matrix @ x`` and ``x @ matrix`` multiply by arrays of one or two axes and by other matrices.
    Integers stay exact; float32 stays float32. ``np.asarray(matrix)`` is the dense matrix, and
    ``scipy.sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), matrix.shape)`` converts
    to SciPy. The arrays are shared by all callers and read-only.

    Attributes
    ----------
    shape : (int, int)
        Numbers of rows and columns.
    indptr : array of int64
        Row i has the entries ``indptr[i]`` to ``indptr[i + 1] - 1``.
    indices : array of int64
        Column of each entry.
    data : array
        Value of each entry: int64, or Python integers (object) where one does not fit.
    """

    shape: tuple[int, int]
    indptr: npt.NDArray[np.int64]
    indices: npt.NDArray[np.int64]
    data: npt.NDArray[Any]

    __array_ufunc__ = None  # `array @ matrix` reaches __rmatmul__

    def __post_init__(self) -> None:
        for array in (self.indptr, self.indices, self.data):
            array.flags.writeable = False

    @property
    def _rows(self) -> Rows:
        return Rows(self.indptr, self.indices, self.data)

    def toarray(self) -> npt.NDArray[Any]:
        """Return the dense matrix, exact."""
        dense = np.zeros(self.shape, self.data.dtype)
        dense[np.repeat(np.arange(self.shape[0]), np.diff(self.indptr)), self.indices] = self.data
        return dense

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        if copy is False:
            raise ValueError("copy: expected True or None; a dense matrix is a new array.")
        dense = self.toarray()
        return dense if dtype is None else dense.astype(dtype, copy=False)

    @cached_property
    def transposed(self) -> SparseMatrix:
        """The transposed matrix."""
        rows = expansion.transpose(self._rows, self.shape[1])
        return SparseMatrix((self.shape[1], self.shape[0]), *rows)

    @cached_property
    def single(self) -> npt.NDArray[np.float32]:
        """`data` in float32."""
        return self.data.astype(np.float32)

    @cached_property
    def double(self) -> npt.NDArray[np.float64]:
        """`data` in float64."""
        return self.data.astype(np.float64)

    @overload
    def __matmul__(self, other: SparseMatrix) -> SparseMatrix: ...

    @overload
    def __matmul__(self, other: npt.ArrayLike) -> npt.NDArray[Any]: ...

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, SparseMatrix):
            self._check_inner("other", self.shape[1], other.shape, other.shape[0])
            product = expansion.multiply(self._rows, other._rows, other.shape[1])
            return SparseMatrix((self.shape[0], other.shape[1]), *product)
        array = _operand(other)
        self._check_inner("array", self.shape[1], array.shape, array.shape[0])
        return self._times(array)

    def __rmatmul__(self, other: npt.ArrayLike) -> npt.NDArray[Any]:
        array = _operand(other)
        self._check_inner("array", self.shape[0], array.shape, array.shape[-1])
        return np.ascontiguousarray(self.transposed._times(array.T).T)

    @staticmethod
    def _check_inner(name: str, expected: int, shape: tuple[int, ...], received: int) -> None:
        if expected != received:
            raise ValueError(
                f"@: expected {name} with an inner dimension of {expected}, received shape "
                f"{tuple(shape)}."
            )

    def _times(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The product with an array (columns,) or (columns, count)."""
        data, array = self._matched(array)
        terms = array[self.indices] * (data if array.ndim == 1 else data[:, None])
        out = np.zeros((self.shape[0], *array.shape[1:]), terms.dtype)
        filled = np.flatnonzero(np.diff(self.indptr))
        if len(filled):
            out[filled] = np.add.reduceat(terms, self.indptr[filled], axis=0)
        return out

    def _matched(self, array: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Entries and array in dtypes whose products are exact for integers."""
        if array.dtype.kind in "fc":
            single = array.dtype in (np.float16, np.float32, np.complex64)
            return (self.single if single else self.double), array
        if array.dtype.kind == "b":
            array = array.astype(np.int64)
        if self.data.dtype != object and array.dtype.kind in "iu":
            longest = int(np.diff(self.indptr).max(initial=0))
            bound = longest * _largest(self.data) * _largest(array)
            if bound < 2**63:
                return self.data, array.astype(np.int64)
        return self.data.astype(object), array.astype(object)


def _largest(values: npt.NDArray[Any]) -> int:
    return max(abs(int(values.min())), abs(int(values.max()))) if values.size else 0


def _operand(value: Any) -> npt.NDArray[Any]:
    array = np.asarray(value)
    if array.ndim not in (1, 2) or array.dtype.kind not in "biufcO":
        raise TypeError(
            "@: expected a change of basis or an array of numbers with one or two axes, received "
            f"{type(value).__name__} with {array.ndim} axes and dtype {array.dtype}."
        )
    return array
