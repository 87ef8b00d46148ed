"""Assertions about signatures, for the tests of users and of pysig itself.

A signature spans many magnitudes: level k of a path of size r is about r^k / k!. One tolerance for
the whole row would say nothing about the top levels, and one for each coefficient would ask for
digits that no algorithm has: the area of a path that comes back to where it began is small because
large numbers cancelled. So coefficients are compared level by level, relative to the scale of their
level, and the honest scale is that of the numbers that were added on the way (`running_scales`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pysig._backend import is_cupy
from pysig._plans.layout import plan_for
from pysig._reference.signature import signature as _law
from pysig._reference.transform import points_after, stages_of, transformed

__all__ = [
    "assert_identical",
    "assert_signatures_close",
    "level_scales",
    "running_scales",
]

_RTOL = {"float32": 1e-5, "float64": 1e-13}


def level_scales(
    signatures: Any, channels: int, depth: int, *, scalar_term: bool = False
) -> npt.NDArray[np.float64]:
    """The largest absolute value of each level, among those that are finite.

    Parameters
    ----------
    signatures : array_like, shape (..., size)
        Signatures of float32 or float64 on any device.
    channels, depth : int
        Number of channels and truncation depth of the signatures.
    scalar_term : bool, optional
        Whether the rows begin with the constant 1.

    Returns
    -------
    ndarray of float64, shape (..., depth)
        Zero where no coefficient of a level is finite.

    Raises
    ------
    ValueError
        If the last axis is not the size of such a signature.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.testing import level_scales
    >>> level_scales(np.array([1.0, -2.0, 0.5, 2.0, 0.0, 2.0]), channels=2, depth=2)
    array([2., 2.])
    """
    values = np.abs(_on_host(signatures).astype(np.float64))
    values[~np.isfinite(values)] = 0.0
    starts = _starts(values.shape, channels, depth, scalar_term)
    levels = [values[..., begin:end].max(axis=-1) for begin, end in pairwise(starts)]
    return np.stack(levels, axis=-1)


def running_scales(
    path: Any, depth: int, *, stream: bool = False, prefixes: Any = None, **options: Any
) -> npt.NDArray[np.float64]:
    """The size of the numbers that are added up in each level, on the way along the path.

    Wherever a path is cut in two, its signature is the product of those of the parts, so each
    coefficient is a sum of coefficients before the cut times coefficients after it. They may
    cancel: for a path that returns, or whose steps are as large as itself. An implementation adds
    up such terms at one cut or another (at every step, between chunks of time, after `initial`),
    and its rounding error is that of the terms where they are largest: compare it with those.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        The paths, on the CPU.
    depth : int
        The largest number of letters of a word.
    stream : bool, optional
        Return a row for each prefix. Then only cuts before the last step and after `initial` are
        looked at, on the way to each row.
    prefixes : array_like, shape (..., rows, size), optional
        What ``signature(path, depth, stream=True, **options)`` is, if that is known; default: the
        slow reference implementation, about 0.1 ms for each point.
    **options
        `basepoint`, `initial`, `lengths`, `transform`, `inverse` and `scalar_term` as for
        `pysig.signature`.

    Returns
    -------
    ndarray of float64, shape (..., depth), with `stream` (..., rows, depth)
        To be given to `assert_signatures_close`.

    Raises
    ------
    TypeError, ValueError
        If `path`, `depth` and the options are none that `pysig.signature` takes, or `prefixes` are
        of other sizes.

    Notes
    -----
    With a_k and b_k the largest coefficients of level k before and after a cut, no term of level n
    is larger than the sum of a_k b_(n-k) over k = 0, ..., n.

    Examples
    --------
    There and back: nothing is left of the signature, but at the turn level 2 is added up from 9/2,
    -3 * 3 and 9/2.

    >>> import numpy as np
    >>> import pysig
    >>> from pysig.testing import running_scales
    >>> there_and_back = np.array([[0.0, 0.0], [3.0, 1.0], [0.0, 0.0]])
    >>> pysig.signature(there_and_back, 2)
    array([0., 0., 0., 0., 0., 0.])
    >>> running_scales(there_and_back, 2)
    array([ 6., 18.])
    """
    scalar_term = bool(options.get("scalar_term", False))
    if prefixes is None:
        prefixes = _law(path, depth, stream=True, **options)
    points = _points(path, *(options.get(k) for k in ("basepoint", "lengths", "transform")))
    channels = points.shape[-1]
    start = np.zeros((*points.shape[:-2], 1, depth))
    if options.get("initial") is not None:
        initial = level_scales(options["initial"], channels, depth, scalar_term=scalar_term)
        start += initial[..., None, :]
    known = level_scales(prefixes, channels, depth, scalar_term=scalar_term)
    before = np.concatenate([start, known], axis=-2)
    if stream:
        steps = level_scales(_exponentials(np.diff(points, axis=-2), depth), channels, depth)
        alone = level_scales(_law(points, depth, stream=True), channels, depth)
        terms = np.maximum(_terms(before[..., :-1, :], steps), _terms(start, alone))
        return np.asarray(np.maximum.accumulate(terms, axis=-2))
    # The reversed path runs through the suffixes backwards; inverses are as large, level by level.
    backwards = level_scales(_law(points[..., ::-1, :], depth, stream=True), channels, depth)
    after = np.concatenate([backwards[..., ::-1, :], np.zeros_like(start)], axis=-2)
    return np.asarray(_terms(before, after).max(axis=-2))


def _points(path: Any, basepoint: Any, lengths: Any, transform: Any) -> npt.NDArray[np.float64]:
    """The points that count, of the transformed path: the basepoint in front, the last point
    repeated to the end.
    """
    points = np.array(path, np.float64)
    batch, length = points.shape[:-2], points.shape[-2]
    ends = np.broadcast_to(length if lengths is None else lengths, batch)
    if basepoint is not None and basepoint is not False:
        base = np.zeros(1) if basepoint is True else np.asarray(basepoint, np.float64)
        base = np.broadcast_to(base, (*batch, points.shape[-1]))[..., None, :]
        points, ends = np.concatenate([base, points], axis=-2), ends + 1
    shape = points_after(points.shape[-2:], transform)
    out = np.empty((*batch, *shape))
    for b in np.ndindex(*batch):
        own = transformed(points[b][: ends[b]], stages_of(transform), batch, b)
        out[b] = own[np.minimum(np.arange(shape[0]), len(own) - 1)]
    return out


def _exponentials(increments: npt.NDArray[np.float64], depth: int) -> Any:
    """The signature of each step alone."""
    segments = np.stack([np.zeros_like(increments), increments], axis=-2)
    return _law(segments, depth)


def _terms(before: Any, after: Any) -> npt.NDArray[np.float64]:
    """The sums of before_k * after_(n-k), n = 1, ..., depth, where level 0 is 1."""
    a, b = (np.concatenate([np.ones((*x.shape[:-1], 1)), x], axis=-1) for x in (before, after))
    depth = after.shape[-1]
    levels = [sum(a[..., k] * b[..., n - k] for k in range(n + 1)) for n in range(1, depth + 1)]
    return np.stack(levels, axis=-1)


def assert_signatures_close(
    actual: Any,
    expected: Any,
    channels: int,
    depth: int,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    scale: Any = None,
    scalar_term: bool = False,
) -> None:
    """AssertionError unless two arrays of signatures agree, level by level.

    Level k agrees if no coefficient differs by more than ``rtol * scale[k - 1] + atol``. Infinities
    must be equal; NaN must occur in the same places. The scalar, if there is one, must be 1 in
    `actual`, exactly.

    Parameters
    ----------
    actual : array, shape (..., size)
        Values to test, float32 or float64, NumPy's or CuPy's.
    expected : array_like, shape (..., size)
        Expected values, in the same precision or a higher one.
    channels, depth : int
        Number of channels and truncation depth of the signatures.
    rtol : float, optional
        Default 1e-13 if `actual` is float64, 1e-5 if it is float32.
    atol : float, optional
        Default: the number below which the gradual underflow of the dtype of `actual` may have cost
        digits, 1e-31 for float32 and 1e-292 for float64.
    scale : array_like, shape (..., depth), optional
        Scale of each level, broadcast against the rows: see `running_scales`. Default: the largest
        absolute value of the level in `expected`, row by row, which is harsher.
    scalar_term : bool, optional
        Whether the rows begin with the constant 1.

    Raises
    ------
    AssertionError
        If they do not agree; the message names the word and the row that is worst.
    TypeError, ValueError
        If `actual` is not float32 or float64, its last axis not the size of such a signature, or
        `scale` not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> from pysig.testing import assert_signatures_close
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]])
    >>> result = pysig.signature(path, 2)
    >>> assert_signatures_close(result, [1, 2, 0.5, 2, 0, 2], channels=2, depth=2)
    >>> assert_signatures_close(result, [1, 2, 0.5, 2, 1e-9, 2], channels=2, depth=2)
    Traceback (most recent call last):
        ...
    AssertionError: level 2: word (1, 0): 0.0, expected 1e-09, ...
    """
    values, wanted = _on_host(actual), _on_host(expected)
    name = values.dtype.name
    if name not in _RTOL:
        raise TypeError(f"actual: expected float32 or float64, received {values.dtype}.")
    rtol = _RTOL[name] if rtol is None else rtol
    if atol is None:
        information = np.finfo(values.dtype)
        atol = float(information.tiny) / float(information.eps)
    assert values.shape == wanted.shape, f"shape: {values.shape}, expected {wanted.shape}"
    starts = _starts(values.shape, channels, depth, scalar_term)
    if scalar_term:
        assert np.all(values[..., 0] == 1), f"scalar: {values[..., 0]}, expected 1"
    values, wanted = values.astype(np.float64), wanted.astype(np.float64)
    if scale is None:
        scale = level_scales(wanted, channels, depth, scalar_term=scalar_term)
    scale = np.broadcast_to(np.asarray(scale, np.float64), (*values.shape[:-1], depth))
    if not np.isfinite(scale).all():
        raise ValueError("scale: expected finite numbers; with NaN every comparison would pass.")
    for level in range(1, depth + 1):
        part = slice(starts[level - 1], starts[level])
        tolerance = rtol * scale[..., level - 1, None] + atol
        _assert_level_close(values[..., part], wanted[..., part], tolerance, channels, level)


def assert_identical(actual: Any, expected: Any) -> None:
    """AssertionError unless two arrays are the same to the last bit.

    Shape and dtype must be the same too. The sign of zero counts; every NaN is taken for the same.

    Parameters
    ----------
    actual, expected : array
        NumPy's or CuPy's.

    Raises
    ------
    AssertionError
        If they differ; the message counts and names the differences.

    Examples
    --------
    >>> import numpy as np
    >>> from pysig.testing import assert_identical
    >>> assert_identical(np.array([0.0, np.nan]), np.array([0.0, np.nan]))
    >>> assert_identical(np.array([0.1 + 0.2]), np.array([0.3]))
    Traceback (most recent call last):
        ...
    AssertionError: 1 of 1 numbers differ, first at (0,): 0.30000000000000004, expected 0.3
    """
    values, wanted = _on_host(actual), _on_host(expected)
    assert values.dtype == wanted.dtype, f"dtype: {values.dtype}, expected {wanted.dtype}"
    assert values.shape == wanted.shape, f"shape: {values.shape}, expected {wanted.shape}"
    same = (values == wanted) & (np.signbit(values) == np.signbit(wanted))
    differ = ~(same | (np.isnan(values) & np.isnan(wanted)))
    if differ.any():
        first = tuple(int(i) for i in np.argwhere(differ)[0])
        raise AssertionError(
            f"{differ.sum()} of {differ.size} numbers differ, first at {first}: "
            f"{values[first]!s}, expected {wanted[first]!s}"
        )


def _on_host(array: Any) -> npt.NDArray[Any]:
    return np.asarray(array.get() if is_cupy(array) else array)


def _starts(shape: tuple[int, ...], channels: int, depth: int, scalar_term: bool) -> list[int]:
    """Where levels 1..depth begin, and the end."""
    plan = plan_for(channels, depth, scalar_term)
    if not shape or shape[-1] != plan.size:
        raise ValueError(
            f"signatures: expected a last axis of {plan.size} coefficients ({channels} channels, "
            f"depth {depth}, scalar_term={scalar_term}), received shape {shape}."
        )
    return [offset + scalar_term for offset in plan.offsets]


def _assert_level_close(
    values: npt.NDArray[np.float64],
    wanted: npt.NDArray[np.float64],
    tolerance: npt.NDArray[np.float64],
    channels: int,
    level: int,
) -> None:
    same = (values == wanted) | (np.isnan(values) & np.isnan(wanted))
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        error = np.where(same, 0.0, np.abs(values - wanted))
    excess = np.where(np.isnan(error), np.inf, error) - tolerance
    if not (excess > 0).any():
        return
    worst = np.unravel_index(np.argmax(excess), excess.shape)
    index, row = int(worst[-1]), tuple(int(i) for i in worst[:-1])
    word = tuple(int(letter) for letter in np.unravel_index(index, (channels,) * level))
    raise AssertionError(
        f"level {level}: word {word}{f' of row {row}' if row else ''}: {values[worst]!s}, "
        f"expected {wanted[worst]!s}, within {tolerance[row][0]:.3g}"
    )
