"""The signature of the latest points of a path."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pysig._api import _checks
from pysig._api._memory import available_memory, shortage
from pysig._api._online import OnlineSignature
from pysig._api._sliding_times import TimeForm, push_times
from pysig._backend import NUMPY
from pysig._plans.layout import plan_for

__all__ = ["SlidingSignature"]


class SlidingSignature(OnlineSignature):
    """The signature of the latest points of a path, while points come and go.

    Points are pushed at one end and dropped at the other, by number or by time. Nothing is divided
    out: no product contains a dropped point, so errors do not accumulate, and a NaN leaves with
    its point. The same object exists in C++, C and Cython, see the pages on embedding.

    Parameters
    ----------
    channels : int
        Number of channels of each point.
    depth : int
        Truncation depth, at least 1.
    dtype : dtype, optional
        Dtype of the signature: float64 (default) or float32.
    worst_case : bool, optional
        If True, every push and every drop of one point takes constant time. If False (default),
        the average is lower, but now and then a drop computes the whole window anew.
    capacity : int, optional
        Allocate for this number of points. Calls allocate nothing as long as the window has no
        more; beyond it, the capacity doubles.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid or `capacity` does not fit; the message names it.

    See Also
    --------
    IncrementalSignature : The signature of all points so far.

    Notes
    -----
    In steps of one segment, about two multiply-adds per coefficient, a push and a drop together
    take at most 3 steps on average, and reading the signature one Chen product. With
    `worst_case=True` they take 2 steps and one Chen product on average, and at most twice that.

    A window of n points keeps about 2 sqrt(n) rows of the size of a signature, and n rows with
    `worst_case=True`.

    The schemes are the two stacks and DABA Lite of Tangwongsan, Hirzel and Schneider, "In-order
    sliding-window aggregation in worst-case constant time", VLDB Journal 2021, arXiv 2009.13768.
    The result does not depend on how points are grouped into calls. `signature` of the points of
    the window adds up the same terms in another order, so that the last digits may differ.

    Methods: `push`, `pop`, `evict`, `signature`, `logsignature`, `reset`, `copy`. ``len(window)``
    is the number of points. Objects can be pickled. An object is for one thread at a time.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> window = pysig.SlidingSignature(channels=2, depth=2)
    >>> window.push([[9.0, 9.0], [0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> window.pop()
    >>> window.signature()
    array([1. , 2. , 0.5, 2. , 0. , 2. ])
    >>> window
    SlidingSignature(channels=2, depth=2, dtype=float64): 3 points

    The last ten seconds of a path with time stamps:

    >>> window = pysig.SlidingSignature(channels=1, depth=1)
    >>> for time, value in [(0.0, 1.0), (4.0, 3.0), (11.0, 2.0)]:
    ...     window.push([value], times=time)
    ...     dropped = window.evict(before=time - 10.0)
    >>> len(window), window.signature()
    (2, array([-1.]))
    """

    def __init__(
        self,
        channels: int,
        depth: int,
        *,
        dtype: Any = np.float64,
        worst_case: bool = False,
        capacity: int = 0,
    ) -> None:
        super().__init__(channels, depth, dtype, rows=4)
        self._worst_case = _checks.check_flag(worst_case, "worst_case")
        capacity = _checks.check_integer(capacity, "capacity", 0)
        self._form: TimeForm | None = None
        self._core = NUMPY.host.new_sliding(
            self._channels, self._depth, self._dtype, self._worst_case
        )
        self._check_memory(capacity, "capacity")
        self._core.reserve(capacity)

    @property
    def worst_case(self) -> bool:
        """Whether every push and drop takes constant time.

        Examples
        --------
        >>> import pysig
        >>> pysig.SlidingSignature(2, 3, worst_case=True).worst_case
        True
        """
        return self._worst_case

    @property
    def capacity(self) -> int:
        """Number of points for which memory is allocated.

        Examples
        --------
        >>> import pysig
        >>> pysig.SlidingSignature(2, 3, capacity=100).capacity
        100
        """
        return int(self._core.capacity)

    def __len__(self) -> int:
        return int(self._core.points)

    def push(self, points: npt.ArrayLike, times: Any = None) -> None:
        """Append one or several points.

        Parameters
        ----------
        points : array_like, shape (channels,) or (count, channels)
            They are converted to `dtype`.
        times : array_like, shape (count,), optional
            Times of the points for `evict`: numbers, datetime64, timedelta64 or objects that
            convert to them; one time for one point. They do not decrease. Either all points of
            a window have times or none has.

        Raises
        ------
        TypeError, ValueError, MemoryError
            If an argument is invalid or the window does not fit; nothing is appended then.

        Examples
        --------
        >>> import pysig
        >>> window = pysig.SlidingSignature(2, 1)
        >>> window.push([1.0, 1.0])
        >>> window.push([[2.0, 1.0], [3.0, 0.0]])
        >>> window.signature()
        array([ 2., -1.])
        """
        rows = self._rows(points, "points")
        count = rows.size // self._channels
        values, form = push_times(times, count, self._form, empty=not len(self))
        if count == 0:
            return
        self._check_memory(self._core.capacity_for(len(self) + count), "points")
        self._core.push(rows, values)
        self._form = form

    def _check_memory(self, capacity: int, name: str) -> None:
        """MemoryError if this capacity does not fit."""
        if capacity <= self._core.capacity:
            return
        available = available_memory(NUMPY)
        rows = self._core.row_count(
            self._channels, self._depth, self._worst_case, min(capacity, 2**56)
        )
        numbers = rows * plan_for(self._channels, self._depth, False).size
        needed = (numbers + capacity * self._channels) * self._dtype.itemsize + 8 * capacity
        if needed <= (2**60 if available is None else available):
            return
        advice = ", a smaller depth, or worst_case=False" if self._worst_case else " or depth"
        raise MemoryError(
            f"{name}: a window of {capacity} points {shortage(needed, available)} "
            f"Use a smaller window{advice}."
        )

    def pop(self, count: int = 1) -> None:
        """Drop the oldest points.

        Parameters
        ----------
        count : int, optional
            How many, at most the points of the window.

        Raises
        ------
        TypeError, ValueError
            If `count` is not an integer, is negative, or is larger than the window.

        Examples
        --------
        >>> import pysig
        >>> window = pysig.SlidingSignature(1, 1)
        >>> window.push([[1.0], [2.0], [4.0], [7.0]])
        >>> window.pop(2)
        >>> window.signature()
        array([3.])
        """
        number = _checks.check_integer(count, "count", 0)
        if number > len(self):
            raise ValueError(
                f"count: expected at most {len(self)}, the points of the window, received "
                f"{number}. Push more points, or use reset()."
            )
        self._core.pop(number)

    def evict(self, before: Any, *, inclusive: bool = False, include_previous: bool = False) -> int:
        """Drop the points before a time.

        Parameters
        ----------
        before : number, datetime64 or timedelta64
            Points with an earlier time are dropped.
        inclusive : bool, optional
            If True, points with exactly this time are dropped too. The window is then open at its
            left end, as ``closed="right"`` of pandas.
        include_previous : bool, optional
            If True, the newest of these points stays, so that the segment across `before` counts.

        Returns
        -------
        int
            How many points were dropped.

        Raises
        ------
        TypeError, ValueError
            If `before` is not a time of the kind of the times in the window, or these points have
            no times.

        Examples
        --------
        >>> import pysig
        >>> window = pysig.SlidingSignature(1, 1)
        >>> window.push([[1.0], [2.0], [4.0]], times=[0, 60, 120])
        >>> window.evict(before=60)
        1
        >>> window.evict(before=120, include_previous=True)
        0
        >>> window.evict(before=120)
        1
        """
        inclusive = _checks.check_flag(inclusive, "inclusive")
        previous = _checks.check_flag(include_previous, "include_previous")
        if not len(self):
            return 0
        if self._form is None:
            raise ValueError(
                "before: expected a window with times, received points without times. "
                "Pass times to push, or drop points by number with pop."
            )
        moment, exact = self._form.moment(before)
        return int(self._core.evict(moment, inclusive and exact, previous))

    def reset(self) -> None:
        """Forget all points; the capacity stays.

        Examples
        --------
        >>> import pysig
        >>> window = pysig.SlidingSignature(2, 1)
        >>> window.push([[0.0, 0.0], [1.0, 0.0]])
        >>> window.reset()
        >>> window.signature()
        array([0., 0.])
        """
        self._core.reset()

    def copy(self) -> SlidingSignature:
        """Return an independent copy.

        Returns
        -------
        SlidingSignature
            An object with the same state.

        Examples
        --------
        >>> import pysig
        >>> window = pysig.SlidingSignature(2, 1)
        >>> window.push([[0.0, 0.0], [1.0, 0.0]])
        >>> window.copy().signature()
        array([1., 0.])
        """
        return _around(self._core.copy(), self._dtype, self._form)

    __copy__ = copy

    def __deepcopy__(self, memo: Any) -> SlidingSignature:
        return self.copy()

    def __reduce__(self) -> tuple[Any, ...]:
        form = self._form and self._form.state()
        return _restored, (self._dtype.name, form, self.capacity, self._core.serialise())

    def __repr__(self) -> str:
        sizes = f"channels={self._channels}, depth={self._depth}, dtype={self._dtype}"
        return f"SlidingSignature({sizes}): {len(self)} points"


def _around(core: Any, dtype: np.dtype[Any], form: TimeForm | None) -> SlidingSignature:
    """The Python object of an object of the extension."""
    window = object.__new__(SlidingSignature)
    window._core, window._dtype, window._form = core, dtype, form
    window._channels, window._depth, window._worst_case = (
        core.channels,
        core.depth,
        core.worst_case,
    )
    return window


def _restored(
    dtype: str, form: tuple[Any, ...] | None, capacity: int, data: bytes
) -> SlidingSignature:
    """Restore a pickled object."""
    kept = None if form is None else TimeForm(form[0], form[1], np.dtype(form[2]), *form[3:])
    window = _around(NUMPY.host.restored_sliding(data, dtype), np.dtype(dtype), kept)
    window._check_memory(capacity, "capacity")
    window._core.reserve(capacity)
    return window
