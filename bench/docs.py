"""``python -m bench docs``: the tables of docs/benchmarks.md, written from committed results.

The page and README.md hold generated blocks between two marks; a test compares them with the
committed results, so that figures in the documentation are not typed by hand.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import plot, report, results, summary, targets
from .cases import GROUPS, ITEMSIZE
from .targets import Rows

ROOT = Path(__file__).resolve().parent.parent
PAGE, README = ROOT / "docs" / "benchmarks.md", ROOT / "README.md"
BEGIN = "<!-- bench: generated from bench/results by `python -m bench docs`; do not edit -->"
END = "<!-- bench: end of the generated part -->"
SUMMARY = "<!-- summary: generated from bench/results by `python -m bench docs`; do not edit -->"
SUMMARY_END = "<!-- summary: end -->"

CAPTIONS = {
    "roofline": "Roofline: the cases and the ceilings of the machine.",
    "peers": "Time of other libraries divided by that of pysig, in the same rounds.",
    "sweeps": "Time against batch, length and coefficients; dotted: linear.",
}

# Operations with a separate table, and the groups of its cases.
TABLES = {"signature": ("core", "authors", "tiny"), "training-step": ("training",)}

NOTHING = "No results are committed yet; nothing is claimed before it is measured."


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _machine(document: dict[str, Any]) -> str:
    about = document["machine"]
    threads = document["roofline"].get("threads", {})
    caches = ", ".join(f"{name} {size >> 10} KiB" for name, size in about["caches"].items())
    lines = [
        f"{about['cpu']}, {about['cores']} cores, {about['memory_gib']} GiB, "
        f"{' '.join(about['isa'])}; {caches}; compiler {about['compiler']}."
    ]
    columns = ["threads", *(n for n in next(iter(threads.values()), {}))]
    rows = [
        [count, *(f"{found[name] / 1e9:.1f}" for name in columns[1:])]
        for count, found in threads.items()
    ]
    if rows:
        lines += ["Ceilings, in 10⁹ multiply-adds or bytes per second:", ""]
        lines.append(table([c.replace("_", " ") for c in columns], rows))
    return "\n".join(lines)


def _against_peers(
    document: dict[str, Any], operation: str, dtype: str, groups: Sequence[str]
) -> str:
    """One row per case: pysig's time and part of the peak, and each peer's time over pysig's."""
    rows = Rows(document).find(operation=operation, dtype=dtype, threads=1)
    by_case: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_case.setdefault(row["case"], {})[row["library"]] = row
    peers = sorted({r["library"] for r in rows} - {"pysig", "pysig-other"})
    names = [case.name for group in groups for case in GROUPS[group]]
    lines = []
    for name in names:
        found = by_case.get(name, {})
        if "pysig" not in found:
            continue
        own = found["pysig"]
        ratios = [f"{found[p]['ratio']['median']:.1f}" if p in found else "" for p in peers]
        part = report.percent(own["fraction"])
        allowed = f"{100 * targets.memory_allows(document, own):.0f} %"
        time = report.seconds(own["seconds"]["min"])
        lines.append([f"`{name}`", time, part, allowed, *ratios])
    head = ["case", "pysig", "of peak", "memory allows", *peers]
    return table(head, lines) if lines else ""


def _not_timed(document: dict[str, Any]) -> str:
    """Every reason why something was not timed, once."""
    seen = {
        (row["library"], row["status"], row["reason"]): None
        for row in document["rows"]
        if row["status"] != "timed"
    }
    return "\n".join(f"- {who}, {status}: {reason}" for who, status, reason in seen)


def render(documents: Sequence[dict[str, Any]]) -> str:
    """The generated block, without its marks."""
    if not documents:
        return NOTHING
    parts = []
    for document in documents:
        parts += [f"## {summary.machine_name(document['machine'])}", _machine(document)]
        for figure in plot.drawable(document):
            parts.append(f"![{CAPTIONS[figure]}](_figures/{plot.figure_name(document, figure)})")
        for (operation, groups), dtype in itertools.product(TABLES.items(), ITEMSIZE):
            block = _against_peers(document, operation, dtype, groups)
            if block:
                parts += [f"### {operation}, {dtype}, one thread", block]
        outcomes = [targets.cells(*status) for status in targets.evaluate(document)]
        head = ["goal", "dtype", "bound", "worst case", ""]
        parts += ["### Goals", table(head, outcomes)]
        if reasons := _not_timed(document):
            parts += ["### Not timed", reasons]
    return "\n\n".join(parts)


def summarize(documents: Sequence[dict[str, Any]], dtypes: Sequence[str] = tuple(ITEMSIZE)) -> str:
    """The block at the top of the page and in README.md, without its marks."""
    if not documents:
        return NOTHING
    return table(*summary.rows(documents, dtypes))


def embed(page: str, block: str, begin: str = BEGIN, end: str = END) -> str:
    """The page with the generated part between two marks replaced."""
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"the page does not have the marks of its generated part: {begin}")
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


def _generated(documents: Sequence[dict[str, Any]]) -> dict[Path, str]:
    """File -> its text with new generated parts."""
    shown = {PAGE: tuple(ITEMSIZE), README: ("float32",)}
    texts = {
        file: embed(
            file.read_text(encoding="utf-8"), summarize(documents, dtypes), SUMMARY, SUMMARY_END
        )
        for file, dtypes in shown.items()
    }
    texts[PAGE] = embed(texts[PAGE], render(documents))
    return texts


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(
        prog="python -m bench docs",
        description="Write the tables of docs/benchmarks.md and README.md from bench/results.",
    )
    p.add_argument("--check", action="store_true", help="write nothing; exit with 1 if they differ")
    options = p.parse_args(argv)
    texts = _generated(results.committed("cpu"))
    stale = [f for f, text in texts.items() if f.read_text(encoding="utf-8") != text]
    for file in stale:
        if options.check:
            print(
                f"{file.name} differs from bench/results; run: python -m bench docs",
                file=sys.stderr,
            )
        else:
            file.write_text(texts[file], encoding="utf-8")
    return int(options.check and bool(stale))
