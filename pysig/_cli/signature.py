"""The commands `pysig signature` and `pysig logsignature`: read blocks, compute, write."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

import pysig
from pysig._cli.compute import Signer, Task
from pysig._cli.windows import WindowSigner, times_advice, window_arguments
from pysig._io.blocks import Budget, InputError, Reader
from pysig._io.columns import channel_names, transformed_names
from pysig._io.csvfile import CsvOptions
from pysig._io.files import FileOptions, Source, open_reader
from pysig._io.progress import Progress
from pysig._io.roles import ColumnOptions
from pysig._io.sinks import Layout, Sink, check_suffix, open_sink, replacing, spooling

#: A table with more columns is refused, because common programs cannot read it.
MAX_COLUMNS = 1_000_000
OVERFLOW = (
    "; some coefficients are too large for the dtype, and infinite or NaN; rescale the channels"
)
STAGES = ("time", "times", "lead_lag", "basepoint", "reset")


def run(args: Namespace, sources: Sequence[Source]) -> None:
    """Compute the signatures of all paths. Nothing is left behind if anything fails."""
    if args.output == Path("-"):
        args.output = None
    suffix = ".csv" if args.output is None else check_suffix(args.output)
    refuse_overwriting(args.output, sources)
    folder = None if args.output is None else args.output.parent
    with output(args.output) as file, open_reader(sources, file_options(args)) as reader:
        stages = stages_of(args, reader)
        task, layout = planned(reader, args, stages, suffix)
        windows = window_arguments(args, reader)
        signer = Signer(task) if windows is None else WindowSigner(task, windows)
        budget = budget_of(reader, layout, args.memory)
        with (
            contextlib.closing(open_sink(file, suffix, layout, folder)) as sink,
            Progress(reader.total, not args.quiet) as tick,
        ):
            transfer(reader, budget, tick, signer, sink)
            sink.finish()
        if not args.quiet:
            overflow = signer.overflow and not args.allow_nan
            sys.stderr.write(f"pysig: {summary(signer, reader, task)}{OVERFLOW * overflow}\n")


def transfer(
    reader: Reader, budget: Budget, tick: Callable[[int], None], signer: Signer, sink: Sink
) -> None:
    """Pass all blocks through the signer into the sink."""
    for block in reader.blocks(budget, tick):
        result = signer(block)
        if result is not None:
            signer.overflow |= not np.isfinite(result.values).all()
            sink.write(replace(result, zone=reader.zone))


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
        columns=ColumnOptions(args.id, args.time_column, args.channels, args.ignore),
        delimiter=args.delimiter,
        comment=args.comment,
        header=args.header,
        sort=args.sort,
        allow_nan=args.allow_nan,
    )
    return FileOptions(csv, args.key, args.dtype is not None)


def stages_of(args: Namespace, reader: Reader) -> list[str]:
    """The stages of the transform. `--time` is a first stage of the times of the file, if any."""
    stages = list(args.transform or ())
    for stage in stages:
        if stage not in STAGES:
            raise InputError(f"--transform {stage}: expected {', '.join(STAGES)}")
        if stages.count(stage) > 1:
            raise InputError(f"--transform: {stage} comes twice; give each stage once")
    if args.time:
        if {"time", "times"} & set(stages):
            raise InputError("--time: the time is a stage of --transform, too; give one of the two")
        stages.insert(0, "times" if reader.has_times else "time")
    if "times" in stages[1:]:
        raise InputError("--transform: times belong to the points of the file; give them first")
    if "times" in stages and "time" in stages:
        raise InputError("--transform: expected one of time and times")
    if "times" in stages and not reader.has_times:
        raise InputError(
            f"--transform times: {reader.name} has no times; {times_advice(reader)}, or take time"
        )
    late = next((stage for stage in stages if stage in ("basepoint", "reset")), None)
    if args.stream and late is not None:
        raise InputError(f"--stream: a prefix has no {late}; leave {late} out of --transform")
    return stages


def planned(
    reader: Reader, args: Namespace, stages: Sequence[str], suffix: str
) -> tuple[Task, Layout]:
    """The task, and the columns, sizes and dtype of the output."""
    log = args.command == "logsignature"
    channels = transformed_names(
        channel_names(reader.channels, reader.width), stages, reader.time_name
    )
    words = None if log or args.words is None else words_of(args.words, channels)
    depth, size = sizes(args, len(channels), words)
    dtype = reader.dtype if args.dtype is None else np.dtype(args.dtype)
    options = {"method": args.method, "workers": args.workers}
    options |= {"basis": args.basis} if log else {"scalar_term": args.scalar_term}
    task = Task(
        log=log,
        depth=depth,
        size=size,
        dtype=dtype,
        stages=stages,
        words=words,
        stream=args.stream,
        inverse=args.inverse,
        basepoint=basepoint_of(args.basepoint, reader.width, dtype),
        options=options,
        xp=array_library(args.device),
    )
    layout = Layout(
        id_name=reader.id_name,
        time_name=reader.time_name,
        channels=channels,
        columns=[] if suffix.startswith(".np") else names_of_columns(channels, task, args),
        size=size,
        depth=depth,
        dtype=dtype,
        stream=args.stream or args.window is not None,
        shape=reader.shape,
        array=args.command,
    )
    return task, layout


def words_of(texts: Sequence[str], channels: Sequence[str]) -> list[tuple[int, ...]]:
    """The words of `--words`, by names of channels."""
    try:
        return pysig.words_of_labels(texts, len(channels), names=channels)
    except ValueError as error:
        raise InputError(f"--words: {str(error).partition(': ')[2]}") from None


def sizes(
    args: Namespace, channels: int, words: Sequence[tuple[int, ...]] | None
) -> tuple[int, int]:
    """The depth and the number of coefficients."""
    if (args.depth is None) == (words is None):
        either = "give --depth" if args.command == "logsignature" else "give either it or --words"
        raise InputError(f"--depth: {either}")
    if words is not None:
        return max(map(len, words)), len(words)
    if args.command == "logsignature":
        return args.depth, pysig.logsignature_size(channels, args.depth, args.basis)
    return args.depth, pysig.signature_size(channels, args.depth, args.scalar_term)


def names_of_columns(channels: Sequence[str], task: Task, args: Namespace) -> list[str]:
    """One name for each coefficient."""
    count, depth = len(channels), args.depth
    if task.size > MAX_COLUMNS:
        raise InputError(
            f"--depth {depth}: {count} channels need {task.size} columns, more than "
            f"{MAX_COLUMNS}; write .npy or .npz, or take a smaller depth"
        )
    if not task.log:
        if task.words is not None:
            found = pysig.labels(count, words=task.words, names=channels)
        else:
            found = pysig.labels(count, depth, scalar_term=args.scalar_term, names=channels)
        return [f"S({'' if label == '()' else label})" for label in found]
    found = pysig.logsignature_labels(count, depth, args.basis, names=channels)
    return [f"L{label}" if label[0] == "[" else f"L({label})" for label in found]


def budget_of(reader: Reader, layout: Layout, memory: int) -> Budget:
    """Bytes per point and per path in a block: input, path with all channels, signatures."""
    item = layout.dtype.itemsize
    signature = layout.size * item
    point = 8 * (reader.width + 1) + item * len(layout.channels)
    return Budget(memory, point + signature * layout.stream, signature * (not layout.stream))


def summary(signer: Signer, reader: Reader, task: Task) -> str:
    """One line that states how the input was understood."""
    low, high = signer.shortest, signer.longest
    points = f"{low}" if low == high else f"{low} to {high}"
    names = channel_names(reader.channels, reader.width)
    shown = ", ".join(names) if len(names) <= 8 else f"{', '.join(names[:6])}, ..., {names[-1]}"
    text = (
        f"{signer.paths} path{'s' * (signer.paths != 1)} of {points} "
        f"point{'s' * (high != 1)}; {len(names)} channel{'s' * (len(names) != 1)}: {shown}; "
        f"{reader.found}"
    )
    still = high == 1 and task.basepoint is None and not {"basepoint", "reset"} & set(task.stages)
    if still and signer.paths:
        text += "; every path has one point, so all coefficients are 0"
    return text


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
            f"--basepoint: {len(text)} numbers, expected {channels}, one per channel of the file"
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
