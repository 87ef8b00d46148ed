"""The command `pysig info`: the installed version, devices and optional packages."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version

import pysig


def run() -> None:
    """Print pysig's configuration, then the devices and optional packages that the command uses."""
    pysig.show_config()
    for name, value in devices():
        print(f"{name:<26}  {value}")


def devices() -> Iterator[tuple[str, str]]:
    """The GPU and the progress bar that the command would use."""
    yield "gpu", gpu()
    try:
        yield "tqdm", version("tqdm")
    except PackageNotFoundError:
        yield "tqdm", "not installed (a plain progress bar is used)"


def gpu() -> str:
    """Name, memory and CUDA version of the GPU, or why there is none."""
    try:
        cupy = import_module("cupy")
    except ImportError:
        return "none: CuPy is not installed"
    try:
        runtime = cupy.cuda.runtime
        name = runtime.getDeviceProperties(cupy.cuda.Device().id)["name"].decode()
        memory = cupy.cuda.Device().mem_info[1] / 2**30
        number = runtime.runtimeGetVersion()
    except Exception as error:  # a missing or broken driver raises various errors
        return f"none: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    return f"{name}, {memory:.0f} GiB, CUDA {number // 1000}.{number % 1000 // 10}"
