"""``python -m bench targets``: stored results against the goals of the project."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import results, stats
from .cases import BY_NAME, GROUPS
from .operations import SHARES

Row = dict[str, Any]
# The figure that a goal is about, and the case it comes from; None if nothing was measured.
Measured = tuple[float, str] | None


class Rows:
    """Timed rows of a document, found by their keys."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.rows = [row for row in document["rows"] if row["status"] == "timed"]

    def find(self, groups: Sequence[str] = (), **wanted: Any) -> list[Row]:
        names = {case.name for group in groups for case in GROUPS[group]}
        return [
            row
            for row in self.rows
            if (not groups or row["case"] in names)
            and all(row[key] == value for key, value in wanted.items())
        ]

    def pysig(self, operation: str, dtype: str, *groups: str, threads: int = 1) -> list[Row]:
        wanted = {"operation": operation, "dtype": dtype, "threads": threads}
        return self.find(groups, library="pysig", **wanted)

    def over_peers(
        self, operation: str, dtype: str, peers: Sequence[str], *groups: str
    ) -> list[tuple[float, str]]:
        """By case, how many times slower the fastest of the peers is than pysig."""
        minimum: dict[str, float] = {}
        for peer in peers:
            for row in self.find(groups, operation=operation, dtype=dtype, library=peer, threads=1):
                ratio = row["ratio"]["median"]
                minimum[row["case"]] = min(ratio, minimum.get(row["case"], ratio))
        return [(ratio, case) for case, ratio in minimum.items()]

    def over_signature(self, operation: str, dtype: str, *groups: str) -> list[tuple[float, str]]:
        """By case, the time of an operation over that of pysig's signature in the same rounds,
        quietest against quietest."""
        return [
            (row["against"]["of_min"], row["case"])
            for row in self.pysig(operation, dtype, *groups)
            if "of_min" in row.get("against", {}) and row["against"]["operation"] == "signature"
        ]


def memory_allows(document: dict[str, Any], row: Row) -> float:
    """Bound on the fraction of peak, from the bandwidth of reading memory."""
    peaks = document["roofline"].get("threads", {}).get(str(row["threads"]), {})
    peak, read = peaks.get(f"madds_{row['dtype']}"), peaks.get("read")
    if not peak or not read:
        return 1.0
    return min(1.0, row["madds"] / row["bytes"] * read / peak)


def _minimum(values: Sequence[tuple[float, str]]) -> Measured:
    return min(values) if values else None


def _maximum(values: Sequence[tuple[float, str]]) -> Measured:
    return max(values) if values else None


def _mean(values: Sequence[tuple[float, str]]) -> Measured:
    if not values:
        return None
    return stats.geometric_mean([value for value, _ in values]), f"{len(values)} cases"


def _fractions(rows: Sequence[Row]) -> list[tuple[float, str]]:
    return [(row["fraction"]["of_min"], row["case"]) for row in rows if row["fraction"]]


def _parts_of_peak(rows: Rows, chosen: Sequence[Row]) -> list[tuple[float, str]]:
    """Fractions, with the bound for the cases that memory bandwidth limits."""
    parts = []
    for row in chosen:
        allowed = memory_allows(rows.document, row)
        remark = f"; memory allows {allowed:.2f}" if allowed < 1 else ""
        parts += [(part, case + remark) for part, case in _fractions([row])]
    return parts


def _speedups(
    rows: Rows, operation: str, dtype: str, *groups: str, longer: float = 0.0
) -> list[tuple[float, str]]:
    """Two threads over one in the same comparison, quietest round against quietest, where one takes
    more than `longer` seconds."""
    return [
        (row["speedup"]["of_min"], row["case"])
        for row in rows.pysig(operation, dtype, *groups, threads=2)
        # the quietest time of one thread is the product of the two
        if "speedup" in row and row["speedup"]["of_min"] * row["seconds"]["min"] > longer
    ]


def sweep(rows: Rows, group: str, dtype: str) -> tuple[list[int], list[float]]:
    """The swept quantity and pysig's times."""
    found = {r["case"]: r["seconds"]["min"] for r in rows.pysig("signature-sweep", dtype, group)}
    cases = [case for case in GROUPS[group] if case.name in found]
    quantity = {
        "sweep-batch": lambda case: case.paths,
        "sweep-length": lambda case: case.length - 1,
        "sweep-size": lambda case: case.size,
    }[group]
    return [quantity(case) for case in cases], [found[case.name] for case in cases]


def _exponent(rows: Rows, group: str, dtype: str) -> Measured:
    x, y = sweep(rows, group, dtype)
    return (stats.slope(x, y), group) if len(x) > 2 else None


def _in_words(rows: Rows, dtype: str) -> list[tuple[float, str]]:
    """By case, the exponent of the time in the multiply-adds of the words and their prefixes."""
    points: dict[str, list[tuple[int, float]]] = {}
    for share in SHARES:
        for row in rows.pysig(f"projection-{share}", dtype):
            points.setdefault(row["case"], []).append((row["madds"], row["seconds"]["min"]))
    return [
        (stats.slope(*map(list, zip(*found, strict=True))), case)
        for case, found in points.items()
        if len(found) == len(SHARES)
    ]


@dataclass(frozen=True)
class Target:
    """A goal: a figure of a dtype that must reach, or not exceed, a bound."""

    goal: str
    bound: float
    at_most: bool
    figure: Callable[[Rows, str], Measured]
    dtypes: tuple[str, ...] = ("float32", "float64")

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


PYSIGLIB = ("pysiglib",)
BACKWARD = ("pysiglib", "signatory", "signax")
TABLES = ("tables-words", "tables-brackets", "tables-hall")
LOGS = tuple(f"logsignature-{basis}" for basis in ("expanded", "words", "brackets", "hall"))
MAIN = ("core", "authors")


def _peak(channels: Callable[[int], bool], madds: float) -> Callable[[Rows, str], Measured]:
    def figure(rows: Rows, dtype: str) -> Measured:
        chosen = [
            row
            for row in rows.pysig("signature", dtype, *MAIN)
            if channels(BY_NAME[row["case"]].channels) and row["madds"] >= madds
        ]
        return _minimum(_parts_of_peak(rows, chosen))

    return figure


TARGETS = (
    Target(
        "signature, times faster than pysiglib, every case",
        2.0,
        False,
        lambda rows, t: _minimum(rows.over_peers("signature", t, PYSIGLIB, *MAIN)),
    ),
    Target(
        "signature, times faster than pysiglib, geometric mean",
        4.0,
        False,
        lambda rows, t: _mean(rows.over_peers("signature", t, PYSIGLIB, *MAIN)),
    ),
    Target(
        "signature, fraction of the multiply-add peak, at least 4 channels and 1e7 multiply-adds",
        0.50,
        False,
        _peak(lambda channels: channels >= 4, 1e7),
    ),
    Target(
        "signature, fraction of the multiply-add peak, 2 and 3 channels",
        0.35,
        False,
        _peak(lambda channels: channels in (2, 3), 0),
    ),
    Target(
        "signature, two threads over one, every case over 1 ms",
        1.85,
        False,
        lambda rows, t: _minimum(_speedups(rows, "signature", t, longer=1e-3)),
    ),
    Target(
        "signature of all prefixes, fraction of the store bandwidth",
        0.60,
        False,
        lambda rows, t: _minimum(_fractions(rows.pysig("signature-stream", t, "stream"))),
    ),
    Target(
        "signature, microseconds of a call on a (20, 2) array at depth 3",
        4.0,
        True,
        lambda rows, t: _minimum(
            [
                (row["seconds"]["median"] * 1e6, row["case"])
                for row in rows.pysig("signature", t, "tiny")
            ]
        ),
    ),
    Target(
        "signature, scratch memory of a call in MiB",
        32.0,
        True,
        lambda rows, t: _maximum(
            [
                (row["scratch"] / 2**20, row["case"])
                for row in rows.pysig("signature", t, *MAIN)
                if row["scratch"] is not None
            ]
        ),
    ),
    *(
        Target(
            f"signature, exponent of the cost in the {quantity}",
            1.05,
            True,
            lambda rows, t, group=group: _exponent(rows, group, t),
        )
        for group, quantity in (
            ("sweep-batch", "batch"),
            ("sweep-length", "length"),
            ("sweep-size", "number of coefficients"),
        )
    ),
    Target(
        "vjp, times pysig's own signature",
        2.3,
        True,
        lambda rows, t: _maximum(rows.over_signature("signature_vjp", t, "derivative")),
    ),
    Target(
        "vjp, times faster than the fastest peer, every case",
        15.0,
        False,
        lambda rows, t: _minimum(rows.over_peers("signature_vjp", t, BACKWARD, "derivative")),
    ),
    Target(
        "vjp, times faster than the fastest peer, geometric mean",
        25.0,
        False,
        lambda rows, t: _mean(rows.over_peers("signature_vjp", t, BACKWARD, "derivative")),
    ),
    Target(
        "vjp, two threads over one",
        1.80,
        False,
        lambda rows, t: _minimum(_speedups(rows, "signature_vjp", t, "derivative")),
    ),
    Target(
        "jvp, times pysig's own signature",
        2.5,
        True,
        lambda rows, t: _maximum(rows.over_signature("signature_jvp", t, "derivative")),
    ),
    Target(
        "log-signature, all bases, times pysig's own signature",
        1.3,
        True,
        lambda rows, t: _maximum(
            [pair for log in LOGS for pair in rows.over_signature(log, t, "logsignature")]
        ),
        dtypes=("float32",),
    ),
    Target(
        "log-signature, all bases, times faster than pysiglib",
        4.0,
        False,
        lambda rows, t: _minimum(
            [pair for log in LOGS for pair in rows.over_peers(log, t, PYSIGLIB, "logsignature")]
        ),
        dtypes=("float32",),
    ),
    Target(
        "log-signature, seconds of a call that builds the tables, all bases",
        1.0,
        True,
        lambda rows, t: _maximum(
            [
                (row["seconds"]["min"], row["case"])
                for log in TABLES
                for row in rows.pysig(log, t, "tables")
            ]
        ),
    ),
    Target(
        "projection, exponent of the cost in the prefix closure of the words",
        1.05,
        True,
        lambda rows, t: _maximum(_in_words(rows, t)),
    ),
)


def evaluate(document: dict[str, Any]) -> list[tuple[Target, str, Measured]]:
    """Every goal in every dtype, with its measured figure."""
    rows = Rows(document)
    return [(t, dtype, t.figure(rows, dtype)) for t in TARGETS for dtype in t.dtypes]


def cells(target: Target, dtype: str, measured: Measured) -> tuple[str, str, str, str, str]:
    """One goal as text: goal, dtype, bound, figure with its case, met or not."""
    bound = f"{'at most' if target.at_most else 'at least'} {target.bound:g}"
    if measured is None:
        return target.goal, dtype, bound, "-", "not measured"
    value, where = measured
    status = "met" if target.met(value) else "missed"
    return target.goal, dtype, bound, f"{value:.3g} ({where})", status


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(
        prog="python -m bench targets",
        description="Compare stored CPU results with the goals of the project. The figure is that "
        "of the worst case, named in brackets. The exit status is 1 if a goal is missed.",
    )
    p.add_argument("files", nargs="*", type=Path, help="results (default: all in bench/results)")
    options = p.parse_args(argv)
    documents = [results.load(file) for file in options.files] or results.committed("cpu")
    missed = False
    for document in documents:
        print(document["machine"]["name"])
        for target, dtype, measured in evaluate(document):
            goal, _, bound, figure, status = cells(target, dtype, measured)
            print(f"  {status:13}{dtype:9}{goal}: {bound}, {figure}")
            missed = missed or status == "missed"
    if not documents:
        print("no results are stored; `python -m bench --vs --threads 1 2 --save` stores them")
    return int(missed)
