"""``python -m bench gpu``: pysig on a CUDA device, against the two ceilings that the card shows
first, and against peers.

Device time: calls are queued behind a kernel that only waits, so that the card finds them back to
back; CUDA events before and after, over the number of calls. Wall time: one call from Python, of
a signature with ``out=`` given, without and with waiting for its end. Answers are compared before
anything is timed: a piece of the input with the law, the whole with pysig on the CPU in float64.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import answers, cases, results, stats
from .gpu_peers import peers
from .gpu_profile import counters
from .operations import OPERATIONS, Operation, Task
from .report import seconds

Inputs = dict[str, np.ndarray]
TIMED = ("signature", "signature_vjp")
# Of a long path against another order of adding; a gradient has the tolerance of its operation.
TOLERANCE = {"float32": 2e-4, "float64": 1e-10}
CHUNK = 64  # paths that are compared with the CPU
LAW_POINTS = 60  # points that are compared with the law
WAIT_CYCLES = 4_000_000  # about two milliseconds, in which the calls of a round queue up
ROUNDS = 9
SECONDS = 0.15  # for the rounds of one row, about
CEILINGS = Path(__file__).with_name("ceilings.cu")
COLUMNS = "{:14} {:18} {:8} {:14} {:>10} {:>10} {:>10} {:>9} {:>8} {:>8}  {}"


class NoDevice(RuntimeError):
    """Why there is nothing to measure, in one sentence."""


def device() -> Any:
    """CuPy with a working card."""
    try:
        import cupy
    except ImportError:
        raise NoDevice("CuPy is not installed: pip install pysig-signatures[gpu]") from None
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
        """Device times of rounds of calls, as many calls as the wait hides and the time allows."""
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


def make_inputs(operation: Operation, case: cases.Case, dtype: str, seed: int) -> Inputs:
    """The inputs of `answers`, with a batch axis."""
    inputs = answers.make_inputs(operation, case, dtype, seed)
    return {k: v.reshape(case.paths, *v.shape[case.batch is not None :]) for k, v in inputs.items()}


def compute(operation: Operation, case: cases.Case, inputs: Any, method: str, out: Any) -> Any:
    """The answer of pysig, on the device on which the inputs are."""
    import pysig

    if operation.name == "signature":
        return pysig.signature(inputs["path"], case.depth, method=method, out=out)
    return pysig.signature_vjp(inputs["path"], case.depth, inputs["cotangent"], method=method)


def tolerance(operation: Operation, dtype: str) -> float:
    """Largest deviation of an answer that is timed."""
    return (TOLERANCE if operation.name == "signature" else operation.tolerance)[dtype]


def judge(operation: Operation, case: cases.Case, inputs: Inputs, answer: np.ndarray) -> float:
    """Deviation from pysig on the CPU in float64, which the tests hold against the law, on whole
    paths."""
    whole = {k: np.ascontiguousarray(v[:CHUNK]).astype(np.float64) for k, v in inputs.items()}
    right = compute(operation, case, whole, "auto", None)
    return answers.deviation(answer[:CHUNK], right, case)


def judge_by_law(
    operation: Operation,
    case: cases.Case,
    inputs: Inputs,
    answer_to: Callable[[Inputs], np.ndarray],
) -> float:
    """Deviation from the law on a piece of the input, which is all that the law has time for."""
    import pysig._reference as law

    piece = {
        k: np.ascontiguousarray(v[:1, :LAW_POINTS] if v.ndim == 3 else v[:1])
        for k, v in inputs.items()
    }
    wide = {k: v.astype(np.float64) for k, v in piece.items()}
    task = Task(wide, case.depth, case.channels, 1, lambda: None)
    right, answer = operation.calls["law"](law, task)(), answer_to(piece)
    if operation.project is not None:
        answer = operation.project(answer.astype(np.float64), wide)
    return answers.deviation(answer, right, case)


def base_row(operation: Operation, case: cases.Case, dtype: str, contestant: str) -> dict[str, Any]:
    """What a row says whatever becomes of it."""
    return {
        "operation": operation.name,
        "case": case.name,
        "dtype": dtype,
        "threads": 0,
        "contestant": contestant,
        "madds": operation.madds(case),
        "bytes": operation.bytes(case, dtype),
        "date": results.today(),
        "versions": {},
    }


def timed(
    row: dict[str, Any],
    judge: str,
    error: float,
    times: list[float],
    calls: int,
    ceilings: dict[str, float],
) -> dict[str, Any]:
    """A finished row."""
    best = min(times)
    return row | {
        "status": "timed",
        "error": error,
        "judged_by": judge,
        "computes": row["dtype"],
        "rounds": len(times),
        "calls": calls,
        "seconds": stats.summary(times),
        "rate": row["madds"] / best,
        "cores": 0.0,
        "noisy": stats.spread(times) > stats.NOISY,
        "fraction": {"of_min": row["madds"] / best / ceilings[f"madds_{row['dtype']}"]},
        "bytes_fraction": row["bytes"] / best / ceilings["bytes"],
    }


def pysig_row(
    card: Card,
    ceilings: dict[str, float],
    operation: Operation,
    case: cases.Case,
    dtype: str,
    inputs: Inputs,
    method: str,
) -> dict[str, Any]:
    """One method of pysig for one operation on one case."""
    import pysig

    cupy = card.cupy
    row = base_row(operation, case, dtype, "pysig" if method == "auto" else f"pysig-{method}")
    row["versions"] = {"pysig": pysig.__version__, "cupy": cupy.__version__}

    def answer_to(given: Inputs) -> np.ndarray:
        there = {k: cupy.asarray(v) for k, v in given.items()}
        return cupy.asnumpy(compute(operation, case, there, method, None))

    error = max(
        judge_by_law(operation, case, inputs, answer_to),
        judge(operation, case, inputs, answer_to(inputs)),
    )
    if not error <= tolerance(operation, dtype):
        return row | {"status": "wrong", "reason": f"deviates by {error:.1e}"}
    there = {k: cupy.asarray(inputs[k]) for k in operation.inputs}
    out = cupy.empty((case.paths, case.size), dtype) if operation.name == "signature" else None

    def call() -> None:
        compute(operation, case, there, method, out)

    pool = cupy.get_default_memory_pool()
    before = pool.total_bytes()
    call()
    scratch = pool.total_bytes() - before
    times, calls = card.rounds(call)
    row = timed(row, "law", error, times, calls, ceilings)
    return row | {"wall": wall(call, cupy.cuda.Device().synchronize), "scratch": scratch}


def peer_row(
    name: str,
    absent: str,
    make: Callable[[], Callable[[], Any]],
    case: cases.Case,
    dtype: str,
    path: np.ndarray,
    ceilings: dict[str, float],
) -> dict[str, Any]:
    """A peer, by wall time until the end of its call: its stream is its own affair."""
    signature = OPERATIONS["signature"]
    row = base_row(signature, case, dtype, name)
    if absent:
        return row | {"status": "skipped", "reason": absent}
    try:
        call = make()
        answer = call()
        found = np.asarray(answer.cpu() if hasattr(answer, "cpu") else answer)
        error = judge(signature, case, {"path": path}, found)
        if not error <= TOLERANCE[dtype]:
            return row | {"status": "wrong", "reason": f"deviates by {error:.1e}"}
        times = []
        for _ in range(ROUNDS):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    except Exception as error:  # a peer may fail in any way; that is its result
        reason = results.without_paths(f"{type(error).__name__}: {error}")[:200]
        return row | {"status": "failed", "reason": reason}
    return timed(row, "pysig on the CPU", error, times, 1, ceilings)


def show(row: dict[str, Any]) -> None:
    """One line of the table."""
    if row["status"] != "timed":
        note = f"{row['status']}: {row['reason']}"
        what = (row[name] for name in ("operation", "case", "dtype", "contestant"))
        print(COLUMNS.format(*what, *6 * ["-"], note))
        return
    by_wall = row.get("wall", {})
    print(
        COLUMNS.format(
            row["operation"],
            row["case"],
            row["dtype"],
            row["contestant"],
            seconds(row["seconds"]["min"]),
            seconds(by_wall["call"]) if by_wall else "-",
            seconds(by_wall["end"]) if by_wall else seconds(row["seconds"]["median"]),
            f"{row['rate'] / 1e9:.0f}",
            f"{100 * row['fraction']['of_min']:.0f} %",
            f"{100 * row['bytes_fraction']:.0f} %",
            ("noisy " if row["noisy"] else "")
            + (f"scratch {row['scratch'] / 2**20:.1f} MiB" if row.get("scratch") else ""),
        )
    )


def once(name: str, operations: Sequence[str]) -> None:
    """One call of each operation on one case, for a profiler."""
    cupy = device()
    (case,) = cases.select([name])
    for operation in (OPERATIONS[what] for what in operations):
        inputs = make_inputs(operation, case, "float32", 0)
        there = {k: cupy.asarray(inputs[k]) for k in operation.inputs}
        compute(operation, case, there, "auto", None)
    cupy.cuda.Device().synchronize()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m bench gpu", description=__doc__)
    made.add_argument(
        "--cases", nargs="+", default=["gpu", "core"], help="groups, names or patterns of cases"
    )
    made.add_argument(
        "--dtypes", nargs="+", default=["float32", "float64"], choices=list(cases.ITEMSIZE)
    )
    made.add_argument("--operations", nargs="+", default=list(TIMED), choices=TIMED)
    made.add_argument("--methods", nargs="+", default=["auto"], choices=["auto", "tile", "cumsum"])
    made.add_argument("--vs", action="store_true", help="also the peers that are installed")
    made.add_argument("--ncu", action="store_true", help="also the counters of Nsight Compute")
    made.add_argument("--seed", type=int, help="of the input; fresh by default")
    made.add_argument(
        "--output", type=Path, help="the JSON file; default: bench/results, by the card's name"
    )
    made.add_argument(
        "--once", metavar="CASE", help="run one call of a case and nothing else, for a profiler"
    )
    return made  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Measures, prints the table last, writes the JSON."""
    options = parser().parse_args(list(argv))
    if options.once:
        once(options.once, options.operations)
        return 0
    try:
        card = Card(device())
    except NoDevice as error:
        print(f"python -m bench gpu: {error}", file=sys.stderr)
        return 2
    seed = int(time.time()) if options.seed is None else options.seed
    ceilings = card.ceilings()
    rows = []
    for case in cases.select(options.cases):
        for dtype in options.dtypes:
            for operation in (OPERATIONS[what] for what in options.operations):
                inputs = make_inputs(operation, case, dtype, seed)
                rows += [
                    pysig_row(card, ceilings, operation, case, dtype, inputs, method)
                    for method in options.methods
                ]
                if options.vs and operation.name == "signature":
                    path = inputs["path"]
                    rows += [
                        peer_row(*peer, case, dtype, path, ceilings)
                        for peer in peers(case, dtype, path)
                    ]
                print(f"measured {operation.name} {case.name} {dtype}", file=sys.stderr, flush=True)
    about = results.machine()
    about["gpu"] = card.name
    words = "".join(c if c.isalnum() else " " for c in card.name.lower()).split()
    about["name"] = "-".join(words)
    target = options.output or results.path_for("gpu", about["name"])
    stored = results.load(target) if target.exists() else results.document("gpu", about, {})
    stored["roofline"] = ceilings
    results.merge(stored, rows)
    results.save(stored, target)
    if options.ncu:
        for case in cases.select(options.cases):
            for what in options.operations:
                print(counters(case.name, what))
    print(
        f"\n{card.name}, seed {seed}; ceilings: "
        + ", ".join(f"{k} {v / 1e9:.0f} G/s" for k, v in ceilings.items())
    )
    print(
        COLUMNS.format(
            "operation",
            "case",
            "dtype",
            "contestant",
            "device",
            "call",
            "to end",
            "Gmadd/s",
            "of peak",
            "of copy",
            "",
        )
    )
    for row in rows:
        show(row)
    return 1 if any(row["status"] == "wrong" for row in rows) else 0
