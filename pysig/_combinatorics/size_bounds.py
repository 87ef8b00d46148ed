"""Bounds and estimates of the sizes of tables of the free Lie algebra, before they are built.

Two kinds of rows are long: a Lyndon bracket written out in words (expansion.py), and the functional
of its coordinate (lyndon_dual.py). The words of both are rearrangements of the Lyndon word; those
of the functional also share its first letter. This gives an upper bound at no cost.

The estimate builds the rows of a random sample of Lyndon words. The least rotation of a random
primitive word is uniformly distributed over the Lyndon words of its length n, because each of them
has n rotations. The standard bracketing splits off the least proper suffix (Duval 1983).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import factorial, prod
from random import Random

from .hall import Word, logsignature_size, lyndon_count
from .lyndon_dual import Polynomial, _Shuffle

SAMPLE = 64  # Lyndon words of a level; fewer, but at least MIN_SAMPLE, after MAX_ENTRIES entries
MIN_SAMPLE, MAX_ENTRIES = 8, 30_000


def upper_bound(channels: int, depth: int, kind: str) -> int:
    """An upper bound of the number of entries of all rows.

    A row has at most n! / (n_1! ... n_d!) entries, the arrangements of its n free letters, which is
    largest for equal n_i.
    """
    free = depth - (kind == "functionals")
    each, more = divmod(free, channels)
    frequencies = [each + 1] * more + [each] * (channels - more if each else 0)
    return logsignature_size(channels, depth) * (
        factorial(free) // prod(map(factorial, frequencies))
    )


@lru_cache(maxsize=256)
def estimate(channels: int, depth: int, kind: str) -> int:
    """Estimate the number of entries in the last two levels, which hold nearly all of them."""
    total = 0
    for level in range(max(1, depth - 1), depth + 1):
        length = _LENGTHS[kind](channels, level)
        words = entries = 0
        for word in _some_lyndon_words(channels, level):
            words, entries = words + 1, entries + length(word)
            if words == SAMPLE or (words >= MIN_SAMPLE and entries > MAX_ENTRIES):
                break
        total += lyndon_count(channels, level) * entries // words
    return total


def _some_lyndon_words(channels: int, level: int) -> Iterator[Word]:
    random = Random(f"{channels} {level}")
    while True:
        word = tuple(random.randrange(channels) for _ in range(level))
        rotations = [word[i:] + word[:i] for i in range(level)]
        if rotations.count(word) == 1:
            yield min(rotations)


def _split(word: Word) -> tuple[Word, Word]:
    cut = min(range(1, len(word)), key=lambda i: word[i:])
    return word[:cut], word[cut:]


def _functional_length(channels: int, level: int) -> Callable[[Word], int]:
    shuffle = _Shuffle(channels, level)
    tails: dict[Word, Polynomial] = {}

    def functional(word: Word) -> Polynomial:
        first = word[0] * channels ** (len(word) - 1)
        return {first + w: 1 for w in tail(word)}

    def tail(word: Word) -> Polynomial:
        """A multiple of T_h; only its words matter."""
        if len(word) == 1:
            return {0: 1}
        if word not in tails:
            a, b = _split(word)
            tails[word] = shuffle(tail(a), len(a) - 1, functional(b), len(b))
        return tails[word]

    return lambda word: len(tail(word))


def _bracket_length(channels: int, level: int) -> Callable[[Word], int]:
    known: dict[Word, Polynomial] = {(a,): {a: 1} for a in range(channels)}

    def expanded(word: Word) -> Polynomial:
        if word not in known:
            a, b = _split(word)
            p, q = channels ** len(a), channels ** len(b)
            out: Polynomial = {}
            for u, x in expanded(a).items():
                for v, y in expanded(b).items():
                    out[u * q + v] = out.get(u * q + v, 0) + x * y
                    out[v * p + u] = out.get(v * p + u, 0) - x * y
            known[word] = {w: c for w, c in out.items() if c}
        return known[word]

    return lambda word: len(expanded(word))


_LENGTHS = {"functionals": _functional_length, "brackets": _bracket_length}
