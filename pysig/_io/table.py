"""Paths of a table with one row per point: what its formats share.

A column called `id` names the path of each row, a column called `time` orders its points, every
other column is a channel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pysig._io.blocks import Block, Budget, InputError, Run, collect, join
from pysig._io.roles import ColumnOptions, assign


class TableReader:
    """Base class. A subclass yields runs of rows, and says how a place is called."""

    shape: tuple[int, ...] | None = None
    dtype: np.dtype[Any] = np.dtype(np.float64)
    row = "line"
    zone: str | None = None

    def __init__(self, name: str, sort: bool) -> None:
        self.name, self.sort = name, sort

    def assign_roles(
        self, names: Sequence[str], options: ColumnOptions, place: str, unnamed: int | None = None
    ) -> None:
        """Set the columns and their roles."""
        self.names = list(names)
        self.id_at, self.time_at, self.channel_at = assign(names, options, place, unnamed)
        self.channels = tuple(names[k] for k in self.channel_at)
        self.width = len(self.channel_at)
        self.id_name = "id" if self.id_at is None else names[self.id_at]
        self.time_name = "time" if self.time_at is None else names[self.time_at]

    @property
    def has_times(self) -> bool:
        """Whether there is a column of times."""
        return self.time_at is not None

    @property
    def found(self) -> str:
        """The columns of ids and times, for a message."""
        ids = "no id" if self.id_at is None else f"id: {self.id_name}"
        times = "no time" if self.time_at is None else f"time: {self.time_name}"
        return f"{ids}; {times}"

    def runs(self, tick: Callable[[int], None]) -> Iterator[Run]:
        """All rows in the order of the file, consecutive rows of one id together."""
        raise NotImplementedError

    def blocks(self, budget: Budget, tick: Callable[[int], None]) -> Iterator[Block]:
        """Yield all paths in the order of the file."""
        runs = self.runs(tick)
        empty = True
        for block in collect(self._ordered(gather(runs) if self.sort else runs), budget):
            empty = False
            yield block
        if empty:
            raise InputError(f"{self.name}: a header but no rows of numbers")

    def place(self, line: int, at: int | None) -> str:
        """The place of a cell, for messages."""
        column = "" if at is None else f", column {self.names[at]!r}"
        return f"{self.name}, {self.row} {line}{column}"

    def _ordered(self, runs: Iterable[Run]) -> Iterator[Run]:
        """Check that ids come together and times do not decrease; number points that have none."""
        seen: set[str] = set()
        current: str | None = None
        before: NDArray[Any] | None = None
        number = 0
        for run in runs:
            key, lines, times, points = run
            if key != current:
                if key in seen:
                    raise InputError(
                        f"{self.place(lines[0], self.id_at)}: the rows of {key!r} are not "
                        "together; give --sort to gather them in memory, or sort the file"
                    )
                seen.add(key)
                current, before, number = key, None, 0
            if self.time_at is None:
                times = np.arange(number, number + len(times), dtype=np.float64)
                number += len(times)
            else:
                self._check_times(run, before)
                before = times[-1:]
            yield Run(key, lines, times, points)

    def _check_times(self, run: Run, before: NDArray[Any] | None) -> None:
        """Ties are allowed: the path moves at that time."""
        times = run.times if before is None else np.concatenate([before, run.times])
        wrong = np.flatnonzero(times[1:] < times[:-1])
        if wrong.size:
            k = wrong[0]
            raise InputError(
                f"{self.place(run.lines[k + (before is None)], self.time_at)}: the time of "
                f"{run.key!r} goes back ({times[k]}, then {times[k + 1]}); "
                "give --sort to sort in memory"
            )


def grouped(
    keys: Sequence[str], lines: NDArray[np.int64], times: NDArray[Any], points: NDArray[Any]
) -> Iterator[Run]:
    """Divide rows into runs of equal keys."""
    first = 0
    for key, group in groupby(keys):
        part = slice(first, first + sum(1 for _ in group))
        first = part.stop
        yield Run(key, lines[part], times[part], points[part])


def gather(runs: Iterable[Run]) -> Iterator[Run]:
    """All rows of each id together, ids in order of appearance, rows sorted by time if any."""
    paths: dict[str, list[Run]] = {}
    for run in runs:
        paths.setdefault(run.key, []).append(run)
    for parts in paths.values():
        path = join(parts)
        order = np.argsort(path.times, kind="stable")
        yield Run(path.key, path.lines[order], path.times[order], path.points[order])
