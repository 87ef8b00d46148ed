"""P2. The operations on CuPy arrays: grid, stream, launch. Nothing here imports CuPy before it is
used."""

from pysig._gpu.memory import get_gpu_memory_limit, set_gpu_memory_limit
from pysig._gpu.signature import signature

__all__ = ["get_gpu_memory_limit", "set_gpu_memory_limit", "signature"]
