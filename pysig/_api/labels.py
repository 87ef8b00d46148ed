"""Labels of coefficients and of coordinates, for the columns of a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import Any

from pysig._api._checks import check_flag, check_integer, describe
from pysig._api._words_argument import check_words
from pysig._api.bases import TABLE_BYTES, check_basis, lyndon_words, sizes_of_basis
from pysig._api.words import check_list
from pysig._combinatorics import hall as _hall
from pysig._combinatorics import words as _words
from pysig._combinatorics.labels import label_names, quoted, word_label
from pysig._combinatorics.words import Word


def labels(
    channels: int,
    depth: int | None = None,
    *,
    scalar_term: bool = False,
    words: Any = None,
    names: Sequence[str] | None = None,
) -> list[str]:
    """Labels of the coefficients of a signature, in their order.

    Parameters
    ----------
    channels : int
        Number of channels of the path after a transform. Positive.
    depth : int, optional
        Positive. Optional with `words`.
    scalar_term : bool, optional
        If True, the first label is ``"()"``, the empty word.
    words : sequence of tuple of int, optional
        The words to label: the columns of ``signature(..., words=words)``.
    names : sequence of str, optional
        Names of the channels, all different. None: "0", "1", and so on, the letters of words.

    Returns
    -------
    list of str
        Letters are separated by commas. A name that holds a comma, bracket, parenthesis, semicolon
        or quote is in double quotes, as in CSV.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid; the message names it.
    MemoryError
        If the list does not fit into memory; the message names its bytes and the largest depth that
        fits.

    See Also
    --------
    words_of_labels : Words of labels: the inverse of `labels`.
    logsignature_labels : Labels of the coordinates of a log-signature, in their order.

    Examples
    --------
    >>> import pysig
    >>> pysig.labels(2, 2)
    ['0', '1', '0,0', '0,1', '1,0', '1,1']
    >>> pysig.labels(2, words=[(1, 0), (0, 1, 1)], names=["price", "size"])
    ['size,price', 'price,size,size']
    """
    channels = check_integer(channels, "channels", 1)
    letters = _letters(names, channels)
    scalar_term = check_flag(scalar_term, "scalar_term")
    if words is not None:
        scalar: tuple[Word, ...] = ((),) if scalar_term else ()
        checked = (*scalar, *check_words(words, channels, depth))
        return [word_label(word, letters) for word in checked]
    depth = check_integer(depth, "depth", 1)
    check_list(channels, depth, 56, 2)  # a string, its characters, and its place in the list
    listed = _words.words(channels, depth, scalar_term)
    return [word_label(word, letters) for word in listed]


def logsignature_labels(
    channels: int,
    depth: int,
    basis: str = "words",
    *,
    names: Sequence[str] | None = None,
) -> list[str]:
    """Labels of the coordinates of a log-signature, in their order.

    Parameters
    ----------
    channels, depth : int
        Positive.
    basis : {"words", "brackets", "hall", "expanded"}, optional
        See `logsignature`.
    names : sequence of str, optional
        See `labels`.

    Returns
    -------
    list of str
        Words, or brackets such as ``"[0,[0,1]]"``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        See `labels`.

    See Also
    --------
    labels : Labels of the coefficients of a signature, in their order.

    Examples
    --------
    >>> import pysig
    >>> pysig.logsignature_labels(2, 3)
    ['0', '1', '0,1', '0,0,1', '0,1,1']
    >>> pysig.logsignature_labels(2, 3, "brackets", names=["x", "y"])
    ['x', 'y', '[x,y]', '[x,[x,y]]', '[[x,y],y]']
    """
    if check_basis(basis) == "expanded":
        return labels(channels, depth, names=names)
    channels, depth = check_integer(channels, "channels", 1), check_integer(depth, "depth", 1)
    letters = _letters(names, channels)
    if basis == "words":
        sizes_of_basis(channels, depth, 48 + 56, 8 + 2)  # the words exist beside their labels
        return [word_label(word, letters) for word in lyndon_words(channels, depth)]
    # A label of k letters has 4 k - 3 characters.
    sizes = sizes_of_basis(channels, depth, TABLE_BYTES + 54, 4)
    elements = _hall.lyndon_set if basis == "brackets" else _hall.standard_hall_set
    return elements(*sizes).labels(letters)


def words_of_labels(
    labels: Sequence[str], channels: int, *, names: Sequence[str] | None = None
) -> list[Word]:
    """Words of labels: the inverse of `labels`.

    Parameters
    ----------
    labels : sequence of str
        Labels of words, with or without ``S( )`` around them, as in the columns of a table.
    channels : int
        Positive.
    names : sequence of str, optional
        Names of the channels, see `labels`.

    Returns
    -------
    list of tuple of int
        Words, for ``signature(..., words=...)``.

    Raises
    ------
    TypeError, ValueError
        If an argument is invalid, or a label has a name that is not a channel. The message names
        the position.

    See Also
    --------
    labels : Labels of the coefficients of a signature, in their order.

    Examples
    --------
    >>> import pysig
    >>> pysig.words_of_labels(["S(x)", "y,x"], 2, names=["x", "y"])
    [(0,), (1, 0)]
    """
    channels = check_integer(channels, "channels", 1)
    known = _check_names(names, channels)
    place = {name: letter for letter, name in enumerate(known)}
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise TypeError(f"labels: expected a sequence of str, received {describe(labels)}.")
    found = []
    for k, label in enumerate(labels):
        if not isinstance(label, str):
            raise TypeError(f"labels: expected str at position {k}, received {describe(label)}.")
        try:
            found.append(tuple(place[name] for name in label_names(label)))
        except (KeyError, csv.Error):
            raise ValueError(
                f"labels: expected names of channels, separated by commas, received {label!r} at "
                f"position {k}. The names are {', '.join(map(quoted, known))}."
            ) from None
    return found


def _letters(names: Any, channels: int) -> list[str]:
    """The names of the channels, quoted where necessary."""
    return [quoted(name) for name in _check_names(names, channels)]


def _check_names(names: Any, channels: int) -> list[str]:
    if names is None:
        return [str(letter) for letter in range(channels)]
    if isinstance(names, str) or not (
        isinstance(names, Sequence) and all(isinstance(name, str) for name in names)
    ):
        raise TypeError(f"names: expected a sequence of str, received {describe(names)}.")
    listed = [str(name) for name in names]
    if len(listed) != channels:
        raise ValueError(
            f"names: expected {channels} names, one for each channel, received {len(listed)}."
        )
    if len(set(listed)) < channels:
        twice = next(name for k, name in enumerate(listed) if name in listed[:k])
        raise ValueError(f"names: expected different names, received {twice!r} twice.")
    return listed
