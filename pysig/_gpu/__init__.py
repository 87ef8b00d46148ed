"""The operations on CuPy arrays: grid, stream, launch. Nothing here imports CuPy before it is
used."""

from pysig._gpu.algebra import bilinear, bilinear_jvp, bilinear_vjp, linear
from pysig._gpu.algebra_series import series, series_hvp, series_jvp, series_vjp
from pysig._gpu.logsignature import logsignature
from pysig._gpu.memory import available_memory, get_gpu_memory_limit, set_gpu_memory_limit
from pysig._gpu.projection import projection, projection_vjp
from pysig._gpu.signature import signature
from pysig._gpu.signature_intervals import (
    signature_intervals,
    signature_intervals_jvp,
    signature_intervals_vjp,
)
from pysig._gpu.signature_kernel import signature_kernel, signature_kernel_jvp
from pysig._gpu.signature_kernel_vjp import signature_kernel_vjp
from pysig._gpu.signature_vjp import signature_jvp, signature_vjp

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
    "signature_intervals",
    "signature_intervals_jvp",
    "signature_intervals_vjp",
    "signature_jvp",
    "signature_kernel",
    "signature_kernel_jvp",
    "signature_kernel_vjp",
    "signature_vjp",
]
