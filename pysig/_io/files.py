"""One reader for all input files of a command, in any format."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pysig._io.arrayfile import ArrayReader
from pysig._io.arrowfile import ArrowReader
from pysig._io.blocks import Block, Budget, InputError, Reader, file_size
from pysig._io.csvfile import CsvOptions, CsvReader

#: The first bytes of each format; a file that has none of them is CSV.
MAGIC = {
    b"\x93NUMPY": "array",
    b"PK": "array",
    b"PAR1": "parquet",
    b"ARROW1": "feather",
    b"FEA1": "old feather",
}
SUFFIXES = {".npy": "array", ".npz": "array", ".parquet": "parquet", ".feather": "feather"}


class Source(NamedTuple):
    """A file, or standard input where `path` is None, under the name that the user gave."""

    path: Path | None
    name: str

    @property
    def kind(self) -> str:
        """The format, by the first bytes of a regular file, else by the suffix."""
        if self.path is None:
            return "csv"
        if self.path.is_file():
            with self.path.open("rb") as file:
                start = file.read(8)
            for magic, kind in MAGIC.items():
                if start.startswith(magic):
                    return kind
        return SUFFIXES.get(self.path.suffix.lower(), "csv")


class FileOptions(NamedTuple):
    """Options for reading the input files."""

    csv: CsvOptions
    key: str | None = None
    mixed_dtypes: bool = False


def open_source(source: Source, options: FileOptions) -> Reader:
    """A reader for one file."""
    if source.path is not None and source.path.is_dir():
        raise InputError(f"{source.name}: is a folder; give the files in it")
    kind, csv = source.kind, options.csv
    if options.key is not None and kind != "array":
        raise InputError(f"{source.name}: --key {options.key}: not an .npz file")
    if kind == "csv" or source.path is None:
        return CsvReader(source.path, source.name, csv)
    if kind == "old feather":
        raise InputError(f"{source.name}: version 1 of Feather; save it again as version 2")
    if kind == "array":
        return ArrayReader(source.path, source.name, options.key, csv.allow_nan)
    parquet = kind == "parquet"
    return ArrowReader(source.path, source.name, parquet, csv.columns, csv.sort, csv.allow_nan)


@contextlib.contextmanager
def open_reader(sources: Sequence[Source], options: FileOptions) -> Iterator[Reader]:
    """A reader for all paths of all files, in order."""
    first = open_source(sources[0], options)
    with contextlib.closing(first):
        yield first if len(sources) == 1 else Files(first, sources, options)


class Files:
    """Several files, read in sequence. Apart from the first, only one is open at a time."""

    shape = None

    def __init__(self, first: Reader, sources: Sequence[Source], options: FileOptions) -> None:
        self.first = first
        self.sources = sources
        self.options = options
        self.name = f"{len(sources)} files"
        self.channels = first.channels
        self.width = first.width
        self.dtype = first.dtype
        self.id_name = first.id_name
        self.time_name, self.has_times, self.found = first.time_name, first.has_times, first.found
        self.total = self._total()

    def close(self) -> None:
        """The first file belongs to `open_reader`, the others are closed one by one."""

    def _total(self) -> int | None:
        """Bytes of all files. Raises an error before any work if one of them is missing."""
        sizes = []
        for source in self.sources:
            if source.path is None:
                raise InputError("-: standard input cannot be one of several files")
            sizes.append(file_size(source.path))
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def blocks(self, budget: Budget, tick: Callable[[int], None]) -> Iterator[Block]:
        """Yield all paths of all files; no two may have the same id."""
        origin: dict[str, str] = {}
        for k, source in enumerate(self.sources):
            reader = self.first if k == 0 else open_source(source, self.options)
            with contextlib.nullcontext() if k == 0 else contextlib.closing(reader):
                self._check(reader)
                for block in reader.blocks(budget, tick):
                    self._check_zone(reader)
                    ids = self._ids(reader, source, block)
                    if block.begins:
                        for key in ids:
                            if key in origin:
                                raise InputError(
                                    f"{source.name}: the id {key!r} occurs in {origin[key]} too; "
                                    "ids must differ between files"
                                )
                            origin[key] = source.name
                    yield replace(block, ids=ids)

    @property
    def zone(self) -> str | None:
        """The time zone of the first file."""
        return self.first.zone

    def _check_zone(self, reader: Reader) -> None:
        if (reader.zone is None) != (self.zone is None):
            have = "without" if reader.zone is None else "with"
            raise InputError(
                f"{reader.name}: dates {have} a time zone, unlike those of {self.first.name}; give "
                "all times a time zone, or none"
            )

    def _ids(self, reader: Reader, source: Source, block: Block) -> Sequence[str]:
        """Ids of the paths. Paths of arrays are named after their file, because indices collide."""
        if source.kind != "array":
            return block.ids
        if reader.shape == ():
            return [source.name]
        return [f"{source.name}[{key}]" for key in block.ids]

    def _check(self, reader: Reader) -> None:
        first = self.first
        if reader.channels != self.channels or reader.width != self.width:
            raise InputError(
                f"{reader.name}: {described(reader)}; "
                f"expected {described(first)}, as in {first.name}"
            )
        if reader.has_times != self.has_times:
            raise InputError(
                f"{reader.name}: {reader.found}; expected {first.found}, as in {first.name}"
            )
        if reader.dtype != self.dtype and not self.options.mixed_dtypes:
            raise InputError(
                f"{reader.name}: {reader.dtype}, but {first.name} is {self.dtype}; "
                "give --dtype to choose one"
            )


def described(reader: Reader) -> str:
    """The channels, for messages."""
    if reader.channels is None:
        return f"{reader.width} channels"
    return f"the channels {', '.join(map(repr, reader.channels))}"
