"""One comparison: runs on one case, answers checked first, then timed in interleaved rounds.

1. pysig computes the answer in float64; the reference implementation checks some of its paths.
2. Each run's own answer, for the input that will be timed, is compared with it. Only correct
   implementations are timed.
3. A round times each run once, one after the other, in an order that changes. A ceiling of the
   machine (``bench.probe``) is a run like the others: a fraction of peak relates two figures of the
   same moment. The operation that others are compared with (``Operation.against``) runs in
   the same rounds, as a base without a row.
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
from .operation import Operation
from .operations import OPERATIONS
from .probe import PROBES
from .run import Run, order, paired
from .worker_pool import Worker, WorkerError, WorkerPool

REFERENCE_WORK = 4e7  # multiply-adds of the reference per comparison, about 10 to 100 ns each
REFERENCE_TOLERANCE = 1e-10


class Comparison:
    """One case in one dtype: load, compare, time, and report rows."""

    def __init__(
        self,
        pool: WorkerPool,
        case: Case,
        dtype: str,
        runs: Sequence[Run],
        folder: Path,
        ceilings: Ceilings,
        seed: int = 0,
    ) -> None:
        self.pool, self.case, self.dtype, self.folder = pool, case, dtype, folder
        self.ceilings = ceilings
        self.settings = pool.settings
        self.runs = list(runs)
        self.checked = _checked_operation(self.runs[0])
        self.probes: list[Run] = []
        self.checked_by: dict[str, str] = {}
        inputs = make_inputs(self.checked, case, dtype, seed)
        self.files = {name: self._store(name, array) for name, array in inputs.items()}
        # The float64 answer is for the numbers that float32 libraries see: rounded first.
        self.inputs64 = {name: array.astype(np.float64) for name, array in inputs.items()}

    def run(self) -> list[dict[str, Any]]:
        groups: dict[str, list[Run]] = {}
        for run in self.runs:
            groups.setdefault(_checked_operation(run).name, []).append(run)
        for name, runs in groups.items():
            self._check_answers(OPERATIONS[name], runs)
        self._time()
        self.pool.drop()
        return [self._row(run) for run in self.runs if not run.base]

    # Answers.

    def _check_answers(self, operation: Operation, runs: Sequence[Run]) -> None:
        """Compare the answers of runs, all checked by the same operation, with the right one."""
        try:
            right = self._right_answer(operation)
        except WorkerError as error:
            for run in runs:
                run.outcome = _skip(error)
            return
        for run in runs:
            self._compare(run, right)

    def _store(self, name: str, array: np.ndarray) -> str:
        file = self.folder / f"{name}.npy"
        np.save(file, array)
        return str(file)

    def _load(
        self, worker: Worker, operation: Operation, files: dict[str, str], dtype: str, target: str
    ) -> dict[str, Any]:
        return worker.request(
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

    def _right_answer(self, operation: Operation) -> np.ndarray:
        """The float64 answer of pysig, some paths of it checked by the reference."""
        wanted = {name: self.inputs64[name] for name in operation.inputs}
        files = {name: self._store(f"{name}-64", array) for name, array in wanted.items()}
        pysig = self.pool.get("pysig", 1)
        self._load(pysig, operation, files, "float64", "right.npy")
        right = np.load(self.folder / "right.npy")
        if right.shape != operation.answer(self.case):
            raise WorkerError(
                "failed",
                f"pysig's answer has shape {right.shape}, not {operation.answer(self.case)}",
            )
        self._check_with_reference(operation, right)
        return right

    def _check_with_reference(self, operation: Operation, right: np.ndarray) -> None:
        count = int(max(1, min(3, REFERENCE_WORK // max(1, self.case.madds // self.case.paths))))
        rows: Any = ...
        if self.case.batch is not None and not operation.coupled:
            rows = np.unique(np.linspace(0, self.case.batch - 1, count).astype(int))
        names = (*operation.inputs, *operation.extra_inputs)
        given = {name: self.inputs64[name][rows] for name in names}
        files = {name: self._store(f"{name}-reference", array) for name, array in given.items()}
        try:
            reference = self.pool.get("reference", 1)
            self._load(reference, operation, files, "float64", "reference.npy")
        except WorkerError as error:
            if error.kind != "unsupported":
                raise WorkerError(error.kind, f"the reference failed: {error.reason}") from None
            self.checked_by[operation.name] = (
                f"pysig in float64 (not the reference: {error.reason})"
            )
            return
        ours = right[rows]
        if operation.project:
            ours = operation.project(ours, given)
        off = deviation(ours, np.load(self.folder / "reference.npy"), self.case)
        if not off <= REFERENCE_TOLERANCE:
            raise WorkerError(
                "wrong",
                f"pysig in float64 differs from the reference by {off:.1e}, so nothing is timed",
            )
        self.checked_by[operation.name] = "the reference and pysig in float64"

    def _compare(self, run: Run, right: np.ndarray) -> None:
        operation = OPERATIONS[run.operation]
        files = {name: self.files[name] for name in operation.inputs}
        try:
            run.worker = self.pool.get(run.library, run.threads)
            run.loaded = self._load(run.worker, operation, files, self.dtype, "answer.npy")
        except WorkerError as error:
            run.outcome = _skip(error)
            return
        answer = np.load(self.folder / "answer.npy")
        off = deviation(answer, right, self.case)
        coarser = "float32" if "float32" in (self.dtype, str(answer.dtype)) else "float64"
        run.outcome = {"status": "timed", "error": off}
        if answer.shape != right.shape:
            run.outcome["status"] = "wrong"
            run.outcome["reason"] = f"answer of shape {answer.shape}, not {right.shape}"
        elif not off <= operation.tolerance[coarser]:
            run.outcome["status"] = "wrong"
            run.outcome["reason"] = (
                f"answer off by {off:.1e} of its level, more than {operation.tolerance[coarser]:g}"
            )

    # Times.

    def _time(self) -> None:
        self._load_probes()
        active = [run for run in self.runs if run.timed]
        for run in list(active):
            self._guard(run, lambda run=run: run.calibrate(self.settings), active)
        if all(run.base for run in active):
            return
        for probe in self.probes:
            probe.calibrate(self.settings)
        active += self.probes
        minimum, maximum = self.settings.rounds
        start = time.perf_counter()
        for number in range(maximum):
            elapsed = time.perf_counter() - start
            if number >= minimum and (elapsed > self.settings.budget or self._settled(active)):
                break
            for run in order(active, number):
                if not self._resting(run):
                    self._guard(run, run.round, active)
        for probe in self.probes:
            if probe.seconds:
                name = probe.operation.removeprefix("probe:")
                rate = probe.loaded["amount"] / min(probe.seconds)
                self.ceilings.record(name, self.dtype, probe.threads, rate)

    def _guard(self, run: Run, action: Any, active: list[Run]) -> None:
        try:
            action()
        except WorkerError as error:
            run.outcome = {**run.outcome, **_skip(error)}
            active.remove(run)

    def _load_probes(self) -> None:
        timed = [run for run in self.runs if run.timed]
        for threads in sorted({run.threads for run in timed}):
            for name in PROBES[self.checked.bound]:
                probe = Run("probe", f"probe:{name}", threads, outcome={"status": "timed"})
                try:
                    probe.worker = self.pool.get("probe", threads)
                    probe.loaded = probe.worker.request(
                        {"do": "load", "operation": probe.operation, "dtype": self.dtype}
                    )
                except WorkerError:
                    continue  # the roofline of the run reports it once
                self.probes.append(probe)

    def _resting(self, run: Run) -> bool:
        seconds = run.seconds
        if not seconds:
            return False
        one = seconds[0] * run.calls
        if one > self.settings.budget:
            return True
        return one > self.settings.slow * self.settings.budget and (
            len(seconds) >= self.settings.slow_rounds
        )

    def _settled(self, active: list[Run]) -> bool:
        return all(
            self._resting(run)
            or (stats.settled(run.clean_seconds) and stats.spread(run.clean_seconds) < stats.NOISY)
            for run in active
        )

    # Rows.

    def _row(self, run: Run) -> dict[str, Any]:
        operation = OPERATIONS[run.operation]
        row: dict[str, Any] = {
            "operation": run.operation,
            "case": self.case.name,
            "dtype": self.dtype,
            "threads": run.threads,
            "library": run.library,
            "madds": operation.madds(self.case),
            "bytes": operation.bytes(self.case, self.dtype),
            **run.outcome,
        }
        if "error" in row:
            row["error"] = float(f"{row['error']:.2g}")
        if not run.timed:
            return row
        seconds = run.clean_seconds
        row["checked_by"] = self.checked_by[self.checked.name]
        row["computes"] = run.loaded["computes"]
        row["scratch"] = run.loaded["scratch"]
        row["rounds"], row["clean"] = len(run.seconds), sum(run.clean)
        row["calls"] = run.calls
        row["seconds"] = stats.summary(seconds)
        row["rate"] = float(f"{row['madds'] / min(seconds):.5g}")
        row["fraction"] = self._fraction(run, row)
        baseline = self._baseline(run.threads)
        if baseline and baseline is not run:
            row["ratio"] = paired(run, baseline)
        alone = self._same(run, threads=1)
        if alone and run.threads > 1:
            row["speedup"] = paired(alone, run)
        if run.library == "pysig" and operation.against:
            row["against"] = self._against(run, operation.against)
        row["cores"] = round(run.cores, 2)
        row["noisy"] = stats.spread(seconds) > stats.NOISY
        if run.excess:
            row["status"], row["reason"] = "failed", run.excess
        return row

    def _against(self, run: Run, name: str) -> dict[str, Any]:
        """Time over that of another operation in the same rounds, or why there is none."""
        for other in self.runs:
            if other.base and (other.operation, other.threads) == (name, run.threads):
                reason = other.excess if other.timed else other.outcome["reason"]
                found = {"reason": reason} if reason else paired(run, other)
                return {"operation": name, **found}
        return {"operation": name, "reason": "it did not run in this comparison"}

    def _baseline(self, threads: int) -> Run | None:
        """The run that others are compared with: pysig, which chooses its method."""
        for run in self.runs:
            own = run.library == "pysig" and not run.base
            if own and run.threads == threads and run.timed:
                return run
        return None

    def _same(self, like: Run, threads: int) -> Run | None:
        for run in self.runs:
            alike = (run.library, run.operation) == (like.library, like.operation)
            if alike and run.threads == threads and run.timed:
                return run
        return None

    def _fraction(self, run: Run, row: dict[str, Any]) -> dict[str, float] | None:
        """Part of the ceiling reached: quietest time against the highest ceiling of the run, and
        the median over the rounds, each against the ceiling in the same round."""
        ceilings = [p for p in self.probes if p.threads == run.threads and p.seconds]
        if not ceilings:
            return None
        done = row["madds"] if self.checked.bound == "multiply-add" else row["bytes"]
        rounds = [
            max(p.loaded["amount"] / p.seconds[i] for p in ceilings)
            for i in range(min(len(p.seconds) for p in ceilings))
        ]
        parts = [done / seconds / peak for seconds, peak in zip(run.seconds, rounds, strict=False)]
        median = float(f"{stats.quantile(parts, 0.5):.4g}")
        return {"of_min": self.ceilings.fraction(row) or median, "median": median}


class Ceilings:
    """The highest ceilings seen in a run: the peak of the machine without other load."""

    def __init__(self) -> None:
        self.best: dict[tuple[str, str, int], float] = {}

    def record(self, name: str, dtype: str, threads: int, rate: float) -> None:
        key = (name, dtype if name == "madds" else "", threads)
        self.best[key] = max(rate, self.best.get(key, 0.0))

    def fraction(self, row: dict[str, Any]) -> float | None:
        """Part of the ceiling that the quietest time of a row reached."""
        bound = OPERATIONS[row["operation"]].bound
        keys = [(n, row["dtype"] if n == "madds" else "", row["threads"]) for n in PROBES[bound]]
        best = max(self.best.get(key, 0.0) for key in keys)
        done = row["madds"] if bound == "multiply-add" else row["bytes"]
        return float(f"{done / row['seconds']['min'] / best:.4g}") if best else None

    def refresh(self, rows: Sequence[dict[str, Any]]) -> None:
        """Relate earlier rows to the ceilings at the end of the run."""
        for row in rows:
            if row.get("fraction"):
                row["fraction"]["of_min"] = self.fraction(row) or row["fraction"]["median"]


def _checked_operation(run: Run) -> Operation:
    """Operation whose float64 answer is right for that of the run."""
    operation = OPERATIONS[run.operation]
    return OPERATIONS[operation.checked_as or operation.name]


def _skip(error: WorkerError) -> dict[str, Any]:
    status = {"absent": "skipped", "unsupported": "skipped"}.get(error.kind, error.kind)
    return {"status": status, "reason": error.reason}
