"""Linear functionals of signatures, evaluated without the signatures."""

from __future__ import annotations

from typing import Any

from pysig._api._functional import FunctionalCall
from pysig._api._options import PathOptions, Unpack, complete, takes
from pysig._api._types import Array, ArrayLike


@takes(PathOptions)
def linear_functional(
    path: Array | ArrayLike,
    functional: Any,
    depth: int | None = None,
    *,
    words: Any = None,
    scalar_term: bool = False,
    out: Any = None,
    **options: Unpack[PathOptions],
) -> Array:
    """Linear functionals ``<l, S>`` of signatures, evaluated without the signatures.

    ``<l, S>`` is the sum of ``l[w] * S[w]`` over words w. The computation covers
    the words of l and their prefixes and stores no signature.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        See `signature`.
    functional : dict, list of dict, or array_like, shape (words,) or (functionals, words)
        A dict ``{word: coefficient}``, whose words are tuples of 0-based letters and may include
        the empty word; a list of such dicts; or an array of coefficients in the order of `words`,
        or laid out as a signature of `depth`. It applies to all paths. In an array laid out as a
        signature, zeros cost nothing.
    depth : int, optional
        For an array that is laid out as a signature.
    words : sequence of tuple of int, optional
        The words of the last axis of an array of any other layout.
    scalar_term : bool, optional
        Whether an array that is laid out as a signature, and `initial`, begin with the coefficient
        of the empty word.
    stream : bool, optional
        If True, return the functionals of all prefixes of the path.
    basepoint : bool or array_like, shape (..., channels), optional
        See `signature`.
    initial : array_like, shape (..., size), optional
        A signature to continue from, in the layout of the array of the functional: a signature of
        `depth`, or the coefficients of `words`, which must then include all their prefixes. For a
        dict, a signature whose depth is the length of the longest word.
    inverse : bool, optional
        If True, use the group inverse of the signature.
    lengths, offsets : array_like of int, optional
        See `signature`.
    transform : str, Time, or sequence of these, optional
        See `signature`; words are in the channels of the transformed path.
    workers : int, optional
        See `signature`.
    out : array, optional
        Output array. Must have the shape and dtype of the result and must not overlap an input.

    Returns
    -------
    array, shape (...) for one functional, (..., functionals) for several
        With `stream` there is an axis of prefixes after the leading dimensions. In the dtype of the
        path; coefficients are rounded to it.

    Raises
    ------
    TypeError, ValueError, MemoryError
        If an argument is invalid. The message names it.

    See Also
    --------
    signature : With ``words=``, the coefficients themselves.

    Notes
    -----
    Each step of a path takes ``1 + m`` multiply-adds for each word of l and each of their prefixes.
    m is the number of letters of its longest continuation, and 0 if nothing continues the word.

    Linear functionals of the signature are dense in the continuous functions of paths [1]_, so
    fitting l is linear regression.

    Of `initial`, a, only the prefixes of the words of l are read, because ``<l, a ⊗ S>`` is the sum
    of ``l[u v] a[u] S[v]`` over all cuts ``u v`` of the words.

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

    The path in two parts:

    >>> first = pysig.signature(path[:2], 2)
    >>> float(pysig.linear_functional(path[1:], area, initial=first))
    1.0
    """
    given = {**complete(linear_functional, options), "words": words, "scalar_term": scalar_term}
    return FunctionalCall("linear_functional", path, functional, depth, given).value(out)
