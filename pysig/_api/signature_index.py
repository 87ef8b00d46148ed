"""An index of signatures of intervals: built once, queried many times."""

from __future__ import annotations

import os
from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks, _index_file
from pysig._api._device import on_device
from pysig._api._index import Index, Sizes, checked_times, fits_together, of_state
from pysig._api._memory import check_memory
from pysig._api._output import output
from pysig._api._path_checks import check_path
from pysig._api.config import check_workers
from pysig._api.logsignature_convert import signature_to_logsignature

__all__ = ["SignatureIndex"]


class SignatureIndex:
    """Signatures of any intervals of a path, from products that are computed once.

    The path is cut into leaves of `leaf` segments. A disjoint sparse table holds products of
    neighbouring leaves, without inverses. A query multiplies two of them, and adds the segments in
    front of and behind the leaves.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        Points of the paths, see `signature`. They are copied.
    depth : int
        Truncation depth, at least 1.
    leaf : int, optional
        Segments of a leaf. More take less memory; a query then adds more segments, `leaf` on
        average.
    times : array_like, shape (..., length), optional
        Times of the points, as for `signature_intervals`. Queries are then intervals of time.
    workers : int, optional
        Threads on the CPU, see `set_workers`. Results do not depend on it.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, or times are missing or decrease. The message names the argument.
    MemoryError
        If the index does not fit into memory. The message names the bytes needed and available.

    See Also
    --------
    signature_intervals : Faster for one call with all intervals.

    Notes
    -----
    Building takes a step for each segment and a Chen product for each leaf and level of the table,
    which has log2(length / leaf) levels. `estimate_nbytes` gives the memory before. Appending
    points costs the same for each leaf, on average.

    Methods: `query`, `logsignature`, `append`, `save`, `load`. Objects can be pickled. Threads may
    query an index at the same time, but not while points are appended. To use a transform,
    transform the path first.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.random.default_rng(0).normal(size=(1000, 2)).cumsum(axis=0)
    >>> index = pysig.SignatureIndex(path, 3)
    >>> intervals = np.array([[0, 1000], [17, 451], [5, 5]])
    >>> rows = index.query(intervals)
    >>> bool(np.allclose(rows[1], pysig.signature(path[17:451], 3)))
    True
    >>> index
    SignatureIndex(channels=2, depth=3, leaf=32, dtype=float64): 1000 points, 33360 bytes
    """

    def __init__(
        self,
        path: Any,
        depth: int,
        *,
        leaf: int = 32,
        times: Any = None,
        workers: int | None = None,
    ) -> None:
        backend, array = check_path(path)
        self.first = array  # its device is that of all calls
        leaf = _checks.check_integer(leaf, "leaf", 1)
        depth = _checks.check_depth(depth)
        batch, (length, channels) = tuple(array.shape[:-2]), array.shape[-2:]
        checked = checked_times(times, length, batch)
        threads = check_workers(workers)
        check_memory(channels, depth, 1, False, array.dtype.itemsize, backend)
        sizes = Sizes(channels, depth, leaf, batch, array.dtype)
        self._index = Index(backend, sizes, threads)
        self._index.check_fits(length)
        self._build(array.reshape(prod(batch), length, channels), checked)

    @on_device
    def _build(self, points: Any, times: Any) -> None:
        self._index.extend(points, times)
        self.first = self._index.points  # keeps the path of the caller no longer

    # ---- facts ----

    @staticmethod
    def estimate_nbytes(
        length: int,
        channels: int,
        depth: int,
        *,
        leaf: int = 32,
        paths: int = 1,
        dtype: Any = np.float64,
    ) -> int:
        """Bytes of an index, before it is built.

        Parameters
        ----------
        length, channels, depth, leaf : int
            Sizes, see `SignatureIndex`.
        paths : int, optional
            Number of paths of the batch.
        dtype : dtype, optional
            float64 (default) or float32.

        Returns
        -------
        int
            The `nbytes` of the index, without times.

        Raises
        ------
        TypeError, ValueError
            If a size is not an integer of at least 1.

        Examples
        --------
        >>> import numpy as np
        >>> import pysig
        >>> pysig.SignatureIndex.estimate_nbytes(10_000, 5, 4, dtype=np.float32)
        8960960
        """
        length = _checks.check_integer(length, "length", 1)
        channels = _checks.check_integer(channels, "channels", 1)
        depth = _checks.check_depth(depth)
        leaf = _checks.check_integer(leaf, "leaf", 1)
        paths = _checks.check_integer(paths, "paths", 0)
        return Sizes(channels, depth, leaf, (paths,), dtype).nbytes(length)

    @property
    def nbytes(self) -> int:
        """Bytes of points, times and products, with room for points to come after `append`.

        Examples
        --------
        >>> import numpy as np
        >>> import pysig
        >>> pysig.SignatureIndex(np.zeros((65, 2)), 2, leaf=32).nbytes
        1136
        """
        return self._index.nbytes

    @property
    def length(self) -> int:
        """Number of points, with those of `append`.

        Examples
        --------
        >>> import pysig
        >>> pysig.SignatureIndex([[0.0, 1.0], [2.0, 3.0]], 2).length
        2
        """
        return self._index.length

    @property
    def channels(self) -> int:
        """Number of channels.

        Examples
        --------
        >>> import numpy as np
        >>> import pysig
        >>> pysig.SignatureIndex(np.zeros((65, 2)), 2).channels
        2
        """
        return self._index.sizes.channels

    @property
    def depth(self) -> int:
        """Truncation depth.

        Examples
        --------
        >>> import numpy as np
        >>> import pysig
        >>> pysig.SignatureIndex(np.zeros((65, 2)), 2).depth
        2
        """
        return self._index.sizes.depth

    def __repr__(self) -> str:
        channels, depth, leaf, batch, dtype = self._index.sizes
        shape = f"batch={batch}, " if batch else ""
        return (
            f"SignatureIndex({shape}channels={channels}, depth={depth}, leaf={leaf}, "
            f"dtype={dtype}): {self.length} points, {self.nbytes} bytes"
        )

    # ---- queries ----

    @on_device
    def query(self, intervals: Any, *, include_previous: bool = False, out: Any = None) -> Any:
        """Signatures of intervals.

        Parameters
        ----------
        intervals : array_like, shape (..., intervals, 2)
            Half-open intervals (begin, end) of points; of time if the index has times.
        include_previous : bool, optional
            If True, add the last point before each interval.
        out : array, optional
            Output array. Must have the shape and dtype of the result.

        Returns
        -------
        array, shape (..., intervals, size)
            As `signature_intervals` returns them.

        Raises
        ------
        TypeError, ValueError
            If intervals are reversed or out of range; the message names the index.
        MemoryError
            If the result does not fit into memory.

        Examples
        --------
        >>> import numpy as np
        >>> import pysig
        >>> index = pysig.SignatureIndex(np.arange(100.0)[:, None], 1, times=np.arange(100) / 10)
        >>> index.query([[0.0, 1.0], [2.5, 9.0]])
        array([[ 9.],
               [64.]])
        """
        index = self._index
        backend, sizes = index.backend, index.sizes
        bounds = index.bounds(intervals, include_previous, out is None)
        shape = (*sizes.batch, bounds.shape[1], index.table.plan.size)
        result = output(out, shape, sizes.dtype, backend, {"the index": index.points})
        index.fill(bounds, result.rows(sizes.paths * bounds.shape[1], shape[-1]))
        return result.finish()

    def logsignature(
        self, intervals: Any, *, basis: str = "words", include_previous: bool = False
    ) -> Any:
        """Log-signatures of intervals.

        Parameters
        ----------
        intervals, include_previous
            See `query`.
        basis : {"words", "brackets", "hall", "expanded"}, optional
            See `pysig.logsignature`.

        Returns
        -------
        array, shape (..., intervals, size)
            As `logsignature_intervals` returns them.

        Raises
        ------
        TypeError, ValueError, MemoryError
            If an argument is invalid; the message names it.

        Examples
        --------
        >>> import numpy as np
        >>> import pysig
        >>> index = pysig.SignatureIndex(np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]), 2)
        >>> index.logsignature([(0, 3)])
        array([[1., 2., 1.]])
        """
        rows = self.query(intervals, include_previous=include_previous)
        return signature_to_logsignature(
            rows, self.channels, self.depth, basis=basis, workers=self._index.workers
        )

    @on_device
    def append(self, points: Any, *, times: Any = None) -> None:
        """Append points to all paths.

        Parameters
        ----------
        points : array_like, shape (..., points, channels)
            The points that follow; leading dimensions broadcast with those of the index.
        times : array_like, shape (..., points), optional
            Their times, if the index has times; not before the last one.

        Raises
        ------
        TypeError, ValueError
            If shapes do not fit, or times decrease. The index is unchanged.

        Examples
        --------
        >>> import numpy as np
        >>> import pysig
        >>> index = pysig.SignatureIndex(np.array([[0.0, 0.0], [1.0, 0.0]]), 1)
        >>> index.append([[1.0, 2.0]])
        >>> index.query([(0, 3)])
        array([[1., 2.]])
        """
        self._index.append(points, times)

    # ---- storage ----

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the index to a file.

        Parameters
        ----------
        file : path
            The file to write. It appears when it is complete.

        Raises
        ------
        OSError
            If it cannot be written.

        Examples
        --------
        >>> import os, tempfile
        >>> import numpy as np
        >>> import pysig
        >>> index = pysig.SignatureIndex(np.zeros((100, 2)), 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = os.path.join(folder, "path.index")
        ...     index.save(file)
        ...     pysig.SignatureIndex.load(file)
        SignatureIndex(channels=2, depth=2, leaf=32, dtype=float64): 100 points, 1888 bytes
        """
        _index_file.write(file, *self._index.state())

    @classmethod
    def load(
        cls, file: str | os.PathLike[str], *, mmap: bool = False, workers: int | None = None
    ) -> SignatureIndex:
        """Read an index from a file, for queries on the CPU.

        Parameters
        ----------
        file : path
            A file of `save`.
        mmap : bool, optional
            If True, map the file into memory: queries read the rows that they need. The file must
            not change. `append` copies the index into memory.
        workers : int, optional
            Threads on the CPU, see `set_workers`.

        Returns
        -------
        SignatureIndex
            The index.

        Raises
        ------
        OSError
            If the file cannot be read.
        ValueError
            If it is not a file of `save`.

        Examples
        --------
        >>> import pysig
        >>> pysig.SignatureIndex.load("absent.index")
        Traceback (most recent call last):
        FileNotFoundError: [Errno 2] No such file or directory: 'absent.index'
        """
        mmap, threads = _checks.check_flag(mmap, "mmap"), check_workers(workers)
        facts, arrays = _index_file.read(file, mmap)
        if not fits_together(facts, arrays):
            raise _index_file.damaged(file)
        return _restored(facts, arrays, threads)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (*self._index.state(), self._index.workers)


def _restored(facts: dict[str, Any], arrays: dict[str, Any], workers: int) -> SignatureIndex:
    """The index of a state, on the CPU."""
    restored = object.__new__(SignatureIndex)
    restored._index = of_state(facts, arrays, workers)
    restored.first = restored._index.points
    return restored
