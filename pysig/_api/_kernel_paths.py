"""Checks of the two paths of a signature kernel, and of their options that are arrays."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, NamedTuple, TypeVar

import numpy as np

from pysig._api import _checks
from pysig._api._path_checks import check_lengths, check_path
from pysig._api._ragged import RaggedPaths, first_array, like_points, listed
from pysig._api.transform import check_transform
from pysig._backend import CUPY, ArrayBackend, backend_of
from pysig._plans.paths import Paths, Tangents
from pysig._plans.transform import Transform


class Side(NamedTuple):
    """The first or the second path of a call."""

    name: str  # "x" or "y"
    array: Any  # (*batch, length, channels)
    paths: Paths  # (count, length, channels)
    basepoint: Any  # as it was passed
    ragged: RaggedPaths | None  # the paths without padding, if they came as a sequence

    @property
    def batch(self) -> tuple[int, ...]:
        """The axes before the length."""
        return tuple(self.array.shape[:-2])

    @property
    def basepoint_shape(self) -> tuple[int, ...] | None:
        """The shape of the basepoint; None if it is not an array."""
        if self.basepoint is None or isinstance(self.basepoint, (bool, np.bool_)):
            return None
        return tuple(np.shape(self.basepoint))


def check_sides(
    x: Any, y: Any, options: Mapping[str, Any], name: str = "x"
) -> tuple[Side, Side | None]:
    """Check x, which messages call `name`, and y, which may be None, with their options."""
    given, names = ([x], [name]) if y is None else ([x, y], [name, "y"])
    backend = backend_of(first_array(x))
    lengths = split_lengths(options["lengths"], len(given))
    bases = split_pair(options["basepoint"], len(given))
    if y is not None:
        _check_library(first_array(y), backend)
    lists = [
        listed(side, called) if count is None else None
        for side, called, count in zip(given, names, lengths, strict=True)
    ]
    arrays = [
        check_path(side, called)[1] if whole is None else whole.padded(backend, called)
        for side, called, whole in zip(given, names, lists, strict=True)
    ]
    lengths = tuple(
        count if whole is None or whole.uniform else whole.lengths
        for count, whole in zip(lengths, lists, strict=True)
    )
    if y is not None:
        _check_channels(*arrays)
    dtype = np.result_type(*(array.dtype for array in arrays))
    sides = []
    for called, array, count, base, whole in zip(names, arrays, lengths, bases, lists, strict=True):
        array = array.astype(dtype, copy=False)
        batch, own = array.shape[:-2], array.shape[-2:]
        checked = check_lengths(count, array, backend, called)
        start, transform = check_transform(options["transform"], base, array, checked, backend)
        points = array.reshape(prod(batch), *own)
        paths = Paths(points, start, lengths=checked, transform=transform)
        sides.append(Side(called, array, paths, base, whole))
    return sides[0], sides[1] if y is not None else None


def _check_library(y: Any, backend: ArrayBackend) -> None:
    if backend_of(y) is not backend:
        here, there = ("CuPy", "NumPy") if backend is CUPY else ("NumPy", "CuPy")
        move = "cupy.asarray(y)" if backend is CUPY else "cupy.asnumpy(y)"
        raise TypeError(
            f"y: expected a {here} array like x, received a {there} array or a list. Move it with "
            f"{move}."
        )


def _check_channels(first: Any, array: Any) -> None:
    if array.shape[-1] != first.shape[-1]:
        raise ValueError(
            f"y: expected {first.shape[-1]} channels like x, received shape {tuple(array.shape)}. "
            "Pass paths in the same space."
        )


def split_pair(value: Any, count: int) -> tuple[Any, ...]:
    """A tuple of two is a pair, for x and for y; another value holds for both."""
    if count == 1:
        return (value,)
    return value if isinstance(value, tuple) and len(value) == 2 else (value, value)


def split_lengths(lengths: Any, count: int) -> tuple[Any, ...]:
    """The lengths of x and of y; those of x alone for a count of 1."""
    if lengths is None or count == 1:
        return (lengths,) * count
    if not isinstance(lengths, tuple) or len(lengths) != 2:
        raise TypeError(
            f"lengths: expected a tuple (lengths_x, lengths_y), received "
            f"{_checks.describe(lengths)}. Pass None for the side that has none."
        )
    return lengths


Rows = TypeVar("Rows", Paths, Tangents)


def take_rows(value: Rows, index: Any, xp: Any) -> Rows:
    """Chosen rows of paths or of tangents, copied; `index` is an array of the host."""
    there = xp.asarray(index)

    def taken(array: Any) -> Any:
        if isinstance(array, Transform):
            return array._replace(times=taken(array.times))
        return None if array is None else xp.take(array, there, axis=0)

    return type(value)(*map(taken, value))


def split_tangents(value: Any, sides: list[Side]) -> tuple[Any, ...]:
    """`basepoint_tangent` for each side; what holds for both is that of each array."""
    parts = split_pair(value, len(sides))
    if value is None or isinstance(value, tuple):
        return parts
    arrays = [side.basepoint_shape is not None for side in sides]
    if not any(arrays):
        return parts  # `check_tangents` raises
    return tuple(part if given else None for part, given in zip(parts, arrays, strict=True))


def check_tangents(
    side: Side, tangent: Any, basepoint_tangent: Any, backend: ArrayBackend
) -> Tangents | None:
    """The tangents of one side; None if it is constant."""
    if tangent is None and basepoint_tangent is None:
        return None
    xp, (count, *own) = backend.xp, side.paths.points.shape

    def wide(value: Any, name: str, last: list[int]) -> Any:
        array = _checks.as_numeric(value, name, backend)
        shape = (*side.batch, *last)
        return _checks.broadcast(array, name, shape, side.array.dtype, xp).reshape(count, *last)

    moves = xp.zeros_like(side.paths.points)
    if tangent is not None and side.ragged is not None:
        rows = like_points(tangent, f"tangent_{side.name}", side.ragged, backend)
        moves = side.ragged.pad(rows, backend).reshape(count, *own)
    elif tangent is not None:
        moves = wide(tangent, f"tangent_{side.name}", own)
    base = None if side.paths.basepoint is None else xp.zeros_like(side.paths.basepoint)
    if basepoint_tangent is not None:
        if side.basepoint_shape is None:
            raise ValueError(
                f"basepoint_tangent: expected None, because the basepoint of {side.name} is not an "
                f"array, received {_checks.describe(basepoint_tangent)}. Leave it out."
            )
        base = wide(basepoint_tangent, "basepoint_tangent", own[-1:])
    return Tangents(moves, base)
