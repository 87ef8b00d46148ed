"""The device of ``python -m bench gpu``: its clock and its two ceilings."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import stats

WAIT_CYCLES = 4_000_000  # about two milliseconds, in which the calls of a round queue up
ROUNDS = 9
SECONDS = 0.15  # for the rounds of one row, about
CEILINGS = Path(__file__).with_name("ceilings.cu")


class NoDevice(RuntimeError):
    """There is no usable device; the message gives the reason."""


def device() -> Any:
    """CuPy with a working device."""
    try:
        import cupy
    except ImportError:
        raise NoDevice("CuPy is not installed: pip install cupy-cuda13x") from None
    try:
        cupy.zeros(1)
    except Exception as error:
        raise NoDevice(f"CuPy finds no usable GPU here ({error})") from None
    return cupy


class Card:
    """Clock and ceilings of the current device."""

    def __init__(self, cupy: Any) -> None:
        self.cupy = cupy
        properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.Device().id)
        self.name = properties["name"].decode()
        self.processors = int(properties["multiProcessorCount"])
        self._wait = self._kernel("float", "bench_wait")

    def _kernel(self, real: str, name: str) -> Any:
        options = ("-std=c++17", f"-DBENCH_REAL={real}")
        return self.cupy.RawModule(code=CEILINGS.read_text(), options=options).get_function(name)

    def queued(self, call: Callable[[], Any], calls: int) -> float:
        """Seconds of device time of one of `calls` calls back to back."""
        begin, end = self.cupy.cuda.Event(), self.cupy.cuda.Event()
        self._wait((1,), (1,), (WAIT_CYCLES,))
        begin.record()
        for _ in range(calls):
            call()
        end.record()
        end.synchronize()
        return float(self.cupy.cuda.get_elapsed_time(begin, end)) / 1e3 / calls

    def rounds(self, call: Callable[[], Any]) -> tuple[list[float], int]:
        """Device times of rounds of calls, limited by the wait and by `SECONDS`."""
        first = max(1e-7, min(self.queued(call, 1) for _ in range(3)))
        calls = max(1, min(50, int(SECONDS / ROUNDS / first)))
        return [self.queued(call, calls) for _ in range(ROUNDS)], calls

    def ceilings(self) -> dict[str, float]:
        """Multiply-adds per second in float32 and float64, bytes per second of a copy."""
        found = {}
        blocks, threads, rounds = 16 * self.processors, 256, 2000
        for dtype, real in (("float32", "float"), ("float64", "double")):
            kernel, out = (
                self._kernel(real, "bench_madds"),
                self.cupy.empty(blocks * threads, dtype),
            )
            times, _ = self.rounds(lambda k=kernel, o=out: k((blocks,), (threads,), (o, rounds)))  # type: ignore[misc]
            found[f"madds_{dtype}"] = 64.0 * rounds * blocks * threads / min(times)
        source = self.cupy.zeros(2**28 // 4, "float32")
        target = self.cupy.empty_like(source)
        copy = self.cupy.ElementwiseKernel("T x", "T y", "y = x", "bench_copy", no_return=True)
        times, _ = self.rounds(lambda: copy(source, target))
        found["bytes"] = 2.0 * source.nbytes / min(times)
        return found


def wall(call: Callable[[], Any], wait: Callable[[], Any], calls: int = 40) -> dict[str, float]:
    """Median seconds of a call from Python: until it returns, and until its end."""
    returned, ended = [], []
    for _ in range(calls):
        wait()
        start = time.perf_counter()
        call()
        returned.append(time.perf_counter() - start)
        wait()
        ended.append(time.perf_counter() - start)
    return {"call": stats.quantile(returned, 0.5), "end": stats.quantile(ended, 0.5)}
