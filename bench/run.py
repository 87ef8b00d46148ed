"""One library with one operation in a comparison: its rounds, and ratios of two runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import stats
from .worker_pool import Settings, Worker

UNDISTURBED = 0.97  # processor time over wall time of a round of one thread
ENOUGH = 5  # clean rounds from which the others are left out


@dataclass
class Run:
    """A library with an operation, and its result."""

    library: str
    operation: str
    threads: int
    base: bool = False  # it has no row: others are compared with it
    worker: Worker | None = None
    loaded: dict[str, Any] = field(default_factory=dict)
    calls: int = 1
    warm: int = 1
    seconds: list[float] = field(default_factory=list)  # of one call, by round
    busy: list[float] = field(default_factory=list)  # processor time over wall time, by round
    outcome: dict[str, Any] = field(default_factory=dict)  # status and reason

    @property
    def clean(self) -> list[bool]:
        """Rounds without interruption: wall time was processor time.

        With several threads the two are unrelated, and every round counts.
        """
        return [self.threads > 1 or part > UNDISTURBED for part in self.busy]

    @property
    def clean_seconds(self) -> list[float]:
        """Seconds of the clean rounds; of all, if fewer than `ENOUGH` are clean."""
        clean = [s for s, good in zip(self.seconds, self.clean, strict=True) if good]
        return clean if len(clean) >= ENOUGH else self.seconds

    @property
    def timed(self) -> bool:
        return self.outcome["status"] == "timed"

    @property
    def cores(self) -> float:
        """Mean number of busy processors."""
        return stats.quantile(self.busy, 0.5)

    @property
    def excess(self) -> str:
        """Reason for rejecting a run that used more threads than its limit; empty if it did not."""
        many = self.cores > self.threads + 0.1
        return f"ran on {self.cores:.1f} cores, though limited to {self.threads}" if many else ""

    def calibrate(self, settings: Settings) -> None:
        """Choose how many calls make one timing."""
        one = self._request(1, 0)["seconds"]
        while one * self.calls < settings.shortest:
            self.calls *= max(2, min(10, round(settings.shortest / (one * self.calls))))
            one = self._request(self.calls, 0)["seconds"] / self.calls
        # The other runs have emptied the caches since the last round: one call warms them up.
        self.warm = 1 if one < settings.budget / 20 else 0

    def _request(self, calls: int, warm: int) -> dict[str, Any]:
        assert self.worker
        slot = self.operation
        return self.worker.request({"do": "time", "slot": slot, "calls": calls, "warm": warm})

    def round(self) -> None:
        timed = self._request(self.calls, self.warm)
        self.seconds.append(timed["seconds"] / self.calls)
        self.busy.append(timed["busy"] / timed["seconds"])


def paired(over: Run, under: Run) -> dict[str, float]:
    """Ratio of times, over the rounds that were clean for both (all, if those are few)."""
    rounds = list(zip(over.seconds, under.seconds, over.clean, under.clean, strict=False))
    clean = [(a, b) for a, b, fine, good in rounds if fine and good]
    pairs = clean if len(clean) >= ENOUGH else [(a, b) for a, b, _, _ in rounds]
    found = stats.summary([a / b for a, b in pairs])
    found["of_min"] = float(f"{min(over.clean_seconds) / min(under.clean_seconds):.6g}")
    return found


def order(runs: list[Run], number: int) -> list[Run]:
    """Rotated by the round and, every other round, reversed: no run always follows the same one."""
    start = number % len(runs)
    turned = runs[start:] + runs[:start]
    return turned[::-1] if number % 2 else turned
