"""The summary of stored results: how much faster pysig is than each library, on each machine."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# Operation in the stored results -> words for readers; the order of the table.
OPERATIONS = {
    "signature": "signature",
    "signature_vjp": "gradient (vjp)",
    "signature_jvp": "directional derivative (jvp)",
    "logsignature-words": "log-signature, Lyndon words",
    "logsignature-brackets": "log-signature, brackets",
    "projection-8": "8 chosen words",
    "training-step": "training step of Keras on JAX",
}
# Family and model of AMD's processors -> name of the core.
CORES = {(25, 1): "Zen 3", (26, 2): "Zen 5"}
SETS = {"avx512f": "AVX-512", "avx2": "AVX2", "asimd": "NEON"}


@dataclass(frozen=True)
class Comparison:
    """Times of a library over those of pysig, case by case, in the same rounds."""

    machine: str
    operation: str
    library: str
    dtype: str
    ratios: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The geometric mean over the cases."""
        return math.exp(sum(map(math.log, self.ratios)) / len(self.ratios))


def machine_name(machine: dict[str, Any]) -> str:
    """The name of a machine for people: processor, core, instruction set, number of cores."""
    name = machine["cpu"]
    if found := re.fullmatch(r"(AMD \w+) family (\d+) model (\d+)", name):
        core = CORES.get((int(found[2]), int(found[3])))
        name = f"{found[1]} ({core})" if core else name
    best = next((text for flag, text in SETS.items() if flag in machine["isa"]), "")
    return ", ".join(part for part in (name, best, f"{machine['cores']} cores") if part)


def comparisons(document: dict[str, Any]) -> Iterator[Comparison]:
    """All comparisons of a document in the order of `OPERATIONS`, for one thread."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for row in document["rows"]:
        own = row["library"] in ("pysig", "pysig-other")
        if "ratio" in row and not own and row["threads"] == 1 and row["operation"] in OPERATIONS:
            key = (row["operation"], row["library"], row["dtype"])
            found.setdefault(key, []).append(row["ratio"]["median"])
    order = list(OPERATIONS)
    for key in sorted(found, key=lambda k: (order.index(k[0]), k[1], k[2])):
        yield Comparison(machine_name(document["machine"]), *key, tuple(found[key]))


def cell(comparison: Comparison | None) -> str:
    """``6.9 (4.1 to 18)``: the geometric mean and the range; empty if nothing was measured."""
    if comparison is None:
        return ""
    low, high = min(comparison.ratios), max(comparison.ratios)
    return f"**{_number(comparison.mean)}** ({_number(low)} to {_number(high)})"


def _number(value: float) -> str:
    return f"{value:.1f}" if value < 9.95 else f"{value:.0f}"


def rows(
    documents: Sequence[dict[str, Any]], dtypes: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the summary: one row for each operation, library and dtype."""
    names = list(dict.fromkeys(machine_name(d["machine"]) for d in documents))
    by_key: dict[tuple[str, str, str], dict[str, Comparison]] = {}
    for document in documents:
        for one in (c for c in comparisons(document) if c.dtype in dtypes):
            key = (one.operation, one.library, one.dtype)
            by_key.setdefault(key, {})[one.machine] = one
    order = list(OPERATIONS)
    lines = [
        [OPERATIONS[operation], library, dtype, *(cell(by_key[key].get(name)) for name in names)]
        for key in sorted(by_key, key=lambda k: (order.index(k[0]), k[1], k[2]))
        for operation, library, dtype in [key]
    ]
    return ["operation", "beside", "dtype", *names], lines
