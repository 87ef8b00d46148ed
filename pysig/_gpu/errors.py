"""Errors of the device and of the compiler, explained; what a CUDA graph may not capture."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

P = ParamSpec("P")
# Of a driver that is older than the compiler.
IMAGE_ERRORS = ("NO_BINARY_FOR_GPU", "INVALID_IMAGE", "INVALID_PTX", "UNSUPPORTED_PTX_VERSION")


def operation(function: Callable[P, None]) -> Callable[P, None]:
    """Decorate an operation of the backend: errors of the device say what to do."""

    @wraps(function)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            function(*arguments, **options)
        except Exception as error:
            better = explanation(sys.modules["cupy"], function.__name__, error)
            if better is None:
                raise
            raise better from error

    return run


def explanation(cupy: Any, what: str, error: Exception) -> Exception | None:
    """The error to raise instead of one of CuPy; None: that one says enough."""
    if isinstance(error, cupy.cuda.memory.OutOfMemoryError):
        return MemoryError(
            f"{what}: the GPU has no room for the scratch memory ({error}). Take fewer paths at "
            "a time, or lower pysig.set_gpu_memory_limit()."
        )
    if isinstance(error, cupy.cuda.compiler.CompileException):
        return RuntimeError(
            f"{what}: the CUDA compiler refused pysig's kernel. Check that CuPy matches the "
            f"installed CUDA (cupy.show_config()) and is version 13 or newer. It said: {error}"
        )
    if isinstance(error, cupy.cuda.driver.CUDADriverError):
        if not any(code in str(error) for code in IMAGE_ERRORS):
            return RuntimeError(f"{what}: the CUDA driver refused a launch: {error}.")
        return RuntimeError(
            f"{what}: the CUDA driver cannot load pysig's kernel ({error}). Check that the driver "
            "is at least as new as the CUDA of CuPy (nvidia-smi, cupy.show_config()), or install "
            "CuPy for an older CUDA."
        )
    if isinstance(error, (RuntimeError, ImportError)) and "nvrtc" in str(error).lower():
        return RuntimeError(
            f"{what}: CuPy did not find NVRTC, the CUDA compiler, which builds pysig's kernels "
            f'({error}). Install it: pip install "cupy-cuda13x[ctk]", or the CUDA toolkit.'
        )
    return None


def is_capturing(cupy: Any) -> bool:
    """Whether the current stream is captured into a CUDA graph."""
    capturing: bool = cupy.cuda.get_current_stream().is_capturing()
    return capturing


def refuse_capture(cupy: Any, what: str) -> None:
    """RuntimeError while the current stream is captured into a CUDA graph.

    Scratch memory goes back to CuPy's pool after the call. A graph that is replayed later would
    write to memory that may belong to another array by then.
    """
    if is_capturing(cupy):
        raise RuntimeError(
            f"{what}: cannot be captured into a CUDA graph, since its scratch memory goes back to "
            "CuPy's pool after the call. Call it outside of the capture."
        )
