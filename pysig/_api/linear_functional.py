"""Linear functionals of signatures, evaluated without the signatures."""

from __future__ import annotations

from typing import Any

from pysig._api._functional import FunctionalCall
from pysig._api._options import PathOptions, Unpack, complete, takes


@takes(PathOptions)
def linear_functional(
    path: Any,
    functional: Any,
    depth: int | None = None,
    *,
    words: Any = None,
    scalar_term: bool = False,
    out: Any = None,
    **options: Unpack[PathOptions],
) -> Any:
    """Linear functionals ``<l, S>`` of signatures, evaluated without the signatures.

    ``<l, S>`` is the sum of ``l[w] * S[w]`` over words w. The computation covers
    the words of l and their prefixes and stores no signature.

    Parameters
    ----------
    path : array_like, shape (..., length, channels)
        See `signature`.
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
        Whether an array that is laid out as a signature, and `initial`, begin with the coefficient
        of the empty word.
    stream : bool, optional
        The functionals of all prefixes of the path: how they develop along it.
    basepoint : bool or array_like, shape (..., channels), optional
        See `signature`.
    initial : array_like, shape (..., size), optional
        A signature to continue from, laid out as the array of the functional is: as a signature of
        `depth`, or as `words`, which must then hold all their prefixes. For a dict, a signature of
        the depth of the longest word.
    inverse : bool, optional
        Of the group inverse of the signature.
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
    Cost: for each path and step the sum over the words of l and their prefixes of one and the
    number of letters of the longest continuation: one multiply-add for a word that nothing
    continues. Linear functionals of the signature are dense in the continuous functions of paths
    [1]_: fitting l is linear regression.

    Of `initial`, a, the prefixes of the words of l are read, which are computed anyway: ``<l, a ⊗
    S>`` sums ``l[u v] a[u] S[v]`` over the cuts of each word.

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
