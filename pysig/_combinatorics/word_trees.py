"""Sets of words as trees: closures under prefixes and factors, weighted truncation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from .words import Word

Number = int | float | Fraction


def prefix_closure(words: Iterable[Word]) -> set[Word]:
    """The words and all their prefixes, among them the empty word."""
    closure: set[Word] = {()}
    for word in words:
        while word not in closure:
            closure.add(word)
            word = word[:-1]
    return closure


def factor_closure(words: Iterable[Word]) -> set[Word]:
    """The words and all their factors (contiguous subwords)."""
    closure: set[Word] = {()}
    todo = list(words)
    while todo:
        word = todo.pop()
        if word not in closure:
            closure.add(word)
            todo += (word[:-1], word[1:])
    return closure


def weighted_count(weights: Sequence[Number], bound: Number, limit: int) -> int:
    """The number of words of `weighted_words`; any number above `limit` if there are more."""
    exact, heaviest = [Fraction(w) for w in weights], Fraction(bound)
    sums, total = {Fraction(0): 1}, 0
    while sums and total <= limit:
        longer: dict[Fraction, int] = {}
        for have, count in sums.items():
            for weight in exact:
                if have + weight <= heaviest:
                    longer[have + weight] = longer.get(have + weight, 0) + count
        sums = longer
        total += sum(sums.values())
    return total


def weighted_words(weights: Sequence[Number], bound: Number) -> Iterator[Word]:
    """Nonempty words whose letters have positive weights with a sum of at most `bound`.

    Sums are exact, whatever the weights.
    """
    exact, limit = [Fraction(w) for w in weights], Fraction(bound)
    level: list[tuple[Word, Fraction]] = [((), Fraction(0))]
    while level:
        level = [
            ((*word, letter), total + weight)
            for word, total in level
            for letter, weight in enumerate(exact)
            if total + weight <= limit
        ]
        for word, _ in level:
            yield word


@dataclass(frozen=True)
class WordTree:
    """A prefix-closed set of words, depth first.

    Among the children of a word, leaves come first (csrc/include/pysig/cpu/jobs/projection.hpp).
    """

    words: tuple[Word, ...]  # node -> word; the empty word is node 0
    parent: tuple[int, ...]
    letter: tuple[int, ...]  # the last; 0 for the root
    height: tuple[int, ...]
    suffix: tuple[int, ...] | None  # without the first letter; None if such a word is missing

    @property
    def cost(self) -> int:
        """Multiply-adds of one step."""
        return sum(self.height) - self.height[0] + len(self.words) - 1


def tree_of(closure: set[Word]) -> WordTree:
    """The tree of a prefix-closed set of words."""
    children: dict[Word, list[Word]] = {}
    for word in sorted(closure - {()}):
        children.setdefault(word[:-1], []).append(word)
    words: list[Word] = []
    stack: list[Word] = [()]
    while stack:
        word = stack.pop()
        words.append(word)
        below = children.get(word, [])
        # Last in, first out.
        stack += [w for w in reversed(below) if w in children]
        stack += [w for w in reversed(below) if w not in children]
    node = {word: n for n, word in enumerate(words)}
    parent = [node[word[:-1]] for word in words]
    height = [0] * len(words)
    for n in range(len(words) - 1, 0, -1):
        height[parent[n]] = max(height[parent[n]], height[n] + 1)
    suffix = [node.get(word[1:]) for word in words]
    return WordTree(
        tuple(words),
        tuple(parent),
        tuple(word[-1] if word else 0 for word in words),
        tuple(height),
        None if None in suffix else tuple(n for n in suffix if n is not None),
    )
