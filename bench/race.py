"""One race: contestants on one case, answers compared first, then timed in interleaved rounds.

The order is fixed: pysig computes the answer in float64; the law judges some of its paths; every
entrant's own answer, for exactly the input that will be timed, is compared with it; and only those
that are right meet the clock. A round times every entrant once, one after the other, in an order
that changes; a ceiling of the machine (``bench.probe``) is an entrant like the others, so that a
fraction of peak compares two figures of the same moment. So is an operation that others are held
against (``Operation.against``): it runs in their rounds as a reference, judged for what it is.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import stats
from .answers import deviation, make_inputs
from .cases import Case
from .entrant import Entrant, order, paired
from .operation import Operation
from .operations import OPERATIONS
from .probe import PROBES
from .stable import Stable, Worker, WorkerError

LAW_WORK = 4e7  # multiply-adds of the law per race; it takes about 10 to 100 ns for each
LAW_TOLERANCE = 1e-10


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
        self.judge = _judge(self.entrants[0])
        self.probes: list[Entrant] = []
        self.judged_by: dict[str, str] = {}
        inputs = make_inputs(self.judge, case, dtype, seed)
        self.files = {name: self._store(name, array) for name, array in inputs.items()}
        # The float64 answer is for the numbers that float32 contestants see: rounded first.
        self.inputs64 = {name: array.astype(np.float64) for name, array in inputs.items()}

    def run(self) -> list[dict[str, Any]]:
        for judge in {_judge(entrant).name: _judge(entrant) for entrant in self.entrants}.values():
            self._judge_by(judge, [e for e in self.entrants if _judge(e) is judge])
        self._time()
        self.stable.drop()
        return [self._row(entrant) for entrant in self.entrants if not entrant.reference]

    # Answers.

    def _judge_by(self, judge: Operation, entrants: Sequence[Entrant]) -> None:
        """Hold the answers of entrants, all of the same operation, against the right one."""
        try:
            right = self._right_answer(judge)
        except WorkerError as error:
            for entrant in entrants:
                entrant.verdict = _skip(error)
            return
        for entrant in entrants:
            self._compare(entrant, right)

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

    def _right_answer(self, judge: Operation) -> np.ndarray:
        """The float64 answer of pysig, some paths of it judged by the law."""
        wanted = {name: self.inputs64[name] for name in judge.inputs}
        files = {name: self._store(f"{name}-64", array) for name, array in wanted.items()}
        pysig = self.stable.get("pysig", 1)
        self._load(pysig, judge, files, "float64", "right.npy")
        right = np.load(self.folder / "right.npy")
        if right.shape != judge.answer(self.case):
            raise WorkerError(
                "failed",
                f"pysig's answer has shape {right.shape}, not {judge.answer(self.case)}",
            )
        self._ask_the_law(judge, right)
        return right

    def _ask_the_law(self, judge: Operation, right: np.ndarray) -> None:
        count = int(max(1, min(3, LAW_WORK // max(1, self.case.madds // self.case.paths))))
        rows: Any = ...
        if self.case.batch is not None and not judge.coupled:
            rows = np.unique(np.linspace(0, self.case.batch - 1, count).astype(int))
        names = (*judge.inputs, *judge.witnesses)
        given = {name: self.inputs64[name][rows] for name in names}
        files = {name: self._store(f"{name}-law", array) for name, array in given.items()}
        try:
            law = self.stable.get("law", 1)
            self._load(law, judge, files, "float64", "law.npy")
        except WorkerError as error:
            if error.kind != "unsupported":
                raise WorkerError(error.kind, f"the law gave no answer: {error.reason}") from None
            self.judged_by[judge.name] = f"pysig in float64 (not the law: {error.reason})"
            return
        ours = right[rows]
        if judge.project:
            ours = judge.project(ours, given)
        off = deviation(ours, np.load(self.folder / "law.npy"), self.case)
        if not off <= LAW_TOLERANCE:
            raise WorkerError(
                "wrong", f"pysig in float64 differs from the law by {off:.1e}, so nothing is timed"
            )
        self.judged_by[judge.name] = "the law and pysig in float64"

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
        if all(entrant.reference for entrant in field):
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
            for entrant in order(field, number):
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
        row["judged_by"] = self.judged_by[self.judge.name]
        row["computes"] = entrant.loaded["computes"]
        row["scratch"] = entrant.loaded["scratch"]
        row["rounds"], row["clean"] = len(entrant.seconds), sum(entrant.clean)
        row["calls"] = entrant.calls
        row["seconds"] = stats.summary(seconds)
        row["rate"] = float(f"{row['madds'] / min(seconds):.5g}")
        row["fraction"] = self._fraction(entrant, row)
        rival = self._baseline(entrant.threads)
        if rival and rival is not entrant:
            row["ratio"] = paired(entrant, rival)
        alone = self._same(entrant, threads=1)
        if alone and entrant.threads > 1:
            row["speedup"] = paired(alone, entrant)
        if entrant.contestant == "pysig" and operation.against:
            row["against"] = self._against(entrant, operation.against)
        row["cores"] = round(entrant.cores, 2)
        row["noisy"] = stats.spread(seconds) > stats.NOISY
        if entrant.crowded:
            row["status"], row["reason"] = "failed", entrant.crowded
        return row

    def _against(self, entrant: Entrant, name: str) -> dict[str, Any]:
        """Time over that of another operation in the same rounds, or why there is none."""
        for other in self.entrants:
            if other.reference and (other.operation, other.threads) == (name, entrant.threads):
                reason = other.crowded if other.timed else other.verdict["reason"]
                found = {"reason": reason} if reason else paired(entrant, other)
                return {"operation": name, **found}
        return {"operation": name, "reason": "it was no entrant of the race"}

    def _baseline(self, threads: int) -> Entrant | None:
        """The entrant that others are compared with: pysig, method of its own choice."""
        for entrant in self.entrants:
            own = entrant.contestant == "pysig" and not entrant.reference
            if own and entrant.threads == threads and entrant.timed:
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


def _judge(entrant: Entrant) -> Operation:
    """The operation whose float64 answer is right for the entrant's."""
    operation = OPERATIONS[entrant.operation]
    return OPERATIONS[operation.judge or operation.name]


def _skip(error: WorkerError) -> dict[str, Any]:
    status = {"absent": "skipped", "unsupported": "skipped"}.get(error.kind, error.kind)
    return {"status": status, "reason": error.reason}
