"""Reading CSV: a header, then one row per point.

Rows are read as a stream; every error names file, line and column.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import math
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pysig._io import csvblock
from pysig._io.blocks import InputError, Run, file_size
from pysig._io.roles import ColumnOptions
from pysig._io.table import TableReader, grouped
from pysig._io.text import Lines
from pysig._io.times import INTEGER, TimeColumn, is_date, is_number

#: Ids, times and points of some rows; with their line numbers.
Numbers = tuple[list[str], NDArray[Any], NDArray[np.float64]]
Table = tuple[list[str], NDArray[np.int64], NDArray[Any], NDArray[np.float64]]

#: Spellings of a missing value in other programs.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})
BOOLEAN = {"true": 1.0, "false": 0.0}
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
HEXADECIMAL = re.compile(r"[+-]?0[xX][0-9a-fA-F]+")
LINE_BREAK = re.compile("\r\n|\r|\n")

#: Rows that are turned into numbers at once, and bytes if there is nothing unusual in them.
CHUNK = 1024
BLOCK = 1 << 23

NO_COLUMNS = ColumnOptions()


@dataclass(frozen=True)
class CsvOptions:
    """Options for reading a CSV file."""

    columns: ColumnOptions = NO_COLUMNS
    delimiter: str = ","
    comment: str | None = None
    header: bool = True
    sort: bool = False
    allow_nan: bool = False


class CsvReader(TableReader):
    """Paths of one CSV file, called `name` in messages; `path` None is standard input."""

    def __init__(self, path: Path | None, name: str, options: CsvOptions) -> None:
        super().__init__(name, options.sort)
        self.options = options
        self.moments = TimeColumn()
        self.total = None if path is None else file_size(path)
        self.raw: IO[bytes] = sys.stdin.buffer if path is None else path.open("rb")
        try:
            with self._explained():
                self.lines = Lines(self.raw, options.comment)
            self.reader = csv.reader(
                self.lines, delimiter=options.delimiter, skipinitialspace=True, strict=True
            )
            self.records = self._records()
            self._columns()
        except BaseException:
            self.close()
            raise

    @property
    def zone(self) -> str | None:  # type: ignore[override]
        """The time zone of the first time."""
        return self.moments.zone

    def close(self) -> None:
        """Close the file, but not standard input."""
        if self.raw is not sys.stdin.buffer:
            self.raw.close()

    def _records(self) -> Iterator[list[str]]:
        with self._explained():
            yield from self.reader

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Errors in the bytes or the quotes become an InputError."""
        try:
            yield
        except UnicodeDecodeError as error:
            data, line = error.object, self.lines.count + 1
            wide = line == 1 and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
            what = "UTF-16 text" if wide else f"not UTF-8 text (byte 0x{data[error.start]:02x})"
            raise InputError(f"{self.name}, line {line}: {what}; save the file as UTF-8") from None
        except csv.Error as error:
            raise InputError(
                f"{self.name}, line {self.lines.count}: {error}; close every quote, and write a "
                "quote within a field twice"
            ) from None
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise InputError(f"{self.name}: damaged gzip file ({error})") from None

    def _columns(self) -> None:
        """Read the header and assign a role to each column."""
        first = next((r for r in self.records if not blank(r)), None)
        if first is None:
            raise InputError(
                f"{self.name}: the file is empty; expected a header and rows of numbers"
            )
        first = [text.strip() for text in first]
        self.head = self.lines.count
        self.pushed: list[tuple[int, list[str]]] = []  # rows that were read early, and their lines
        if self.options.header:
            self._check_header(first)
            names = first
        else:
            names = [str(number) for number in range(1, len(first) + 1)]
            self.pushed.append((self.head, first))
        columns = self.options.columns
        unnamed = names.index("") if "" in names else None
        if unnamed is not None:
            names[unnamed] = str(unnamed + 1)
            if not self._is_index(names[unnamed], unnamed):
                unnamed = None
        self.assign_roles(names, columns, f"{self.name}, line {self.head}", unnamed)

    def _is_index(self, name: str, at: int) -> bool:
        """Whether a column without a name holds row numbers and has no other role."""
        columns = self.options.columns
        given = (columns.id_column, columns.time_column, *(columns.channels or ()))
        if name in given or name in columns.ignore or columns.channels is not None:
            return False
        following = next((r for r in self.records if not blank(r)), None)
        if following is None:
            return True
        self.pushed.append((self.lines.count, following))
        text = following[at].strip() if at < len(following) else ""
        if text and INTEGER.fullmatch(text) is None:
            raise InputError(
                f"{self.name}, line {self.head}, column {name}: the column has no name and begins "
                f"with {text!r}; give --id {name}, --time-column {name} or --ignore {name}"
            )
        return True

    def _check_header(self, names: list[str]) -> None:
        place = f"{self.name}, line {self.head}"
        if names[0].startswith("#"):
            raise InputError(
                f"{place}: a comment; give --comment '#' to skip such lines, or delete them"
            )
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
            if name in names[:k]:
                what = f"is called {name!r}" if name else "has no name"
                raise InputError(f"{place}, column {k + 1}: a second column {what}")

    def runs(self, tick: Callable[[int], None]) -> Iterator[Run]:
        """All rows, consecutive rows of one id together; without a column of times they are NaN."""
        self.done = 0
        if self.pushed:
            numbers = np.array([line for line, _ in self.pushed])
            yield from grouped(*self._table([row for _, row in self.pushed], numbers))
        if self.lines.has_blocks and csvblock.available():
            yield from self._fast_runs(tick)
        before = self.lines.count
        while rows := list(islice(self.records, CHUNK)):
            numbers = line_numbers(rows, before, self.lines.count)
            before = self.lines.count
            yield from grouped(*self._table(rows, numbers))
            self._tick(tick)

    def _fast_runs(self, tick: Callable[[int], None]) -> Iterator[Run]:
        """Rows of blocks, until one has anything unusual in it."""
        columns = csvblock.Columns(
            self.names, self.options.delimiter, self.id_at, self.time_at, self.channel_at
        )
        while True:
            with self._explained():
                block = self.lines.block(BLOCK)
            if not block:
                return
            rows = csvblock.parse(block, columns, self.moments, self.name)
            if rows is None:
                self.lines.put_back(block)
                return
            count = len(rows.points)
            lines = np.arange(self.lines.count + 1, self.lines.count + count + 1)
            self.lines.count += count
            times = np.full(count, np.nan) if rows.times is None else rows.times
            ends = [*rows.starts[1:].tolist(), count]
            for key, start, end in zip(rows.keys, rows.starts.tolist(), ends, strict=True):
                yield Run(key, lines[start:end], times[start:end], rows.points[start:end])
            self._tick(tick)

    def _tick(self, tick: Callable[[int], None]) -> None:
        if self.total is not None:
            now = self.raw.tell()
            tick(now - self.done)
            self.done = now

    def _table(self, rows: list[list[str]], lines: NDArray[np.int64]) -> Table:
        """Ids, line numbers, times and points of some rows."""
        try:
            keys, times, points = self._quick(rows)
        except ValueError:
            kept = [k for k, record in enumerate(rows) if not blank(record)]
            rows, lines = [rows[k] for k in kept], lines[kept]
            keys, times, points = self._careful(rows, lines)
        return keys, lines, times, points

    def _quick(self, rows: list[list[str]]) -> Numbers:
        """The numbers of many rows at once; ValueError for anything unusual."""
        columns = list(zip(*rows, strict=True))
        if len(columns) != len(self.names):
            raise ValueError
        keys = [self.name] * len(rows)
        if self.id_at is not None:
            keys = [text.strip() for text in columns[self.id_at]]
        numbers = np.array([list(map(float, columns[k])) for k in self.channel_at])
        strange = any("_" in "".join(columns[k]) for k in self.channel_at)  # Python reads 1_000
        if strange or not all(keys) or not (self.options.allow_nan or np.isfinite(numbers).all()):
            raise ValueError
        if self.time_at is None:
            times: NDArray[Any] = np.full(len(rows), np.nan)
        else:
            times = self.moments.parse(columns[self.time_at])
        return keys, times, np.ascontiguousarray(numbers.T)

    def _careful(self, rows: list[list[str]], lines: NDArray[np.int64]) -> Numbers:
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
                raise InputError(f"{self.place(line, self.id_at)}: the id is missing")
            keys.append(key)
            if self.time_at is not None:
                times.append(self._time(record[self.time_at], line))
            points.append([self._value(record[at], line, at) for at in self.channel_at])
        stamps = np.array(times) if self.time_at is not None else np.full(len(keys), np.nan)
        return keys, stamps, np.array(points, dtype=np.float64).reshape(-1, self.width)

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
        elif text.lower() in BOOLEAN:
            return BOOLEAN[text.lower()]
        else:
            what, advice = f"{text!r} is not a number", self._advice(text, self.names[at])
        raise InputError(f"{self.place(line, at)}: {what}; {advice}")

    def _advice(self, text: str, name: str) -> str:
        """The remedy for a cell of text in a column of numbers."""
        if THOUSANDS.fullmatch(text):
            return "remove the separators of thousands"
        if is_number(text.replace(",", ".")):
            return "write the decimal sign as a point"
        if HEXADECIMAL.fullmatch(text):
            return "write hexadecimal numbers in decimal"
        ignore = f"if the column is not a channel, give --ignore {name}"
        if is_date(text) and self.time_at is None:
            return f"if the column holds the times, give --time-column {name}; {ignore}"
        if self.id_at is None:
            return f"if the column names the paths, give --id {name}; {ignore}"
        return ignore

    def _time(self, text: str, line: int) -> Any:
        try:
            return self.moments.one(text)
        except ValueError as error:
            raise InputError(f"{self.place(line, self.time_at)}: {error}") from None


def blank(record: Sequence[str]) -> bool:
    """Whether a row is an empty line or a line of spaces."""
    return not record or (len(record) == 1 and not record[0].strip())


def line_numbers(rows: list[list[str]], start: int, end: int) -> NDArray[np.int64]:
    """The number of the last line of each row; `start` lines precede, `end` is the last."""
    if end - start == len(rows):
        return np.arange(start + 1, end + 1)
    # some quoted cells contain line breaks
    breaks = [1 + sum(len(LINE_BREAK.findall(cell)) for cell in record) for record in rows]
    return start + np.cumsum(breaks)
