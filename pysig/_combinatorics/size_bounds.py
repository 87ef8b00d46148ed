"""How many entries the tables of the free Lie algebra will have, known before they are made.

Two kinds of rows are long: a Lyndon bracket written out in words (expansion.py), and the functional
that reads its coordinate off a tensor (functionals.py). Both hold words of the same letters as the
Lyndon word only, the functional words of the same first letter, which bounds their number from
above at no cost. Where that is not enough, rows of some Lyndon words are made: a random word,
turned to its least rotation, is any Lyndon word of its length with the same probability, for each
has as many rotations as letters. The standard bracketing splits off the least proper suffix (Duval
1983).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from math import factorial, prod
from random import Random

from .hall import Word, logsignature_size, lyndon_count
from .lyndon_dual import Polynomial, _Shuffle

SAMPLE = 64  # Lyndon words of a level; fewer, but not below FEWEST, once their rows are LONG
FEWEST, LONG = 8, 30_000


def at_most(channels: int, depth: int, kind: str) -> int:
    """No fewer than the entries of all rows: each has at most as many as there are arrangements of
    the letters that are free, which are most where all letters are equally frequent.
    """
    free = depth - (kind == "functionals")
    each, more = divmod(free, channels)
    frequencies = [each + 1] * more + [each] * (channels - more if each else 0)
    return logsignature_size(channels, depth) * (
        factorial(free) // prod(map(factorial, frequencies))
    )


@lru_cache(maxsize=256)
def about(channels: int, depth: int, kind: str) -> int:
    """The entries of the rows of the last two levels, by far the most, judged by a sample."""
    total = 0
    for level in range(max(1, depth - 1), depth + 1):
        length = _LENGTHS[kind](channels, level)
        words = found = 0
        for word in _some_lyndon_words(channels, level):
            words, found = words + 1, found + length(word)
            if words == SAMPLE or (words >= FEWEST and found > LONG):
                break
        total += lyndon_count(channels, level) * found // words
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
        """A multiple of T_h: which words it has is all that is asked."""
        if len(word) == 1:
            return {0: 1}
        if word not in tails:
            a, b = _split(word)
            tails[word] = shuffle(tail(a), len(a) - 1, functional(b), len(b))
        return tails[word]

    return lambda word: len(tail(word))


def _bracket_length(channels: int, level: int) -> Callable[[Word], int]:
    known: dict[Word, Polynomial] = {(a,): {a: 1} for a in range(channels)}

    def written_out(word: Word) -> Polynomial:
        if word not in known:
            a, b = _split(word)
            p, q = channels ** len(a), channels ** len(b)
            out: Polynomial = {}
            for u, x in written_out(a).items():
                for v, y in written_out(b).items():
                    out[u * q + v] = out.get(u * q + v, 0) + x * y
                    out[v * p + u] = out.get(v * p + u, 0) - x * y
            known[word] = {w: c for w, c in out.items() if c}
        return known[word]

    return lambda word: len(written_out(word))


_LENGTHS = {"functionals": _functional_length, "brackets": _bracket_length}
