"""Tables made from rows, on the terminal while a bench runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from . import stats

COLUMNS = (
    ("operation", 22),
    ("case", 17),
    ("dtype", 8),
    ("thr", 3),
    ("library", 17),
    ("time", 10),
    ("Gmadd/s", 8),
    ("of peak", 8),
    ("slower", 14),
    ("note", 0),
)

# An answer that is right, but differs by more than this from the float64 answer, gets a note.
REMARKABLE = {"float32": 1e-5, "float64": 1e-12}


def seconds(value: float) -> str:
    """A time with three significant digits and a unit that fits."""
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if value >= scale:
            return f"{value / scale:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


def percent(fraction: dict[str, float] | None) -> str:
    return f"{100 * fraction['of_min']:.0f} %" if fraction else "-"


def note(row: dict[str, Any]) -> str:
    """Remarks on a row."""
    notes = []
    if row["status"] != "timed":
        return f"{row['status']}: {row['reason']}"
    if "speedup" in row:
        notes.append(f"speed-up {row['speedup']['of_min']:.2f}")
    if against := row.get("against"):
        found = f"{against['of_min']:.2f} times" if "of_min" in against else "not compared with"
        said = f" ({against['reason']})" if "reason" in against else ""
        notes.append(f"{found} {against['operation']}{said}")
    if row["computes"] != row["dtype"]:
        notes.append(f"computes in {row['computes']}")
    if row["error"] > REMARKABLE[row["dtype"]]:
        notes.append(f"off by {row['error']:.0e}")
    if row["noisy"]:
        notes.append("noisy")
    if row["cores"] < 0.9 * row["threads"] and row["threads"] == 1:
        notes.append(f"had {100 * row['cores']:.0f} % of a core")
    return ", ".join(notes)


def cells(row: dict[str, Any]) -> list[str]:
    """The row as text, one entry per column of :data:`COLUMNS`."""
    timed = row["status"] == "timed"
    ratio = row.get("ratio")
    return [
        row["operation"],
        row["case"],
        row["dtype"],
        str(row["threads"]),
        row["library"],
        seconds(row["seconds"]["min"]) if timed else "-",
        f"{row['rate'] / 1e9:.2f}" if timed else "-",
        percent(row["fraction"]) if timed else "-",
        f"{ratio['median']:.2f} ({ratio['of_min']:.2f})" if ratio else "",
        note(row),
    ]


def _line(texts: Sequence[str]) -> str:
    pairs = zip(texts, COLUMNS, strict=True)
    return "  ".join(text.ljust(width) for text, (_, width) in pairs).rstrip()


def show_header() -> None:
    print(
        "\ntime      quietest round, one call     of peak  part reached of the machine's peak"
        "\nslower    times pysig's own time: median of the rounds (quietest against quietest)\n"
    )
    print(_line([name for name, _ in COLUMNS]), flush=True)


def show_rows(rows: Iterable[dict[str, Any]], skips: set[tuple[str, str, str]]) -> None:
    """Print rows; a skip only the first time that its operation and reason occur."""
    for row in rows:
        if row["status"] == "skipped":
            skip = (row["operation"], row["library"], row["reason"])
            if skip in skips:
                continue
            skips.add(skip)
        print(_line(cells(row)), flush=True)


def show_roofline(roofline: dict[str, Any]) -> None:
    if "skipped" in roofline:
        print(f"roofline  skipped: {roofline['skipped']}")
        return
    for threads, found in roofline["threads"].items():
        rates = ", ".join(
            f"{name.replace('madds_', '')} {value / 1e9:.1f} G"
            + ("madd/s" if name.startswith("madds") else "B/s")
            for name, value in found.items()
        )
        print(f"peak      {threads} thread{'s' * (threads != '1')}: {rates}")


def show_closing(rows: Sequence[dict[str, Any]]) -> None:
    """Geometric means by peer, and each reason for a skip, once."""
    means = summarise(rows)
    if means:
        print("\ntimes slower than pysig, by operation, dtype and library")
        for (operation, dtype, library), (minimum, mean, count) in means.items():
            label = f"{operation:22} {dtype:8} {library:17}"
            print(f"  {label} geometric mean {mean:6.2f}, minimum {minimum:6.2f}, {count} cases")
    reasons = {
        (row["library"], row["reason"]): row["status"] for row in rows if row["status"] != "timed"
    }
    for (library, reason), status in reasons.items():
        print(f"{status:9} {library}: {reason}")
    noisy = sum(row.get("noisy", False) for row in rows)
    if noisy:
        print(
            f"warning   {noisy} of {len(rows)} rows are noisy: the middle half of their rounds "
            f"spreads over more than {100 * stats.NOISY:.0f} % of the median; the machine is busy"
        )


def summarise(
    rows: Iterable[dict[str, Any]],
) -> dict[tuple[str, str, str], tuple[float, float, int]]:
    """Minimum and geometric mean of the peers' ratios, by operation, dtype and library."""
    groups: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        if "ratio" in row and row["library"] != "pysig":
            key = (row["operation"], row["dtype"], row["library"])
            groups.setdefault(key, []).append(row["ratio"]["median"])
    return {
        key: (min(values), stats.geometric_mean(values), len(values))
        for key, values in groups.items()
    }
