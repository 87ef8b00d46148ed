"""The operations on CuPy arrays: grid, stream, launch. Nothing here imports CuPy before it is
used."""

from pysig._gpu.entry import (
    bilinear,
    bilinear_jvp,
    bilinear_vjp,
    linear,
    logsignature,
    projection,
    projection_vjp,
    series,
    series_hvp,
    series_jvp,
    series_vjp,
    signature,
    signature_jvp,
    signature_vjp,
)
from pysig._gpu.memory import available_memory, get_gpu_memory_limit, set_gpu_memory_limit

__all__ = [
    "available_memory",
    "bilinear",
    "bilinear_jvp",
    "bilinear_vjp",
    "get_gpu_memory_limit",
    "linear",
    "logsignature",
    "projection",
    "projection_vjp",
    "series",
    "series_hvp",
    "series_jvp",
    "series_vjp",
    "set_gpu_memory_limit",
    "signature",
    "signature_jvp",
    "signature_vjp",
]
