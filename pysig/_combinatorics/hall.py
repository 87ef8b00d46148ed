"""Hall sets: the Lyndon brackets and the standard Hall basis of the free Lie algebra.

A Hall set is a list of brackets, sorted by level, that is a basis of the free Lie algebra over the
integers. An element is a letter or `[left, right]`, where left and right are earlier elements with
`left < right` in the order of the set (`rank`). pysig has two Hall sets:

- *Lyndon*: the standard bracketing of the Lyndon words. The right factor is the longest proper
  suffix that is a Lyndon word. `rank` is lexicographic; each level lists its words in this order.
- *standard Hall* (P. Hall 1934, M. Hall 1950): `[a, b]` with `a < b`, where `b` is a letter or `b =
  [c, e]` with `c <= a`. `rank` is by level, then by left factor, then by right factor.

Source: C. Reutenauer, Free Lie Algebras (1993), chapters 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Union

Word = tuple[int, ...]
Bracket = Union[int, "tuple[Bracket, Bracket]"]


@dataclass(frozen=True)
class HallSet:
    """The elements of a Hall set up to `depth`, as indices into parallel tuples.

    The first elements are the letters 0, ..., channels - 1. `left[h]` and `right[h]` are the
    factors of element h, or -1 for letters. Level k is `range(start[k - 1], start[k])`.
    `splits_left` selects the factor that Jacobi's identity expands in a pair outside the set (see
    lie.py).
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

    def labels(self, letters: Sequence[str]) -> list[str]:
        """Every element as text: ``[x,[x,y]]``."""
        out: list[str] = []
        for h, (a, b) in enumerate(zip(self.left, self.right, strict=True)):
            out.append(letters[h] if a < 0 else f"[{out[a]},{out[b]}]")
        return out


def lyndon_words_by_level(channels: int, depth: int) -> list[list[Word]]:
    """Lyndon words of levels 1, ..., depth, each level in lexicographic order.

    Duval's algorithm (1988) generates each word from its predecessor.
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


def _prime_factors(n: int) -> list[int]:
    """The distinct prime factors."""
    factors, p = [], 2
    while p * p <= n:
        if n % p == 0:
            factors.append(p)
            while n % p == 0:
                n //= p
        p += 1
    return [*factors, n] if n > 1 else factors


@lru_cache(maxsize=4096)
def lyndon_count(channels: int, level: int) -> int:
    """The number of Lyndon words of level k (Witt 1937).

    It is (1/k) times the sum of mu(n) channels^(k/n) over the divisors n of k. mu(n) is (-1)^r if n
    is the product of r distinct primes, otherwise 0.
    """
    mu = {1: 1}
    for p in _prime_factors(level):
        mu |= {n * p: -sign for n, sign in mu.items()}
    total = sum(sign * int(channels ** (level // n)) for n, sign in mu.items())
    return total // level


@lru_cache(maxsize=4096)
def logsignature_size(channels: int, depth: int) -> int:
    """The number of coordinates of a log-signature: the dimension of the free Lie algebra."""
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
                suffix = index.get(word[cut:])
                if suffix is not None:
                    a, b = index[word[:cut]], suffix
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
