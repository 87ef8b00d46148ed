"""How much memory there is for arrays and tables."""

from __future__ import annotations

import os
from functools import cache

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


@cache
def _of_machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _limit_of_process() -> int | None:
    """The limit of the process (``ulimit -v``, ``ulimit -d``), if there is one."""
    limits: list[int] = []
    if resource is not None:
        soft = [resource.getrlimit(r)[0] for r in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
        limits = [limit for limit in soft if limit != resource.RLIM_INFINITY]
    return min(limits, default=None)


def _smallest(*known: int | None) -> int | None:
    return min((size for size in known if size is not None), default=None)


def whole_memory() -> int | None:
    """Bytes of memory that the process may use; None where that is unknown."""
    return _smallest(_of_machine(), _limit_of_process())


def available_memory() -> int | None:
    """Bytes that can be allocated now; the whole memory where the system does not say."""
    try:
        with open("/proc/meminfo") as lines:
            line = next(text for text in lines if text.startswith("MemAvailable:"))
        available = 1024 * int(line.split()[1])
    except (OSError, StopIteration, ValueError):  # not Linux
        return whole_memory()
    return _smallest(available, _limit_of_process())
