"""Argument checks of `words=`: distinct words, in the order of the columns."""

from __future__ import annotations

from collections import OrderedDict
from itertools import chain
from typing import Any

from pysig._api import _checks
from pysig._api.words import check_word
from pysig._combinatorics.words import Word

MAX_LETTERS = 64  # max_letters in csrc/include/pysig/cpu/kernels/tree_walk.hpp

# Caches of validated word sets, so that thousands of words are validated once: by value and, for
# immutable arguments, by identity. An entry holds the argument, its words and the channels needed.
_Entry = tuple[Any, tuple[Word, ...], int]
_checked: OrderedDict[int, _Entry] = OrderedDict()
_interned: OrderedDict[tuple[Word, ...], tuple[Word, ...]] = OrderedDict()
_MAX_ENTRIES = 64


def _cache(store: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    """Store an entry and evict the oldest ones."""
    store[key] = value
    while len(store) > _MAX_ENTRIES:
        try:
            store.popitem(last=False)
        except KeyError:  # another thread evicted it
            break


def check_words(words: Any, channels: int, depth: Any, name: str = "words") -> tuple[Word, ...]:
    """Convert `words` to a tuple of distinct words in letters below `channels`.

    Equal arguments give the same tuple. `name` is the argument that errors name.
    """
    entry = _checked.get(id(words))
    if entry is None or entry[0] is not words:
        entry = _check(words, channels, name)
    _, checked, channels_needed = entry
    if channels_needed > channels:
        _refuse_letters(checked, channels, name)
    if depth is not None:
        limit = _checks.check_integer(depth, "depth", 1)
        longest = max(checked, key=len)
        if len(longest) > limit:
            raise ValueError(
                f"words: expected at most depth={limit} letters, received {longest}. Leave depth "
                "out (None) for the depth of the longest word."
            )
    return checked


def _is_immutable(words: Any) -> bool:
    """Whether `words` consists of tuples of int, which are immutable."""
    return (
        type(words) is tuple
        and set(map(type, words)) <= {tuple}
        and set(map(type, chain.from_iterable(words))) <= {int}
    )


def _check(words: Any, channels: int, name: str) -> _Entry:
    if isinstance(words, (str, bytes)) or not hasattr(words, "__iter__"):
        raise TypeError(
            f"{name}: expected a sequence of words (tuples of channel numbers, counted from 0), "
            f"received {_checks.describe(words)}."
        )
    if isinstance(words, (set, frozenset)):
        raise TypeError(
            f"{name}: expected a sequence of words, in the order of the columns, received "
            f"{_checks.describe(words)}. Give it an order: words=sorted(words)."
        )
    immutable = _is_immutable(words)
    if immutable and min(chain.from_iterable(words), default=0) >= 0:
        letters = words
    else:
        letters = tuple(check_word(word, channels, _place(name, k)) for k, word in enumerate(words))
    if not letters:
        raise ValueError(f"{name}: expected at least one word, received none.")
    longest = max(letters, key=len)
    if len(longest) > MAX_LETTERS:
        raise ValueError(
            f"{_place(name, letters.index(longest))}: expected at most {MAX_LETTERS} letters in a "
            f"word, received {len(longest)} letters. Leave it out."
        )
    distinct = set(letters)
    if len(distinct) < len(letters):
        first: dict[Word, int] = {}
        again = next(k for k, word in enumerate(letters) if first.setdefault(word, k) != k)
        raise ValueError(
            f"{name}[{again}]: expected distinct words, received {letters[again]} more than once: "
            f"it is {name}[{first[letters[again]]}] too. Leave one out."
        )
    checked = _interned.get(letters, letters)
    _cache(_interned, checked, checked)
    needed = 1 + max(chain.from_iterable(letters), default=-1)
    if immutable:
        _cache(_checked, id(words), (words, checked, needed))
    return words, checked, needed


def _place(name: str, k: int) -> str:
    """The name of a word in messages; the words of a functional are keys, which have no place."""
    return name if name == "functional" else f"{name}[{k}]"


def _refuse_letters(words: tuple[Word, ...], channels: int, name: str) -> None:
    for k, word in enumerate(words):
        check_word(word, channels, _place(name, k))
