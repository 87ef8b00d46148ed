"""Time pushing and dropping a point of a sliding signature, from C++.

The window has 100 points of 5 channels, depth 4. Each call of a round is timed, and the fastest
round counts for it: the largest of these times is the worst case of the scheme, without the
interruptions of the machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import stats

CHANNELS, DEPTH, POINTS, WINDOW, ROUNDS = 5, 4, 5_000, 100, 25
CASE = f"1x{POINTS}x{CHANNELS}-N{DEPTH}-window{WINDOW}"

CPP = r"""
#include <pysig/pysig.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>
using now = std::chrono::steady_clock;
double since(now::time_point start) {
    return std::chrono::duration<double>(now::now() - start).count();
}

template <class R>
void run(bool worst_case, int points, int rounds, int length) {
    std::vector<R> path(std::size_t(points) * 5), out(780);
    for (std::size_t i = 0; i < path.size(); ++i) path[i] = R(i * i % 61) / R(4096);
    std::vector<double> fastest(std::size_t(points), 1e9);
    pysig::sliding_signature<R> window(5, 4, worst_case, length + 1);
    std::printf("{\"seconds\": [");
    for (int round = 0; round < 2 * rounds; ++round) {
        window.reset();
        const auto start = now::now();
        for (int t = 0; t < points; ++t) {
            const auto before = round % 2 ? now::now() : start;
            window.push({path.data() + 5 * t, 5});
            if (t >= length) window.pop();
            double& known = fastest[std::size_t(t)];
            if (round % 2) known = std::min(known, since(before));
        }
        if (round % 2 == 0) std::printf("%s%.9g", round ? ", " : "", since(start));
    }
    window.signature_into(out);
    std::printf("], \"worst\": %.9g", *std::max_element(fastest.begin(), fastest.end()));
    std::printf(", \"signature\": [");
    for (std::size_t w = 0; w < 780; ++w) std::printf("%s%.17g", w ? ", " : "", double(out[w]));
    std::printf("]}\n");
}
int main() {
    for (const bool worst_case : {false, true}) {
        run<float>(worst_case, @POINTS@, @ROUNDS@, @WINDOW@);
        run<double>(worst_case, @POINTS@, @ROUNDS@, @WINDOW@);
    }
}
"""


def program() -> str:
    """The text of the C++ program."""
    numbers = {"POINTS": POINTS, "ROUNDS": ROUNDS, "WINDOW": WINDOW}
    text = CPP
    for name, value in numbers.items():
        text = text.replace(f"@{name}@", str(value))
    return text


def rows(build: Callable[[str, str, Path], str], folder: Path, common: Any) -> list[dict[str, Any]]:
    """Rows as results.py stores them; `build` compiles a program and returns its output."""
    import pysig

    runs = [json.loads(line) for line in build("sliding", program(), folder).splitlines()]
    kinds = [(worst, dtype) for worst in (False, True) for dtype in (np.float32, np.float64)]
    i = np.arange(POINTS * CHANNELS)
    out = []
    for (worst_case, dtype), run in zip(kinds, runs, strict=True):
        path = ((i * i % 61).astype(dtype) / dtype(4096)).reshape(-1, CHANNELS)
        window = pysig.SlidingSignature(CHANNELS, DEPTH, dtype=dtype, worst_case=worst_case)
        for point in path:
            window.push(point)
            if len(window) > WINDOW:
                window.pop()
        right = window.signature()
        assert np.allclose(right, pysig.signature(path[-WINDOW:], DEPTH), rtol=1e-4, atol=1e-6)
        row = {
            "operation": "sliding-push-worst-case" if worst_case else "sliding-push",
            "case": CASE,
            "dtype": np.dtype(dtype).name,
            "library": "pysig from C++",
            # One segment at the end, one in front, and with worst_case one product.
            "madds": POINTS * (2 * 970 + worst_case * 2930),
            **common,
        }
        if not np.array_equal(np.array(run["signature"], dtype), right):
            out.append({**row, "status": "wrong", "reason": "differs from Python"})
            continue
        seconds = stats.summary(run["seconds"])
        out.append(
            {
                **row,
                "status": "timed",
                "error": 0.0,
                "checked_by": "pysig.SlidingSignature, bit for bit",
                "computes": np.dtype(dtype).name,
                "rounds": ROUNDS,
                "calls": POINTS,
                "seconds": seconds,
                "rate": row["madds"] / seconds["min"],
                "cores": 1.0,
                "noisy": not stats.settled(run["seconds"]),
                "point_microseconds": {k: v / POINTS * 1e6 for k, v in seconds.items()},
                "worst_microseconds": run["worst"] * 1e6,
            }
        )
    return out
