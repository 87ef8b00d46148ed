"""The operations on NumPy arrays: thin, into the extension module."""

from pysig._cpu._extension import core as build
from pysig._cpu.algebra import (
    bilinear,
    bilinear_jvp,
    bilinear_vjp,
    linear,
    series,
    series_hvp,
    series_jvp,
    series_vjp,
)
from pysig._cpu.incremental import new_incremental, restored_incremental
from pysig._cpu.logsignature import fast_logsignature, logsignature
from pysig._cpu.projection import projection, projection_vjp
from pysig._cpu.signature import fast_signature, rows_of_list, signature
from pysig._cpu.signature_intervals import (
    signature_intervals,
    signature_intervals_jvp,
    signature_intervals_vjp,
)
from pysig._cpu.signature_jvp import fast_signature_jvp, signature_jvp
from pysig._cpu.signature_kernel import (
    signature_kernel,
    signature_kernel_jvp,
    signature_kernel_vjp,
)
from pysig._cpu.signature_vjp import fast_signature_vjp, signature_vjp
from pysig._cpu.sliding import new_sliding, restored_sliding
from pysig._system import available_memory

__all__ = [
    "available_memory",
    "bilinear",
    "bilinear_jvp",
    "bilinear_vjp",
    "build",
    "fast_logsignature",
    "fast_signature",
    "fast_signature_jvp",
    "fast_signature_vjp",
    "linear",
    "logsignature",
    "new_incremental",
    "new_sliding",
    "projection",
    "projection_vjp",
    "restored_incremental",
    "restored_sliding",
    "rows_of_list",
    "series",
    "series_hvp",
    "series_jvp",
    "series_vjp",
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
