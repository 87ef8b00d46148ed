"""Hall sets: the Lyndon brackets and the standard Hall basis of the free Lie algebra.

A Hall set is a list of bracketings, level by level, that is a basis of the free Lie algebra over
the integers. Each element is a letter or `[left, right]` of two earlier elements with `left <
right` in the order of the set (`rank`). Two are used:

- *Lyndon*: the standard bracketing of the Lyndon words (right factor: the longest proper suffix
  that is a Lyndon word), ordered lexicographically. Its level k is listed in lexicographic order of
  the words.
- *standard Hall* (P. Hall 1934, M. Hall 1950): `[a, b]` with `a < b`, and `b` is a letter or `b =
  [c, e]` with `c <= a`, ordered by level, then by left factor, then by right factor.

Source: C. Reutenauer, Free Lie Algebras (1993), chapters 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Union

Word = tuple[int, ...]
Bracket = Union[int, "tuple[Bracket, Bracket]"]


@dataclass(frozen=True)
class HallSet:
    """The elements of a Hall set up to `depth`, as indices into parallel tuples.

    `left[h]` and `right[h]` are elements, or -1 for the letters 0, ..., channels - 1, which are the
    first elements. Level k is `range(start[k - 1], start[k])`. `splits_left` says which factor of a
    pair that is not in the set is taken apart by Jacobi's identity (see lie.py).
    """

    channels: int
    depth: int
    left: tuple[int, ...]
    right: tuple[int, ...]
    start: tuple[int, ...]
    rank: tuple[int, ...]
    splits_left: bool

    def __len__(self) -> int:
        return len(self.left)

    def level(self, k: int) -> range:
        """The elements of level k."""
        return range(self.start[k - 1], self.start[k])

    def levels(self) -> list[int]:
        """The level of every element."""
        return [k for k in range(1, self.depth + 1) for _ in self.level(k)]

    def brackets(self) -> list[Bracket]:
        """Every element as nested pairs of 0-based letters."""
        out: list[Bracket] = []
        for h, (a, b) in enumerate(zip(self.left, self.right, strict=True)):
            out.append(h if a < 0 else (out[a], out[b]))
        return out

    def labels(self) -> list[str]:
        """Every element as text with 1-based letters: ``[1,[1,2]]``."""
        out: list[str] = []
        for h, (a, b) in enumerate(zip(self.left, self.right, strict=True)):
            out.append(str(h + 1) if a < 0 else f"[{out[a]},{out[b]}]")
        return out


def lyndon_words_by_level(channels: int, depth: int) -> list[list[Word]]:
    """The Lyndon words of each level 1, ..., depth, each level in lexicographic order (Duval 1988:
    each from the one before).
    """
    levels: list[list[Word]] = [[] for _ in range(depth)]
    if channels == 0:
        return levels
    word = [-1]
    while word:
        word[-1] += 1
        period = len(word)
        levels[period - 1].append(tuple(word))
        while len(word) < depth:
            word.append(word[-period])
        while word and word[-1] == channels - 1:
            word.pop()
    return levels


def _mobius(n: int) -> int:
    result, p = 1, 2
    while p * p <= n:
        if n % p == 0:
            n //= p
            if n % p == 0:
                return 0
            result = -result
        p += 1
    return -result if n > 1 else result


@lru_cache(maxsize=4096)
def lyndon_count(channels: int, level: int) -> int:
    """The number of Lyndon words of one level: (1/k) sum over d | k of mu(d) channels^(k/d) (Witt
    1937).
    """
    total = 0
    for divisor in range(1, level + 1):
        if level % divisor == 0:
            total += _mobius(divisor) * int(channels ** (level // divisor))
    return total // level


@lru_cache(maxsize=4096)
def logsignature_size(channels: int, depth: int) -> int:
    """The dimension of the free Lie algebra up to `depth`: the number of coordinates of a
    log-signature.
    """
    if channels == 1:
        return 1
    return sum(lyndon_count(channels, k) for k in range(1, depth + 1))


@lru_cache(maxsize=64)
def lyndon_set(channels: int, depth: int) -> HallSet:
    """The Lyndon words with their standard bracketing."""
    levels = lyndon_words_by_level(channels, depth)
    index: dict[Word, int] = {}
    left: list[int] = []
    right: list[int] = []
    start = [0]
    for words in levels:
        for word in words:
            a = b = -1
            for cut in range(1, len(word)):
                found = index.get(word[cut:])
                if found is not None:
                    a, b = index[word[:cut]], found
                    break
            index[word] = len(left)
            left.append(a)
            right.append(b)
        start.append(len(left))
    rank = [0] * len(left)
    for position, word in enumerate(sorted(index)):
        rank[index[word]] = position
    return HallSet(channels, depth, tuple(left), tuple(right), tuple(start), tuple(rank), True)


@lru_cache(maxsize=64)
def standard_hall_set(channels: int, depth: int) -> HallSet:
    """The standard Hall basis."""
    left = [-1] * channels
    right = [-1] * channels
    start = [0, channels]
    for level in range(2, depth + 1):
        for k in range(1, level // 2 + 1):
            for a in range(start[k - 1], start[k]):
                for b in range(max(start[level - k - 1], a + 1), start[level - k]):
                    if left[b] > a:  # the elements of a level are sorted by their left factors
                        break
                    left.append(a)
                    right.append(b)
        start.append(len(left))
    return HallSet(
        channels, depth, tuple(left), tuple(right), tuple(start), tuple(range(len(left))), False
    )
