"""The fast path: the extension validates calls without options on NumPy arrays.

Checks in Python would cost more than the computation of a small signature.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pysig._api import _memory
from pysig._api._options import DEFAULTS
from pysig._api.config import check_workers
from pysig._backend import NUMPY
from pysig._combinatorics.words import signature_size

MAX_COPIED_BYTES = 2**16  # of a result; larger ones are computed in place


def fast_call(
    compute: Callable[..., Any], method: Any, workers: Any, path: Any, *arguments: Any
) -> Any:
    """``compute(path, *arguments, workers, limit)``; None if Python has to check the call.

    `compute` returns None for arguments that it does not accept and for signatures beyond `limit`
    bytes. With `workers=0` it declines every call large enough for a second thread.
    """
    if type(path) is not np.ndarray or type(method) is not str or method != "auto":
        return None
    if workers is not None and (type(workers) is not int or workers < 1):
        return None
    computed = compute(path, *arguments, 0, _memory.SMALL_RESULT_BYTES)
    if computed is not None:
        return computed
    threads = check_workers(workers)
    computed = compute(path, *arguments, threads, _memory.SMALL_RESULT_BYTES)
    if computed is not None or path.ndim < 2:
        return computed
    available = _memory.available_memory(NUMPY)
    limit = _memory.FAST_PATH_LIMIT
    return compute(path, *arguments, threads, limit if available is None else min(available, limit))


def fast_call_into(
    out: Any, compute: Callable[..., Any], method: Any, workers: Any, path: Any, depth: Any
) -> Any:
    """As `fast_call`, copied to `out`; None unless `out` surely takes the signatures of `path`."""
    if type(out) is not np.ndarray or type(path) is not np.ndarray or type(depth) is not int:
        return None
    if not 0 < depth <= 64 or path.ndim < 2 or out.nbytes > MAX_COPIED_BYTES:
        return None
    shape = (*path.shape[:-2], signature_size(path.shape[-1], depth))
    if out.shape != shape or out.dtype != path.dtype or not out.flags.carray:
        return None
    if np.may_share_memory(out, path):
        return None
    computed = fast_call(compute, method, workers, path, depth)
    if computed is None:
        return None
    out[...] = computed
    return out


def fast_call_of(
    compute: Callable[..., Any], options: Mapping[str, Any], path: Any, *arguments: Any
) -> Any:
    """Apply `fast_call` if all options but `method` and `workers` are defaults, else None."""
    if not options:
        return fast_call(compute, "auto", None, path, *arguments)
    if not options_are_default(options):
        return None
    method, workers = options.get("method", "auto"), options.get("workers")
    return fast_call(compute, method, workers, path, *arguments)


def options_are_default(options: Mapping[str, Any]) -> bool:
    """Whether all options but `method` and `workers` are known and have their defaults."""
    for name, value in options.items():
        if name not in ("method", "workers") and value is not DEFAULTS.get(name, _UNKNOWN):
            return False
    return True


_UNKNOWN = object()
