"""The CPU bench: ``python -m bench cpu``."""

from __future__ import annotations

import argparse
import fnmatch
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import cases, report, results
from .comparison import Ceilings, Comparison
from .libraries import PEERS
from .operation import Operation
from .operations import OPERATIONS
from .probe import MEMORY, ProbeError, loop_report
from .run import Run
from .worker_pool import Settings, WorkerError, WorkerPool

EPILOG = """\
procedure
  Every library runs in a separate process. For each case its answer is compared with that of pysig
  in float64, which is compared with the reference implementation (pysig/_reference). A wrong answer
  is reported and not timed. Then rounds: each library in turn, for some milliseconds, until the
  medians settle or the budget is spent. The peak of the machine is measured in the same rounds.

examples
  python -m bench --quick                        a first look, under a minute
  python -m bench --case core --dtype float32    the main cases
  python -m bench --case '128x*' --threads 1 2   by pattern; one thread and two, and the speed-up
  python -m bench --vs                           against every installed peer
  python -m bench --vs pysiglib --python pysiglib=ENV/bin/python
                                                 a peer that lives in another environment
  python -m bench --operation signature_vjp --vs pysiglib signax
  python -m bench --vs pysig-other --python pysig-other=OLD/bin/python
                                                 before and after a change, in the same rounds
  python -m bench --vs --save                    keep the results in bench/results
"""


def parser() -> argparse.ArgumentParser:
    p = argparse.ArgumentParser(
        prog="python -m bench cpu",
        description="Time pysig on this machine's CPU, alone or against other libraries.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_selection(p)
    _add_limits(p)
    return p


def _add_selection(p: argparse.ArgumentParser) -> None:
    group = p.add_argument_group("selection")
    group.add_argument(
        "--operation",
        nargs="+",
        metavar="NAME",
        help="operations, by name or shell pattern (default: all; see `python -m bench list`)",
    )
    group.add_argument(
        "--case",
        nargs="+",
        metavar="NAME",
        help="cases by group, name or shell pattern (default: the groups of each operation; "
        "without --operation, each takes those of its groups, and `signature` takes all)",
    )
    group.add_argument("--dtype", nargs="+", choices=cases.ITEMSIZE, default=list(cases.ITEMSIZE))
    group.add_argument(
        "--threads",
        nargs="+",
        type=int,
        metavar="N",
        default=[1],
        help="numbers of threads; with several, pysig's speed-up over one is reported (default: 1)",
    )
    peers = p.add_argument_group("compared with")
    peers.add_argument(
        "--vs",
        nargs="*",
        metavar="PEER",
        help=f"peers; without a name, all of: {', '.join(_all_peers())}; also pysig-other",
    )
    peers.add_argument(
        "--peer-threads",
        action="store_true",
        help="time peers with every number of threads, not only the first",
    )
    peers.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=INTERPRETER",
        help="the Python in which a peer is installed (default: this one)",
    )


def _add_limits(p: argparse.ArgumentParser) -> None:
    limits = p.add_argument_group("limits")
    limits.add_argument("--quick", action="store_true", help="few cases, half a second each")
    limits.add_argument(
        "--budget", type=float, metavar="SECONDS", help="rounds per case at most (default: 4)"
    )
    limits.add_argument(
        "--timeout",
        type=float,
        metavar="SECONDS",
        default=120.0,
        help="a library that takes longer for one answer is stopped (default: 120)",
    )
    limits.add_argument("--seed", type=int, default=0, help="of the random paths (default: 0)")
    stored = p.add_argument_group("storage")
    stored.add_argument(
        "--save",
        nargs="?",
        const="",
        metavar="FILE",
        help="write results as JSON (default file: bench/results/cpu-MACHINE.json); rows of the "
        "same operation, case, dtype, threads and library are replaced, others stay",
    )


def _all_peers() -> list[str]:
    return [name for name, peer in PEERS.items() if not peer.same_as]


def _peers(options: argparse.Namespace) -> list[str]:
    if options.vs is None:
        return []
    for name in options.vs:
        if name not in PEERS:
            raise ValueError(
                f"--vs: expected one of the peers, received {name!r}; peers: {', '.join(PEERS)}"
            )
    return list(options.vs) or _all_peers()


def _pythons(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, python = pair.partition("=")
        if not equals or name not in (*PEERS, "pysig"):
            raise ValueError(f"--python: expected PEER=INTERPRETER, received {pair!r}")
        if not Path(python).is_file():
            raise ValueError(f"--python: expected a file, received {python}")
        found[name] = str(Path(python).absolute())
    return found


def _operations(patterns: Sequence[str]) -> list[Operation]:
    chosen: dict[str, Operation] = {}
    for pattern in patterns:
        names = fnmatch.filter(OPERATIONS, pattern)
        if not names:
            raise ValueError(
                f"--operation: expected a name or pattern, received {pattern!r}; "
                f"operations: {', '.join(OPERATIONS)}"
            )
        chosen.update((name, OPERATIONS[name]) for name in names)
    return list(chosen.values())


def plan(options: argparse.Namespace) -> Iterator[tuple[cases.Case, list[Operation]]]:
    """Comparisons to run: cases in table order, each with the operations that share its answer."""
    comparisons: dict[tuple[str, cases.Case], list[Operation]] = {}
    named = cases.select(options.case) if options.case else None
    for operation in _operations(options.operation or ["*"]):
        chosen = default = cases.select(list(operation.groups))
        if named is not None:
            free = options.operation or operation.name == "signature"
            chosen = [case for case in named if free or case in default]
        elif options.quick:
            chosen = [case for case in default if case in cases.QUICK]
            if not chosen and options.operation:  # an operation that is named runs in any case
                chosen = default[:1]
        for case in chosen:
            comparisons.setdefault((operation.checked_as or operation.name, case), []).append(
                operation
            )
    for (_, case), operations in comparisons.items():
        yield case, operations


def _runs(
    operations: Sequence[Operation], threads: Sequence[int], peers: Sequence[str], all_threads: bool
) -> list[Run]:
    runs = [Run("pysig", o.name, n) for o in operations for n in threads]
    bases = sorted({o.against for o in operations if o.against})
    runs += [Run("pysig", base, n, base=True) for base in bases for n in threads]
    for operation in operations:
        for peer in peers:
            # Only pysig has variants of one function (tile, cumsum); a peer runs once.
            if PEERS[peer].key in operation.calls or not operation.checked_as:
                counts = threads if all_threads or PEERS[peer].same_as else threads[:1]
                runs += [Run(peer, operation.name, n) for n in counts]
    return runs


def roofline(pool: WorkerPool, threads: Sequence[int], rounds: int = 7) -> dict[str, Any]:
    """Ceilings of this machine, by number of threads: multiply-adds and bytes per second."""
    found: dict[str, Any] = {"threads": {}}
    for count in threads:
        try:
            worker = pool.get("probe", count)
        except WorkerError as error:
            return {"skipped": error.reason}
        best = found["threads"].setdefault(str(count), {})
        probes = [("madds", "float32"), ("madds", "float64"), *((m, "float64") for m in MEMORY)]
        for name, dtype in probes:
            load = {"do": "load", "operation": f"probe:{name}", "dtype": dtype}
            calls = 4 if name == "madds" else 1
            timing = {"do": "time", "slot": f"probe:{name}", "calls": calls, "warm": 0}
            try:
                amount = worker.request(load)["amount"]
            except WorkerError as error:
                return {"skipped": error.reason}
            seconds = [worker.request(timing)["seconds"] / calls for _ in range(rounds)]
            label = f"{name}_{dtype}" if name == "madds" else name
            best[label] = float(f"{amount / min(seconds):.5g}")
    try:
        found["loop"] = {dtype: loop_report(dtype) for dtype in cases.ITEMSIZE}
    except ProbeError as error:
        found["loop"] = {"skipped": str(error)}
    return found


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    try:
        peers, pythons = _peers(options), _pythons(options.python)
        comparisons = list(plan(options))
    except ValueError as error:
        print(f"python -m bench: {error}", file=sys.stderr)
        return 2
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if min(options.threads) < 1 or max(options.threads) > (available or 1):
        print(f"python -m bench: --threads: expected 1 to {available}", file=sys.stderr)
        return 2
    settings = Settings(
        budget=options.budget or (0.5 if options.quick else 4.0),
        timeout=options.timeout,
        pythons=pythons,
    )
    started = time.perf_counter()
    with WorkerPool(settings) as pool, tempfile.TemporaryDirectory() as folder:
        about = results.machine()
        print(f"machine   {about['name']}")
        ceilings = roofline(pool, sorted(set(options.threads)), 3 if options.quick else 7)
        report.show_roofline(ceilings)
        rows = _run(pool, options, peers, comparisons, Path(folder), ceilings)
        versions = pool.about()
    report.show_closing(rows)
    print(f"\n{len(rows)} rows in {time.perf_counter() - started:.0f} s")
    if options.save is not None:
        _save(options.save, about, ceilings, rows, versions)
    return 1 if any(row["status"] in ("wrong", "failed") for row in rows if _own(row)) else 0


def _own(row: dict[str, Any]) -> bool:
    return bool(row["library"] == "pysig")


def _run(
    pool: WorkerPool,
    options: argparse.Namespace,
    peers: Sequence[str],
    comparisons: Sequence[tuple[cases.Case, list[Operation]]],
    folder: Path,
    ceilings: dict[str, Any],
) -> list[dict[str, Any]]:
    best = Ceilings()
    for count, found in ceilings.get("threads", {}).items():
        for label, rate in found.items():
            name, _, dtype = label.partition("_float")
            best.record(name, f"float{dtype}", int(count), rate)
    rows: list[dict[str, Any]] = []
    skips: set[tuple[str, str, str]] = set()
    report.show_header()
    for dtype in options.dtype:
        for case, operations in comparisons:
            runs = _runs(operations, options.threads, peers, options.peer_threads)
            comparison = Comparison(pool, case, dtype, runs, folder, best, options.seed)
            new_rows = comparison.run()
            report.show_rows(new_rows, skips)
            rows += new_rows
    best.refresh(rows)
    for (name, dtype, count), rate in best.best.items():
        label = f"{name}_{dtype}" if dtype else name
        ceilings["threads"][str(count)][label] = float(f"{rate:.5g}")
    return rows


def _save(
    target: str,
    about: dict[str, Any],
    ceilings: dict[str, Any],
    rows: list[dict[str, Any]],
    versions: dict[str, Any],
) -> None:
    path = Path(target) if target else results.path_for("cpu", about["name"])
    stored = results.load(path) if path.exists() else results.document("cpu", about, {})
    stored["machine"] = about
    old = stored["roofline"].get("threads", {})
    stored["roofline"] = {**ceilings, "threads": _best(old, ceilings.get("threads", {}))}
    pysig = versions.get("pysig", {})
    stored["pysig"] = {"config": pysig.get("config"), "commit": results.commit()}
    date = results.today()
    for row in rows:
        seen = versions.get(row["library"], {}).get("versions", {})
        commit = {"commit": results.commit()} if _own(row) else {}
        row["date"], row["versions"] = date, {**seen, **commit}
        if "reason" in row:
            row["reason"] = results.without_paths(row["reason"])
    results.merge(stored, rows)
    results.save(stored, path)
    print(f"results   {path}")


def _best(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Ceilings of the quietest moments: the largest of all runs."""
    counts = sorted({*old, *new}, key=int)
    merged: dict[str, Any] = {}
    for count in counts:
        a, b = old.get(count, {}), new.get(count, {})
        merged[count] = {name: max(a.get(name, 0), b.get(name, 0)) for name in {**a, **b}}
    return merged
