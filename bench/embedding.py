"""``python -m bench embedding``: time pushing a point from C++ and Cython, also into a window.

The programs are built against the installed package, in a temporary folder. Each pushes a path
of 5 channels, depth 4, point by point, and its signature is compared with that of Python before
anything is written down.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from . import embedding_sliding, results, stats

CHANNELS, DEPTH, POINTS, ROUNDS = 5, 4, 20_000, 25
CASE = f"1x{POINTS}x{CHANNELS}-N{DEPTH}"

CPP = r"""
#include <pysig/pysig.hpp>
#include <chrono>
#include <cstdio>
#include <vector>
template <class R>
void run(int points, int rounds) {
    std::vector<R> path(std::size_t(points) * 5);
    for (std::size_t i = 0; i < path.size(); ++i) path[i] = R(i * i % 61) / R(4096);
    pysig::incremental_signature<R> incremental(5, 4);
    std::printf("{\"seconds\": [");
    for (int round = 0; round < rounds; ++round) {
        incremental.reset();
        const auto start = std::chrono::steady_clock::now();
        for (int t = 0; t < points; ++t) incremental.push({path.data() + 5 * t, 5});
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
        std::printf("%s%.9g", round ? ", " : "", taken.count());
    }
    std::printf("], \"signature\": [");
    for (int w = 0; w < 780; ++w)
        std::printf("%s%.17g", w ? ", " : "", double(incremental.signature()[w]));
    std::printf("]}\n");
}
int main() {
    run<float>(@POINTS@, @ROUNDS@);
    run<double>(@POINTS@, @ROUNDS@);
}
"""
CYTHON = """
from libc.stdint cimport int64_t
cimport pysig.embed as embed
from time import perf_counter
import numpy as np


def run_@f@(@R@[:, ::1] path, int rounds):
    cdef embed.pysig_incremental_@f@* incremental = NULL
    cdef Py_ssize_t t
    cdef int failed = 0
    seconds, out = [], np.empty(780, np.asarray(path).dtype)
    cdef @R@[::1] to = out
    if embed.incremental_create_@f@(5, 4, &incremental):
        raise MemoryError
    for _ in range(rounds):
        embed.incremental_reset_@f@(incremental)
        start = perf_counter()
        with nogil:
            for t in range(path.shape[0]):
                failed |= embed.incremental_push_@f@(incremental, &path[t, 0], 5)
        seconds.append(perf_counter() - start)
    failed |= embed.incremental_signature_@f@(incremental, &to[0], 780)
    embed.incremental_destroy_@f@(incremental)
    return seconds, out.tolist(), failed
"""
RUN = """
import json, sys
import numpy as np
sys.path.insert(0, ".")
i = np.arange(@POINTS@ * 5)
for f, dtype in (("f32", np.float32), ("f64", np.float64)):
    path = ((i * i % 61).astype(dtype) / dtype(4096)).reshape(-1, 5)
    module = __import__("push_" + f)
    seconds, signature, failed = getattr(module, "run_" + f)(path, @ROUNDS@)
    assert not failed
    print(json.dumps({"seconds": seconds, "signature": signature}))
"""
SETUP = """
from Cython.Build import cythonize
from setuptools import Extension, setup
names = ("push_f32", "push_f64")
setup(name="push", ext_modules=cythonize([Extension(n, [n + ".pyx"]) for n in names], quiet=True))
"""


def _filled(text: str, **more: str) -> str:
    for name, value in {"POINTS": str(POINTS), "ROUNDS": str(ROUNDS), **more}.items():
        text = text.replace(f"@{name}@", value)
    return text


def _output(*command: str, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def built(name: str, text: str, folder: Path) -> str:
    """The output of a C++ program with the kernels of the library."""
    import pysig

    library = pysig.get_library()
    (folder / f"{name}.cpp").write_text(text)
    command = ["c++", "-std=c++17", "-O2", "-DPYSIG_COMPILED", f"{name}.cpp", "-o", name]
    command += ["-pthread", f"-I{pysig.get_include()}", library]
    _output(*command, f"-Wl,-rpath,{Path(library).parent}", folder=folder)
    return _output(str(folder / name), folder=folder)


def common() -> dict[str, Any]:
    """What all rows say."""
    versions = {"pysig": version("pysig-signatures"), "commit": results.commit()}
    return {"threads": 1, "bytes": 0, "date": results.today(), "versions": versions}


def measured(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """For each language: the rounds in float32, then in float64."""
    cpp = built("push", _filled(CPP), folder)
    for f, real in (("f32", "float"), ("f64", "double")):
        (folder / f"push_{f}.pyx").write_text(_filled(CYTHON, f=f, R=real))
    (folder / "setup.py").write_text(SETUP)
    _output(sys.executable, "setup.py", "-q", "build_ext", "--inplace", folder=folder)
    cython = _output(sys.executable, "-c", _filled(RUN), folder=folder)
    outputs = {"C++": cpp, "Cython": cython}
    return {name: [json.loads(x) for x in text.splitlines()] for name, text in outputs.items()}


def rows(found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Rows as results.py stores them; `wrong` where the signature differs from that of Python."""
    import pysig

    i = np.arange(POINTS * CHANNELS)
    size = pysig.signature_size(CHANNELS, DEPTH)
    out = []
    for language, runs in found.items():
        for dtype, run in zip((np.float32, np.float64), runs, strict=True):
            path = ((i * i % 61).astype(dtype) / dtype(4096)).reshape(-1, CHANNELS)
            incremental = pysig.IncrementalSignature(CHANNELS, DEPTH, dtype)
            incremental.push(path)
            right = incremental.signature()
            assert np.allclose(right, pysig.signature(path, DEPTH), rtol=1e-4, atol=1e-6)
            row: dict[str, Any] = {
                "operation": "incremental-push",
                "case": CASE,
                "dtype": np.dtype(dtype).name,
                "library": f"pysig from {language}",
                "madds": (POINTS - 1) * size,
                **common(),
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
                    "checked_by": "pysig.IncrementalSignature, bit for bit",
                    "computes": np.dtype(dtype).name,
                    "rounds": ROUNDS,
                    "calls": POINTS,
                    "seconds": seconds,
                    "rate": row["madds"] / seconds["min"],
                    "cores": 1.0,
                    "noisy": not stats.settled(run["seconds"]),
                    "point_microseconds": {k: v / POINTS * 1e6 for k, v in seconds.items()},
                }
            )
    return out


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench embedding", description=__doc__)
    parser.add_argument("--save", action="store_true", help="store in bench/results")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        timed = rows(measured(Path(folder)))
        timed += embedding_sliding.rows(built, Path(folder), common())
    for row in timed:
        cost = row.get("point_microseconds", {})
        told = f"{cost['min']:.2f} to {cost['q75']:.2f} us a point" if cost else row["reason"]
        if "worst_microseconds" in row:
            told += f", at most {row['worst_microseconds']:.2f} us"
        print(f"{row['operation']:25}{row['library']:20}{row['dtype']:9}{told}")
    if arguments.save:
        about = results.machine()
        path = results.path_for("embedding", about["name"])
        empty = results.document("embedding", about, {})
        stored = results.load(path) if path.exists() else empty
        results.merge(stored, timed)
        results.save(stored, path)
    return int(any(row["status"] != "timed" for row in timed))
