"""`out`: its checks, and results that are computed in place or copied to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from pysig._api._checks import describe
from pysig._api._device import check_device, refuse_capture
from pysig._backend import CUPY, ArrayBackend


class Output(NamedTuple):
    """A result and the contiguous array that is filled for it, which may be the same."""

    target: Any
    result: Any

    def finish(self) -> Any:
        """The result, once `target` is filled."""
        if self.target is not self.result:
            self.result[...] = self.target
        return self.result

    def rows(self, *shape: int) -> Any:
        """`target` in another shape; no copy."""
        return self.target.reshape(shape)


def output(
    out: Any,
    shape: tuple[int, ...],
    dtype: Any,
    backend: ArrayBackend,
    inputs: Mapping[str, Any],
) -> Output:
    """`out` after its checks, or a new array."""
    result = check_out(out, shape, dtype, backend, inputs)
    if result is not None and is_direct(result, backend):
        return Output(result, result)
    refuse_capture(backend, "signature", "out is not a contiguous array")
    target = backend.xp.empty(shape, dtype)
    return Output(target, target if result is None else result)


def parts_of(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """`inputs`, and the arrays in those that are lists or tuples: ``x[0]``, ``x[1]`` and so on."""
    found = dict(inputs)
    for name, value in inputs.items():
        if isinstance(value, (list, tuple)):
            members = {f"{name}[{k}]": item for k, item in enumerate(value)}
            found |= {called: item for called, item in members.items() if hasattr(item, "shape")}
    return found


def is_direct(out: Any, backend: ArrayBackend) -> bool:
    """Whether a backend can write to a checked `out`: contiguous and, on the host, aligned."""
    flags = out.flags
    return bool(flags.c_contiguous if backend is CUPY else flags.carray)


def check_out(
    out: Any,
    shape: tuple[int, ...],
    dtype: Any,
    backend: ArrayBackend,
    inputs: Mapping[str, Any],
) -> Any:
    """`out` or None. If given, it has this shape and dtype, is writeable, and overlaps no input.

    `inputs` are the arguments themselves: arrays, and objects whose memory NumPy reads in place.
    """
    if out is None:
        return None
    xp = backend.xp
    if type(out) is not np.ndarray or backend is CUPY:
        if not isinstance(out, xp.ndarray):
            raise TypeError(f"out: expected a {xp.__name__} array, received {describe(out)}.")
        if isinstance(out, np.ma.MaskedArray):
            raise TypeError(
                "out: expected a plain array, received a masked array. Pass the array without "
                "mask, out.data."
            )
        check_device(out, "out")
    if out.shape != tuple(shape) or (out.dtype is not dtype and out.dtype != dtype):
        raise ValueError(
            f"out: expected shape {tuple(shape)} and dtype {dtype}, received {describe(out)}."
        )
    if backend is not CUPY and not out.flags.writeable:
        raise ValueError("out: expected a writeable array, received a read-only one.")
    if _overlaps_itself(out):
        raise ValueError(
            "out: expected separate memory for every element, received an array whose elements "
            f"share memory (strides {tuple(out.strides)}). Pass an array that owns its memory."
        )
    for name, value in inputs.items():
        if value is not None and _overlap(out, value, xp):
            raise ValueError(
                f"out: expected separate memory, received an array that overlaps {name}. "
                "Pass another array."
            )
    return out


def _overlaps_itself(array: Any) -> bool:
    """Whether an axis steps into the elements of the axes inside it."""
    if array.flags.c_contiguous:
        return False
    inside = array.dtype.itemsize
    for stride, count in sorted(zip(map(abs, array.strides), array.shape, strict=True)):
        if count > 1 and stride < inside:
            return True
        inside = stride * count if count > 1 else inside
    return False


def _overlap(out: Any, value: Any, xp: Any) -> bool:
    array = value if isinstance(value, xp.ndarray) else _read_in_place(value, xp)
    if array is None or not array.size or not xp.may_share_memory(out, array):
        return False
    if xp is not np:
        return True
    try:
        return bool(np.shares_memory(out, array, max_work=100_000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _read_in_place(value: Any, xp: Any) -> Any:
    """The array that NumPy makes of a buffer, a data frame and the like, whose memory it shares."""
    if xp is not np or isinstance(value, (list, tuple, bool, int, float, str)):
        return None
    try:
        return np.asarray(value)
    except Exception:  # whatever it is, NumPy does not read it
        return None
