"""Who runs in a race (`bench.race`): its rounds, the order of a round, the ratio of two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from . import stats
from .stable import Settings, Worker

UNDISTURBED = 0.97  # processor time over wall time of a round of one thread
ENOUGH = 5  # clean rounds that suffice to leave the others out


@dataclass
class Entrant:
    """A contestant with the operation that it runs, and what came of it."""

    contestant: str
    operation: str
    threads: int
    reference: bool = False  # it has no row: others are held against it
    worker: Worker | None = None
    loaded: dict[str, Any] = field(default_factory=dict)
    calls: int = 1
    warm: int = 1
    seconds: list[float] = field(default_factory=list)  # of one call, by round
    busy: list[float] = field(default_factory=list)  # processor time over wall time, by round
    verdict: dict[str, Any] = field(default_factory=dict)  # status, and why

    @property
    def clean(self) -> list[bool]:
        """Rounds in which nobody took the processor away: wall time was processor time.

        With several threads the two say nothing of each other, and every round counts.
        """
        return [self.threads > 1 or part > UNDISTURBED for part in self.busy]

    @property
    def taken(self) -> list[float]:
        """Seconds of the clean rounds; of all, if hardly any was clean."""
        clean = [s for s, good in zip(self.seconds, self.clean, strict=True) if good]
        return clean if len(clean) >= ENOUGH else self.seconds

    @property
    def timed(self) -> bool:
        return self.verdict["status"] == "timed"

    @property
    def cores(self) -> float:
        """Processors kept busy."""
        return stats.quantile(self.busy, 0.5)

    @property
    def crowded(self) -> str:
        """What is to be said of an entrant that used more threads than it was given."""
        many = self.cores > self.threads + 0.1
        return f"ran on {self.cores:.1f} cores, though held to {self.threads}" if many else ""

    def calibrate(self, settings: Settings) -> None:
        """Choose how many calls make one timing."""
        one = self._ask(1, 0)["seconds"]
        while one * self.calls < settings.shortest:
            self.calls *= max(2, min(10, round(settings.shortest / (one * self.calls))))
            one = self._ask(self.calls, 0)["seconds"] / self.calls
        # Other processes have emptied the caches since the last round: one call is not timed.
        self.warm = 1 if one < settings.budget / 20 else 0

    def _ask(self, calls: int, warm: int) -> dict[str, Any]:
        assert self.worker
        slot = self.operation
        return self.worker.ask({"do": "time", "slot": slot, "calls": calls, "warm": warm})

    def round(self) -> None:
        timed = self._ask(self.calls, self.warm)
        self.seconds.append(timed["seconds"] / self.calls)
        self.busy.append(timed["busy"] / timed["seconds"])


def paired(over: Entrant, under: Entrant) -> dict[str, float]:
    """Ratio of times, over the rounds that were clean for both (all, if those are few)."""
    rounds = list(zip(over.seconds, under.seconds, over.clean, under.clean, strict=False))
    clean = [(a, b) for a, b, fine, good in rounds if fine and good]
    pairs = clean if len(clean) >= ENOUGH else [(a, b) for a, b, _, _ in rounds]
    found = stats.summary([a / b for a, b in pairs])
    found["of_min"] = float(f"{min(over.taken) / min(under.taken):.6g}")
    return found


def order(field: list[Entrant], number: int) -> list[Entrant]:
    """Rotated by the round and, every other round, reversed: nobody always follows the same."""
    start = number % len(field)
    turned = field[start:] + field[:start]
    return turned[::-1] if number % 2 else turned
