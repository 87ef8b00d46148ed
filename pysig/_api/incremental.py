"""The signature of a path whose points arrive one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pysig._api._online import OnlineSignature
from pysig._backend import NUMPY

__all__ = ["IncrementalSignature"]


class IncrementalSignature(OnlineSignature):
    """The signature of a path whose points come one after the other.

    The state is the signature so far and the last point, whatever the length of the path. The same
    object exists in C++, C, Fortran and Cython, see the pages on embedding.

    Parameters
    ----------
    channels : int
        Number of channels of each point.
    depth : int
        Truncation depth, at least 1.
    dtype : dtype, optional
        Dtype of the signature: float64 (default) or float32.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid; the message names it.

    See Also
    --------
    SlidingSignature : The signature of the latest points of a path, while points come and go.
    signature : Signature of piecewise linear paths, truncated at `depth`.

    Notes
    -----
    Pushing a point costs about two multiply-adds per coefficient and allocates nothing.
    The result does not depend on how points are grouped into pushes. `signature` of all points adds
    up the same terms in another order, so that the last digits may differ.

    Methods: `push`, `push_increments`, `signature`, `logsignature`, `reset`, `copy`. Objects can be
    pickled. An object is for one thread at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> incremental = pysig.IncrementalSignature(channels=2, depth=2)
    >>> incremental.push([0.0, 0.0])
    >>> incremental.push([[1.0, 0.0], [1.0, 2.0]])
    >>> incremental.signature()
    array([1. , 2. , 0.5, 2. , 0. , 2. ])
    >>> incremental.logsignature()
    array([1., 2., 1.])
    >>> incremental
    IncrementalSignature(channels=2, depth=2, dtype=float64): 3 points
    """

    def __init__(self, channels: int, depth: int, dtype: Any = np.float64) -> None:
        super().__init__(channels, depth, dtype, rows=3)
        self._core = NUMPY.host.new_incremental(self._channels, self._depth, self._dtype)

    @property
    def points(self) -> int:
        """Number of points so far.

        Examples
        --------
        >>> import pysig
        >>> pysig.IncrementalSignature(2, 3).points
        0
        """
        return int(self._core.points)

    def push(self, points: npt.ArrayLike) -> None:
        """Append one or several points.

        Parameters
        ----------
        points : array_like, shape (channels,) or (count, channels)
            They are converted to `dtype`.

        Raises
        ------
        TypeError, ValueError
            If `points` has another shape or does not consist of real numbers.

        Examples
        --------
        >>> import pysig
        >>> incremental = pysig.IncrementalSignature(2, 1)
        >>> incremental.push([1.0, 1.0])
        >>> incremental.push([[2.0, 1.0], [3.0, 0.0]])
        >>> incremental.signature()
        array([ 2., -1.])
        """
        self._core.push(self._rows(points, "points"))

    def push_increments(self, increments: npt.ArrayLike) -> None:
        """Append one or several increments.

        Parameters
        ----------
        increments : array_like, shape (channels,) or (count, channels)
            Differences of points. A path that begins with one begins at the origin.

        Raises
        ------
        TypeError, ValueError
            If `increments` has another shape or does not consist of real numbers.

        Examples
        --------
        >>> import pysig
        >>> incremental = pysig.IncrementalSignature(2, 1)
        >>> incremental.push_increments([[1.0, 0.0], [1.0, -1.0]])
        >>> incremental.signature()
        array([ 2., -1.])
        """
        self._core.push_increments(self._rows(increments, "increments"))

    def reset(self) -> None:
        """Forget all points.

        Examples
        --------
        >>> import pysig
        >>> incremental = pysig.IncrementalSignature(2, 1)
        >>> incremental.push([[0.0, 0.0], [1.0, 0.0]])
        >>> incremental.reset()
        >>> incremental.signature()
        array([0., 0.])
        """
        self._core.reset()

    def copy(self) -> IncrementalSignature:
        """Return an independent copy.

        Returns
        -------
        IncrementalSignature
            An object with the same state.

        Examples
        --------
        >>> import pysig
        >>> incremental = pysig.IncrementalSignature(2, 1)
        >>> incremental.push([[0.0, 0.0], [1.0, 0.0]])
        >>> incremental.copy().signature()
        array([1., 0.])
        """
        return self._with(self._core.copy())

    def _with(self, core: Any) -> IncrementalSignature:
        other = object.__new__(IncrementalSignature)
        other._channels, other._depth, other._dtype = self._channels, self._depth, self._dtype
        other._core = core
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> IncrementalSignature:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        arguments = (self._channels, self._depth, self._dtype.name, self._core.serialise())
        return _restored, arguments

    def __repr__(self) -> str:
        sizes = f"channels={self._channels}, depth={self._depth}, dtype={self._dtype}"
        return f"IncrementalSignature({sizes}): {self.points} points"


def _restored(channels: int, depth: int, dtype: str, data: bytes) -> IncrementalSignature:
    """Restore a pickled object."""
    empty = IncrementalSignature(channels, depth, dtype)
    return empty._with(NUMPY.host.restored_incremental(data, empty.dtype))
