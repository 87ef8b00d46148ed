"""Counters of Nsight Compute for a case, for ``python -m bench gpu --ncu``."""

from __future__ import annotations

import shutil
import subprocess
import sys

NCU_METRICS = {
    "sm__throughput.avg.pct_of_peak_sustained_elapsed": "SM",
    "smsp__issue_active.avg.pct_of_peak_sustained_active": "issue",
    "sm__warps_active.avg.pct_of_peak_sustained_active": "warps",
    "dram__throughput.avg.pct_of_peak_sustained_elapsed": "DRAM",
    "l1tex__data_bank_conflicts_pipe_lsu.sum": "bank conflicts",
}


def counters(name: str, operation: str) -> str:
    """Counters of the kernels of one case, or the reason why there are none."""
    if shutil.which("ncu") is None:
        return "ncu counters: ncu is not on PATH"
    bench = [sys.executable, "-m", "bench", "gpu", "--once", name, "--operations", operation]
    metrics = ["--metrics", ",".join(NCU_METRICS)]
    command = ["ncu", "--csv", *metrics, "--kernel-name", "regex:pysig_", *bench]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if any(m in line for m in NCU_METRICS)]
    if not lines:
        reason = next(
            (x for x in (done.stdout + done.stderr).splitlines() if "ERR" in x), "no counters"
        )
        return f"ncu counters: {reason.strip()}"
    found = []
    for line in lines:
        cells = [cell.strip('"') for cell in line.split('","')]
        metric = next(m for m in NCU_METRICS if m in cells)
        found.append(f"{NCU_METRICS[metric]} {cells[-1]}")
    return f"ncu counters of {operation} {name}: " + ", ".join(found)
