"""Errors at the door: each names the argument, what was expected, what came, what to do."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from math import gcd
from numbers import Number
from typing import Any, NamedTuple

import numpy as np

from pysig._backend import CUPY, ArrayBackend, as_array, backend_of
from pysig._plans.layout import Plan, plan_for
from pysig._system import whole_memory


class SignatureCotangents(NamedTuple):
    """What `signature_vjp` returns where `basepoint` or `initial` is an array.

    Each has the shape of its argument; None where that is no array.
    """

    path: Any
    basepoint: Any
    initial: Any


METHODS = ("auto", "tile", "cumsum")
_SINGLE, _DOUBLE = np.dtype(np.float32), np.dtype(np.float64)


def describe(value: Any) -> str:
    """What was received, for messages."""
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is not None and isinstance(shape, tuple):
        return f"{type(value).__name__} of shape {tuple(shape)} and dtype {dtype}"
    try:
        text = repr(value)
    except ValueError:  # it is, or holds, an integer of more digits than Python prints
        text = f"of {value.bit_length()} bits" if isinstance(value, int) else "of long integers"
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def check_integer(value: Any, name: str, least: int) -> int:
    """`value` as int, at least `least`."""
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}: expected an integer, received {describe(value)}.")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, received {describe(value)}.") from None
    if number < least:
        raise ValueError(f"{name}: expected an integer of at least {least}, received {number}.")
    return number


def check_flag(value: Any, name: str) -> bool:
    """`value` as bool."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, received {describe(value)}.")
    return bool(value)


def check_floating(array: Any, name: str) -> None:
    """TypeError unless float32, float64, or something that becomes float64 exactly enough."""
    kind, itemsize = array.dtype.kind, array.dtype.itemsize
    if kind in "iub" or (kind == "f" and itemsize in (4, 8)):
        return
    convert = f"Convert it: {name}.astype(numpy.float64)"
    if kind == "O":
        advice = _about_objects(array) or convert
    elif kind in "US" and not array.ndim:
        advice = "A text is no array: load what it names first"
    else:
        parts = "pass real and imaginary parts as channels"
        advice = {
            "c": f"Signatures of complex paths are not defined here; {parts}"
            if name == "path"
            else f"Everything here is real: pass {name}.real if the imaginary part is zero",
            "f": f"Convert it: {name}.astype(numpy.float32) or {name}.astype(numpy.float64)",
            "M": "Convert times to numbers first, for example seconds since the first point",
            "m": "Convert times to numbers first, for example seconds",
        }.get(kind, convert)
    raise TypeError(
        f"{name}: expected float32, float64 or integers, received dtype {array.dtype}. {advice}."
    )


def _about_objects(array: Any) -> str | None:
    """What to do about the first element of an array of objects that is no number, if there is
    one.
    """
    for place, item in np.ndenumerate(array):
        if isinstance(item, Number) and not isinstance(item, complex):
            continue
        holds = f"It holds {describe(item)}" + (f" at {list(place)}" if place else "")
        if item is None:
            return f"{holds}: fill or drop what is missing"
        if isinstance(item, complex):
            return f"{holds}: pass real numbers"
        if isinstance(item, (str, bytes)):
            return f"{holds}: convert texts to numbers first"
        if isinstance(item, Mapping):
            return f"{holds}: make one array of numbers of its values"
        if hasattr(item, "__len__"):
            return (
                f"{holds}: check that all paths have the same length (pad them and pass lengths=), "
                "then make one array of numbers"
            )
        return f"{holds}, which is no number"
    return None


def cast(array: Any, dtype: Any, name: str) -> Any:
    """`array` in `dtype`; ValueError for a finite number that is too large for it (on a GPU it
    becomes infinite: to look would be to wait).
    """
    try:
        with np.errstate(over="raise"):
            return array.astype(dtype, copy=False)
    except FloatingPointError:
        raise ValueError(
            f"{name}: expected numbers that {np.dtype(dtype)} holds, up to "
            f"{np.finfo(dtype).max:.3g}, received larger ones. Rescale, or pass all in float64."
        ) from None


def refuse_masked(value: Any, name: str) -> None:
    """TypeError for a masked array."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name}: expected a plain array, received a masked array (the mask would be ignored). "
            "Drop or fill the masked points, or pass lengths= if they are at the end."
        )


def as_numeric(value: Any, name: str, backend: ArrayBackend) -> Any:
    """An array of `backend` with a real dtype."""
    refuse_masked(value, name)
    try:
        array = as_array(value, name, backend)
    except ValueError as error:  # ragged nested lists
        raise ValueError(
            f"{name}: expected an array, received a {type(value).__name__} that is none ({error}). "
            "Pad paths of different lengths to one array and pass lengths=."
        ) from None
    check_floating(array, name)
    return array


def check_path(path: Any) -> tuple[ArrayBackend, Any]:
    """The backend and the path (..., length, channels), native float32 or float64."""
    backend = backend_of(path)
    array = as_numeric(path, "path", backend)
    if array.ndim < 2:
        raise ValueError(
            f"path: expected shape (..., length, channels), received shape {tuple(array.shape)}. "
            + (
                "A path of one channel is path[:, None]."
                if array.ndim
                else "The path comes first, the depth second."
            )
        )
    length, channels = array.shape[-2:]
    if length < 1:
        raise ValueError(f"path: expected at least one point, received shape {tuple(array.shape)}.")
    if channels < 1:
        raise ValueError(
            f"path: expected at least one channel, received shape {tuple(array.shape)}."
        )
    dtype = _SINGLE if array.dtype.itemsize == 4 and array.dtype.kind == "f" else _DOUBLE
    if array.dtype != dtype:
        _check_integers_fit(array, backend)
        array = array.astype(dtype)
    if backend is not CUPY and (not array.flags.aligned or gcd(*array.strides) % dtype.itemsize):
        array = array.copy()  # ascontiguousarray would keep what is contiguous and misaligned
    return backend, array


def _check_integers_fit(array: Any, backend: ArrayBackend) -> None:
    """ValueError for integers that float64 rounds, whose increments would be lost silently."""
    if (
        array.dtype.kind not in "iu"
        or array.dtype.itemsize < 8
        or backend is CUPY
        or not array.size
    ):
        return
    most = max(int(array.max()), -int(array.min()))
    if most > 2**53:
        raise ValueError(
            f"path: expected integers up to 2**53, which float64 holds exactly, received {most}. "
            "Subtract the first point (a signature does not see where a path starts) or rescale."
        )


def check_basepoint(basepoint: Any, path: Any, backend: ArrayBackend) -> Any:
    """None, or the basepoints (batch, channels)."""
    if basepoint is None or (isinstance(basepoint, (bool, np.bool_)) and not basepoint):
        return None
    *batch, _, channels = path.shape
    count = _product(batch)
    xp = backend.xp
    if isinstance(basepoint, (bool, np.bool_)):
        return xp.zeros((count, channels), path.dtype)
    array = as_numeric(basepoint, "basepoint", backend)
    if array.dtype.kind == "b":
        raise TypeError(
            f"basepoint: expected True, False or the coordinates of points, received "
            f"{describe(basepoint)}. Convert coordinates to numbers."
        )
    return _broadcast(array, "basepoint", (*batch, channels), path.dtype, xp).reshape(
        count, channels
    )


def about_scalar(array: Any, plan: Plan) -> str:
    """What to do where rows of coefficients have the scalar and should not, or should."""
    wrong = plan.size + (-1 if plan.scalar_term else 1)
    if tuple(array.shape[-1:]) != (wrong,):
        return ""
    if plan.scalar_term:
        return " It has no scalar in front: leave scalar_term out."
    return " If it has the scalar in front, pass scalar_term=True."


def check_initial(initial: Any, path: Any, plan: Plan, backend: ArrayBackend) -> Any:
    """None, or the signatures to continue from (batch, coefficients), without the scalar."""
    if initial is None:
        return None
    batch = path.shape[:-2]
    array = as_numeric(initial, "initial", backend)
    xp = backend.xp
    advice = about_scalar(array, plan)
    array = _broadcast(array, "initial", (*batch, plan.size), path.dtype, xp, advice=advice)
    array = array.reshape(_product(batch), plan.size)
    return xp.ascontiguousarray(array[:, 1:]) if plan.scalar_term else array


def check_lengths(lengths: Any, path: Any, backend: ArrayBackend) -> Any:
    """None, or the points that count (batch,) as int64."""
    if lengths is None:
        return None
    batch, length = path.shape[:-2], path.shape[-2]
    xp = backend.xp
    refuse_masked(lengths, "lengths")
    try:
        array = as_array(lengths, "lengths", backend_of(lengths))
    except ValueError as error:  # ragged nested lists
        raise ValueError(f"lengths: expected integers of shape {batch}, {error}.") from None
    if array.dtype.kind not in "iu" and (array.size or array.dtype != np.float64):  # [] is float64
        raise TypeError(f"lengths: expected integers, received {describe(array)}.")
    if array.size:  # where they are: lengths from the host make no GPU wait
        least, most = int(array.min()), int(array.max())
        if least < 1 or most > length:
            raise ValueError(
                f"lengths: expected integers from 1 to the length {length} of path, received "
                f"values from {least} to {most}. A path needs at least one point."
            )
    array = _broadcast(
        as_array(array, "lengths", backend) if backend_of(array) is backend else xp.asarray(array),
        "lengths",
        batch,
        None,
        xp,
        last=False,
    )
    return xp.ascontiguousarray(array.reshape(_product(batch)).astype(np.int64))


def check_method(method: Any) -> str:
    """One of METHODS."""
    if not isinstance(method, str) or method not in METHODS:
        names = ", ".join(map(repr, METHODS))
        raise ValueError(f"method: expected one of {names}, received {method!r}.")
    return method


def check_out(
    out: Any, shape: tuple[int, ...], path: Any, backend: ArrayBackend, inputs: dict[str, Any]
) -> Any:
    """`out`, if given, has the right shape and dtype, can be written, and overlaps no input."""
    if out is None:
        return None
    xp = backend.xp
    if not isinstance(out, xp.ndarray):
        raise TypeError(f"out: expected a {xp.__name__} array, received {describe(out)}.")
    refuse_masked(out, "out")
    if tuple(out.shape) != tuple(shape) or out.dtype != path.dtype:
        raise ValueError(
            f"out: expected shape {tuple(shape)} and dtype {path.dtype}, received {describe(out)}."
        )
    if backend is not CUPY and not out.flags.writeable:
        raise ValueError("out: expected a writeable array, received a read-only one.")
    if _overlaps_itself(out):
        raise ValueError(
            "out: expected memory of its own for every element, received an array whose elements "
            f"share memory (strides {tuple(out.strides)}). Pass an array that owns its memory."
        )
    for name, value in inputs.items():
        if value is not None and _overlap(out, value, xp):
            raise ValueError(
                f"out: expected memory of its own, received an array that overlaps {name}."
            )
    return out


def check_memory(
    plan_channels: int, depth: int, rows: int, scalar: bool, itemsize: int, limit: int | None
) -> None:
    """MemoryError if the output cannot be addressed, or is larger than `limit` bytes.

    One row must fit even if there are none: the schedules keep a signature beside the output.
    """
    most = 2**63 - 1 if limit is None else min(limit, 2**63 - 1)
    per_size = max(rows, 1) * itemsize

    def fits(candidate: int) -> bool:
        return plan_for(plan_channels, candidate, scalar).size * per_size <= most

    if depth < 64 and fits(depth):
        return
    if plan_channels == 1:
        largest = min(most // per_size - scalar, 2**31 - 1)  # the core counts levels in 32 bits
    else:  # 2**64 numbers fit nowhere
        largest = max((k for k in range(1, min(depth, 63) + 1) if fits(k)), default=0)
    if depth <= largest:
        return
    needed = (
        f"{plan_for(plan_channels, depth, scalar).size * per_size} bytes"
        if depth <= 64 or plan_channels == 1
        else "more than 2**63 bytes"
    )
    advice = (
        f"The largest depth that fits is {largest}."
        if largest > 0
        else "No depth fits; use fewer channels or paths."
    )
    have = f"{most} bytes can be had" if limit is not None else "2**63 - 1 bytes can be addressed"
    raise MemoryError(
        f"depth: the output of depth {depth} with {plan_channels} channels needs {needed}, {have}. "
        f"{advice}"
    )


def memory_limit(backend: ArrayBackend) -> int | None:
    """Bytes of memory of the device, and no more than the process may use; None where it cannot be
    known.
    """
    if backend is CUPY:
        return int(backend.xp.cuda.Device().mem_info[1])
    return whole_memory()


def _product(shape: Any) -> int:
    count = 1
    for size in shape:
        count *= int(size)
    return count


def _broadcast(
    array: Any,
    name: str,
    shape: tuple[int, ...],
    dtype: Any,
    xp: Any,
    last: bool = True,
    advice: str = "",
) -> Any:
    """`array` as `shape`, contiguous; with `last` that axis, of channels or coefficients, must be
    there. `advice` ends the message of the error.
    """
    if array.shape == shape and (dtype is None or dtype == array.dtype):
        return xp.ascontiguousarray(array)
    try:
        if last and tuple(array.shape[-1:]) != tuple(shape[-1:]):
            raise ValueError(name)
        wide = xp.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(
            f"{name}: expected a shape that broadcasts to {tuple(shape)}, "
            f"received {tuple(array.shape)}"
            f"{', without the last axis' if last and array.ndim == 0 else ''}.{advice}"
        ) from None
    return xp.ascontiguousarray(wide if dtype is None else cast(wide, dtype, name))


def sum_to(array: Any, shape: tuple[int, ...]) -> Any:
    """The adjoint of broadcasting to the shape of `array`."""
    extra = array.ndim - len(shape)
    axes = [*range(extra)]
    axes += [extra + k for k, n in enumerate(shape) if n == 1 and array.shape[extra + k] != 1]
    return array.sum(axis=tuple(axes), keepdims=True).reshape(shape) if axes else array


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


def _overlap(a: Any, b: Any, xp: Any) -> bool:
    if not isinstance(b, xp.ndarray) or not xp.may_share_memory(a, b):
        return False
    if xp is not np:
        return True
    try:
        return bool(np.shares_memory(a, b, max_work=100_000))  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True
