"""What a GPU refuses, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def explained(cupy: Any, what: str) -> Iterator[None]:
    """Errors of the device and of the compiler in a call of `what` say what to do."""
    try:
        yield
    except cupy.cuda.memory.OutOfMemoryError as error:
        raise MemoryError(
            f"{what}: the GPU has no room for the scratch memory ({error}). Take fewer paths at "
            "a time, or lower pysig.set_gpu_memory_limit()."
        ) from error
    except cupy.cuda.compiler.CompileException as error:
        raise RuntimeError(
            f"{what}: the CUDA compiler refused pysig's kernel. Check that CuPy matches the "
            f"installed CUDA (cupy.show_config()) and is version 13 or newer. It said: {error}"
        ) from error


def refuse_capture(cupy: Any, what: str) -> None:
    """RuntimeError while the current stream is captured into a CUDA graph: scratch memory goes back
    to CuPy's pool after the call, and a graph that is replayed would write to what is someone
    else's by then."""
    if cupy.cuda.get_current_stream().is_capturing():
        raise RuntimeError(
            f"{what}: cannot be captured into a CUDA graph, since its scratch memory goes back to "
            "CuPy's pool after the call. Call it outside of the capture."
        )
