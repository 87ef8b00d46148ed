"""Windows in the commands `signature` and `logsignature`: the option `--window` and its lengths."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError, Namespace
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import pysig
from pysig._api._window_stream import WindowStream
from pysig._cli.compute import Signer, Task
from pysig._io.blocks import Block, InputError, Reader
from pysig._io.sinks import Result

# Nanoseconds of the units of a length.
UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "min": 60 * 10**9}
UNITS |= {"h": 3600 * 10**9, "d": 86400 * 10**9}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)", re.IGNORECASE)


@dataclass(frozen=True)
class Length:
    """A number of points (`unit` ""), of units of the times ("t"), or of a unit of time."""

    text: str
    number: float
    unit: str

    @property
    def timed(self) -> bool:
        """Whether it is a length of time."""
        return bool(self.unit)

    def value(self, dates: bool, option: str) -> Any:
        """The argument of `window_bounds`."""
        if not self.unit:
            return int(self.number)
        if dates == (self.unit == "t"):
            other = "dates; give a unit such as 60s" if dates else "numbers; give for example 60t"
            raise InputError(f"{option} {self.text}: the times of the file are {other}")
        if not dates:
            return int(self.number) if self.number.is_integer() else self.number
        count = round(self.number * UNITS[self.unit])
        if count >= 2**63:
            raise InputError(
                f"{option} {self.text}: expected at most 292 years; give a shorter one"
            )
        return np.timedelta64(count, "ns")


def length(text: str) -> Length:
    """A number of points such as 50, or a length of time such as 60s, 1.5h or 60t.

    >>> length("60s"), length("50").timed
    (Length(text='60s', number=60.0, unit='s'), False)
    """
    match = _LENGTH.fullmatch(text.strip())
    unit = match[2].lower() if match else ""
    wrong = match is None or float(match[1]) == 0 or (unit and unit not in {*UNITS, "t"})
    if wrong or (not unit and "." in text):
        raise ArgumentTypeError(
            f"expected a number of points such as 50, or a length of time such as 60s, 5min, 1.5h "
            f"or 60t (the unit of the time column), received {text!r}"
        )
    assert match is not None
    return Length(text, float(match[1]), unit)


def add_windows(group: Any) -> None:
    """Add the options of windows."""
    add = group.add_argument
    add(
        "--window",
        type=length,
        metavar="LENGTH",
        help="signatures of sliding windows, a row for each: of a number of points such as 50, or "
        "of a length of time such as 60s, 5min, 1.5h, or 60t in the unit of numeric times",
    )
    add(
        "--stride",
        type=length,
        metavar="LENGTH",
        help="from one window to the next, in the same unit (default: one that ends at each point)",
    )
    add(
        "--start",
        choices=("full", "partial"),
        help="with partial, also windows that begin before the path (default: full)",
    )
    add(
        "--closed",
        choices=("right", "left", "both", "neither"),
        help="the ends that belong to a window of time (default: right)",
    )
    add(
        "--include-previous",
        action="store_true",
        help="add the last point before each window",
    )


def times_advice(reader: Reader) -> str:
    """The way to times in a table or an array."""
    table = getattr(reader, "first", reader).shape is None
    return "give --time-column" if table else "give an .npz with an array called times"


def window_arguments(args: Namespace, reader: Reader) -> dict[str, Any] | None:
    """The arguments of windows; None without them."""
    window: Length | None = args.window
    if window is None:
        given = {"stride": args.stride, "start": args.start, "closed": args.closed}
        given["include-previous"] = args.include_previous or None
        for name, value in given.items():
            if value is not None:
                raise InputError(f"--{name}: it describes windows; give --window, too")
        return None
    if args.stream:
        raise InputError("--stream: prefixes and windows exclude each other; leave one out")
    if window.timed and not reader.has_times:
        raise InputError(
            f"--window {window.text}: {reader.name} has no times; {times_advice(reader)}, or a "
            "number of points"
        )
    if args.stride is not None and args.stride.timed != window.timed:
        kind = "a length of time" if window.timed else "a number of points"
        raise InputError(
            f"--stride {args.stride.text}: expected {kind}, as --window {window.text} is"
        )
    if args.closed not in (None, "right") and not window.timed:
        raise InputError(
            f"--closed {args.closed}: a window of a number of points has no ends; leave it out"
        )
    return {
        "window": window,
        "stride": args.stride,
        "start": args.start or "full",
        "closed": args.closed or "right",
        "include_previous": args.include_previous,
    }


class WindowSigner(Signer):
    """Signatures of windows. Of a path in chunks, the points that later windows need are kept."""

    def __init__(self, task: Task, arguments: dict[str, Any]) -> None:
        super().__init__(task)
        if task.basepoint is not None and "times" in task.stages:
            raise InputError(
                "--basepoint: it has no time in a window; leave out it, or the times of the file"
            )
        self.arguments = arguments
        self.stream: WindowStream | None = None

    def __call__(self, block: Block) -> Result:
        """The signatures of all windows that are complete with this block."""
        points, whole = self._points(block), block.begins and block.ends
        self.count = block.counts if block.begins else self.count + block.counts
        if block.ends:
            self._record(self.count)
        times = block.times
        if not whole and not block.begins:
            points = np.concatenate([self.last[0], points], axis=1)
            times = np.concatenate([self.last[1], times], axis=1)
        found = [self._advance(block, k) for k in range(len(points))]
        counts = np.array([len(bounds) for bounds, _, _ in found], dtype=np.int64)
        widest = int(counts.max(initial=0))
        bounds = np.zeros((len(points), widest, 2), dtype=np.int64)
        ends = np.zeros((len(points), widest), dtype=block.times.dtype)
        for k, (own, moments, _) in enumerate(found):
            bounds[k, : len(own)] = own
            if len(own):
                ends = ends.astype(np.result_type(ends, moments), copy=False)
                ends[k, : len(own)] = moments
        values = self._values(points, times, bounds)
        if not whole:
            spare = found[0][2]
            self.last = points[:, spare:].copy(), times[:, spare:].copy()
        return Result(block.ids, block.counts, values, ends, counts, block.begins, block.ends)

    def _advance(self, block: Block, k: int) -> tuple[NDArray[Any], NDArray[Any], int]:
        """The windows of path k that are complete now."""
        times = block.times[k, : block.counts[k]]
        if block.begins:
            dates = times.dtype.kind in "mM"
            window, stride = self.arguments["window"], self.arguments["stride"]
            own = dict(self.arguments)
            own["window"] = window.value(dates, "--window")
            own["stride"] = None if stride is None else stride.value(dates, "--stride")
            self.stream = WindowStream(window.timed, **own)
        assert self.stream is not None
        try:
            return self.stream.advance(times, block.ends)
        except MemoryError as error:
            found = str(error).removeprefix("window: ").partition(" Take a")[0]
            raise InputError(f"--stride: {found} Give a larger --stride") from None
        except (TypeError, ValueError) as error:
            raise InputError(str(error)) from None

    def _values(self, points: Any, times: Any, bounds: Any) -> NDArray[Any]:
        """Signatures (batch, windows, size)."""
        task = self.task
        options = {name: task.options[name] for name in task.options if name != "method"}
        options["inverse"] = task.inverse
        if task.words is not None:
            options["words"] = task.words
        compute: Any = pysig.logsignature_intervals if task.log else pysig.signature_intervals
        try:
            options |= self._options(times)
            values = compute(
                self.xp.asarray(points),
                None if task.words is not None else task.depth,
                bounds,
                **options,
            )
        except MemoryError as error:
            found = str(error).removeprefix("intervals: ").partition(" Pass fewer")[0]
            raise InputError(
                f"--window: {found} Give a larger --stride, or a smaller --depth"
            ) from None
        except (TypeError, ValueError) as error:
            raise InputError(str(error)) from None
        return self._host(values)
