"""How much scratch memory a call may take on a GPU."""

from __future__ import annotations

from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any

_limit: ContextVar[int | None] = ContextVar("pysig_gpu_memory_limit", default=None)


class set_gpu_memory_limit:
    """Set how many bytes of scratch a call on CuPy arrays may take, in the current context.

    ``method="cumsum"`` keeps running sums for a block of time; the limit decides how long a block
    is, and how many paths a derivative takes at a time, never the result beyond rounding. It takes
    effect at once; used in a ``with`` statement, the former value comes back at its end. Below what
    one step of one path needs, or the gradient of one path, that is what is taken.

    Parameters
    ----------
    limit : int or None
        Bytes, at least 1. None: a quarter of what is free on the device and in CuPy's pool when
        the call is made.

    Raises
    ------
    TypeError, ValueError
        If `limit` is not such an integer.

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
    """How many bytes of scratch a call on CuPy arrays may take.

    Returns
    -------
    int or None
        What `set_gpu_memory_limit` set; None means a quarter of what is free.

    Examples
    --------
    >>> import pysig
    >>> with pysig.set_gpu_memory_limit(10**6):
    ...     pysig.get_gpu_memory_limit()
    1000000
    """
    return _limit.get()


def scratch_limit(cupy: Any) -> int:
    """Bytes of scratch for a call that is about to run on the current device."""
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
