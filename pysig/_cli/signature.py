"""The command `pysig signature`: read blocks, compute, write."""

from __future__ import annotations

import contextlib
from argparse import Namespace
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

import pysig
from pysig._io.blocks import Block, Budget, InputError, Reader
from pysig._io.columns import channel_names, column_names
from pysig._io.csvfile import CsvOptions
from pysig._io.files import FileOptions, Source, open_reader
from pysig._io.progress import Progress
from pysig._io.sinks import Layout, Result, Sink, check_suffix, open_sink, replacing, spooling

#: A CSV file with more columns is refused, because common programs cannot read it.
MAX_COLUMNS = 1_000_000


def run(args: Namespace, sources: Sequence[Source]) -> None:
    """Compute the signatures of all paths. Nothing is left behind if anything fails."""
    suffix = ".csv" if args.output is None else check_suffix(args.output)
    refuse_overwriting(args.output, sources)
    folder = None if args.output is None else args.output.parent
    with output(args.output) as file, open_reader(sources, file_options(args)) as reader:
        layout = layout_of(reader, args, suffix)
        signer = Signer(args, layout)
        budget = budget_of(reader, layout, args.memory)
        with (
            contextlib.closing(open_sink(file, suffix, layout, folder)) as sink,
            Progress(reader.total, not args.quiet) as tick,
        ):
            transfer(reader.blocks(budget, tick), signer, sink)
            sink.finish()


def transfer(blocks: Iterator[Block], signer: Signer, sink: Sink) -> None:
    """Pass all blocks through the signer into the sink."""
    for block in blocks:
        result = signer(block)
        if result is not None:
            sink.write(result)


def output(path: Path | None) -> contextlib.AbstractContextManager[IO[bytes]]:
    """The output file, which appears when it is complete."""
    return spooling() if path is None else replacing(path)


def refuse_overwriting(path: Path | None, sources: Sequence[Source]) -> None:
    """The output may not be one of the inputs."""
    for source in sources:
        if path is None or source.path is None or not path.exists() or not source.path.exists():
            continue
        if path.samefile(source.path):
            raise InputError(f"{path}: the output would replace the input {source.name}")


def file_options(args: Namespace) -> FileOptions:
    """The options of the input files."""
    csv = CsvOptions(
        id_column=args.id,
        time_column=args.time_column,
        channels=args.channels,
        ignore=args.ignore,
        delimiter=args.delimiter,
        header=args.header,
        sort=args.sort,
        allow_nan=args.allow_nan,
    )
    return FileOptions(csv, args.key, args.dtype is not None)


def layout_of(reader: Reader, args: Namespace, suffix: str) -> Layout:
    """The columns, sizes and dtype of the output."""
    dtype = reader.dtype if args.dtype is None else np.dtype(args.dtype)
    time = reader.time_name if args.time else None
    channels = channel_names(reader.channels, reader.width, time)
    size = pysig.signature_size(len(channels), args.depth, args.scalar_term)
    columns: list[str] = []
    if suffix.startswith(".csv"):
        if size > MAX_COLUMNS:
            raise InputError(
                f"--depth {args.depth}: {len(channels)} channels need {size} columns, more than "
                f"{MAX_COLUMNS}; write .npy or .npz, or take a smaller depth"
            )
        words = pysig.words(len(channels), args.depth, args.scalar_term)
        columns = column_names(channels, words)
    return Layout(
        id_name=reader.id_name,
        time_name=reader.time_name,
        channels=channels,
        columns=columns,
        size=size,
        depth=args.depth,
        dtype=dtype,
        stream=args.stream,
        shape=reader.shape,
    )


def budget_of(reader: Reader, layout: Layout, memory: int) -> Budget:
    """Bytes per point and per path in a block: input, path with all channels, signatures."""
    item = layout.dtype.itemsize
    signature = layout.size * item
    point = 8 * (reader.width + 1) + item * len(layout.channels)
    return Budget(memory, point + signature * layout.stream, signature * (not layout.stream))


class Signer:
    """Signatures of blocks. Chen's identity joins the chunks of a long path.

    Times are taken relative to the first point of their path: signatures ignore the position of a
    path, and a large offset would cost digits. With a basepoint the position matters, and times
    keep their values.
    """

    def __init__(self, args: Namespace, layout: Layout) -> None:
        self.xp: Any = array_library(args.device)
        self.dtype, self.size = layout.dtype, layout.size
        self.time = args.time
        self.stream = args.stream
        self.inverse = args.inverse
        self.basepoint = basepoint_of(args.basepoint, len(layout.channels), layout.dtype)
        self.options = {
            "depth": args.depth,
            "scalar_term": args.scalar_term,
            "method": args.method,
            "workers": args.workers,
        }
        self.origin: NDArray[np.float64] = np.zeros((1, 1))
        self.last: NDArray[Any] = np.empty(0)
        self.count: NDArray[np.int64] = np.zeros(1, dtype=np.int64)
        self.carry: Any = None

    def __call__(self, block: Block) -> Result | None:
        """Signatures of a block; None for a chunk that does not end its path, unless streaming."""
        whole = block.begins and block.ends
        points = self._points(block)
        values = self._whole(points, block.lengths) if whole else self._chunk(points, block)
        if values is None:
            return None
        if not self.stream:
            return Result(block.ids, block.counts if whole else self.count, values)
        skipped = int(block.begins and self.basepoint is None)
        return Result(
            block.ids,
            block.counts,
            values,
            block.times[:, skipped:],
            block.counts - skipped,
            block.begins,
            block.ends,
        )

    def _points(self, block: Block) -> NDArray[Any]:
        if not self.time:
            return block.points.astype(self.dtype, copy=False)
        times = block.times
        if self.basepoint is None:
            if block.begins:
                self.origin = times[:, :1]
            times = times - self.origin
        return np.concatenate([times[..., None], block.points], axis=-1, dtype=self.dtype)

    def _sign(self, points: NDArray[Any], **options: Any) -> Any:
        options = {**self.options, **options}
        try:
            return pysig.signature(self.xp.asarray(points), **options)
        except (TypeError, ValueError, MemoryError) as error:
            raise InputError(str(error)) from None

    def _host(self, values: Any) -> NDArray[Any]:
        host: NDArray[Any] = values if self.xp is np else self.xp.asnumpy(values)
        return host

    def _base(self, begins: bool = True) -> Any:
        return self.xp.asarray(self.basepoint) if begins and self.basepoint is not None else None

    def _whole(self, points: NDArray[Any], lengths: NDArray[np.int64] | None) -> NDArray[Any]:
        options = {"stream": self.stream, "inverse": self.inverse, "basepoint": self._base()}
        if lengths is None:
            return self._host(self._sign(points, **options))
        prefixes = points.shape[1] - (self.basepoint is None)
        shape = (len(points), prefixes, self.size) if self.stream else (len(points), self.size)
        values = np.zeros(shape, dtype=self.dtype)
        for group in by_length(lengths):
            longest = int(lengths[group].max())
            part = self._host(
                self._sign(points[group, :longest], lengths=lengths[group], **options)
            )
            if self.stream:
                values[group, : part.shape[1]] = part
            else:
                values[group] = part
        return values

    def _chunk(self, points: NDArray[Any], block: Block) -> NDArray[Any] | None:
        """The next chunk of one long path: ``S(all) = S(before) ⊗ S(chunk)``."""
        options: dict[str, Any] = {"basepoint": self._base(block.begins)}
        if not block.begins:
            points = np.concatenate([self.last, points], axis=1)
            options["initial"] = self.carry
        self.last = points[:, -1:].copy()
        self.count = block.counts if block.begins else self.count + block.counts
        values = None
        if self.stream or block.ends:
            values = self._host(
                self._sign(points, stream=self.stream, inverse=self.inverse, **options)
            )
        if not block.ends:
            self.carry = self._sign(points, **options)
        return values


def by_length(lengths: NDArray[np.int64]) -> Iterator[NDArray[np.intp]]:
    """Groups of indices whose lengths differ by a factor of two at most, to limit padding."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    for end in range(1, len(order) + 1):
        if end == len(order) or lengths[order[end]] > 2 * lengths[order[start]]:
            yield order[start:end]
            start = end


def basepoint_of(
    text: Sequence[float] | None, channels: int, dtype: np.dtype[Any]
) -> NDArray[Any] | None:
    """The basepoint as an array; an empty sequence means zero."""
    if text is None:
        return None
    if not text:
        return np.zeros(channels, dtype=dtype)
    if len(text) != channels:
        raise InputError(
            f"--basepoint: {len(text)} numbers, expected {channels}, one per channel"
            " (with --time, the time comes first)"
        )
    return np.array(text, dtype=dtype)


def array_library(device: str) -> Any:
    """NumPy, or CuPy for the device "gpu"."""
    if device == "cpu":
        return np
    try:
        return import_module("cupy")
    except ImportError as error:
        raise InputError(
            f"--device gpu: CuPy cannot be imported ({error}); "
            "install it with pip install cupy-cuda13x (or cupy-cuda12x)"
        ) from None
