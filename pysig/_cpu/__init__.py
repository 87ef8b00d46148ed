"""The operations on NumPy arrays: thin, into the extension module."""

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
from pysig._cpu.logsignature import logsignature
from pysig._cpu.projection import projection, projection_vjp
from pysig._cpu.signature import signature
from pysig._cpu.signature_vjp import signature_jvp, signature_vjp

__all__ = [
    "bilinear",
    "bilinear_jvp",
    "bilinear_vjp",
    "linear",
    "logsignature",
    "projection",
    "projection_vjp",
    "series",
    "series_hvp",
    "series_jvp",
    "series_vjp",
    "signature",
    "signature_jvp",
    "signature_vjp",
]
