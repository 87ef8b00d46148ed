"""One race: contestants on one case, answers compared first, then timed in interleaved rounds.

The order is fixed: pysig computes the answer in float64; the law judges some of its paths; every
entrant's own answer, for exactly the input that will be timed, is compared with it; and only those
that are right meet the clock. A round times every entrant once, one after the other, in an order
that changes; a ceiling of the machine (``bench.probe``) is an entrant like the others, so that a
fraction of peak compares two figures of the same moment.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import stats
from .answers import deviation, make_inputs
from .cases import Case
from .operation import Operation
from .operations import OPERATIONS
from .probe import PROBES
from .stable import Settings, Stable, Worker, WorkerError

LAW_WORK = 4e7  # multiply-adds of the law per race; it takes about 10 to 100 ns for each
LAW_TOLERANCE = 1e-10

UNDISTURBED = 0.97  # processor time over wall time of a round of one thread
ENOUGH = 5  # clean rounds that suffice to leave the others out


@dataclass
class Entrant:
    """A contestant with the operation that it runs, and what came of it."""

    contestant: str
    operation: str
    threads: int
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


class Race:
    """One case in one dtype: load, compare, time, and report rows."""

    def __init__(
        self,
        stable: Stable,
        case: Case,
        dtype: str,
        entrants: Sequence[Entrant],
        folder: Path,
        ceilings: Ceilings,
        seed: int = 0,
    ) -> None:
        self.stable, self.case, self.dtype, self.folder = stable, case, dtype, folder
        self.ceilings = ceilings
        self.settings = stable.settings
        self.entrants = list(entrants)
        first = OPERATIONS[self.entrants[0].operation]
        self.judge = OPERATIONS[first.judge or first.name]
        self.probes: list[Entrant] = []
        self.judged_by = ""
        inputs = make_inputs(self.judge, case, dtype, seed)
        self.files = {name: self._store(name, array) for name, array in inputs.items()}
        # The float64 answer is for the numbers that float32 contestants see: rounded first.
        self.inputs64 = {name: array.astype(np.float64) for name, array in inputs.items()}

    def run(self) -> list[dict[str, Any]]:
        try:
            right = self._right_answer()
        except WorkerError as error:
            for entrant in self.entrants:
                entrant.verdict = _skip(error)
            return [self._row(entrant) for entrant in self.entrants]
        for entrant in self.entrants:
            self._compare(entrant, right)
        del right
        self._time()
        self.stable.drop()
        return [self._row(entrant) for entrant in self.entrants]

    # Answers.

    def _store(self, name: str, array: np.ndarray) -> str:
        file = self.folder / f"{name}.npy"
        np.save(file, array)
        return str(file)

    def _load(
        self, worker: Worker, operation: Operation, files: dict[str, str], dtype: str, target: str
    ) -> dict[str, Any]:
        return worker.ask(
            {
                "do": "load",
                "operation": operation.name,
                "inputs": files,
                "depth": self.case.depth,
                "channels": self.case.channels,
                "dtype": dtype,
                "shape": operation.answer(self.case),
                "answer": str(self.folder / target),
            }
        )

    def _right_answer(self) -> np.ndarray:
        """The float64 answer of pysig, some paths of it judged by the law."""
        wanted = {name: self.inputs64[name] for name in self.judge.inputs}
        files = {name: self._store(f"{name}-64", array) for name, array in wanted.items()}
        pysig = self.stable.get("pysig", 1)
        self._load(pysig, self.judge, files, "float64", "right.npy")
        right = np.load(self.folder / "right.npy")
        if right.shape != self.judge.answer(self.case):
            raise WorkerError(
                "failed",
                f"pysig's answer has shape {right.shape}, not {self.judge.answer(self.case)}",
            )
        self._ask_the_law(right)
        return right

    def _ask_the_law(self, right: np.ndarray) -> None:
        count = int(max(1, min(3, LAW_WORK // max(1, self.case.madds // self.case.paths))))
        rows: Any = ...
        if self.case.batch is not None and not self.judge.coupled:
            rows = np.unique(np.linspace(0, self.case.batch - 1, count).astype(int))
        given = {name: array[rows] for name, array in self.inputs64.items()}
        files = {name: self._store(f"{name}-law", array) for name, array in given.items()}
        try:
            law = self.stable.get("law", 1)
            self._load(law, self.judge, files, "float64", "law.npy")
        except WorkerError as error:
            if error.kind != "unsupported":
                raise WorkerError(error.kind, f"the law gave no answer: {error.reason}") from None
            self.judged_by = f"pysig in float64 (not the law: {error.reason})"
            return
        ours = right[rows]
        if self.judge.project:
            ours = self.judge.project(ours, given)
        off = deviation(ours, np.load(self.folder / "law.npy"), self.case)
        if not off <= LAW_TOLERANCE:
            raise WorkerError(
                "wrong", f"pysig in float64 differs from the law by {off:.1e}, so nothing is timed"
            )
        self.judged_by = "the law and pysig in float64"

    def _compare(self, entrant: Entrant, right: np.ndarray) -> None:
        operation = OPERATIONS[entrant.operation]
        files = {name: self.files[name] for name in operation.inputs}
        try:
            entrant.worker = self.stable.get(entrant.contestant, entrant.threads)
            entrant.loaded = self._load(entrant.worker, operation, files, self.dtype, "answer.npy")
        except WorkerError as error:
            entrant.verdict = _skip(error)
            return
        answer = np.load(self.folder / "answer.npy")
        off = deviation(answer, right, self.case)
        coarser = "float32" if "float32" in (self.dtype, str(answer.dtype)) else "float64"
        entrant.verdict = {"status": "timed", "error": off}
        if answer.shape != right.shape:
            entrant.verdict["status"] = "wrong"
            entrant.verdict["reason"] = f"answer of shape {answer.shape}, not {right.shape}"
        elif not off <= operation.tolerance[coarser]:
            entrant.verdict["status"] = "wrong"
            entrant.verdict["reason"] = (
                f"answer off by {off:.1e} of its level, more than {operation.tolerance[coarser]:g}"
            )

    # Times.

    def _time(self) -> None:
        self._load_probes()
        field = [entrant for entrant in self.entrants if entrant.timed]
        for entrant in list(field):
            self._guard(entrant, lambda entrant=entrant: entrant.calibrate(self.settings), field)
        if not field:
            return
        for probe in self.probes:
            probe.calibrate(self.settings)
        field += self.probes
        fewest, most = self.settings.rounds
        start = time.perf_counter()
        for number in range(most):
            elapsed = time.perf_counter() - start
            if number >= fewest and (elapsed > self.settings.budget or self._settled(field)):
                break
            for entrant in _order(field, number):
                if not self._resting(entrant):
                    self._guard(entrant, entrant.round, field)
        for probe in self.probes:
            if probe.seconds:
                name = probe.operation.removeprefix("probe:")
                rate = probe.loaded["amount"] / min(probe.seconds)
                self.ceilings.saw(name, self.dtype, probe.threads, rate)

    def _guard(self, entrant: Entrant, action: Any, field: list[Entrant]) -> None:
        try:
            action()
        except WorkerError as error:
            entrant.verdict = {**entrant.verdict, **_skip(error)}
            field.remove(entrant)

    def _load_probes(self) -> None:
        timed = [entrant for entrant in self.entrants if entrant.timed]
        for threads in sorted({entrant.threads for entrant in timed}):
            for name in PROBES[self.judge.bound]:
                probe = Entrant("probe", f"probe:{name}", threads, verdict={"status": "timed"})
                try:
                    probe.worker = self.stable.get("probe", threads)
                    probe.loaded = probe.worker.ask(
                        {"do": "load", "operation": probe.operation, "dtype": self.dtype}
                    )
                except WorkerError:
                    continue  # said once, by the roofline of the run
                self.probes.append(probe)

    def _resting(self, entrant: Entrant) -> bool:
        taken = entrant.seconds
        if not taken:
            return False
        one = taken[0] * entrant.calls
        if one > self.settings.budget:
            return True
        return one > self.settings.slow * self.settings.budget and (
            len(taken) >= self.settings.slow_rounds
        )

    def _settled(self, field: list[Entrant]) -> bool:
        return all(
            self._resting(entrant)
            or (stats.settled(entrant.taken) and stats.spread(entrant.taken) < stats.NOISY)
            for entrant in field
        )

    # Rows.

    def _row(self, entrant: Entrant) -> dict[str, Any]:
        operation = OPERATIONS[entrant.operation]
        row: dict[str, Any] = {
            "operation": entrant.operation,
            "case": self.case.name,
            "dtype": self.dtype,
            "threads": entrant.threads,
            "contestant": entrant.contestant,
            "madds": operation.madds(self.case),
            "bytes": operation.bytes(self.case, self.dtype),
            **entrant.verdict,
        }
        if "error" in row:
            row["error"] = float(f"{row['error']:.2g}")
        if not entrant.timed:
            return row
        seconds = entrant.taken
        row["judged_by"] = self.judged_by
        row["computes"] = entrant.loaded["computes"]
        row["scratch"] = entrant.loaded["scratch"]
        row["rounds"], row["clean"] = len(entrant.seconds), sum(entrant.clean)
        row["calls"] = entrant.calls
        row["seconds"] = stats.summary(seconds)
        row["rate"] = float(f"{row['madds'] / min(seconds):.5g}")
        row["fraction"] = self._fraction(entrant, row)
        rival = self._baseline(entrant.threads)
        if rival and rival is not entrant:
            row["ratio"] = _paired(entrant, rival)
        alone = self._same(entrant, threads=1)
        if alone and entrant.threads > 1:
            row["speedup"] = _paired(alone, entrant)
        cores = stats.quantile(entrant.busy, 0.5)
        row["cores"] = round(cores, 2)
        row["noisy"] = stats.spread(seconds) > stats.NOISY
        if cores > entrant.threads + 0.1:
            row["status"] = "failed"
            row["reason"] = f"ran on {cores:.1f} cores, though held to {entrant.threads}"
        return row

    def _baseline(self, threads: int) -> Entrant | None:
        """The entrant that others are compared with: pysig, method of its own choice."""
        for entrant in self.entrants:
            if entrant.contestant == "pysig" and entrant.threads == threads and entrant.timed:
                return entrant
        return None

    def _same(self, like: Entrant, threads: int) -> Entrant | None:
        for entrant in self.entrants:
            alike = (entrant.contestant, entrant.operation) == (like.contestant, like.operation)
            if alike and entrant.threads == threads and entrant.timed:
                return entrant
        return None

    def _fraction(self, entrant: Entrant, row: dict[str, Any]) -> dict[str, float] | None:
        """Part of the ceiling reached: quietest time against the highest ceiling of the run, and
        the median over the rounds, each against the ceiling in the same round."""
        ceilings = [p for p in self.probes if p.threads == entrant.threads and p.seconds]
        if not ceilings:
            return None
        done = row["madds"] if self.judge.bound == "multiply-add" else row["bytes"]
        rounds = [
            max(p.loaded["amount"] / p.seconds[i] for p in ceilings)
            for i in range(min(len(p.seconds) for p in ceilings))
        ]
        parts = [done / taken / peak for taken, peak in zip(entrant.seconds, rounds, strict=False)]
        median = float(f"{stats.quantile(parts, 0.5):.4g}")
        return {"of_min": self.ceilings.part(row) or median, "median": median}


class Ceilings:
    """The highest ceilings seen in a run: what the machine can do when it is left alone."""

    def __init__(self) -> None:
        self.best: dict[tuple[str, str, int], float] = {}

    def saw(self, name: str, dtype: str, threads: int, rate: float) -> None:
        key = (name, dtype if name == "madds" else "", threads)
        self.best[key] = max(rate, self.best.get(key, 0.0))

    def part(self, row: dict[str, Any]) -> float | None:
        """Part of the ceiling that the quietest time of a row reached."""
        bound = OPERATIONS[row["operation"]].bound
        keys = [(n, row["dtype"] if n == "madds" else "", row["threads"]) for n in PROBES[bound]]
        best = max(self.best.get(key, 0.0) for key in keys)
        done = row["madds"] if bound == "multiply-add" else row["bytes"]
        return float(f"{done / row['seconds']['min'] / best:.4g}") if best else None

    def refresh(self, rows: Sequence[dict[str, Any]]) -> None:
        """Hold rows that were made earlier in the run against the ceilings at its end."""
        for row in rows:
            if row.get("fraction"):
                row["fraction"]["of_min"] = self.part(row) or row["fraction"]["median"]


def _paired(over: Entrant, under: Entrant) -> dict[str, float]:
    """Ratio of times, over the rounds that were clean for both (all, if those are few)."""
    rounds = list(zip(over.seconds, under.seconds, over.clean, under.clean, strict=False))
    clean = [(a, b) for a, b, fine, good in rounds if fine and good]
    pairs = clean if len(clean) >= ENOUGH else [(a, b) for a, b, _, _ in rounds]
    found = stats.summary([a / b for a, b in pairs])
    found["of_min"] = float(f"{min(over.taken) / min(under.taken):.6g}")
    return found


def _order(field: list[Entrant], number: int) -> list[Entrant]:
    """Rotated by the round and, every other round, reversed: nobody always follows the same."""
    start = number % len(field)
    turned = field[start:] + field[:start]
    return turned[::-1] if number % 2 else turned


def _skip(error: WorkerError) -> dict[str, Any]:
    status = {"absent": "skipped", "unsupported": "skipped"}.get(error.kind, error.kind)
    return {"status": status, "reason": error.reason}
