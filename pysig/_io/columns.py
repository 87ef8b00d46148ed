"""Names of channels and of the columns of the output: `S(x,y)` is the coefficient of the word
x, y; `L(x,y)` and `L[x,y]` are coordinates of a log-signature.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

from pysig._io.blocks import InputError

SPECIAL = frozenset('(),;[]"\r\n')


def channel_names(names: Sequence[str] | None, width: int) -> tuple[str, ...]:
    """The names of the channels of a file; the default names are 0, 1, ...

    >>> channel_names(None, 2)
    ('0', '1')
    """
    return tuple(names) if names is not None else tuple(str(k) for k in range(width))


def transformed_names(names: Sequence[str], stages: Sequence[str], time: str) -> tuple[str, ...]:
    """The names of the channels after the stages of a transform.

    >>> transformed_names(["x"], ["time", "lead_lag"], "time")
    ('lag_x', 'lag_time', 'lead_x', 'lead_time')
    """
    known = tuple(names)
    for stage in stages:
        if stage in ("time", "times"):
            known = (*known, time)
        elif stage == "lead_lag":
            known = tuple(f"{side}_{name}" for side in ("lag", "lead") for name in known)
        elif stage == "reset":
            known = (*known, "reset")
        twice = next((name for k, name in enumerate(known) if name in known[:k]), None)
        if twice is not None:
            raise InputError(f"{stage}: a channel is already called {twice!r}; rename it")
    return known


def quoted(name: str) -> str:
    """The name, in quotes if it could not be parsed as one name without them.

    >>> quoted("x"), quoted("left, hand")
    ('x', '"left, hand"')
    """
    if SPECIAL.intersection(name) or name != name.strip():
        return '"' + name.replace('"', '""') + '"'
    return name


def column_names(
    channels: Sequence[str], words: Iterable[Sequence[int]], of: str = "S"
) -> list[str]:
    """One name per word; the empty word is `S()`.

    >>> column_names(["x", "y"], [(), (0,), (1, 0)])
    ['S()', 'S(x)', 'S(y,x)']
    """
    names = [quoted(name) for name in channels]
    return [f"{of}({','.join(names[letter] for letter in word)})" for word in words]


def bracket_names(channels: Sequence[str], brackets: Iterable[object]) -> list[str]:
    """One name per bracket.

    >>> bracket_names(["x", "y"], [0, (0, 1), (0, (0, 1))])
    ['L(x)', 'L[x,y]', 'L[x,[x,y]]']
    """
    names = [quoted(name) for name in channels]

    def text(bracket: object) -> str:
        if isinstance(bracket, tuple):
            left, right = bracket
            return f"[{text(left)},{text(right)}]"
        assert isinstance(bracket, int)
        return names[bracket]

    return [
        f"L{text(bracket)}" if isinstance(bracket, tuple) else f"L({text(bracket)})"
        for bracket in brackets
    ]


def parsed_words(text: str, channels: Sequence[str]) -> list[tuple[int, ...]]:
    """Words such as `x;x,y`, by names of channels; a name may be in double quotes.

    >>> parsed_words("x; y,x", ["x", "y"])
    [(0,), (1, 0)]
    """
    words = []
    for part in next(csv.reader([text], delimiter=";", quoting=csv.QUOTE_NONE), []):
        letters = next(csv.reader([part.strip()], skipinitialspace=True), [])
        names = [letter.strip() for letter in letters]
        unknown = next((name for name in names if name not in channels), None)
        if unknown is not None or not names:
            known = ", ".join(map(repr, channels))
            raise InputError(
                f"--words: {part.strip()!r} is not a word; letters are channels, separated by "
                f"commas: {known}"
            )
        words.append(tuple(channels.index(name) for name in names))
    return words
