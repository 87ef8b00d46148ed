"""Reading CSV: a header, then one row per point, with an optional column of ids and of times.

A column called `id` names the path of each row, a column called `time` orders its points, every
other column is a channel. Rows are read as a stream; every error names file, line and column.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain, groupby, islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pysig._io.blocks import Block, Budget, InputError, Run, collect, file_size, join

#: Ids, times and points of some rows.
Table = tuple[list[str], NDArray[np.float64], NDArray[np.float64]]

#: Spellings of a missing value in other programs.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
LINE_BREAK = re.compile("\r\n|\r|\n")

#: Rows that are turned into numbers at once.
CHUNK = 1024


@dataclass(frozen=True)
class CsvOptions:
    """Options for reading a CSV file."""

    id_column: str | None = None
    time_column: str | None = None
    channels: Sequence[str] | None = None
    ignore: Sequence[str] = ()
    delimiter: str = ","
    header: bool = True
    sort: bool = False
    allow_nan: bool = False


class CsvReader:
    """Paths of one CSV file, called `name` in messages; `path` None is standard input."""

    dtype = np.dtype(np.float64)
    shape = None

    def __init__(self, path: Path | None, name: str, options: CsvOptions) -> None:
        self.name = name
        self.options = options
        self.first_date: float | None = None
        self.total = None if path is None else file_size(path)
        self.raw: IO[bytes] = sys.stdin.buffer if path is None else path.open("rb")
        try:
            self.reader = csv.reader(
                self._text(), delimiter=options.delimiter, skipinitialspace=True, strict=True
            )
            self.records = self._records()
            self._columns()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file, but not standard input."""
        if self.raw is not sys.stdin.buffer:
            self.raw.close()

    def _text(self) -> IO[str]:
        """The text, unpacked if the bytes begin as gzip does; a byte order mark is dropped."""
        start = io.BufferedReader(self.raw)  # type: ignore[type-var]
        packed = start.peek(2)[:2] == b"\x1f\x8b"
        stream: Any = gzip.GzipFile(fileobj=start) if packed else start
        return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")

    def _records(self) -> Iterator[list[str]]:
        """Rows of text. Errors in the bytes or the quotes become an InputError."""
        line = 0
        try:
            for record in self.reader:
                yield record
                line = self.reader.line_num
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise InputError(
                f"{self.name}, after line {line}: not UTF-8 text (byte 0x{byte:02x}); "
                "save the file as UTF-8"
            ) from None
        except csv.Error as error:
            raise InputError(f"{self.name}, line {self.reader.line_num}: {error}") from None
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise InputError(
                f"{self.name}, after line {line}: damaged gzip file ({error})"
            ) from None

    def _columns(self) -> None:
        """Read the header and assign a role to each column."""
        first = next(self.records, None)
        if first is None:
            raise InputError(
                f"{self.name}: the file is empty; expected a header and rows of numbers"
            )
        first = [text.strip() for text in first]
        self.pushed: list[str] | None = None
        if self.options.header:
            self._check_header(first)
            names = first
        else:
            names = [str(number) for number in range(1, len(first) + 1)]
            self.pushed = first
        self.names = names
        self.id_at = self._find(self.options.id_column, "id", "--id")
        self.time_at = self._find(self.options.time_column, "time", "--time-column")
        if self.id_at is not None and self.id_at == self.time_at:
            raise InputError(
                f"{self.name}: column {names[self.id_at]!r} cannot be both id and time"
            )
        ignored = {self._at(name, "--ignore") for name in self.options.ignore}
        if self.options.channels is None:
            special = {self.id_at, self.time_at, *ignored}
            self.channel_at = [k for k in range(len(names)) if k not in special]
        else:
            self.channel_at = [self._at(name, "--channels") for name in self.options.channels]
        if not self.channel_at:
            raise InputError(
                f"{self.name}, line 1: no channels; the columns are {', '.join(map(repr, names))}, "
                "and none of them is left for the values of the path"
            )
        self.channels = tuple(names[k] for k in self.channel_at)
        self.width = len(self.channels)
        self.id_name = "id" if self.id_at is None else names[self.id_at]
        self.time_name = "time" if self.time_at is None else names[self.time_at]

    def _check_header(self, names: list[str]) -> None:
        place = f"{self.name}, line 1"
        if len(names) == 1:
            for other, word in ((";", "';'"), ("\t", "tab"), ("|", "'|'")):
                if other in names[0]:
                    raise InputError(
                        f"{place}: one column called {names[0]!r}; the file seems to be separated "
                        f"by {word}: give --delimiter {word}"
                    )
        if all(is_number(name) for name in names):
            raise InputError(
                f"{place}: numbers where the names of the columns should be; "
                "add a header, or give --no-header (columns are then called 1, 2, ...)"
            )
        for k, name in enumerate(names):
            if not name:
                raise InputError(f"{place}, column {k + 1}: the column has no name")
            if name in names[:k]:
                raise InputError(f"{place}, column {k + 1}: a second column is called {name!r}")

    def _find(self, wanted: str | None, usual: str, option: str) -> int | None:
        """Index of the column of ids or times: the given one, else the usual name."""
        if wanted is not None:
            return self._at(wanted, option)
        return self.names.index(usual) if usual in self.names else None

    def _at(self, name: str, option: str) -> int:
        if name not in self.names:
            raise InputError(
                f"{self.name}, line 1: {option} {name}: no such column; "
                f"the columns are {', '.join(map(repr, self.names))}"
            )
        return self.names.index(name)

    def blocks(self, budget: Budget, tick: Callable[[int], None]) -> Iterator[Block]:
        """Yield all paths in the order of the file."""
        runs = self._runs(tick)
        empty = True
        for block in collect(self._ordered(gather(runs) if self.options.sort else runs), budget):
            empty = False
            yield block
        if empty:
            raise InputError(f"{self.name}: a header but no rows of numbers")

    def _runs(self, tick: Callable[[int], None]) -> Iterator[Run]:
        """All rows, consecutive rows of one id together; without a column of times they are NaN."""
        done, start = 0, self.reader.line_num if self.pushed is None else 0
        records = self.records if self.pushed is None else chain([self.pushed], self.records)
        while rows := list(islice(records, CHUNK)):
            lines = line_numbers(rows, start, self.reader.line_num)
            start = self.reader.line_num
            try:
                keys, times, points = self._quick(rows)
            except ValueError:
                rows, lines = self._without_blanks(rows, lines, records)
                keys, times, points = self._careful(rows, lines)
            first = 0
            for key, group in groupby(keys):
                part = slice(first, first + sum(1 for _ in group))
                first = part.stop
                yield Run(key, lines[part], times[part], points[part])
            if self.total is not None:
                now = self.raw.tell()
                tick(now - done)
                done = now

    def _quick(self, rows: list[list[str]]) -> Table:
        """The numbers of many rows at once; ValueError for anything unusual."""
        columns = list(zip(*rows, strict=True))
        if len(columns) != len(self.names):
            raise ValueError
        keys = [self.name] * len(rows)
        if self.id_at is not None:
            keys = [text.strip() for text in columns[self.id_at]]
        at = self.channel_at if self.time_at is None else [self.time_at, *self.channel_at]
        numbers = np.array([list(map(float, columns[k])) for k in at])
        strange = any("_" in "".join(columns[k]) for k in at)  # Python reads 1_000
        finite = np.isfinite(
            numbers if not self.options.allow_nan else numbers[: len(at) - self.width]
        )
        if strange or not all(keys) or not finite.all():
            raise ValueError
        points = np.ascontiguousarray(numbers[len(at) - self.width :].T)
        return keys, np.full(len(rows), np.nan) if self.time_at is None else numbers[0], points

    def _careful(self, rows: list[list[str]], lines: NDArray[np.int64]) -> Table:
        """The same, cell by cell: the error names the cell."""
        keys, times, points = [], [], []
        for record, line in zip(rows, lines.tolist(), strict=True):
            if len(record) != len(self.names):
                raise InputError(
                    f"{self.name}, line {line}: {len(record)} fields, expected {len(self.names)} "
                    f"({self.names[0]!r} to {self.names[-1]!r})"
                )
            key = self.name if self.id_at is None else record[self.id_at].strip()
            if not key:
                raise InputError(f"{self._place(line, self.id_at)}: the id is missing")
            keys.append(key)
            times.append(
                math.nan if self.time_at is None else self._time(record[self.time_at], line)
            )
            points.append([self._value(record[at], line, at) for at in self.channel_at])
        return keys, np.array(times), np.array(points).reshape(-1, self.width)

    def _without_blanks(
        self, rows: list[list[str]], lines: NDArray[np.int64], records: Iterator[list[str]]
    ) -> tuple[list[list[str]], NDArray[np.int64]]:
        """Drop empty lines at the end of the file; between rows they are an error."""
        blank = next((k for k, record in enumerate(rows) if not record), None)
        if blank is None:
            return rows, lines
        if any(rows[blank:]) or any(records):
            self._careful(rows[:blank], lines[:blank])  # report earlier errors first
            raise InputError(f"{self.name}, line {lines[blank]}: an empty line; delete it")
        return rows[:blank], lines[:blank]

    def _ordered(self, runs: Iterable[Run]) -> Iterator[Run]:
        """Check that ids come together and times increase; number points that have no times."""
        seen: set[str] = set()
        current: str | None = None
        before, number = -math.inf, 0
        for run in runs:
            key, lines, times, points = run
            if key != current:
                if key in seen:
                    raise InputError(
                        f"{self._place(lines[0], self.id_at)}: the rows of {key!r} are not "
                        "together; give --sort to gather them in memory, or sort the file"
                    )
                seen.add(key)
                current, before, number = key, -math.inf, 0
            if self.time_at is None:
                times = np.arange(number, number + len(times), dtype=np.float64)
                number += len(times)
            else:
                self._check_times(run, before)
                before = times[-1]
            yield Run(key, lines, times, points)

    def _check_times(self, run: Run, before: float) -> None:
        previous = np.concatenate([[before], run.times[:-1]])
        wrong = np.flatnonzero(~(run.times > previous))
        if wrong.size == 0:
            return
        k = wrong[0]
        last, time = previous[k], run.times[k]
        what = "comes twice" if time == last else "goes back"
        hint = "; give --sort to sort in memory" if time < last else ""
        raise InputError(
            f"{self._place(run.lines[k], self.time_at)}: the time of {run.key!r} {what} "
            f"({last:.16g}, then {time:.16g}); times must increase{hint}"
        )

    def _place(self, line: int, at: int | None) -> str:
        column = "" if at is None else f", column {self.names[at]!r}"
        return f"{self.name}, line {line}{column}"

    def _value(self, text: str, line: int, at: int) -> float:
        """The number in one cell, or an error that explains the problem."""
        text = text.strip()
        missing = text.lower() in MISSING
        if missing and self.options.allow_nan:
            return math.nan
        if missing:
            what = f"a missing value ({text!r})" if text else "a missing value"
            advice = "fill it in or delete the row, or give --allow-nan to let NaN through"
        elif is_number(text):
            number = float(text)
            if math.isfinite(number) or self.options.allow_nan:
                return number
            what, advice = f"{text!r} is not finite", "give --allow-nan to let it through"
        else:
            what = f"{text!r} is not a number"
            if is_number(text.replace(",", ".")):
                advice = "write the decimal sign as a point"
            else:
                advice = f"if the column is not a channel, give --ignore {self.names[at]}"
        raise InputError(f"{self._place(line, at)}: {what}; {advice}")

    def _time(self, text: str, line: int) -> float:
        """A time: a finite number, or an ISO 8601 date in seconds since the first date of the file.

        Relative to 1970, two different seconds could round to the same float32.
        """
        text = text.strip()
        try:
            if is_number(text):
                time = float(text)
            else:
                time = iso_seconds(text)
                self.first_date = time if self.first_date is None else self.first_date
                time -= self.first_date
        except ValueError:
            time = math.nan
        if not math.isfinite(time):
            what = f"{text!r} is not a time" if text else "the time is missing"
            raise InputError(
                f"{self._place(line, self.time_at)}: {what}; "
                "expected a number or a date like 2024-01-31T09:30:00"
            )
        return time


def is_number(text: str) -> bool:
    """Whether the text is a number as other programs write it (Python also reads 1_000)."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def iso_seconds(text: str) -> float:
    """Seconds since 1970 of a date of ISO 8601; without a time zone it is taken as UTC."""
    moment = datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.timestamp()


def line_numbers(rows: list[list[str]], start: int, end: int) -> NDArray[np.int64]:
    """The number of the last line of each row; `start` lines precede, `end` is the last."""
    if end - start == len(rows):
        return np.arange(start + 1, end + 1)
    # some quoted cells contain line breaks
    breaks = [1 + sum(len(LINE_BREAK.findall(cell)) for cell in record) for record in rows]
    return start + np.cumsum(breaks)


def gather(runs: Iterable[Run]) -> Iterator[Run]:
    """All rows of each id together, ids in order of appearance, rows sorted by time if any."""
    paths: dict[str, list[Run]] = {}
    for run in runs:
        paths.setdefault(run.key, []).append(run)
    for parts in paths.values():
        path = join(parts)
        order = np.argsort(path.times, kind="stable")
        yield Run(path.key, path.lines[order], path.times[order], path.points[order])
