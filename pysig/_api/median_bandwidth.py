"""The median heuristic for bandwidths of static kernels."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from pysig._api import _checks
from pysig._api._device import device_of
from pysig._api._path_checks import check_lengths, check_path
from pysig._api._ragged import first_array, listed
from pysig._backend import ArrayBackend, backend_of

_MAX_POINTS = 1000  # the default of `max_points`: 10^6 distances


def median_bandwidth(paths: Any, *, lengths: Any = None, max_points: int = _MAX_POINTS) -> float:
    """Median of the distances between points of paths, a bandwidth for static kernels.

    Parameters
    ----------
    paths : array_like, shape (..., length, channels), or sequence of arrays (length, channels)
        Points of the paths.
    lengths : array_like of int, shape (...), optional
        Number of points of each path.
    max_points : int, optional
        Number of points that are compared, at least 2. They are spread evenly over all points.

    Returns
    -------
    float
        The median distance of two of these points.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, if there are fewer than two points, if a point is not finite, or
        if more than half of the distances are zero.

    See Also
    --------
    RBF : Gaussian kernel of points, ``exp(-|x - y|^2 / (2 bandwidth^2))``.

    Notes
    -----
    Cost: ``max_points**2 * channels`` operations. The result depends on the paths alone; nothing is
    random. It is the median heuristic of [1]_.

    References
    ----------
    .. [1] A. Gretton et al., "A Kernel Two-Sample Test", Journal of Machine Learning Research 13,
       2012, section 8.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> pysig.kernels.median_bandwidth(np.array([[[0.0], [1.0]], [[2.0], [3.0]]]))
    1.5
    """
    with device_of(first_array(paths)):
        backend, points, index = _points(paths, lengths)
        number = _checks.check_integer(max_points, "max_points", 2)
        xp = backend.xp
        count = len(index)
        if count < 2:
            raise ValueError(f"paths: expected at least two points, received {count}.")
        kept = np.unique(np.linspace(0, count - 1, min(number, count)).astype(np.int64))
        sample = xp.take(points, xp.asarray(index[kept]), axis=0).astype(np.float64)
        squares = xp.zeros((len(kept), len(kept)))
        for channel in sample.T:
            steps = channel[:, None] - channel[None]
            squares += steps * steps
        on_host = squares.get() if hasattr(squares, "get") else squares
    median = float(np.median(np.sqrt(on_host[np.triu_indices(len(kept), 1)])))
    if not np.isfinite(median):
        raise ValueError(
            "paths: expected finite points, received NaN or infinity. Drop them or pass lengths."
        )
    if median == 0:
        raise ValueError(
            "paths: expected points at different places, received a median distance of 0. Choose a "
            "bandwidth yourself."
        )
    return median


def _points(paths: Any, lengths: Any) -> tuple[ArrayBackend, Any, Any]:
    """The backend, points (total, channels), and on the host the places of those that count."""
    ragged = listed(paths, "paths")
    if ragged is not None and not ragged.uniform:
        if lengths is not None:
            raise ValueError(
                "lengths: expected None for a sequence of paths that have lengths themselves, "
                f"received {_checks.describe(lengths)}. Leave it out."
            )
        return backend_of(ragged.first), ragged.points, np.arange(ragged.points_shape[0])
    backend, array = check_path(paths, "paths")
    checked = check_lengths(lengths, array, backend, "paths")
    *batch, length, channels = array.shape
    index = np.arange(prod(batch) * length)
    if checked is not None:
        counts = checked.get() if hasattr(checked, "get") else checked
        index = index[(np.arange(length) < counts[:, None]).ravel()]
    return backend, array.reshape(prod(batch) * length, channels), index
