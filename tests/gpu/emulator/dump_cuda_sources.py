"""Prints, as JSON, the whole CUDA text and the options with which the real CuPy would compile
pysig's elementwise and reduction kernels.

A separate program: it needs CuPy's generator, which works without a GPU, in a process where the
emulator is not `cupy`. Usage: python dump_cuda_sources.py DEPTH
"""

import contextlib
import json
import sys

import cupy
import numpy as np
from cupy._core import _carray, _kernel, _reduction, _scalar, core
from cupy.cuda import compiler

from pysig._gpu import increments, signature_cumsum

NDARRAY, INDEXER, SCALAR = 1, 2, 3
STAGES = [0x0, 0x2, 0x4, 0x321, 0x2314]  # transforms: none, one, several


def argument(p, real, dims):
    """How the launcher passes a parameter: contiguous raw arrays, scalars; the indices of a
    reduction are views of no stride."""
    if p.ctype is None:
        return _kernel._ArgInfo(INDEXER, _carray.Indexer, None, dims, True, False)
    dtype = np.dtype(p.dtype or real)
    if p.raw or p.dtype is None or p.name in ("t", "b", "chunk", "word"):
        ndim, contiguous = (1, True) if p.raw else (dims, p.dtype is None)
        return _kernel._ArgInfo(NDARRAY, cupy.ndarray, dtype, ndim, contiguous, False)
    return _kernel._ArgInfo(SCALAR, _scalar.CScalar, dtype, 0, True, True)


def elementwise(kernel, real):
    types = _kernel._TypeMap((("T", real),))
    arguments = tuple(argument(p, real, 1) for p in kernel.params)
    return _kernel._get_elementwise_kernel_code(
        arguments, types, kernel.params, kernel.operation, kernel.name, kernel.preamble
    ), kernel.kwargs["options"]


def reduction(kernel, real):
    types = _kernel._TypeMap((("T", real), ("IndexT", np.int32)))
    arguments = tuple(argument(p, real, 4) for p in kernel._params)
    k = kernel
    code = _reduction._ReductionKernel_get_cached_function_code(
        k.nin, k.nout, k._params, arguments, types, k.name, 512, k.reduce_type, k.identity,
        k.map_expr, k.reduce_expr, k.post_map_expr, k.preamble, k.options,
    )  # fmt: skip
    return code, k.options


def completed(code, options):
    """What CuPy hands to NVRTC: its own headers in front, its own options behind."""
    caught = []

    def catch(source, options, **rest):
        caught.append((source, options))
        raise InterruptedError

    compiler._compile_module_with_cache = catch
    with contextlib.suppress(InterruptedError):
        core.compile_with_cache(code, options)
    ((source, options),) = caught
    return source, [*options, "-ftz=true"]


def main(depth):
    texts = []
    for real in (np.float32, np.float64):
        kernels = [("finish", elementwise(signature_cumsum._finish(), real)),
                   ("invert", elementwise(signature_cumsum._invert(), real))]  # fmt: skip
        for stages in STAGES:
            for make, functions in (
                (increments._fill, ("increment", "point_value")),
                (increments._cotangent, ("point_bar", "point_bar_of_points")),
            ):
                kernels += [
                    (f"{name} {stages}", elementwise(make(stages, name), real))
                    for name in functions
                ]
        for level in range(1, depth + 1):
            kernels.append((f"level {level}", elementwise(signature_cumsum._advance(level), real)))
            kernels.append((f"sum {level}", reduction(signature_cumsum._sum(level), real)))
        for name, kernel in kernels:
            texts.append((f"{name} {real.__name__}", *completed(*kernel)))
    json.dump(texts, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]))
