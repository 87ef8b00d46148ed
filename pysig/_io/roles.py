"""The role of each column of a table: id, time, channel, or ignored."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from pysig._io.blocks import InputError

ID_LIKE = frozenset(
    (
        "case",
        "group",
        "instrument",
        "key",
        "participant",
        "path",
        "patient",
        "recording",
        "sensor",
        "series",
        "session",
        "subject",
        "symbol",
        "ticker",
        "track",
        "trajectory",
        "uid",
        "unit",
        "user",
        "uuid",
    )
)
TIME_LIKE = frozenset(("date", "datetime", "epoch", "t", "timestamp", "ts"))
ID_SUFFIX = re.compile(r"(?i:[_\s.-]id)|[a-z]I[Dd]")


class ColumnOptions(NamedTuple):
    """Names of columns that the user gave."""

    id_column: str | None = None
    time_column: str | None = None
    channels: Sequence[str] | None = None
    ignore: Sequence[str] = ()


class Roles(NamedTuple):
    """Indices of columns."""

    id: int | None
    time: int | None
    channels: list[int]


def assign(
    names: Sequence[str], options: ColumnOptions, place: str, unnamed: int | None = None
) -> Roles:
    """Assign roles. A column that may name the paths or the times, but is not called `id` or
    `time`, is an error: a table of many paths must not become one path.

    `unnamed` is a column without a name, such as the index that pandas writes; it is ignored.
    """

    def at(name: str, option: str) -> int:
        if name not in names:
            raise InputError(
                f"{place}: {option} {name}: no such column; the columns are {listed(names)}"
            )
        return names.index(name)

    chosen = None
    if options.channels is not None:
        chosen = [at(name, "--channels") for name in options.channels]
    taken = {at(name, "--ignore") for name in options.ignore} | set(chosen or ())

    def usual(name: str) -> int | None:
        found = [k for k, other in enumerate(names) if other.casefold() == name]
        free = [k for k in found if k not in taken]
        return free[0] if len(free) == 1 else None

    id_at = usual("id") if options.id_column is None else at(options.id_column, "--id")
    time_at = usual("time")
    if options.time_column is not None:
        time_at = at(options.time_column, "--time-column")
    if id_at is not None and id_at == time_at:
        raise InputError(f"{place}: column {names[id_at]!r} cannot be both id and time")
    left = [k for k in range(len(names)) if k not in {*taken, id_at, time_at, unnamed}]
    if chosen is None:
        if id_at is None:
            refuse(names, left, looks_like_id, place, "the path of each row", "--id")
        if time_at is None:
            refuse(names, left, looks_like_time, place, "the time of each row", "--time-column")
        chosen = left
    if not chosen:
        raise InputError(
            f"{place}: no channels; the columns are {listed(names)}, "
            "and none of them is left for the values of the path"
        )
    return Roles(id_at, time_at, chosen)


def refuse(
    names: Sequence[str],
    left: Sequence[int],
    suspicious: Callable[[str], bool],
    place: str,
    meaning: str,
    option: str,
) -> None:
    """Raise an error if one of the columns that are left may have this meaning."""
    name = next((names[k] for k in left if suspicious(names[k])), None)
    if name is not None:
        raise InputError(
            f"{place}: column {name!r} may be {meaning}; give {option} {name}, or "
            f"--ignore {name}, or name the channels with --channels"
        )


def looks_like_id(name: str) -> bool:
    """Whether a column of this name usually names paths.

    >>> [looks_like_id(name) for name in ("Symbol", "patient_id", "seriesID", "grid", "x")]
    [True, True, True, False, False]
    """
    return name.casefold() in ID_LIKE or ID_SUFFIX.fullmatch(name[-3:]) is not None


def looks_like_time(name: str) -> bool:
    """Whether a column of this name usually holds times."""
    return name.casefold() in TIME_LIKE


def listed(names: Sequence[str]) -> str:
    """Names for messages."""
    return ", ".join(map(repr, names))
