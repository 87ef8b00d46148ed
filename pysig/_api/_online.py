"""The base of the objects to which points are pushed."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pysig._api import _checks
from pysig._api._memory import check_memory
from pysig._api.logsignature_convert import signature_to_logsignature
from pysig._backend import NUMPY
from pysig._plans.layout import plan_for

__all__ = ["OnlineSignature"]


class OnlineSignature:
    """The signature of points that are pushed; `_core` is the object of the extension."""

    _core: Any

    def __init__(self, channels: int, depth: int, dtype: Any, rows: int) -> None:
        """Check the sizes, and that some rows of the size of a signature fit."""
        self._channels = _checks.check_integer(channels, "channels", 1)
        self._depth = _checks.check_depth(depth)
        try:
            self._dtype: np.dtype[Any] = np.dtype(dtype)
        except Exception:  # whatever NumPy has against it
            self._dtype = np.dtype(object)
        if self._dtype not in (np.float32, np.float64):
            raise TypeError(
                f"dtype: expected float32 or float64, received {_checks.describe(dtype)}."
            )
        check_memory(self._channels, self._depth, rows, False, self._dtype.itemsize, NUMPY)

    @property
    def channels(self) -> int:
        """Number of channels.

        Examples
        --------
        >>> import pysig
        >>> pysig.IncrementalSignature(2, 3).channels
        2
        """
        return self._channels

    @property
    def depth(self) -> int:
        """Truncation depth.

        Examples
        --------
        >>> import pysig
        >>> pysig.IncrementalSignature(2, 3).depth
        3
        """
        return self._depth

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the signature.

        Examples
        --------
        >>> import pysig
        >>> pysig.IncrementalSignature(2, 3).dtype
        dtype('float64')
        """
        return self._dtype

    def signature(self, *, scalar_term: bool = False) -> npt.NDArray[Any]:
        """The signature of the points so far, or of those in the window.

        Parameters
        ----------
        scalar_term : bool, optional
            If True, the result begins with the constant 1.

        Returns
        -------
        array, shape (size,)
            A new array; zeros as long as there is at most one point.

        Raises
        ------
        TypeError
            If `scalar_term` is not a bool.

        Examples
        --------
        >>> import pysig
        >>> incremental = pysig.IncrementalSignature(2, 1)
        >>> incremental.push([[1.0, 1.0], [3.0, 0.0]])
        >>> incremental.signature(scalar_term=True)
        array([ 1.,  2., -1.])
        """
        scalar = _checks.check_flag(scalar_term, "scalar_term")
        out = np.ones(plan_for(self._channels, self._depth, scalar).size, self._dtype)
        self._core.signature(out[int(scalar) :])
        return out

    def logsignature(self, basis: str = "words") -> npt.NDArray[Any]:
        """The log-signature of the points so far, or of those in the window.

        Parameters
        ----------
        basis : {"words", "brackets", "hall", "expanded"}, optional
            See `pysig.logsignature`.

        Returns
        -------
        array, shape (logsignature_size,)
            A new array.

        Raises
        ------
        ValueError
            If `basis` is unknown.

        Examples
        --------
        >>> import pysig
        >>> incremental = pysig.IncrementalSignature(2, 2)
        >>> incremental.push([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
        >>> incremental.logsignature("brackets")
        array([1., 2., 1.])
        """
        values = signature_to_logsignature(
            self.signature(), self._channels, self._depth, basis=basis, workers=1
        )
        return np.asarray(values)

    def _rows(self, value: Any, name: str) -> Any:
        """Points (channels,) or (count, channels) as a contiguous array."""
        array = _checks.as_numeric(value, name, NUMPY)
        if array.ndim not in (1, 2) or array.shape[-1] != self._channels:
            raise ValueError(
                f"{name}: expected shape ({self._channels},) or (count, {self._channels}), "
                f"received shape {tuple(array.shape)}."
            )
        return np.require(_checks.cast(array, self._dtype, name), self._dtype, ["C", "A"])
