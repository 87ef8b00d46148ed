"""``python -m bench plot``: figures from stored results; only this module imports matplotlib."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import results, summary
from .cases import GROUPS, ITEMSIZE
from .targets import Rows, sweep

INK = {"pysig": "#c0392b", "pysiglib": "#2c6fbb"}
OTHERS = ("#7f8c8d", "#27ae60", "#8e44ad", "#d68910", "#16a085", "#5d6d7e", "#a04000")
OPERATION = "signature"
OVERVIEW = "bench-overview.svg"
ORDER = [case.name for group in ("core", "authors") for case in GROUPS[group]]


def _pyplot() -> Any:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot

    return matplotlib.pyplot


def _is_peer(row: dict[str, Any]) -> bool:
    return "ratio" in row and row["library"] not in ("pysig", "pysig-other")


def _order(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Names of the cases that occur, in table order."""
    seen = {row["case"] for row in rows}
    return [name for name in ORDER if name in seen]


def roofline(document: dict[str, Any], path: Path) -> None:
    """Multiply-adds per second over multiply-adds per byte, one thread, under the roof."""
    plt = _pyplot()
    peaks = document["roofline"].get("threads", {}).get("1", {})
    rows = [r for r in Rows(document).find(operation=OPERATION, threads=1) if r["case"] in ORDER]
    names = _order(rows)
    figure, panels = plt.subplots(1, 2, figsize=(11, 5.6), sharey=True, layout="constrained")
    for axes, dtype in zip(panels, ITEMSIZE, strict=True):
        mine = [row for row in rows if row["dtype"] == dtype]
        _roof(axes, peaks, dtype, [row["madds"] / row["bytes"] for row in mine])
        for library, marker in (("pysig", "o"), ("pysiglib", "^")):
            ink = INK[library]
            look = {"color": ink, "mfc": ink if library == "pysig" else "none"}
            for row in (r for r in mine if r["library"] == library):
                x, y = row["madds"] / row["bytes"], row["rate"]
                axes.plot(x, y, marker, **look)
                if library == "pysig":
                    number = names.index(row["case"]) + 1
                    offset = {"xytext": (4, 4), "textcoords": "offset points"}
                    axes.annotate(number, (x, y), fontsize=7, **offset)
            axes.plot([], [], marker, label=library, **look)
        if mine:
            axes.set(xscale="log", yscale="log")
        axes.set_title(f"{dtype}, one thread")
        axes.set_xlabel("multiply-adds per byte that must be moved")
        axes.grid(True, which="major", color="0.9")
        axes.legend(loc="lower right", fontsize=8)
    panels[0].set_ylabel("multiply-adds per second")
    legend = "\n".join(f"{n} {name}" for n, name in enumerate(names, 1))
    figure.text(1.01, 0.5, legend, fontsize=7, va="center", family="monospace")
    _finish(figure, plt, path)


def _roof(axes: Any, peaks: dict[str, float], dtype: str, intensities: list[float]) -> None:
    peak = peaks.get(f"madds_{dtype}")
    if not peak or not intensities:
        return
    low, high = min(intensities) / 3, max(intensities) * 3
    for name, style in (("read", "--"), ("write_streaming", ":")):
        if name in peaks:
            knee = peak / peaks[name]
            x = [min(low, knee / 3), knee]
            axes.plot(x, [v * peaks[name] for v in x], style, color="0.4", lw=1)
            label = f"{name.replace('_', ' ')} {peaks[name] / 1e9:.0f} GB/s"
            axes.annotate(label, (x[0], x[0] * peaks[name]), fontsize=7, rotation=35, color="0.4")
    axes.plot([low, high], [peak, peak], "-", color="0.2", lw=1)
    axes.annotate(f"peak {peak / 1e9:.0f} G/s", (low, peak * 1.06), fontsize=7, color="0.2")


def peers(document: dict[str, Any], path: Path) -> None:
    """How many times slower than pysig the others are, case by case, one thread."""
    plt = _pyplot()
    from matplotlib import ticker

    rows = [row for row in Rows(document).find(operation=OPERATION, threads=1) if _is_peer(row)]
    names = _order(rows)
    libraries = sorted({row["library"] for row in rows}, key=lambda n: (n != "pysiglib", n))
    figure, panels = plt.subplots(1, 2, figsize=(11, 5.6), sharey=True, layout="constrained")
    for axes, dtype in zip(panels, ITEMSIZE, strict=True):
        for number, library in enumerate(libraries):
            mine = {
                row["case"]: row["ratio"]["median"]
                for row in rows
                if (row["dtype"], row["library"]) == (dtype, library)
            }
            points = [(mine[name], at) for at, name in enumerate(names) if name in mine]
            ink = INK.get(library, OTHERS[number % len(OTHERS)])
            if points:
                axes.plot(*zip(*points, strict=True), "o", color=ink, ms=5)
            axes.plot([], [], "o", color=ink, label=library)
        axes.axvline(1.0, color=INK["pysig"], lw=1)
        axes.set(xscale="log", xlabel="time over that of pysig", title=f"{dtype}, one thread")
        axes.xaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(ticker.NullFormatter())
        axes.grid(True, axis="both", color="0.9")
    panels[0].set_yticks(range(len(names)), names, fontsize=8, family="monospace")
    panels[0].invert_yaxis()
    panels[1].legend(fontsize=8, loc="best")
    _finish(figure, plt, path)


def sweeps(document: dict[str, Any], path: Path) -> None:
    """Cost along the sweeps, with lines of slope one through the last point."""
    plt = _pyplot()
    labels = {
        "sweep-batch": "batch",
        "sweep-length": "increments of a path",
        "sweep-size": "coefficients",
    }
    rows = Rows(document)
    figure, panels = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained")
    for axes, (group, label) in zip(panels, labels.items(), strict=True):
        for dtype, ink in zip(ITEMSIZE, (INK["pysig"], INK["pysiglib"]), strict=True):
            x, y = sweep(rows, group, dtype)
            if x:
                axes.plot(x, y, "o-", color=ink, ms=4, lw=1, label=dtype)
                axes.plot(x, [y[-1] * v / x[-1] for v in x], ":", color=ink, lw=1)
                axes.set(xscale="log", yscale="log")
                axes.legend(fontsize=8)
        case = GROUPS[group][0]
        fixed = {"batch": case.batch, "length": case.length, "d": case.channels, "N": case.depth}
        fixed.pop({"sweep-batch": "batch", "sweep-length": "length", "sweep-size": "d"}[group])
        axes.set_xlabel(label)
        axes.set_title(", ".join(f"{name} {value}" for name, value in fixed.items()), fontsize=9)
        axes.grid(True, color="0.9")
    panels[0].set_ylabel("seconds, one thread")
    _finish(figure, plt, path)


def overview(documents: Sequence[dict[str, Any]], path: Path) -> None:
    """Geometric means and ranges of the summary, in float32, one line for each comparison."""
    plt = _pyplot()
    found = [c for d in documents for c in summary.comparisons(d) if c.dtype == "float32"]
    order = [(name, c.library) for name in summary.OPERATIONS for c in found if c.operation == name]
    keys = list(dict.fromkeys(order))
    machines = list(dict.fromkeys(c.machine for c in found))
    figure, axes = plt.subplots(figsize=(8, 0.42 * len(keys) + 1.2), layout="constrained")
    for number, machine in enumerate(machines):
        shift = 0.3 * (number - (len(machines) - 1) / 2)
        mine = [c for c in found if c.machine == machine]
        places = [keys.index((c.operation, c.library)) + shift for c in mine]
        ink = (INK["pysiglib"], INK["pysig"], *OTHERS)[number]
        low, high = [min(c.ratios) for c in mine], [max(c.ratios) for c in mine]
        axes.hlines(places, low, high, color=ink, lw=1.5)
        axes.plot([c.mean for c in mine], places, "o", color=ink, ms=6, label=machine)
        for place, one in zip(places, mine, strict=True):
            axes.annotate(
                f"{one.mean:.2g}", (one.mean, place), (0, 4), fontsize=7, ha="center",
                textcoords="offset points",
            )  # fmt: skip
    labels = [f"{summary.OPERATIONS[operation]}\nbeside {library}" for operation, library in keys]
    axes.set_yticks(range(len(keys)), labels, fontsize=8)
    axes.invert_yaxis()
    axes.axvline(1.0, color="0.5", lw=1)
    axes.set(xscale="log", xlabel="times faster than the other library, float32, one thread")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.grid(True, axis="x", color="0.9")
    axes.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    _finish(figure, plt, path)


def _finish(figure: Any, plt: Any, path: Path) -> None:
    figure.savefig(path, dpi=130, bbox_inches="tight", transparent=True)
    plt.close(figure)


FIGURES = {"roofline": roofline, "peers": peers, "sweeps": sweeps}


def drawable(document: dict[str, Any]) -> list[str]:
    """Names of the figures for which the document has rows."""
    rows = Rows(document)
    has = {
        "roofline": rows.pysig(OPERATION, "float32") or rows.pysig(OPERATION, "float64"),
        "peers": [row for row in rows.find(operation=OPERATION, threads=1) if _is_peer(row)],
        "sweeps": rows.find(operation="signature-sweep", threads=1),
    }
    return [name for name in FIGURES if has[name]]


def figure_name(document: dict[str, Any], name: str) -> str:
    return f"bench-{document['machine']['name']}-{name}.svg"


def draw(documents: Sequence[dict[str, Any]], folder: Path) -> list[Path]:
    """All figures of all CPU documents; returns the files, named after machine and figure."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for document in documents:
        for name in drawable(document):
            path = folder / figure_name(document, name)
            FIGURES[name](document, path)
            made.append(path)
    if any(True for document in documents for _ in summary.comparisons(document)):
        made.append(folder / OVERVIEW)
        overview(documents, made[-1])
    return made


def main(argv: Sequence[str] | None = None) -> int:
    p = argparse.ArgumentParser(
        prog="python -m bench plot",
        description="Draw roofline, comparison with peers and sweeps from stored results.",
    )
    p.add_argument("files", nargs="*", type=Path, help="results (default: all in bench/results)")
    p.add_argument(
        "--output", type=Path, default=Path("docs/_figures"), help="folder of the figures"
    )
    options = p.parse_args(argv)
    documents = [results.load(file) for file in options.files] or results.committed("cpu")
    for path in draw(documents, options.output):
        print(path)
    if not documents:
        print("no results are stored; `python -m bench --vs --threads 1 2 --save` stores them")
    return 0
