"""The limit of the scratch memory of a call on a GPU, and tables that stay on it."""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

_limit: ContextVar[int | None] = ContextVar("pysig_gpu_memory_limit", default=None)


class set_gpu_memory_limit:
    """Set the limit of scratch memory for calls on CuPy arrays, in the current context.

    The limit decides the length of the blocks of time of ``method="cumsum"`` and the number of
    paths that a derivative processes at a time. It changes results by rounding only. A call exceeds
    it only if one step of one path, or the gradient of one path, needs more. The limit takes effect
    at once; a ``with`` statement restores the former value at its end.

    Parameters
    ----------
    limit : int or None
        Bytes, at least 1. None: a quarter of the memory that is free on the device and in CuPy's
        pool at the time of the call.

    Raises
    ------
    TypeError, ValueError
        If `limit` is not such an integer.

    See Also
    --------
    get_gpu_memory_limit : Return the limit of scratch memory for calls on CuPy arrays.

    Examples
    --------
    >>> import pysig
    >>> with pysig.set_gpu_memory_limit(2**28):
    ...     pysig.get_gpu_memory_limit()
    268435456
    >>> pysig.get_gpu_memory_limit() is None
    True
    """

    def __init__(self, limit: int | None) -> None:
        if limit is not None:
            if isinstance(limit, bool) or not hasattr(limit, "__index__"):
                raise TypeError(
                    f"limit: expected a positive integer (bytes) or None, received {limit!r}."
                )
            limit = limit.__index__()
            if limit < 1:
                raise ValueError(
                    f"limit: expected a positive integer (bytes) or None, received {limit}."
                )
        self._token: Token[int | None] = _limit.set(limit)

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _limit.reset(self._token)


def get_gpu_memory_limit() -> int | None:
    """Return the limit of scratch memory for calls on CuPy arrays.

    Returns
    -------
    int or None
        Bytes, as `set_gpu_memory_limit` set them; None means a quarter of the free memory.

    See Also
    --------
    set_gpu_memory_limit : Set the limit of scratch memory for calls on CuPy arrays, in the current
        context.

    Examples
    --------
    >>> import pysig
    >>> with pysig.set_gpu_memory_limit(10**6):
    ...     pysig.get_gpu_memory_limit()
    1000000
    """
    return _limit.get()


def scratch_limit(cupy: Any) -> int:
    """The limit, in bytes, of a call on the current device."""
    limit = _limit.get()
    if limit is not None:
        return limit
    return _free(cupy) // 4


def available_memory() -> int:
    """Bytes that can be allocated now on the current device: free, or kept by CuPy's pool."""
    import cupy

    return _free(cupy)


def _free(cupy: Any) -> int:
    free, _ = cupy.cuda.runtime.memGetInfo()
    return int(free + cupy.get_default_memory_pool().free_bytes())


def device_tables(cupy: Any, *tables: Any) -> tuple[Any, ...]:
    """Host tables as arrays of the current device, for use on any stream.

    The copies are asynchronous on the current stream, so this waits for them once: a later call on
    another stream must not read a cached table before it has arrived.
    """
    arrays = tuple(cupy.asarray(table) for table in tables)
    cupy.cuda.get_current_stream().synchronize()
    return arrays
