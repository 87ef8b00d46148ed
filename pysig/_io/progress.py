"""A progress bar, drawn on a terminal only and after one second."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, TextIO

DELAY = 1.0
INTERVAL = 0.2
WIDTH = 30


class Progress:
    """Use as a context manager and call it with the amount done since the last call.

    If tqdm is installed it draws the bar. Otherwise this class draws one line and erases it at the
    end.
    """

    def __init__(
        self, total: int | None, wanted: bool = True, stream: TextIO | None = None
    ) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self.total = total
        self.done = 0
        self.start = self.drawn = time.monotonic()
        self.shown = False
        self.wanted = wanted and self.stream.isatty()
        self.bar = tqdm_bar(total, self.stream) if self.wanted else None

    def __enter__(self) -> Progress:
        return self

    def __call__(self, amount: int) -> None:
        if self.bar is not None:
            self.bar.update(amount)
            return
        self.done += amount
        now = time.monotonic()
        if self.wanted and now - self.start >= DELAY and now - self.drawn >= INTERVAL:
            self.drawn, self.shown = now, True
            self.stream.write("\r" + line(self.done, self.total, now - self.start))
            self.stream.flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif self.shown:
            self.stream.write("\r" + " " * (WIDTH + 30) + "\r")
            self.stream.flush()


def tqdm_bar(total: int | None, stream: TextIO) -> Any:
    """A tqdm progress bar, or None if tqdm is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(
        total=total, unit="B", unit_scale=True, delay=DELAY, file=stream, leave=False, disable=False
    )


def line(done: int, total: int | None, seconds: float) -> str:
    """The text of the bar.

    >>> line(50, 100, 2.0)
    '[###############               ]  50%  0:02 left'
    >>> line(2_000_000, None, 2.0)
    '2.0 MB read in 0:02'
    """
    if not total:
        return f"{done / 1e6:.1f} MB read in {clock(seconds)}"
    part = min(1.0, done / total)
    left = clock(seconds * (1 - part) / part) if part > 0 else "?:??"
    return f"[{'#' * int(WIDTH * part):{WIDTH}}] {part:4.0%}  {left} left"


def clock(seconds: float) -> str:
    """Minutes and seconds."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"
