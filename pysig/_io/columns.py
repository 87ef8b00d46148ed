"""Names of the columns of a signature: `S(x,y)` is the coefficient of the word x, y."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pysig._io.blocks import InputError

SPECIAL = frozenset('(),"\r\n')


def channel_names(names: Sequence[str] | None, width: int, time: str | None) -> tuple[str, ...]:
    """Names of all channels, `time` first if it is a channel; the default names are 0, 1, ...

    >>> channel_names(None, 2, "time")
    ('time', '0', '1')
    """
    known = tuple(names) if names is not None else tuple(str(k) for k in range(width))
    if time is None:
        return known
    if time in known:
        raise InputError(f"--time: a channel is already called {time!r}; rename it")
    return (time, *known)


def quoted(name: str) -> str:
    """The name, in quotes if it could not be parsed as one name without them.

    >>> quoted("x"), quoted("left, hand")
    ('x', '"left, hand"')
    """
    if SPECIAL.intersection(name) or name != name.strip():
        return '"' + name.replace('"', '""') + '"'
    return name


def column_names(channels: Sequence[str], words: Iterable[Sequence[int]]) -> list[str]:
    """One name per word; the empty word is `S()`.

    >>> column_names(["x", "y"], [(), (0,), (1, 0)])
    ['S()', 'S(x)', 'S(y,x)']
    """
    names = [quoted(name) for name in channels]
    return [f"S({','.join(names[letter] for letter in word)})" for word in words]
