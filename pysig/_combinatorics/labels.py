"""Labels of words as text, and back. A name that is not plain is quoted as in CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from pysig._combinatorics.words import Word

SPECIAL = frozenset('(),;[]"\r\n')
EMPTY = "()"


def quoted(name: str) -> str:
    """The name, in quotes if it could not be parsed as one name without them.

    >>> quoted("x"), quoted("left, hand")
    ('x', '"left, hand"')
    """
    if not name or SPECIAL.intersection(name) or name != name.strip():
        return '"' + name.replace('"', '""') + '"'
    return name


def word_label(word: Word, letters: Sequence[str]) -> str:
    """The label of a word; `letters` are quoted names.

    >>> word_label((0, 1), ["x", "y"]), word_label((), ["x"])
    ('x,y', '()')
    """
    return ",".join([letters[letter] for letter in word]) or EMPTY


def label_names(label: str) -> list[str]:
    """The names in the label of a word, with or without ``S( )`` around it.

    >>> label_names('S(x,"left, hand")'), label_names("()")
    (['x', 'left, hand'], [])
    """
    text = label.strip()
    if text[:2] in ("S(", "L(") and text.endswith(")"):
        text = text[2:-1]
    elif text == EMPTY:
        return []
    return next(csv.reader([text], skipinitialspace=True, strict=True), [])


def names_after(names: Sequence[str], stages: Sequence[str], time: str = "time") -> tuple[str, ...]:
    """Names of the channels after the stages of a transform.

    >>> names_after(["x"], ["time", "lead_lag"])
    ('lag_x', 'lag_time', 'lead_x', 'lead_time')
    """
    known = tuple(names)
    for stage in stages:
        if stage == "time":
            known = (*known, time)
        elif stage == "lead_lag":
            known = tuple(f"{side}_{name}" for side in ("lag", "lead") for name in known)
        elif stage == "reset":
            known = (*known, "reset")
        twice = next((name for k, name in enumerate(known) if name in known[:k]), None)
        if twice is not None:
            raise ValueError(f"{stage}: a channel is already called {twice!r}; rename it")
    return known
