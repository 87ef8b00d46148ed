"""Words: tuples of 0-based letters; level after level, lexicographic within a level."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

Word = tuple[int, ...]


def level_sizes(channels: int, depth: int) -> tuple[int, ...]:
    """Coefficients of levels 1..depth."""
    return tuple(channels**k for k in range(1, depth + 1))


def signature_size(channels: int, depth: int, scalar_term: bool = False) -> int:
    """Coefficients of a signature: d + d^2 + ... + d^depth, one more with the scalar."""
    size = depth if channels == 1 else (channels ** (depth + 1) - channels) // (channels - 1)
    return size + bool(scalar_term)


def words(channels: int, depth: int, scalar_term: bool = False) -> Iterator[Word]:
    """All words up to `depth` letters, in the order of the coefficients."""
    if scalar_term:
        yield ()
    for level in range(1, depth + 1):
        yield from product(range(channels), repeat=level)


def word_index(word: Word, channels: int, scalar_term: bool = False) -> int:
    """The index of the coefficient of `word`."""
    index = 0
    for letter in word:
        index = index * channels + letter
    return index + signature_size(channels, len(word) - 1, True) + scalar_term - 1 if word else 0


def index_word(index: int, channels: int, scalar_term: bool = False) -> Word:
    """The word of the coefficient at `index`."""
    rest = index - scalar_term
    if rest < 0:
        return ()
    if channels == 1:
        return (0,) * (rest + 1)
    level, count = 1, channels
    while rest >= count:
        rest -= count
        level, count = level + 1, count * channels
    letters = []
    for _ in range(level):
        rest, letter = divmod(rest, channels)
        letters.append(letter)
    return tuple(reversed(letters))
