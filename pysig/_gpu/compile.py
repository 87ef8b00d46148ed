"""The only place that builds GPU kernels.

The text is that of the `.cu` and `.cuh` files beside this one; the formulas come from pysig's C++
headers by -I. CuPy keeps compiled kernels on disk by the hash of text and options, but does not
look into headers: their hash is one of the options, or a new pysig would silently run old kernels.
Names are plain C and sizes are -D: CuPy recompiles modules with name expressions in every process.
"""

from __future__ import annotations

import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from pysig import _core

HERE = Path(__file__).parent
ON_DEVICE = "-default-device"  # tables of the headers, too, are on the device
REALS = {4: "float", 8: "double"}


@cache
def _include() -> Path:
    return Path(_core.__file__).parent / "include"


@cache
def _headers_digest() -> str:
    """Of the text of all headers that a kernel may include."""
    folder = _include() / "pysig"
    digest = sha256()
    for path in [folder / "config.hpp", *sorted((folder / "algebra").glob("*.hpp"))]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def source(name: str) -> str:
    """The text of a file beside this one, with that of the files beside it that it includes: a
    kernel goes to the compiler as one text."""
    text = (HERE / name).read_text(encoding="utf-8")
    return re.sub(r'^#include "(\w+\.cuh)"$', lambda m: source(m[1]), text, flags=re.MULTILINE)


def options(**sizes: int | str) -> tuple[str, ...]:
    """Compiler options: standard, headers, and -D PYSIG_<NAME>=<value>."""
    return (
        "-std=c++17",
        f"-I{_include()}",
        f"-DPYSIG_HEADERS=0x{_headers_digest()}",
        *(f"-DPYSIG_{name.upper()}={value}" for name, value in sizes.items()),
    )


@cache
def raw_kernel(
    file: str, name: str, shared: int, device: int, *sizes: tuple[str, int | str]
) -> Any:
    """The kernel `name` of `file`, compiled for these sizes, allowed `shared` bytes of dynamic
    shared memory.

    `device` is the current device: what CuPy sets on a kernel holds for one device.
    """
    import cupy

    texts = (*options(**dict(sizes)), ON_DEVICE)
    kernel = cupy.RawModule(code=source(file), options=texts).get_function(name)
    if shared > 48 * 1024:
        kernel.max_dynamic_shared_size_bytes = shared
    return kernel


@cache
def elementwise_kernel(
    inputs: str, outputs: str, operation: str, name: str, file: str, *sizes: tuple[str, int | str]
) -> Any:
    """An ElementwiseKernel whose operation calls a function of `file`."""
    import cupy

    return cupy.ElementwiseKernel(
        inputs,
        outputs,
        operation,
        name,
        preamble=source(file),
        no_return=True,
        options=options(**dict(sizes)),
    )


@cache
def sum_kernel(
    inputs: str, outputs: str, term: str, name: str, file: str, *sizes: tuple[str, int | str]
) -> Any:
    """A ReductionKernel that adds up the terms that a function of `file` gives."""
    import cupy

    return cupy.ReductionKernel(
        inputs,
        outputs,
        term,
        "a + b",
        f"{outputs.split()[-1]} = a",
        "0",
        name,
        preamble=source(file),
        options=options(**dict(sizes)),
    )


def real(dtype: np.dtype[Any]) -> str:
    """The C name of a dtype."""
    return REALS[dtype.itemsize]
