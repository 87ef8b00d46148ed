"""Sets of words for `signature(..., words=...)`."""

from __future__ import annotations

from fractions import Fraction
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from pysig._api._checks import describe
from pysig._api._words_argument import MAX_LETTERS, check_words
from pysig._combinatorics import word_trees as _trees
from pysig._combinatorics.words import Word

MAX_WORDS = 4_000_000  # the tuple of a word takes about a hundred bytes


def anisotropic_words(weights: Any, bound: float) -> tuple[Word, ...]:
    """Words up to a total weight, for a signature truncated by weight instead of length.

    Each channel has a weight. The truncation contains a word if the weights of its letters add up
    to at most `bound`. Equal weights give the truncation by length. Channels that are smooth, such
    as time, or less important get a larger weight and thus shorter words.

    Parameters
    ----------
    weights : sequence of float
        One for each channel, positive.
    bound : float
        The largest weight of a word.

    Returns
    -------
    tuple of tuple of int
        For ``words=`` of `signature`. Sorted by level, then lexicographically, and closed under
        prefixes and suffixes, without the empty word. Sums of weights are exact: the floats ``0.1 +
        0.2`` exceed ``0.3``. Use integers or fractions to avoid this.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, or a word of more than 64 letters would belong to the set.
    MemoryError
        If there are more than 4 million words.

    See Also
    --------
    prefix_closure : The words and all their prefixes, which a computation of the words requires.
    words : All words, in the order of the coefficients of a signature.

    References
    ----------
    .. [1] T. Lyons, "Differential equations driven by rough signals", Rev. Mat. Iberoam. 14 (1998),
       on geometric rough paths of inhomogeneous smoothness; L. Gyurkó, "Differential equations
       driven by Pi-rough paths", Proc. Edinburgh Math. Soc. 59 (2016), section 2.

    Examples
    --------
    Time has weight 2 and a Brownian channel weight 1, by Brownian scaling:

    >>> import pysig
    >>> pysig.anisotropic_words([2, 1], 3)
    ((0,), (1,), (0, 1), (1, 0), (1, 1), (1, 1, 1))
    """
    if isinstance(weights, (str, bytes)) or not hasattr(weights, "__iter__"):
        raise TypeError(f"weights: expected a sequence of numbers, received {describe(weights)}.")
    numbers = [_number(weight, "weights") for weight in weights]
    limit = _number(bound, "bound")
    if not numbers:
        raise ValueError("weights: expected one for each channel, received none.")
    smallest = min(numbers)
    if smallest <= 0:
        raise ValueError(f"weights: expected positive numbers, received {smallest}.")
    if limit // smallest > MAX_LETTERS:
        raise ValueError(
            f"bound: expected at most {MAX_LETTERS} times the smallest weight, {smallest}, because "
            f"words have at most {MAX_LETTERS} letters; received {bound}."
        )
    if _trees.weighted_count(numbers, limit, MAX_WORDS) > MAX_WORDS:
        raise MemoryError(
            f"bound: expected a bound that at most {MAX_WORDS} words meet, received {bound}. "
            "Lower it, or raise the weights."
        )
    return tuple(_trees.weighted_words(numbers, limit))


def prefix_closure(words: Any) -> tuple[Word, ...]:
    """The words and all their prefixes, which a computation of the words requires.

    Parameters
    ----------
    words : sequence or set of tuple of int
        0-based letters.

    Returns
    -------
    tuple of tuple of int
        Sorted by level, then lexicographically. Contains the empty word only if `words` does.

    Raises
    ------
    TypeError, ValueError
        If `words` is not a sequence or set of distinct words.

    See Also
    --------
    anisotropic_words : Words up to a total weight, for a signature truncated by weight instead of
        length.

    Examples
    --------
    >>> import pysig
    >>> pysig.prefix_closure([(0, 1, 1), (2,)])
    ((0,), (2,), (0, 1), (0, 1, 1))
    """
    # Sets are accepted, because the result is sorted.
    listed = tuple(words) if isinstance(words, (set, frozenset)) else words
    checked = check_words(listed, 2**63, None)
    closure = _trees.prefix_closure(checked)
    if () not in checked:
        closure.discard(())
    return tuple(sorted(closure, key=lambda word: (len(word), word)))


def _number(value: Any, name: str) -> Any:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (Real, np.number, Fraction)):
        raise TypeError(f"{name}: expected real numbers, received {describe(value)}.")
    number = value.item() if isinstance(value, np.generic) else value
    if not isfinite(number):
        raise ValueError(f"{name}: expected finite numbers, received {value}.")
    return number
