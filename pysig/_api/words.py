"""Size of a signature, and the positions of the coefficients of words."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from pysig._api._checks import check_depth, check_flag, check_integer, describe
from pysig._api._memory import available_memory, check_memory, shortage
from pysig._backend import NUMPY
from pysig._combinatorics import words as _words

Word = tuple[int, ...]


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
        ``channels + channels**2 + ... + channels**depth``, exact, of any size.

    Raises
    ------
    TypeError, ValueError
        If an argument is not a positive integer.

    Examples
    --------
    >>> import pysig
    >>> pysig.signature_size(5, 4)
    780
    """
    channels, depth = check_integer(channels, "channels", 1), check_depth(depth)
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

    Examples
    --------
    >>> import pysig
    >>> pysig.words(2, 2)
    [(0,), (1,), (0, 0), (0, 1), (1, 0), (1, 1)]
    """
    channels, depth = check_integer(channels, "channels", 1), check_depth(depth)
    scalar_term = check_flag(scalar_term, "scalar_term")
    bytes_of_word = 56 + 8 * min(depth, 2**63)  # a tuple and its letters, at most
    check_memory(channels, depth, 1, scalar_term, bytes_of_word, NUMPY)
    return list(_words.words(channels, depth, scalar_term))


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

    Examples
    --------
    >>> import pysig
    >>> pysig.index_word(4, channels=2)
    (1, 0)
    """
    index, channels = check_integer(index, "index", 0), check_integer(channels, "channels", 1)
    scalar_term = check_flag(scalar_term, "scalar_term")
    available = available_memory(NUMPY)
    # With one channel, the word has about `index` letters.
    if channels == 1 and 8 * index > (available or 2**63):
        raise MemoryError(
            f"index: the word of index {index} has {index + 1 - scalar_term} letters and "
            f"{shortage(8 * index, available)}"
        )
    return _words.index_word(index, channels, scalar_term)


def check_word(word: Any, channels: int, name: str) -> Word:
    """Convert `word` to a tuple of letters below `channels`."""
    if isinstance(word, (str, bytes)) or not hasattr(word, "__iter__"):
        raise TypeError(
            f"{name}: expected a sequence of 0-based letters, received {describe(word)}. "
            "Write a word as a tuple of channel numbers, such as (0, 1)."
        )
    if isinstance(word, (Set, Mapping)):
        raise TypeError(
            f"{name}: expected a sequence of 0-based letters, in their order, received "
            f"{describe(word)}. Write the word as a tuple."
        )
    letters = tuple(check_integer(letter, f"{name}, a letter", 0) for letter in word)
    if any(letter >= channels for letter in letters):
        raise ValueError(f"{name}: expected letters from 0 to {channels - 1}, received {letters}.")
    return letters
