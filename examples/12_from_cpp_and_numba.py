r"""
From C++ and Numba
==================

A simulation produces one point after the other. The signature follows it
without storing the path, by Chen's identity with the exponential of the last
increment:

.. math:: S \leftarrow S \otimes \exp(x_{t+1} - x_t) .

Programs in C++ include one header. Numba calls the same compiled functions.
"""

# %%
# A particle flies in a box and is reflected by its walls. The C++ program
# pushes each position, and prints the signature at the end.

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numba
import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from numba.extending import get_cython_function_address

import pysig

STEPS = 400
PROGRAM = """
#include <pysig/pysig.hpp>
#include <cstdio>

int main() {
    pysig::incremental_signature<double> s(2, 3);  // channels, depth
    double x = 0.5, y = 0.25, vx = 0.03, vy = -0.05;
    for (int step = 0; step <= 400; ++step) {
        const double point[] = {x, y};
        s.push(point);  // allocates nothing
        x += vx;
        y += vy;
        if (x < 0 || x > 1) vx = -vx;
        if (y < 0 || y > 1) vy = -vy;
    }
    const auto values = s.signature();
    for (int i = 0; i < values.size(); ++i) std::printf("%.17g ", values[i]);
}
"""


def run_cpp(compiler):
    """Compile the program and return the numbers that it prints."""
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder) / "box.cpp", Path(folder) / "box"
        source.write_text(PROGRAM)
        flags = ["-std=c++17", "-O1", "-pthread", "-I", pysig.get_include()]
        subprocess.run([compiler, *flags, source, "-o", program], check=True)
        printed = subprocess.run([program], check=True, capture_output=True)
    return np.array(printed.stdout.split(), dtype=float)


# %%
# The same in Numba. ``pysig.embed`` has the functions of the C interface; a
# pointer is passed as the address of an array.

POINTER, INT, I64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64


def embedded(name, result, *arguments):
    """A function of the C interface that compiled code can call."""
    address = get_cython_function_address("pysig.embed", name)
    return ctypes.CFUNCTYPE(result, *arguments)(address)


create = embedded("incremental_create_f64", INT, I64, INT, POINTER)
push = embedded("incremental_push_f64", INT, POINTER, POINTER, I64)
read = embedded("incremental_signature_f64", INT, POINTER, POINTER, I64)
destroy = embedded("incremental_destroy_f64", None, POINTER)


@numba.njit
def simulate(path, running):
    """Fill the path and the signatures of its beginnings."""
    handle = np.zeros(1, np.uintp)
    if create(2, 3, handle.ctypes.data):
        raise ValueError("channels or depth")
    x, y, vx, vy = 0.5, 0.25, 0.03, -0.05
    for step in range(len(path)):
        path[step, 0], path[step, 1] = x, y
        push(handle[0], path[step].ctypes.data, 2)
        read(handle[0], running[step].ctypes.data, running.shape[1])
        x += vx
        y += vy
        if x < 0 or x > 1:
            vx = -vx
        if y < 0 or y > 1:
            vy = -vy
    destroy(handle[0])


path = np.empty((STEPS + 1, 2))
running = np.empty((STEPS + 1, pysig.signature_size(2, 3)))
simulate(path, running)

# %%
# Both agree with the signature of the stored path:

results = {"Python": pysig.signature(path, 3), "Numba": running[-1]}
compiler = shutil.which("c++") or shutil.which("g++")
if compiler:  # else this page shows Numba alone
    results["C++"] = run_cpp(compiler)
table = pd.DataFrame(results, index=pysig.labels(2, 3, names=["x", "y"])).T
table.iloc[:, :8].round(6)

# %%
# Left: the flight. Right: the area that it sweeps, known at every step of the
# simulation.

area = (running[:, 3] - running[:, 4]) / 2
figure, (left, right) = plt.subplots(
    1,
    2,
    figsize=(8, 2.8),
    width_ratios=[1, 1.6],
    num="Flight of a particle in a box, and the area that it sweeps",
)
left.plot(*path.T, lw=0.6)
left.set(xlabel="x", ylabel="y", aspect="equal")
right.plot(area)
right.axhline(0, color="0.5", lw=0.8)
right.set(xlabel="step", ylabel="area")
plt.show()
