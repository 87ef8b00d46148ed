"""Size of a signature, and the positions of the coefficients of words."""

from __future__ import annotations

from collections.abc import Mapping, Set
from math import log2
from typing import Any

from pysig._api._checks import check_depth, check_flag, check_integer, describe, integer_text
from pysig._api._memory import SMALL_RESULT_BYTES, available_memory, check_bytes, shortage
from pysig._backend import NUMPY
from pysig._combinatorics import words as _words
from pysig._combinatorics.hall import lyndon_count

Word = tuple[int, ...]
MAX_BITS = 2**14  # of a size: no array is as large, and more digits would take seconds


def signature_size(channels: int, depth: int, scalar_term: bool = False) -> int:
    """Number of coefficients of a signature.

    Parameters
    ----------
    channels, depth : int
        Positive.
    scalar_term : bool, optional
        Whether to count the coefficient of the empty word, the constant 1.

    Returns
    -------
    int
        ``channels + channels**2 + ... + channels**depth``, exact.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a positive integer, or the size has more than 16,384 bits.

    See Also
    --------
    words : All words, in the order of the coefficients of a signature.
    logsignature_size : Number of coordinates of a log-signature.

    Examples
    --------
    >>> import pysig
    >>> pysig.signature_size(5, 4)
    780
    """
    channels, depth = check_integer(channels, "channels", 1), check_depth(depth)
    check_exact_size(channels, depth)
    return _words.signature_size(channels, depth, check_flag(scalar_term, "scalar_term"))


def words(channels: int, depth: int, scalar_term: bool = False) -> list[Word]:
    """All words, in the order of the coefficients of a signature.

    Parameters
    ----------
    channels, depth : int
        Positive.
    scalar_term : bool, optional
        Whether the empty word comes first.

    Returns
    -------
    list of tuple of int
        Letters are 0-based channel numbers.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a positive integer.
    MemoryError
        If the list does not fit into memory; the message names its bytes and the largest depth that
        fits.

    See Also
    --------
    word_index : Position of the coefficient of a word in a signature.
    labels : Labels of the coefficients of a signature, in their order.

    Examples
    --------
    >>> import pysig
    >>> pysig.words(2, 2)
    [(0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)]
    """
    channels, depth = check_integer(channels, "channels", 1), check_depth(depth)
    scalar_term = check_flag(scalar_term, "scalar_term")
    check_list(channels, depth, 48, 8)  # a tuple, its letters, and its place in the list
    return list(_words.words(channels, depth, scalar_term))


def check_list(channels: int, depth: int, fixed: int, letter: int, lyndon: bool = False) -> None:
    """MemoryError if a list of all words, or of all Lyndon words, does not fit into memory.

    Each takes `fixed` bytes, and `letter` bytes for each of its letters.
    """

    def bytes_at(candidate: int) -> int:
        if channels == 1:  # only of all words
            return candidate * fixed + candidate * (candidate + 1) // 2 * letter
        count = lyndon_count if lyndon else pow
        return sum(count(channels, k) * (fixed + letter * k) for k in range(1, candidate + 1))

    check_bytes("the list", channels, depth, bytes_at, NUMPY)


def check_exact_size(channels: int, depth: int) -> None:
    """ValueError for sizes of signatures that have more than MAX_BITS bits."""
    if channels > 1 and depth > (largest := max(1, int(MAX_BITS / log2(channels)))):
        raise ValueError(
            f"depth: expected at most {largest} for {integer_text(channels)} channels, received "
            f"{integer_text(depth)}. The size would have more than {MAX_BITS} bits; reduce depth."
        )


def word_index(word: Word, channels: int, scalar_term: bool = False) -> int:
    """Position of the coefficient of a word in a signature.

    Parameters
    ----------
    word : sequence of int
        0-based letters, each below `channels`.
    channels : int
        Positive.
    scalar_term : bool, optional
        Whether signatures begin with the coefficient of the empty word, the constant 1.

    Returns
    -------
    int
        The index; it does not depend on the depth.

    Raises
    ------
    TypeError, ValueError
        If `word` is not a sequence of such letters.

    See Also
    --------
    index_word : The word of the coefficient at `index`: the inverse of `word_index`.

    Examples
    --------
    >>> import pysig
    >>> pysig.word_index((1, 0), channels=2)
    4
    """
    channels = check_integer(channels, "channels", 1)
    scalar_term = check_flag(scalar_term, "scalar_term")
    letters = check_word(word, channels, "word")
    if not letters and not scalar_term:
        raise ValueError(
            "word: expected at least one letter (the empty word needs scalar_term=True), "
            "received ()."
        )
    return _words.word_index(letters, channels, scalar_term)


def index_word(index: int, channels: int, scalar_term: bool = False) -> Word:
    """The word of the coefficient at `index`: the inverse of `word_index`.

    Parameters
    ----------
    index : int
        Not negative.
    channels : int
        Positive.
    scalar_term : bool, optional
        Whether signatures begin with the coefficient of the empty word, the constant 1.

    Returns
    -------
    tuple of int
        0-based letters.

    Raises
    ------
    TypeError, ValueError
        If an argument is not such an integer.
    MemoryError
        If there is one channel and the word does not fit into memory.

    See Also
    --------
    word_index : Position of the coefficient of a word in a signature.

    Examples
    --------
    >>> import pysig
    >>> pysig.index_word(4, channels=2)
    (1, 0)
    """
    index, channels = check_integer(index, "index", 0), check_integer(channels, "channels", 1)
    scalar_term = check_flag(scalar_term, "scalar_term")
    if channels == 1 and 8 * index > SMALL_RESULT_BYTES:  # the word has about `index` letters
        available = available_memory(NUMPY)
        if 8 * index > (2**63 - 1 if available is None else available):
            raise MemoryError(
                f"index: the word of index {index} has {index + 1 - scalar_term} letters and "
                f"{shortage(8 * index, available)} Use a smaller index, or more channels."
            )
    return _words.index_word(index, channels, scalar_term)


def check_word(word: Any, channels: int, name: str) -> Word:
    """Convert `word` to a tuple of letters below `channels`."""
    if isinstance(word, str):
        raise TypeError(
            f"{name}: expected a sequence of 0-based letters, received {describe(word)}. Write a "
            "word as a tuple of channel numbers, such as (0, 1). If it is a label, convert all "
            f"labels: pysig.words_of_labels(labels, channels={channels})."
        )
    if isinstance(word, bytes) or not hasattr(word, "__iter__"):
        raise TypeError(
            f"{name}: expected a sequence of 0-based letters, received {describe(word)}. "
            "Write a word as a tuple of channel numbers, such as (0, 1)."
        )
    if isinstance(word, (Set, Mapping)):
        raise TypeError(
            f"{name}: expected a sequence of 0-based letters, in their order, received "
            f"{describe(word)}. Write the word as a tuple."
        )
    letters = tuple(check_integer(letter, f"{name}[{k}]", 0) for k, letter in enumerate(word))
    if any(letter >= channels for letter in letters):
        raise ValueError(
            f"{name}: expected letters from 0 to {channels - 1}, received {describe(letters)}."
        )
    return letters
