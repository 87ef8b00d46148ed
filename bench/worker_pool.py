"""Worker processes: one for each library and number of threads."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .libraries import LIBRARIES, environment

ROOT = Path(__file__).resolve().parent.parent


class WorkerError(RuntimeError):
    """A library cannot do a request: ``kind`` is absent, unsupported or failed."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass
class Settings:
    """How long and how often; the defaults suit a machine that others use too."""

    budget: float = 4.0  # seconds of rounds per comparison, unless settled earlier
    shortest: float = 2e-3  # shortest timing: calls are repeated to fill it
    rounds: tuple[int, int] = (7, 400)  # minimum and maximum
    slow: float = 0.25  # a run that takes more than this part of the budget ...
    slow_rounds: int = 3  # ... runs in this number of rounds only
    timeout: float = 120.0  # seconds for one answer, after which a library is stopped
    pythons: dict[str, str] = field(default_factory=dict)  # interpreters of libraries


class Worker:
    """A library's process, seen from its parent."""

    def __init__(self, library: str, threads: int, settings: Settings) -> None:
        self.name, self.settings = library, settings
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.process = subprocess.Popen(
            [
                settings.pythons.get(library, sys.executable),
                "-m",
                "bench.worker",
                library,
                str(threads),
            ],
            cwd=ROOT,
            env={**os.environ, **environment(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()
        try:
            self._answer(settings.timeout)
            self.about = self.request({"do": "hello"})
        except WorkerError:
            self.close()
            raise

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def request(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # _answer reports it
        return self._answer(self.settings.timeout)

    def _answer(self, timeout: float) -> dict[str, Any]:
        try:
            line = self.lines.get(timeout=timeout)
        except queue.Empty:
            self.process.kill()
            raise WorkerError("failed", f"stopped after {timeout:g} s") from None
        if not line:
            code = self.process.wait()
            self.errors.seek(0)
            output = self.errors.read().decode(errors="replace").strip().splitlines()
            last = f": {output[-1][:300]}" if output else ""
            ending = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
            raise WorkerError("failed", f"its process {ending}{last}")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise WorkerError(answer["kind"], answer["reason"])
        return answer

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.listener.join()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            if pipe:
                # Data that a dead process has not read can be dropped.
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class WorkerPool:
    """All workers of a run, started when first needed, and again after a crash."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workers: dict[tuple[str, int], Worker] = {}
        self.absent: dict[str, str] = {}

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def get(self, library: str, threads: int) -> Worker:
        if library in self.absent:
            raise WorkerError("absent", self.absent[library])
        key = (library, threads)
        if key not in self.workers or not self.workers[key].alive:
            if key in self.workers:
                self.workers.pop(key).close()
            try:
                self.workers[key] = Worker(library, threads, self.settings)
            except (WorkerError, OSError) as error:
                where = "its" if library in self.settings.pythons else "this"
                advice = LIBRARIES[library].install
                self.absent[library] = f"not usable in {where} Python ({error}); {advice}"
                raise WorkerError("absent", self.absent[library]) from None
        return self.workers[key]

    def drop(self) -> None:
        """Let all workers drop their loaded calls."""
        for worker in self.workers.values():
            if worker.alive:
                worker.request({"do": "drop"})

    def about(self) -> dict[str, Any]:
        """Versions and configurations of all libraries that ran."""
        return {name: worker.about for (name, _), worker in self.workers.items()}
