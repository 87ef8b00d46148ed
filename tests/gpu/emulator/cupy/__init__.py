"""An emulator of the part of CuPy that pysig uses, for machines without a GPU.

Arrays live in host memory but refuse, like CuPy's, to become NumPy arrays unasked. The CUDA text
given to ElementwiseKernel, ReductionKernel, RawKernel and RawModule is compiled by the machine's
C++ compiler and run, under the eyes of an emulated device (device.cpp) that stops a kernel on an
access outside every array, on uninitialised shared memory, on races in shared memory, and on
barriers or shuffles that only some threads reach. What it does not know it refuses.

`is_emulator` tells it from the real one. The rest of the names are CuPy's.
"""

import numpy as _numpy
from numpy import (  # noqa: F401
    bool_,
    complex64,
    complex128,
    dtype,
    float16,
    float32,
    float64,
    int8,
    int32,
    int64,
    newaxis,
    uint8,
    uint64,
)  # fmt: skip

from . import cuda  # noqa: F401
from ._array import ndarray, pool, recorded  # noqa: F401
from ._compile import KernelFault  # noqa: F401
from ._functions import (  # noqa: F401
    arange,
    array,
    asarray,
    ascontiguousarray,
    asnumpy,
    broadcast_to,
    concatenate,
    cumsum,
    empty,
    empty_like,
    full,
    get_array_module,
    matmul,
    may_share_memory,
    ones,
    shares_memory,
    sqrt,
    take,
    where,
    zeros,
    zeros_like,
)  # fmt: skip
from ._kernels import ElementwiseKernel, ReductionKernel  # noqa: F401
from ._raw import RawKernel, RawModule  # noqa: F401

__version__ = "14.2.0"
is_emulator = True
nan, inf = _numpy.nan, _numpy.inf


def get_default_memory_pool():
    return pool


def __getattr__(name):
    raise AttributeError(f"the CuPy emulator does not know cupy.{name}")
