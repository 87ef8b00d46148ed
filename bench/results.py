"""The stored form of measurements: one JSON file per machine and bench, rows merged by their key.

    {"schema": 2, "bench": "cpu", "machine": {...}, "roofline": {...}, "rows": [...]}

A row has its key (operation, case, dtype, threads, library), its result
(``status``: timed, wrong, failed or skipped, with a ``reason`` unless timed), when, and with which
versions. Times are in seconds, rates per second; ``ratio`` is the time of the library over that
of pysig in the same rounds, ``speedup`` the time of one thread over that of several, ``against``
the time over that of another operation of pysig, named there, and ``fraction`` the part of the
peak of the machine. Ratios have the quartiles over the rounds, and ``of_min``, the ratio of the
quietest rounds.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .probe import ProbeError, caches, compiler_version

SCHEMA = 2
FOLDER = Path(__file__).with_name("results")
KEY = ("operation", "case", "dtype", "threads", "library")
STATUSES = ("timed", "wrong", "failed", "skipped")

ROW_TYPES: dict[str, Any] = {
    "operation": str,
    "case": str,
    "dtype": str,
    "threads": int,
    "library": str,
    "madds": int,
    "bytes": int,
    "status": str,
    "date": str,
    "versions": dict,
}
TIMED_TYPES: dict[str, Any] = {
    "error": float,
    "checked_by": str,
    "computes": str,
    "rounds": int,
    "calls": int,
    "seconds": dict,
    "rate": float,
    "cores": float,
    "noisy": bool,
}


def machine() -> dict[str, Any]:
    """Properties of this machine that determine speed."""
    facts = _cpuinfo()
    flags = [f for f in ("asimd", "sse2", "fma", "avx", "avx2", "avx512f") if f in facts["flags"]]
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    try:
        built_by = compiler_version()
    except ProbeError:
        built_by = "none"
    about = {
        "cpu": facts["model"],
        "architecture": platform.machine(),
        "cores": cores,
        "isa": flags,
        "caches": caches(),
        "memory_gib": _memory_gib(),
        "system": platform.system(),
        "compiler": built_by,
    }
    seal = json.dumps([about[key] for key in ("cpu", "architecture", "cores", "isa", "caches")])
    digest = hashlib.sha256(seal.encode()).hexdigest()[:6]
    words = "-".join("".join(c if c.isalnum() else " " for c in about["cpu"].lower()).split())
    best = flags[-1] if flags else about["architecture"]
    about["name"] = f"{words or 'cpu'}-{cores}core-{best}-{digest}"
    return about


def _cpuinfo() -> dict[str, Any]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {"model": platform.processor() or platform.machine(), "flags": []}
    pairs = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    found = {key.strip(): value.strip() for key, value in pairs.items()}
    model = found.get("model name") or found.get("CPU implementer") or platform.machine()
    flags = (found.get("flags") or found.get("Features") or "").split()
    family = [found.get(key) for key in ("cpu family", "model")]
    if all(family):
        model = f"{model} family {family[0]} model {family[1]}"
    return {"model": model, "flags": flags}


def _memory_gib() -> int:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (ValueError, OSError, AttributeError):
        return 0


def commit() -> str:
    """The commit of the source tree, with a plus if files differ from it; empty outside git."""
    here = Path(__file__).parent
    run = ["git", "-C", str(here), "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        return subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def today() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")


def path_for(bench: str, name: str) -> Path:
    return FOLDER / f"{bench}-{name}.json"


def document(bench: str, about: dict[str, Any], roofline: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "bench": bench,
        "machine": about,
        "roofline": roofline,
        "rows": [],
    }


def merge(stored: dict[str, Any], rows: Iterable[dict[str, Any]]) -> None:
    """Put rows into a document: a row replaces the one with the same key.

    A skipped row does not replace a measurement: a run without a peer keeps the peer's rows.
    """
    by_key = {_key(row): row for row in stored["rows"]}
    for row in rows:
        if row["status"] == "skipped" and by_key.get(_key(row), row)["status"] != "skipped":
            continue
        by_key[_key(row)] = row
    stored["rows"] = sorted(by_key.values(), key=_key)


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in KEY)


def save(stored: dict[str, Any], path: Path) -> None:
    """Check and write, beside the target first, so that an interrupted run leaves the old file."""
    check(stored)
    rows = ",\n  ".join(json.dumps(row) for row in stored["rows"])
    head = {key: value for key, value in stored.items() if key != "rows"}
    text = json.dumps(head, indent=1)[:-2] + ',\n "rows": [\n  ' + rows + "\n ]\n}\n"
    assert json.loads(text) == stored
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(text)
    os.replace(beside, path)


def without_paths(text: str) -> str:
    """Text without the folders of absolute paths: results do not name folders of a machine."""
    return re.sub(r"(?<![\w/])/(?:[^\s/:'\"]+/)+", "", text)


def load(path: Path) -> dict[str, Any]:
    stored: dict[str, Any] = json.loads(path.read_text())
    check(stored)
    return stored


def committed(bench: str = "*") -> list[dict[str, Any]]:
    """All stored documents, in the order of their file names."""
    return [load(path) for path in sorted(FOLDER.glob(f"{bench}-*.json"))]


def check(stored: dict[str, Any]) -> None:
    """Raise ValueError naming a field that is missing or has the wrong type."""
    for name, kind in {"bench": str, "machine": dict, "roofline": dict, "rows": list}.items():
        _expect(stored, name, kind, "document")
    if stored.get("schema") != SCHEMA:
        raise ValueError(f"schema: expected {SCHEMA}, received {stored.get('schema')!r}")
    _expect(stored["machine"], "name", str, "machine")
    for number, row in enumerate(stored["rows"]):
        where = f"rows[{number}]"
        for name, kind in ROW_TYPES.items():
            _expect(row, name, kind, where)
        if row["status"] not in STATUSES:
            raise ValueError(
                f"{where}.status: expected one of {STATUSES}, received {row['status']!r}"
            )
        if row["status"] == "timed":
            for name, kind in TIMED_TYPES.items():
                _expect(row, name, kind, where)
            if not row["seconds"].get("min", 0) > 0:
                raise ValueError(f"{where}.seconds.min: expected a positive number")
        else:
            _expect(row, "reason", str, where)
    keys = [_key(row) for row in stored["rows"]]
    if len(set(keys)) != len(keys):
        raise ValueError("rows: two rows have the same key")


def _expect(holder: dict[str, Any], name: str, kind: Any, where: str) -> None:
    value = holder.get(name)
    allowed = (float, int) if kind is float else kind
    if not isinstance(value, allowed) or (kind in (int, float) and isinstance(value, bool)):
        raise ValueError(
            f"{where}.{name}: expected {kind.__name__}, received "
            f"{'nothing' if name not in holder else repr(value)[:40]}"
        )
