"""The device of a call on CuPy arrays, and the limits of capture in a CUDA graph.

A call enters the device before it converts any argument.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from pysig._backend import CUPY, ArrayBackend, is_cupy

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")
_HOST: AbstractContextManager[Any] = nullcontext()


def device_of(array: Any) -> AbstractContextManager[Any]:
    """The device of a CuPy array as a context; no effect for other arrays."""
    device: AbstractContextManager[Any] = array.device if is_cupy(array) else _HOST
    return device


def on_device(
    method: Callable[Concatenate[S, P], T],
) -> Callable[Concatenate[S, P], T]:
    """Decorate a method: it runs on the device of `self.first`, the first array of the call."""

    @wraps(method)
    def run(self: S, /, *arguments: P.args, **options: P.kwargs) -> T:
        if "cupy" not in sys.modules:  # the usual case on a CPU, without the cost of a context
            return method(self, *arguments, **options)
        with device_of(self.first):  # type: ignore[attr-defined]
            return method(self, *arguments, **options)

    return run


def refuse_capture(backend: ArrayBackend, caller: str, reason: str) -> None:
    """RuntimeError while the current stream is captured into a CUDA graph.

    Memory of the call goes back to CuPy's pool after it. A graph that is replayed later would write
    to memory that may belong to another array by then.
    """
    if backend.captures:
        raise RuntimeError(
            f"{caller}: cannot be captured into a CUDA graph: {reason}, and that memory goes back "
            "to CuPy's pool after the call. Call it outside of the capture."
        )


def check_capture(
    backend: ArrayBackend, caller: str, array: Any, options: Mapping[str, Any]
) -> None:
    """RuntimeError during a capture, unless the arguments of `signature` are used as they are."""
    if not backend.captures:
        return
    if caller != "signature" or options["words"] is not None:
        refuse_capture(backend, caller, "it takes scratch memory")
    if array.dtype.char not in "fd" or not (array.ndim <= 3 or array.flags.c_contiguous):
        refuse_capture(backend, caller, "path is converted to contiguous float64")
    if options["lengths"] is not None:
        refuse_capture(backend, caller, "lengths is copied")
    if options["transform"] not in (None, "lead_lag"):
        refuse_capture(backend, caller, "transform takes memory, except for None and 'lead_lag'")
    if options["scalar_term"] and options["initial"] is not None:
        refuse_capture(backend, caller, "initial is copied without its scalar")
    for name in ("basepoint", "initial"):
        value = options[name]
        if value is None or value is False:
            continue
        direct = is_cupy(value) and value.dtype == array.dtype and value.flags.c_contiguous
        if not direct or value.shape[:-1] != array.shape[:-2]:
            refuse_capture(backend, caller, f"{name} is copied")


def check_device(value: Any, name: str) -> None:
    """ValueError for a CuPy array that is not on the current device, that of the call."""
    if not is_cupy(value):
        return
    here, there = CUPY.xp.cuda.runtime.getDevice(), value.device.id
    if here != there:
        raise ValueError(
            f"{name}: expected an array on device {here}, like path, received one on device "
            f"{there}. Copy it there: with cupy.cuda.Device({here}): {name} = cupy.array({name})."
        )
