"""The process in which one library runs: ``python -m bench.worker LIBRARY THREADS``.

It reads one JSON object per line from standard input and answers each with one on standard output:

    {"do": "hello"}                               -> versions
    {"do": "load", "operation": ..., ...}         -> prepares, runs a call, stores its answer
    {"do": "time", "slot": operation, "calls": n, "warm": w}
                                                  -> seconds of n calls, and processor seconds
    {"do": "drop"}                                -> forgets all loaded calls
    {"do": "quit"}

An answer has ``"ok"``; when it is false, ``"kind"`` is absent, unsupported or failed, and
``"reason"`` says more. Whatever a library prints goes to standard error.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import io
import itertools
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def prefer_installed() -> None:
    """Import pysig from where it is installed, and only without that from the source tree."""
    here = {str(ROOT), ""}
    sys.path[:] = [entry for entry in sys.path if entry not in here] + [str(ROOT)]


def limit_processors(threads: int) -> None:
    """Keep this process, and all threads of its library, on that many processors."""
    if hasattr(os, "sched_setaffinity"):
        # The last ones: the first serve more interrupts.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def limit_memory() -> None:
    """Let a library that needs more than the free memory fail, not the machine."""
    try:
        import resource

        lines = Path("/proc/meminfo").read_text().splitlines()
        free = 1024 * int(next(x for x in lines if x.startswith("MemAvailable:")).split()[1])
        resource.setrlimit(resource.RLIMIT_DATA, (int(0.7 * free),) * 2)
    except (ImportError, OSError, StopIteration, ValueError):
        pass  # not Linux


def scratch_memory(call: Callable[[], Any], answer: int) -> int | None:
    """Bytes of memory that a call needs at its peak, without its answer; None if not known.

    Linux and glibc: freed memory goes back first, then the mark of the highest use is reset.
    """
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        reset.write_text("5")
        before = _kilobytes(status.read_text(), "VmRSS")
        call()
        height = _kilobytes(status.read_text(), "VmHWM")
    except (OSError, AttributeError):
        return None
    return max(0, 1024 * (height - before) - answer)


def _kilobytes(status: str, name: str) -> int:
    return int(next(x for x in status.splitlines() if x.startswith(f"{name}:")).split()[1])


class Session:
    """The library's module, and the calls that are loaded, by operation."""

    def __init__(self, name: str, threads: int) -> None:
        from .libraries import LIBRARIES

        self.library = LIBRARIES[name]
        self.threads = threads
        self.module = self.library.load(threads)
        self.calls: dict[str, Callable[[], Any]] = {}

    def hello(self, message: dict[str, Any]) -> dict[str, Any]:
        versions = {
            "python": platform.python_version(),
            "numpy": np.__version__,
            self.library.name: self.library.version(),
        }
        return {"versions": versions, "config": self._config()}

    def _config(self) -> dict[str, str]:
        """Configuration that pysig prints, without the folders of this machine."""
        printed = io.StringIO()
        if hasattr(self.module, "show_config"):
            with contextlib.redirect_stdout(printed):
                self.module.show_config()
        pairs = (line.split("  ", 1) for line in printed.getvalue().splitlines() if "  " in line)
        return {key: value.strip() for key, value in pairs if os.sep not in value}

    def load(self, message: dict[str, Any]) -> dict[str, Any]:
        name, dtype = message["operation"], message["dtype"]
        if name.startswith("probe:"):
            self.calls[name], amount = self.module.call(name[len("probe:") :], dtype, self.threads)
            return {"amount": amount}
        computes = dtype if dtype in self.library.dtypes else self.library.dtypes[-1]
        call = self._builder(name)(self.module, self._task(message, computes))
        start = time.perf_counter()
        answer = self.library.to_numpy(call())
        seconds = time.perf_counter() - start
        np.save(message["answer"], answer)
        size = answer.nbytes
        del answer
        self.calls[name] = call
        scratch = scratch_memory(call, size) if seconds < 2 else None
        return {"first": seconds, "computes": computes, "scratch": scratch}

    def _builder(self, name: str) -> Any:
        from .operations import OPERATIONS

        calls = OPERATIONS[name].calls
        if self.library.key not in calls:
            raise NotImplementedError(f"{self.library.name} has no {name}")
        return calls[self.library.key]

    def _task(self, message: dict[str, Any], computes: str) -> Any:
        from .operation import Task

        inputs = {
            name: self.library.to_library(np.ascontiguousarray(np.load(file), computes))
            for name, file in message["inputs"].items()
        }
        shape = tuple(message["shape"])
        return Task(
            inputs=inputs,
            depth=message["depth"],
            channels=message["channels"],
            threads=self.threads,
            empty=lambda: np.empty(shape, computes),
        )

    def time(self, message: dict[str, Any]) -> dict[str, Any]:
        call = self.calls.get(message["slot"])
        if call is None:
            raise RuntimeError("its process was restarted, so the call is no longer loaded")
        for _ in range(message["warm"]):
            call()
        repeat = itertools.repeat(None, message["calls"])
        gc.disable()
        start, busy = time.perf_counter(), time.process_time()
        for _ in repeat:
            call()
        busy = time.process_time() - busy
        wall = time.perf_counter() - start
        gc.enable()
        return {"seconds": wall, "busy": busy}

    def drop(self, message: dict[str, Any]) -> dict[str, Any]:
        self.calls.clear()
        return {}


def _failure(error: BaseException) -> dict[str, Any]:
    missing = isinstance(error, AttributeError) and str(error).startswith("module ")
    missing = missing or isinstance(error, (NotImplementedError, ModuleNotFoundError))
    kind = "unsupported" if missing else "failed"
    text = " ".join(str(error).split()) or "no message"
    if not isinstance(error, NotImplementedError):
        text = f"{type(error).__name__}: {text}"
    return {"ok": False, "kind": kind, "reason": text[:400]}


def serve(name: str, threads: int) -> None:
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides when to stop

    def reply(answer: dict[str, Any]) -> None:
        channel.write(json.dumps(answer) + "\n")

    try:
        session = Session(name, threads)
    except Exception as error:
        kind = "absent" if isinstance(error, ModuleNotFoundError) else "failed"
        reply({**_failure(error), "kind": kind})
        return
    reply({"ok": True})
    handlers = {
        "hello": session.hello,
        "load": session.load,
        "time": session.time,
        "drop": session.drop,
    }
    for line in sys.stdin:
        message = json.loads(line)
        if message["do"] == "quit":
            return
        try:
            reply({"ok": True, **handlers[message["do"]](message)})
        except Exception as error:
            reply(_failure(error))


if __name__ == "__main__":
    prefer_installed()
    limit_processors(int(sys.argv[2]))
    limit_memory()
    serve(sys.argv[1], int(sys.argv[2]))
