"""P2. The operations on NumPy arrays: thin, into the extension module."""

from pysig._cpu.signature import signature

__all__ = ["signature"]
