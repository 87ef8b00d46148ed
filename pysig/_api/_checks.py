"""Checks of one argument. Every error names the argument, the expectation, the value received and
a remedy.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from numbers import Number, Real
from typing import Any

import numpy as np

from pysig._api._device import check_device
from pysig._backend import NUMPY, ArrayBackend, as_array
from pysig._plans.paths import METHODS

DLPACK_CPU, DLPACK_PINNED = 1, 3  # of DLDeviceType
DLPACK_HOST = (DLPACK_CPU, DLPACK_PINNED)


def describe(value: Any) -> str:
    """A value, for messages."""
    if isinstance(value, np.generic) and value.dtype.kind in "biufc":
        return f"{type(value).__name__} {value.item()!r}"
    dtype, shape = getattr(value, "dtype", None), getattr(value, "shape", None)
    if dtype is not None and isinstance(shape, tuple):
        return f"{type(value).__name__} of shape {tuple(shape)} and dtype {dtype}"
    try:
        text = repr(value)
    except ValueError:  # it is, or holds, an integer of more digits than Python prints
        text = f"of {value.bit_length()} bits" if isinstance(value, int) else "of long integers"
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def integer_text(number: int) -> str:
    """An integer, for messages. Python does not print more than 4300 digits."""
    bits = number.bit_length()
    return str(number) if bits < 1000 else f"an integer of {bits} bits"


def check_integer(value: Any, name: str, minimum: int) -> int:
    """`value` as int, at least `minimum`."""
    if type(value) is int and value >= minimum:  # the usual case first, here and below
        return value
    if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
        whole = isinstance(value, (float, np.floating)) and value == np.rint(value)
        remedy = f" Pass int({name})." if whole and np.isfinite(value) else ""
        raise TypeError(f"{name}: expected an integer, received {describe(value)}.{remedy}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, received {describe(value)}.") from None
    if number < minimum:
        raise ValueError(
            f"{name}: expected an integer of at least {minimum}, received {integer_text(number)}."
        )
    return number


def check_depth(value: Any, words: bool = False) -> int:
    """`value` as a depth, at least 1; `words`: whether the caller has that option instead."""
    if value is None:
        hint = "Pass it, or words=." if words else "Pass it."
        raise TypeError(f"depth: expected an integer, received NoneType None. {hint}")
    return check_integer(value, "depth", 1)


def check_flag(value: Any, name: str) -> bool:
    """`value` as bool."""
    if value is True or value is False:
        return value
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
        advice = "A string is not an array. Load the file first"
    else:
        parts = "pass real and imaginary parts as channels"
        advice = {
            "c": f"Signatures of complex paths are not defined here; {parts}"
            if name == "path"
            else f"Everything here is real: pass {name}.real if the imaginary part is zero",
            "f": f"Convert it: {name}.astype(numpy.float32) or {name}.astype(numpy.float64)",
            "M": "Convert times to numbers first, for example seconds since the first point",
            "m": "Convert times to numbers first, for example seconds",
            "V": "Pass its fields as channels: "
            f"numpy.lib.recfunctions.structured_to_unstructured({name})",
        }.get(kind, convert)
    raise TypeError(
        f"{name}: expected float32, float64 or integers, received dtype {array.dtype}. {advice}."
    )


def _about_objects(array: Any) -> str | None:
    """Advice on the first element of an array of objects that is not a number, if there is one."""
    for place, item in np.ndenumerate(array):
        if isinstance(item, Number) and not isinstance(item, complex):
            continue
        holds = f"It holds {describe(item)}" + (f" at {list(place)}" if place else "")
        if item is None:
            return f"{holds}: fill or drop missing values"
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
        return f"{holds}, which is not a number"
    return None


def cast(array: Any, dtype: Any, name: str) -> Any:
    """`array` in `dtype`; ValueError for a finite number that is too large for it (on a GPU it
    becomes infinite: a check would wait for the device).
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
    """TypeError for a masked array in which something is masked."""
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise TypeError(
            f"{name}: expected an array without masked numbers, received a masked array (the mask "
            "would be ignored). Drop or fill the masked points, or pass lengths= if they are at "
            "the end."
        )


# The first part of the module of a type -> the module of `pysig.interop` for it.
_FRAMEWORKS = {
    "torch": "torch",
    "jax": "jax",
    "jaxlib": "jax",
    "tensorflow": "tensorflow",
    "keras": "keras",
}


def refuse_tensor(value: Any, name: str) -> None:
    """TypeError for a tensor of a framework, or a list of them: gradients would be lost."""
    while type(value) in (list, tuple) and value:
        value = value[0]
    framework = _FRAMEWORKS.get(type(value).__module__.partition(".")[0])
    if framework is not None and hasattr(value, "dtype"):
        dtype = getattr(value.dtype, "name", value.dtype)
        raise TypeError(
            f"{name}: expected an array of NumPy or CuPy, received {type(value).__name__} of "
            f"{framework}, of dtype {dtype}. Use pysig.interop.{framework}, or pass a NumPy array "
            "of its values."
        )


def refuse_container(value: Any, name: str) -> None:
    """TypeError for an object that holds paths but is not an array of them."""
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    remedy = None
    if hasattr(value, "toarray") and library in ("scipy", "cupyx"):
        remedy = f"Make it dense: {name}.toarray()."
    elif library in ("pandas", "polars") and kind.endswith("GroupBy"):
        remedy = (
            "Use pysig.interop.frames.signature(frame, depth, by=...), or pass a list of the "
            "points of each path."
        )
    elif library == "polars" and kind == "LazyFrame":
        remedy = f"Read it: {name}.collect()."
    elif library == "xarray" and kind == "Dataset":
        remedy = f"Use pysig.interop.xarray, or pass an array: {name}.to_dataarray()."
    elif hasattr(value, "__next__"):
        file = hasattr(value, "read")
        remedy = "Load the file first." if file else f"Make it a list: list({name})."
    if remedy is not None:
        source = "" if library == "builtins" else f" of {library}"
        raise TypeError(f"{name}: expected an array, received {kind}{source}. {remedy}")


def as_numeric(value: Any, name: str, backend: ArrayBackend) -> Any:
    """An array of `backend` with a real dtype."""
    if type(value) is np.ndarray and value.dtype.char in "fd" and backend is NUMPY:
        return value
    if value is None:
        raise TypeError(f"{name}: expected an array, received NoneType None. Pass it.")
    refuse_tensor(value, name)
    refuse_container(value, name)
    refuse_masked(value, name)
    check_device(value, name)
    try:
        array = as_array(_exported(value, name), name, backend)
    except ValueError as error:  # ragged nested lists
        raise ValueError(
            f"{name}: expected an array, received a ragged {type(value).__name__} ({error}). "
            + (
                "Pass a flat list of arrays of shape (length, channels), or pad them to one array "
                "and pass lengths=."
                if name == "path"
                else "Pad it."
            )
        ) from None
    if array.dtype.kind == "O" and hasattr(value, "to_numpy"):
        array = _of_table(array)
    check_floating(array, name)
    return array


def _exported(value: Any, name: str) -> Any:
    """The array of an object that NumPy reads by DLPack only; any other `value` itself."""
    if hasattr(value, "__array__") or isinstance(value, (list, tuple)):  # nearly always
        return value
    if hasattr(value, "__array_interface__"):
        return value
    device = value.__dlpack_device__()[0] if hasattr(value, "__dlpack_device__") else DLPACK_CPU
    if device not in DLPACK_HOST or hasattr(value, "__cuda_array_interface__"):
        raise TypeError(
            f"{name}: expected an array on the host or of CuPy, received {type(value).__name__} on "
            f"another device. Make it one of CuPy: cupy.asarray({name}) or "
            f"cupy.from_dlpack({name})."
        )
    return np.from_dlpack(value) if hasattr(value, "__dlpack__") else value


def _of_table(array: Any) -> Any:
    """Numbers of nullable columns as int64 or float64, if none is missing; else `array`."""
    items = array.ravel().tolist()
    if not all(isinstance(item, Real) for item in items):
        return array
    integers = all(isinstance(item, (int, np.integer)) for item in items)
    try:
        return array.astype(np.int64 if integers else np.float64)
    except OverflowError:  # unsigned integers beyond int64 are refused by their size
        return array


def check_choice(value: Any, name: str, choices: Sequence[str]) -> str:
    """One of the names `choices`."""
    if not isinstance(value, str) or value not in choices:
        error = ValueError if isinstance(value, str) else TypeError
        expected = ", ".join(f'"{choice}"' for choice in choices)
        raise error(
            f"{name}: expected one of {expected}, received {describe(value)}.{hint(value, choices)}"
        )
    return value


def hint(value: Any, names: Iterable[str]) -> str:
    """The end of a message on an unknown name: a similar one, if there is one."""
    similar = get_close_matches(value, names, 1, 0.7) if isinstance(value, str) else []
    return f' Did you mean "{similar[0]}"?' if similar else ""


def check_method(method: Any) -> str:
    """One of METHODS."""
    return check_choice(method, "method", tuple(METHODS))


def broadcast(
    array: Any,
    name: str,
    shape: tuple[int, ...],
    dtype: Any,
    xp: Any,
    last: bool = True,
    advice: str = "",
) -> Any:
    """`array` as `shape`, contiguous. With `last`, it must have the last axis (of channels or
    coefficients). `advice` ends the message of the error.
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
