"""Projections onto selected words: trees of words as arrays, cached."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pysig._combinatorics import word_trees
from pysig._combinatorics.words import Word

Readout = tuple[Any, Any, Any]  # begin, node, weight: see `readout` in projection_job.hpp


class Nodes:
    """A tree of words as arrays of int64, one entry for each node.

    `read` are the words of the columns of a result, `continued` the words of the columns of an
    `initial`.
    """

    def __init__(
        self, tree: word_trees.WordTree, read: tuple[Word, ...], continued: tuple[Word, ...]
    ) -> None:
        def array(values: Any) -> Any:
            return np.array(values, np.int64)

        self.words = tree.words
        self.parent, self.letter = array(tree.parent), array(tree.letter)
        self.height, self.level = array(tree.height), array([len(word) for word in tree.words])
        self.suffix = None if tree.suffix is None else array(tree.suffix)
        self.depth = max(int(self.height[0]), 1)
        self.cost = tree.cost
        index = {word: n for n, word in enumerate(tree.words)}
        self.read = array([index[word] for word in read])  # column of a result -> node
        column = {word: k for k, word in enumerate(continued)}
        self.column = array([column.get(word, -1) for word in tree.words])  # -1: none


@dataclass(frozen=True)
class Projection:
    """The coefficients of `words`, in this order, of signatures of `channels` channels.

    With `inverse`, of their inverses: S^-1(w) = (-1)^|w| S(w reversed).
    """

    channels: int
    words: tuple[Word, ...]
    inverse: bool = False
    scalar_term: bool = False

    @cached_property
    def kept(self) -> dict[int, Any]:
        """Tables on GPUs, by device."""
        return {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Projection, (self.channels, self.words, self.inverse, self.scalar_term)

    @cached_property
    def outputs(self) -> tuple[Word, ...]:
        """The word of each column of the result."""
        return ((), *self.words) if self.scalar_term else self.words

    @cached_property
    def letters(self) -> tuple[int, ...]:
        """The channels that occur, at least one; trees count in them."""
        return tuple(sorted({letter for word in self.words for letter in word})) or (0,)

    @cached_property
    def signs(self) -> Any:
        """The sign of each column."""
        levels = np.array([len(word) for word in self.outputs])
        return 1.0 - 2.0 * (levels % 2) if self.inverse else np.ones(len(levels))

    @cached_property
    def prefixes(self) -> Nodes:
        """The smallest tree: the words and their prefixes."""
        return self._nodes(word_trees.prefix_closure)

    @cached_property
    def factors(self) -> Nodes:
        """A tree closed under factors: its coefficients of chunks determine those of the path."""
        return self._nodes(word_trees.factor_closure)

    def _nodes(self, closure: Callable[[Iterable[Word]], set[Word]]) -> Nodes:
        place = {letter: k for k, letter in enumerate(self.letters)}
        words = tuple(tuple(place[letter] for letter in word) for word in self.outputs)
        read = tuple(word[::-1] for word in words) if self.inverse else words
        return Nodes(word_trees.tree_of(closure(read)), read, words)

    @cached_property
    def missing(self) -> Word | None:
        """An intermediate word that is not a column of the result, or None."""
        for word, column in zip(self.prefixes.words, self.prefixes.column, strict=True):
            if column < 0 and word:
                return tuple(self.letters[k] for k in word)
        return None

    def readout(self, tree: Nodes, matrix: Any, dtype: Any) -> Readout:
        """Rows of `matrix` (outputs, columns), or the columns themselves for None."""
        if matrix is None:
            return np.arange(len(tree.read) + 1), tree.read, self.signs.astype(dtype)
        rows, columns = np.nonzero(matrix)
        begin = np.concatenate([[0], np.cumsum(np.count_nonzero(matrix, axis=1))])
        weight = matrix[rows, columns] * self.signs[columns]
        return begin.astype(np.int64), tree.read[columns], weight.astype(dtype)


# Hashing thousands of words costs more than many a call, so tuples are looked up by identity. The
# cache keeps the tuples alive, so that no other object can have the same identity.
_known: OrderedDict[tuple[int, int, bool, bool], Projection] = OrderedDict()
_MAX_KNOWN = 64


def projection_for(
    channels: int, words: tuple[Word, ...], inverse: bool, scalar_term: bool
) -> Projection:
    """The projection onto `words`; the same object for the same tuple."""
    key = (id(words), channels, inverse, scalar_term)
    found = _known.get(key)
    if found is not None and found.words is words:
        return found
    made = Projection(channels, words, inverse, scalar_term)
    _known[key] = made
    while len(_known) > _MAX_KNOWN:
        try:
            _known.popitem(last=False)
        except KeyError:  # another thread was faster
            break
    return made
