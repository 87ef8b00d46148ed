"""Assertions about signatures, for the tests of users and of pysig itself.

A signature spans many magnitudes: level k of a path of size r is about r^k / k!. A single tolerance
for the whole row does not test the top levels. A relative tolerance for each coefficient requires
digits that no algorithm can provide: the area of a closed path may be small because large terms
cancel. Coefficients are therefore compared level by level, relative to the scale of their level.
The best scale is the largest term that is added along the path (`running_scales`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from pysig._backend import is_cupy
from pysig._plans.layout import plan_for
from pysig._reference.signature import signature as _reference
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
    """Largest finite absolute value of each level.

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

    See Also
    --------
    running_scales : Largest term that is added up in each level along the path.

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
    """Largest term that is added up in each level along the path.

    If a path is cut in two, its signature is the product of the signatures of both parts. Each
    coefficient is then a sum of products, a coefficient before the cut times one after it. These
    terms may cancel, for example if the path returns. Every implementation adds up such terms at
    some cuts: at every step, between chunks, or after `initial`. Its rounding error is relative to
    the largest of these terms.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        The paths, on the CPU.
    depth : int
        The largest number of letters of a word.
    stream : bool, optional
        Return a row for each prefix. Only cuts before the last step and after `initial` are
        considered for each row.
    prefixes : array_like, shape (..., rows, size), optional
        The result of ``signature(path, depth, stream=True, **options)`` if it is known. By default
        the slow reference implementation computes it, in about 0.1 ms per point.
    **options
        `basepoint`, `initial`, `lengths`, `transform`, `inverse` and `scalar_term` as for
        `pysig.signature`.

    Returns
    -------
    ndarray of float64, shape (..., depth), with `stream` (..., rows, depth)
        The `scale` argument of `assert_signatures_close`.

    Raises
    ------
    TypeError, ValueError
        If `pysig.signature` does not accept `path`, `depth` and the options, or `prefixes` has
        another size.

    See Also
    --------
    level_scales : Largest finite absolute value of each level.

    Notes
    -----
    Let a_k and b_k be the largest coefficients of level k before and after a cut. Then no term of
    level n is larger than the sum of a_k b_(n-k) over k = 0, ..., n.

    Examples
    --------
    A path that returns has signature zero. At the turn, level 2 is the sum of 9/2, -3 * 3 and 9/2:

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
        prefixes = _reference(path, depth, stream=True, **options)
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
        alone = level_scales(_reference(points, depth, stream=True), channels, depth)
        terms = np.maximum(_terms(before[..., :-1, :], steps), _terms(start, alone))
        return np.asarray(np.maximum.accumulate(terms, axis=-2))
    # Prefixes of the reversed path are inverses of suffixes, and as large in each level.
    backwards = level_scales(_reference(points[..., ::-1, :], depth, stream=True), channels, depth)
    after = np.concatenate([backwards[..., ::-1, :], np.zeros_like(start)], axis=-2)
    return np.asarray(_terms(before, after).max(axis=-2))


def _points(path: Any, basepoint: Any, lengths: Any, transform: Any) -> npt.NDArray[np.float64]:
    """Points of the transformed path, with the basepoint in front. The last point is repeated in
    the padding.
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
    return _reference(segments, depth)


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
    """Raise AssertionError unless two arrays of signatures agree, level by level.

    Level k agrees if no coefficient differs by more than ``rtol * scale[k - 1] + atol``. Infinities
    must be equal; NaN must occur in the same places. With `scalar_term` the first entry of `actual`
    must be exactly 1.

    Parameters
    ----------
    actual : array, shape (..., size)
        Values to test: a NumPy or CuPy array of float32 or float64.
    expected : array_like, shape (..., size)
        Expected values, in the same precision or a higher one.
    channels, depth : int
        Number of channels and truncation depth of the signatures.
    rtol : float, optional
        Default 1e-13 if `actual` is float64, 1e-5 if it is float32.
    atol : float, optional
        Default: 1e-31 if `actual` is float32, 1e-292 if it is float64. Below these numbers gradual
        underflow may cost digits.
    scale : array_like, shape (..., depth), optional
        Scale of each level, broadcast against the rows: see `running_scales`. The default is
        stricter: the largest absolute value of the level in each row of `expected`.
    scalar_term : bool, optional
        Whether the rows begin with the constant 1.

    Raises
    ------
    AssertionError
        If they do not agree. The message names the row and the word of the largest error.
    TypeError, ValueError
        If `actual` is not float32 or float64, its last axis is not the size of such a signature, or
        `scale` is not finite.

    See Also
    --------
    assert_identical : Raise AssertionError unless two arrays are identical bit for bit.
    level_scales : Largest finite absolute value of each level.

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
    """Raise AssertionError unless two arrays are identical bit for bit.

    Shape and dtype must be equal too. The signs of zeros must agree; all NaN compare equal.

    Parameters
    ----------
    actual, expected : array
        NumPy or CuPy arrays.

    Raises
    ------
    AssertionError
        If they differ. The message gives the number of differences and the first one.

    See Also
    --------
    assert_signatures_close : Raise AssertionError unless two arrays of signatures agree, level by
        level.

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
    """Offsets of levels 1 to depth, and the end of the row."""
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
