"""Checks of the path and of the options that are arrays of one row for each path."""

from __future__ import annotations

from math import gcd, prod
from typing import Any

import numpy as np

from pysig._api._checks import as_numeric, broadcast, describe, refuse_masked, refuse_tensor
from pysig._api._device import check_device
from pysig._backend import CUPY, ArrayBackend, as_array, backend_of

_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def check_path(path: Any, name: str = "path", least: int = 1) -> tuple[ArrayBackend, Any]:
    """The backend and the path (..., length, channels) of at least `least` points, native float32
    or float64.
    """
    backend = backend_of(path)
    array = as_numeric(path, name, backend)
    if array.ndim < 2:
        raise ValueError(
            f"{name}: expected shape (..., length, channels), received shape {tuple(array.shape)}. "
            + _about_axes(path, name, array.ndim)
        )
    length, channels = array.shape[-2:]
    if length < least:
        raise ValueError(
            f"{name}: expected at least one point, received shape {tuple(array.shape)}."
        )
    if channels < 1:
        raise ValueError(
            f"{name}: expected at least one channel, received shape {tuple(array.shape)}."
        )
    dtype = _SINGLE if array.dtype.itemsize == 4 and array.dtype.kind == "f" else _DOUBLE
    if array.dtype != dtype:
        _check_integers_fit(array, name, backend)
        array = array.astype(dtype)
    if backend is not CUPY and (not array.flags.aligned or gcd(*array.strides) % dtype.itemsize):
        array = array.copy()  # ascontiguousarray would keep a contiguous, misaligned array
    return backend, array


def _about_axes(path: Any, name: str, ndim: int) -> str:
    """The remedy for a path without the axes of points and channels."""
    if ndim == 0:
        return "The path comes first, the depth second."
    if type(path).__module__.partition(".")[0] in ("pandas", "polars"):
        return (
            f"A path of one channel is {name}.to_frame(). For windows of the rows of a frame, use "
            "pysig.interop.frames.signature(frame, depth, window=...)."
        )
    return f"A path of one channel is {name}[:, None]."


def _check_integers_fit(array: Any, name: str, backend: ArrayBackend) -> None:
    """ValueError for integers that float64 rounds, whose increments would be lost silently."""
    if (
        array.dtype.kind not in "iu"
        or array.dtype.itemsize < 8
        or backend is CUPY
        or not array.size
    ):
        return
    largest = max(int(array.max()), -int(array.min()))
    if largest > 2**53:
        raise ValueError(
            f"{name}: expected integers up to 2**53, which float64 holds exactly, received "
            f"{largest}. "
            "Subtract the first point (a signature does not see where a path starts) or rescale."
        )


def check_basepoint(
    basepoint: Any, path: Any, backend: ArrayBackend, name: str = "basepoint"
) -> Any:
    """None, or the basepoints (batch, channels)."""
    if basepoint is None or (isinstance(basepoint, (bool, np.bool_)) and not basepoint):
        return None
    *batch, _, channels = path.shape
    count = prod(batch)
    xp = backend.xp
    if isinstance(basepoint, (bool, np.bool_)):
        return xp.zeros((count, channels), path.dtype)
    array = as_numeric(basepoint, name, backend)
    if array.ndim == 0 or array.dtype.kind == "b":
        received = describe(basepoint)
        if array.dtype.kind == "b":
            raise TypeError(
                f"{name}: expected True, False or the coordinates of points, received {received}. "
                "Convert coordinates to numbers."
            )
        raise ValueError(
            f"{name}: expected True, False or the {channels} coordinates of a point, received "
            f"{received}. Pass True for a point at zero."
        )
    return broadcast(array, name, (*batch, channels), path.dtype, xp).reshape(count, channels)


def check_lengths(lengths: Any, path: Any, backend: ArrayBackend, name: str = "path") -> Any:
    """None, or the number of points of each path (batch,) as int64."""
    if lengths is None:
        return None
    batch, length = path.shape[:-2], path.shape[-2]
    xp = backend.xp
    refuse_tensor(lengths, "lengths")
    refuse_masked(lengths, "lengths")
    check_device(lengths, "lengths")
    try:
        array = as_array(lengths, "lengths", backend_of(lengths))
    except ValueError as error:  # ragged nested lists
        raise ValueError(f"lengths: expected integers of shape {batch}, {error}.") from None
    if array.dtype.kind not in "iu" and (array.size or array.dtype != np.float64):  # [] is float64
        raise TypeError(f"lengths: expected integers, received {describe(array)}.")
    if array.size:  # on the device they are on: lengths on the host make no GPU wait
        lowest, highest = int(array.min()), int(array.max())
        if lowest < 1 or highest > length:
            raise ValueError(
                f"lengths: expected integers from 1 to the length {length} of {name}, received "
                f"values from {lowest} to {highest}. A path needs at least one point."
            )
    array = broadcast(
        as_array(array, "lengths", backend) if backend_of(array) is backend else xp.asarray(array),
        "lengths",
        batch,
        None,
        xp,
        last=False,
    )
    return xp.ascontiguousarray(array.reshape(prod(batch)).astype(np.int64))


def check_scalar_column(
    rows: Any, column: int, backend: ArrayBackend, name: str = "initial", expected: int = 1
) -> None:
    """ValueError unless the coefficient of the empty word is 1, as it is in signatures, or as
    `expected`. Not on a GPU, where a look at the values would wait for the device.
    """
    if backend is CUPY:
        return
    values = rows[..., column].ravel()
    wrong = values != expected
    if wrong.any():
        entry = "first entry" if column == 0 else f"entry {column}"
        raise ValueError(
            f"{name}: expected {expected} as its {entry}, the coefficient of the empty word, "
            f"received {values[wrong][0]}. Pass a {'signature' if expected else 'logarithm'}."
        )
