"""Paths of scikit-learn estimators: 2-D rows, 3-D arrays, lists of arrays or data frames."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from sklearn.utils.validation import check_array, validate_data

from pysig._api._checks import (
    as_numeric,
    check_floating,
    check_integer,
    describe,
    refuse_container,
    refuse_masked,
    refuse_tensor,
)
from pysig._backend import NUMPY

FLOATS = [np.float64, np.float32]


class Paths:
    """What `pysig.signature` takes, and what an estimator remembers of it.

    `data` is an array (n, length, channels) or a list of arrays (length, channels), `lengths` the
    numbers of points of a padded array, or None. `features` is the number of columns of 2-D rows,
    else None. `names` are those of the channels in data frames, or None.
    """

    def __init__(
        self, data: Any, lengths: Any = None, features: int | None = None, names: Any = None
    ) -> None:
        self.data, self.lengths, self.features, self.names = data, lengths, features, names
        first = data[0] if isinstance(data, list) else data
        self.channels = int(first.shape[-1])

    @property
    def counts(self) -> Any:
        """The number of points of each path."""
        if isinstance(self.data, list):
            return np.fromiter(map(len, self.data), np.int64, len(self.data))
        if self.lengths is not None:
            return np.asarray(self.lengths)
        return np.full(len(self.data), self.data.shape[1])

    @property
    def has_single_points(self) -> bool:
        """Whether a path has one point only, whose signature does not depend on it."""
        if isinstance(self.data, list):
            return min(map(len, self.data)) == 1
        return int(self.data.shape[1]) == 1

    def checked(self) -> Paths:
        """The paths without missing points, or ValueError.

        Points of NaN at the end of a path of an array are padding.
        """
        if isinstance(self.data, list):
            for k, item in enumerate(self.data):
                if item.ndim != 2 or item.shape[1] != self.channels:
                    raise ValueError(
                        f"X[{k}]: expected {self.channels} channels, like the first path, received "
                        f"shape {tuple(item.shape)}. Give all paths the same channels."
                    )
                _refuse_missing(item, f"X[{k}]")
            return self
        if self.features is not None or self.lengths is not None or _is_cupy(self.data):
            _refuse_missing(self.data, "X")
            return self
        return Paths(self.data, _lengths_of_padding(self.data), None, self.names)


def read_paths(estimator: Any, X: Any, *, reset: bool, lengths: Any = None) -> Paths:
    """Check `X`; with `reset` the estimator remembers its features, otherwise they must agree."""
    _refuse_others(X)
    items = _list_of_paths(X)
    if items is not None:
        paths = _of_list(items)
    elif _is_cupy(X) and X.ndim == 3:
        paths = Paths(X, lengths)
    else:
        array = X if hasattr(X, "shape") else _as_array(X)
        _check_axes(array)
        if len(array.shape) == 3:
            paths = Paths(_of_array(estimator, array), lengths)
        else:
            paths = _of_rows(estimator, array if array is X else X, lengths, reset)
    if reset:
        _remember(estimator, paths)
    elif paths.channels != estimator.n_channels_:
        raise ValueError(
            f"X has {paths.channels} channels, but {type(estimator).__name__} is expecting "
            f"{estimator.n_channels_} channels as input."
        )
    return paths


FORMS = (
    "an array (n, length, channels), rows of numbers (n, columns) or a list of arrays "
    "(length, channels)"
)


def _refuse_others(X: Any) -> None:
    """TypeError or ValueError for what has no paths in it."""
    _refuse_containers(X)
    if type(X) is np.ndarray:
        return
    if X is None or isinstance(X, (str, bytes)) or type(X) is dict:
        raise TypeError(f"X: expected {FORMS}, received {describe(X)}. Pass the paths.")
    if isinstance(X, (list, tuple)) and not X:
        raise ValueError(f"X: expected {FORMS}, received an empty {type(X).__name__}. Pass a path.")
    refuse_masked(X, "X")


def _refuse_containers(X: Any) -> None:
    """TypeError for objects that hold paths but are not arrays of them."""
    if type(X) is np.ndarray:
        if X.dtype.kind == "V":
            check_floating(X, "X")  # raises
        return
    refuse_tensor(X, "X")
    if not hasattr(X, "toarray"):  # scikit-learn refuses sparse matrices itself
        refuse_container(X, "X")


def _check_axes(array: Any) -> None:
    """ValueError unless there are two or three axes; NumPy says `Reshape your data`, too."""
    shape = tuple(array.shape)
    if len(shape) not in (2, 3):
        remedy = "X[None, :, None] is one path of one channel" if len(shape) == 1 else "Flatten it"
        raise ValueError(
            f"X: expected {FORMS}, received shape {shape}. Reshape your data: {remedy}."
        )
    if len(shape) == 3 and shape[0] and not (shape[1] and shape[2]):
        raise ValueError(
            f"X: expected at least one point and one channel, received shape {shape}. Drop empty "
            "paths."
        )


def _remember(estimator: Any, paths: Paths) -> None:
    estimator.n_channels_ = paths.channels
    for name in ("channel_names_in_", *(("feature_names_in_",) if not paths.features else ())):
        if hasattr(estimator, name):
            delattr(estimator, name)
    if paths.features is None:
        estimator.n_features_in_ = paths.channels
    if paths.names is not None:
        estimator.channel_names_in_ = np.asarray(paths.names, dtype=object)


def _as_array(X: Any) -> Any:
    try:
        return np.asarray(X)
    except ValueError as error:
        raise ValueError(
            "X: expected an array, or a list of arrays of shape (length, channels), received a "
            f"ragged {type(X).__name__} ({error}). Make one 2-D array of each path."
        ) from None


def _is_cupy(X: Any) -> bool:
    """Whether `X` is a CuPy array, which stays on its device."""
    return type(X).__module__.partition(".")[0] == "cupy"


def array_module(array: Any) -> Any:
    """NumPy, or CuPy for its arrays."""
    return sys.modules["cupy"] if _is_cupy(array) else np


def _list_of_paths(X: Any) -> list[Any] | None:
    """The elements of a sequence of 2-D arrays or data frames; None for everything else."""
    if not isinstance(X, (list, tuple)) and (
        getattr(getattr(X, "dtype", None), "kind", "") != "O" or getattr(X, "ndim", 0) != 1
    ):
        return None
    items = list(X)
    if items and all(isinstance(item, PathObject) for item in items):
        return [item.points for item in items]
    return items if items and len(getattr(items[0], "shape", ())) == 2 else None


def _of_list(items: list[Any]) -> Paths:
    """Arrays are checked by pysig; data frames become arrays."""
    if set(map(type, items)) == {np.ndarray}:
        return Paths(items)
    for k, item in enumerate(items):
        if len(getattr(item, "shape", ())) != 2:
            raise ValueError(
                f"X[{k}]: expected an array (length, channels) like the first path, received "
                f"{describe(item)}. Make each path an array."
            )
    columns = getattr(items[0], "columns", None)
    if columns is None:
        return Paths(items)
    names = [str(name) for name in columns]
    for k, item in enumerate(items):
        own = [str(name) for name in getattr(item, "columns", ())]
        if own != names:
            raise ValueError(
                f"X[{k}]: expected the columns {names} of the first data frame, received {own}. "
                "Select the same columns of all."
            )
    arrays = [as_numeric(item, f"X[{k}]", NUMPY) for k, item in enumerate(items)]
    return Paths(arrays, names=names)


def _of_array(estimator: Any, X: Any) -> Any:
    """An array (n, length, channels) of floats."""
    if type(X) is np.ndarray and X.dtype in FLOATS and X.size:
        return X
    return check_array(
        X,
        dtype=FLOATS,
        allow_nd=True,
        ensure_all_finite=False,
        estimator=estimator,
        input_name="X",
    )


def _of_rows(estimator: Any, X: Any, lengths: Any, reset: bool) -> Paths:
    """Rows of numbers: one path each, point after point."""
    array = validate_data(estimator, X, dtype=FLOATS, reset=reset, ensure_all_finite=False)
    return _of_points(array, lengths, estimator.channels)


def _of_points(array: Any, lengths: Any, channels: Any) -> Paths:
    """Rows of numbers of paths with that many channels."""
    channels = check_integer(channels, "channels", 1)
    if array.shape[1] % channels:
        raise ValueError(
            f"X: expected a multiple of {channels} columns, because channels={channels}, received "
            f"{array.shape[1]}. Pass channels= of the estimator, or an array (n, length, channels)."
        )
    return Paths(array.reshape(len(array), -1, channels), lengths, array.shape[1])


# ---- missing values ----


def _refuse_missing(array: Any, name: str) -> None:
    if isinstance(array, np.ndarray) and array.dtype.kind == "f" and not np.isfinite(array).all():
        raise ValueError(
            f"{name}: Input contains NaN or infinity. Drop or fill missing points first."
        )


def _lengths_of_padding(array: Any) -> Any:
    """The lengths without points of NaN at the end; None if no number is missing."""
    missing = ~np.isfinite(array)
    if not missing.any():
        return None
    counted = ~np.isnan(array).all(axis=2)
    lengths = array.shape[1] - counted[:, ::-1].argmax(axis=1)
    inside = np.arange(array.shape[1]) < lengths[:, None]
    if (missing.any(axis=2) & inside).any() or not counted.any(axis=1).all():
        raise ValueError(
            "X: Input contains NaN or infinity. Drop or fill missing points first. Only points of "
            "NaN at the end of a path are padding."
        )
    return lengths


# ---- kernels, which remember nothing ----


class PathObject:
    """A path that scikit-learn does not look into."""

    __slots__ = ("points",)

    def __init__(self, points: Any) -> None:
        self.points = points

    def __repr__(self) -> str:
        return f"PathObject(shape={tuple(self.points.shape)})"


def path_objects(X: Any) -> Any:
    """Paths as an array of objects, for estimators that refuse 3-D arrays and ragged lists.

    Gaussian processes and other estimators of scikit-learn check arrays of numbers. They let
    objects pass to the kernel.

    Parameters
    ----------
    X : array_like, shape (n, length, channels), or sequence of array_like (length, channels)
        Paths.

    Returns
    -------
    ndarray of object, shape (n,)
        One object for each path, which `SignatureKernel` reads.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.interop.sklearn import SignatureKernel, path_objects
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> rng = np.random.default_rng(0)
    >>> paths = [rng.normal(size=(n, 2)).cumsum(axis=0) for n in rng.integers(5, 20, 30)]
    >>> model = GaussianProcessRegressor(SignatureKernel(2), alpha=0.1, optimizer=None)
    >>> model.fit(path_objects(paths), [path[-1, 0] for path in paths]).predict(
    ...     path_objects(paths[:4])
    ... ).shape
    (4,)
    """
    items = _list_of_paths(X)
    if items is None:
        array = X if hasattr(X, "shape") else _as_array(X)
        if len(array.shape) != 3:
            raise ValueError(
                "X: expected shape (n, length, channels) or a sequence of arrays (length, "
                f"channels), received shape {tuple(array.shape)}."
            )
        items = list(array)
    objects = np.empty(len(items), dtype=object)
    objects[:] = [PathObject(item) for item in items]
    return objects


def paths_alone(kernel: Any, X: Any) -> Paths:
    """Check paths that do not depend on those of another call."""
    _refuse_containers(X)
    items = _list_of_paths(X)
    if items is not None:
        return _of_list(items).checked()
    array = X if hasattr(X, "shape") else _as_array(X)
    if len(array.shape) == 3:
        return Paths(array if _is_cupy(array) else _of_array(kernel, array)).checked()
    rows = check_array(array, dtype=FLOATS, estimator=kernel, input_name="X")
    return _of_points(rows, None, kernel.channels)
