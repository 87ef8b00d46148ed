"""P2. `signature` of CuPy arrays: which method, and errors of the device in plain words."""

from __future__ import annotations

from typing import Any

from pysig._gpu import signature_cumsum, signature_tile
from pysig._gpu.schedule import MOST_CHANNELS, method_for
from pysig._plan import Plan


def signature(
    path: Any,
    out: Any,
    *,
    plan: Plan,
    stream: bool,
    basepoint: Any,
    initial: Any,
    inverse: bool,
    lengths: Any,
    method: str,
    workers: int,
) -> None:
    """Fills `out` (batch, [rows,] plan.size) with the signatures of `path` (batch, length, channels).

    Everything is queued on the current stream of the arrays' device and nothing waits for it. `workers` is for CPUs.
    """
    import cupy

    if not out.size:
        return
    if method == "auto":
        method = method_for(plan.channels, plan.depth, stream)
    tiled = method == "tile" and 1 < plan.channels <= MOST_CHANNELS
    run = signature_tile.run if tiled else signature_cumsum.run
    try:
        with path.device:
            run(cupy, path, out, plan, stream, basepoint, initial, inverse, lengths)
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise MemoryError(
            f"signature: the GPU has no room for the scratch memory ({error}). Take fewer paths at a time, or lower "
            "pysig.set_gpu_memory_limit()."
        ) from error
    except cupy.cuda.compiler.CompileException as error:
        raise RuntimeError(
            "signature: the CUDA compiler refused pysig's kernel. Check that CuPy matches the installed CUDA "
            f"(cupy.show_config()) and is version 13 or newer. It said: {error}"
        ) from error
