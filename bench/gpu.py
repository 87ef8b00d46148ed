"""``python -m bench gpu``: pysig on a CUDA device, compared with two measured ceilings of the
device, and with peers.

Device time: calls are queued behind a kernel that only waits, so that the device runs them back to
back; CUDA events before and after, over the number of calls. Wall time: one call from Python, of a
signature with ``out=``, without and with synchronisation. Answers are compared before the timing: a
part of the input with the reference implementation, some whole paths with pysig on the CPU in
float64.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import answers, cases, gpu_card, results, stats
from .gpu_card import Card, NoDevice, device, wall
from .gpu_peers import peers
from .gpu_profile import counters
from .operations import OPERATIONS, Operation, Task
from .report import seconds

Inputs = dict[str, np.ndarray]
TIMED = ("signature", "signature_vjp")
# For a signature: long paths, and another order of summation than on the CPU.
TOLERANCE = {"float32": 2e-4, "float64": 1e-10}
CHECKED_PATHS = 64  # paths that are compared with the CPU
REFERENCE_POINTS = 60  # points that are compared with the reference
HEADINGS = ("operation", "case", "dtype", "library", "device", "call", "to end", "Gmadd/s")
HEADINGS += ("of peak", "of copy")
COLUMNS = "{:14} {:18} {:8} {:14} {:>10} {:>10} {:>10} {:>9} {:>8} {:>8}  {}"


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
    """Largest deviation of a correct answer."""
    return (TOLERANCE if operation.name == "signature" else operation.tolerance)[dtype]


def check_on_cpu(
    operation: Operation, case: cases.Case, inputs: Inputs, answer: np.ndarray
) -> float:
    """Deviation from pysig on the CPU in float64, on whole paths."""
    whole = {
        k: np.ascontiguousarray(v[:CHECKED_PATHS]).astype(np.float64) for k, v in inputs.items()
    }
    right = compute(operation, case, whole, "auto", None)
    return answers.deviation(answer[:CHECKED_PATHS], right, case)


def check_with_reference(
    operation: Operation,
    case: cases.Case,
    inputs: Inputs,
    answer_to: Callable[[Inputs], np.ndarray],
) -> float:
    """Deviation from the reference implementation on a small part of the input; it is slow."""
    import pysig._reference as reference

    part = {
        k: np.ascontiguousarray(v[:1, :REFERENCE_POINTS] if v.ndim == 3 else v[:1])
        for k, v in inputs.items()
    }
    wide = {k: v.astype(np.float64) for k, v in part.items()}
    task = Task(wide, case.depth, case.channels, 1, lambda: None)
    right, answer = operation.calls["reference"](reference, task)(), answer_to(part)
    if operation.project is not None:
        answer = operation.project(answer.astype(np.float64), wide)
    return answers.deviation(answer, right, case)


def base_row(operation: Operation, case: cases.Case, dtype: str, library: str) -> dict[str, Any]:
    """Entries that every row has."""
    return {
        "operation": operation.name,
        "case": case.name,
        "dtype": dtype,
        "threads": 0,
        "library": library,
        "madds": operation.madds(case),
        "bytes": operation.bytes(case, dtype),
        "date": results.today(),
        "versions": {},
    }


def timed(
    row: dict[str, Any],
    checked_by: str,
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
        "checked_by": checked_by,
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
        check_with_reference(operation, case, inputs, answer_to),
        check_on_cpu(operation, case, inputs, answer_to(inputs)),
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
    row = timed(row, "reference", error, times, calls, ceilings)
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
    """A peer, by wall time until the end of its call, on its own stream."""
    signature = OPERATIONS["signature"]
    row = base_row(signature, case, dtype, name)
    if absent:
        return row | {"status": "skipped", "reason": absent}
    try:
        call = make()
        answer = call()
        found = np.asarray(answer.cpu() if hasattr(answer, "cpu") else answer)
        error = check_on_cpu(signature, case, {"path": path}, found)
        if not error <= TOLERANCE[dtype]:
            return row | {"status": "wrong", "reason": f"deviates by {error:.1e}"}
        times = []
        for _ in range(gpu_card.ROUNDS):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    except Exception as error:  # a peer may fail in any way: its row says so
        reason = results.without_paths(f"{type(error).__name__}: {error}")[:200]
        return row | {"status": "failed", "reason": reason}
    return timed(row, "pysig on the CPU", error, times, 1, ceilings)


def show(row: dict[str, Any]) -> None:
    """One line of the table."""
    if row["status"] != "timed":
        note = f"{row['status']}: {row['reason']}"
        head = (row[name] for name in ("operation", "case", "dtype", "library"))
        print(COLUMNS.format(*head, *6 * ["-"], note))
        return
    by_wall = row.get("wall", {})
    print(
        COLUMNS.format(
            row["operation"],
            row["case"],
            row["dtype"],
            row["library"],
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
    for operation in (OPERATIONS[chosen] for chosen in operations):
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


def measure(
    card: Card, ceilings: dict[str, float], options: argparse.Namespace, seed: int
) -> list[dict[str, Any]]:
    """Rows of all cases, dtypes and operations."""
    rows = []
    chosen = [OPERATIONS[name] for name in options.operations]
    for case, dtype, operation in itertools.product(
        cases.select(options.cases), options.dtypes, chosen
    ):
        inputs = make_inputs(operation, case, dtype, seed)
        for method in options.methods:
            rows.append(pysig_row(card, ceilings, operation, case, dtype, inputs, method))
        if options.vs and operation.name == "signature":
            path = inputs["path"]
            for peer in peers(case, dtype, path):
                rows.append(peer_row(*peer, case, dtype, path, ceilings))
        print(f"measured {operation.name} {case.name} {dtype}", file=sys.stderr, flush=True)
    return rows


def store(
    card: Card, ceilings: dict[str, float], rows: list[dict[str, Any]], output: Path | None
) -> None:
    """Merge the rows into the JSON file of the device."""
    about = results.machine()
    about["gpu"] = card.name
    words = "".join(c if c.isalnum() else " " for c in card.name.lower()).split()
    about["name"] = "-".join(words)
    target = output or results.path_for("gpu", about["name"])
    stored = results.load(target) if target.exists() else results.document("gpu", about, {})
    stored["roofline"] = ceilings
    results.merge(stored, rows)
    results.save(stored, target)


def show_table(
    card: Card, ceilings: dict[str, float], rows: list[dict[str, Any]], seed: int
) -> None:
    """The table on the terminal."""
    peaks = ", ".join(f"{name} {rate / 1e9:.0f} G/s" for name, rate in ceilings.items())
    print(f"\n{card.name}, seed {seed}; ceilings: {peaks}")
    print(COLUMNS.format(*HEADINGS, ""))
    for row in rows:
        show(row)


def main(argv: Sequence[str]) -> int:
    """Measure, store, print; 1 if an answer was wrong, 2 without a device."""
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
    rows = measure(card, ceilings, options, seed)
    store(card, ceilings, rows, options.output)
    if options.ncu:
        for case, name in itertools.product(cases.select(options.cases), options.operations):
            print(counters(case.name, name))
    show_table(card, ceilings, rows, seed)
    return 1 if any(row["status"] == "wrong" for row in rows) else 0
