"""Workers seen from the harness: one process for each contestant and number of threads."""

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

from .contestants import CONTESTANTS, environment

ROOT = Path(__file__).resolve().parent.parent


class WorkerError(RuntimeError):
    """A contestant cannot do what was asked: ``kind`` is absent, unsupported or failed."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass
class Settings:
    """How long and how often; the defaults suit a machine that others use too."""

    budget: float = 4.0  # seconds of rounds per race, unless settled earlier
    shortest: float = 2e-3  # a timing is at least this long: calls are repeated to fill it
    rounds: tuple[int, int] = (7, 400)  # fewest and most
    slow: float = 0.25  # an entrant that takes more than this part of the budget ...
    slow_rounds: int = 3  # ... runs in so many rounds only
    patience: float = 120.0  # seconds after which a contestant is given up
    pythons: dict[str, str] = field(default_factory=dict)  # interpreters of contestants


class Worker:
    """A contestant's process, seen from the harness."""

    def __init__(self, contestant: str, threads: int, settings: Settings) -> None:
        self.name, self.settings = contestant, settings
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.process = subprocess.Popen(
            [
                settings.pythons.get(contestant, sys.executable),
                "-m",
                "bench.worker",
                contestant,
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
            self._answer(settings.patience)
            self.about = self.ask({"do": "hello"})
        except WorkerError:
            self.close()
            raise

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put("")

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # what happened is said below
        return self._answer(self.settings.patience)

    def _answer(self, timeout: float) -> dict[str, Any]:
        try:
            line = self.lines.get(timeout=timeout)
        except queue.Empty:
            self.process.kill()
            raise WorkerError("failed", f"gave up after {timeout:g} s") from None
        if not line:
            code = self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().decode(errors="replace").strip().splitlines()
            last = f": {said[-1][:300]}" if said else ""
            how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
            raise WorkerError("failed", f"its process {how}{last}")
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
                # What a dead process has not read is of no use to anybody.
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class Stable:
    """All workers of a run, started when first needed, and again after a crash."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.workers: dict[tuple[str, int], Worker] = {}
        self.absent: dict[str, str] = {}

    def __enter__(self) -> Stable:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers.values():
            worker.close()

    def get(self, contestant: str, threads: int) -> Worker:
        if contestant in self.absent:
            raise WorkerError("absent", self.absent[contestant])
        key = (contestant, threads)
        if key not in self.workers or not self.workers[key].alive:
            if key in self.workers:
                self.workers.pop(key).close()
            try:
                self.workers[key] = Worker(contestant, threads, self.settings)
            except (WorkerError, OSError) as error:
                where = "its" if contestant in self.settings.pythons else "this"
                advice = CONTESTANTS[contestant].install
                self.absent[contestant] = f"not usable in {where} Python ({error}); {advice}"
                raise WorkerError("absent", self.absent[contestant]) from None
        return self.workers[key]

    def drop(self) -> None:
        """Let all workers forget what they have loaded."""
        for worker in self.workers.values():
            if worker.alive:
                worker.ask({"do": "drop"})

    def about(self) -> dict[str, Any]:
        """Versions and configurations of all contestants that ran."""
        return {name: worker.about for (name, _), worker in self.workers.items()}
