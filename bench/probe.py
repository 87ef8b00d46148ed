"""The ceilings of this machine, measured by ``probe.cpp``, which is compiled here for this machine.

The multiply-add ceiling is a loop of independent fused multiply-adds that stays in registers;
:func:`loop_report` reads its disassembly, so that the figure can be trusted to be the machine's and
not the compiler's. The memory ceilings run over arrays that no cache holds.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("probe.cpp")

MEMORY = ("read", "write", "write_streaming", "copy", "copy_streaming")

# What may bind an operation (Operation.bound), and the probes whose best is that ceiling.
PROBES = {"multiply-add": ("madds",), "store": ("write", "write_streaming")}

CHAIN_ROUNDS = 300_000  # about half a millisecond; ten times more to hide the start of threads


class ProbeError(RuntimeError):
    """The probe cannot be built on this machine; the message says why."""


def compiler() -> str:
    """Path of the C++ compiler: ``CXX``, or the first of the usual names."""
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        path = name and shutil.which(name)
        if path:
            return path
    raise ProbeError("no C++ compiler was found (c++, g++, clang++; CXX=... names another)")


def compiler_version() -> str:
    done = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


@functools.cache
def library_path() -> Path:
    """The compiled probe, built once for a source, compiler and processor."""
    native = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
    flags = ["-O3", native, "-std=c++17", "-shared", "-fPIC", "-pthread"]
    seal = "|".join([SOURCE.read_text(), compiler_version(), *flags, _processor()])
    name = f"pysig-probe-{hashlib.sha256(seal.encode()).hexdigest()[:16]}.so"
    target = Path(tempfile.gettempdir()) / name
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            built = Path(folder) / name
            command = [compiler(), *flags, "-o", str(built), str(SOURCE)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise ProbeError(f"{' '.join(command)} failed:\n{done.stderr}")
            # Moved in one step: another process may be building or loading the same file.
            beside = target.with_suffix(f".{os.getpid()}")
            shutil.copy(built, beside)
            os.replace(beside, target)
    return target


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "".join(x for x in dict.fromkeys(lines) if x.startswith(("model name", "flags")))


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    for dtype in ("float32", "float64"):
        madds = getattr(library, f"pysig_bench_madds_{dtype}")
        madds.restype, madds.argtypes = ctypes.c_double, [ctypes.c_int, ctypes.c_int64]
    for name in MEMORY:
        move = getattr(library, f"pysig_bench_{name}")
        move.restype = ctypes.c_double
        move.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    return library


def caches() -> dict[str, int]:
    """Bytes of the data caches that the first processor uses, by level; empty if not known."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        try:
            kind, level, size = (
                (folder / name).read_text().strip() for name in ("type", "level", "size")
            )
        except OSError:
            continue
        if kind != "Instruction" and size.endswith("K"):
            found[f"L{level}"] = int(size[:-1]) << 10
    return found


@functools.cache
def _buffers() -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of at least four times the last-level cache, touched, aligned to a page."""
    size = min(max(256 << 20, 4 * max(caches().values(), default=0)), 2 << 30) & -4096

    def page_aligned() -> np.ndarray:
        raw = np.ones(size + 4096, np.uint8)
        return raw[-raw.ctypes.data % 4096 :][:size]

    return page_aligned(), page_aligned()


def call(name: str, dtype: str, threads: int) -> tuple[Callable[[], float], float]:
    """A function to time, and the work of one call: multiply-adds, or bytes moved."""
    if name == "madds":
        function = getattr(_library(), f"pysig_bench_madds_{dtype}")
        rounds = CHAIN_ROUNDS if threads == 1 else 10 * CHAIN_ROUNDS
        run = functools.partial(function, threads, rounds)
    else:
        to, source = _buffers()
        function = getattr(_library(), f"pysig_bench_{name}")
        run = functools.partial(function, threads, to.ctypes.data, source.ctypes.data, to.nbytes)
    return run, run()


def loop_report(dtype: str) -> dict[str, int]:
    """Instructions in the timed loop: fused multiply-adds, memory operands, and others.

    Read from the disassembly (``objdump``): a loop reaches from the target of a
    backward jump to the jump; the timed one has the most multiply-adds, others add up its sums.
    """
    if not shutil.which("objdump"):
        raise ProbeError("objdump is not installed, so the loop cannot be read")
    command = ["objdump", "-d", "--no-show-raw-insn", str(library_path())]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    body = re.search(rf"<_?pysig_bench_chains_{dtype}>:\n(.*?)\n\n", text + "\n\n", re.S)
    assert body, "the probe exports its loop under this name"
    code = re.findall(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$", body.group(1), re.M)
    lines = [(int(address, 16), name, operands) for address, name, operands in code]
    jumps = [
        (int(target.group(1), 16), address)
        for address, name, operands in lines
        if name.startswith(("j", "b", "cb"))
        and (target := re.match(r"(?:\w+, )?([0-9a-f]+) <", operands))
        and int(target.group(1), 16) < address
    ]
    loops = [[line for line in lines if first <= line[0] <= last] for first, last in jumps]

    def count_fused(loop: list[tuple[int, str, str]]) -> int:
        return sum(name.startswith(("vfmadd", "fmla", "fmadd")) for _, name, _ in loop)

    loop = max(loops, key=count_fused)
    fused = count_fused(loop)
    memory = sum("(%" in operands or "[" in operands for _, _, operands in loop)
    return {"fused": fused, "memory": memory, "others": len(loop) - fused}
