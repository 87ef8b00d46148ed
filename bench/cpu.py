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
from .contestants import PEERS
from .entrant import Entrant
from .operation import Operation
from .operations import OPERATIONS
from .probe import MEMORY, ProbeError, loop_report
from .race import Ceilings, Race
from .stable import Settings, Stable, WorkerError

EPILOG = """\
what happens
  Every contestant runs in a process of its own. For each case its answer is compared with pysig's
  in float64, which is itself compared with the law (pysig/_reference); a wrong answer is reported
  and never timed. Then rounds: each contestant in turn, for some milliseconds, until the medians
  settle or the budget is spent. The machine's own ceiling is measured in the same rounds.

examples
  python -m bench --quick                        a first look, under a minute
  python -m bench --case core --dtype float32    the main cases
  python -m bench --case '128x*' --threads 1 2   by pattern; one thread and two, and the speed-up
  python -m bench --vs                           against every peer that is installed
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
    what = p.add_argument_group("what to time")
    what.add_argument(
        "--operation",
        nargs="+",
        metavar="NAME",
        help="operations, by name or shell pattern (default: all; see `python -m bench list`)",
    )
    what.add_argument(
        "--case",
        nargs="+",
        metavar="NAME",
        help="cases by group, name or shell pattern (default: the groups of each operation; "
        "without --operation, each takes those of its groups, and `signature` takes all)",
    )
    what.add_argument("--dtype", nargs="+", choices=cases.ITEMSIZE, default=list(cases.ITEMSIZE))
    what.add_argument(
        "--threads",
        nargs="+",
        type=int,
        metavar="N",
        default=[1],
        help="numbers of threads; with several, pysig's speed-up over one is reported (default: 1)",
    )
    rivals = p.add_argument_group("against whom")
    rivals.add_argument(
        "--vs",
        nargs="*",
        metavar="PEER",
        help=f"peers; without a name, all of: {', '.join(_all_peers())}; also pysig-other",
    )
    rivals.add_argument(
        "--peer-threads",
        action="store_true",
        help="time peers with every number of threads, not only the first",
    )
    rivals.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=INTERPRETER",
        help="the Python in which a peer is installed (default: this one)",
    )
    how = p.add_argument_group("how long")
    how.add_argument("--quick", action="store_true", help="few cases, half a second each")
    how.add_argument(
        "--budget", type=float, metavar="SECONDS", help="rounds per case at most (default: 4)"
    )
    how.add_argument(
        "--patience",
        type=float,
        metavar="SECONDS",
        default=120.0,
        help="a contestant that takes longer for one answer is given up (default: 120)",
    )
    how.add_argument("--seed", type=int, default=0, help="of the random paths (default: 0)")
    keep = p.add_argument_group("what to keep")
    keep.add_argument(
        "--save",
        nargs="?",
        const="",
        metavar="FILE",
        help="write results as JSON (default file: bench/results/cpu-MACHINE.json); rows of the "
        "same operation, case, dtype, threads and contestant are replaced, others stay",
    )
    return p


def _all_peers() -> list[str]:
    return [name for name, peer in PEERS.items() if not peer.plays]


def _peers(options: argparse.Namespace) -> list[str]:
    if options.vs is None:
        return []
    for name in options.vs:
        if name not in PEERS:
            raise ValueError(f"--vs: no peer is called {name!r}; peers: {', '.join(PEERS)}")
    return list(options.vs) or _all_peers()


def _pythons(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, equals, python = pair.partition("=")
        if not equals or name not in (*PEERS, "pysig"):
            raise ValueError(f"--python: expected PEER=INTERPRETER, received {pair!r}")
        if not Path(python).is_file():
            raise ValueError(f"--python: there is no file {python}")
        found[name] = str(Path(python).absolute())
    return found


def _operations(patterns: Sequence[str]) -> list[Operation]:
    chosen: dict[str, Operation] = {}
    for pattern in patterns:
        names = fnmatch.filter(OPERATIONS, pattern)
        if not names:
            raise ValueError(
                f"--operation: nothing is called {pattern!r}; there are: {', '.join(OPERATIONS)}"
            )
        chosen.update((name, OPERATIONS[name]) for name in names)
    return list(chosen.values())


def plan(options: argparse.Namespace) -> Iterator[tuple[cases.Case, list[Operation]]]:
    """Races to run: cases in table order, each with the operations that share its answer."""
    races: dict[tuple[str, cases.Case], list[Operation]] = {}
    named = cases.select(options.case) if options.case else None
    for operation in _operations(options.operation or ["*"]):
        chosen = own = cases.select(list(operation.groups))
        if named is not None:
            free = options.operation or operation.name == "signature"
            chosen = [case for case in named if free or case in own]
        elif options.quick:
            chosen = [case for case in own if case in cases.QUICK]
            if not chosen and options.operation:  # what was asked for by name is looked at
                chosen = own[:1]
        for case in chosen:
            races.setdefault((operation.judge or operation.name, case), []).append(operation)
    for (_, case), operations in races.items():
        yield case, operations


def _entrants(
    operations: Sequence[Operation], threads: Sequence[int], peers: Sequence[str], all_threads: bool
) -> list[Entrant]:
    entrants = [Entrant("pysig", o.name, n) for o in operations for n in threads]
    bases = sorted({o.against for o in operations if o.against})
    entrants += [Entrant("pysig", base, n, reference=True) for base in bases for n in threads]
    for operation in operations:
        for peer in peers:
            # Variants of one function (tile, cumsum) are pysig's own; a peer runs once per race.
            if PEERS[peer].role in operation.calls or not operation.judge:
                counts = threads if all_threads or PEERS[peer].plays else threads[:1]
                entrants += [Entrant(peer, operation.name, n) for n in counts]
    return entrants


def roofline(stable: Stable, threads: Sequence[int], rounds: int = 7) -> dict[str, Any]:
    """Ceilings of this machine, by number of threads: multiply-adds and bytes per second."""
    found: dict[str, Any] = {"threads": {}}
    for count in threads:
        try:
            worker = stable.get("probe", count)
        except WorkerError as error:
            return {"skipped": error.reason}
        best = found["threads"].setdefault(str(count), {})
        probes = [("madds", "float32"), ("madds", "float64"), *((m, "float64") for m in MEMORY)]
        for name, dtype in probes:
            load = {"do": "load", "operation": f"probe:{name}", "dtype": dtype}
            calls = 4 if name == "madds" else 1
            ask = {"do": "time", "slot": f"probe:{name}", "calls": calls, "warm": 0}
            try:
                amount = worker.ask(load)["amount"]
            except WorkerError as error:
                return {"skipped": error.reason}
            seconds = [worker.ask(ask)["seconds"] / calls for _ in range(rounds)]
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
        races = list(plan(options))
    except ValueError as error:
        print(f"python -m bench: {error}", file=sys.stderr)
        return 2
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if min(options.threads) < 1 or max(options.threads) > (available or 1):
        print(f"python -m bench: --threads: expected 1 to {available}", file=sys.stderr)
        return 2
    settings = Settings(
        budget=options.budget or (0.5 if options.quick else 4.0),
        patience=options.patience,
        pythons=pythons,
    )
    started = time.perf_counter()
    with Stable(settings) as stable, tempfile.TemporaryDirectory() as folder:
        about = results.machine()
        print(f"machine   {about['name']}")
        ceilings = roofline(stable, sorted(set(options.threads)), 3 if options.quick else 7)
        report.show_roofline(ceilings)
        rows = _run(stable, options, peers, races, Path(folder), ceilings)
        versions = stable.about()
    report.show_closing(rows)
    print(f"\n{len(rows)} rows in {time.perf_counter() - started:.0f} s")
    if options.save is not None:
        _save(options.save, about, ceilings, rows, versions)
    return 1 if any(row["status"] in ("wrong", "failed") for row in rows if _own(row)) else 0


def _own(row: dict[str, Any]) -> bool:
    return bool(row["contestant"] == "pysig")


def _run(
    stable: Stable,
    options: argparse.Namespace,
    peers: Sequence[str],
    races: Sequence[tuple[cases.Case, list[Operation]]],
    folder: Path,
    ceilings: dict[str, Any],
) -> list[dict[str, Any]]:
    best = Ceilings()
    for count, found in ceilings.get("threads", {}).items():
        for label, rate in found.items():
            name, _, dtype = label.partition("_float")
            best.saw(name, f"float{dtype}", int(count), rate)
    rows: list[dict[str, Any]] = []
    skips: set[tuple[str, str, str]] = set()
    report.show_header()
    for dtype in options.dtype:
        for case, operations in races:
            entrants = _entrants(operations, options.threads, peers, options.peer_threads)
            race = Race(stable, case, dtype, entrants, folder, best, options.seed)
            fresh = race.run()
            report.show_rows(fresh, skips)
            rows += fresh
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
        seen = versions.get(row["contestant"], {}).get("versions", {})
        own = {"commit": results.commit()} if _own(row) else {}
        row["date"], row["versions"] = date, {**seen, **own}
        if "reason" in row:
            row["reason"] = results.without_paths(row["reason"])
    results.merge(stored, rows)
    results.save(stored, path)
    print(f"results   {path}")


def _best(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """A ceiling is what the machine can do in its quietest moment: the largest ever seen."""
    counts = sorted({*old, *new}, key=int)
    merged: dict[str, Any] = {}
    for count in counts:
        a, b = old.get(count, {}), new.get(count, {})
        merged[count] = {name: max(a.get(name, 0), b.get(name, 0)) for name in {**a, **b}}
    return merged
