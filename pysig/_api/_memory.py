"""Checks that a result fits into memory, before anything is allocated."""

from __future__ import annotations

from pysig._backend import ArrayBackend
from pysig._plans.basis_tables import coordinate_count
from pysig._plans.layout import plan_for

# Bytes of a result. Smaller ones are allocated without a look at the available memory, which takes
# some 15 microseconds; beyond the second, checks in Python are negligible beside the work.
SMALL_RESULT_BYTES = 2**20
FAST_PATH_LIMIT = 2**24
_ADDRESSABLE = 2**63 - 1


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
    basis: str | None = None,
) -> None:
    """MemoryError if a result of `rows` rows cannot be addressed, or not be allocated on `backend`
    (None: it exists already).

    One row must fit even if there are none: the schedules keep a signature beside the output.
    """
    bytes_per_coefficient = max(rows, 1) * itemsize

    def size(candidate: int) -> int:
        if basis is not None:
            return coordinate_count(channels, candidate, basis)
        return plan_for(channels, candidate, scalar).size

    if depth < 64 and size(depth) * bytes_per_coefficient <= SMALL_RESULT_BYTES:
        return
    available = None if backend is None else available_memory(backend)
    limit = _ADDRESSABLE if available is None else min(available, _ADDRESSABLE)
    if depth < 64 and size(depth) * bytes_per_coefficient <= limit:
        return
    if channels == 1:  # linear in the depth; the core counts levels in 32 bits
        largest = min(limit // bytes_per_coefficient - scalar, 2**31 - 1)
    else:  # 2**64 numbers fit nowhere
        fits = (k for k in range(min(depth, 63), 0, -1) if size(k) * bytes_per_coefficient <= limit)
        largest = next(fits, 0)
    if depth <= largest:
        return
    needed: int | str = "more than 2**63 bytes"
    if depth <= 64 or channels == 1:
        needed = size(depth) * bytes_per_coefficient
    raise MemoryError(
        f"depth: the output of depth {depth} with {channels} channels "
        f"{shortage(needed, available)} {_advice(largest)}"
    )


def _advice(largest: int) -> str:
    if largest > 0:
        return f"The largest depth that fits is {largest}."
    return "No depth fits; use fewer channels or paths."
