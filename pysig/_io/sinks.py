"""Writing signatures to a temporary file that is renamed, so that no partial file appears."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import os
import shutil
import stat
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pysig._io.blocks import InputError
from pysig._io.times import written

SUFFIXES = (".csv", ".csv.gz", ".npy", ".npz", ".parquet", ".feather")


@dataclass(frozen=True)
class Result:
    """Signatures of one block of paths.

    Attributes
    ----------
    ids : sequence of str
        One per path.
    points : ndarray of int64 of shape (batch,)
        The number of points of each path in this block.
    values : ndarray of shape (batch, size), or (batch, prefixes, size) for a stream or windows
        The signatures.
    times : ndarray of shape (batch, prefixes), or None
        For a stream: the time of the last point of each prefix. For windows: of their ends.
    prefixes : ndarray of int64 of shape (batch,), or None
        For a stream: the number of prefixes of each path. For windows: their number.
    zone : str, or None
        The time zone in which dates are shown; they are in UTC. None: they have none.
    begins, ends : bool
        False for a chunk of a long path that began earlier or continues.
    """

    ids: Sequence[str]
    points: NDArray[np.int64]
    values: NDArray[Any]
    times: NDArray[Any] | None = None
    prefixes: NDArray[np.int64] | None = None
    begins: bool = True
    ends: bool = True
    zone: str | None = None


@dataclass(frozen=True)
class Layout:
    """The layout of the output, known before the first block. `columns` is empty for arrays;
    `array` is the name of the array of results in an archive.
    """

    id_name: str
    time_name: str
    channels: Sequence[str]
    columns: Sequence[str]
    size: int
    depth: int
    dtype: np.dtype[Any]
    stream: bool
    shape: tuple[int, ...] | None
    array: str = "signature"


class Sink(Protocol):
    """Takes results in order; `finish` completes the file, `close` always releases it."""

    def write(self, result: Result) -> None:
        """Add the signatures of a block."""

    def finish(self) -> None:
        """Complete the file. Not called when something failed."""

    def close(self) -> None:
        """Release all resources of the sink. The output file belongs to the caller."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A new file beside `path` that replaces it at the end, or is removed after a failure."""
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")
    if target.exists() and not os.access(target, os.W_OK):
        raise InputError(f"{path}: the file may not be written to")
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mode = 0o666 & ~current_umask()
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"{path}: cannot write in the folder {target.parent} ({reason})") from None
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


@contextlib.contextmanager
def spooling() -> Iterator[IO[bytes]]:
    """A temporary file, copied to standard output at the end or dropped after a failure."""
    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer, 1 << 20)
        sys.stdout.buffer.flush()


def current_umask() -> int:
    """The permissions that new files lack."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_suffix(path: Path) -> str:
    """The suffix that selects the format."""
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise InputError(f"{path}: the suffix selects the format; use one of {', '.join(SUFFIXES)}")


def table_columns(layout: Layout) -> list[str]:
    """The columns of a table: ids, for a stream also times, and the coefficients."""
    first = [layout.id_name, layout.time_name] if layout.stream else [layout.id_name]
    names = [*first, *layout.columns]
    if len(set(names)) < len(names):
        twice = next(name for k, name in enumerate(names) if name in names[:k])
        raise InputError(f"two columns of the output would be called {twice!r}; rename the input's")
    return names


def open_sink(file: IO[bytes], suffix: str, layout: Layout, folder: Path | None = None) -> Sink:
    """The sink for this suffix; `folder` is where large intermediate files go."""
    if suffix == ".npy":
        return NpySink(file, layout)
    if suffix == ".npz":
        return NpzSink(file, layout, folder)
    if suffix in (".parquet", ".feather"):
        from pysig._io.arrowsink import ArrowSink

        return ArrowSink(file, layout, suffix == ".parquet")
    return CsvSink(file, layout, packed=suffix.endswith(".gz"))


class CsvSink:
    """A header with the words, then one row per path, or per prefix with its time."""

    def __init__(self, file: IO[bytes], layout: Layout, packed: bool = False) -> None:
        names = table_columns(layout)
        # mtime=0: the same input gives the same bytes
        self.packed = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else None
        stream: Any = self.packed if self.packed is not None else file
        self.text: io.TextIOWrapper | None = io.TextIOWrapper(stream, encoding="utf-8", newline="")
        self.writer = csv.writer(self.text, lineterminator="\n")
        self.writer.writerow(names)

    def write(self, result: Result) -> None:
        """Add rows. Numbers have enough digits to be read back exactly."""
        values = result.values
        if values.dtype == np.float32:
            values = values.astype(str)  # shortest for float32; float() of it would show 17 digits
        if result.times is None or result.prefixes is None:
            self.writer.writerows(
                [key, *row] for key, row in zip(result.ids, values.tolist(), strict=True)
            )
            return
        for k, (key, count) in enumerate(zip(result.ids, result.prefixes.tolist(), strict=True)):
            times = written(result.times[k, :count], result.zone)
            rows = zip(times, values[k, :count].tolist(), strict=True)
            self.writer.writerows([key, time, *row] for time, row in rows)

    def finish(self) -> None:
        """Flush and detach the text layer, then close the compressor."""
        assert self.text is not None
        self.text.flush()
        self.text.detach()
        self.text = None
        if self.packed is not None:
            self.packed.close()

    def close(self) -> None:
        """Detach all layers after a failure, so that none writes to a closed file."""
        with contextlib.suppress(OSError, ValueError):
            if self.text is not None:
                self.text.detach()
            if self.packed is not None:
                self.packed.close()
        self.text = None


class NpySink:
    """One array, written block by block; its header needs the final shape and is written last."""

    HEADER = 256

    def __init__(self, file: IO[bytes], layout: Layout) -> None:
        self.file = file
        self.layout = layout
        self.ids: list[str] = []
        self.points: list[int] = []
        self.prefixes: list[int] = []
        file.write(bytes(self.HEADER))

    def write(self, result: Result) -> None:
        """Append the values, without the padding rows of a ragged block."""
        values, counts = result.values, result.prefixes
        if result.begins:
            self.ids.extend(result.ids)
            self.points.extend(result.points.tolist())
            self.prefixes.extend([] if counts is None else counts.tolist())
        else:
            self.points[-1] += int(result.points[0])
            if counts is not None:
                self.prefixes[-1] += int(counts[0])
        if result.ends:
            self.check(len(self.ids) - len(result.ids))
        if counts is None or (counts == values.shape[1]).all():
            self.append(values)
        else:
            for rows, count in zip(values, counts.tolist(), strict=True):
                self.append(rows[:count])

    def append(self, values: NDArray[Any]) -> None:
        """Write values in memory order."""
        assert values.dtype == self.layout.dtype
        if values.size:
            self.file.write(np.ascontiguousarray(values).data)

    def check(self, start: int) -> None:
        """Raise an error if a path from number `start` on has another number of prefixes."""
        for k in range(start, len(self.prefixes)):
            if self.prefixes[k] != self.prefixes[0]:
                raise InputError(
                    f"{self.ids[0]!r} has {self.prefixes[0]} rows and {self.ids[k]!r} has "
                    f"{self.prefixes[k]}, which does not form an array; "
                    "write .npz or CSV instead of .npy"
                )

    def shape(self) -> tuple[int, ...]:
        """The final shape: leading dimensions of the input, prefixes, words."""
        lead = self.layout.shape if self.layout.shape is not None else (len(self.ids),)
        prefixes = (self.prefixes[0] if self.prefixes else 0,) if self.layout.stream else ()
        return (*lead, *prefixes, self.layout.size)

    def finish(self) -> None:
        """Write the header: format 1.0 of `.npy`, padded to the reserved length."""
        descr = np.lib.format.dtype_to_descr(self.layout.dtype)
        text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {self.shape()!r}, }}"
        body = text.encode("latin1").ljust(self.HEADER - 11) + b"\n"
        self.file.seek(0)
        self.file.write(np.lib.format.magic(1, 0) + len(body).to_bytes(2, "little") + body)
        self.file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Do nothing: the sink holds no resources."""


class NpzSink(NpySink):
    """Arrays `signature` or `logsignature`, `ids`, `lengths`, `channels` and `depth`; for a stream
    also `prefixes`.
    """

    def __init__(self, file: IO[bytes], layout: Layout, folder: Path | None = None) -> None:
        self.archive = file
        # the folder of the output has room for the output
        self.spool = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by close()
        super().__init__(self.spool, layout)

    def check(self, start: int) -> None:
        """Do nothing: prefixes of paths of different lengths are concatenated."""

    def shape(self) -> tuple[int, ...]:
        """As for `.npy`, but (all prefixes, size) where paths have different numbers of them."""
        if self.layout.stream and len(set(self.prefixes)) > 1:
            return (sum(self.prefixes), self.layout.size)
        return super().shape()

    def finish(self) -> None:
        """Put all arrays into the archive."""
        super().finish()
        arrays: dict[str, NDArray[Any]] = {
            "ids": np.array(self.ids, dtype=np.str_),
            "lengths": np.array(self.points, dtype=np.int64),
            "channels": np.array(self.layout.channels, dtype=np.str_),
            "depth": np.array(self.layout.depth),
        }
        if self.layout.stream:
            arrays["prefixes"] = np.array(self.prefixes, dtype=np.int64)
        with zipfile.ZipFile(self.archive, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            self.spool.seek(0)
            with archive.open(member(self.layout.array), "w", force_zip64=True) as out:
                shutil.copyfileobj(self.spool, out, 1 << 20)
            for name, array in arrays.items():
                with archive.open(member(name), "w") as out:
                    np.lib.format.write_array(out, array, allow_pickle=False)

    def close(self) -> None:
        """Drop the intermediate file."""
        self.spool.close()


def member(name: str) -> zipfile.ZipInfo:
    """An entry of an `.npz` with a fixed date: the same input gives the same bytes."""
    return zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
