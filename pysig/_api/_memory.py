"""Checks that a result fits into memory, before anything is allocated."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from math import prod

from pysig._api._checks import integer_text
from pysig._backend import ArrayBackend
from pysig._plans.layout import plan_for

# Bytes of a result. Smaller ones are allocated without a look at the available memory, which takes
# some 15 microseconds; beyond the second, checks in Python are negligible beside the work.
SMALL_RESULT_BYTES = 2**20
FAST_PATH_LIMIT = 2**24
_ADDRESSABLE = 2**63 - 1
MAX_DEPTH = 2**31 - 1  # the core counts levels in 32 bits


def available_memory(backend: ArrayBackend) -> int | None:
    """Bytes that can be allocated now on the device; None where the system does not say."""
    return backend.impl.available_memory()


def shortage(needed: int | str, available: int | None) -> str:
    """The middle of every message: bytes needed, bytes available."""
    need = needed if isinstance(needed, str) else f"{needed} bytes"
    if available is None:
        return f"needs {need}, but only 2**63 - 1 bytes can be addressed."
    return f"needs {need}, but only {available} are available."


def check_memory(
    channels: int,
    depth: int,
    rows: int,
    scalar: bool,
    itemsize: int,
    backend: ArrayBackend | None,
) -> None:
    """MemoryError if `rows` signatures cannot be addressed, or not be allocated on `backend` (None:
    they exist already).

    One row must fit even if there are none: the schedules keep a signature beside the output.
    """
    bytes_of_coefficient = max(rows, 1) * itemsize

    def bytes_at(candidate: int) -> int:
        return plan_for(channels, candidate, scalar).size * bytes_of_coefficient

    check_bytes("the output", channels, depth, bytes_at, backend)


def check_bytes(
    what: str,
    channels: int,
    depth: int,
    bytes_at: Callable[[int], int],
    backend: ArrayBackend | None,
) -> None:
    """MemoryError if `bytes_at(depth)` bytes are not available on `backend` (None: only check that
    they can be addressed). It names the largest depth that fits.

    `bytes_at` increases with the depth, at least as ``channels**depth`` does.
    """
    countable = depth <= 64 or channels == 1  # beyond, there are more than 2**63 bytes
    if countable and bytes_at(depth) <= SMALL_RESULT_BYTES:
        return
    available = None if backend is None else available_memory(backend)
    limit = _ADDRESSABLE if available is None else min(available, _ADDRESSABLE)
    highest = min(depth, MAX_DEPTH if channels == 1 else 63)
    largest = bisect_right(range(1, highest + 1), limit, key=bytes_at)
    if depth <= largest:
        return
    needed: int | str = bytes_at(depth) if countable else "more than 2**63 bytes"
    raise MemoryError(
        f"depth: {what} of depth {integer_text(depth)} with {integer_text(channels)} channels "
        f"{shortage(needed, available)} {_advice(largest)}"
    )


def check_scratch(name: str, needed: int, backend: ArrayBackend, advice: str) -> None:
    """MemoryError, which names the argument, if `needed` bytes of scratch memory do not fit."""
    if needed <= SMALL_RESULT_BYTES:
        return
    available = available_memory(backend)
    if needed > (_ADDRESSABLE if available is None else min(available, _ADDRESSABLE)):
        shown = needed if needed < 2**64 else "more than 2**63 bytes"
        raise MemoryError(f"{name}: the computation {shortage(shown, available)} {advice}")


def check_array(
    name: str, shape: tuple[int, ...], itemsize: int, backend: ArrayBackend, advice: str
) -> None:
    """MemoryError, which names the argument, if an array of this shape does not fit."""
    needed = prod(shape) * itemsize
    if needed <= SMALL_RESULT_BYTES:
        return
    available = available_memory(backend)
    if needed > (_ADDRESSABLE if available is None else min(available, _ADDRESSABLE)):
        shown = needed if needed < 2**64 else "more than 2**63 bytes"
        what = f"an array of shape {tuple(shape)}" if needed < 2**64 else "an array"
        raise MemoryError(f"{name}: {what} {shortage(shown, available)} {advice}")


def _advice(largest: int) -> str:
    if largest > 0:
        return f"The largest depth that fits is {largest}."
    return "No depth fits; use fewer channels or paths."


def about_axes(length: int, channels: int) -> str:
    """The end of a message if the axes of the path may be the wrong way round."""
    if length == 1 or channels <= 2 * length:
        return ""
    return (
        f" The path has {length} points of {channels} channels. If it is transposed, pass "
        "path.swapaxes(-1, -2)."
    )
