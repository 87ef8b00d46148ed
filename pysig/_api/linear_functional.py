"""P4. Linear functionals of signatures, evaluated without the signatures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from pysig._algebra import words as _words
from pysig._algebra.words import Word
from pysig._api import _checks
from pysig._api._words_argument import check_words
from pysig._api.projection import (
    ProjectionCall,
    check_projection,
    compute,
    cotangents,
    derivative,
    flat_cotangent,
    named_cotangents,
    tangents_of,
)
from pysig._api.transform import transformed_shape
from pysig._backend import NUMPY, is_cupy


class _Functional(NamedTuple):
    """Functionals as a matrix (functionals, words)."""

    words: tuple[Word, ...]
    matrix: Any
    single: bool


def _functional(
    functional: Any, path: Any, depth: Any, words: Any, scalar_term: bool, transform: Any
) -> _Functional:
    length, own = _checks.check_path(path)[1].shape[-2:]
    _, channels = transformed_shape(length, own, transform)
    scalar = _checks.check_flag(scalar_term, "scalar_term")
    if isinstance(functional, Mapping) or (
        isinstance(functional, (list, tuple)) and any(isinstance(f, Mapping) for f in functional)
    ):
        for name, value in (("depth", depth), ("words", words)):
            if value is not None:
                raise ValueError(
                    f"{name}: expected None for a functional that names its words, received "
                    f"{_checks.describe(value)}."
                )
        return _of_mappings(functional, channels)
    return _of_array(functional, channels, depth, words, scalar)


def _of_mappings(functional: Any, channels: int) -> _Functional:
    single = isinstance(functional, Mapping)
    rows = [functional] if single else list(functional)
    for row in rows:
        if not isinstance(row, Mapping):
            raise TypeError(
                "functional: expected a dict of words and coefficients in each place, received "
                f"{_checks.describe(row)}."
            )
    words = check_words(
        tuple({word: None for row in rows for word in row}) or ((),), channels, None
    )
    place = {word: k for k, word in enumerate(words)}
    matrix = np.zeros((len(rows), len(words)))
    for k, row in enumerate(rows):
        for word, value in row.items():
            if isinstance(value, np.ndarray) and value.ndim == 0:
                value = value.item()
            if not isinstance(value, (Real, np.number)):
                raise TypeError(
                    f"functional: expected a real number for {word}, received "
                    f"{_checks.describe(value)}."
                )
            matrix[k, place[tuple(word)]] = float(value)
    return _Functional(words, matrix, single)


def _of_array(functional: Any, channels: int, depth: Any, words: Any, scalar: bool) -> _Functional:
    host = functional.get() if is_cupy(functional) else functional
    array = _checks.as_numeric(host, "functional", NUMPY).astype(np.float64)
    if array.ndim not in (1, 2):
        raise ValueError(
            "functional: expected a dict of words and coefficients, a list of such, or an array of "
            f"shape (words,) or (functionals, words), received {_checks.describe(functional)}."
        )
    matrix = np.atleast_2d(array)
    if words is not None:
        checked = check_words(words, channels, depth)
        _check_width(array, len(checked))
        return _Functional(checked, matrix, array.ndim == 1)
    if depth is None:
        raise TypeError(
            "depth: expected the depth of the functional, or words=, those of its last axis; "
            "received None."
        )
    depth = _checks.check_integer(depth, "depth", 1)
    _check_width(array, _words.signature_size(channels, depth, scalar))
    whole = matrix if scalar else np.pad(matrix, ((0, 0), (1, 0)))
    kept = (whole != 0).any(axis=0)  # words of coefficient zero cost nothing
    kept[0] |= not kept.any()
    return _Functional(_those(channels, depth, kept.tobytes()), whole[:, kept], array.ndim == 1)


def _check_width(array: Any, width: int) -> None:
    if array.shape[-1] != width:
        raise ValueError(
            f"functional: expected {width} coefficients in the last axis, received shape "
            f"{tuple(array.shape)}."
        )


@lru_cache(maxsize=64)
def _those(channels: int, depth: int, kept: bytes) -> tuple[Word, ...]:
    """The words whose flags are set."""
    everything = _words.words(channels, depth, True)
    return tuple(word for word, flag in zip(everything, kept, strict=True) if flag)


def _check(
    what: str,
    path: Any,
    functional: Any,
    depth: Any,
    words: Any,
    scalar_term: bool,
    **options: Any,
) -> ProjectionCall:
    found = _functional(functional, path, depth, words, scalar_term, options["transform"])
    return check_projection(
        what,
        path,
        None,
        found.words,
        scalar_term=False,
        method="auto",
        matrix=found.matrix,
        single=found.single,
        **options,
    )


def linear_functional(
    path: Any,
    functional: Any,
    depth: int | None = None,
    *,
    words: Any = None,
    scalar_term: bool = False,
    stream: bool = False,
    basepoint: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int | None = None,
    out: Any = None,
) -> Any:
    """Linear functionals ``<l, S>`` of signatures, evaluated without the signatures.

    ``<l, S>`` is the sum of ``l[w] * S[w]`` over words w. No signature is stored, and what is
    computed on the way are the words of l and their prefixes.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        As for `signature`.
    functional : dict, list of dict, or array_like, shape (words,) or (functionals, words)
        ``{word: coefficient}``, words being tuples of 0-based letters, the empty word among them if
        you like; or several of them; or coefficients in the order of `words`, or laid out as a
        signature of `depth`. One functional for all paths. Words of coefficient zero cost nothing
        in an array that is laid out as a signature.
    depth : int, optional
        For an array that is laid out as a signature.
    words : sequence of tuple of int, optional
        The words of the last axis of an array of any other layout.
    scalar_term : bool, optional
        Whether such an array begins with the coefficient of the empty word.
    stream : bool, optional
        The functionals of all prefixes of the path: how they develop along it.
    basepoint : bool or array_like, shape (..., channels), optional
        As for `signature`.
    inverse : bool, optional
        Of the group inverse of the signature.
    lengths : array_like of int, shape (...), optional
        As for `signature`.
    transform : str, Time, or sequence of these, optional
        As for `signature`; words are in the channels of the transformed path.
    workers : int, optional
        As for `signature`.
    out : array, optional
        Where to write the result: its shape and dtype, memory of its own.

    Returns
    -------
    array, shape (...) for one functional, (..., functionals) for several
        With `stream` there is an axis of prefixes after the leading dimensions. In the dtype of the
        path; coefficients are rounded to it.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is not as described; the message names it.

    See Also
    --------
    signature : With ``words=``, the coefficients themselves.

    Notes
    -----
    Cost: for each path and step the sum over the words of l and their prefixes of one and the
    number of letters of the longest continuation: one multiply-add for a word that nothing
    continues. Linear functionals of the signature are dense in the continuous functions of paths
    [1]_: fitting l is linear regression.

    References
    ----------
    .. [1] D. Levin, T. Lyons, H. Ni, "Learning from the past, predicting the statistics for the
       future, learning an evolving system", arXiv:1309.0260, theorem 3.1.

    Examples
    --------
    The signed area between two channels, and how it grows:

    >>> import numpy as np
    >>> import pysig
    >>> area = {(0, 1): 0.5, (1, 0): -0.5}
    >>> path = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    >>> float(pysig.linear_functional(path, area))
    1.0
    >>> pysig.linear_functional(path, area, stream=True)
    array([0. , 0.5, 1. ])
    """
    call = _check(
        "linear_functional",
        path,
        functional,
        depth,
        words,
        scalar_term,
        stream=stream,
        basepoint=basepoint,
        initial=None,
        inverse=inverse,
        lengths=lengths,
        transform=transform,
        workers=workers,
    )
    return compute(call, out, {"path": path, "basepoint": basepoint, "lengths": lengths})


def linear_functional_jvp(
    path: Any,
    functional: Any,
    tangent: Any,
    depth: int | None = None,
    *,
    basepoint_tangent: Any = None,
    words: Any = None,
    scalar_term: bool = False,
    stream: bool = False,
    basepoint: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int | None = None,
) -> Any:
    """Derivative of `linear_functional` in a direction of the path (Jacobian-vector product).

    Parameters
    ----------
    path, functional, depth, words, scalar_term, stream, basepoint, inverse
        As for `linear_functional`.
    lengths, transform, workers
        As for `linear_functional`.
    tangent : array_like, shape of `path`
        How the points move; a shape that broadcasts to that of `path` will do.
    basepoint_tangent : array_like, optional
        How `basepoint` moves, if it is an array; None: it does not.

    Returns
    -------
    array
        Shape and dtype of ``linear_functional(path, functional, ...)``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `linear_functional` does; the message names the argument.

    Notes
    -----
    Cost: about three times that of `linear_functional`. In the coefficients of the functional it
    is linear: their derivative is `linear_functional` of the change.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> up = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    >>> float(pysig.linear_functional_jvp(path, {(0, 1): 0.5, (1, 0): -0.5}, up))
    -0.5
    """
    call = _check(
        "linear_functional",
        path,
        functional,
        depth,
        words,
        scalar_term,
        stream=stream,
        basepoint=basepoint,
        initial=None,
        inverse=inverse,
        lengths=lengths,
        transform=transform,
        workers=workers,
    )
    return derivative(call, tangents_of(call, tangent, basepoint_tangent, None))


def linear_functional_vjp(
    path: Any,
    functional: Any,
    cotangent: Any,
    depth: int | None = None,
    *,
    words: Any = None,
    scalar_term: bool = False,
    stream: bool = False,
    basepoint: Any = None,
    inverse: bool = False,
    lengths: Any = None,
    transform: Any = None,
    workers: int | None = None,
) -> Any:
    """Gradient of ``(cotangent * linear_functional(path, functional, ...)).sum()`` by the path.

    Parameters
    ----------
    path, functional, depth, words, scalar_term, stream, basepoint, inverse
        As for `linear_functional`.
    lengths, transform, workers
        As for `linear_functional`.
    cotangent : array_like, shape of ``linear_functional(path, functional, ...)``
        The weight of each value; a shape that broadcasts to it will do.

    Returns
    -------
    array, shape of `path`; or SignatureCotangents
        The gradient by the path; with an array for `basepoint`, gradients by both, as
        `signature_vjp` returns them.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `linear_functional` does; the message names the argument.

    Notes
    -----
    Cost: about three times that of `linear_functional`. The gradient by the coefficients of the
    functional is the signature itself: ``signature(path, words=words)``, times the cotangent and
    summed over the batch.

    Examples
    --------
    >>> import numpy as np
    >>> import pysig
    >>> path = np.array([[0.0, 0.0], [2.0, 1.0], [1.0, 3.0]])
    >>> pysig.linear_functional_vjp(path, {(0, 1): 0.5, (1, 0): -0.5}, 1.0)
    array([[-1. , -0.5],
           [ 1.5, -0.5],
           [-0.5,  1. ]])

    Moving the corner to the right adds area, moving it up takes some away.
    """
    call = _check(
        "linear_functional",
        path,
        functional,
        depth,
        words,
        scalar_term,
        stream=stream,
        basepoint=basepoint,
        initial=None,
        inverse=inverse,
        lengths=lengths,
        transform=transform,
        workers=workers,
    )
    return named_cotangents(call, cotangents(call, flat_cotangent(call, cotangent), {}))
