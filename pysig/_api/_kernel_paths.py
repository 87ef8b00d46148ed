"""Checks of the two paths of a signature kernel, and of their options that are arrays."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from numbers import Real
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
    x: Any, y: Any, options: Mapping[str, Any], called: tuple[str, str] = ("x", "y")
) -> tuple[Side, Side | None]:
    """Check x and y, which may be None, with their options; messages call them `called`."""
    given, names = ([x], called[:1]) if y is None else ([x, y], called)
    backend = backend_of(first_array(x))
    lengths = split_lengths(options["lengths"], len(given), names)
    bases = split_basepoints(options["basepoint"], len(given), names)
    if y is not None:
        _check_library(first_array(y), backend, names)
    lists = [listed(side, name) for side, name in zip(given, names, strict=True)]
    for whole, count, name in zip(lists, lengths, names, strict=True):
        if whole is not None and count is not None and not whole.uniform:
            raise ValueError(
                f"lengths: expected None for {name}, a sequence of paths that have lengths "
                f"themselves, received {_checks.describe(count)}. Leave it out."
            )
    arrays = [
        check_path(side, called)[1] if whole is None else whole.padded(backend, called)
        for side, called, whole in zip(given, names, lists, strict=True)
    ]
    lengths = tuple(
        count if whole is None or whole.uniform else whole.lengths
        for count, whole in zip(lengths, lists, strict=True)
    )
    if y is not None:
        _check_channels(arrays[0], arrays[1], names)
    dtype = np.result_type(*(array.dtype for array in arrays))
    sides = []
    pair = isinstance(options["basepoint"], tuple) and len(given) == 2
    for k, (name, array, count, base, whole) in enumerate(
        zip(names, arrays, lengths, bases, lists, strict=True)
    ):
        array = array.astype(dtype, copy=False)
        batch, own = array.shape[:-2], array.shape[-2:]
        checked = check_lengths(count, array, backend, name)
        of = f"basepoint[{k}]" if pair else "basepoint"
        start, transform = check_transform(options["transform"], base, array, checked, backend, of)
        points = array.reshape(prod(batch), *own)
        paths = Paths(points, start, lengths=checked, transform=transform)
        sides.append(Side(name, array, paths, base, whole))
    return sides[0], sides[1] if y is not None else None


def _check_library(y: Any, backend: ArrayBackend, names: tuple[str, ...]) -> None:
    if backend_of(y) is not backend:
        here, there = ("CuPy", "NumPy") if backend is CUPY else ("NumPy", "CuPy")
        first, name = names
        was = f"a {there} array" if hasattr(y, "shape") else _checks.describe(y)
        move = f"cupy.asarray({name})" if backend is CUPY else f"cupy.asnumpy({name})"
        raise TypeError(
            f"{name}: expected a {here} array like {first}, received {was}. Move it with {move}."
        )


def _check_channels(first: Any, array: Any, names: tuple[str, ...]) -> None:
    if array.shape[-1] != first.shape[-1]:
        raise ValueError(
            f"{names[1]}: expected {first.shape[-1]} channels like {names[0]}, received shape "
            f"{tuple(array.shape)}. Pass paths in the same space."
        )


def split_pair(value: Any, count: int) -> tuple[Any, ...]:
    """A tuple of two is a pair, for x and for y; another value holds for both."""
    if count == 1:
        return (value,)
    return value if isinstance(value, tuple) and len(value) == 2 else (value, value)


def split_basepoints(
    value: Any, count: int, names: tuple[str, ...] = ("x", "y")
) -> tuple[Any, ...]:
    """The basepoints of x and of y, or that of x. A tuple of numbers is one point."""
    if not isinstance(value, tuple):
        return (value,) * count
    point = all(isinstance(item, Real) and not isinstance(item, bool) for item in value)
    if count == 1 and not point:
        raise TypeError(
            f"basepoint: expected one basepoint, that of {names[0]}, received "
            f"{_checks.describe(value)}. Leave the other one out."
        )
    if count == 2 and point and len(value) == 2:
        raise TypeError(
            f"basepoint: expected the basepoints of {names[0]} and of {names[1]} in a tuple, "
            f"received {_checks.describe(value)}. A point of both is a list or an array."
        )
    if count == 2 and not point and len(value) != 2:
        raise TypeError(
            f"basepoint: expected a tuple of two, for {names[0]} and for {names[1]}, received a "
            f"tuple of {len(value)}. Pass None for the side that has none."
        )
    return split_pair(value, count)


def split_lengths(lengths: Any, count: int, names: tuple[str, ...] = ("x", "y")) -> tuple[Any, ...]:
    """The lengths of x and of y; those of x alone for a count of 1."""
    if count == 1:
        if isinstance(lengths, tuple) and any(n is None or np.ndim(n) for n in lengths):
            raise TypeError(
                f"lengths: expected integers, those of {names[0]}, received "
                f"{_checks.describe(lengths)}. Pass them without a tuple."
            )
        return (lengths,)
    if lengths is None:
        return (None, None)
    if not isinstance(lengths, tuple) or len(lengths) != 2:
        raise TypeError(
            f"lengths: expected a tuple (lengths_{names[0]}, lengths_{names[1]}), received "
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
